/* The calling-context tree: against a model that steps the guests, and for code that a reader follows at a glance. In every
 * test the gas of the tree is the gas used. */
#include "support/blob.h"
#include "support/call_model.h"
#include "unit/lab.h"

#include <stdio.h>

#define NODES_MAX (UINT32_C(1) << 18)
#define PAIRS_MAX 65536
#define STEPS_GAS UINT64_C(60000)

static pvm_call_node_t nodes[NODES_MAX];
static size_t node_count;

/* Read the tree. @return its gas in all */
static uint64_t read_tree(pvm_vm_t *vm)
{
    uint64_t gas = 0;

    node_count = pvm_get_call_tree(vm, nodes, NODES_MAX);
    assert_in_range(node_count, 1, NODES_MAX);
    assert_int_equal(nodes[0].kind, PVM_CALL_ROOT);
    assert_int_equal(nodes[0].gas, 0);
    for (size_t i = 0; i < node_count; i++) {
        assert_true(i == 0 || nodes[i].parent < i);
        gas += nodes[i].gas + nodes[i].host_gas + nodes[i].deeper_gas;
    }
    return gas;
}

/* The only node of a routine. */
static const pvm_call_node_t *node_of(uint32_t routine)
{
    const pvm_call_node_t *found = NULL;

    for (size_t i = 1; i < node_count; i++) {
        if (nodes[i].routine == routine) {
            assert_null(found);
            found = &nodes[i];
        }
    }
    assert_non_null(found);
    return found;
}

static void assert_called(const pvm_call_node_t *node, pvm_call_kind_t kind, uint64_t calls,
                          uint32_t caller)
{
    assert_int_equal(node->kind, kind);
    assert_int_equal(node->calls, calls);
    assert_int_equal(nodes[node->parent].routine, caller);
}

static machine_t following(const lab_t *lab, const char *text, uint64_t gas)
{
    const machine_t machine = lab_machine(lab, text, gas);

    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_CALLS), 0);
    return machine;
}

/* -- Guests -------------------------------------------------------------------------------- */

/* The host of these runs takes 10 and answers what nobody asked for. */
static int64_t answer(pvm_vm_t *vm)
{
    const int64_t gas = pvm_get_gas(vm);

    pvm_set_register(vm, 7, UINT64_MAX - 1);
    pvm_set_gas(vm, gas < 10 ? 0 : gas - 10);
    return pvm_get_gas(vm);
}

static void step_with_model(pvm_vm_t *vm, uint32_t entry, call_model_t *model)
{
    const pvm_program_t *const program = pvm_get_program(vm);
    pvm_result_t result = PVM_RESULT_OK;

    assert_int_equal(pvm_set_pc(vm, entry), 0);
    while (result == PVM_RESULT_OK && pvm_get_machine_state(vm) != PVM_STATE_HALT) {
        const bool after_call = pvm_get_machine_state(vm) == PVM_STATE_HOST;
        uint32_t pc = pvm_get_pc(vm);
        pvm_instruction_t in;
        if (after_call) {
            pc += 1 + pvm_isa_skip(&program->code, pc);
            call_model_host_end(model, answer(vm));
        }
        pvm_isa_decode(&program->code, pc, &in);
        const int64_t gas = pvm_get_gas(vm);
        result = pvm_step(vm);
        if (result == PVM_RESULT_OOG) {
            break;
        }
        call_model_paid(model, pc, (uint64_t)(gas - pvm_get_gas(vm)));
        if (result == PVM_RESULT_HOST_CALL) {
            call_model_host_begin(model, pvm_get_gas(vm));
            result = PVM_RESULT_OK;
        } else if (result == PVM_RESULT_OK && pvm_isa_is_terminator((pvm_op_t)in.op) &&
                   pvm_get_machine_state(vm) == PVM_STATE_READY) {
            call_model_jump(model, &in, pvm_get_pc(vm));
        }
    }
}

static void run_to_the_end(pvm_vm_t *vm, uint32_t entry)
{
    pvm_result_t result = pvm_execute(vm, entry);

    while (result == PVM_RESULT_HOST_CALL) {
        (void)answer(vm);
        result = pvm_resume(vm);
    }
}

