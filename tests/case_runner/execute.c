/* Running a vector: in one go, by single steps, and both with counters, on each backend. All
 * must agree with each other, with what is expected, and the counters with the gas. */
#include "run.h"

#include <pvm/trace.h>
#include <stdlib.h>
#include <string.h>

/* More steps than any vector takes: a machine that does not stop is a failure, not a hanging
 * test. */
#define MAX_STEPS 3000000

/* -- Runs ------------------------------------------------------------------------------- */

static pvm_result_t run_by_steps(run_t *run, int64_t entry)
{
    if (entry != ABSENT && pvm_set_pc(run->vm, (uint32_t)entry) != 0) {
        run_fail(run, "pvm_set_pc(%lld): %s", (long long)entry, pvm_last_error());
        return PVM_RESULT_ERROR;
    }
    for (unsigned i = 0; i < MAX_STEPS; i++) {
        const pvm_result_t result = pvm_step(run->vm);
        if (result != PVM_RESULT_OK || pvm_get_machine_state(run->vm) != PVM_STATE_READY) {
            return result;
        }
    }
    run_fail(run, "still running after %d steps", MAX_STEPS);
    return PVM_RESULT_ERROR;
}

static snapshot_t take_snapshot(const run_t *run, pvm_result_t result)
{
    snapshot_t snapshot;

    memset(&snapshot, 0, sizeof(snapshot));
    snapshot.result = result;
    snapshot.state = pvm_get_machine_state(run->vm);
    snapshot.pc = pvm_get_pc(run->vm);
    snapshot.gas = pvm_get_gas(run->vm);
    snapshot.host_call = pvm_get_host_call(run->vm);
    snapshot.fault = pvm_get_fault_address(run->vm);
    snapshot.charged = pvm_get_charged(run->vm);
    memcpy(snapshot.regs, pvm_get_registers(run->vm), sizeof(snapshot.regs));
    snapshot.memory_hash = run_hash_memory(run);
    return snapshot;
}

static void compare_snapshots(run_t *run, const snapshot_t *first, const snapshot_t *now)
{
    run_check_number(run, "result, against the first run", (int)first->result, (int)now->result);
    run_check_number(run, "state, against the first run", first->state, now->state);
    run_check_number(run, "pc, against the first run", first->pc, now->pc);
    run_check_number(run, "gas, against the first run", first->gas, now->gas);
    run_check_number(run, "host call, against the first run", first->host_call, now->host_call);
    run_check_number(run, "fault address, against the first run", first->fault, now->fault);
    run_check_number(run, "charged, against the first run", first->charged, now->charged);
    if (memcmp(first->regs, now->regs, sizeof(first->regs)) != 0) {
        run_fail(run, "registers differ from the first run");
    }
    if (first->memory_hash != now->memory_hash) {
        run_fail(run, "memory differs from the first run");
    }
}

/* The result that belongs to a state. */
static pvm_result_t result_of_state(int state)
{
    static const pvm_result_t results[] = {
        [PVM_STATE_HALT] = PVM_RESULT_OK,     [PVM_STATE_PANIC] = PVM_RESULT_PANIC,
        [PVM_STATE_FAULT] = PVM_RESULT_FAULT, [PVM_STATE_HOST] = PVM_RESULT_HOST_CALL,
        [PVM_STATE_OOG] = PVM_RESULT_OOG,
    };

    return state >= 0 && state <= PVM_STATE_OOG ? results[state] : PVM_RESULT_ERROR;
}

static void run_once(run_t *run, int64_t entry, size_t index)
{
    pvm_result_t result;

    if (run->mode == MODE_STEP || run->mode == MODE_COUNTING_STEP) {
        result = run_by_steps(run, entry);
    } else if (entry != ABSENT) {
        result = pvm_execute(run->vm, (uint32_t)entry);
    } else {
        result = pvm_resume(run->vm);
    }
    run->has_run = true;
    if (result == PVM_RESULT_ERROR) {
        run_fail(run, "the run is refused: %s", pvm_last_error());
        return;
    }
    run_check_number(run, "result, by state", (int)result_of_state(pvm_get_machine_state(run->vm)),
                     (int)result);
    const snapshot_t now = take_snapshot(run, result);
    if (run->is_reference) {
        run->snapshots[index] = now;
        run->snapshot_count = index + 1;
    } else if (index < run->snapshot_count) {
        compare_snapshots(run, &run->snapshots[index], &now);
    }
}

/* Sum rule: without host gas, what the blocks were charged is what the machine has lost. */
static void check_counts(run_t *run)
{
    const uint32_t count = pvm_program_block_count(run->program);
    pvm_block_count_t *counts = must_alloc((count + (size_t)1) * sizeof(*counts));
    const size_t got = pvm_get_block_counts(run->vm, counts, count + (size_t)1);
    uint64_t sum = 0;

    for (size_t i = 0; i < got; i++) {
        sum += counts[i].gas;
    }
    run_check_number(run, "block counts", (int64_t)count + 1, (int64_t)got);
    run_check_number(run, "gas of all blocks", run->gas_given - pvm_get_gas(run->vm), (int64_t)sum);
    free(counts);
}

