/* What instantiate, set_arguments, reset and destroy do to a machine's memory and registers, DESIGN section 4: standard
 * initialization, arguments, and that nothing of a run survives it. */
#include "lab.h"

#define PAGE      UINT32_C(4096)
#define ARGUMENTS UINT32_C(0xfeff0000)
#define RW        UINT32_C(0x30000) /* behind a zone of read-only data */
#define STACK_TOP UINT32_C(0xfefe0000)

static const jam_sizes_t sizes = {5000, 6000, 3, 10000};

/* Reads arguments, writes data, heap and stack, makes a host call. */
static const char text[] = "load_u8 r2, 0xfffffffffeff0000\n"
                           "store_imm_u8 0x30001, 1\n"
                           "store_imm_u8 0x32001, 2\n"
                           "store_u8 r1, 0xfffffffffefdfff8\n"
                           "call: ecalli 3\n"
                           "jump_ind r0, 0\n";

static machine_t make(const lab_t *lab)
{
    return lab_jam_machine(lab, sizes, text, 1000);
}

typedef struct {
    uint32_t first;
    uint32_t count;
    pvm_access_t access;
} run_t;

/* The whole map of pages, as runs of equal access. */
static size_t map_of(pvm_vm_t *vm, run_t *runs, size_t max)
{
    size_t count = 0;

    for (uint32_t page = 0; page < UINT32_C(1) << 20; page++) {
        const pvm_access_t access = pvm_get_access(vm, page * PAGE);
        if (access == PVM_ACCESS_NONE) {
            continue;
        }
        if (count > 0 && runs[count - 1].access == access &&
            runs[count - 1].first + runs[count - 1].count == page) {
            runs[count - 1].count++;
        } else {
            assert_true(count < max);
            runs[count++] = (run_t){page, 1, access};
        }
    }
    return count;
}

#define RUNS_MAX 16

/* As instantiate leaves it, for `sizes`: map, contents, registers, pc, state. */
static void assert_fresh(pvm_vm_t *vm, int64_t gas)
{
    static const run_t expected[] = {
        {0x10, 2, PVM_ACCESS_READ}, {0x30, 5, PVM_ACCESS_WRITE}, {0xfefdd, 3, PVM_ACCESS_WRITE}};
    run_t runs[RUNS_MAX];
    uint8_t octets[5 * 4096];

    assert_int_equal(map_of(vm, runs, RUNS_MAX), 3);
    assert_memory_equal(runs, expected, sizeof(expected));
    assert_int_equal(pvm_read_memory(vm, 0x10000, octets, 2 * (size_t)PAGE), 0);
    for (size_t i = 0; i < 2 * (size_t)PAGE; i++) {
        assert_int_equal(octets[i], i < 5000 ? 0xa0 : 0);
    }
    assert_int_equal(pvm_read_memory(vm, RW, octets, 5 * (size_t)PAGE), 0);
    for (size_t i = 0; i < 5 * (size_t)PAGE; i++) {
        assert_int_equal(octets[i], i < 6000 ? 0xb0 : 0);
    }
    assert_int_equal(pvm_read_memory(vm, STACK_TOP - 3 * PAGE, octets, 3 * (size_t)PAGE), 0);
    for (size_t i = 0; i < 3 * (size_t)PAGE; i++) {
        assert_int_equal(octets[i], 0);
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        const uint64_t value = i == 0 ? 0xffff0000 : i == 1 ? STACK_TOP : i == 7 ? ARGUMENTS : 0;
        assert_int_equal(pvm_get_register(vm, i), value);
    }
    assert_int_equal(pvm_get_gas(vm), gas);
    assert_int_equal(pvm_get_pc(vm), 0);
    assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_READY);
    assert_int_equal(pvm_get_charged(vm), 0);
    assert_int_equal(pvm_get_fault_address(vm), 0);
    assert_int_equal(pvm_get_host_call(vm), -1);
}

