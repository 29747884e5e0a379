/* Host calls, DESIGN section 4: what a callback sees, what each of its answers does, what it may change and what it
 * may not do; inner machines. */
#include "lab.h"

#define GAS 10000

static const char text[] = "load_imm r2, 1\n"
                           "here: ecalli 5\n"
                           "behind: load_imm r3, 3\n"
                           "end: jump_ind r0, 0\n"
                           "other: load_imm r4, 4\n"
                           "middle: load_imm r5, 5\n"
                           "other_end: trap\n";

/* What a callback does and what it has seen. */
typedef struct {
    const machine_t *machine;
    const lab_t *lab;
    pvm_host_result_t answer;
    int calls;
    int func_id;
    int64_t gas;
} host_t;

static machine_t make(const lab_t *lab, pvm_host_callback_t callback, host_t *host)
{
    machine_t machine = lab_machine(lab, text, GAS);

    pvm_set_register(machine.vm, 0, UINT64_C(0xffff0000));
    pvm_set_host_callback(machine.vm, callback, host);
    return machine;
}

static int64_t gas_at_ecalli(const lab_t *lab, const machine_t *machine)
{
    return GAS - (lab->flat ? 2 : lab_cost(machine, "here"));
}

/* Looks at everything, takes ten gas, writes r7. */
static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    host_t *const host = user_data;

    assert_ptr_equal(vm, host->machine->vm);
    assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_HOST);
    assert_int_equal(pvm_get_host_call(vm), func_id);
    assert_int_equal(pvm_get_pc(vm), lab_at(host->machine, "here"));
    assert_int_equal(pvm_get_charged(vm), !host->lab->flat);
    assert_int_equal(pvm_get_registers(vm)[2], 1);
    assert_int_equal(pvm_get_register(vm, 3), 0);
    host->func_id = func_id;
    host->gas = pvm_get_gas(vm);
    host->calls++;
    pvm_set_gas(vm, host->gas - 10);
    pvm_set_register(vm, 7, 77);
    return host->answer;
}

static void each_answer_ends_or_continues_the_run_as_the_table_says(const lab_t *lab)
{
    static const struct {
        pvm_host_result_t answer;
        pvm_result_t result;
        uint8_t state;
    } answers[] = {
        {PVM_HOST_CONTINUE, PVM_RESULT_OK, PVM_STATE_HALT},
        {PVM_HOST_TERMINATE, PVM_RESULT_OK, PVM_STATE_HALT},
        {PVM_HOST_ERROR, PVM_RESULT_PANIC, PVM_STATE_PANIC},
        {PVM_HOST_YIELD, PVM_RESULT_HOST_CALL, PVM_STATE_HOST},
        {PVM_HOST_OOG, PVM_RESULT_OOG, PVM_STATE_OOG},
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        const bool goes_on = answers[i].answer == PVM_HOST_CONTINUE;
        host_t host = {.lab = lab, .answer = answers[i].answer};
        machine_t machine = make(lab, answer, &host);
        host.machine = &machine;
        const int64_t gas = gas_at_ecalli(lab, &machine);

        const pvm_result_t result = lab_execute(lab, machine.vm, 0);

        lab_assert_exit(machine.vm, result,
                        (lab_exit_t){answers[i].result, answers[i].state,
                                     lab_at(&machine, goes_on ? "end" : "here"),
                                     gas - 10 - (goes_on && lab->flat ? 2 : 0)});
        assert_int_equal(host.calls, 1);
        assert_int_equal(host.func_id, 5);
        assert_int_equal(host.gas, gas);
        assert_int_equal(pvm_get_register(machine.vm, 7), 77);
        assert_int_equal(pvm_get_register(machine.vm, 3), goes_on ? 3 : 0);
        assert_int_equal(pvm_get_host_call(machine.vm),
                         answers[i].state == PVM_STATE_HOST ? 5 : -1);
        lab_free(&machine);
    }
}

static void yield_goes_on_behind_the_ecalli_when_resumed(const lab_t *lab)
{
    host_t host = {.lab = lab, .answer = PVM_HOST_YIELD};
    machine_t machine = make(lab, answer, &host);
    host.machine = &machine;
    const int64_t gas = gas_at_ecalli(lab, &machine) - 10;

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
    pvm_set_register(machine.vm, 7, 78);
    lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                    (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "end"),
                                 gas - (lab->flat ? 2 : 0)});
    assert_int_equal(host.calls, 1);
    assert_int_equal(pvm_get_register(machine.vm, 7), 78);
    lab_free(&machine);
}

