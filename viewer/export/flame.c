/* Merging stacks by name, and ordering them for a picture. */
#include "viewer/export/flame.h"

#include <stdlib.h>

/* The same function of another build stands at another pc. */
static uint32_t child_of(pvm_prof_stacks_t *out, uint32_t parent, const pvm_prof_frame_t *frame,
                         bool has_blocks)
{
    pvm_prof_frame_t plain = *frame;

    if (frame->kind == PVM_PROF_FRAME_BLOCK && !has_blocks) {
        return parent;
    }
    plain.program = 0;
    if (!has_blocks) {
        plain.pc = -1;
        plain.end_pc = -1;
        plain.file = NULL;
    }
    return pvm_prof_stacks_child(out, parent, pvm_prof_stacks_frame(out, &plain));
}

void pvm_flame_add(const pvm_prof_stacks_t *stacks, pvm_prof_value_kind_t kind, bool is_inverted,
                   bool has_blocks, pvm_prof_value_kind_t slot, pvm_prof_stacks_t *out)
{
    uint32_t path[PVM_EXPORT_MAX_DEPTH];

    for (uint32_t i = 0; i < stacks->node_count && !out->failed; i++) {
        const int64_t self = stacks->nodes[i].self[kind];
        const size_t depth = self != 0 ? pvm_export_path(stacks, i, path) : 0;
        uint32_t node = PVM_PROF_STACK_ROOT;

        for (size_t j = 0; j < depth; j++) {
            const uint32_t at = path[is_inverted ? depth - 1 - j : j];

            if (at != PVM_PROF_STACK_ROOT) {
                node = child_of(out, node, pvm_export_frame(stacks, at), has_blocks);
            }
        }
        if (depth > 0) {
            pvm_prof_stacks_add(out, node, slot, self);
        }
    }
}

/* -- Order --------------------------------------------------------------------------------- */

typedef struct {
    uint32_t node;
    int64_t weight;
} weighed_t;

static int compare_weights(const void *left, const void *right)
{
    const weighed_t *const a = left;
    const weighed_t *const b = right;

    if (a->weight != b->weight) {
        return a->weight < b->weight ? -1 : 1;
    }
    return a->node > b->node ? -1 : a->node < b->node;
}

int pvm_flame_order(const pvm_prof_stacks_t *flame, pvm_flame_order_t *out)
{
    const size_t count = flame->node_count;
    weighed_t *const weighed = malloc(count * sizeof(*weighed));

    *out = (pvm_flame_order_t){
        .first = calloc(count, sizeof(*out->first)),
        .next = calloc(count, sizeof(*out->next)),
        .now = malloc(count * sizeof(*out->now)),
        .other = malloc(count * sizeof(*out->other)),
    };
    if (weighed == NULL || out->first == NULL || out->next == NULL || out->now == NULL ||
        out->other == NULL) {
        free(weighed);
        return -1;
    }
    pvm_prof_stacks_sum(flame, PVM_FLAME_NOW, out->now);
    pvm_prof_stacks_sum(flame, PVM_FLAME_OTHER, out->other);
    for (uint32_t i = 0; i < count; i++) {
        const int64_t weight = out->now[i] > out->other[i] ? out->now[i] : out->other[i];

        weighed[i] = (weighed_t){.node = i, .weight = weight};
    }
    /* Each is put before the smaller ones of its parent. */
    qsort(weighed, count, sizeof(*weighed), compare_weights);
    for (size_t i = 0; i < count; i++) {
        const uint32_t node = weighed[i].node;

        if (node != PVM_PROF_STACK_ROOT) {
            out->next[node] = out->first[flame->nodes[node].parent];
            out->first[flame->nodes[node].parent] = node;
        }
    }
    free(weighed);
    return 0;
}

void pvm_flame_order_free(pvm_flame_order_t *order)
{
    free(order->first);
    free(order->next);
    free(order->now);
    free(order->other);
    *order = (pvm_flame_order_t){0};
}
