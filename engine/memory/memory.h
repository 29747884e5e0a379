/* Guest memory: a reserved 4 GiB region and one access octet for each page.
 *
 * Checked access for the interpreter and the host; in guarded memories the pages' protection mirrors the
 * access octets, so that emitted code needs no checks. Invariant: a page that is not mapped reads as zero
 * once it is. Knows nothing of programs. Spec: GP A.6 (access rules), spec-notes.md. */
#ifndef PVM_MEMORY_MEMORY_H
#define PVM_MEMORY_MEMORY_H

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PVM_MEMORY_BYTES (UINT64_C(1) << 32)
#define PVM_PAGE_BITS    12
#define PVM_PAGE_COUNT   (UINT32_C(1) << 20)
/** Addresses below this always panic (GP A.6). */
#define PVM_LOW_ADDRESS_END UINT32_C(0x10000)

/** Access octets. A store needs PVM_PAGE_WRITE, a load PVM_PAGE_READ. */
enum { PVM_PAGE_NONE = 0, PVM_PAGE_READ = 1, PVM_PAGE_WRITE = 2, PVM_PAGE_READ_WRITE = 3 };

/** A run of pages. */
typedef struct {
    uint32_t first;
    uint32_t count;
} pvm_page_run_t;

/** Runs kept apart; more become one. */
#define PVM_MEMORY_RUNS_MAX 64

typedef struct pvm_memory_t {
    uint8_t *base;    /**< 4 GiB, and a guard behind it */
    uint8_t *access;  /**< PVM_PAGE_COUNT octets, PVM_PAGE_*, right before `base` */
    bool guarded;     /**< page protection mirrors `access`; ends when that takes many mappings */
    uint32_t borders; /**< at least the number of pages whose neighbour has another access */
    uint64_t
        unmapped; /**< pages that were unmapped, each time: at most so many lie about, zero and unseen */
    pvm_page_run_t runs[PVM_MEMORY_RUNS_MAX]; /**< hold every mapped page, and maybe others */
    size_t run_count;
    pvm_page_run_t kept;       /**< see pvm_memory_keep(); count 0: none */
    struct pvm_memory_t *next; /**< in a pool */
} pvm_memory_t;

/** Reserve a memory with nothing mapped. NULL and pvm_last_error() when the system refuses. */
pvm_memory_t *pvm_memory_create(bool guarded);
void pvm_memory_destroy(pvm_memory_t *memory);
/** Set the access of whole pages; newly mapped pages are zero, unmapped ones are discarded. @return 0 or -1. */
int pvm_memory_map(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count, uint8_t access);
/** Map whole pages, whatever they were: `data`, and zeros behind it. @return 0, or -1 (the memory must then be destroyed). */
int pvm_memory_fill(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count, uint8_t access,
                    const void *data, size_t len);
/** From now on exactly these runs are known as mapped, each of one access, with others between them. */
void pvm_memory_settle(pvm_memory_t *memory, const pvm_page_run_t *runs, size_t count);
/** Make large runs zero by giving their pages back to the system. Each run must have one access.
 *  @return 0, or -1 (the memory must then be destroyed). */
int pvm_memory_trim(pvm_memory_t *memory);
/** Note that mapped pages are here. Neighbours are joined, so that a heap that grows page by page stays one run. */
void pvm_memory_remember(pvm_memory_t *memory, uint32_t first, uint32_t count);
/** Make the octets of mapped pages zero again, whatever their access; cheap where few pages were touched.
 *  @return 0, or -1 (the memory must then be destroyed). */
int pvm_memory_zero(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count);
/** These pages cannot be written by the guest. Until one of them is mapped, zeroed or poked, memory->kept says so. */
void pvm_memory_keep(pvm_memory_t *memory, uint32_t first_page, uint32_t page_count);
/** Copy into mapped pages whatever their access. The caller has checked the range. @return 0 or -1. */
int pvm_memory_poke(pvm_memory_t *memory, uint32_t address, const void *data, size_t len);

/** First octet of [address, address + len), each mod 2^32, whose page lacks `need`; true if there is one. */
bool pvm_memory_first_bad(const pvm_memory_t *memory, uint32_t address, uint64_t len, uint8_t need,
                          uint32_t *out_address);
/** Load or store of 1 to 8 octets anywhere, wrap-around included; false if the access is not allowed. */
bool pvm_memory_load(const pvm_memory_t *memory, uint32_t address, unsigned bytes, uint64_t *out);
bool pvm_memory_store(pvm_memory_t *memory, uint32_t address, unsigned bytes, uint64_t value);

/** True if an access of `bytes` octets lies in one page that allows `need`: the fast path. */
static inline bool pvm_memory_allows(const uint8_t *access, uint32_t address, unsigned bytes,
                                     uint8_t need)
{
    return (access[address >> PVM_PAGE_BITS] & need) != 0 &&
           (bytes == 1 || (address & (PVM_PAGE_SIZE - 1)) <= PVM_PAGE_SIZE - bytes);
}

#endif
