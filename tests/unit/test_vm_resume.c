/* Reuse, DESIGN section 4: what execute, resume, step, set_pc, set_charged and set_gas do in every state. */
#include "lab.h"

#define GAS  10000
#define DATA 0x20000

/* Entries that lead to each state; DATA is writable. */
static const char text[] = "begin: load_imm r2, 1\n"
                           "add_imm_64 r3, r3, 1\n"
                           "halts: jump_ind r0, 0\n"
                           "panics: load_imm r2, 2\n"
                           "trap\n"
                           "faults: load_imm r2, 3\n"
                           "faulting: load_u8 r4, 0x30000\n"
                           "load_imm r2, 33\n"
                           "trap\n"
                           "calls: load_imm r2, 4\n"
                           "calling: ecalli 5\n"
                           "called: load_imm r2, 44\n"
                           "behind: trap\n"
                           "starves: load_imm r2, 5\n"
                           "fallthrough\n"
                           "starving: load_imm r2, 55\n"
                           "trap\n";

static const struct {
    uint8_t state;
    pvm_result_t result;
    const char *entry;
    const char *pc;
} states[] = {
    {PVM_STATE_HALT, PVM_RESULT_OK, "begin", NULL},
    {PVM_STATE_PANIC, PVM_RESULT_PANIC, "panics", NULL},
    {PVM_STATE_FAULT, PVM_RESULT_FAULT, "faults", "faulting"},
    {PVM_STATE_HOST, PVM_RESULT_HOST_CALL, "calls", "calling"},
    {PVM_STATE_OOG, PVM_RESULT_OOG, "starves", "starving"},
    {PVM_STATE_READY, PVM_RESULT_OK, NULL, "begin"},
};
#define STATES (sizeof(states) / sizeof(*states))

/* Gas that suffices up to the block or instruction at `starving`. */
static int64_t starving_gas(const lab_t *lab, const machine_t *machine)
{
    return lab->flat ? 2 : lab_cost(machine, "starves");
}

static machine_t make(const lab_t *lab, size_t state)
{
    machine_t machine = lab_machine(lab, text, GAS);

    pvm_set_register(machine.vm, 0, UINT64_C(0xffff0000));
    assert_int_equal(pvm_map_memory(machine.vm, DATA, 4096, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(machine.vm, DATA, "kept", 4), 0);
    if (states[state].entry != NULL) {
        if (states[state].state == PVM_STATE_OOG) {
            pvm_set_gas(machine.vm, starving_gas(lab, &machine));
        }
        assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, states[state].entry)),
                         states[state].result);
    }
    assert_int_equal(pvm_get_machine_state(machine.vm), states[state].state);
    if (states[state].pc != NULL) {
        assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, states[state].pc));
    }
    return machine;
}

typedef struct {
    uint64_t registers[PVM_REGISTER_COUNT];
    uint8_t memory[8];
    int64_t gas;
    uint32_t pc;
    uint32_t fault_address;
    int host_call;
    int charged;
    uint8_t state;
} snapshot_t;

static snapshot_t look(pvm_vm_t *vm)
{
    snapshot_t now;

    memset(&now, 0, sizeof(now));
    memcpy(now.registers, pvm_get_registers(vm), sizeof(now.registers));
    assert_int_equal(pvm_read_memory(vm, DATA, now.memory, sizeof(now.memory)), 0);
    now.gas = pvm_get_gas(vm);
    now.pc = pvm_get_pc(vm);
    now.fault_address = pvm_get_fault_address(vm);
    now.host_call = pvm_get_host_call(vm);
    now.charged = pvm_get_charged(vm);
    now.state = pvm_get_machine_state(vm);
    return now;
}

static void resume_and_step_are_refused_after_halt_and_panic_and_change_nothing(const lab_t *lab)
{
    for (size_t i = 0; i < 2; i++) {
        machine_t machine = make(lab, i);
        const snapshot_t before = look(machine.vm);

        for (int step = 0; step < 2; step++) {
            lab_clear_error();
            assert_int_equal(step ? pvm_step(machine.vm) : pvm_resume(machine.vm),
                             PVM_RESULT_ERROR);
            lab_assert_explained();
            const snapshot_t after = look(machine.vm);
            assert_memory_equal(&before, &after, sizeof(before));
        }
        lab_free(&machine);
    }
}

