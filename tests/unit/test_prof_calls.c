/* Calls in the run file: the tree of a recording, what functions were called and cost in all, inner machines below who runs
 * them, and the report of it. */
#include "prof_fixture.h"

#include "profiler/call_report.h"

#define CALLS    (PVM_PROF_COUNTS | PVM_PROF_HOST_CALLS | PVM_PROF_CALLS)
#define TREE_GAS "(SELECT total(gas + host_gas + deeper_gas) FROM call_node)"

/* main calls f twice and g once through r5; f calls itself r8 times, and g a host. */
static const char *const text = ".jump_table @one, @two, @three, @back, @g\n"
                                "main: load_imm r8, 3\n"
                                "      load_imm_jump r0, 2, @f\n"
                                "one:  load_imm r8, 2\n"
                                "      load_imm_jump r0, 4, @f\n"
                                "two:  load_imm r5, 10\n"
                                "      load_imm_jump_ind r0, r5, 6, 0\n"
                                "three: trap\n"
                                "f:    add_imm_64 r1, r1, -16\n"
                                "      branch_eq_imm r8, 0, @out\n"
                                "      add_imm_64 r8, r8, -1\n"
                                "      store_ind_u64 r0, r1, 8\n"
                                "      load_imm_jump r0, 8, @f\n"
                                "back: load_ind_u64 r0, r1, 8\n"
                                "      fallthrough\n"
                                "out:  add_imm_64 r1, r1, 16\n"
                                "      jump_ind r0, 0\n"
                                "g:    add_imm_64 r1, r1, -8\n"
                                "      ecalli 5\n"
                                "      add_imm_64 r1, r1, 8\n"
                                "      jump_ind r0, 0\n";

/* The machine that runs inside of host calls; NULL: they only take gas. */
static pvm_vm_t *inner;

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id, (void)user_data;
    if (inner != NULL && vm != inner) {
        (void)pvm_execute(inner, 0);
    }
    pvm_set_gas(vm, pvm_get_gas(vm) - 7);
    return PVM_HOST_CONTINUE;
}

static pvm_vm_t *attach(const prof_recording_t *recording, pvm_spec_t spec)
{
    pvm_program_t *const program = prof_program(text, spec);
    pvm_vm_t *const vm = prof_attach(recording, program, 1, 10000);

    pvm_program_release(program);
    pvm_set_host_callback(vm, answer, NULL);
    assert_int_equal(pvm_map_memory(vm, 0x20000, 4096, PVM_ACCESS_WRITE), 0);
    pvm_set_register(vm, 1, 0x21000);
    return vm;
}

static void record(const char *path, pvm_spec_t spec, int executions)
{
    prof_recording_t recording = prof_record(path, CALLS);
    pvm_vm_t *const vm = attach(&recording, spec);

    for (int i = 0; i < executions; i++) {
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    }
    prof_finish(&recording);
    pvm_destroy(vm);
}

static void the_tree_adds_up_and_functions_get_their_calls(void **state)
{
    const prof_place_t *const place = *state;
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0};

    for (size_t i = 0; i < 2; i++) {
        inner = NULL;
        record(place->path, specs[i], 3);
        assert_int_equal(
            prof_integer(place->path, "SELECT " TREE_GAS " - gas_used FROM gas_summary"), 0);
        /* main and f and g, by their order in the code. */
        assert_string_equal(prof_text(place->path, "SELECT calls FROM hot_functions ORDER BY "
                                                   "cast(substr(function, 4) AS INTEGER)"),
                            "3 21 3");
        assert_int_equal(prof_integer(place->path,
                                      "SELECT total_gas - (SELECT gas_used FROM gas_summary) "
                                      "FROM hot_functions WHERE function = 'fn@0'"),
                         0);
        /* What f calls is f: its total is what it has itself. */
        assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM hot_functions WHERE "
                                                   "calls = 21 AND total_gas = self_gas"),
                         1);
        assert_int_equal(prof_integer(place->path,
                                      "SELECT sum(count) FROM indirect_jump j WHERE EXISTS (SELECT "
                                      "1 FROM call_node n WHERE n.pc = j.to_pc)"),
                         3);
        assert_int_equal(unlink(place->path), 0);
    }
}

