/* The price of a block's recorded executions under another spec. Internal to recost.c. */
#ifndef PVM_PROFILER_RECOST_PRICE_H
#define PVM_PROFILER_RECOST_PRICE_H

#include "profiler/run_file.h"

#include <pvm/pvm.h>
#include <stdbool.h>

/** One program of a run file under both specs, and where it was cut. */
typedef struct pvm_recost_prices_t pvm_recost_prices_t;

typedef struct {
    int64_t cost;
    int64_t hits;
    int64_t gas;
} pvm_recost_count_t;

typedef struct {
    int64_t gas;
    bool is_exact;
    bool is_moved; /**< its block begins or ends elsewhere */
    bool has_sbrk; /**< and the two specs differ in its answer */
    int64_t
        hints; /**< executions of `unlikely` that were left out, because 0.7.2 does not have it */
} pvm_recost_price_t;

/** Errors: E_FORMAT (no such program, or it has no form under that spec), E_SYSTEM. */
pvm_prof_status_t pvm_recost_prices_create(pvm_prof_run_file_t *file, int64_t program,
                                           pvm_spec_t spec, pvm_recost_prices_t **out);
void pvm_recost_prices_destroy(pvm_recost_prices_t *prices);

/** @return 0, or -1: the program has no such block, or the counts cannot be */
int pvm_recost_price(const pvm_recost_prices_t *prices, uint32_t pc,
                     const pvm_recost_count_t *count, pvm_recost_price_t *out);

#endif
