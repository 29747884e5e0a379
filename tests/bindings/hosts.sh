# The hosts of examples/embed: each is built against an installed tree, prints what the others print, and is profiled without
# knowing of it: in process, by LTTng, and from outside. The C host is the measure of the others.
#   sh hosts.sh BUILD SOURCE LANGUAGE
language=$3
. "$(dirname "$0")/lib.sh"
service=$source/examples/guest/blobs/service.jam
rounds=3
needs sqlite3 sqlite3

case $language in
c)
    cc -std=c11 -Wall -Wextra -Werror "$source/examples/embed/c/host.c" $(pkg-config --cflags --libs pvm) -o "$folder/host"
    ;;
go)
    needs go golang-go
    CGO_LDFLAGS=-L$lib
    CGO_CFLAGS="-O2 -g -I$folder/prefix/include"
    export CGO_LDFLAGS CGO_CFLAGS
    cd "$source/examples/embed/go"
    [ -z "$(gofmt -l .)" ] || { gofmt -d .; exit 1; }
    go vet ./...
    go build -o "$folder/host" .
    cd "$folder"
    ;;
python)
    needs python3 python3
    printf '#!/bin/sh\nexec python3 "%s" "$@"\n' "$source/examples/embed/python/host.py" >"$folder/host"
    chmod +x "$folder/host"
    PYTHONPATH=$source/bindings/python/src PYTHONDONTWRITEBYTECODE=1 PVM_LIBRARY=$lib/libpvm.so
    export PYTHONPATH PYTHONDONTWRITEBYTECODE PVM_LIBRARY
    ;;
rust)
    needs cargo cargo
    CARGO_TARGET_DIR=$folder/target cargo build --quiet --offline --release \
        --manifest-path "$source/examples/embed/rust/Cargo.toml"
    mv "$folder/target/release/host" "$folder/host"
    ;;
esac

fail()
{
    echo "FAILED: $language: $*"
    exit 1
}

# what FILE: figures that every way of profiling must agree on
what()
{
    sqlite3 "$1" "
select 'gas', gas_used, blocks_gas, host_gas, result from gas_summary;
select 'executions', count(*), sum(host_calls), max(difference) from executions;
select 'call', seq, service, pc, name, gas_before, gas_after, r7, r8, result from host_calls order by seq;
select 'block', pc, hits, gas from hot_blocks order by pc;
select 'info', key, value from run_info where key in ('status', 'sum_rule') order by key;"
}

"$folder/host" "$service" $rounds >"$folder/plain.txt" || fail "does not run"
diff "$source/examples/embed/expected.txt" "$folder/plain.txt" || fail "prints something else than the host in C"
"$folder/host" "$folder/missing.jam" >"$folder/log" 2>&1 && fail "runs a file that is not there"

# In process, by the environment alone.
PVM_TRACE=record:$folder/process.db "$folder/host" "$service" $rounds >"$folder/traced.txt"
diff "$folder/plain.txt" "$folder/traced.txt" || fail "prints something else while it is recorded"
what "$folder/process.db" >"$folder/process.txt"
grep -q '^executions|3|111|0' "$folder/process.txt" || fail "recorded: $(head -n 2 "$folder/process.txt")"
grep -q '^info|sum_rule|holds' "$folder/process.txt" || fail "$(grep info "$folder/process.txt")"
pvmscope report "$folder/process.db" --by hostcall >"$folder/log"
grep -q '^write' "$folder/log" || fail "no host call has a name: $(cat "$folder/log")"

# Under LTTng: the same figures.
status=0
sh "$(dirname "$0")/host_lttng.sh" "$(command -v pvmscope)" "$folder/lttng.db" "$folder/host" "$service" $rounds || status=$?
[ $status -eq 0 ] || exit $status
what "$folder/lttng.db" >"$folder/lttng.txt"
diff "$folder/process.txt" "$folder/lttng.txt" >"$folder/log" || fail "by LTTng: $(head -n 5 "$folder/log")"

# From outside, by a process that was started without any thought of it. Python and Go: tests/attach/languages.sh.
case $language in
c | rust)
    [ "$(id -u)" -eq 0 ] || exit 0
    "$folder/host" "$service" 100000000 >"$folder/log" &
    host=$!
    until grep -q libpvm /proc/$host/maps; do
        kill -0 $host || fail "does not go on: $(cat "$folder/log")"
        sleep 0.05
    done
    status=0
    pvmscope attach --pid $host --duration 2 -o "$folder/attach.db" >"$folder/attach.txt" 2>&1 || status=$?
    kill $host || fail "came to harm when it was attached to"
    wait $host 2>/dev/null || true
    if [ $status -eq 4 ]; then
        echo "SKIPPED: $(cat "$folder/attach.txt")"
        exit 77
    fi
    [ $status -eq 0 ] || fail "attach: $(cat "$folder/attach.txt")"
    [ "$(sqlite3 "$folder/attach.db" "select count(*) > 100 from host_calls where service = 7 and name = 'write'")" -eq 1 ] ||
        fail "attached, and hardly a call: $(cat "$folder/attach.txt")"
    ;;
esac
