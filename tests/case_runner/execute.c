/* Running a vector: in one go, by single steps, and with counters; all three must agree with each other, with what
 * is expected, and the counters with the gas. */
#include "vector.h"

#include <inttypes.h>
#include <pvm/trace.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* More steps than any vector takes: a machine that does not stop is a failure, not a hanging test. */
#define MAX_STEPS 3000000
#define MAX_PAGES 4096

typedef enum { MODE_WHOLE, MODE_STEP, MODE_COUNTING, MODE_COUNTING_STEP, MODE_COUNT } run_mode_t;

static const char *const mode_names[MODE_COUNT] = {"whole", "step", "counting", "counting step"};

/* Everything that can be seen of a machine after a run. */
typedef struct {
    pvm_result_t result;
    int state;
    uint32_t pc;
    int64_t gas;
    int host_call;
    uint32_t fault;
    int charged;
    uint64_t regs[PVM_REGISTER_COUNT];
    uint64_t memory_hash;
} snapshot_t;

typedef struct {
    const vector_t *vector;
    pvm_backend_t backend;
    run_mode_t mode;
    pvm_vm_t *vm;
    pvm_program_t *program;
    bool has_run;
    bool has_failed;
    int64_t gas_given; /* by the start and by set-gas, less what set-gas took away */
    uint32_t pages[MAX_PAGES];
    size_t page_count;
    snapshot_t *snapshots; /* of MODE_WHOLE, one for each run; the other modes compare */
    size_t snapshot_count;
} run_t;

__attribute__((format(printf, 2, 3))) static void fail(run_t *run, const char *format, ...)
{
    va_list args;

    run->has_failed = true;
    (void)printf("FAIL %s: %s [%s, %s, %s]", run->vector->file_name, run->vector->name,
                 spec_name(run->vector->spec),
                 run->backend == PVM_BACKEND_RECOMPILER ? "recompiler" : "interpreter",
                 mode_names[run->mode]);
    if (run->vm != NULL) {
        (void)printf(" pc %u", pvm_get_pc(run->vm));
    }
    (void)printf(": ");
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
}

/* -- Memory ----------------------------------------------------------------------------- */

static void remember_pages(run_t *run, uint32_t address, uint64_t len)
{
    for (uint64_t at = address; at < address + len; at += PVM_PAGE_SIZE) {
        bool known = false;
        for (size_t i = 0; i < run->page_count; i++) {
            known = known || run->pages[i] == at;
        }
        if (!known && run->page_count < MAX_PAGES) {
            run->pages[run->page_count++] = (uint32_t)at;
        }
    }
}

