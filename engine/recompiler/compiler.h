/* The state of the one pass (pass.c), and questions about blocks. Who emits what: control.h (blocks, jumps, host
 * calls), links.h (gas, jumps between blocks and to stubs), access.h (loads and stores), segments.h (what is paid at
 * once). */
#ifndef PVM_RECOMPILER_COMPILER_H
#define PVM_RECOMPILER_COMPILER_H

#include "isa/operands.h"
#include "program/prices.h"
#include "program/ranks.h"
#include "recompiler/code.h"
#include "recompiler/emitter.h"
#include "recompiler/thunks.h"
#include "support/bits.h"
#include "vm/call_map.h"

#include <string.h>

/** Most octets that one instruction becomes, everything around it included. */
#define PVM_INSTRUCTION_BYTES_MAX 512

/** Instead of a block: none, and the table of indirect jumps. */
#define PVM_COMPILER_NO_BLOCK UINT32_MAX
#define PVM_COMPILER_TABLE    UINT32_MAX
/** The same for calls: it stands behind the other one. */
#define PVM_COMPILER_CALLED (UINT32_MAX - 1)

/* A rel32 that is not known yet. */
typedef struct {
    uint32_t end;   /**< offset behind it */
    uint32_t block; /**< where it leads */
    uint32_t cost;  /**< offset of the imm32 that becomes the block's price, or 0 */
} pvm_jump_t;

/** Instead of a price: the jump leads to the block's landing. */
#define PVM_COMPILER_TO_LANDING UINT32_MAX

/* Counting code: a branch whose arrival, if it is taken, is paid and counted behind the last instruction. */
typedef struct {
    uint32_t end; /**< offset behind the rel32 that leads there */
    uint32_t pc;  /**< of the branch */
    uint32_t target_pc;
    uint32_t terminator;
    uint32_t block; /**< where it goes on from there */
} pvm_detour_t;

/* What is done behind the last instruction by a call of C: jumped to from in front of `end`, goes on there. */
typedef struct {
    uint32_t end;
    uint32_t back;
    uint32_t step; /**< what C is told */
} pvm_detached_t;

/* Who arrives at a block's landing, where arrivals are paid and counted in front of the body: nobody, indirect jumps, or
 * terminator `value - 1`. */
enum { PVM_LANDING_NONE = 0, PVM_LANDING_HUB = UINT32_MAX };

/* Most prices of one block that wait for its first segment to end: running on into it, and its landing. */
#define PVM_PRICES_MAX 2

