/* Entering and leaving emitted code. The register map and the frame are drawn in registers.h. */
#include "recompiler/thunks.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/activation.h"
#include "recompiler/emitter.h"

#include <assert.h>
#include <stddef.h>

#define FIELD(name) ((int8_t)offsetof(pvm_activation_t, name))

static_assert(offsetof(pvm_activation_t, faulted) < 128,
              "fields that code uses have 8-bit offsets");
static_assert(offsetof(pvm_vm_t, registers) == 0 && PVM_REGISTER_COUNT * 8 < 128,
              "registers have 8-bit offsets");

static const pvm_x86_reg_t kept[] = {PVM_X86_RBX, PVM_X86_RBP, PVM_X86_R12,
                                     PVM_X86_R13, PVM_X86_R14, PVM_X86_R15};
#define KEPT_COUNT (sizeof(kept) / sizeof(*kept))

static_assert((PVM_FRAME_BYTES + (KEPT_COUNT + 1) * 8) % 16 == 0, "the frame keeps rsp aligned");

/* push reg | pop reg */
static uint8_t *push_or_pop(uint8_t *at, uint8_t opcode, unsigned reg)
{
    return pvm_x86_put_rex(at, pvm_x86_rex(false, 0, 0, reg), opcode | (reg & 7), 1);
}

/* mov host, [rcx + 8 guest] for all guest registers; rcx = [rdi + registers]. rdi is one of them. */
static uint8_t *load_guest(uint8_t *at)
{
    at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RCX, PVM_X86_RDI, FIELD(registers));
    for (unsigned i = 0; i < PVM_REGISTER_COUNT; i++) {
        at = pvm_x86_rm8(at, true, 0x8b, pvm_host_register(i), PVM_X86_RCX, (int8_t)(8 * i));
    }
    return at;
}

/* mov [rcx + 8 guest], host; the frame is at rsp + depth. Afterwards rdi is the activation. */
static uint8_t *store_guest(uint8_t *at, int8_t depth)
{
    at = pvm_x86_stack_load(at, PVM_X86_RCX, (int8_t)(depth + PVM_FRAME_ACTIVATION));
    at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RCX, PVM_X86_RCX, FIELD(registers));
    for (unsigned i = 0; i < PVM_REGISTER_COUNT; i++) {
        at = pvm_x86_rm8(at, true, 0x89, pvm_host_register(i), PVM_X86_RCX, (int8_t)(8 * i));
    }
    return pvm_x86_stack_load(at, PVM_X86_RDI, (int8_t)(depth + PVM_FRAME_ACTIVATION));
}

/* Gas between the activation (rdi) and where this code keeps it; uses rax. */
static uint8_t *load_gas(uint8_t *at, pvm_cpu_t cpu)
{
    if (cpu.segment) {
        return pvm_x86_rm8(at, true, 0x8b, PVM_HOST_GAS, PVM_X86_RDI, FIELD(budget));
    }
    at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RAX, PVM_X86_RDI, FIELD(budget));
    return pvm_x86_stack_store(at, PVM_X86_RAX, PVM_FRAME_GAS);
}

static uint8_t *store_gas(uint8_t *at, pvm_cpu_t cpu)
{
    if (cpu.segment) {
        return pvm_x86_rm8(at, true, 0x89, PVM_HOST_GAS, PVM_X86_RDI, FIELD(budget));
    }
    at = pvm_x86_stack_load(at, PVM_X86_RAX, PVM_FRAME_GAS);
    return pvm_x86_rm8(at, true, 0x89, PVM_X86_RAX, PVM_X86_RDI, FIELD(budget));
}

/* Where the next block is noted: movq xmm0, [rdi + trace at] and back. */
static uint8_t *load_trace(uint8_t *at, unsigned variant)
{
    if ((variant & PVM_VARIANT_TRACING) == 0) {
        return at;
    }
    at = pvm_x86_movq_load(at, PVM_HOST_TRACE, PVM_X86_RDI, FIELD(trace_at));
    return pvm_x86_movq_load(at, PVM_HOST_TRACE_STEP, PVM_X86_RDI, FIELD(trace_step));
}

static uint8_t *store_trace(uint8_t *at, unsigned variant)
{
    if ((variant & PVM_VARIANT_TRACING) == 0) {
        return at;
    }
    return pvm_x86_movq_store(at, PVM_HOST_TRACE, PVM_X86_RDI, FIELD(trace_at));
}

