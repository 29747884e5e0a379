/* Control flow that is not worth inlining into the pass: paying and counting over jumps, indirect jumps, host calls, and
 * instructions that the step does. docs/recompiler.md shows the code. Spec: GP A.3. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/control.h"
#include "recompiler/follow.h"

#include "events/state.h"

/* This instruction is left to the step: it stands outside of segments and begins a stretch. As the first of a block it is
 * paid on arrival all the same (and given back by the leave), so that only arrivals that can pay are counted. */
void pvm_compiler_leave_instruction(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc)
{
    pvm_emit_settle(e);
    if (c->code->stretches[c->code->stretch_count - 1].pc != pc) {
        pvm_compiler_close_segment(c);
        pvm_compiler_begin_stretch(c, pc, e->at);
    }
    const bool begins_block = c->segment_block != PVM_COMPILER_NO_BLOCK;
    c->gaps += begins_block;
    pvm_compiler_close_segment(c);
    c->gaps -= begins_block;
    pvm_compiler_leave(c, e, PVM_STUB_LEAVE, pc, 0);
}

static void count_edge(const pvm_compiler_t *c, pvm_emitter_t *e, uint32_t edge)
{
    if (c->flow->is_counted[edge]) {
        pvm_compiler_count(e, PVM_FRAME_EDGES, edge);
    }
}

/* movq rcx, xmm0; mov dword [rcx], block; paddq xmm0, xmm1; test ecx, octets - 1; jz full
 *
 * The last note of the buffer lies where an area of its size begins (events/state.h). */
static void note_block(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t block)
{
    e->at = pvm_x86_movq_get(e->at, PVM_HOST_SCRATCH, PVM_HOST_TRACE);
    e->at = pvm_x86_put(e->at, 0xc7 | pvm_x86_modrm(0, 0, PVM_HOST_SCRATCH) << 8, 2);
    e->at = pvm_x86_put_32(e->at, (int32_t)block);
    e->at = pvm_x86_paddq(e->at, PVM_HOST_TRACE, PVM_HOST_TRACE_STEP);
    e->at = pvm_x86_put(e->at, 0xf7 | pvm_x86_modrm(3, 0, PVM_HOST_SCRATCH) << 8, 2);
    e->at = pvm_x86_put_32(e->at, PVM_BLOCK_TRACE_BYTES - 1);
    e->at = pvm_x86_jcc_forward(e->at, PVM_X86_E);
    c->traces[c->trace_count++] = (uint32_t)(e->at - c->base);
}

/* Running on: pay, count, over the landing. Landing: pay, count. Body, to which all come who have paid, and nobody who enters
 * from outside, for whom the block is noted there. */
void pvm_compiler_begin_counted_block(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc,
                                      uint32_t runs_on_from)
{
    const uint32_t block = c->block;
    const uint32_t landing = c->landings[block];
    uint8_t *over = NULL;

    if (runs_on_from != UINT32_MAX) {
        pvm_compiler_follow(c, e, 2 * (c->terminator - 1));
        pvm_compiler_pay_head(c, e, block);
        pvm_compiler_leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_NEXT, pc, runs_on_from);
        count_edge(c, e, 2 * (c->terminator - 1));
        if (landing != PVM_LANDING_NONE) {
            e->at = pvm_x86_skip(e->at, -1);
            over = e->at;
        }
    }
    if (landing != PVM_LANDING_NONE) {
        c->landing_places[block] = (uint32_t)(e->at - c->base);
        if (landing == PVM_LANDING_HUB) {
            c->hub_entries[block] = c->landing_places[block];
            pvm_compiler_follow_arrival(c, e, block);
        } else {
            pvm_compiler_follow(c, e, 2 * (landing - 1) + 1);
        }
        pvm_compiler_pay_head(c, e, block);
        if (landing == PVM_LANDING_HUB) {
            pvm_compiler_leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_HUB, pc, 0);
            pvm_compiler_count(e, PVM_FRAME_FROM_HUB, block);
        } else {
            pvm_compiler_leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_JUMP, pc,
                                  c->flow->terminators[landing - 1].pc);
            count_edge(c, e, 2 * (landing - 1) + 1);
        }
    }
    if (over != NULL) {
        pvm_x86_land(over, e->at);
    }
    c->block_bodies[block] = (uint32_t)(e->at - c->base);
    if (c->tracing) {
        note_block(c, e, block);
    }
}

