/* Trees of stacks: frames and nodes, each kept once. */
#include "profiler/stacks.h"

#include "profiler/ledger.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *id;
    const char *title;
    const char *unit;
} values[PVM_PROF_VALUE_COUNT] = {
    [PVM_PROF_VALUE_GAS] = {"gas", "gas", "gas"},
    [PVM_PROF_VALUE_HOST_GAS] = {"host_gas", "gas in host calls", "gas"},
    [PVM_PROF_VALUE_HITS] = {"hits", "hits of blocks", "count"},
    [PVM_PROF_VALUE_HOST_CALLS] = {"host_calls", "host calls", "count"},
    [PVM_PROF_VALUE_TIME] = {"time", "time in host calls", "ns"},
    [PVM_PROF_VALUE_CALLS] = {"calls", "calls of functions", "count"},
};

const char *pvm_prof_value_id(pvm_prof_value_kind_t kind)
{
    return values[kind].id;
}

const char *pvm_prof_value_title(pvm_prof_value_kind_t kind)
{
    return values[kind].title;
}

const char *pvm_prof_stacks_title(const pvm_prof_stacks_t *stacks, pvm_prof_value_kind_t kind)
{
    return kind == PVM_PROF_VALUE_TIME && stacks->has_samples ? "time (guest code: sampled)"
                                                              : pvm_prof_value_title(kind);
}

const char *pvm_prof_value_unit(pvm_prof_value_kind_t kind)
{
    return values[kind].unit;
}

/* -- Frames -------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static bool same_frame(const pvm_prof_frame_t *a, const pvm_prof_frame_t *b)
{
    return a->kind == b->kind && a->program == b->program && a->pc == b->pc &&
           same_text(a->name, b->name) && same_text(a->file, b->file);
}

static char *copy_text(pvm_prof_stacks_t *stacks, const char *text)
{
    char *const copy = text != NULL ? strdup(text) : NULL;

    stacks->failed |= text != NULL && copy == NULL;
    return copy;
}

static uint32_t add_frame(pvm_prof_stacks_t *stacks, const pvm_prof_frame_t *frame)
{
    if (stacks->frame_count == stacks->frame_room) {
        const uint32_t room = stacks->frame_room == 0 ? 256 : 2 * stacks->frame_room;
        pvm_prof_frame_t *const frames = realloc(stacks->frames, room * sizeof(*frames));

        if (frames == NULL) {
            stacks->failed = true;
            return PVM_PROF_STACK_ROOT;
        }
        stacks->frames = frames;
        stacks->frame_room = room;
    }
    pvm_prof_frame_t *const copy = &stacks->frames[stacks->frame_count];
    *copy = *frame;
    copy->name = copy_text(stacks, frame->name);
    copy->file = copy_text(stacks, frame->file);
    return stacks->frame_count++;
}

uint32_t pvm_prof_stacks_frame(pvm_prof_stacks_t *stacks, const pvm_prof_frame_t *frame)
{
    uint64_t hash = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), frame->name), frame->file);

    hash = (hash ^ (uint64_t)frame->pc ^ (uint64_t)frame->program << 40 ^
            (uint64_t)frame->kind << 60) *
           UINT64_C(0x9e3779b97f4a7c15);
    /* Frames that collide take the next hashes. */
    for (;; hash++) {
        const uint32_t known = pvm_prof_map_get(&stacks->frame_index, hash);

        if (known == PVM_PROF_MAP_NONE) {
            break;
        }
        if (same_frame(&stacks->frames[known], frame)) {
            return known;
        }
    }
    const uint32_t made = add_frame(stacks, frame);
    if (!stacks->failed && pvm_prof_map_add(&stacks->frame_index, hash, made) != 0) {
        stacks->failed = true;
    }
    return made;
}

/* -- Nodes --------------------------------------------------------------------------------- */

uint32_t pvm_prof_stacks_child(pvm_prof_stacks_t *stacks, uint32_t parent, uint32_t frame)
{
    const uint64_t key = (uint64_t)parent << 32 | frame;
    const uint32_t known = pvm_prof_map_get(&stacks->node_index, key);

    if (known != PVM_PROF_MAP_NONE) {
        return known;
    }
    if (stacks->failed || stacks->node_count == PVM_PROF_MAX_STACK_NODES) {
        return parent;
    }
    if (stacks->node_count == stacks->node_room) {
        const uint32_t room = stacks->node_room == 0 ? 256 : 2 * stacks->node_room;
        pvm_prof_stack_node_t *const nodes = realloc(stacks->nodes, room * sizeof(*nodes));

        if (nodes == NULL) {
            stacks->failed = true;
            return parent;
        }
        stacks->nodes = nodes;
        stacks->node_room = room;
    }
    if (pvm_prof_map_add(&stacks->node_index, key, stacks->node_count) != 0) {
        stacks->failed = true;
        return parent;
    }
    stacks->nodes[stacks->node_count] = (pvm_prof_stack_node_t){.parent = parent, .frame = frame};
    return stacks->node_count++;
}

void pvm_prof_stacks_add(pvm_prof_stacks_t *stacks, uint32_t node, pvm_prof_value_kind_t kind,
                         int64_t value)
{
    int64_t *const self = &stacks->nodes[node].self[kind];

    *self = pvm_prof_wrap_add(*self, value);
    stacks->total[kind] = pvm_prof_wrap_add(stacks->total[kind], value);
}

void pvm_prof_stacks_sum(const pvm_prof_stacks_t *stacks, pvm_prof_value_kind_t kind, int64_t *out)
{
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        out[i] = stacks->nodes[i].self[kind];
    }
    /* Children stand behind their parents. */
    for (uint32_t i = stacks->node_count; i-- > 1;) {
        const uint32_t parent = stacks->nodes[i].parent;

        out[parent] = pvm_prof_wrap_add(out[parent], out[i]);
    }
}

int pvm_prof_stacks_begin(pvm_prof_stacks_t *stacks)
{
    static char all[] = "all";
    const pvm_prof_frame_t root = {
        .kind = PVM_PROF_FRAME_ROOT, .name = all, .pc = -1, .end_pc = -1};

    *stacks = (pvm_prof_stacks_t){0};
    (void)pvm_prof_stacks_frame(stacks, &root);
    (void)pvm_prof_stacks_child(stacks, PVM_PROF_STACK_ROOT, PVM_PROF_STACK_ROOT);
    return stacks->failed ? -1 : 0;
}

void pvm_prof_stacks_free(pvm_prof_stacks_t *stacks)
{
    for (uint32_t i = 0; i < stacks->frame_count; i++) {
        free(stacks->frames[i].name);
        free(stacks->frames[i].file);
    }
    free(stacks->frames);
    free(stacks->nodes);
    pvm_prof_map_free(&stacks->frame_index);
    pvm_prof_map_free(&stacks->node_index);
    *stacks = (pvm_prof_stacks_t){0};
}
