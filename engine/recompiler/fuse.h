/* Pairs and triples of instructions that become one (fuse.c). */
#ifndef PVM_RECOMPILER_FUSE_H
#define PVM_RECOMPILER_FUSE_H

#include "recompiler/access.h"

/** Amounts of shifts to the left that may make one with what follows: 1, 2, 3, 32. */
#define PVM_FUSE_AMOUNTS UINT64_C(0x10000000e)

/** What was emitted at once: the first instruction and `more` behind it. 0: nothing was. */
typedef struct {
    uint32_t more;
    uint32_t next; /**< behind it */
} pvm_fused_t;

/** What a load through a register looks like; no octets for all other instructions. */
extern const pvm_load_type_t pvm_fuse_loads[PVM_OP_COUNT + 1];

/** A quick look at what follows an instruction `op`: whether asking pvm_compiler_fuse() is worth a call. */
PVM_EMIT bool pvm_fuse_is_likely(const pvm_compiler_t *c, pvm_op_t op, const pvm_instruction_t *in)
{
    /* Behind the end stand zeros, which are traps. */
    const uint8_t *const second = c->program->code.octets + in->next;

    switch (op) {
    case PVM_OP_add_64:
        /* The load's two registers are the sum's one. */
        return second[1] == in->d * 0x11 && pvm_fuse_loads[c->ops[second[0]]].bytes != 0;
    case PVM_OP_shlo_l_imm_64:
        return (UINT64_C(1) << (in->x & 63) & PVM_FUSE_AMOUNTS) != 0;
    default:
        return false;
    }
}

/** Emit `first` together with what follows it, if they make one.
 *  @param room  instructions that may follow in this stretch */
pvm_fused_t pvm_compiler_fuse(pvm_compiler_t *c, pvm_emitter_t *e, pvm_op_t op,
                              pvm_instruction_t first, uint32_t room);

#endif
