"""Machines."""
from __future__ import annotations

import ctypes
from typing import Callable, List, Optional

from ._library import HostCallback, lib
from ._types import Access, Backend, Error, HostResult, Instrument, Result, State
from .program import Program

PAGE_SIZE = 4096
REGISTER_COUNT = 13
_ERROR = 5
_NO_CALLBACK = HostCallback()


class VM:
    """A machine: registers, memory, gas, program counter. close() it, or use it in `with`."""

    def __init__(self, program: Program, *, gas: int, backend: Backend = Backend.DEFAULT, service: int = 0) -> None:
        """A machine that runs the program. JAM programs get the standard initialization with empty arguments.

        service: any number; it labels the machine in profiles. Raises Error."""
        self._handle: Optional[int] = None
        self._callback: Optional[Callable[[VM, int], HostResult]] = None
        self._trampoline = _NO_CALLBACK
        self._exception: Optional[BaseException] = None
        handle = lib.pvm_instantiate(program.handle, backend, service, gas)
        if not handle:
            raise Error.last()
        self._handle = handle

    @property
    def handle(self) -> int:
        """The pvm_vm_t*, as a number, for C code of yours. It lives until close()."""
        if self._handle is None:
            raise Error("this machine is closed")
        return self._handle

    def close(self) -> None:
        """Free it. Not from its own callback. Twice is fine."""
        if self._handle is not None:
            lib.pvm_destroy(self._handle)
            self._handle = None

    def __enter__(self) -> VM:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    # -- Execution

    def set_host_callback(self, callback: Optional[Callable[[VM, int], HostResult]]) -> None:
        """Set what answers each ecalli, on the thread that runs the machine; None makes it end the run with
        Result.HOST_CALL. It may read and write this machine and run others. An exception in it ends the run, which
        then raises that exception."""
        self._callback = callback
        self._trampoline = _NO_CALLBACK if callback is None else HostCallback(self._on_host_call)
        lib.pvm_set_host_callback(self.handle, self._trampoline, None)

    def _on_host_call(self, _vm: int, func_id: int, _user_data: object) -> int:
        try:
            assert self._callback is not None
            return int(self._callback(self, func_id))
        except BaseException as exception:  # no exception may pass through C; KeyboardInterrupt goes on behind it
            self._exception = exception
            return HostResult.ERROR

    def _run(self, function: Callable[..., int], *arguments: int) -> Result:
        outer, self._exception = self._exception, None
        try:
            result = function(self.handle, *arguments)
            if self._exception is not None:
                raise self._exception
        finally:
            self._exception = outer
        if result == _ERROR:
            raise Error.last()
        return Result(result)

    def execute(self, entry: int = 0) -> Result:
        """Run from an entry point until an exit. Registers, memory and gas are kept."""
        return self._run(lib.pvm_execute, entry)

    def resume(self) -> Result:
        """Go on after a host call (behind it), a fault or out of gas (the same instruction again)."""
        return self._run(lib.pvm_resume)

    def step(self) -> Result:
        """Execute one instruction; Result.OK in State.READY means that the program goes on."""
        return self._run(lib.pvm_step)

    def reset(self, gas: int) -> None:
        """Back to the state of the beginning, with this gas."""
        self._check(lib.pvm_reset(self.handle, gas))

    def set_arguments(self, arguments: bytes) -> None:
        """Replace the arguments of a JAM program, before it runs."""
        self._check(lib.pvm_set_arguments(self.handle, bytes(arguments), len(arguments)))

    @staticmethod
    def _check(status: int) -> int:
        if status < 0:
            raise Error.last()
        return status

    # -- State

    def register(self, index: int) -> int:
        """Register 0 to 12."""
        if not 0 <= index < REGISTER_COUNT:
            raise IndexError(f"no register {index}")
        return lib.pvm_get_register(self.handle, index)

    def set_register(self, index: int, value: int) -> None:
        """Set register 0 to 12, modulo 2^64."""
        if not 0 <= index < REGISTER_COUNT:
            raise IndexError(f"no register {index}")
        lib.pvm_set_register(self.handle, index, value & (2**64 - 1))

    @property
    def registers(self) -> List[int]:
        """A copy of all registers."""
        return [lib.pvm_get_register(self.handle, index) for index in range(REGISTER_COUNT)]

    @property
    def state(self) -> State:
        """What it is doing; State.HOST in a callback."""
        return State(lib.pvm_get_machine_state(self.handle))

    @property
    def gas(self) -> int:
        """Gas that is left; may be set."""
        return lib.pvm_get_gas(self.handle)

    @gas.setter
    def gas(self, gas: int) -> None:
        if not -2**63 <= gas < 2**63:
            raise OverflowError(f"gas {gas} has more than 64 bits")
        lib.pvm_set_gas(self.handle, gas)

    def use_gas(self, price: int) -> Optional[HostResult]:
        """Take the price of a host call. @return None, or HostResult.OOG if there is less: then nothing is left."""
        left = self.gas - price
        self.gas = max(left, 0)
        return HostResult.OOG if left < 0 else None

    @property
    def pc(self) -> int:
        """Program counter, at an exit that of the instruction that caused it; setting it makes the state READY."""
        return lib.pvm_get_pc(self.handle)

    @pc.setter
    def pc(self, pc: int) -> None:
        self._check(lib.pvm_set_pc(self.handle, pc))

    @property
    def fault_address(self) -> int:
        """In State.FAULT the page of the first inaccessible octet."""
        return lib.pvm_get_fault_address(self.handle)

    @property
    def host_call(self) -> int:
        """In State.HOST the number of the host call."""
        return lib.pvm_get_host_call(self.handle)

    @property
    def backend(self) -> Backend:
        """The engine in use; never DEFAULT."""
        return Backend(lib.pvm_get_backend(self.handle))

    @property
    def result(self) -> bytes:
        """What a halted JAM program returned: the r8 octets at r7, b"" if they cannot be read."""
        address, length = ctypes.c_uint32(), ctypes.c_uint64()
        self._check(lib.pvm_get_result(self.handle, ctypes.byref(address), ctypes.byref(length)))
        return self.read_memory(address.value, length.value) if length.value else b""

    def set_instrumentation(self, flags: Instrument) -> None:
        """Choose what is collected."""
        self._check(lib.pvm_set_instrumentation(self.handle, flags))

    def set_sample_rate(self, hz: int) -> None:
        """How often Instrument.SAMPLES samples, in ticks a second."""
        if not 0 <= hz < 2**32:
            raise Error(f"{hz} samples a second: not in 32 bits")
        self._check(lib.pvm_set_sample_rate(self.handle, hz))

    # -- Memory: copies only

    def read_memory(self, address: int, length: int) -> bytes:
        """A copy of readable guest memory. All or nothing."""
        if not 0 <= address <= 2**32 or not 0 <= length <= 2**32 - address:
            raise Error(f"memory from {address:#x}, {length} octets: not in 32 bits")
        out = ctypes.create_string_buffer(length) if length else None
        self._check(lib.pvm_read_memory(self.handle, address % 2**32, out, length))
        return out.raw if out is not None else b""

    def write_memory(self, address: int, data: bytes) -> None:
        """Copy into writable guest memory. All or nothing."""
        if not 0 <= address < 2**32:
            raise Error(f"memory from {address:#x}: not in 32 bits")
        self._check(lib.pvm_write_memory(self.handle, address, bytes(data), len(data)))

    def map_memory(self, address: int, length: int, access: Access) -> None:
        """Map, change or (Access.NONE) discard whole pages."""
        if not 0 <= address < 2**32 or not 0 <= length <= 2**32:
            raise Error(f"memory from {address:#x}, {length} octets: not in 32 bits")
        self._check(lib.pvm_map_memory(self.handle, address, length, access))

    def access(self, address: int) -> Access:
        """Access to the page that holds the address."""
        return Access(lib.pvm_get_access(self.handle, address))

    def grow_heap(self) -> bool:
        """Perform the host call grow_heap of GP 0.8.0. False: the gas does not suffice; answer HostResult.OOG."""
        return self._check(lib.pvm_grow_heap(self.handle)) == 0
