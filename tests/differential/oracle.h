/* Exact counts found by watching single steps, without the engine's counters: what those must be equal to. It also
 * counts executed instructions by opcode. Rules: pvm/trace.h. */
#ifndef PVM_TESTS_DIFFERENTIAL_ORACLE_H
#define PVM_TESTS_DIFFERENTIAL_ORACLE_H

#include "run.h"

typedef struct diff_oracle_t diff_oracle_t;

/** NULL without memory. Owns: the caller, diff_oracle_destroy(). */
diff_oracle_t *diff_oracle_create(void);
void diff_oracle_destroy(diff_oracle_t *oracle);

/** Begin with another program: all counts are zero. */
void diff_oracle_begin(diff_oracle_t *oracle, const pvm_program_t *program);
/** What a run calls. */
diff_watch_t diff_oracle_watch(diff_oracle_t *oracle);

/** Executions of each instruction, PVM_OP_COUNT of them, since diff_oracle_begin(); undefined opcodes count as trap. */
const uint32_t *diff_oracle_opcodes(const diff_oracle_t *oracle);
/** Instructions executed since then. */
uint64_t diff_oracle_instructions(const diff_oracle_t *oracle);

#endif
