/* The heap and the result: pvm_grow_heap() (spec.md 10; GP 0.8.0 appendix B), sbrk (docs/spec-notes.md "Growing the
 * heap"), pvm_get_result() (GP A.8). */
#include "lab.h"

#define PAGE UINT32_C(4096)
#define GAS  1000000

/* Pages: read-only 0x10, read-write 0x30 to 0x32 (one of data, two of heap), stack of two. */
static const jam_sizes_t sizes = {100, 200, 2, 8192};
#define RW_PAGE   UINT64_C(0x30)
#define HEAP_PAGE UINT64_C(0x33)
/* 2^32 - 3 * 2^16 - 2^24 - 8192, in pages */
#define LAST_PAGE UINT64_C(0xfefce)

/* -- grow_heap --- */

static machine_t make_jam(const lab_t *lab, int64_t gas)
{
    machine_t machine = lab_jam_machine(lab, sizes, "ecalli 1\n jump_ind r0, 0\n", 0);

    pvm_set_gas(machine.vm, gas);
    return machine;
}

static pvm_access_t page_access(const machine_t *machine, uint64_t page)
{
    return pvm_get_access(machine->vm, (uint32_t)(page * PAGE));
}

static void assert_heap_ends_at(const machine_t *machine, uint64_t end)
{
    for (uint64_t page = RW_PAGE; page < end && page < RW_PAGE + 300; page++) {
        assert_int_equal(page_access(machine, page), PVM_ACCESS_WRITE);
    }
    assert_int_equal(page_access(machine, end - 1), PVM_ACCESS_WRITE);
    assert_int_equal(page_access(machine, end), PVM_ACCESS_NONE);
    assert_int_equal(page_access(machine, RW_PAGE - 1), PVM_ACCESS_NONE);
}

static void a_question_or_too_much_costs_100_and_answers_the_end(const lab_t *lab)
{
    static const uint64_t wanted[] = {0,
                                      1,
                                      RW_PAGE,
                                      HEAP_PAGE - 1,
                                      HEAP_PAGE,
                                      LAST_PAGE + 1,
                                      UINT64_C(1) << 20,
                                      UINT64_C(1) << 32,
                                      (UINT64_C(1) << 32) + HEAP_PAGE + 1,
                                      (uint64_t)INT64_MAX,
                                      UINT64_C(1) << 63,
                                      UINT64_MAX};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        machine_t machine = make_jam(lab, 100);
        pvm_set_register(machine.vm, 7, wanted[i]);

        assert_int_equal(pvm_grow_heap(machine.vm), 0);

        assert_int_equal(pvm_get_gas(machine.vm), 0);
        assert_int_equal(pvm_get_register(machine.vm, 7), HEAP_PAGE);
        assert_heap_ends_at(&machine, HEAP_PAGE);
        lab_free(&machine);
    }
}

static void growing_costs_10_for_each_page_and_the_pages_are_zero(const lab_t *lab)
{
    static const uint64_t counts[] = {1, 2, 17, 300};

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        machine_t machine = make_jam(lab, GAS);
        uint64_t end = HEAP_PAGE;
        int64_t gas = GAS;
        uint8_t octet = 1;
        for (int again = 0; again < 3; again++) {
            end += counts[i];
            gas -= 100 + 10 * (int64_t)counts[i];
            pvm_set_register(machine.vm, 7, end);
            assert_int_equal(pvm_grow_heap(machine.vm), 0);
            assert_int_equal(pvm_get_register(machine.vm, 7), end);
            assert_int_equal(pvm_get_gas(machine.vm), gas);
            assert_heap_ends_at(&machine, end);
            assert_int_equal(pvm_read_memory(machine.vm, (uint32_t)(end * PAGE) - 1, &octet, 1), 0);
            assert_int_equal(octet, 0);
        }
        /* What was there before is kept. */
        assert_int_equal(pvm_read_memory(machine.vm, (uint32_t)RW_PAGE * PAGE + 199, &octet, 1), 0);
        assert_int_equal(octet, 0xb0);
        lab_free(&machine);
    }
}

static void the_heap_may_grow_up_to_a_zone_below_the_stack(const lab_t *lab)
{
    const int64_t price = 100 + 10 * (int64_t)(LAST_PAGE - HEAP_PAGE);
    machine_t machine = make_jam(lab, price + 100);

    pvm_set_register(machine.vm, 7, LAST_PAGE);
    assert_int_equal(pvm_grow_heap(machine.vm), 0);
    assert_int_equal(pvm_get_gas(machine.vm), 100);
    assert_int_equal(pvm_get_register(machine.vm, 7), LAST_PAGE);
    assert_heap_ends_at(&machine, LAST_PAGE);
    pvm_set_register(machine.vm, 7, LAST_PAGE + 1);
    assert_int_equal(pvm_grow_heap(machine.vm), 0);
    assert_int_equal(pvm_get_register(machine.vm, 7), LAST_PAGE);
    assert_int_equal(pvm_get_gas(machine.vm), 0);
    lab_free(&machine);
}

