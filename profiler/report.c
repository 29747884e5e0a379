/* Reports: the queries of reports.def into tables, with notes on what the figures are worth. */
#include "profiler/report.h"

#include "profiler/call_tree.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    const char *title;
    bool is_record;
    const char *order;
    const char *sql;
} report_t;

static const report_t reports[PVM_PROF_REPORT_KIND_COUNT] = {
#define PVM_PROF_REPORT(kind, name, title, is_record, order, sql)                                  \
    [PVM_PROF_REPORT_##kind] = {name, title, is_record, order, sql},
#define PVM_PROF_COLUMN(kind, id, header, unit, type, certainty)
#define PVM_PROF_DETAIL(kind, id, header, unit, type, certainty)
#include "profiler/reports.def"
};

/** What a column is there for only if it was recorded. */
typedef enum { NEEDS_NOTHING, NEEDS_SAMPLES, NEEDS_CALLS } needs_t;

/* How many samples there are is exact; but like what comes of them it is there only with samples. */
#define CERTAINTY_EXACT     PVM_PROF_EXACT, NEEDS_NOTHING
#define CERTAINTY_ESTIMATED PVM_PROF_ESTIMATED, NEEDS_NOTHING
#define CERTAINTY_SAMPLED   PVM_PROF_SAMPLED, NEEDS_SAMPLES
#define CERTAINTY_N         PVM_PROF_EXACT, NEEDS_SAMPLES
#define CERTAINTY_CALLS     PVM_PROF_EXACT, NEEDS_CALLS
#define SPREAD(kind, id, header, unit, type, certainty, needs, is_detail)                          \
    {PVM_PROF_REPORT_##kind, {id, header, unit, PVM_PROF_TYPE_##type, certainty}, needs, is_detail},
#define COLUMN(...) SPREAD(__VA_ARGS__)

typedef struct {
    pvm_prof_report_kind_t kind;
    pvm_prof_column_t column;
    needs_t needs;
    bool is_detail;
} report_column_t;

static const report_column_t report_columns[] = {
#define PVM_PROF_REPORT(kind, name, title, is_record, order, sql)
#define PVM_PROF_COLUMN(kind, id, header, unit, type, certainty)                                   \
    COLUMN(kind, id, header, unit, type, CERTAINTY_##certainty, false)
#define PVM_PROF_DETAIL(kind, id, header, unit, type, certainty)                                   \
    COLUMN(kind, id, header, unit, type, CERTAINTY_##certainty, true)
#include "profiler/reports.def"
};

#define REPORT_COLUMNS (sizeof(report_columns) / sizeof(report_columns[0]))

const char *pvm_prof_report_name(pvm_prof_report_kind_t kind)
{
    return (size_t)kind < PVM_PROF_REPORT_KIND_COUNT ? reports[kind].name : NULL;
}

/* -- What the figures are worth -------------------------------------------------------------- */

typedef struct {
    pvm_prof_run_status_t status;
    bool is_incomplete;
    bool is_counted;
    bool has_calls;
    bool is_partial; /**< of what was selected: no sum rule */
    int64_t difference;
    int64_t samples;            /**< 0: time was not sampled, or they do not reconcile: */
    int64_t samples_difference; /**< total less those at places */
    bool is_sampled;            /**< something was to be sampled */
    int64_t hz;                 /**< 0: of several rates */
    char reason[PVM_PROF_ERROR_BYTES];
    char selected[256];
    char spec[32];
    char guessed[8];
    char lost[256];
} worth_t;

static int read_worth(pvm_prof_run_file_t *file, worth_t *out)
{
    sqlite3_stmt *row = NULL;
    size_t len = 0;
    int code;

    *out = (worth_t){.status = pvm_prof_run_file_status(file)};
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_REASON, out->reason, sizeof(out->reason));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SELECTED, out->selected, sizeof(out->selected));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC, out->spec, sizeof(out->spec));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC_GUESSED, out->guessed,
                               sizeof(out->guessed));
    out->has_calls = pvm_prof_call_tree_is_there(file);
    code = sqlite3_prepare_v2(file->db, "SELECT blocks_gas, difference FROM total", -1, &row, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        out->is_counted = sqlite3_column_type(row, 0) != SQLITE_NULL;
        out->difference = sqlite3_column_int64(row, 1);
        out->is_partial = out->is_counted && sqlite3_column_type(row, 1) == SQLITE_NULL;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    if (code != SQLITE_OK) {
        return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
    }
    code = sqlite3_prepare_v2(
        file->db,
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
    if (code != SQLITE_OK) {
        return code;
    }
    code = sqlite3_prepare_v2(
        file->db, "SELECT kind, count FROM lost_events ORDER BY kind LIMIT 16", -1, &row, NULL);
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
    out->is_incomplete = out->status == PVM_PROF_RUN_RECORDING ||
                         out->status == PVM_PROF_RUN_INCOMPLETE || len > 0 ||
                         (out->status == PVM_PROF_RUN_INTERRUPTED && out->reason[0] != '\0') ||
                         out->difference != 0;
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

static int add_notes(pvm_prof_table_t *table, const worth_t *worth)
{
    int status = 0;

    if (worth->selected[0] != '\0') {
        status |= pvm_prof_table_add_note(
            table, "Selected: %s. Only that was recorded%s.", worth->selected,
            worth->is_partial ? "; it does not add up to the gas used" : "");
    }
    switch (worth->status) {
    case PVM_PROF_RUN_RECORDING:
        status |= pvm_prof_table_add_note(table, "This recording is incomplete: it still goes on, "
                                                 "or was killed. The figures are those that were "
                                                 "stored last.");
        break;
    case PVM_PROF_RUN_INCOMPLETE:
        status |= pvm_prof_table_add_note(
            table, "This recording is incomplete: %s.",
            worth->reason[0] != '\0' ? worth->reason : "something could not be stored");
        break;
    case PVM_PROF_RUN_INTERRUPTED:
        status |= pvm_prof_table_add_note(
            table, "This recording was interrupted%s%s; it holds what happened until then.",
            worth->reason[0] != '\0' ? ": " : "", worth->reason);
        break;
    case PVM_PROF_RUN_COMPLETE:
        break;
    }
    if (worth->lost[0] != '\0') {
        status |= pvm_prof_table_add_note(table, "Lost records: %s.", worth->lost);
    }
    if (worth->difference != 0) {
        status |= pvm_prof_table_add_note(table,
                                          "The figures do not reconcile: gas used is %" PRId64
                                          " more than blocks and host calls explain.",
                                          worth->difference);
    }
    if (worth->samples_difference != 0) {
        status |= pvm_prof_table_add_note(
            table,
            "Sampled times are not shown: the samples do not reconcile, %" PRId64
            " more in total than at places.",
            worth->samples_difference);
    }
    if (worth->is_sampled && worth->samples == 0 && worth->samples_difference == 0) {
        status |= pvm_prof_table_add_note(
            table, "Time was sampled, but no tick met the guest: let it run longer, or sample "
                   "more often.");
    }
    bool is_sampled = false;
    for (size_t i = 0; i < table->column_count; i++) {
        is_sampled |= table->columns[i].certainty == PVM_PROF_SAMPLED;
    }
    if (is_sampled) {
        char rate[32] = "";
        if (worth->hz > 0) {
            (void)snprintf(rate, sizeof(rate), " at %" PRId64 " Hz", worth->hz);
        }
        status |= pvm_prof_table_add_note(
            table, "~: sampled. n of %" PRId64 " samples%s; from and to are the 95 %% interval.",
            worth->samples, rate);
    }
    if (strcmp(worth->guessed, "1") == 0) {
        status |=
            pvm_prof_table_add_note(table, "Spec %s was guessed; --spec sets it.", worth->spec);
    }
    return status;
}

/* -- Tables ------------------------------------------------------------------------------- */

static bool is_figure(pvm_prof_type_t type)
{
    return type == PVM_PROF_TYPE_INT || type == PVM_PROF_TYPE_GAS || type == PVM_PROF_TYPE_NS ||
           pvm_prof_type_is_real(type);
}

/* What was lost makes an exact figure a lower bound; what was sampled or estimated stays that. */
static void note_incomplete(const worth_t *worth, pvm_prof_column_t *column)
{
    if (worth->is_incomplete && is_figure(column->type) && column->certainty == PVM_PROF_EXACT) {
        column->certainty = PVM_PROF_INCOMPLETE;
    }
}

/* @param out_places  for each column of the table its place in the query */
static pvm_prof_table_t *make_table(pvm_prof_report_kind_t kind, const worth_t *worth,
                                    int *out_places)
{
    pvm_prof_column_t columns[REPORT_COLUMNS];
    uint64_t details = 0;
    size_t count = 0;
    int place = -1;

    for (size_t i = 0; i < REPORT_COLUMNS; i++) {
        place += report_columns[i].kind == kind;
        if (report_columns[i].kind != kind ||
            (report_columns[i].needs == NEEDS_SAMPLES && worth->samples == 0) ||
            (report_columns[i].needs == NEEDS_CALLS && !worth->has_calls)) {
            continue;
        }
        columns[count] = report_columns[i].column;
        note_incomplete(worth, &columns[count]);
        details |= (uint64_t)report_columns[i].is_detail << count;
        out_places[count++] = place;
    }
    pvm_prof_table_t *const table = pvm_prof_table_create(reports[kind].title, columns, count);
    if (table != NULL) {
        table->is_record = reports[kind].is_record;
        table->details = details;
    }
    return table;
}

/* @return SQLITE_OK, or SQLITE_NOMEM */
static int read_row(sqlite3_stmt *row, const int *places, pvm_prof_table_t *table)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(table);

    if (values == NULL) {
        return SQLITE_NOMEM;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        const int column = places[i];

        if (sqlite3_column_type(row, column) == SQLITE_NULL) {
            continue;
        }
        switch (table->columns[i].type) {
        case PVM_PROF_TYPE_TEXT:
        case PVM_PROF_TYPE_PATH:
            if (pvm_prof_value_set_text(&values[i],
                                        (const char *)sqlite3_column_text(row, column)) != 0) {
                return SQLITE_NOMEM;
            }
            break;
        case PVM_PROF_TYPE_PERCENT:
        case PVM_PROF_TYPE_REAL:
            pvm_prof_value_set_real(&values[i], sqlite3_column_double(row, column));
            break;
        default:
            pvm_prof_value_set_int(&values[i], sqlite3_column_int64(row, column));
            break;
        }
    }
    return SQLITE_OK;
}

static int read_rows(sqlite3 *db, const report_t *report, uint32_t top, const int *places,
                     pvm_prof_table_t *table)
{
    char sql[4096];
    sqlite3_stmt *query = NULL;
    int code;

    const uint32_t limit = top == 0 || top > PVM_PROF_MAX_ROWS ? PVM_PROF_MAX_ROWS : top;
    snprintf(sql, sizeof(sql), "%s ORDER BY %s LIMIT %u", report->sql, report->order,
             (unsigned)limit);
    code = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(query)) == SQLITE_ROW) {
        code = read_row(query, places, table);
    }
    sqlite3_finalize(query);
    if (code != SQLITE_DONE || table->row_count < limit) {
        return code == SQLITE_DONE ? SQLITE_OK : code;
    }
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s)", report->sql);
    code = sqlite3_prepare_v2(db, sql, -1, &query, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(query)) == SQLITE_ROW) {
        table->row_count_all = (size_t)sqlite3_column_int64(query, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(query);
    return code;
}

pvm_prof_status_t pvm_prof_report(pvm_prof_run_file_t *file, pvm_prof_report_kind_t kind,
                                  const pvm_prof_report_options_t *options,
                                  pvm_prof_table_t **out_table)
{
    worth_t worth;

    *out_table = NULL;
    if ((size_t)kind >= PVM_PROF_REPORT_KIND_COUNT || options->size != sizeof(*options)) {
        pvm_error_set("%.300s: no such report, or options of another version", file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    int code = read_worth(file, &worth);
    if (code == SQLITE_OK) {
        code = pvm_prof_wrap_sum_register(file->db);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its totals");
    }
    int places[REPORT_COLUMNS];
    pvm_prof_table_t *const table = make_table(kind, &worth, places);
    code = table != NULL ? read_rows(file->db, &reports[kind], options->top, places, table)
                         : SQLITE_NOMEM;
    if (code == SQLITE_OK && add_notes(table, &worth) != 0) {
        code = SQLITE_NOMEM;
    }
    if (code == SQLITE_OK && !worth.is_counted &&
        (kind == PVM_PROF_REPORT_FUNCTION || kind == PVM_PROF_REPORT_BLOCK) &&
        pvm_prof_table_add_note(table,
                                "Blocks were not counted; record with --instrument counts.") != 0) {
        code = SQLITE_NOMEM;
    }
    if (code != SQLITE_OK) {
        pvm_prof_table_destroy(table);
        return pvm_prof_store_report(file, code, "read its rows");
    }
    *out_table = table;
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_prof_report_note_worth(pvm_prof_run_file_t *file, pvm_prof_table_t *table)
{
    worth_t worth;
    int code = read_worth(file, &worth);

    for (size_t i = 0; code == SQLITE_OK && i < table->column_count; i++) {
        note_incomplete(&worth, &table->columns[i]);
    }
    if (code == SQLITE_OK && add_notes(table, &worth) != 0) {
        code = SQLITE_NOMEM;
    }
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(file, code, "read its summary");
}
