/* Why a block costs what it costs: what each instruction went through in the pipeline, what it adds to the cost, and the
 * chain of waiting that makes the block as long as it is.
 *
 * No model of its own: everything follows from what pvm_gas_pipeline_stages() tells. docs/gas.md explains it. */
#ifndef PVM_GAS_TIMELINE_H
#define PVM_GAS_TIMELINE_H

#include "gas/pipeline.h"

/** What a link of the critical chain passed its time with. */
typedef enum {
    PVM_GAS_LINK_DECODE, /**< decoded in its cycle, the first one of the chain, or waiting for decode slots */
    PVM_GAS_LINK_EXECUTE, /**< held its units */
    PVM_GAS_LINK_RETIRE,  /**< finished, but holding the buffer entry that decoding waits for */
    PVM_GAS_LINK_START    /**< ready, but too many others began in that cycle */
} pvm_gas_link_kind_t;

/** A stretch of cycles of the critical chain; each begins where the one before ends. */
typedef struct {
    uint32_t index; /**< of the instruction */
    uint32_t begin; /**< first cycle */
    uint32_t end;   /**< cycle behind the last one */
    pvm_gas_link_kind_t kind;
    pvm_gas_wait_t
        why; /**< why the link behind this one had to wait for it; NONE for the last one */
} pvm_gas_link_t;

/** Zero-initialized it is empty. May be made again and again. Owned: pvm_gas_timeline_free(). */
typedef struct {
    size_t count; /**< instructions, an implicit trap included */
    uint32_t cost;
    uint32_t cycles; /**< until the last one has retired: cost + 3, or 3 for the cheapest blocks */
    pvm_gas_stages_t *stages;
    uint32_t *gas;         /**< what each one adds; the sum is the cost */
    pvm_gas_link_t *chain; /**< from cycle 0 to the latest finish */
    size_t chain_count;
    size_t room;
    size_t chain_room;
} pvm_gas_timeline_t;

/** Look at the block that starts at pc, up to its first terminator or implicit trap.
 *  `gas` of an instruction: how many cycles the block takes longer with it than if it ended before it, in retirement.
 *  @return 0, or -1 without memory */
int pvm_gas_timeline_make(pvm_gas_timeline_t *timeline, const pvm_code_t *code, uint32_t pc);
void pvm_gas_timeline_free(pvm_gas_timeline_t *timeline);

#endif
