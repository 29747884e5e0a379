/* What the pass leaves open until all blocks have places and prices: stubs, the table of indirect jumps, jumps ahead.
 * Where they lie is drawn in docs/recompiler.md. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/finish.h"

#include "recompiler/follow.h"

/* Which arrivals get a landing in front of the body: the innermost loop's, or where nobody runs on into the block, those of
 * a branch ahead or of indirect jumps. */
void pvm_compiler_choose_landings(pvm_compiler_t *c)
{
    const pvm_flow_t *const flow = c->flow;
    uint32_t *const is_run_into = c->landing_places; /* until there are places */

    for (uint32_t i = 0; i < flow->terminator_count; i++) {
        const pvm_terminator_t *const at = &flow->terminators[i];
        const uint32_t edge = 2 * i;

        if (flow->targets[edge] == at->from + 1) {
            is_run_into[at->from + 1] = true;
        }
        if (at->jump >= flow->block_count || flow->targets[edge] == at->from) {
            continue;
        }
        const uint32_t now = c->landings[at->jump];
        const bool is_free = now == PVM_LANDING_NONE;
        if (at->jump <= at->from ? is_free || flow->terminators[now - 1].from < at->jump
                                 : is_free && !is_run_into[at->jump] && at->jump != at->from + 1) {
            c->landings[at->jump] = i + 1;
        }
    }
    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        const uint32_t pc = c->program->jump_table[i];
        if (!pvm_compiler_is_reachable(c->program, pc)) {
            continue;
        }
        const uint32_t block = pvm_compiler_block_at(c, pc);
        if (c->landings[block] == PVM_LANDING_NONE && !is_run_into[block]) {
            c->landings[block] = PVM_LANDING_HUB;
        }
    }
}

static void note_tail(const pvm_compiler_t *c, const uint8_t *at, uint32_t like)
{
    c->code->tails[c->code->tail_count++] =
        (pvm_tail_t){.host = (uint32_t)(at - c->base), .like = like};
}

uint8_t *pvm_compiler_emit_detours(pvm_compiler_t *c, uint8_t *at)
{
    pvm_emitter_t e = {.at = at, .cpu = &c->code->cpu};

    for (uint32_t i = 0; i < c->detour_count && !c->too_large; i++) {
        const pvm_detour_t detour = c->detours[i];
        const uint32_t edge = 2 * detour.terminator + 1;

        note_tail(c, e.at, c->block_bodies[detour.block]);
        pvm_x86_patch(c->base + detour.end, e.at);
        pvm_compiler_follow(c, &e, edge);
        pvm_compiler_pay(&e, (int32_t)pvm_compiler_block_cost(c, detour.block), false);
        pvm_compiler_leave_if(c, &e, PVM_X86_B, PVM_STUB_UNPAID_JUMP, detour.target_pc, detour.pc);
        if (c->flow->is_counted[edge]) {
            pvm_compiler_count(&e, PVM_FRAME_EDGES, edge);
        }
        e.at = pvm_x86_jmp_back(e.at, c->base + c->block_bodies[detour.block]);
        c->too_large |= e.at > c->limit;
    }
    return e.at;
}

uint8_t *pvm_compiler_emit_hub_entries(pvm_compiler_t *c, uint8_t *at)
{
    pvm_emitter_t e = {.at = at, .cpu = &c->code->cpu};

    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        const uint32_t pc = c->program->jump_table[i];
        if (!pvm_compiler_is_reachable(c->program, pc)) {
            continue;
        }
        const uint32_t block = pvm_compiler_block_at(c, pc);
        if (c->hub_entries[block] != 0) {
            continue;
        }
        note_tail(c, e.at, c->block_bodies[block]);
        c->hub_entries[block] = (uint32_t)(e.at - c->base);
        pvm_compiler_follow_arrival(c, &e, block);
        pvm_compiler_pay(&e, (int32_t)pvm_compiler_block_cost(c, block), false);
        pvm_compiler_leave_if(c, &e, PVM_X86_B, PVM_STUB_UNPAID_HUB, pc, 0);
        pvm_compiler_count(&e, PVM_FRAME_FROM_HUB, block);
        e.at = pvm_x86_jmp_back(e.at, c->base + c->block_bodies[block]);
        if (e.at > c->limit) {
            c->too_large = true;
            break;
        }
    }
    return e.at;
}

