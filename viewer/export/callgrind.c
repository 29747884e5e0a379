/* The callgrind format: self cost by address and line, and calls between functions with their inclusive cost. Gas of a block
 * is told by its lines (lines.h). What inlined functions spend counts for the function that they stand in, under their own
 * source file. A host call is a function of its own, called where its ecalli stands, or its block if that has several. */
#include "viewer/export/lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Values as event names, in the order of the cost columns. */
static const char events[] = "Gas HostGas Hits HostCalls Nanoseconds Calls";

/** The function that a node belongs to: itself or the nearest above that is one. */
static uint32_t owner_of(const pvm_prof_stacks_t *stacks, uint32_t node)
{
    while (node != PVM_PROF_STACK_ROOT) {
        const pvm_prof_frame_kind_t kind = pvm_export_frame(stacks, node)->kind;

        if (kind == PVM_PROF_FRAME_FUNCTION || kind == PVM_PROF_FRAME_HOST) {
            break;
        }
        node = stacks->nodes[node].parent;
    }
    return node;
}

static void put_name(pvm_view_export_t *export, const pvm_prof_frame_t *frame, const char *tag)
{
    pvm_export_put(export, "%s=%s\n", tag, pvm_export_text(export, frame->name));
}

static void put_file(pvm_view_export_t *export, const pvm_prof_frame_t *frame, const char *tag)
{
    const bool is_host = frame->kind == PVM_PROF_FRAME_HOST;
    const char *const file = is_host ? "(host)" : frame->file != NULL ? frame->file : "(no source)";

    pvm_export_put(export, "%s=%s\n", tag, pvm_export_text(export, file));
}

static void put_costs(pvm_view_export_t *export, const pvm_prof_frame_t *frame,
                      const int64_t *values)
{
    pvm_export_put(export, "0x%" PRIx64 " %" PRIu32, (uint64_t)(frame->pc >= 0 ? frame->pc : 0),
                   frame->kind == PVM_PROF_FRAME_HOST ? 0 : frame->line);
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        pvm_export_put(export, " %" PRIu64, (uint64_t)values[kind]);
    }
    pvm_export_put(export, "\n");
}

static bool has_cost(const int64_t *values)
{
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        if (values[kind] != 0) {
            return true;
        }
    }
    return false;
}

/** A block whose lines are being written. */
typedef struct {
    pvm_view_export_t *export;
    const pvm_prof_frame_t *block;
    char shown[1024]; /**< the file that is named, "" before the first */
} block_t;

static void copy_path(const pvm_debug_stack_t *stack, char *out, size_t out_bytes)
{
    const pvm_debug_text_t *const text = &stack->frames[0].path;
    const bool is_known = stack->depth > 0 && text->len > 0;

    (void)snprintf(out, out_bytes, "%.*s", is_known ? (int)text->len : 0,
                   is_known ? text->data : "");
}

/* Their own files stand before the lines that are not of the function's file. */
static void put_part(void *user_data, const pvm_export_part_t *part)
{
    block_t *const block = user_data;
    pvm_prof_frame_t frame = *block->block;
    char path[sizeof(block->shown)];

    if (!has_cost(part->values)) {
        return;
    }
    frame.pc = part->pc;
    frame.line = part->stack->depth > 0 ? part->stack->frames[0].line : 0;
    copy_path(part->stack, path, sizeof(path));
    if (path[0] != '\0' && strcmp(block->shown, path) != 0) {
        pvm_export_put(block->export, "fi=%s\n", pvm_export_text(block->export, path));
        memcpy(block->shown, path, sizeof(path));
    }
    put_costs(block->export, &frame, part->values);
}

static void put_self(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t node,
                     pvm_export_lines_t *lines)
{
    const pvm_prof_frame_t *const frame = pvm_export_frame(stacks, node);
    const pvm_prof_frame_t *const owner = pvm_export_frame(stacks, owner_of(stacks, node));

    if (!has_cost(stacks->nodes[node].self)) {
        return;
    }
    put_file(export, owner, "fl");
    put_name(export, owner, "fn");
    block_t block = {.export = export, .block = frame};
    if (frame->kind == PVM_PROF_FRAME_BLOCK &&
        pvm_export_lines_tell(lines, frame, stacks->nodes[node].self, put_part, &block)) {
        return;
    }
    if (frame != owner && frame->file != NULL) {
        put_file(export, frame, "fi");
    }
    put_costs(export, frame, stacks->nodes[node].self);
}

/** The host calls of a block. */
typedef struct {
    pvm_prof_frame_t frame; /**< of the first */
    char path[1024];
    uint32_t count;
} host_calls_t;