static void do_action(run_t *run, const action_t *action, size_t *run_index)
{
    int status = 0;

    switch (action->kind) {
    case ACTION_MAP:
        status = pvm_map_memory(run->vm, action->chunk.address, action->map_len, action->access);
        run_remember_pages(run, action->chunk.address, action->map_len);
        break;
    case ACTION_POKE:
        status = pvm_poke_memory(run->vm, action->chunk.address, action->chunk.octets,
                                 action->chunk.len);
        break;
    case ACTION_SET_REGISTER:
        pvm_set_register(run->vm, (int)action->index, action->number);
        break;
    case ACTION_SET_GAS:
        run->gas_given += (int64_t)action->number - pvm_get_gas(run->vm);
        pvm_set_gas(run->vm, (int64_t)action->number);
        break;
    case ACTION_SET_CHARGED:
        status = pvm_set_charged(run->vm, (int)action->number);
        break;
    case ACTION_RUN:
        run_once(run, (int64_t)action->number, (*run_index)++);
        break;
    case ACTION_RESUME:
        run_once(run, run->has_run ? ABSENT : (int64_t)run->vector->entry, (*run_index)++);
        break;
    case ACTION_EXPECT:
        run_check_expectation(run, &action->expect);
        break;
    }
    if (status != 0) {
        run_fail(run, "the action is refused: %s", pvm_last_error());
    }
}

static void check_costs(run_t *run)
{
    const pvm_block_t *blocks = pvm_program_blocks(run->program);
    const uint32_t count = pvm_program_block_count(run->program);

    run_check_number(run, "number of blocks", (int64_t)run->vector->cost_count, count);
    for (size_t i = 0; i < run->vector->cost_count; i++) {
        const block_cost_t *cost = &run->vector->costs[i];
        const uint32_t at = pvm_program_block_at(run->program, cost->pc);
        if (at >= count || blocks[at].pc != cost->pc) {
            run_fail(run, "no block begins at %u", cost->pc);
        } else if (blocks[at].gas != cost->gas) {
            run_fail(run, "cost of the block at %u: expected %u, got %u", cost->pc, cost->gas,
                     blocks[at].gas);
        }
    }
}

static void run_in_mode(run_t *run)
{
    const bool counts = run->mode == MODE_COUNTING || run->mode == MODE_COUNTING_STEP;
    const vector_t *vector = run->vector;
    size_t run_index = 0;

    run->vm = pvm_instantiate(run->program, run->backend, 0, vector->gas);
    if (run->vm == NULL) {
        run_fail(run, "no machine: %s", pvm_last_error());
        return;
    }
    run->has_run = false;
    run->page_count = 0;
    run->gas_given = (int64_t)vector->gas;
    if (counts &&
        pvm_set_instrumentation(run->vm, PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES) != 0) {
        run_fail(run, "no counting: %s", pvm_last_error());
    }
    for (size_t i = 0; i < vector->action_count && !run->has_failed; i++) {
        do_action(run, &vector->actions[i], &run_index);
    }
    if (counts && !run->has_failed) {
        check_counts(run);
    }
    pvm_destroy(run->vm);
    run->vm = NULL;
}

static void run_on_backend(run_t *run, tally_t *tally)
{
    for (run->mode = 0; run->mode < MODE_COUNT; run->mode++) {
        run->has_failed = false;
        run_in_mode(run);
        run->is_reference = false;
        tally->runs++;
        tally->failures += run->has_failed;
    }
}

void vector_run(const vector_t *vector, const bool backends[PVM_BACKEND_COUNT], tally_t *tally)
{
    run_t *run = must_alloc(sizeof(*run));

    *run = (run_t){.vector = vector, .is_reference = true};
    run->snapshots = must_alloc((vector->action_count + 1) * sizeof(*run->snapshots));
    run->program = pvm_program_load(vector->blob, vector->blob_len, PVM_FORMAT_RAW, vector->spec);
    if (run->program == NULL) {
        run_fail(run, "not loaded: %s", pvm_last_error());
    } else {
        if (vector->cost_count > 0) {
            check_costs(run);
        }
        tally->failures += run->has_failed;
        for (int backend = PVM_BACKEND_INTERPRETER; backend < PVM_BACKEND_COUNT; backend++) {
            if (backends[backend]) {
                run->backend = (pvm_backend_t)backend;
                run_on_backend(run, tally);
            }
        }
        run->has_failed = false;
        pvm_program_release(run->program);
    }
    tally->failures += run->has_failed;
    free(run->snapshots);
    free(run);
}
