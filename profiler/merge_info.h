/* Totals and run_info of a merged file. Internal to merge.c. */
#ifndef PVM_PROFILER_MERGE_INFO_H
#define PVM_PROFILER_MERGE_INFO_H

#include "profiler/merge_tables.h"
#include "profiler/run_file.h"

#include <stdbool.h>

/** Different values that are named; of more only their number. */
#define PVM_MERGE_VALUES_MAX 4
/** Keys of which the values are put together. */
#define PVM_MERGE_KEY_COUNT 8

typedef struct {
    char *values[PVM_MERGE_VALUES_MAX];
    unsigned count; /**< of different ones, as far as they are kept */
    bool has_more;
} pvm_merge_values_t;

typedef struct {
    int64_t executions;
    int64_t host_calls;
    int64_t duration_ns;
    int64_t gas_start;
    int64_t gas_added;
    int64_t gas_end;
    int64_t gas_used;
    int64_t blocks_gas;
    int64_t host_gas;
    int64_t difference;
    bool is_counted; /**< in all of them */
    char result[32]; /**< of the last one that executed something */
} pvm_merge_total_t;

typedef struct {
    pvm_merge_total_t total;
    pvm_merge_values_t keys[PVM_MERGE_KEY_COUNT];
    int64_t sources;
    int64_t unfinished;     /**< recordings that are not complete */
    bool is_interrupted;    /**< all of these were interrupted by their user */
    char first_reason[512]; /**< of the first that is not complete */
    char sum_rule[256];     /**< "holds", or what the first says for which it does not */
    bool is_spec_guessed;
} pvm_merge_info_t;

void pvm_merge_info_begin(pvm_merge_info_t *info);
void pvm_merge_info_free(pvm_merge_info_t *info);
/** Add the totals of a recording and note where it is in the merged file. Errors: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_merge_info_add(pvm_merge_info_t *info, pvm_prof_run_file_t *out,
                                     pvm_prof_run_file_t *source, pvm_merge_numbers_t *numbers);
/** Write them, inside of an open transaction. Errors: E_SYSTEM. */
pvm_prof_status_t pvm_merge_info_finish(pvm_merge_info_t *info, pvm_prof_run_file_t *out);

#endif
