/* Names of emitted code for Linux perf, on request. */
#ifndef PVM_RECOMPILER_PERF_H
#define PVM_RECOMPILER_PERF_H

#include "recompiler/code.h"

#include <stddef.h>

/** Tell perf about this code, as PVM_PERF in the environment says: `map` appends a line for each function to
 *  /tmp/perf-PID.map, `jitdump` a record with its code to jit-PID.dump in $JITDUMPDIR or /tmp. Where there is no debug
 *  info each block is a function. A file that cannot be written is no error: the program runs all the same. */
void pvm_perf_publish(const pvm_program_t *program, const pvm_recompiler_code_t *code);

/* -- Between the files of perf --- */

/** Where the functions of one program go. */
typedef struct pvm_perf_sink_t {
    /** Code in [begin, end) of the region is called this. */
    void (*tell)(struct pvm_perf_sink_t *sink, const uint8_t *begin, const uint8_t *end,
                 const char *name);
    void *file;       /**< map: a FILE */
    int descriptor;   /**< jitdump */
    uint64_t *number; /**< jitdump: records so far */
} pvm_perf_sink_t;

/** Open for appending, made if it is not there. Refused is what somebody else owns, and links: /tmp belongs to everybody.
 *  @return a file descriptor, or -1 */
int pvm_perf_open(const char *path, bool truncate);

/** @return false: there is no file. Ends with pvm_perf_map_end(). */
bool pvm_perf_map_begin(pvm_perf_sink_t *sink);
void pvm_perf_map_end(pvm_perf_sink_t *sink);
/** @return false: there is no file. Holds a lock until pvm_jitdump_end(). */
bool pvm_jitdump_begin(pvm_perf_sink_t *sink);
void pvm_jitdump_end(pvm_perf_sink_t *sink);

#endif
