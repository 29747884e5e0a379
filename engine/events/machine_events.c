/* Events of machines: their life, their runs, their host calls. Each function looks whether somebody wants what it
 * would tell before it computes anything. */
#include "events/events.h"
#include "sampling/samples.h"
#include "support/error.h"
#include "vm/counts.h"

#include <stdlib.h>
#include <string.h>

#define ALL_REGISTERS ((1U << PVM_REGISTER_COUNT) - 1)

/* GP A.7: where arguments stand. */
#define ARGUMENTS_ADDRESS UINT64_C(0xfeff0000)

void pvm_events_create(pvm_vm_t *vm)
{
    pvm_events_program(vm->program);
    if (!PVM_EVENTS_WANTED_OF(vm, vm_create)) {
        return;
    }
    const pvm_event_vm_create_t record = {.vm = pvm_events_name(vm->id),
                                          .service = vm->service,
                                          .program = pvm_events_program_hash(vm->program),
                                          .backend = (uint8_t)vm->backend,
                                          .gas = vm->gas};
    pvm_events_tell_vm_create(&record);
}

void pvm_events_reset(pvm_vm_t *vm, int64_t gas)
{
    pvm_events_counts_tell(vm);
    pvm_events_calls_tell(vm);
    pvm_samples_tell(vm);
    if (!PVM_EVENTS_WANTED_OF(vm, vm_reset)) {
        return;
    }
    const pvm_event_vm_reset_t record = {
        .vm = pvm_events_name(vm->id), .service = vm->service, .gas = gas};
    pvm_events_tell_vm_reset(&record);
}

void pvm_events_destroy(pvm_vm_t *vm)
{
    pvm_events_counts_tell(vm);
    pvm_events_calls_tell(vm);
    pvm_samples_tell(vm);
    pvm_events_counts_free(vm);
    pvm_events_calls_free(vm);
    pvm_block_trace_end(vm);
    if (!PVM_EVENTS_WANTED_OF(vm, vm_destroy)) {
        return;
    }
    const pvm_event_vm_destroy_t record = {.vm = pvm_events_name(vm->id), .service = vm->service};
    pvm_events_tell_vm_destroy(&record);
}

/* -- Runs ---------------------------------------------------------------------------------- */

/* Counting for listeners only: begins with a run that they want it for, ends with one that they do not. */
static void choose_counts(pvm_vm_t *vm)
{
    const bool wanted =
        PVM_EVENTS_WANTED_OF(vm, block_counts) || PVM_EVENTS_WANTED_OF(vm, edge_counts);

    if (vm->counts == NULL && (wanted || vm->block_trace != NULL)) {
        vm->counts = pvm_counts_create(vm->program);
        vm->events.owns_counts = vm->counts != NULL;
    } else if (vm->events.owns_counts && !wanted && vm->block_trace == NULL) {
        pvm_counts_destroy(vm->counts);
        vm->counts = NULL;
        vm->events.owns_counts = false;
    }
}

int pvm_events_choose(pvm_vm_t *vm)
{
    int status = pvm_block_trace_choose(vm);

    pvm_filter_counts_back(vm);
    choose_counts(vm);
    if (vm->block_trace != NULL && vm->counts == NULL) {
        pvm_block_trace_end(vm);
        status = -1;
    }
    pvm_events_counts_begin(vm);
    pvm_filter_counts_aside(vm);
    return status;
}

static void tell_arguments(pvm_vm_t *vm)
{
    const uint64_t len = vm->registers[8];
    uint32_t bad;

    if (vm->program->format != PVM_FORMAT_JAM || vm->registers[7] != ARGUMENTS_ADDRESS ||
        len > PVM_MAX_ARGUMENTS || !PVM_EVENTS_WANTED_OF(vm, arguments) ||
        pvm_memory_first_bad(vm->memory, (uint32_t)ARGUMENTS_ADDRESS, len, PVM_PAGE_READ, &bad)) {
        return;
    }
    for (uint32_t offset = 0; offset == 0 || offset < len; offset += PVM_EVENTS_PIECE_BYTES) {
        const uint32_t rest = (uint32_t)len - offset;
        const pvm_event_arguments_t piece = {
            .vm = pvm_events_name(vm->id),
            .service = vm->service,
            .program = pvm_events_program_hash(vm->program),
            .backend = (uint8_t)vm->backend,
            .length = (uint32_t)len,
            .offset = offset,
            .data = vm->memory->base + ARGUMENTS_ADDRESS + offset,
            .data_len = rest < PVM_EVENTS_PIECE_BYTES ? rest : PVM_EVENTS_PIECE_BYTES};
        pvm_events_tell_arguments(&piece);
    }
}