/* The current context between the activation (rdi) and the frame; uses rax. */
static uint8_t *load_context(uint8_t *at, unsigned variant, int8_t depth)
{
    if ((variant & PVM_VARIANT_CALLS) == 0) {
        return at;
    }
    at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RAX, PVM_X86_RDI, FIELD(context));
    return pvm_x86_stack_store(at, PVM_X86_RAX, (int8_t)(depth + PVM_FRAME_CONTEXT));
}

/* Also tells from which indirect jump. */
static uint8_t *store_context(uint8_t *at, unsigned variant, int8_t depth)
{
    if ((variant & PVM_VARIANT_CALLS) == 0) {
        return at;
    }
    at = pvm_x86_stack(at, false, 0x8b, PVM_X86_RAX, (int8_t)(depth + PVM_FRAME_JUMP_PC));
    at = pvm_x86_rm8(at, false, 0x89, PVM_X86_RAX, PVM_X86_RDI, FIELD(jump_pc));
    at = pvm_x86_stack(at, false, 0x8b, PVM_X86_RAX, (int8_t)(depth + PVM_FRAME_ENTRY));
    at = pvm_x86_rm8(at, false, 0x89, PVM_X86_RAX, PVM_X86_RDI, FIELD(jump_entry));
    at = pvm_x86_stack_load(at, PVM_X86_RAX, (int8_t)(depth + PVM_FRAME_CONTEXT));
    return pvm_x86_rm8(at, true, 0x89, PVM_X86_RAX, PVM_X86_RDI, FIELD(context));
}

/* push ...; sub rsp, frame; fill the frame; load gas and registers; jmp [where] */
static uint8_t *emit_enter(uint8_t *at, pvm_cpu_t cpu, unsigned variant)
{
    for (unsigned i = 0; i < KEPT_COUNT; i++) {
        at = push_or_pop(at, 0x50, kept[i]);
    }
    at = pvm_x86_alu_imm(at, true, PVM_X86_SUB, PVM_X86_RSP, PVM_FRAME_BYTES);
    at = pvm_x86_stack_store(at, PVM_X86_RDI, PVM_FRAME_ACTIVATION);
    at = pvm_x86_stack_store(at, PVM_X86_RSI, PVM_FRAME_WHERE);
    if ((variant & PVM_VARIANT_COUNTING) != 0) {
        at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RAX, PVM_X86_RDI, FIELD(edges));
        at = pvm_x86_stack_store(at, PVM_X86_RAX, PVM_FRAME_EDGES);
        at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RAX, PVM_X86_RDI, FIELD(from_hub));
        at = pvm_x86_stack_store(at, PVM_X86_RAX, PVM_FRAME_FROM_HUB);
    }
    if ((variant & PVM_VARIANT_CALLS) != 0) {
        at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RAX, PVM_X86_RDI, FIELD(sites));
        at = pvm_x86_stack_store(at, PVM_X86_RAX, PVM_FRAME_SITES);
        at = pvm_x86_rm8(at, true, 0x8b, PVM_X86_RAX, PVM_X86_RDI, FIELD(pairs));
        at = pvm_x86_stack_store(at, PVM_X86_RAX, PVM_FRAME_PAIRS);
    }
    at = load_context(at, variant, 0);
    if (!cpu.segment) {
        at = pvm_x86_rm8(at, true, 0x8b, PVM_HOST_BASE, PVM_X86_RDI, FIELD(base));
    }
    at = load_gas(at, cpu);
    at = load_trace(at, variant);
    at = load_guest(at);
    return pvm_x86_stack(at, false, 0xff, 4, PVM_FRAME_WHERE);
}

/* add rsp, frame; pop ...; ret */
static uint8_t *emit_return(uint8_t *at)
{
    at = pvm_x86_alu_imm(at, true, PVM_X86_ADD, PVM_X86_RSP, PVM_FRAME_BYTES);
    for (unsigned i = KEPT_COUNT; i-- > 0;) {
        at = push_or_pop(at, 0x58, kept[i]);
    }
    return pvm_x86_put(at, 0xc3, 1);
}

