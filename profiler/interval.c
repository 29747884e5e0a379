/* Wilson's interval, for C and for SQL. */
#include "profiler/interval.h"

#include <math.h>
#include <stddef.h>

/** Of the normal distribution: 95 % lie within so many standard deviations. */
#define Z 1.959963984540054

pvm_prof_interval_t pvm_prof_interval(int64_t count, int64_t total)
{
    if (total <= 0) {
        return (pvm_prof_interval_t){.low = 0, .high = 1};
    }
    const double n = (double)total;
    const double share = count <= 0 ? 0 : count >= total ? 1 : (double)count / n;
    const double scale = 1 + Z * Z / n;
    const double middle = (share + Z * Z / (2 * n)) / scale;
    const double reach = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / scale;

    /* At the ends the exact bounds are the ends. */
    return (pvm_prof_interval_t){.low = share > 0 ? middle - reach : 0,
                                 .high = share < 1 ? middle + reach : 1};
}

static void answer(sqlite3_context *context, sqlite3_value **values, int is_high)
{
    const int64_t total = sqlite3_value_int64(values[1]);

    if (total > 0) {
        const pvm_prof_interval_t interval =
            pvm_prof_interval(sqlite3_value_int64(values[0]), total);
        sqlite3_result_double(context, is_high ? interval.high : interval.low);
    }
}

static void share_low(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    answer(context, values, 0);
}

static void share_high(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    answer(context, values, 1);
}

int pvm_prof_interval_register(sqlite3 *db)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    const int code =
        sqlite3_create_function(db, "share_low", 2, flags, NULL, share_low, NULL, NULL);

    return code != SQLITE_OK
               ? code
               : sqlite3_create_function(db, "share_high", 2, flags, NULL, share_high, NULL, NULL);
}
