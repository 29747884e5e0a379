/* wrap_sum() and wrap_add() for queries: sum() of SQLite refuses sums beyond 2^63, which gas of several runs can reach. */
#ifndef PVM_PROFILER_WRAP_SUM_H
#define PVM_PROFILER_WRAP_SUM_H

#include <sqlite3.h>

/** Make wrap_sum(x) and wrap_add(a, b) known to a connection; any number of times. @return an SQLite code */
int pvm_prof_wrap_sum_register(sqlite3 *db);

#endif
