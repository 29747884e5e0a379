/* Does lockstep see what it is for? A backend is broken on purpose: one machine is disturbed between two blocks, in
 * every part of its state, and the difference must be found in that very block. Undisturbed machines must be found
 * identical, on every backend and spec, with the blocks counted right. */
#include "viewer/lockstep.h"

#include "isa/assemble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DATA       0x20000
#define OTHER      0x40000
#define START_GAS  100000
#define LOOP_COUNT 20

/* A loop that stores, calls its host in the middle of a block, and calls a function through the jump table. */
static const char source[] = ".jump_table @back\n"
                             "    load_imm r1, 20\n"
                             "    load_imm r2, 0x20000\n"
                             "    fallthrough\n"
                             "head:\n"
                             "    add_imm_32 r3, r3, 7\n"
                             "    store_ind_u32 r3, r2, 0\n"
                             "    ecalli 5\n"
                             "    load_ind_u32 r4, r2, 0\n"
                             "    load_imm_jump r0, 2, @function\n"
                             "back:\n"
                             "    add_imm_32 r1, r1, -1\n"
                             "    branch_ne_imm r1, 0, @head\n"
                             "    load_imm r0, -65536\n"
                             "    jump_ind r0, 0\n"
                             "function:\n"
                             "    xor_imm r5, r4, 0x55\n"
                             "    jump_ind r0, 0\n"
                             "    trap\n";

/* Blocks of a whole run: the start, three in each round, the end. */
#define BLOCKS       (1 + 3 * LOOP_COUNT + 1)
#define INSTRUCTIONS (3 + 9 * LOOP_COUNT + 2)

typedef enum {
    DISTURB_NOTHING,
    DISTURB_REGISTER,
    DISTURB_STORED,
    DISTURB_OTHER_MEMORY,
    DISTURB_ACCESS,
    DISTURB_GAS,
    DISTURB_PC
} disturbance_t;

typedef struct {
    pvm_vm_t *reference;
    pvm_vm_t *checked;
    disturbance_t kind;
    uint64_t at; /* block */
    bool host_lies;
    unsigned calls;
} fixture_t;

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    fixture_t *const fixture = user_data;

    assert_int_equal(func_id, 5);
    fixture->calls++;
    pvm_set_gas(vm, pvm_get_gas(vm) - 3);
    pvm_set_register(vm, 7, pvm_get_register(vm, 3) * 3);
    if (fixture->host_lies && vm == fixture->checked && pvm_get_register(vm, 3) == 70) {
        pvm_set_register(vm, 7, 1);
    }
    return PVM_HOST_CONTINUE;
}

static pvm_program_t *load(pvm_spec_t spec)
{
    static const pvm_isa_t isas[] = {[PVM_SPEC_0_7_2] = PVM_ISA_0_7_2,
                                     [PVM_SPEC_0_8_0] = PVM_ISA_0_8_0,
                                     [PVM_SPEC_LATEST64] = PVM_ISA_LATEST64};
    pvm_assembly_t assembly;

    if (pvm_isa_assemble(source, strlen(source), "test", isas[spec], &assembly) != 0) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_program_t *const program = pvm_program_from_parts(
        assembly.code, assembly.code_len, assembly.mask, (assembly.code_len + 7) / 8,
        assembly.jump_table, assembly.jump_table_len, spec);
    pvm_isa_assembly_free(&assembly);
    assert_non_null(program);
    assert_null(pvm_program_error(program));
    return program;
}

static pvm_vm_t *make_machine(pvm_program_t *program, pvm_backend_t backend, fixture_t *fixture)
{
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, START_GAS);

    if (vm != NULL) {
        assert_int_equal(pvm_map_memory(vm, DATA, PVM_PAGE_SIZE, PVM_ACCESS_WRITE), 0);
        assert_int_equal(pvm_map_memory(vm, OTHER, PVM_PAGE_SIZE, PVM_ACCESS_WRITE), 0);
        pvm_set_host_callback(vm, host, fixture);
    }
    return vm;
}

