/* Merging: every table of the schema has its rule, and what comes out is what the recordings hold, to the unit. */
#include "prof_fixture.h"

#include "profiler/merge.h"
#include "profiler/merge_tables.h"
#include "profiler/reconcile.h"

extern const char pvm_prof_schema_sql[];

/* -- The rules cover the schema -------------------------------------------------------------- */

static sqlite3 *empty_schema(void)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, pvm_prof_schema_sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static const pvm_merge_table_t *rule_of(const char *table)
{
    const pvm_merge_table_t *found = NULL;

    for (const pvm_merge_table_t *at = pvm_merge_tables; at->name != NULL; at++) {
        if (strcmp(at->name, table) == 0) {
            assert_null(found);
            found = at;
        }
    }
    return found;
}

static void every_table_has_a_rule(void **state)
{
    sqlite3 *const db = empty_schema();
    sqlite3_stmt *row = NULL;
    size_t tables = 0;
    size_t rules = 0;

    (void)state;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_master WHERE type = 'table' AND "
                                        "name NOT LIKE 'sqlite_%'",
                                        -1, &row, NULL),
                     SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *const name = (const char *)sqlite3_column_text(row, 0);

        if (rule_of(name) == NULL) {
            fail_msg("table %s is not in profiler/merge.def: say how it is merged", name);
        }
        tables++;
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
    for (const pvm_merge_table_t *at = pvm_merge_tables; at->name != NULL; at++) {
        rules++;
    }
    assert_int_equal(rules, tables);
}

/* What a reference to a table needs. */
static bool is_translated(const char *target, pvm_merge_kind_t kind)
{
    static const struct {
        const char *target;
        pvm_merge_kind_t kind;
    } kinds[] = {
        {"program", PVM_MERGE_PROGRAM}, {"vm", PVM_MERGE_VM},
        {"host_call", PVM_MERGE_CALL},  {"execution", PVM_MERGE_EXECUTION},
        {"source", PVM_MERGE_SOURCE},   {"flight", PVM_MERGE_EXECUTION},
        {"call_node", PVM_MERGE_NODE},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].target, target) == 0) {
            return kinds[i].kind == kind;
        }
    }
    fail_msg("%s is referred to: the test and profiler/merge_tables.c do not know its numbers",
             target);
    return false;
}

/* All columns, with the table that each one refers to. */
static const char columns_sql[] =
    "SELECT t.name, c.name, c.type, c.pk, (SELECT f.\"table\" FROM pragma_foreign_key_list(t.name) "
    "f "
    "WHERE f.\"from\" = c.name), (SELECT count(*) FROM pragma_table_info(t.name) WHERE pk > 0) "
    "FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'";

static void check_column(const pvm_merge_table_t *table, const char *column, bool is_key,
                         bool is_row_id, const char *target)
{
    const pvm_merge_kind_t kind = pvm_merge_kind(table->name, column);
    const size_t len = strlen(column);

    if (target != NULL && !is_translated(target, kind)) {
        fail_msg("%s.%s refers to %s and is not translated", table->name, column, target);
    }
    if (table->mode == PVM_MERGE_COPY && is_row_id && kind == PVM_MERGE_KEEP) {
        fail_msg("%s.%s is a number of its own and stays as it is", table->name, column);
    }
    if (table->mode == PVM_MERGE_SUM && !is_key && kind == PVM_MERGE_KEEP) {
        fail_msg("%s.%s: say what becomes of two rows", table->name, column);
    }
    if (len > 3 && strcmp(column + len - 3, "_ns") == 0 && strcmp(column, "duration_ns") != 0 &&
        kind == PVM_MERGE_KEEP) {
        fail_msg("%s.%s: a point in time is of kind TIME, a duration is called duration_ns",
                 table->name, column);
    }
}

static void every_column_that_needs_a_rule_has_one(void **state)
{
    sqlite3 *const db = empty_schema();
    sqlite3_stmt *row = NULL;

    (void)state;
    assert_int_equal(sqlite3_prepare_v2(db, columns_sql, -1, &row, NULL), SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        const pvm_merge_table_t *const table = rule_of((const char *)sqlite3_column_text(row, 0));

        if (table != NULL && table->mode != PVM_MERGE_OWN) {
            const bool is_key = sqlite3_column_int(row, 3) > 0;
            const bool is_row_id =
                is_key && sqlite3_column_int(row, 5) == 1 &&
                strcmp((const char *)sqlite3_column_text(row, 2), "INTEGER") == 0;

            check_column(table, (const char *)sqlite3_column_text(row, 1), is_key, is_row_id,
                         (const char *)sqlite3_column_text(row, 4));
        }
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
}

/* -- Recordings to merge --------------------------------------------------------------------- */

#define HALT "load_imm r0, -65536\njump_ind r0, 0"

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    uint8_t octet = (uint8_t)func_id;

    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    pvm_set_register(vm, 7, 1);
    pvm_set_register(vm, 9, (uint64_t)func_id);
    (void)pvm_read_memory(vm, 0x20000, &octet, 1);
    return PVM_HOST_CONTINUE;
}

