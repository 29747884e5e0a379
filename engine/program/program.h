/* A loaded program: code, blocks, start layout, names. Immutable once pvm_program_build() is done, except
 * for prices of blocks, see prices.h, and the caches of decoded and emitted code, which fill under a lock. Spec: GP A.2,
 * A.3, A.7. */
#ifndef PVM_PROGRAM_PROGRAM_H
#define PVM_PROGRAM_PROGRAM_H

#include "isa/isa.h"
#include "memory/pool.h"
#include "vm/published.h"

#include <pthread.h>
#include <pvm/pvm.h>
#include <pvm/trace.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Named limits on what a file may ask for. */
#define PVM_MAX_BLOB_BYTES (UINT32_C(256) << 20)
#define PVM_MAX_CODE_BYTES (UINT32_C(32) << 20)
#define PVM_MAX_JUMP_TABLE (UINT32_C(1) << 24)
#define PVM_MAX_IMPORTS    1024
#define PVM_MAX_EXPORTS    65536

struct pvm_debug_info_t; /* program/debug_info.h */
struct pvm_gas_memo_t;   /* gas/memo.h */
struct pvm_interpreter_code_t;
struct pvm_recompiler_code_t;

/** Variants of the interpreter's code; interpreter/code.h names them. */
#define PVM_INTERPRETER_VARIANTS 4
#define PVM_RECOMPILER_VARIANTS  16

/** A region that is mapped when a machine starts. */
typedef struct {
    uint32_t address;    /**< page-aligned */
    uint32_t data_len;   /**< octets of `data`; the rest is zero */
    uint64_t mapped_len; /**< whole pages */
    const uint8_t *data; /**< borrowed from the program's blob; NULL if data_len is 0 */
    pvm_access_t access;
} pvm_region_t;

/** Regions: read-only data, read-write data with heap pages, stack; unused ones have mapped_len 0. */
enum { PVM_REGION_RO, PVM_REGION_RW, PVM_REGION_STACK, PVM_REGION_COUNT };

/** How a machine starts. All zero for raw programs. */
typedef struct {
    pvm_region_t regions[PVM_REGION_COUNT];
    uint64_t registers[PVM_REGISTER_COUNT];
    uint64_t heap_start; /**< first octet behind the read-write region: the heap pointer of sbrk */
    uint64_t heap_end_max; /**< the heap may not grow past this address */
} pvm_layout_t;

typedef struct {
    uint32_t pc;
    char *name; /**< NUL-terminated; arbitrary octets in the file, escaped by whoever shows it */
} pvm_export_t;

struct pvm_program_t {
    atomic_uint references;
    pvm_spec_t spec;
    pvm_format_t format;
    bool is_32_bit;
    bool has_block_gas;   /**< 0.8.0 and latest64; else one gas per instruction */
    pvm_code_t code;      /**< arrays owned, padded */
    uint32_t *jump_table; /**< entries that no pc can reach are UINT32_MAX */
    uint32_t jump_table_len;
    uint8_t *
        block_starts; /**< packed, one bit for each pc in [0, code.len], and 8 octets of zeros; GP A.3 */
    pvm_block_t *blocks;
    uint32_t block_count;
    bool all_priced; /**< program/prices.h; that nothing of `blocks` changes any more */
    struct pvm_gas_memo_t *gas_memo; /**< the same; NULL while there is none, or somebody has it */
    char *error;                     /**< NULL, or why the program is invalid */

    pvm_layout_t layout;
    uint8_t *blob; /**< the file as loaded, owned; NULL for programs from parts */
    size_t blob_len;
    const uint8_t *metadata; /**< octets in front of a JAM program, inside blob */
    size_t metadata_len;
    pvm_export_t *exports;
    size_t export_count;
    char **imports;
    size_t import_count;
    struct pvm_debug_info_t
        *debug_info;               /**< NULL if the file has none; that of `symbols` if there are */
    struct pvm_program_t *symbols; /**< whose debug info it is: program/symbols.h; NULL: its own */

    _Atomic uint64_t hash;    /**< events: names the program; 0: not computed yet */
    _Atomic uint64_t told_ns; /**< events: when it was last told; 0: never */

    pvm_published_program_t published;
    pvm_memory_pool_t memory_pool;
    pthread_mutex_t cache_lock;
    struct pvm_frames_t *frames;     /**< program/frames.h; NULL until somebody asks */
    struct pvm_flow_t *flow;         /**< vm/flow.h; made on first use */
    struct pvm_call_map_t *call_map; /**< vm/call_map.h; the same */
    /** By pvm_interpreter_variant_t; made on first use. */
    struct pvm_interpreter_code_t *interpreter_code[PVM_INTERPRETER_VARIANTS];
    struct pvm_recompiler_code_t *recompiler_code[PVM_RECOMPILER_VARIANTS]; /**< by PVM_VARIANT_* */
};

/** The parts of a GP program blob, as views into somebody's memory. */
typedef struct {
    const uint8_t *code;
    size_t code_len;
    const uint8_t *mask;       /**< packed, ceil(code_len / 8) octets */
    const uint8_t *jump_table; /**< jump_table_len entries of entry_bytes, little-endian */
    size_t jump_table_len;
    unsigned
        entry_bytes; /**< 0..255; entries above 8 octets must be zero beyond the eighth to be reachable */
} pvm_parts_t;

/** Whoever makes what a program keeps for later (flow, frames, code) does it alone; a fork waits for him, so that the child finds
 *  the lock free. What support/fork_gate.h forbids must not be called meanwhile. */
void pvm_program_lock_cache(pvm_program_t *program);
void pvm_program_unlock_cache(pvm_program_t *program);

/** A program without code: references 1, lock made. NULL without memory. The readers fill it. */
pvm_program_t *pvm_program_new(pvm_spec_t spec, pvm_format_t format);
/** Copy the parts in, set up isa and flags from spec and is_32_bit, validate, make the block table. An invalid
 *  program is no failure: program->error tells. @return 0, or -1 without memory or over a limit. */
int pvm_program_build(pvm_program_t *program, const pvm_parts_t *parts);
/** Mark as invalid with this reason (printf style); it will panic at once. @return 0, or -1 without memory. */
int pvm_program_invalidate(pvm_program_t *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** True if a jump may go to pc. */
static inline bool pvm_program_is_block_start(const pvm_program_t *program, uint64_t pc)
{
    return pc <= program->code.len && ((program->block_starts[pc >> 3] >> (pc & 7)) & 1);
}

#endif