static void disturb(void *user_data, uint64_t block)
{
    const fixture_t *const fixture = user_data;
    pvm_vm_t *const vm = fixture->checked;
    const uint8_t octet = 0xee;

    if (block != fixture->at) {
        return;
    }
    switch (fixture->kind) {
    case DISTURB_NOTHING:
        break;
    case DISTURB_REGISTER:
        pvm_set_register(vm, 3, pvm_get_register(vm, 3) ^ 0x100);
        break;
    case DISTURB_STORED:
        assert_int_equal(pvm_write_memory(vm, DATA + 2, &octet, 1), 0);
        break;
    case DISTURB_OTHER_MEMORY:
        assert_int_equal(pvm_write_memory(vm, OTHER + 9, &octet, 1), 0);
        break;
    case DISTURB_ACCESS:
        assert_int_equal(pvm_map_memory(vm, OTHER, PVM_PAGE_SIZE, PVM_ACCESS_READ), 0);
        break;
    case DISTURB_GAS:
        pvm_set_gas(vm, pvm_get_gas(vm) - 1);
        break;
    case DISTURB_PC:
        assert_int_equal(pvm_set_pc(vm, pvm_get_pc(vm) + 1), 0);
        break;
    }
}

/* Run a pair; the result goes to *out. @return what pvm_lockstep_run() says, or -2: no such backend here */
static int run_pair(fixture_t *fixture, pvm_spec_t spec, pvm_backend_t backend,
                    bool every_instruction, pvm_lockstep_t *out)
{
    pvm_program_t *const program = load(spec);
    int status = -2;

    fixture->reference = make_machine(program, PVM_BACKEND_INTERPRETER, fixture);
    fixture->checked = make_machine(program, backend, fixture);
    if (fixture->checked != NULL) {
        const pvm_lockstep_pair_t pair = {.reference = fixture->reference,
                                          .checked = fixture->checked,
                                          .every_instruction = every_instruction,
                                          .before_compare = disturb,
                                          .user_data = fixture};
        status = pvm_lockstep_run(&pair, out);
    }
    pvm_destroy(fixture->reference);
    pvm_destroy(fixture->checked);
    pvm_program_release(program);
    return status;
}

/* The first difference is this one. */
static void assert_first_difference(const pvm_lockstep_t *lockstep, const char *what)
{
    assert_true(lockstep->difference_count > 0);
    assert_string_equal(lockstep->differences[0].what, what);
}

/* Run a check on every backend that is here and under every spec. */
static void on_all(void (*check)(pvm_spec_t spec, pvm_backend_t backend))
{
    unsigned runs = 0;

    for (int backend = PVM_BACKEND_INTERPRETER; backend <= PVM_BACKEND_RECOMPILER; backend++) {
        fixture_t fixture = {.kind = DISTURB_NOTHING};
        pvm_lockstep_t lockstep;
        if (run_pair(&fixture, PVM_SPEC_0_7_2, (pvm_backend_t)backend, false, &lockstep) == -2) {
            (void)printf("not on backend %d: %s\n", backend, pvm_last_error());
            continue;
        }
        for (int spec = PVM_SPEC_0_7_2; spec <= PVM_SPEC_LATEST64; spec++) {
            check((pvm_spec_t)spec, (pvm_backend_t)backend);
            runs++;
        }
    }
    assert_true(runs > 0);
}

/* -- Undisturbed ------------------------------------------------------------------------- */

static void check_identical(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t fixture = {.kind = DISTURB_NOTHING};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, false, &lockstep), 0);

    assert_int_equal(lockstep.blocks, BLOCKS);
    assert_int_equal(lockstep.instructions, INSTRUCTIONS);
    assert_int_equal(lockstep.host_calls, LOOP_COUNT);
    assert_int_equal(fixture.calls, 2 * LOOP_COUNT);
    assert_int_equal(lockstep.result, PVM_RESULT_OK);
    assert_int_equal(lockstep.memory_checked_at, BLOCKS);
}

static void undisturbed_machines_are_identical(void **state)
{
    (void)state;
    on_all(check_identical);
}

static void check_instructions(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t fixture = {.kind = DISTURB_NOTHING};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, true, &lockstep), 0);

    assert_int_equal(lockstep.blocks, INSTRUCTIONS);
    assert_int_equal(lockstep.host_calls, LOOP_COUNT);
}

static void every_instruction_compares_each_step(void **state)
{
    (void)state;
    on_all(check_instructions);
}

/* -- Broken backends --------------------------------------------------------------------- */

