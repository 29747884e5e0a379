/* Trace events of Chrome, which Perfetto opens: each VM is a track; executions and the host calls in them are slices,
 * and the gas that is left is a counter. More host calls than such viewers can open are told in pieces: what those of one name
 * came to in each is a counter. */
#include "viewer/export/export.h"
#include "viewer/export/slices.h"
#include "viewer/new_run.h"

#include "profiler/store.h"

#include <inttypes.h>

/** Host calls that are told one by one: some 300 octets each. */
#define CALLS_MAX INT64_C(1000000)
/** Pieces of longer conversations. */
#define PIECES_MAX INT64_C(8192)

/** A time in the format's unit, with all its digits. */
static void put_us(pvm_view_export_t *export, const char *name, int64_t ns)
{
    const int64_t clean = ns > 0 ? ns : 0;

    pvm_export_put(export, "\"%s\":%" PRId64 ".%03d", name, clean / 1000, (int)(clean % 1000));
}

static const char *text_of(sqlite3_stmt *row, int column)
{
    const unsigned char *const text = sqlite3_column_text(row, column);

    return text != NULL ? (const char *)text : "?";
}

static int64_t int_of(sqlite3_stmt *row, int column)
{
    return sqlite3_column_int64(row, column);
}

/** Numbers of processes, from 1, up to this one; those of threads stand behind them. Viewers know a thread by its number
 *  alone, and take the one with the number of its process for its first. */
#define LAST_PROCESS "(SELECT coalesce(max(process), 1) FROM vm_process)"

/* Columns: vm, service, backend, thread, process, program. */
static void put_vm(pvm_view_export_t *export, sqlite3_stmt *row)
{
    const int64_t vm = int_of(row, 0);
    const int64_t process = int_of(row, 4);

    pvm_export_put(export,
                   "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%" PRId64 ",\"tid\":%" PRId64
                   ",\"args\":{\"name\":\"VM %" PRId64 ", service %" PRId64 ", ",
                   process, int_of(row, 3), vm, int_of(row, 1));
    pvm_export_put(export, "%s\"}},\n", sqlite3_column_int(row, 2) ? "recompiler" : "interpreter");
    pvm_export_put(
        export,
        "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%" PRId64 ",\"args\":{\"name\":", process);
    pvm_export_json_text(export, text_of(row, 5));
    pvm_export_put(export, "}},\n");
}

/* Columns: id, thread, process, started, duration, result, gas used, entry. */
static void put_execution(pvm_view_export_t *export, sqlite3_stmt *row)
{
    pvm_export_put(export,
                   "{\"ph\":\"X\",\"cat\":\"execution\",\"name\":\"execution %" PRId64
                   "\",\"pid\":%" PRId64 ",\"tid\":%" PRId64 ",",
                   int_of(row, 0), int_of(row, 2), int_of(row, 1));
    put_us(export, "ts", int_of(row, 3));
    pvm_export_put(export, ",");
    put_us(export, "dur", int_of(row, 4));
    pvm_export_put(export, ",\"args\":{\"result\":");
    pvm_export_json_text(export, text_of(row, 5));
    pvm_export_put(export, ",\"gas_used\":%" PRId64 ",\"entry_pc\":%" PRId64 "}},\n",
                   int_of(row, 6), int_of(row, 7));
}

/* Columns: seq, vm, process, name, started, duration, pc, gas before, gas after, result, thread. */
static void put_call(pvm_view_export_t *export, sqlite3_stmt *row)
{
    const int64_t vm = int_of(row, 1);
    const int64_t process = int_of(row, 2);
    const int64_t thread = int_of(row, 10);
    const int64_t started = int_of(row, 4);
    const int64_t gas_before = int_of(row, 7);
    const bool has_after = sqlite3_column_type(row, 8) != SQLITE_NULL;
    const int64_t gas_after = has_after ? int_of(row, 8) : gas_before;
    const uint64_t taken =
        gas_before > gas_after ? (uint64_t)gas_before - (uint64_t)gas_after : UINT64_C(0);

    pvm_export_put(export, "{\"ph\":\"X\",\"cat\":\"host call\",\"name\":");
    pvm_export_json_text(export, text_of(row, 3));
    pvm_export_put(export, ",\"pid\":%" PRId64 ",\"tid\":%" PRId64 ",", process, thread);
    put_us(export, "ts", started);
    pvm_export_put(export, ",");
    put_us(export, "dur", int_of(row, 5));
    pvm_export_put(
        export, ",\"args\":{\"seq\":%" PRId64 ",\"pc\":%" PRId64 ",\"gas\":%" PRIu64 ",\"result\":",
        int_of(row, 0), int_of(row, 6), taken);
    if (sqlite3_column_type(row, 9) == SQLITE_NULL) {
        pvm_export_put(export, "null}},\n");
    } else {
        /* Registers are 64 bits wide, numbers in a browser are not. */
        pvm_export_put(export, "\"0x%" PRIx64 "\"}},\n", (uint64_t)int_of(row, 9));
    }
    pvm_export_put(export,
                   "{\"ph\":\"C\",\"name\":\"gas left, VM %" PRId64 "\",\"pid\":%" PRId64
                   ",\"tid\":%" PRId64 ",",
                   vm, process, thread);
    put_us(export, "ts", started);
    pvm_export_put(export, ",\"args\":{\"gas\":%" PRId64 "}},\n", gas_after);
}

