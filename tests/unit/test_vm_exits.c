/* The table of exits in DESIGN section 4: pc, state, gas and registers of every way to stop, at the start, in the
 * middle and at the end of a block, under every spec. */
#include "lab.h"

#include <stdio.h>

#define GAS         100000
#define HALT_PC     UINT64_C(0xffff0000)
#define UNTOUCHED   UINT64_C(0x1234567890abcdef)
#define FAULT_PAGE  0x30000
#define LOCKED_PAGE 0x40000

/* r0 halts, r1 is an odd jump address, r6 a page that is not mapped, r8 one that is read-only. */
typedef struct {
    const char *name;
    const char *instruction;
    pvm_result_t result;
    uint8_t state;
    unsigned specs;
    uint32_t fault_address;
    uint64_t r5; /**< after it */
} exit_case_t;

static const exit_case_t exits[] = {
    {"trap", "trap", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0, UNTOUCHED},
    {"halt", "jump_ind r0, 0", PVM_RESULT_OK, PVM_STATE_HALT, LAB_ALL_SPECS, 0, UNTOUCHED},
    {"halt that writes", "load_imm_jump_ind r5, r0, 77, 0", PVM_RESULT_OK, PVM_STATE_HALT,
     LAB_ALL_SPECS, 0, 77},
    {"odd jump", "jump_ind r1, 0", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0, UNTOUCHED},
    {"jump address 0", "jump_ind r11, 0", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0,
     UNTOUCHED},
    {"jump behind the table", "jump_ind r11, 2", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS,
     0, UNTOUCHED},
    {"odd jump that writes", "load_imm_jump_ind r5, r1, 77, 0", PVM_RESULT_PANIC, PVM_STATE_PANIC,
     LAB_ALL_SPECS, 0, 77},
    {"jump to no block", "jump @1", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0, UNTOUCHED},
    {"jump far away", "jump @0x7000000", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0,
     UNTOUCHED},
    {"jump that writes", "load_imm_jump r5, 77, @1", PVM_RESULT_PANIC, PVM_STATE_PANIC,
     LAB_ALL_SPECS, 0, 77},
    {"branch to no block, taken", "branch_eq r0, r0, @1", PVM_RESULT_PANIC, PVM_STATE_PANIC,
     LAB_ALL_SPECS, 0, UNTOUCHED},
    {"branch to no block, not taken", "branch_ne r0, r0, @1", PVM_RESULT_PANIC, PVM_STATE_PANIC,
     LAB_BLOCK_GAS, 0, UNTOUCHED},
    {"load below 2^16", "load_u8 r5, 0xffff", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0,
     UNTOUCHED},
    {"load that reaches 2^16 from below", "load_u64 r5, 0xfff9", PVM_RESULT_PANIC, PVM_STATE_PANIC,
     LAB_ALL_SPECS, 0, UNTOUCHED},
    {"store below 2^16", "store_u64 r5, 0", PVM_RESULT_PANIC, PVM_STATE_PANIC, LAB_ALL_SPECS, 0,
     UNTOUCHED},
    {"load fault", "load_ind_u64 r5, r6, 8", PVM_RESULT_FAULT, PVM_STATE_FAULT, LAB_ALL_SPECS,
     FAULT_PAGE, UNTOUCHED},
    {"store fault", "store_ind_u8 r5, r6, 0xfff", PVM_RESULT_FAULT, PVM_STATE_FAULT, LAB_ALL_SPECS,
     FAULT_PAGE, UNTOUCHED},
    {"store to a read-only page", "store_ind_u32 r5, r8, 4", PVM_RESULT_FAULT, PVM_STATE_FAULT,
     LAB_ALL_SPECS, LOCKED_PAGE, UNTOUCHED},
    {"store that leaves a writable page", "store_ind_u64 r5, r9, 0xffc", PVM_RESULT_FAULT,
     PVM_STATE_FAULT, LAB_ALL_SPECS, FAULT_PAGE, UNTOUCHED},
    {"load at the end of memory", "load_ind_u64 r5, r10, 0", PVM_RESULT_FAULT, PVM_STATE_FAULT,
     LAB_ALL_SPECS, 0xfffff000, UNTOUCHED},
    {"host call", "ecalli 300", PVM_RESULT_HOST_CALL, PVM_STATE_HOST, LAB_ALL_SPECS, 0, UNTOUCHED},
};

