#!/bin/sh
# Runs the command-line tests: tests/cli/<command>/<what>.sh, each in a clean folder of its own, and compares
# standard output, standard error and exit code with <what>.stdout, <what>.stderr and <what>.exit beside it (missing:
# empty, and 0). Output is compared whole: a test leaves out what changes from run to run before it prints.
#
#   scripts/run-cli-tests.sh [--program PVMSCOPE] [--rewrite] [TEST.sh ...]
#
# --rewrite writes what comes out as the new expectation; read the diff before you commit it. A test that
# exits with 77 is skipped and prints the reason. Exit code: 0 all passed, 77 all skipped, 1 else.
#
# A test finds pvmscope in PATH, and in its environment: GUESTS (program blobs), CLI (tests/cli), VECTORS
# (public conformance data, may be missing).
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
program=$root/build/bin/pvmscope
rewrite=no

while [ $# -gt 0 ]; do
    case $1 in
    --program) program=$2 && shift 2 ;;
    --rewrite) rewrite=yes && shift ;;
    --) shift && break ;;
    -*) echo "run-cli-tests.sh: unknown option $1; see the head of the script" >&2 && exit 2 ;;
    *) break ;;
    esac
done
[ -x "$program" ] || { echo "run-cli-tests.sh: $program: no such program; build it or give --program" >&2; exit 2; }
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
[ $# -gt 0 ] || set -- "$root"/tests/cli/*/*.sh

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" && ln -s "$program" "$folder/bin/pvmscope"

# compare NAME EXPECTED ACTUAL: print the difference, if there is one
compare()
{
    if [ -e "$2" ]; then
        diff -u --label "$1 expected" --label "$1 now" "$2" "$3"
    else
        diff -u --label "$1 expected" --label "$1 now" /dev/null "$3"
    fi
}

# expect SUFFIX ACTUAL: make the file of expectations, none for nothing
expect()
{
    if [ -s "$2" ]; then cp "$2" "$base.$1"; else rm -f "$base.$1"; fi
}

passed=0 failed=0 skipped=0
for test in "$@"; do
    test=$(cd "$(dirname "$test")" && pwd)/$(basename "$test")
    base=${test%.sh}
    name=${base#"$root"/tests/cli/}
    work=$folder/work
    mkdir "$work"
    (
        cd "$work" || exit 2
        exec env -i PATH="$folder/bin:$PATH" HOME="$work" TMPDIR="$folder" LC_ALL=C.UTF-8 TERM=dumb \
            ASAN_OPTIONS="${ASAN_OPTIONS-}" UBSAN_OPTIONS="${UBSAN_OPTIONS-}" \
            GUESTS="$root/examples/guest/blobs" CLI="$root/tests/cli" \
            VECTORS="${PVM_VECTORS-$root/../shared/vectors}" \
            sh "$test" >"$folder/stdout" 2>"$folder/stderr" </dev/null
    )
    status=$?
    chmod -R u+w "$work" && rm -rf "$work"
    if [ $status -eq 77 ]; then
        echo "SKIPPED $name: $(tail -n 1 "$folder/stdout")"
        skipped=$((skipped + 1))
        continue
    fi
    : >"$folder/exit"
    [ $status -eq 0 ] || echo $status >"$folder/exit"
    if [ $rewrite = yes ]; then
        expect stdout "$folder/stdout" && expect stderr "$folder/stderr" && expect exit "$folder/exit"
        continue
    fi
    same=yes
    for suffix in stdout stderr exit; do
        compare "$name.$suffix" "$base.$suffix" "$folder/$suffix" || same=no
    done
    if [ $same = yes ]; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        failed=$((failed + 1))
    fi
done
echo "command-line tests: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] || exit 1
[ $passed -gt 0 ] || [ $skipped -eq 0 ] || exit 77
