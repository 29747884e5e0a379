# Sourced by the tests of the bindings: $build and $source, a folder of their own (the same each time:
# compilers cache what they find by its path), and libpvm installed in it.
set -eu
build=$1 source=$2
folder=$build/tests/bindings/$(basename "$0" .sh)${3:+-$3}
rm -rf "$folder"
mkdir -p "$folder"
cmake --install "$build" --prefix "$folder/prefix" >"$folder/log" || { cat "$folder/log"; exit 1; }
lib=$(dirname "$(find "$folder/prefix" -name libpvm.so)")
PKG_CONFIG_PATH=$lib/pkgconfig
LD_LIBRARY_PATH=$lib
PATH=$folder/prefix/bin:$PATH
export PKG_CONFIG_PATH LD_LIBRARY_PATH PATH

# needs PROGRAM PACKAGE
needs()
{
    command -v "$1" >/dev/null || { echo "SKIPPED: no $1; install $2"; exit 77; }
}
