/* Executions of single instructions, against single steps; and gas below blocks, which adds up to that of blocks. */
#include "prof_fixture.h"

#include "profiler/code.h"
#include "profiler/loops.h"
#include "profiler/report_code.h"
#include "profiler/table_sort.h"
#include "support/blob.h"

#define GAS UINT64_C(60007)

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_register(vm, 7, UINT64_MAX - 1);
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    return PVM_HOST_CONTINUE;
}

static pvm_program_t *load_guest(const char *name)
{
    char path[128];
    pvm_buffer_t blob = {0};

    snprintf(path, sizeof(path), "examples/guest/blobs/%s.polkavm", name);
    blob_load(&blob, path);
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    assert_non_null(program);
    pvm_buffer_free(&blob);
    return program;
}

static uint32_t entry_of(const pvm_program_t *program, const char *name)
{
    uint32_t pc = 0;

    assert_int_equal(pvm_program_find_entry(program, name, &pc), 0);
    return pc;
}

/* How often each instruction was begun, in steps; 0 steps on nothing. @return to be freed */
static int64_t *count_steps(pvm_program_t *program, uint32_t entry, uint64_t gas)
{
    int64_t *const counts = calloc((size_t)program->code.len + 1, sizeof(*counts));
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 1, gas);
    pvm_result_t result;

    assert_non_null(counts);
    pvm_set_host_callback(vm, host, NULL);
    assert_int_equal(pvm_set_pc(vm, entry), 0);
    do {
        const uint32_t pc = pvm_get_pc(vm);
        result = pvm_step(vm);
        if (result != PVM_RESULT_OOG && pc <= program->code.len) {
            counts[pc]++;
        }
    } while (result == PVM_RESULT_OK && pvm_get_machine_state(vm) == PVM_STATE_READY);
    pvm_destroy(vm);
    return counts;
}

/* That many runs, with r7 = 0, 1 and so on. */
static void record_runs(const char *path, pvm_program_t *program, uint32_t entry, uint64_t gas,
                        uint64_t runs)
{
    prof_recording_t recording = prof_record(path, 0);
    pvm_vm_t *const vm = prof_attach(&recording, program, 1, gas);

    pvm_set_host_callback(vm, host, NULL);
    for (uint64_t i = 0; i < runs; i++) {
        pvm_set_register(vm, 7, i);
        pvm_execute(vm, entry);
    }
    pvm_destroy(vm);
    prof_finish(&recording);
}

static void record(const char *path, pvm_program_t *program, uint32_t entry, uint64_t gas)
{
    record_runs(path, program, entry, gas, 1);
}

static void compare(const char *path, const char *name, const int64_t *expected)
{
    pvm_prof_run_file_t *file;
    pvm_prof_code_t code;
    int64_t seen = 0;
    int64_t all = 0;

    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_code_open(file, 1, &code), PVM_PROF_OK);
    assert_non_null(code.program);
    for (uint32_t pc = 0; pc < code.program->code.len; pc++) {
        all += expected[pc];
    }
    for (size_t i = 0; i < code.block_count; i++) {
        int64_t gas = 0;

        assert_int_equal(pvm_prof_code_look(&code, i), 0);
        for (size_t k = 0; k < code.instruction_count; k++) {
            const pvm_prof_code_instruction_t *const in = &code.instructions[k];

            if (in->executed != expected[in->pc]) {
                fail_msg("%s: pc %u: executed %lld, by steps %lld", name, in->pc,
                         (long long)in->executed, (long long)expected[in->pc]);
            }
            seen += in->executed;
            gas += in->gas;
        }
        assert_true(code.is_exact);
        assert_int_equal(code.rest_gas, 0);
        assert_int_equal(gas, code.blocks[i].gas);
    }
    assert_int_equal(seen, all);
    pvm_prof_code_close(&code);
    pvm_prof_run_file_close(file);
}

static void executions_of_instructions_are_those_of_single_steps(void **state)
{
    static const char *const names[] = {"sha256",    "blake2b", "quicksort", "sieve",  "matmul",
                                        "recursive", "format",  "interp",    "service"};
    const prof_place_t *const place = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (int old = 0; old < 2; old++) {
            char name[64];

            snprintf(name, sizeof(name), "%s%s", names[i], old ? "-0.7.2" : "");
            pvm_program_t *const program = load_guest(name);
            const uint32_t entry =
                entry_of(program, strcmp(names[i], "service") == 0 ? "refine" : "main");
            int64_t *const steps = count_steps(program, entry, GAS);
            record(place->path, program, entry, GAS);
            compare(place->path, name, steps);
            free(steps);
            pvm_program_release(program);
        }
    }
}