static void resume_of_a_new_vm_begins_at_0(const lab_t *lab)
{
    machine_t machine = make(lab, 5);

    lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                    (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "halts"),
                                 GAS - (lab->flat ? 3 : lab_cost(&machine, "begin"))});
    assert_int_equal(pvm_get_register(machine.vm, 3), 1);
    lab_free(&machine);
}

static void resume_passes_the_ecalli_and_pays_no_block_twice(const lab_t *lab)
{
    machine_t machine = make(lab, 3);
    const int64_t gas = pvm_get_gas(machine.vm);

    assert_int_equal(gas, GAS - (lab->flat ? 2 : lab_cost(&machine, "calls")));
    lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "behind"),
                                 lab->flat ? gas - 2 : gas});
    assert_int_equal(pvm_get_register(machine.vm, 2), 44);
    lab_free(&machine);
}

static void step_after_a_host_call_passes_the_ecalli_and_executes_one_more(const lab_t *lab)
{
    machine_t machine = make(lab, 3);
    const int64_t gas = pvm_get_gas(machine.vm);

    lab_assert_exit(machine.vm, pvm_step(machine.vm),
                    (lab_exit_t){PVM_RESULT_OK, PVM_STATE_READY, lab_at(&machine, "behind"),
                                 lab->flat ? gas - 1 : gas});
    assert_int_equal(pvm_get_register(machine.vm, 2), 44);
    lab_free(&machine);
}

static void resume_after_a_fault_does_the_instruction_again(const lab_t *lab)
{
    machine_t machine = make(lab, 2);
    int64_t gas = pvm_get_gas(machine.vm);

    assert_int_equal(gas, GAS - (lab->flat ? 2 : lab_cost(&machine, "faults")));
    for (int i = 0; i < 3; i++) {
        gas -= lab->flat ? 1 : 0;
        lab_assert_exit(
            machine.vm, lab_resume(lab, machine.vm),
            (lab_exit_t){PVM_RESULT_FAULT, PVM_STATE_FAULT, lab_at(&machine, "faulting"), gas});
        assert_int_equal(pvm_get_fault_address(machine.vm), 0x30000);
    }
    assert_int_equal(pvm_map_memory(machine.vm, 0x30000, 4096, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_poke_memory(machine.vm, 0x30000, "\x7b", 1), 0);
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    assert_int_equal(pvm_get_register(machine.vm, 4), 0x7b);
    assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? gas - 1 : gas);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? gas - 3 : gas);
    assert_int_equal(pvm_get_register(machine.vm, 2), 33);
    lab_free(&machine);
}

static void resume_out_of_gas_stays_out_of_gas_until_there_is_enough(const lab_t *lab)
{
    machine_t machine = make(lab, 4);
    const uint32_t pc = lab_at(&machine, "starving");
    const int64_t cost = lab->flat ? 1 : lab_cost(&machine, "starving");

    for (int64_t gas = 0; gas < cost; gas++) {
        pvm_set_gas(machine.vm, gas);
        for (int i = 0; i < 2; i++) {
            lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                            (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, pc, gas});
            assert_int_equal(pvm_get_charged(machine.vm), 0);
        }
    }
    pvm_set_gas(machine.vm, lab->flat ? 2 : cost);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_gas(machine.vm), 0);
    assert_int_equal(pvm_get_register(machine.vm, 2), 55);
    lab_free(&machine);
}

static void execute_in_any_state_keeps_registers_memory_gas_and_mappings(const lab_t *lab)
{
    for (size_t i = 0; i < STATES; i++) {
        machine_t machine = make(lab, i);
        const int64_t gas = 500 + (int64_t)i;
        pvm_set_gas(machine.vm, gas);
        pvm_set_register(machine.vm, 3, 70 + i);
        pvm_set_register(machine.vm, 11, UINT64_MAX - i);

        lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, lab_at(&machine, "begin")),
                        (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "halts"),
                                     gas - (lab->flat ? 3 : lab_cost(&machine, "begin"))});
        assert_int_equal(pvm_get_register(machine.vm, 3), 71 + i);
        assert_int_equal(pvm_get_register(machine.vm, 11), UINT64_MAX - i);
        assert_memory_equal(look(machine.vm).memory, "kept", 4);
        assert_int_equal(pvm_get_access(machine.vm, DATA), PVM_ACCESS_WRITE);
        lab_free(&machine);
    }
}

