/* Two machines of one program side by side: a reference that executes single steps, and a backend that executes whole
 * blocks as it always does. State is compared after every block.
 *
 * The backend is stopped at block borders by gas alone: it gets exactly what the reference paid for the block, so it
 * runs out of gas at the first instruction of the next one, and its real gas is kept here. Nothing is done to the code
 * that it runs. Knows machines only; files and tables are cmd_lockstep.c's business. docs/lockstep.md */
#ifndef PVM_VIEWER_LOCKSTEP_H
#define PVM_VIEWER_LOCKSTEP_H

#include <pvm/pvm.h>
#include <pvm/trace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Blocks that are remembered as the way to a difference. */
#define PVM_LOCKSTEP_WAY 16
/** Differences that are listed. */
#define PVM_LOCKSTEP_DIFFERENCES_MAX 24
/** Stored places of a block that are compared one by one; a block with more has all memory compared. */
#define PVM_LOCKSTEP_STORES_MAX 256

/** What is compared with what. */
typedef struct {
    pvm_vm_t *reference; /**< stepped; both have their host callback set */
    pvm_vm_t *checked;
    uint32_t entry;
    bool every_instruction; /**< compare after every step of both, instead of blocks */
    /** For tests of the comparison itself: called before it each time, free to disturb a machine. Or NULL. */
    void (*before_compare)(void *user_data, uint64_t round);
    void *user_data;
} pvm_lockstep_pair_t;

/** A block, or a part of one, that was executed. */
typedef struct {
    uint64_t number; /**< from 1 */
    uint32_t pc;     /**< where it was entered */
    uint64_t instructions;
    uint32_t host_calls;
} pvm_lockstep_block_t;

/** Something that is not the same on both sides. */
typedef struct {
    char what[40];
    uint64_t expected; /**< of the reference */
    uint64_t got;
    bool is_hex; /**< reads better in hexadecimal */
    bool is_text;
    const char *expected_text; /**< static */
    const char *got_text;
    bool has_pc;
    uint32_t pc; /**< last instruction of the block that writes this */
} pvm_lockstep_difference_t;

typedef struct {
    uint64_t blocks;       /**< rounds, or with every_instruction the steps */
    uint64_t instructions; /**< of the reference */
    uint64_t host_calls;
    uint64_t memory_compares;   /**< of all memory */
    pvm_result_t result;        /**< of the reference, when it ended */
    uint64_t memory_checked_at; /**< block behind which all memory was last compared and equal */
    size_t difference_count;
    pvm_lockstep_difference_t differences[PVM_LOCKSTEP_DIFFERENCES_MAX];
    pvm_lockstep_block_t
        way[PVM_LOCKSTEP_WAY]; /**< a ring: block n stands at n % PVM_LOCKSTEP_WAY */
} pvm_lockstep_t;

/** Run both from the entry to the end or to the first difference.
 *  @return 0 if they were the same all the way, 1 if not, -1 without memory or if a machine refuses to run:
 *  pvm_last_error(). The host callbacks of both are theirs again afterwards. */
int pvm_lockstep_run(const pvm_lockstep_pair_t *pair, pvm_lockstep_t *out);

/** Block `number` of the way; NULL if it is not remembered. */
const pvm_lockstep_block_t *pvm_lockstep_way(const pvm_lockstep_t *lockstep, uint64_t number);

#endif
