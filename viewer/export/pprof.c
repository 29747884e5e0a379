/* The profile of pprof: all values as sample types of one profile, with gas as the default. Stretches of a block that stand in
 * one source line are a location each, its address their first pc, its lines the function and what is inlined there; without
 * debug information the block is one. A host call is a location above that of its ecalli. Messages are written one by one, so
 * that only one sample is in memory at a time. */
#include "viewer/export/pprof_places.h"

#if PVM_HAVE_PPROF
#include "profile.pb-c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/** Most inlined functions at one place, the block's own function with them. */
#define MAX_LINES 128

/** String table: "" , the fixed ones of put_types(), then name and file of every frame. */
enum { STRING_EMPTY, STRING_COUNT, STRING_NS, STRING_VALUES };
enum { STRING_FRAMES = STRING_VALUES + PVM_PROF_VALUE_COUNT };

typedef struct {
    pvm_view_export_t *export;
    const pvm_prof_stacks_t *stacks;
    const pvm_pprof_places_t *places;
    gzFile out;
    pvm_buffer_t scratch;
    bool failed;
} writer_t;

/** A field of Profile: its number, its length and the message. */
static void put_message(writer_t *writer, unsigned field, const ProtobufCMessage *message)
{
    const size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t head[12];
    size_t head_len = 0;
    size_t left = len;

    head[head_len++] = (uint8_t)(field << 3 | 2);
    do {
        head[head_len++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left > 0);
    writer->scratch.len = 0;
    pvm_buffer_append_zeros(&writer->scratch, len);
    if (writer->scratch.failed) {
        writer->failed = true;
        return;
    }
    (void)protobuf_c_message_pack(message, writer->scratch.data);
    writer->failed |= gzwrite(writer->out, head, (unsigned)head_len) != (int)head_len;
    writer->failed |= len > 0 && gzwrite(writer->out, writer->scratch.data, (unsigned)len) <= 0;
}

/** Fields of Profile that are no messages travel in a Profile of their own: readers merge what comes in parts. */
static void put_part(writer_t *writer, const Pvm__Pprof__Profile *part)
{
    const size_t len = pvm__pprof__profile__get_packed_size(part);

    writer->scratch.len = 0;
    pvm_buffer_append_zeros(&writer->scratch, len);
    if (writer->scratch.failed) {
        writer->failed = true;
        return;
    }
    (void)pvm__pprof__profile__pack(part, writer->scratch.data);
    writer->failed |= len > 0 && gzwrite(writer->out, writer->scratch.data, (unsigned)len) <= 0;
}

static void put_string(writer_t *writer, const char *text)
{
    Pvm__Pprof__Profile part = PVM__PPROF__PROFILE__INIT;
    char *copy = strdup(pvm_export_text(writer->export, text));

    if (copy == NULL) {
        writer->failed = true;
        return;
    }
    part.n_string_table = 1;
    part.string_table = &copy;
    put_part(writer, &part);
    free(copy);
}

static void put_types(writer_t *writer)
{
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        Pvm__Pprof__ValueType type = PVM__PPROF__VALUE_TYPE__INIT;

        type.type = STRING_VALUES + kind;
        type.unit = kind == PVM_PROF_VALUE_TIME ? STRING_NS : STRING_COUNT;
        put_message(writer, 1, &type.base);
    }
    put_string(writer, "");
    put_string(writer, "count");
    put_string(writer, "nanoseconds");
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        put_string(writer, pvm_prof_value_id((pvm_prof_value_kind_t)kind));
    }
}

static int64_t name_of(uint32_t frame)
{
    return STRING_FRAMES + 2 * (int64_t)frame;
}

/* Functions are numbered as frames, from 1; frames that are no functions are left out. */
static void put_function(writer_t *writer, uint32_t index)
{
    const pvm_prof_frame_t *const frame = &writer->stacks->frames[index];
    Pvm__Pprof__Function function = PVM__PPROF__FUNCTION__INIT;

    if (frame->kind == PVM_PROF_FRAME_BLOCK) {
        return;
    }
    function.id = (uint64_t)index + 1;
    function.name = name_of(index);
    function.system_name = function.name;
    function.filename = frame->file != NULL ? name_of(index) + 1 : STRING_EMPTY;
    function.start_line = frame->line;
    put_message(writer, 5, &function.base);
}

