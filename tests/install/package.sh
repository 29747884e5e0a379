# The Debian package of cpack: its dependencies are named, and what is unpacked runs.
#   sh package.sh BUILD SOURCE
set -eu
command -v dpkg-shlibdeps >/dev/null || { echo "SKIPPED: no dpkg-shlibdeps; install dpkg-dev"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cpack --config "$1/CPackConfig.cmake" -G DEB -B "$folder" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
package=$(ls "$folder"/pvmscope_*.deb)
dpkg-deb -f "$package" Depends | grep -q 'libsqlite3-0'
[ "$(dpkg-deb -f "$package" Version)" = 0.1.0 ]
dpkg-deb -x "$package" "$folder/root"
cp "$2/examples/guest/blobs/sieve.jam" "$folder"
cd "$folder"
[ "$(root/usr/bin/pvmscope version)" = "pvmscope 0.1.0" ]
root/usr/bin/pvmscope record sieve.jam --spec 0.8.0 -o run.db | grep -q '^result  *halt'
root/usr/bin/pvmscope report run.db | grep -q '^gas used'
