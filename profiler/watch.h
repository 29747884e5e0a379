/* Inside the recorder: the programs it has met, the VMs it watches, and how their figures reach
 * the file.
 *
 * Internal to the profiler. All of it is guarded by the run file's lock. Counts go a long way:
 * the engine's, read per VM and compared with the last reading, are added up per program and,
 * at a flush, added to the rows. */
#ifndef PVM_PROFILER_WATCH_H
#define PVM_PROFILER_WATCH_H

#include "profiler/block_trace.h"
#include "profiler/calls.h"
#include "profiler/cuts.h"
#include "profiler/flight.h"
#include "profiler/functions.h"
#include "profiler/host_sums.h"
#include "profiler/ledger.h"
#include "profiler/map.h"
#include "profiler/recorder.h"
#include "profiler/store.h"

#include <pvm/trace.h>

/** Programs of one recording. */
#define PVM_PROF_MAX_PROGRAMS 65536
/** Longest piece of guest memory in one row. */
#define PVM_PROF_MEMORY_ROW_BYTES (UINT32_C(1) << 20)

/** A program and what is not yet in the file of it. */
typedef struct {
    uint32_t id;
    pvm_program_t *program; /**< acquired */
    pvm_prof_functions_t functions;
    bool *function_stored;
    pvm_block_count_t *pending; /**< by block, and "no block" behind them */
    uint32_t *dirty;            /**< indices with anything pending */
    bool *is_dirty;
    size_t dirty_count;
    pvm_prof_map_t host_names; /**< func_id -> 0: named in the file */
    pvm_prof_sites_t sites;
    pvm_prof_cuts_t cuts;
} pvm_prof_program_t;

/** Sums over host calls of one VM with one number. */
typedef struct {
    int32_t func_id;
    bool is_dirty;
    uint64_t calls;
    uint64_t gas;
    uint64_t gas_added;
    uint64_t duration_ns;
} pvm_prof_host_total_t;

/** A host call that has begun and not ended. */
typedef struct {
    bool is_open;
    bool is_stored; /**< its row is in the file, without an end */
    bool is_lost;   /**< its row could not be stored, and is counted as lost */
    int64_t seq;
    uint32_t pc;
    int32_t func_id;
    uint64_t began_ns;
    uint64_t own_ns; /**< spent by the recorder since then */
    uint32_t total;  /**< index of its sums */
    uint64_t registers[PVM_REGISTER_COUNT];
} pvm_prof_call_t;

/** What an execution row says, and what the totals hold of it. */
typedef struct {
    int64_t gas_start;
    int64_t gas_added;
    int64_t gas_end;
    int64_t blocks_gas;
    int64_t host_gas;
    uint64_t host_calls;
    uint64_t duration_ns;
} pvm_prof_figures_t;

typedef struct {
    bool is_open;
    int64_t id;
    pvm_prof_ledger_t ledger;
    int64_t blocks_gas; /**< as of the last reading of counts */
    uint64_t host_calls;
    uint64_t ran_ns;       /**< in runs that have ended */
    uint64_t run_began_ns; /**< of the one that goes on */
    uint64_t own_ns;       /**< of these, spent by the recorder */
    const char *result;
    uint32_t exit_pc;
    uint32_t fault_address;
    bool has_fault;
    pvm_prof_figures_t stored;
} pvm_prof_execution_t;

/** Samples of a VM, and the time that they are of. */
typedef struct {
    bool is_sampled;
    uint64_t guest_began_ns; /**< 0: guest code does not run now */
    uint64_t guest_ns;       /**< in stretches that have ended */
    pvm_sample_sum_t last;   /**< last reading, */
    pvm_sample_t *places;    /**< by pc */
    size_t count;
    pvm_sample_sum_t total; /**< in the file */
} pvm_prof_samples_t;

