/* What the figures of a recording are worth. See worth.h; the totals are added up in reconcile.c. */
#include "profiler/worth.h"

#include "events/filter.h"
#include "profiler/call_tree.h"
#include "profiler/reconcile.h"
#include "profiler/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* -- Reading --------------------------------------------------------------------------------- */

static int read_total(sqlite3 *db, pvm_prof_worth_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT blocks_gas, difference, gas_used FROM total", -1,
                                  &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        out->is_counted = sqlite3_column_type(row, 0) != SQLITE_NULL;
        out->gas_used = sqlite3_column_int64(row, 2);
        out->is_partial = out->is_counted && sqlite3_column_type(row, 1) == SQLITE_NULL;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

static int read_samples(sqlite3 *db, pvm_prof_worth_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        db,
        "SELECT sum(samples), CASE WHEN min(hz) = max(hz) THEN max(hz) ELSE "
        "0 END, coalesce(sum(samples), 0) - coalesce((SELECT sum(samples) FROM sample), 0) "
        "FROM sample_total",
        -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        out->samples = sqlite3_column_int64(row, 0);
        out->hz = sqlite3_column_int64(row, 1);
        out->samples_difference = sqlite3_column_int64(row, 2);
        out->is_sampled = sqlite3_column_type(row, 0) != SQLITE_NULL;
        out->samples = out->samples_difference == 0 ? out->samples : 0;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

static int read_lost(sqlite3 *db, pvm_prof_worth_t *out)
{
    sqlite3_stmt *row = NULL;
    size_t len = 0;
    int code = sqlite3_prepare_v2(db, "SELECT kind, count FROM lost_events ORDER BY kind LIMIT 16",
                                  -1, &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW &&
           len < sizeof(out->lost)) {
        const unsigned char *const kind = sqlite3_column_text(row, 0);
        const int written = snprintf(out->lost + len, sizeof(out->lost) - len, "%s%" PRId64 " %s",
                                     len > 0 ? ", " : "", (int64_t)sqlite3_column_int64(row, 1),
                                     kind != NULL ? (const char *)kind : "?");
        len += written > 0 ? (size_t)written : 0;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

pvm_prof_status_t pvm_prof_worth_read(pvm_prof_run_file_t *file, pvm_prof_worth_t *out)
{
    *out = (pvm_prof_worth_t){.status = pvm_prof_run_file_status(file)};
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_REASON, out->reason, sizeof(out->reason));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SELECTED, out->selected, sizeof(out->selected));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC, out->spec, sizeof(out->spec));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC_GUESSED, out->guessed,
                               sizeof(out->guessed));
    out->has_calls = pvm_prof_call_tree_is_there(file);
    int code = read_total(file->db, out);
    if (code == SQLITE_OK) {
        code = read_samples(file->db, out);
    }
    if (code == SQLITE_OK) {
        code = read_lost(file->db, out);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its totals");
    }
    /* A recording that was interrupted and says no reason is whole up to there. */
    out->is_incomplete = out->status == PVM_PROF_RUN_RECORDING ||
                         out->status == PVM_PROF_RUN_INCOMPLETE || out->lost[0] != '\0' ||
                         (out->status == PVM_PROF_RUN_INTERRUPTED && out->reason[0] != '\0');
    const pvm_prof_status_t status =
        out->is_partial
            ? PVM_PROF_OK
            : pvm_prof_reconcile_find(file, out->is_incomplete, out->broken, sizeof(out->broken));
    out->gas_used = out->broken[0] == '\0' ? out->gas_used : 0;
    return status;
}

/* -- Telling --------------------------------------------------------------------------------- */

/** Figures of which an incomplete recording does not hold the least: they can become more or less, or are those of the code. */
static const struct {
    const char *id;
    pvm_prof_certainty_t certainty;
} not_least[] = {
    {"gas_end", PVM_PROF_CONTRADICTED}, {"mean_ns", PVM_PROF_CONTRADICTED},
    {"min_ns", PVM_PROF_CONTRADICTED},  {"median_ns", PVM_PROF_CONTRADICTED},
    {"p99_ns", PVM_PROF_CONTRADICTED},  {"cost", PVM_PROF_EXACT},
    {"instructions", PVM_PROF_EXACT},
};

static void mark_lost(pvm_prof_table_t *table)
{
    pvm_prof_table_mark(table, 0, table->column_count, PVM_PROF_INCOMPLETE);
    for (size_t i = 0; i < table->column_count; i++) {
        pvm_prof_column_t *const column = &table->columns[i];

        for (size_t j = 0; j < sizeof(not_least) / sizeof(not_least[0]); j++) {
            if (column->certainty == PVM_PROF_INCOMPLETE &&
                strcmp(column->id, not_least[j].id) == 0) {
                column->certainty = not_least[j].certainty;
            }
        }
    }
}

