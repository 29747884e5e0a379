/* Recordings of which only sums of host calls were kept have no conversation: see conversation.h. */
#include "profiler/conversation.h"
#include "profiler/store.h"
#include "support/error.h"

#include <inttypes.h>

/** Host calls that were made, where no row of any was kept. */
#define WITHOUT_ROWS "SELECT host_calls FROM total WHERE NOT EXISTS (SELECT 1 FROM host_call)"

/* @param sql  selects calls of which too little was kept, or nothing */
static int count_missing(pvm_prof_run_file_t *file, const char *sql, int64_t *out_calls)
{
    *out_calls = 0;
    const int code = pvm_prof_store_number(file->db, sql, out_calls);

    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int pvm_conversation_note_missing(pvm_prof_run_file_t *file, pvm_prof_table_t *table)
{
    int64_t calls;
    const int code =
        count_missing(file, WITHOUT_ROWS " AND NOT EXISTS (SELECT 1 FROM host_latency)", &calls);

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
    const int code = count_missing(file, WITHOUT_ROWS, &calls);

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