/* Two machines, one the parent of the other; `loops` host calls of each. */
static void record(const char *path, const char *text, pvm_spec_t spec, uint32_t instrument)
{
    prof_recording_t recording = prof_record(path, instrument);
    pvm_program_t *const program = prof_program(text, spec);
    pvm_vm_t *const outer = prof_attach(&recording, program, 7, 100000);
    pvm_vm_t *const inner = prof_attach(&recording, program, 8, 100000);

    pvm_set_parent(inner, outer);
    pvm_map_memory(outer, 0x20000, 4096, PVM_ACCESS_WRITE);
    pvm_set_host_callback(outer, host, NULL);
    pvm_set_host_callback(inner, host, NULL);
    pvm_execute(outer, 0);
    pvm_execute(inner, 0);
    pvm_execute(outer, 0);
    pvm_destroy(inner);
    pvm_destroy(outer);
    prof_finish(&recording);
    pvm_program_release(program);
}

#define CALLS(count)                                                                               \
    "load_imm r2, " #count "\nfallthrough\nloop: ecalli 1\necalli 2\nadd_imm_64 r2, r2, -1\n"      \
    "branch_ne_imm r2, 0, @loop\n"
#define ALL (PVM_PROF_COUNTS | PVM_PROF_EDGES | PVM_PROF_HOST_CALLS | PVM_PROF_MEMORY)

static const struct {
    const char *text;
    pvm_spec_t spec;
    uint32_t instrument;
} runs[] = {
    {CALLS(5) HALT, PVM_SPEC_0_7_2, ALL},
    {CALLS(3) "load_u8 r2, 0x30000\ntrap", PVM_SPEC_0_8_0, ALL},
    {CALLS(5) HALT, PVM_SPEC_0_7_2, PVM_PROF_COUNTS},
    {CALLS(5) HALT, PVM_SPEC_0_8_0, ALL},
    {CALLS(100) "load_u8 r2, 16\ntrap", PVM_SPEC_0_7_2, ALL},
};
#define RUNS (sizeof(runs) / sizeof(runs[0]))

static const char *run_path(const prof_place_t *place, size_t index)
{
    static char path[112];

    snprintf(path, sizeof(path), "%s/%zu.db", place->folder, index);
    return path;
}

static void record_all(const prof_place_t *place)
{
    for (size_t i = 0; i < RUNS; i++) {
        record(run_path(place, i), runs[i].text, runs[i].spec, runs[i].instrument);
    }
}

static bool has_stop;

static bool is_stopped(void)
{
    return has_stop;
}

static pvm_prof_status_t merge_files(const char *path, const char *const *paths, size_t count)
{
    const pvm_prof_merge_options_t options = {.size = sizeof(options), .is_stopped = is_stopped};
    pvm_prof_run_file_t *out = NULL;
    pvm_prof_merge_t *merge = NULL;
    pvm_prof_status_t status = pvm_prof_run_file_create_beside(path, &out);

    assert_int_equal(status, PVM_PROF_OK);
    status = pvm_prof_merge_create(out, &options, &merge);
    for (size_t i = 0; i < count && status == PVM_PROF_OK; i++) {
        pvm_prof_run_file_t *source = NULL;

        assert_int_equal(pvm_prof_run_file_open(paths[i], &source), PVM_PROF_OK);
        status = pvm_prof_merge_add(merge, source);
        pvm_prof_run_file_close(source);
    }
    if (status == PVM_PROF_OK) {
        status = pvm_prof_merge_finish(merge);
    }
    pvm_prof_merge_destroy(merge);
    if (status == PVM_PROF_OK) {
        status = pvm_prof_run_file_publish(out);
    }
    pvm_prof_run_file_close(out);
    return status;
}

