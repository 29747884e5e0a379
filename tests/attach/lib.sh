# Sourced by the tests in this folder: $1 is pvmscope, $2 the target program. Leaves a clean $work, removed at the end.
pvmscope=$1
target=$2
here=$(cd "$(dirname "$0")" && pwd)

. "$(dirname "$0")/../support/shell.sh"

command -v sqlite3 >/dev/null || skip "sqlite3 is not installed"
[ "$(id -u)" -eq 0 ] || skip "attaching needs root"
work=$(mktemp -d /tmp/pvm-attach-test-XXXXXX)
running=

cleanup()
{
    for pid in $running; do
        kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# start_target NAME ARGUMENTS...: a process that waits for `begin NAME`; $pid is its number, $work/NAME.txt what it prints
start_target()
{
    name=$1
    shift
    mkfifo "$work/$name.go"
    "$target" "$@" <"$work/$name.go" >"$work/$name.txt" &
    pid=$!
    running="$running $pid"
    # The other end stays open until then.
    sleep 600 >"$work/$name.go" &
    eval "holder_$name=$!"
    running="$running $!"
    wait_for 60 grep -q ready "$work/$name.txt" || fail "the target does not start"
}

# begin NAME: let it begin
begin()
{
    echo >"$work/$1.go"
    eval "kill \$holder_$1"
}

# has_attached NAME: it has, or never will
has_attached()
{
    [ -s "$work/$1.db" ] || ! kill -0 "$collector"
}

# attach NAME ARGUMENTS...: collect into $work/NAME.db in the background; returns when it is attached
attach()
{
    name=$1
    shift
    rm -f "$work/$name.db"
    "$pvmscope" attach "$@" -o "$work/$name.db" >"$work/$name.out" 2>"$work/$name.err" &
    collector=$!
    running="$running $collector"
    wait_for 60 has_attached "$name" || true
    [ -s "$work/$name.db" ] || {
        grep -q "eBPF\|uprobes\|permitted" "$work/$name.err" && skip "$(cat "$work/$name.err")"
        fail "does not attach: $(cat "$work/$name.err")"
    }
}

# calls NAME: host calls that a target says it made
calls()
{
    awk 'NF == 2 { sum += $2 } END { print sum + 0 }' "$work/$1.txt"
}

# query NAME SQL: one answer of a run file
query()
{
    sqlite3 "$work/$1.db" "$2"
}

# has_calls NAME COUNT: whether the file has more host calls than that by now
has_calls()
{
    [ "$(query "$1" 'select count(*) from host_calls')" -gt "$2" ]
}

# spent PID: hundredths of a second that a process has run for
spent()
{
    sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# has_spent PID HUNDREDTHS
has_spent()
{
    [ "$(spent "$1")" -ge "$2" ]
}

# stop_collecting NAME: the collector in the background is told to end
stop_collecting()
{
    kill -INT "$collector"
    wait "$collector" || fail "$(cat "$work/$1.err")"
}

# lost NAME: host calls that the file says are lost
lost()
{
    query "$1" "select ifnull(sum(count), 0) from lost_events where kind = 'host_call'"
}

# expect WHAT IS SHOULD
expect()
{
    [ "$2" = "$3" ] || fail "$1: $2, and it should be $3"
    echo "$1: $2"
}
