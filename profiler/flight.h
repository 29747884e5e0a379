/* How a run came to where it stopped: what the engine's flight record says, with names, for a VM that has just stopped
 * and from a run file; and the tables that show it. */
#ifndef PVM_PROFILER_FLIGHT_H
#define PVM_PROFILER_FLIGHT_H

#include "profiler/functions.h"
#include "profiler/run_file.h"
#include "profiler/table.h"

#include <pvm/trace.h>

/** Frames that are kept of one return chain. */
#define PVM_PROF_FLIGHT_FRAMES 64
/** Host calls that are kept. */
#define PVM_PROF_FLIGHT_CALLS 16

/** A routine on the way back. */
typedef struct {
    uint32_t pc;
    uint32_t times; /**< in a row: recursion */
    uint8_t kind;   /**< pvm_frame_kind_t */
    char *function; /**< owned; NULL: the host */
} pvm_prof_flight_frame_t;

/** A host call. */
typedef struct {
    pvm_flight_entry_t entry;
    char *name; /**< owned */
} pvm_prof_flight_call_t;

/** A block that was entered. */
typedef struct {
    uint32_t pc;
    char *function; /**< owned */
} pvm_prof_flight_block_t;

/** Zero-filled: nothing. Oldest calls and blocks first, innermost frame first. */
typedef struct {
    int64_t execution; /**< in a run file; 0: none */
    char result[16];   /**< panic, fault or oog */
    int64_t gas;
    int64_t gas_start;
    int64_t gas_added;
    int64_t host_gas;
    uint64_t host_calls;
    uint64_t cost;          /**< oog: the price that could not be paid; 0: the host gave up */
    uint32_t fault_address; /**< fault */
    pvm_prof_flight_frame_t frames[PVM_PROF_FLIGHT_FRAMES];
    size_t frame_count;
    pvm_prof_flight_call_t calls[PVM_PROF_FLIGHT_CALLS];
    size_t call_count;
    pvm_prof_flight_block_t blocks[PVM_LAST_BLOCKS];
    size_t block_count;
} pvm_prof_flight_t;

/** The same as numbers. */
typedef struct {
    int64_t gas;
    uint64_t cost;
    pvm_frame_t frames[PVM_PROF_FLIGHT_FRAMES];
    size_t frame_count;
    pvm_flight_entry_t calls[PVM_PROF_FLIGHT_CALLS];
    size_t call_count;
    uint32_t blocks[PVM_LAST_BLOCKS]; /**< ids, any numbers */
    size_t block_count;
} pvm_prof_flight_raw_t;

/** Whether a run with this result has a way to be shown. */
bool pvm_prof_flight_is_due(pvm_result_t result);

/** Read a VM that has stopped with such a result. @param calls  host calls of this execution: older ones are left out */
void pvm_prof_flight_take(pvm_vm_t *vm, uint64_t calls, pvm_prof_flight_raw_t *out);
/** Give it names.
 *  @param vm     of the same program, stopped with that result
 *  @param out    owned: pvm_prof_flight_free(); the gas of the whole execution is for the caller to fill in
 *  @return 0, or -1 without memory */
int pvm_prof_flight_name(pvm_vm_t *vm, pvm_result_t result, const pvm_prof_flight_raw_t *raw,
                         const pvm_prof_functions_t *functions, pvm_prof_flight_t *out);
void pvm_prof_flight_free(pvm_prof_flight_t *flight);

/** Read from a run file: of its last execution that ended so. `execution` is 0 if there is none. */
pvm_prof_status_t pvm_prof_flight_load(pvm_prof_run_file_t *file, pvm_prof_flight_t *out);

/** The tables of pvm_prof_flight_tables() for that execution; all NULL if there is none. */
pvm_prof_status_t pvm_prof_flight_report(pvm_prof_run_file_t *file, pvm_prof_table_t **out);

/** The tables, in this order; those that have nothing to say are NULL. */
enum {
    PVM_PROF_FLIGHT_WAY,    /**< why, and who called whom */
    PVM_PROF_FLIGHT_CALLED, /**< the last host calls */
    PVM_PROF_FLIGHT_PASSED, /**< the last blocks, loops folded */
    PVM_PROF_FLIGHT_TABLES
};
/** Their keys in JSON. */
extern const char *const pvm_prof_flight_keys[PVM_PROF_FLIGHT_TABLES];
/** @return 0, or -1 without memory; then there is no table */
int pvm_prof_flight_tables(const pvm_prof_flight_t *flight,
                           pvm_prof_table_t *out[PVM_PROF_FLIGHT_TABLES]);

/* -- Between the files of the profiler ----------------------------------------------------- */

/** "checked", "likely" and so on. */
const char *pvm_prof_flight_kind_name(uint8_t kind);

#endif
