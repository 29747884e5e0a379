/* The ecalli: observers, flight record and the host's callback, the same for every backend. */
#include "events/events.h"
#include "sampling/samples.h"
#include "support/error.h"
#include "vm/vm.h"

static uint32_t behind_ecalli(const pvm_vm_t *vm)
{
    return vm->pc + 1 + pvm_isa_skip(&vm->program->code, vm->pc);
}

static pvm_flight_entry_t *flight_entry(pvm_vm_t *vm, uint64_t seq)
{
    return &vm->flight[seq % PVM_FLIGHT_ENTRIES];
}

/* Observers are rare, so that what they are told is put together apart from the path of every host call. */
static __attribute__((noinline)) void tell_begin(pvm_vm_t *vm)
{
    const pvm_host_call_t call = {
        .seq = vm->host_seq - 1, .pc = vm->pc, .func_id = vm->host_call, .gas = vm->gas};

    vm->observer.host_call_begin(vm->observer_data, vm, &call);
}

static __attribute__((noinline)) void tell_end(pvm_vm_t *vm, const pvm_flight_entry_t *entry)
{
    const pvm_host_call_t call = {
        .seq = entry->seq, .pc = entry->pc, .func_id = entry->func_id, .gas = vm->gas};

    vm->observer.host_call_end(vm->observer_data, vm, &call);
}

static void begin(pvm_vm_t *vm, int32_t func_id)
{
    pvm_flight_entry_t *const entry = flight_entry(vm, vm->host_seq);

    /* Field by field: a copy of a whole entry would wait for its own stores. */
    entry->seq = vm->host_seq;
    entry->pc = vm->pc;
    entry->func_id = func_id;
    entry->gas = vm->gas;
    entry->gas_after = vm->gas;
    entry->result = 0;
    vm->host_seq++;
    vm->host_call = func_id;
    vm->state = PVM_STATE_HOST;
    vm->host_pending = true;
    vm->moved = PVM_MOVED_NOT;
    /* First, because a filter decides here what is told; and for the same reason last below. */
    if (pvm_events_has_listeners()) {
        pvm_events_call_begin(vm);
    }
    if (vm->observer.host_call_begin != NULL && pvm_events_tells_call(vm)) {
        tell_begin(vm);
    }
}

void pvm_vm_end_host_call(pvm_vm_t *vm)
{
    if (!vm->host_pending) {
        return;
    }
    pvm_flight_entry_t *const entry = flight_entry(vm, vm->host_seq - 1);
    entry->result = vm->registers[7];
    entry->gas_after = vm->gas;
    vm->host_pending = false;
    if (vm->observer.host_call_end != NULL && pvm_events_tells_call(vm)) {
        tell_end(vm, entry);
    }
    if (pvm_events_has_listeners()) {
        pvm_events_call_end(vm);
    }
}

/* Observers and callback: nothing of it is guest time. */
static inline pvm_exit_t answer_call(pvm_vm_t *vm, int32_t func_id)
{
    begin(vm, func_id);
    if (vm->callback == NULL) {
        return PVM_EXIT_HOST;
    }
    const pvm_host_result_t answer = vm->callback(vm, func_id, vm->callback_data);
    if (answer == PVM_HOST_YIELD) {
        return PVM_EXIT_HOST;
    }
    pvm_vm_end_host_call(vm);
    switch (answer) {
    case PVM_HOST_CONTINUE:
        if (vm->moved != PVM_MOVED_PC) {
            vm->pc = behind_ecalli(vm);
        }
        vm->state = PVM_STATE_READY;
        return PVM_EXIT_GO_ON;
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
            (int)answer, (int)func_id);
        return PVM_EXIT_ERROR;
    }
}

pvm_exit_t pvm_vm_host_call(pvm_vm_t *vm, int32_t func_id)
{
    pvm_samples_leave(vm);
    const pvm_exit_t exit = answer_call(vm, func_id);
    /* The callback may have switched sampling on or off. */
    pvm_samples_enter(vm);
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
        out[i] = *flight_entry(vm, vm->host_seq - count + i);
    }
    return count;
}
