/* Data of the HTML report: host calls in their order. A short conversation is there whole; a longer one is cut into
 * slices, each with exact sums by name and with the calls that it begins with, so that a page has the same size
 * however long the conversation was. */
#include "viewer/export/html.h"
#include "viewer/export/slices.h"
#include "viewer/new_run.h"

#include "profiler/jam_call.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pvm_view_export_t *export;
    pvm_prof_run_file_t *file;
    char **names; /**< of host calls, sorted */
    size_t name_count;
    int64_t rows; /**< of single calls in the file: one behind the last number */
    pvm_buffer_t scratch;
    bool is_first;
} writer_t;

static const char *text_of(sqlite3_stmt *row, int column)
{
    const unsigned char *const text = sqlite3_column_text(row, column);

    return text != NULL ? (const char *)text : "?";
}

static sqlite3_stmt *prepare(const writer_t *writer, const char *sql, int *code)
{
    sqlite3_stmt *rows = NULL;

    *code = sqlite3_prepare_v2(writer->file->db, sql, -1, &rows, NULL);
    return rows;
}

static int done(int code)
{
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* -- Names --------------------------------------------------------------------------------- */

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int index_of(const writer_t *writer, const char *name)
{
    char *const *const found = writer->name_count > 0
                                   ? bsearch(&name, writer->names, writer->name_count,
                                             sizeof(*writer->names), compare_names)
                                   : NULL;

    return found != NULL ? (int)(found - writer->names) : -1;
}

static int read_names(writer_t *writer)
{
    int code;
    sqlite3_stmt *const rows = prepare(
        writer, "SELECT DISTINCT name FROM host_function ORDER BY name COLLATE BINARY", &code);

    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        char **const names =
            realloc(writer->names, (writer->name_count + 1) * sizeof(*writer->names));

        code = SQLITE_NOMEM;
        if (names != NULL) {
            writer->names = names;
            names[writer->name_count] = strdup(text_of(rows, 0));
            code = names[writer->name_count] != NULL ? SQLITE_OK : SQLITE_NOMEM;
            writer->name_count += code == SQLITE_OK;
        }
    }
    sqlite3_finalize(rows);
    pvm_export_put(writer->export, "\"names\":[");
    for (size_t i = 0; i < writer->name_count; i++) {
        pvm_export_put(writer->export, "%s", i > 0 ? "," : "");
        pvm_export_json_text(writer->export, writer->names[i]);
    }
    pvm_export_put(writer->export, "]");
    return done(code);
}

static int read_number(const writer_t *writer, const char *sql, int64_t *out)
{
    int code;
    sqlite3_stmt *const row = prepare(writer, sql, &code);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(row, 0);
        code = SQLITE_DONE;
    }
    sqlite3_finalize(row);
    return done(code);
}

/* -- Single calls -------------------------------------------------------------------------- */

/** What JAM means by the registers, and what came back; null where that is unknown. */
static void put_meaning(writer_t *writer, sqlite3_stmt *row, const char *name)
{
    pvm_view_export_t *const export = writer->export;
    const bool is_jam = pvm_jam_call_is(name, text_of(row, 10), sqlite3_column_int64(row, 9));
    uint64_t registers[6];

    if (sqlite3_column_type(row, 8) == SQLITE_NULL) {
        pvm_export_put(export, ",null");
    } else {
        const uint64_t result = (uint64_t)sqlite3_column_int64(row, 8);
        const char *const answer = is_jam ? pvm_jam_result_name(result) : NULL;

        if (answer != NULL) {
            pvm_export_put(export, ",\"%s\"", answer);
        } else {
            pvm_export_put(export, ",\"0x%" PRIx64 "\"", result);
        }
    }
    if (!is_jam) {
        pvm_export_put(export, ",null");
        return;
    }
    for (int i = 0; i < 6; i++) {
        registers[i] = (uint64_t)sqlite3_column_int64(row, 11 + i);
    }
    writer->scratch.len = 0;
    pvm_jam_call_arguments(&writer->scratch, name, registers);
    pvm_buffer_append(&writer->scratch, "", 1);
    pvm_export_put(export, ",");
    pvm_export_json_text(export, writer->scratch.failed ? "" : (const char *)writer->scratch.data);
}

#define CALLS_SQL                                                                                  \
    "SELECT c.seq, c.vm, c.started_ns, c.duration_ns, n.name, c.pc, "                              \
    "max(0, c.gas_before - coalesce(c.gas_after, c.gas_before)), c.gas_before, c.result, "         \
    "c.func_id, p.spec, c.r7, c.r8, c.r9, c.r10, c.r11, c.r12 "                                    \
    "FROM host_call c JOIN vm v ON v.id = c.vm JOIN program p ON p.id = v.program "                \
    "LEFT JOIN host_function n ON n.program = v.program AND n.func_id = c.func_id "                \
    "WHERE c.seq >= ?1 AND c.seq < ?2 ORDER BY c.seq"

