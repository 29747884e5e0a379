/* One of two recordings that are compared: its functions and blocks with everything that can be held against the other. */
#ifndef PVM_PROFILER_SIDE_H
#define PVM_PROFILER_SIDE_H

#include "profiler/reconcile.h"

#include <pvm/pvm.h>

typedef struct {
    int64_t program;
    uint32_t pc;
    uint32_t end_pc;
    uint32_t function; /**< place in the list of functions */
    int64_t hits;
    int64_t gas;
    int64_t samples;
} pvm_side_block_t;

typedef struct {
    int64_t program;
    int64_t id;
    char *name; /**< any octets; owned */
    uint32_t pc;
    bool is_named;     /**< by debug information, not after its place */
    bool has_calls;    /**< `calls` is known */
    int64_t gas;       /**< of its blocks, */
    int64_t host_gas;  /**< and of the host calls in them */
    int64_t total_gas; /**< as followed: from calls to their returns, with all that is called */
    int64_t
        calls; /**< as followed (is_followed of the side), else arrivals at its first instruction */
    int64_t samples;
    uint32_t
        first_block; /**< blocks[] of the side: its own stand together only as far as they do in the code */
    /* What its executed code looks like, pcs and large numbers left out. */
    uint64_t *shingles; /**< hashes of three instructions in a row, sorted; owned */
    size_t shingle_count;
    uint64_t code_hash; /**< of all of it; 0: no code */
} pvm_side_function_t;

/** Owned: pvm_side_free(). */
typedef struct {
    pvm_prof_run_file_t *file; /**< borrowed */
    pvm_prof_reckoning_t sums;
    char spec[64];
    char backend[64];
    char program[256];
    int64_t executions;
    uint64_t programs_hash; /**< of all programs with their specs, whatever their order */
    int64_t program_count;
    pvm_side_block_t *blocks; /**< by program and pc */
    size_t block_count;
    pvm_side_function_t *functions; /**< by program and id */
    size_t function_count;
    bool is_followed;     /**< all calls were followed: their contexts explain the gas used */
    int64_t deeper_calls; /**< followed, but not known by function: there were too many contexts */
    int64_t samples;      /**< all of them, those in the engine too; 0: not sampled */
    int64_t guest_ns;     /**< the time that these are shares of */
} pvm_side_t;

/** Read a recording. Errors: E_FORMAT (does not reconcile, damaged), E_SYSTEM. Owns: the caller, also after an error. */
pvm_prof_status_t pvm_side_read(pvm_prof_run_file_t *file, pvm_side_t *out);
void pvm_side_free(pvm_side_t *side);
/** Take the calls that were followed instead of arrivals, if they were (is_followed). A function that nobody called has
 *  none then (has_calls). Errors: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_side_read_calls(pvm_side_t *side);
/** Read what the code of functions looks like. Errors: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_side_read_code(pvm_side_t *side);
/** Whether two sides have equal counts everywhere. */
bool pvm_side_is_equal(const pvm_side_t *a, const pvm_side_t *b);

/** How the functions of two builds belong together. */
typedef enum {
    PVM_MATCH_NAME,
    PVM_MATCH_CODE, /**< the names differ, the code is alike */
    PVM_MATCH_ADDED,
    PVM_MATCH_REMOVED
} pvm_match_kind_t;

typedef struct {
    const pvm_side_function_t *before; /**< NULL: added */
    const pvm_side_function_t *after;  /**< NULL: removed */
    pvm_match_kind_t kind;
    double alike; /**< 0 to 1: how much of the executed code is the same; of pairs only */
} pvm_side_match_t;

/** Pairs by name first, then by code. NULL without memory. Owns: the caller, free(). */
pvm_side_match_t *pvm_side_match(const pvm_side_t *before, const pvm_side_t *after,
                                 size_t *out_count);

#endif