/* A run that enters a block in its middle, faults in another one and goes on there. */
static void a_fault_that_is_resumed_is_begun_twice(void **state)
{
    static const char text[] = "load_imm r1, 1\nload_imm r3, 2\nstore_u8 r1, 0x20000\n"
                               "load_imm r2, 1\ntrap";
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 1, 100);
    pvm_prof_run_file_t *file;
    pvm_prof_code_t code;

    assert_int_equal(pvm_execute(vm, 3), PVM_RESULT_FAULT);
    assert_int_equal(pvm_map_memory(vm, 0x20000, 4096, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_resume(vm), PVM_RESULT_PANIC);
    pvm_destroy(vm);
    prof_finish(&recording);
    pvm_program_release(program);
    assert_int_equal(pvm_prof_run_file_open(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_code_open(file, 1, &code), PVM_PROF_OK);
    assert_int_equal(code.block_count, 1);
    assert_int_equal(pvm_prof_code_look(&code, 0), 0);
    assert_int_equal(code.instruction_count, 5);
    static const int64_t expected[] = {0, 1, 2, 1, 1};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(code.instructions[i].executed, expected[i]);
    }
    assert_true(code.is_exact);
    pvm_prof_code_close(&code);
    pvm_prof_run_file_close(file);
}

static int64_t sum_of(const pvm_prof_table_t *table, const char *id)
{
    const size_t column = pvm_prof_table_column(table, id);
    int64_t sum = 0;

    assert_true(column < table->column_count);
    for (size_t i = 0; i < table->row_count; i++) {
        sum += pvm_prof_table_value(table, i, column)->integer;
    }
    return sum;
}

