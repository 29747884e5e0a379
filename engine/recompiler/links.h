/* Gas, counters, and jumps: to other blocks, and to the stubs where code leaves. */
#ifndef PVM_RECOMPILER_LINKS_H
#define PVM_RECOMPILER_LINKS_H

#include "recompiler/compiler.h"

/* -- Stubs and jumps --- */

PVM_EMIT void pvm_compiler_add_stub(pvm_compiler_t *c, const uint8_t *end, pvm_stub_kind_t kind,
                                    uint32_t pc, uint32_t from)
{
    if (!c->replay) {
        const uint32_t index = c->code->stub_count++;
        c->code->stubs[index] = (pvm_stub_t){.pc = pc, .from = from, .kind = kind};
        c->stub_sites[index] = (uint32_t)(end - c->base);
    }
}

/* jCC stub */
PVM_EMIT void pvm_compiler_leave_if(pvm_compiler_t *c, pvm_emitter_t *e,
                                    pvm_x86_condition_t condition, pvm_stub_kind_t kind,
                                    uint32_t pc, uint32_t from)
{
    e->at = pvm_x86_jcc_forward(e->at, condition);
    pvm_compiler_add_stub(c, e->at, kind, pc, from);
}

/* jmp stub */
PVM_EMIT void pvm_compiler_leave(pvm_compiler_t *c, pvm_emitter_t *e, pvm_stub_kind_t kind,
                                 uint32_t pc, uint32_t from)
{
    e->at = pvm_x86_jmp_forward(e->at);
    pvm_compiler_add_stub(c, e->at, kind, pc, from);
}

/* jCC or (condition < 0) jmp to a block: its header, or if it is paid (counting code: always) its body. */
PVM_EMIT void pvm_compiler_jump_to(pvm_compiler_t *c, pvm_emitter_t *e, int condition,
                                   uint32_t block, bool is_paid, uint32_t cost_at)
{
    if (c->block_heads[block] != 0) {
        const uint8_t *const target =
            c->base + (is_paid ? c->block_bodies[block] : c->block_heads[block]);
        c->loop = block;
        c->loop_top = (uint32_t)(target - c->base);
        e->at = condition < 0 ? pvm_x86_jmp_back(e->at, target)
                              : pvm_x86_jcc_back(e->at, (pvm_x86_condition_t)condition, target);
        return;
    }
    e->at = condition < 0 ? pvm_x86_jmp_forward(e->at)
                          : pvm_x86_jcc_forward(e->at, (pvm_x86_condition_t)condition);
    c->jumps[c->jump_count++] =
        (pvm_jump_t){.end = (uint32_t)(e->at - c->base), .block = block, .cost = cost_at};
}

/* -- Gas and counters --- */

/* sub|add r15, gas  |  sub|add qword [rsp + gas], gas */
PVM_EMIT void pvm_compiler_change_gas(pvm_emitter_t *e, pvm_x86_alu_t op, int32_t gas,
                                      bool force_large)
{
    const uint8_t opcode = pvm_x86_is_i8(gas) && !force_large ? 0x83 : 0x81;

    e->at = e->cpu->segment ? pvm_x86_rr(e->at, true, opcode, op, PVM_HOST_GAS)
                            : pvm_x86_stack(e->at, true, opcode, op, PVM_FRAME_GAS);
    if (opcode == 0x83) {
        *e->at++ = (uint8_t)gas;
    } else {
        e->at = pvm_x86_put_32(e->at, gas);
    }
}

PVM_EMIT void pvm_compiler_pay(pvm_emitter_t *e, int32_t cost, bool force_large)
{
    pvm_compiler_change_gas(e, PVM_X86_SUB, cost, force_large);
}

/* mov rcx, [rsp + counters]; inc qword [rcx + 8 index] */
static inline void pvm_compiler_count(pvm_emitter_t *e, int8_t counters, uint64_t index)
{
    e->at = pvm_x86_stack_load(e->at, PVM_HOST_SCRATCH, counters);
    e->at = pvm_x86_put(e->at, 0x48 | 0xff << 8 | pvm_x86_modrm(2, 0, PVM_HOST_SCRATCH) << 16, 3);
    e->at = pvm_x86_put_32(e->at, (int32_t)(8 * index));
}

#endif
