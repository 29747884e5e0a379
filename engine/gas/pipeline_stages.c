/* The thorough way to the cost of a block: the pipeline in order of time, from event to event.
 *
 * Complete for every block, and tells the stages of each instruction; about five times as slow as
 * pipeline.c, which comes here when it cannot know. Spec: GP 0.8.0 A.9. */
#include "gas/pipeline.h"

#include <string.h>

#define BUFFER           PVM_GAS_BUFFER_ENTRIES
#define SLOTS_PER_CYCLE  4
#define STARTS_PER_CYCLE 5
#define ALUS             4
#define NONE             UINT32_MAX

/* An entry of the reorder buffer. Entries are numbered from 0 in program order; number n lives in place n % 32. */
typedef struct {
    size_t index;        /* of the instruction in its block */
    uint32_t sources[2]; /* entries that make its operands, or NONE */
    uint32_t cycles;
    uint32_t finish; /* once it executes */
    unsigned units;
    uint8_t wait; /* why it did not begin when it was last looked at */
    uint32_t wait_for;
} entry_t;

/* Sets of entries are masks with a bit for each place. */
typedef struct {
    const pvm_code_t *code;
    pvm_gas_stages_t *stages;
    size_t stages_max;

    pvm_instruction_t next; /* to be decoded */
    size_t index;
    bool ended;          /* nothing is left to decode */
    uint32_t writer[16]; /* per register: the entry whose result it holds, or NONE */

    entry_t entries[BUFFER];
    uint32_t head; /* oldest entry that is not retired */
    uint32_t tail; /* number of the next one */
    uint32_t waiting;
    uint32_t executing;
    uint32_t decoded;    /* in this cycle; they wait from the next one on */
    uint8_t decode_wait; /* why decoding stopped */
    uint32_t decode_wait_for;

    uint32_t cycle;
    uint32_t retired; /* when the last one retired */
    unsigned alus;
    bool multiplier_free;
    bool divider_free;
} pipeline_t;

static uint32_t place_bit(uint32_t number)
{
    return UINT32_C(1) << number % BUFFER;
}

/* Places of a set in the order of age, the oldest in bit 0. */
static uint32_t by_age(const pipeline_t *p, uint32_t set)
{
    const unsigned oldest = p->head % BUFFER;

    return oldest == 0 ? set : set >> oldest | set << (BUFFER - oldest);
}

static pvm_gas_stages_t *stages_of(const pipeline_t *p, size_t index)
{
    return index < p->stages_max ? &p->stages[index] : NULL;
}

static bool has_result(const pipeline_t *p, uint32_t number)
{
    const uint32_t unfinished = p->waiting | p->executing | p->decoded;

    return number == NONE || number < p->head || (unfinished & place_bit(number)) == 0;
}

static bool units_are_free(const pipeline_t *p, unsigned units)
{
    return (units & 3) <= p->alus && ((units & 16) == 0 || p->multiplier_free) &&
           ((units & 32) == 0 || p->divider_free);
}

/* Loads and stores take an ALU each, of which there are as many as load and store units: nothing to count. */
static void take_units(pipeline_t *p, unsigned units)
{
    p->alus -= units & 3;
    p->multiplier_free = p->multiplier_free && (units & 16) == 0;
    p->divider_free = p->divider_free && (units & 32) == 0;
}

static void give_units(pipeline_t *p, unsigned units)
{
    p->alus += units & 3;
    p->multiplier_free = p->multiplier_free || (units & 16) != 0;
    p->divider_free = p->divider_free || (units & 32) != 0;
}

static void finish(pipeline_t *p)
{
    for (uint32_t set = p->executing; set != 0; set &= set - 1) {
        const entry_t *const entry = &p->entries[__builtin_ctz(set)];

        if (entry->finish == p->cycle) {
            p->executing &= ~(set & -set);
            give_units(p, entry->units);
        }
    }
}