static void find_host_call(void *user_data, const pvm_export_part_t *part)
{
    host_calls_t *const calls = user_data;

    if (part->is_host_call && calls->count++ == 0) {
        calls->frame.pc = part->pc;
        calls->frame.line = part->stack->depth > 0 ? part->stack->frames[0].line : 0;
        copy_path(part->stack, calls->path, sizeof(calls->path));
    }
}

/* A function below another: a call, made where the nodes between them stand. */
static void put_call(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t node,
                     const int64_t *const *sums, pvm_export_lines_t *lines)
{
    const pvm_prof_frame_t *const callee = pvm_export_frame(stacks, node);
    const uint32_t above = stacks->nodes[node].parent;
    const uint32_t caller = owner_of(stacks, above);
    int64_t inclusive[PVM_PROF_VALUE_COUNT];
    host_calls_t calls = {.frame = *pvm_export_frame(stacks, above)};

    if ((callee->kind != PVM_PROF_FRAME_FUNCTION && callee->kind != PVM_PROF_FRAME_HOST) ||
        caller == PVM_PROF_STACK_ROOT) {
        return;
    }
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        inclusive[kind] = sums[kind][node];
    }
    put_file(export, pvm_export_frame(stacks, caller), "fl");
    put_name(export, pvm_export_frame(stacks, caller), "fn");
    /* A block that makes several stands for all of them. */
    const bool has_place = callee->kind == PVM_PROF_FRAME_HOST &&
                           calls.frame.kind == PVM_PROF_FRAME_BLOCK &&
                           pvm_export_lines_tell(lines, &calls.frame, stacks->nodes[above].self,
                                                 find_host_call, &calls) &&
                           calls.count == 1;
    if (has_place && calls.path[0] != '\0') {
        pvm_export_put(export, "fi=%s\n", pvm_export_text(export, calls.path));
    }
    put_file(export, callee, "cfi");
    put_name(export, callee, "cfn");
    const int64_t known = stacks->nodes[node].self[PVM_PROF_VALUE_CALLS];
    pvm_export_put(export, "calls=%" PRIu64 " 0x%" PRIx64 " %" PRIu32 "\n",
                   (uint64_t)(known != 0 ? known : inclusive[PVM_PROF_VALUE_HOST_CALLS]),
                   (uint64_t)(callee->pc >= 0 ? callee->pc : 0),
                   callee->kind == PVM_PROF_FRAME_HOST ? 0 : callee->line);
    put_costs(export, has_place ? &calls.frame : pvm_export_frame(stacks, above), inclusive);
}

/* @return 0, or -1 without memory or with a file that cannot be read */
static int put_all(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks,
                   const int64_t *const *sums)
{
    pvm_export_lines_t *const lines = pvm_export_lines_create(export->file);

    if (lines == NULL) {
        return -1;
    }
    pvm_export_put(export, "# callgrind format\nversion: 1\ncreator: pvmscope %s\n", pvm_version());
    pvm_export_put(export, "cmd: %s\n", pvm_export_info(export, PVM_PROF_INFO_PROGRAM));
    pvm_export_put(export, "positions: instr line\nevents: %s\nsummary:", events);
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        pvm_export_put(export, " %" PRIu64, (uint64_t)stacks->total[kind]);
    }
    pvm_export_put(export, "\n\n");
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        put_self(export, stacks, i, lines);
        put_call(export, stacks, i, sums, lines);
    }
    const int status = pvm_export_lines_failed(lines) ? -1 : 0;
    pvm_export_lines_destroy(lines);
    return status;
}

pvm_view_status_t pvm_export_callgrind(pvm_view_export_t *export)
{
    pvm_prof_stacks_t stacks;
    const int64_t *sums[PVM_PROF_VALUE_COUNT];
    pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);
    int64_t *const memory =
        status == PVM_VIEW_FINE
            ? malloc((size_t)stacks.node_count * PVM_PROF_VALUE_COUNT * sizeof(*memory))
            : NULL;

    if (memory != NULL) {
        for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
            int64_t *const sum = memory + (size_t)kind * stacks.node_count;

            pvm_prof_stacks_sum(&stacks, (pvm_prof_value_kind_t)kind, sum);
            sums[kind] = sum;
        }
        if (put_all(export, &stacks, sums) != 0) {
            status = pvm_export_fail_memory(export);
        }
    } else if (status == PVM_VIEW_FINE) {
        status = pvm_export_fail_memory(export);
    }
    free(memory);
    pvm_prof_stacks_free(&stacks);
    return status;
}
