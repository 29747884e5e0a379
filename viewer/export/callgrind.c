/* The callgrind format: self cost by address and line, and calls between functions with their inclusive cost. Gas of a block
 * is told by its lines: charged under 0.7.2, attributed under 0.8.0 (docs/annotate.md); hits stand at its first line. What inlined functions spend counts for the function that they stand in, under their own source file. A host call
 * is a function of its own, called where its block stands. */
#include "viewer/export/export.h"

#include "profiler/code.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Values as event names, in the order of the cost columns. */
static const char events[] = "Gas HostGas Hits HostCalls Nanoseconds";

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

/** The code of the program whose blocks are being written. */
typedef struct {
    pvm_view_export_t *export;
    pvm_prof_code_t code;
    pvm_debug_stack_t stack;
    char path[1024];
    bool failed;
} lines_t;

/* Look at the block of a frame. @return false: its code is not known */
static bool look_at(lines_t *lines, const pvm_prof_frame_t *frame)
{
    if (lines->code.id != frame->program) {
        pvm_prof_code_close(&lines->code);
        if (pvm_prof_code_open(lines->export->file, frame->program, &lines->code) != PVM_PROF_OK) {
            lines->failed = true;
            return false;
        }
    }
    const size_t index = frame->pc >= 0 && frame->pc <= UINT32_MAX && lines->code.program != NULL
                             ? pvm_prof_code_find(&lines->code, (uint32_t)frame->pc)
                             : lines->code.block_count;
    if (index == lines->code.block_count || lines->code.blocks[index].pc != frame->pc ||
        lines->code.program->debug_info == NULL) {
        return false;
    }
    lines->failed = lines->failed || pvm_prof_code_look(&lines->code, index) != 0;
    return !lines->failed;
}

/* The source line of an instruction. Its file is left in lines->path, "" if it is not known. */
static uint32_t line_at(lines_t *lines, uint32_t pc)
{
    lines->path[0] = '\0';
    if (!pvm_debug_info_find(lines->code.program->debug_info, &lines->code.walk, pc,
                             &lines->stack) ||
        lines->stack.depth == 0) {
        return 0;
    }
    const pvm_debug_text_t *const path = &lines->stack.frames[0].path;
    (void)snprintf(lines->path, sizeof(lines->path), "%.*s", (int)path->len,
                   path->len > 0 ? path->data : "");
    return lines->stack.frames[0].line;
}

/* The lines of a block, each with its gas. What is not gas, and gas that no instruction explains, stand at the first one. */
static void put_lines(lines_t *lines, const pvm_prof_frame_t *block, const int64_t *self)
{
    int64_t first[PVM_PROF_VALUE_COUNT];
    char shown[sizeof(lines->path)] = "";

    memcpy(first, self, sizeof(first));
    for (size_t i = 1; i < lines->code.instruction_count; i++) {
        first[PVM_PROF_VALUE_GAS] =
            pvm_prof_minus(first[PVM_PROF_VALUE_GAS], lines->code.instructions[i].gas);
    }
    lines->code.walk = (pvm_debug_walk_t){0};
    for (size_t i = 0; i < lines->code.instruction_count; i++) {
        int64_t values[PVM_PROF_VALUE_COUNT] = {0};
        pvm_prof_frame_t frame = *block;

        values[PVM_PROF_VALUE_GAS] = lines->code.instructions[i].gas;
        if (i > 0 && values[PVM_PROF_VALUE_GAS] == 0) {
            continue;
        }
        frame.pc = lines->code.instructions[i].pc;
        frame.line = line_at(lines, (uint32_t)frame.pc);
        if (lines->path[0] != '\0' && strcmp(shown, lines->path) != 0) {
            pvm_export_put(lines->export, "fi=%s\n", pvm_export_text(lines->export, lines->path));
            memcpy(shown, lines->path, sizeof(shown));
        }
        put_costs(lines->export, &frame, i == 0 ? first : values);
    }
}

static void put_self(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t node,
                     lines_t *lines)
{
    const pvm_prof_frame_t *const frame = pvm_export_frame(stacks, node);
    const pvm_prof_frame_t *const owner = pvm_export_frame(stacks, owner_of(stacks, node));

    if (!has_cost(stacks->nodes[node].self)) {
        return;
    }
    put_file(export, owner, "fl");
    put_name(export, owner, "fn");
    if (frame->kind == PVM_PROF_FRAME_BLOCK && look_at(lines, frame)) {
        put_lines(lines, frame, stacks->nodes[node].self);
        return;
    }
    if (frame != owner && frame->file != NULL) {
        put_file(export, frame, "fi");
    }
    put_costs(export, frame, stacks->nodes[node].self);
}

/* A function below another: a call, made where the nodes between them stand. */
static void put_call(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t node,
                     const int64_t *const *sums)
{
    const pvm_prof_frame_t *const callee = pvm_export_frame(stacks, node);
    const uint32_t above = stacks->nodes[node].parent;
    const uint32_t caller = owner_of(stacks, above);
    int64_t inclusive[PVM_PROF_VALUE_COUNT];

    if ((callee->kind != PVM_PROF_FRAME_FUNCTION && callee->kind != PVM_PROF_FRAME_HOST) ||
        caller == PVM_PROF_STACK_ROOT) {
        return;
    }
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        inclusive[kind] = sums[kind][node];
    }
    put_file(export, pvm_export_frame(stacks, caller), "fl");
    put_name(export, pvm_export_frame(stacks, caller), "fn");
    put_file(export, callee, "cfi");
    put_name(export, callee, "cfn");
    pvm_export_put(export, "calls=%" PRIu64 " 0x%" PRIx64 " %" PRIu32 "\n",
                   stacks->nodes[node].entered > 0 ? stacks->nodes[node].entered
                                                   : (uint64_t)inclusive[PVM_PROF_VALUE_CALLS],
                   (uint64_t)(callee->pc >= 0 ? callee->pc : 0),
                   callee->kind == PVM_PROF_FRAME_HOST ? 0 : callee->line);
    put_costs(export, pvm_export_frame(stacks, above), inclusive);
}

/* @return 0, or -1 without memory or with a file that cannot be read */
static int put_all(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks,
                   const int64_t *const *sums)
{
    lines_t *const lines = calloc(1, sizeof(*lines));

    if (lines == NULL) {
        return -1;
    }
    *lines = (lines_t){.export = export, .code = {.id = -1}};
    pvm_export_put(export, "# callgrind format\nversion: 1\ncreator: pvmscope %s\n", pvm_version());
    pvm_export_put(export, "cmd: %s\n", pvm_export_info(export, PVM_PROF_INFO_PROGRAM));
    pvm_export_put(export, "positions: instr line\nevents: %s\nsummary:", events);
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        pvm_export_put(export, " %" PRIu64, (uint64_t)stacks->total[kind]);
    }
    pvm_export_put(export, "\n\n");
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        put_self(export, stacks, i, lines);
        put_call(export, stacks, i, sums);
    }
    const int status = lines->failed ? -1 : 0;
    pvm_prof_code_close(&lines->code);
    free(lines);
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