typedef struct {
    const pvm_program_t *program;
    pvm_recompiler_code_t *code;
    bool flat; /**< gas of 0.7.2 */
    bool counting;
    bool tracing;
    const pvm_call_map_t *calls; /**< NULL: calls are not followed */
    bool checked;
    uint8_t ops[256];   /**< number -> pvm_op_t */
    bool replay;        /**< emit into the void: only the state of the registers is asked for */
    bool in_runs;       /**< units: what follows a range is elsewhere (grow.h) */
    bool table_has_bad; /**< some entry of the jump table is no block start */
    uint8_t *base;      /**< of the region */
    uint8_t *limit;
    pvm_thunks_t thunks;

    pvm_arena_region_t scratch; /**< holds the tables */
    uint32_t *ranks;            /**< for each 64 pcs: blocks that start before them */
    uint32_t *block_heads;      /**< of each block: its gas header */
    uint32_t *block_bodies;     /**< behind it */
    uint32_t *block_costs;      /**< 0.7.2: price of its first segment */
    uint32_t *block_aheads;     /**< what it pays ahead; not in counting code */
    uint32_t block;             /**< next one to come */
    const pvm_flow_t *flow;     /**< counting: what is counted, */
    uint32_t *landings;         /**< of each block: who arrives at its landing, */
    uint32_t *landing_places;   /**< where that is, */
    uint32_t *hub_entries;      /**< where indirect jumps arrive, */
    pvm_detour_t *detours;
    uint32_t detour_count;
    uint32_t *
        traces; /**< tracing: offsets behind the jumps that are taken when there is no room for one more block */
    uint32_t trace_count;
    pvm_detached_t *follows; /**< calls: what is not done inline */
    uint32_t follow_count;
    uint32_t *called_entries; /**< calls: where calls through registers arrive */

    pvm_jump_t *jumps;
    uint32_t jump_count;
    uint32_t *stub_sites;  /**< of each stub: offset behind the rel32 that leads there */
    uint32_t terminator;   /**< index of the next terminator */
    uint32_t loop;         /**< block that the last jump led back to, or PVM_COMPILER_NO_BLOCK */
    uint32_t loop_top;     /**< where it leads */
    uint32_t pinned;       /**< code before this place is not moved any more */
    uint32_t not_run_into; /**< last block into which the one before does not run on */

    uint32_t length_count;           /**< instructions so far, */
    uint32_t gaps;                   /**< and what stands in the block table as one beside them */
    uint32_t segment_first;          /**< first stretch of the segment that is open */
    uint32_t block_first;            /**< first stretch of the block that is open */
    uint32_t segment_block;          /**< block that the segment begins, or PVM_COMPILER_NO_BLOCK */
    uint8_t *prices[PVM_PRICES_MAX]; /**< its price: where, */
    uint32_t price_count;
    uint32_t price_guess; /**< what stands there until it is known, */
    bool price_is_small;  /**< and whether in one octet */
    uint8_t *head_price;  /**< plain code: where the price of the open block stands */
    uint32_t price_ahead; /**< 0.7.2: what is added to it when it is known */
    bool too_large;
} pvm_compiler_t;

/** Instructions so far, as the block table counts. */
static inline uint32_t pvm_compiler_ordinal(const pvm_compiler_t *c)
{
    return c->length_count + c->gaps;
}

/** What ends with an instruction. LEFT: the step does it, and it is paid apart. UNDEFINED: the same for an opcode that is none. */
typedef enum {
    PVM_ENDS_NOTHING,
    PVM_ENDS_SEGMENT, /**< host call */
    PVM_ENDS_LEFT,
    PVM_ENDS_BLOCK,
    PVM_ENDS_BLOCK_LEFT,
    PVM_ENDS_BLOCK_UNDEFINED,
    PVM_ENDS_BLOCK_RUNS_ON
} pvm_ends_t;

/** Index of the block that starts at `start`, which is a block start. */
static inline uint32_t pvm_compiler_block_at(const pvm_compiler_t *c, uint32_t start)
{
    return pvm_ranks_block_at(c->program, c->ranks, start);
}

/* Whether a jump to pc can be done here: block starts behind the code (latest64) have nothing to go to. */
static inline bool pvm_compiler_is_reachable(const pvm_program_t *program, int64_t pc)
{
    return pc >= 0 && pc < program->code.len && pvm_program_is_block_start(program, (uint64_t)pc);
}

/** Cost of a block, without what it pays ahead. */
static inline uint32_t pvm_compiler_block_cost(const pvm_compiler_t *c, uint32_t block)
{
    return c->flat ? c->block_costs[block] : pvm_program_block_gas(c->program, block);
}

/** The numbers of this instruction set, before anything is emitted. */
void pvm_compiler_number_opcodes(pvm_compiler_t *c);
/** Whether all entries of the jump table lead somewhere; before anything is emitted. */
void pvm_compiler_look_at_table(pvm_compiler_t *c);
/** Nothing is open: no block, no loop, no jump. */
void pvm_compiler_begin_pass(pvm_compiler_t *c);
/** The pass writes into the code's region from now on, which begins with what enters and leaves. @return the cursor */
uint8_t *pvm_compiler_emit_thunks(pvm_compiler_t *c, uint8_t *at);
/** Emit the instructions in [pc, end) at *at, which moves on. @return registers that are narrow at the end */
uint32_t pvm_compiler_emit_range(pvm_compiler_t *c, uint8_t **at, uint32_t pc, uint32_t end);

#endif
