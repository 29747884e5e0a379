/* Run files: the contract of views, creation that spares what is there, and files that are not
 * run files. */
#include "prof_fixture.h"

#include "profiler/report.h"

#include <sys/stat.h>

/* DESIGN section 7: names and order of columns. `executions` may have more. */
static const struct {
    const char *view;
    const char *columns;
} contract[] = {
    {"gas_summary", "gas_start gas_end gas_used blocks_gas host_gas result"},
    {"executions", "id vm service program entry_pc gas_start gas_added gas_end gas_used blocks_gas "
                   "host_gas host_calls "
                   "difference result exit_pc started_ns duration_ns"},
    {"hot_blocks", "pc end_pc function instructions hits gas program"},
    {"hot_functions", "function calls self_gas total_gas program"},
    {"host_calls",
     "seq vm service pc func_id name gas_before gas_after duration_ns r7 r8 r9 r10 r11 r12 result"},
    {"lost_events", "kind count"},
    {"run_info", "key value"},
};

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *const file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void exec_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", sql, error);
    }
    sqlite3_close(db);
}

static void make_empty_run(const char *path)
{
    prof_recording_t recording = prof_record(path, 0);

    prof_finish(&recording);
}

/* Opening fails with this status and a text that names the file and has these words. */
static void refuses(const char *path, pvm_prof_status_t status, const char *words)
{
    pvm_prof_run_file_t *file = NULL;

    assert_int_equal(pvm_prof_run_file_open(path, &file), status);
    assert_null(file);
    if (strstr(pvm_last_error(), words) == NULL || strstr(pvm_last_error(), path) == NULL ||
        strchr(pvm_last_error(), '\n') != NULL) {
        fail_msg("error text: %s", pvm_last_error());
    }
}

static void views_have_exactly_the_columns_of_the_contract(void **state)
{
    const prof_place_t *const place = *state;

    make_empty_run(place->path);
    for (size_t i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
        char sql[128];

        snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s') ORDER BY cid",
                 contract[i].view);
        assert_string_equal(prof_text(place->path, sql), contract[i].columns);
        snprintf(sql, sizeof(sql), "SELECT type FROM sqlite_master WHERE name = '%s'",
                 contract[i].view);
        assert_string_equal(prof_text(place->path, sql), "view");
    }
    assert_int_equal(prof_integer(place->path, "PRAGMA user_version"), PVM_PROF_SCHEMA_VERSION);
    assert_int_equal(prof_integer(place->path, "PRAGMA application_id"), PVM_PROF_APPLICATION_ID);
    assert_string_equal(prof_text(place->path, "PRAGMA integrity_check"), "ok");
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM gas_summary"), 1);
}

static void a_file_says_that_it_is_incomplete_from_its_first_moment(void **state)
{
    const prof_place_t *const place = *state;
    pvm_prof_run_file_t *file;
    pvm_prof_run_file_t *reader;

    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_run_file_open(place->path, &reader), PVM_PROF_OK);
    assert_int_equal(pvm_prof_run_file_status(reader), PVM_PROF_RUN_RECORDING);
    assert_string_equal(prof_text(place->path, "SELECT result FROM gas_summary"), "incomplete");
    assert_string_equal(prof_text(place->path, "PRAGMA journal_mode"), "wal");
    pvm_prof_run_file_close(reader);
    pvm_prof_run_file_close(file);
    /* Nobody writes any more: readers need no log, which they could not remove. */
    assert_string_equal(prof_text(place->path, "PRAGMA journal_mode"), "delete");
}