static void pages_that_the_host_has_mapped_or_taken_count_too(const lab_t *lab)
{
    machine_t machine = make_jam(lab, GAS);

    /* A hole: three pages become two, so that the heap ends one page earlier. */
    assert_int_equal(pvm_map_memory(machine.vm, 0x31000, PAGE, PVM_ACCESS_NONE), 0);
    pvm_set_register(machine.vm, 7, 0);
    assert_int_equal(pvm_grow_heap(machine.vm), 0);
    assert_int_equal(pvm_get_register(machine.vm, 7), HEAP_PAGE - 1);
    /* Growing fills it. */
    pvm_set_register(machine.vm, 7, HEAP_PAGE + 1);
    pvm_set_gas(machine.vm, 120);
    assert_int_equal(pvm_grow_heap(machine.vm), 0);
    assert_int_equal(pvm_get_gas(machine.vm), 0);
    assert_heap_ends_at(&machine, HEAP_PAGE + 1);
    /* A page far behind the end. */
    assert_int_equal(pvm_map_memory(machine.vm, 0x900000, PAGE, PVM_ACCESS_WRITE), 0);
    pvm_set_gas(machine.vm, GAS);
    pvm_set_register(machine.vm, 7, 0);
    assert_int_equal(pvm_grow_heap(machine.vm), 0);
    assert_int_equal(pvm_get_register(machine.vm, 7), HEAP_PAGE + 2);
    assert_int_equal(pvm_reset(machine.vm, GAS), 0);
    pvm_set_register(machine.vm, 7, 0);
    assert_int_equal(pvm_grow_heap(machine.vm), 0);
    assert_int_equal(pvm_get_register(machine.vm, 7), HEAP_PAGE);
    lab_free(&machine);
}

static void too_little_gas_is_told_and_changes_nothing(const lab_t *lab)
{
    static const struct {
        uint64_t wanted;
        int64_t gas;
    } cases[] = {
        {0, 99},         {0, 0}, {HEAP_PAGE + 1, 109}, {HEAP_PAGE + 1, 0}, {HEAP_PAGE + 5, 149},
        {LAST_PAGE, GAS}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        machine_t machine = make_jam(lab, cases[i].gas);
        pvm_set_register(machine.vm, 7, cases[i].wanted);

        assert_int_equal(pvm_grow_heap(machine.vm), 1);

        assert_int_equal(pvm_get_gas(machine.vm), cases[i].gas);
        assert_heap_ends_at(&machine, HEAP_PAGE);
        lab_free(&machine);
    }
}

static void only_jam_programs_of_0_8_0_have_grow_heap(const lab_t *lab)
{
    machine_t raw = lab_machine(lab, "trap", 1000);
    machine_t jam = make_jam(lab, 1000);

    lab_clear_error();
    assert_int_equal(pvm_grow_heap(raw.vm), -1);
    lab_assert_explained();
    assert_int_equal(pvm_get_gas(raw.vm), 1000);
    assert_int_equal(pvm_grow_heap(jam.vm), lab->spec == PVM_SPEC_0_8_0 ? 0 : -1);
    assert_int_equal(pvm_get_gas(jam.vm), lab->spec == PVM_SPEC_0_8_0 ? 900 : 1000);
    lab_free(&raw);
    lab_free(&jam);
}

static pvm_host_result_t grow(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    switch (pvm_grow_heap(vm)) {
    case 0:
        return PVM_HOST_CONTINUE;
    case 1:
        return PVM_HOST_OOG;
    default:
        return PVM_HOST_ERROR;
    }
}

static void a_guest_uses_the_pages_it_has_asked_for(const lab_t *lab)
{
    machine_t machine = lab_jam_machine(lab, sizes,
                                        "load_imm r7, 0x35\n"
                                        "ecalli 1\n"
                                        "store_imm_u8 0x34fff, 0x12\n"
                                        "load_u8 r2, 0x34fff\n"
                                        "load_imm r7, 0x7fffffff\n"
                                        "ecalli 1\n"
                                        "behind: store_imm_u8 0x35000, 0x12\n"
                                        "trap\n",
                                        GAS);
    pvm_set_host_callback(machine.vm, grow, NULL);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "behind"));
    assert_int_equal(pvm_get_register(machine.vm, 2), 0x12);
    assert_int_equal(pvm_get_register(machine.vm, 7), 0x35);
    assert_int_equal(pvm_reset(machine.vm, GAS), 0);
    assert_heap_ends_at(&machine, HEAP_PAGE);
    lab_free(&machine);
}

