# docs/tutorial.md shows what its commands print now, times and dates apart.
root=$(cd "$CLI/../.." && pwd)
ln -s "$root/examples" examples
pvmscope run "$GUESTS/sieve.polkavm" --backend recompiler >/dev/null 2>&1 || { echo 'no recompiler here' && exit 77; }
python3 - "$root/docs/tutorial.md" <<'E2'
import re
import subprocess
import sys


def plain(line):
    """Without what differs from run to run, and from terminal to terminal."""
    line = re.sub(r"\d[\d.,]* (ns|us|ms|s)\b", "TIME", line)
    return " ".join(re.sub(r"\d{4}-\d\d-\d\dT[\d:]*Z", "DATE", line).split())


commands = []
is_code = False
for line in open(sys.argv[1], encoding="utf-8"):
    line = line.rstrip("\n")
    if line == "```":
        is_code = not is_code
    elif is_code and line.startswith("$ "):
        commands.append((line[2:], []))
    elif is_code:
        commands[-1][1].append(plain(line))
wrong = 0
for command, shown in commands:
    run = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    printed = [plain(line) for line in run.stdout.splitlines()]
    if printed != shown:
        wrong += 1
        print("$", command)
        for i in range(max(len(shown), len(printed))):
            pair = [lines[i] if i < len(lines) else "(nothing)" for lines in (shown, printed)]
            if pair[0] != pair[1]:
                print("  the page:", pair[0], "\n  printed: ", pair[1])
                break
print("commands with the output of the page:", len(commands) - wrong, "of", len(commands))
E2
