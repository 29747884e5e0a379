"""Reads exports as strictly as their readers do, and compares what they say with the report of the same run.

    check.py FOLDER     holds report.json (export --format json), lines.json (report --by line), csv, speedscope,
                        callgrind, pprof, firefox, perfetto and folded.VALUE for each value, all of one run;
                        of a recording with calls, whose gas is told by who called whom, without lines.json

Prints one line for each format; what is wrong ends it with an exception."""
import collections
import csv
import gzip
import json
import pathlib
import sys
from decimal import Decimal

VALUES = ("gas", "host_gas", "hits", "host_calls", "time", "calls")
folder = pathlib.Path(sys.argv[1])


def load(name):
    """JSON without a key that is there twice, and without NaN."""
    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), "a key twice"
        return dict(pairs)

    def refuse(text):
        raise ValueError(text)

    return json.loads((folder / name).read_text(encoding="utf-8"), object_pairs_hook=unique,
                      parse_constant=refuse, parse_float=Decimal)


def say(name, text):
    print(f"{name}: {text}")


def add(stacks, stack, values):
    for i, value in enumerate(values):
        stacks[stack][i] += value


def new_stacks():
    return collections.defaultdict(lambda: [0] * len(VALUES))


def without_zeros(stacks):
    return {stack: values for stack, values in stacks.items() if any(values)}


# -- CSV against the report ------------------------------------------------------------------

