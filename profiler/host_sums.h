/* Sums of host calls by place and by slice, of a recording that goes on. Internal to the profiler but for the question
 * whether a file has them; guarded by the run file's lock. */
#ifndef PVM_PROFILER_HOST_SUMS_H
#define PVM_PROFILER_HOST_SUMS_H

#include "profiler/map.h"
#include "profiler/store.h"

/** Slices of one recording; when they are all used, each two become one. A power of two. */
#define PVM_PROF_MAX_SLICES 2048
/** log2 of the calls in the narrowest slice: short recordings should not pay for as many rows again. */
#define PVM_PROF_SLICE_SHIFT_MIN 5

/** What calls with one number came to. */
typedef struct {
    int32_t func_id;
    bool is_dirty; /**< not in the file as it is */
    uint64_t calls;
    uint64_t gas;
    uint64_t duration_ns;
} pvm_prof_sum_t;

/** An ecalli of a program. */
typedef struct {
    uint32_t pc;
    pvm_prof_sum_t sum;
} pvm_prof_site_t;

/** Of one program. Zero-initialized it is empty. */
typedef struct {
    pvm_prof_map_t index; /**< pc -> index into list */
    pvm_prof_site_t *list;
    uint32_t count;
    uint32_t room;
} pvm_prof_sites_t;

/** The calls of a slice that have one number in one program. */
typedef struct {
    uint32_t program;
    pvm_prof_sum_t sum;
    int64_t started_ns; /**< of the first of them */
} pvm_prof_part_t;

typedef struct {
    pvm_prof_part_t *parts;
    uint32_t count;
    uint32_t room;
} pvm_prof_slice_t;

/** Calls in their order, in slices of 1 << (PVM_PROF_SLICE_SHIFT_MIN + shift). Zero-initialized it is empty. */
typedef struct {
    pvm_prof_slice_t *list; /**< PVM_PROF_MAX_SLICES, or NULL */
    unsigned shift;
    uint32_t end;         /**< one behind the last that is used */
    uint32_t first_dirty; /**< none before it has changed since they were stored */
    bool is_anew;         /**< the width is another one than in the file */
} pvm_prof_slices_t;

/** The sum of a place, made if it is new. NULL without memory. Valid until the next call. */
pvm_prof_sum_t *pvm_prof_sites_find(pvm_prof_sites_t *sites, uint32_t pc, int32_t func_id);
/** Store what has changed. */
void pvm_prof_sites_store(pvm_prof_sites_t *sites, uint32_t program, pvm_prof_run_file_t *file);
void pvm_prof_sites_free(pvm_prof_sites_t *sites);

/** Add to the slice of call `seq`. @return 0, or -1 without memory */
int pvm_prof_slices_add(pvm_prof_slices_t *slices, int64_t seq, const pvm_prof_part_t *part);
/** Store what has changed. */
void pvm_prof_slices_store(pvm_prof_slices_t *slices, pvm_prof_run_file_t *file);
void pvm_prof_slices_free(pvm_prof_slices_t *slices);

/** Does a file have such sums, of all its host calls? Older ones and some that were changed do not.
 *  @param table  "host_site" or "host_slice"
 *  @return an SQLite code */
int pvm_prof_has_sums(pvm_prof_run_file_t *file, const char *table, bool *out);

#endif
