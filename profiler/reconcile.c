/* The sum rule once more, over the rows of a file that may come from anywhere. See reconcile.h. */
#include "profiler/reconcile.h"

#include "profiler/store.h"
#include "profiler/worth.h"
#include "profiler/wrap_sum.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** Figures that must be equal. */
typedef struct {
    const char *what;
    const char *against;
    bool may_be_lost; /**< rows can be missing where the totals are not */
    const char *sql;  /**< one row: both figures; none, or a NULL: not known */
} rule_t;

/** Machines can be there that stand for many, and have sums instead of executions (attach --aggregate). */
#define SUMS_ONLY "(EXISTS (SELECT 1 FROM run_total) OR NOT EXISTS (SELECT 1 FROM execution))"

static const rule_t rules[] = {
    {"gas used", "blocks and host calls", false,
     "SELECT gas_used, blocks_gas + host_gas FROM total WHERE blocks_gas IS NOT NULL"},
    {"gas used", "gas at start, added and at end", false,
     "SELECT gas_used, (SELECT wrap_sum(gas) FROM (SELECT gas_start AS gas FROM total UNION ALL "
     "SELECT gas_added FROM total UNION ALL SELECT -gas_end FROM total)) FROM total"},
    {"gas in blocks", "the blocks", true,
     "SELECT t.blocks_gas, (SELECT wrap_sum(gas) FROM block) FROM total t "
     "WHERE t.blocks_gas IS NOT NULL AND (t.blocks_gas <> 0 OR EXISTS (SELECT 1 FROM block))"},
    {"gas in host calls", "the host calls", true,
     "SELECT t.host_gas, (SELECT wrap_sum(gas) FROM host_total) FROM total t "
     "WHERE t.host_gas <> 0 OR EXISTS (SELECT 1 FROM host_total)"},
    {"gas used", "the executions", true,
     "SELECT t.gas_used, (SELECT wrap_sum(gas) FROM (SELECT gas_used AS gas FROM executions UNION "
     "ALL SELECT gas FROM run_total UNION ALL SELECT gas FROM host_total WHERE " SUMS_ONLY
     " AND vm NOT IN (SELECT vm FROM execution))) FROM total t "
     "WHERE t.executions <> 0 OR EXISTS (SELECT 1 FROM execution)"},
};

static int query_pair(sqlite3 *db, const char *sql, bool *out_has, int64_t *out_a, int64_t *out_b)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);

    *out_has = false;
    if (code == SQLITE_OK) {
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        *out_has = true;
        *out_a = sqlite3_column_int64(row, 0);
        *out_b = sqlite3_column_int64(row, 1);
        code = SQLITE_DONE;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_total(sqlite3 *db, pvm_prof_reckoning_t *out)
{
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(db, "SELECT gas_used, blocks_gas, host_gas FROM total", -1, &row, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        out->gas_used = sqlite3_column_int64(row, 0);
        out->is_counted = sqlite3_column_type(row, 1) != SQLITE_NULL;
        out->blocks_gas = sqlite3_column_int64(row, 1);
        out->host_gas = sqlite3_column_int64(row, 2);
        code = SQLITE_OK;
    } else if (code == SQLITE_DONE) {
        code = SQLITE_CORRUPT;
    }
    sqlite3_finalize(row);
    return code;
}

pvm_prof_status_t pvm_prof_reconcile_find(pvm_prof_run_file_t *file, bool is_incomplete, char *out,
                                          size_t out_bytes)
{
    int code = pvm_prof_wrap_sum_register(file->db);

    out[0] = '\0';
    for (size_t i = 0; code == SQLITE_OK && i < sizeof(rules) / sizeof(rules[0]); i++) {
        int64_t a = 0;
        int64_t b = 0;
        bool has;

        code = query_pair(file->db, rules[i].sql, &has, &a, &b);
        if (code == SQLITE_OK && has && a != b && !(rules[i].may_be_lost && is_incomplete)) {
            (void)snprintf(
                out, out_bytes, "%s is %" PRId64 ", %s give %" PRId64 ", difference %" PRId64,
                rules[i].what, a, rules[i].against, b, (int64_t)((uint64_t)a - (uint64_t)b));
            return PVM_PROF_OK;
        }
    }
    return code == SQLITE_OK ? PVM_PROF_OK
                             : pvm_prof_store_report(file, code, "add up its figures");
}

pvm_prof_status_t pvm_prof_reconcile(pvm_prof_run_file_t *file, pvm_prof_reckoning_t *out)
{
    pvm_prof_worth_t worth;
    char rule[64];

    *out = (pvm_prof_reckoning_t){0};
    (void)pvm_prof_run_file_get_info(file, "sum_rule", rule, sizeof(rule));
    const pvm_prof_status_t status = pvm_prof_worth_read(file, &worth);
    if (status != PVM_PROF_OK) {
        return status;
    }
    if (strncmp(rule, "not applicable", strlen("not applicable")) == 0) {
        pvm_error_set("%.300s: holds only what --select %.120s left, which does not add up; record "
                      "without it",
                      file->path, worth.selected);
        return PVM_PROF_E_FORMAT;
    }
    const int code = read_total(file->db, out);
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "add up its figures");
    }
    out->is_incomplete = worth.is_incomplete;
    if (worth.broken[0] != '\0') {
        pvm_error_set("%.300s: its figures do not reconcile: %s; record again", file->path,
                      worth.broken);
        return PVM_PROF_E_FORMAT;
    }
    return PVM_PROF_OK;
}
