# After each step instead of each block; the numbers of instructions agree.
pvmscope lockstep "$GUESTS/blake2b.polkavm" --gas 20000 --every instruction --format csv | cut -d, -f 4-9
pvmscope lockstep "$GUESTS/blake2b.polkavm" --gas 20000 --format csv | cut -d, -f 4-9
