"""Run files, by the standard library's sqlite3."""
from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

_VIEWS = ("gas_summary", "executions", "hot_functions", "hot_blocks", "host_calls", "lost_events", "run_info")


class RunFileError(Exception):
    """A file that is no run file, or a report that pvmscope refused."""


@dataclass(frozen=True)
class Table:
    """Columns and rows; gas, hits and pcs are ints, exact."""
    name: str
    columns: Tuple[str, ...]
    rows: List[Tuple[Any, ...]]

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return (dict(zip(self.columns, row)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def records(self) -> List[Dict[str, Any]]:
        """One dictionary for each row: what pandas.DataFrame() takes, too."""
        return list(self)

    def column(self, name: str) -> List[Any]:
        """The values of one column. Raises KeyError."""
        if name not in self.columns:
            raise KeyError(name)
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def to_pandas(self) -> Any:
        """A pandas.DataFrame. Needs pandas (`pip install pvmscope[pandas]`)."""
        import pandas  # only here: nothing else needs it

        return pandas.DataFrame(self.rows, columns=list(self.columns))


class Run:
    """A recorded run, open for reading. close() it, or use it in `with`."""

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        """Raises RunFileError for another kind of file, FileNotFoundError for none."""
        self.path = os.fspath(path)
        if not os.path.exists(self.path):
            raise FileNotFoundError(f"{self.path}: no such file")
        self._db = sqlite3.connect(f"file:{_quoted(self.path)}?mode=ro", uri=True)
        try:
            known = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise RunFileError(f"{self.path}: no run file: {error}") from None
        if not set(_VIEWS) <= known:
            self._db.close()
            raise RunFileError(f"{self.path}: no run file of pvmscope; make one with `pvmscope record`")

    def close(self) -> None:
        """Twice is fine."""
        self._db.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def tables(self) -> Tuple[str, ...]:
        """Names for table()."""
        return _VIEWS

    def table(self, name: str) -> Table:
        """A documented view, whole. Raises KeyError."""
        if name not in _VIEWS:
            raise KeyError(f"{name}; there are {', '.join(_VIEWS)}")
        return self.query(f"SELECT * FROM {name}", name=name)

    def query(self, sql: str, parameters: Tuple[Any, ...] = (), name: str = "query") -> Table:
        """Any query of yours; the file is open for reading only."""
        cursor = self._db.execute(sql, parameters)
        return Table(name, tuple(column[0] for column in cursor.description or ()), cursor.fetchall())

    @property
    def info(self) -> Dict[str, str]:
        """What is known of the run: spec, backend, program, status, ..."""
        return dict(self._db.execute("SELECT key, value FROM run_info").fetchall())

    @property
    def gas(self) -> Dict[str, Any]:
        """gas_start, gas_end, gas_used, blocks_gas, host_gas and result of the whole file."""
        return self.table("gas_summary").records()[0]

    @property
    def lost_events(self) -> Dict[str, int]:
        """How much is missing, by kind; {} for a whole recording."""
        return dict(self._db.execute("SELECT kind, count FROM lost_events").fetchall())

    def ask(self, command: str, *words: str, program: Optional[str] = None) -> Union[Table, Dict[str, Any]]:
        """What `pvmscope COMMAND RUN.db WORDS...` says: one table, or several by name in a dictionary.

        program: the pvmscope to ask; default: $PVMSCOPE, or the one in PATH. Raises RunFileError."""
        executable = program or os.environ.get("PVMSCOPE") or shutil.which("pvmscope")
        if executable is None:
            raise RunFileError("no pvmscope in PATH; install it, or name it in the environment variable PVMSCOPE")
        answer = subprocess.run([executable, command, self.path, *words, "--format", "json"], capture_output=True,
                                text=True, check=False)
        if answer.returncode not in (0, 1) or not answer.stdout:  # 1: the answer is no
            raise RunFileError(answer.stderr.strip())
        document = json.loads(answer.stdout)
        if isinstance(document, list):
            return _table(command, document)
        # Texts stand beside tables: notes, and what is said about columns.
        tables = {name: _table(name, part) for name, part in document.items() if isinstance(part, list) and name != "notes"}
        if len(tables) == 1 and set(document) <= {*tables, "notes", "certainty"}:
            return next(iter(tables.values()))
        return {**document, **tables}

    def report(self, by: Optional[str] = None, top: int = 0, program: Optional[str] = None) -> Union[Table, Dict[str, Any]]:
        """`pvmscope report --by BY --top TOP`; without `by` all of its tables."""
        return self.ask("report", "--top", str(top), *(["--by", by] if by else []), program=program)

    def hostcalls(self, *words: str, program: Optional[str] = None) -> Union[Table, Dict[str, Any]]:
        """The conversation of guest and host; words: --latency, --fold, --call NAME, ..."""
        return self.ask("hostcalls", *words, program=program)

    def annotate(self, function: Optional[str] = None, program: Optional[str] = None) -> Union[Table, Dict[str, Any]]:
        """Instructions of a function with what they cost; of the hottest, if none is named."""
        return self.ask("annotate", *([function] if function else []), program=program)

    def recost(self, spec: str, program: Optional[str] = None) -> Union[Table, Dict[str, Any]]:
        """What the recorded execution costs under another gas model."""
        return self.ask("recost", "--spec", spec, program=program)

    def compare(self, other: Run, program: Optional[str] = None) -> Union[Table, Dict[str, Any]]:
        """This run beside another one: two backends, or before and after."""
        return self.ask("compare", other.path, program=program)


def _table(name: str, rows: List[Dict[str, Any]]) -> Table:
    columns = tuple(rows[0]) if rows else ()
    return Table(name, columns, [tuple(row.get(column) for column in columns) for row in rows])


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def open_run(path: Union[str, os.PathLike[str]]) -> Run:
    """Open a run file for reading."""
    return Run(path)
