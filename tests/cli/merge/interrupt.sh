# Who stops a merge has what was there before, and nothing else.
. "$CLI/lib.sh"
cp "$GUESTS/large.jam" .
pvmscope record large.jam -o a.db >/dev/null
mkdir runs
for i in $(seq 40); do cp a.db runs/$i.db; done
pvmscope merge a.db -o all.db >/dev/null
sum=$(md5sum <all.db)
for signal in INT TERM HUP; do
    timeout --preserve-status -s $signal 0.05 pvmscope merge runs -o all.db >/dev/null 2>message
    status=$?
    # A fast machine is done by then, a slow one has not begun to listen.
    if [ $status -eq 4 ]; then
        cat message
    else
        echo 'pvmscope: all.db: interrupted; nothing was written'
    fi
    if [ $status -eq 0 ] || [ "$sum" = "$(md5sum <all.db)" ]; then echo "whole"; fi
    sum=$(md5sum <all.db)
    ls | tr '\n' ' '
    echo
done
