/* The ecalli: observers, flight record and the host's callback, the same for every backend. */
#include "vm/host_call.h"

#include "support/error.h"
#include "vm/calls.h"

static pvm_host_call_t call_of(pvm_vm_t *vm)
{
    const pvm_flight_slot_t *const slot = pvm_vm_newest_call(vm);

    return (pvm_host_call_t){
        .seq = vm->host_seq - 1, .pc = slot->pc, .func_id = slot->func_id, .gas = vm->gas};
}

/* Events first, because a filter decides there what is told; and for the same reason last below. */
void pvm_vm_tell_call_begin(pvm_vm_t *vm)
{
    if (vm->calls != NULL) {
        pvm_calls_host_begin(vm);
    }
    if (pvm_events_has_listeners()) {
        pvm_events_call_begin(vm);
    }
    if (vm->observer.host_call_begin != NULL && pvm_events_tells_call(vm)) {
        const pvm_host_call_t call = call_of(vm);
        vm->observer.host_call_begin(vm->observer_data, vm, &call);
    }
}

void pvm_vm_tell_call_end(pvm_vm_t *vm)
{
    if (vm->calls != NULL) {
        pvm_calls_host_end(vm);
    }
    if (vm->observer.host_call_end != NULL && pvm_events_tells_call(vm)) {
        const pvm_host_call_t call = call_of(vm);
        vm->observer.host_call_end(vm->observer_data, vm, &call);
    }
    if (pvm_events_has_listeners()) {
        pvm_events_call_end(vm);
    }
}

void pvm_vm_end_host_call(pvm_vm_t *vm)
{
    if (vm->host_pending) {
        pvm_vm_close_call(vm);
    }
}

void pvm_vm_drop_host_call(pvm_vm_t *vm)
{
    if (vm->host_pending) {
        pvm_flight_slot_t *const slot = pvm_vm_newest_call(vm);
        slot->gas_after = slot->gas;
        slot->result = 0;
        vm->host_pending = false;
    }
}

pvm_exit_t pvm_vm_refuse_to_go_on(pvm_vm_t *vm, pvm_host_result_t answer)
{
    if (answer == PVM_HOST_YIELD) {
        return PVM_EXIT_HOST;
    }
    pvm_vm_end_host_call(vm);
    switch (answer) {
    case PVM_HOST_TERMINATE:
        return PVM_EXIT_HALT;
    case PVM_HOST_ERROR:
        return PVM_EXIT_PANIC;
    case PVM_HOST_OOG:
        vm->events.host_gave_up = true;
        return PVM_EXIT_OOG;
    default:
        pvm_error_set(
            "the host callback returned %d for host call %d, which is no pvm_host_result_t",
            (int)answer, (int)vm->host_call);
        return PVM_EXIT_ERROR;
    }
}

pvm_exit_t pvm_vm_host_call(pvm_vm_t *vm, int32_t func_id)
{
    const pvm_exit_t exit = pvm_vm_call_host(vm, vm->pc, func_id, vm->charged);

    if (exit == PVM_EXIT_GO_ON) {
        pvm_vm_pass_ecalli(vm);
    }
    return exit;
}

void pvm_set_host_callback(pvm_vm_t *vm, pvm_host_callback_t callback, void *user_data)
{
    if (vm == NULL) {
        pvm_error_set("pvm_set_host_callback: no VM");
        return;
    }
    vm->callback = callback;
    vm->callback_data = user_data;
}

size_t pvm_get_flight_record(pvm_vm_t *vm, pvm_flight_entry_t *out, size_t max)
{
    if (vm == NULL || out == NULL) {
        pvm_error_set("pvm_get_flight_record: an argument is NULL");
        return 0;
    }
    size_t count = vm->host_seq < PVM_FLIGHT_ENTRIES ? (size_t)vm->host_seq : PVM_FLIGHT_ENTRIES;
    count = count < max ? count : max;
    for (size_t i = 0; i < count; i++) {
        const uint64_t seq = vm->host_seq - count + i;
        const pvm_flight_slot_t *const slot = &vm->flight[seq % PVM_FLIGHT_ENTRIES];
        const bool is_open = vm->host_pending && seq + 1 == vm->host_seq;
        out[i] = (pvm_flight_entry_t){.seq = seq,
                                      .pc = slot->pc,
                                      .func_id = slot->func_id,
                                      .gas = slot->gas,
                                      .result = is_open ? 0 : slot->result,
                                      .gas_after = is_open ? slot->gas : slot->gas_after};
    }
    return count;
}