/** Does a node end a location? Functions do where nothing inlined nor a block stands between them and it. */
static bool is_inside(const pvm_prof_frame_t *frame)
{
    return frame->kind == PVM_PROF_FRAME_BLOCK || frame->kind == PVM_PROF_FRAME_INLINED;
}

/** The node above the location that ends with `node`. */
static uint32_t above(const pvm_prof_stacks_t *stacks, uint32_t node)
{
    while (is_inside(pvm_export_frame(stacks, node))) {
        node = stacks->nodes[node].parent;
    }
    return stacks->nodes[node].parent;
}

/* Locations are numbered as the nodes that end them, from 1. */
static void put_location(writer_t *writer, uint32_t index)
{
    const pvm_prof_stacks_t *const stacks = writer->stacks;
    const pvm_prof_frame_t *const frame = pvm_export_frame(stacks, index);
    Pvm__Pprof__Location location = PVM__PPROF__LOCATION__INIT;
    Pvm__Pprof__Line lines[MAX_LINES];
    Pvm__Pprof__Line *pointers[MAX_LINES];
    uint32_t line = frame->line;

    location.id = (uint64_t)index + 1;
    location.mapping_id = 1;
    location.address = frame->pc >= 0 ? (uint64_t)frame->pc : 0;
    location.line = pointers;
    for (uint32_t at = index; location.n_line < MAX_LINES; at = stacks->nodes[at].parent) {
        const pvm_prof_frame_t *const part = pvm_export_frame(stacks, at);

        if (part->kind != PVM_PROF_FRAME_BLOCK) {
            Pvm__Pprof__Line *const place = &lines[location.n_line];

            pvm__pprof__line__init(place);
            place->function_id = (uint64_t)stacks->nodes[at].frame + 1;
            place->line = line > 0 ? line : part->line;
            pointers[location.n_line++] = place;
            line = 0;
        }
        if (!is_inside(part)) {
            break;
        }
    }
    put_message(writer, 4, &location.base);
}

/** Places are numbered behind the nodes. */
static uint64_t location_of_place(const writer_t *writer, size_t place)
{
    return (uint64_t)writer->stacks->node_count + 1 + place;
}

static void put_place(writer_t *writer, size_t index)
{
    const pvm_pprof_place_t *const place = &writer->places->list[index];
    Pvm__Pprof__Location location = PVM__PPROF__LOCATION__INIT;
    Pvm__Pprof__Line lines[MAX_LINES];
    Pvm__Pprof__Line *pointers[MAX_LINES];

    location.id = location_of_place(writer, index);
    location.mapping_id = 1;
    location.address = place->pc;
    location.line = pointers;
    for (uint32_t i = 0; i < place->line_count && i < MAX_LINES; i++) {
        const pvm_pprof_line_t *const at = &writer->places->lines[place->first_line + i];

        pvm__pprof__line__init(&lines[i]);
        lines[i].function_id = (uint64_t)at->frame + 1;
        lines[i].line = at->line;
        pointers[location.n_line++] = &lines[i];
    }
    put_message(writer, 4, &location.base);
}

/* A sample at a location, called from where `node` is. */
static void put_sample(writer_t *writer, uint64_t location, uint32_t node, const int64_t *values)
{
    const pvm_prof_stacks_t *const stacks = writer->stacks;
    Pvm__Pprof__Sample sample = PVM__PPROF__SAMPLE__INIT;
    uint64_t locations[PVM_EXPORT_MAX_DEPTH];
    int64_t copies[PVM_PROF_VALUE_COUNT];
    bool has_any = false;

    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        copies[kind] = values[kind];
        has_any = has_any || values[kind] != 0;
    }
    if (!has_any) {
        return;
    }
    sample.location_id = locations;
    locations[sample.n_location_id++] = location;
    for (node = above(stacks, node);
         node != PVM_PROF_STACK_ROOT && sample.n_location_id < PVM_EXPORT_MAX_DEPTH;
         node = above(stacks, node)) {
        const uint32_t place = writer->places->host_calls[node];

        locations[sample.n_location_id++] =
            place != PVM_PPROF_NO_PLACE ? location_of_place(writer, place) : (uint64_t)node + 1;
    }
    sample.value = copies;
    sample.n_value = PVM_PROF_VALUE_COUNT;
    put_message(writer, 2, &sample.base);
}

