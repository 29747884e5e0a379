/* The block cost model of GP 0.8.0 A.9 as its equations stand there: slow, cycle by cycle, entry by entry.
 *
 * The oracle for engine/gas. Takes decoding and the cost columns from the instruction table, nothing else
 * from the engine. Function names are those of the equations. */
#ifndef PVM_TESTS_GAS_LITERAL_H
#define PVM_TESTS_GAS_LITERAL_H

#include "gas/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LITERAL_ENTRIES 1024

typedef enum { LITERAL_DEC, LITERAL_WAIT, LITERAL_EXE, LITERAL_FIN, LITERAL_NONE } literal_state_t;

typedef struct {
    unsigned alu, load, store, mul, div;
} literal_units_t;

typedef struct {
    literal_state_t state;
    unsigned left;
    bool deps[LITERAL_ENTRIES];
    unsigned regs; /* a set, as bits */
    literal_units_t units;
    pvm_gas_stages_t *stages; /* not in the equations: what the tests compare */
} literal_entry_t;

typedef struct {
    const pvm_code_t *code;
    bool has_pc;
    uint32_t pc;
    unsigned cycle;
    unsigned slots;
    unsigned starts;
    literal_units_t free;
    unsigned entries;
    unsigned in_flight_max;
    size_t instructions;
    literal_entry_t buffer[LITERAL_ENTRIES];
    pvm_gas_stages_t stages[LITERAL_ENTRIES];
} literal_t;

static unsigned literal_registers(const pvm_instruction_t *in, unsigned roles)
{
    return ((roles & PVM_ROLE_A) != 0 ? 1U << in->a : 0) |
           ((roles & PVM_ROLE_B) != 0 ? 1U << in->b : 0) |
           ((roles & PVM_ROLE_D) != 0 ? 1U << in->d : 0);
}

static unsigned literal_sources(const pvm_instruction_t *in)
{
    return literal_registers(in, pvm_isa_ops[in->op].reads);
}

static unsigned literal_destinations(const pvm_instruction_t *in)
{
    return literal_registers(in, pvm_isa_ops[in->op].writes);
}

static unsigned literal_slots(const pvm_instruction_t *in)
{
    const pvm_op_info_t *const op = &pvm_isa_ops[in->op];

    switch ((pvm_overlap_t)op->overlap) {
    case PVM_OVERLAP_ANY:
        return (literal_sources(in) & literal_destinations(in)) != 0 ? op->slots_overlap
                                                                     : op->slots;
    case PVM_OVERLAP_FIRST:
        return in->a == in->d ? op->slots_overlap : op->slots;
    default:
        return op->slots;
    }
}

static int literal_octet(const pvm_code_t *code, int64_t at)
{
    return at >= 0 && at < (int64_t)code->len ? code->octets[at] : 0;
}

static unsigned literal_cycles(const pvm_code_t *code, const pvm_instruction_t *in)
{
    const int octets[2] = {literal_octet(code, in->next), literal_octet(code, in->y)};
    const int cheap[2] = {pvm_isa_ops[PVM_OP_trap].number[code->isa],
                          pvm_isa_ops[PVM_OP_unlikely].number[code->isa]};

    if (pvm_isa_ops[in->op].effect != PVM_EFFECT_BRANCH) {
        return pvm_isa_ops[in->op].cycles;
    }
    for (int i = 0; i < 4; i++) {
        if (octets[i & 1] == cheap[i >> 1]) {
            return 1;
        }
    }
    return 20;
}

static literal_units_t literal_units(const pvm_instruction_t *in)
{
    switch (pvm_isa_ops[in->op].units) {
    case PVM_UNITS_A:
        return (literal_units_t){.alu = 1};
    case PVM_UNITS_AA:
        return (literal_units_t){.alu = 2};
    case PVM_UNITS_AL:
        return (literal_units_t){.alu = 1, .load = 1};
    case PVM_UNITS_AS:
        return (literal_units_t){.alu = 1, .store = 1};
    case PVM_UNITS_AM:
        return (literal_units_t){.alu = 1, .mul = 1};
    case PVM_UNITS_AD:
        return (literal_units_t){.alu = 1, .div = 1};
    default:
        return (literal_units_t){0};
    }
}

static bool literal_fits(literal_units_t need, literal_units_t free)
{
    return need.alu <= free.alu && need.load <= free.load && need.store <= free.store &&
           need.mul <= free.mul && need.div <= free.div;
}

static unsigned literal_in_flight(const literal_t *x)
{
    unsigned count = 0;

    for (unsigned i = 0; i < x->entries; i++) {
        count += x->buffer[i].state != LITERAL_NONE;
    }
    return count;
}

