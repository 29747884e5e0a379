/* Execute, resume and step: from API states to a backend and back. Spec: GP A.1; DESIGN of states in pvm.h. */
#include "events/events.h"
#include "interpreter/interpreter.h"
#include "recompiler/recompiler.h"
#include "sampling/samples.h"
#include "support/error.h"
#include "vm/calls.h"
#include "vm/counts.h"
#include "vm/vm.h"

/* What a caller sees of an exit. */
static const struct {
    uint8_t state;
    pvm_result_t result;
} outcomes[] = {
    [PVM_EXIT_GO_ON] = {PVM_STATE_READY, PVM_RESULT_OK},
    [PVM_EXIT_HALT] = {PVM_STATE_HALT, PVM_RESULT_OK},
    [PVM_EXIT_PANIC] = {PVM_STATE_PANIC, PVM_RESULT_PANIC},
    [PVM_EXIT_FAULT] = {PVM_STATE_FAULT, PVM_RESULT_FAULT},
    [PVM_EXIT_HOST] = {PVM_STATE_HOST, PVM_RESULT_HOST_CALL},
    [PVM_EXIT_OOG] = {PVM_STATE_OOG, PVM_RESULT_OOG},
    [PVM_EXIT_INTERRUPT] = {PVM_STATE_READY, PVM_RESULT_OK},
    [PVM_EXIT_NO_CODE] = {PVM_STATE_READY, PVM_RESULT_ERROR},
    [PVM_EXIT_ERROR] = {PVM_STATE_HOST, PVM_RESULT_ERROR},
};

static pvm_result_t finish(pvm_vm_t *vm, pvm_exit_t exit)
{
    const pvm_result_t result = outcomes[exit].result;

    vm->state = outcomes[exit].state;
    if ((exit == PVM_EXIT_HOST || exit == PVM_EXIT_ERROR) && vm->moved == PVM_MOVED_PC) {
        /* The callback chose where to go on and then stopped: there is no ecalli to pass any more. */
        vm->state = PVM_STATE_READY;
        pvm_vm_end_host_call(vm);
    }
    if (vm->calls != NULL) {
        pvm_calls_run_end(vm);
    }
    if (pvm_events_has_listeners()) {
        pvm_events_run_end(vm, result);
    }
    if (vm->observer.run_end != NULL) {
        vm->observer.run_end(vm->observer_data, vm, result);
    }
    vm->running = false;
    return result;
}

/* Whatever can fail for want of memory is done before anything is changed. */
static bool is_prepared(pvm_vm_t *vm)
{
    if (vm->program->error != NULL) {
        return true;
    }
    return vm->backend == PVM_BACKEND_RECOMPILER ? pvm_recompiler_prepare(vm)
                                                 : pvm_interpreter_prepare(vm);
}

static pvm_result_t run(pvm_vm_t *vm, pvm_run_kind_t kind)
{
    pvm_vm_t *const outer = pvm_published_running;
    pvm_exit_t exit;

    pvm_published_running = vm;
    vm->running = true;
    vm->begun = true;
    vm->moved = PVM_MOVED_NOT;
    vm->fault_address = 0;
    vm->state = PVM_STATE_READY;
    if (vm->calls != NULL) {
        pvm_calls_run_begin(vm);
    }
    if (vm->observer.run_begin != NULL) {
        vm->observer.run_begin(vm->observer_data, vm, kind);
    }
    vm->events.run_is_told = false;
    vm->events.host_gave_up = false;
    if (pvm_events_has_listeners() || vm->events.owns_counts) {
        if (outer != NULL) {
            pvm_events_call_open(outer);
        }
        pvm_events_run_begin(vm, kind);
    }
    vm->place = PVM_PLACE_ENGINE;
    pvm_samples_enter(vm);
    if (vm->program->error != NULL) {
        exit = PVM_EXIT_PANIC;
    } else if (kind == PVM_RUN_STEP) {
        vm->place = PVM_PLACE_PC;
        exit = pvm_interpreter_step(vm);
    } else if (vm->backend == PVM_BACKEND_RECOMPILER) {
        exit = pvm_recompiler_run(vm);
    } else {
        exit = pvm_interpreter_run(vm);
    }
    pvm_samples_leave(vm);
    pvm_published_running = outer;
    return finish(vm, exit);
}

pvm_result_t pvm_execute(pvm_vm_t *vm, uint32_t entry_point)
{
    if (vm == NULL || vm->running) {
        pvm_error_set("pvm_execute: no VM, or it is running");
        return PVM_RESULT_ERROR;
    }
    if (!is_prepared(vm)) {
        return PVM_RESULT_ERROR;
    }
    pvm_vm_end_host_call(vm);
    pvm_counts_break(vm);
    if (vm->calls != NULL) {
        pvm_calls_forget(vm->calls);
    }
    vm->execute_seq = vm->host_seq;
    vm->pc = entry_point;
    vm->charged = false;
    vm->arrival = (pvm_arrival_t){.kind = PVM_ARRIVAL_ENTRY};
    return run(vm, PVM_RUN_EXECUTE);
}

static pvm_result_t go_on(pvm_vm_t *vm, pvm_run_kind_t kind, const char *caller)
{
    if (vm == NULL || vm->running) {
        pvm_error_set("%s: no VM, or it is running", caller);
        return PVM_RESULT_ERROR;
    }
    if (vm->state == PVM_STATE_HALT || vm->state == PVM_STATE_PANIC) {
        pvm_error_set("%s: the program has ended; call pvm_execute or pvm_set_pc", caller);
        return PVM_RESULT_ERROR;
    }
    if (kind != PVM_RUN_STEP && !is_prepared(vm)) {
        return PVM_RESULT_ERROR;
    }
    if (vm->state == PVM_STATE_HOST) {
        pvm_vm_end_host_call(vm);
        vm->pc += 1 + pvm_isa_skip(&vm->program->code, vm->pc);
    }
    return run(vm, kind);
}

pvm_result_t pvm_resume(pvm_vm_t *vm)
{
    return go_on(vm, PVM_RUN_RESUME, "pvm_resume");
}

pvm_result_t pvm_step(pvm_vm_t *vm)
{
    return go_on(vm, PVM_RUN_STEP, "pvm_step");
}

void pvm_vm_interrupt(pvm_vm_t *vm)
{
    atomic_store_explicit(&vm->interrupt, true, memory_order_relaxed);
}
