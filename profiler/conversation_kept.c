/* Recordings of which only sums of host calls were kept have no conversation: see conversation.h. */
#include "profiler/conversation.h"
#include "profiler/store.h"
#include "support/error.h"

#include <inttypes.h>

/* @param out_calls  that were made and of which neither rows nor durations were kept */
static int count_missing(pvm_prof_run_file_t *file, bool needs_rows, int64_t *out_calls)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT host_calls FROM total WHERE NOT EXISTS (SELECT 1 FROM host_call) AND "
        "(?1 OR NOT EXISTS (SELECT 1 FROM host_latency))",
        -1, &row, NULL);

    *out_calls = 0;
    if (code == SQLITE_OK) {
        sqlite3_bind_int(row, 1, needs_rows);
        code = sqlite3_step(row);
        *out_calls = code == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int pvm_conversation_note_missing(pvm_prof_run_file_t *file, pvm_prof_table_t *table)
{
    int64_t calls;
    const int code = count_missing(file, false, &calls);

    return code == SQLITE_OK && calls > 0 &&
                   pvm_prof_table_add_note(table,
                                           "Of %" PRId64 " host calls only sums were recorded; "
                                           "record with --instrument hostcalls.",
                                           calls) != 0
               ? SQLITE_NOMEM
               : code;
}

pvm_prof_status_t pvm_conversation_need_rows(pvm_prof_run_file_t *file)
{
    int64_t calls;
    const int code = count_missing(file, true, &calls);

    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its host calls");
    }
    if (calls > 0) {
        pvm_error_set("%.300s: of its %" PRId64 " host calls only sums were recorded; record with "
                      "--instrument hostcalls, attach without --aggregate",
                      pvm_prof_run_file_path(file), calls);
        return PVM_PROF_E_FORMAT;
    }
    return PVM_PROF_OK;
}
