/* Programs and entries that are not valid, DESIGN section 4 "Invalid programs" and "Specs": what loads, what it does
 * when it is run; the ends of latest64 code; 32-bit programs. */
#include "lab.h"

#include "support/blob.h"

#define GAS 1000

/* A program that is held as invalid panics at any entry, for nothing, however it is run. */
static void assert_panics_for_nothing(const lab_t *lab, pvm_program_t *program)
{
    static const uint32_t entries[] = {0, 1, 5, 1000, UINT32_MAX};
    pvm_block_count_t counts[1];

    assert_non_null(program);
    assert_non_null(pvm_program_error(program));
    assert_string_not_equal(pvm_program_error(program), "");
    assert_int_equal(pvm_program_block_count(program), 0);
    assert_int_equal(pvm_program_block_at(program, 0), 0);
    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 0, GAS);
    assert_non_null(vm);
    if (lab->counting) {
        assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES),
                         0);
    }
    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
        pvm_set_register(vm, 3, 33);
        lab_assert_exit(vm, lab_execute(lab, vm, entries[i]),
                        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, entries[i], GAS});
        assert_int_equal(pvm_get_charged(vm), 0);
        assert_int_equal(pvm_get_register(vm, 3), 33);
        assert_int_equal(lab_resume(lab, vm), PVM_RESULT_ERROR);
    }
    pvm_set_gas(vm, 0);
    assert_int_equal(lab_execute(lab, vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_reset(vm, GAS), 0);
    assert_int_equal(lab_resume(lab, vm), PVM_RESULT_PANIC);
    if (lab->counting) {
        assert_int_equal(pvm_get_block_counts(vm, counts, 1), 1);
        assert_int_equal(counts[0].hits, 0);
        assert_int_equal(counts[0].gas, 0);
        assert_int_equal(pvm_get_edge_counts(vm, NULL, 0), 0);
    }
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void raw_garbage_loads_as_an_invalid_program(const lab_t *lab)
{
    static const char *const garbage[] = {
        "ff",                       /* a natural that is cut off */
        "00 00 05 00",              /* less code than it says */
        "00 00 01 00 01 00",        /* something behind */
        "00 00 01 00 03",           /* padding bits of the mask */
        "8000 00 01 00 01",         /* a natural that is not the shortest */
        "ffffffffffffffffff 08 00", /* more entries than there is memory for */
    };

    for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
        pvm_buffer_t blob = {0};
        blob_hex(&blob, garbage[i]);
        assert_panics_for_nothing(lab,
                                  pvm_program_load(blob.data, blob.len, PVM_FORMAT_RAW, lab->spec));
        pvm_buffer_free(&blob);
    }
    static const uint8_t nothing[1];
    assert_panics_for_nothing(lab, pvm_program_load(nothing, 0, PVM_FORMAT_RAW, lab->spec));
}

static void what_0_8_0_does_not_allow_is_held_as_invalid_and_says_where(const lab_t *lab)
{
    static const struct {
        const char *text;
        const char *where;
    } cases[] = {
        {"", "empty"},
        {"load_imm r1, 1", "offset 0"},
        {"trap\n load_imm r1, 1", "offset 1"},
        {"trap\n .byte *111, 0\n trap", "offset 1"},
        {".byte 0", "offset 0"},
        {".byte *51, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0\n"
         "trap",
         "offset 25"},
        {"ecalli 1", "offset 0"},
        {"unlikely", "offset 0"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pvm_assembly_t text;
        pvm_program_t *const program = lab_assemble(lab, cases[i].text, &text);
        assert_non_null(program);
        assert_non_null(pvm_program_error(program));
        if (strstr(pvm_program_error(program), cases[i].where) == NULL) {
            fail_msg("expected %s in: %s", cases[i].where, pvm_program_error(program));
        }
        assert_panics_for_nothing(lab, program);
        pvm_isa_assembly_free(&text);
    }
}

static void an_invalid_program_inside_a_jam_file_is_held_as_invalid(const lab_t *lab)
{
    machine_t machine = lab_jam_machine(lab, (jam_sizes_t){5, 5, 0, 4096}, "load_imm r1, 1", GAS);

    assert_non_null(pvm_program_error(machine.program));
    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"x", 1), 0);
    assert_int_equal(pvm_get_access(machine.vm, 0x10000), PVM_ACCESS_READ);
    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, 5),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, 5, GAS});
    lab_free(&machine);
}