static pvm_program_t *load_guest(const lab_t *lab, const char *name, uint32_t *out_entry)
{
    char path[256];
    pvm_buffer_t blob = {0};

    (void)snprintf(path, sizeof(path), "examples/guest/blobs/%s%s.polkavm", name,
                   lab->spec == PVM_SPEC_0_7_2 ? "-0.7.2" : "");
    blob_load(&blob, path);
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, lab->spec);
    assert_non_null(program);
    pvm_buffer_free(&blob);
    assert_non_null(pvm_program_export(program, 0, out_entry));
    return program;
}

static void check_guest(const lab_t *lab, const char *name)
{
    uint32_t entry;
    size_t expected_count;
    pvm_program_t *const program = load_guest(lab, name, &entry);
    pvm_vm_t *const stepped = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 0, STEPS_GAS);
    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 0, STEPS_GAS);
    call_model_t *const model = call_model_create();

    assert_true(stepped != NULL && vm != NULL && model != NULL);
    assert_int_equal(call_model_begin(model, program), 0);
    pvm_set_register(stepped, 7, 1);
    pvm_set_register(vm, 7, 1);
    step_with_model(stepped, entry, model);
    assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_CALLS), 0);
    run_to_the_end(vm, entry);

    const pvm_call_node_t *const expected = call_model_nodes(model, &expected_count);
    assert_int_equal(read_tree(vm), STEPS_GAS - (uint64_t)pvm_get_gas(vm));
    assert_int_equal(node_count, expected_count);
    for (size_t i = 0; i < node_count; i++) {
        if (memcmp(&nodes[i], &expected[i], sizeof(nodes[i])) != 0) {
            fail_msg("%s: node %zu (routine %u): expected %llu calls, %llu gas, got %llu, %llu",
                     name, i, nodes[i].routine, (unsigned long long)expected[i].calls,
                     (unsigned long long)expected[i].gas, (unsigned long long)nodes[i].calls,
                     (unsigned long long)nodes[i].gas);
        }
    }
    call_model_destroy(model);
    pvm_destroy(stepped);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void the_tree_of_a_guest_is_what_single_steps_say(const lab_t *lab)
{
    static const char *const names[] = {"blake2b",   "format",    "interp",  "large",  "matmul",
                                        "quicksort", "recursive", "service", "sha256", "sieve"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        check_guest(lab, names[i]);
    }
}

/* Hits of the block at a pc. */
static uint64_t sum_pairs(const pvm_jump_pair_t *pairs, size_t count, uint32_t from)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += pairs[i].from == from ? pairs[i].count : 0;
    }
    return sum;
}

static void pairs_of_jumps_add_up_to_the_edges(const lab_t *lab)
{
    static pvm_jump_pair_t pairs[PAIRS_MAX];
    static pvm_edge_count_t edges[PAIRS_MAX];
    uint32_t entry;
    pvm_program_t *const program = load_guest(lab, "interp", &entry);
    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 0, 1000000);
    uint64_t all = 0;

    assert_non_null(vm);
    assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_CALLS | PVM_INSTRUMENT_EDGES), 0);
    pvm_set_register(vm, 7, 1);
    run_to_the_end(vm, entry);
    const size_t pair_count = pvm_get_indirect_jumps(vm, pairs, PAIRS_MAX);
    const size_t edge_count = pvm_get_edge_counts(vm, edges, PAIRS_MAX);
    assert_in_range(pair_count, 10, PAIRS_MAX);
    for (size_t i = 0; i < edge_count; i++) {
        if (edges[i].kind == PVM_EDGE_TO_HUB) {
            const pvm_block_t *const block = &pvm_program_blocks(program)[edges[i].from];
            uint64_t sum = 0;
            for (uint32_t pc = block->pc; pc < block->end_pc; pc++) {
                sum += sum_pairs(pairs, pair_count, pc);
            }
            assert_int_equal(sum, edges[i].count);
            all += sum;
        }
    }
    assert_true(all > 1000);
    pvm_destroy(vm);
    pvm_program_release(program);
}

