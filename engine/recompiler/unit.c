/* Emitting a unit: its blocks run by run, ways out of it, its stubs; then it is sealed, and everybody sees it. */
#include "recompiler/growth.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "program/prices.h"
#include "recompiler/finish.h"
#include "recompiler/segments.h"
#include "support/error.h"
#include "support/fork_gate.h"

/** Octets of a jump through a slot. */
#define WAY_OUT_BYTES 6

uint8_t *pvm_unit_emit_stubs(pvm_growth_t *growth, uint8_t *at, uint32_t first)
{
    pvm_compiler_t *const c = &growth->c;
    const pvm_recompiler_code_t *const work = &growth->work;

    growth->units[growth->unit_count] =
        (pvm_unit_t){.stubs_at = (uint32_t)(at - c->base), .first_stub = first};
    for (uint32_t i = first; i < work->stub_count; i++) {
        if (work->stubs[i].kind == PVM_STUB_ELSEWHERE) {
            growth->slots[work->stubs[i].from] =
                (uintptr_t)at + (uint64_t)PVM_STUB_BYTES * (i - first);
        }
    }
    return pvm_compiler_emit_stubs(c, at, first);
}

int pvm_unit_seal(pvm_growth_t *growth, const uint8_t *end)
{
    const size_t begin = growth->at;

    growth->at = (uint32_t)pvm_growth_pages((size_t)(end - growth->c.base));
    return pvm_arena_seal_part(&growth->work.region, begin, growth->at - begin);
}

/* Everybody sees the unit; in this order, because whoever sees how far the code goes asks for its stretches. */
static void publish_unit(pvm_growth_t *growth, pvm_recompiler_code_t *code)
{
    const pvm_recompiler_code_t *const work = &growth->work;

    __atomic_store_n(&code->length_count, growth->c.length_count, __ATOMIC_RELEASE);
    __atomic_store_n(&code->stretch_count, work->stretch_count, __ATOMIC_RELEASE);
    __atomic_store_n(&code->code_len, work->code_len, __ATOMIC_RELEASE);
    __atomic_store_n(&growth->unit_count, growth->unit_count + 1, __ATOMIC_RELEASE);
}

/* jmp [rip + slot], for each block that jumps of this unit lead to and that is not there. */
static uint8_t *emit_ways_out(pvm_growth_t *growth, uint8_t *at)
{
    pvm_compiler_t *const c = &growth->c;
    pvm_recompiler_code_t *const work = &growth->work;

    for (uint32_t i = 0; i < c->jump_count; i++) {
        pvm_jump_t *const jump = &c->jumps[i];
        if (jump->block == PVM_COMPILER_TABLE || c->block_heads[jump->block] != 0) {
            continue;
        }
        const uint32_t pc = growth->program->blocks[jump->block].pc;
        const uint32_t slot = growth->slot_count++;
        pvm_x86_patch(c->base + jump->end, at);
        jump->end = 0;
        at = pvm_x86_put(at, 0xff | 0x25 << 8, 6);
        pvm_x86_patch(at, (const uint8_t *)&growth->slots[slot]);
        pvm_compiler_arrive_elsewhere(c, pc, at);
        c->stub_sites[work->stub_count] = 0;
        work->stubs[work->stub_count++] =
            (pvm_stub_t){.pc = pc, .from = slot, .kind = PVM_STUB_ELSEWHERE};
    }
    return at;
}

/* Arrivals that cannot pay. What pays stands before the body. Nobody arrives at a position 0 where nothing stands. */
static void note_block_stubs(pvm_growth_t *growth, uint32_t count)
{
    pvm_recompiler_code_t *const work = &growth->work;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t block = growth->reach.chosen[i];
        if (growth->c.block_heads[block] == 0) {
            continue;
        }
        growth->c.stub_sites[work->stub_count] = growth->c.block_bodies[block];
        work->stubs[work->stub_count++] =
            (pvm_stub_t){.pc = growth->program->blocks[block].pc, .kind = PVM_STUB_UNPAID_NEXT};
    }
}

/* The chosen blocks, run by run. */
static uint8_t *emit_runs(pvm_growth_t *growth, uint8_t *at, uint32_t count)
{
    const pvm_block_t *const blocks = growth->program->blocks;
    const uint32_t *const chosen = growth->reach.chosen;
    pvm_compiler_t *const c = &growth->c;
    uint32_t next;

    for (uint32_t i = 0; i < count; i = next) {
        c->too_large |= at > c->limit;
        if (c->too_large) {
            break;
        }
        next = i + 1;
        while (next < count && chosen[next] == chosen[next - 1] + 1) {
            next++;
        }
        c->block = chosen[i];
        c->pinned = (uint32_t)(at - c->base);
        (void)pvm_compiler_emit_range(c, &at, blocks[chosen[i]].pc,
                                      blocks[chosen[next - 1]].end_pc);
    }
    return at;
}

/* The blocks of the next unit. When all that was spent is more than half of what the program would have cost at once, it has the
 * rest: so nobody pays for more than half of it again. @return how many */
static uint32_t choose(pvm_growth_t *growth, uint32_t block)
{
    const uint64_t spent = growth->reach.octets + (uint64_t)growth->unit_cost * growth->unit_count;

    return growth->worn_gas != 0 && spent > growth->program->code.len / 2
               ? pvm_reach_choose_rest(&growth->reach)
               : pvm_reach_choose(&growth->reach, block, growth->unit_octets);
}

/* @return 0, or -1: there is no room, or no leave to execute it */
static int emit_unit(pvm_growth_t *growth, pvm_recompiler_code_t *code, uint32_t block)
{
    pvm_compiler_t *const c = &growth->c;
    pvm_recompiler_code_t *const work = &growth->work;
    const uint32_t count = choose(growth, block);
    const uint32_t first_stub = work->stub_count;

    pvm_program_price_blocks(growth->program, growth->reach.chosen, count);
    pvm_compiler_begin_pass(c);
    uint8_t *at = emit_runs(growth, c->base + growth->at, count);
    const size_t rest = (size_t)(work->stub_count - first_stub + count) * PVM_STUB_BYTES +
                        (size_t)c->jump_count * (PVM_STUB_BYTES + WAY_OUT_BYTES);
    if (c->too_large || rest > (size_t)(work->region.base + work->region.bytes - at)) {
        return pvm_error_set("the code of %u octets outgrew its memory", c->program->code.len);
    }
    at = emit_ways_out(growth, at);
    work->code_len = (uint32_t)(at - c->base);
    note_block_stubs(growth, count);
    at = pvm_unit_emit_stubs(growth, at, first_stub);
    pvm_compiler_patch_jumps(c, (const uint8_t *)growth->slots);
    if (pvm_unit_seal(growth, at) != 0) {
        return -1;
    }
    publish_unit(growth, code);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t chosen = growth->reach.chosen[i];
        __atomic_store_n(&growth->entries[chosen], c->block_heads[chosen], __ATOMIC_RELEASE);
    }
    return 0;
}

int64_t pvm_growth_reach(pvm_recompiler_code_t *code, uint32_t pc)
{
    pvm_growth_t *const growth = code->growth;
    int64_t octets = 0;

    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&growth->lock);
    if (pvm_growth_entry(growth, pc) == 0) {
        const uint32_t begin = growth->at;
        growth->is_full =
            growth->is_full || emit_unit(growth, code, pvm_compiler_block_at(&growth->c, pc)) != 0;
        octets = growth->is_full ? -1 : (int64_t)(growth->work.code_len - begin);
    }
    (void)pthread_mutex_unlock(&growth->lock);
    pvm_fork_gate_leave();
    return octets;
}
#endif
