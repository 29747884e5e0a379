#!/bin/sh
# Builds and tests everything: with gcc, with clang under ASan and UBSan, what has threads under ThreadSanitizer, from an
# archive without network, and each fuzz target for some seconds. Installs missing Debian packages first. The last lines
# say how long each part took, and count what ran.
#
#   scripts/test.sh            everything; 20 minutes at most on two cores
#   scripts/test.sh --short    the gcc build and its tests only
#
# FUZZ_SECONDS   how long each fuzz target runs (8)
# A test that cannot run says SKIPPED and why. On CI (CI=true) only the tests listed in tests/allowed-skips may.
# A test of the label `timing` (tests/CMakeLists.txt) that failed beside others is run once more, alone, and then says RETRIED.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/packages.sh
short=no
case "${1:-}" in
'') ;;
--short) short=yes ;;
*) echo "usage: test.sh [--short]" >&2 && exit 2 ;;
esac
passed=0 failed=0 skipped=0
results=build/results
mkdir -p $results
: >$results/times

# timed PART COMMAND...: run it; how long it took is added to what the part took so far
timed()
{
    part=$1 part_began=$(date +%s)
    shift
    "$@"
    echo "$(($(date +%s) - part_began)) $part" >>$results/times
}

print_times()
{
    awk '{ seconds = $1; $1 = ""; if (!($0 in sum)) parts[++count] = $0; sum[$0] += seconds; all += seconds }
        END { for (i = 1; i <= count; i++) printf "%5d s %s\n", sum[parts[i]], parts[i]; printf "%5d s  all\n", all }' $results/times
}

# note NAME STATUS: count one check that is not a ctest
note()
{
    if [ "$2" -eq 0 ]; then
        echo "ok $1"
        passed=$((passed + 1))
    else
        echo "FAILED $1"
        failed=$((failed + 1))
    fi
}

# check NAME COMMAND...: run it, show its output if it fails
check()
{
    check_name=$1
    shift
    status=0
    "$@" >$results/check.log 2>&1 || status=$?
    [ $status -eq 0 ] || tail -n 30 $results/check.log
    note "$check_name" $status
}

# skip_is_allowed TEST
skip_is_allowed()
{
    [ "${CI:-}" != true ] || grep -qxF "$1" tests/allowed-skips
}

# reason_of LOG TEST: the line that says why it failed
reason_of()
{
    awk -v test="$2" '
        is_of && /^ *(Start +[0-9]+:|[0-9]+\/[0-9]+ Test +#|[0-9]+% tests passed)/ { exit }
        is_of && /FAILED|ERROR|Error|assert/ { reason = $0; exit }
        $0 ~ " Test +#[0-9]+: " test " " { is_of = 1; reason = $0; sub(/.*\*\*\*/, "", reason) }
        END { print reason }' "$1"
}

# passes_alone NAME FOLDER TEST: whether it is one that needs a quiet second, and passes when it has one
passes_alone()
{
    ctest --test-dir "$2" -N -L '^timing$' -R "^$3\$" | grep -q '^Total Tests: 1$' || return 1
    ctest --test-dir "$2" -R "^$3\$" --output-on-failure --timeout 600 >$results/"$1.again.log" 2>&1 </dev/null || return 1
    grep -q '^1/1 Test .* Passed' $results/"$1.again.log" || return 1
    echo "RETRIED $1: $3: first run failed ($(reason_of $results/"$1.log" "$3")), alone it passed"
}

# run_ctest NAME FOLDER [REGEX]: all tests of a build, or those that match, counted one by one
run_ctest()
{
    log=$results/$1.log
    ctest --test-dir "$2" -j 2 -R "${3:-.}" --output-on-failure --timeout 600 >"$log" 2>&1 || true
    grep -E '^ *[0-9]+/[0-9]+ Test +#' "$log" >$results/$1.tests || true
    while read -r line; do
        name=$(echo "$line" | sed -E 's/^[^:]*: ([^ ]+) .*/\1/')
        case $line in
        *Passed*) passed=$((passed + 1)) ;;
        *Skipped*)
            reason=$(ctest --test-dir "$2" -R "^$name\$" -V 2>/dev/null </dev/null | grep -m 1 -i skipped || true)
            echo "SKIPPED $1: $name: $reason"
            skipped=$((skipped + 1))
            if ! skip_is_allowed "$name"; then
                note "$1: $name may not be skipped on CI (tests/allowed-skips)" 1
            fi
            ;;
        *)
            if passes_alone "$1" "$2" "$name"; then
                passed=$((passed + 1))
            else
                note "$1: $name (see $log)" 1
            fi
            ;;
        esac
    done <$results/$1.tests
    if [ ! -s $results/$1.tests ]; then
        tail -n 20 "$log"
        note "$1: no test ran" 1
    else
        grep -E 'tests passed' "$log" | sed "s/^/$1: /"
    fi
    sed -n '/^The following tests FAILED/,$p' "$log"
    if grep -q '\*\*\*Failed\|\*\*\*Exception\|\*\*\*Timeout' "$log"; then
        grep -vE '^ *(Start|[0-9]+/[0-9]+ Test)' "$log" | tail -n 60
    fi
}

# build PRESET [TARGET...]: configure and build one of CMakePresets.json, or these targets of it
build()
{
    preset=$1
    shift
    cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"}
}

# Tests that run machines in several threads at once. (test_vm_samples is none of them: ThreadSanitizer hands signals over
# late, where nothing of guest code is to be seen any more.)
thread_tests="test_vm_threads test_recompiler_signals test_recompiler_growth test_prof_recorder"

# shellcheck disable=SC2086 # lists of words
timed "packages" install_packages $build_packages $test_packages $(packages_of $test_programs)
timed "gcc build" check "gcc build without warnings" build default
timed "gcc tests" run_ctest gcc build

if [ $short = no ]; then
    timed "checks of the source" check "code is formatted" scripts/check-format.sh
    timed "checks of the source" check "public headers are strict C11, C++ and self-contained" scripts/check-headers.sh
    timed "build from the archive" check "archive without .git builds without network" scripts/check-archive.sh
    timed "asan build" check "clang build with ASan, UBSan and fuzzers" build asan
    timed "asan tests" run_ctest asan build/asan
    # shellcheck disable=SC2086 # a list of words
    timed "tsan build" check "clang build of the tests with threads, with ThreadSanitizer" build tsan $thread_tests
    timed "tsan tests" run_ctest tsan build/tsan "^unit\\.($(echo $thread_tests | tr ' ' '|'))\$"
    for target in tests/fuzz/fuzz_*.c; do
        name=$(basename "$target" .c)
        mkdir -p $results/corpus/"$name"
        timed "fuzz targets" check "fuzz $name for ${FUZZ_SECONDS:-8} s" build/asan/tests/"$name" \
            -max_total_time="${FUZZ_SECONDS:-8}" -timeout=30 -rss_limit_mb=4096 \
            -artifact_prefix=$results/ $results/corpus/"$name" tests/fuzz/corpus/"$name"
    done
fi

print_times
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