/* call trace_full; jmp back */
uint8_t *pvm_compiler_emit_traces(pvm_compiler_t *c, uint8_t *at)
{
    for (uint32_t i = 0; i < c->trace_count && !c->too_large; i++) {
        uint8_t *const end = c->base + c->traces[i];

        note_tail(c, at, c->traces[i]);
        pvm_x86_patch(end, at);
        at = pvm_x86_put(at, 0xe8, 5);
        pvm_x86_patch(at, c->thunks.trace_full);
        at = pvm_x86_jmp_back(at, end);
        c->too_large |= at > c->limit;
    }
    return at;
}

/* mov rax, [temp]; mov ecx, step; call follow; jmp back, where rax is not needed any more */
uint8_t *pvm_compiler_emit_follows(pvm_compiler_t *c, uint8_t *at)
{
    for (uint32_t i = 0; i < c->follow_count && !c->too_large; i++) {
        const pvm_detached_t *const follow = &c->follows[i];

        note_tail(c, at, follow->end - 1);
        pvm_x86_patch(c->base + follow->end, at);
        at = pvm_x86_stack_load(at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
        at = pvm_x86_put(at, 0xb9, 1);
        at = pvm_x86_put_32(at, (int32_t)follow->step);
        at = pvm_x86_put(at, 0xe8, 5);
        pvm_x86_patch(at, c->thunks.follow);
        at = pvm_x86_jmp_back(at, c->base + follow->back);
        c->too_large |= at > c->limit;
    }
    return at;
}

/* call leave, and the jump whose rel32 ends at `site`; 0: there is none. */
static inline uint8_t *emit_stub(const pvm_compiler_t *c, uint8_t *at, uint32_t site)
{
    if (site != 0) {
        pvm_x86_patch(c->base + site, at);
    }
    at = pvm_x86_put(at, 0xe8, PVM_STUB_BYTES);
    pvm_x86_patch(at, c->thunks.stub_leave);
    return at;
}

uint8_t *pvm_compiler_emit_block_stubs(const pvm_compiler_t *c, uint8_t *at)
{
    for (uint32_t i = 0; i < c->code->block_stub_count; i++) {
        /* What pays stands before the body. */
        at = emit_stub(c, at, c->block_bodies[i]);
    }
    return at;
}

uint8_t *pvm_compiler_emit_stubs(const pvm_compiler_t *c, uint8_t *at, uint32_t first)
{
    for (uint32_t i = first; i < c->code->stub_count; i++) {
        at = emit_stub(c, at, c->stub_sites[i]);
    }
    return at;
}

uint8_t *pvm_compiler_emit_jump_table(pvm_compiler_t *c, uint8_t *at, const uint32_t *places)
{
    at = c->base + ((size_t)(at - c->base) + 7) / 8 * 8;
    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        const uint32_t pc = c->program->jump_table[i];
        uint64_t target = 0;
        if (pvm_compiler_is_reachable(c->program, pc)) {
            target = (uintptr_t)c->base + places[pvm_compiler_block_at(c, pc)];
        }
        at = pvm_x86_put(at, target, sizeof(target));
    }
    return at;
}

void pvm_compiler_patch_jumps(pvm_compiler_t *c, const uint8_t *table)
{
    for (uint32_t i = 0; i < c->jump_count; i++) {
        const pvm_jump_t jump = c->jumps[i];
        if (jump.block == PVM_COMPILER_TABLE || jump.block == PVM_COMPILER_CALLED) {
            const uint8_t *const place = jump.block == PVM_COMPILER_TABLE
                                             ? table
                                             : table + 8 * (size_t)c->program->jump_table_len;
            if (c->code->cpu.low) {
                const int32_t address = (int32_t)(uintptr_t)place;
                memcpy(c->base + jump.end - sizeof(address), &address, sizeof(address));
            } else {
                pvm_x86_patch(c->base + jump.end, place);
            }
            continue;
        }
        if (jump.cost == PVM_COMPILER_TO_LANDING) {
            pvm_x86_patch(c->base + jump.end, c->base + c->landing_places[jump.block]);
            continue;
        }
        if (jump.end != 0) {
            pvm_x86_patch(c->base + jump.end, c->base + (c->counting ? c->block_bodies[jump.block]
                                                                     : c->block_heads[jump.block]));
        }
        if (jump.cost != 0) {
            memcpy(c->base + jump.cost, &c->block_costs[jump.block], sizeof(uint32_t));
        }
    }
}
#endif
