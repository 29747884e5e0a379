/* Counts as events tell them, into the counters of a stand-in: the engine derives hits from edges, and gas from hits,
 * so what the events say is put where the engine would have it. */
#include "profiler/feed_state.h"
#include "sampling/samples.h"
#include "support/error.h"
#include "vm/counts.h"

static pvm_prof_status_t refuse(const pvm_prof_feed_t *feed, const char *what)
{
    pvm_error_set("%.300s: the trace counts %s that its program does not have", feed->source, what);
    return PVM_PROF_E_FORMAT;
}

pvm_prof_status_t pvm_feed_block_counts(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                        const pvm_event_block_counts_t *event)
{
    pvm_counts_t *const counts = vm->counts;

    if (counts != NULL) {
        counts->is_told = true;
    }
    if (counts == NULL || event->hits_len != event->blocks_len ||
        event->gas_len != event->blocks_len) {
        return counts == NULL ? PVM_PROF_OK : refuse(feed, "hits for blocks");
    }
    for (uint32_t i = 0; i < event->blocks_len; i++) {
        const uint32_t block = event->blocks[i];

        if (block > counts->block_count) {
            return refuse(feed, "a block");
        }
        const uint64_t cost = pvm_counts_block_cost(vm->program, block);
        pvm_counts_adjust(counts, block, (int64_t)(event->gas[i] - event->hits[i] * cost));
        if (!(feed->instrument & PVM_PROF_EDGES)) {
            /* Without edges nobody asks where a block was entered from. */
            counts->entries[block] += event->hits[i];
        }
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_feed_block_batch(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                       const pvm_event_block_batch_t *event)
{
    for (uint32_t i = 0; i < event->blocks_len; i++) {
        if (event->blocks[i] > vm->program->block_count) {
            return refuse(feed, "a block");
        }
    }
    vm->observer.blocks(vm->observer_data, vm, event->blocks, event->blocks_len);
    return PVM_PROF_OK;
}

void pvm_feed_gas(pvm_vm_t *vm, const pvm_event_gas_t *event)
{
    /* A pc that is in no block stands for "no block". */
    vm->observer.block_gas(vm->observer_data, vm, pvm_program_block_at(vm->program, event->pc),
                           event->gas);
}

/* The counter of an edge that leaves `from` through a terminator, or NULL. */
static uint64_t *find_edge(const pvm_vm_t *vm, pvm_edge_kind_t kind, uint32_t from, uint32_t to)
{
    pvm_counts_t *const counts = vm->counts;

    if (from >= counts->block_count || counts->terminator_count == 0) {
        return NULL;
    }
    for (uint32_t i = pvm_counts_terminator(counts, vm->program->blocks[from].pc);
         i < counts->terminator_count && counts->terminators[i].from <= from; i++) {
        const pvm_terminator_t *const at = &counts->terminators[i];

        if (at->from == from && kind == PVM_EDGE_NEXT && at->next == to) {
            return &counts->edges[2 * (size_t)i];
        }
        if (at->from == from && kind != PVM_EDGE_NEXT && at->jump == to) {
            return &counts->edges[2 * (size_t)i + 1];
        }
    }
    return NULL;
}

pvm_prof_status_t pvm_feed_edge_counts(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                       const pvm_event_edge_counts_t *event)
{
    pvm_counts_t *const counts = vm->counts;
    const uint32_t count = event->kinds_len;

    if (counts == NULL || !(feed->instrument & PVM_PROF_EDGES)) {
        return PVM_PROF_OK;
    }
    counts->is_told = true;
    if (event->from_len != count || event->to_len != count || event->counts_len != count) {
        return refuse(feed, "edges without an end");
    }
    for (uint32_t i = 0; i < count; i++) {
        const pvm_edge_kind_t kind = (pvm_edge_kind_t)event->kinds[i];
        const bool is_arrival = kind == PVM_EDGE_ENTRY || kind == PVM_EDGE_FROM_HUB;
        uint64_t *counter = NULL;

        if (!is_arrival && kind <= PVM_EDGE_ENTRY) {
            counter = find_edge(vm, kind, event->from[i], event->to[i]);
        } else if (is_arrival && event->to[i] <= counts->block_count) {
            counter = kind == PVM_EDGE_ENTRY ? &counts->entries[event->to[i]]
                                             : &counts->from_hub[event->to[i]];
        }
        if (counter == NULL) {
            return refuse(feed, "an edge");
        }
        *counter += event->counts[i];
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_feed_samples(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                   const pvm_event_samples_t *event)
{
    pvm_samples_t *const samples = vm->samples;

    if (samples == NULL) {
        return PVM_PROF_OK;
    }
    if (event->counts_len != event->pcs_len) {
        return refuse(feed, "samples without a place");
    }
    for (uint32_t i = 0; i < event->pcs_len; i++) {
        if (event->pcs[i] >= samples->places) {
            return refuse(feed, "samples at a place");
        }
        samples->at[event->pcs[i]] += (uint32_t)event->counts[i];
        samples->sum.samples += (uint32_t)event->counts[i];
    }
    samples->sum.hz = event->hz;
    samples->sum.samples += event->engine;
    samples->sum.engine += event->engine;
    samples->sum.lost += event->lost;
    samples->sum.missed += event->missed;
    return PVM_PROF_OK;
}

void pvm_feed_arrival_begin(pvm_vm_t *vm, const pvm_event_execute_begin_t *event)
{
    const uint32_t behind = vm->state == PVM_STATE_HOST
                                ? vm->pc + 1 + pvm_isa_skip(&vm->program->code, vm->pc)
                                : vm->pc;

    /* Who goes on at another place than it stopped has been sent there. */
    if (event->kind == PVM_RUN_EXECUTE || event->pc != behind) {
        vm->arrival = (pvm_arrival_t){.kind = PVM_ARRIVAL_ENTRY};
    }
    vm->charged = false;
}

void pvm_feed_arrival_end(pvm_vm_t *vm, const pvm_event_execute_end_t *event, bool has_called)
{
    const pvm_program_t *const program = vm->program;
    const bool is_unpaid = event->gas == vm->gas && !has_called;

    vm->events.host_gave_up = event->result == PVM_RESULT_OOG && has_called &&
                              event->gas == vm->gas && event->pc == vm->pc;
    const bool is_in_front = event->state == PVM_STATE_READY ||
                             (event->result == PVM_RESULT_OOG && !vm->events.host_gave_up);
    if (is_in_front && vm->arrival.kind == PVM_ARRIVAL_ENTRY && is_unpaid) {
        return;
    }
    /* Out of gas under block gas always is in front of a block. */
    const bool is_arriving =
        is_in_front && (pvm_program_is_block_start(program, event->pc) ||
                        (event->result == PVM_RESULT_OOG && program->has_block_gas));
    vm->arrival = (pvm_arrival_t){.kind = is_arriving ? PVM_ARRIVAL_HUB : PVM_ARRIVAL_NONE};
}
