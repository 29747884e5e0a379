#!/usr/bin/env python3
"""Writes vectors.txt: assembles the programs below with pvmscope.   generate.py PVMSCOPE >vectors.txt"""
import subprocess
import sys
import tempfile

WHAT = 2**64 - 2
HALT = "    jump_ind r0, 0\n"
SPECS = ["0.7.2", "0.8.0", "latest64"]

# name, program, what to do with it
CASES = [
    ("sum", "loop: add_64 r2, r2, r1\n add_imm_64 r1, r1, -1\n branch_ne_imm r1, 0, @loop\n" + HALT,
     ["new 10000", "reg 0 0xffff0000", "reg 1 100", "execute 0"]),
    ("halt_and_reset", "load_imm r7, 7\n" + HALT,
     ["new 100", "reg 0 0xffff0000", "execute 0", "reg 0 0xffff0000", "gas 5", "execute 0"]),
    ("trap", "load_imm r7, -1\n trap\n", ["new 100", "execute 0"]),
    ("out_of_gas", "loop: add_imm_64 r1, r1, 1\n jump @loop\n", ["new 61", "execute 0", "gas 1000", "resume"]),
    ("low_memory", "load_u8 r1, 0x10\n trap\n", ["new 100", "execute 0"]),
    ("fault_and_resume", "load_imm r2, 9\n store_ind_u32 r2, r1, 0\n load_ind_u32 r3, r1, 0\n trap\n",
     ["new 1000", "reg 1 0x20ffe", "execute 0", "page 0x20000 4096 write", "resume",
      "page 0x21000 4096 write", "resume", "read 0x20ffe 4", "read 0x21fff 2"]),
    ("read_only_page", "store_imm_u8 0x30000, 5\n trap\n",
     ["new 100", "page 0x30000 4096 read", "execute 0", "page 0x30000 4096 write", "resume", "read 0x30000 1"]),
    ("host_calls", "ecalli 5\n add_imm_64 r8, r7, 1\n ecalli -3\n add_imm_64 r9, r7, 1\n" + HALT,
     ["new 1000", "reg 0 0xffff0000", f"host continue 10 7 {WHAT}", "host continue 100 7 41", "execute 0"]),
    ("host_terminates", "ecalli 1\n trap\n", ["new 100", "host terminate 0 7 1", "execute 0"]),
    ("host_fails", "ecalli 1\n trap\n", ["new 100", "host error 3 7 1", "execute 0"]),
    ("host_out_of_gas", "ecalli 1\n load_imm r1, 1\n trap\n",
     ["new 1000", "host oog 0 7 1", "execute 0", "host continue 0 7 2", "resume"]),
    ("host_yields", "ecalli 77\n add_imm_64 r1, r7, 5\n" + HALT,
     ["new 1000", "reg 0 0xffff0000", "host yield 10 7 3", "execute 0", "reg 7 6", "resume"]),
    ("without_host", "ecalli 77\n add_imm_64 r1, r7, 5\n" + HALT,
     ["new 1000", "reg 0 0xffff0000", "execute 0", "reg 7 6", "step", "step", "step"]),
    ("jump_table", ".jump_table @first, @second\n load_imm r1, 4\n jump_ind r1, 0\n first: trap\n"
     " second: load_imm r2, 2\n" + HALT,
     ["new 1000", "reg 0 0xffff0000", "execute 0"]),
    ("bad_jump", ".jump_table @end\n jump_ind r1, 1\n end: trap\n", ["new 1000", "execute 0"]),
    ("from_the_middle", "load_imm r1, 1\n fallthrough\n load_imm r2, 2\n trap\n", ["new 1000", "execute 3", "execute 4"]),
    ("memory_of_the_host", "trap\n",
     ["new 10", "write 0x20000 0102", "page 0x20000 8192 write", "write 0x20ffe 01020304", "read 0x20ffd 6",
      "page 0x21000 4096 none", "read 0x20ffe 4", "read 0x20ffe 2", "page 0x20001 4096 write",
      "page 0x8000 4096 write"]),
    ("wide_values", "mul_upper_u_u r3, r1, r2\n div_s_64 r4, r1, r2\n rem_u_64 r5, r1, r2\n"
     " count_set_bits_64 r6, r1\n reverse_bytes r8, r1\n trap\n",
     ["new 1000", "reg 1 0xfedcba9876543210", "reg 2 0x8000000000000001", "execute 0"]),
]


def parts(blob):
    entries, width, length = blob[0], blob[1], blob[2]
    table = [int.from_bytes(blob[3 + i * width:3 + (i + 1) * width], "little") for i in range(entries)]
    code = blob[3 + entries * width:]
    return code[:length], code[length:], table


def main():
    print("# Made by generate.py; README.md tells what the directives are.")
    for name, text, steps in CASES:
        for spec in SPECS:
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/program"
                subprocess.run([sys.argv[1], "asm", "-", "--spec", spec, "-o", path], input=text.encode(), check=True)
                code, mask, table = parts(open(path, "rb").read())
            jumps = ",".join(map(str, table)) or "-"
            print(f"\ncase {name} {spec} {code.hex()} {mask.hex()} {jumps}")
            print("\n".join(steps))


main()
