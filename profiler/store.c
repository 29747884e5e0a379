/* Transactions and statements of a recording, and the one way in which it can fail. */
#include "profiler/store.h"

#include "support/error.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const statement_sql[PVM_PROF_STATEMENT_COUNT] = {
#define PVM_PROF_STATEMENT(name, lost, sql) sql,
#include "profiler/statements.def"
};

static const uint8_t statement_lost[PVM_PROF_STATEMENT_COUNT] = {
#define PVM_PROF_STATEMENT(name, lost, sql) PVM_PROF_LOST_##lost,
#include "profiler/statements.def"
};

static const char *const lost_names[PVM_PROF_LOST_COUNT] = {
    [PVM_PROF_LOST_NONE] = "none",
    [PVM_PROF_LOST_PROGRAM] = "program",
    [PVM_PROF_LOST_VM] = "vm",
    [PVM_PROF_LOST_EXECUTION] = "execution",
    [PVM_PROF_LOST_BLOCK] = "block",
    [PVM_PROF_LOST_EDGE] = "edge",
    [PVM_PROF_LOST_CUT] = "cut",
    [PVM_PROF_LOST_CALL] = "call",
    [PVM_PROF_LOST_SAMPLE] = "sample",
    [PVM_PROF_LOST_HOST_CALL] = "host_call",
    [PVM_PROF_LOST_HOST_CALL_END] = "host_call_end",
    [PVM_PROF_LOST_HOST_MEMORY] = "host_memory",
    [PVM_PROF_LOST_BLOCK_TRACE] = "block_trace",
    [PVM_PROF_LOST_EVENT] = "event",
    [PVM_PROF_LOST_PACKET] = "packet",
};

/* Time of the event that is being imported, or 0. */
static _Thread_local uint64_t imported_ns;

void pvm_prof_clock_import(uint64_t now_ns)
{
    imported_ns = now_ns;
}

uint64_t pvm_prof_now_ns(void)
{
    struct timespec now;

    if (imported_ns != 0) {
        return imported_ns;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

const char *pvm_prof_lost_name(pvm_prof_lost_t kind)
{
    assert(kind < PVM_PROF_LOST_COUNT);
    return lost_names[kind];
}

void pvm_prof_store_fail(pvm_prof_run_file_t *file, const char *what)
{
    if (file->in_transaction) {
        /* SQLite may have rolled back by itself; a second ROLLBACK does no harm. */
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
        file->in_transaction = false;
    }
    for (size_t i = 0; i < PVM_PROF_LOST_COUNT; i++) {
        file->lost[i] += file->pending[i];
        file->pending[i] = 0;
    }
    file->failed = true;
    if (file->error[0] == '\0') {
        snprintf(file->error, sizeof(file->error), "%.300s: %s; kept %" PRIu64 " host calls",
                 file->path, what, file->kept[PVM_PROF_LOST_HOST_CALL]);
    }
}

static bool is_space_error(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/* Quotas and size limits come as input/output errors; the cause is with the file or its log. */
static bool is_out_of_space(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    int code = 0;

    if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_LAST_ERRNO, &code) == SQLITE_OK &&
        is_space_error(code)) {
        return true;
    }
    return sqlite3_file_control(db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
           log != NULL && log->pMethods != NULL &&
           log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &code) == SQLITE_OK &&
           is_space_error(code);
}

static void fail_with(pvm_prof_run_file_t *file, int code)
{
    char what[160];

    if ((code & 0xff) == SQLITE_FULL ||
        ((code & 0xff) == SQLITE_IOERR && is_out_of_space(file->db))) {
        snprintf(what, sizeof(what), "disk full; free some space and record again");
    } else {
        snprintf(what, sizeof(what),
                 "cannot write (%s, SQLite code %d); check the disk and record again",
                 sqlite3_errstr(code), code);
    }
    pvm_prof_store_fail(file, what);
}

static bool execute(pvm_prof_run_file_t *file, const char *sql)
{
    const int code = sqlite3_exec(file->db, sql, NULL, NULL, NULL);

    if (code != SQLITE_OK) {
        fail_with(file, sqlite3_extended_errcode(file->db));
    }
    return code == SQLITE_OK;
}

void pvm_prof_store_commit(pvm_prof_run_file_t *file)
{
    if (!file->in_transaction || !execute(file, "COMMIT")) {
        return;
    }
    file->in_transaction = false;
    for (size_t i = 0; i < PVM_PROF_LOST_COUNT; i++) {
        file->kept[i] += file->pending[i];
        file->pending[i] = 0;
    }
}

sqlite3_stmt *pvm_prof_store_begin_row(pvm_prof_run_file_t *file, pvm_prof_statement_t which)
{
    assert(file->is_writer);
    if (file->failed) {
        file->lost[statement_lost[which]]++;
        return NULL;
    }
    if (!file->in_transaction) {
        if (!execute(file, "BEGIN IMMEDIATE")) {
            file->lost[statement_lost[which]]++;
            return NULL;
        }
        file->in_transaction = true;
        file->transaction_began_ns = pvm_prof_now_ns();
        file->transaction_rows = 0;
    }
    if (file->statements[which] == NULL &&
        sqlite3_prepare_v3(file->db, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &file->statements[which], NULL) != SQLITE_OK) {
        file->pending[statement_lost[which]]++;
        fail_with(file, sqlite3_extended_errcode(file->db));
        return NULL;
    }
    return file->statements[which];
}

void pvm_prof_store_step(pvm_prof_run_file_t *file, pvm_prof_statement_t which)
{
    sqlite3_stmt *const row = file->statements[which];

    if (file->failed) {
        /* Binding failed after begin_row(): the row is lost, but was not counted there. */
        file->lost[statement_lost[which]]++;
    } else {
        file->pending[statement_lost[which]]++;
        if (sqlite3_step(row) != SQLITE_DONE) {
            const int code = sqlite3_extended_errcode(file->db);

            sqlite3_reset(row);
            fail_with(file, code);
        }
    }
    sqlite3_reset(row);
    /* Rows of host calls are many and hold numbers only; what of one row is in the next one stays bound. */
    if (which != PVM_PROF_STATEMENT_HOST_CALL) {
        sqlite3_clear_bindings(row);
    }
    file->transaction_rows++;
}

void pvm_prof_store_bind_text(pvm_prof_run_file_t *file, sqlite3_stmt *row, int index,
                              const char *text)
{
    const int code = sqlite3_bind_text(row, index, text, -1, SQLITE_TRANSIENT);

    if (code != SQLITE_OK) {
        fail_with(file, code);
    }
}

void pvm_prof_store_bind_blob(pvm_prof_run_file_t *file, sqlite3_stmt *row, int index,
                              const void *data, size_t len)
{
    /* An empty blob is not NULL. */
    const int code = sqlite3_bind_blob64(row, index, len > 0 ? data : "", len, SQLITE_TRANSIENT);

    if (code != SQLITE_OK) {
        fail_with(file, code);
    }
}

void pvm_prof_store_info(pvm_prof_run_file_t *file, const char *key, const char *value,
                         bool only_default)
{
    const pvm_prof_statement_t which =
        only_default ? PVM_PROF_STATEMENT_DEFAULT_INFO : PVM_PROF_STATEMENT_SET_INFO;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, which);

    if (row != NULL) {
        pvm_prof_store_bind_text(file, row, 1, key);
        pvm_prof_store_bind_text(file, row, 2, value);
        pvm_prof_store_step(file, which);
    }
}