typedef struct pvm_prof_watch_t {
    pvm_prof_recorder_t *recorder;
    struct pvm_prof_watch_t *previous;
    struct pvm_prof_watch_t *next;
    pvm_vm_t *vm;
    int64_t id;         /**< in the file */
    uint64_t parent_id; /**< pvm_get_id() of the parent in the file; 0: none */
    pvm_prof_program_t *program;
    pthread_t thread; /**< of its last event */
    bool is_running;  /**< inside execute, resume or step, callbacks included */
    bool is_dirty;    /**< something happened since its last flush */
    uint64_t told_ns; /**< fed: time of its last event; what may have come behind it was lost */
    uint64_t flushed_ns;
    pvm_prof_execution_t execution;
    pvm_prof_call_t call;
    pvm_prof_trace_piece_t *trace; /**< NULL: blocks are not traced */
    pvm_prof_flight_t
        *flight; /**< how the open execution stopped last; NULL: it did not, or went on */

    bool is_counting;
    bool has_entry; /**< at entry_pc, not paid yet */
    uint32_t entry_pc;
    bool has_baseline;
    pvm_block_count_t *counts; /**< last reading */
    pvm_block_count_t *fresh;  /**< room for the next one */
    pvm_prof_tree_t tree;      /**< last reading of calls, */
    uint32_t caller;           /**< and the context that runs the VM */
    pvm_edge_count_t *edges;   /**< last reading, sorted, no duplicates */
    size_t edge_count;

    pvm_prof_samples_t samples;

    pvm_prof_map_t total_index; /**< func_id -> index into totals */
    pvm_prof_host_total_t *totals;
    uint32_t total_count;
    uint32_t total_capacity;
} pvm_prof_watch_t;

struct pvm_prof_recorder_t {
    pvm_prof_run_file_t *file;
    uint32_t instrument;
    char *program_name;
    uint32_t sample_hz; /**< 0: the engine's default */
    uint64_t began_ns;
    pvm_prof_watch_t *watches;
    pvm_prof_program_t **programs;
    uint32_t program_count;
    pvm_prof_map_t program_by_address;
    pvm_prof_map_t program_by_hash; /**< the first one of each */
    int64_t vm_count;
    int64_t execution_count;
    int64_t host_call_count;
    pvm_prof_figures_t totals; /**< over all executions, as stored */
    pvm_prof_slices_t slices;
    pvm_prof_calls_t calls;
    bool is_partial;    /**< a filter leaves out parts of executions: no sum rule */
    bool is_difference; /**< the sum rule failed somewhere */
    bool is_fed; /**< with events of another process: counts are current at the end of a run only */
    const char *broken;    /**< fed: why that ended before its end; NULL: it did not */
    bool is_cut_short;     /**< a VM was running when the recording ended */
    const char *cut_short; /**< fed: which one, in words */
    const char *advice;    /**< fed: what would lose less; NULL: none */
    const char *left_out;  /**< fed: what was not told at all; NULL: nothing */
    bool is_at_rest;       /**< the file says that it is complete, because no VM is watched */
    const char *last_result;
    int64_t gas_left;
    uint64_t flush_interval_ns;

    pthread_t thread;
    pthread_cond_t wake;
    bool has_thread;
    bool is_finished;
};

/* -- recorder.c ---------------------------------------------------------------------------- */

/** A machine whose events this trace filter selects is recorded; NULL or "": no filter. */
void pvm_prof_note_filter(pvm_prof_recorder_t *recorder, const char *filter);

/* -- programs.c ---------------------------------------------------------------------------- */

/** The entry of a program, made if it is new. NULL with pvm_last_error(). */
pvm_prof_program_t *pvm_prof_program_find(pvm_prof_recorder_t *recorder, pvm_program_t *program,
                                          const char *name);
void pvm_prof_program_destroy(pvm_prof_program_t *entry);
/** Note what a block did since it was last noted. */
void pvm_prof_program_add(pvm_prof_program_t *entry, size_t block, pvm_block_count_t more);
/** Add what is pending to the rows. */
void pvm_prof_program_flush(pvm_prof_program_t *entry, pvm_prof_run_file_t *file);
/** See that the file has a name for a host call. */
void pvm_prof_program_name_call(pvm_prof_program_t *entry, pvm_prof_run_file_t *file,
                                int32_t func_id);
/** See that the file has a function, by its index. */
void pvm_prof_program_store_function(pvm_prof_program_t *entry, pvm_prof_run_file_t *file,
                                     uint32_t index);
/** First pc of a block as the file writes it: -1 for PVM_BLOCK_NONE, the end of the code for "no
 * block". */
int64_t pvm_prof_program_block_pc(const pvm_prof_program_t *entry, uint32_t block);

