# No line is wider than 80 columns in a pipe, whatever the names are.
. "$CLI/lib.sh"
long=a_program_with_a_name_that_is_longer_than_any_reader_would_ever_want_to_see_on_one_line_of_eighty_columns.polkavm
cp "$GUESTS/recursive-0.7.2.polkavm" $long
pvmscope record $long -o run.db --reg r7=1 >summary
for by in function block edge hostcall; do
    pvmscope report run.db --by $by --top 0
done >tables
pvmscope report run.db >report
pvmscope run $long >run
pvmscope info $long >info
for file in summary tables report run info; do
    echo "$file: $(wc -L <$file)"
done