void pvm_prof_store_lost(pvm_prof_run_file_t *file)
{
    for (size_t i = PVM_PROF_LOST_NONE + 1; i < PVM_PROF_LOST_COUNT; i++) {
        sqlite3_stmt *row;

        if (file->lost[i] == 0 ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_LOST)) == NULL) {
            continue;
        }
        pvm_prof_store_bind_text(file, row, 1, lost_names[i]);
        sqlite3_bind_int64(row, 2, (sqlite3_int64)file->lost[i]);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_LOST);
    }
    pvm_prof_store_commit(file);
}

void pvm_prof_store_retry(pvm_prof_run_file_t *file)
{
    assert(!file->in_transaction);
    file->failed = false;
}

void pvm_prof_store_close(pvm_prof_run_file_t *file)
{
    for (size_t i = 0; i < PVM_PROF_STATEMENT_COUNT; i++) {
        sqlite3_finalize(file->statements[i]);
        file->statements[i] = NULL;
        file->are_registers_bound = false;
    }
    if (file->in_transaction) {
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
        file->in_transaction = false;
    }
}

/* What SQLite says can quote the file: one line of plain characters of it. */
static void quote_message(const char *message, char *out, size_t out_bytes)
{
    size_t len = 0;

    for (; message[len] != '\0' && len + 1 < out_bytes; len++) {
        out[len] = message[len] >= ' ' && message[len] <= '~' ? message[len] : '?';
    }
    out[len] = '\0';
}

pvm_prof_status_t pvm_prof_store_report(const pvm_prof_run_file_t *file, int code,
                                        const char *doing)
{
    char message[120];

    quote_message(sqlite3_errmsg(file->db), message, sizeof(message));
    switch (code & 0xff) {
    case SQLITE_NOTADB:
        pvm_error_set("%.300s: not a pvmscope run file; make one with pvmscope record", file->path);
        return PVM_PROF_E_FORMAT;
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
        pvm_error_set("%.300s: damaged (cannot %s: %s); record again", file->path, doing, message);
        return PVM_PROF_E_FORMAT;
    case SQLITE_FULL:
        pvm_error_set("%.300s: disk full; free some space and record again", file->path);
        return PVM_PROF_E_SYSTEM;
    case SQLITE_NOMEM:
        pvm_error_set("%.300s: no memory (%s)", file->path, doing);
        return PVM_PROF_E_SYSTEM;
    default:
        pvm_error_set("%.300s: cannot %s (%s, SQLite code %d); check the path and its permissions",
                      file->path, doing, sqlite3_errstr(code), code);
        return PVM_PROF_E_SYSTEM;
    }
}

int pvm_prof_store_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

int pvm_prof_store_truth(sqlite3 *db, const char *sql, bool *out)
{
    int64_t number = 0;
    const int code = pvm_prof_store_number(db, sql, &number);

    *out = number != 0;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int pvm_prof_store_has_table(sqlite3 *db, const char *name, bool *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        db, "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?1", -1, &row, NULL);

    *out = false;
    if (code == SQLITE_OK) {
        sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
        code = sqlite3_step(row);
        *out = code == SQLITE_ROW;
    }
    sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}
