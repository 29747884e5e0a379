/* The calling-context tree of a recording as a table: one row for each context, callers before those they call. */
#ifndef PVM_PROFILER_CALL_REPORT_H
#define PVM_PROFILER_CALL_REPORT_H

#include "profiler/run_file.h"
#include "profiler/table.h"

#include <stdbool.h>

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    uint32_t top;   /**< contexts with most gas in all; 0: all */
    uint32_t depth; /**< levels; 0: all */
    bool fold;      /**< a function inside of itself counts for the outer one */
    bool indent;    /**< names by depth, for people */
} pvm_prof_call_report_options_t;

/** Contexts of one function in one caller are one row, from wherever in the caller it was called. Errors: E_FORMAT, E_SYSTEM. Owns:
 *  the caller gets the table. */
pvm_prof_status_t pvm_prof_call_report(pvm_prof_run_file_t *file,
                                       const pvm_prof_call_report_options_t *options,
                                       pvm_prof_table_t **out_table);

#endif