/* Around the instruction; r2, r3, r4 tell what was executed. */
static const struct {
    const char *before;
    const char *behind;
    uint32_t instructions; /**< executed up to and with it */
    uint64_t r3;
    uint64_t r4;
} places[] = {
    {"load_imm r2, 1\n fallthrough\n", "load_imm r2, 9\n trap\n", 3, 0, 0},
    {"load_imm r2, 1\n fallthrough\n load_imm r3, 3\n", "load_imm r2, 9\n trap\n", 4, 3, 0},
    {"load_imm r2, 1\n fallthrough\n load_imm r3, 3\n load_imm r4, 4\n", "trap\n", 5, 3, 4},
};

static machine_t make(const lab_t *lab, const exit_case_t *test, size_t place, uint64_t gas)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "%s here: %s\n %s", places[place].before, test->instruction,
                   places[place].behind);
    machine_t machine = lab_machine(lab, text, gas);
    pvm_set_register(machine.vm, 0, HALT_PC);
    pvm_set_register(machine.vm, 1, 3);
    pvm_set_register(machine.vm, 5, UNTOUCHED);
    pvm_set_register(machine.vm, 6, FAULT_PAGE);
    pvm_set_register(machine.vm, 8, LOCKED_PAGE);
    pvm_set_register(machine.vm, 9, FAULT_PAGE - 0x1000);
    pvm_set_register(machine.vm, 10, UINT64_C(0xfffffffc));
    assert_int_equal(pvm_map_memory(machine.vm, FAULT_PAGE - 0x1000, 0x1000, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_map_memory(machine.vm, LOCKED_PAGE, 0x1000, PVM_ACCESS_READ), 0);
    return machine;
}

/* Gas of what was executed up to the exit. */
static int64_t used(const lab_t *lab, const machine_t *machine, size_t place)
{
    return lab->flat ? places[place].instructions
                     : pvm_program_blocks(machine->program)[0].gas + lab_cost(machine, "here");
}

static void assert_nothing_written(pvm_vm_t *vm)
{
    static const uint8_t zeros[0x1000];
    uint8_t page[0x1000];

    assert_int_equal(pvm_read_memory(vm, FAULT_PAGE - 0x1000, page, sizeof(page)), 0);
    assert_memory_equal(page, zeros, sizeof(page));
    assert_int_equal(pvm_read_memory(vm, LOCKED_PAGE, page, sizeof(page)), 0);
    assert_memory_equal(page, zeros, sizeof(page));
}

static void check_exit(const lab_t *lab, const exit_case_t *test, size_t place)
{
    machine_t machine = make(lab, test, place, GAS);
    const int64_t gas = GAS - used(lab, &machine, place);
    const uint64_t expected[PVM_REGISTER_COUNT] = {
        HALT_PC,    3, 1,           places[place].r3,    places[place].r4, test->r5,
        FAULT_PAGE, 0, LOCKED_PAGE, FAULT_PAGE - 0x1000, 0xfffffffc};

    const pvm_result_t result = lab_execute(lab, machine.vm, 0);

    lab_assert_exit(machine.vm, result,
                    (lab_exit_t){test->result, test->state, lab_at(&machine, "here"), gas});
    assert_int_equal(pvm_get_fault_address(machine.vm), test->fault_address);
    assert_int_equal(pvm_get_host_call(machine.vm), test->state == PVM_STATE_HOST ? 300 : -1);
    assert_int_equal(pvm_get_charged(machine.vm), !lab->flat);
    assert_memory_equal(pvm_get_registers(machine.vm), expected, sizeof(expected));
    assert_nothing_written(machine.vm);
    if (lab->counting) {
        assert_int_equal(lab_blocks_gas(machine.vm), GAS - gas);
    }
    lab_free(&machine);
}