/* In order, one cycle in the finished state and then out. */
static void retire(pipeline_t *p)
{
    while (p->head != p->tail) {
        const entry_t *const entry = &p->entries[p->head % BUFFER];

        if (!has_result(p, p->head) || entry->finish + 2 > p->cycle) {
            return;
        }
        p->retired = entry->finish + 2 > p->retired ? entry->finish + 2 : p->retired;
        pvm_gas_stages_t *const stages = stages_of(p, entry->index);
        if (stages != NULL) {
            stages->retire = p->retired;
        }
        p->head++;
    }
}

static unsigned slots_of(const pvm_instruction_t *in)
{
    const pvm_op_info_t *const op = &pvm_isa_ops[in->op];
    const uint8_t registers[3] = {in->a, in->b, in->d};

    for (int destination = 0; destination < 3; destination++) {
        for (int source = 0; source < 3; source++) {
            const bool counts =
                op->overlap == PVM_OVERLAP_ANY || (op->overlap == PVM_OVERLAP_FIRST && source == 0);
            if (counts && (op->writes >> destination & 1) != 0 && (op->reads >> source & 1) != 0 &&
                registers[destination] == registers[source]) {
                return op->slots_overlap;
            }
        }
    }
    return op->slots;
}

static void advance_decoder(pipeline_t *p)
{
    p->ended = pvm_isa_is_terminator((pvm_op_t)p->next.op);
    p->index++;
    if (!p->ended) {
        pvm_isa_decode(p->code, p->next.next, &p->next);
    }
}

static void decode_one(pipeline_t *p)
{
    const pvm_instruction_t *const in = &p->next;
    const pvm_op_info_t *const op = &pvm_isa_ops[in->op];
    pvm_gas_stages_t *const stages = stages_of(p, p->index);

    if (stages != NULL) {
        *stages = (pvm_gas_stages_t){.decode = p->cycle,
                                     .issue = p->cycle,
                                     .finish = p->cycle,
                                     .retire = p->cycle,
                                     .decode_wait = p->decode_wait,
                                     .decode_for = p->decode_wait_for};
    }
    if (in->op == PVM_OP_move_reg) {
        p->writer[in->d] = p->writer[in->a];
        return;
    }
    p->entries[p->tail % BUFFER] = (entry_t){
        .index = p->index,
        .sources = {(op->reads & PVM_ROLE_A) != 0 ? p->writer[in->a] : NONE,
                    (op->reads & PVM_ROLE_B) != 0 ? p->writer[in->b] : NONE},
        .cycles = op->effect == PVM_EFFECT_BRANCH ? pvm_gas_branch_cycles(p->code, in) : op->cycles,
        .units = op->units,
    };
    if ((op->writes & (PVM_ROLE_A | PVM_ROLE_D)) != 0) {
        p->writer[(op->writes & PVM_ROLE_A) != 0 ? in->a : in->d] = p->tail;
    }
    p->decoded |= place_bit(p->tail);
    p->tail++;
}

static void decode(pipeline_t *p)
{
    unsigned slots = SLOTS_PER_CYCLE;

    while (!p->ended && p->tail - p->head < BUFFER && slots_of(&p->next) <= slots) {
        slots -= slots_of(&p->next);
        decode_one(p);
        advance_decoder(p);
    }
    const bool is_full = p->tail - p->head == BUFFER;
    p->decode_wait = is_full ? PVM_GAS_WAIT_BUFFER : PVM_GAS_WAIT_SLOTS;
    p->decode_wait_for = is_full ? (uint32_t)p->entries[p->head % BUFFER].index : 0;
}

/* The source that an entry waits for, or NONE. */
static uint32_t missing_source(const pipeline_t *p, const entry_t *entry)
{
    if (!has_result(p, entry->sources[0])) {
        return entry->sources[0];
    }
    return has_result(p, entry->sources[1]) ? NONE : entry->sources[1];
}

/* Who gave back in this cycle some of the units that this one was waiting for: one that has its multiplier or
 * divider, or else the oldest. All units come with an ALU. */
