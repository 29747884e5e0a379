/* Making a run file: written beside its place, locked, then renamed into it, so that it is
 * whole from the first moment and an older recording is there until then. */
#include "profiler/store.h"
#include "support/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pvm/pvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/** schema.sql, embedded by the build. */
extern const char pvm_prof_schema_sql[];

/* SQLite gives meaning to names like ":memory:", and a rename must not hit a symbolic link: so
 * make the path absolute and real, also for a file that is yet to come. */
static char *locate(const char *path)
{
    char *const whole = realpath(path, NULL);

    if (whole != NULL || errno != ENOENT || path[0] == '\0') {
        return whole;
    }
    const char *const slash = strrchr(path, '/');
    const char *const name = slash != NULL ? slash + 1 : path;
    char *const folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *const real_folder = folder != NULL ? realpath(folder, NULL) : NULL;
    char *location = NULL;

    if (real_folder != NULL && asprintf(&location, "%s/%s", real_folder, name) < 0) {
        location = NULL;
    }
    free(real_folder);
    free(folder);
    return location;
}

/* Is there something at this place that must not be replaced? */
static pvm_prof_status_t check_old_file(const pvm_prof_run_file_t *file)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t header[72];
    struct stat status;
    pvm_prof_status_t result = PVM_PROF_OK;
    const int fd = open(file->location, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        if (errno == ENOENT) {
            return PVM_PROF_OK;
        }
        pvm_error_set("%.300s: cannot look at the file that is there (%s); choose another name",
                      file->path, strerror(errno));
        return PVM_PROF_E_EXISTS;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        pvm_error_set("%.300s: not a regular file; choose another name", file->path);
        result = PVM_PROF_E_EXISTS;
    } else if (status.st_size > 0 &&
               (read(fd, header, sizeof(header)) != (ssize_t)sizeof(header) ||
                memcmp(header, magic, sizeof(magic)) != 0 ||
                ((uint32_t)header[68] << 24 | (uint32_t)header[69] << 16 |
                 (uint32_t)header[70] << 8 | header[71]) != PVM_PROF_APPLICATION_ID)) {
        pvm_error_set(
            "%.300s: exists and is not a pvmscope run file; remove it or choose another name",
            file->path);
        result = PVM_PROF_E_EXISTS;
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        pvm_error_set("%.300s: is being recorded by another process; choose another name",
                      file->path);
        result = PVM_PROF_E_EXISTS;
    }
    close(fd);
    return result;
}

static int write_info(sqlite3 *db, const char *key, const char *value)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, "INSERT INTO info VALUES (?1, ?2)", -1, &row, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_text(row, 1, key, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(row, 2, value, -1, SQLITE_TRANSIENT);
        code = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int write_first_info(sqlite3 *db)
{
    struct utsname system;
    char text[sizeof(system.sysname) + sizeof(system.release) + sizeof(system.machine) + 3];
    char created[sizeof("2000-01-01T00:00:00Z")] = "";
    char process[24];
    struct tm utc;
    const time_t now = time(NULL);
    int code;

    snprintf(process, sizeof(process), "%ld", (long)getpid());
    snprintf(text, sizeof(text), "%d", PVM_PROF_SCHEMA_VERSION);
    if (gmtime_r(&now, &utc) != NULL) {
        strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    if ((code = write_info(db, "schema", text)) != SQLITE_OK ||
        (code = write_info(db, "pvmscope", pvm_version())) != SQLITE_OK ||
        (code = write_info(db, "created", created)) != SQLITE_OK ||
        (code = write_info(db, "process", process)) != SQLITE_OK ||
        (code = write_info(db, PVM_PROF_INFO_STATUS, "recording")) != SQLITE_OK) {
        return code;
    }
    if (uname(&system) == 0) {
        snprintf(text, sizeof(text), "%s %s %s", system.sysname, system.release, system.machine);
        if ((code = write_info(db, "hostname", system.nodename)) != SQLITE_OK ||
            (code = write_info(db, "os", text)) != SQLITE_OK) {
            return code;
        }
    }
    return SQLITE_OK;
}

/* A whole, empty run file at `place`, in WAL mode and closed. */
static pvm_prof_status_t write_empty(pvm_prof_run_file_t *file, const char *place)
{
    char head[160];
    pvm_prof_status_t status = PVM_PROF_OK;

    snprintf(
        head, sizeof(head),
        "PRAGMA journal_mode = MEMORY; PRAGMA application_id = %d; PRAGMA user_version = %d; BEGIN",
        PVM_PROF_APPLICATION_ID, PVM_PROF_SCHEMA_VERSION);
    int code = sqlite3_open_v2(
        place, &file->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK && (code = sqlite3_exec(file->db, head, NULL, NULL, NULL)) == SQLITE_OK &&
        (code = sqlite3_exec(file->db, pvm_prof_schema_sql, NULL, NULL, NULL)) == SQLITE_OK &&
        (code = write_first_info(file->db)) == SQLITE_OK &&
        (code = sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL)) == SQLITE_OK) {
        /* A file system without shared memory refuses; then the file keeps a rollback journal,
         * as safe and slower. */
        code = sqlite3_exec(file->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        status = pvm_prof_store_report(file, sqlite3_extended_errcode(file->db), "create it");
    }
    sqlite3_close_v2(file->db);
    file->db = NULL;
    return status;
}

/* A log that is left over from another file of this name would be read into the new one. */
static void remove_companions(const char *location)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char *name = NULL;

        if (asprintf(&name, "%s%s", location, suffixes[i]) >= 0) {
            unlink(name);
            free(name);
        }
    }
}

