/* Reserving, mapping and clearing guest memory, and the accesses that cross pages. The only file that asks
 * the system for guest pages. */
#include "memory/memory.h"

#include "support/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* An access of 8 octets at the last address must not leave the mapping. */
#define GUARD_BYTES  (UINT64_C(1) << 16)
#define MAPPED_BYTES (PVM_PAGE_COUNT + PVM_MEMORY_BYTES + GUARD_BYTES)
/* Up to here clearing pages by hand is cheaper than giving them back and faulting them in again. */
#define ZERO_PAGES_MAX 64
/* Up to here a memory may take mappings of the process; see has_many_borders(). */
#define BORDERS_MAX 4096
/* Up to here asking which pages were touched costs more than clearing all of them. */
#define ASK_PAGES_MIN 17

pvm_memory_t *pvm_memory_create(bool guarded)
{
    pvm_memory_t *const memory = calloc(1, sizeof(*memory));

    if (memory == NULL) {
        pvm_error_set("no memory for a guest memory");
        return NULL;
    }
    memory->guarded = guarded;
    /* The access octets stand right before address 0, where emitted code finds them from the same base. */
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    uint8_t *const all = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (all == MAP_FAILED) {
        pvm_error_set("cannot reserve 4 GiB of address space: %s; raise the limit (ulimit -v)",
                      strerror(errno));
        free(memory);
        return NULL;
    }
    memory->access = all;
    memory->base = all + PVM_PAGE_COUNT;
    const bool failed =
        guarded ? mprotect(memory->base, PVM_MEMORY_BYTES + GUARD_BYTES, PROT_NONE) != 0
                : mprotect(memory->base + PVM_MEMORY_BYTES, GUARD_BYTES, PROT_NONE) != 0;
    if (failed) {
        pvm_error_set("cannot protect guest memory: %s; see vm.max_map_count", strerror(errno));
        (void)munmap(all, MAPPED_BYTES);
        free(memory);
        return NULL;
    }
    return memory;
}

void pvm_memory_destroy(pvm_memory_t *memory)
{
    if (memory == NULL) {
        return;
    }
    (void)munmap(memory->access, MAPPED_BYTES);
    free(memory);
}

static uint8_t *page_address(const pvm_memory_t *memory, uint32_t page)
{
    return memory->base + ((uint64_t)page << PVM_PAGE_BITS);
}

void pvm_memory_keep(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count)
{
    memory->kept = (pvm_page_run_t){.first = first_page, .count = page_count};
}

static void change(pvm_memory_t *memory, uint32_t first, uint32_t count)
{
    const pvm_page_run_t kept = memory->kept;

    if (first < kept.first + kept.count && kept.first < first + count) {
        memory->kept.count = 0;
    }
}

/* From now on all pages are open and every access is tested instead: slower, and the same in everything else. */
static int unguard(pvm_memory_t *memory)
{
    if (mprotect(memory->base, PVM_MEMORY_BYTES, PROT_READ | PROT_WRITE) != 0) {
        return pvm_error_set("cannot change the protection of guest memory: %s", strerror(errno));
    }
    memory->guarded = false;
    return 0;
}

/* Each border between pages of different access is a mapping of the process, which has some ten thousand for everything
 * (vm.max_map_count). `borders` counts too many, so that the pages are looked at only now and then. */
static bool has_many_borders(pvm_memory_t *memory)
{
    if (memory->borders <= BORDERS_MAX) {
        return false;
    }
    memory->borders = 0;
    for (uint32_t page = 1; page < PVM_PAGE_COUNT; page++) {
        memory->borders += memory->access[page] != memory->access[page - 1];
    }
    return memory->borders > BORDERS_MAX / 2;
}

static int protect(pvm_memory_t *memory, uint32_t first, uint32_t count, uint8_t access)
{
    static const int protection_of[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                        PROT_READ | PROT_WRITE};

    if (!memory->guarded) {
        return 0;
    }
    memory->borders += 2;
    if (has_many_borders(memory) ||
        mprotect(page_address(memory, first), (size_t)count << PVM_PAGE_BITS,
                 protection_of[access]) != 0) {
        return unguard(memory);
    }
    return 0;
}

/* Pages of one access become zero, and whatever stood in them goes back to the system. */
static int discard(pvm_memory_t *memory, uint32_t first, uint32_t count, uint8_t access)
{
    const size_t bytes = (size_t)count << PVM_PAGE_BITS;

    if (madvise(page_address(memory, first), bytes, MADV_DONTNEED) == 0) {
        return 0;
    }
    /* Pages that the process has locked stay. */
    if (protect(memory, first, count, PVM_PAGE_READ_WRITE) != 0) {
        return -1;
    }
    memset(page_address(memory, first), 0, bytes);
    return protect(memory, first, count, access);
}