static void execute_charges_the_block_even_where_it_was_paid(const lab_t *lab)
{
    machine_t machine = make(lab, 3);
    const int64_t gas = pvm_get_gas(machine.vm);

    assert_int_equal(pvm_get_charged(machine.vm), 1);
    assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, "called")), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_gas(machine.vm), gas - lab_cost(&machine, "calls"));
    lab_free(&machine);
}

static void set_pc_in_any_state_makes_the_vm_ready_and_the_block_unpaid(const lab_t *lab)
{
    for (size_t i = 0; i < STATES; i++) {
        machine_t machine = make(lab, i);
        const snapshot_t before = look(machine.vm);
        const uint32_t pc = lab_at(&machine, "behind");

        assert_int_equal(pvm_set_pc(machine.vm, pc), 0);

        const snapshot_t after = look(machine.vm);
        assert_int_equal(after.state, PVM_STATE_READY);
        assert_int_equal(after.pc, pc);
        assert_int_equal(after.charged, 0);
        assert_int_equal(after.gas, before.gas);
        assert_int_equal(after.fault_address, 0);
        assert_int_equal(after.host_call, -1);
        assert_memory_equal(after.registers, before.registers, sizeof(after.registers));
        pvm_set_gas(machine.vm, 5000);
        lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, pc,
                                     5000 - (lab->flat ? 1 : lab_cost(&machine, "calls"))});
        lab_free(&machine);
    }
}

static void a_suspended_machine_goes_on_in_another_vm_with_pc_and_charged(const lab_t *lab)
{
    for (size_t i = 2; i < 4; i++) {
        machine_t machine = make(lab, i);
        pvm_vm_t *const other = lab_another(lab, &machine, (uint64_t)pvm_get_gas(machine.vm));
        const uint32_t pc = lab_at(&machine, i == 2 ? "faulting" : "called");
        for (int r = 0; r < PVM_REGISTER_COUNT; r++) {
            pvm_set_register(other, r, pvm_get_register(machine.vm, r));
        }
        assert_int_equal(pvm_map_memory(other, 0x30000, 4096, PVM_ACCESS_READ), 0);
        assert_int_equal(pvm_map_memory(machine.vm, 0x30000, 4096, PVM_ACCESS_READ), 0);
        assert_int_equal(pvm_set_pc(other, pc), 0);
        assert_int_equal(pvm_set_charged(other, pvm_get_charged(machine.vm)), 0);
        assert_int_equal(pvm_get_charged(other), 1);

        assert_int_equal(lab_resume(lab, other), lab_resume(lab, machine.vm));

        assert_int_equal(pvm_get_gas(other), pvm_get_gas(machine.vm));
        assert_int_equal(pvm_get_pc(other), pvm_get_pc(machine.vm));
        assert_memory_equal(pvm_get_registers(other), pvm_get_registers(machine.vm),
                            PVM_REGISTER_COUNT * sizeof(uint64_t));
        pvm_destroy(other);
        lab_free(&machine);
    }
}

static void charged_can_be_taken_back_so_that_the_block_is_paid_again(const lab_t *lab)
{
    machine_t machine = make(lab, 3);
    const int64_t gas = pvm_get_gas(machine.vm);

    assert_int_equal(pvm_set_charged(machine.vm, 0), 0);
    assert_int_equal(pvm_get_charged(machine.vm), 0);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_gas(machine.vm), gas - lab_cost(&machine, "calls"));
    if (lab->counting) {
        assert_int_equal(lab_blocks_gas(machine.vm), GAS - pvm_get_gas(machine.vm));
    }
    lab_free(&machine);
}