static void put_column(writer_t *writer, sqlite3_stmt *row, int column, const char *behind)
{
    pvm_html_int_or_null(writer->export, sqlite3_column_type(row, column) == SQLITE_NULL,
                         sqlite3_column_int64(row, column));
    pvm_export_put(writer->export, "%s", behind);
}

static int put_calls(writer_t *writer, sqlite3_stmt *rows, int64_t from, int64_t to)
{
    pvm_view_export_t *const export = writer->export;
    int code = sqlite3_bind_int64(rows, 1, from);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_int64(rows, 2, to);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *const name = text_of(rows, 4);

        pvm_export_put(export, "%s[", writer->is_first ? "" : ",\n");
        put_column(writer, rows, 0, ",");
        put_column(writer, rows, 1, ",");
        put_column(writer, rows, 2, ",");
        put_column(writer, rows, 3, ",");
        pvm_export_put(export, "%d,", index_of(writer, name));
        put_column(writer, rows, 5, ",");
        put_column(writer, rows, 6, ",");
        put_column(writer, rows, 7, "");
        put_meaning(writer, rows, name);
        pvm_export_put(export, "]");
        writer->is_first = false;
        code = writer->scratch.failed ? SQLITE_NOMEM : SQLITE_OK;
    }
    sqlite3_reset(rows);
    return done(code);
}

static int put_rows(writer_t *writer, int64_t slice)
{
    int code;
    sqlite3_stmt *const rows = prepare(writer, CALLS_SQL, &code);

    writer->is_first = true;
    pvm_export_put(writer->export, ",\n\"rows\":[");
    if (code == SQLITE_OK && slice == 0) {
        code = put_calls(writer, rows, 0, writer->rows);
    }
    for (int64_t from = 0; code == SQLITE_OK && slice > 0 && from < writer->rows; from += slice) {
        code = put_calls(writer, rows, from, from + PVM_HTML_SLICE_ROWS);
    }
    sqlite3_finalize(rows);
    pvm_export_put(writer->export, "]");
    return code;
}

/* -- Slices -------------------------------------------------------------------------------- */

/** Slices that are being written. */
typedef struct {
    writer_t *writer;
    const char *comma;
} slices_t;

/* [first number, name, calls, gas, ns, begin] for each name in each slice. */
static void put_slice(void *user_data, const pvm_export_slice_t *slice)
{
    slices_t *const slices = user_data;
    pvm_view_export_t *const export = slices->writer->export;
    const int64_t figures[] = {slice->calls, slice->gas, slice->duration_ns, slice->started_ns};

    pvm_export_put(export, "%s[", slices->comma);
    pvm_html_int(export, slice->seq);
    pvm_export_put(export, ",%d", index_of(slices->writer, slice->name));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        pvm_export_put(export, ",");
        pvm_html_int(export, figures[i]);
    }
    pvm_export_put(export, "]");
    slices->comma = ",";
}

static int put_sliced(writer_t *writer, int64_t *out_slice)
{
    slices_t slices = {.writer = writer, .comma = ""};
    int code = pvm_export_slices_width(writer->file, writer->rows, PVM_HTML_SLICES, out_slice);

    pvm_export_put(writer->export, ",\n\"slice\":%" PRId64 ",\"slices\":[", *out_slice);
    if (code == SQLITE_OK) {
        code = pvm_export_slices_tell(writer->file, *out_slice, put_slice, &slices);
    }
    pvm_export_put(writer->export, "]");
    return code;
}

static int put_all(writer_t *writer)
{
    pvm_view_export_t *const export = writer->export;
    int64_t total = 0;
    int64_t slice = 0;
    int code = pvm_prof_wrap_sum_register(writer->file->db);

    if (code == SQLITE_OK) {
        code = read_number(writer, "SELECT host_calls FROM total", &total);
    }
    if (code == SQLITE_OK) {
        code =
            read_number(writer, "SELECT coalesce(max(seq), -1) + 1 FROM host_call", &writer->rows);
    }
    pvm_export_put(export, "{\"total\":");
    pvm_html_int(export, total);
    pvm_export_put(export, ",\"stored\":");
    pvm_html_int(export, writer->rows);
    pvm_export_put(export, ",");
    if (code == SQLITE_OK) {
        code = read_names(writer);
    }
    if (code == SQLITE_OK && writer->rows > PVM_HTML_ROWS_MAX) {
        code = put_sliced(writer, &slice);
    }
    if (code == SQLITE_OK) {
        code = put_rows(writer, slice);
    }
    pvm_export_put(export, "}");
    return code;
}

pvm_view_status_t pvm_html_calls(pvm_view_export_t *export, pvm_prof_run_file_t *file)
{
    writer_t writer = {.export = export, .file = file};
    const int code = put_all(&writer);

    for (size_t i = 0; i < writer.name_count; i++) {
        free(writer.names[i]);
    }
    free(writer.names);
    pvm_buffer_free(&writer.scratch);
    return code == SQLITE_OK
               ? PVM_VIEW_FINE
               : pvm_view_fail_profiler(export->view,
                                        pvm_prof_store_report(file, code, "read its host calls"));
}
