/* All programs of a recording, block by block, for reports below the block. Internal to the profiler. */
#ifndef PVM_PROFILER_WALK_CODE_H
#define PVM_PROFILER_WALK_CODE_H

#include "profiler/code.h"
#include "profiler/store.h"
#include "profiler/table.h"

/** What all programs came to. */
typedef struct {
    bool is_counted;    /**< blocks were */
    bool is_attributed; /**< gas below some block is */
    bool is_exact;      /**< all executions are */
    uint64_t inexact_blocks;
    int64_t gas_used; /**< for shares; 0 if they mean nothing */
    int64_t samples;  /**< of time; 0: it was not sampled */
} pvm_prof_code_totals_t;

/** Called with a program whose block `index` has been looked at; with block_count once more, behind its last block.
 *  @return 0, or -1 without memory */
typedef int pvm_prof_code_visit_t(void *user_data, pvm_prof_code_t *code, const char *name,
                                  size_t index);

/** Walk. Errors: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_prof_code_walk(pvm_prof_run_file_t *file, pvm_prof_code_visit_t *visit,
                                     void *user_data, pvm_prof_code_totals_t *out);

/** Say in a table what its figures are worth: mark columns "gas" and "executed", add notes on the rule, and those that every
 *  report has. Errors: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_prof_code_note(pvm_prof_run_file_t *file, pvm_prof_table_t *table,
                                     const pvm_prof_code_totals_t *totals);

/** Columns of time from samples: their number, the share in percent, its 95 % interval. Tables have them only if the recording
 *  does. */
#define PVM_PROF_SAMPLE_COLUMNS 4
extern const pvm_prof_column_t pvm_prof_sample_columns[PVM_PROF_SAMPLE_COLUMNS];
/** A table with these columns in front of the last `behind` ones, if time was sampled; then `details` (bits of columns) give way in
 *  short lines. @return NULL without memory */
pvm_prof_table_t *pvm_prof_code_table(const char *title, const pvm_prof_column_t *columns,
                                      size_t count, size_t behind, uint64_t details,
                                      int64_t samples);
/** Fill them. */
void pvm_prof_code_set_samples(pvm_prof_value_t *values, int64_t count, int64_t total);

/** A share in percent; NULL if the total means nothing. */
void pvm_prof_code_set_share(pvm_prof_value_t *value, int64_t gas,
                             const pvm_prof_code_totals_t *totals);

#endif
