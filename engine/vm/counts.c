/* Counting arrivals apart from the backends' code, and the arithmetic from edges to blocks. */
#include "vm/counts.h"

#include "events/filter.h"
#include "gas/pipeline.h"
#include "program/prices.h"
#include "support/error.h"
#include "vm/calls.h"

#include <stdlib.h>
#include <string.h>

pvm_counts_t *pvm_counts_create(const pvm_program_t *program)
{
    pvm_counts_t *const counts = calloc(1, sizeof(*counts));

    if (counts == NULL) {
        pvm_error_set("no memory for counts");
        return NULL;
    }
    counts->flow = pvm_flow_of(program);
    counts->block_count = program->block_count;
    const size_t blocks = (size_t)counts->block_count + 1;
    if (counts->flow != NULL) {
        counts->terminators = counts->flow->terminators;
        counts->terminator_count = counts->flow->terminator_count;
    }
    counts->edges = calloc(2 * (size_t)counts->terminator_count + 2, sizeof(*counts->edges));
    counts->from_hub = calloc(blocks, sizeof(*counts->from_hub));
    counts->entries = calloc(blocks, sizeof(*counts->entries));
    counts->gas_adjust = calloc(blocks, sizeof(*counts->gas_adjust));
    counts->breaks = calloc(2 * blocks, sizeof(*counts->breaks));
    if (counts->flow == NULL || counts->edges == NULL || counts->from_hub == NULL ||
        counts->entries == NULL || counts->gas_adjust == NULL || counts->breaks == NULL) {
        pvm_counts_destroy(counts);
        pvm_error_set("no memory for the counts of %zu blocks", blocks);
        return NULL;
    }
    counts->balance = counts->breaks + blocks;
    return counts;
}

void pvm_counts_destroy(pvm_counts_t *counts)
{
    if (counts == NULL) {
        return;
    }
    free(counts->edges);
    free(counts->from_hub);
    free(counts->entries);
    free(counts->gas_adjust);
    free(counts->breaks);
    free(counts);
}

void pvm_counts_clear(pvm_counts_t *counts)
{
    const size_t blocks = (size_t)counts->block_count + 1;

    memset(counts->edges, 0, 2 * (size_t)counts->terminator_count * sizeof(*counts->edges));
    memset(counts->from_hub, 0, blocks * sizeof(*counts->from_hub));
    memset(counts->entries, 0, blocks * sizeof(*counts->entries));
    memset(counts->gas_adjust, 0, blocks * sizeof(*counts->gas_adjust));
    memset(counts->breaks, 0, blocks * sizeof(*counts->breaks));
}

/* -- Where the flow begins and ends --- */

/* The vertex that the guest has entered and not left yet, or PVM_BLOCK_NONE between two runs. */
static uint32_t place_of(const pvm_vm_t *vm)
{
    switch (vm->arrival.kind) {
    case PVM_ARRIVAL_ENTRY:
        return PVM_BLOCK_NONE;
    case PVM_ARRIVAL_NONE:
        return pvm_flow_vertex_at(vm->program, vm->pc);
    default:
        return pvm_flow_vertex_at(vm->program, vm->arrival.from);
    }
}

void pvm_counts_break(pvm_vm_t *vm)
{
    const uint32_t place = vm->counts == NULL ? PVM_BLOCK_NONE : place_of(vm);

    if (place != PVM_BLOCK_NONE) {
        vm->counts->breaks[place]--;
    }
}

void pvm_counts_begin_inside(pvm_vm_t *vm)
{
    vm->arrival.kind = PVM_ARRIVAL_NONE;
    if (vm->counts != NULL) {
        vm->counts->breaks[pvm_flow_vertex_at(vm->program, vm->pc)]++;
    }
}

void pvm_counts_skip_arrival(pvm_vm_t *vm)
{
    if (vm->arrival.kind != PVM_ARRIVAL_NONE) {
        pvm_counts_break(vm);
        pvm_counts_begin_inside(vm);
    }
}

pvm_counts_t *pvm_counts_of(const pvm_vm_t *vm)
{
    return vm->counts != NULL || vm->filter == NULL ? vm->counts : vm->filter->counts;
}

