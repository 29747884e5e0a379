/* Moving innermost loops to where they touch as few cache lines as they can. Processors fetch decoded instructions line by
 * line, so a loop of 30 octets that lies across the end of a line takes two cycles a turn where one would do.
 *
 * Whether code is a loop is known only when the jump back comes, so the loop is moved then, and what has noted places in
 * it is told. Loops are short here, and have no jump that was already pointed out of them. docs/recompiler.md. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/loops.h"

#include "recompiler/x86.h"

/** Octets of a line, of the longest loop that is moved, and of what is moved with it. */
#define LINE_BYTES      64
#define LOOP_BYTES_MAX  128
#define MOVED_BYTES_MAX 512

static void move_places(uint32_t *places, uint32_t first, uint32_t end, uint32_t by)
{
    for (uint32_t i = first; i < end; i++) {
        places[i] += places[i] != 0 ? by : 0;
    }
}

/* Everybody who noted a place behind `head` learns where it is now. Lists are in the order of places. */
static void tell_places(pvm_compiler_t *c, uint32_t block, uint32_t head, uint32_t by)
{
    pvm_recompiler_code_t *const code = c->code;

    move_places(c->block_heads, block, c->block, by);
    move_places(c->block_bodies, block, c->block, by);
    if (c->counting) {
        move_places(c->landing_places, block, c->block, by);
        move_places(c->hub_entries, block, c->block, by);
    }
    if (c->calls != NULL) {
        move_places(c->called_entries, block, c->block, by);
    }
    for (uint32_t i = code->stretch_count; i > 0 && code->stretches[i - 1].host >= head; i--) {
        code->stretches[i - 1].host += by;
    }
    for (uint32_t i = code->stub_count; i > 0 && c->stub_sites[i - 1] > head; i--) {
        c->stub_sites[i - 1] += by;
    }
    for (uint32_t i = c->trace_count; i > 0 && c->traces[i - 1] > head; i--) {
        c->traces[i - 1] += by;
    }
    for (uint32_t i = c->detour_count; i > 0 && c->detours[i - 1].end > head; i--) {
        c->detours[i - 1].end += by;
    }
    for (uint32_t i = c->jump_count; i > 0; i--) {
        pvm_jump_t *const jump = &c->jumps[i - 1];
        const bool has_cost = jump->cost != 0 && jump->cost != PVM_COMPILER_TO_LANDING;
        if (jump->end <= head && (!has_cost || jump->cost <= head)) {
            break;
        }
        jump->end += jump->end != 0 ? by : 0;
        jump->cost += has_cost ? by : 0;
    }
}

static uint32_t lines_of(uint32_t begin, uint32_t end)
{
    return (end - 1) / LINE_BYTES - begin / LINE_BYTES + 1;
}

/* The block to put nops before: one behind which nothing is pinned and that nobody runs into, so that they are not
 * executed; or the loop's. */
static uint32_t first_to_move(const pvm_compiler_t *c, uint32_t loop, uint32_t end)
{
    const uint32_t block = c->not_run_into;
    const bool is_near = block <= loop && c->block_heads[block] >= c->pinned &&
                         end - c->block_heads[block] <= MOVED_BYTES_MAX;

    return is_near ? block : loop;
}

void pvm_compiler_place_loop(pvm_compiler_t *c, pvm_emitter_t *e)
{
    const uint32_t top = c->loop_top;
    const uint32_t end = (uint32_t)(e->at - c->base);
    const uint32_t by = LINE_BYTES - top % LINE_BYTES;
    const uint32_t block = first_to_move(c, c->loop, end);
    const uint32_t head = c->block_heads[block];
    /* In units, code of an earlier run may stand before the block that could be moved. */
    const bool is_pinned = c->pinned > head || top < head;

    c->loop = PVM_COMPILER_NO_BLOCK;
    c->pinned = end;
    if (is_pinned || end - top > LOOP_BYTES_MAX ||
        lines_of(top, end) == lines_of(top + by, end + by)) {
        return;
    }
    memmove(c->base + head + by, c->base + head, end - head);
    (void)pvm_x86_nops(c->base + head, by);
    e->at += by;
    c->pinned += by;
    tell_places(c, block, head, by);
}
#endif
