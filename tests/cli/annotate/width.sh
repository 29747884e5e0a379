# No line is wider than 80 columns in a pipe, and none has an escape sequence, whatever is shown.
. "$CLI/lib.sh"
export LC_ALL=C
for guest in sha256 service large interp; do
    cp "$GUESTS/$guest.polkavm" .
    pvmscope record $guest.polkavm -o run.db --gas 2000000 --entry $([ $guest = service ] && echo refine || echo main) >/dev/null
    for options in "" "--explain" "--loop --show source"; do
        pvmscope annotate run.db $options >out.txt || echo "$guest $options [$?]"
        awk -v what="$guest $options" 'length($0) > 80 { print what ": " length($0) ": " $0 }' out.txt
        grep -c "$(printf '\033')" out.txt
    done
    pvmscope report run.db --by path --top 0 | awk 'length($0) > 80'
    pvmscope report run.db --by line --top 0 | awk 'length($0) > 80'
done
