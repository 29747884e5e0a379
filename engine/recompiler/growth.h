/* What growing code consists of, for the files that make it grow: grow.c has the memory, the policy and the questions, unit.c emits. */
#ifndef PVM_RECOMPILER_GROWTH_H
#define PVM_RECOMPILER_GROWTH_H

#include "recompiler/compiler.h"
#include "recompiler/grow.h"
#include "recompiler/reach.h"

#include <pthread.h>

/** Units begin at a page. */
#define PVM_UNIT_PAGE_BYTES 4096

typedef struct {
    uint32_t stubs_at;   /**< offset of the unit's first stub, */
    uint32_t first_stub; /**< and which one that is */
} pvm_unit_t;

struct pvm_growth_t {
    pthread_mutex_t lock; /**< held while a unit is emitted */
    const pvm_program_t *program;
    uint32_t unit_octets; /**< guest code in a unit, about */
    uint32_t unit_cost;   /**< what one costs beside its code, in such octets */
    uint32_t worn_gas;    /**< used for an octet of the program until it gives way; 0: never */
    pvm_compiler_t c;     /**< goes on from unit to unit */
    pvm_recompiler_code_t
        work; /**< what it writes: the tables of the code, with counts that nobody else sees */
    pvm_reach_t reach;
    void *tables;
    uint32_t *entries; /**< of each block: offset of its head, 0: not there. Atomic */
    pvm_unit_t *units;
    uint32_t unit_count; /**< atomic */
    uint64_t *slots;     /**< in the region; the jump table first */
    uint32_t slot_count;
    uint32_t at;  /**< offset of the next unit */
    bool is_full; /**< the region is; nothing is emitted any more */
    int64_t gas;  /**< that was used in it, atomic */
};

/** Octets rounded up to whole pages. */
static inline size_t pvm_growth_pages(size_t bytes)
{
    return (bytes + PVM_UNIT_PAGE_BYTES - 1) / PVM_UNIT_PAGE_BYTES * PVM_UNIT_PAGE_BYTES;
}

/** Where the block that starts at pc, a block start, has its head: an offset, 0: it is not there. Thread: any, no lock. */
static inline uint32_t pvm_growth_entry(const pvm_growth_t *growth, uint32_t pc)
{
    const uint32_t block = pvm_ranks_block_at(growth->program, growth->c.ranks, pc);

    return __atomic_load_n(&growth->entries[block], __ATOMIC_ACQUIRE);
}

/** What stands behind the instructions of a unit: all stubs from this one on. Who takes a slot that leads nowhere yet comes to them.
 *  @return the cursor */
uint8_t *pvm_unit_emit_stubs(pvm_growth_t *growth, uint8_t *at, uint32_t first);
/** What was written since the last unit is executable from now on. @return 0, or -1 and pvm_last_error() */
int pvm_unit_seal(pvm_growth_t *growth, const uint8_t *end);

#endif
