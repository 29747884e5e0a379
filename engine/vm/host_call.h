/* The ecalli on its way to the host's callback, inline, because programs that call the host a lot spend their time here.
 * What is rare about it is in host.c. */
#ifndef PVM_VM_HOST_CALL_H
#define PVM_VM_HOST_CALL_H

#include "events/events.h"
#include "sampling/samples.h"
#include "vm/vm.h"

/** Tell whoever watches, and the calls if they are followed, which makes a machine count as a listener, that the newest host
 *  call begins, or ends. Observers are rare, so that what they are told is put
 *  together apart from the path of every host call. */
void pvm_vm_tell_call_begin(pvm_vm_t *vm);
void pvm_vm_tell_call_end(pvm_vm_t *vm);
/** What an answer of the callback other than PVM_HOST_CONTINUE means; PVM_HOST_YIELD leaves the call open. */
pvm_exit_t pvm_vm_refuse_to_go_on(pvm_vm_t *vm, pvm_host_result_t answer);

static inline pvm_flight_slot_t *pvm_vm_newest_call(pvm_vm_t *vm)
{
    return &vm->flight[(vm->host_seq - 1) % PVM_FLIGHT_ENTRIES];
}

/* The open host call is answered: complete its entry of the flight record. */
static inline void pvm_vm_close_call(pvm_vm_t *vm)
{
    pvm_flight_slot_t *const slot = pvm_vm_newest_call(vm);

    slot->gas_after = vm->gas;
    slot->result = vm->registers[7];
    vm->host_pending = false;
    if (__builtin_expect(pvm_events_has_listeners() || vm->observer.host_call_end != NULL, 0)) {
        pvm_vm_tell_call_end(vm);
    }
}

/* Observers and callback. Stores are what this costs, so the neighbours among them stand together. */
static inline __attribute__((always_inline)) pvm_exit_t pvm_vm_answer_call(pvm_vm_t *vm,
                                                                           uint32_t pc,
                                                                           int32_t func_id,
                                                                           bool charged)
{
    vm->pc = pc;
    vm->host_call = func_id;
    vm->state = PVM_STATE_HOST;
    vm->host_pending = true;
    vm->charged = charged;
    vm->moved = PVM_MOVED_NOT;
    vm->host_seq++;
    pvm_flight_slot_t *const slot = pvm_vm_newest_call(vm);
    slot->pc = pc;
    slot->func_id = func_id;
    slot->gas = vm->gas;
    if (__builtin_expect(pvm_events_has_listeners() || vm->observer.host_call_begin != NULL, 0)) {
        pvm_vm_tell_call_begin(vm);
    }
    if (__builtin_expect(vm->callback == NULL, 0)) {
        return PVM_EXIT_HOST;
    }
    const pvm_host_result_t answer = vm->callback(vm, func_id, vm->callback_data);
    if (__builtin_expect(answer != PVM_HOST_CONTINUE, 0)) {
        return pvm_vm_refuse_to_go_on(vm, answer);
    }
    if (__builtin_expect(vm->host_pending, 1)) {
        pvm_vm_close_call(vm);
    }
    vm->state = PVM_STATE_READY;
    return PVM_EXIT_GO_ON;
}

/** Perform an ecalli that is paid: observers, flight record, callback. Nothing of it is guest time. vm->gas and registers are
 *  current before and after.
 *  @return GO_ON: behind the ecalli, or where the callback moved it (vm->moved). vm->pc then still is that of the ecalli: who
 *  does not go on at once calls pvm_vm_pass_ecalli(). Else the exit. */
static inline __attribute__((always_inline)) pvm_exit_t pvm_vm_call_host(pvm_vm_t *vm, uint32_t pc,
                                                                         int32_t func_id,
                                                                         bool charged)
{
    pvm_samples_leave(vm);
    const pvm_exit_t exit = pvm_vm_answer_call(vm, pc, func_id, charged);
    /* The callback may have switched sampling on or off. */
    pvm_samples_enter(vm);
    return exit;
}

/** Let vm->pc be behind the ecalli there, unless the callback has set it. */
static inline void pvm_vm_pass_ecalli(pvm_vm_t *vm)
{
    if (vm->moved != PVM_MOVED_PC) {
        vm->pc += 1 + pvm_isa_skip(&vm->program->code, vm->pc);
    }
}

#endif
