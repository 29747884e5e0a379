/* The one pass: from code octets to x86, gas checks, stubs and the code map on the way. No IR: each instruction is
 * emitted as it is decoded, jumps that lead ahead are patched at the end.
 *
 * What is rare becomes a jump to a stub, which leaves to the interpreter's step. Where code may be entered and what is
 * paid at once: code.h. Spec: GP A.3 (blocks, jumps), GP 0.8.0 A.1 (block gas). */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "isa/positions.h"
#include "recompiler/access.h"
#include "recompiler/control.h"
#include "recompiler/fuse.h"
#include "recompiler/select_arithmetic.h"
#include "recompiler/select_bits.h"
#include "recompiler/select_divide.h"

/* -- The table of instructions, expanded --- */

/* Calls a function that is not inlined on a copy of the emitter. The one of the loop then never has an address, so
 * that the compiler keeps it in registers although octets are stored all the time. */
#define OUT_OF_LINE(call)                                                                          \
    do {                                                                                           \
        pvm_emitter_t copy = e;                                                                    \
        call;                                                                                      \
        pvm_emit_go_on(&e, &copy);                                                                 \
    } while (0)

/* Tell how many instructions there are, for who may close a stretch. */
#define COUNT_INSTRUCTIONS() (c->length_count = (uint32_t)(length - lengths))

#define REGISTER(role)  ((pvm_operand_t){.reg = in.role})
#define CONSTANT(value) ((pvm_operand_t){.is_immediate = true, .immediate = (value)})
#define O_A             REGISTER(a)
#define O_B             REGISTER(b)
#define O_D             REGISTER(d)
#define O_X             CONSTANT(in.x)
#define O_Y             CONSTANT(in.y)
#define O_ZERO          CONSTANT(0)
#define O__             CONSTANT(0)
#define R_A             in.a
#define R_D             in.d
#define R__             0
#define LINKS_A         true
#define LINKS__         false
/* Address operands: a base (register or none) and an offset that is a constant. */
#define N_X in.x
#define N_Y in.y

#define EFFECT_TRAP(p, q, r, s)                                                                    \
    pvm_emit_settle(&e);                                                                           \
    pvm_compiler_leave(c, &e, PVM_STUB_LEAVE, in.pc, 0);                                           \
    ends = PVM_ENDS_BLOCK;
#define EFFECT_FALLTHROUGH(p, q, r, s)                                                             \
    if (!c->flat && !pvm_compiler_is_reachable(program, in.next)) {                                \
        COUNT_INSTRUCTIONS();                                                                      \
        OUT_OF_LINE(pvm_compiler_leave_instruction(c, &copy, in.pc));                              \
        ends = PVM_ENDS_BLOCK_LEFT;                                                                \
    } else {                                                                                       \
        pvm_emit_settle(&e);                                                                       \
        ends = PVM_ENDS_BLOCK_RUNS_ON;                                                             \
    }
#define EFFECT_HINT(p, q, r, s)
#define EFFECT_HOST_CALL(p, q, r, s)                                                               \
    OUT_OF_LINE(pvm_compiler_host_call(c, &copy, in.pc, (int32_t)in.x));                           \
    ends = PVM_ENDS_SEGMENT;
#define EFFECT_SBRK(p, q, r, s)                                                                    \
    COUNT_INSTRUCTIONS();                                                                          \
    OUT_OF_LINE(pvm_compiler_leave_instruction(c, &copy, in.pc));                                  \
    ends = PVM_ENDS_LEFT;
