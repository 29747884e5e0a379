/* Bad arguments, DESIGN section 4 "Errors": NULL, -1 or PVM_RESULT_ERROR, nothing changed, and a text that says why.
 * Making VMs from parts with PVM_SPEC and PVM_BACKEND. */
#include "lab.h"

static const uint8_t code[] = {51, 1, 7, 0}; /* load_imm r1, 7; trap */
static const uint8_t mask[] = {0x09};
static const uint32_t jumps[] = {3};

static const lab_t plain = {
    .backend = PVM_BACKEND_INTERPRETER, .spec = PVM_SPEC_0_8_0, .drive = LAB_PLAIN};

static pvm_vm_t *create(uint64_t gas)
{
    return pvm_create(3, code, sizeof(code), NULL, mask, sizeof(mask), jumps, 1, gas);
}

static int clear_environment(void **state)
{
    (void)state;
    (void)unsetenv("PVM_SPEC");
    (void)unsetenv("PVM_BACKEND");
    return 0;
}

/* -- pvm_create --- */

static void create_takes_spec_and_backend_from_the_environment(void **state)
{
    static const struct {
        const char *spec;
        pvm_spec_t expected;
    } specs[] = {{NULL, PVM_SPEC_0_8_0},
                 {"", PVM_SPEC_0_8_0},
                 {"0.7.2", PVM_SPEC_0_7_2},
                 {"0.8.0", PVM_SPEC_0_8_0},
                 {"latest64", PVM_SPEC_LATEST64}};
    static const char *const backends[] = {"interpreter", "recompiler"};

    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        for (size_t b = 0; b < lab_backend_count(); b++) {
            (void)(specs[i].spec == NULL ? unsetenv("PVM_SPEC")
                                         : setenv("PVM_SPEC", specs[i].spec, 1));
            (void)setenv("PVM_BACKEND", backends[b], 1);
            pvm_vm_t *const vm = create(100);
            assert_non_null(vm);
            assert_int_equal(pvm_program_spec(pvm_get_program(vm)), specs[i].expected);
            assert_int_equal(pvm_program_format(pvm_get_program(vm)), PVM_FORMAT_RAW);
            assert_int_equal(pvm_get_backend(vm), lab_backend(b));
            assert_int_equal(pvm_get_service(vm), 3);
            assert_int_equal(pvm_get_gas(vm), 100);
            assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
            assert_int_equal(pvm_get_register(vm, 1), 7);
            pvm_destroy(vm);
        }
    }
}

static void create_refuses_what_the_environment_misspells(void **state)
{
    static const char *const specs[] = {"0.7", "0.8.0 ", "latest", "LATEST64",
                                        "1",   "auto",   "default"};
    static const char *const backends[] = {"jit", "Interpreter", "2", "default", "auto"};

    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        (void)setenv("PVM_SPEC", specs[i], 1);
        lab_clear_error();
        assert_null(create(1));
        assert_non_null(strstr(pvm_last_error(), "PVM_SPEC"));
    }
    (void)unsetenv("PVM_SPEC");
    for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++) {
        (void)setenv("PVM_BACKEND", backends[i], 1);
        lab_clear_error();
        assert_null(create(1));
        assert_non_null(strstr(pvm_last_error(), "PVM_BACKEND"));
    }
}