/* -- Calls and returns --------------------------------------------------------------------- */

/* main calls twice from one place and once through r5; twice() calls leaf() and jumps to it at its end. */
static const char *const calls_text = ".jump_table @after_twice, @after_leaf, @leaf, @after_ind\n"
                                      "main:       load_imm r8, 2\n"
                                      "            load_imm r5, 6\n"
                                      "            fallthrough\n"
                                      "again:      load_imm_jump r0, 2, @twice\n"
                                      "after_twice: add_imm_64 r8, r8, -1\n"
                                      "            branch_ne_imm r8, 0, @again\n"
                                      "            load_imm_jump_ind r0, r5, 8, 0\n"
                                      "after_ind:  trap\n"
                                      "twice:      add_imm_64 r9, r0, 0\n"
                                      "            load_imm r0, 4\n"
                                      "            jump @leaf\n"
                                      "after_leaf: add_imm_64 r0, r9, 0\n"
                                      "            jump @leaf\n"
                                      "leaf:       add_imm_64 r10, r10, 1\n"
                                      "            jump_ind r0, 0\n";

static void calls_returns_and_tail_calls_are_told_apart(const lab_t *lab)
{
    machine_t machine = following(lab, calls_text, 1000);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(read_tree(machine.vm), 1000 - pvm_get_gas(machine.vm));
    assert_int_equal(node_count, 6);
    const uint32_t main_pc = lab_at(&machine, "main");
    const uint32_t leaf = lab_at(&machine, "leaf");
    assert_called(&nodes[1], PVM_CALL_ENTRY, 1, PVM_BLOCK_NONE);
    assert_called(node_of(lab_at(&machine, "twice")), PVM_CALL_CALL, 2, main_pc);
    unsigned found = 0;
    for (size_t i = 1; i < node_count; i++) {
        if (nodes[i].routine != leaf) {
            continue;
        }
        found++;
        if (nodes[i].kind == PVM_CALL_TAIL) {
            /* In place of twice(), so main is its caller. */
            assert_called(&nodes[i], PVM_CALL_TAIL, 2, main_pc);
        } else if (nodes[nodes[i].parent].routine == main_pc) {
            assert_called(&nodes[i], PVM_CALL_CALL, 1, main_pc);
        } else {
            assert_called(&nodes[i], PVM_CALL_CALL, 2, lab_at(&machine, "twice"));
        }
        assert_int_equal(nodes[i].gas, nodes[i].calls * (uint64_t)lab_cost(&machine, "leaf"));
    }
    assert_int_equal(found, 3);
    lab_free(&machine);
}

/* Wherever gas ends, and resumed with just enough for a little more. */
static void gas_adds_up_wherever_it_ends(const lab_t *lab)
{
    for (uint64_t gas = 0; gas < 60; gas++) {
        machine_t machine = following(lab, calls_text, gas);
        uint64_t given = gas;

        pvm_result_t result = lab_execute(lab, machine.vm, 0);
        while (result == PVM_RESULT_OOG) {
            assert_int_equal(read_tree(machine.vm), given - (uint64_t)pvm_get_gas(machine.vm));
            given += 3;
            pvm_set_gas(machine.vm, pvm_get_gas(machine.vm) + 3);
            result = lab_resume(lab, machine.vm);
        }
        assert_int_equal(result, PVM_RESULT_PANIC);
        assert_int_equal(read_tree(machine.vm), given - (uint64_t)pvm_get_gas(machine.vm));
        assert_int_equal(node_count, 6);
        lab_free(&machine);
    }
}

