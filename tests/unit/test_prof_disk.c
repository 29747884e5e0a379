/* Disks that fill up: one error, what was written stays, the loss is counted. Writes and
 * allocations of SQLite fail in turn (a shim under SQLite counts them), and the kernel's file
 * size limit plays a real full disk. */
#include "prof_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* -- A file system that says "full" from the n-th write on, or at the n-th only
 * ------------------- */

typedef struct {
    sqlite3_file base;
    sqlite3_file *real;
} shim_file_t;

static sqlite3_vfs *real_vfs;
static long writes_left = -1; /* -1: never fails */
static long writes_seen;
static int fails_once;

static int is_full(void)
{
    writes_seen++;
    if (writes_left < 0) {
        return 0;
    }
    if (writes_left > 0) {
        writes_left--;
        return 0;
    }
    if (fails_once) {
        writes_left = -1;
    }
    return 1;
}

static sqlite3_file *real_file(sqlite3_file *file)
{
    return ((shim_file_t *)(void *)file)->real;
}

static int shim_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    return is_full() ? SQLITE_FULL
                     : real_file(file)->pMethods->xWrite(real_file(file), data, len, at);
}

#define PASS(name, arguments, ...)                                                                 \
    static int shim_##name arguments                                                               \
    {                                                                                              \
        return real_file(file)->pMethods->x##name(real_file(file), ##__VA_ARGS__);                 \
    }

PASS(Close, (sqlite3_file * file))
PASS(Read, (sqlite3_file * file, void *out, int len, sqlite3_int64 at), out, len, at)
PASS(Truncate, (sqlite3_file * file, sqlite3_int64 size), size)
PASS(Sync, (sqlite3_file * file, int flags), flags)
PASS(FileSize, (sqlite3_file * file, sqlite3_int64 *out), out)
PASS(Lock, (sqlite3_file * file, int level), level)
PASS(Unlock, (sqlite3_file * file, int level), level)
PASS(CheckReservedLock, (sqlite3_file * file, int *out), out)
PASS(FileControl, (sqlite3_file * file, int op, void *argument), op, argument)
PASS(SectorSize, (sqlite3_file * file))
PASS(DeviceCharacteristics, (sqlite3_file * file))
PASS(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out), page, size,
     extend, out)
PASS(ShmLock, (sqlite3_file * file, int offset, int n, int flags), offset, n, flags)
PASS(ShmUnmap, (sqlite3_file * file, int delete_it), delete_it)

static void shim_ShmBarrier(sqlite3_file *file)
{
    real_file(file)->pMethods->xShmBarrier(real_file(file));
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_Close,
    .xRead = shim_Read,
    .xWrite = shim_write,
    .xTruncate = shim_Truncate,
    .xSync = shim_Sync,
    .xFileSize = shim_FileSize,
    .xLock = shim_Lock,
    .xUnlock = shim_Unlock,
    .xCheckReservedLock = shim_CheckReservedLock,
    .xFileControl = shim_FileControl,
    .xSectorSize = shim_SectorSize,
    .xDeviceCharacteristics = shim_DeviceCharacteristics,
    .xShmMap = shim_ShmMap,
    .xShmLock = shim_ShmLock,
    .xShmBarrier = shim_ShmBarrier,
    .xShmUnmap = shim_ShmUnmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    shim_file_t *const shim = (shim_file_t *)(void *)file;

    (void)vfs;
    shim->real = (sqlite3_file *)(void *)(shim + 1);
    const int code = real_vfs->xOpen(real_vfs, name, shim->real, flags, out_flags);
    shim->base.pMethods = shim->real->pMethods != NULL ? &shim_methods : NULL;
    return code;
}

static sqlite3_vfs shim_vfs;

static int install_shim(void **state)
{
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "shim";
    shim_vfs.szOsFile = (int)sizeof(shim_file_t) + real_vfs->szOsFile;
    shim_vfs.xOpen = shim_open;
    return sqlite3_vfs_register(&shim_vfs, 1);
}