#define EFFECT_SET1(dst, fn, v, s) pvm_select_##fn(&e, R_##dst, O_##v);
#define EFFECT_SET2(dst, fn, v, w) pvm_select_##fn(&e, R_##dst, O_##v, O_##w);
#define EFFECT_CMOV(dst, cond, t, v)                                                               \
    pvm_emit_cmov(&e, R_##dst, O_##t, O_##v, (pvm_x86_condition_t)PVM_CONDITION_##cond);
#define EFFECT_LOAD(dst, type, b, o)                                                               \
    pvm_compiler_load(c, &e, R_##dst, PVM_LOAD(type), pvm_compiler_address(O_##b, N_##o), in.pc);
#define EFFECT_STORE(type, b, o, v)                                                                \
    pvm_compiler_store(c, &e, PVM_STORE_##type, pvm_compiler_address(O_##b, N_##o), O_##v, in.pc);
#define EFFECT_JUMP(dst, v, r, s)                                                                  \
    COUNT_INSTRUCTIONS();                                                                          \
    pvm_compiler_jump(c, &e, &in, LINKS_##dst, R_##dst, O_##v);                                    \
    ends = pvm_compiler_is_reachable(program, in.y) ? PVM_ENDS_BLOCK : PVM_ENDS_BLOCK_LEFT;
#define EFFECT_JUMP_IND(dst, v, b, o)                                                              \
    OUT_OF_LINE(pvm_compiler_jump_indirect(c, &copy, in.pc, LINKS_##dst, R_##dst, O_##v,           \
                                           pvm_compiler_address(O_##b, N_##o)));                   \
    ends = PVM_ENDS_BLOCK;
#define EFFECT_BRANCH(cond, v, w, s)                                                               \
    COUNT_INSTRUCTIONS();                                                                          \
    ends =                                                                                         \
        pvm_compiler_branch(c, &e, &in, (pvm_x86_condition_t)PVM_CONDITION_##cond, O_##v, O_##w)   \
            ? PVM_ENDS_BLOCK_RUNS_ON                                                               \
            : PVM_ENDS_BLOCK_LEFT;

void pvm_compiler_number_opcodes(pvm_compiler_t *c)
{
    for (unsigned number = 0; number < 256; number++) {
        c->ops[number] = (uint8_t)pvm_isa_op(c->program->code.isa, (uint8_t)number);
    }
}

/* From the instruction at `last`, with its end, to the one at pc, which begins a stretch. If pc is not where its skip leads to, as
 * expected, there is a gap between them. */
static __attribute__((noinline)) void go_between(pvm_compiler_t *c, pvm_emitter_t *emitter,
                                                 pvm_ends_t ends, uint32_t last, uint32_t expected,
                                                 uint32_t pc)
{
    const pvm_program_t *const program = c->program;
    const uint32_t len = program->code.len;
    pvm_emitter_t e = *emitter;

    if (ends != PVM_ENDS_NOTHING) {
        pvm_compiler_end(c, &e, ends, last, expected);
    }
    if (expected < pc || pc >= len) {
        /* Behind the last instruction skip() may give up before the end of the code. */
        OUT_OF_LINE(pvm_compiler_gap(c, &copy, expected < len ? expected : len));
    }
    if (pc < len) {
        if (pvm_program_is_block_start(program, pc)) {
            pvm_compiler_begin_block(c, &e, pc, ends == PVM_ENDS_BLOCK_RUNS_ON ? last : UINT32_MAX);
        } else if (pc == 0) {
            c->block++;
        }
        pvm_emit_settle(&e);
        pvm_compiler_begin_stretch(c, pc, e.at);
    }
    pvm_emit_go_on(emitter, &e);
}

/* Behind the last block of a run, which begins at a block and ends with one. What it runs on into may be anywhere. */
static __attribute__((noinline)) void end_run(pvm_compiler_t *c, pvm_emitter_t *emitter,
                                              pvm_ends_t ends, uint32_t last, uint32_t expected,
                                              uint32_t pc)
{
    const pvm_program_t *const program = c->program;
    const uint32_t len = program->code.len;
    const bool runs_on = ends == PVM_ENDS_BLOCK_RUNS_ON;
    pvm_emitter_t e = *emitter;

    if (ends != PVM_ENDS_NOTHING) {
        pvm_compiler_end(c, &e, ends, last, expected);
    }
    if (expected < pc || pc >= len || (runs_on && !pvm_compiler_is_reachable(program, pc))) {
        OUT_OF_LINE(pvm_compiler_gap(c, &copy, expected < len ? expected : len));
    } else if (runs_on) {
        pvm_compiler_jump_to(c, &e, -1, pvm_compiler_block_at(c, pc), false, 0);
        pvm_compiler_arrive_elsewhere(c, pc, e.at);
        c->loop = PVM_COMPILER_NO_BLOCK;
    }
    pvm_emit_go_on(emitter, &e);
}

/* The loop within goes from one instruction to the next as long as nothing else comes between them: up to the end of a
 * block or segment, a gap, or the end of a stretch. Blocks begin behind such ends only. */
uint32_t pvm_compiler_emit_range(pvm_compiler_t *c, uint8_t **at, uint32_t pc, uint32_t end)
{
    const pvm_program_t *const program = c->program;
    const pvm_code_t *const code = &program->code;
    const uint8_t *const octets = code->octets;
    uint8_t *const lengths = c->code->lengths;
    pvm_emitter_t e = {.at = *at, .cpu = &c->code->cpu};
    pvm_ends_t ends = PVM_ENDS_NOTHING;
    uint32_t last = 0;      /* the last instruction, */
    uint32_t expected = pc; /* and where its skip leads to */
    pvm_positions_t positions = pvm_positions_from(code, pc);

    for (pc = pvm_positions_next(&positions); pc < end;) {
        if (!c->replay) {
            OUT_OF_LINE(go_between(c, &copy, ends, last, expected, pc));
        }
        pvm_instruction_t in;
        ends = PVM_ENDS_NOTHING;
        uint8_t *length = lengths + c->length_count;
        const uint8_t *const most = length + PVM_STRETCH_INSTRUCTIONS;
        while (length != most && pc < end) {
            if (e.at > c->limit) {
                c->too_large = true;
                return 0;
            }
            const uint8_t *const begin = e.at;
            const pvm_op_t op = (pvm_op_t)c->ops[octets[pc]];
            uint32_t next = pvm_positions_next(&positions);
            const uint32_t skip = next - pc <= PVM_SKIP_MAX ? next - pc - 1 : PVM_SKIP_MAX;
            in.pc = pc;
            in.next = pc + 1 + skip;
            pvm_fused_t fused = {0};
            switch (op) {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    case PVM_OP_##name:                                                                            \
        pvm_operands_decode(PVM_FORM_##form, octets + pc + 1, skip, &in);                          \
        if (pvm_fuse_is_likely(c, PVM_OP_##name, &in)) {                                           \
            OUT_OF_LINE(fused = pvm_compiler_fuse(c, &copy, PVM_OP_##name, in,                     \
                                                  (uint32_t)(most - length) - 1));                 \
        }                                                                                          \
        if (fused.more == 0) {                                                                     \
            EFFECT_##effect(p, q, r, s)                                                            \
        }                                                                                          \
        break;
#include "isa/instructions.def"
            case PVM_OP_COUNT:
                COUNT_INSTRUCTIONS();
                OUT_OF_LINE(pvm_compiler_leave_instruction(c, &copy, pc));
                ends = PVM_ENDS_BLOCK_UNDEFINED;
                break;
            }
            /* What was fused is all where the first of it is. */
            *length++ = (uint8_t)(e.at - begin);
            if (fused.more > 0) {
                in.next = fused.next;
                for (uint32_t i = 0; i < fused.more; i++) {
                    *length++ = 0;
                    next = pvm_positions_next(&positions);
                }
            }
            pc = next;
            if (ends != PVM_ENDS_NOTHING || in.next != next) {
                break;
            }
        }
        COUNT_INSTRUCTIONS();
        last = in.pc;
        expected = in.next;
    }
    if (c->in_runs) {
        OUT_OF_LINE(end_run(c, &copy, ends, last, expected, pc));
    } else if (!c->replay) {
        OUT_OF_LINE(go_between(c, &copy, ends, last, expected, pc));
    }
    *at = e.at;
    return e.halves & PVM_NARROW_ALL;
}
#endif