static void charged_is_0_or_1_and_0_7_2_has_none(const lab_t *lab)
{
    static const int values[] = {0, 1, 2, -1, 256};
    machine_t machine = make(lab, 5);

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        const bool fine = !lab->flat && i < 2;
        const int before = pvm_get_charged(machine.vm);
        lab_clear_error();
        assert_int_equal(pvm_set_charged(machine.vm, values[i]), fine ? 0 : -1);
        assert_int_equal(pvm_get_charged(machine.vm), fine ? values[i] : before);
        if (!fine) {
            lab_assert_explained();
        }
    }
    lab_free(&machine);
}

static void negative_gas_counts_as_0_under_0_8_0_and_is_spent_under_0_7_2(const lab_t *lab)
{
    static const int64_t amounts[] = {-1, -1000000, INT64_MIN};

    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
        machine_t machine = make(lab, 5);

        pvm_set_gas(machine.vm, amounts[i]);

        assert_int_equal(pvm_get_gas(machine.vm), lab->flat ? amounts[i] : 0);
        for (int again = 0; again < 2; again++) {
            lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                            (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, 0, 0});
        }
        lab_free(&machine);
    }
}

static void the_largest_gas_there_is_is_spent_like_any_other(const lab_t *lab)
{
    machine_t machine = make(lab, 5);

    pvm_set_gas(machine.vm, INT64_MAX);
    assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, "begin")), PVM_RESULT_OK);
    assert_int_equal(pvm_get_gas(machine.vm),
                     INT64_MAX - (lab->flat ? 3 : lab_cost(&machine, "begin")));
    lab_free(&machine);
}

static void an_entry_in_the_middle_of_a_block_pays_the_whole_block(const lab_t *lab)
{
    machine_t machine = make(lab, 5);
    const uint32_t pc = lab_at(&machine, "behind");

    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, pc),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, pc,
                                 GAS - (lab->flat ? 1 : lab_cost(&machine, "calls"))});
    lab_free(&machine);
}

static void the_registers_pointer_lives_as_long_as_the_vm(const lab_t *lab)
{
    machine_t machine = make(lab, 5);
    const uint64_t *const registers = pvm_get_registers(machine.vm);

    for (size_t i = 0; i < STATES; i++) {
        pvm_set_gas(machine.vm, GAS);
        if (states[i].entry != NULL) {
            (void)lab_execute(lab, machine.vm, lab_at(&machine, states[i].entry));
        }
        assert_ptr_equal(pvm_get_registers(machine.vm), registers);
        for (int r = 0; r < PVM_REGISTER_COUNT; r++) {
            assert_int_equal(registers[r], pvm_get_register(machine.vm, r));
        }
    }
    assert_int_equal(pvm_reset(machine.vm, 1), 0);
    assert_ptr_equal(pvm_get_registers(machine.vm), registers);
    assert_int_equal(registers[0], 0);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(resume_and_step_are_refused_after_halt_and_panic_and_change_nothing, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(resume_of_a_new_vm_begins_at_0, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(resume_passes_the_ecalli_and_pays_no_block_twice, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(step_after_a_host_call_passes_the_ecalli_and_executes_one_more, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(resume_after_a_fault_does_the_instruction_again, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(resume_out_of_gas_stays_out_of_gas_until_there_is_enough, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(execute_in_any_state_keeps_registers_memory_gas_and_mappings, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(execute_charges_the_block_even_where_it_was_paid, LAB_BLOCK_GAS, LAB_ALL_DRIVES),
        LAB_TEST(set_pc_in_any_state_makes_the_vm_ready_and_the_block_unpaid, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(a_suspended_machine_goes_on_in_another_vm_with_pc_and_charged, LAB_BLOCK_GAS,
                 LAB_ALL_DRIVES),
        LAB_TEST(charged_can_be_taken_back_so_that_the_block_is_paid_again, LAB_BLOCK_GAS,
                 LAB_ALL_DRIVES),
        LAB_TEST(charged_is_0_or_1_and_0_7_2_has_none, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(negative_gas_counts_as_0_under_0_8_0_and_is_spent_under_0_7_2, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(the_largest_gas_there_is_is_spent_like_any_other, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(an_entry_in_the_middle_of_a_block_pays_the_whole_block, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(the_registers_pointer_lives_as_long_as_the_vm, LAB_ALL_SPECS, LAB_ALL_DRIVES),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
