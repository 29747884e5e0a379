#!/bin/sh
# Says which C files are not as .clang-format wants them. `--fix` formats them. Tables (*.def) are exempt.
set -eu

cd "$(dirname "$0")/.."
mode="--dry-run --Werror"
[ "${1:-}" != --fix ] || mode=-i
# shellcheck disable=SC2086 # words
git ls-files '*.c' '*.h' | grep -v '^examples/guest/linker/' | xargs clang-format-19 $mode
