#!/usr/bin/env python3
"""Make tests/cases/generated/*.json: programs whose results come from the reference interpreter.

Usage: generate.py [OUTPUT_DIRECTORY]; without one the committed files are rewritten. Same output every time.
Per spec: every instruction with edge operands and odd immediate lengths, every memory access at the edges of
pages and of the address space, every jump with good and bad targets, random programs, and random programs that
are resumed after each fault, host call and exhaustion of gas.
"""

import json
import os
import random
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from reference import Machine  # noqa: E402
from reference_program import Program  # noqa: E402
from reference_table import BY_NUMBER, MASK64, OPS, signed  # noqa: E402

SPECS = ("0.7.2", "0.8.0", "latest64")
PAGES = [(0x20000, 0x2000, False), (0x30000, 0x1000, True), (0xFFFFF000, 0x1000, True)]
MEMORY = [(0x20000, "8b4f11c07d93e2a6015eff80fe7f3c29"), (0x20FF8, "f0e1d2c3b4a5968778695a4b3c2d1e0f"),
          (0x30000, "ffffffffffffff7f00000000000000807b"), (0x30FF0, "000102030405060708090a0b0c0d0e8f"),
          (0xFFFFFFF0, "1122334455667788a9bacbdcedfe0f90")]
VALUES = [0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000,
          0x80000001, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0x8000000000000001,
          0xFFFFFFFF7FFFFFFF, 0xFFFFFFFF80000000, 0xFFFFFFFFFFFFFF80, 0xFFFFFFFFFFFFFFFE, MASK64,
          0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x00000000DEADBEEF, 0xAAAAAAAA55555555]
IMMEDIATES = [0, 1, -1, 2, 5, 31, 32, 63, 64, 127, 128, -128, -129, 255, 256, 0x7FFF, 0x8000, -0x8000, -0x8001,
              0x7FFFFF, 0x800000, 0x7FFFFFFF, -0x80000000, 0x12345678, -0x12345678]
ADDRESSES = [0x20000, 0x20FFF, 0x20FFD, 0x20FF9, 0x21FFF, 0x21FF9, 0x21FFC, 0x22000, 0x2FFFF, 0x30000, 0x30FFF, 0x30FFE,
             0x30FFC, 0x30FF8, 0x31000, 0, 0xFFFF, 0xFFF8, 0xFFFFFFFF, 0xFFFFFFF8, 0xFFFFFFFC, 0xFFFFEFFF, 0x80000000]


def shortest(value):
    if value == 0:
        return 0
    return next(n for n in range(1, 5) if n == 4 or value == signed(value, 8 * n))