static void only_create_asks_the_environment(void **state)
{
    (void)state;
    (void)setenv("PVM_SPEC", "nonsense", 1);
    (void)setenv("PVM_BACKEND", "nonsense", 1);
    pvm_program_t *const program =
        pvm_program_from_parts(code, sizeof(code), mask, 1, NULL, 0, PVM_SPEC_DEFAULT);
    assert_non_null(program);
    assert_int_equal(pvm_program_spec(program), PVM_SPEC_0_8_0);
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, 0, 1);
    assert_non_null(vm);
    assert_int_not_equal(pvm_get_backend(vm), PVM_BACKEND_DEFAULT);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void create_copies_its_inputs_and_starts_with_the_given_registers(void **state)
{
    uint64_t registers[PVM_REGISTER_COUNT];
    uint8_t own_code[sizeof(code)];
    uint8_t own_mask[sizeof(mask)];
    uint32_t own_jumps[1] = {3};

    (void)state;
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        registers[i] = UINT64_C(0xfedcba9800000000) + (uint64_t)i;
    }
    memcpy(own_code, code, sizeof(code));
    memcpy(own_mask, mask, sizeof(mask));
    pvm_vm_t *const vm = pvm_create(1, own_code, sizeof(own_code), registers, own_mask,
                                    sizeof(own_mask), own_jumps, 1, INT64_MAX);
    assert_non_null(vm);
    assert_memory_equal(pvm_get_registers(vm), registers, sizeof(registers));
    assert_int_equal(pvm_get_gas(vm), INT64_MAX);
    assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_READY);
    assert_int_equal(pvm_get_pc(vm), 0);
    memset(own_code, 0xff, sizeof(own_code));
    memset(own_mask, 0, sizeof(own_mask));
    own_jumps[0] = 77;
    memset(registers, 0, sizeof(registers));
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_pc(vm), 3);
    assert_int_equal(pvm_get_register(vm, 1), 7);
    assert_int_equal(pvm_get_register(vm, 12), UINT64_C(0xfedcba980000000c));
    pvm_destroy(vm);

    pvm_vm_t *const zeros = create(0);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        assert_int_equal(pvm_get_register(zeros, i), 0);
    }
    pvm_destroy(zeros);
}

static void gas_above_2_63_is_refused_everywhere(void **state)
{
    static const uint64_t amounts[] = {(uint64_t)INT64_MAX + 1, UINT64_MAX};

    (void)state;
    machine_t machine = lab_machine(&plain, "trap", 5);
    for (size_t i = 0; i < 2; i++) {
        lab_clear_error();
        assert_null(create(amounts[i]));
        lab_assert_explained();
        lab_clear_error();
        assert_null(pvm_instantiate(machine.program, PVM_BACKEND_DEFAULT, 0, amounts[i]));
        lab_assert_explained();
        lab_clear_error();
        assert_int_equal(pvm_reset(machine.vm, amounts[i]), -1);
        lab_assert_explained();
        assert_int_equal(pvm_get_gas(machine.vm), 5);
    }
    lab_free(&machine);
}

