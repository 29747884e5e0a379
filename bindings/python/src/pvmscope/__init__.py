"""Read what pvmscope recorded.

    run = pvmscope.open("run.db")
    run.info["spec"], run.gas["gas_used"]
    run.table("hot_functions").to_pandas()
    run.report("block", top=20).records()

Tables come from the documented views of the run file (docs/run-file.md) and need nothing else; report() asks the
program pvmscope, and gives the very figures that it prints.
"""
from .run_file import Run, RunFileError, Table, open_run

open = open_run  # pylint: disable=redefined-builtin

__all__ = ["Run", "RunFileError", "Table", "open"]