void pvm_prof_worth_mark(const pvm_prof_worth_t *worth, pvm_prof_table_t *table)
{
    if (worth->broken[0] != '\0') {
        pvm_prof_table_mark(table, 0, table->column_count, PVM_PROF_CONTRADICTED);
    } else if (worth->is_incomplete) {
        mark_lost(table);
    }
}

/** Shares of a total that is not known. */
static void refuse_shares(pvm_prof_table_t *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        for (size_t row = 0; row < table->row_count && strcmp(table->columns[i].id, "share") == 0;
             row++) {
            table->values[row * table->column_count + i].is_null = true;
        }
    }
}

static int note_status(const pvm_prof_worth_t *worth, pvm_prof_table_t *table)
{
    switch (worth->status) {
    case PVM_PROF_RUN_RECORDING:
        return pvm_prof_table_add_note(table, "This recording is incomplete: it still goes on, "
                                              "or was killed. The figures are those that were "
                                              "stored last.");
    case PVM_PROF_RUN_INCOMPLETE:
        return pvm_prof_table_add_note(table, "This recording is incomplete: %s.",
                                       worth->reason[0] != '\0' ? worth->reason
                                                                : "something could not be stored");
    case PVM_PROF_RUN_INTERRUPTED:
        return pvm_prof_table_add_note(
            table, "This recording was interrupted%s%s; it holds what happened until then.",
            worth->reason[0] != '\0' ? ": " : "", worth->reason);
    case PVM_PROF_RUN_COMPLETE:
        break;
    }
    return 0;
}

/* Whether stretches were selected, which samples know nothing of. */
static bool has_stretches(const char *selected)
{
    pvm_filter_t *const filter = selected[0] != '\0' ? pvm_filter_parse(selected) : NULL;
    const bool result = filter != NULL && pvm_filter_has_stretches(filter);

    pvm_filter_release(filter);
    return result;
}

static int note_samples(const pvm_prof_worth_t *worth, pvm_prof_table_t *table)
{
    char rate[32] = "";

    if (!table->has_times) {
        return 0;
    }
    if (worth->samples_difference != 0) {
        return pvm_prof_table_add_note(
            table,
            "Sampled times are not shown: the samples do not reconcile, %" PRId64
            " more in total than at places.",
            worth->samples_difference);
    }
    if (worth->is_sampled && worth->samples == 0) {
        return pvm_prof_table_add_note(
            table, "Time was sampled, but no tick met the guest: let it run longer, or sample "
                   "more often.");
    }
    if (!pvm_prof_table_has(table, PVM_PROF_SAMPLED)) {
        return 0;
    }
    if (worth->hz > 0) {
        (void)snprintf(rate, sizeof(rate), " at %" PRId64 " Hz", worth->hz);
    }
    return pvm_prof_table_add_note(
        table, "Time is sampled: n of %" PRId64 " samples%s%s.", worth->samples, rate,
        has_stretches(worth->selected) ? ", also outside of the selected stretches" : "");
}

int pvm_prof_worth_note(const pvm_prof_worth_t *worth, pvm_prof_table_t *table)
{
    int failed = 0;

    pvm_prof_worth_mark(worth, table);
    if (worth->selected[0] != '\0') {
        failed |= pvm_prof_table_add_note(
            table, "Selected: %s. Only that was recorded%s.", worth->selected,
            worth->is_partial ? "; it does not add up to the gas used" : "");
    }
    failed |= note_status(worth, table);
    if (worth->lost[0] != '\0') {
        failed |= pvm_prof_table_add_note(table, "Lost records: %s.", worth->lost);
    }
    if (worth->broken[0] != '\0') {
        refuse_shares(table);
        failed |= pvm_prof_table_add_note(
            table, "The figures do not reconcile: %s. Totals and shares are not shown.",
            worth->broken);
    }
    failed |= note_samples(worth, table);
    if (strcmp(worth->guessed, "1") == 0) {
        failed |=
            pvm_prof_table_add_note(table, "Spec %s was guessed; --spec sets it.", worth->spec);
    }
    return failed;
}

int pvm_prof_worth_note_uncounted(pvm_prof_table_t *table)
{
    return pvm_prof_table_add_note(table,
                                   "Blocks were not counted; record with --instrument counts.");
}

pvm_prof_status_t pvm_prof_worth_tell(pvm_prof_run_file_t *file, pvm_prof_table_t *table)
{
    pvm_prof_worth_t worth;
    const pvm_prof_status_t status = pvm_prof_worth_read(file, &worth);

    if (status != PVM_PROF_OK) {
        return status;
    }
    return pvm_prof_worth_note(&worth, table) == 0
               ? PVM_PROF_OK
               : pvm_prof_store_report(file, SQLITE_NOMEM, "report on it");
}
