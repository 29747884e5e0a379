/* Guest memories that wait for the next VM of the same program, still mapped as that program starts, so that
 * making a VM costs a few small copies instead of mappings and page faults. One pool for each program. */
#ifndef PVM_MEMORY_POOL_H
#define PVM_MEMORY_POOL_H

#include "memory/memory.h"

#include <pthread.h>

/** Memories kept for each kind (guarded or not); more are given back to the system. */
#define PVM_POOL_MEMORIES_MAX 16
/** Kept in all pools of the process: each takes two of the 65,530 mappings that Linux gives a process, and 4 GiB of its
 *  addresses, also for programs that are only held and never run again. */
#define PVM_POOL_ALL_MAX 4096

typedef struct {
    pthread_mutex_t lock;
    pvm_memory_t *free[2]; /**< unguarded, guarded */
    size_t free_count[2];
} pvm_memory_pool_t;

void pvm_memory_pool_init(pvm_memory_pool_t *pool);
void pvm_memory_pool_destroy(pvm_memory_pool_t *pool);
/** A pooled memory, or NULL if none waits. */
pvm_memory_t *pvm_memory_pool_take(pvm_memory_pool_t *pool, bool guarded);
/** Keep this memory for later, or destroy it if enough wait. */
void pvm_memory_pool_give(pvm_memory_pool_t *pool, pvm_memory_t *memory);

#endif