static void merge_runs(const char *path, const prof_place_t *place)
{
    char names[RUNS][112];
    const char *paths[RUNS];

    for (size_t i = 0; i < RUNS; i++) {
        strcpy(names[i], run_path(place, i));
        paths[i] = names[i];
    }
    if (merge_files(path, paths, RUNS) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
}

/* -- What comes out -------------------------------------------------------------------------- */

static int64_t sum_over_runs(const prof_place_t *place, const char *sql)
{
    int64_t sum = 0;

    for (size_t i = 0; i < RUNS; i++) {
        sum += prof_integer(run_path(place, i), sql);
    }
    return sum;
}

static void sums_are_those_of_the_recordings(void **state)
{
    const prof_place_t *const place = *state;
    static const char *const sums[] = {
        "SELECT gas_used FROM gas_summary",
        "SELECT blocks_gas FROM gas_summary",
        "SELECT host_gas FROM gas_summary",
        "SELECT executions FROM total",
        "SELECT host_calls FROM total",
        "SELECT duration_ns FROM total",
        "SELECT total(gas) FROM hot_blocks",
        "SELECT total(hits) FROM hot_blocks",
        "SELECT total(self_gas) FROM hot_functions",
        "SELECT total(count) FROM edge",
        "SELECT total(began) FROM cut",
        "SELECT count(*) FROM executions",
        "SELECT count(*) FROM host_calls",
        "SELECT total(gas_before - gas_after) FROM host_calls",
        "SELECT total(duration_ns) FROM host_calls",
        "SELECT count(*) FROM host_call_register",
        "SELECT count(*) FROM host_memory",
        "SELECT total(length(data)) FROM host_memory",
        "SELECT total(calls) FROM host_total",
        "SELECT total(gas) FROM host_total",
        "SELECT total(calls) FROM host_site",
        "SELECT total(gas) FROM host_site",
        "SELECT total(calls) FROM host_slice",
        "SELECT total(gas) FROM host_slice",
        "SELECT total(duration_ns) FROM host_slice",
        "SELECT count(*) FROM flight",
        "SELECT count(*) FROM flight_frame",
        "SELECT count(*) FROM flight_call",
        "SELECT count(*) FROM vm",
    };
    static const char *const zeros[] = {
        "SELECT gas_used - blocks_gas - host_gas FROM gas_summary",
        "SELECT difference FROM total",
        "SELECT count(*) FROM executions WHERE gas_used IS NOT blocks_gas + host_gas",
        "SELECT value != 'holds' FROM run_info WHERE key = 'sum_rule'",
        "SELECT value != 'complete' FROM run_info WHERE key = 'status'",
        "SELECT count(*) - 5 FROM source",
        "SELECT count(*) FROM pragma_foreign_key_check",
        /* One time line, in order. */
        "SELECT count(*) FROM execution a JOIN execution b ON b.id = a.id + 1 WHERE b.started_ns < "
        "a.started_ns",
        "SELECT count(*) FROM host_call a JOIN host_call b ON b.seq = a.seq + 1 AND b.started_ns < "
        "a.started_ns",
        "SELECT count(*) FROM host_call c JOIN execution e ON e.id = c.execution WHERE e.vm != "
        "c.vm",
        "SELECT max(id) - count(*) FROM execution",
        "SELECT max(id) - count(*) FROM vm",
        /* Slices hold the calls that they say they hold. */
        "SELECT count(*) FROM host_slice s WHERE s.calls > s.width",
    };

    record_all(place);
    merge_runs(place->path, place);
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        const int64_t expected = sum_over_runs(place, sums[i]);
        const int64_t found = prof_integer(place->path, sums[i]);
        if (found != expected) {
            fail_msg("%s: %lld, the recordings give %lld", sums[i], (long long)found,
                     (long long)expected);
        }
    }
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        if (prof_integer(place->path, zeros[i]) != 0) {
            fail_msg("%s: %lld", zeros[i], (long long)prof_integer(place->path, zeros[i]));
        }
    }
}

static void equal_programs_become_one(void **state)
{
    const prof_place_t *const place = *state;

    record_all(place);
    merge_runs(place->path, place);
    assert_string_equal(prof_text(place->path, "SELECT spec FROM program ORDER BY id"),
                        "0.7.2 0.8.0 0.8.0 0.7.2");
    assert_string_equal(prof_text(place->path, "SELECT program FROM vm ORDER BY id"),
                        "1 1 2 2 1 1 3 3 4 4");
    assert_string_equal(prof_text(place->path, "SELECT coalesce(parent, '-') FROM vm ORDER BY id"),
                        "- 1 - 3 - 5 - 7 - 9");
    assert_string_equal(prof_text(place->path, "SELECT first_execution FROM source ORDER BY id"),
                        "1 4 7 10 13");
    /* Twice the same program, of which one recording has no single host calls. */
    const int64_t once = prof_integer(run_path(place, 0), "SELECT total(hits) FROM block");
    assert_int_equal(prof_integer(place->path, "SELECT total(hits) FROM block WHERE program = 1"),
                     2 * once);
    assert_string_equal(prof_text(place->path, "SELECT value FROM run_info WHERE key = 'spec'"),
                        "0.7.2, 0.8.0");
    assert_string_equal(prof_text(place->path, "SELECT value FROM run_info WHERE key = 'merged'"),
                        "5");
}

