/* What a recorded trace says that the host did, done to a machine. Nothing is compared: who wants to know whether the machine
 * does what was recorded looks at it in between.
 *
 * A machine begins with pvm_ecalli_apply_start() and pvm_ecalli_apply_prelude(), at trace->start.pc. */
#ifndef PVM_PROGRAM_ECALLI_APPLY_H
#define PVM_PROGRAM_ECALLI_APPLY_H

#include "program/ecalli_trace.h"

/** The arguments of a JAM program, the registers of any other. The machine was just made or reset.
 *  @return 0, or -1 and pvm_last_error() */
int pvm_ecalli_apply_start(const pvm_ecalli_trace_t *trace, const pvm_program_t *program,
                           pvm_vm_t *vm);

/** What was written before the first host call, even to memory that the program cannot write.
 *  @param out_failed  the action that failed
 *  @return 0, or -1 and pvm_last_error() */
int pvm_ecalli_apply_prelude(const pvm_ecalli_trace_t *trace, const pvm_program_t *program,
                             pvm_vm_t *vm, const pvm_ecalli_action_t **out_failed);

/** What the host did at a call; that it read is no change. @return 0, or -1 and pvm_last_error() */
int pvm_ecalli_apply(const pvm_ecalli_action_t *action, pvm_vm_t *vm);

#endif