static void resume_after_the_hosts_out_of_gas_calls_the_host_again(const lab_t *lab)
{
    host_t host = {.lab = lab, .answer = PVM_HOST_OOG};
    machine_t machine = make(lab, answer, &host);
    host.machine = &machine;
    const int64_t gas = gas_at_ecalli(lab, &machine) - 10;

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OOG);
    lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                    (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, lab_at(&machine, "here"),
                                 gas - 10 - (lab->flat ? 1 : 0)});
    assert_int_equal(host.calls, 2);
    lab_free(&machine);
}

static void any_other_answer_is_an_error_that_can_be_resumed_behind_the_ecalli(const lab_t *lab)
{
    static const int nonsense[] = {5, -1, 99, INT32_MAX};

    for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
        host_t host = {.lab = lab, .answer = (pvm_host_result_t)nonsense[i]};
        machine_t machine = make(lab, answer, &host);
        host.machine = &machine;
        const int64_t gas = gas_at_ecalli(lab, &machine) - 10;
        lab_clear_error();

        const pvm_result_t result = lab_execute(lab, machine.vm, 0);

        lab_assert_explained();
        lab_assert_exit(
            machine.vm, result,
            (lab_exit_t){PVM_RESULT_ERROR, PVM_STATE_HOST, lab_at(&machine, "here"), gas});
        lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                        (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "end"),
                                     gas - (lab->flat ? 2 : 0)});
        lab_free(&machine);
    }
}

static void the_number_is_the_sign_extended_immediate(const lab_t *lab)
{
    static const struct {
        const char *text;
        int func_id;
    } cases[] = {
        {"ecalli 0\n trap", 0},
        {"ecalli -1\n trap", -1},
        {"ecalli -2:1\n trap", -2},
        {"ecalli 0x7fffffff\n trap", INT32_MAX},
        {"ecalli -0x80000000\n trap", INT32_MIN},
        {"ecalli 255\n trap", 255},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        machine_t machine = lab_machine(lab, cases[i].text, GAS);

        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
        assert_int_equal(pvm_get_machine_state(machine.vm), PVM_STATE_HOST);
        assert_int_equal(pvm_get_host_call(machine.vm), cases[i].func_id);
        assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
        lab_free(&machine);
    }
}

/* -- Moving the machine from its callback --- */

typedef struct {
    uint32_t pc;
    int charged; /**< to be set; negative: not */
    pvm_host_result_t answer;
    int calls;
} mover_t;

static pvm_host_result_t move(pvm_vm_t *vm, int func_id, void *user_data)
{
    mover_t *const mover = user_data;

    (void)func_id;
    mover->calls++;
    assert_int_equal(pvm_set_pc(vm, mover->pc), 0);
    assert_int_equal(pvm_get_pc(vm), mover->pc);
    assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_READY);
    assert_int_equal(pvm_get_charged(vm), 0);
    if (mover->charged >= 0) {
        assert_int_equal(pvm_set_charged(vm, mover->charged), 0);
    }
    return mover->answer;
}

static machine_t make_moving(const lab_t *lab, const char *to, mover_t *mover)
{
    machine_t machine = lab_machine(lab, text, GAS);

    mover->pc = lab_at(&machine, to);
    pvm_set_host_callback(machine.vm, move, mover);
    return machine;
}

static void set_pc_in_a_callback_goes_on_there_and_pays_the_block_there(const lab_t *lab)
{
    static const char *const targets[] = {"other", "middle", "other_end"};

    for (size_t i = 0; i < 3; i++) {
        mover_t mover = {.charged = -1, .answer = PVM_HOST_CONTINUE};
        machine_t machine = make_moving(lab, targets[i], &mover);
        const int64_t gas = gas_at_ecalli(lab, &machine);

        lab_assert_exit(
            machine.vm, lab_execute(lab, machine.vm, 0),
            (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "other_end"),
                         gas - (lab->flat ? 3 - (int64_t)i : lab_cost(&machine, "other"))});
        assert_int_equal(mover.calls, 1);
        assert_int_equal(pvm_get_register(machine.vm, 3), 0);
        if (lab->counting) {
            assert_int_equal(lab_blocks_gas(machine.vm), GAS - pvm_get_gas(machine.vm));
        }
        lab_free(&machine);
    }
}

