/* What the files of a comparison of backends share: pairs of blocks, and figures of both sides with their intervals. */
#ifndef PVM_VIEWER_COMPARE_BACKENDS_H
#define PVM_VIEWER_COMPARE_BACKENDS_H

#include "viewer/compare/compare.h"
#include "viewer/compare/times.h"

/** A sampled figure with its interval. */
#define SAMPLED(id, header, from, to)                                                              \
    {id, header, "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},                                        \
        {id "_low", from, "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},                               \
    {                                                                                              \
        id "_high", to, "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED                                   \
    }

/** A block of both recordings. */
typedef struct {
    const pvm_side_block_t *slow;
    const pvm_side_block_t *fast; /**< NULL: not executed there */
    double speed_up;
    uint32_t host_bytes; /**< 0: not known */
} pvm_backend_pair_t;

typedef struct {
    pvm_compare_t *compare;
    const pvm_side_t *slow; /**< the interpreter, or the first one */
    const pvm_side_t *fast;
    bool is_sampled; /**< both are */
    bool has_bytes;
    pvm_backend_pair_t *pairs; /**< by program and pc */
    size_t count;
} pvm_backends_t;

/** What took the time: hits of a block, or the gas of more. Both runs need not be equally long. */
typedef struct {
    int64_t samples;
    double units;
} pvm_backend_work_t;

/** Speed-up for each unit, with the ends that both intervals leave open. */
void pvm_backends_put_speed_up(pvm_row_t *row, const pvm_backends_t *backends,
                               pvm_backend_work_t slow, pvm_backend_work_t fast);
/** Share of the time of a side, in percent, with its interval. */
void pvm_backends_put_share(pvm_row_t *row, const pvm_side_t *side, int64_t samples);
/** Gas for each ns, with its interval. */
void pvm_backends_put_gas_per_ns(pvm_row_t *row, const pvm_side_t *side, pvm_backend_work_t gas);
/** ns for each hit or call, with its interval. */
void pvm_backends_put_ns_each(pvm_row_t *row, const pvm_side_t *side, pvm_backend_work_t hits);
/** Octets of host code for each octet of guest code. */
void pvm_backends_put_bytes(pvm_row_t *row, int64_t host_bytes, int64_t guest_bytes);
/** Say which columns give way in short lines. @param ids  with NULL behind the last one */
void pvm_backends_set_details(pvm_prof_table_t *table, const char *const *ids);

/** Keep the tables of blocks: by time, least and most gained. @return 0, or -1 without memory */
int pvm_backends_blocks(pvm_backends_t *backends);

#endif