void pvm_events_run_begin(pvm_vm_t *vm, pvm_run_kind_t kind)
{
    vm->events.run_is_told = true;
    vm->events.run_gas = vm->gas;
    vm->events.run_began_ns = 0;
    if (kind == PVM_RUN_EXECUTE) {
        pvm_events_counts_tell(vm);
        pvm_events_calls_tell(vm);
    }
    pvm_events_calls_tell_caller(vm);
    const bool was_counting = vm->counts != NULL;
    pvm_filter_run_begin(vm, kind);
    /* Without memory the run goes on uninstrumented; events are then absent, not wrong. */
    (void)pvm_events_choose(vm);
    if (!was_counting && kind != PVM_RUN_EXECUTE) {
        /* Where the guest came from is not known to who did not count. */
        pvm_counts_begin_inside(vm);
    }
    pvm_events_program(vm->program);
    if (PVM_EVENTS_WANTED_OF(vm, execute_end)) {
        vm->events.run_began_ns = pvm_events_now_ns();
    }
    if (kind == PVM_RUN_EXECUTE) {
        tell_arguments(vm);
    }
    if (!PVM_EVENTS_WANTED_OF(vm, execute_begin)) {
        return;
    }
    const char *const filter = pvm_get_trace_filter(vm);
    pvm_event_execute_begin_t record = {.vm = pvm_events_name(vm->id),
                                        .service = vm->service,
                                        .program = pvm_events_program_hash(vm->program),
                                        .parent = pvm_events_name(vm->parent_id),
                                        .backend = (uint8_t)vm->backend,
                                        .kind = (uint8_t)kind,
                                        .instrumentation = vm->instrumentation,
                                        .pc = vm->pc,
                                        .gas = vm->gas,
                                        .filter = filter != NULL ? filter : ""};
    memcpy(record.registers, vm->registers, sizeof(record.registers));
    pvm_events_tell_execute_begin(&record);
}

static void tell_fault(pvm_vm_t *vm)
{
    if (!PVM_EVENTS_WANTED_OF(vm, page_fault)) {
        return;
    }
    const pvm_event_page_fault_t record = {.vm = pvm_events_name(vm->id),
                                           .service = vm->service,
                                           .pc = vm->pc,
                                           .address = vm->fault_address};
    pvm_events_tell_page_fault(&record);
}

static void tell_out_of_gas(pvm_vm_t *vm)
{
    if (!PVM_EVENTS_WANTED_OF(vm, out_of_gas)) {
        return;
    }
    const pvm_event_out_of_gas_t record = {.vm = pvm_events_name(vm->id),
                                           .service = vm->service,
                                           .pc = vm->pc,
                                           .gas = vm->gas,
                                           .cost = pvm_events_price(vm)};
    pvm_events_tell_out_of_gas(&record);
}

