#!/usr/bin/env python3
"""What instrumentation costs that is compiled in and off, and the flight record, which is always on: instructions under
callgrind, of which no busy machine makes more. Compared with the same run without the instructions of those source lines:
  off     the questions whether anybody listens, observes or samples (engine/events/, engine/sampling/, the tests in
          engine/vm/host_call.h)
  flight  what writes the record of the last host calls (lines of engine/vm/host_call.h)
The compiler merges neighbouring stores, so a line's share is that of its debug information. Only pvm_execute() counts.

  bench/off.py [--program PVMSCOPE]    exit 1: more than the bar of 1 % in a guest
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BLOBS = os.path.join(ROOT, "examples/guest/blobs")
BAR = 1.0
# @0 ecalli 1, eight times; jump @0: a raw program that does nothing but call the host.
CODE = bytes([10, 1] * 8 + [40, 240])
CALLS = bytes([0, 0, len(CODE)]) + CODE + bytes([0x55, 0x55, 0x01])


def patterns():
    """Which lines of host_call.h belong to what."""
    with open(os.path.join(ROOT, "engine/vm/host_call.h")) as header:
        lines = header.read().split("\n")
    kinds = {}
    for number, text in enumerate(lines, 1):
        if re.search(r"has_listeners", text):
            kinds[number] = "off"
        elif re.search(r"\bslot\b|flight\[", text):
            kinds[number] = "flight"
    if set(kinds.values()) != {"off", "flight"}:
        sys.exit("off.py: engine/vm/host_call.h does not look as expected; mend patterns()")
    return kinds


def sums(path, kinds):
    """Instructions of one output of callgrind: all, off, flight. The format numbers names and abbreviates lines."""
    result = {"all": 0, "off": 0, "flight": 0}
    names, file, line, inclusive = {}, "", 0, False
    with open(path, errors="replace") as out:
        for text in out:
            name = re.match(r"(fl|fi|fe|cfi|cfl)=\((\d+)\)(?: (.*))?", text)
            if name:
                if name[3]:
                    names[name[2]] = name[3]
                if not name[1].startswith("c"):
                    file = names[name[2]]
            elif text.startswith("calls="):
                inclusive = True
            cost = re.match(r"([+-]?\d+|\*) (\d+)$", text)
            if not cost:
                continue
            at = cost[1]
            line = line if at == "*" else line + int(at) if at[0] in "+-" else int(at)
            if inclusive:
                inclusive = False
                continue
            count = int(cost[2])
            result["all"] += count
            if re.search(r"engine/(events|sampling)/", file):
                result["off"] += count
            elif file.endswith("engine/vm/host_call.h") and line in kinds:
                result[kinds[line]] += count
    return result


def measure(program, folder, blob, backend, options, kinds):
    out = os.path.join(folder, "out")
    # What valgrind knows of the processor; docs/recompiler.md.
    environment = dict(os.environ, PVM_CPU="baseline", PVM_MEMORY="checked")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--smc-check=all", "--toggle-collect=pvm_execute",
         "--callgrind-out-file=" + out, program, "run", blob, "--backend", backend] + options,
        env=environment, capture_output=True, text=True)
    calls = re.search(r"^host calls +([\d,]+)", done.stdout, re.M)
    if not calls or not os.path.exists(out):
        sys.exit("off.py: %s on the %s: %s" % (blob, backend, done.stderr[-500:] + done.stdout[-500:]))
    return int(calls[1].replace(",", "")), sums(out, kinds)


def main():
    program = os.path.join(ROOT, "build/bin/pvmscope")
    if sys.argv[1:2] == ["--program"] and len(sys.argv) == 3:
        program = sys.argv[2]
    elif len(sys.argv) != 1:
        sys.exit("off.py: unknown option; see the head of the script")
    if not shutil.which("valgrind"):
        sys.exit("off.py: no valgrind; install valgrind")
    if not os.access(program, os.X_OK):
        sys.exit("off.py: no program %s; build it, or name it with --program" % program)
    kinds, worst = patterns(), 0
    print("Instructions in pvm_execute(); bar: %.0f %% of a guest's" % BAR)
    print("%-12s %-12s %12s %10s %8s %8s %11s %11s" % (
        "program", "backend", "instructions", "host calls", "off", "flight", "off/call", "flight/call"))
    with tempfile.TemporaryDirectory() as folder:
        only_calls = os.path.join(folder, "host calls")
        with open(only_calls, "wb") as blob:
            blob.write(CALLS)
        rows = [(os.path.join(BLOBS, name + ".polkavm"), options) for name, options in (
            ("service", ["--entry", "refine"]), ("sieve", ["--reg", "r7=1", "--gas", "2000000"]),
            ("interp", ["--reg", "r7=1", "--gas", "2000000"]))]
        for blob, options in rows + [(only_calls, ["--gas", "100000"])]:
            for backend in "interpreter", "recompiler":
                calls, found = measure(program, folder, blob, backend, options, kinds)
                if calls > 0 and not (found["off"] and found["flight"]):
                    sys.exit("off.py: %s has no debug information of the engine; build it with -g" % program)
                off, flight = (100 * found[kind] / found["all"] for kind in ("off", "flight"))
                per = ["%11.1f" % (found[kind] / calls) if calls > 1000 else "%11s" % "-" for kind in ("off", "flight")]
                print("%-12s %-12s %12d %10d %6.3f %% %6.3f %% %s %s" % (
                    os.path.basename(blob).split(".")[0], backend, found["all"], calls, off, flight, per[0], per[1]))
                if blob != only_calls:
                    worst = max(worst, off, flight)
    print("bar %s" % ("met" if worst <= BAR else "missed: %.2f %%" % worst))
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
