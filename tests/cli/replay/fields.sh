# Every field of a trace, damaged once: replay answers no and names the line, either as the place of the difference
# or among the lines that came before it. The text behind PANIC= is free and so not tested.
. "$CLI/lib.sh"
echo_trace

# damage LINE OLD NEW
damage()
{
    sed "$1s/$2/$3/" echo.log >damaged.log
    cmp -s echo.log damaged.log && echo "no such field: $1 $2"
    pvmscope replay damaged.log >answer 2>errors
    status=$?
    [ $status -eq 1 ] && [ ! -s errors ] || echo "exit code $status: $(cat errors)"
    awk -v line="$1" '
        { named = index($0, "damaged.log:" line ":") == 1 || $0 ~ ("line " line "($|[^0-9])") }
        {
            for (rest = $0; match(rest, /lines [0-9]+ to [0-9]+/); rest = substr(rest, RSTART + RLENGTH)) {
                split(substr(rest, RSTART, RLENGTH), words, " ")
                named = named || (words[2] + 0 <= line + 0 && line + 0 <= words[4] + 0)
            }
            print (named ? "named    " : "NOT NAMED ") "'"$1 $2"' -> " $0
        }' answer
}

damage 2 0a01 0a03
damage 2 c8970a c9970a
damage 2 'program 0x' 'program 0x0x'
damage 3 0x00020000 0x00030000
damage 3 len=4 len=5
damage 3 01020304 01020305
damage 4 pc=0 pc=2
damage 4 gas=1000 gas=1001
damage 4 r00=0xffff0000 r00=0xffff0001
damage 4 r01=0x20000 r02=0x20000
damage 4 r07=0x7 r07=0x8
damage 5 ecalli=1 ecalli=3
damage 5 pc=0 pc=1
damage 5 gas=999 gas=998
damage 5 r00=0xffff0000 r00=0xffff0002
damage 5 r01=0x20000 r01=0x20001
damage 5 r07=0x7 ''
damage 6 0x00020000 0x00020001
damage 6 len=4 len=3
damage 6 01020304 01020404
damage 7 0x00020010 0x00020018
damage 7 0x00020010 0x00040010
damage 7 len=8 len=7
damage 7 0x10000000 0x11000000
damage 8 r07 r08
damage 8 r07 r13
damage 8 0x20 0x21
damage 9 900 901
damage 10 ecalli=2 ecalli=-2
damage 10 pc=8 pc=10
damage 10 gas=897 gas=900
damage 10 r09=0x10 r09=0x11
damage 10 r10=0x30 'r10=0x30 r11=0x1'
damage 13 0xfffffffffffffffe 0xffffffffffffffff
damage 14 886 887
damage 15 HALT PANIC=0
damage 15 HALT OOG
damage 15 HALT FAULT=0
damage 15 pc=12 pc=13
damage 15 gas=885 gas=884
damage 15 r10=0x30 r10=0x31
damage 5 ecalli ecali
damage 9 setgas setgass
