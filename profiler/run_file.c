/* Run files: opening one that may be anything, closing, run_info. Making one: run_file_create.c. */
#include "profiler/run_file.h"

#include "profiler/store.h"
#include "profiler/wrap_sum.h"
#include "support/error.h"

#include <pvm/pvm.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** How long a finished recording waits for its readers. */
#define CLOSE_WAIT_MS 200

/* The contract, as queries: a file in which one of these does not compile is damaged. */
static const char *const view_checks[] = {
    "SELECT gas_start, gas_end, gas_used, blocks_gas, host_gas, result FROM gas_summary",
    "SELECT id, vm, service, entry_pc, gas_start, gas_end, gas_used, result FROM executions",
    "SELECT pc, end_pc, function, instructions, hits, gas, program FROM hot_blocks",
    "SELECT function, calls, self_gas, total_gas, program FROM hot_functions",
    ("SELECT seq, vm, service, pc, func_id, name, gas_before, gas_after, duration_ns, r7, r8, r9, "
     "r10, r11, r12, "
     "result FROM host_calls"),
    "SELECT kind, count FROM lost_events",
    "SELECT key, value FROM run_info",
};

pvm_prof_run_file_t *pvm_prof_run_file_new(const char *path)
{
    pvm_prof_run_file_t *const file = calloc(1, sizeof(*file));

    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        pvm_error_set("%.300s: no memory to open it", path);
        return NULL;
    }
    file->lock_fd = -1;
    pthread_mutex_init(&file->lock, NULL);
    return file;
}

/* Who only reads a file in WAL mode leaves a log and shared memory beside it, or cannot open it where these cannot
 * be made. A file that nobody writes any more needs neither. While somebody reads, the mode stays. */
