"""Run Polkadot Virtual Machine programs with exact gas: a layer over libpvm with Python's types and errors.

    with pvm.Program.load("service.jam") as program, pvm.VM(program, gas=10**9) as vm:
        vm.set_host_callback(lambda vm, func_id: vm.use_gas(10) or pvm.HostResult.CONTINUE)
        result = vm.execute(program.entry("accumulate"))

Guest memory is read and written by copies. A VM belongs to one thread at a time; a Program may be shared.
"""
import os
from typing import Union

from ._library import lib as _lib
from ._types import Access, Backend, Error, Format, HostResult, Instrument, Result, Spec, State
from .program import Program
from .vm import PAGE_SIZE, REGISTER_COUNT, VM

__all__ = ["Access", "Backend", "Error", "Format", "HostResult", "Instrument", "PAGE_SIZE", "Program",
           "REGISTER_COUNT", "Result", "Spec", "State", "VM", "load_lttng", "record", "record_end", "version"]


def version() -> str:
    """Version of libpvm."""
    return _lib.pvm_version().decode()


def load_lttng() -> None:
    """Load the LTTng provider, so that sessions see this process. Raises Error if it cannot be loaded."""
    if _lib.pvm_trace_load_lttng() < 0:
        raise Error.last()


def record(path: Union[str, os.PathLike[str]]) -> None:
    """Record all machines of this process into a run file, until record_end() or the end of the process.

    PVM_TRACE=record:FILE in the environment does the same. Raises Error."""
    if _lib.pvm_trace_record(os.fsencode(path)) < 0:
        raise Error.last()


def record_end() -> None:
    """Finish the run file. Raises Error if nothing was being recorded or not all could be stored."""
    if _lib.pvm_trace_record_end() < 0:
        raise Error.last()
