/* What a block costs under 0.8.0 and latest64: the cycles that a small out-of-order pipeline needs for it.
 *
 * The costs are the columns of instructions.def. docs/gas.md explains the model and both ways to compute it;
 * the quick way is here and in pipeline.c, the thorough one in pipeline_stages.c. Spec: GP 0.8.0 A.9, A.10. */
#ifndef PVM_GAS_PIPELINE_H
#define PVM_GAS_PIPELINE_H

#include "isa/isa.h"

/** Instructions that may be decoded and not retired. */
#define PVM_GAS_BUFFER_ENTRIES 32
/** Cycles in one line of the quick way's calendar: the bits of a word. */
#define PVM_GAS_LINE_CYCLES 64
/** Lines of the calendar, which is a ring. */
#define PVM_GAS_LINES 64

/** Which cycle of its block saw an instruction pass a stage; a block begins in cycle 0. */
typedef struct {
    uint32_t decode;
    uint32_t issue;  /**< began to execute, having waited for operands, units and its turn */
    uint32_t finish; /**< units free and result there */
    uint32_t retire; /**< buffer entry free */
} pvm_gas_stages_t;

/** Units in use in 64 cycles, one bit for each cycle. */
typedef struct {
    uint64_t alus[3]; /**< how many ALUs, in binary: ones, twos, fours */
    uint64_t multiplier;
    uint64_t divider;
    uint64_t padding[3]; /* to 64 octets, so that a line is found by masking the cycle */
} pvm_gas_line_t;

/** A block being fed. Private to pipeline.c; here so that it can live on the caller's stack. */
typedef struct {
    pvm_gas_line_t lines[PVM_GAS_LINES];
    uint8_t starts[PVM_GAS_LINES * PVM_GAS_LINE_CYCLES]; /**< how many begin in a cycle */
    uint32_t results[32]; /**< per register: the cycle in which its last writer finishes; from 16 on: unread */
    uint32_t retires[PVM_GAS_BUFFER_ENTRIES];
    const pvm_code_t *code;
    uint64_t slots; /**< decode slots passed, four to a cycle */
    uint32_t pc;
    uint32_t entries; /**< below 32: how many there were; then the index of the oldest in retires */
    uint32_t finish;  /**< latest of all */
    uint32_t cleared; /**< lines and starts are valid for cycles below */
    bool full;        /**< the buffer has had 32 entries */
    bool contended;   /**< the quick way does not lead to the end */
} pvm_gas_pipeline_t;

/** Gas of the block that starts at pc: up to its first terminator or implicit trap. */
uint32_t pvm_gas_pipeline_cost(const pvm_code_t *code, uint32_t pc);

/** The same for a block that is decoded already: all its instructions, the terminator or implicit trap last. */
uint32_t pvm_gas_pipeline_block(const pvm_code_t *code, const pvm_instruction_t *instructions,
                                size_t count);

/** The same in pieces: begin, feed any number of times, end. `code` must live until the end. */
void pvm_gas_pipeline_begin(pvm_gas_pipeline_t *pipeline, const pvm_code_t *code, uint32_t pc);
void pvm_gas_pipeline_feed(pvm_gas_pipeline_t *pipeline, const pvm_instruction_t *instructions,
                           size_t count);
uint32_t pvm_gas_pipeline_end(pvm_gas_pipeline_t *pipeline);

/** The same cost, and what the first `max` instructions went through. A move_reg is renamed in the decoder:
 *  all its stages are the cycle of decoding. @param out  may be NULL if max is 0 */
uint32_t pvm_gas_pipeline_stages(const pvm_code_t *code, uint32_t pc, pvm_gas_stages_t *out,
                                 size_t max);

/** Cycles that a branch takes: 1 if the octet behind it or at its target is that of trap or unlikely. */
uint32_t pvm_gas_branch_cycles(const pvm_code_t *code, const pvm_instruction_t *in);

#endif