/* -- counts.c ------------------------------------------------------------------------------ */

/** Read the counts as what later readings are compared with. */
void pvm_prof_counts_begin(pvm_prof_watch_t *watch);
/** Read them, note the differences, and add the gas to the open execution. */
void pvm_prof_counts_read(pvm_prof_watch_t *watch);
/** Store the differences of edges. */
void pvm_prof_counts_store_edges(pvm_prof_watch_t *watch);

/* -- samples.c ------------------------------------------------------------------------------ */

/** Guest code runs from here on; */
void pvm_prof_guest_begins(pvm_prof_watch_t *watch);
/** it stopped at this time, if it ran. */
void pvm_prof_guest_ends(pvm_prof_watch_t *watch, uint64_t now_ns);
/** Read the samples as what later readings are compared with. */
void pvm_prof_samples_begin(pvm_prof_watch_t *watch);
/** Store what is new, on the VM's thread. */
void pvm_prof_samples_store(pvm_prof_watch_t *watch);

/* -- cuts.c -------------------------------------------------------------------------------- */

/** Guest code is about to run, */
void pvm_prof_cuts_run_begin(pvm_prof_watch_t *watch);
/** has paid an ecalli, */
void pvm_prof_cuts_call_begin(pvm_prof_watch_t *watch);
/** gets its answer, which may be to go on elsewhere, */
void pvm_prof_cuts_call_end(pvm_prof_watch_t *watch, uint32_t call_pc);
/** and has stopped. */
void pvm_prof_cuts_run_end(pvm_prof_watch_t *watch, pvm_result_t result);

/* -- execution.c --------------------------------------------------------------------------- */

void pvm_prof_execution_open(pvm_prof_watch_t *watch, pvm_run_kind_t kind);
/** Bring its row and the totals up to date. Counts must have been read just before, on the VM's
 * thread. */
void pvm_prof_execution_store(pvm_prof_watch_t *watch);
/** Read counts, store, and end it with the result it has. */
void pvm_prof_execution_close(pvm_prof_watch_t *watch);
/** Store the totals; result "incomplete" unless given. */
void pvm_prof_totals_store(pvm_prof_recorder_t *recorder, const char *result);

/* -- host_calls.c -------------------------------------------------------------------------- */

void pvm_prof_call_begin(pvm_prof_watch_t *watch, const pvm_host_call_t *call);
/** @param has_returned  false: the caller went another way, and left this gas */
void pvm_prof_call_end(pvm_prof_watch_t *watch, int64_t gas, uint64_t now_ns, bool has_returned);
/** Put the row of an open call into the file, without its end. */
void pvm_prof_call_store_open(pvm_prof_watch_t *watch);
void pvm_prof_call_store_memory(pvm_prof_watch_t *watch, uint32_t address, const void *data,
                                size_t length, bool is_write);
void pvm_prof_call_store_totals(pvm_prof_watch_t *watch);

/* -- flight_store.c ------------------------------------------------------------------------ */

/** Keep the flight record of a VM that has just stopped so until its execution ends. */
void pvm_prof_flight_note(pvm_prof_watch_t *watch, pvm_result_t result,
                          const pvm_prof_flight_raw_t *raw);
/** The execution goes on. */
void pvm_prof_flight_forget(pvm_prof_watch_t *watch);
/** Rows of the open execution, which ends. */
void pvm_prof_flight_store(pvm_prof_watch_t *watch);

/* -- events.c ------------------------------------------------------------------------------ */

extern const pvm_observer_t pvm_prof_observer;

/** Store what has happened on this thread, and commit. */
void pvm_prof_flush(pvm_prof_recorder_t *recorder);
/** The part of it that reads no VM, for any thread: what is noted already. */
void pvm_prof_flush_noted(pvm_prof_recorder_t *recorder);
/** End what is open of a VM that does not run, and store the rest of its figures. */
void pvm_prof_watch_settle(pvm_prof_watch_t *watch);
/** NULL: this recorder does not watch the machine. */
pvm_prof_watch_t *pvm_prof_watch_of(const pvm_prof_recorder_t *recorder, const pvm_vm_t *vm);
/** Unlink and free. */
void pvm_prof_watch_destroy(pvm_prof_watch_t *watch);

#endif
