/* A bounded list of waiting memories for the whole process, under a lock. */
#include "memory/spare.h"

#include <pthread.h>

static struct {
    pthread_mutex_t lock;
    pthread_once_t once;
    pvm_memory_t *waiting[2]; /**< unguarded, guarded */
    size_t count[2];
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void lock(void)
{
    (void)pthread_mutex_lock(&spare.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&spare.lock);
}

/* A fork while another thread holds the lock must not leave it locked in the child. */
static void watch_forks(void)
{
    (void)pthread_atfork(lock, unlock, unlock);
}

void pvm_memory_spare_give(pvm_memory_t *memory)
{
    const int kind = memory->guarded;
    bool is_kept = false;

    if (memory->unmapped <= PVM_SPARE_UNMAPPED_MAX && pvm_memory_trim(memory) == 0) {
        (void)pthread_once(&spare.once, watch_forks);
        lock();
        is_kept = spare.count[kind] < PVM_SPARE_MEMORIES_MAX;
        if (is_kept) {
            memory->next = spare.waiting[kind];
            spare.waiting[kind] = memory;
            spare.count[kind]++;
        }
        unlock();
    }
    if (!is_kept) {
        pvm_memory_destroy(memory);
    }
}

pvm_memory_t *pvm_memory_spare_take(bool guarded)
{
    (void)pthread_once(&spare.once, watch_forks);
    lock();
    pvm_memory_t *const memory = spare.waiting[guarded];
    if (memory != NULL) {
        spare.waiting[guarded] = memory->next;
        spare.count[guarded]--;
        memory->next = NULL;
        /* Whose read-only data it is nobody knows. */
        pvm_memory_keep(memory, 0, 0);
    }
    unlock();
    return memory;
}

bool pvm_memory_spare_drain(void)
{
    bool had_any = false;

    for (int kind = 0; kind < 2; kind++) {
        for (pvm_memory_t *memory; (memory = pvm_memory_spare_take(kind != 0)) != NULL;) {
            pvm_memory_destroy(memory);
            had_any = true;
        }
    }
    return had_any;
}

/* A library that is unloaded leaves nothing behind. */
__attribute__((destructor)) static void give_back(void)
{
    (void)pvm_memory_spare_drain();
}
