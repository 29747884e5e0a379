/* The host's way to guest memory, DESIGN section 4 "Memory": whole pages, all or nothing, what remapping keeps and
 * unmapping discards, and that guest and host see the same. */
#include "lab.h"

#define PAGE UINT32_C(4096)
#define BASE UINT32_C(0x20000)
#define TOP  UINT32_C(0xfffff000)

static machine_t make(const lab_t *lab)
{
    return lab_machine(lab, "load_ind_u8 r2, r1, 0\n store_ind_u8 r3, r1, 0\n trap", 1000000);
}

static void assert_octets(pvm_vm_t *vm, uint32_t address, uint8_t value, size_t len)
{
    uint8_t *const octets = malloc(len);

    assert_non_null(octets);
    memset(octets, (uint8_t)~value, len);
    assert_int_equal(pvm_read_memory(vm, address, octets, len), 0);
    for (size_t i = 0; i < len; i++) {
        if (octets[i] != value) {
            fail_msg("0x%08zx holds 0x%02x, not 0x%02x", address + i, octets[i], value);
        }
    }
    free(octets);
}

static void only_whole_pages_at_or_above_2_16_can_be_mapped(const lab_t *lab)
{
    static const struct {
        uint32_t address;
        uint64_t length;
        bool fine;
    } cases[] = {
        {0x10000, PAGE, true},
        {0x10000, 0, true},
        {TOP, PAGE, true},
        {0x10000, UINT64_C(0xffff0000), true},
        {0, PAGE, false},
        {0xf000, PAGE, false},
        {0xf000, 2 * PAGE, false},
        {0x10001, PAGE, false},
        {0x10800, PAGE, false},
        {0x10000, 1, false},
        {0x10000, PAGE + 1, false},
        {0x10000, PAGE - 1, false},
        {TOP, 2 * PAGE, false},
        {0x10000, UINT64_C(0xffff1000), false},
        {0x10000, UINT64_C(1) << 32, false},
        {0x10000, UINT64_MAX - PAGE + 1, false},
        {0x10000, UINT64_C(1) << 63, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int access = PVM_ACCESS_NONE; access <= PVM_ACCESS_WRITE; access++) {
            machine_t machine = make(lab);
            lab_clear_error();
            assert_int_equal(
                pvm_map_memory(machine.vm, cases[i].address, cases[i].length, (pvm_access_t)access),
                cases[i].fine ? 0 : -1);
            if (!cases[i].fine) {
                lab_assert_explained();
                assert_int_equal(pvm_get_access(machine.vm, 0x10000), PVM_ACCESS_NONE);
                assert_int_equal(pvm_get_access(machine.vm, TOP), PVM_ACCESS_NONE);
                assert_int_equal(pvm_get_access(machine.vm, 0), PVM_ACCESS_NONE);
            } else if (cases[i].length > 0) {
                const uint32_t last = cases[i].address + (uint32_t)(cases[i].length - 1);
                assert_int_equal(pvm_get_access(machine.vm, cases[i].address), access);
                assert_int_equal(pvm_get_access(machine.vm, last), access);
            }
            lab_free(&machine);
        }
    }
}

