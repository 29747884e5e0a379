/* A bounded list of waiting memories under a lock. */
#include "memory/pool.h"

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
            pvm_memory_destroy(memory);
        }
    }
    (void)pthread_mutex_destroy(&pool->lock);
}

pvm_memory_t *pvm_memory_pool_take(pvm_memory_pool_t *pool, bool guarded)
{
    (void)pthread_mutex_lock(&pool->lock);
    pvm_memory_t *const memory = pool->free[guarded];
    if (memory != NULL) {
        pool->free[guarded] = memory->next;
        pool->free_count[guarded]--;
        memory->next = NULL;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return memory;
}

void pvm_memory_pool_give(pvm_memory_pool_t *pool, pvm_memory_t *memory)
{
    const int kind = memory->guarded;

    (void)pthread_mutex_lock(&pool->lock);
    const bool keep = pool->free_count[kind] < PVM_POOL_MEMORIES_MAX;
    if (keep) {
        memory->next = pool->free[kind];
        pool->free[kind] = memory;
        pool->free_count[kind]++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!keep) {
        pvm_memory_destroy(memory);
    }
}