static void check_register(pvm_spec_t spec, pvm_backend_t backend)
{
    /* Block 8 is the third arrival at `head`, which writes r3 first. */
    fixture_t fixture = {.kind = DISTURB_REGISTER, .at = 8};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, false, &lockstep), 1);

    assert_int_equal(lockstep.blocks, 8);
    assert_first_difference(&lockstep, "r3");
    assert_int_equal(lockstep.difference_count, 1);
    assert_int_equal(lockstep.differences[0].expected, 21);
    assert_int_equal(lockstep.differences[0].got, 21 ^ 0x100);
    assert_true(lockstep.differences[0].has_pc);
    assert_int_equal(lockstep.differences[0].pc, pvm_lockstep_way(&lockstep, 8)->pc);
}

static void a_flipped_register_is_found_in_its_block(void **state)
{
    (void)state;
    on_all(check_register);
}

static void check_stored(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t fixture = {.kind = DISTURB_STORED, .at = 5};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, false, &lockstep), 1);

    assert_int_equal(lockstep.blocks, 5);
    assert_first_difference(&lockstep, "octet at 0x00020002");
    assert_int_equal(lockstep.differences[0].got, 0xee);
    assert_true(lockstep.differences[0].has_pc);
}

static void a_wrong_store_is_found_in_its_block(void **state)
{
    (void)state;
    on_all(check_stored);
}

static void check_other_memory(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t fixture = {.kind = DISTURB_OTHER_MEMORY, .at = 5};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, false, &lockstep), 1);

    assert_first_difference(&lockstep, "octet at 0x00040009");
    assert_false(lockstep.differences[0].has_pc);
    assert_true(lockstep.memory_checked_at < 5);
}

static void memory_that_nobody_stored_to_is_found_later(void **state)
{
    (void)state;
    on_all(check_other_memory);
}

static void check_access(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t fixture = {.kind = DISTURB_ACCESS, .at = BLOCKS};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, false, &lockstep), 1);

    assert_first_difference(&lockstep, "access at 0x00040000");
}

static void another_access_of_a_page_is_found(void **state)
{
    (void)state;
    on_all(check_access);
}

static void check_gas_and_pc(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t gas = {.kind = DISTURB_GAS, .at = 7};
    fixture_t pc = {.kind = DISTURB_PC, .at = 20};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&gas, spec, backend, false, &lockstep), 1);
    assert_int_equal(lockstep.blocks, 7);
    assert_first_difference(&lockstep, "gas");

    assert_int_equal(run_pair(&pc, spec, backend, false, &lockstep), 1);
    assert_int_equal(lockstep.blocks, 20);
    assert_first_difference(&lockstep, "pc");
}

static void one_gas_and_one_pc_are_found(void **state)
{
    (void)state;
    on_all(check_gas_and_pc);
}

static void check_host(pvm_spec_t spec, pvm_backend_t backend)
{
    fixture_t fixture = {.host_lies = true};
    pvm_lockstep_t lockstep;

    assert_int_equal(run_pair(&fixture, spec, backend, false, &lockstep), 1);

    /* The tenth call, in the 10th arrival at `head`: block 2 + 3 * 9. */
    assert_int_equal(lockstep.blocks, 29);
    assert_first_difference(&lockstep, "r7");
    assert_int_equal(lockstep.differences[0].expected, 210);
    assert_int_equal(lockstep.differences[0].got, 1);
}

static void a_host_that_answers_differently_is_found(void **state)
{
    (void)state;
    on_all(check_host);
}

static void the_way_holds_the_last_blocks(void **state)
{
    fixture_t fixture = {.kind = DISTURB_GAS, .at = 40};
    pvm_lockstep_t lockstep;
    (void)state;

    assert_int_equal(run_pair(&fixture, PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER, false, &lockstep),
                     1);

    assert_null(pvm_lockstep_way(&lockstep, 40 - PVM_LOCKSTEP_WAY));
    assert_null(pvm_lockstep_way(&lockstep, 41));
    for (uint64_t number = 41 - PVM_LOCKSTEP_WAY; number <= 40; number++) {
        assert_int_equal(pvm_lockstep_way(&lockstep, number)->number, number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undisturbed_machines_are_identical),
        cmocka_unit_test(every_instruction_compares_each_step),
        cmocka_unit_test(a_flipped_register_is_found_in_its_block),
        cmocka_unit_test(a_wrong_store_is_found_in_its_block),
        cmocka_unit_test(memory_that_nobody_stored_to_is_found_later),
        cmocka_unit_test(another_access_of_a_page_is_found),
        cmocka_unit_test(one_gas_and_one_pc_are_found),
        cmocka_unit_test(a_host_that_answers_differently_is_found),
        cmocka_unit_test(the_way_holds_the_last_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
