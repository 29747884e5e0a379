#!/bin/sh
# Builds and tests everything: with gcc, with clang under ASan and UBSan, what has threads under ThreadSanitizer, from an
# archive without network, and each fuzz target for some seconds. Installs missing Debian packages first. The last line
# counts what ran.
#
#   scripts/test.sh            everything; 20 minutes at most on two cores
#   scripts/test.sh --short    the gcc build and its tests only
#
# FUZZ_SECONDS   how long each fuzz target runs (8)
# A test that cannot run says SKIPPED and why. On CI (CI=true) only the tests listed in tests/allowed-skips may.
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
# shellcheck disable=SC2086 # lists of words
install_packages $build_packages $test_packages $(packages_of $test_programs)

passed=0 failed=0 skipped=0
results=build/results
mkdir -p $results

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
            reason=$(ctest --test-dir "$2" -R "^$name\$" -V 2>/dev/null | grep -m 1 -i skipped || true)
            echo "SKIPPED $1: $name: $reason"
            skipped=$((skipped + 1))
            if ! skip_is_allowed "$name"; then
                note "$1: $name may not be skipped on CI (tests/allowed-skips)" 1
            fi
            ;;
        *) note "$1: $name (see $log)" 1 ;;
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
thread_tests="test_vm_threads test_recompiler_signals test_prof_recorder"

check "gcc build without warnings" build default
run_ctest gcc build

if [ $short = no ]; then
    check "code is formatted" scripts/check-format.sh
    check "public headers are strict C11, C++ and self-contained" scripts/check-headers.sh
    check "archive without .git builds without network" scripts/check-archive.sh
    check "clang build with ASan, UBSan and fuzzers" build asan
    run_ctest asan build/asan
    # shellcheck disable=SC2086 # a list of words
    check "clang build of the tests with threads, with ThreadSanitizer" build tsan $thread_tests
    run_ctest tsan build/tsan "^unit\\.($(echo $thread_tests | tr ' ' '|'))\$"
    for target in tests/fuzz/fuzz_*.c; do
        name=$(basename "$target" .c)
        mkdir -p $results/corpus/"$name"
        check "fuzz $name for ${FUZZ_SECONDS:-8} s" build/asan/tests/"$name" \
            -max_total_time="${FUZZ_SECONDS:-8}" -timeout=10 -rss_limit_mb=4096 \
            -artifact_prefix=$results/ $results/corpus/"$name" tests/fuzz/corpus/"$name"
    done
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