class Builder:
    """Octets and mask of a program under construction."""

    def __init__(self, spec, rng):
        self.spec, self.rng = spec, rng
        self.code, self.mask, self.fixups = bytearray(), [], []

    def _length(self, value, longest):
        """Mostly the shortest length, sometimes a longer one."""
        least = shortest(value)
        return least if self.rng.random() < 0.7 else self.rng.randint(least, max(least, longest))

    def _value(self, value, length):
        return (value & MASK64).to_bytes(8, "little")[:length]

    def add(self, name, a=0, b=0, d=0, x=0, y=0, target=None):
        """Append an instruction. `target` is an instruction number; its offset is filled in later, in two octets."""
        op, rng = OPS[name], self.rng
        out = bytearray([op.number[self.spec]])
        form = op.form
        offset = b"\0\0" if target is not None else b""
        if form == "IMM":
            out += self._value(x, self._length(x, 4))
        elif form == "REG_EXT":
            out += bytes([a]) + self._value(x, 8)
        elif form == "OFF":
            out += offset
        elif form in ("REG_IMM", "REG_REG_IMM"):
            out += bytes([a | b << 4 if form == "REG_REG_IMM" else a | rng.choice((0, 0, 0, 0x50))])
            out += self._value(x, self._length(x, 5))
        elif form == "REG_REG_OFF":
            out += bytes([a | b << 4]) + offset
        elif form in ("IMM_IMM", "REG_IMM_IMM", "REG_IMM_OFF"):
            lx = self._length(x, 4)
            nibble = rng.choice((lx, lx, lx, lx | 8, 7 if lx == 4 else lx))
            out += bytes([nibble if form == "IMM_IMM" else a | nibble << 4]) + self._value(x, lx)
            out += offset if form == "REG_IMM_OFF" else self._value(y, self._length(y, 5))
        elif form == "REG_REG_IMM_IMM":
            lx = self._length(x, 4)
            out += bytes([a | b << 4, lx]) + self._value(x, lx) + self._value(y, self._length(y, 4))
        elif form == "REG_REG":
            out += bytes([d | a << 4])
        elif form == "REG_REG_REG":
            out += bytes([a | b << 4, rng.choice((d, d, d, d, 12 + d * 7 if d == 12 else d))])
        elif rng.random() < 0.1:
            out += bytes([rng.randrange(256)])  # octets that nothing reads
        if target is not None:
            at = len(self.code) + len(out) - 2
            self.fixups.append((len(self.code), at, target))
        self.code += out
        self.mask += [True] + [False] * (len(out) - 1)

    def _block_starts(self):
        """Numbers of the instructions that begin a block."""
        starts = [i for i, bit in enumerate(self.mask) if bit]
        ops = [BY_NUMBER[self.spec].get(self.code[i]) for i in starts]
        return [0] + [k + 1 for k, op in enumerate(ops[:-1]) if op and Program.is_terminator(op)]

    def finish(self, jumps=()):
        """(blob, program); targets and jumps are instruction numbers, plain pcs as strings, or any "block"."""
        starts = [i for i, bit in enumerate(self.mask) if bit] + [len(self.mask)]

        def place(target):
            if target == "block":
                target = self.rng.choice(self._block_starts())
            return int(target) if isinstance(target, str) else starts[min(target, len(starts) - 1)]

        for pc, at, target in self.fixups:
            self.code[at:at + 2] = self._value(place(target) - pc, 2)
        table = [place(j) for j in jumps]
        return blob_of(bytes(self.code), self.mask, table), Program(bytes(self.code), self.mask, table, self.spec)


def natural(value):
    if value < 0x80:
        return bytes([value])
    assert value < 0x4000
    return bytes([0x80 | value >> 8, value & 255])


