/* How sure a share is that was sampled: the 95 % interval of Wilson, which is good for few samples, too, and for shares
 * near 0 and 1 (docs/sampling.md). */
#ifndef PVM_PROFILER_INTERVAL_H
#define PVM_PROFILER_INTERVAL_H

#include <sqlite3.h>
#include <stdint.h>

typedef struct {
    double low; /**< shares, 0 to 1 */
    double high;
} pvm_prof_interval_t;

/** Of `count` samples among `total`. Without samples: all is possible, 0 to 1. Counts that make no sense are brought into
 *  range. */
pvm_prof_interval_t pvm_prof_interval(int64_t count, int64_t total);

/** The same as share_low(count, total) and share_high(count, total) of SQL; NULL if total is 0 or NULL. @return SQLITE_OK or
 *  why not. */
int pvm_prof_interval_register(sqlite3 *db);

#endif