static void set_pc_and_charged_in_a_callback_go_on_in_a_paid_block(const lab_t *lab)
{
    mover_t mover = {.charged = 1, .answer = PVM_HOST_CONTINUE};
    machine_t machine = make_moving(lab, "middle", &mover);
    const int64_t gas = gas_at_ecalli(lab, &machine);

    lab_assert_exit(
        machine.vm, lab_execute(lab, machine.vm, 0),
        (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "other_end"), gas});
    if (lab->counting) {
        assert_int_equal(lab_blocks_gas(machine.vm), GAS - gas);
    }
    lab_free(&machine);
}

static void set_pc_then_yield_waits_ready_at_the_new_pc(const lab_t *lab)
{
    mover_t mover = {.charged = -1, .answer = PVM_HOST_YIELD};
    machine_t machine = make_moving(lab, "middle", &mover);
    const int64_t gas = gas_at_ecalli(lab, &machine);

    lab_assert_exit(
        machine.vm, lab_execute(lab, machine.vm, 0),
        (lab_exit_t){PVM_RESULT_HOST_CALL, PVM_STATE_READY, lab_at(&machine, "middle"), gas});
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_register(machine.vm, 5), 5);
    assert_int_equal(pvm_get_register(machine.vm, 4), 0);
    lab_free(&machine);
}

static void set_pc_then_nonsense_does_not_lose_an_instruction(const lab_t *lab)
{
    mover_t mover = {.charged = -1, .answer = (pvm_host_result_t)99};
    machine_t machine = make_moving(lab, "middle", &mover);

    lab_clear_error();
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_ERROR);
    lab_assert_explained();
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "middle"));
    assert_int_equal(pvm_get_machine_state(machine.vm), PVM_STATE_READY);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_register(machine.vm, 5), 5);
    lab_free(&machine);
}

/* -- What a callback may change --- */

static pvm_host_result_t unpay(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    assert_int_equal(pvm_set_charged(vm, 0), 0);
    return PVM_HOST_CONTINUE;
}

static void charged_taken_back_in_a_callback_pays_the_block_again(const lab_t *lab)
{
    machine_t machine = make(lab, unpay, NULL);
    const int64_t cost = lab_cost(&machine, "here");

    lab_assert_exit(
        machine.vm, lab_execute(lab, machine.vm, 0),
        (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "end"), GAS - 2 * cost});
    if (lab->counting) {
        assert_int_equal(lab_blocks_gas(machine.vm), 2 * cost);
    }
    assert_int_equal(pvm_reset(machine.vm, (uint64_t)(2 * cost - 1)), 0);
    pvm_set_register(machine.vm, 0, UINT64_C(0xffff0000));
    lab_assert_exit(
        machine.vm, lab_execute(lab, machine.vm, 0),
        (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG, lab_at(&machine, "behind"), cost - 1});
    lab_free(&machine);
}

static pvm_host_result_t set_gas(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    pvm_set_gas(vm, *(const int64_t *)user_data);
    return PVM_HOST_CONTINUE;
}

static void gas_set_in_a_callback_is_what_the_guest_goes_on_with(const lab_t *lab)
{
    static const int64_t amounts[] = {0, 1, 2, 1000, -5, INT64_MAX};

    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
        int64_t amount = amounts[i];
        machine_t machine = make(lab, set_gas, NULL);
        pvm_set_host_callback(machine.vm, set_gas, &amount);

        const pvm_result_t result = lab_execute(lab, machine.vm, 0);

        if (lab->flat && amount < 2) {
            lab_assert_exit(machine.vm, result,
                            (lab_exit_t){PVM_RESULT_OOG, PVM_STATE_OOG,
                                         lab_at(&machine, amount == 1 ? "end" : "behind"), 0});
        } else {
            lab_assert_exit(machine.vm, result,
                            (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "end"),
                                         lab->flat    ? amount - 2
                                         : amount < 0 ? 0
                                                      : amount});
        }
        lab_free(&machine);
    }
}

/* Call 0 maps a page with octets, 1 makes it read-only, 2 takes it away. */
static pvm_host_result_t remap(pvm_vm_t *vm, int func_id, void *user_data)
{
    static const pvm_access_t access[] = {PVM_ACCESS_WRITE, PVM_ACCESS_READ, PVM_ACCESS_NONE};

    (void)user_data;
    assert_int_equal(pvm_map_memory(vm, 0x20000, 4096, access[func_id]), 0);
    if (func_id == 0) {
        assert_int_equal(pvm_write_memory(vm, 0x20000, "\x11\x22", 2), 0);
    }
    return PVM_HOST_CONTINUE;
}

