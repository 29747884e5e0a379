"""The instructions as the Gray Paper lists them, typed a second time on purpose.

The reference interpreter must not share a mistake with engine/isa/instructions.def, so it does not read that
file; the engine's own table stays the only one that the product uses.
"""

MASK64 = (1 << 64) - 1
MASK32 = (1 << 32) - 1


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def sx(value, bits):
    return signed(value, bits) & MASK64


def _ror(value, amount, bits):
    value &= (1 << bits) - 1
    amount %= bits
    return ((value >> amount) | (value << (bits - amount))) & ((1 << bits) - 1)


def _div_s(a, b, bits):
    a, b = signed(a, bits), signed(b, bits)
    if b == 0:
        return MASK64
    quotient = abs(a) // abs(b)
    return sx(quotient if (a < 0) == (b < 0) else -quotient, bits)


def _rem_s(a, b, bits):
    a, b = signed(a, bits), signed(b, bits)
    if b == 0:
        return sx(a, bits)
    return sx(-(abs(a) % abs(b)) if a < 0 else abs(a) % abs(b), bits)


def _div_u(a, b, bits):
    a, b = a % (1 << bits), b % (1 << bits)
    return MASK64 if b == 0 else sx(a // b, bits)


def _rem_u(a, b, bits):
    a, b = a % (1 << bits), b % (1 << bits)
    return sx(a, bits) if b == 0 else sx(a % b, bits)


def _count_leading(value, bits):
    return bits - (value % (1 << bits)).bit_length()


def _count_trailing(value, bits):
    value %= 1 << bits
    return bits if value == 0 else (value & -value).bit_length() - 1


ONE = {
    "move_reg": lambda v: v,
    "count_set_bits_64": lambda v: bin(v).count("1"),
    "count_set_bits_32": lambda v: bin(v & MASK32).count("1"),
    "leading_zero_bits_64": lambda v: _count_leading(v, 64),
    "leading_zero_bits_32": lambda v: _count_leading(v, 32),
    "trailing_zero_bits_64": lambda v: _count_trailing(v, 64),
    "trailing_zero_bits_32": lambda v: _count_trailing(v, 32),
    "sign_extend_8": lambda v: sx(v, 8),
    "sign_extend_16": lambda v: sx(v, 16),
    "zero_extend_16": lambda v: v & 0xFFFF,
    "reverse_bytes": lambda v: int.from_bytes(v.to_bytes(8, "little"), "big"),
}

TWO = {
    "add_32": lambda a, b: sx(a + b, 32),
    "sub_32": lambda a, b: sx(a - b, 32),
    "mul_32": lambda a, b: sx(a * b, 32),
    "div_u_32": lambda a, b: _div_u(a, b, 32),
    "div_s_32": lambda a, b: _div_s(a, b, 32),
    "rem_u_32": lambda a, b: _rem_u(a, b, 32),
    "rem_s_32": lambda a, b: _rem_s(a, b, 32),
    "shlo_l_32": lambda a, b: sx(a << (b % 32), 32),
    "shlo_r_32": lambda a, b: sx((a & MASK32) >> (b % 32), 32),
    "shar_r_32": lambda a, b: sx(signed(a, 32) >> (b % 32), 32),
    "add_64": lambda a, b: (a + b) & MASK64,
    "sub_64": lambda a, b: (a - b) & MASK64,
    "mul_64": lambda a, b: (a * b) & MASK64,
    "div_u_64": lambda a, b: _div_u(a, b, 64),
    "div_s_64": lambda a, b: _div_s(a, b, 64),
    "rem_u_64": lambda a, b: _rem_u(a, b, 64),
    "rem_s_64": lambda a, b: _rem_s(a, b, 64),
    "shlo_l_64": lambda a, b: (a << (b % 64)) & MASK64,
    "shlo_r_64": lambda a, b: a >> (b % 64),
    "shar_r_64": lambda a, b: (signed(a, 64) >> (b % 64)) & MASK64,
    "and": lambda a, b: a & b,
    "xor": lambda a, b: a ^ b,
    "or": lambda a, b: a | b,
    "mul_upper_s_s": lambda a, b: ((signed(a, 64) * signed(b, 64)) >> 64) & MASK64,
    "mul_upper_u_u": lambda a, b: (a * b) >> 64,
    "mul_upper_s_u": lambda a, b: ((signed(a, 64) * b) >> 64) & MASK64,
    "set_lt_u": lambda a, b: int(a < b),
    "set_lt_s": lambda a, b: int(signed(a, 64) < signed(b, 64)),
    "rot_l_64": lambda a, b: _ror(a, -(b % 64), 64),
    "rot_l_32": lambda a, b: sx(_ror(a, -(b % 32), 32), 32),
    "rot_r_64": lambda a, b: _ror(a, b, 64),
    "rot_r_32": lambda a, b: sx(_ror(a, b, 32), 32),
    "and_inv": lambda a, b: a & ~b & MASK64,
    "or_inv": lambda a, b: (a | ~b) & MASK64,
    "xnor": lambda a, b: ~(a ^ b) & MASK64,
    "max": lambda a, b: max(signed(a, 64), signed(b, 64)) & MASK64,
    "max_u": lambda a, b: max(a, b),
    "min": lambda a, b: min(signed(a, 64), signed(b, 64)) & MASK64,
    "min_u": lambda a, b: min(a, b),
}

# rA = f(rB, x)
IMMEDIATE = {
    "add_imm_32": lambda b, x: sx(b + x, 32),
    "and_imm": lambda b, x: b & x,
    "xor_imm": lambda b, x: b ^ x,
    "or_imm": lambda b, x: b | x,
    "mul_imm_32": lambda b, x: sx(b * x, 32),
    "set_lt_u_imm": lambda b, x: int(b < x),
    "set_lt_s_imm": lambda b, x: int(signed(b, 64) < signed(x, 64)),
    "shlo_l_imm_32": lambda b, x: sx(b << (x % 32), 32),
    "shlo_r_imm_32": lambda b, x: sx((b & MASK32) >> (x % 32), 32),
    "shar_r_imm_32": lambda b, x: sx(signed(b, 32) >> (x % 32), 32),
    "neg_add_imm_32": lambda b, x: sx(x - b, 32),
    "set_gt_u_imm": lambda b, x: int(b > x),
    "set_gt_s_imm": lambda b, x: int(signed(b, 64) > signed(x, 64)),
    "shlo_l_imm_alt_32": lambda b, x: sx(x << (b % 32), 32),
    "shlo_r_imm_alt_32": lambda b, x: sx((x & MASK32) >> (b % 32), 32),
    "shar_r_imm_alt_32": lambda b, x: sx(signed(x, 32) >> (b % 32), 32),
    "add_imm_64": lambda b, x: (b + x) & MASK64,
    "mul_imm_64": lambda b, x: (b * x) & MASK64,
    "shlo_l_imm_64": lambda b, x: (b << (x % 64)) & MASK64,
    "shlo_r_imm_64": lambda b, x: b >> (x % 64),
    "shar_r_imm_64": lambda b, x: (signed(b, 64) >> (x % 64)) & MASK64,
    "neg_add_imm_64": lambda b, x: (x - b) & MASK64,
    "shlo_l_imm_alt_64": lambda b, x: (x << (b % 64)) & MASK64,
    "shlo_r_imm_alt_64": lambda b, x: x >> (b % 64),
    "shar_r_imm_alt_64": lambda b, x: (signed(x, 64) >> (b % 64)) & MASK64,
    "rot_r_64_imm": lambda b, x: _ror(b, x, 64),
    "rot_r_64_imm_alt": lambda b, x: _ror(x, b, 64),
    "rot_r_32_imm": lambda b, x: sx(_ror(b, x, 32), 32),
    "rot_r_32_imm_alt": lambda b, x: sx(_ror(x, b, 32), 32),
}

CONDITION = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt_u": lambda a, b: a < b,
    "le_u": lambda a, b: a <= b,
    "ge_u": lambda a, b: a >= b,
    "gt_u": lambda a, b: a > b,
    "lt_s": lambda a, b: signed(a, 64) < signed(b, 64),
    "le_s": lambda a, b: signed(a, 64) <= signed(b, 64),
    "ge_s": lambda a, b: signed(a, 64) >= signed(b, 64),
    "gt_s": lambda a, b: signed(a, 64) > signed(b, 64),
}

