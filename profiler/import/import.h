/* Traces of the Common Trace Format, as LTTng writes them, into run files: through libbabeltrace2, with the fields
 * of the event table. Any trace with pvm:* events will do, of several processes and hosts, finished or live. */
#ifndef PVM_PROFILER_IMPORT_IMPORT_H
#define PVM_PROFILER_IMPORT_IMPORT_H

#include "profiler/run_file.h"

#include <stdatomic.h>

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    const char *program_name; /**< for all programs of the trace; NULL: what the trace calls them */
    const char *advice;       /**< what loses less, for who reads that something was lost */
    uint64_t program;         /**< by its hash: only that one is called so; 0: all */
    const char *other_name;   /**< for others that the trace does not name; NULL: their hash */
    const atomic_bool *stop;  /**< live: end when it is true; NULL: never */
    uint32_t
        instrument; /**< what was asked for, where the trace holds more: without HOST_CALLS sums are kept of
                                 them, and no rows; 0: whatever the trace holds. Not for a live one */
} pvm_import_options_t;

/** What was read. */
typedef struct {
    uint64_t events;    /**< of libpvm */
    uint64_t others;    /**< of anybody else */
    uint64_t discarded; /**< events that the tracer lost */
    uint64_t packets;   /**< buffers that the tracer lost */
} pvm_import_result_t;

/** Import into a file from pvm_prof_run_file_create() and finish it.
 *  @param source  a folder with traces in it, at any depth, or net://HOST[:PORT]/host/NAME/SESSION
 *  Errors: E_FORMAT: no trace there, or one that is damaged; E_SYSTEM; all with pvm_last_error(). */
pvm_prof_status_t pvm_import_run(pvm_prof_run_file_t *file, const char *source,
                                 const pvm_import_options_t *options,
                                 pvm_import_result_t *out_result);

#endif