static void memory_changed_in_a_callback_is_what_the_next_instruction_sees(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    "ecalli 0\n"
                                    "load_u16 r1, 0x20000\n"
                                    "store_imm_u8 0x20000, 0x33\n"
                                    "ecalli 1\n"
                                    "load_u16 r2, 0x20000\n"
                                    "locked: store_imm_u8 0x20000, 0x44\n"
                                    "ecalli 2\n"
                                    "gone: load_u16 r3, 0x20000\n"
                                    "trap\n",
                                    GAS);
    pvm_set_host_callback(machine.vm, remap, NULL);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "locked"));
    assert_int_equal(pvm_get_fault_address(machine.vm), 0x20000);
    assert_int_equal(pvm_get_register(machine.vm, 1), 0x2211);
    assert_int_equal(pvm_get_register(machine.vm, 2), 0x2233);
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_WRITE), 0);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_FAULT);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "gone"));
    lab_free(&machine);
}

static pvm_host_result_t leave(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_host_callback(vm, NULL, NULL);
    return PVM_HOST_CONTINUE;
}

static void a_callback_taken_away_leaves_the_next_ecalli_to_the_caller(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "ecalli 1\n second: ecalli 2\n trap", GAS);

    pvm_set_host_callback(machine.vm, leave, NULL);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "second"));
    assert_int_equal(pvm_get_host_call(machine.vm), 2);
    lab_free(&machine);
}

/* -- What a callback may not do --- */

static pvm_host_result_t misbehave(pvm_vm_t *vm, int func_id, void *user_data)
{
    host_t *const host = user_data;
    const pvm_observer_t observer = {.size = sizeof(observer)};
    const int64_t gas = pvm_get_gas(vm);

    host->calls++;
    pvm_result_t (*const runs[])(pvm_vm_t *) = {pvm_resume, pvm_step};
    for (size_t i = 0; i < 2; i++) {
        lab_clear_error();
        assert_int_equal(runs[i](vm), PVM_RESULT_ERROR);
        lab_assert_explained();
    }
    lab_clear_error();
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_ERROR);
    lab_assert_explained();
    lab_clear_error();
    assert_int_equal(pvm_reset(vm, 5), -1);
    lab_assert_explained();
    lab_clear_error();
    pvm_destroy(vm);
    lab_assert_explained();
    lab_clear_error();
    assert_int_equal(pvm_set_observer(vm, &observer, NULL), -1);
    lab_assert_explained();
    lab_clear_error();
    assert_int_equal(pvm_set_arguments(vm, NULL, 0), -1);
    lab_assert_explained();
    lab_clear_error();
    assert_int_equal(pvm_clear_counts(vm), -1);
    lab_assert_explained();
    assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_HOST);
    assert_int_equal(pvm_get_host_call(vm), func_id);
    assert_int_equal(pvm_get_pc(vm), lab_at(host->machine, "here"));
    assert_int_equal(pvm_get_gas(vm), gas);
    return PVM_HOST_CONTINUE;
}

static void a_running_vm_refuses_to_be_run_reset_or_destroyed(const lab_t *lab)
{
    host_t host = {.lab = lab};
    machine_t machine = make(lab, misbehave, &host);
    host.machine = &machine;
    const int64_t gas = gas_at_ecalli(lab, &machine);

    lab_assert_exit(machine.vm, lab_execute(lab, machine.vm, 0),
                    (lab_exit_t){PVM_RESULT_OK, PVM_STATE_HALT, lab_at(&machine, "end"),
                                 gas - (lab->flat ? 2 : 0)});
    assert_int_equal(host.calls, 1);
    assert_int_equal(pvm_get_register(machine.vm, 3), 3);
    lab_free(&machine);
}

/* -- Inner machines --- */

typedef struct {
    const lab_t *lab;
    const machine_t *machine;
    int depth;
    int deepest;
} nest_t;

/* Runs another VM of the same program, which does the same, eight deep; each faults once on the way. */
static pvm_host_result_t nest(pvm_vm_t *vm, int func_id, void *user_data)
{
    nest_t *const outer = user_data;
    nest_t inner = {.lab = outer->lab, .machine = outer->machine, .depth = outer->depth + 1};

    (void)func_id;
    if (outer->depth < 8) {
        pvm_vm_t *const other = lab_another(outer->lab, outer->machine, GAS);
        pvm_set_host_callback(other, nest, &inner);
        assert_int_equal(pvm_set_parent(other, vm), 0);
        assert_int_equal(lab_execute(outer->lab, other, 0), PVM_RESULT_FAULT);
        assert_int_equal(pvm_map_memory(other, 0x30000, 4096, PVM_ACCESS_WRITE), 0);
        assert_int_equal(lab_resume(outer->lab, other), PVM_RESULT_PANIC);
        assert_int_equal(pvm_get_register(other, 7), 100 + inner.depth);
        pvm_destroy(other);
    }
    outer->deepest = inner.deepest > inner.depth ? inner.deepest : inner.depth;
    pvm_set_register(vm, 7, 100 + (uint64_t)outer->depth);
    return PVM_HOST_CONTINUE;
}