/* FNV-1a over all pages that were ever mapped, in the order of mapping. */
static uint64_t hash_memory(const run_t *run)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint8_t page[PVM_PAGE_SIZE];

    for (size_t i = 0; i < run->page_count; i++) {
        if (pvm_read_memory(run->vm, run->pages[i], page, sizeof(page)) != 0) {
            memset(page, 0xee, sizeof(page));
        }
        for (size_t k = 0; k < sizeof(page); k++) {
            hash = (hash ^ page[k]) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

static uint8_t expected_octet(const expectation_t *expect, uint32_t address)
{
    for (size_t i = 0; i < expect->memory_count; i++) {
        const chunk_t *chunk = &expect->memory[i];
        if (address >= chunk->address && address - chunk->address < chunk->len) {
            return chunk->octets[address - chunk->address];
        }
    }
    return 0;
}

static void check_all_memory(run_t *run, const expectation_t *expect)
{
    uint8_t page[PVM_PAGE_SIZE];

    for (size_t i = 0; i < run->page_count; i++) {
        if (pvm_read_memory(run->vm, run->pages[i], page, sizeof(page)) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < sizeof(page); k++) {
            const uint8_t wanted = expected_octet(expect, run->pages[i] + k);
            if (page[k] != wanted) {
                fail(run, "memory at 0x%08x: expected %02x, got %02x", run->pages[i] + k, wanted,
                     page[k]);
                return;
            }
        }
    }
}

static void check_listed_memory(run_t *run, const expectation_t *expect)
{
    for (size_t i = 0; i < expect->memory_count; i++) {
        const chunk_t *chunk = &expect->memory[i];
        for (size_t k = 0; k < chunk->len; k++) {
            uint8_t octet;
            const uint32_t at = chunk->address + (uint32_t)k;
            if (pvm_read_memory(run->vm, at, &octet, 1) != 0) {
                fail(run, "memory at 0x%08x: expected %02x, got no access", at, chunk->octets[k]);
                return;
            }
            if (octet != chunk->octets[k]) {
                fail(run, "memory at 0x%08x: expected %02x, got %02x", at, chunk->octets[k], octet);
                return;
            }
        }
    }
}

/* -- Expectations ----------------------------------------------------------------------- */

static void check_number(run_t *run, const char *what, int64_t wanted, int64_t got)
{
    if (wanted != got) {
        fail(run, "%s: expected %" PRId64 ", got %" PRId64, what, wanted, got);
    }
}

static void check_expectation(run_t *run, const expectation_t *expect)
{
    const int state = pvm_get_machine_state(run->vm);

    if (expect->state != ABSENT && expect->state != state) {
        fail(run, "status: expected %s, got %s", state_name(expect->state), state_name(state));
    }
    if (expect->pc != ABSENT) {
        check_number(run, "pc", expect->pc, pvm_get_pc(run->vm));
    }
    if (expect->has_gas) {
        const int64_t left = pvm_get_gas(run->vm);
        check_number(run, expect->gas_is_used ? "gas used" : "gas", expect->gas,
                     expect->gas_is_used ? run->gas_given - left : left);
    }
    if (expect->fault != ABSENT) {
        check_number(run, "fault address", expect->fault, pvm_get_fault_address(run->vm));
    }
    if (expect->has_host_call) {
        check_number(run, "host call", expect->host_call, pvm_get_host_call(run->vm));
    }
    if (expect->charged != ABSENT) {
        check_number(run, "charged", expect->charged, pvm_get_charged(run->vm));
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        const uint64_t got = pvm_get_register(run->vm, i);
        if (((expect->regs_given >> i) & 1) != 0 && got != expect->regs[i]) {
            fail(run, "r%d: expected 0x%" PRIx64 ", got 0x%" PRIx64, i, expect->regs[i], got);
        }
    }
    if (expect->memory_is_all) {
        check_all_memory(run, expect);
    } else {
        check_listed_memory(run, expect);
    }
}

/* -- Runs ------------------------------------------------------------------------------- */

static pvm_result_t run_by_steps(run_t *run, int64_t entry)
{
    if (entry != ABSENT && pvm_set_pc(run->vm, (uint32_t)entry) != 0) {
        fail(run, "pvm_set_pc(%lld): %s", (long long)entry, pvm_last_error());
        return PVM_RESULT_ERROR;
    }
    for (unsigned i = 0; i < MAX_STEPS; i++) {
        const pvm_result_t result = pvm_step(run->vm);
        if (result != PVM_RESULT_OK || pvm_get_machine_state(run->vm) != PVM_STATE_READY) {
            return result;
        }
    }
    fail(run, "still running after %d steps", MAX_STEPS);
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
    snapshot.memory_hash = hash_memory(run);
    return snapshot;
}

static void compare_snapshots(run_t *run, const snapshot_t *whole, const snapshot_t *now)
{
    check_number(run, "result, against whole", (int)whole->result, (int)now->result);
    check_number(run, "state, against whole", whole->state, now->state);
    check_number(run, "pc, against whole", whole->pc, now->pc);
    check_number(run, "gas, against whole", whole->gas, now->gas);
    check_number(run, "host call, against whole", whole->host_call, now->host_call);
    check_number(run, "fault address, against whole", whole->fault, now->fault);
    check_number(run, "charged, against whole", whole->charged, now->charged);
    if (memcmp(whole->regs, now->regs, sizeof(whole->regs)) != 0) {
        fail(run, "registers differ from the whole run");
    }
    if (whole->memory_hash != now->memory_hash) {
        fail(run, "memory differs from the whole run");
    }
}

/* The result that belongs to a state. */
static pvm_result_t result_of_state(int state)
{
    static const pvm_result_t results[] = {
        [PVM_STATE_HALT] = PVM_RESULT_OK,       [PVM_STATE_PANIC] = PVM_RESULT_PANIC,
        [PVM_STATE_FAULT] = PVM_RESULT_FAULT,   [PVM_STATE_HOST] = PVM_RESULT_HOST_CALL,
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
        fail(run, "the run is refused: %s", pvm_last_error());
        return;
    }
    check_number(run, "result, by state", (int)result_of_state(pvm_get_machine_state(run->vm)),
                 (int)result);
    const snapshot_t now = take_snapshot(run, result);
    if (run->mode == MODE_WHOLE) {
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
    check_number(run, "block counts", (int64_t)count + 1, (int64_t)got);
    check_number(run, "gas of all blocks", run->gas_given - pvm_get_gas(run->vm), (int64_t)sum);
    free(counts);
}

static void do_action(run_t *run, const action_t *action, size_t *run_index)
{
    int status = 0;

    switch (action->kind) {
    case ACTION_MAP:
        status = pvm_map_memory(run->vm, action->chunk.address, action->map_len, action->access);
        remember_pages(run, action->chunk.address, action->map_len);
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
        check_expectation(run, &action->expect);
        break;
    }
    if (status != 0) {
        fail(run, "the action is refused: %s", pvm_last_error());
    }
}

static void check_costs(run_t *run)
{
    const pvm_block_t *blocks = pvm_program_blocks(run->program);
    const uint32_t count = pvm_program_block_count(run->program);

    check_number(run, "number of blocks", (int64_t)run->vector->cost_count, count);
    for (size_t i = 0; i < run->vector->cost_count; i++) {
        const block_cost_t *cost = &run->vector->costs[i];
        const uint32_t at = pvm_program_block_at(run->program, cost->pc);
        if (at >= count || blocks[at].pc != cost->pc) {
            fail(run, "no block begins at %u", cost->pc);
        } else if (blocks[at].gas != cost->gas) {
            fail(run, "cost of the block at %u: expected %u, got %u", cost->pc, cost->gas,
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
        fail(run, "no machine: %s", pvm_last_error());
        return;
    }
    run->has_run = false;
    run->page_count = 0;
    run->gas_given = (int64_t)vector->gas;
    if (counts && pvm_set_instrumentation(run->vm, PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES) != 0) {
        fail(run, "no counting: %s", pvm_last_error());
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

void vector_run(const vector_t *vector, pvm_backend_t backend, tally_t *tally)
{
    run_t *run = must_alloc(sizeof(*run));

    *run = (run_t){.vector = vector, .backend = backend};
    run->snapshots = must_alloc((vector->action_count + 1) * sizeof(*run->snapshots));
    run->program = pvm_program_load(vector->blob, vector->blob_len, PVM_FORMAT_RAW, vector->spec);
    if (run->program == NULL) {
        fail(run, "not loaded: %s", pvm_last_error());
        tally->failures++;
    } else {
        if (vector->cost_count > 0) {
            check_costs(run);
        }
        for (run->mode = 0; run->mode < MODE_COUNT; run->mode++) {
            run_in_mode(run);
            tally->runs++;
            tally->failures += run->has_failed;
            run->has_failed = false;
        }
        pvm_program_release(run->program);
    }
    free(run->snapshots);
    free(run);
}