static void wrong_parts_are_refused(void **state)
{
    static const struct {
        const uint8_t *code;
        size_t code_len;
        const uint8_t *mask;
        size_t mask_len;
        const uint32_t *jumps;
        size_t jumps_len;
    } cases[] = {
        {NULL, 4, mask, 1, NULL, 0},        /* no code */
        {code, 4, NULL, 1, NULL, 0},        /* no mask */
        {code, 4, mask, 1, NULL, 1},        /* no table */
        {code, 4, mask, 0, NULL, 0},        /* mask too short */
        {code, 4, mask, 2, NULL, 0},        /* mask too long */
        {code, 0, mask, 1, NULL, 0},        /* a mask for no code */
        {code, SIZE_MAX, mask, 1, NULL, 0}, /* ceil() must not wrap */
        {code, SIZE_MAX - 7, mask, 0, NULL, 0},
        {code, (size_t)1 << 35, mask, (size_t)1 << 32, NULL, 0}, /* limits */
        {code, 4, mask, 1, jumps, (size_t)1 << 40},
        {code, 4, mask, 1, jumps, SIZE_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        lab_clear_error();
        assert_null(pvm_program_from_parts(cases[i].code, cases[i].code_len, cases[i].mask,
                                           cases[i].mask_len, cases[i].jumps, cases[i].jumps_len,
                                           PVM_SPEC_0_7_2));
        lab_assert_explained();
        lab_clear_error();
        assert_null(pvm_create(0, cases[i].code, cases[i].code_len, NULL, cases[i].mask,
                               cases[i].mask_len, cases[i].jumps, cases[i].jumps_len, 1));
        lab_assert_explained();
    }
}

static void unknown_enumerators_are_refused(void **state)
{
    static const int wrong[] = {-1, 4, 99, INT32_MAX, INT32_MIN};

    (void)state;
    machine_t machine = lab_machine(&plain, "trap", 5);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        lab_clear_error();
        assert_null(pvm_program_from_parts(code, 4, mask, 1, NULL, 0, (pvm_spec_t)wrong[i]));
        lab_assert_explained();
        lab_clear_error();
        assert_null(pvm_program_load(code, 4, PVM_FORMAT_RAW, (pvm_spec_t)wrong[i]));
        lab_assert_explained();
        lab_clear_error();
        assert_null(pvm_program_load(code, 4, (pvm_format_t)wrong[i], PVM_SPEC_0_8_0));
        lab_assert_explained();
        lab_clear_error();
        assert_null(pvm_instantiate(machine.program, (pvm_backend_t)wrong[i], 0, 1));
        lab_assert_explained();
        lab_clear_error();
        assert_int_equal(pvm_map_memory(machine.vm, 0x10000, 4096, (pvm_access_t)wrong[i]), -1);
        lab_assert_explained();
        assert_int_equal(pvm_get_access(machine.vm, 0x10000), PVM_ACCESS_NONE);
    }
    lab_clear_error();
    assert_null(pvm_instantiate(machine.program, (pvm_backend_t)3, 0, 1));
    lab_assert_explained();
    assert_int_equal(pvm_map_memory(machine.vm, 0x10000, 4096, (pvm_access_t)3), -1);
    lab_free(&machine);
}

/* -- NULL --- */

#define REFUSED(call, answer)                                                                      \
    do {                                                                                           \
        lab_clear_error();                                                                         \
        assert_true((call) == (answer));                                                           \
        lab_assert_explained();                                                                    \
    } while (0)
#define REFUSED_SILENTLY(call)                                                                     \
    do {                                                                                           \
        lab_clear_error();                                                                         \
        call;                                                                                      \
        lab_assert_explained();                                                                    \
    } while (0)

static void calls_without_a_program_say_so(void **state)
{
    uint32_t pc = 42;

    (void)state;
    REFUSED(pvm_program_load(NULL, 0, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT), NULL);
    REFUSED(pvm_program_load(NULL, 5, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT), NULL);
    REFUSED_SILENTLY(pvm_program_acquire(NULL));
    pvm_program_release(NULL);
    REFUSED(pvm_program_spec(NULL), PVM_SPEC_DEFAULT);
    REFUSED(pvm_program_format(NULL), PVM_FORMAT_AUTO);
    lab_clear_error();
    assert_non_null(pvm_program_error(NULL));
    lab_assert_explained();
    REFUSED(pvm_program_export_count(NULL), 0);
    REFUSED(pvm_program_export(NULL, 0, &pc), NULL);
    REFUSED(pvm_program_import(NULL, 0), NULL);
    REFUSED(pvm_program_find_entry(NULL, "main", &pc), -1);
    REFUSED(pvm_host_call_name(NULL, 0), NULL);
    REFUSED(pvm_program_block_count(NULL), 0);
    REFUSED(pvm_program_blocks(NULL), NULL);
    REFUSED(pvm_program_block_at(NULL, 0), 0);
    REFUSED(pvm_instantiate(NULL, PVM_BACKEND_DEFAULT, 0, 0), NULL);
    assert_int_equal(pc, 42);
}

