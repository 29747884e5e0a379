/* The interpreter: a step that is exact in every corner, and a fast loop over predecoded code that leaves to
 * the step whenever something rare happens.
 *
 * docs/interpreter.md draws the cells. */
#ifndef PVM_INTERPRETER_INTERPRETER_H
#define PVM_INTERPRETER_INTERPRETER_H

#include "vm/vm.h"

typedef struct pvm_interpreter_code_t pvm_interpreter_code_t;

/** Execute the one instruction at vm->pc, gas and counts included. The reference for everything else.
 *  @return GO_ON: done, vm->pc is the next; else the exit, with pc, state of registers and gas as GP says. An ecalli
 *  that the callback answers is done too. */
pvm_exit_t pvm_interpreter_step(pvm_vm_t *vm);

/** Pay for the instruction at vm->pc (0.7.2), or for its block if that is not paid, and count the arrival.
 *  @return false: out of gas, which is then as GP says. */
bool pvm_interpreter_pay(pvm_vm_t *vm);

/** Have the predecoded code that pvm_interpreter_run() needs. @return false without memory, pvm_last_error() set. */
bool pvm_interpreter_prepare(pvm_vm_t *vm);
/** Run from vm->pc until an exit; never GO_ON. */
pvm_exit_t pvm_interpreter_run(pvm_vm_t *vm);

void pvm_interpreter_code_destroy(pvm_interpreter_code_t *code);

#endif
