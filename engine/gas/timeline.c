/* Shares of a block's cost, and the critical chain, from the stages of its instructions. */
#include "gas/timeline.h"

#include <assert.h>
#include <stdlib.h>

/** Cycles from the finish of an instruction to its retirement. */
#define RETIRE_CYCLES 2
/** Cycles that a block does not pay for. */
#define FREE_CYCLES 3

/* -- Shares -------------------------------------------------------------------------------- */

/* Retirement is in order: each instruction adds what it retires later than all before it. The cheapest blocks cost 1
 * although they take no longer than what is free; that goes to their last instruction. */
static void share_cost(pvm_gas_timeline_t *timeline)
{
    uint32_t paid = FREE_CYCLES;
    uint32_t sum = 0;

    for (size_t i = 0; i < timeline->count; i++) {
        const uint32_t retire = timeline->stages[i].retire;

        timeline->gas[i] = retire > paid ? retire - paid : 0;
        paid = retire > paid ? retire : paid;
        sum += timeline->gas[i];
    }
    if (timeline->count > 0) {
        timeline->gas[timeline->count - 1] += timeline->cost - sum;
    }
}

/* -- The critical chain -------------------------------------------------------------------- */

static int push(pvm_gas_timeline_t *timeline, pvm_gas_link_t link)
{
    if (timeline->chain_count == timeline->chain_room) {
        const size_t room = timeline->chain_room == 0 ? 64 : 2 * timeline->chain_room;
        pvm_gas_link_t *const chain = realloc(timeline->chain, room * sizeof(*chain));

        if (chain == NULL) {
            return -1;
        }
        timeline->chain = chain;
        timeline->chain_room = room;
    }
    timeline->chain[timeline->chain_count++] = link;
    return 0;
}

/* Whose finish lets the instruction at `index` retire when it does: itself, or an older one. */
static uint32_t holder_of_retirement(const pvm_gas_timeline_t *timeline, uint32_t index)
{
    const uint32_t finish = timeline->stages[index].retire - RETIRE_CYCLES;

    while (index > 0 && timeline->stages[index].finish != finish) {
        index--;
    }
    return index;
}

/* The last one before `index` that began in this cycle. There are five: that is why `index` did not. */
static uint32_t starter_in(const pvm_gas_timeline_t *timeline, uint32_t index, uint32_t cycle)
{
    while (index > 0) {
        const pvm_gas_stages_t *const stages = &timeline->stages[--index];

        /* A renamed instruction begins nothing. */
        if (stages->issue == cycle && stages->decode < cycle) {
            break;
        }
    }
    return index;
}

/** The way back through the block. */
typedef struct {
    pvm_gas_timeline_t *timeline;
    uint32_t index;     /**< the instruction that it has come to */
    pvm_gas_wait_t why; /**< what the link pushed last waited for */
} walk_t;

/* Stretches of no cycles are no links. */
static int push_stretch(walk_t *walk, pvm_gas_link_kind_t kind, uint32_t begin, uint32_t end)
{
    const pvm_gas_link_t link = {
        .index = walk->index, .begin = begin, .end = end, .kind = kind, .why = walk->why};

    return begin < end ? push(walk->timeline, link) : 0;
}

/* From the decoding of an instruction, which is done before cycle `end`, back to the begin of the block or to who held
 * it up. @return 1: go on with walk->index, from its finish; 0: the begin; -1 without memory */
static int follow_decoding(walk_t *walk, uint32_t end)
{
    const pvm_gas_stages_t *const all = walk->timeline->stages;

    for (;;) {
        const pvm_gas_stages_t *const stages = &all[walk->index];

        if (push_stretch(walk, PVM_GAS_LINK_DECODE, stages->decode, end) != 0) {
            return -1;
        }
        if (stages->decode == 0) {
            return 0;
        }
        end = stages->decode;
        if (stages->decode_wait == PVM_GAS_WAIT_BUFFER) {
            walk->why = PVM_GAS_WAIT_BUFFER;
            walk->index = holder_of_retirement(walk->timeline, stages->decode_for);
            return push_stretch(walk, PVM_GAS_LINK_RETIRE, all[walk->index].finish, end) != 0 ? -1
                                                                                              : 1;
        }
        walk->why = PVM_GAS_WAIT_SLOTS;
        while (walk->index > 0 && all[walk->index].decode >= end) {
            walk->index--;
        }
    }
}

