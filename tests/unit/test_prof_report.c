/* Report tables: values, order, --top, shares, and what they say about recordings that are not
 * whole. */
#include "prof_fixture.h"

#include "profiler/report.h"

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - (func_id == 3 ? 50 : 10));
    return PVM_HOST_CONTINUE;
}

/* Two services: 7 runs the program twice, 8 once. One run costs 2 + 5 * 3 + 2 in blocks
 * (0.7.2), 5 * 50 + 10 in host calls. */
static void record_sample(const char *path)
{
    static const char text[] =
        "load_imm r2, 5\nfallthrough\nloop: ecalli 3\nadd_imm_64 r2, r2, -1\n"
        "branch_ne_imm r2, 0, @loop\necalli 0\ntrap";
    prof_recording_t recording = prof_record(path, 0);
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_7_2);

    pvm_prof_run_file_set_info(recording.file, PVM_PROF_INFO_SPEC_GUESSED, "1");
    for (uint32_t service = 7; service < 9; service++) {
        pvm_vm_t *const vm = prof_attach(&recording, program, service, 10000);
        pvm_set_host_callback(vm, host, NULL);
        for (uint32_t i = service; i < 9; i++) {
            pvm_execute(vm, 0);
        }
        pvm_destroy(vm);
    }
    prof_finish(&recording);
    pvm_program_release(program);
}

static void exec_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static pvm_prof_table_t *ask(const char *path, pvm_prof_report_kind_t kind, uint32_t top)
{
    const pvm_prof_report_options_t options = {.size = sizeof(options), .top = top};
    pvm_prof_run_file_t *file;
    pvm_prof_table_t *table = NULL;

    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    if (pvm_prof_report(file, kind, &options, &table) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_prof_run_file_close(file);
    return table;
}

static const pvm_prof_value_t *value(const pvm_prof_table_t *table, size_t row, const char *id)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].id, id) == 0) {
            return pvm_prof_table_value(table, row, i);
        }
    }
    fail_msg("no column %s", id);
    return NULL;
}