static void put_samples(writer_t *writer)
{
    const pvm_prof_stacks_t *const stacks = writer->stacks;
    const pvm_pprof_places_t *const places = writer->places;
    size_t next = 0;

    for (uint32_t i = 0; i < stacks->node_count; i++) {
        if (next == places->count || places->list[next].node != i) {
            put_sample(writer, (uint64_t)i + 1, i, stacks->nodes[i].self);
            continue;
        }
        for (; next < places->count && places->list[next].node == i; next++) {
            put_sample(writer, location_of_place(writer, next), i, places->list[next].values);
        }
    }
}

static void put_profile(writer_t *writer)
{
    const pvm_prof_stacks_t *const stacks = writer->stacks;
    Pvm__Pprof__Mapping mapping = PVM__PPROF__MAPPING__INIT;
    Pvm__Pprof__Profile rest = PVM__PPROF__PROFILE__INIT;

    put_types(writer);
    for (uint32_t i = 0; i < stacks->frame_count; i++) {
        put_string(writer, stacks->frames[i].name);
        put_string(writer, stacks->frames[i].file != NULL ? stacks->frames[i].file : "");
    }
    /* A file that says it has everything is not looked for. */
    mapping.id = 1;
    mapping.memory_limit = UINT32_MAX;
    mapping.filename = name_of((uint32_t)stacks->frame_count);
    mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = 1;
    mapping.has_inline_frames = 1;
    put_message(writer, 3, &mapping.base);
    put_string(writer, pvm_export_info(writer->export, PVM_PROF_INFO_PROGRAM));
    for (uint32_t i = 0; i < stacks->frame_count; i++) {
        put_function(writer, i);
    }
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        put_location(writer, i);
    }
    for (size_t i = 0; i < writer->places->count; i++) {
        put_place(writer, i);
    }
    put_samples(writer);
    rest.default_sample_type = STRING_VALUES + PVM_PROF_VALUE_GAS;
    put_part(writer, &rest);
}

static pvm_view_status_t write_profile(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks,
                                       const pvm_pprof_places_t *places)
{
    const int descriptor = fflush(export->out) == 0 ? dup(fileno(export->out)) : -1;
    writer_t writer = {.export = export,
                       .stacks = stacks,
                       .places = places,
                       .out = descriptor >= 0 ? gzdopen(descriptor, "wb") : NULL};

    if (writer.out != NULL) {
        put_profile(&writer);
        writer.failed |= gzclose(writer.out) != Z_OK;
    } else if (descriptor >= 0) {
        (void)close(descriptor);
    }
    pvm_buffer_free(&writer.scratch);
    return writer.out != NULL && !writer.failed
               ? PVM_VIEW_FINE
               : pvm_view_fail(export->view, PVM_VIEW_ENVIRONMENT,
                               "export: cannot write the profile: no memory or no space");
}

pvm_view_status_t pvm_export_pprof(pvm_view_export_t *export)
{
    pvm_prof_stacks_t stacks;
    pvm_pprof_places_t places = {0};
    pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);

    if (status == PVM_VIEW_FINE && pvm_pprof_places_find(export->file, &stacks, &places) != 0) {
        status = pvm_export_fail_memory(export);
    }
    if (status == PVM_VIEW_FINE) {
        status = write_profile(export, &stacks, &places);
    }
    pvm_pprof_places_free(&places);
    pvm_prof_stacks_free(&stacks);
    return status;
}
#else
pvm_view_status_t pvm_export_pprof(pvm_view_export_t *export)
{
    return pvm_view_fail(
        export->view, PVM_VIEW_ENVIRONMENT,
        "export: this pvmscope was built without libprotobuf-c-dev and zlib1g-dev");
}
#endif
