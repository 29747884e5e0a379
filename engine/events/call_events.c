/* Events of the calling-context tree: contexts and jumps through registers that have changed since they were last told.
 * Differences are modulo 2^64, as those of counts. */
#include "events/pieces.h"
#include "vm/calls.h"

#include <stdlib.h>
#include <string.h>

/** Contexts of one event: they have many figures. */
#define PIECE_CONTEXTS 128

static uint32_t host_of(const pvm_vm_t *vm)
{
    const pvm_context_t *const host = pvm_calls_of(vm)->host;

    return host == NULL ? PVM_CALL_NONE : host->index;
}

#define CONTEXT_COLUMNS(X, ...)                                                                    \
    X(uint32_t, contexts, __VA_ARGS__)                                                             \
    X(uint32_t, parents, __VA_ARGS__)                                                              \
    X(uint32_t, sites, __VA_ARGS__)                                                                \
    X(uint32_t, routines, __VA_ARGS__)                                                             \
    X(uint8_t, kinds, __VA_ARGS__)                                                                 \
    X(uint64_t, calls, __VA_ARGS__)                                                                \
    X(uint64_t, gas, __VA_ARGS__)                                                                  \
    X(uint64_t, host_calls, __VA_ARGS__)                                                           \
    X(uint64_t, host_gas, __VA_ARGS__)                                                             \
    X(uint64_t, deeper_calls, __VA_ARGS__)                                                         \
    X(uint64_t, deeper_gas, __VA_ARGS__)
PVM_EVENTS_PIECE(call_tree, PIECE_CONTEXTS, CONTEXT_COLUMNS, .host = host_of(vm), )

static void add(const pvm_vm_t *vm, call_tree_piece_t *piece, uint32_t index,
                const pvm_call_node_t *old, const pvm_call_node_t *node)
{
    const uint32_t at = piece->count;

    piece->contexts[at] = index;
    piece->parents[at] = node->parent;
    piece->sites[at] = node->site;
    piece->routines[at] = node->routine;
    piece->kinds[at] = node->kind;
    piece->calls[at] = node->calls - old->calls;
    piece->gas[at] = node->gas - old->gas;
    piece->host_calls[at] = node->host_calls - old->host_calls;
    piece->host_gas[at] = node->host_gas - old->host_gas;
    piece->deeper_calls[at] = node->deeper_calls - old->deeper_calls;
    piece->deeper_gas[at] = node->deeper_gas - old->deeper_gas;
    call_tree_next(vm, piece);
}

/* @return false without memory: the changes are told the next time */
static bool tell_tree(pvm_vm_t *vm, bool always)
{
    pvm_told_calls_t *const told = &vm->events.told_calls;
    const size_t count = pvm_get_call_tree(vm, NULL, 0);
    pvm_call_node_t *const nodes = malloc((count + 1) * sizeof(*nodes));
    call_tree_piece_t *const piece = malloc(sizeof(*piece));

    if (nodes == NULL || piece == NULL) {
        free(nodes);
        free(piece);
        return false;
    }
    piece->count = 0;
    (void)pvm_get_call_tree(vm, nodes, count);
    for (size_t i = 1; i < count; i++) {
        static const pvm_call_node_t none;
        const pvm_call_node_t *const old = i < told->count ? &told->nodes[i] : &none;
        if (i >= told->count || memcmp(old, &nodes[i], sizeof(nodes[i])) != 0) {
            add(vm, piece, (uint32_t)i, old, &nodes[i]);
        }
    }
    if (piece->count > 0 || always) {
        call_tree_tell(vm, piece);
    }
    free(piece);
    free(told->nodes);
    told->nodes = nodes;
    told->count = count;
    return true;
}

/* -- Samples ------------------------------------------------------------------------------- */

#define SAMPLE_COLUMNS(X, ...)                                                                     \
    X(uint32_t, contexts, __VA_ARGS__)                                                             \
    X(uint64_t, counts, __VA_ARGS__)