/* Dirties everything there is: every page it has, access, extra pages, arguments. */
static void soil(const lab_t *lab, pvm_vm_t *vm)
{
    uint8_t *const dirt = malloc(64 * (size_t)PAGE);

    assert_non_null(dirt);
    memset(dirt, 0xdd, 64 * (size_t)PAGE);
    assert_int_equal(pvm_set_arguments(vm, dirt, 3 * (size_t)PAGE + 1), 0);
    assert_int_equal(lab_execute(lab, vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_poke_memory(vm, 0x10000, dirt, 2 * (size_t)PAGE), 0);
    assert_int_equal(pvm_write_memory(vm, RW, dirt, 5 * (size_t)PAGE), 0);
    assert_int_equal(pvm_write_memory(vm, STACK_TOP - 3 * PAGE, dirt, 3 * (size_t)PAGE), 0);
    assert_int_equal(pvm_map_memory(vm, RW + 5 * PAGE, 64 * PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(vm, RW + 5 * PAGE, dirt, 64 * (size_t)PAGE), 0);
    assert_int_equal(pvm_map_memory(vm, 0xfffff000, PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(vm, 0xfffff000, dirt, PAGE), 0);
    assert_int_equal(pvm_map_memory(vm, 0x10000, PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_map_memory(vm, RW + PAGE, PAGE, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_map_memory(vm, RW + 2 * PAGE, PAGE, PVM_ACCESS_NONE), 0);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(vm, i, 0xdddd);
    }
    free(dirt);
}

/* Every place that soil() made dirty is zero once it is mapped anew. */
static void assert_clean_below(pvm_vm_t *vm)
{
    static const run_t places[] = {{0x12, 14, 0}, {0x35, 64, 0}, {0xfeff0, 4, 0}, {0xfffff, 1, 0}};
    static const uint8_t zeros[4096];
    uint8_t octets[4096];

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        for (uint32_t page = places[i].first; page < places[i].first + places[i].count; page++) {
            assert_int_equal(pvm_map_memory(vm, page * PAGE, PAGE, PVM_ACCESS_READ), 0);
            assert_int_equal(pvm_read_memory(vm, page * PAGE, octets, PAGE), 0);
            assert_memory_equal(octets, zeros, PAGE);
        }
    }
}

static void instantiate_has_done_the_standard_initialization(const lab_t *lab)
{
    machine_t machine = make(lab);

    assert_fresh(machine.vm, 1000);
    lab_free(&machine);
}

static void reset_leaves_a_machine_as_if_freshly_instantiated(const lab_t *lab)
{
    machine_t machine = make(lab);

    for (int round = 0; round < 3; round++) {
        soil(lab, machine.vm);
        assert_int_equal(pvm_reset(machine.vm, 500), 0);
        assert_fresh(machine.vm, 500);
        assert_clean_below(machine.vm);
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        assert_fresh(machine.vm, 1000);
    }
    lab_free(&machine);
}

/* Read-only data stays where it is unless the host changes it: by an octet, or by making it writable for a while. */
static void read_only_data_that_the_host_changed_is_as_in_the_program_again(const lab_t *lab)
{
    static const uint32_t places[] = {0x10000, 0x10000 + 4999, 0x10000 + 2 * PAGE - 1};
    machine_t machine = make(lab);

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        assert_int_equal(pvm_poke_memory(machine.vm, places[i], "\xdd", 1), 0);
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        assert_fresh(machine.vm, 1000);
        const uint32_t page = places[i] / PAGE * PAGE;
        assert_int_equal(pvm_map_memory(machine.vm, page, PAGE, PVM_ACCESS_WRITE), 0);
        assert_int_equal(pvm_write_memory(machine.vm, places[i], "\xdd", 1), 0);
        assert_int_equal(pvm_map_memory(machine.vm, page, PAGE, PVM_ACCESS_READ), 0);
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        assert_fresh(machine.vm, 1000);
        assert_int_equal(pvm_map_memory(machine.vm, page, PAGE, PVM_ACCESS_NONE), 0);
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        assert_fresh(machine.vm, 1000);
    }
    lab_free(&machine);
}

static pvm_host_result_t terminate(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    (*(int *)user_data)++;
    return PVM_HOST_TERMINATE;
}

static void reset_keeps_callback_and_instrumentation(const lab_t *lab)
{
    machine_t machine = make(lab);
    int calls = 0;
    pvm_set_host_callback(machine.vm, terminate, &calls);

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"z", 1), 0);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
        assert_int_equal(calls, i);
        if (lab->counting) {
            assert_int_equal(lab_blocks_gas(machine.vm), i * (1000 - pvm_get_gas(machine.vm)));
        }
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
    }
    lab_free(&machine);
}