static bool has_note(const pvm_prof_table_t *table, const char *words)
{
    for (size_t i = 0; i < table->note_count; i++) {
        if (strstr(table->notes[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

static void the_summary_is_one_record(void **state)
{
    const prof_place_t *const place = *state;

    record_sample(place->path);
    pvm_prof_table_t *const table = ask(place->path, PVM_PROF_REPORT_SUMMARY, 0);
    assert_true(table->is_record);
    assert_int_equal(table->row_count, 1);
    assert_string_equal(value(table, 0, "result")->text, "panic");
    assert_int_equal(value(table, 0, "gas_used")->integer, 3 * (19 + 260));
    assert_int_equal(value(table, 0, "blocks_gas")->integer, 3 * 19);
    assert_int_equal(value(table, 0, "host_gas")->integer, 3 * 260);
    assert_int_equal(value(table, 0, "executions")->integer, 3);
    assert_int_equal(value(table, 0, "host_calls")->integer, 18);
    assert_string_equal(value(table, 0, "spec")->text, "0.7.2");
    assert_string_equal(value(table, 0, "backend")->text, "interpreter");
    assert_string_equal(value(table, 0, "status")->text, "complete");
    assert_string_equal(value(table, 0, "instrumentation")->text, "counts,edges,hostcalls");
    assert_true(value(table, 0, "entry")->is_null);
    assert_int_equal(table->columns[1].certainty, PVM_PROF_EXACT);
    assert_int_equal(table->note_count, 1);
    assert_true(has_note(table, "0.7.2 was guessed"));
    pvm_prof_table_destroy(table);
}

static void rows_are_in_order_and_top_cuts(void **state)
{
    const prof_place_t *const place = *state;

    record_sample(place->path);
    pvm_prof_table_t *table = ask(place->path, PVM_PROF_REPORT_BLOCK, 0);
    assert_int_equal(table->row_count, 3);
    assert_int_equal(value(table, 0, "gas")->integer, 45);
    assert_int_equal(value(table, 0, "hits")->integer, 15);
    assert_string_equal(value(table, 0, "function")->text, "fn@0");
    assert_string_equal(value(table, 0, "program")->text, "test");
    assert_true(value(table, 0, "share")->real > 5.37 && value(table, 0, "share")->real < 5.38);
    pvm_prof_table_destroy(table);

    table = ask(place->path, PVM_PROF_REPORT_BLOCK, 2);
    assert_int_equal(table->row_count, 2);
    assert_int_equal(table->row_count_all, 3);
    pvm_prof_table_destroy(table);

    table = ask(place->path, PVM_PROF_REPORT_HOST_CALL, 1);
    assert_int_equal(table->row_count_all, 2);
    assert_string_equal(value(table, 0, "name")->text, "read");
    assert_int_equal(value(table, 0, "calls")->integer, 15);
    assert_int_equal(value(table, 0, "gas")->integer, 750);
    pvm_prof_table_destroy(table);

    table = ask(place->path, PVM_PROF_REPORT_SERVICE, 0);
    assert_int_equal(table->row_count, 2);
    assert_int_equal(value(table, 0, "service")->integer, 7);
    assert_int_equal(value(table, 0, "gas_used")->integer, 2 * 279);
    assert_int_equal(value(table, 1, "executions")->integer, 1);
    pvm_prof_table_destroy(table);

    table = ask(place->path, PVM_PROF_REPORT_EDGE, 0);
    assert_string_equal(value(table, 0, "kind")->text, "jump");
    assert_int_equal(value(table, 0, "count")->integer, 12);
    pvm_prof_table_destroy(table);
}

static void every_share_adds_up_with_host_calls(void **state)
{
    const prof_place_t *const place = *state;
    double share = 0;

    record_sample(place->path);
    pvm_prof_table_t *table = ask(place->path, PVM_PROF_REPORT_FUNCTION, 0);
    for (size_t i = 0; i < table->row_count; i++) {
        share += value(table, i, "share")->real;
    }
    pvm_prof_table_destroy(table);
    table = ask(place->path, PVM_PROF_REPORT_HOST_CALL, 0);
    for (size_t i = 0; i < table->row_count; i++) {
        share += value(table, i, "share")->real;
    }
    pvm_prof_table_destroy(table);
    assert_true(share > 99.999 && share < 100.001);
}

static void incomplete_recordings_mark_their_figures(void **state)
{
    const prof_place_t *const place = *state;

    record_sample(place->path);
    exec_sql(place->path, "UPDATE info SET value = 'recording' WHERE key = 'status'");
    pvm_prof_table_t *table = ask(place->path, PVM_PROF_REPORT_FUNCTION, 0);
    assert_int_equal(table->columns[0].certainty, PVM_PROF_EXACT);
    assert_int_equal(table->columns[1].certainty, PVM_PROF_INCOMPLETE);
    assert_true(has_note(table, "incomplete"));
    pvm_prof_table_destroy(table);

    exec_sql(place->path, "UPDATE info SET value = 'interrupted' WHERE key = 'status'");
    table = ask(place->path, PVM_PROF_REPORT_FUNCTION, 0);
    assert_int_equal(table->columns[1].certainty, PVM_PROF_EXACT);
    assert_true(has_note(table, "interrupted"));
    pvm_prof_table_destroy(table);

    exec_sql(place->path, "INSERT INTO lost VALUES ('host_call', 12)");
    table = ask(place->path, PVM_PROF_REPORT_HOST_CALL, 0);
    assert_int_equal(table->columns[3].certainty, PVM_PROF_INCOMPLETE);
    assert_true(has_note(table, "12 host_call"));
    pvm_prof_table_destroy(table);
}

static void what_does_not_reconcile_is_said_and_shares_are_not_given(void **state)
{
    const prof_place_t *const place = *state;

    record_sample(place->path);
    exec_sql(place->path, "UPDATE total SET blocks_gas = blocks_gas - 4, difference = 4");
    pvm_prof_table_t *table = ask(place->path, PVM_PROF_REPORT_FUNCTION, 0);
    assert_true(value(table, 0, "share")->is_null);
    assert_int_equal(table->columns[1].certainty, PVM_PROF_CONTRADICTED);
    assert_true(has_note(table, "difference 4"));
    pvm_prof_table_destroy(table);

    table = ask(place->path, PVM_PROF_REPORT_SUMMARY, 0);
    assert_true(value(table, 0, "gas_used")->is_null);
    assert_true(value(table, 0, "blocks_gas")->is_null);
    assert_false(value(table, 0, "gas_start")->is_null);
    pvm_prof_table_destroy(table);
}

static void kinds_have_names_and_bad_questions_are_refused(void **state)
{
    const prof_place_t *const place = *state;
    const pvm_prof_report_options_t wrong = {.size = 1};
    pvm_prof_run_file_t *file;
    pvm_prof_table_t *table;

    record_sample(place->path);
    assert_string_equal(pvm_prof_report_name(PVM_PROF_REPORT_HOST_CALL), "hostcall");
    assert_null(pvm_prof_report_name(PVM_PROF_REPORT_KIND_COUNT));
    assert_int_equal(pvm_prof_run_file_open(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_report(file, PVM_PROF_REPORT_BLOCK, &wrong, &table),
                     PVM_PROF_E_ARGUMENT);
    pvm_prof_run_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
        TEST(the_summary_is_one_record),
        TEST(rows_are_in_order_and_top_cuts),
        TEST(every_share_adds_up_with_host_calls),
        TEST(incomplete_recordings_mark_their_figures),
        TEST(what_does_not_reconcile_is_said_and_shares_are_not_given),
        TEST(kinds_have_names_and_bad_questions_are_refused),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
