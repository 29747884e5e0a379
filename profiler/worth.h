/* What the figures of a recording are worth: the one place that knows what was lost, selected, guessed, sampled, and whether the
 * totals reconcile. Reports, comparisons and prices ask here, mark their columns with it and say it in notes. */
#ifndef PVM_PROFILER_WORTH_H
#define PVM_PROFILER_WORTH_H

#include "profiler/run_file.h"
#include "profiler/table.h"

typedef struct {
    pvm_prof_run_status_t status;
    bool
        is_incomplete; /**< something was lost, or the recording did not end: figures are lower bounds */
    bool is_counted;            /**< blocks were */
    bool has_calls;             /**< calls were followed */
    bool is_partial;            /**< of what was selected: no sum rule */
    int64_t gas_used;           /**< for shares of it; 0: they mean nothing */
    int64_t samples;            /**< 0: time was not sampled, or they do not reconcile: */
    int64_t samples_difference; /**< total less those at places */
    bool is_sampled;            /**< something was to be sampled */
    int64_t hz;                 /**< 0: of several rates */
    char reason[512];
    char selected[256];
    char spec[32];
    char guessed[8];
    char lost[256];   /**< "3 host_call, 1 block" */
    char broken[256]; /**< which totals do not agree, and by how much; "" if they do */
} pvm_prof_worth_t;

/** Read it, and hold blocks, host calls and executions against the totals. Errors: E_FORMAT (damaged file), E_SYSTEM. */
pvm_prof_status_t pvm_prof_worth_read(pvm_prof_run_file_t *file, pvm_prof_worth_t *out);

/** What was lost makes the exact figures of a table incomplete; what was sampled or estimated stays that. */
void pvm_prof_worth_mark(const pvm_prof_worth_t *worth, pvm_prof_table_t *table);

/** Mark, and say in notes what was lost, guessed or cut short. @return 0, or -1 without memory */
int pvm_prof_worth_note(const pvm_prof_worth_t *worth, pvm_prof_table_t *table);

/** Say that blocks were not counted, in a table of what is counted in them. @return 0, or -1 without memory */
int pvm_prof_worth_note_uncounted(pvm_prof_table_t *table);

/** Both, for a table that was made elsewhere. Errors: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_prof_worth_tell(pvm_prof_run_file_t *file, pvm_prof_table_t *table);

#endif
