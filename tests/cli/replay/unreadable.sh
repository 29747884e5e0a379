# What is no trace: one line each on standard error, exit code 3, and the others are still replayed.
. "$CLI/lib.sh"
echo_trace
mkdir folder
: >empty.log
printf 'some\ntext\n' >text.log
sed 2d echo.log >no_program.log
sed 4d echo.log >no_start.log
cp echo.pvm binary.log
pvmscope replay missing.log folder empty.log text.log no_program.log no_start.log binary.log echo.log
