"""A slow and literal PVM: the rules of GP 0.7.2, GP 0.8.0 and latest64, for expected values of test vectors.

Written from the rules, not from the engine; docs/spec-notes.md has the decisions where the paper is silent.
Python 3, standard library only.
"""

from reference_program import Program
from reference_table import CONDITION, IMMEDIATE, MASK64, ONE, TWO, TYPES

PAGE = 4096
HALT_ADDRESS = (1 << 32) - (1 << 16)


class Exit(Exception):
    def __init__(self, status, address=None, host_call=None):
        super().__init__(status)
        self.status, self.address, self.host_call = status, address, host_call


class Machine:
    """Registers, memory, gas. run() goes on until an exit; run() again resumes where that is allowed."""

    def __init__(self, program, gas, regs=None, pc=0):
        self.program, self.gas, self.pc, self.charged = program, gas, pc, False
        self.regs = list(regs or [0] * 13)
        self.pages, self.writable = {}, {}
        self.status, self.address, self.host_call = "ready", None, None

    def map(self, address, length, writable):
        for page in range(address // PAGE, (address + length) // PAGE):
            self.pages.setdefault(page, bytearray(PAGE))
            self.writable[page] = writable

    def poke(self, address, contents):
        for k, octet in enumerate(contents):
            self.pages[(address + k) // PAGE][(address + k) % PAGE] = octet

    def nonzero(self):
        """Memory as chunks of one non-zero octet each, ascending."""
        chunks = []
        for page in sorted(self.pages):
            for k, octet in enumerate(self.pages[page]):
                at = page * PAGE + k
                if octet:
                    chunks.append((at, [octet]))
        return [{"address": a, "contents": c} for a, c in chunks]

    def _check(self, address, count, write):
        for k in range(count):
            at = (address + k) % (1 << 32)
            page = at // PAGE
            good = page in self.pages and (self.writable[page] or not write)
            if at < (1 << 16) or not good:
                raise Exit("panic") if at < (1 << 16) else Exit("page-fault", address=page * PAGE)

    def _load(self, address, kind):
        count, is_signed = TYPES[kind]
        address %= 1 << 32
        self._check(address, count, False)
        octets = bytes(self.pages[(address + k) % (1 << 32) // PAGE][(address + k) % PAGE] for k in range(count))
        return int.from_bytes(octets, "little", signed=is_signed) & MASK64

    def _store(self, address, kind, value):
        count = TYPES[kind][0]
        address %= 1 << 32
        self._check(address, count, True)
        for k in range(count):
            at = (address + k) % (1 << 32)
            self.pages[at // PAGE][at % PAGE] = value >> (8 * k) & 255

    def _static_jump(self, target):
        if target not in self.program.block_starts:
            raise Exit("panic")
        self.pc = target

    def _dynamic_jump(self, a):
        if a == HALT_ADDRESS:
            raise Exit("halt")
        jumps = self.program.jumps
        if a == 0 or a % 2 or a > 2 * len(jumps):
            raise Exit("panic")
        self._static_jump(jumps[a // 2 - 1])

    def _branch(self, i, taken):
        starts = self.program.block_starts
        if self.program.block_gas and (i.t not in starts or i.next not in starts):
            raise Exit("panic")
        if taken:
            self._static_jump(i.t)
        else:
            self.pc = i.next

    def _execute(self, i):
        name, regs = i.op.name, self.regs
        if name == "trap":
            raise Exit("panic")
        if name == "ecalli":
            raise Exit("host", host_call=i.x)
        if name == "fallthrough" and self.program.block_gas:
            return self._static_jump(i.next)
        if name == "jump":
            return self._static_jump(i.t)
        if name == "jump_ind":
            return self._dynamic_jump((regs[i.a] + i.x) % (1 << 32))
        if name == "load_imm_jump":
            regs[i.a] = i.x
            return self._static_jump(i.t)
        if name == "load_imm_jump_ind":
            a = (regs[i.b] + i.y) % (1 << 32)
            regs[i.a] = i.x
            return self._dynamic_jump(a)
        if name.startswith("branch_"):
            kind = name[len("branch_"):]
            if kind.endswith("_imm"):
                return self._branch(i, CONDITION[kind[:-4]](regs[i.a], i.x))
            return self._branch(i, CONDITION[kind](regs[i.a], regs[i.b]))
        self._compute(i, name, regs)
        self.pc = i.next
        return None

    def _compute(self, i, name, regs):
        kind = name.rsplit("_", 1)[-1]
        if name in ("fallthrough", "unlikely"):
            pass
        elif name in ("load_imm", "load_imm_64"):
            regs[i.a] = i.x
        elif name.startswith("store_imm_ind_"):
            self._store(regs[i.a] + i.x, kind, i.y)
        elif name.startswith("store_imm_"):
            self._store(i.x, kind, i.y)
        elif name.startswith("store_ind_"):
            self._store(regs[i.b] + i.x, kind, regs[i.a])
        elif name.startswith("store_"):
            self._store(i.x, kind, regs[i.a])
        elif name.startswith("load_ind_"):
            regs[i.a] = self._load(regs[i.b] + i.x, kind)
        elif name.startswith("load_"):
            regs[i.a] = self._load(i.x, kind)
        elif name == "sbrk":
            regs[i.d] = 0  # without a standard layout there is no heap
        elif name in ("cmov_iz_imm", "cmov_nz_imm"):
            if (regs[i.b] == 0) == (name == "cmov_iz_imm"):
                regs[i.a] = i.x
        elif name in ("cmov_iz", "cmov_nz"):
            if (regs[i.b] == 0) == (name == "cmov_iz"):
                regs[i.d] = regs[i.a]
        elif name in ONE:
            regs[i.d] = ONE[name](regs[i.a])
        elif name in TWO:
            regs[i.d] = TWO[name](regs[i.a], regs[i.b])
        else:
            regs[i.a] = IMMEDIATE[name](regs[i.b], i.x)

    def _charge(self):
        if not self.program.block_gas:
            if self.gas < 1:
                self.gas = 0
                raise Exit("out-of-gas")
            self.gas -= 1
        elif not self.charged:
            cost = self.program.block_cost(self.pc)
            if self.gas < cost:
                raise Exit("out-of-gas")
            self.gas -= cost
            self.charged = True

    def step(self):
        """One instruction; raises Exit."""
        self._charge()
        i = self.program.decode(self.pc)
        self._execute(i)
        if self.program.is_terminator(i.op):
            self.charged = False

    def run(self, limit=200000):
        if self.status == "host":
            self.pc = self.program.decode(self.pc).next
        if self.program.error or (self.program.spec == "0.8.0" and self.program.op_at(self.pc) is None):
            self.status = "panic"
            return self.status
        self.address = self.host_call = None
        try:
            for _ in range(limit):
                self.step()
            self.status = "endless"
        except Exit as e:
            self.status, self.address, self.host_call = e.status, e.address, e.host_call
        return self.status