/* Whether a block, or the "no block" behind them, is in the code that a filter selects. */
static bool is_selected(const pvm_vm_t *vm, uint32_t block)
{
    return vm->filter == NULL || !vm->filter->has_ranges ||
           pvm_filter_has_block(vm->filter, vm->program, block);
}

/* Complete the edges that have no counter of their own. */
static void solve(const pvm_vm_t *vm, pvm_counts_t *counts)
{
    const pvm_flow_t *const flow = counts->flow;
    /* While counts stand aside the flow has ended. */
    const uint32_t place = vm->counts != NULL ? place_of(vm) : PVM_BLOCK_NONE;
    uint64_t *const balance = counts->balance;

    if (counts->is_told || counts->block_count == 0) {
        return;
    }
    balance[flow->block_count] = 0;
    for (uint32_t i = 0; i < counts->block_count; i++) {
        balance[i] = counts->breaks[i] + counts->entries[i] + counts->from_hub[i];
        balance[flow->block_count] -= counts->from_hub[i];
    }
    /* What arrives behind the code; see pvm_flow_vertex_at(). */
    balance[counts->block_count - 1] +=
        counts->entries[counts->block_count] + counts->from_hub[counts->block_count];
    balance[flow->block_count] -= counts->from_hub[counts->block_count];
    if (place != PVM_BLOCK_NONE) {
        balance[place]--;
    }
    pvm_flow_solve(flow, counts->edges, balance);
}

/* -- Counting --- */

uint32_t pvm_counts_terminator(const pvm_counts_t *counts, uint32_t pc)
{
    return pvm_flow_terminator(counts->flow, pc);
}

uint64_t pvm_counts_block_cost(const pvm_program_t *program, uint32_t index)
{
    if (index < program->block_count) {
        return pvm_program_block_gas(program, index);
    }
    return program->has_block_gas && program->error == NULL
               ? pvm_gas_pipeline_cost(&program->code, program->code.len)
               : 1;
}

/* Count the arrival and say which block was hit, or PVM_BLOCK_NONE. */
static uint32_t count_arrival(pvm_counts_t *counts, const pvm_arrival_t *arrival, uint32_t at)
{
    if (arrival->kind == PVM_ARRIVAL_ENTRY) {
        counts->entries[at]++;
        return at;
    }
    const uint32_t index = pvm_counts_terminator(counts, arrival->from);
    const pvm_terminator_t *const terminator = &counts->terminators[index];
    counts->edges[2 * (size_t)index + arrival->taken]++;
    if (arrival->kind == PVM_ARRIVAL_HUB) {
        counts->from_hub[at]++;
        return at;
    }
    return arrival->taken ? terminator->jump : terminator->next;
}

uint32_t pvm_counts_pay(pvm_vm_t *vm, uint64_t paid)
{
    pvm_counts_t *const counts = vm->counts;
    const uint32_t at = pvm_program_block_at(vm->program, vm->pc);
    uint64_t expected = 0;
    uint32_t hit = PVM_BLOCK_NONE;

    if (vm->arrival.kind != PVM_ARRIVAL_NONE) {
        if (vm->arrival.kind == PVM_ARRIVAL_HUB && vm->calls != NULL) {
            pvm_calls_pair(vm->calls, pvm_counts_terminator(counts, vm->arrival.from),
                           vm->arrival.entry);
        }
        hit = count_arrival(counts, &vm->arrival, at);
        vm->arrival.kind = PVM_ARRIVAL_NONE;
        expected = hit == PVM_BLOCK_NONE ? 0 : pvm_counts_block_cost(vm->program, hit);
    }
    pvm_counts_adjust(counts, at, (int64_t)(paid - expected));
    return hit;
}