/* Write the file beside its place, lock it and move it there. */
static pvm_prof_status_t put_in_place(pvm_prof_run_file_t *file)
{
    char *place = NULL;
    pvm_prof_status_t status = PVM_PROF_E_SYSTEM;

    if (asprintf(&place, "%s.%ld.new", file->location, (long)getpid()) < 0) {
        pvm_error_set("%.300s: no memory to create it", file->path);
        return status;
    }
    unlink(place);
    file->lock_fd = open(place, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->lock_fd < 0) {
        pvm_error_set("%.300s: cannot create it (%s); choose another place", file->path,
                      strerror(errno));
        free(place);
        return status;
    }
    if ((status = write_empty(file, place)) == PVM_PROF_OK) {
        /* A file system that knows no locks only loses the warning about two recorders. */
        (void)flock(file->lock_fd, LOCK_EX | LOCK_NB);
        remove_companions(file->location);
        if (rename(place, file->location) != 0) {
            pvm_error_set("%.300s: cannot create it (%s); choose another place", file->path,
                          strerror(errno));
            status = PVM_PROF_E_SYSTEM;
        }
    }
    if (status != PVM_PROF_OK) {
        unlink(place);
        remove_companions(place);
    }
    free(place);
    return status;
}

/* Create it at file->location. */
static pvm_prof_status_t create_at_location(pvm_prof_run_file_t *file)
{
    const pvm_prof_status_t status = put_in_place(file);

    if (status != PVM_PROF_OK) {
        return status;
    }
    int code = sqlite3_open_v2(file->location, &file->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        sqlite3_extended_result_codes(file->db, 1);
        sqlite3_busy_timeout(file->db, 5000);
        code = sqlite3_exec(file->db,
                            "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA "
                            "cache_size = -16384",
                            NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? PVM_PROF_OK
                             : pvm_prof_store_report(file, code, "open the file just made");
}

static pvm_prof_status_t create(const char *path, bool is_beside, pvm_prof_run_file_t **out_file)
{
    *out_file = NULL;
    pvm_prof_run_file_t *const file = pvm_prof_run_file_new(path);
    pvm_prof_status_t status = PVM_PROF_E_SYSTEM;

    if (file == NULL) {
        return status;
    }
    file->is_writer = true;
    file->location = locate(path);
    if (file->location == NULL) {
        pvm_error_set("%.300s: cannot create it (%s); choose another place", path, strerror(errno));
    } else {
        status = check_old_file(file);
    }
    if (status == PVM_PROF_OK && is_beside) {
        file->place = file->location;
        if (asprintf(&file->location, "%s.%ld.part", file->place, (long)getpid()) < 0) {
            file->location = NULL;
            pvm_error_set("%.300s: no memory to create it", path);
            status = PVM_PROF_E_SYSTEM;
        }
    }
    if (status == PVM_PROF_OK) {
        status = create_at_location(file);
    }
    if (status != PVM_PROF_OK) {
        pvm_prof_run_file_close(file);
        return status;
    }
    *out_file = file;
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_prof_run_file_create(const char *path, pvm_prof_run_file_t **out_file)
{
    return create(path, false, out_file);
}

pvm_prof_status_t pvm_prof_run_file_create_beside(const char *path, pvm_prof_run_file_t **out_file)
{
    return create(path, true, out_file);
}

pvm_prof_status_t pvm_prof_run_file_publish(pvm_prof_run_file_t *file)
{
    pvm_prof_store_close(file);
    const int code = sqlite3_exec(file->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "finish it");
    }
    remove_companions(file->place);
    if (rename(file->location, file->place) != 0) {
        pvm_error_set("%.300s: cannot put it in its place (%s); choose another one", file->path,
                      strerror(errno));
        return PVM_PROF_E_SYSTEM;
    }
    free(file->location);
    file->location = file->place;
    file->place = NULL;
    return PVM_PROF_OK;
}

void pvm_prof_run_file_discard(pvm_prof_run_file_t *file)
{
    if (file->location != NULL) {
        unlink(file->location);
        remove_companions(file->location);
    }
}

pvm_prof_status_t pvm_prof_run_file_create_memory(const char *name, pvm_prof_run_file_t **out_file)
{
    *out_file = NULL;
    pvm_prof_run_file_t *const file = pvm_prof_run_file_new(name);
    int code;

    if (file == NULL) {
        return PVM_PROF_E_SYSTEM;
    }
    file->is_writer = true;
    code =
        sqlite3_open_v2(":memory:", &file->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK &&
        (code = sqlite3_exec(file->db, pvm_prof_schema_sql, NULL, NULL, NULL)) == SQLITE_OK) {
        code = write_first_info(file->db);
    }
    if (code != SQLITE_OK) {
        const pvm_prof_status_t status = pvm_prof_store_report(file, code, "make it");
        pvm_prof_run_file_close(file);
        return status;
    }
    *out_file = file;
    return PVM_PROF_OK;
}