/* Octets of mapped pages of one access, in a range that memset or the kernel clears. */
static int zero_uniform(pvm_memory_t *memory, uint32_t first, uint32_t count, uint8_t access)
{
    const bool read_only = memory->guarded && (access & PVM_PAGE_WRITE) == 0;

    if (read_only || count > ZERO_PAGES_MAX) {
        return discard(memory, first, count, access);
    }
    memset(page_address(memory, first), 0, (size_t)count << PVM_PAGE_BITS);
    return 0;
}

/* As zero_uniform, for ranges large enough that most pages may never have been touched. A page that is not resident
 * may have been swapped out, so that it is given back: for what was never there that costs little. */
static int zero_touched(pvm_memory_t *memory, uint32_t first, uint32_t count, uint8_t access)
{
    unsigned char resident[1024];
    uint32_t touched = 0;

    if (count > sizeof(resident) ||
        mincore(page_address(memory, first), (size_t)count << PVM_PAGE_BITS, resident) != 0) {
        return discard(memory, first, count, access);
    }
    for (uint32_t i = 0; i < count; i++) {
        touched += resident[i] & 1;
    }
    if (touched > ZERO_PAGES_MAX) {
        return discard(memory, first, count, access);
    }
    for (uint32_t i = 0; i < count;) {
        const unsigned char is_resident = resident[i] & 1;
        uint32_t end = i + 1;
        while (end < count && (resident[end] & 1) == is_resident) {
            end++;
        }
        const int status = is_resident ? zero_uniform(memory, first + i, end - i, access)
                                       : discard(memory, first + i, end - i, access);
        if (status != 0) {
            return -1;
        }
        i = end;
    }
    return 0;
}

/* Behind the run of pages of one access that begins at `page`. */
static uint32_t uniform_end(const pvm_memory_t *memory, uint32_t page, uint32_t end)
{
    const uint8_t access = memory->access[page];

    do {
        page++;
    } while (page < end && memory->access[page] == access);
    return page;
}

/* Octets of mapped pages of one access become zero, in the way that is the cheapest for so many. */
static int zero_run(pvm_memory_t *memory, uint32_t first, uint32_t count, uint8_t access)
{
    return count >= ASK_PAGES_MIN ? zero_touched(memory, first, count, access)
                                  : zero_uniform(memory, first, count, access);
}

int pvm_memory_zero(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count)
{
    const uint32_t end = first_page + page_count;

    change(memory, first_page, page_count);
    for (uint32_t page = first_page; page < end;) {
        const uint8_t access = memory->access[page];
        const uint32_t run_end = uniform_end(memory, page, end);
        if (access != PVM_PAGE_NONE && zero_run(memory, page, run_end - page, access) != 0) {
            return -1;
        }
        page = run_end;
    }
    return 0;
}

/* All runs become one that spans them: the list is walked at every mapping, and a guest may map page by page. */
static void join_runs(pvm_memory_t *memory)
{
    uint32_t first = memory->runs[0].first;
    uint32_t end = first;

    for (size_t i = 0; i < memory->run_count; i++) {
        const pvm_page_run_t run = memory->runs[i];
        first = run.first < first ? run.first : first;
        end = run.first + run.count > end ? run.first + run.count : end;
    }
    memory->runs[0] = (pvm_page_run_t){.first = first, .count = end - first};
    memory->run_count = 1;
}

void pvm_memory_remember(pvm_memory_t *memory, uint32_t first, uint32_t count)
{
    for (size_t i = 0; i < memory->run_count; i++) {
        pvm_page_run_t *const run = &memory->runs[i];
        if (first >= run->first && first <= run->first + run->count) {
            const uint32_t end = first + count;
            if (end > run->first + run->count) {
                run->count = end - run->first;
            }
            return;
        }
    }
    if (memory->run_count == PVM_MEMORY_RUNS_MAX) {
        join_runs(memory);
    }
    memory->runs[memory->run_count++] = (pvm_page_run_t){.first = first, .count = count};
}

static int set_access(pvm_memory_t *memory, uint32_t first, uint32_t count, uint8_t access)
{
    if (protect(memory, first, count, access) != 0) {
        return -1;
    }
    memset(memory->access + first, access, count);
    return 0;
}

int pvm_memory_map(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count, uint8_t access)
{
    if (page_count == 0) {
        return 0;
    }
    change(memory, first_page, page_count);
    if (access != PVM_PAGE_NONE) {
        pvm_memory_remember(memory, first_page, page_count);
    } else {
        memory->unmapped += page_count;
        if (pvm_memory_zero(memory, first_page, page_count) != 0) {
            return -1;
        }
    }
    return set_access(memory, first_page, page_count, access);
}

static bool may_be_mapped(const pvm_memory_t *memory, uint32_t first, uint32_t count)
{
    for (size_t i = 0; i < memory->run_count; i++) {
        const pvm_page_run_t run = memory->runs[i];
        if (first < run.first + run.count && run.first < first + count) {
            return true;
        }
    }
    return false;
}

