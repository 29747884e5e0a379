/* Events of exact counts: what has changed since counts were last told. Differences are modulo 2^64, so that the
 * reader's sums are what the engine has, even after counts were cleared. */
#include "events/pieces.h"
#include "vm/counts.h"

#include <stdlib.h>
#include <string.h>

static size_t block_room(const pvm_vm_t *vm)
{
    return (size_t)vm->program->block_count + 1;
}

static bool same_edge(const pvm_edge_count_t *a, const pvm_edge_count_t *b)
{
    return a->kind == b->kind && a->from == b->from && a->to == b->to;
}

/* All edges as of now in the engine's order, which does not change; NULL without memory or edges. */
static pvm_edge_count_t *read_edges(pvm_vm_t *vm, size_t *out_count)
{
    const size_t count = pvm_get_edge_counts(vm, NULL, 0);
    pvm_edge_count_t *const edges = count > 0 ? malloc(count * sizeof(*edges)) : NULL;

    *out_count = edges != NULL ? pvm_get_edge_counts(vm, edges, count) : 0;
    return edges;
}

void pvm_events_counts_free(pvm_vm_t *vm)
{
    pvm_told_counts_t *const told = &vm->events.told;

    free(told->blocks);
    free(told->fresh);
    free(told->edges);
    *told = (pvm_told_counts_t){0};
}

static bool are_wanted(const pvm_vm_t *vm)
{
    return PVM_EVENTS_WANTED_OF(vm, block_counts) || PVM_EVENTS_WANTED_OF(vm, edge_counts);
}

void pvm_events_counts_begin(pvm_vm_t *vm)
{
    pvm_told_counts_t *const told = &vm->events.told;

    if (vm->counts == NULL || !are_wanted(vm)) {
        pvm_events_counts_free(vm);
        return;
    }
    if (told->is_telling) {
        return;
    }
    told->blocks = calloc(block_room(vm), sizeof(*told->blocks));
    told->fresh = calloc(block_room(vm), sizeof(*told->fresh));
    if (told->blocks == NULL || told->fresh == NULL) {
        pvm_events_counts_free(vm);
        return;
    }
    (void)pvm_get_block_counts(vm, told->blocks, block_room(vm));
    told->edges = read_edges(vm, &told->edge_count);
    told->is_telling = true;
}

/* -- Blocks --- */

#define BLOCK_COLUMNS(X, ...)                                                                      \
    X(uint32_t, blocks, __VA_ARGS__)                                                               \
    X(uint64_t, hits, __VA_ARGS__)                                                                 \
    X(uint64_t, gas, __VA_ARGS__)
PVM_EVENTS_PIECE(block_counts, PVM_EVENTS_PIECE_COUNTS, BLOCK_COLUMNS, )

static void tell_changed_blocks(pvm_vm_t *vm)
{
    pvm_told_counts_t *const told = &vm->events.told;
    block_counts_piece_t piece = {.count = 0};

    (void)pvm_get_block_counts(vm, told->fresh, block_room(vm));
    for (uint32_t i = 0; i < block_room(vm); i++) {
        const uint64_t hits = told->fresh[i].hits - told->blocks[i].hits;
        const uint64_t gas = told->fresh[i].gas - told->blocks[i].gas;
        if (hits == 0 && gas == 0) {
            continue;
        }
        piece.blocks[piece.count] = i;
        piece.hits[piece.count] = hits;
        piece.gas[piece.count] = gas;
        block_counts_next(vm, &piece);
    }
    if (piece.count > 0) {
        block_counts_tell(vm, &piece);
    }
    pvm_block_count_t *const old = told->blocks;
    told->blocks = told->fresh;
    told->fresh = old;
}

/* -- Edges --- */

#define EDGE_COLUMNS(X, ...)                                                                       \
    X(uint8_t, kinds, __VA_ARGS__)                                                                 \
    X(uint32_t, from, __VA_ARGS__)                                                                 \
    X(uint32_t, to, __VA_ARGS__)                                                                   \
    X(uint64_t, counts, __VA_ARGS__)
PVM_EVENTS_PIECE(edge_counts, PVM_EVENTS_PIECE_COUNTS, EDGE_COLUMNS, )

static void tell_changed_edges(pvm_vm_t *vm)
{
    pvm_told_counts_t *const told = &vm->events.told;
    edge_counts_piece_t piece = {.count = 0};
    size_t old = 0;
    size_t count;
    pvm_edge_count_t *const edges = read_edges(vm, &count);

    for (size_t i = 0; i < count; i++) {
        uint64_t more = edges[i].count;
        /* What was there stays there, in this order, so the old list is a part of the new one. */
        if (old < told->edge_count && same_edge(&told->edges[old], &edges[i])) {
            more -= told->edges[old++].count;
        }
        if (more == 0) {
            continue;
        }
        piece.kinds[piece.count] = (uint8_t)edges[i].kind;
        piece.from[piece.count] = edges[i].from;
        piece.to[piece.count] = edges[i].to;
        piece.counts[piece.count] = more;
        edge_counts_next(vm, &piece);
    }
    if (piece.count > 0) {
        edge_counts_tell(vm, &piece);
    }
    if (edges != NULL || count == 0) {
        free(told->edges);
        told->edges = edges;
        told->edge_count = count;
    }
}

void pvm_events_counts_tell(pvm_vm_t *vm)
{
    if (pvm_counts_of(vm) == NULL || !vm->events.told.is_telling) {
        return;
    }
    if (PVM_EVENTS_WANTED(block_counts)) {
        tell_changed_blocks(vm);
    }
    if (PVM_EVENTS_WANTED(edge_counts)) {
        tell_changed_edges(vm);
    }
}
