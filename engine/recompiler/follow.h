/* Following calls in emitted code (vm/calls.h): what calls and returns add to the code when a program's calls are followed.
 *
 * The usual case is inline: a site leads to the context that it led to from here before, and a jump to behind a call
 * returns to the caller. Everything else is a call of C behind the last instruction. The gas counter that
 * is added to a context and taken from it is that of the slice; run.c puts it right around emitted code. */
#ifndef PVM_RECOMPILER_FOLLOW_H
#define PVM_RECOMPILER_FOLLOW_H

#include "recompiler/links.h"
#include "vm/calls.h"

#include <assert.h>
#include <stddef.h>

/** What C is told: an edge, or with this bit the block where an indirect jump arrives. */
#define PVM_FOLLOW_ARRIVAL UINT32_C(0x80000000)

static_assert(offsetof(pvm_context_t, to) + 8 * PVM_CONTEXT_SITES <= 128,
              "members of contexts have 8-bit offsets");

/** op [base + member], reg  |  op reg, [base + member] */
PVM_EMIT void pvm_follow_member(pvm_emitter_t *e, uint8_t opcode, unsigned reg, unsigned base,
                                size_t member)
{
    e->at = pvm_x86_rm8(e->at, true, opcode, reg, base, (int8_t)member);
}

/* cmp dword [rax + member], value */
static inline void pvm_follow_compare(pvm_emitter_t *e, size_t member, uint32_t value)
{
    e->at = pvm_x86_rm8(e->at, false, 0x81, PVM_X86_CMP, PVM_X86_RAX, (int8_t)member);
    e->at = pvm_x86_put_32(e->at, (int32_t)value);
}

/* op reg, [base + 24 site + member] */
static inline void pvm_follow_site(pvm_emitter_t *e, uint8_t opcode, unsigned reg, unsigned base,
                                   uint32_t site, size_t member)
{
    e->at = pvm_x86_put(e->at,
                        pvm_x86_rex(true, reg, 0, base) | (uint64_t)opcode << 8 |
                            pvm_x86_modrm(2, reg, base) << 16,
                        3);
    e->at = pvm_x86_put_32(e->at, (int32_t)(sizeof(pvm_call_site_t) * site + member));
}

/* jCC, or (condition < 0) jmp, to where C follows the step. The caller says where it goes on. @return its number */
static inline uint32_t pvm_follow_detach(pvm_compiler_t *c, pvm_emitter_t *e, int condition,
                                         uint32_t step)
{
    e->at = condition < 0 ? pvm_x86_jmp_forward(e->at)
                          : pvm_x86_jcc_forward(e->at, (pvm_x86_condition_t)condition);
    c->follows[c->follow_count] =
        (pvm_detached_t){.end = (uint32_t)(e->at - c->base), .step = step};
    return c->follow_count++;
}

/* The detached steps from number `first` on go on here, and nothing of it moves any more. */
static inline void pvm_follow_land(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t first)
{
    for (uint32_t i = first; i < c->follow_count; i++) {
        c->follows[i].back = (uint32_t)(e->at - c->base);
    }
    c->pinned = (uint32_t)(e->at - c->base);
}

/* The gas counter in a register: r15, or rdx, which waits in the frame. */
static inline unsigned pvm_follow_take_gas(pvm_emitter_t *e)
{
    if (e->cpu->segment) {
        return PVM_HOST_GAS;
    }
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RDX, PVM_FRAME_TEMP_2);
    e->at = pvm_x86_stack_load(e->at, PVM_X86_RDX, PVM_FRAME_GAS);
    return PVM_X86_RDX;
}

static inline void pvm_follow_give_gas(pvm_emitter_t *e)
{
    if (!e->cpu->segment) {
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RDX, PVM_FRAME_TEMP_2);
    }
}

/** A call or tail call over this edge, if it is one, before its target is paid:
 *
 *   mov [temp], rax; mov rax, [context]; cmp dword [rax.to_site], site; jne C
 *   sub [rax.gas], r15; mov rcx, [rax.to]; add [rcx.gas], r15; inc [rcx.calls]; mov [context], rcx; mov rax, [temp] */
static inline void pvm_compiler_follow(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t edge)
{
    if (c->calls == NULL || c->calls->sites[edge] == PVM_CALL_NONE) {
        return;
    }
    const uint32_t site = c->calls->sites[edge];
    const uint32_t place = site % PVM_CONTEXT_SITES;
    const uint32_t first = c->follow_count;

    e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
    e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_CONTEXT);
    pvm_follow_compare(e, offsetof(pvm_context_t, to_site) + 4 * place, site);
    (void)pvm_follow_detach(c, e, PVM_X86_NE, edge);
    const unsigned gas = pvm_follow_take_gas(e);
    pvm_follow_member(e, 0x29, gas, PVM_X86_RAX, offsetof(pvm_context_t, gas));
    pvm_follow_member(e, 0x8b, PVM_X86_RCX, PVM_X86_RAX, offsetof(pvm_context_t, to) + 8 * place);
    pvm_follow_member(e, 0x01, gas, PVM_X86_RCX, offsetof(pvm_context_t, gas));
    pvm_follow_member(e, 0xff, 0, PVM_X86_RCX, offsetof(pvm_context_t, calls));
    pvm_follow_give_gas(e);
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RCX, PVM_FRAME_CONTEXT);
    pvm_follow_land(c, e, first);
    e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
}

