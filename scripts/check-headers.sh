#!/bin/sh
# Each public header alone: strict C11 and C++17, every warning an error.
set -eu

cd "$(dirname "$0")/.."
for header in engine/include/pvm/*.h; do
    for compiler in "gcc -x c -std=c11" "clang-19 -x c -std=c11" "clang-19 -x c++ -std=c++17"; do
        echo "#include <pvm/$(basename "$header")>" |
            $compiler -pedantic -Wall -Wextra -Werror -Iengine/include -fsyntax-only -
    done
done
