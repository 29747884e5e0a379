/* Questions to a run file, each answered by one table.
 *
 * Every figure comes from the views and tables of docs/run-file.md; nothing is computed from
 * what was lost: a recording that did not end, or lost something, marks its columns INCOMPLETE
 * and says so in a note. */
#ifndef PVM_PROFILER_REPORT_H
#define PVM_PROFILER_REPORT_H

#include "profiler/run_file.h"
#include "profiler/table.h"

typedef enum {
    PVM_PROF_REPORT_SUMMARY,   /**< a record: result, gas, times, program, backend, spec */
    PVM_PROF_REPORT_FUNCTION,  /**< most gas first */
    PVM_PROF_REPORT_BLOCK,     /**< most gas first */
    PVM_PROF_REPORT_EDGE,      /**< most often first */
    PVM_PROF_REPORT_HOST_CALL, /**< by name, most gas first */
    PVM_PROF_REPORT_SERVICE,   /**< most gas first */
    PVM_PROF_REPORT_EXECUTION, /**< in order */
    PVM_PROF_REPORT_RECORDING, /**< of a merged file: what came from which; most gas first */
    PVM_PROF_REPORT_KIND_COUNT
} pvm_prof_report_kind_t;

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    uint32_t top; /**< most rows; 0: all (up to PVM_PROF_MAX_ROWS) */
} pvm_prof_report_options_t;

/** Most rows of one table. */
#define PVM_PROF_MAX_ROWS 1000000

/** The word of the command line for a kind ("function", "hostcall", ...); NULL past the end. */
const char *pvm_prof_report_name(pvm_prof_report_kind_t kind);

/** Answer. Errors: E_FORMAT (damaged file), E_SYSTEM. Owns: the caller gets the table. */
pvm_prof_status_t pvm_prof_report(pvm_prof_run_file_t *file, pvm_prof_report_kind_t kind,
                                  const pvm_prof_report_options_t *options,
                                  pvm_prof_table_t **out_table);

#endif