/* f() remembers where it goes on, calls g(), which calls h(), which goes there. */
static void a_long_jump_ends_all_calls_between(const lab_t *lab)
{
    machine_t machine = following(lab,
                                  ".jump_table @after_f, @after_g, @after_h, @after_set, @never\n"
                                  "main:      load_imm_jump r0, 2, @f\n"
                                  "after_f:   trap\n"
                                  "f:         add_imm_64 r1, r1, -16\n"
                                  "           add_imm_64 r9, r0, 0\n"
                                  "           load_imm r7, 0\n"
                                  "           load_imm_jump r0, 8, @set\n"
                                  "after_set: branch_ne_imm r7, 0, @back\n"
                                  "           load_imm_jump r0, 4, @g\n"
                                  "after_g:   trap\n"
                                  "back:      add_imm_64 r0, r9, 0\n"
                                  "           jump_ind r0, 0\n"
                                  "set:       add_imm_64 r1, r1, -8\n"
                                  "           add_imm_64 r12, r0, 0\n"
                                  "           jump_ind r0, 0\n"
                                  "g:         add_imm_64 r1, r1, -8\n"
                                  "           load_imm_jump r0, 6, @h\n"
                                  "after_h:   trap\n"
                                  "h:         add_imm_64 r1, r1, -8\n"
                                  "           load_imm r7, 1\n"
                                  "           jump_ind r12, 0\n"
                                  "never:     trap\n",
                                  1000);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "after_f"));
    assert_int_equal(read_tree(machine.vm), 1000 - pvm_get_gas(machine.vm));
    assert_int_equal(node_count, 6);
    const uint32_t f = lab_at(&machine, "f");
    assert_called(node_of(lab_at(&machine, "h")), PVM_CALL_CALL, 1, lab_at(&machine, "g"));
    assert_called(node_of(f), PVM_CALL_CALL, 1, lab_at(&machine, "main"));
    /* What f() did after the jump is its own. */
    assert_int_equal(node_of(f)->gas,
                     lab_cost(&machine, "f") + 2 * lab_cost(&machine, "after_set") +
                         lab_cost(&machine, "back") +
                         pvm_program_blocks(
                             machine.program)[pvm_program_block_at(machine.program,
                                                                   lab_at(&machine, "after_g") - 1)]
                             .gas);
    lab_free(&machine);
}

/* Two stacks: each side goes behind the call of the other, which nobody has on the stack. */
static void jumps_into_nobody_are_shown_as_such(const lab_t *lab)
{
    machine_t machine = following(lab,
                                  ".jump_table @in_b, @in_a, @b, @a\n"
                                  "main:  load_imm r5, 2\n"
                                  "       load_imm r6, 40\n"
                                  "       jump @a\n"
                                  "a:     add_imm_64 r1, r1, -8\n"
                                  "       fallthrough\n"
                                  "loop:  load_imm_jump_ind r4, r5, 4, 0\n"
                                  "in_a:  add_imm_64 r6, r6, -1\n"
                                  "       branch_ne_imm r6, 0, @loop\n"
                                  "       trap\n"
                                  "b:     add_imm_64 r1, r1, -8\n"
                                  "       load_imm_jump r3, 2, @b\n"
                                  "in_b:  add_imm_64 r7, r7, 1\n"
                                  "       jump_ind r4, 0\n",
                                  5000);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(read_tree(machine.vm), 5000 - pvm_get_gas(machine.vm));
    assert_in_range(node_count, 3, 10);
    lab_free(&machine);
}

static void endless_recursion_is_bounded_and_loses_no_gas(const lab_t *lab)
{
    const uint64_t gas = lab->by_steps ? 20000 : 4000000;
    machine_t machine = following(lab,
                                  ".jump_table @back\n"
                                  "main: add_imm_64 r7, r7, 1\n"
                                  "      load_imm_jump r0, 2, @main\n"
                                  "back: trap\n",
                                  gas);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OOG);
    assert_int_equal(read_tree(machine.vm), gas - (uint64_t)pvm_get_gas(machine.vm));
    uint64_t calls = 0;
    for (size_t i = 1; i < node_count; i++) {
        calls += nodes[i].calls + nodes[i].deeper_calls;
    }
    assert_in_range(calls, pvm_get_register(machine.vm, 7), pvm_get_register(machine.vm, 7) + 1);
    if (calls > NODES_MAX) {
        assert_int_equal(node_count, NODES_MAX);
        assert_true(nodes[node_count - 1].deeper_gas > 0);
    }
    lab_free(&machine);
}

