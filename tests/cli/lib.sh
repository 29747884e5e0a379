# What several command-line tests need. Sourced: . "$CLI/lib.sh"

# hex FILE: its octets as hex digits
hex()
{
    od -An -v -tx1 "$1" | tr -d ' \n'
}

# Without what changes from run to run.
without_times()
{
    grep -v -e '^time ' -e '^>=time ' -e '^recorded at ' -e '^| time ' -e '^| recorded at '
}

# echo_program SPEC: echo.pvm, a program that shows its host everything that the host did before: it calls, adds up
# register and memory that the host set, calls twice more and returns.
echo_program()
{
    cat >echo.asm <<END
.spec $1
    ecalli 1
    load_ind_u64 r9, r1, 16
    add_64 r10, r7, r9
    ecalli 2
    ecalli 100
    jump_ind r0, 0
END
    pvmscope asm echo.asm -o echo.pvm
}

# echo_trace: echo.log, a recorded run of that program under 0.7.2. Every field is seen by somebody later on.
echo_trace()
{
    echo_program 0.7.2
    cat >echo.log <<END
comment made by a test
program 0x$(hex echo.pvm)
memwrite 0x00020000 len=4 <- 0x01020304
start pc=0 gas=1000 r00=0xffff0000 r01=0x20000 r07=0x7
ecalli=1 pc=0 gas=999 r00=0xffff0000 r01=0x20000 r07=0x7
memread 0x00020000 len=4 -> 0x01020304
memwrite 0x00020010 len=8 <- 0x1000000000000000
setreg r07 <- 0x20
setgas <- 900
ecalli=2 pc=8 gas=897 r00=0xffff0000 r01=0x20000 r07=0x20 r09=0x10 r10=0x30
memread 0x00020010 len=8 -> 0x1000000000000000
ecalli=100 pc=10 gas=896 r00=0xffff0000 r01=0x20000 r07=0x20 r09=0x10 r10=0x30
setreg r07 <- 0xfffffffffffffffe
setgas <- 886
HALT pc=12 gas=885 r00=0xffff0000 r01=0x20000 r07=0xfffffffffffffffe r09=0x10 r10=0x30
END
}

# stopped_by SIGNAL COMMAND...: run it, and send it the signal a second later. On a busy machine it may not even have
# begun to listen by then, and is killed (a status above 128): then it gets more time. A killed recorder has begun when
# there is a run.db.
stopped_by()
{
    signal=$1
    shift
    for seconds in 1 5 25; do
        timeout --preserve-status -s "$signal" "$seconds" "$@"
        status=$?
        if [ $status -le 128 ] || { [ "$signal" = KILL ] && [ -e run.db ]; }; then
            break
        fi
    done
    return $status
}

# guest_linker: build the linker of the guests where scripts/build-guests.sh has it, in $GUEST_BUILD. Ends the test as skipped
# where what guests are made with is missing.
guest_linker()
{
    for tool in cargo clang-19 ld.lld-19 patch; do
        command -v $tool >/dev/null || { echo "no $tool"; exit 77; }
    done
    GUEST_BUILD=$(dirname "$(readlink -f "$(command -v pvmscope)")")/../guests
    # What cargo has fetched is in the home of who runs the tests.
    HOME=$(getent passwd "$(id -u)" | cut -d : -f 6) CARGO_TARGET_DIR=$GUEST_BUILD/linker \
        cargo build --quiet --release --locked --manifest-path "$GUESTS/../linker/Cargo.toml" 2>/dev/null ||
        { echo "the linker cannot be built: no network, or a cargo older than 1.86"; exit 77; }
}