/* -- Allocations that fail ------------------------------------------------------------------ */

static sqlite3_mem_methods real_memory;
static long allocations_left = -1;

static int is_out_of_memory(void)
{
    if (allocations_left < 0) {
        return 0;
    }
    if (allocations_left > 0) {
        allocations_left--;
        return 0;
    }
    allocations_left = -1;
    return 1;
}

static void *shim_malloc(int len)
{
    return is_out_of_memory() ? NULL : real_memory.xMalloc(len);
}

static void *shim_realloc(void *old, int len)
{
    return is_out_of_memory() ? NULL : real_memory.xRealloc(old, len);
}

/* -- Recording under these conditions --------------------------------------------------------- */

/* A call that takes longer than the pause between two flushes and waits for the caller, or 0. */
static uint64_t slow_call;

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    const struct timespec pause = {.tv_nsec = 300000000};

    (void)func_id;
    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    pvm_set_register(vm, 8, pvm_get_register(vm, 8) + 1);
    if (slow_call != 0 && pvm_get_register(vm, 8) == slow_call) {
        (void)nanosleep(&pause, NULL);
        return PVM_HOST_YIELD;
    }
    return PVM_HOST_CONTINUE;
}

/* Record `calls` host calls. @return what finishing said, or what creating said; the error text
 * in *error */
static pvm_prof_status_t record(const char *path, int calls, char *error, size_t error_bytes)
{
    char text[256];
    pvm_prof_run_file_t *file = NULL;
    pvm_prof_recorder_t *recorder = NULL;
    const pvm_prof_recorder_options_t options = {.size = sizeof(options)};

    snprintf(text, sizeof(text),
             "load_imm r2, %d\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\nbranch_ne_imm "
             "r2, 0, @loop\ntrap",
             calls);
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_7_2);
    pvm_prof_status_t status = pvm_prof_run_file_create(path, &file);
    if (status == PVM_PROF_OK) {
        status = pvm_prof_recorder_create(file, &options, &recorder);
    }
    if (status == PVM_PROF_OK) {
        pvm_vm_t *const vm =
            pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 7, UINT64_C(1) << 40);
        assert_int_equal(pvm_prof_recorder_attach(recorder, vm, NULL), PVM_PROF_OK);
        pvm_set_host_callback(vm, host, NULL);
        /* Recording may fail; the guest may not notice. */
        pvm_result_t result = pvm_execute(vm, 0);
        if (result == PVM_RESULT_HOST_CALL) {
            result = pvm_resume(vm);
        }
        assert_int_equal(result, PVM_RESULT_PANIC);
        assert_int_equal(pvm_get_register(vm, 8), calls);
        status = pvm_prof_recorder_finish(recorder, PVM_PROF_RUN_COMPLETE);
        pvm_destroy(vm);
    }
    snprintf(error, error_bytes, "%s", status != PVM_PROF_OK ? pvm_last_error() : "");
    pvm_prof_recorder_destroy(recorder);
    pvm_prof_run_file_close(file);
    pvm_program_release(program);
    return status;
}

/* After a failed recording: the error is one line, and the file, if there is one, keeps what it
 * says. */
static void kept_what_it_says(const char *path, const char *error, const char *words, int calls)
{
    int64_t kept = -1;

    if (strstr(error, words) == NULL || strncmp(error, path, strlen(path)) != 0 ||
        strchr(error, '\n') != NULL) {
        fail_msg("error text: %s", error);
    }
    if (access(path, F_OK) != 0) {
        return;
    }
    const char *const number = strstr(error, "kept ");
    if (number != NULL) {
        kept = strtol(number + 5, NULL, 10);
        assert_int_equal(prof_integer(path, "SELECT count(*) FROM host_calls"), kept);
    }
    assert_string_equal(prof_text(path, "PRAGMA integrity_check"), "ok");
    assert_true(strcmp(prof_text(path, "SELECT value FROM run_info WHERE key = 'status'"),
                       "complete") != 0);
    if (strcmp(prof_text(path, "SELECT value FROM run_info WHERE key = 'status'"), "incomplete") ==
        0) {
        assert_int_equal(
            prof_integer(path, "SELECT total(count) FROM lost_events WHERE kind = 'host_call'"),
            calls - kept);
        assert_string_equal(prof_text(path, "SELECT value FROM run_info WHERE key = 'reason'"),
                            error);
        assert_int_equal(
            prof_integer(path, "SELECT gas_used - blocks_gas - host_gas FROM gas_summary"), 0);
        assert_int_equal(prof_integer(path, "SELECT host_gas FROM gas_summary"),
                         calls * INT64_C(10));
    }
}