static uint32_t giver_of_units(const pipeline_t *p, unsigned units)
{
    const uint32_t unfinished = p->waiting | p->executing | p->decoded;
    uint32_t giver = NONE;

    for (uint32_t number = p->head; number != p->tail; number++) {
        const entry_t *const entry = &p->entries[number % BUFFER];
        const bool gives = (unfinished & place_bit(number)) == 0 && entry->finish == p->cycle &&
                           entry->units != PVM_UNITS_NONE;

        if (gives && (giver == NONE || (entry->units & units & (16U | 32U)) != 0)) {
            giver = (uint32_t)entry->index;
        }
    }
    return giver;
}

static void tell_issue(const pipeline_t *p, const entry_t *entry)
{
    pvm_gas_stages_t *const stages = stages_of(p, entry->index);

    if (stages != NULL) {
        stages->issue = p->cycle;
        stages->finish = entry->finish;
        stages->issue_wait = entry->wait;
        stages->issue_for =
            entry->wait == PVM_GAS_WAIT_UNITS ? giver_of_units(p, entry->units) : entry->wait_for;
    }
}

/* Whether an entry can begin; if not, it keeps the reason. */
static bool can_start(pipeline_t *p, entry_t *entry, unsigned starts)
{
    const uint32_t source = missing_source(p, entry);

    if (source != NONE) {
        entry->wait = PVM_GAS_WAIT_OPERAND;
        entry->wait_for = (uint32_t)p->entries[source % BUFFER].index;
        return false;
    }
    if (starts == STARTS_PER_CYCLE) {
        entry->wait = PVM_GAS_WAIT_STARTS;
        return false;
    }
    if (!units_are_free(p, entry->units)) {
        entry->wait = PVM_GAS_WAIT_UNITS;
        return false;
    }
    return true;
}

/* Start what can start, the oldest first. @return how many */
static unsigned issue(pipeline_t *p)
{
    unsigned starts = 0;

    for (uint32_t set = by_age(p, p->waiting); set != 0; set &= set - 1) {
        const uint32_t number = p->head + (uint32_t)__builtin_ctz(set);
        entry_t *const entry = &p->entries[number % BUFFER];

        if (!can_start(p, entry, starts)) {
            continue;
        }
        take_units(p, entry->units);
        entry->finish = p->cycle + entry->cycles;
        p->waiting &= ~place_bit(number);
        p->executing |= place_bit(number);
        starts++;
        tell_issue(p, entry);
    }
    return starts;
}

/* The next cycle in which anything can change. */
static uint32_t next_cycle(const pipeline_t *p, unsigned starts)
{
    uint32_t next = NONE;
    const bool can_decode = !p->ended && p->tail - p->head < BUFFER;

    if (can_decode || p->decoded != 0 || starts == STARTS_PER_CYCLE) {
        return p->cycle + 1;
    }
    for (uint32_t set = p->executing; set != 0; set &= set - 1) {
        const uint32_t end = p->entries[__builtin_ctz(set)].finish;
        next = end < next ? end : next;
    }
    if (has_result(p, p->head)) {
        const uint32_t end = p->entries[p->head % BUFFER].finish + 2;
        next = end < next ? end : next;
    }
    return next;
}

uint32_t pvm_gas_pipeline_stages(const pvm_code_t *code, uint32_t pc, pvm_gas_stages_t *out,
                                 size_t max)
{
    pipeline_t p = {.code = code,
                    .stages = out,
                    .stages_max = max,
                    .alus = ALUS,
                    .multiplier_free = true,
                    .divider_free = true};

    memset(p.writer, 0xff, sizeof(p.writer));
    pvm_isa_decode(code, pc, &p.next);
    for (;;) {
        finish(&p);
        retire(&p);
        decode(&p);
        if (p.ended && p.head == p.tail) {
            break;
        }
        const unsigned starts = issue(&p);
        p.cycle = next_cycle(&p, starts);
        p.waiting |= p.decoded;
        p.decoded = 0;
    }
    return p.cycle > 3 ? p.cycle - 3 : 1;
}
