/* The flight record as an event: how a run came to a panic, a page fault or out of gas. */
#include "events/events.h"
#include "vm/counts.h"

/** Frames of one event. */
#define FRAMES_MAX 64

/** The record's sequences, side by side. */
typedef struct {
    uint32_t frame_pcs[FRAMES_MAX];
    uint32_t frame_times[FRAMES_MAX];
    uint8_t frame_kinds[FRAMES_MAX];
    uint32_t call_pcs[PVM_FLIGHT_ENTRIES];
    uint32_t call_ids[PVM_FLIGHT_ENTRIES];
    uint64_t call_gas[PVM_FLIGHT_ENTRIES];
    uint64_t call_gas_after[PVM_FLIGHT_ENTRIES];
    uint64_t call_results[PVM_FLIGHT_ENTRIES];
    uint32_t blocks[PVM_LAST_BLOCKS];
} columns_t;

uint64_t pvm_events_price(const pvm_vm_t *vm)
{
    if (vm->events.host_gave_up) {
        return 0;
    }
    return vm->program->has_block_gas
               ? pvm_counts_block_cost(vm->program, pvm_program_block_at(vm->program, vm->pc))
               : 1;
}

static void add_frames(pvm_vm_t *vm, columns_t *columns, pvm_event_flight_t *record)
{
    pvm_frame_t frames[FRAMES_MAX];
    const uint32_t count = (uint32_t)pvm_get_return_chain(vm, frames, FRAMES_MAX);

    for (uint32_t i = 0; i < count; i++) {
        columns->frame_pcs[i] = frames[i].pc;
        columns->frame_times[i] = frames[i].times;
        columns->frame_kinds[i] = frames[i].kind;
    }
    record->frame_pcs = columns->frame_pcs;
    record->frame_times = columns->frame_times;
    record->frame_kinds = columns->frame_kinds;
    record->frame_pcs_len = count;
    record->frame_times_len = count;
    record->frame_kinds_len = count;
}

static void add_calls(pvm_vm_t *vm, columns_t *columns, pvm_event_flight_t *record)
{
    pvm_flight_entry_t entries[PVM_FLIGHT_ENTRIES];
    const uint64_t begun = vm->host_seq - vm->execute_seq;
    const uint32_t count = (uint32_t)pvm_get_flight_record(
        vm, entries, begun < PVM_FLIGHT_ENTRIES ? (size_t)begun : PVM_FLIGHT_ENTRIES);

    for (uint32_t i = 0; i < count; i++) {
        columns->call_pcs[i] = entries[i].pc;
        columns->call_ids[i] = (uint32_t)entries[i].func_id;
        columns->call_gas[i] = (uint64_t)entries[i].gas;
        columns->call_gas_after[i] = (uint64_t)entries[i].gas_after;
        columns->call_results[i] = entries[i].result;
    }
    record->first_call = vm->host_seq - count;
    record->call_pcs = columns->call_pcs;
    record->call_ids = columns->call_ids;
    record->call_gas = columns->call_gas;
    record->call_gas_after = columns->call_gas_after;
    record->call_results = columns->call_results;
    record->call_pcs_len = count;
    record->call_ids_len = count;
    record->call_gas_len = count;
    record->call_gas_after_len = count;
    record->call_results_len = count;
}

void pvm_events_flight(pvm_vm_t *vm)
{
    columns_t columns;
    pvm_event_flight_t record = {.vm = pvm_events_name(vm->id),
                                 .service = vm->service,
                                 .gas = vm->gas,
                                 .cost = vm->state == PVM_STATE_OOG ? pvm_events_price(vm) : 0};

    if (!PVM_EVENTS_WANTED_OF(vm, flight)) {
        return;
    }
    add_frames(vm, &columns, &record);
    add_calls(vm, &columns, &record);
    record.blocks_len = (uint32_t)pvm_get_last_blocks(vm, columns.blocks, PVM_LAST_BLOCKS);
    record.blocks = columns.blocks;
    pvm_events_tell_flight(&record);
}
