# `cmake --install` into a folder that then moves: found by pkg-config and by find_package, from C and C++, shared and
# static; pvmscope, man page and completions work.
#   sh tree.sh BUILD SOURCE
set -eu
build=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/first" >"$folder/log" || { cat "$folder/log"; exit 1; }
mv "$folder/first" "$folder/moved"
root=$folder/moved
lib=$(dirname "$(find "$root" -name libpvm.so)")

readelf -d "$lib/libpvm.so" | grep -q 'SONAME.*libpvm\.so\.0\]'
[ "$(readlink "$lib/libpvm.so")" = libpvm.so.0 ]

cat >"$folder/main.c" <<'END'
#include <pvm/pvm.h>
#include <stdio.h>

int main(void)
{
    static const uint8_t trap = 0, mask = 1;
    pvm_vm_t *vm = pvm_create(0, &trap, 1, NULL, &mask, 1, NULL, 0, 100);

    printf("%s %d\n", pvm_version(), vm != NULL && pvm_execute(vm, 0) == PVM_RESULT_PANIC);
    pvm_destroy(vm);
    return 0;
}
END
sed 's/NULL/nullptr/g' "$folder/main.c" >"$folder/main.cpp"
cd "$folder"
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
cc -std=c11 -Wall -Werror main.c $(pkg-config --cflags --libs pvm) -o shared
[ "$(LD_LIBRARY_PATH=$lib ./shared)" = "0.1.0 1" ]
cc main.c $(pkg-config --cflags pvm) -Wl,-Bstatic $(pkg-config --libs pvm) -Wl,-Bdynamic -lpthread -ldl -o static
[ "$(./static)" = "0.1.0 1" ]
[ "$(pkg-config --modversion pvm)" = 0.1.0 ]
if command -v c++ >/dev/null; then
    c++ -Wall -Werror main.cpp $(pkg-config --cflags --libs pvm) -o cpp
    [ "$(LD_LIBRARY_PATH=$lib ./cpp)" = "0.1.0 1" ]
fi
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(embedder LANGUAGES C)
find_package(pvm 0.1 REQUIRED)
add_executable(embedder main.c)
target_link_libraries(embedder PRIVATE pvm::pvm)
END
cmake -S . -B out -DCMAKE_PREFIX_PATH="$root" >log 2>&1 && cmake --build out >>log 2>&1 || { cat log; exit 1; }
[ "$(out/embedder)" = "0.1.0 1" ]

# pvmscope finds the LTTng provider of its own tree.
[ "$("$root/bin/pvmscope" version)" = "pvmscope 0.1.0" ]
[ ! -e "$lib/libpvm-lttng.so" ] ||
    [ "$(PVM_TRACE=lttng "$root/bin/pvmscope" run "$source/examples/guest/blobs/sieve.jam" --spec 0.8.0 --format csv | wc -l)" -gt 1 ]

# Completions offer commands, options and choices.
cat >complete.bash <<'END'
. "$1"
complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pvmscope; echo "${COMPREPLY[*]}"; }
[ "$(complete_words pvmscope rep)" = "report replay" ]
[ "$(complete_words pvmscope run x --backend in)" = "interpreter" ]
[ "$(complete_words pvmscope asm --out)" = "--output" ]
END
bash -eu complete.bash "$root/share/bash-completion/completions/pvmscope"
if command -v zsh >/dev/null; then
    zsh -n "$root/share/zsh/site-functions/_pvmscope"
fi
if command -v groff >/dev/null; then
    groff -man -ww -z "$root/share/man/man1/pvmscope.1" 2>&1 | tee warnings
    [ ! -s warnings ]
fi
for command in run record report; do
    grep -q "^.SH \"PVMSCOPE $(echo $command | tr a-z A-Z)\"" "$root/share/man/man1/pvmscope.1"
done