void pvm_events_run_end(pvm_vm_t *vm, pvm_result_t result)
{
    pvm_block_trace_flush(vm);
    if (result == PVM_RESULT_FAULT) {
        tell_fault(vm);
    } else if (result == PVM_RESULT_OOG) {
        tell_out_of_gas(vm);
    }
    if (result == PVM_RESULT_PANIC || result == PVM_RESULT_FAULT || result == PVM_RESULT_OOG) {
        pvm_events_flight(vm);
    }
    if (vm->host_pending) {
        pvm_events_call_open(vm);
    }
    if (result != PVM_RESULT_HOST_CALL && vm->state != PVM_STATE_READY) {
        pvm_events_counts_tell(vm);
        pvm_events_calls_tell(vm);
    }
    pvm_samples_tell(vm);
    if (!PVM_EVENTS_WANTED_OF(vm, execute_end)) {
        return;
    }
    const uint64_t began_ns = vm->events.run_is_told ? vm->events.run_began_ns : 0;
    const pvm_event_execute_end_t record = {
        .vm = pvm_events_name(vm->id),
        .service = vm->service,
        .result = (uint8_t)result,
        .state = vm->state,
        .pc = vm->pc,
        .fault_address = vm->fault_address,
        .gas = vm->gas,
        .gas_used = vm->events.run_is_told ? vm->events.run_gas - vm->gas : 0,
        .duration_ns = began_ns != 0 ? pvm_events_now_ns() - began_ns : 0,
        .host_calls = vm->host_seq};
    pvm_events_tell_execute_end(&record);
}

/* -- Host calls ---------------------------------------------------------------------------- */

static const pvm_flight_slot_t *newest_call(const pvm_vm_t *vm)
{
    return &vm->flight[(vm->host_seq - 1) % PVM_FLIGHT_ENTRIES];
}

/* Field by field: an initializer would set all of the registers to zero before. */
static void tell_begin(const pvm_vm_t *vm)
{
    const pvm_flight_slot_t *const call = newest_call(vm);
    pvm_event_host_call_begin_t record;

    record.vm = pvm_events_name(vm->id);
    record.service = vm->service;
    record.seq = vm->host_seq - 1;
    record.pc = call->pc;
    record.func_id = call->func_id;
    record.gas = call->gas;
    memcpy(record.registers, vm->registers, sizeof(record.registers));
    pvm_events_tell_host_call_begin(&record);
}

void pvm_events_call_begin(pvm_vm_t *vm)
{
    pvm_events_state_t *const state = &vm->events;

    if (vm->block_trace != NULL) {
        pvm_block_trace_flush(vm);
    }
    if (vm->filter != NULL) {
        pvm_filter_call_begin(vm);
        if (!pvm_events_tells_call(vm)) {
            return;
        }
    }
    memcpy(state->call.before, vm->registers, sizeof(state->call.before));
    state->has_call_registers = true;
    state->call_is_held = pvm_events_sink_wants(PVM_EVENT_host_call);
    state->call.begin_ns =
        state->call_is_held || pvm_events_wants_call(vm->host_seq - 1) ? pvm_events_now_ns() : 0;
    if (PVM_EVENTS_WANTED_OF(vm, host_call_begin)) {
        tell_begin(vm);
    }
}

void pvm_events_call_open(pvm_vm_t *vm)
{
    pvm_events_state_t *const state = &vm->events;
    const pvm_flight_slot_t *const call = newest_call(vm);

    if (!state->call_is_held || !PVM_EVENTS_WANTED_OF(vm, host_call_open)) {
        return;
    }
    pvm_event_host_call_open_t record = {.vm = pvm_events_name(vm->id),
                                         .service = vm->service,
                                         .seq = vm->host_seq - 1,
                                         .pc = call->pc,
                                         .func_id = call->func_id,
                                         .begin_ns = state->call.begin_ns,
                                         .gas = call->gas};
    memcpy(record.registers, state->call.before, sizeof(record.registers));
    state->call_is_held = false;
    pvm_events_tell_host_call_open(&record);
}

static void tell_end(pvm_vm_t *vm)
{
    const pvm_events_state_t *const state = &vm->events;
    uint64_t values[PVM_REGISTER_COUNT];
    pvm_event_host_call_end_t record = {.vm = pvm_events_name(vm->id),
                                        .seq = vm->host_seq - 1,
                                        .gas = vm->gas,
                                        .values = values,
                                        .service = vm->service};

    /* Without a begin to compare with, all of them are told. First which, without a branch: mostly it is one or two. */
    unsigned changed = state->has_call_registers ? 0 : ALL_REGISTERS;
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        changed |= (unsigned)(vm->registers[i] != state->call.before[i]) << i;
    }
    record.changed = (uint16_t)changed;
    for (; changed != 0; changed &= changed - 1) {
        values[record.values_len++] = vm->registers[__builtin_ctz(changed)];
    }
    pvm_events_tell_host_call_end(&record);
}