static void lines_and_opcodes_add_up_to_blocks(void **state)
{
    const prof_place_t *const place = *state;
    pvm_program_t *const program = load_guest("service");
    pvm_prof_run_file_t *file;
    pvm_prof_table_t *lines;
    pvm_prof_table_t *opcodes;

    record(place->path, program, entry_of(program, "refine"), GAS);
    pvm_program_release(program);
    assert_int_equal(pvm_prof_run_file_open(place->path, &file), PVM_PROF_OK);
    if (pvm_prof_report_lines(file, &lines) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    if (pvm_prof_report_opcodes(file, &opcodes) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    const int64_t blocks = prof_integer(place->path, "SELECT blocks_gas FROM gas_summary");
    const int64_t hosts = prof_integer(place->path, "SELECT host_gas FROM gas_summary");
    assert_true(blocks > 0 && hosts > 0);
    assert_int_equal(sum_of(lines, "gas"), blocks);
    assert_int_equal(sum_of(opcodes, "gas"), blocks);
    assert_int_equal(sum_of(lines, "host_gas"), hosts);
    assert_int_equal(sum_of(opcodes, "host_gas"), hosts);
    assert_int_equal(lines->columns[pvm_prof_table_column(lines, "gas")].certainty,
                     PVM_PROF_ESTIMATED);
    assert_int_equal(lines->columns[pvm_prof_table_column(lines, "executed")].certainty,
                     PVM_PROF_EXACT);
    pvm_prof_table_destroy(lines);
    pvm_prof_table_destroy(opcodes);
    pvm_prof_run_file_close(file);
}

/** A recording of a text, opened again, with its loops. */
typedef struct {
    pvm_prof_run_file_t *file;
    pvm_prof_code_t code;
    pvm_prof_loops_t loops;
} looped_t;

static looped_t record_loops(const char *path, const char *text, uint64_t runs)
{
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_7_2);
    looped_t out;

    record_runs(path, program, 0, 100000, runs);
    pvm_program_release(program);
    assert_int_equal(pvm_prof_run_file_open(path, &out.file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_code_open(out.file, 1, &out.code), PVM_PROF_OK);
    assert_int_equal(pvm_prof_loops_find(out.file, &out.code, &out.loops), PVM_PROF_OK);
    return out;
}

static void forget(looped_t *looped)
{
    pvm_prof_loops_free(&looped->loops);
    pvm_prof_code_close(&looped->code);
    pvm_prof_run_file_close(looped->file);
}

static void loops_nest_and_their_trips_are_exact(void **state)
{
    const prof_place_t *const place = *state;
    looped_t looped = record_loops(place->path,
                                   "load_imm r2, 3\nfallthrough\n"
                                   "outer: load_imm r3, 4\nfallthrough\n"
                                   "inner: add_imm_64 r3, r3, -1\nbranch_ne_imm r3, 0, @inner\n"
                                   "add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @outer\ntrap",
                                   1);
    const pvm_prof_loop_t *const loops = looped.loops.loops;

    assert_int_equal(looped.loops.loop_count, 2);
    assert_int_equal(loops[0].block_count, 3);
    assert_int_equal(loops[0].iterations, 3);
    assert_int_equal(loops[0].entries, 1);
    assert_int_equal(loops[0].gas, 3 * 2 + 12 * 2 + 3 * 2);
    assert_int_equal(loops[0].parent, PVM_PROF_NO_LOOP);
    assert_int_equal(loops[1].block_count, 1);
    assert_int_equal(loops[1].iterations, 12);
    assert_int_equal(loops[1].entries, 3);
    assert_int_equal(loops[1].gas, 12 * 2);
    assert_int_equal(loops[1].parent, 0);
    assert_int_equal(loops[1].depth, 1);
    forget(&looped);
}

static void a_call_in_a_loop_stays_in_it_and_its_routine_outside(void **state)
{
    const prof_place_t *const place = *state;
    looped_t looped = record_loops(place->path,
                                   ".jump_table @back\nload_imm r2, 5\nfallthrough\n"
                                   "head: load_imm_jump r0, 2, @callee\n"
                                   "back: add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @head\n"
                                   "trap\ncallee: jump_ind r0, 0",
                                   1);
    const pvm_prof_loop_t *const loops = looped.loops.loops;

    assert_int_equal(looped.loops.loop_count, 1);
    assert_int_equal(loops[0].block_count, 2);
    assert_int_equal(loops[0].iterations, 5);
    assert_int_equal(loops[0].entries, 1);
    assert_int_equal(loops[0].gas, 5 * 1 + 5 * 2);
    forget(&looped);
}

/* Two blocks that jump to each other, entered at both: no block is on every way to the other. */
static void what_is_entered_in_two_places_is_no_loop(void **state)
{
    const prof_place_t *const place = *state;
    looped_t looped = record_loops(place->path,
                                   "load_imm r2, 6\nbranch_eq_imm r7, 0, @second\n"
                                   "first: add_imm_64 r2, r2, -1\nbranch_eq_imm r2, 0, @end\n"
                                   "fallthrough\n"
                                   "second: add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @first\n"
                                   "end: trap",
                                   2);

    assert_true(looped.loops.has_edges);
    assert_int_equal(looped.loops.loop_count, 0);
    forget(&looped);
}

static void rows_are_sorted_by_what_their_column_is(void **state)
{
    static const pvm_prof_column_t columns[] = {
        {"name", "name", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
        {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
        {"pc", "pc", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    };
    static const struct {
        const char *name;
        int64_t gas;
        int64_t pc;
    } rows[] = {{"b", 5, 9}, {"c", -1, 7}, {"a", 5, 8}, {NULL, 6, 1}};
    pvm_prof_table_t *const table = pvm_prof_table_create("t", columns, 3);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        pvm_prof_value_t *const row = pvm_prof_table_add_row(table);
        pvm_prof_value_set_text(&row[0], rows[i].name);
        pvm_prof_value_set_int(&row[1], rows[i].gas);
        pvm_prof_value_set_int(&row[2], rows[i].pc);
    }
    assert_int_equal(pvm_prof_table_sort(table, 0), 0);
    assert_string_equal(pvm_prof_table_value(table, 0, 0)->text, "a");
    assert_true(pvm_prof_table_value(table, 3, 0)->is_null);
    assert_int_equal(pvm_prof_table_sort(table, 1), 0);
    assert_int_equal(pvm_prof_table_value(table, 0, 1)->integer, 6);
    assert_string_equal(pvm_prof_table_value(table, 1, 0)->text, "a");
    assert_string_equal(pvm_prof_table_value(table, 2, 0)->text, "b");
    assert_int_equal(pvm_prof_table_sort(table, 2), 0);
    assert_int_equal(pvm_prof_table_value(table, 0, 2)->integer, 1);
    pvm_prof_table_cut(table, 2);
    assert_int_equal(table->row_count, 2);
    assert_int_equal(table->row_count_all, 4);
    pvm_prof_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(executions_of_instructions_are_those_of_single_steps,
                                        prof_place_create, prof_place_remove),
        cmocka_unit_test_setup_teardown(a_fault_that_is_resumed_is_begun_twice, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(lines_and_opcodes_add_up_to_blocks, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(loops_nest_and_their_trips_are_exact, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(a_call_in_a_loop_stays_in_it_and_its_routine_outside,
                                        prof_place_create, prof_place_remove),
        cmocka_unit_test_setup_teardown(what_is_entered_in_two_places_is_no_loop, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test(rows_are_sorted_by_what_their_column_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