static void a_memory_that_is_used_again_shows_nothing_of_the_vm_before(const lab_t *lab)
{
    machine_t machine = make(lab);

    for (int round = 0; round < 3; round++) {
        pvm_vm_t *vms[20];
        for (size_t i = 0; i < 20; i++) {
            vms[i] = lab_another(lab, &machine, 1000);
            assert_fresh(vms[i], 1000);
            soil(lab, vms[i]);
        }
        for (size_t i = 0; i < 20; i++) {
            pvm_destroy(vms[i]);
        }
        for (size_t i = 0; i < 20; i++) {
            vms[i] = lab_another(lab, &machine, 7);
            assert_fresh(vms[i], 7);
            assert_clean_below(vms[i]);
        }
        for (size_t i = 0; i < 20; i++) {
            pvm_destroy(vms[i]);
        }
    }
    lab_free(&machine);
}

static void a_raw_program_starts_with_nothing_mapped_even_in_a_used_memory(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "trap", 10);
    run_t runs[1];

    for (int round = 0; round < 3; round++) {
        pvm_vm_t *const vm = lab_another(lab, &machine, 10);
        assert_int_equal(map_of(vm, runs, 1), 0);
        assert_int_equal(pvm_map_memory(vm, 0x10000, 100 * PAGE, PVM_ACCESS_WRITE), 0);
        assert_int_equal(pvm_write_memory(vm, 0x10000, "dirt", 4), 0);
        assert_int_equal(pvm_reset(vm, 10), 0);
        assert_int_equal(map_of(vm, runs, 1), 0);
        assert_int_equal(pvm_map_memory(vm, 0x10000, PAGE, PVM_ACCESS_WRITE), 0);
        char octets[4] = "????";
        assert_int_equal(pvm_read_memory(vm, 0x10000, octets, 4), 0);
        assert_memory_equal(octets, "\0\0\0\0", 4);
        assert_int_equal(pvm_write_memory(vm, 0x10000, "dirt", 4), 0);
        pvm_destroy(vm);
    }
    lab_free(&machine);
}

/* -- Arguments --- */

static void assert_arguments(pvm_vm_t *vm, const uint8_t *args, size_t len)
{
    const uint32_t pages = (uint32_t)((len + PAGE - 1) / PAGE);
    uint8_t *const octets = malloc((size_t)pages * PAGE + 1);

    assert_non_null(octets);
    assert_int_equal(pvm_get_register(vm, 7), ARGUMENTS);
    assert_int_equal(pvm_get_register(vm, 8), len);
    assert_int_equal(pvm_read_memory(vm, ARGUMENTS, octets, (size_t)pages * PAGE), 0);
    assert_memory_equal(octets, args, len);
    for (size_t i = len; i < (size_t)pages * PAGE; i++) {
        assert_int_equal(octets[i], 0);
    }
    for (uint32_t i = 0; i < pages; i++) {
        assert_int_equal(pvm_get_access(vm, ARGUMENTS + i * PAGE), PVM_ACCESS_READ);
    }
    assert_int_equal(pvm_get_access(vm, ARGUMENTS + pages * PAGE), PVM_ACCESS_NONE);
    assert_int_equal(pvm_get_access(vm, ARGUMENTS - 1), PVM_ACCESS_NONE);
    free(octets);
}

static void arguments_replace_those_before_larger_or_smaller(const lab_t *lab)
{
    static const size_t lens[] = {1, 5000, 4096, 4097, 1, 0, 100000, 12, 0, 0, 4095};
    uint8_t *const args = malloc(100000);
    machine_t machine = make(lab);

    assert_non_null(args);
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        memset(args, (int)(0x30 + i), 100000);
        assert_int_equal(pvm_set_arguments(machine.vm, args, lens[i]), 0);
        assert_arguments(machine.vm, args, lens[i]);
    }
    assert_int_equal(pvm_set_arguments(machine.vm, NULL, 0), 0);
    assert_arguments(machine.vm, args, 0);
    assert_int_equal(pvm_reset(machine.vm, 1000), 0);
    assert_fresh(machine.vm, 1000);
    assert_int_equal(pvm_set_arguments(machine.vm, args, 10), 0);
    assert_arguments(machine.vm, args, 10);
    free(args);
    lab_free(&machine);
}