static void run_info_is_set_and_read(void **state)
{
    const prof_place_t *const place = *state;
    pvm_prof_run_file_t *file;
    char text[8];

    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_run_file_set_info(file, PVM_PROF_INFO_ENTRY, "refine"), PVM_PROF_OK);
    assert_int_equal(pvm_prof_run_file_set_info(file, PVM_PROF_INFO_ENTRY, "accumulate"),
                     PVM_PROF_OK);
    assert_int_equal(pvm_prof_run_file_get_info(file, PVM_PROF_INFO_ENTRY, text, sizeof(text)), 10);
    assert_string_equal(text, "accumul");
    assert_int_equal(pvm_prof_run_file_get_info(file, "nothing", text, sizeof(text)), -1);
    assert_string_equal(text, "");
    pvm_prof_run_file_close(file);
    assert_int_equal(pvm_prof_run_file_open(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_run_file_set_info(file, "a", "b"), PVM_PROF_E_ARGUMENT);
    pvm_prof_run_file_close(file);
}

static void foreign_files_are_left_alone(void **state)
{
    const prof_place_t *const place = *state;
    static const char text[] =
        "minutes of the meeting, which are not to be lost; they are longer than a header\n";
    pvm_prof_run_file_t *file;
    struct stat status;

    write_file(place->path, text, sizeof(text));
    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_E_EXISTS);
    assert_non_null(strstr(pvm_last_error(), "not a pvmscope run file"));
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_size, sizeof(text));

    unlink(place->path);
    exec_sql(place->path, "CREATE TABLE precious (a); INSERT INTO precious VALUES (1)");
    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_E_EXISTS);
    assert_int_equal(prof_integer(place->path, "SELECT a FROM precious"), 1);

    assert_int_equal(pvm_prof_run_file_create(place->folder, &file), PVM_PROF_E_EXISTS);
    assert_int_equal(pvm_prof_run_file_create("/dev/null", &file), PVM_PROF_E_EXISTS);
    assert_int_equal(pvm_prof_run_file_create("/nonexistent/run.db", &file), PVM_PROF_E_SYSTEM);
    assert_int_equal(pvm_prof_run_file_create("", &file), PVM_PROF_E_SYSTEM);
}

static void older_recordings_and_empty_files_are_replaced(void **state)
{
    const prof_place_t *const place = *state;
    pvm_prof_run_file_t *file;
    char log[128];
    struct stat status;

    write_file(place->path, "", 0);
    make_empty_run(place->path);
    exec_sql(place->path, "INSERT INTO info VALUES ('mark', 'old')");
    /* The log of another file of this name must not be read into the new one. */
    snprintf(log, sizeof(log), "%s-wal", place->path);
    write_file(log, "left over", 9);
    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM run_info WHERE key = 'mark'"),
                     0);
    pvm_prof_run_file_close(file);
    assert_true(stat(log, &status) != 0);
    assert_string_equal(prof_text(place->path, "PRAGMA integrity_check"), "ok");
}

static void a_file_that_is_being_recorded_is_not_replaced(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_prof_run_file_t *file;

    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_E_EXISTS);
    assert_non_null(strstr(pvm_last_error(), "being recorded"));
    prof_finish(&recording);
    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    pvm_prof_run_file_close(file);
}