void pvm_compiler_jump_counting(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t target_pc,
                                uint32_t block, uint32_t pc)
{
    const bool known = !c->flat || block + 1 < c->block;
    uint32_t cost_at = 0;

    pvm_compiler_follow(c, e, 2 * c->terminator + 1);
    /* The price of the block that is open is not known either. */
    pvm_compiler_pay(e, known ? (int32_t)pvm_compiler_block_cost(c, block) : 0, !known);
    if (!known) {
        cost_at = (uint32_t)(e->at - 4 - c->base);
    }
    pvm_compiler_leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_JUMP, target_pc, pc);
    count_edge(c, e, 2 * c->terminator + 1);
    pvm_compiler_jump_to(c, e, -1, block, true, cost_at);
    if (!known && block < c->block) {
        c->jumps[c->jump_count++] = (pvm_jump_t){.block = block, .cost = cost_at};
    }
}

/* jCC landing | jCC detour: either way nothing more is done where the branch is not taken. */
void pvm_compiler_branch_counting(pvm_compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *in,
                                  pvm_x86_condition_t condition, uint32_t block)
{
    const bool lands = c->landings[block] == c->terminator + 1;

    if (lands && block < c->block) {
        c->loop = block;
        c->loop_top = c->landing_places[block];
        e->at = pvm_x86_jcc_back(e->at, condition, c->base + c->landing_places[block]);
        return;
    }
    e->at = pvm_x86_jcc_forward(e->at, condition);
    const uint32_t end = (uint32_t)(e->at - c->base);
    if (lands) {
        c->jumps[c->jump_count++] =
            (pvm_jump_t){.end = end, .block = block, .cost = PVM_COMPILER_TO_LANDING};
        return;
    }
    c->detours[c->detour_count++] = (pvm_detour_t){.end = end,
                                                   .pc = in->pc,
                                                   .target_pc = (uint32_t)in->y,
                                                   .terminator = c->terminator,
                                                   .block = block};
}

/* mov rcx, [table + 8 rcx]. The place of the table is patched at the end. */
static void load_table_entry(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t table)
{
    if (e->cpu->low) {
        e->at = pvm_x86_put(e->at, 0x48 | 0x8b << 8 | 0x0c << 16 | 0xcdULL << 24, 4);
        e->at = pvm_x86_put_32(e->at, 0);
        c->jumps[c->jump_count++] =
            (pvm_jump_t){.end = (uint32_t)(e->at - c->base), .block = table};
        return;
    }
    /* mov [temp], rax; lea rax, [rip + table]; mov rcx, [rax + 8 rcx]; mov rax, [temp] */
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_0);
    e->at = pvm_x86_put(e->at, 0x48 | 0x8d << 8 | 0x05 << 16, 7);
    c->jumps[c->jump_count++] = (pvm_jump_t){.end = (uint32_t)(e->at - c->base), .block = table};
    e->at = pvm_x86_put(e->at, 0x48 | 0x8b << 8 | 0x0c << 16 | 0xc8ULL << 24, 4);
    e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_0);
}

/* A jump through entry ecx of the jump table: leave if that leads nowhere; mov [rsp + jump pc], pc, which who goes on in C asks
 * for; follow it if it is a call; count the pair. ecx stays. */
static void follow_indirect(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc)
{
    if (c->table_has_bad) {
        e->at = pvm_x86_stack_store(e->at, PVM_HOST_SCRATCH, PVM_FRAME_ENTRY);
        load_table_entry(c, e, PVM_COMPILER_TABLE);
        e->at = pvm_x86_test(e->at, true, PVM_HOST_SCRATCH, PVM_HOST_SCRATCH);
        pvm_compiler_leave_if(c, e, PVM_X86_E, PVM_STUB_LEAVE, pc, 0);
        e->at = pvm_x86_stack_load(e->at, PVM_HOST_SCRATCH, PVM_FRAME_ENTRY);
    }
    e->at = pvm_x86_stack(e->at, false, 0xc7, 0, PVM_FRAME_JUMP_PC);
    e->at = pvm_x86_put_32(e->at, (int32_t)pc);
    pvm_compiler_follow_register(c, e, c->terminator);
}