/* mov [where], rcx; store registers and gas; tell where, and from which indirect jump; return */
static uint8_t *emit_leave(uint8_t *at, pvm_cpu_t cpu, unsigned variant)
{
    at = pvm_x86_stack_store(at, PVM_X86_RCX, PVM_FRAME_WHERE);
    at = store_guest(at, 0);
    at = store_gas(at, cpu);
    at = store_trace(at, variant);
    at = store_context(at, variant, 0);
    at = pvm_x86_stack_load(at, PVM_X86_RAX, PVM_FRAME_WHERE);
    at = pvm_x86_rm8(at, true, 0x89, PVM_X86_RAX, PVM_X86_RDI, FIELD(stop));
    if ((variant & PVM_VARIANT_COUNTING) != 0) {
        at = pvm_x86_stack(at, false, 0x8b, PVM_X86_RAX, PVM_FRAME_JUMP_PC);
        at = pvm_x86_rm8(at, false, 0x89, PVM_X86_RAX, PVM_X86_RDI, FIELD(jump_pc));
    }
    return emit_return(at);
}

/* As a leave and an enter around a call of a function of the activation, which says where to go on, if at all: no system
 * call, no search. Gas goes there and back in registers. Who comes by a jump goes on there; who comes by a call, so that the
 * frame is one word up, and two while rsp is aligned, returns. */
static uint8_t *emit_call(uint8_t *at, pvm_cpu_t cpu, unsigned variant, int8_t function,
                          bool is_called)
{
    const int8_t depth = is_called ? 8 : 0;

    at = pvm_x86_stack_store(at, PVM_X86_RCX, (int8_t)(depth + PVM_FRAME_WHERE));
    at = store_guest(at, depth);
    at = store_trace(at, variant);
    at = store_context(at, variant, depth);
    at = pvm_x86_stack_load(at, PVM_X86_RSI, (int8_t)(depth + PVM_FRAME_WHERE));
    at = cpu.segment ? pvm_x86_mov(at, true, PVM_X86_RDX, PVM_HOST_GAS)
                     : pvm_x86_stack_load(at, PVM_X86_RDX, (int8_t)(depth + PVM_FRAME_GAS));
    if (is_called) {
        at = pvm_x86_alu_imm(at, true, PVM_X86_SUB, PVM_X86_RSP, 8);
    }
    at = pvm_x86_rm8(at, false, 0xff, 2, PVM_X86_RDI, function);
    if (is_called) {
        at = pvm_x86_alu_imm(at, true, PVM_X86_ADD, PVM_X86_RSP, 8);
    }
    at = pvm_x86_test(at, true, PVM_X86_RAX, PVM_X86_RAX);
    at = pvm_x86_skip(at, PVM_X86_E);
    uint8_t *const out = at;
    at = pvm_x86_stack_store(at, PVM_X86_RAX, (int8_t)(depth + PVM_FRAME_WHERE));
    at = cpu.segment ? pvm_x86_mov(at, true, PVM_HOST_GAS, PVM_X86_RDX)
                     : pvm_x86_stack_store(at, PVM_X86_RDX, (int8_t)(depth + PVM_FRAME_GAS));
    at = pvm_x86_stack_load(at, PVM_X86_RDI, (int8_t)(depth + PVM_FRAME_ACTIVATION));
    at = load_context(at, variant, depth);
    at = load_trace(at, variant);
    at = load_guest(at);
    at = is_called ? pvm_x86_put(at, 0xc3, 1) : pvm_x86_stack(at, false, 0xff, 4, PVM_FRAME_WHERE);
    pvm_x86_land(out, at);
    if (is_called) {
        at = pvm_x86_alu_imm(at, true, PVM_X86_ADD, PVM_X86_RSP, 8);
    }
    return emit_return(at);
}

uint8_t *pvm_recompiler_emit_thunks(uint8_t *at, pvm_cpu_t cpu, unsigned variant,
                                    pvm_thunks_t *out_thunks)
{
    out_thunks->enter = at;
    at = emit_enter(at, cpu, variant);
    out_thunks->stub_leave = at;
    at = push_or_pop(at, 0x58, PVM_X86_RCX);
    out_thunks->leave = at;
    at = emit_leave(at, cpu, variant);
    out_thunks->host_call = at;
    at = emit_call(at, cpu, variant, FIELD(host_call), false);
    if ((variant & PVM_VARIANT_CALLS) != 0) {
        out_thunks->follow = at;
        at = emit_call(at, cpu, variant, FIELD(follow), true);
    }
    if ((variant & PVM_VARIANT_TRACING) != 0) {
        out_thunks->trace_full = at;
        at = emit_call(at, cpu, variant, FIELD(trace_full), true);
    }
    return at;
}
#endif