static void without_calls_nothing_is_claimed(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, PVM_PROF_COUNTS);
    inner = NULL;
    pvm_vm_t *const vm = attach(&recording, PVM_SPEC_0_8_0);

    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    prof_finish(&recording);
    pvm_destroy(vm);
    assert_string_equal(prof_text(place->path, "SELECT calls FROM hot_functions"), "- - -");
    assert_string_equal(prof_text(place->path, "SELECT total_gas FROM hot_functions"), "- - -");
}

static void an_inner_machine_stands_below_who_runs_it(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, CALLS);
    pvm_vm_t *const vm = attach(&recording, PVM_SPEC_0_7_2);

    inner = attach(&recording, PVM_SPEC_0_7_2);
    assert_int_equal(pvm_set_parent(inner, vm), 0);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    /* And once on its own. */
    assert_int_equal(pvm_set_parent(inner, NULL), 0);
    assert_int_equal(pvm_execute(inner, 0), PVM_RESULT_PANIC);
    prof_finish(&recording);
    pvm_destroy(inner);
    pvm_destroy(vm);

    assert_int_equal(prof_integer(place->path, "SELECT " TREE_GAS " - gas_used FROM gas_summary"),
                     0);
    assert_string_equal(prof_text(place->path,
                                  "SELECT n.calls || ':' || coalesce(p.host_calls, '-') FROM "
                                  "call_node n LEFT JOIN call_node p ON p.id = n.parent "
                                  "WHERE n.kind = 'entry' ORDER BY n.id"),
                        "2:- 1:2");
}

static pvm_prof_table_t *report(const char *path, bool fold)
{
    const pvm_prof_call_report_options_t options = {.size = sizeof(options), .fold = fold};
    pvm_prof_run_file_t *file = NULL;
    pvm_prof_table_t *table = NULL;

    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_call_report(file, &options, &table), PVM_PROF_OK);
    pvm_prof_run_file_close(file);
    return table;
}

static void recursion_is_kept_or_folded(void **state)
{
    const prof_place_t *const place = *state;

    inner = NULL;
    record(place->path, PVM_SPEC_0_8_0, 1);
    pvm_prof_table_t *const whole = report(place->path, false);
    pvm_prof_table_t *const folded = report(place->path, true);
    /* main, g, and f four deep: the two calls of main are one row. */
    assert_int_equal(whole->row_count, 6);
    assert_int_equal(folded->row_count, 3);
    for (size_t i = 0; i < 2; i++) {
        const pvm_prof_table_t *const table = i == 0 ? whole : folded;
        int64_t self = 0;
        for (size_t row = 0; row < table->row_count; row++) {
            self += pvm_prof_table_value(table, row, 2)->integer +
                    pvm_prof_table_value(table, row, 3)->integer;
        }
        assert_int_equal(self, pvm_prof_table_value(table, 0, 0)->integer);
        assert_int_equal(self, prof_integer(place->path, "SELECT gas_used FROM gas_summary"));
        assert_int_equal(table->note_count, 0);
    }
    assert_int_equal(pvm_prof_table_value(folded, 1, 4)->integer, 7);
    pvm_prof_table_destroy(whole);
    pvm_prof_table_destroy(folded);
}

static void damaged_trees_are_refused(void **state)
{
    static const char *const damages[] = {
        "UPDATE call_node SET parent = id", "UPDATE call_node SET parent = id + 1 WHERE id = 2",
        "UPDATE call_node SET parent = -1", "UPDATE call_node SET id = 9000000000 WHERE id = 2",
        "DELETE FROM call_node WHERE id = 1"};
    const prof_place_t *const place = *state;
    const pvm_prof_call_report_options_t options = {.size = sizeof(options)};

    inner = NULL;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        pvm_prof_run_file_t *file = NULL;
        pvm_prof_table_t *table = NULL;
        sqlite3 *db = NULL;
        record(place->path, PVM_SPEC_0_8_0, 1);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, damages[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(pvm_prof_run_file_open(place->path, &file), PVM_PROF_OK);
        assert_int_equal(pvm_prof_call_report(file, &options, &table), PVM_PROF_E_FORMAT);
        assert_null(table);
        pvm_prof_run_file_close(file);
        assert_int_equal(unlink(place->path), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
    const struct CMUnitTest tests[] = {
        TEST(the_tree_adds_up_and_functions_get_their_calls),
        TEST(without_calls_nothing_is_claimed),
        TEST(an_inner_machine_stands_below_who_runs_it),
        TEST(recursion_is_kept_or_folded),
        TEST(damaged_trees_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