static void calls_without_a_vm_say_so(void **state)
{
    const pvm_observer_t observer = {.size = sizeof(observer)};
    pvm_block_count_t block;
    pvm_edge_count_t edge;
    pvm_flight_entry_t flight;
    uint32_t address = 42;
    uint64_t len = 43;
    uint8_t octet = 44;

    (void)state;
    REFUSED(pvm_set_arguments(NULL, &octet, 1), -1);
    REFUSED(pvm_reset(NULL, 0), -1);
    pvm_destroy(NULL);
    REFUSED_SILENTLY(pvm_set_host_callback(NULL, NULL, NULL));
    REFUSED(pvm_execute(NULL, 0), PVM_RESULT_ERROR);
    REFUSED(pvm_resume(NULL), PVM_RESULT_ERROR);
    REFUSED(pvm_step(NULL), PVM_RESULT_ERROR);
    REFUSED_SILENTLY(pvm_set_register(NULL, 0, 1));
    REFUSED(pvm_get_register(NULL, 0), 0);
    REFUSED(pvm_get_registers(NULL), NULL);
    REFUSED_SILENTLY((void)pvm_get_machine_state(NULL));
    REFUSED(pvm_get_gas(NULL), 0);
    REFUSED_SILENTLY(pvm_set_gas(NULL, 1));
    REFUSED(pvm_get_pc(NULL), 0);
    REFUSED(pvm_set_pc(NULL, 0), -1);
    REFUSED(pvm_get_charged(NULL), 0);
    REFUSED(pvm_set_charged(NULL, 1), -1);
    REFUSED(pvm_get_fault_address(NULL), 0);
    REFUSED(pvm_get_host_call(NULL), -1);
    REFUSED(pvm_get_result(NULL, &address, &len), -1);
    REFUSED(pvm_get_backend(NULL), PVM_BACKEND_DEFAULT);
    REFUSED(pvm_get_service(NULL), 0);
    REFUSED(pvm_get_id(NULL), 0);
    REFUSED(pvm_set_parent(NULL, NULL), -1);
    REFUSED(pvm_get_parent(NULL), NULL);
    REFUSED(pvm_get_program(NULL), NULL);
    REFUSED(pvm_map_memory(NULL, 0x10000, 4096, PVM_ACCESS_READ), -1);
    REFUSED(pvm_read_memory(NULL, 0x10000, &octet, 1), -1);
    REFUSED(pvm_write_memory(NULL, 0x10000, &octet, 1), -1);
    REFUSED(pvm_poke_memory(NULL, 0x10000, &octet, 1), -1);
    REFUSED(pvm_get_access(NULL, 0x10000), PVM_ACCESS_NONE);
    REFUSED(pvm_grow_heap(NULL), -1);
    REFUSED(pvm_set_instrumentation(NULL, 0), -1);
    REFUSED(pvm_get_flight_record(NULL, &flight, 1), 0);
    REFUSED(pvm_get_block_counts(NULL, &block, 1), 0);
    REFUSED(pvm_get_edge_counts(NULL, &edge, 1), 0);
    REFUSED(pvm_clear_counts(NULL), -1);
    REFUSED(pvm_set_observer(NULL, &observer, NULL), -1);
    assert_int_equal(address, 42);
    assert_int_equal(len, 43);
    assert_int_equal(octet, 44);
}

static void missing_places_for_answers_are_refused(void **state)
{
    uint32_t pc = 1;
    uint64_t len = 2;

    (void)state;
    machine_t machine = lab_jam_machine(&plain, (jam_sizes_t){1, 1, 0, 4096}, "jump_ind r0, 0", 50);
    REFUSED(pvm_program_find_entry(machine.program, NULL, &pc), -1);
    REFUSED(pvm_program_find_entry(machine.program, "refine", NULL), -1);
    REFUSED(pvm_program_find_entry(machine.program, "no such entry", &pc), -1);
    REFUSED(pvm_program_export(machine.program, 0, NULL), NULL);
    REFUSED(pvm_set_arguments(machine.vm, NULL, 1), -1);
    REFUSED(pvm_read_memory(machine.vm, 0x10000, NULL, 1), -1);
    REFUSED(pvm_write_memory(machine.vm, 0x20000, NULL, 1), -1);
    REFUSED(pvm_poke_memory(machine.vm, 0x10000, NULL, 1), -1);
    REFUSED(pvm_get_flight_record(machine.vm, NULL, 1), 0);
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_COUNTS), 0);
    REFUSED(pvm_get_block_counts(machine.vm, NULL, 10), 0);
    REFUSED(pvm_get_edge_counts(machine.vm, NULL, 10), 0);
    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_OK);
    REFUSED(pvm_get_result(machine.vm, NULL, &len), -1);
    REFUSED(pvm_get_result(machine.vm, &pc, NULL), -1);
    assert_int_equal(pc, 1);
    assert_int_equal(len, 2);
    lab_free(&machine);
}

