"""Run Polkadot Virtual Machine programs with exact gas: a layer over libpvm with Python's types and errors.

    with pvm.Program.load("service.jam") as program, pvm.VM(program, gas=10**9) as vm:
        vm.set_host_callback(lambda vm, func_id: vm.use_gas(10) or pvm.HostResult.CONTINUE)
        result = vm.execute(program.entry("accumulate"))

Guest memory is read and written by copies. A VM belongs to one thread at a time; a Program may be shared.
"""
from ._library import lib as _lib
from ._types import Access, Backend, Error, Format, HostResult, Instrument, Result, Spec, State
from .program import Program
from .vm import PAGE_SIZE, REGISTER_COUNT, VM

__all__ = ["Access", "Backend", "Error", "Format", "HostResult", "Instrument", "PAGE_SIZE", "Program",
           "REGISTER_COUNT", "Result", "Spec", "State", "VM", "load_lttng", "version"]


def version() -> str:
    """Version of libpvm."""
    return _lib.pvm_version().decode()


def load_lttng() -> None:
    """Load the LTTng provider, so that sessions see this process. Raises Error if it cannot be loaded."""
    if _lib.pvm_trace_load_lttng() < 0:
        raise Error.last()