static void leave_one_file(pvm_prof_run_file_t *file)
{
    sqlite3_busy_timeout(file->db, CLOSE_WAIT_MS);
    sqlite3_exec(file->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
}

void pvm_prof_run_file_close(pvm_prof_run_file_t *file)
{
    if (file == NULL) {
        return;
    }
    pvm_prof_store_close(file);
    if (file->is_writer && file->db != NULL) {
        leave_one_file(file);
    }
    sqlite3_close_v2(file->db);
    if (file->place != NULL) {
        pvm_prof_run_file_discard(file);
    }
    /* Last: closing any descriptor of a file drops all POSIX locks on it, also those of SQLite. */
    if (file->lock_fd >= 0) {
        close(file->lock_fd);
    }
    pvm_program_release(file->symbols);
    pthread_mutex_destroy(&file->lock);
    free(file->location);
    free(file->place);
    free(file->path);
    free(file);
}

const char *pvm_prof_run_file_location(const pvm_prof_run_file_t *file)
{
    return file->location;
}

const char *pvm_prof_run_file_path(const pvm_prof_run_file_t *file)
{
    return file->path;
}

/* -- Opening ------------------------------------------------------------------------------- */

static int connect(pvm_prof_run_file_t *file, const char *name, int flags)
{
    int64_t ignored;
    int code;

    sqlite3_close_v2(file->db);
    file->db = NULL;
    code =
        sqlite3_open_v2(name, &file->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | flags, NULL);
    if (code != SQLITE_OK) {
        return code;
    }
    sqlite3_extended_result_codes(file->db, 1);
    sqlite3_busy_timeout(file->db, 2000);
    /* The file is somebody's input: its schema may call nothing that has effects. */
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(file->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return pvm_prof_store_number(file->db, "SELECT count(*) FROM sqlite_master", &ignored);
}

/* A file in WAL mode needs a place for its shared memory. On read-only media there is none, nor
 * a writer: then it may be read as it stands, if its log was written back. */
static int connect_immutable(pvm_prof_run_file_t *file)
{
    char *log = NULL;
    char *name = NULL;
    size_t len = 0;
    struct stat status;
    int code = SQLITE_CANTOPEN;

    if (asprintf(&log, "%s-wal", file->location) >= 0 &&
        (stat(log, &status) != 0 || status.st_size == 0) &&
        (name = malloc(3 * strlen(file->location) + sizeof("file:?immutable=1"))) != NULL) {
        len = (size_t)sprintf(name, "file:");
        for (const char *at = file->location; *at != '\0'; at++) {
            const bool plain = *at == '/' || *at == '.' || *at == '-' || *at == '_' ||
                               (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                               (*at >= 'A' && *at <= 'Z');
            len += (size_t)sprintf(name + len, plain ? "%c" : "%%%02x", (unsigned char)*at);
        }
        sprintf(name + len, "?immutable=1");
        code = connect(file, name, SQLITE_OPEN_URI);
    }
    free(name);
    free(log);
    return code;
}

static pvm_prof_status_t check_content(pvm_prof_run_file_t *file)
{
    int64_t id = 0;
    int64_t version = 0;
    int code = pvm_prof_store_number(file->db, "PRAGMA application_id", &id);

    if (code == SQLITE_OK) {
        code = pvm_prof_store_number(file->db, "PRAGMA user_version", &version);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its version");
    }
    if (id != PVM_PROF_APPLICATION_ID) {
        return pvm_prof_store_report(file, SQLITE_NOTADB, "read it");
    }
    if (version > PVM_PROF_SCHEMA_VERSION) {
        pvm_error_set(
            "%.300s: of schema version %lld, this pvmscope reads up to %d; use a newer pvmscope",
            file->path, (long long)version, PVM_PROF_SCHEMA_VERSION);
        return PVM_PROF_E_FORMAT;
    }
    if (version < 1) {
        pvm_error_set("%.300s: damaged (schema version %lld); record again", file->path,
                      (long long)version);
        return PVM_PROF_E_FORMAT;
    }
    for (size_t i = 0; i < sizeof(view_checks) / sizeof(view_checks[0]); i++) {
        sqlite3_stmt *query = NULL;

        code = sqlite3_prepare_v2(file->db, view_checks[i], -1, &query, NULL);
        sqlite3_finalize(query);
        if (code != SQLITE_OK) {
            return pvm_prof_store_report(file, code, "look at its views");
        }
    }
    code = pvm_prof_store_fill_older(file);
    return code == SQLITE_OK ? PVM_PROF_OK
                             : pvm_prof_store_report(file, code, "read it as an older file");
}

pvm_prof_status_t pvm_prof_run_file_open(const char *path, pvm_prof_run_file_t **out_file)
{
    *out_file = NULL;
    pvm_prof_run_file_t *const file = pvm_prof_run_file_new(path);
    pvm_prof_status_t status = PVM_PROF_E_SYSTEM;
    struct stat info;
    int code;

    if (file == NULL) {
        return status;
    }
    if (stat(path, &info) != 0 || (file->location = realpath(path, NULL)) == NULL) {
        pvm_error_set("%.300s: cannot open it (%s); check the path", path, strerror(errno));
        goto fail;
    }
    if (!S_ISREG(info.st_mode) || info.st_size == 0) {
        pvm_error_set("%.300s: %s, not a pvmscope run file; make one with pvmscope record", path,
                      S_ISREG(info.st_mode) ? "empty" : "not a regular file");
        status = PVM_PROF_E_FORMAT;
        goto fail;
    }
    code = connect(file, file->location, 0);
    if ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY) {
        code = connect_immutable(file);
    }
    if (code != SQLITE_OK) {
        status = pvm_prof_store_report(file, code, "open it");
        goto fail;
    }
    if ((status = check_content(file)) != PVM_PROF_OK) {
        goto fail;
    }
    if ((code = pvm_prof_wrap_sum_register(file->db)) != SQLITE_OK) {
        status = pvm_prof_store_report(file, code, "open it");
        goto fail;
    }
    *out_file = file;
    return PVM_PROF_OK;
fail:
    pvm_prof_run_file_close(file);
    return status;
}

/* -- run_info ------------------------------------------------------------------------------ */

pvm_prof_status_t pvm_prof_run_file_set_info(pvm_prof_run_file_t *file, const char *key,
                                             const char *value)
{
    pvm_prof_status_t status = PVM_PROF_OK;

    if (!file->is_writer) {
        pvm_error_set("%.300s: opened for reading; nothing can be set", file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    pthread_mutex_lock(&file->lock);
    pvm_prof_store_info(file, key, value, false);
    if (file->failed) {
        pvm_error_set("%s", file->error);
        status = PVM_PROF_E_SYSTEM;
    }
    pthread_mutex_unlock(&file->lock);
    return status;
}

int pvm_prof_run_file_get_info(pvm_prof_run_file_t *file, const char *key, char *out,
                               size_t out_bytes)
{
    sqlite3_stmt *row = NULL;
    int len = -1;

    if (out_bytes > 0) {
        out[0] = '\0';
    }
    pthread_mutex_lock(&file->lock);
    if (sqlite3_prepare_v2(file->db, "SELECT value FROM run_info WHERE key = ?1", -1, &row, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(row, 1, key, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_type(row, 0) != SQLITE_NULL) {
            len = snprintf(out, out_bytes, "%s", (const char *)sqlite3_column_text(row, 0));
        }
    }
    sqlite3_finalize(row);
    pthread_mutex_unlock(&file->lock);
    return len;
}

pvm_prof_run_status_t pvm_prof_run_file_status(pvm_prof_run_file_t *file)
{
    char text[16];

    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_STATUS, text, sizeof(text));
    if (strcmp(text, "complete") == 0) {
        return PVM_PROF_RUN_COMPLETE;
    }
    if (strcmp(text, "interrupted") == 0) {
        return PVM_PROF_RUN_INTERRUPTED;
    }
    return strcmp(text, "incomplete") == 0 ? PVM_PROF_RUN_INCOMPLETE : PVM_PROF_RUN_RECORDING;
}
