# The same program under other gas rules: auto finds the one that was recorded.
. "$CLI/lib.sh"
echo_program 0.8.0
cat >echo.log <<END
program 0x$(hex echo.pvm)
memwrite 0x00020010 len=8 <- 0x0500000000000000
start pc=0 gas=1000 r00=0xffff0000 r01=0x20000
ecalli=1 pc=0 gas=897 r00=0xffff0000 r01=0x20000
setgas <- 600
ecalli=2 pc=8 gas=600 r00=0xffff0000 r01=0x20000 r09=0x5 r10=0x5
ecalli=100 pc=10 gas=600 r00=0xffff0000 r01=0x20000 r09=0x5 r10=0x5
HALT pc=12 gas=600 r00=0xffff0000 r01=0x20000 r09=0x5 r10=0x5
END
pvmscope replay echo.log
pvmscope replay echo.log --spec 0.8.0
pvmscope replay echo.log --spec 0.7.2
