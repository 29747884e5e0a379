/* Block traces: every block in the order in which it was entered, in batches or one by one. */
#include "events/events.h"
#include "support/error.h"
#include "vm/counts.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/** aligned_alloc() wants a multiple of the alignment. */
#define ALLOCATED_BYTES                                                                            \
    ((sizeof(pvm_block_trace_t) + PVM_BLOCK_TRACE_BYTES - 1) / PVM_BLOCK_TRACE_BYTES *             \
     PVM_BLOCK_TRACE_BYTES)

static_assert(offsetof(pvm_block_trace_t, ids) == sizeof(uint32_t), "see events/state.h");

static bool is_open(const pvm_vm_t *vm)
{
    return vm->filter == NULL || vm->filter->is_open;
}

static bool one_by_one(const pvm_vm_t *vm)
{
    /* A listener who wants everything gets batches: one by one is a hundred times dearer, and tells the same. */
    return (vm->instrumentation & PVM_INSTRUMENT_GAS) != 0 ||
           (!pvm_events_sink_wants(PVM_EVENT_block_batch) &&
            (pvm_events_sink_wants(PVM_EVENT_gas) || pvm_events_sink_wants(PVM_EVENT_block)));
}

static bool in_batches(const pvm_vm_t *vm)
{
    return (vm->instrumentation & (PVM_INSTRUMENT_BLOCKS | PVM_INSTRUMENT_FLIGHT)) != 0 ||
           pvm_events_sink_wants(PVM_EVENT_block_batch);
}

void pvm_block_trace_end(pvm_vm_t *vm)
{
    if (vm->block_trace != NULL) {
        pvm_events_add_listener(-1);
        free(vm->block_trace);
        vm->block_trace = NULL;
    }
}

int pvm_block_trace_choose(pvm_vm_t *vm)
{
    const bool singly = is_open(vm) && one_by_one(vm);
    const bool batching = is_open(vm) && in_batches(vm);

    pvm_block_trace_flush(vm);
    if (!singly && !batching) {
        pvm_block_trace_end(vm);
        return 0;
    }
    if (vm->block_trace == NULL) {
        vm->block_trace = aligned_alloc(PVM_BLOCK_TRACE_BYTES, ALLOCATED_BYTES);
        if (vm->block_trace == NULL) {
            return pvm_error_set("no memory for a block trace");
        }
        memset(vm->block_trace, 0, sizeof(*vm->block_trace));
        pvm_events_add_listener(1);
    }
    vm->block_trace->room = singly ? 1 : PVM_BLOCK_TRACE_ROOM;
    vm->block_trace->is_batching = batching;
    return 0;
}

static void keep_last(pvm_block_trace_t *trace, const uint32_t *ids, uint32_t count)
{
    const uint32_t fresh = count < PVM_LAST_BLOCKS ? count : PVM_LAST_BLOCKS;
    const uint32_t room = PVM_LAST_BLOCKS - fresh;
    const uint32_t stay = trace->last_count < room ? trace->last_count : room;

    memmove(trace->last, trace->last + (trace->last_count - stay), stay * sizeof(*ids));
    memcpy(trace->last + stay, ids + (count - fresh), fresh * sizeof(*ids));
    trace->last_count = stay + fresh;
}

/* Leave out what a filter does not select. @return how many are left */
static uint32_t select_blocks(const pvm_vm_t *vm, uint32_t *ids, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (pvm_filter_has_block(vm->filter, vm->program, ids[i])) {
            ids[kept++] = ids[i];
        }
    }
    return kept;
}

static void hand_over(pvm_vm_t *vm, uint32_t *ids, uint32_t count)
{
    keep_last(vm->block_trace, ids, count);
    if (vm->filter != NULL && vm->filter->has_ranges) {
        count = select_blocks(vm, ids, count);
        if (count == 0) {
            return;
        }
    }
    if (vm->observer.blocks != NULL) {
        vm->observer.blocks(vm->observer_data, vm, ids, count);
    }
    if (PVM_EVENTS_WANTED(block_batch)) {
        const pvm_event_block_batch_t record = {.vm = pvm_events_name(vm->id),
                                                .service = vm->service,
                                                .first = vm->events.blocks_told,
                                                .blocks = ids,
                                                .blocks_len = count};
        pvm_events_tell_block_batch(&record);
    }
    vm->events.blocks_told += count;
}

static void tell_one(pvm_vm_t *vm, uint32_t id, int64_t gas)
{
    const pvm_program_t *const program = vm->program;
    const uint32_t pc = id < program->block_count ? program->blocks[id].pc : program->code.len;

    if (vm->filter != NULL && !pvm_filter_has_block(vm->filter, program, id)) {
        return;
    }
    if (vm->observer.block_gas != NULL) {
        vm->observer.block_gas(vm->observer_data, vm, id, gas);
    }
    if (PVM_EVENTS_WANTED(block)) {
        const pvm_event_block_t record = {
            .vm = pvm_events_name(vm->id), .service = vm->service, .pc = pc};
        pvm_events_tell_block(&record);
    }
    if (PVM_EVENTS_WANTED(gas)) {
        const pvm_event_gas_t record = {.vm = pvm_events_name(vm->id),
                                        .service = vm->service,
                                        .pc = pc,
                                        .cost = (uint32_t)pvm_counts_block_cost(program, id),
                                        .gas = gas};
        pvm_events_tell_gas(&record);
    }
}

void pvm_block_trace_full(pvm_vm_t *vm, int64_t gas)
{
    pvm_block_trace_t *const trace = vm->block_trace;

    if (trace->room != 1) {
        hand_over(vm, trace->ids, trace->count);
        trace->count = 0;
        return;
    }
    tell_one(vm, trace->ids[0], gas);
    if (trace->is_batching) {
        trace->batch[trace->batched++] = trace->ids[0];
        if (trace->batched == PVM_BLOCK_TRACE_ROOM) {
            hand_over(vm, trace->batch, trace->batched);
            trace->batched = 0;
        }
    }
    trace->count = 0;
}

void pvm_block_trace_flush(pvm_vm_t *vm)
{
    pvm_block_trace_t *const trace = vm->block_trace;

    if (trace == NULL) {
        return;
    }
    if (trace->batched > 0) {
        hand_over(vm, trace->batch, trace->batched);
        trace->batched = 0;
    }
    if (trace->count > 0) {
        hand_over(vm, trace->ids, trace->count);
        trace->count = 0;
    }
}

size_t pvm_get_last_blocks(pvm_vm_t *vm, uint32_t *out, size_t max)
{
    if (vm == NULL || out == NULL) {
        pvm_error_set("pvm_get_last_blocks: an argument is NULL");
        return 0;
    }
    if (vm->block_trace == NULL || (vm->instrumentation & PVM_INSTRUMENT_FLIGHT) == 0) {
        return 0;
    }
    pvm_block_trace_flush(vm);
    const size_t kept = vm->block_trace->last_count;
    const size_t count = kept < max ? kept : max;
    memcpy(out, vm->block_trace->last + (kept - count), count * sizeof(*out));
    return count;
}
