/* A bounded list of waiting blocks for the whole process, under a lock. */
#include "support/large.h"

#include "support/fork_gate.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What waits is nobody's: with AddressSanitizer, who still touches it is told so. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(block, bytes)   ((void)(block), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(block, bytes) ((void)(block), (void)(bytes))
#endif

/* Stands before each block. */
typedef struct {
    alignas(max_align_t) size_t bytes; /**< of the block behind it */
} header_t;

static struct {
    pthread_mutex_t lock;
    header_t *waiting[PVM_LARGE_WAITING_MAX]; /**< those that came first at the front */
    size_t count;
    size_t bytes;
} large = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock(void)
{
    (void)pthread_mutex_lock(&large.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&large.lock);
}

/* A fork while another thread holds the lock must not leave it locked in the child. support/fork_gate.h says when. */
__attribute__((constructor(PVM_FORK_GATE_FIRST))) static void watch_forks(void)
{
    (void)pthread_atfork(lock, unlock, unlock);
}

/* Under the lock. */
static header_t *remove_at(size_t index)
{
    header_t *const header = large.waiting[index];

    large.count--;
    large.bytes -= header->bytes;
    memmove(&large.waiting[index], &large.waiting[index + 1],
            (large.count - index) * sizeof(*large.waiting));
    return header;
}

/* The smallest that suffices; what is more than twice as large is left to others. */
static header_t *take_waiting(size_t bytes)
{
    size_t best = SIZE_MAX;

    lock();
    for (size_t i = 0; i < large.count; i++) {
        const size_t has = large.waiting[i]->bytes;
        if (has >= bytes && has / 2 <= bytes &&
            (best == SIZE_MAX || has < large.waiting[best]->bytes)) {
            best = i;
        }
    }
    header_t *const header = best == SIZE_MAX ? NULL : remove_at(best);
    unlock();
    return header;
}

void *pvm_large_take(size_t bytes)
{
    header_t *header = NULL;

    if (bytes > SIZE_MAX - sizeof(*header)) {
        return NULL;
    }
    if (bytes >= PVM_LARGE_BYTES_MIN) {
        header = take_waiting(bytes);
    }
    if (header == NULL) {
        header = malloc(sizeof(*header) + bytes);
        if (header == NULL) {
            return NULL;
        }
        header->bytes = bytes;
    }
    ASAN_UNPOISON_MEMORY_REGION(header + 1, bytes);
    return header + 1;
}

/* Those that came first make room: nobody has asked for their size for the longest time. */
static void wait_for_next(header_t *header)
{
    header_t *freed[PVM_LARGE_WAITING_MAX];
    size_t freed_count = 0;

    ASAN_POISON_MEMORY_REGION(header + 1, header->bytes);
    lock();
    while (large.count == PVM_LARGE_WAITING_MAX ||
           header->bytes > PVM_LARGE_WAITING_BYTES_MAX - large.bytes) {
        freed[freed_count++] = remove_at(0);
    }
    large.waiting[large.count++] = header;
    large.bytes += header->bytes;
    unlock();
    for (size_t i = 0; i < freed_count; i++) {
        free(freed[i]);
    }
}

void pvm_large_give(void *block)
{
    if (block == NULL) {
        return;
    }
    header_t *const header = (header_t *)block - 1;
    if (header->bytes >= PVM_LARGE_BYTES_MIN && header->bytes <= PVM_LARGE_WAITING_BYTES_MAX) {
        wait_for_next(header);
    } else {
        free(header);
    }
}

void pvm_large_drain(void)
{
    for (;;) {
        lock();
        header_t *const header = large.count == 0 ? NULL : remove_at(large.count - 1);
        unlock();
        if (header == NULL) {
            return;
        }
        free(header);
    }
}

/* A library that is unloaded leaves nothing behind. */
__attribute__((destructor)) static void give_back(void)
{
    pvm_large_drain();
}
