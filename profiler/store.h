/* Rows into the run file: prepared statements, transactions in batches, and what happens when
 * one fails.
 *
 * Internal to the profiler. Every function here is called with the file's lock held. The first
 * failure rolls the open batch back, keeps what was committed, and ends the storing; from then
 * on rows are only counted as lost. */
#ifndef PVM_PROFILER_STORE_H
#define PVM_PROFILER_STORE_H

#include "profiler/run_file.h"

#include <pvm/pvm.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

/** Rows after which a transaction should be committed. */
#define PVM_PROF_BATCH_ROWS 16384
/** Age of an open transaction at which it is committed. */
#define PVM_PROF_BATCH_NS UINT64_C(250000000)
/** Longest error text, with its end. */
#define PVM_PROF_ERROR_BYTES 512

typedef enum {
#define PVM_PROF_STATEMENT(name, lost, sql) PVM_PROF_STATEMENT_##name,
#include "profiler/statements.def"
    PVM_PROF_STATEMENT_COUNT
} pvm_prof_statement_t;

/** What lost_events counts. NONE: nothing of its own is lost. */
typedef enum {
    PVM_PROF_LOST_NONE,
    PVM_PROF_LOST_PROGRAM,
    PVM_PROF_LOST_VM,
    PVM_PROF_LOST_EXECUTION,
    PVM_PROF_LOST_BLOCK,
    PVM_PROF_LOST_EDGE,
    PVM_PROF_LOST_CUT,
    PVM_PROF_LOST_CALL,
    PVM_PROF_LOST_SAMPLE,
    PVM_PROF_LOST_HOST_CALL,
    PVM_PROF_LOST_HOST_CALL_END, /**< the begin is in the file */
    PVM_PROF_LOST_HOST_MEMORY,
    PVM_PROF_LOST_BLOCK_TRACE, /**< pieces of many blocks */
    PVM_PROF_LOST_EVENT,       /**< by a tracer, of whatever kind */
    PVM_PROF_LOST_PACKET,      /**< by a tracer: whole buffers */
    PVM_PROF_LOST_COUNT
} pvm_prof_lost_t;

struct pvm_prof_run_file_t {
    char *path;     /**< as given, for messages */
    char *location; /**< absolute, for SQLite */
    char *place;    /**< where it is to be published; NULL: it is there */
    sqlite3 *db;
    bool is_writer;
    struct pvm_program_t *symbols; /**< reader: given for its programs, see symbols.h; or NULL */
    int lock_fd; /**< writer: holds the advisory lock that says "being recorded"; else -1 */
    pthread_mutex_t lock;

    sqlite3_stmt *statements[PVM_PROF_STATEMENT_COUNT];
    bool are_registers_bound; /**< HOST_CALL: its registers are bound, to these */
    uint64_t bound_registers[PVM_REGISTER_COUNT];
    bool in_transaction;
    uint64_t transaction_began_ns;
    uint64_t transaction_rows;
    uint64_t pending[PVM_PROF_LOST_COUNT]; /**< rows in the open transaction */
    uint64_t kept[PVM_PROF_LOST_COUNT];    /**< rows committed */
    uint64_t lost[PVM_PROF_LOST_COUNT];
    bool failed;
    char error[PVM_PROF_ERROR_BYTES];
};

/** A handle without a database. NULL without memory. */
pvm_prof_run_file_t *pvm_prof_run_file_new(const char *path);

/** Remove what stands at its location, for good. */
void pvm_prof_run_file_discard(pvm_prof_run_file_t *file);

/** The clock of all times in a run file: CLOCK_MONOTONIC in ns. */
uint64_t pvm_prof_now_ns(void);
/** Make that clock stand at the time of an event that is being imported, on this thread; 0: let it go again. */
void pvm_prof_clock_import(uint64_t now_ns);

/** Name of a kind in lost_events. */
const char *pvm_prof_lost_name(pvm_prof_lost_t kind);

/** A statement to be bound with sqlite3_bind_*() and given to pvm_prof_store_step(), inside a
 * transaction.
 * @return NULL if storing has failed; the row is then counted as lost. */
sqlite3_stmt *pvm_prof_store_begin_row(pvm_prof_run_file_t *file, pvm_prof_statement_t which);
/** Store the bound row. */
void pvm_prof_store_step(pvm_prof_run_file_t *file, pvm_prof_statement_t which);
/** Bind text or a blob that may be too long or too much for the memory; then storing fails. */
void pvm_prof_store_bind_text(pvm_prof_run_file_t *file, sqlite3_stmt *row, int index,
                              const char *text);
void pvm_prof_store_bind_blob(pvm_prof_run_file_t *file, sqlite3_stmt *row, int index,
                              const void *data, size_t len);

/** Commit the open transaction, if there is one. */
void pvm_prof_store_commit(pvm_prof_run_file_t *file);
/** Set a pair of run_info; `only_default` leaves one that is there. */
void pvm_prof_store_info(pvm_prof_run_file_t *file, const char *key, const char *value,
                         bool only_default);
/** Write the lost counts and commit. */
void pvm_prof_store_lost(pvm_prof_run_file_t *file);
/** After a failure: allow one more small transaction, for the status and the totals. What comes
 * of it is not reported: without it the file still says "recording". */
void pvm_prof_store_retry(pvm_prof_run_file_t *file);
/** Note a failure that SQLite does not know of (memory). */
void pvm_prof_store_fail(pvm_prof_run_file_t *file, const char *what);

/** Give the connection of an older file empty temporary tables for those that came later; versions stay while tables are only added. @return an SQLite code */
int pvm_prof_store_fill_older(pvm_prof_run_file_t *file);

/** Finalize statements, roll back what is open. */
void pvm_prof_store_close(pvm_prof_run_file_t *file);

/** The text for a failed SQLite call on this file, into the thread's last error. @return FORMAT
 * or SYSTEM. */
pvm_prof_status_t pvm_prof_store_report(const pvm_prof_run_file_t *file, int code,
                                        const char *doing);

/** The first column of the one row that `sql` selects. @return SQLITE_OK, SQLITE_DONE if there is no row, or what went wrong */
int pvm_prof_store_number(sqlite3 *db, const char *sql, int64_t *out);
/** Whether that column is anything but 0; no row: it is not. @return SQLITE_OK, or what went wrong */
int pvm_prof_store_truth(sqlite3 *db, const char *sql, bool *out);
/** Whether the file itself has this table. @return SQLITE_OK, or what went wrong */
int pvm_prof_store_has_table(sqlite3 *db, const char *name, bool *out);

#endif