TYPES = {"u8": (1, False), "i8": (1, True), "u16": (2, False), "i16": (2, True),
         "u32": (4, False), "i32": (4, True), "u64": (8, False)}


class Op:
    """One row: numbers by spec, operand form, and what the pipeline needs."""

    def __init__(self, name, number, form, cycles, slots, units):
        self.name, self.form, self.cycles, self.slots, self.units = name, form, cycles, slots, units
        self.number = {"0.7.2": number, "0.8.0": number, "latest64": number}


def _rows():
    # P: first figure if the destination is among the sources; S: if it is the first source.
    yield "trap", 0, "NONE", 2, 1, ""
    yield "fallthrough", 1, "NONE", 2, 1, ""
    yield "unlikely", 2, "NONE", 40, 1, ""
    yield "ecalli", 10, "IMM", 100, 4, "A"
    yield "load_imm_64", 20, "REG_EXT", 1, 2, ""
    for i, kind in enumerate(("u8", "u16", "u32", "u64")):
        yield "store_imm_" + kind, 30 + i, "IMM_IMM", 25, 1, "AS"
        yield "store_" + kind, 59 + i, "REG_IMM", 25, 1, "AS"
        yield "store_imm_ind_" + kind, 70 + i, "REG_IMM_IMM", 25, 1, "AS"
        yield "store_ind_" + kind, 120 + i, "REG_REG_IMM", 25, 1, "AS"
    for i, kind in enumerate(("u8", "i8", "u16", "i16", "u32", "i32", "u64")):
        yield "load_" + kind, 52 + i, "REG_IMM", 25, 1, "AL"
        yield "load_ind_" + kind, 124 + i, "REG_REG_IMM", 25, 1, "AL"
    yield "jump", 40, "OFF", 15, 1, ""
    yield "jump_ind", 50, "REG_IMM", 22, 1, ""
    yield "load_imm", 51, "REG_IMM", 1, 1, ""
    yield "load_imm_jump", 80, "REG_IMM_OFF", 15, 1, ""
    for i, kind in enumerate(("eq", "ne", "lt_u", "le_u", "ge_u", "gt_u", "lt_s", "le_s", "ge_s", "gt_s")):
        yield "branch_%s_imm" % kind, 81 + i, "REG_IMM_OFF", None, 1, "A"
    yield "move_reg", 100, "REG_REG", 0, 1, ""
    yield "sbrk", 101, "REG_REG", 100, 4, "A"
    yield "count_set_bits_64", 102, "REG_REG", 1, 1, "A"
    yield "count_set_bits_32", 103, "REG_REG", 1, 1, "A"
    yield "leading_zero_bits_64", 104, "REG_REG", 1, 1, "A"
    yield "leading_zero_bits_32", 105, "REG_REG", 1, 1, "A"
    yield "trailing_zero_bits_64", 106, "REG_REG", 2, 1, "AA"
    yield "trailing_zero_bits_32", 107, "REG_REG", 2, 1, "AA"
    yield "sign_extend_8", 108, "REG_REG", 1, 1, "A"
    yield "sign_extend_16", 109, "REG_REG", 1, 1, "A"
    yield "zero_extend_16", 110, "REG_REG", 1, 1, "A"
    yield "reverse_bytes", 111, "REG_REG", 1, ("P", 1, 2), "A"
    p12, p23, s23, s34 = ("P", 1, 2), ("P", 2, 3), ("S", 2, 3), ("S", 3, 4)
    for name, number, cycles, slots, units in (
            ("add_imm_32", 131, 2, p23, "A"), ("and_imm", 132, 1, p12, "A"), ("xor_imm", 133, 1, p12, "A"),
            ("or_imm", 134, 1, p12, "A"), ("mul_imm_32", 135, 4, p23, "AM"), ("set_lt_u_imm", 136, 3, 3, "A"),
            ("set_lt_s_imm", 137, 3, 3, "A"), ("shlo_l_imm_32", 138, 2, p23, "A"),
            ("shlo_r_imm_32", 139, 2, p23, "A"), ("shar_r_imm_32", 140, 2, p23, "A"),
            ("neg_add_imm_32", 141, 3, 4, "A"), ("set_gt_u_imm", 142, 3, 3, "A"), ("set_gt_s_imm", 143, 3, 3, "A"),
            ("shlo_l_imm_alt_32", 144, 2, 4, "A"), ("shlo_r_imm_alt_32", 145, 2, 4, "A"),
            ("shar_r_imm_alt_32", 146, 2, 4, "A"), ("cmov_iz_imm", 147, 2, 3, "A"), ("cmov_nz_imm", 148, 2, 3, "A"),
            ("add_imm_64", 149, 1, p12, "A"), ("mul_imm_64", 150, 3, p12, "AM"), ("shlo_l_imm_64", 151, 1, p12, "A"),
            ("shlo_r_imm_64", 152, 1, p12, "A"), ("shar_r_imm_64", 153, 1, p12, "A"),
            ("neg_add_imm_64", 154, 2, 3, "A"), ("shlo_l_imm_alt_64", 155, 1, 3, "A"),
            ("shlo_r_imm_alt_64", 156, 1, 3, "A"), ("shar_r_imm_alt_64", 157, 1, 3, "A"),
            ("rot_r_64_imm", 158, 1, p12, "A"), ("rot_r_64_imm_alt", 159, 1, 3, "A"),
            ("rot_r_32_imm", 160, 2, p23, "A"), ("rot_r_32_imm_alt", 161, 2, 4, "A")):
        yield name, number, "REG_REG_IMM", cycles, slots, units
    for i, kind in enumerate(("eq", "ne", "lt_u", "lt_s", "ge_u", "ge_s")):
        yield "branch_" + kind, 170 + i, "REG_REG_OFF", None, 1, "A"
    yield "load_imm_jump_ind", 180, "REG_REG_IMM_IMM", 22, 1, ""
    for name, number, cycles, slots, units in (
            ("add_32", 190, 2, p23, "A"), ("sub_32", 191, 2, p23, "A"), ("mul_32", 192, 4, p23, "AM"),
            ("div_u_32", 193, 60, 4, "AD"), ("div_s_32", 194, 60, 4, "AD"), ("rem_u_32", 195, 60, 4, "AD"),
            ("rem_s_32", 196, 60, 4, "AD"), ("shlo_l_32", 197, 2, s34, "A"), ("shlo_r_32", 198, 2, s34, "A"),
            ("shar_r_32", 199, 2, s34, "A"), ("add_64", 200, 1, p12, "A"), ("sub_64", 201, 1, p12, "A"),
            ("mul_64", 202, 3, p12, "AM"), ("div_u_64", 203, 60, 4, "AD"), ("div_s_64", 204, 60, 4, "AD"),
            ("rem_u_64", 205, 60, 4, "AD"), ("rem_s_64", 206, 60, 4, "AD"), ("shlo_l_64", 207, 1, s23, "A"),
            ("shlo_r_64", 208, 1, s23, "A"), ("shar_r_64", 209, 1, s23, "A"), ("and", 210, 1, p12, "A"),
            ("xor", 211, 1, p12, "A"), ("or", 212, 1, p12, "A"), ("mul_upper_s_s", 213, 4, 4, "AM"),
            ("mul_upper_u_u", 214, 4, 4, "AM"), ("mul_upper_s_u", 215, 6, 4, "AM"), ("set_lt_u", 216, 3, 3, "A"),
            ("set_lt_s", 217, 3, 3, "A"), ("cmov_iz", 218, 2, 2, "A"), ("cmov_nz", 219, 2, 2, "A"),
            ("rot_l_64", 220, 1, s23, "A"), ("rot_l_32", 221, 2, s34, "A"), ("rot_r_64", 222, 1, s23, "A"),
            ("rot_r_32", 223, 2, s34, "A"), ("and_inv", 224, 2, 3, "A"), ("or_inv", 225, 2, 3, "A"),
            ("xnor", 226, 2, p23, "A"), ("max", 227, 3, p23, "A"), ("max_u", 228, 3, p23, "A"),
            ("min", 229, 3, p23, "A"), ("min_u", 230, 3, p23, "A")):
        yield name, number, "REG_REG_REG", cycles, slots, units


OPS = {row[0]: Op(*row) for row in _rows()}
for _name, _op in OPS.items():
    if 102 <= _op.number["0.8.0"] <= 111:
        _op.number["0.8.0"] -= 1
OPS["sbrk"].number["0.8.0"] = None
OPS["unlikely"].number.update({"0.7.2": None, "latest64": 3})
BY_NUMBER = {spec: {op.number[spec]: op for op in OPS.values() if op.number[spec] is not None}
             for spec in ("0.7.2", "0.8.0", "latest64")}
assert len(BY_NUMBER["0.7.2"]) == 139 and len(BY_NUMBER["0.8.0"]) == 139