/* No viewer needs the name of a track twice: figures of one name are one counter with three series. */
static void put_piece(void *user_data, const pvm_export_slice_t *piece)
{
    pvm_view_export_t *const export = user_data;

    pvm_export_put(export, "{\"ph\":\"C\",\"cat\":\"host calls\",\"name\":");
    pvm_export_json_text(export, piece->name);
    pvm_export_put(export, ",\"pid\":1,");
    put_us(export, "ts", piece->started_ns);
    pvm_export_put(export,
                   ",\"args\":{\"calls\":%" PRId64 ",\"gas\":%" PRIu64 ",\"ns\":%" PRIu64 "}},\n",
                   piece->calls, (uint64_t)piece->gas, (uint64_t)piece->duration_ns);
}

typedef void put_row_t(pvm_view_export_t *export, sqlite3_stmt *row);

static pvm_view_status_t put_rows(pvm_view_export_t *export, const char *sql, put_row_t *put_row)
{
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(export->file->db, sql, -1, &rows, NULL);

    while (code == SQLITE_OK && !ferror(export->out) && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        put_row(export, rows);
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE || code == SQLITE_OK
               ? PVM_VIEW_FINE
               : pvm_view_fail_profiler(
                     export->view, pvm_prof_store_report(export->file, code, "read its timeline"));
}

/* An execution lasts until the end of its last host call: one that is left to the caller is answered outside. */
static const char executions_sql[] =
    "SELECT e.id, e.vm + " LAST_PROCESS
    ", coalesce(p.process, 1), e.started_ns, max(e.duration_ns, coalesce((SELECT "
    "c.started_ns + coalesce(c.duration_ns, 0) - e.started_ns FROM host_call c "
    "WHERE c.seq = l.seq), 0)), e.result, e.gas_start - e.gas_end + e.gas_added, e.entry_pc "
    "FROM execution e LEFT JOIN vm_process p ON p.vm = e.vm LEFT JOIN "
    "(SELECT execution, max(seq) AS seq FROM host_call GROUP BY 1) l ON l.execution = e.id "
    "ORDER BY e.started_ns, e.id";

static int count_calls(pvm_prof_run_file_t *file, int64_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(file->db, "SELECT coalesce(max(seq), -1) + 1 FROM host_call", -1,
                                  &row, NULL);

    *out = 0;
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

/* @return an SQLite code */
static int put_pieces(pvm_view_export_t *export, int64_t calls)
{
    int64_t width;
    int code = pvm_export_slices_width(export->file, calls, PIECES_MAX, &width);

    pvm_export_put(export,
                   "{\"ph\":\"M\",\"name\":\"process_labels\",\"pid\":1,\"args\":{"
                   "\"labels\":\"host calls in pieces of %" PRId64 "\"}},\n",
                   width);
    return code != SQLITE_OK ? code
                             : pvm_export_slices_tell(export->file, width, put_piece, export);
}

static pvm_view_status_t put_calls(pvm_view_export_t *export)
{
    int64_t calls;
    int code = count_calls(export->file, &calls);

    if (code == SQLITE_OK && calls > CALLS_MAX) {
        code = put_pieces(export, calls);
    } else if (code == SQLITE_OK) {
        return put_rows(export,
                        "SELECT c.seq, c.vm, coalesce(p.process, 1), n.name, c.started_ns, "
                        "c.duration_ns, c.pc, c.gas_before, c.gas_after, c.result, "
                        "c.vm + " LAST_PROCESS " "
                        "FROM host_call c JOIN vm v ON v.id = c.vm "
                        "LEFT JOIN vm_process p ON p.vm = c.vm "
                        "LEFT JOIN host_function n "
                        "ON n.program = v.program AND n.func_id = c.func_id ORDER BY c.seq",
                        put_call);
    }
    return code == SQLITE_OK
               ? PVM_VIEW_FINE
               : pvm_view_fail_profiler(
                     export->view, pvm_prof_store_report(export->file, code, "read its timeline"));
}

pvm_view_status_t pvm_export_perfetto(pvm_view_export_t *export)
{
    pvm_view_status_t status;

    pvm_export_put(export, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    status = put_rows(export,
                      "SELECT v.id, v.service, v.backend = 'recompiler', v.id + " LAST_PROCESS ", "
                      "coalesce(p.process, 1), coalesce(g.name, '') FROM vm v "
                      "LEFT JOIN vm_process p ON p.vm = v.id "
                      "LEFT JOIN program g ON g.id = v.program ORDER BY v.id",
                      put_vm);
    if (status == PVM_VIEW_FINE) {
        status = put_rows(export, executions_sql, put_execution);
    }
    if (status == PVM_VIEW_FINE) {
        status = put_calls(export);
    }
    /* The last event has no comma behind it. */
    pvm_export_put(export,
                   "{\"ph\":\"M\",\"name\":\"trace\",\"pid\":1,\"args\":{"
                   "\"exporter\":\"pvmscope %s\"}}]}\n",
                   pvm_version());
    return status;
}
