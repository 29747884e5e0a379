"""Programs."""
from __future__ import annotations

import ctypes
import os
from typing import Optional, Sequence, Union

from ._library import lib
from ._types import Error, Format, Spec


class Program:
    """A loaded program: immutable, shareable between machines and threads. close() it, or use it in `with`."""

    def __init__(self, handle: int) -> None:
        """Use load(), from_bytes() or from_parts()."""
        self._handle: Optional[int] = handle

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]], format: Format = Format.AUTO,
             spec: Spec = Spec.DEFAULT) -> Program:
        """Read a program file. Raises Error for a broken one, OSError if it cannot be read."""
        with open(path, "rb") as file:
            return cls.from_bytes(file.read(), format, spec)

    @classmethod
    def from_bytes(cls, blob: bytes, format: Format = Format.AUTO, spec: Spec = Spec.DEFAULT) -> Program:
        """Read a program from a file's contents, which are copied."""
        return cls._made(lib.pvm_program_load(bytes(blob), len(blob), format, spec))

    @classmethod
    def from_parts(cls, code: bytes, bitmask: bytes, jump_table: Sequence[int] = (),
                   spec: Spec = Spec.DEFAULT) -> Program:
        """Make a program of code, its packed bitmask (one bit where an instruction starts) and jump table."""
        table = (ctypes.c_uint32 * len(jump_table))(*jump_table) if jump_table else None
        return cls._made(lib.pvm_program_from_parts(bytes(code), len(code), bytes(bitmask), len(bitmask), table,
                                                    len(jump_table), spec))

    @classmethod
    def _made(cls, handle: Optional[int]) -> Program:
        if not handle:
            raise Error.last()
        return cls(handle)

    @property
    def handle(self) -> int:
        """The pvm_program_t*, as a number."""
        if self._handle is None:
            raise Error("this program is closed")
        return self._handle

    def close(self) -> None:
        """Give it back; machines that run it keep it alive. Twice is fine."""
        if self._handle is not None:
            lib.pvm_program_release(self._handle)
            self._handle = None

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def spec(self) -> Spec:
        """The rules that it runs under; never DEFAULT."""
        return Spec(lib.pvm_program_spec(self.handle))

    @property
    def format(self) -> Format:
        """The layout that it was read from; never AUTO."""
        return Format(lib.pvm_program_format(self.handle))

    @property
    def problem(self) -> Optional[str]:
        """Why it is invalid, so that it panics at once; None for a valid program."""
        text = lib.pvm_program_error(self.handle)
        return None if text is None else text.decode(errors="replace")

    def entry(self, name: str) -> int:
        """pc of an export; `refine`, `is_authorized` and `accumulate` exist in JAM programs. Raises KeyError."""
        pc = ctypes.c_uint32()
        if lib.pvm_program_find_entry(self.handle, name.encode(), ctypes.byref(pc)) < 0:
            raise KeyError(name)
        return pc.value

    def host_call_name(self, func_id: int) -> Optional[str]:
        """Name of a host call: its import symbol, or JAM's name; None if it has none."""
        name = lib.pvm_host_call_name(self.handle, func_id)
        return None if name is None else name.decode(errors="replace")