static void arguments_may_have_2_24_octets_and_not_one_more(const lab_t *lab)
{
    uint8_t *const args = malloc(PVM_MAX_ARGUMENTS + 1);
    machine_t machine = make(lab);

    assert_non_null(args);
    memset(args, 0x77, PVM_MAX_ARGUMENTS + 1);
    assert_int_equal(pvm_set_arguments(machine.vm, args, 3), 0);
    lab_clear_error();
    assert_int_equal(pvm_set_arguments(machine.vm, args, PVM_MAX_ARGUMENTS + 1), -1);
    lab_assert_explained();
    assert_int_equal(pvm_set_arguments(machine.vm, args, SIZE_MAX), -1);
    assert_arguments(machine.vm, args, 3);
    assert_int_equal(pvm_set_arguments(machine.vm, args, PVM_MAX_ARGUMENTS), 0);
    assert_arguments(machine.vm, args, PVM_MAX_ARGUMENTS);
    assert_int_equal(pvm_set_arguments(machine.vm, args, 3), 0);
    assert_arguments(machine.vm, args, 3);
    free(args);
    lab_free(&machine);
}

static void arguments_come_before_the_first_instruction(const lab_t *lab)
{
    machine_t machine = make(lab);

    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"\x5b", 1), 0);
    assert_int_equal(pvm_set_pc(machine.vm, 0), 0);
    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"\x5c", 1), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_get_register(machine.vm, 2), 0x5c);
    for (int i = 0; i < 2; i++) {
        lab_clear_error();
        assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"no", 2), -1);
        lab_assert_explained();
        assert_arguments(machine.vm, (const uint8_t *)"\x5c", 1);
        assert_int_equal(lab_resume(lab, machine.vm), i == 0 ? PVM_RESULT_OK : PVM_RESULT_ERROR);
    }
    assert_int_equal(pvm_reset(machine.vm, 100), 0);
    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"yes", 3), 0);
    assert_arguments(machine.vm, (const uint8_t *)"yes", 3);
    assert_int_equal(pvm_step(machine.vm), lab->flat ? PVM_RESULT_OK : PVM_RESULT_OOG);
    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"no", 2), -1);
    lab_free(&machine);
}

static void arguments_are_for_jam_programs_only(const lab_t *lab)
{
    machine_t raw = lab_machine(lab, "trap", 10);

    lab_clear_error();
    assert_int_equal(pvm_set_arguments(raw.vm, (const uint8_t *)"x", 1), -1);
    lab_assert_explained();
    assert_int_equal(pvm_set_arguments(raw.vm, NULL, 0), -1);
    assert_int_equal(pvm_get_register(raw.vm, 7), 0);
    assert_int_equal(pvm_get_access(raw.vm, ARGUMENTS), PVM_ACCESS_NONE);
    lab_free(&raw);
    if (lab->spec == PVM_SPEC_LATEST64) {
        machine_t container = lab_container_machine(lab, 2, 100, "trap", 10);
        assert_int_equal(pvm_set_arguments(container.vm, (const uint8_t *)"x", 1), -1);
        assert_int_equal(pvm_get_access(container.vm, ARGUMENTS), PVM_ACCESS_NONE);
        lab_free(&container);
    }
}

static void the_guest_cannot_write_its_arguments(const lab_t *lab)
{
    machine_t machine =
        lab_jam_machine(lab, sizes, "store_imm_u8 0xfffffffffeff0000, 1\n trap", 1000);

    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"x", 1), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
    assert_int_equal(pvm_get_fault_address(machine.vm), ARGUMENTS);
    assert_arguments(machine.vm, (const uint8_t *)"x", 1);
    lab_free(&machine);
}

static void ids_are_never_used_twice_and_services_are_kept(const lab_t *lab)
{
    machine_t machine = make(lab);
    uint64_t last = pvm_get_id(machine.vm);

    assert_true(last > 0);
    for (uint32_t i = 0; i < 50; i++) {
        pvm_vm_t *const vm = pvm_instantiate(machine.program, lab->backend, UINT32_MAX - i, 1);
        assert_non_null(vm);
        assert_true(pvm_get_id(vm) > last);
        last = pvm_get_id(vm);
        assert_int_equal(pvm_get_service(vm), UINT32_MAX - i);
        assert_int_equal(pvm_reset(vm, 1), 0);
        assert_int_equal(pvm_get_id(vm), last);
        pvm_destroy(vm);
    }
    lab_free(&machine);
}

