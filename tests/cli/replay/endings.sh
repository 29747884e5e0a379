# The four ends of a trace, with the habits of their writers.
. "$CLI/lib.sh"

# ends NAME ASSEMBLY LINES...: replay a trace of a program
ends()
{
    name=$1
    printf '.spec 0.7.2\n%b' "$2" >end.asm
    pvmscope asm end.asm -o end.pvm
    { echo "program 0x$(hex end.pvm)"; shift 2; printf '%s\n' "$@"; } >end.log
    answer=$(pvmscope replay --spec 0.7.2 end.log 2>&1)
    echo "[$?] $name: $answer"
}

ends 'panic' 'trap\n' 'start pc=0 gas=10' 'PANIC=0 pc=0 gas=9'
ends 'fault' 'load_u8 r1, 0x20001\ntrap\n' 'start pc=0 gas=10' 'FAULT=131072 pc=0 gas=9'
ends 'fault at another address' 'load_u8 r1, 0x20001\ntrap\n' 'start pc=0 gas=10' 'FAULT=4096 pc=0 gas=9'
ends 'fault written as panic' 'load_u8 r1, 0x20001\ntrap\n' 'start pc=0 gas=10' 'PANIC=0 pc=0 gas=9'
ends 'panic written as fault' 'trap\n' 'start pc=0 gas=10' 'FAULT=0 pc=0 gas=9'
ends 'out of gas' 'jump @0\n' 'start pc=0 gas=10' 'OOG pc=0 gas=0'
ends 'out of gas with some left' 'jump @0\n' 'start pc=0 gas=10' 'OOG pc=0 gas=1'
ends 'host out of gas' 'ecalli 1\njump @0\n' 'start pc=0 gas=10' 'ecalli=1 pc=0 gas=9' 'setgas <- 0' 'OOG pc=0 gas=0'
ends 'host out of gas without its call' 'ecalli 1\njump @0\n' 'start pc=0 gas=10' 'setgas <- 0' 'OOG pc=0 gas=0'
ends 'out of gas behind a call' 'ecalli 1\njump @0\n' 'start pc=0 gas=10' 'ecalli=1 pc=0 gas=9' 'setgas <- 0' \
    'OOG pc=2 gas=0'
ends 'host halts' 'ecalli 1\njump @0\n' 'start pc=0 gas=10' 'ecalli=1 pc=0 gas=9' 'HALT pc=0 gas=9'
ends 'host panics' 'ecalli 1\njump @0\n' 'start pc=0 gas=10' 'ecalli=1 pc=0 gas=9' 'PANIC=0 pc=0 gas=9'
ends 'too many calls' 'ecalli 1\ntrap\n' 'start pc=0 gas=10' 'ecalli=1 pc=0 gas=9' 'ecalli=1 pc=0 gas=8' \
    'PANIC=0 pc=2 gas=8'
ends 'too few calls' 'ecalli 1\necalli 2\ntrap\n' 'start pc=0 gas=10' 'ecalli=1 pc=0 gas=9' 'PANIC=0 pc=4 gas=7'