static void every_exit_reports_pc_state_gas_and_registers_anywhere_in_a_block(const lab_t *lab)
{
    for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++) {
        for (size_t place = 0; place < 3; place++) {
            if ((exits[i].specs & 1U << lab->spec) != 0) {
                check_exit(lab, &exits[i], place);
            }
        }
    }
}

static void one_gas_too_little_wins_over_every_exit(const lab_t *lab)
{
    for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++) {
        for (size_t place = 0; place < 3; place++) {
            if ((exits[i].specs & 1U << lab->spec) == 0) {
                continue;
            }
            machine_t machine = make(lab, &exits[i], place, 0);
            const int64_t first = pvm_program_blocks(machine.program)[0].gas;
            const int64_t gas = used(lab, &machine, place) - 1;
            /* 0.8.0 does not begin a block that it cannot pay. */
            const uint32_t pc =
                lab->flat ? lab_at(&machine, "here") : pvm_program_blocks(machine.program)[1].pc;
            pvm_set_gas(machine.vm, gas);

            const pvm_result_t result = lab_execute(lab, machine.vm, 0);

            lab_assert_exit(
                machine.vm, result,
                (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, pc, lab->flat ? 0 : gas - first});
            assert_int_equal(pvm_get_charged(machine.vm), 0);
            assert_int_equal(pvm_get_register(machine.vm, 2), 1);
            assert_int_equal(pvm_get_register(machine.vm, 3), lab->flat ? places[place].r3 : 0);
            assert_int_equal(pvm_get_register(machine.vm, 4), lab->flat ? places[place].r4 : 0);
            assert_int_equal(pvm_get_register(machine.vm, 5), UNTOUCHED);
            if (lab->counting) {
                assert_int_equal(lab_blocks_gas(machine.vm), gas - pvm_get_gas(machine.vm));
            }
            lab_free(&machine);
        }
    }
}

/* Every amount of gas there can be, for a program that loops, calls and branches. */
static void out_of_gas_stops_at_the_first_instruction_that_cannot_be_paid(const lab_t *lab)
{
    static const char text[] = "load_imm r1, 0\n"
                               "fallthrough\n"
                               "loop: add_imm_64 r1, r1, 1\n"
                               "add_64 r2, r2, r1\n"
                               "xor r3, r2, r1\n"
                               "branch_lt_u_imm r1, 4, @loop\n"
                               "shlo_l_imm_64 r4, r2, 3\n"
                               "add_64 r4, r4, r1\n"
                               "here: jump_ind r0, 0\n";
    machine_t whole = lab_machine(lab, text, GAS);
    pvm_set_register(whole.vm, 0, HALT_PC);
    assert_int_equal(pvm_execute(whole.vm, 0), PVM_RESULT_OK);
    const int64_t needed = GAS - pvm_get_gas(whole.vm);

    for (int64_t gas = 0; gas <= needed; gas++) {
        pvm_vm_t *const vm = lab_another(lab, &whole, (uint64_t)gas);
        pvm_vm_t *const steps = lab_another(lab, &whole, (uint64_t)gas);
        pvm_set_register(vm, 0, HALT_PC);
        pvm_set_register(steps, 0, HALT_PC);
        if (lab->counting) {
            assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS), 0);
        }
        int64_t executed = 0;
        while (pvm_step(steps) == PVM_RESULT_OK &&
               pvm_get_machine_state(steps) == PVM_STATE_READY) {
            executed++;
        }

        const pvm_result_t result = pvm_execute(vm, 0);

        assert_int_equal(result, gas == needed ? PVM_RESULT_OK : PVM_RESULT_OOG);
        assert_int_equal(pvm_get_machine_state(vm), gas == needed ? PVM_STATE_HALT : PVM_STATE_OOG);
        assert_int_equal(pvm_get_pc(vm), pvm_get_pc(steps));
        assert_int_equal(pvm_get_gas(vm), pvm_get_gas(steps));
        assert_memory_equal(pvm_get_registers(vm), pvm_get_registers(steps),
                            PVM_REGISTER_COUNT * sizeof(uint64_t));
        if (lab->flat) {
            assert_int_equal(pvm_get_gas(vm), 0);
            assert_int_equal(executed, gas - (gas == needed));
        }
        if (lab->counting) {
            assert_int_equal(lab_blocks_gas(vm), gas - pvm_get_gas(vm));
        }
        pvm_destroy(vm);
        pvm_destroy(steps);
    }
    lab_free(&whole);
}