/* inc qword [rax + 8 rcx + pairs of this jump] */
static inline void pvm_follow_pair(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t terminator)
{
    if (c->calls->pair_bytes > 0) {
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_PAIRS);
        e->at = pvm_x86_put(e->at, 0x48 | 0xff << 8 | 0x84 << 16 | 0xc8ULL << 24, 4);
        e->at = pvm_x86_put_32(
            e->at, (int32_t)(8 * (size_t)c->calls->hubs[terminator] * c->program->jump_table_len));
    }
}

/** A jump through the entry of the jump table that rcx says, which leads somewhere: note the entry, count the pair, and
 *  follow it if it is a call, as above but with the entry compared, too. rcx stays. */
static inline void pvm_compiler_follow_register(pvm_compiler_t *c, pvm_emitter_t *e,
                                                uint32_t terminator)
{
    const uint32_t edge = 2 * terminator + 1;
    const uint32_t site = c->calls->sites[edge];
    const uint32_t first = c->follow_count;

    e->at = pvm_x86_stack_store(e->at, PVM_X86_RCX, PVM_FRAME_ENTRY);
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
    if (site != PVM_CALL_NONE) {
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_SITES);
        pvm_follow_site(e, 0x3b, PVM_X86_RCX, PVM_X86_RAX, site, offsetof(pvm_call_site_t, entry));
        (void)pvm_follow_detach(c, e, PVM_X86_NE, edge);
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RCX, PVM_FRAME_CONTEXT);
        pvm_follow_site(e, 0x3b, PVM_X86_RCX, PVM_X86_RAX, site, offsetof(pvm_call_site_t, from));
        (void)pvm_follow_detach(c, e, PVM_X86_NE, edge);
        const unsigned gas = pvm_follow_take_gas(e);
        pvm_follow_member(e, 0x29, gas, PVM_X86_RCX, offsetof(pvm_context_t, gas));
        pvm_follow_site(e, 0x8b, PVM_X86_RCX, PVM_X86_RAX, site, offsetof(pvm_call_site_t, to));
        pvm_follow_member(e, 0x01, gas, PVM_X86_RCX, offsetof(pvm_context_t, gas));
        pvm_follow_member(e, 0xff, 0, PVM_X86_RCX, offsetof(pvm_context_t, calls));
        pvm_follow_give_gas(e);
        e->at = pvm_x86_stack_store(e->at, PVM_X86_RCX, PVM_FRAME_CONTEXT);
        pvm_follow_land(c, e, first);
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RCX, PVM_FRAME_ENTRY);
    }
    pvm_follow_pair(c, e, terminator);
    e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
}

/** An indirect jump that was no call arrives at this block, before it is paid. Behind a call:
 *
 *   mov [temp], rax; mov rax, [context]; cmp dword [rax.back], pc; jne C
 *   sub [rax.gas], r15; mov rax, [rax.parent]; add [rax.gas], r15; mov [context], rax; mov rax, [temp]
 *
 * Calls arrive behind all of it. */
static inline void pvm_compiler_follow_arrival(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t block)
{
    if (c->calls == NULL) {
        return;
    }
    const uint8_t place = c->calls->places[block];
    const uint32_t first = c->follow_count;

    if (place != 0) {
        const bool is_back = (place & PVM_PLACE_BACK) != 0;

        e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
        if (is_back) {
            e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_CONTEXT);
            pvm_follow_compare(e, offsetof(pvm_context_t, back), c->program->blocks[block].pc);
        }
        (void)pvm_follow_detach(c, e, is_back ? PVM_X86_NE : -1, PVM_FOLLOW_ARRIVAL | block);
        if (is_back) {
            const unsigned gas = pvm_follow_take_gas(e);
            pvm_follow_member(e, 0x29, gas, PVM_X86_RAX, offsetof(pvm_context_t, gas));
            pvm_follow_member(e, 0x8b, PVM_X86_RAX, PVM_X86_RAX, offsetof(pvm_context_t, parent));
            pvm_follow_member(e, 0x01, gas, PVM_X86_RAX, offsetof(pvm_context_t, gas));
            pvm_follow_give_gas(e);
            e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_CONTEXT);
        }
        pvm_follow_land(c, e, first);
        e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_1);
    }
    c->called_entries[block] = (uint32_t)(e->at - c->base);
}

#endif
