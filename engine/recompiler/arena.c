/* Mapping, protecting and reusing code memory. */
#include "recompiler/arena.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "support/error.h"
#include "support/fork_gate.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

/** Regions that wait, at most, and the octets of all of them together, at most. */
#define WAITING_MAX       16
#define WAITING_BYTES_MAX (UINT64_C(64) << 20)
#define PAGE_BYTES        4096
/** Tables for a program of some 300 KB wait; larger ones are given back. */
#define SCRATCH_BYTES_MAX (UINT64_C(16) << 20)

/* The code registry: regions that no program uses at the moment. */
static struct {
    pthread_mutex_t lock;
    pvm_arena_region_t waiting[WAITING_MAX];
    size_t count;
    size_t bytes;
    pvm_arena_region_t scratch; /**< tables of a compilation that is done; base NULL: none */
} arena = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A fork while another thread holds the lock must not leave it locked in the child. */
static void lock(void)
{
    (void)pthread_mutex_lock(&arena.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&arena.lock);
}

/* support/fork_gate.h says when. */
__attribute__((constructor(PVM_FORK_GATE_FIRST))) static void watch_forks(void)
{
    (void)pthread_atfork(lock, unlock, unlock);
}

static size_t round_up(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* The smallest that is large enough: a larger one would lose its end when it is sealed, and be missed by large code. */
static bool take_waiting(size_t enough, bool low, pvm_arena_region_t *out_region)
{
    size_t best = WAITING_MAX;

    lock();
    for (size_t i = 0; i < arena.count; i++) {
        const pvm_arena_region_t *const region = &arena.waiting[i];
        const bool is_low = (uintptr_t)region->base + region->bytes <= INT32_MAX;
        if (region->bytes >= enough && is_low == low &&
            (best == WAITING_MAX || region->bytes < arena.waiting[best].bytes)) {
            best = i;
        }
    }
    if (best < WAITING_MAX) {
        *out_region = arena.waiting[best];
        arena.waiting[best] = arena.waiting[--arena.count];
        arena.bytes -= out_region->bytes;
    }
    unlock();
    return best < WAITING_MAX;
}

static void *map(size_t bytes, int flags)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}

int pvm_arena_take(size_t enough, size_t wanted, bool low, pvm_arena_region_t *out_region)
{
    if (take_waiting(enough, low, out_region)) {
        if (mprotect(out_region->base, out_region->bytes, PROT_READ | PROT_WRITE) == 0) {
            return 0;
        }
        (void)munmap(out_region->base, out_region->bytes);
    }
    const size_t bytes = round_up(wanted);
    void *base = low ? map(bytes, MAP_32BIT) : MAP_FAILED;
    if (base == MAP_FAILED) {
        base = map(bytes, 0);
    }
    if (base == MAP_FAILED) {
        return pvm_error_set("cannot map %zu octets for code: %s; use the interpreter", bytes,
                             strerror(errno));
    }
    *out_region = (pvm_arena_region_t){.base = base, .bytes = bytes};
    return 0;
}

int pvm_arena_seal(pvm_arena_region_t *region, size_t keep)
{
    const size_t bytes = round_up(keep);

    if (bytes < region->bytes && munmap(region->base + bytes, region->bytes - bytes) == 0) {
        region->bytes = bytes;
    }
    return pvm_arena_seal_part(region, 0, region->bytes);
}

int pvm_arena_seal_part(const pvm_arena_region_t *region, size_t begin, size_t bytes)
{
    if (mprotect(region->base + begin, bytes, PROT_READ | PROT_EXEC) != 0) {
        return pvm_error_set("the system refuses to make code executable: %s; use the interpreter",
                             strerror(errno));
    }
    return 0;
}

void pvm_arena_release(pvm_arena_region_t region)
{
    if (region.base == NULL) {
        return;
    }
    lock();
    const bool keep = arena.count < WAITING_MAX && region.bytes <= WAITING_BYTES_MAX - arena.bytes;
    if (keep) {
        arena.waiting[arena.count++] = region;
        arena.bytes += region.bytes;
    }
    unlock();
    if (!keep) {
        (void)munmap(region.base, region.bytes);
    }
}

int pvm_arena_take_scratch(size_t bytes, pvm_arena_region_t *out_scratch)
{
    lock();
    pvm_arena_region_t scratch = arena.scratch;
    arena.scratch = (pvm_arena_region_t){0};
    unlock();
    if (scratch.bytes < bytes) {
        if (scratch.base != NULL) {
            (void)munmap(scratch.base, scratch.bytes);
        }
        scratch.bytes = round_up(bytes);
        void *const base = map(scratch.bytes, 0);
        if (base == MAP_FAILED) {
            return pvm_error_set("no memory for the tables of a compilation: %zu octets", bytes);
        }
        scratch.base = base;
    }
    *out_scratch = scratch;
    return 0;
}

void pvm_arena_give_scratch(pvm_arena_region_t scratch)
{
    pvm_arena_region_t old = scratch;

    if (scratch.base == NULL) {
        return;
    }
    if (scratch.bytes <= SCRATCH_BYTES_MAX) {
        lock();
        old = arena.scratch;
        arena.scratch = scratch;
        unlock();
    }
    if (old.base != NULL) {
        (void)munmap(old.base, old.bytes);
    }
}
#endif
