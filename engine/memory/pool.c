/* A bounded list of waiting memories under a lock. */
#include "memory/pool.h"

#include "memory/spare.h"
#include "support/fork_gate.h"

#include <stdatomic.h>

/* In all pools. */
static atomic_size_t all_count;

void pvm_memory_pool_init(pvm_memory_pool_t *pool)
{
    (void)pthread_mutex_init(&pool->lock, NULL);
}

void pvm_memory_pool_destroy(pvm_memory_pool_t *pool)
{
    for (int kind = 0; kind < 2; kind++) {
        while (pool->free[kind] != NULL) {
            pvm_memory_t *const memory = pool->free[kind];
            pool->free[kind] = memory->next;
            pvm_memory_spare_give(memory);
            (void)atomic_fetch_sub_explicit(&all_count, 1, memory_order_relaxed);
        }
    }
    (void)pthread_mutex_destroy(&pool->lock);
}

static void lock(pvm_memory_pool_t *pool)
{
    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&pool->lock);
}

static void unlock(pvm_memory_pool_t *pool)
{
    (void)pthread_mutex_unlock(&pool->lock);
    pvm_fork_gate_leave();
}

pvm_memory_t *pvm_memory_pool_take(pvm_memory_pool_t *pool, bool guarded)
{
    lock(pool);
    pvm_memory_t *const memory = pool->free[guarded];
    if (memory != NULL) {
        pool->free[guarded] = memory->next;
        pool->free_count[guarded]--;
        memory->next = NULL;
        (void)atomic_fetch_sub_explicit(&all_count, 1, memory_order_relaxed);
    }
    unlock(pool);
    return memory;
}

void pvm_memory_pool_give(pvm_memory_pool_t *pool, pvm_memory_t *memory)
{
    const int kind = memory->guarded;

    lock(pool);
    /* Some threads at a time may go above it by one each. */
    const bool keep = pool->free_count[kind] < PVM_POOL_MEMORIES_MAX &&
                      atomic_load_explicit(&all_count, memory_order_relaxed) < PVM_POOL_ALL_MAX;
    if (keep) {
        (void)atomic_fetch_add_explicit(&all_count, 1, memory_order_relaxed);
        memory->next = pool->free[kind];
        pool->free[kind] = memory;
        pool->free_count[kind]++;
    }
    unlock(pool);
    if (!keep) {
        pvm_memory_destroy(memory);
    }
}
