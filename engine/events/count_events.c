/* Events of exact counts: what has changed since counts were last told. Differences are modulo 2^64, so that the
 * reader's sums are what the engine has, even after counts were cleared. */
#include "events/events.h"
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

typedef struct {
    uint32_t count;
    uint32_t blocks[PVM_EVENTS_PIECE_COUNTS];
    uint64_t hits[PVM_EVENTS_PIECE_COUNTS];
    uint64_t gas[PVM_EVENTS_PIECE_COUNTS];
} block_piece_t;

static void tell_blocks(const pvm_vm_t *vm, block_piece_t *piece)
{
    if (piece->count == 0) {
        return;
    }
    const pvm_event_block_counts_t record = {.vm = pvm_events_name(vm->id),
                                             .service = vm->service,
                                             .blocks = piece->blocks,
                                             .blocks_len = piece->count,
                                             .hits = piece->hits,
                                             .hits_len = piece->count,
                                             .gas = piece->gas,
                                             .gas_len = piece->count};
    pvm_events_tell_block_counts(&record);
    piece->count = 0;
}

static void tell_changed_blocks(pvm_vm_t *vm)
{
    pvm_told_counts_t *const told = &vm->events.told;
    block_piece_t piece = {.count = 0};

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
        if (++piece.count == PVM_EVENTS_PIECE_COUNTS) {
            tell_blocks(vm, &piece);
        }
    }
    tell_blocks(vm, &piece);
    pvm_block_count_t *const old = told->blocks;
    told->blocks = told->fresh;
    told->fresh = old;
}

/* -- Edges --- */

typedef struct {
    uint32_t count;
    uint8_t kinds[PVM_EVENTS_PIECE_COUNTS];
    uint32_t from[PVM_EVENTS_PIECE_COUNTS];
    uint32_t to[PVM_EVENTS_PIECE_COUNTS];
    uint64_t counts[PVM_EVENTS_PIECE_COUNTS];
} edge_piece_t;

static void tell_edges(const pvm_vm_t *vm, edge_piece_t *piece)
{
    if (piece->count == 0) {
        return;
    }
    const pvm_event_edge_counts_t record = {.vm = pvm_events_name(vm->id),
                                            .service = vm->service,
                                            .kinds = piece->kinds,
                                            .kinds_len = piece->count,
                                            .from = piece->from,
                                            .from_len = piece->count,
                                            .to = piece->to,
                                            .to_len = piece->count,
                                            .counts = piece->counts,
                                            .counts_len = piece->count};
    pvm_events_tell_edge_counts(&record);
    piece->count = 0;
}

static void tell_changed_edges(pvm_vm_t *vm)
{
    pvm_told_counts_t *const told = &vm->events.told;
    edge_piece_t piece = {.count = 0};
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
        if (++piece.count == PVM_EVENTS_PIECE_COUNTS) {
            tell_edges(vm, &piece);
        }
    }
    tell_edges(vm, &piece);
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