static void a_program_lives_as_long_as_the_last_of_its_users(const lab_t *lab)
{
    machine_t machine = make(lab);
    pvm_vm_t *const other = lab_another(lab, &machine, 1000);

    pvm_program_acquire(machine.program);
    pvm_program_release(machine.program);
    pvm_destroy(machine.vm);
    pvm_program_release(machine.program);
    machine.vm = NULL;
    machine.program = NULL;
    assert_int_equal(pvm_set_arguments(other, (const uint8_t *)"x", 1), 0);
    assert_int_equal(lab_execute(lab, other, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_program_spec(pvm_get_program(other)), lab->spec);
    pvm_destroy(other);
    lab_free(&machine);
}

static void a_parent_is_another_vm_or_none(const lab_t *lab)
{
    machine_t machine = make(lab);
    pvm_vm_t *const inner = lab_another(lab, &machine, 1);

    assert_null(pvm_get_parent(inner));
    lab_clear_error();
    assert_int_equal(pvm_set_parent(inner, inner), -1);
    lab_assert_explained();
    assert_int_equal(pvm_set_parent(inner, machine.vm), 0);
    assert_ptr_equal(pvm_get_parent(inner), machine.vm);
    assert_int_equal(pvm_reset(inner, 1), 0);
    assert_ptr_equal(pvm_get_parent(inner), machine.vm);
    assert_int_equal(pvm_set_parent(inner, NULL), 0);
    assert_null(pvm_get_parent(inner));
    pvm_destroy(inner);
    lab_free(&machine);
}

static void a_parent_that_is_destroyed_first_is_forgotten(const lab_t *lab)
{
    machine_t machine = make(lab);
    pvm_vm_t *children[5];

    for (size_t order = 0; order < 3; order++) {
        pvm_vm_t *const parent = lab_another(lab, &machine, 1);
        for (size_t i = 0; i < 5; i++) {
            children[i] = lab_another(lab, &machine, 1000);
            assert_int_equal(pvm_set_parent(children[i], parent), 0);
        }
        assert_int_equal(pvm_set_parent(parent, children[0]), 0); /* a circle is nobody's harm */
        pvm_destroy(children[order * 2]);
        assert_int_equal(pvm_set_parent(children[1], children[3]), 0);
        pvm_destroy(parent);
        for (size_t i = 0; i < 5; i++) {
            if (i != order * 2) {
                assert_ptr_equal(pvm_get_parent(children[i]), i == 1 ? children[3] : NULL);
                assert_int_equal(pvm_set_arguments(children[i], (const uint8_t *)"x", 1), 0);
                assert_int_equal(lab_execute(lab, children[i], 0), PVM_RESULT_HOST_CALL);
                pvm_destroy(children[i]);
            }
        }
    }
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(instantiate_has_done_the_standard_initialization, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(reset_leaves_a_machine_as_if_freshly_instantiated, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_STEPS),
        LAB_TEST(read_only_data_that_the_host_changed_is_as_in_the_program_again, LAB_ALL_SPECS,
                 LAB_PLAIN),
        LAB_TEST(reset_keeps_callback_and_instrumentation, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(a_memory_that_is_used_again_shows_nothing_of_the_vm_before, LAB_0_7_2, LAB_PLAIN),
        LAB_TEST_ONCE(a_raw_program_starts_with_nothing_mapped_even_in_a_used_memory),
        LAB_TEST_ONCE(arguments_replace_those_before_larger_or_smaller),
        LAB_TEST_ONCE(arguments_may_have_2_24_octets_and_not_one_more),
        LAB_TEST(arguments_come_before_the_first_instruction, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(arguments_are_for_jam_programs_only, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(the_guest_cannot_write_its_arguments, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST_ONCE(ids_are_never_used_twice_and_services_are_kept),
        LAB_TEST(a_program_lives_as_long_as_the_last_of_its_users, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST_ONCE(a_parent_is_another_vm_or_none),
        LAB_TEST_ONCE(a_parent_that_is_destroyed_first_is_forgotten),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
