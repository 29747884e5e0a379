# Recompiled code runs under valgrind without a complaint and does there what it does elsewhere.
#   sh valgrind.sh PVMSCOPE SOURCE
set -eu
pvmscope=$1 blobs=$2/examples/guest/blobs
command -v valgrind >/dev/null || { echo "SKIPPED: no valgrind; install valgrind"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# compare NAME OPTION...: a guest, with and without valgrind
compare()
{
    name=$1
    shift
    "$pvmscope" run "$blobs/$name" --backend recompiler "$@" >plain.txt
    PVM_CPU=baseline PVM_MEMORY=checked valgrind --smc-check=all --leak-check=full --error-exitcode=9 \
        --log-file=complaints.txt "$pvmscope" run "$blobs/$name" --backend recompiler "$@" >watched.txt || {
        echo "$name: valgrind or the run says $?"
        cat complaints.txt watched.txt
        exit 1
    }
    # Times differ, and nothing else.
    sed '/^time /d' plain.txt >plain.cut
    sed '/^time /d' watched.txt >watched.cut
    cmp plain.cut watched.cut || { diff plain.cut watched.cut; exit 1; }
    grep -q '^backend  *recompiler' watched.txt
}

compare quicksort.polkavm
compare quicksort-0.7.2.polkavm
compare service.jam --gas 200000
echo "ok"
