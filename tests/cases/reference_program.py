"""Programs for the reference interpreter: blobs, decoding, block starts, validity, and the block costs of GP 0.8.0."""

from reference_table import BY_NUMBER, MASK64, OPS, signed


class Instruction:
    """op, pc, next and the operands a, b, d, x, y, t that its form has."""

    def __init__(self, op, pc, following):
        self.op, self.pc, self.next = op, pc, following
        self.a = self.b = self.d = None
        self.x = self.y = 0
        self.t = None


class Program:
    """Parts of a blob and what follows from them."""

    def __init__(self, code, mask, jumps, spec):
        self.code, self.mask, self.jumps, self.spec = code, mask, jumps, spec
        self.block_gas = spec != "0.7.2"
        self._decoded = {}
        self._costs = {}
        self.block_starts = self._find_block_starts()
        self.error = self._find_error() if spec == "0.8.0" else None

    @classmethod
    def from_blob(cls, blob, spec):
        """A blob that is not exactly its own encoding gives an empty program with an error."""
        try:
            code, mask, jumps = cls._parse(bytes(blob))
        except (IndexError, ValueError) as error:
            program = cls(b"", [], [], spec)
            program.error = "not a blob: %s" % error
            return program
        return cls(code, mask, jumps, spec)

    @staticmethod
    def _parse(blob):
        at = 0

        def take(count):
            nonlocal at
            if count > len(blob) - at:
                raise ValueError("cut off")
            at += count
            return blob[at - count:at]

        def natural():
            first = take(1)[0]
            extra = next((i for i in range(8) if not first & (0x80 >> i)), 8)
            low = int.from_bytes(take(extra), "little")
            value = low if extra == 8 else low + ((first & ((1 << (7 - extra)) - 1)) << (8 * extra))
            if extra > 0 and value < 1 << (7 * extra):
                raise ValueError("a natural is not in its shortest form")
            return value

        count = natural()
        width = take(1)[0]
        size = natural()
        table = take(count * width)
        code = take(size)
        bits = take((size + 7) // 8)
        if at != len(blob) or (size % 8 and bits[-1] >> (size % 8)):
            raise ValueError("octets or bits are left over")
        jumps = [int.from_bytes(table[i * width:(i + 1) * width], "little") for i in range(count)]
        return code, [bool(bits[i >> 3] >> (i & 7) & 1) for i in range(size)], jumps

    def octet(self, at):
        return self.code[at] if 0 <= at < len(self.code) else 0

    def has_start(self, at):
        return at >= len(self.code) or self.mask[at]

    def skip(self, pc):
        for i in range(24):
            if self.has_start(pc + 1 + i):
                return i
        return 24

    def op_at(self, pc):
        """The defined opcode that stands at pc, or None."""
        if 0 <= pc < len(self.code) and self.mask[pc]:
            return BY_NUMBER[self.spec].get(self.code[pc])
        return None

    def _immediate(self, at, length):
        octets = bytes(self.octet(at + i) for i in range(length))
        return int.from_bytes(octets, "little", signed=True) & MASK64

    def decode(self, pc):
        if pc not in self._decoded:
            self._decoded[pc] = self._decode(pc)
        return self._decoded[pc]

    def _decode(self, pc):
        op = self.op_at(pc)
        l = self.skip(pc)
        i = Instruction(op or OPS["trap"], pc, pc + 1 + l)
        if op is None:
            return i
        p = pc + 1
        first, second = self.octet(p), self.octet(p + 1)
        form = op.form
        low, high = min(12, first & 15), min(12, first >> 4)
        if form == "IMM":
            i.x = self._immediate(p, min(4, l))
        elif form == "REG_EXT":
            i.a, i.x = low, self._immediate(p + 1, 8)
        elif form == "OFF":
            i.t = pc + signed(self._immediate(p, min(4, l)), 64)
        elif form in ("REG_IMM", "REG_REG_IMM", "REG_REG_OFF"):
            i.a = low
            if form != "REG_IMM":
                i.b = high
            value = self._immediate(p + 1, min(4, max(0, l - 1)))
            if form == "REG_REG_OFF":
                i.t = pc + signed(value, 64)
            else:
                i.x = value
        elif form in ("IMM_IMM", "REG_IMM_IMM", "REG_IMM_OFF"):
            lx = min(4, (first if form == "IMM_IMM" else first >> 4) & 7)
            if form != "IMM_IMM":
                i.a = low
            i.x = self._immediate(p + 1, lx)
            i.y = self._immediate(p + 1 + lx, min(4, max(0, l - lx - 1)))
            if form == "REG_IMM_OFF":
                i.t = pc + signed(i.y, 64)
        elif form == "REG_REG_IMM_IMM":
            lx = min(4, second & 7)
            i.a, i.b = low, high
            i.x = self._immediate(p + 2, lx)
            i.y = self._immediate(p + 2 + lx, min(4, max(0, l - lx - 2)))
        elif form == "REG_REG":
            i.d, i.a = low, high
        elif form == "REG_REG_REG":
            i.a, i.b, i.d = low, high, min(12, second)
        return i

    @staticmethod
    def is_terminator(op):
        return op.name in ("trap", "fallthrough", "jump", "jump_ind", "load_imm_jump", "load_imm_jump_ind") \
            or op.name.startswith("branch_")

    def _find_block_starts(self):
        found = {0} | {n + 1 + self.skip(n) for n in range(len(self.code))
                       if self.op_at(n) and self.is_terminator(self.op_at(n))}
        starts = {n for n in found if self.op_at(n)}
        if self.spec == "latest64":
            starts.add(len(self.code))  # the trap behind the code
        return starts

    def _find_error(self):
        at = last = 0
        if not self.code:
            return "empty"
        while at < len(self.code):
            if self.op_at(at) is None:
                return "no instruction at %d" % at
            last, at = at, at + 1 + self.skip(at)
        return None if self.is_terminator(self.op_at(last)) else "no terminator at the end"

    def block_cost(self, pc):
        start = max((s for s in self.block_starts if s <= pc), default=0)
        if start not in self._costs:
            self._costs[start] = pipeline_cost(self, start)
        return self._costs[start]


# -- Block cost, GP 0.8.0 -----------------------------------------------------------------

def registers_of(i):
    """(sources in order, destinations) for the pipeline."""
    name = i.op.name
    if name in ("trap", "fallthrough", "unlikely", "ecalli", "jump") or name in (
            "store_imm_u8", "store_imm_u16", "store_imm_u32", "store_imm_u64"):
        return [], []
    if name in ("load_imm", "load_imm_64", "load_imm_jump"):
        return [], [i.a]
    if name == "load_imm_jump_ind":
        return [i.b], [i.a]
    if name == "jump_ind" or (name.startswith("branch_") and name.endswith("_imm")) \
            or name.startswith("store_imm_ind_"):
        return [i.a], []
    if name.startswith("branch_") or name.startswith("store_ind_"):
        return [i.a, i.b], []
    if name.startswith("load_ind_"):
        return [i.b], [i.a]
    if name.startswith("load_"):
        return [], [i.a]
    if name.startswith("store_"):
        return [i.a], []
    if i.op.form == "REG_REG":
        return [i.a], [i.d]
    if i.op.form == "REG_REG_IMM":
        return [i.b], [i.a]
    return [i.a, i.b], [i.d]


def cycles_of(program, i):
    if i.op.cycles is not None:
        return i.op.cycles
    cheap = [OPS[n].number[program.spec] for n in ("trap", "unlikely")]
    return 1 if program.octet(i.next) in cheap or program.octet(i.t) in cheap else 20


def slots_of(i):
    slots = i.op.slots
    if isinstance(slots, int):
        return slots
    sources, destinations = registers_of(i)
    among = sources if slots[0] == "P" else sources[:1]
    return slots[1] if destinations[0] in among else slots[2]


class Entry:
    def __init__(self, program, i, deps, destinations):
        self.state, self.left, self.deps = "DEC", cycles_of(program, i), deps
        self.regs, self.units = set(destinations), i.op.units


def pipeline_cost(program, start):
    pc, cycle, slots, starts = start, 0, 4, 5
    free = {"A": 4, "L": 4, "S": 4, "M": 1, "D": 1}
    entries = []
    while True:
        i = program.decode(pc) if pc is not None else None
        unretired = sum(e.state != "retired" for e in entries)
        if i is not None and slots_of(i) <= slots and unretired < 32:
            slots -= slots_of(i)
            sources, destinations = registers_of(i)
            if i.op.name == "move_reg":
                for e in entries:
                    if i.a in e.regs:
                        e.regs.add(i.d)
                    else:
                        e.regs.discard(i.d)
                pc = i.next
                continue
            deps = [e for e in entries if e.regs & set(sources)]
            for e in entries:
                e.regs -= set(destinations)
            entries.append(Entry(program, i, deps, destinations))
            pc = None if program.is_terminator(i.op) else i.next
            continue
        ready = next((e for e in entries if e.state == "WAIT" and all(d.left == 0 for d in e.deps)
                      and all(free[u] >= e.units.count(u) for u in e.units)), None)
        if starts > 0 and ready is not None:
            ready.state = "EXE"
            for u in ready.units:
                free[u] -= 1
            starts -= 1
            continue
        if pc is None and all(e.state == "retired" for e in entries):
            return max(cycle - 3, 1)
        before = [e.state for e in entries]
        for index, e in enumerate(entries):
            left = e.left
            if before[index] == "EXE" and left == 1:
                for u in e.units:
                    free[u] += 1
            if before[index] == "EXE" and left > 0:
                e.left -= 1
            if all(s in ("FIN", "retired") for s in before[:index + 1]):
                e.state = "retired"
            elif before[index] == "DEC":
                e.state = "WAIT"
            elif before[index] == "EXE" and left == 0:
                e.state = "FIN"
        slots, starts, cycle = 4, 5, cycle + 1