static void a_mapping_covers_its_pages_and_no_others(const lab_t *lab)
{
    machine_t machine = make(lab);

    assert_int_equal(pvm_map_memory(machine.vm, BASE, 2 * PAGE, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_map_memory(machine.vm, BASE + PAGE, 2 * PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_get_access(machine.vm, BASE - 1), PVM_ACCESS_NONE);
    assert_int_equal(pvm_get_access(machine.vm, BASE), PVM_ACCESS_READ);
    assert_int_equal(pvm_get_access(machine.vm, BASE + PAGE - 1), PVM_ACCESS_READ);
    assert_int_equal(pvm_get_access(machine.vm, BASE + PAGE), PVM_ACCESS_WRITE);
    assert_int_equal(pvm_get_access(machine.vm, BASE + 3 * PAGE - 1), PVM_ACCESS_WRITE);
    assert_int_equal(pvm_get_access(machine.vm, BASE + 3 * PAGE), PVM_ACCESS_NONE);
    lab_free(&machine);
}

static void new_pages_are_zero_also_after_they_were_used_and_unmapped(const lab_t *lab)
{
    /* Few pages and many are cleared in different ways. */
    static const uint32_t counts[] = {1, 3, 16, 17, 64, 65, 300, 1024, 1025, 3000};

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        for (uint32_t stride = 1; stride <= counts[i]; stride = stride * 7 + 1) {
            machine_t machine = make(lab);
            const uint32_t len = counts[i] * PAGE;
            for (int again = 0; again < 3; again++) {
                const pvm_access_t access = again == 1 ? PVM_ACCESS_READ : PVM_ACCESS_WRITE;
                assert_int_equal(pvm_map_memory(machine.vm, BASE, len, access), 0);
                assert_octets(machine.vm, BASE, 0, len);
                for (uint32_t page = 0; page < counts[i]; page += stride) {
                    assert_int_equal(
                        pvm_poke_memory(machine.vm, BASE + page * PAGE + page % PAGE, "\x5a", 1),
                        0);
                }
                assert_int_equal(pvm_map_memory(machine.vm, BASE, len, PVM_ACCESS_NONE), 0);
                assert_int_equal(pvm_get_access(machine.vm, BASE), PVM_ACCESS_NONE);
            }
            lab_free(&machine);
        }
    }
}

static void remapping_keeps_contents_whatever_the_access(const lab_t *lab)
{
    machine_t machine = make(lab);

    assert_int_equal(pvm_map_memory(machine.vm, BASE, 3 * PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(machine.vm, BASE + PAGE - 2, "abcd", 4), 0);
    for (int i = 0; i < 4; i++) {
        const pvm_access_t access = i % 2 == 0 ? PVM_ACCESS_READ : PVM_ACCESS_WRITE;
        char octets[4];
        assert_int_equal(pvm_map_memory(machine.vm, BASE, 2 * PAGE, access), 0);
        assert_int_equal(pvm_read_memory(machine.vm, BASE + PAGE - 2, octets, 4), 0);
        assert_memory_equal(octets, "abcd", 4);
    }
    lab_free(&machine);
}

static void unmapping_in_the_middle_discards_only_the_middle(const lab_t *lab)
{
    machine_t machine = make(lab);
    uint8_t all[5 * 4096];

    memset(all, 0x77, sizeof(all));
    assert_int_equal(pvm_map_memory(machine.vm, BASE, sizeof(all), PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(machine.vm, BASE, all, sizeof(all)), 0);
    assert_int_equal(pvm_map_memory(machine.vm, BASE + 2 * PAGE, PAGE, PVM_ACCESS_NONE), 0);
    assert_int_equal(pvm_read_memory(machine.vm, BASE, all, sizeof(all)), -1);
    assert_int_equal(pvm_map_memory(machine.vm, BASE + 2 * PAGE, PAGE, PVM_ACCESS_READ), 0);
    assert_octets(machine.vm, BASE, 0x77, 2 * PAGE);
    assert_octets(machine.vm, BASE + 2 * PAGE, 0, PAGE);
    assert_octets(machine.vm, BASE + 3 * PAGE, 0x77, 2 * PAGE);
    lab_free(&machine);
}

/* Pages: read-only, writable, writable, none. */
static machine_t make_mixed(const lab_t *lab)
{
    machine_t machine = make(lab);

    assert_int_equal(pvm_map_memory(machine.vm, BASE, PAGE, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_map_memory(machine.vm, BASE + PAGE, 2 * PAGE, PVM_ACCESS_WRITE), 0);
    return machine;
}

static void copies_happen_all_or_not_at_all(const lab_t *lab)
{
    static const struct {
        uint32_t address;
        size_t len;
        bool read;
        bool write;
        bool poke;
    } cases[] = {
        {BASE, 3 * PAGE, true, false, true},
        {BASE + PAGE, 2 * PAGE, true, true, true},
        {BASE + PAGE - 1, 2, true, false, true},
        {BASE + PAGE - 1, 1, true, false, true},
        {BASE + 3 * PAGE - 1, 1, true, true, true},
        {BASE + 3 * PAGE - 1, 2, false, false, false},
        {BASE + PAGE, 2 * PAGE + 1, false, false, false},
        {BASE - 1, 2, false, false, false},
        {BASE - PAGE, 5 * PAGE, false, false, false},
        {BASE + 3 * PAGE, 1, false, false, false},
        {0, 1, false, false, false},
        {0xffff, 1, false, false, false},
        {0xffff, 2, false, false, false},
        {TOP + PAGE - 1, 2, false, false, false},
        {BASE, SIZE_MAX, false, false, false},
        {BASE, (size_t)1 << 32, false, false, false},
        {1, UINT32_MAX, false, false, false},
    };
    uint8_t *const data = malloc(5 * (size_t)PAGE);
    uint8_t *const out = malloc(5 * (size_t)PAGE);

    assert_true(data != NULL && out != NULL);
    memset(data, 0x99, 5 * (size_t)PAGE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        machine_t machine = make_mixed(lab);
        memset(out, 0x11, 5 * (size_t)PAGE);
        lab_clear_error();
        assert_int_equal(pvm_read_memory(machine.vm, cases[i].address, out, cases[i].len),
                         cases[i].read ? 0 : -1);
        if (!cases[i].read) {
            lab_assert_explained();
            assert_int_equal(out[0], 0x11);
            assert_int_equal(out[PAGE], 0x11);
        }
        lab_clear_error();
        assert_int_equal(pvm_write_memory(machine.vm, cases[i].address, data, cases[i].len),
                         cases[i].write ? 0 : -1);
        if (cases[i].write) {
            assert_octets(machine.vm, cases[i].address, 0x99, cases[i].len);
        } else {
            lab_assert_explained();
            assert_octets(machine.vm, BASE, 0, 3 * (size_t)PAGE);
        }
        assert_int_equal(pvm_poke_memory(machine.vm, cases[i].address, data, cases[i].len),
                         cases[i].poke ? 0 : -1);
        if (cases[i].poke) {
            assert_octets(machine.vm, cases[i].address, 0x99, cases[i].len);
        }
        assert_int_equal(pvm_get_access(machine.vm, BASE), PVM_ACCESS_READ);
        lab_free(&machine);
    }
    free(data);
    free(out);
}

static void copies_of_no_octets_are_fine_anywhere(const lab_t *lab)
{
    machine_t machine = make(lab);

    assert_int_equal(pvm_read_memory(machine.vm, 0, NULL, 0), 0);
    assert_int_equal(pvm_write_memory(machine.vm, UINT32_MAX, NULL, 0), 0);
    assert_int_equal(pvm_poke_memory(machine.vm, BASE, NULL, 0), 0);
    lab_free(&machine);
}

static void the_last_octet_of_memory_is_memory(const lab_t *lab)
{
    machine_t machine = make(lab);
    uint8_t octet = 0x42;

    assert_int_equal(pvm_map_memory(machine.vm, TOP, PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(machine.vm, UINT32_MAX, &octet, 1), 0);
    octet = 0;
    assert_int_equal(pvm_read_memory(machine.vm, UINT32_MAX, &octet, 1), 0);
    assert_int_equal(octet, 0x42);
    assert_int_equal(pvm_get_access(machine.vm, UINT32_MAX), PVM_ACCESS_WRITE);
    pvm_set_register(machine.vm, 1, UINT32_MAX);
    pvm_set_register(machine.vm, 3, 0x43);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_register(machine.vm, 2), 0x42);
    assert_octets(machine.vm, UINT32_MAX, 0x43, 1);
    lab_free(&machine);
}

static void the_guest_obeys_the_access_that_the_host_set_last(const lab_t *lab)
{
    machine_t machine = make(lab);
    pvm_set_register(machine.vm, 1, BASE + 5);
    pvm_set_register(machine.vm, 3, 0x66);

    for (int round = 0; round < 3; round++) {
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
        assert_int_equal(pvm_get_pc(machine.vm), 0);
        assert_int_equal(pvm_map_memory(machine.vm, BASE, PAGE, PVM_ACCESS_READ), 0);
        assert_int_equal(pvm_poke_memory(machine.vm, BASE + 5, "\x31", 1), 0);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
        assert_int_equal(pvm_get_register(machine.vm, 2), 0x31);
        assert_int_not_equal(pvm_get_pc(machine.vm), 0);
        assert_int_equal(pvm_map_memory(machine.vm, BASE, PAGE, PVM_ACCESS_WRITE), 0);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
        assert_octets(machine.vm, BASE + 5, 0x66, 1);
        assert_int_equal(pvm_map_memory(machine.vm, BASE, PAGE, PVM_ACCESS_NONE), 0);
    }
    lab_free(&machine);
}

static void pages_mapped_one_by_one_are_all_there_and_all_forgotten(const lab_t *lab)
{
    machine_t machine = make(lab);

    /* Every other page, more of them than the engine remembers apart; downward and upward. */
    for (uint32_t i = 0; i < 300; i++) {
        const uint32_t page = i % 2 == 0 ? i : 900 - i;
        assert_int_equal(pvm_map_memory(machine.vm, BASE + 2 * page * PAGE, PAGE, PVM_ACCESS_WRITE),
                         0);
        assert_int_equal(pvm_write_memory(machine.vm, BASE + 2 * page * PAGE, "\x21", 1), 0);
    }
    assert_int_equal(pvm_reset(machine.vm, 100), 0);
    for (uint32_t i = 0; i < 2000; i++) {
        assert_int_equal(pvm_get_access(machine.vm, BASE + i * PAGE), PVM_ACCESS_NONE);
    }
    assert_int_equal(pvm_map_memory(machine.vm, BASE, 2000 * PAGE, PVM_ACCESS_READ), 0);
    assert_octets(machine.vm, BASE, 0, 2000 * (size_t)PAGE);
    lab_free(&machine);
}

/* More changes of access than the kernel keeps mappings for one process (65,530 where nobody has set it). */
#define STRIPES UINT32_C(80000)

static pvm_host_result_t stripe(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    for (uint32_t i = 0; i < STRIPES; i++) {
        const uint8_t octet = (uint8_t)i;
        assert_int_equal(pvm_map_memory(vm, BASE + i * PAGE, PAGE,
                                        i % 2 == 0 ? PVM_ACCESS_READ : PVM_ACCESS_WRITE),
                         0);
        assert_int_equal(pvm_poke_memory(vm, BASE + i * PAGE + 1, &octet, 1), 0);
    }
    return PVM_HOST_CONTINUE;
}

static void any_pattern_of_access_can_be_mapped(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    "ecalli 0\n"
                                    "fallthrough\n"
                                    "loop: load_ind_u8 r2, r1, 1\n"
                                    "add_64 r3, r3, r2\n"
                                    "add_imm_64 r1, r1, 0x1000\n"
                                    "branch_lt_u r1, r4, @loop\n"
                                    "store_imm_u8 0x21000, 9\n"
                                    "locked: store_imm_u8 0x20000, 9\n"
                                    "trap\n",
                                    INT64_MAX);
    uint64_t sum = 0;
    pvm_set_host_callback(machine.vm, stripe, NULL);

    for (int round = 0; round < 2; round++) {
        pvm_set_register(machine.vm, 1, BASE);
        pvm_set_register(machine.vm, 3, 0);
        pvm_set_register(machine.vm, 4, BASE + STRIPES * PAGE);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
        assert_int_equal(pvm_get_fault_address(machine.vm), 0x20000);
        assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "locked"));
        sum = 0;
        for (uint32_t i = 0; i < STRIPES; i++) {
            sum += (uint8_t)i;
        }
        assert_int_equal(pvm_get_register(machine.vm, 3), sum);
        assert_int_equal(pvm_reset(machine.vm, INT64_MAX), 0);
        for (uint32_t i = 0; i < STRIPES; i++) {
            assert_int_equal(pvm_get_access(machine.vm, BASE + i * PAGE), PVM_ACCESS_NONE);
        }
    }
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST_ONCE(only_whole_pages_at_or_above_2_16_can_be_mapped),
        LAB_TEST_ONCE(a_mapping_covers_its_pages_and_no_others),
        LAB_TEST_ONCE(new_pages_are_zero_also_after_they_were_used_and_unmapped),
        LAB_TEST_ONCE(remapping_keeps_contents_whatever_the_access),
        LAB_TEST_ONCE(unmapping_in_the_middle_discards_only_the_middle),
        LAB_TEST_ONCE(copies_happen_all_or_not_at_all),
        LAB_TEST_ONCE(copies_of_no_octets_are_fine_anywhere),
        LAB_TEST(the_last_octet_of_memory_is_memory, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(the_guest_obeys_the_access_that_the_host_set_last, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST_ONCE(pages_mapped_one_by_one_are_all_there_and_all_forgotten),
        LAB_TEST(any_pattern_of_access_can_be_mapped, LAB_0_8_0, LAB_PLAIN | LAB_COUNTING),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