PVM_EVENTS_PIECE(call_samples, PVM_EVENTS_PIECE_COUNTS, SAMPLE_COLUMNS, )

/* Of contexts that have been told. */
static void tell_samples(const pvm_vm_t *vm)
{
    const pvm_calls_t *const calls = pvm_calls_of(vm);
    call_samples_piece_t piece = {.count = 0};

    for (uint32_t i = 1; i < calls->count && i < vm->events.told_calls.count; i++) {
        pvm_context_t *const context = pvm_calls_context(calls, i);
        const uint64_t more = context->samples - context->samples_told;

        if (more == 0) {
            continue;
        }
        context->samples_told += more;
        piece.contexts[piece.count] = i;
        piece.counts[piece.count] = more;
        call_samples_next(vm, &piece);
    }
    if (piece.count > 0) {
        call_samples_tell(vm, &piece);
    }
}

/* -- Jumps through registers --------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const pvm_jump_pair_t *const a = left;
    const pvm_jump_pair_t *const b = right;

    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return a->to < b->to ? -1 : a->to > b->to;
}

#define JUMP_COLUMNS(X, ...)                                                                       \
    X(uint32_t, from, __VA_ARGS__)                                                                 \
    X(uint32_t, to, __VA_ARGS__)                                                                   \
    X(uint64_t, counts, __VA_ARGS__)
PVM_EVENTS_PIECE(indirect_jumps, PVM_EVENTS_PIECE_COUNTS, JUMP_COLUMNS, )

static void tell_pairs(pvm_vm_t *vm)
{
    pvm_told_calls_t *const told = &vm->events.told_calls;
    const size_t room = pvm_get_indirect_jumps(vm, NULL, 0);
    pvm_jump_pair_t *const pairs = room > 0 ? malloc(room * sizeof(*pairs)) : NULL;
    indirect_jumps_piece_t piece = {.count = 0};
    size_t old = 0;

    if (pairs == NULL) {
        return;
    }
    const size_t count = pvm_get_indirect_jumps(vm, pairs, room);
    qsort(pairs, count, sizeof(*pairs), compare);
    for (size_t i = 0; i < count; i++) {
        uint64_t more = pairs[i].count;
        while (old < told->pair_count && compare(&told->pairs[old], &pairs[i]) < 0) {
            old++;
        }
        if (old < told->pair_count && compare(&told->pairs[old], &pairs[i]) == 0) {
            more -= told->pairs[old].count;
        }
        if (more == 0) {
            continue;
        }
        piece.from[piece.count] = pairs[i].from;
        piece.to[piece.count] = pairs[i].to;
        piece.counts[piece.count] = more;
        indirect_jumps_next(vm, &piece);
    }
    if (piece.count > 0) {
        indirect_jumps_tell(vm, &piece);
    }
    free(told->pairs);
    told->pairs = pairs;
    told->pair_count = count;
}

/* -- When ---------------------------------------------------------------------------------- */

void pvm_events_calls_tell(pvm_vm_t *vm)
{
    if (pvm_calls_of(vm) == NULL) {
        return;
    }
    if (PVM_EVENTS_WANTED_OF(vm, call_tree)) {
        (void)tell_tree(vm, false);
        if (vm->samples != NULL && PVM_EVENTS_WANTED_OF(vm, call_samples)) {
            tell_samples(vm);
        }
    }
    if (PVM_EVENTS_WANTED_OF(vm, indirect_jumps)) {
        tell_pairs(vm);
    }
}

void pvm_events_calls_tell_caller(pvm_vm_t *vm)
{
    pvm_vm_t *const parent = vm->parent;

    if (parent != NULL && parent->calls != NULL && parent->host_pending && vm->calls != NULL &&
        PVM_EVENTS_WANTED_OF(parent, call_tree)) {
        (void)tell_tree(parent, true);
    }
}

void pvm_events_calls_free(pvm_vm_t *vm)
{
    free(vm->events.told_calls.nodes);
    free(vm->events.told_calls.pairs);
    vm->events.told_calls = (pvm_told_calls_t){0};
}
