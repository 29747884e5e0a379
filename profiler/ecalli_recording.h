/* A recorded execution as an ecalli trace (JIP-7): everything that its host did, so that it can be executed again without
 * the node. Writes only what the file holds; whether that is enough is found out by executing it. */
#ifndef PVM_PROFILER_ECALLI_RECORDING_H
#define PVM_PROFILER_ECALLI_RECORDING_H

#include "profiler/run_file.h"

#include <pvm/pvm.h>
#include <stdio.h>

/** An execution that can be written. */
typedef struct {
    int64_t id;
    int64_t vm;
    uint32_t service;
    pvm_spec_t spec;
    uint32_t exit_pc;
    int64_t gas_end;
    uint8_t state; /**< PVM_STATE_HALT, PANIC, FAULT or OOG */
} pvm_ecalli_recording_t;

/** Find an execution, and see that everything is in the file that a trace must hold.
 *  @param id  0: the only one of the file
 *  Errors: E_ARGUMENT (no such execution, or several), E_FORMAT (recorded without memory, events were lost, not ended:
 *  the text says how to record), E_SYSTEM. */
pvm_prof_status_t pvm_prof_ecalli_find(pvm_prof_run_file_t *file, int64_t id,
                                       pvm_ecalli_recording_t *out);

/** Write it.
 *  @param registers  at the end; NULL: those that the last host call left, for a first try
 *  Errors: E_FORMAT (damaged file), E_SYSTEM. Errors of the stream are the caller's to look for. */
pvm_prof_status_t pvm_prof_ecalli_write(pvm_prof_run_file_t *file,
                                        const pvm_ecalli_recording_t *recording,
                                        const uint64_t *registers, FILE *out);

#endif
