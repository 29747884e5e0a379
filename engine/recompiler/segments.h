/* Stretches, and what is paid at once under 0.7.2: segments, which end at host calls and at the end of a block.
 * code.h says what a stretch is. */
#ifndef PVM_RECOMPILER_SEGMENTS_H
#define PVM_RECOMPILER_SEGMENTS_H

#include "recompiler/compiler.h"

static inline void pvm_compiler_begin_stretch(pvm_compiler_t *c, uint32_t pc, const uint8_t *at)
{
    const uint32_t ordinal = pvm_compiler_ordinal(c);

    c->code->stretches[c->code->stretch_count++] = (pvm_stretch_t){
        .pc = pc,
        .host = (uint32_t)(at - c->base),
        .lengths = c->length_count,
        .segment_rest = ordinal,
        .block_rest = ordinal,
    };
}

/* The open segment has this price. */
static inline void pvm_compiler_set_price(pvm_compiler_t *c, uint32_t price)
{
    if (c->segment_block != PVM_COMPILER_NO_BLOCK) {
        const uint32_t all = price + c->price_ahead;
        c->block_costs[c->segment_block] = price;
        for (uint32_t i = 0; i < c->price_count && all != c->price_guess; i++) {
            memcpy(c->prices[i], &all, c->price_is_small ? 1 : sizeof(all));
        }
    }
}

static inline void pvm_compiler_next_segment(pvm_compiler_t *c)
{
    c->segment_first = c->code->stretch_count;
    c->segment_block = PVM_COMPILER_NO_BLOCK;
    c->price_count = 0;
    c->price_ahead = 0;
}

/* Everything up to here is paid at once. The rests of its stretches hold their ordinals until now. */
static inline void pvm_compiler_close_segment(pvm_compiler_t *c)
{
    pvm_stretch_t *const stretches = c->code->stretches;
    const uint32_t first = c->segment_first;
    const uint32_t ordinal = pvm_compiler_ordinal(c);

    if (first < c->code->stretch_count) {
        pvm_compiler_set_price(c, ordinal - stretches[first].segment_rest);
        for (uint32_t i = first; i < c->code->stretch_count; i++) {
            stretches[i].segment_rest = ordinal - stretches[i].segment_rest;
        }
    }
    pvm_compiler_next_segment(c);
}

/* The block ends behind what was counted last, and so does its last segment. */
PVM_EMIT void pvm_compiler_close_block(pvm_compiler_t *c)
{
    pvm_stretch_t *const stretches = c->code->stretches;
    const uint32_t first = c->block_first;
    const uint32_t ordinal = pvm_compiler_ordinal(c);

    if (first + 1 == c->code->stretch_count && first == c->segment_first) {
        /* Nearly always there is one stretch, and it is all of both. */
        const uint32_t rest = ordinal - stretches[first].block_rest;
        stretches[first].block_rest = rest;
        stretches[first].segment_rest = rest;
        pvm_compiler_set_price(c, rest);
        pvm_compiler_next_segment(c);
    } else {
        for (uint32_t i = first; i < c->code->stretch_count; i++) {
            stretches[i].block_rest = ordinal - stretches[i].block_rest;
        }
        pvm_compiler_close_segment(c);
    }
    c->block_first = c->code->stretch_count;
}

/* What stands before `at` arrives at pc, which is elsewhere, and belongs to no instruction: a stretch of none says so to who
 * asks what the processor is busy with. Nobody enters there. */
static inline void pvm_compiler_arrive_elsewhere(pvm_compiler_t *c, uint32_t pc, const uint8_t *at)
{
    pvm_compiler_begin_stretch(c, pc, at);
    pvm_compiler_close_block(c);
}

#endif