/* -- sbrk --- */

static const char sbrk_text[] = "sbrk r2, r1\n jump_ind r0, 0\n";

static uint64_t sbrk(const lab_t *lab, machine_t *machine, uint64_t octets)
{
    pvm_set_gas(machine->vm, GAS);
    pvm_set_register(machine->vm, 0, UINT64_C(0xffff0000));
    pvm_set_register(machine->vm, 1, octets);
    pvm_set_register(machine->vm, 2, UINT64_C(0xdead));
    assert_int_equal(lab_execute(lab, machine->vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_get_register(machine->vm, 1), octets);
    return pvm_get_register(machine->vm, 2);
}

static void sbrk_of_0_7_2_answers_the_old_end_and_grows_by_octets(const lab_t *lab)
{
    machine_t machine = lab_jam_machine(lab, sizes, sbrk_text, GAS);
    const uint64_t start = HEAP_PAGE * PAGE;

    assert_int_equal(sbrk(lab, &machine, 0), start);
    assert_heap_ends_at(&machine, HEAP_PAGE);
    assert_int_equal(sbrk(lab, &machine, 1), start);
    assert_heap_ends_at(&machine, HEAP_PAGE + 1);
    assert_int_equal(sbrk(lab, &machine, 0), start + 1);
    assert_int_equal(sbrk(lab, &machine, 4095), start + 1);
    assert_heap_ends_at(&machine, HEAP_PAGE + 1);
    assert_int_equal(sbrk(lab, &machine, 1), start + 4096);
    assert_heap_ends_at(&machine, HEAP_PAGE + 2);
    assert_int_equal(sbrk(lab, &machine, 10 * PAGE), start + 4097);
    assert_heap_ends_at(&machine, HEAP_PAGE + 12);
    assert_int_equal(pvm_write_memory(machine.vm, (uint32_t)start, "dirt", 4), 0);

    assert_int_equal(pvm_reset(machine.vm, GAS), 0);
    assert_heap_ends_at(&machine, HEAP_PAGE);
    assert_int_equal(sbrk(lab, &machine, PAGE), start);
    char octets[4] = "????";
    assert_int_equal(pvm_read_memory(machine.vm, (uint32_t)start, octets, 4), 0);
    assert_memory_equal(octets, "\0\0\0\0", 4);
    lab_free(&machine);
}

static void sbrk_of_latest64_answers_the_new_end_from_where_the_data_ends(const lab_t *lab)
{
    machine_t machine = lab_container_machine(lab, 2, 5000, sbrk_text, GAS);
    const uint64_t start = 0x20000 + 5000;

    assert_int_equal(sbrk(lab, &machine, 0), start);
    assert_int_equal(sbrk(lab, &machine, 8192 - 5000), 0x22000);
    assert_int_equal(pvm_get_access(machine.vm, 0x22000), PVM_ACCESS_NONE);
    assert_int_equal(sbrk(lab, &machine, 1), 0x22001);
    assert_int_equal(pvm_get_access(machine.vm, 0x22000), PVM_ACCESS_WRITE);
    assert_int_equal(pvm_get_access(machine.vm, 0x23000), PVM_ACCESS_NONE);
    assert_int_equal(sbrk(lab, &machine, 0), 0x22001);
    lab_free(&machine);
}

static void a_request_that_does_not_fit_answers_0_and_changes_nothing(const lab_t *lab)
{
    static const uint64_t requests[] = {(LAST_PAGE - HEAP_PAGE) * 4096 + 1,     UINT64_C(1) << 32,
                                        (UINT64_C(1) << 32) - HEAP_PAGE * 4096, UINT64_MAX,
                                        UINT64_MAX - HEAP_PAGE * 4096 + 2,      UINT64_C(1) << 63};
    machine_t machine = lab_jam_machine(lab, sizes, sbrk_text, GAS);

    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        assert_int_equal(sbrk(lab, &machine, requests[i]), 0);
        assert_int_equal(sbrk(lab, &machine, 0), HEAP_PAGE * PAGE);
        assert_heap_ends_at(&machine, HEAP_PAGE);
    }
    const uint64_t all = (LAST_PAGE - HEAP_PAGE) * PAGE;
    assert_int_equal(sbrk(lab, &machine, all), (lab->flat ? HEAP_PAGE : LAST_PAGE) * PAGE);
    assert_heap_ends_at(&machine, LAST_PAGE);
    assert_int_equal(sbrk(lab, &machine, 1), 0);
    assert_int_equal(sbrk(lab, &machine, 0), LAST_PAGE * PAGE);
    lab_free(&machine);
}

