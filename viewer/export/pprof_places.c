/* Places of a profile. Neighbours in one line are one place. */
#include "viewer/export/pprof_places.h"

#include "profiler/functions.h"
#include "viewer/export/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A block whose parts are being told. */
typedef struct {
    pvm_prof_stacks_t *stacks;
    pvm_pprof_places_t *places;
    uint32_t node;
    uint32_t function;     /**< frame of the function that it is in */
    pvm_debug_text_t name; /**< of that function, as its first part has it */
    bool has_name;
    uint32_t host_calls;
    bool failed;
} block_t;

/* A list with room for `more` elements behind `count`, or NULL without memory: then the old one stays. */
static void *make_room(void *list, size_t count, size_t more, size_t *room, size_t bytes)
{
    const size_t wanted = 2 * (count + more) + 64;

    if (list != NULL && count + more <= *room) {
        return list;
    }
    void *const grown = realloc(list, wanted * bytes);
    *room = grown != NULL ? wanted : *room;
    return grown;
}

static bool make_rooms(pvm_pprof_places_t *places, size_t more_lines)
{
    pvm_pprof_line_t *const lines = make_room(places->lines, places->line_count, more_lines,
                                              &places->line_room, sizeof(*places->lines));
    pvm_pprof_place_t *const list =
        make_room(places->list, places->count, 1, &places->room, sizeof(*places->list));

    places->lines = lines != NULL ? lines : places->lines;
    places->list = list != NULL ? list : places->list;
    return lines != NULL && list != NULL;
}

static bool same_text(const pvm_debug_text_t *a, const pvm_debug_text_t *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* The frame itself, or its like in the file of a position in it: a function of pprof has one file. */
static pvm_pprof_line_t line_at(block_t *block, uint32_t frame, const pvm_debug_frame_t *position)
{
    char path[PVM_PROF_MAX_NAME_BYTES];

    (void)snprintf(path, sizeof(path), "%.*s", (int)position->path.len,
                   position->path.len > 0 ? position->path.data : "");
    const char *const file = block->stacks->frames[frame].file;
    if (path[0] != '\0' && (file == NULL || strcmp(file, path) != 0)) {
        pvm_prof_frame_t like = block->stacks->frames[frame];

        like.file = path;
        like.line = 0;
        frame = pvm_prof_stacks_frame(block->stacks, &like);
    }
    return (pvm_pprof_line_t){.frame = frame, .line = position->line};
}

/* Lines of a part, behind those that are there. Where linkers merged code of several functions, some of it can be of another
 * one than the block: then no line of that one is told. @return how many */
static uint32_t list_lines(block_t *block, const pvm_debug_stack_t *stack)
{
    pvm_pprof_line_t *const lines = block->places->lines + block->places->line_count;
    const pvm_debug_frame_t *const outer =
        stack->depth > 0 ? &stack->frames[stack->depth - 1] : NULL;
    uint32_t count = 0;

    if (outer != NULL && !block->has_name) {
        block->name = outer->function.name;
        block->has_name = true;
    }
    const bool is_ours = outer != NULL && same_text(&outer->function.name, &block->name);
    for (size_t i = 0; is_ours && i + 1 < stack->depth; i++) {
        const pvm_debug_function_t *const function = &stack->frames[i].function;
        const uint32_t frame = pvm_prof_stacks_inlined(
            block->stacks, function, pvm_export_frame(block->stacks, block->node)->program);

        if (frame != PVM_PROF_STACK_ROOT) {
            lines[count++] = line_at(block, frame, &stack->frames[i]);
        }
    }
    lines[count++] = is_ours ? line_at(block, block->function, outer)
                             : (pvm_pprof_line_t){.frame = block->function};
    return count;
}

/* The place before, if it has the same lines. */
static pvm_pprof_place_t *same_place(const block_t *block, uint32_t line_count)
{
    pvm_pprof_places_t *const places = block->places;
    pvm_pprof_place_t *const last = places->count > 0 ? &places->list[places->count - 1] : NULL;

    return last != NULL && last->node == block->node && last->line_count == line_count &&
                   memcmp(&places->lines[last->first_line], &places->lines[places->line_count],
                          line_count * sizeof(*places->lines)) == 0
               ? last
               : NULL;
}

static void add_part(void *user_data, const pvm_export_part_t *part)
{
    block_t *const block = user_data;
    pvm_pprof_places_t *const places = block->places;

    block->failed = block->failed || !make_rooms(places, part->stack->depth + 1);
    if (block->failed) {
        return;
    }
    const uint32_t line_count = list_lines(block, part->stack);
    pvm_pprof_place_t *place = same_place(block, line_count);
    if (place == NULL) {
        place = &places->list[places->count++];
        *place = (pvm_pprof_place_t){.node = block->node,
                                     .pc = part->pc,
                                     .line_count = line_count,
                                     .first_line = places->line_count};
        places->line_count += line_count;
    }
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        place->values[kind] =
            (int64_t)((uint64_t)place->values[kind] + (uint64_t)part->values[kind]);
    }
    if (part->is_host_call) {
        places->host_calls[block->node] =
            block->host_calls++ == 0 ? (uint32_t)(place - places->list) : PVM_PPROF_NO_PLACE;
    }
}

int pvm_pprof_places_find(pvm_prof_run_file_t *file, pvm_prof_stacks_t *stacks,
                          pvm_pprof_places_t *out)
{
    pvm_export_lines_t *const lines = pvm_export_lines_create(file);
    block_t block = {.stacks = stacks, .places = out};

    out->host_calls = malloc((size_t)stacks->node_count * sizeof(*out->host_calls));
    block.failed = lines == NULL || out->host_calls == NULL;
    for (uint32_t i = 0; i < stacks->node_count && !block.failed; i++) {
        /* Frames move when others are added. */
        const pvm_prof_frame_t frame = *pvm_export_frame(stacks, i);

        out->host_calls[i] = PVM_PPROF_NO_PLACE;
        if (frame.kind == PVM_PROF_FRAME_BLOCK) {
            block.node = i;
            block.function = stacks->nodes[pvm_export_function(stacks, i)].frame;
            block.has_name = false;
            block.host_calls = 0;
            (void)pvm_export_lines_tell(lines, &frame, stacks->nodes[i].self, add_part, &block);
            block.failed |= stacks->failed || pvm_export_lines_failed(lines);
        }
    }
    pvm_export_lines_destroy(lines);
    return block.failed ? -1 : 0;
}

void pvm_pprof_places_free(pvm_pprof_places_t *places)
{
    free(places->list);
    free(places->lines);
    free(places->host_calls);
    *places = (pvm_pprof_places_t){0};
}
