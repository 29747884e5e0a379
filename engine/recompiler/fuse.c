/* Pairs and triples of instructions that become one: a sum whose only use is the address of a load, a scaled sum, and two
 * shifts that cut off the upper half.
 *
 * Only the last of them can fault, and nothing is written before it does. So all of them are where the first one is in the code map:
 * a fault finds the guest as it was before the first, and the step does them one by one. They never begin a block but with the
 * first. docs/recompiler.md. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/fuse.h"

/* -- Loads, from the table of instructions --- */

#define TYPE_TRAP(q, r)        {0}
#define TYPE_FALLTHROUGH(q, r) {0}
#define TYPE_HINT(q, r)        {0}
#define TYPE_HOST_CALL(q, r)   {0}
#define TYPE_SET1(q, r)        {0}
#define TYPE_SET2(q, r)        {0}
#define TYPE_CMOV(q, r)        {0}
#define TYPE_STORE(q, r)       {0}
#define TYPE_JUMP(q, r)        {0}
#define TYPE_JUMP_IND(q, r)    {0}
#define TYPE_BRANCH(q, r)      {0}
#define TYPE_SBRK(q, r)        {0}
#define TYPE_LOAD(type, base)  TYPE_LOAD_##base(type)
#define TYPE_LOAD_ZERO(type)   {0}
#define TYPE_LOAD_B(type)      PVM_LOAD_FIELDS_##type

const pvm_load_type_t pvm_fuse_loads[PVM_OP_COUNT + 1] = {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, ...)                    \
    [PVM_OP_##name] = TYPE_##effect(q, r),
#include "isa/instructions.def"
};

/* -- Looking ahead --- */

/* The operands of the instruction at pc, all of whose forms the caller knows. @return what it is; a trap, if a block begins or
 * no instruction stands there */
static inline pvm_op_t peek(const pvm_compiler_t *c, uint32_t pc, pvm_form_t form,
                            pvm_instruction_t *out)
{
    const pvm_program_t *const program = c->program;
    const uint8_t *const octets = program->code.octets + pc;

    if (pc >= program->code.len || !pvm_isa_mask_at(&program->code, pc) ||
        pvm_program_is_block_start(program, pc)) {
        return PVM_OP_trap;
    }
    const uint32_t skip = pvm_isa_skip(&program->code, pc);
    out->pc = pc;
    out->next = pc + 1 + skip;
    pvm_operands_decode(form, octets + 1, skip, out);
    return (pvm_op_t)c->ops[octets[0]];
}

static pvm_fused_t up_to(const pvm_instruction_t *last, uint32_t more)
{
    return (pvm_fused_t){.more = more, .next = last->next};
}

/* -- Addresses of two registers --- */

/* base + (index << shift) + offset */
typedef struct {
    uint32_t base;
    uint32_t index;
    uint8_t shift;
    int32_t offset;
} sum_t;

/* movzx|movsx|movsxd|mov d, gs:[base32 + index32 << shift + offset]
 *   |  lea ecx, [base + index << shift + offset]; movzx.. d, [r15 + rcx]
 *
 * Only low halves count, so nothing is extended for it. */
static void emit_load(pvm_emitter_t *e, uint32_t d, pvm_load_type_t type, sum_t sum)
{
    const unsigned host = pvm_host_register(d);
    const unsigned base = pvm_host_register(sum.base);
    const unsigned index = pvm_host_register(sum.index);

    if (e->cpu->segment) {
        e->at = pvm_x86_put(e->at, 0x6765, 2);
        e->at = pvm_x86_put_rex(e->at, pvm_x86_rex(type.wide, host, index, base), type.opcode,
                                type.opcode > 0xff ? 2 : 1);
        e->at = pvm_x86_sib(e->at, host, base, index, sum.shift, sum.offset);
    } else {
        e->at =
            pvm_x86_lea_scaled(e->at, false, PVM_HOST_SCRATCH, base, index, sum.shift, sum.offset);
        pvm_emit_based(e, 0, type.wide, false, type.opcode, host);
    }
    pvm_emit_now(e, d, type.extended ? PVM_NOW_EXTENDED : PVM_NOW_64);
}

/* Whether the instruction behind `sum` is a load that overwrites it: d = memory[sum]. */
static bool load_follows(const pvm_compiler_t *c, const pvm_instruction_t *sum,
                         pvm_instruction_t *out_load, pvm_load_type_t *out_type)
{
    if (c->checked) {
        return false;
    }
    *out_type = pvm_fuse_loads[peek(c, sum->next, PVM_FORM_REG_REG_IMM, out_load)];
    return out_type->bytes != 0 && out_load->a == sum->d && out_load->b == sum->d;
}