static void memset_of_latest64_is_refused_by_name(const lab_t *lab)
{
    static const char *const texts[] = {".byte *2\n trap", "trap\n .byte *2",
                                        "load_imm r1, 2\n .byte *2\n trap"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        pvm_assembly_t text;
        pvm_program_t *const program = lab_assemble(lab, texts[i], &text);
        assert_non_null(strstr(pvm_program_error(program), "memset"));
        assert_panics_for_nothing(lab, program);
        pvm_isa_assembly_free(&text);
    }
    pvm_assembly_t text;
    pvm_program_t *const operand = lab_assemble(lab, "load_imm r2, 2\n trap", &text);
    assert_null(pvm_program_error(operand));
    pvm_program_release(operand);
    pvm_isa_assembly_free(&text);
}

static void a_bad_entry_of_0_8_0_panics_with_gas_untouched(const lab_t *lab)
{
    static const uint32_t entries[] = {1, 2, 3, 5, 6, 1000, UINT32_MAX};
    machine_t machine = lab_machine(lab, "load_imm r1, 0x1234\n trap", GAS);

    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
        lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, entries[i]),
                        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, entries[i], GAS});
        assert_int_equal(pvm_get_charged(machine.vm), 0);
        /* The same pc, but said to be paid, and without gas. */
        assert_int_equal(pvm_set_pc(machine.vm, entries[i]), 0);
        assert_int_equal(pvm_set_charged(machine.vm, 1), 0);
        pvm_set_gas(machine.vm, 0);
        lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, entries[i], 0});
        pvm_set_gas(machine.vm, GAS);
    }
    if (lab->counting) {
        assert_int_equal(lab_blocks_gas(machine.vm), 0);
    }
    lab_free(&machine);
}

static void a_bad_entry_of_0_7_2_is_a_trap_that_costs_one(const lab_t *lab)
{
    static const uint32_t entries[] = {1, 2, 3, 5, 6, 7, 1000, UINT32_MAX};
    machine_t machine = lab_machine(lab, "load_imm r1, 0x1234\n trap\n .byte *255", GAS);
    int64_t gas = GAS;

    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
        gas--;
        lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, entries[i]),
                        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, entries[i], gas});
    }
    if (lab->counting) {
        assert_int_equal(lab_blocks_gas(machine.vm), GAS - gas);
    }
    pvm_set_gas(machine.vm, 0);
    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, UINT32_MAX),
                    (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, UINT32_MAX, 0});
    lab_free(&machine);
}

static void a_trap_stands_behind_the_code_of_latest64(const lab_t *lab)
{
    static const struct {
        const char *text;
        int64_t gas; /**< used */
    } cases[] = {
        {"", 2},                                   /* only the trap */
        {"load_imm r1, 1", 2},                     /* part of the block */
        {"fallthrough", 4},                        /* a block of its own: 2 and 2 */
        {"jump @end", 17},                         /* 15 and 2 */
        {"branch_eq r0, r0, @end", 3},             /* 1, because the target is a trap, and 2 */
        {".jump_table @end\n jump_ind r1, 0", 24}, /* 22 and 2 */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[128] = "";
        (void)strcat(text, cases[i].text);
        (void)strcat(text, "\nend:");
        machine_t machine = lab_machine(lab, text, GAS);
        const uint32_t end = lab_at(&machine, "end");

        assert_null(pvm_program_error(machine.program));
        for (uint32_t b = 0; b < pvm_program_block_count(machine.program); b++) {
            assert_true(pvm_program_blocks(machine.program)[b].pc < end);
        }
        assert_int_equal(pvm_program_block_at(machine.program, end),
                         pvm_program_block_count(machine.program));
        pvm_set_register(machine.vm, 1, 2);
        lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, 0),
                        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, end, GAS - cases[i].gas});
        if (lab->counting) {
            assert_int_equal(lab_blocks_gas(machine.vm), cases[i].gas);
        }
        /* One gas less: the last block is not paid. */
        pvm_set_gas(machine.vm, cases[i].gas - 1);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OOG);
        lab_free(&machine);
    }
}

