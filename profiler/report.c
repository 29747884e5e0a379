/* Reports: the queries of reports.def into tables, with notes on what the figures are worth. */
#include "profiler/report.h"

#include "profiler/store.h"
#include "profiler/table_sort.h"
#include "profiler/worth.h"
#include "support/error.h"

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

/* -- Tables ------------------------------------------------------------------------------- */

/* @param out_places  for each column of the table its place in the query */
static pvm_prof_table_t *make_table(pvm_prof_report_kind_t kind, const pvm_prof_worth_t *worth,
                                    int *out_places)
{
    pvm_prof_column_t columns[REPORT_COLUMNS];
    uint64_t details = 0;
    bool has_times = false;
    size_t count = 0;
    int place = -1;

    for (size_t i = 0; i < REPORT_COLUMNS; i++) {
        place += report_columns[i].kind == kind;
        has_times |= report_columns[i].kind == kind && report_columns[i].needs == NEEDS_SAMPLES;
        if (report_columns[i].kind != kind ||
            (report_columns[i].needs == NEEDS_SAMPLES && worth->samples == 0) ||
            (report_columns[i].needs == NEEDS_CALLS && !worth->has_calls)) {
            continue;
        }
        columns[count] = report_columns[i].column;
        details |= (uint64_t)report_columns[i].is_detail << count;
        out_places[count++] = place;
    }
    pvm_prof_table_t *const table = pvm_prof_table_create(reports[kind].title, columns, count);
    if (table != NULL) {
        table->is_record = reports[kind].is_record;
        table->details = details;
        table->has_times = has_times;
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

/* Where parts and totals do not agree nobody knows which of them are wrong. */
static void refuse_totals(pvm_prof_table_t *table)
{
    static const char *const totals[] = {"gas_used", "blocks_gas", "host_gas"};

    for (size_t i = 0; i < table->column_count; i++) {
        bool is_refused = false;

        for (size_t j = 0; j < sizeof(totals) / sizeof(totals[0]); j++) {
            is_refused = is_refused || strcmp(table->columns[i].id, totals[j]) == 0;
        }
        for (size_t row = 0; is_refused && row < table->row_count; row++) {
            table->values[row * table->column_count + i].is_null = true;
        }
    }
}

/* Why the summary does not have all that it has of others. @return 0, or -1 without memory */
static int note_unknown(pvm_prof_report_kind_t kind, pvm_prof_table_t *table)
{
    const size_t gas = pvm_prof_table_column(table, "gas_start");
    const size_t result = pvm_prof_table_column(table, "result");

    if (kind != PVM_PROF_REPORT_SUMMARY || table->row_count == 0 || !table->values[gas].is_null) {
        return 0;
    }
    return pvm_prof_table_add_note(
        table, "%s",
        table->values[result].is_null
            ? "Executions were only summed up: how they began and ended is not known."
            : "The executions began with more gas together than 64 bits hold; it is not shown.");
}

pvm_prof_status_t pvm_prof_report(pvm_prof_run_file_t *file, pvm_prof_report_kind_t kind,
                                  const pvm_prof_report_options_t *options,
                                  pvm_prof_table_t **out_table)
{
    pvm_prof_worth_t worth;

    *out_table = NULL;
    if ((size_t)kind >= PVM_PROF_REPORT_KIND_COUNT || options->size != sizeof(*options)) {
        pvm_error_set("%.300s: no such report, or options of another version", file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    const pvm_prof_status_t status = pvm_prof_worth_read(file, &worth);
    if (status != PVM_PROF_OK) {
        return status;
    }
    int places[REPORT_COLUMNS];
    pvm_prof_table_t *const table = make_table(kind, &worth, places);
    int code = table != NULL ? read_rows(file->db, &reports[kind], options->top, places, table)
                             : SQLITE_NOMEM;
    if (code == SQLITE_OK && worth.broken[0] != '\0') {
        refuse_totals(table);
    }
    if (code == SQLITE_OK &&
        (pvm_prof_worth_note(&worth, table) != 0 || note_unknown(kind, table) != 0)) {
        code = SQLITE_NOMEM;
    }
    if (code == SQLITE_OK && !worth.is_counted &&
        (kind == PVM_PROF_REPORT_FUNCTION || kind == PVM_PROF_REPORT_BLOCK) &&
        pvm_prof_worth_note_uncounted(table) != 0) {
        code = SQLITE_NOMEM;
    }
    if (code != SQLITE_OK) {
        pvm_prof_table_destroy(table);
        return pvm_prof_store_report(file, code, "read its rows");
    }
    *out_table = table;
    return PVM_PROF_OK;
}
