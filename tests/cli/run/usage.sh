# Wrong command lines: one line, the nearest match, exit code 2.
run() { pvmscope "$@"; echo "[$?]"; }
exec 2>&1
run run
run run a b
run rnu a
run run a --bakend interpreter
run run a --zzzzzzzz
run --gas 5 run a
run run a --gas
run run a --gas -5
run run a --gas 12x
run run a --gas 18446744073709551616
cp "$GUESTS/sieve.polkavm" .
run run sieve.polkavm --gas 18446744073709551615
run run a --spec 0.9
run run a --reg r13=1
run run a --reg r1=
run run a --reg 1=1
run run a --format xml
run run a --help=yes
run run a --top 3
run record a --instrument counts,,edges
run record a
run frobnicate
run
