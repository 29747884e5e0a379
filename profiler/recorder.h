/* The in-process collector: watches VMs of this process and writes what they do into a run
 * file.
 *
 * Counts come from the engine, exactly; host calls, executions and gas changes from its events.
 * The events run on the VM's thread; a thread of the recorder commits what they wrote every
 * quarter of a second. While guest code runs without host calls there is no event and counts
 * stay as of the last one, unless it is interrupted now and then (docs/run-file.md). How the figures reconcile: docs/counting.md. */
#ifndef PVM_PROFILER_RECORDER_H
#define PVM_PROFILER_RECORDER_H

#include "profiler/run_file.h"

#include <pvm/pvm.h>

/** What to collect. */
enum {
    PVM_PROF_COUNTS = 1 << 0,     /**< executions and gas of every block */
    PVM_PROF_EDGES = 1 << 1,      /**< executions of every edge; implies COUNTS */
    PVM_PROF_HOST_CALLS = 1 << 2, /**< a row for each host call; their sums are kept in any case */
    PVM_PROF_MEMORY = 1 << 3,  /**< guest memory that the host read and wrote; implies HOST_CALLS */
    PVM_PROF_FLIGHT = 1 << 4,  /**< the last blocks before a panic, a fault or out of gas */
    PVM_PROF_SAMPLES = 1 << 5, /**< where guest time goes, by a timer */
    PVM_PROF_CALLS = 1 << 6,   /**< the calling-context tree; implies COUNTS */
    PVM_PROF_BLOCKS = 1 << 7,  /**< every block in order; implies COUNTS */
    PVM_PROF_GAS = 1 << 8,     /**< the same one by one, with the gas left: slow; implies COUNTS */
    PVM_PROF_DEFAULT = PVM_PROF_COUNTS | PVM_PROF_EDGES | PVM_PROF_HOST_CALLS
};

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    uint32_t instrument;      /**< PVM_PROF_*; 0: PVM_PROF_DEFAULT */
    const char *program_name; /**< of programs not seen before; NULL: "program-N" */
    uint32_t sample_hz;       /**< with SAMPLES; 0: the engine's default */
} pvm_prof_recorder_options_t;

/** How far it is; for progress lines. */
typedef struct {
    uint64_t executions; /**< begun */
    uint64_t host_calls; /**< begun */
    uint64_t kept;       /**< rows of host calls safely in the file */
    uint64_t gas_used;   /**< as of the last event */
    int64_t gas_left;    /**< of the VM that had the last event */
} pvm_prof_progress_t;

typedef struct pvm_prof_recorder_t pvm_prof_recorder_t;

/** Record into a file from pvm_prof_run_file_create(); the file must outlive the recorder.
 *  Errors: E_ARGUMENT, E_SYSTEM. */
pvm_prof_status_t pvm_prof_recorder_create(pvm_prof_run_file_t *file,
                                           const pvm_prof_recorder_options_t *options,
                                           pvm_prof_recorder_t **out_recorder);

/** Watch a VM: sets its instrumentation and its observer. Call it before the VM executes; VMs
 * that another watched VM starts are attached by whoever makes them. They may live on other
 * threads. A VM that its trace filter does not select is left alone.
 * @param program_name  for a program not seen before; NULL: as in the options
 * Errors: E_ARGUMENT (the VM is running, already watched, of another recorder), E_SYSTEM. */
pvm_prof_status_t pvm_prof_recorder_attach(pvm_prof_recorder_t *recorder, pvm_vm_t *vm,
                                           const char *program_name);

/** The first thing that could not be stored ("RUN.db: disk full; ...; kept 12 host calls"), or
 * NULL. Execution goes on without recording, and the loss is counted. Borrowed from the
 * recorder. Thread: any. */
const char *pvm_prof_recorder_error(pvm_prof_recorder_t *recorder);

/** Figures for a progress line. Thread: any. */
void pvm_prof_recorder_progress(pvm_prof_recorder_t *recorder, pvm_prof_progress_t *out_progress);

/** Make the file one that is complete as it stands, while no VM is being watched; the next one goes on recording. For
 * processes that may end without a word. Cost: O(blocks). Thread: any. */
void pvm_prof_recorder_checkpoint(pvm_prof_recorder_t *recorder);

/** End the recording: open executions end as they stand, totals and status are stored, VMs are
 * let go. Call it when no watched VM runs. If one does (the user interrupted it, this is
 * another thread), its figures are those of its last event, the status says so, and events that
 * still come are ignored until the process ends.
 * @param status  COMPLETE or INTERRUPTED; what was lost turns COMPLETE into INCOMPLETE
 * @return OK, or E_SYSTEM with the text of pvm_prof_recorder_error(). */
pvm_prof_status_t pvm_prof_recorder_finish(pvm_prof_recorder_t *recorder,
                                           pvm_prof_run_status_t status);

/** Free it, finishing as INTERRUPTED what was not finished. No watched VM may be running. NULL
 * is ignored. */
void pvm_prof_recorder_destroy(pvm_prof_recorder_t *recorder);

#endif
