/* Totals are added up, run_info is put together: what all recordings say stays, else their different values are named. What each
 * of them said stands in table source_info. */
#include "profiler/merge_info.h"

#include "profiler/ledger.h"
#include "profiler/store.h"
#include "support/buffer.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[PVM_MERGE_KEY_COUNT] = {
    PVM_PROF_INFO_PROGRAM, PVM_PROF_INFO_SPEC,
    PVM_PROF_INFO_BACKEND, PVM_PROF_INFO_FORMAT,
    PVM_PROF_INFO_ENTRY,   PVM_PROF_INFO_ARGUMENTS,
    PVM_PROF_INFO_HOST,    PVM_PROF_INFO_INSTRUMENTATION,
};

void pvm_merge_info_begin(pvm_merge_info_t *info)
{
    *info = (pvm_merge_info_t){.total = {.is_counted = true, .result = "incomplete"},
                               .is_interrupted = true,
                               .sum_rule = "holds"};
}

void pvm_merge_info_free(pvm_merge_info_t *info)
{
    for (size_t i = 0; i < PVM_MERGE_KEY_COUNT; i++) {
        for (unsigned j = 0; j < info->keys[i].count; j++) {
            free(info->keys[i].values[j]);
        }
    }
}

/* -- Totals -------------------------------------------------------------------------------- */

