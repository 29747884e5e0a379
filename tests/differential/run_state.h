/* Inside a run: what its host, its driver and its notes share. */
#ifndef PVM_TESTS_DIFFERENTIAL_RUN_STATE_H
#define PVM_TESTS_DIFFERENTIAL_RUN_STATE_H

#include "run.h"

typedef struct {
    pvm_vm_t *vm;
    const diff_how_t *how;
    diff_log_t *log;
    int64_t gas_given;  /**< at the start and by the host, less what it took */
    int64_t gas_total;  /**< ever given: the bound on how long a run may be */
    uint64_t first_seq; /**< host calls of this machine before the run */
    uint32_t host_calls;
    uint32_t exits;
    bool has_moved; /**< the callback has set pc */
    bool has_failed;
    pvm_vm_t *nested; /**< a machine that runs inside host calls; made when first needed */
} diff_run_t;

/** Note the machine as it is. */
void diff_note(diff_run_t *run, diff_event_kind_t kind, int32_t result, bool with_memory);
/** Remember that these pages may be mapped. */
void diff_note_pages(diff_run_t *run, uint32_t address, uint32_t pages);
/** Note the counts as they are at this moment, inside a host call. */
void diff_note_counts(diff_run_t *run);

/** Set the gas and keep the books. */
void diff_set_gas(diff_run_t *run, int64_t gas);
/** Map pages and remember them. */
void diff_map(diff_run_t *run, uint32_t address, uint32_t pages, pvm_access_t access);
/** Regions, registers and books of a machine that has just been made or reset. */
void diff_set_up(diff_run_t *run, int64_t gas);

/** The callback; `user_data` is the run. */
pvm_host_result_t diff_host_call(pvm_vm_t *vm, int func_id, void *user_data);
/** Do a host's work: change registers, memory, map, gas, pc. */
void diff_host_act(diff_run_t *run, diff_source_t *source);

#endif
