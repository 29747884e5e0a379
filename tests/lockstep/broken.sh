# What a difference looks like: pvmscope with a backend that goes wrong in block 8 (tests/lockstep/broken.c). A trace maps
# the memory that the program stores to. Host code has other addresses each time, so only its presence is seen.
cat >loop.asm <<END
.spec 0.8.0
    load_imm r1, 20
    load_imm r2, 0x20000
    fallthrough
head:
    add_imm_32 r3, r3, 7
    store_ind_u32 r3, r2, 0
    fallthrough
    add_imm_32 r1, r1, -1
    branch_ne_imm r1, 0, @head
    trap
END
pvmscope asm loop.asm -o loop.pvm
cat >loop.log <<END
program 0x$(od -An -v -tx1 loop.pvm | tr -d ' \n')
memwrite 0x00020000 len=1 <- 0x00
start pc=0 gas=100000
END
pvmscope lockstep loop.log --spec 0.8.0 --backend interpreter
echo "[$?]"
pvmscope lockstep loop.log --spec 0.8.0 --backend interpreter --format csv
pvmscope lockstep loop.log --spec 0.8.0 --backend recompiler >answer
echo "[$?] $(grep -c ' *[0-9a-fx]*  *0x[0-9a-f]*  [a-z]' answer | sed 's/^[1-9][0-9]*$/host code/')"
pvmscope lockstep loop.log --spec 0.8.0 --backend recompiler --every instruction | sed -n '/^answer/p;/^r3/p'
