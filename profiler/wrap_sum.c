/* wrap_sum() and wrap_add(): add modulo 2^64. */
#include "profiler/wrap_sum.h"

#include "profiler/interval.h"
#include "profiler/ledger.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int64_t sum;
    bool has_any;
} wrap_sum_t;

static void step(sqlite3_context *context, int count, sqlite3_value **values)
{
    wrap_sum_t *const state = sqlite3_aggregate_context(context, sizeof(*state));

    if (state != NULL && count == 1 && sqlite3_value_type(values[0]) != SQLITE_NULL) {
        state->sum = pvm_prof_wrap_add(state->sum, sqlite3_value_int64(values[0]));
        state->has_any = true;
    }
}

/* As with sum(), the sum of nothing is not known. */
static void finish(sqlite3_context *context)
{
    const wrap_sum_t *const state = sqlite3_aggregate_context(context, sizeof(*state));

    if (state != NULL && state->has_any) {
        sqlite3_result_int64(context, state->sum);
    }
}

static void add(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (count == 2) {
        sqlite3_result_int64(context, pvm_prof_wrap_add(sqlite3_value_int64(values[0]),
                                                        sqlite3_value_int64(values[1])));
    }
}

int pvm_prof_wrap_sum_register(sqlite3 *db)
{
    sqlite3_stmt *known = NULL;

    /* SQLite does not change a function while some query runs. */
    if (sqlite3_prepare_v2(db, "SELECT wrap_sum(0)", -1, &known, NULL) == SQLITE_OK) {
        sqlite3_finalize(known);
        return SQLITE_OK;
    }
    int code = pvm_prof_interval_register(db);
    if (code == SQLITE_OK) {
        code = sqlite3_create_function(db, "wrap_add", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                       add, NULL, NULL);
    }
    return code != SQLITE_OK
               ? code
               : sqlite3_create_function(db, "wrap_sum", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                         NULL, NULL, step, finish);
}