def read_csv():
    stacks, functions, blocks, calls = new_stacks(), collections.Counter(), {}, collections.Counter()
    entered = collections.Counter()
    with open(folder / "csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values = [int(row["time_ns" if name == "time" else name]) for name in VALUES]
            add(stacks, tuple(row["stack"].split(";")), values)
            if row["kind"] == "host":
                calls[row["stack"].split(";")[-1]] += values[3]
            else:
                functions[row["function"]] += values[0]
                entered[row["function"]] += values[5]
            if row["kind"] == "block":
                at = blocks.setdefault(int(row["pc"]), [0, 0])
                at[0] += values[0]
                at[1] += values[2]
    return without_zeros(stacks), functions, blocks, calls, entered


report = load("report.json")
stacks, functions, blocks, calls, entered = read_csv()
totals = [sum(column) for column in zip(*stacks.values())]
summary = report["summary"]
assert totals[0] == summary["gas_used"] == summary["blocks_gas"] + summary["host_gas"]
assert totals[1] == summary["host_gas"] and totals[3] == summary["host_calls"]
assert totals[2] == sum(row["hits"] for row in report["blocks"])
# Time in guest code is sampled: shares of what was measured, each rounded.
sampled_ns = summary["guest_ns"] if summary.get("samples") else 0
assert abs(totals[4] - sampled_ns - sum(row["duration_ns"] for row in report["host_calls"])) <= len(stacks) * bool(sampled_ns)
# Several programs can have functions of one name and blocks at one pc.
reported = collections.Counter()
reported_blocks = collections.defaultdict(lambda: [0, 0])
for row in report["functions"]:
    reported[row["function"]] += row["self_gas"] or 0  # the engine has samples only
for row in report["blocks"]:
    reported_blocks[row["pc"]][0] += row["gas"]
    reported_blocks[row["pc"]][1] += row["hits"]
assert functions == reported
if (folder / "lines.json").exists():
    assert blocks == reported_blocks
else:
    # Gas is told by block where a function was called from one place only; hits always are.
    assert all(blocks[pc][1] == hits and blocks[pc][0] in (0, gas) for pc, (gas, hits) in reported_blocks.items())
# Calls of functions are known by who called whom only.
reported_calls = collections.Counter()
for row in report["functions"] if not (folder / "lines.json").exists() else ():
    reported_calls[row["function"]] += row["calls"] or 0
assert +entered == +reported_calls and totals[5] == reported_calls.total()
assert +calls == {row["name"]: row["calls"] for row in report["host_calls"]}
say("csv", f"{len(functions)} functions, {len(blocks)} blocks and {len(calls)} host calls as in the report" +
    (f", {totals[5]} calls of functions" if totals[5] else ""))


# -- The others against the CSV --------------------------------------------------------------

def read_folded():
    read = new_stacks()
    for i, value in enumerate(VALUES):
        for line in (folder / f"folded.{value}").read_text(encoding="utf-8").splitlines():
            names, number = line.rsplit(" ", 1)
            plain = (name.removesuffix("_[i]").removesuffix("_[k]") for name in names.split(";"))
            read[tuple(plain)][i] += int(number)
    return read


def read_speedscope():
    read, file = new_stacks(), load("speedscope")
    names = [frame["name"] for frame in file["shared"]["frames"]]
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    for i, profile in enumerate(file["profiles"]):
        assert profile["type"] == "sampled" and len(profile["samples"]) == len(profile["weights"])
        assert sum(profile["weights"]) == profile["endValue"] == totals[i]
        for stack, weight in zip(profile["samples"], profile["weights"]):
            read[tuple(names[frame] for frame in stack)][i] += weight
    return read


def read_firefox():
    read, file = new_stacks(), load("firefox")
    # A value that the recording does not have is a thread, too, but none to look at.
    assert file["meta"]["initialVisibleThreads"] == [i for i, total in enumerate(totals) if total or i == 0]
    assert len(file["threads"]) == len(VALUES)
    for i, thread in enumerate(file["threads"]):
        strings = thread["stringArray"]
        for table in ("samples", "stackTable", "frameTable", "funcTable"):
            columns = thread[table]
            assert {len(v) for v in columns.values() if isinstance(v, list)} == {columns["length"]}
        for stack, weight in zip(thread["samples"]["stack"], thread["samples"]["weight"]):
            names = []
            while stack is not None:
                func = thread["frameTable"]["func"][thread["stackTable"]["frame"][stack]]
                names.insert(0, strings[thread["funcTable"]["name"][func]])
                above = thread["stackTable"]["prefix"][stack]
                assert above is None or above < stack
                stack = above
            assert names[0] == "all"
            read[tuple(names[1:])][i] += weight
    return read


def fields(data):
    """Of a protocol buffer: number and value, an int or octets."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                return value

    while at < len(data):
        tag = varint()
        assert tag & 7 in (0, 2), "wire type"
        value = varint()
        if tag & 7 == 2:
            assert at + value <= len(data), "length"
            at += value
            value = data[at - value:at]
        yield tag >> 3, value


def varints(octets):
    """Numbers of a packed field."""
    value = shift = 0
    for octet in octets:
        value |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            yield value - (1 << 64) if value >> 63 else value
            value = shift = 0
    assert shift == 0


def only(message, number):
    return [value for field, value in fields(message) if field == number]


class Pprof:
    """Stretches of blocks are locations there: their last line is that of a function with code of its own, those before it
    are inlined in it."""

    def __init__(self):
        data = gzip.decompress((folder / "pprof").read_bytes())
        strings = [text.decode("utf-8") for text in only(data, 6)]
        assert strings[0] == ""
        types = [[strings[value] for _, value in fields(kind)] for kind in only(data, 1)]
        assert [kind[0] for kind in types] == list(VALUES) and types[4][1] == "nanoseconds", types
        assert strings[only(data, 14)[0]] == "gas"
        functions = {only(function, 1)[0]: (strings[only(function, 2)[0]], strings[(only(function, 4) or [0])[0]])
                     for function in only(data, 5)}
        locations = {only(location, 1)[0]: [functions[only(line, 1)[0]] + tuple(only(line, 2) or [0])
                                            for line in only(location, 4)] for location in only(data, 4)}
        assert len(functions) == len(only(data, 5)) and len(locations) == len(only(data, 4)) and 0 not in locations
        self.stacks, self.lines, self.lineless = new_stacks(), collections.Counter(), 0
        for sample in only(data, 2):
            places = [locations[id] for octets in only(sample, 1) for id in varints(octets)]
            values = [value for octets in only(sample, 2) for value in varints(octets)]
            assert len(values) == len(VALUES)
            add(self.stacks, tuple(place[-1][0] for place in reversed(places)), values)
            if places[0][0][2] > 0:
                self.lines[places[0][0]] += values[0] - values[1]
            else:
                self.lineless += values[0] - values[1]


def physical():
    """The folded stacks without blocks and inlined functions."""
    read = new_stacks()
    for i, value in enumerate(VALUES):
        for line in (folder / f"folded.{value}").read_text(encoding="utf-8").splitlines():
            names, number = line.rsplit(" ", 1)
            read[tuple(name.removesuffix("_[k]") for name in names.split(";")
                       if not name.startswith("@") and not name.endswith("_[i]"))][i] += int(number)
    return read


pprof = Pprof()
for name, read, expected in (("folded", read_folded(), stacks), ("speedscope", read_speedscope(), stacks),
                             ("firefox", read_firefox(), stacks), ("pprof", pprof.stacks, physical())):
    assert without_zeros(read) == without_zeros(expected), name
    say(name, f"{len(expected)} stacks as in the csv")

if (folder / "lines.json").exists():
    reported_lines, lineless = collections.Counter(), 0
    for row in load("lines.json")["lines"]:
        if row["line"]:
            reported_lines[row["function"], row["file"], row["line"]] += row["gas"]
        else:
            lineless += row["gas"]
    assert +pprof.lines == +reported_lines and pprof.lineless == lineless
    say("pprof", f"gas of {len(+reported_lines)} lines as in the report")


def check_callgrind():
    """Self cost of every function, and of all calls that no other call holds."""
    own, lines, function, skip = collections.Counter(), [], None, False
    for line in (folder / "callgrind").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        if key == "fn":
            function = value
        elif key == "calls":
            skip = True
        elif line.startswith("summary:"):
            assert [int(number) for number in line.split()[1:]] == totals
        elif line.startswith("0x") and skip:
            skip = False
        elif line.startswith("0x"):
            own[function] += int(line.split()[2])
            lines.append([int(number) for number in line.split()[2:]])
    assert [sum(column) for column in zip(*lines)] == totals
    for name, gas in functions.items():
        assert own[name] == gas, name
    say("callgrind", f"self cost of {len(functions)} functions as in the report")


def check_perfetto():
    file = load("perfetto")
    ends, gas, ns, calls = {}, collections.Counter(), collections.Counter(), collections.Counter()
    assert file["displayTimeUnit"] == "ns"
    # Perfetto takes a thread with the number of a process for that process's first, and 0 for the idle one.
    threads = {event["tid"] for event in file["traceEvents"] if "tid" in event}
    assert 0 not in threads and not threads & {event["pid"] for event in file["traceEvents"]}
    for event in sorted(file["traceEvents"], key=lambda event: event.get("ts", 0)):
        assert isinstance(event["pid"], int) and event["ph"] in "XCM"
        if event["ph"] != "X":
            assert event["ph"] == "M" or isinstance(event["args"]["gas"], int)
            continue
        # Slices of one thread stand one in the other.
        open_ends = ends.setdefault((event["pid"], event["tid"]), [])
        end = event["ts"] + event["dur"]
        while open_ends and open_ends[-1] <= event["ts"]:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1], event
        open_ends.append(end)
        if event["cat"] == "host call":
            calls[event["name"]] += 1
            gas[event["name"]] += event["args"]["gas"]
            ns[event["name"]] += int(event["dur"] * 1000)
    for row in report["host_calls"]:
        assert (calls[row["name"]], gas[row["name"]], ns[row["name"]]) == (row["calls"], row["gas"], row["duration_ns"])
    say("perfetto", f"{sum(calls.values())} host calls as in the report")


check_callgrind()
check_perfetto()