/* add_64 d, a, b; load_ind d, d, x */
static pvm_fused_t fuse_sum(pvm_compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *sum)
{
    pvm_instruction_t load;
    pvm_load_type_t type;

    if (!load_follows(c, sum, &load, &type)) {
        return (pvm_fused_t){0};
    }
    emit_load(e, sum->d, type, (sum_t){.base = sum->a, .index = sum->b, .offset = (int32_t)load.x});
    return up_to(&load, 1);
}

/* shlo_l_imm_64 a, b, 1 to 3; add_64 a, a, other[; load_ind a, a, x]:
 *   lea a, [other + b << n]  |  the load */
static pvm_fused_t fuse_scaled(pvm_compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *shift,
                               const pvm_instruction_t *sum, uint32_t room)
{
    const uint32_t d = shift->a;
    const sum_t scaled = {.base = sum->a == d ? sum->b : sum->a,
                          .index = shift->b,
                          .shift = (uint8_t)(shift->x & 63)};
    pvm_instruction_t load;
    pvm_load_type_t type;

    if (sum->d != d || (sum->a == d) == (sum->b == d)) {
        return (pvm_fused_t){0};
    }
    if (room > 1 && load_follows(c, sum, &load, &type)) {
        sum_t address = scaled;
        address.offset = (int32_t)load.x;
        emit_load(e, d, type, address);
        return up_to(&load, 2);
    }
    pvm_emit_widen(e, (pvm_operand_t){.reg = scaled.base});
    pvm_emit_widen(e, (pvm_operand_t){.reg = scaled.index});
    e->at = pvm_x86_lea_scaled(e->at, true, pvm_host_register(d), pvm_host_register(scaled.base),
                               pvm_host_register(scaled.index), scaled.shift, 0);
    pvm_emit_now_64(e, d);
    return up_to(sum, 1);
}

/* -- Cutting off the upper half --- */

/* shlo_l_imm_64 a, b, 32; shlo_r_imm_64|shar_r_imm_64 a, a, n, which is b's low half, extended, and shifted by the rest:
 *   mov a32, b32  |  movsxd a, b32;  shl a, 32 - n  |  shr a32, n - 32  |  sar a32, n - 32 */
static pvm_fused_t fuse_cut(pvm_emitter_t *e, const pvm_instruction_t *up,
                            const pvm_instruction_t *down, bool is_signed)
{
    const uint32_t d = up->a;
    const unsigned host = pvm_host_register(d);
    const unsigned from = pvm_host_register(up->b);
    const uint8_t n = (uint8_t)(down->x & 63);

    if (down->a != d || down->b != d || n == 0) {
        return (pvm_fused_t){0};
    }
    e->at = is_signed && n <= 32 ? pvm_x86_movsxd(e->at, host, from)
                                 : pvm_x86_mov(e->at, false, host, from);
    if (n < 32) {
        e->at = pvm_x86_shift(e->at, true, PVM_X86_SHL, host, (uint8_t)(32 - n));
    } else if (n > 32) {
        e->at = pvm_x86_shift(e->at, false, is_signed ? PVM_X86_SAR : PVM_X86_SHR, host,
                              (uint8_t)(n - 32));
    }
    if (n < 32 || (n == 32 && !is_signed)) {
        pvm_emit_now_64(e, d);
    } else if (n > 32 && is_signed) {
        pvm_emit_now_narrow(e, d);
    } else {
        pvm_emit_now_extended(e, d);
    }
    return up_to(down, 1);
}

pvm_fused_t pvm_compiler_fuse(pvm_compiler_t *c, pvm_emitter_t *e, pvm_op_t op,
                              pvm_instruction_t first, uint32_t room)
{
    pvm_instruction_t second;

    if (room == 0) {
        return (pvm_fused_t){0};
    }
    if (op == PVM_OP_add_64) {
        return fuse_sum(c, e, &first);
    }
    if ((first.x & 63) < 32) {
        return peek(c, first.next, PVM_FORM_REG_REG_REG, &second) == PVM_OP_add_64
                   ? fuse_scaled(c, e, &first, &second, room)
                   : (pvm_fused_t){0};
    }
    const pvm_op_t down = peek(c, first.next, PVM_FORM_REG_REG_IMM, &second);
    return down == PVM_OP_shlo_r_imm_64 || down == PVM_OP_shar_r_imm_64
               ? fuse_cut(e, &first, &second, down == PVM_OP_shar_r_imm_64)
               : (pvm_fused_t){0};
}
#endif