/* Down to r7 = 0 and back up, far deeper than contexts are told apart: the caller's gas is the caller's again. */
static void deep_recursion_comes_back(const lab_t *lab)
{
    machine_t machine = following(lab,
                                  ".jump_table @done, @back\n"
                                  "main: add_imm_64 r9, r7, 0\n"
                                  "      load_imm_jump r0, 2, @f\n"
                                  "done: add_imm_64 r8, r8, 1\n"
                                  "      trap\n"
                                  "f:    branch_eq_imm r9, 0, @up\n"
                                  "      add_imm_64 r9, r9, -1\n"
                                  "      load_imm_jump r0, 4, @f\n"
                                  "back: add_imm_64 r10, r10, 1\n"
                                  "      fallthrough\n"
                                  "up:   branch_eq r10, r7, @out\n"
                                  "      load_imm r0, 4\n"
                                  "      jump_ind r0, 0\n"
                                  "out:  load_imm r0, 2\n"
                                  "      jump_ind r0, 0\n",
                                  100000000);
    const uint64_t depth = lab->by_steps ? 1000 : NODES_MAX + 5000;

    pvm_set_register(machine.vm, 7, depth);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_register(machine.vm, 10), depth);
    assert_int_equal(read_tree(machine.vm), 100000000 - (uint64_t)pvm_get_gas(machine.vm));
    assert_int_equal(nodes[1].gas, lab_cost(&machine, "main") + lab_cost(&machine, "done"));
    if (depth > NODES_MAX) {
        assert_int_equal(node_count, NODES_MAX);
        assert_int_equal(nodes[node_count - 1].deeper_calls, depth + 1 - (NODES_MAX - 2));
        /* The last node has called, and has gone on behind the call. */
        assert_int_equal(nodes[node_count - 1].gas, nodes[node_count - 2].gas);
    }
    lab_free(&machine);
}

/* -- The host ------------------------------------------------------------------------------ */

static pvm_host_result_t take(pvm_vm_t *vm, int func_id, void *user_data)
{
    const int64_t gas = pvm_get_gas(vm);

    (void)user_data;
    pvm_set_gas(vm, func_id == 9 ? gas + 50 : gas < 7 ? -2 : gas - 7);
    return PVM_HOST_CONTINUE;
}

static void host_gas_is_the_callers(const lab_t *lab)
{
    static const char *const text = ".jump_table @one, @two\n"
                                    "main: ecalli 9\n"
                                    "      load_imm_jump r0, 2, @f\n"
                                    "one:  load_imm_jump r0, 4, @f\n"
                                    "two:  trap\n"
                                    "f:    ecalli 1\n"
                                    "      jump_ind r0, 0\n";

    for (uint64_t gas = 0; gas < 400; gas += 7) {
        machine_t machine = following(lab, text, gas);
        pvm_set_host_callback(machine.vm, take, NULL);
        const pvm_result_t result = lab_execute(lab, machine.vm, 0);
        const uint64_t tree = read_tree(machine.vm);
        const int64_t left = pvm_get_gas(machine.vm);
        uint64_t added = 0;
        for (size_t i = 1; i < node_count; i++) {
            added += nodes[i].routine == 0 && nodes[i].host_calls > 0 ? 50 : 0;
            assert_int_equal(nodes[i].routine == 0 ? nodes[i].host_gas : 0, 0);
        }
        assert_int_equal(tree, gas + added - (uint64_t)(left < 0 ? 0 : left));
        if (result == PVM_RESULT_PANIC && lab->flat) {
            assert_int_equal(node_count, 4);
            assert_int_equal(nodes[2].host_gas, 7);
            assert_int_equal(nodes[3].host_gas, 7);
        }
        lab_free(&machine);
    }
}