static void a_symbolic_link_stays_one(void **state)
{
    const prof_place_t *const place = *state;
    char target[128];
    struct stat status;

    snprintf(target, sizeof(target), "%s/elsewhere.db", place->folder);
    make_empty_run(target);
    assert_int_equal(symlink(target, place->path), 0);
    make_empty_run(place->path);
    assert_int_equal(lstat(place->path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void what_is_no_run_file_is_refused_in_one_line(void **state)
{
    const prof_place_t *const place = *state;
    char other[128];

    refuses("/nonexistent/run.db", PVM_PROF_E_SYSTEM, "No such file");
    refuses(place->folder, PVM_PROF_E_FORMAT, "not a regular file");
    write_file(place->path, "", 0);
    refuses(place->path, PVM_PROF_E_FORMAT, "empty");
    write_file(place->path, "hello, this is text", 19);
    refuses(place->path, PVM_PROF_E_FORMAT, "not a pvmscope run file");
    unlink(place->path);
    exec_sql(place->path, "CREATE TABLE t (a)");
    refuses(place->path, PVM_PROF_E_FORMAT, "not a pvmscope run file");

    snprintf(other, sizeof(other), "%s/other.db", place->folder);
    make_empty_run(other);
    exec_sql(other, "PRAGMA user_version = 1000");
    refuses(other, PVM_PROF_E_FORMAT, "newer");
    exec_sql(other, "PRAGMA user_version = 0");
    refuses(other, PVM_PROF_E_FORMAT, "damaged");
    exec_sql(other, "PRAGMA user_version = 1; DROP VIEW hot_blocks");
    refuses(other, PVM_PROF_E_FORMAT, "damaged");
    exec_sql(other, "CREATE VIEW hot_blocks AS SELECT 1 AS pc");
    refuses(other, PVM_PROF_E_FORMAT, "damaged");
}

/* Record something that fills every table. */
static void record_sample(const char *path)
{
    prof_recording_t recording = prof_record(path, 0);
    pvm_program_t *const program =
        prof_program("load_imm r2, 20\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\n"
                     "branch_ne_imm r2, 0, @loop\ntrap",
                     PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 7, 1000);

    while (pvm_execute(vm, 0) == PVM_RESULT_HOST_CALL) {
        while (pvm_resume(vm) == PVM_RESULT_HOST_CALL) {
        }
        break;
    }
    prof_finish(&recording);
    pvm_destroy(vm);
    pvm_program_release(program);
}

/* Whatever is in the file, opening and reporting either work or fail with one line. */
static void try_everything(const char *path)
{
    const pvm_prof_report_options_t options = {.size = sizeof(options)};
    pvm_prof_run_file_t *file;

    if (pvm_prof_run_file_open(path, &file) != PVM_PROF_OK) {
        assert_non_null(strstr(pvm_last_error(), path));
        assert_null(strchr(pvm_last_error(), '\n'));
        return;
    }
    for (int kind = 0; kind < PVM_PROF_REPORT_KIND_COUNT; kind++) {
        pvm_prof_table_t *table = NULL;

        if (pvm_prof_report(file, (pvm_prof_report_kind_t)kind, &options, &table) != PVM_PROF_OK) {
            assert_non_null(strstr(pvm_last_error(), path));
        }
        pvm_prof_table_destroy(table);
    }
    pvm_prof_run_file_close(file);
}

static uint8_t *read_whole(const char *path, size_t *out_len)
{
    struct stat status;
    FILE *const file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    *out_len = (size_t)status.st_size;
    uint8_t *const data = malloc(*out_len);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *out_len, file), *out_len);
    fclose(file);
    return data;
}

static void damaged_files_never_do_worse_than_an_error(void **state)
{
    const prof_place_t *const place = *state;
    size_t len;
    uint32_t random = 12345;

    record_sample(place->path);
    uint8_t *const data = read_whole(place->path, &len);
    for (int round = 0; round < 300; round++) {
        uint8_t *const copy = malloc(len);

        assert_non_null(copy);
        memcpy(copy, data, len);
        for (int i = 0; i < 1 + round % 30; i++) {
            random = random * 1664525 + 1013904223;
            copy[(random >> 4) % len] = (uint8_t)(random >> 24);
        }
        write_file(place->path, copy, len);
        try_everything(place->path);
        free(copy);
    }
    for (size_t cut = 0; cut < len; cut += len / 50 + 1) {
        write_file(place->path, data, cut);
        try_everything(place->path);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
        TEST(views_have_exactly_the_columns_of_the_contract),
        TEST(a_file_says_that_it_is_incomplete_from_its_first_moment),
        TEST(run_info_is_set_and_read),
        TEST(foreign_files_are_left_alone),
        TEST(older_recordings_and_empty_files_are_replaced),
        TEST(a_file_that_is_being_recorded_is_not_replaced),
        TEST(a_symbolic_link_stays_one),
        TEST(what_is_no_run_file_is_refused_in_one_line),
        TEST(damaged_files_never_do_worse_than_an_error),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