/* X' : decode one instruction. */
static void literal_decode(literal_t *x, const pvm_instruction_t *in)
{
    const unsigned sources = literal_sources(in);
    const unsigned destinations = literal_destinations(in);
    pvm_gas_stages_t *const stages = &x->stages[x->instructions++];

    *stages = (pvm_gas_stages_t){
        .decode = x->cycle, .issue = x->cycle, .finish = x->cycle, .retire = x->cycle};
    x->slots -= literal_slots(in);
    x->pc = in->next;
    if (in->op == PVM_OP_move_reg) {
        for (unsigned i = 0; i < x->entries; i++) {
            if ((x->buffer[i].regs & sources) != 0) {
                x->buffer[i].regs |= destinations;
            } else {
                x->buffer[i].regs &= ~destinations;
            }
        }
        return;
    }
    assert(x->entries < LITERAL_ENTRIES);
    literal_entry_t *const entry = &x->buffer[x->entries];
    memset(entry, 0, sizeof(*entry));
    for (unsigned i = 0; i < x->entries; i++) {
        entry->deps[i] = (x->buffer[i].regs & sources) != 0;
        x->buffer[i].regs &= ~destinations;
    }
    entry->left = literal_cycles(x->code, in);
    entry->regs = destinations;
    entry->units = literal_units(in);
    entry->stages = stages;
    x->entries++;
    x->has_pc = !pvm_isa_is_terminator((pvm_op_t)in->op);
}

/* S : the oldest entry that can start, or -1. */
static int literal_ready(const literal_t *x)
{
    for (unsigned i = 0; i < x->entries; i++) {
        const literal_entry_t *const entry = &x->buffer[i];
        bool ready = entry->state == LITERAL_WAIT && literal_fits(entry->units, x->free);

        for (unsigned k = 0; ready && k < i; k++) {
            ready = !entry->deps[k] || x->buffer[k].left == 0;
        }
        if (ready) {
            return (int)i;
        }
    }
    return -1;
}

/* X'' : start one entry. */
static void literal_start(literal_t *x, literal_entry_t *entry)
{
    x->starts--;
    x->free.alu -= entry->units.alu;
    x->free.load -= entry->units.load;
    x->free.store -= entry->units.store;
    x->free.mul -= entry->units.mul;
    x->free.div -= entry->units.div;
    entry->state = LITERAL_EXE;
    entry->stages->issue = x->cycle;
}

/* X''' : the next cycle. Conditions are about the state before it: entries change from the oldest on, and
 * `retirable` looks at old states only. */
static void literal_tick(literal_t *x)
{
    bool retirable = true;

    x->slots = 4;
    x->starts = 5;
    x->cycle++;
    for (unsigned i = 0; i < x->entries; i++) {
        literal_entry_t *const entry = &x->buffer[i];
        const literal_state_t state = entry->state;
        const unsigned left = entry->left;

        retirable = retirable && (state == LITERAL_FIN || state == LITERAL_NONE);
        if (retirable) {
            entry->state = LITERAL_NONE;
            entry->stages->retire = state == LITERAL_NONE ? entry->stages->retire : x->cycle;
        } else if (state == LITERAL_DEC) {
            entry->state = LITERAL_WAIT;
        } else if (state == LITERAL_EXE && left == 0) {
            entry->state = LITERAL_FIN;
        }
        if (state == LITERAL_EXE && left > 0) {
            entry->left--;
        }
        if (state == LITERAL_EXE && left == 1) {
            x->free.alu += entry->units.alu;
            x->free.load += entry->units.load;
            x->free.store += entry->units.store;
            x->free.mul += entry->units.mul;
            x->free.div += entry->units.div;
            entry->stages->finish = x->cycle;
        }
    }
}

/* The cost of the block at pc. *x afterwards holds the stages of its instructions. */
static uint32_t literal_cost(literal_t *x, const pvm_code_t *code, uint32_t pc)
{
    x->code = code;
    x->has_pc = true;
    x->pc = pc;
    x->cycle = 0;
    x->slots = 4;
    x->starts = 5;
    x->free = (literal_units_t){4, 4, 4, 1, 1};
    x->entries = 0;
    x->in_flight_max = 0;
    x->instructions = 0;
    for (;;) {
        const unsigned in_flight = literal_in_flight(x);
        pvm_instruction_t in;

        x->in_flight_max = in_flight > x->in_flight_max ? in_flight : x->in_flight_max;
        if (x->has_pc) {
            pvm_isa_decode(code, x->pc, &in);
        }
        if (x->has_pc && literal_slots(&in) <= x->slots && in_flight < 32) {
            literal_decode(x, &in);
            continue;
        }
        const int ready = literal_ready(x);
        if (ready >= 0 && x->starts > 0) {
            literal_start(x, &x->buffer[ready]);
        } else if (!x->has_pc && in_flight == 0) {
            return x->cycle > 3 ? x->cycle - 3 : 1;
        } else {
            literal_tick(x);
        }
    }
}

#endif
