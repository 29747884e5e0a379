/* Counts by watching steps: state before, state after, and what the program says about the instruction between. */
#include "oracle.h"

#include "support/call_model.h"

#include "isa/semantics.h"
#include "program/program.h"

#include <stdlib.h>
#include <string.h>

typedef enum { ARRIVAL_NONE, ARRIVAL_ENTRY, ARRIVAL_NEXT, ARRIVAL_JUMP, ARRIVAL_HUB } arrival_t;

struct diff_oracle_t {
    const pvm_program_t *program;
    /* Where the machine is going to be when it pays next, and how it got there. */
    arrival_t arrival;
    uint32_t from;   /* pc of the terminator */
    uint32_t target; /* where it went */
    /* The step under way. */
    pvm_instruction_t in;
    uint64_t registers[PVM_REGISTER_COUNT];
    int64_t gas;
    bool charged;
    bool settled; /* its payment is counted */
    bool moved;   /* its host has set pc */
    bool host_has_begun;
    /* Counts; edges by the pc of their terminator. */
    uint64_t next[DIFF_CODE_MAX + 1];
    uint64_t jump[DIFF_CODE_MAX + 1];
    uint64_t to_hub[DIFF_CODE_MAX + 1];
    uint64_t from_hub[DIFF_CODE_MAX + 2];
    uint64_t entries[DIFF_CODE_MAX + 2];
    uint64_t hits[DIFF_CODE_MAX + 2];
    uint64_t gas_of[DIFF_CODE_MAX + 2];
    uint32_t opcodes[PVM_OP_COUNT];
    uint64_t instructions;
    diff_trace_t trace;
    call_model_t *calls;
    bool host_is_open; /* left to the caller */
};

diff_oracle_t *diff_oracle_create(void)
{
    diff_oracle_t *const oracle = calloc(1, sizeof(diff_oracle_t));

    if (oracle != NULL) {
        oracle->calls = call_model_create();
    }
    if (oracle != NULL && oracle->calls == NULL) {
        diff_oracle_destroy(oracle);
        return NULL;
    }
    return oracle;
}

void diff_oracle_destroy(diff_oracle_t *oracle)
{
    if (oracle != NULL) {
        call_model_destroy(oracle->calls);
    }
    free(oracle);
}

void diff_oracle_begin(diff_oracle_t *oracle, const pvm_program_t *program)
{
    const size_t pcs = (size_t)program->code.len + 1;
    const size_t blocks = (size_t)program->block_count + 1;

    memset(oracle->next, 0, pcs * sizeof(*oracle->next));
    memset(oracle->jump, 0, pcs * sizeof(*oracle->jump));
    memset(oracle->to_hub, 0, pcs * sizeof(*oracle->to_hub));
    memset(oracle->from_hub, 0, blocks * sizeof(*oracle->from_hub));
    memset(oracle->entries, 0, blocks * sizeof(*oracle->entries));
    memset(oracle->hits, 0, blocks * sizeof(*oracle->hits));
    memset(oracle->gas_of, 0, blocks * sizeof(*oracle->gas_of));
    memset(oracle->opcodes, 0, sizeof(oracle->opcodes));
    oracle->instructions = 0;
    oracle->trace = (diff_trace_t){.count = 0};
    oracle->program = program;
    (void)call_model_begin(oracle->calls, program);
    oracle->host_is_open = false;
    oracle->arrival = ARRIVAL_ENTRY;
    oracle->settled = true;
}

static void hit(diff_oracle_t *oracle, uint32_t block)
{
    oracle->hits[block]++;
    diff_trace_add(&oracle->trace, block);
}

/* Count the arrival at a block: at the one that starts there, if it does. */
static void count_hit(diff_oracle_t *oracle, uint32_t pc)
{
    if (pvm_program_is_block_start(oracle->program, pc)) {
        hit(oracle, pvm_program_block_at(oracle->program, pc));
    }
}

static void count_arrival(diff_oracle_t *oracle, uint32_t pc)
{
    const uint32_t at = pvm_program_block_at(oracle->program, pc);

    switch (oracle->arrival) {
    case ARRIVAL_NONE:
        break;
    case ARRIVAL_ENTRY:
        /* An entry counts for the block that it is in. */
        oracle->entries[at]++;
        hit(oracle, at);
        break;
    case ARRIVAL_NEXT:
        oracle->next[oracle->from]++;
        count_hit(oracle, oracle->target);
        break;
    case ARRIVAL_JUMP:
        oracle->jump[oracle->from]++;
        count_hit(oracle, oracle->target);
        break;
    case ARRIVAL_HUB:
        call_model_pair(oracle->calls, oracle->from, oracle->target);
        oracle->to_hub[oracle->from]++;
        oracle->from_hub[at]++;
        hit(oracle, at);
        break;
    }
    oracle->arrival = ARRIVAL_NONE;
}