def blob_of(code, mask, jumps):
    bits = bytearray((len(code) + 7) // 8)
    for i, bit in enumerate(mask):
        bits[i >> 3] |= bit << (i & 7)
    width = 2 if jumps else 0
    return natural(len(jumps)) + bytes([width]) + natural(len(code)) \
        + b"".join(j.to_bytes(2, "little") for j in jumps) + code + bytes(bits)


# -- Vectors ------------------------------------------------------------------------------

def memory_changes(machine):
    """Octets that are not what MEMORY put there, as chunks; a page that was mapped later counts as zeros."""
    before = {a + k: o for a, octets in MEMORY for k, o in enumerate(bytes.fromhex(octets))}
    chunks = []
    for page in sorted(machine.pages):
        for k, octet in enumerate(machine.pages[page]):
            at = page * 4096 + k
            if octet != before.get(at, 0):
                if not chunks or chunks[-1][0] + len(chunks[-1][1]) != at:
                    chunks.append((at, bytearray()))
                chunks[-1][1].append(octet)
    return [{"address": a, "contents": c.hex()} for a, c in chunks]


def new_machine(program, regs, gas, pc):
    machine = Machine(program, gas, regs, pc)
    for address, length, writable in PAGES:
        machine.map(address, length, writable)
    for address, octets in MEMORY:
        machine.poke(address, bytes.fromhex(octets))
    return machine


def registers(regs, base=(0,) * 13):
    """Those that are not as in `base`."""
    return {str(i): v for i, v in enumerate(regs) if v != base[i]}


def outcome(machine, regs):
    """An assertion, without what the file's defaults say and without registers that are as in `regs`."""
    out = {"status": machine.status, "pc": machine.pc, "gas": machine.gas}
    changed = registers(machine.regs, regs)
    if changed:
        out["regs"] = changed
    memory = memory_changes(machine)
    if memory:
        out["memory-changes"] = memory
    if machine.status == "page-fault":
        out["page-fault-address"] = machine.address
    if machine.status == "host":
        out["host-call"] = signed(machine.host_call, 64)
    if machine.program.block_gas and machine.program.error is None:
        out["charged"] = machine.charged
    return out


def classic(name, blob, program, regs, gas=1000, pc=0, costs=False):
    machine = new_machine(program, regs, gas, pc)
    machine.run()
    if machine.status == "endless":
        return None
    vector = {"name": name, "program": blob.hex()}
    if pc:
        vector["initial-pc"] = pc
    if gas != 1000:
        vector["initial-gas"] = gas
    if any(regs):
        vector["initial-regs"] = registers(regs)
    vector["expected"] = outcome(machine, regs)
    if costs:
        starts = [s for s in sorted(program.block_starts) if s < len(program.code)]
        vector["block-gas-costs"] = {str(s): program.block_cost(s) for s in starts}
    return vector


def stepwise(name, blob, program, regs, gas, rng):
    """Run, mend what stopped it, run again; at most eight times."""
    machine = new_machine(program, regs, gas, 0)
    known = list(regs)
    steps = []
    for _ in range(8):
        machine.run()
        if machine.status == "endless":
            return None
        steps += [{"kind": "run"}, dict(outcome(machine, known), kind="assert")]
        known = list(machine.regs)
        if machine.status == "out-of-gas":
            machine.gas = rng.choice((0, 1, 30, 100, 1000))
            steps.append({"kind": "set-gas", "value": machine.gas})
        elif machine.status == "page-fault":
            if rng.random() < 0.8:
                machine.map(machine.address, 4096, True)
                steps.append({"kind": "map", "address": machine.address, "length": 4096, "is-writable": True})
        elif machine.status == "host":
            register, value = rng.randrange(13), rng.choice(VALUES)
            machine.regs[register] = known[register] = value
            steps.append({"kind": "set-reg", "reg": register, "value": value})
        else:
            break
    return {"name": name, "program": blob.hex(), "initial-gas": gas, "initial-regs": registers(regs), "steps": steps}


# -- Programs -----------------------------------------------------------------------------

def available(spec):
    return [op for op in OPS.values() if op.number[spec] is not None]


def is_jump(op):
    return op.form in ("OFF", "REG_IMM_OFF", "REG_REG_OFF") or op.name in ("jump_ind", "load_imm_jump_ind")


def is_memory(op):
    return op.name.startswith(("store_", "load_")) and not op.name.startswith("load_imm")


def random_registers(rng):
    return [rng.choice(VALUES) if rng.random() < 0.5 else rng.getrandbits(64) for _ in range(13)]


def edge_registers(rng):
    """Five interesting ones, the rest zero: short vectors."""
    regs = [0] * 13
    for i in rng.sample(range(13), 5):
        regs[i] = rng.choice(VALUES)
    return regs


def add_plain(builder, op, rng, regs):
    """A use of an instruction that does not jump; memory operands hit the mapped pages most of the time."""
    a, b, d = (rng.randrange(13) for _ in range(3))
    x, y = rng.choice(IMMEDIATES), rng.choice(IMMEDIATES)
    if is_memory(op):
        address = rng.choice(ADDRESSES) if rng.random() < 0.3 else rng.randrange(0x30000, 0x30FF8)
        x = signed(address, 32)
    builder.add(op.name, a=a, b=b, d=d, x=x, y=y)


def per_instruction(spec, rng):
    """Straight runs of one computing instruction with edge operands."""
    for op in available(spec):
        if is_jump(op) or is_memory(op) or op.name in ("trap", "ecalli"):
            continue
        for k in range(5 if op.form != "NONE" else 1):
            builder = Builder(spec, rng)
            regs = edge_registers(rng)
            for _ in range(6):
                add_plain(builder, op, rng, regs)
            builder.add("trap")
            yield classic("%s_%d" % (op.name, k), *builder.finish(), regs)


def per_access(spec, rng):
    """One access at an edge address each, with the address split between register and immediate."""
    for op in (o for o in available(spec) if is_memory(o)):
        for address in rng.sample(ADDRESSES, 12):
            builder = Builder(spec, rng)
            regs = edge_registers(rng)
            a, b = rng.sample(range(13), 2)
            base = a if op.form == "REG_IMM_IMM" else b
            if op.form in ("IMM_IMM", "REG_IMM"):
                x = signed(address, 32)
            else:
                x = rng.choice(IMMEDIATES)
                regs[base] = (address - x) % (1 << 32) | rng.choice((0, 0, rng.getrandbits(32) << 32))
            builder.add("load_imm", a=rng.choice([r for r in range(13) if r != base]), x=77)
            builder.add(op.name, a=a, b=b, x=x, y=rng.choice(IMMEDIATES))
            builder.add("trap")
            yield classic("%s_0x%x" % (op.name, address), *builder.finish(), regs, gas=rng.choice((1000, 1000, 26, 25, 2, 1)))


def per_branch(spec, rng):
    """Branches and jumps: taken or not, forward, to themselves, into instructions, out of the code."""
    for op in (o for o in available(spec) if is_jump(o) and o.name not in ("jump_ind", "load_imm_jump_ind")):
        for k, target in enumerate((4, 0, 2, "9", "-3", "2000", 5, 3)):
            builder = Builder(spec, rng)
            regs = edge_registers(rng)
            a, b = rng.randrange(13), rng.randrange(13)
            x = rng.choice(IMMEDIATES)
            if rng.random() < 0.5:
                regs[a] = x & MASK64
            if rng.random() < 0.4:
                regs[b] = regs[a]
            builder.add("load_imm", a=rng.randrange(13), x=9)
            builder.add(op.name, a=a, b=b, x=x, target=target)
            builder.add(rng.choice(("fallthrough", "trap", "add_imm_32")), a=1, b=1, x=1)
            builder.add("trap")
            builder.add("add_imm_64", a=2, b=2, x=3)
            if rng.random() < 0.3:
                builder.add(op.name, a=a, b=b, x=x, target=4)  # the last instruction of the code
            else:
                builder.add("trap")
            yield classic("%s_%d" % (op.name, k), *builder.finish(), regs, gas=rng.choice((300, 100, 40, 3)), costs=k == 0 and spec != "0.7.2")


def per_indirect(spec, rng):
    """Dynamic jumps: halt, every kind of bad address, good and bad table entries."""
    goals = [0xFFFF0000, 0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 0xFFFF0001, 0xFFFEFFFE, 0x80000000]
    for name in ("jump_ind", "load_imm_jump_ind"):
        for goal in goals:
            for k in range(3):
                builder = Builder(spec, rng)
                regs = edge_registers(rng)
                a, b = (rng.randrange(13) for _ in range(2))
                offset = rng.choice(IMMEDIATES)
                base = a if name == "jump_ind" else b
                regs[base] = ((goal - offset) & 0xFFFFFFFF) | rng.choice((0, 0xFFFFFFFF00000000))
                builder.add("fallthrough")
                if name == "jump_ind":
                    builder.add(name, a=a, x=offset)
                else:
                    builder.add(name, a=a, b=b, x=rng.choice(IMMEDIATES), y=offset)
                for i in range(3):
                    builder.add("add_imm_64", a=3, b=3, x=i + 1)
                    builder.add("trap")
                yield classic("%s_0x%x_%d" % (name, goal, k), *builder.finish([2, 4, 3, "2000", 6]), regs)


def random_program(spec, rng, size):
    builder = Builder(spec, rng)
    regs = random_registers(rng) if rng.random() < 0.3 else edge_registers(rng)
    ops = available(spec)
    computing = [o for o in ops if not is_jump(o) and not is_memory(o) and o.name not in ("trap", "ecalli", "fallthrough")]
    memory = [o for o in ops if is_memory(o)]
    jumps = [o for o in ops if is_jump(o)]
    for _ in range(size):
        kind = rng.random()
        if kind < 0.55:
            add_plain(builder, rng.choice(computing), rng, regs)
        elif kind < 0.75:
            add_plain(builder, rng.choice(memory), rng, regs)
        elif kind < 0.80:
            builder.add("ecalli", x=rng.choice(IMMEDIATES))
        elif kind < 0.85:
            builder.add("fallthrough")
        else:
            op = rng.choice(jumps)
            target = None if op.name.endswith("_ind") else rng.choice(("block", "block", "block", rng.randrange(size + 1)))
            builder.add(op.name, a=rng.randrange(13), b=rng.randrange(13), x=rng.choice(IMMEDIATES),
                        y=rng.choice(IMMEDIATES), target=target)
    if rng.random() < 0.95 or spec == "0.8.0":
        builder.add(rng.choice(("trap", "trap", "trap", "fallthrough")))
    blob, program = builder.finish(["block" for _ in range(rng.randrange(4))])
    return blob, program, regs


def broken_program(spec, rng):
    """Random octets under a random mask."""
    size = rng.randrange(1, 40)
    code = bytes(rng.choice((rng.randrange(256), rng.choice(available(spec)).number[spec])) for _ in range(size))
    mask = [rng.random() < 0.4 for _ in range(size)]
    mask[0] = mask[0] or rng.random() < 0.9
    if spec == "latest64":
        # memset, which is refused, and what stands at a clear bit have no settled meaning there.
        code = bytes(o if o != 2 else 0 for o in code)
    return blob_of(code, mask, []), Program(code, mask, [], spec), edge_registers(rng)


def random_ones(spec, rng, count):
    for k in range(count):
        blob, program, regs = random_program(spec, rng, rng.randrange(3, 14))
        starts = [i for i in range(len(program.code)) if program.mask[i]]
        pc = rng.choice(starts) if rng.random() < 0.2 else 0
        yield classic("random_%d" % k, blob, program, regs, gas=rng.choice((3000, 1000, 1000, 200, 60, 5)), pc=pc,
                      costs=spec != "0.7.2" and k % 8 == 0)


def broken_ones(spec, rng, count):
    for k in range(count):
        blob, program, regs = broken_program(spec, rng)
        yield classic("broken_%d" % k, blob, program, regs, pc=rng.choice((0, 0, 0, 1, len(program.code), 50)))


def stepwise_ones(spec, rng, count):
    for k in range(count):
        blob, program, regs = random_program(spec, rng, rng.randrange(4, 16))
        yield stepwise("steps_%d" % k, blob, program, regs, rng.choice((1000, 150, 45, 4)), rng)


def vectors_of(spec):
    rng = random.Random("pvm " + spec)
    share = 4 if spec == "latest64" else 1
    for group in (per_instruction(spec, rng), per_access(spec, rng), per_branch(spec, rng), per_indirect(spec, rng),
                  random_ones(spec, rng, 720 // share), broken_ones(spec, rng, 200), stepwise_ones(spec, rng, 80)):
        for index, vector in enumerate(group):
            if vector is not None and (share == 1 or index % 3 == 0):
                yield vector


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "generated")
    os.makedirs(folder, exist_ok=True)
    for spec in SPECS:
        defaults = {
            "spec": spec, "initial-gas": 1000,
            "initial-page-map": [{"address": a, "length": n, "is-writable": w} for a, n, w in PAGES],
            "initial-memory": [{"address": a, "contents": o} for a, o in MEMORY],
            "memory-changes": [],
        }
        path = os.path.join(folder, "%s.json" % spec)
        with open(path, "w", encoding="ascii") as out:
            out.write('{"comment": "made by tests/cases/generate.py; format: tests/cases/README.md",\n"defaults": ')
            json.dump(defaults, out, separators=(",", ":"))
            out.write(',\n"programs": [\n')
            count = 0
            for vector in vectors_of(spec):
                out.write(",\n" if count else "")
                json.dump(vector, out, separators=(",", ":"))
                count += 1
            out.write("\n]}\n")
        print("%s: %d programs, %d octets" % (path, count, os.path.getsize(path)))


if __name__ == "__main__":
    main()