int pvm_memory_fill(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count, uint8_t access,
                    const void *data, size_t len)
{
    const uint32_t end = first_page + page_count;
    const uint32_t data_pages = (uint32_t)((len + PVM_PAGE_SIZE - 1) >> PVM_PAGE_BITS);
    const uint32_t data_end = first_page + data_pages;
    /* Where nothing was mapped, not even the access octets were touched. */
    const bool is_used = may_be_mapped(memory, first_page, page_count);

    assert(data_pages <= page_count);
    change(memory, first_page, page_count);
    pvm_memory_remember(memory, first_page, page_count);
    for (uint32_t page = first_page; page < end;) {
        const uint8_t old = is_used ? memory->access[page] : PVM_PAGE_NONE;
        const uint32_t run_end = is_used ? uniform_end(memory, page, end) : end;
        const uint32_t rest = page < data_end ? data_end : page;
        if (old != PVM_PAGE_READ_WRITE &&
            set_access(memory, page, run_end - page, PVM_PAGE_READ_WRITE) != 0) {
            return -1;
        }
        if (old != PVM_PAGE_NONE && rest < run_end &&
            zero_run(memory, rest, run_end - rest, PVM_PAGE_READ_WRITE) != 0) {
            return -1;
        }
        page = run_end;
    }
    if (len > 0) {
        uint8_t *const octets = page_address(memory, first_page);
        memcpy(octets, data, len);
        memset(octets + len, 0, ((size_t)data_pages << PVM_PAGE_BITS) - len);
    }
    return access == PVM_PAGE_READ_WRITE ? 0 : set_access(memory, first_page, page_count, access);
}

void pvm_memory_settle(pvm_memory_t *memory, const pvm_page_run_t *runs, size_t count)
{
    assert(count <= PVM_MEMORY_RUNS_MAX);
    for (size_t i = 0; i < count; i++) {
        memory->runs[i] = runs[i];
    }
    memory->run_count = count;
    memory->borders = 2 * (uint32_t)count;
}

int pvm_memory_trim(pvm_memory_t *memory)
{
    for (size_t i = 0; i < memory->run_count; i++) {
        const pvm_page_run_t run = memory->runs[i];
        if (run.count > ZERO_PAGES_MAX) {
            change(memory, run.first, run.count);
            if (discard(memory, run.first, run.count, memory->access[run.first]) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int pvm_memory_poke(pvm_memory_t *memory, uint32_t address, const void *data, size_t len)
{
    uint32_t bad;

    if (len == 0) {
        return 0;
    }
    const uint32_t first = address >> PVM_PAGE_BITS;
    const uint32_t end = (uint32_t)((address + (uint64_t)len - 1) >> PVM_PAGE_BITS) + 1;
    change(memory, first, end - first);
    const bool locked =
        memory->guarded && pvm_memory_first_bad(memory, address, len, PVM_PAGE_WRITE, &bad);
    if (locked && protect(memory, first, end - first, PVM_PAGE_READ_WRITE) != 0) {
        return -1;
    }
    memcpy(memory->base + address, data, len);
    for (uint32_t page = first; locked && page < end;) {
        const uint32_t run_end = uniform_end(memory, page, end);
        if (protect(memory, page, run_end - page, memory->access[page]) != 0) {
            return -1;
        }
        page = run_end;
    }
    return 0;
}

bool pvm_memory_first_bad(const pvm_memory_t *memory, uint32_t address, uint64_t len, uint8_t need,
                          uint32_t *out_address)
{
    uint64_t done = 0;

    while (done < len) {
        const uint32_t at = (uint32_t)(address + done);
        if ((memory->access[at >> PVM_PAGE_BITS] & need) == 0) {
            *out_address = at;
            return true;
        }
        done += PVM_PAGE_SIZE - (at & (PVM_PAGE_SIZE - 1));
    }
    return false;
}

bool pvm_memory_load(const pvm_memory_t *memory, uint32_t address, unsigned bytes, uint64_t *out)
{
    uint32_t bad;
    uint64_t value = 0;

    if (pvm_memory_first_bad(memory, address, bytes, PVM_PAGE_READ, &bad)) {
        return false;
    }
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)memory->base[(uint32_t)(address + i)] << (8 * i);
    }
    *out = value;
    return true;
}

bool pvm_memory_store(pvm_memory_t *memory, uint32_t address, unsigned bytes, uint64_t value)
{
    uint32_t bad;

    if (pvm_memory_first_bad(memory, address, bytes, PVM_PAGE_WRITE, &bad)) {
        return false;
    }
    for (unsigned i = 0; i < bytes; i++) {
        memory->base[(uint32_t)(address + i)] = (uint8_t)(value >> (8 * i));
    }
    return true;
}