/* One instruction of the chain, from its finish back to whoever it waited for. @return as above */
static int follow(walk_t *walk)
{
    const pvm_gas_stages_t *stages = &walk->timeline->stages[walk->index];
    uint32_t issue = stages->issue;

    if (push_stretch(walk, PVM_GAS_LINK_EXECUTE, issue, stages->finish) != 0) {
        return -1;
    }
    while (stages->issue_wait == PVM_GAS_WAIT_STARTS) {
        walk->why = PVM_GAS_WAIT_STARTS;
        if (push_stretch(walk, PVM_GAS_LINK_START, issue - 1, issue) != 0) {
            return -1;
        }
        issue--;
        walk->index = starter_in(walk->timeline, walk->index, issue);
        stages = &walk->timeline->stages[walk->index];
    }
    if (stages->issue_wait == PVM_GAS_WAIT_NONE) {
        walk->why = PVM_GAS_WAIT_NONE;
        return follow_decoding(walk, issue);
    }
    walk->why = stages->issue_wait;
    walk->index = stages->issue_for;
    return 1;
}

static int find_chain(pvm_gas_timeline_t *timeline)
{
    walk_t walk = {.timeline = timeline};
    int status = timeline->count > 0 ? 1 : 0;

    timeline->chain_count = 0;
    for (uint32_t i = 1; i < timeline->count; i++) {
        walk.index =
            timeline->stages[i].finish > timeline->stages[walk.index].finish ? i : walk.index;
    }
    while (status > 0) {
        status = follow(&walk);
    }
    for (size_t i = 0, k = timeline->chain_count; k > i + 1; i++) {
        const pvm_gas_link_t link = timeline->chain[i];
        timeline->chain[i] = timeline->chain[--k];
        timeline->chain[k] = link;
    }
    return status;
}

/* -- All of it ----------------------------------------------------------------------------- */

static int make_room(pvm_gas_timeline_t *timeline, size_t count)
{
    if (count <= timeline->room) {
        return 0;
    }
    const size_t room = count + count / 2 + 16;
    pvm_gas_stages_t *const stages = realloc(timeline->stages, room * sizeof(*stages));
    if (stages != NULL) {
        timeline->stages = stages;
    }
    uint32_t *const gas = realloc(timeline->gas, room * sizeof(*gas));
    if (gas != NULL) {
        timeline->gas = gas;
    }
    if (stages == NULL || gas == NULL) {
        return -1;
    }
    timeline->room = room;
    return 0;
}

static size_t count_instructions(const pvm_code_t *code, uint32_t pc)
{
    pvm_instruction_t in = {.next = pc};
    size_t count = 0;

    do {
        pvm_isa_decode(code, in.next, &in);
        count++;
    } while (!pvm_isa_is_terminator((pvm_op_t)in.op));
    return count;
}

int pvm_gas_timeline_make(pvm_gas_timeline_t *timeline, const pvm_code_t *code, uint32_t pc)
{
    const size_t count = count_instructions(code, pc);

    if (make_room(timeline, count) != 0) {
        return -1;
    }
    timeline->count = count;
    timeline->cost = pvm_gas_pipeline_stages(code, pc, timeline->stages, count);
    timeline->cycles = count > 0 ? timeline->stages[count - 1].retire : 0;
    share_cost(timeline);
    return find_chain(timeline);
}

void pvm_gas_timeline_free(pvm_gas_timeline_t *timeline)
{
    free(timeline->stages);
    free(timeline->gas);
    free(timeline->chain);
    *timeline = (pvm_gas_timeline_t){0};
}