static void registers_outside_0_to_12_are_refused(void **state)
{
    static const int wrong[] = {-1, 13, 255, INT32_MAX, INT32_MIN};
    uint64_t before[PVM_REGISTER_COUNT];

    (void)state;
    machine_t machine = lab_machine(&plain, "trap", 5);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(machine.vm, i, UINT64_MAX - (uint64_t)i);
        assert_int_equal(pvm_get_register(machine.vm, i), UINT64_MAX - (uint64_t)i);
    }
    memcpy(before, pvm_get_registers(machine.vm), sizeof(before));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        REFUSED_SILENTLY(pvm_set_register(machine.vm, wrong[i], 1));
        REFUSED(pvm_get_register(machine.vm, wrong[i]), 0);
    }
    assert_memory_equal(pvm_get_registers(machine.vm), before, sizeof(before));
    lab_free(&machine);
}

static void instrumentation_that_does_not_exist_is_refused(void **state)
{
    pvm_observer_t observer = {.size = sizeof(observer) - 1};
    pvm_block_count_t counts[2];

    (void)state;
    machine_t machine = lab_machine(&plain, "trap", 5);
    REFUSED(pvm_set_instrumentation(machine.vm, UINT32_C(1) << 31), -1);
    REFUSED(pvm_set_observer(machine.vm, &observer, NULL), -1);
    observer.size = 0;
    REFUSED(pvm_set_observer(machine.vm, &observer, NULL), -1);
    REFUSED(pvm_get_block_counts(machine.vm, counts, 2), 0);
    REFUSED(pvm_clear_counts(machine.vm), -1);
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_COUNTS), 0);
    REFUSED(pvm_get_block_counts(machine.vm, counts, 1), 0);
    assert_int_equal(pvm_get_block_counts(machine.vm, counts, 2), 2);
    lab_free(&machine);
}

static void there_is_always_an_error_text_and_a_version(void **state)
{
    (void)state;
    assert_non_null(pvm_last_error());
    assert_string_equal(pvm_version(), "0.1.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(create_takes_spec_and_backend_from_the_environment,
                                        clear_environment, clear_environment),
        cmocka_unit_test_setup_teardown(create_refuses_what_the_environment_misspells,
                                        clear_environment, clear_environment),
        cmocka_unit_test_setup_teardown(only_create_asks_the_environment, clear_environment,
                                        clear_environment),
        cmocka_unit_test(create_copies_its_inputs_and_starts_with_the_given_registers),
        cmocka_unit_test(gas_above_2_63_is_refused_everywhere),
        cmocka_unit_test(wrong_parts_are_refused),
        cmocka_unit_test(unknown_enumerators_are_refused),
        cmocka_unit_test(calls_without_a_program_say_so),
        cmocka_unit_test(calls_without_a_vm_say_so),
        cmocka_unit_test(missing_places_for_answers_are_refused),
        cmocka_unit_test(registers_outside_0_to_12_are_refused),
        cmocka_unit_test(instrumentation_that_does_not_exist_is_refused),
        cmocka_unit_test(there_is_always_an_error_text_and_a_version),
    };

    (void)clear_environment(NULL);
    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