/* The instruction of this step is executed: count what it paid, and the arrival if it paid at all. `gas` is what is
 * left now. */
static void settle(diff_oracle_t *oracle, int64_t gas)
{
    const pvm_program_t *const program = oracle->program;

    if (oracle->settled) {
        return;
    }
    oracle->settled = true;
    oracle->opcodes[oracle->in.op]++;
    oracle->instructions++;
    if (program->has_block_gas && oracle->charged) {
        /* In the middle of what is paid: where the host has set pc to, nobody arrives, not even if it takes that back later. */
        oracle->arrival = ARRIVAL_NONE;
        call_model_paid(oracle->calls, oracle->in.pc, 0);
        return;
    }
    call_model_paid(oracle->calls, oracle->in.pc, (uint64_t)(oracle->gas - gas));
    count_arrival(oracle, oracle->in.pc);
    oracle->gas_of[pvm_program_block_at(program, oracle->in.pc)] += (uint64_t)(oracle->gas - gas);
}

/* -- Around a step ------------------------------------------------------------------------- */

/* A host call that was left to the caller has its answer. */
static void end_host_call(diff_oracle_t *oracle, pvm_vm_t *vm)
{
    if (oracle->host_is_open) {
        call_model_host_end(oracle->calls, pvm_get_gas(vm));
    }
    oracle->host_is_open = false;
}

static void before(void *data, pvm_vm_t *vm)
{
    diff_oracle_t *const oracle = data;
    uint32_t pc = pvm_get_pc(vm);

    end_host_call(oracle, vm);

    if (pvm_get_machine_state(vm) == PVM_STATE_HOST) {
        pc += 1 + pvm_isa_skip(&oracle->program->code, pc);
    }
    pvm_isa_decode(&oracle->program->code, pc, &oracle->in);
    memcpy(oracle->registers, pvm_get_registers(vm), sizeof(oracle->registers));
    oracle->gas = pvm_get_gas(vm);
    oracle->charged = pvm_get_charged(vm);
    oracle->settled = oracle->program->error != NULL ||
                      (oracle->program->spec == PVM_SPEC_0_8_0 && oracle->in.implicit);
    oracle->moved = false;
    oracle->host_has_begun = false;
}

static void host_call(void *data, pvm_vm_t *vm)
{
    diff_oracle_t *const oracle = data;

    settle(oracle, pvm_get_gas(vm));
    call_model_host_begin(oracle->calls, pvm_get_gas(vm));
    oracle->host_has_begun = true;
}

static void moved(void *data, pvm_vm_t *vm, bool goes_on)
{
    diff_oracle_t *const oracle = data;

    end_host_call(oracle, vm);
    if (!goes_on) {
        call_model_forget(oracle->calls);
    }
    oracle->arrival = ARRIVAL_ENTRY;
    oracle->moved = true;
}

#define V_A                              registers[in->a]
#define V_B                              registers[in->b]
#define V_X                              ((uint64_t)in->x)
#define IS_TAKEN_TRAP(p, q, r, s)        false
#define IS_TAKEN_FALLTHROUGH(p, q, r, s) false
#define IS_TAKEN_HINT(p, q, r, s)        false
#define IS_TAKEN_HOST_CALL(p, q, r, s)   false
#define IS_TAKEN_SET1(p, q, r, s)        false
#define IS_TAKEN_SET2(p, q, r, s)        false
#define IS_TAKEN_CMOV(p, q, r, s)        false
#define IS_TAKEN_LOAD(p, q, r, s)        false
#define IS_TAKEN_STORE(p, q, r, s)       false
#define IS_TAKEN_JUMP(p, q, r, s)        true
#define IS_TAKEN_JUMP_IND(p, q, r, s)    true
#define IS_TAKEN_BRANCH(cond, v, w, s)   pvm_sem_##cond(V_##v, V_##w)
#define IS_TAKEN_SBRK(p, q, r, s)        false

static bool is_taken(const pvm_instruction_t *in, const uint64_t *registers)
{
    switch ((pvm_op_t)in->op) {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    case PVM_OP_##name:                                                                            \
        return IS_TAKEN_##effect(p, q, r, s);
#include "isa/instructions.def"
    case PVM_OP_COUNT:
        break;
    }
    return false;
}

static void after_host_call(diff_oracle_t *oracle, pvm_vm_t *vm, pvm_result_t result)
{
    if (!oracle->host_has_begun) {
        call_model_host_begin(oracle->calls, pvm_get_gas(vm));
    }
    oracle->host_is_open = true;
    if (result != PVM_RESULT_HOST_CALL || pvm_get_machine_state(vm) != PVM_STATE_HOST) {
        end_host_call(oracle, vm);
    }
}

