# One program on two backends: what needs no time, and then what does, as far as it is the same each time.
. "$CLI/lib.sh"
cp "$GUESTS/sieve-0.7.2.polkavm" .
pvmscope run sieve-0.7.2.polkavm --backend recompiler >/dev/null 2>&1 || { echo 'no recompiler here' && exit 77; }
for backend in interpreter recompiler; do
    pvmscope record sieve-0.7.2.polkavm --backend $backend -o $backend.db >/dev/null
done
pvmscope compare interpreter.db recompiler.db | sed -e 's/  *[0-9.]*$//' | sed -n '1,/^Functions/p' | grep -v -e '^host '
pvmscope compare interpreter.db recompiler.db --format csv 2>/dev/null | sed -n '/^function,/,$p' | cut -d, -f1
pvmscope record sieve-0.7.2.polkavm --backend interpreter --instrument counts,edges,samples=999 -o sampled.db >/dev/null 2>&1 ||
    { echo 'no samples here' && exit 77; }
# Samples whose figures are known: block 43 takes 9 of 10 interpreted samples, but 1 of 10 compiled ones.
for backend in interpreter recompiler; do
    sqlite3 $backend.db "
        DELETE FROM sample; DELETE FROM sample_total;
        INSERT INTO sample_total SELECT id, 999, 10000, 0, 1000000000 FROM vm;
        INSERT INTO sample SELECT program, pc, pc, function, 0 FROM block;
        UPDATE sample SET samples = CASE '$backend' WHEN 'interpreter' THEN 9000 ELSE 1000 END
            WHERE pc = (SELECT pc FROM block ORDER BY gas DESC LIMIT 1);
        UPDATE sample SET samples = CASE '$backend' WHEN 'interpreter' THEN 1000 ELSE 9000 END
            WHERE pc = (SELECT pc FROM block ORDER BY gas DESC LIMIT 1 OFFSET 1);"
done
pvmscope compare interpreter.db recompiler.db | sed -e 's/  *[0-9.]*$//' -e '/^host /d'
pvmscope compare interpreter.db recompiler.db --format json | sed -n '/"prices_slow"/,/^  \]/p'
