/* Rows of a table in the order of one of its columns. */
#ifndef PVM_PROFILER_TABLE_SORT_H
#define PVM_PROFILER_TABLE_SORT_H

#include "profiler/table.h"

/** The column with this id, or column_count. */
size_t pvm_prof_table_column(const pvm_prof_table_t *table, const char *id);

/** Sort by a column: figures with the largest first, text, places and ids with the smallest; rows without a value last.
 *  Rows that are equal keep their order. @return 0, or -1 without memory */
int pvm_prof_table_sort(pvm_prof_table_t *table, size_t column);

/** Keep the first rows only; row_count_all still tells how many there were. @param top  0: all */
void pvm_prof_table_cut(pvm_prof_table_t *table, size_t top);

#endif