/* Left to the caller, the call's gas is the host's until it goes on. */
static void a_host_call_left_to_the_caller_is_still_the_callers(const lab_t *lab)
{
    machine_t machine = following(lab,
                                  ".jump_table @back\n"
                                  "main: load_imm_jump r0, 2, @f\n"
                                  "back: trap\n"
                                  "f:    ecalli 3\n"
                                  "      jump_ind r0, 0\n",
                                  1000);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
    pvm_set_gas(machine.vm, pvm_get_gas(machine.vm) - 100);
    assert_int_equal(read_tree(machine.vm), 1000 - pvm_get_gas(machine.vm));
    assert_int_equal(node_of(lab_at(&machine, "f"))->host_gas, 100);
    /* To go on where it would have gone on is no new entry. */
    assert_int_equal(pvm_set_pc(machine.vm, lab_at(&machine, "f") + 2), 0);
    (void)lab_resume(lab, machine.vm);
    assert_int_equal(read_tree(machine.vm), 1000 - pvm_get_gas(machine.vm));
    assert_int_equal(node_count, 3);
    /* Elsewhere it is. */
    assert_int_equal(pvm_set_pc(machine.vm, lab_at(&machine, "back")), 0);
    (void)lab_resume(lab, machine.vm);
    assert_int_equal(read_tree(machine.vm), 1000 - pvm_get_gas(machine.vm));
    assert_int_equal(node_count, 4);
    assert_called(&nodes[3], PVM_CALL_ENTRY, 1, PVM_BLOCK_NONE);
    lab_free(&machine);
}

static void several_executions_add_up_until_cleared(const lab_t *lab)
{
    machine_t machine = following(lab, calls_text, 1000);
    uint64_t used = 0;

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
        used += 1000 - (uint64_t)pvm_get_gas(machine.vm);
        assert_int_equal(read_tree(machine.vm), used);
        assert_int_equal(nodes[1].calls, i);
        assert_int_equal(node_count, 6);
    }
    assert_int_equal(pvm_clear_counts(machine.vm), 0);
    assert_int_equal(read_tree(machine.vm), 0);
    assert_int_equal(pvm_get_indirect_jumps(machine.vm, NULL, 0), 0);
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_COUNTS), 0);
    assert_int_equal(pvm_get_call_tree(machine.vm, nodes, NODES_MAX), 0);
    lab_free(&machine);
}

static pvm_host_result_t switch_calls(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)user_data;
    assert_int_equal(pvm_set_instrumentation(vm, func_id == 1 ? (uint32_t)PVM_INSTRUMENT_CALLS : 0),
                     0);
    return PVM_HOST_CONTINUE;
}

static void calls_can_be_followed_from_any_host_call_on(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    ".jump_table @back, @end\n"
                                    "main: load_imm_jump r0, 2, @f\n"
                                    "back: load_imm_jump r0, 4, @f\n"
                                    "end:  trap\n"
                                    "f:    add_imm_64 r1, r1, -8\n"
                                    "      ecalli 1\n"
                                    "      add_imm_64 r2, r2, 1\n"
                                    "      jump_ind r0, 0\n",
                                    1000);

    pvm_set_host_callback(machine.vm, switch_calls, NULL);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    /* Entered behind the call, in nobody's context; then back to main, whom nobody had called, who calls. */
    (void)read_tree(machine.vm);
    assert_int_equal(node_count, 4);
    assert_int_equal(nodes[1].kind, PVM_CALL_ENTRY);
    assert_int_equal(nodes[2].kind, PVM_CALL_UNKNOWN);
    assert_called(&nodes[3], PVM_CALL_CALL, 1, lab_at(&machine, "main"));
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(the_tree_of_a_guest_is_what_single_steps_say, LAB_0_7_2 | LAB_0_8_0, LAB_PLAIN),
        LAB_TEST(pairs_of_jumps_add_up_to_the_edges, LAB_0_7_2 | LAB_0_8_0, LAB_PLAIN),
        LAB_TEST(calls_returns_and_tail_calls_are_told_apart, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(gas_adds_up_wherever_it_ends, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(a_long_jump_ends_all_calls_between, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(jumps_into_nobody_are_shown_as_such, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(endless_recursion_is_bounded_and_loses_no_gas, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_STEPS),
        LAB_TEST(deep_recursion_comes_back, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(host_gas_is_the_callers, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(a_host_call_left_to_the_caller_is_still_the_callers, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_STEPS),
        LAB_TEST(several_executions_add_up_until_cleared, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
        LAB_TEST(calls_can_be_followed_from_any_host_call_on, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