static void other_vms_run_inside_a_callback_with_faults_of_their_own(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    "add_imm_64 r9, r9, 1\n"
                                    "ecalli 1\n"
                                    "store_u8 r7, 0x30000\n"
                                    "load_u8 r8, 0x30000\n"
                                    "end: trap\n",
                                    GAS);
    nest_t outermost = {.lab = lab, .machine = &machine};
    pvm_set_host_callback(machine.vm, nest, &outermost);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
    assert_int_equal(outermost.deepest, 9);
    assert_int_equal(pvm_get_fault_address(machine.vm), 0x30000);
    assert_int_equal(pvm_map_memory(machine.vm, 0x30000, 4096, PVM_ACCESS_WRITE), 0);
    const int64_t gas = pvm_get_gas(machine.vm);
    lab_assert_exit(machine.vm, lab_resume(lab, machine.vm),
                    (lab_exit_t){PVM_RESULT_PANIC, PVM_STATE_PANIC, lab_at(&machine, "end"),
                                 lab->flat ? gas - 3 : gas});
    assert_int_equal(pvm_get_register(machine.vm, 8), 100);
    assert_int_equal(pvm_get_register(machine.vm, 9), 1);
    lab_free(&machine);
}

/* Runs a VM of another spec and backend. */
static pvm_host_result_t mix(pvm_vm_t *vm, int func_id, void *user_data)
{
    const lab_t *const lab = user_data;
    lab_t inner = *lab;

    (void)func_id;
    for (size_t i = 0; i < lab_backend_count(); i++) {
        for (int spec = PVM_SPEC_0_7_2; spec <= PVM_SPEC_LATEST64; spec++) {
            inner.backend = lab_backend(i);
            inner.spec = (pvm_spec_t)spec;
            machine_t machine = lab_machine(&inner, "load_imm r7, 5\n load_u8 r1, 0\n trap", 100);
            assert_int_equal(lab_execute(&inner, machine.vm, 0), PVM_RESULT_PANIC);
            assert_int_equal(pvm_get_register(machine.vm, 7), 5);
            lab_free(&machine);
        }
    }
    pvm_set_register(vm, 7, 6);
    return PVM_HOST_CONTINUE;
}

static void inner_machines_may_be_of_another_spec_and_backend(const lab_t *lab)
{
    lab_t copy = *lab;
    machine_t machine = make(lab, mix, NULL);
    pvm_set_host_callback(machine.vm, mix, &copy);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_get_register(machine.vm, 7), 6);
    assert_int_equal(pvm_get_register(machine.vm, 3), 3);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(each_answer_ends_or_continues_the_run_as_the_table_says, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(yield_goes_on_behind_the_ecalli_when_resumed, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(resume_after_the_hosts_out_of_gas_calls_the_host_again, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(any_other_answer_is_an_error_that_can_be_resumed_behind_the_ecalli, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(the_number_is_the_sign_extended_immediate, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(set_pc_in_a_callback_goes_on_there_and_pays_the_block_there, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(set_pc_and_charged_in_a_callback_go_on_in_a_paid_block, LAB_BLOCK_GAS,
                 LAB_ALL_DRIVES),
        LAB_TEST(set_pc_then_yield_waits_ready_at_the_new_pc, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(set_pc_then_nonsense_does_not_lose_an_instruction, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(charged_taken_back_in_a_callback_pays_the_block_again, LAB_BLOCK_GAS,
                 LAB_ALL_DRIVES),
        LAB_TEST(gas_set_in_a_callback_is_what_the_guest_goes_on_with, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(memory_changed_in_a_callback_is_what_the_next_instruction_sees, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(a_callback_taken_away_leaves_the_next_ecalli_to_the_caller, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(a_running_vm_refuses_to_be_run_reset_or_destroyed, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(other_vms_run_inside_a_callback_with_faults_of_their_own, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(inner_machines_may_be_of_another_spec_and_backend, LAB_ALL_SPECS, LAB_ALL_DRIVES),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
