/* The walk over all programs, and what to say about figures below the block. */
#include "profiler/walk_code.h"

#include "profiler/interval.h"
#include "profiler/store.h"
#include "profiler/table_sort.h"
#include "profiler/worth.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int walk_program(pvm_prof_code_t *code, pvm_prof_code_visit_t *visit, void *user_data,
                        const char *name, pvm_prof_code_totals_t *out)
{
    for (size_t i = 0; i < code->block_count; i++) {
        if (pvm_prof_code_look(code, i) != 0) {
            return -1;
        }
        out->inexact_blocks += code->is_exact ? 0 : 1;
        if (visit(user_data, code, name, i) != 0) {
            return -1;
        }
    }
    out->is_attributed =
        out->is_attributed || (code->block_count > 0 && pvm_prof_code_is_attributed(code));
    return visit(user_data, code, name, code->block_count);
}

pvm_prof_status_t pvm_prof_code_walk(pvm_prof_run_file_t *file, pvm_prof_code_visit_t *visit,
                                     void *user_data, pvm_prof_code_totals_t *out)
{
    sqlite3_stmt *rows = NULL;
    pvm_prof_worth_t worth;
    pvm_prof_status_t status = pvm_prof_worth_read(file, &worth);

    *out = (pvm_prof_code_totals_t){
        .is_counted = worth.is_counted, .gas_used = worth.gas_used, .samples = worth.samples};
    if (status != PVM_PROF_OK) {
        return status;
    }
    int code =
        sqlite3_prepare_v2(file->db, "SELECT id, name FROM program ORDER BY id", -1, &rows, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const unsigned char *const name = sqlite3_column_text(rows, 1);
        pvm_prof_code_t program;

        status = pvm_prof_code_open(file, sqlite3_column_int64(rows, 0), &program);
        code = status == PVM_PROF_OK ? SQLITE_OK : SQLITE_ABORT;
        if (status == PVM_PROF_OK &&
            walk_program(&program, visit, user_data, name != NULL ? (const char *)name : "?",
                         out) != 0) {
            code = SQLITE_NOMEM;
        }
        pvm_prof_code_close(&program);
    }
    sqlite3_finalize(rows);
    out->is_exact = out->inexact_blocks == 0;
    if (status != PVM_PROF_OK || code == SQLITE_DONE) {
        return status;
    }
    return pvm_prof_store_report(file, code, "read its blocks");
}

const pvm_prof_column_t pvm_prof_sample_columns[PVM_PROF_SAMPLE_COLUMNS] = {
    {"samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"time_share", "time", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_SAMPLED},
    {"time_share_low", "from", "", PVM_PROF_TYPE_PERCENT, PVM_PROF_SAMPLED},
    {"time_share_high", "to", "", PVM_PROF_TYPE_PERCENT, PVM_PROF_SAMPLED},
};

pvm_prof_table_t *pvm_prof_code_table(const char *title, const pvm_prof_column_t *columns,
                                      size_t count, size_t behind, uint64_t details,
                                      int64_t samples)
{
    pvm_prof_column_t all[32];
    size_t total = 0;

    assert(count + PVM_PROF_SAMPLE_COLUMNS <= sizeof(all) / sizeof(all[0]) && behind <= count);
    for (size_t i = 0; i < count; i++) {
        if (i + behind == count && samples > 0) {
            memcpy(all + total, pvm_prof_sample_columns, sizeof(pvm_prof_sample_columns));
            total += PVM_PROF_SAMPLE_COLUMNS;
        }
        all[total++] = columns[i];
    }
    if (behind == 0 && samples > 0) {
        memcpy(all + total, pvm_prof_sample_columns, sizeof(pvm_prof_sample_columns));
        total += PVM_PROF_SAMPLE_COLUMNS;
    }
    pvm_prof_table_t *const table = pvm_prof_table_create(title, all, total);
    if (table != NULL) {
        table->has_times = true;
        table->details = samples > 0 ? details : 0;
    }
    return table;
}

void pvm_prof_code_set_samples(pvm_prof_value_t *values, int64_t count, int64_t total)
{
    const pvm_prof_interval_t interval = pvm_prof_interval(count, total);

    pvm_prof_value_set_int(&values[0], count);
    pvm_prof_value_set_real(&values[1], total > 0 ? 100.0 * (double)count / (double)total : 0);
    pvm_prof_value_set_real(&values[2], 100.0 * interval.low);
    pvm_prof_value_set_real(&values[3], 100.0 * interval.high);
}

static void mark(pvm_prof_table_t *table, const char *id, bool is_estimated)
{
    const size_t column = pvm_prof_table_column(table, id);

    if (is_estimated && column < table->column_count) {
        table->columns[column].certainty = PVM_PROF_ESTIMATED;
    }
}

/* Samples are counted by block where code is interpreted. @return 0, or -1 without memory */
static int note_samples(pvm_prof_run_file_t *file, pvm_prof_table_t *table)
{
    bool is_interpreted = false;

    (void)pvm_prof_store_truth(file->db,
                               "SELECT EXISTS (SELECT 1 FROM vm v JOIN sample_total t ON t.vm = "
                               "v.id WHERE v.backend = 'interpreter' AND t.samples > 0)",
                               &is_interpreted);
    return is_interpreted
               ? pvm_prof_table_add_note(table, "Samples of interpreted code stand at the first "
                                                "instruction of their block.")
               : 0;
}

pvm_prof_status_t pvm_prof_code_note(pvm_prof_run_file_t *file, pvm_prof_table_t *table,
                                     const pvm_prof_code_totals_t *totals)
{
    int failed = 0;

    mark(table, "gas", totals->is_attributed || !totals->is_exact);
    mark(table, "share", totals->is_attributed || !totals->is_exact);
    mark(table, "executed", !totals->is_exact);
    if (totals->is_attributed) {
        failed |= pvm_prof_table_add_note(
            table, "Only blocks cost gas under this spec; below them it is attributed to who makes "
                   "the block longer, so that the sum is that of the block.");
    }
    if (!totals->is_counted) {
        failed |= pvm_prof_worth_note_uncounted(table);
    }
    if (totals->samples > 0) {
        failed |= note_samples(file, table);
    }
    if (!totals->is_exact) {
        failed |= pvm_prof_table_add_note(
            table,
            "The recording does not tell where code began and ended inside of %" PRIu64
            " blocks; executions in these are estimated.",
            totals->inexact_blocks);
    }
    return failed != 0 ? pvm_prof_store_report(file, SQLITE_NOMEM, "report on it")
                       : pvm_prof_worth_tell(file, table);
}

void pvm_prof_code_set_share(pvm_prof_value_t *value, int64_t gas,
                             const pvm_prof_code_totals_t *totals)
{
    if (totals->gas_used != 0) {
        pvm_prof_value_set_real(value, 100.0 * (double)gas / (double)totals->gas_used);
    }
}
