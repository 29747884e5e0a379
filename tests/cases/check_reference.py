#!/usr/bin/env python3
"""Check the reference interpreter against published vectors: check_reference.py DIRECTORY

DIRECTORY has classic/, gas08/ (with blocks/), random-0.7.2/ and random-0.8.0/. Prints what differs; exit code 1 if that
is not exactly what the runner's .exceptions files list.
"""

import glob
import json
import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is

from reference import Machine  # noqa: E402
from reference_program import Program  # noqa: E402

STATES = {"ecalli": "host", "trap": "panic"}


def octets_of(chunks):
    """Address -> octet, without zeros."""
    return {c["address"] + k: o for c in chunks for k, o in enumerate(c["contents"]) if o}


def value(step, key):
    return step.get(key, step.get(key.replace("-", "_")))


def compare(machine, wanted):
    """Names of what differs between a machine and an assertion without "expected-"."""
    got = {"status": machine.status, "regs": machine.regs, "pc": machine.pc, "gas": machine.gas,
           "page-fault-address": machine.address, "host-call": machine.host_call, "hostcall": machine.host_call}
    bad = []
    for key, mine in got.items():
        theirs = value(wanted, key)
        theirs = STATES.get(theirs, theirs) if key == "status" else theirs
        if theirs is not None and theirs != mine:
            bad.append(key)
    if "memory" in wanted and octets_of(wanted["memory"]) != octets_of(machine.nonzero()):
        bad.append("memory")
    return bad


def costs_differ(program, costs):
    return ["cost of %s" % pc for pc, cost in costs.items() if program.block_cost(int(pc)) != cost]


def check(vector, spec):
    program = Program.from_blob(bytes(vector["program"]), spec)
    bad = costs_differ(program, vector.get("block-gas-costs", {}))
    machine = Machine(program, vector.get("initial-gas", 0), vector.get("initial-regs"), vector.get("initial-pc", 0))
    steps = vector.get("steps", [])
    if "expected-status" in vector:
        steps = [dict(p, kind="map") for p in vector["initial-page-map"]]
        steps += [dict(c, kind="write") for c in vector["initial-memory"]] + [{"kind": "run"}]
        steps.append({key[len("expected-"):]: v for key, v in vector.items() if key.startswith("expected-")})
        steps[-1]["kind"] = "assert"
    for step in steps:
        kind = step["kind"]
        if kind == "run":
            machine.run()
        elif kind == "map":
            machine.map(step["address"], step["length"], value(step, "is-writable"))
        elif kind == "write":
            machine.poke(step["address"], step["contents"])
        elif kind == "set-reg":
            machine.regs[step["reg"]] = step["value"]
        else:
            bad += compare(machine, step)
    return bad


def vectors_in(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        yield from content if isinstance(content, list) else [content]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    unexpected = 0
    for folder, spec in (("classic", "0.7.2"), ("gas08", "latest64"), ("gas08/blocks", "latest64"),
                         ("random-0.7.2", "0.7.2"), ("random-0.8.0", "0.8.0")):
        exceptions = os.path.join(here, "..", "case_runner", folder + ".exceptions")
        known = set()
        if os.path.exists(exceptions):
            with open(exceptions, encoding="ascii") as file:
                known = {line.split()[0] for line in file if line.strip() and line[0] != "#"}
        count = 0
        for vector in vectors_in(os.path.join(sys.argv[1], folder)):
            count += 1
            own_spec = "latest64" if folder == "classic" and "block-gas-costs" in vector else spec
            bad = check(vector, own_spec)
            if bool(bad) != (vector["name"] in known):
                unexpected += 1
                print("%s/%s: %s" % (folder, vector["name"], ", ".join(bad) or "agrees, but is listed as an exception"))
        print("%s: %d vectors, %d known exceptions" % (folder, count, len(known)))
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