static int add_total(pvm_merge_total_t *total, sqlite3 *source)
{
    sqlite3_stmt *row = NULL;
    int64_t *const sums[] = {&total->executions, &total->host_calls, &total->duration_ns,
                             &total->gas_start,  &total->gas_added,  &total->gas_end,
                             &total->gas_used,   &total->host_gas,   &total->blocks_gas,
                             &total->difference};
    int code =
        sqlite3_prepare_v2(source,
                           "SELECT executions, host_calls, duration_ns, gas_start, gas_added, "
                           "gas_end, gas_used, host_gas, blocks_gas, difference, result FROM total",
                           -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        for (int i = 0; i < (int)(sizeof(sums) / sizeof(sums[0])); i++) {
            *sums[i] = pvm_prof_wrap_add(*sums[i], sqlite3_column_int64(row, i));
        }
        /* Who executed nothing has counted it. */
        total->is_counted = total->is_counted && (sqlite3_column_type(row, 8) != SQLITE_NULL ||
                                                  sqlite3_column_int64(row, 0) == 0);
        const char *const result = (const char *)sqlite3_column_text(row, 10);
        if (sqlite3_column_int64(row, 0) > 0 && result != NULL) {
            (void)snprintf(total->result, sizeof(total->result), "%s", result);
        }
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

static int write_total(const pvm_merge_total_t *total, sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(db,
                           "UPDATE total SET executions = ?1, host_calls = ?2, duration_ns = "
                           "?3, gas_start = ?4, gas_added = ?5, gas_end = ?6, gas_used = ?7, "
                           "blocks_gas = ?8, host_gas = ?9, difference = ?10, result = ?11",
                           -1, &row, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, total->executions);
        sqlite3_bind_int64(row, 2, total->host_calls);
        sqlite3_bind_int64(row, 3, total->duration_ns);
        sqlite3_bind_int64(row, 4, total->gas_start);
        sqlite3_bind_int64(row, 5, total->gas_added);
        sqlite3_bind_int64(row, 6, total->gas_end);
        sqlite3_bind_int64(row, 7, total->gas_used);
        sqlite3_bind_int64(row, 9, total->host_gas);
        if (total->is_counted) {
            sqlite3_bind_int64(row, 8, total->blocks_gas);
            sqlite3_bind_int64(row, 10, total->difference);
        }
        sqlite3_bind_text(row, 11, total->result, -1, SQLITE_STATIC);
        code = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* -- Where a recording is ------------------------------------------------------------------ */

/* A recording that was merged itself has brought the rows of its parts along. */
static int add_source(pvm_prof_run_file_t *out, pvm_prof_run_file_t *source,
                      pvm_merge_numbers_t *numbers)
{
    const int64_t id = numbers->source + 1;
    sqlite3_stmt *row = NULL;
    sqlite3_stmt *info = NULL;
    int code = sqlite3_prepare_v2(out->db, "INSERT INTO source VALUES (?1, ?2, ?3, ?4, ?5, ?6)", -1,
                                  &row, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_text(row, 2, source->path, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 3, numbers->vm + 1);
        sqlite3_bind_int64(row, 4, numbers->execution + 1);
        sqlite3_bind_int64(row, 5, numbers->call);
        sqlite3_bind_int64(row, 6, numbers->time_ns);
        code = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    row = NULL;
    if (code == SQLITE_DONE &&
        (code = sqlite3_prepare_v2(source->db, "SELECT key, value FROM info ORDER BY key", -1, &row,
                                   NULL)) == SQLITE_OK) {
        code = sqlite3_prepare_v2(out->db, "INSERT INTO source_info VALUES (?1, ?2, ?3)", -1, &info,
                                  NULL);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        sqlite3_bind_int64(info, 1, id);
        sqlite3_bind_value(info, 2, sqlite3_column_value(row, 0));
        sqlite3_bind_value(info, 3, sqlite3_column_value(row, 1));
        code = sqlite3_step(info);
        code = code == SQLITE_DONE ? SQLITE_OK : code;
        sqlite3_reset(info);
    }
    sqlite3_finalize(row);
    sqlite3_finalize(info);
    numbers->source = id;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int count_sources(sqlite3 *db, int64_t *out)
{
    sqlite3_stmt *row = NULL;
    bool is_there = false;
    int code = pvm_prof_store_has_table(db, "source", &is_there);

    *out = 0;
    if (code != SQLITE_OK || !is_there) {
        return code;
    }
    code = sqlite3_prepare_v2(db, "SELECT coalesce(max(id), 0) FROM source", -1, &row, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

/* -- run_info ------------------------------------------------------------------------------ */

static int add_value(pvm_merge_values_t *values, const char *value)
{
    for (unsigned i = 0; i < values->count; i++) {
        if (strcmp(values->values[i], value) == 0) {
            return 0;
        }
    }
    if (values->count == PVM_MERGE_VALUES_MAX) {
        values->has_more = true;
        return 0;
    }
    values->values[values->count] = strdup(value);
    return values->values[values->count++] != NULL ? 0 : -1;
}

static void add_status(pvm_merge_info_t *info, pvm_prof_run_file_t *source)
{
    const pvm_prof_run_status_t status = pvm_prof_run_file_status(source);
    char reason[256];
    char rule[sizeof(info->sum_rule)];
    char guessed[8];

    if (status != PVM_PROF_RUN_COMPLETE) {
        pvm_prof_run_file_get_info(source, PVM_PROF_INFO_REASON, reason, sizeof(reason));
        info->is_interrupted =
            info->is_interrupted && status == PVM_PROF_RUN_INTERRUPTED && reason[0] == '\0';
        if (info->unfinished++ == 0) {
            (void)snprintf(info->first_reason, sizeof(info->first_reason), "%.240s: %s",
                           pvm_prof_run_file_path(source),
                           reason[0] != '\0'                    ? reason
                           : status == PVM_PROF_RUN_INTERRUPTED ? "interrupted"
                           : status == PVM_PROF_RUN_RECORDING   ? "did not end"
                                                                : "incomplete");
        }
    }
    if (pvm_prof_run_file_get_info(source, "sum_rule", rule, sizeof(rule)) > 0 &&
        strcmp(info->sum_rule, "holds") == 0) {
        memcpy(info->sum_rule, rule, sizeof(rule));
    }
    pvm_prof_run_file_get_info(source, PVM_PROF_INFO_SPEC_GUESSED, guessed, sizeof(guessed));
    info->is_spec_guessed = info->is_spec_guessed || strcmp(guessed, "1") == 0;
}

pvm_prof_status_t pvm_merge_info_add(pvm_merge_info_t *info, pvm_prof_run_file_t *out,
                                     pvm_prof_run_file_t *source, pvm_merge_numbers_t *numbers)
{
    char value[1024];
    int64_t sources = 0;
    int code = add_total(&info->total, source->db);

    if (code == SQLITE_OK) {
        code = count_sources(source->db, &sources);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(source, code, "read its totals");
    }
    if (sources == 0) {
        code = add_source(out, source, numbers);
    } else if (sources < 0 || sources > INT32_MAX) {
        pvm_error_set("%.300s: damaged (merged from too many); merge again", source->path);
        return PVM_PROF_E_FORMAT;
    } else {
        numbers->source += sources;
    }
    for (size_t i = 0; i < PVM_MERGE_KEY_COUNT && code == SQLITE_OK; i++) {
        if (pvm_prof_run_file_get_info(source, keys[i], value, sizeof(value)) > 0 &&
            add_value(&info->keys[i], value) != 0) {
            code = SQLITE_NOMEM;
        }
    }
    add_status(info, source);
    info->sources = numbers->source;
    if (code != SQLITE_OK && sqlite3_errcode(out->db) == SQLITE_OK) {
        /* Both were at work, and it is not this one that failed. */
        return pvm_prof_store_report(source, code, "read what was recorded");
    }
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(out, code, "write it");
}

static int set_info(sqlite3 *db, const char *key, const char *value)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        db, "INSERT INTO info VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value", -1,
        &row, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_text(row, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, value, -1, SQLITE_STATIC);
        code = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* "one, other", or "one and more". */
static int set_values(sqlite3 *db, const char *key, const pvm_merge_values_t *values)
{
    pvm_buffer_t text = {0};
    int code = SQLITE_OK;

    for (unsigned i = 0; i < values->count; i++) {
        pvm_buffer_printf(&text, "%s%s", i > 0 ? ", " : "", values->values[i]);
    }
    pvm_buffer_printf(&text, "%s", values->has_more ? " and more" : "");
    pvm_buffer_append(&text, "", 1);
    if (text.failed) {
        code = SQLITE_NOMEM;
    } else if (values->count > 0) {
        code = set_info(db, key, (const char *)text.data);
    }
    pvm_buffer_free(&text);
    return code;
}

pvm_prof_status_t pvm_merge_info_finish(pvm_merge_info_t *info, pvm_prof_run_file_t *out)
{
    char text[640];
    int code = write_total(&info->total, out->db);

    for (size_t i = 0; i < PVM_MERGE_KEY_COUNT && code == SQLITE_OK; i++) {
        code = set_values(out->db, keys[i], &info->keys[i]);
    }
    (void)snprintf(text, sizeof(text), "%" PRId64, info->sources);
    const struct {
        const char *key;
        const char *value;
    } pairs[] = {
        {PVM_PROF_INFO_MERGED, text},
        {PVM_PROF_INFO_SPEC_GUESSED, info->is_spec_guessed ? "1" : "0"},
        {"sum_rule", info->sum_rule},
        {PVM_PROF_INFO_STATUS, info->unfinished == 0  ? "complete"
                               : info->is_interrupted ? "interrupted"
                                                      : "incomplete"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && code == SQLITE_OK; i++) {
        code = set_info(out->db, pairs[i].key, pairs[i].value);
    }
    if (code == SQLITE_OK && info->unfinished > 0 && !info->is_interrupted) {
        (void)snprintf(text, sizeof(text), "%s%s", info->first_reason,
                       info->unfinished > 1 ? ", and others" : "");
        code = set_info(out->db, PVM_PROF_INFO_REASON, text);
    }
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(out, code, "write its totals");
}