/* All rows of all tables but those that say when and from where. */
static void same_rows(const char *a, const char *b)
{
    sqlite3 *db;
    sqlite3_stmt *row = NULL;
    char sql[400];

    assert_int_equal(sqlite3_open(a, &db), SQLITE_OK);
    snprintf(sql, sizeof(sql), "ATTACH '%s' AS other", b);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    for (const pvm_merge_table_t *at = pvm_merge_tables; at->name != NULL; at++) {
        /* Where single calls are missing, slices cannot be cut anew. */
        if (strcmp(at->name, "info") == 0 || strcmp(at->name, "host_slice") == 0) {
            continue;
        }
        snprintf(
            sql, sizeof(sql),
            "SELECT (SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM other.%s)) "
            "+ (SELECT count(*) FROM (SELECT * FROM other.%s EXCEPT SELECT * FROM main.%s))",
            at->name, at->name, at->name, at->name);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(row), SQLITE_ROW);
        if (sqlite3_column_int(row, 0) != 0) {
            fail_msg("%s: %d rows differ", at->name, sqlite3_column_int(row, 0));
        }
        sqlite3_finalize(row);
    }
    sqlite3_close(db);
}

static void merging_in_steps_is_merging_at_once(void **state)
{
    const prof_place_t *const place = *state;
    char names[RUNS][112];
    char left[112];
    char right[112];
    char steps[112];

    record_all(place);
    merge_runs(place->path, place);
    for (size_t i = 0; i < RUNS; i++) {
        strcpy(names[i], run_path(place, i));
    }
    snprintf(left, sizeof(left), "%s/left", place->folder);
    snprintf(right, sizeof(right), "%s/right", place->folder);
    snprintf(steps, sizeof(steps), "%s/steps", place->folder);
    assert_int_equal(merge_files(left, (const char *const[]){names[0], names[1]}, 2), PVM_PROF_OK);
    assert_int_equal(merge_files(right, (const char *const[]){names[2], names[3]}, 2), PVM_PROF_OK);
    assert_int_equal(merge_files(steps, (const char *const[]){left, right, names[4]}, 3),
                     PVM_PROF_OK);
    same_rows(place->path, steps);
}

static void functions_are_told_apart_by_place_and_name(void **state)
{
    const prof_place_t *const place = *state;
    char first[112];
    char other[112];
    sqlite3 *db;

    strcpy(first, run_path(place, 0));
    strcpy(other, run_path(place, 1));
    record(first, runs[0].text, runs[0].spec, ALL);
    record(other, runs[0].text, runs[0].spec, ALL);
    assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE function SET name = 'another'", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(merge_files(place->path, (const char *const[]){first, other}, 2), PVM_PROF_OK);
    /* Blocks belong to whoever came first. */
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM function"), 2);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM block WHERE function != 0"),
                     0);
}

/* -- What goes wrong --------------------------------------------------------------------------- */

static void nothing_is_left_of_a_merge_that_fails(void **state)
{
    const prof_place_t *const place = *state;
    char first[112];
    char broken[112];
    char command[160];
    sqlite3 *db;
    static const struct {
        const char *sql;
        const char *why;
    } damages[] = {
        {"UPDATE block SET gas = gas + 1", "difference"},
        {"UPDATE vm SET program = 99", "names what is not there"},
        {"UPDATE block SET function = 99", "names what is not there"},
        {"UPDATE vm SET id = 9223372036854775807 WHERE id = 2", "reconcile"},
        {"UPDATE execution SET started_ns = -9223372036854775807", ""},
        {"UPDATE host_call SET seq = -5 WHERE seq = 1", ""},
    };

    strcpy(first, run_path(place, 0));
    strcpy(broken, run_path(place, 1));
    record(first, runs[0].text, runs[0].spec, ALL);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        record(broken, runs[0].text, runs[0].spec, ALL);
        assert_int_equal(sqlite3_open(broken, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, damages[i].sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        const pvm_prof_status_t status =
            merge_files(place->path, (const char *const[]){first, broken}, 2);
        if (damages[i].why[0] != '\0') {
            assert_int_equal(status, PVM_PROF_E_FORMAT);
            if (strstr(pvm_last_error(), damages[i].why) == NULL) {
                fail_msg("%s: '%s'", damages[i].sql, pvm_last_error());
            }
        }
    }
    has_stop = true;
    assert_int_equal(merge_files(place->path, (const char *const[]){first}, 1),
                     PVM_PROF_E_INTERRUPTED);
    has_stop = false;
    unlink(first);
    unlink(broken);
    if (access(place->path, F_OK) == 0) {
        unlink(place->path);
    }
    snprintf(command, sizeof(command), "test -z \"$(ls %s)\"", place->folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_has_a_rule),
        cmocka_unit_test(every_column_that_needs_a_rule_has_one),
        TEST(sums_are_those_of_the_recordings),
        TEST(equal_programs_become_one),
        TEST(merging_in_steps_is_merging_at_once),
        TEST(functions_are_told_apart_by_place_and_name),
        TEST(nothing_is_left_of_a_merge_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
