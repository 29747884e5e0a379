# Files that are no programs: one line each, exit code 3.
run() { pvmscope run "$@" >/dev/null; echo "[$?]"; }
exec 2>&1
mkdir folder
: >empty
printf '{"program": []}' >vector.json
printf 'JAR\002' >manifest
printf 'PVM\000' >cut.polkavm
printf 'PVM\000\377aaaaaaaaaaaaaaaa' >version.polkavm
head -c 700 "$GUESTS/sieve.polkavm" >half.polkavm
head -c 300 /dev/zero | tr '\0' '\377' >ones
printf 'esc\033[31mape' >"$(printf 'na\033[31mme')"
run missing
run folder
run folder/missing
run empty
run vector.json
run manifest
run cut.polkavm
run version.polkavm
run half.polkavm
run ones
run "$(printf 'na\033[31mme')"
printf '\000\000\001\377\001' >invalid.pvm
run invalid.pvm --spec 0.8.0
cp "$GUESTS/sieve.polkavm" .
run sieve.polkavm --spec 0.7.2
run sieve.polkavm --entry nowhere