static void running_off_the_code_of_0_7_2_pays_for_a_trap_at_the_code_length(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "load_imm r1, 1\n end:", 10);

    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, 0),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "end"), 8});
    pvm_set_gas(machine.vm, 1);
    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, 0),
                    (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, lab_at(&machine, "end"), 0});
    lab_free(&machine);
}

static void an_untaken_branch_of_0_7_2_checks_nothing(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "branch_ne r0, r0, @1\n here: trap", 10);

    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, 0),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "here"), 8});
    lab_free(&machine);
}

static void a_last_fallthrough_of_0_8_0_panics_at_its_own_pc(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "load_imm r1, 1\n here: fallthrough", 10);
    const int64_t cost = lab_cost(&machine, "here");

    lab_assert_exit(
        machine.vm, lab_execute(lab, machine.vm, 0),
        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "here"), 10 - cost});
    assert_int_equal(pvm_get_register(machine.vm, 1), 1);
    lab_free(&machine);
}

static void an_access_that_wraps_from_a_mapped_last_page_panics(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "here: load_ind_u64 r5, r1, 0\n trap", 1000);
    pvm_set_register(machine.vm, 1, UINT64_C(0xfffffffc));
    assert_int_equal(pvm_map_memory(machine.vm, 0xfffff000, 0x1000, PVM_ACCESS_READ), 0);

    const pvm_result_t result = lab_execute(lab, machine.vm, 0);

    lab_assert_exit(machine.vm, result,
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, 0,
                                 1000 - (lab->flat ? 1 : lab_cost(&machine, "here"))});
    lab_free(&machine);
}

static void each_single_step_goes_on_with_exact_gas(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    "load_imm r1, 1\n"
                                    "b: load_imm r2, 2\n"
                                    "fallthrough\n"
                                    "c: load_imm r3, 3\n"
                                    "here: trap\n",
                                    100);
    const int64_t first = pvm_program_blocks(machine.program)[0].gas;
    const int64_t second = lab_cost(&machine, "c");

    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    assert_int_equal(pvm_get_machine_state(machine.vm), PVM_STATE_READY);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "b"));
    assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? 99 : 100 - first);
    assert_int_equal(pvm_get_charged(machine.vm), !lab->flat);
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? 98 : 100 - first);
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "c"));
    assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? 97 : 100 - first);
    assert_int_equal(pvm_get_charged(machine.vm), 0);
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? 96 : 100 - first - second);
    lab_assert_exit(machine.vm, pvm_step(machine.vm),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "here"),
                                 lab->flat ? 95 : 100 - first - second});
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(every_exit_reports_pc_state_gas_and_registers_anywhere_in_a_block, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(one_gas_too_little_wins_over_every_exit, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(out_of_gas_stops_at_the_first_instruction_that_cannot_be_paid, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(running_off_the_code_of_0_7_2_pays_for_a_trap_at_the_code_length, LAB_0_7_2,
                 LAB_ALL_DRIVES),
        LAB_TEST(an_untaken_branch_of_0_7_2_checks_nothing, LAB_0_7_2, LAB_ALL_DRIVES),
        LAB_TEST(a_last_fallthrough_of_0_8_0_panics_at_its_own_pc, LAB_0_8_0, LAB_ALL_DRIVES),
        LAB_TEST(an_access_that_wraps_from_a_mapped_last_page_panics, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(each_single_step_goes_on_with_exact_gas, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