static void after(void *data, pvm_vm_t *vm, pvm_result_t result)
{
    diff_oracle_t *const oracle = data;
    const bool was_settled = oracle->settled && !oracle->host_has_begun;

    if (!oracle->settled && result == PVM_RESULT_OOG) {
        return;
    }
    settle(oracle, pvm_get_gas(vm));
    if (oracle->in.op == PVM_OP_ecalli && !oracle->in.implicit && !was_settled) {
        after_host_call(oracle, vm, result);
    }
    const bool goes_on = result == PVM_RESULT_OK && pvm_get_machine_state(vm) == PVM_STATE_READY;
    if (!goes_on || oracle->moved || !pvm_isa_is_terminator((pvm_op_t)oracle->in.op)) {
        return;
    }
    oracle->from = oracle->in.pc;
    oracle->target = pvm_get_pc(vm);
    call_model_jump(oracle->calls, &oracle->in, oracle->target);
    if (pvm_isa_ops[oracle->in.op].effect == PVM_EFFECT_JUMP_IND) {
        oracle->arrival = ARRIVAL_HUB;
    } else {
        oracle->arrival = is_taken(&oracle->in, oracle->registers) ? ARRIVAL_JUMP : ARRIVAL_NEXT;
    }
}

/* -- In the form of the API ---------------------------------------------------------------- */

static void add_edge(diff_counts_t *out, uint32_t from, uint32_t to, pvm_edge_kind_t kind,
                     uint64_t count)
{
    if (count > 0 && out->edge_count < out->edges_max) {
        out->edges[out->edge_count++] =
            (pvm_edge_count_t){.from = from, .to = to, .kind = kind, .count = count};
    }
}

/* The block that starts at a pc, or none. */
static uint32_t block_from(const pvm_program_t *program, int64_t pc)
{
    if (pc < 0 || pc > program->code.len || !pvm_program_is_block_start(program, (uint64_t)pc)) {
        return PVM_BLOCK_NONE;
    }
    return pvm_program_block_at(program, (uint32_t)pc);
}

static void get(void *data, pvm_vm_t *vm, diff_counts_t *out)
{
    const diff_oracle_t *const oracle = data;
    const pvm_program_t *const program = oracle->program;

    (void)vm;
    out->block_count = program->block_count + (size_t)1;
    for (size_t i = 0; i < out->block_count; i++) {
        out->blocks[i] = (pvm_block_count_t){.hits = oracle->hits[i], .gas = oracle->gas_of[i]};
    }
    out->edge_count = 0;
    for (uint32_t pc = 0; pc < program->code.len; pc++) {
        if ((oracle->next[pc] | oracle->jump[pc] | oracle->to_hub[pc]) != 0) {
            const uint32_t from = pvm_program_block_at(program, pc);
            pvm_instruction_t in;
            pvm_isa_decode(&program->code, pc, &in);
            add_edge(out, from, block_from(program, in.next), PVM_EDGE_NEXT, oracle->next[pc]);
            add_edge(out, from, block_from(program, in.y), PVM_EDGE_JUMP, oracle->jump[pc]);
            add_edge(out, from, PVM_BLOCK_NONE, PVM_EDGE_TO_HUB, oracle->to_hub[pc]);
        }
    }
    for (uint32_t i = 0; i < out->block_count; i++) {
        add_edge(out, PVM_BLOCK_NONE, i, PVM_EDGE_FROM_HUB, oracle->from_hub[i]);
        add_edge(out, PVM_BLOCK_NONE, i, PVM_EDGE_ENTRY, oracle->entries[i]);
    }
}

static const diff_trace_t *trace(const void *data)
{
    return &((const diff_oracle_t *)data)->trace;
}

static void get_calls(void *data, pvm_vm_t *vm, diff_calls_t *out)
{
    diff_oracle_t *const oracle = data;

    end_host_call(oracle, vm);
    const pvm_call_node_t *const nodes = call_model_nodes(oracle->calls, &out->node_count);
    const pvm_jump_pair_t *const pairs = call_model_pairs(oracle->calls, &out->pair_count);
    for (size_t i = 0; i < out->node_count && i < DIFF_CALLS_MAX; i++) {
        out->nodes[i] = nodes[i];
    }
    for (size_t i = 0; i < out->pair_count && i < DIFF_CALLS_MAX; i++) {
        out->pairs[i] = pairs[i];
    }
}

diff_watch_t diff_oracle_watch(diff_oracle_t *oracle)
{
    return (diff_watch_t){.before = before,
                          .host_call = host_call,
                          .after = after,
                          .moved = moved,
                          .get = get,
                          .trace = trace,
                          .calls = get_calls,
                          .data = oracle};
}

const uint32_t *diff_oracle_opcodes(const diff_oracle_t *oracle)
{
    return oracle->opcodes;
}

uint64_t diff_oracle_instructions(const diff_oracle_t *oracle)
{
    return oracle->instructions;
}
