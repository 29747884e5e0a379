"""Names of the numbers of pvm.h, and its errors."""
from __future__ import annotations

import enum

from ._library import lib


class Error(Exception):
    """A call of libpvm that failed and changed nothing; the text says why."""

    @classmethod
    def last(cls) -> Error:
        """What the last failed call of this thread said."""
        return cls(lib.pvm_last_error().decode(errors="replace"))


class Result(enum.IntEnum):
    """How a run ended."""
    OK = 0
    OOG = 1
    PANIC = 2
    HOST_CALL = 3
    FAULT = 4


class HostResult(enum.IntEnum):
    """What a host callback wants to happen next."""
    CONTINUE = 0
    TERMINATE = 1
    ERROR = 2
    YIELD = 3
    OOG = 4


class State(enum.IntEnum):
    """What a machine is doing: the numbers of JAM's invoke, and READY."""
    HALT = 0
    PANIC = 1
    FAULT = 2
    HOST = 3
    OOG = 4
    READY = 255


class Backend(enum.IntEnum):
    """The engine that executes; DEFAULT is the fastest one that is available here."""
    DEFAULT = 0
    INTERPRETER = 1
    RECOMPILER = 2


class Spec(enum.IntEnum):
    """The rules that a program runs under; DEFAULT is what a container says, else 0.8.0."""
    DEFAULT = 0
    V0_7_2 = 1
    V0_8_0 = 2
    LATEST64 = 3


class Format(enum.IntEnum):
    """The layout of a program file; AUTO tells them apart."""
    AUTO = 0
    RAW = 1
    JAM = 2
    POLKAVM = 3


class Access(enum.IntEnum):
    """Access to a page of guest memory; WRITE implies READ."""
    NONE = 0
    READ = 1
    WRITE = 2


class Instrument(enum.IntFlag):
    """What VM.set_instrumentation() collects."""
    NONE = 0
    COUNTS = 1
    EDGES = 2
    BLOCKS = 4
    GAS = 8
    MEMORY = 16
    CALLS = 32
    FLIGHT = 64
    SAMPLES = 128
