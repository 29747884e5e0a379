/* What a block costs under 0.8.0 and latest64: the cycles that a small out-of-order pipeline needs for it.
 *
 * The costs are the columns of instructions.def. docs/gas.md explains the model and the two ways to compute it:
 * the quick one in pipeline.c, the thorough one in pipeline_stages.c. Spec: GP 0.8.0 A.9, A.10. */
#ifndef PVM_GAS_PIPELINE_H
#define PVM_GAS_PIPELINE_H

#include "gas/calendar.h"
#include "gas/words.h"

/** Instructions that may be decoded and not retired. */
#define PVM_GAS_BUFFER_ENTRIES 32

/** Why an instruction passed a stage no sooner. */
typedef enum {
    PVM_GAS_WAIT_NONE, /**< it had not to wait: the block began, or the stage before was just passed */
    PVM_GAS_WAIT_SLOTS,   /**< decode: the slots of the cycle before were taken */
    PVM_GAS_WAIT_BUFFER,  /**< decode: no entry of the buffer was free until `_for` retired */
    PVM_GAS_WAIT_OPERAND, /**< issue: `_for` had not finished what it reads */
    PVM_GAS_WAIT_UNITS,   /**< issue: `_for` held units */
    PVM_GAS_WAIT_STARTS   /**< issue: enough others, all older, began in the cycle before */
} pvm_gas_wait_t;

/** Which cycle of its block saw an instruction pass a stage; a block begins in cycle 0. */
typedef struct {
    uint32_t decode;
    uint32_t issue;  /**< began to execute, having waited for operands, units and its turn */
    uint32_t finish; /**< units free and result there */
    uint32_t retire; /**< buffer entry free */
    uint32_t
        decode_for; /**< index of the instruction that decoding waited for, see pvm_gas_wait_t */
    uint32_t issue_for;
    uint8_t decode_wait; /**< pvm_gas_wait_t */
    uint8_t issue_wait;
} pvm_gas_stages_t;

/** An instruction in the reorder buffer of the quick way. */
typedef struct {
    uint64_t source_a; /**< what was in `results` for its sources; 0 for none */
    uint32_t decoded;  /**< the cycle after its decoding */
    uint32_t start;
    uint64_t
        source_b; /* not beside source_a: compilers would join the two in a vector, which is slower here */
    uint32_t retire;
    uint8_t cycles;
    uint8_t units;
    uint16_t padding;
} pvm_gas_entry_t;

/** A block being fed. Private to the quick way; here so that it can live on the caller's stack. */
typedef struct {
    pvm_gas_calendar_t calendar;
    /** Per register its last writer: the entry's number in the upper half, the cycle in which it finishes in
     *  the lower; 0 for none. Number 14 is what reads nothing, 15 where instructions without a result put it. */
    uint64_t results[16];
    pvm_gas_entry_t entries[PVM_GAS_BUFFER_ENTRIES]; /**< number n, from 1 on, is at n % 32 */
    const pvm_code_t *code;
    uint64_t slots; /**< decode slots passed, four to a cycle */
    uint32_t pc;
    uint32_t number;      /**< of the latest entry */
    uint32_t finish;      /**< latest of all */
    uint32_t corrections; /**< how many entries have been placed again */
    bool contended;       /**< too many: the block goes the thorough way */
} pvm_gas_pipeline_t;

/** Gas of the block that starts at pc: up to its first terminator or implicit trap. */
uint32_t pvm_gas_pipeline_cost(const pvm_code_t *code, uint32_t pc);

/** The same for a block whose words are there: all of them, the terminator or implicit trap last. */
uint32_t pvm_gas_pipeline_block(const pvm_code_t *code, uint32_t pc, const pvm_gas_word_t *words,
                                size_t count);

/** The same in pieces: begin, feed any number of times, end. `code` must live until the end. */
void pvm_gas_pipeline_begin(pvm_gas_pipeline_t *pipeline, const pvm_code_t *code, uint32_t pc);
void pvm_gas_pipeline_feed(pvm_gas_pipeline_t *pipeline, const pvm_gas_word_t *words, size_t count);
uint32_t pvm_gas_pipeline_end(pvm_gas_pipeline_t *pipeline);

/** The same cost, and what the first `max` instructions went through, and what held them up. A move_reg is renamed in
 *  the decoder: all its stages are the cycle of decoding. @param out  may be NULL if max is 0 */
uint32_t pvm_gas_pipeline_stages(const pvm_code_t *code, uint32_t pc, pvm_gas_stages_t *out,
                                 size_t max);

/** Cycles that a branch takes: 1 if the octet behind it or at its target is that of trap or unlikely. */
uint32_t pvm_gas_branch_cycles(const pvm_code_t *code, const pvm_instruction_t *in);

/** Entry `number`, the latest, begins in its `start` although an older entry that begins later needs its units:
 *  hold them and place those older ones again. @return false if that took too long; the calendar is of no use
 *  then. Internal to the quick way. */
bool pvm_gas_pipeline_correct(pvm_gas_pipeline_t *pipeline, uint32_t number);

#endif