/* The record was begun with the call. @param end_ns  0: now; LTTng reads the clock itself, which is dear */
static void tell_whole(pvm_vm_t *vm, uint64_t end_ns)
{
    pvm_events_state_t *const state = &vm->events;
    pvm_event_host_call_t *const record = &state->call;
    const pvm_flight_slot_t *const call = newest_call(vm);

    if (!state->has_call_registers) {
        memcpy(record->before, vm->registers, sizeof(record->before));
        record->begin_ns = 0;
    }
    record->vm = pvm_events_name(vm->id);
    record->service = vm->service;
    record->seq = vm->host_seq - 1;
    record->pc = call->pc;
    record->func_id = call->func_id;
    record->end_ns = end_ns;
    record->gas_before = call->gas;
    record->gas_after = vm->gas;
    record->program = pvm_events_program_hash(vm->program);
    memcpy(record->after, vm->registers, sizeof(record->after));
    record->backend = (uint8_t)vm->backend;
    pvm_events_tell_host_call(record);
}

/* Of a host call that is left out, what the host added is told, so that gas used stays exact. */
static void leave_untold(pvm_vm_t *vm, const pvm_flight_slot_t *call)
{
    if (vm->gas > call->gas) {
        if (vm->observer.gas_set != NULL) {
            vm->observer.gas_set(vm->observer_data, vm, call->gas, vm->gas);
        }
        pvm_events_gas_set(vm, call->gas, vm->gas);
    }
    pvm_filter_call_end(vm);
}

void pvm_events_call_end(pvm_vm_t *vm)
{
    pvm_events_state_t *const state = &vm->events;
    const pvm_flight_slot_t *const call = newest_call(vm);

    if (!pvm_events_tells_call(vm)) {
        leave_untold(vm, call);
        return;
    }
    const bool is_probed = pvm_events_wants_call(vm->host_seq - 1);
    if (PVM_EVENTS_WANTED_OF(vm, host_call_end)) {
        tell_end(vm);
    }
    if (is_probed || pvm_events_sink_wants(PVM_EVENT_host_call)) {
        tell_whole(vm, is_probed ? pvm_events_now_ns() : 0);
    }
    state->call_is_held = false;
    state->has_call_registers = false;
    if (vm->filter != NULL) {
        pvm_filter_call_end(vm);
    }
}

void pvm_events_memory(pvm_vm_t *vm, uint32_t address, const void *data, size_t length,
                       bool is_write)
{
    if ((vm->instrumentation & PVM_INSTRUMENT_MEMORY) == 0 || !pvm_events_tells_call(vm) ||
        !PVM_EVENTS_WANTED_OF(vm, host_memory)) {
        return;
    }
    pvm_events_call_open(vm);
    for (size_t offset = 0; offset == 0 || offset < length; offset += PVM_EVENTS_PIECE_BYTES) {
        const size_t rest = length - offset;
        const pvm_event_host_memory_t piece = {
            .vm = pvm_events_name(vm->id),
            .service = vm->service,
            .seq = vm->host_seq - 1,
            .address = address,
            .length = length,
            .is_write = is_write,
            .offset = offset,
            .data = (const uint8_t *)data + offset,
            .data_len = (uint32_t)(rest < PVM_EVENTS_PIECE_BYTES ? rest : PVM_EVENTS_PIECE_BYTES)};
        pvm_events_tell_host_memory(&piece);
    }
}

void pvm_events_gas_set(pvm_vm_t *vm, int64_t old_gas, int64_t new_gas)
{
    if (!PVM_EVENTS_WANTED_OF(vm, gas_set)) {
        return;
    }
    const pvm_event_gas_set_t record = {.vm = pvm_events_name(vm->id),
                                        .service = vm->service,
                                        .old_gas = old_gas,
                                        .new_gas = new_gas};
    pvm_events_tell_gas_set(&record);
}