static void each_write_in_turn(const char *path, int once, int calls, long step)
{
    char error[512];
    int failures = 0;
    long first = 0;

    fails_once = once;
    for (;; first += step) {
        unlink(path);
        writes_left = first;
        const pvm_prof_status_t status = record(path, calls, error, sizeof(error));
        const int was_hit = once ? writes_left < 0 : writes_left == 0;
        writes_left = -1;
        if (status == PVM_PROF_OK && !was_hit) {
            break;
        }
        if (status != PVM_PROF_OK) {
            kept_what_it_says(path, error, "disk full", calls);
            failures++;
        }
    }
    assert_true(failures > 5);
    assert_string_equal(prof_text(path, "SELECT value FROM run_info WHERE key = 'status'"),
                        "complete");
    assert_int_equal(prof_integer(path, "SELECT count(*) FROM host_calls"), calls);
}

static void each_write_can_be_the_one_that_finds_the_disk_full(void **state)
{
    const prof_place_t *const place = *state;

    each_write_in_turn(place->path, 0, 20, 1);
    each_write_in_turn(place->path, 0, 20000, 83);
}

static void each_write_can_fail_once(void **state)
{
    const prof_place_t *const place = *state;

    each_write_in_turn(place->path, 1, 20, 1);
    each_write_in_turn(place->path, 1, 20000, 83);
}

static void allocations_of_sqlite_can_fail(void **state)
{
    const prof_place_t *const place = *state;
    char error[512];
    int failures = 0;
    /* There are thousands; most are of SQLite's parser. PVM_TEST_LONG takes them all. */
    const long step = getenv("PVM_TEST_LONG") != NULL ? 1 : 11;

    for (long first = 0;; first += step) {
        unlink(place->path);
        allocations_left = first;
        const pvm_prof_status_t status = record(place->path, 5, error, sizeof(error));
        const int was_hit = allocations_left < 0;
        allocations_left = -1;
        if (status == PVM_PROF_OK && !was_hit) {
            break;
        }
        if (status != PVM_PROF_OK) {
            kept_what_it_says(place->path, error, "", 5);
            failures++;
        }
    }
    assert_true(failures > 100);
}

static void the_size_limit_of_the_kernel_counts_as_a_full_disk(void **state)
{
    const prof_place_t *const place = *state;
    const pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = {.rlim_cur = 400000, .rlim_max = 400000};
        char error[512];

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        /* It is open when what there is is to be stored, and lost once, not twice. */
        slow_call = 39990;
        const pvm_prof_status_t got = record(place->path, 40000, error, sizeof(error));
        kept_what_it_says(place->path, error, "disk full", 40000);
        _exit(got == PVM_PROF_E_SYSTEM ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(prof_text(place->path, "SELECT value FROM run_info WHERE key = 'status'"),
                        "incomplete");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
        TEST(each_write_can_be_the_one_that_finds_the_disk_full),
        TEST(each_write_can_fail_once),
        TEST(allocations_of_sqlite_can_fail),
        TEST(the_size_limit_of_the_kernel_counts_as_a_full_disk),
#undef TEST
    };

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods shim_memory = real_memory;
    shim_memory.xMalloc = shim_malloc;
    shim_memory.xRealloc = shim_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &shim_memory);
    return cmocka_run_group_tests(tests, install_shim, NULL);
}