size_t pvm_get_block_counts(pvm_vm_t *vm, pvm_block_count_t *out, size_t max)
{
    pvm_counts_t *const counts = vm != NULL ? pvm_counts_of(vm) : NULL;

    if (out == NULL || counts == NULL || max < (size_t)counts->block_count + 1) {
        pvm_error_set("pvm_get_block_counts: no VM, it does not count, or no room for all blocks "
                      "and one more");
        return 0;
    }
    const size_t blocks = (size_t)counts->block_count + 1;
    solve(vm, counts);
    for (size_t i = 0; i < blocks; i++) {
        out[i].hits = counts->entries[i] + counts->from_hub[i];
    }
    for (uint32_t i = 0; i < counts->terminator_count; i++) {
        const pvm_terminator_t *const terminator = &counts->terminators[i];
        if (terminator->next != PVM_BLOCK_NONE) {
            out[terminator->next].hits += counts->edges[2 * (size_t)i];
        }
        if (terminator->jump != PVM_BLOCK_NONE) {
            out[terminator->jump].hits += counts->edges[2 * (size_t)i + 1];
        }
    }
    for (uint32_t i = 0; i < blocks; i++) {
        const uint64_t cost = out[i].hits != 0 ? pvm_counts_block_cost(vm->program, i) : 0;
        out[i].gas = out[i].hits * cost + (uint64_t)counts->gas_adjust[i];
        if (!is_selected(vm, i)) {
            out[i] = (pvm_block_count_t){0};
        }
    }
    return blocks;
}

typedef struct {
    const pvm_vm_t *vm;
    pvm_edge_count_t *out;
    size_t max;
    size_t count;
} edge_writer_t;

/* An edge is selected with either of its ends. */
static bool is_edge_selected(const pvm_vm_t *vm, uint32_t from, uint32_t to)
{
    return (from != PVM_BLOCK_NONE && is_selected(vm, from)) ||
           (to != PVM_BLOCK_NONE && is_selected(vm, to));
}

static void write_edge(edge_writer_t *writer, uint32_t from, uint32_t to, pvm_edge_kind_t kind,
                       uint64_t count)
{
    if (count == 0 || !is_edge_selected(writer->vm, from, to)) {
        return;
    }
    if (writer->count < writer->max) {
        writer->out[writer->count] =
            (pvm_edge_count_t){.from = from, .to = to, .kind = kind, .count = count};
    }
    writer->count++;
}

size_t pvm_get_edge_counts(pvm_vm_t *vm, pvm_edge_count_t *out, size_t max)
{
    pvm_counts_t *const counts = vm != NULL ? pvm_counts_of(vm) : NULL;

    if (counts == NULL || (out == NULL && max > 0)) {
        pvm_error_set("pvm_get_edge_counts: no VM, it does not count, or no room");
        return 0;
    }
    edge_writer_t writer = {.vm = vm, .out = out, .max = max};
    solve(vm, counts);
    for (uint32_t i = 0; i < counts->terminator_count; i++) {
        const pvm_terminator_t *const at = &counts->terminators[i];
        const uint8_t opcode = vm->program->code.octets[at->pc];
        const pvm_op_t op = pvm_isa_op(vm->program->code.isa, opcode);
        const bool indirect = pvm_isa_ops[op].effect == PVM_EFFECT_JUMP_IND;
        write_edge(&writer, at->from, at->next, PVM_EDGE_NEXT, counts->edges[2 * (size_t)i]);
        write_edge(&writer, at->from, at->jump, indirect ? PVM_EDGE_TO_HUB : PVM_EDGE_JUMP,
                   counts->edges[2 * (size_t)i + 1]);
    }
    for (uint32_t i = 0; i <= counts->block_count; i++) {
        write_edge(&writer, PVM_BLOCK_NONE, i, PVM_EDGE_FROM_HUB, counts->from_hub[i]);
        write_edge(&writer, PVM_BLOCK_NONE, i, PVM_EDGE_ENTRY, counts->entries[i]);
    }
    return writer.count;
}

int pvm_clear_counts(pvm_vm_t *vm)
{
    pvm_counts_t *const counts = vm != NULL ? pvm_counts_of(vm) : NULL;

    if (counts == NULL || vm->running) {
        return pvm_error_set("pvm_clear_counts: the VM does not count, or is running");
    }
    pvm_counts_clear(counts);
    if (pvm_calls_of(vm) != NULL) {
        pvm_calls_clear(vm);
    }
    /* The guest stays where it is, without having arrived there. */
    const uint32_t place = vm->counts != NULL ? place_of(vm) : PVM_BLOCK_NONE;
    if (place != PVM_BLOCK_NONE) {
        counts->breaks[place]++;
    }
    return 0;
}