static void what_0_8_0_refuses_latest64_runs(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "load_imm r1, 1\n here: .byte *255\n trap", GAS);

    assert_null(pvm_program_error(machine.program));
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "here"));
    assert_int_equal(pvm_get_register(machine.vm, 1), 1);
    lab_free(&machine);
}

/* -- 32 bits --- */

static void registers_of_32_bit_programs_are_sign_extended(const lab_t *lab)
{
    machine_t machine = lab_container_machine(lab, 1, 8,
                                              "add_32 r2, r1, r1\n"
                                              "load_imm r3, -1\n"
                                              "shlo_r_imm_32 r4, r3, 1\n"
                                              "load_i32 r5, 0x20000\n"
                                              "here: trap\n",
                                              GAS);

    assert_null(pvm_program_error(machine.program));
    pvm_set_register(machine.vm, 1, UINT64_C(0x1234567840000000));
    assert_int_equal(pvm_get_register(machine.vm, 1), 0x40000000);
    assert_int_equal(pvm_write_memory(machine.vm, 0x20000, "\x00\x00\x00\x90", 4), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "here"));
    assert_int_equal(pvm_get_register(machine.vm, 2), UINT64_C(0xffffffff80000000));
    assert_int_equal(pvm_get_register(machine.vm, 3), UINT64_MAX);
    assert_int_equal(pvm_get_register(machine.vm, 4), 0x7fffffff);
    assert_int_equal(pvm_get_register(machine.vm, 5), UINT64_C(0xffffffff90000000));
    lab_free(&machine);
}

static void the_result_of_a_32_bit_program_uses_the_low_halves(const lab_t *lab)
{
    machine_t machine = lab_container_machine(lab, 1, 4096, "jump_ind r0, 0\n", GAS);
    uint32_t address = 0;
    uint64_t len = 0;

    pvm_set_register(machine.vm, 7, UINT64_C(0x20004));
    pvm_set_register(machine.vm, 8, 12);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_get_result(machine.vm, &address, &len), 0);
    assert_int_equal(address, 0x20004);
    assert_int_equal(len, 12);
    /* The stack stands at the end of memory, where addresses are negative numbers. */
    const uint64_t sp = pvm_get_register(machine.vm, 1);
    assert_int_equal(sp >> 32, 0xffffffff);
    pvm_set_register(machine.vm, 7, sp - 16);
    assert_int_equal(pvm_get_result(machine.vm, &address, &len), 0);
    assert_int_equal(address, (uint32_t)sp - 16);
    assert_int_equal(len, 12);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(raw_garbage_loads_as_an_invalid_program, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(what_0_8_0_does_not_allow_is_held_as_invalid_and_says_where, LAB_0_8_0,
                 LAB_ALL_DRIVES),
        LAB_TEST(an_invalid_program_inside_a_jam_file_is_held_as_invalid, LAB_0_8_0,
                 LAB_ALL_DRIVES),
        LAB_TEST(memset_of_latest64_is_refused_by_name, LAB_LATEST64, LAB_ALL_DRIVES),
        LAB_TEST(a_bad_entry_of_0_8_0_panics_with_gas_untouched, LAB_0_8_0, LAB_ALL_DRIVES),
        LAB_TEST(a_bad_entry_of_0_7_2_is_a_trap_that_costs_one, LAB_0_7_2, LAB_ALL_DRIVES),
        LAB_TEST(a_trap_stands_behind_the_code_of_latest64, LAB_LATEST64, LAB_ALL_DRIVES),
        LAB_TEST(what_0_8_0_refuses_latest64_runs, LAB_LATEST64, LAB_ALL_DRIVES),
        LAB_TEST(registers_of_32_bit_programs_are_sign_extended, LAB_LATEST64, LAB_ALL_DRIVES),
        LAB_TEST(the_result_of_a_32_bit_program_uses_the_low_halves, LAB_LATEST64, LAB_ALL_DRIVES),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