static void raw_programs_have_no_heap(const lab_t *lab)
{
    static const uint64_t requests[] = {0, 1, 4096, UINT64_MAX};
    machine_t machine = lab_machine(lab, sbrk_text, GAS);

    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        assert_int_equal(sbrk(lab, &machine, requests[i]), 0);
        assert_int_equal(pvm_get_access(machine.vm, 0x10000), PVM_ACCESS_NONE);
        assert_int_equal(pvm_get_access(machine.vm, 0), PVM_ACCESS_NONE);
    }
    lab_free(&machine);
}

/* -- The result --- */

static void the_result_is_the_r8_octets_at_r7_if_all_are_readable(const lab_t *lab)
{
    /* Pages 0x20 read-only, 0x21 writable, 0xfffff readable. */
    static const struct {
        uint64_t r7;
        uint64_t r8;
        uint64_t len;
    } cases[] = {
        {0x20000, 1, 1},
        {0x20000, 0x2000, 0x2000},
        {0x20fff, 2, 2},
        {0x20000, 0x2001, 0},
        {0x1ffff, 2, 0},
        {0x1ffff, 1, 0},
        {0x20000, 0, 0},
        {0, 0, 0},
        {UINT64_MAX, 0, 0},
        {0xfffff000, 0x1000, 0x1000},
        {0xffffffff, 1, 1},
        {0xffffffff, 2, 0},
        {0xfffff000, 0x1001, 0},
        {UINT64_C(0x100020000), 1, 0}, /* not an address */
        {UINT64_C(0xffffffff00020000), 1, 0},
        {0x20000, UINT64_MAX, 0},
        {0x20000, UINT64_C(1) << 32, 0},
        {0x20001, UINT64_MAX - 0x20000, 0},
        {0x20000, (UINT64_C(1) << 32) + 1, 0},
    };
    machine_t machine = lab_machine(lab, "jump_ind r0, 0\n", GAS);
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, PAGE, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_map_memory(machine.vm, 0x21000, PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_map_memory(machine.vm, 0xfffff000, PAGE, PVM_ACCESS_READ), 0);
    pvm_set_register(machine.vm, 0, UINT64_C(0xffff0000));

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t address = 1;
        uint64_t len = 1;
        pvm_set_register(machine.vm, 7, cases[i].r7);
        pvm_set_register(machine.vm, 8, cases[i].r8);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
        assert_int_equal(pvm_get_result(machine.vm, &address, &len), 0);
        assert_int_equal(len, cases[i].len);
        if (len > 0) {
            assert_int_equal(address, cases[i].r7);
        }
    }
    lab_free(&machine);
}

static pvm_host_result_t terminate(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_register(vm, 7, 0x30000);
    pvm_set_register(vm, 8, 3);
    return PVM_HOST_TERMINATE;
}

static void a_run_that_the_host_terminates_has_a_result_too(const lab_t *lab)
{
    machine_t machine = lab_jam_machine(lab, sizes, "ecalli 1\n trap\n", GAS);
    uint32_t address = 0;
    uint64_t len = 0;
    pvm_set_host_callback(machine.vm, terminate, NULL);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_get_result(machine.vm, &address, &len), 0);
    assert_int_equal(address, 0x30000);
    assert_int_equal(len, 3);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST_ONCE(a_question_or_too_much_costs_100_and_answers_the_end),
        LAB_TEST_ONCE(growing_costs_10_for_each_page_and_the_pages_are_zero),
        LAB_TEST_ONCE(the_heap_may_grow_up_to_a_zone_below_the_stack),
        LAB_TEST_ONCE(pages_that_the_host_has_mapped_or_taken_count_too),
        LAB_TEST_ONCE(too_little_gas_is_told_and_changes_nothing),
        LAB_TEST(only_jam_programs_of_0_8_0_have_grow_heap, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(a_guest_uses_the_pages_it_has_asked_for, LAB_0_8_0, LAB_ALL_DRIVES),
        LAB_TEST(sbrk_of_0_7_2_answers_the_old_end_and_grows_by_octets, LAB_0_7_2, LAB_ALL_DRIVES),
        LAB_TEST(sbrk_of_latest64_answers_the_new_end_from_where_the_data_ends, LAB_LATEST64,
                 LAB_ALL_DRIVES),
        LAB_TEST(a_request_that_does_not_fit_answers_0_and_changes_nothing,
                 LAB_0_7_2 | LAB_LATEST64, LAB_ALL_DRIVES),
        LAB_TEST(raw_programs_have_no_heap, LAB_0_7_2 | LAB_LATEST64, LAB_ALL_DRIVES),
        LAB_TEST(the_result_is_the_r8_octets_at_r7_if_all_are_readable, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(a_run_that_the_host_terminates_has_a_result_too, LAB_ALL_SPECS, LAB_ALL_DRIVES),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