/* ecx = address - 2; ror ecx, 1; cmp ecx, entries; jae stub; mov rcx, [table + 8 rcx]; jmp rcx
 *
 * Rotated, odd addresses become numbers above any table, as 0 and the address of the halt are. Bad entries are 0. What
 * the instruction writes is written when nothing can leave any more. A jump through memory would be an instruction less,
 * and is a third slower where an interpreter's dispatch is the guest. */
void pvm_compiler_jump_indirect(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc, bool links,
                                uint32_t d, pvm_operand_t v, pvm_address_t address)
{
    const bool is_call =
        c->calls != NULL && c->calls->steps[2 * c->terminator + 1] == PVM_STEP_CALL;

    pvm_emit_settle(e);
    address.offset = (int32_t)((uint32_t)address.offset - 2);
    pvm_emit_address(e, address);
    e->at = pvm_x86_rr(e->at, false, 0xd1, PVM_X86_ROR, PVM_HOST_SCRATCH);
    e->at = pvm_x86_alu_imm(e->at, false, PVM_X86_CMP, PVM_HOST_SCRATCH,
                            (int32_t)c->program->jump_table_len);
    pvm_compiler_leave_if(c, e, PVM_X86_AE, PVM_STUB_LEAVE, pc, 0);
    if (c->calls != NULL) {
        follow_indirect(c, e, pc);
    }
    load_table_entry(c, e, is_call ? PVM_COMPILER_CALLED : PVM_COMPILER_TABLE);
    if (c->table_has_bad && c->calls == NULL) {
        e->at = pvm_x86_test(e->at, true, PVM_HOST_SCRATCH, PVM_HOST_SCRATCH);
        pvm_compiler_leave_if(c, e, PVM_X86_E, PVM_STUB_LEAVE, pc, 0);
    }
    link_register(e, links, d, v);
    if (c->counting) {
        /* mov dword [rsp + jump pc], pc; count, while rcx waits */
        e->at = pvm_x86_stack(e->at, false, 0xc7, 0, PVM_FRAME_JUMP_PC);
        e->at = pvm_x86_put_32(e->at, (int32_t)pc);
        if (c->flow->is_counted[2 * c->terminator + 1]) {
            e->at = pvm_x86_stack_store(e->at, PVM_HOST_SCRATCH, PVM_FRAME_TEMP_1);
            pvm_compiler_count(e, PVM_FRAME_EDGES, 2 * (uint64_t)c->terminator + 1);
            e->at = pvm_x86_stack_load(e->at, PVM_HOST_SCRATCH, PVM_FRAME_TEMP_1);
        }
    }
    /* jmp rcx */
    e->at = pvm_x86_rr(e->at, false, 0xff, 4, PVM_HOST_SCRATCH);
}

/* mov ecx, site; jmp thunk, which jumps back: a call would leave a return address to the processor's prediction that is
 * never used when the run ends here, and all returns up to the embedder would be mispredicted. */
void pvm_compiler_host_call(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc, int32_t func_id)
{
    pvm_recompiler_code_t *const code = c->code;

    pvm_emit_settle(e);
    e->at = pvm_x86_put(e->at, 0xb9, 1);
    e->at = pvm_x86_put_32(e->at, (int32_t)code->host_site_count);
    e->at = pvm_x86_put(e->at, 0xe9, 5);
    pvm_x86_patch(e->at, c->thunks.host_call);
    c->pinned = (uint32_t)(e->at - c->base);
    code->host_sites[code->host_site_count++] = (pvm_host_site_t){
        .pc = pc,
        .func_id = func_id,
        .behind = c->code->stretch_count,
        .host = (uint32_t)(e->at - c->base),
    };
}

/* What stands at pc acts as a trap, although no instruction starts there. */
void pvm_compiler_gap(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t pc)
{
    pvm_emit_settle(e);
    pvm_compiler_close_segment(c);
    /* Position 0 is in the block table even where no instruction stands. */
    if (pc == 0 && c->program->block_count > 0) {
        c->block++;
    }
    pvm_compiler_begin_stretch(c, pc, e->at);
    pvm_compiler_close_segment(c);
    pvm_compiler_leave(c, e, PVM_STUB_LEAVE, pc, 0);
    c->gaps += pc < c->program->code.len;
    pvm_compiler_close_block(c);
}
#endif
