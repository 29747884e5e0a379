/* What the engine's calling-context tree must be equal to: the same rules (docs/counting.md), followed jump by jump with an explicit
 * stack, slowly, by whoever steps a machine. Knows no bounds: trees that the engine cuts are not for it. */
#ifndef PVM_TESTS_SUPPORT_CALL_MODEL_H
#define PVM_TESTS_SUPPORT_CALL_MODEL_H

#include "program/program.h"

#include <pvm/trace.h>

typedef struct call_model_t call_model_t;

/** NULL without memory. */
call_model_t *call_model_create(void);
void call_model_destroy(call_model_t *model);
/** Begin with another program. @return 0, or -1 without memory */
int call_model_begin(call_model_t *model, const pvm_program_t *program);

/** Guest code will be entered anew. */
void call_model_forget(call_model_t *model);
/** What is at pc was paid with this much gas (0 if it was paid already). */
void call_model_paid(call_model_t *model, uint32_t pc, uint64_t gas);
/** This terminator went to `to`. */
void call_model_jump(call_model_t *model, const pvm_instruction_t *in, uint32_t to);
/** A jump through a register by the instruction at `from` arrived. */
void call_model_pair(call_model_t *model, uint32_t from, uint32_t to);
/** A host call begins; ends, if one is open. */
void call_model_host_begin(call_model_t *model, int64_t gas);
void call_model_host_end(call_model_t *model, int64_t gas);

const pvm_call_node_t *call_model_nodes(const call_model_t *model, size_t *out_count);
/** Sorted by `from` and `to`. */
const pvm_jump_pair_t *call_model_pairs(call_model_t *model, size_t *out_count);
/** Sort so. */
void call_model_sort_pairs(pvm_jump_pair_t *pairs, size_t count);

#endif
