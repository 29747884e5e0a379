/* The three debug sections: range table, line programs, strings. See the header for what is checked
 * when.
 *
 * Finds the range of a pc, has debug_walk.c run its line program, and turns the frames that come
 * out of it into functions with positions. */
#include "program/debug_info.h"

#include "support/cursor.h"
#include "support/error.h"
#include "support/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_BYTES   12
#define LINES_VERSION 1

struct pvm_debug_info_t {
    pvm_debug_sections_t sections;
    size_t range_count;
    char problem[PVM_MAX_DEBUG_PROBLEM]; /* empty: none */
};

typedef struct {
    uint32_t begin;
    uint32_t end;
    uint32_t program;
} range_entry_t;

static range_entry_t read_range(const pvm_debug_info_t *info, size_t index)
{
    pvm_cursor_t cursor =
        pvm_cursor_make(info->sections.ranges.data + index * RANGE_BYTES, RANGE_BYTES, 0);
    range_entry_t entry;

    entry.begin = pvm_cursor_u32(&cursor, "begin");
    entry.end = pvm_cursor_u32(&cursor, "end");
    entry.program = pvm_cursor_u32(&cursor, "program");
    return entry;
}

/* -- Loading ------------------------------------------------------------------------------- */

static void check_ranges(pvm_debug_info_t *info, uint32_t code_len)
{
    const size_t count = info->sections.ranges.len / RANGE_BYTES;
    uint32_t last_end = 0;

    for (size_t i = 0; i < count; i++) {
        const range_entry_t entry = read_range(info, i);
        const char *const wrong = entry.begin >= entry.end ? "is empty or reversed"
                                  : entry.begin < last_end
                                      ? "overlaps the one before or is out of order"
                                  : entry.end > code_len ? "lies behind the code"
                                  : entry.program == 0 || entry.program >= info->sections.lines.len
                                      ? "points outside the line programs"
                                      : NULL;
        if (wrong != NULL) {
            (void)snprintf(info->problem, sizeof(info->problem),
                           "debug range %zu (section 130) %s at offset %zu", i, wrong,
                           info->sections.ranges.offset + i * RANGE_BYTES);
            return;
        }
        last_end = entry.end;
    }
    info->range_count = count;
}

pvm_debug_info_t *pvm_debug_info_create(const pvm_debug_sections_t *sections, uint32_t code_len)
{
    pvm_debug_info_t *const info = calloc(1, sizeof(*info));

    if (info == NULL) {
        pvm_error_set("no memory for debug info");
        return NULL;
    }
    info->sections = *sections;
    const pvm_debug_section_t *const parts[] = {&sections->strings, &sections->lines,
                                                &sections->ranges};
    for (unsigned i = 0; i < 3; i++) {
        if (parts[i]->data == NULL) {
            (void)snprintf(info->problem, sizeof(info->problem), "debug section %u is missing",
                           128 + i);
            return info;
        }
    }
    if (sections->lines.len == 0 || sections->lines.data[0] != LINES_VERSION) {
        (void)snprintf(info->problem, sizeof(info->problem),
                       "line programs (section 129) are not of version 1 at offset %zu",
                       sections->lines.offset);
    } else if (sections->ranges.len % RANGE_BYTES != 0) {
        (void)snprintf(info->problem, sizeof(info->problem),
                       "debug ranges (section 130) are cut off at offset %zu",
                       sections->ranges.offset + sections->ranges.len);
    } else {
        check_ranges(info, code_len);
    }
    return info;
}

void pvm_debug_info_destroy(pvm_debug_info_t *info)
{
    free(info);
}

const char *pvm_debug_info_problem(const pvm_debug_info_t *info)
{
    return info == NULL || info->problem[0] == '\0' ? NULL : info->problem;
}

size_t pvm_debug_info_range_count(const pvm_debug_info_t *info)
{
    return info == NULL ? 0 : info->range_count;
}

int64_t pvm_debug_info_find_range(const pvm_debug_info_t *info, uint32_t pc)
{
    size_t low = 0;
    size_t high = pvm_debug_info_range_count(info);

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const range_entry_t entry = read_range(info, middle);
        if (pc < entry.begin) {
            high = middle;
        } else if (pc >= entry.end) {
            low = middle + 1;
        } else {
            return (int64_t)middle;
        }
    }
    return -1;
}

/* -- Walks -------------------------------------------------------------------------------- */

void pvm_debug_walk_begin(const pvm_debug_info_t *info, size_t range, pvm_debug_walk_t *walk)
{
    const range_entry_t entry = read_range(info, range);

    *walk = (pvm_debug_walk_t){
        .info = info,
        .lines = info->sections.lines.data,
        .lines_len = info->sections.lines.len,
        .range = (uint32_t)range,
        .range_end = entry.end,
        .position = entry.program,
        .begin = entry.begin,
        .end = entry.begin,
    };
}

/* -- From frames to functions -------------------------------------------------------------- */

static pvm_debug_text_t text_at(const pvm_debug_info_t *info, uint32_t offset)
{
    const pvm_debug_section_t *const strings = &info->sections.strings;
    pvm_debug_text_t text = {0};

    if (offset == 0 || offset >= strings->len) {
        return text;
    }
    pvm_cursor_t cursor = pvm_cursor_make(strings->data + offset, strings->len - offset, offset);
    const size_t len = (size_t)pvm_cursor_natural(&cursor, PVM_CURSOR_32_BIT, "a length");
    const uint8_t *const data = pvm_cursor_bytes(&cursor, len, "a string");
    if (data != NULL && len <= PVM_MAX_DEBUG_STRING && pvm_utf8_is_valid(data, len)) {
        text.data = (const char *)data;
        text.len = len;
    }
    return text;
}

/* A function that is open while a frame stack is read: what entered it, and what last gave a
 * position in it. */
typedef struct {
    const pvm_debug_raw_frame_t *entry;
    const pvm_debug_raw_frame_t *position;
} open_function_t;

static bool is_same_function(const pvm_debug_raw_frame_t *a, const pvm_debug_raw_frame_t *b)
{
    return a->name_space == b->name_space && a->function == b->function && a->path == b->path &&
           a->line == b->line;
}

/* Linkers that merge instructions concatenate their stacks: an Enter without a Call before it that
 * names the outermost function again begins the second stack, and one that names the top function
 * again says nothing new. */
static size_t enter(open_function_t *open, size_t count, const pvm_debug_raw_frame_t *frame,
                    bool is_called)
{
    if (count > 0 && !is_called) {
        if (is_same_function(frame, open[count - 1].entry)) {
            return count;
        }
        if (is_same_function(frame, open[0].entry)) {
            open[0].position = NULL;
            return 1;
        }
    }
    open[count] = (open_function_t){.entry = frame};
    return count + 1;
}

static size_t open_functions(const pvm_debug_walk_t *walk, open_function_t *open)
{
    size_t count = 0;

    for (uint32_t i = 0; i < walk->depth; i++) {
        const pvm_debug_raw_frame_t *const frame = &walk->frames[i];
        if (frame->kind == PVM_DEBUG_FRAME_ENTER) {
            count = enter(open, count, frame,
                          i > 0 && walk->frames[i - 1].kind == PVM_DEBUG_FRAME_CALL);
        } else if (frame->kind == PVM_DEBUG_FRAME_LINE && count == 0) {
            /* No function was entered, but this frame names the one it is in. */
            open[count++] = (open_function_t){.entry = frame, .position = frame};
        } else if (frame->kind != PVM_DEBUG_FRAME_NONE && count > 0) {
            open[count - 1].position = frame;
        }
    }
    return count;
}

static pvm_debug_function_t function_of(const pvm_debug_info_t *info,
                                        const pvm_debug_raw_frame_t *frame)
{
    return (pvm_debug_function_t){
        .name_space = text_at(info, frame->name_space),
        .name = text_at(info, frame->function),
        .path = text_at(info, frame->path),
        .line = frame->kind == PVM_DEBUG_FRAME_ENTER ? frame->line : 0,
    };
}

static void fill_frame(const pvm_debug_info_t *info, const open_function_t *open,
                       pvm_debug_frame_t *out)
{
    *out = (pvm_debug_frame_t){.function = function_of(info, open->entry)};
    if (open->position != NULL) {
        out->path = text_at(info, open->position->path);
        out->line = open->position->line;
        out->column = open->position->column;
    }
    if (out->path.len == 0) {
        out->path = out->function.path;
    }
}

bool pvm_debug_info_find(const pvm_debug_info_t *info, pvm_debug_walk_t *walk, uint32_t pc,
                         pvm_debug_stack_t *out)
{
    const int64_t range = pvm_debug_info_find_range(info, pc);
    open_function_t open[PVM_MAX_DEBUG_FRAMES];

    out->depth = 0;
    out->begin = pc;
    out->end = pc;
    if (range < 0) {
        return false;
    }
    if (walk->info != info || walk->range != (size_t)range || pc < walk->begin) {
        pvm_debug_walk_begin(info, (size_t)range, walk);
    }
    while (pc >= walk->end) {
        if (!pvm_debug_walk_next(walk)) {
            return false;
        }
    }
    out->begin = walk->begin;
    out->end = walk->end;
    out->depth = open_functions(walk, open);
    for (size_t i = 0; i < out->depth; i++) {
        fill_frame(info, &open[out->depth - 1 - i], &out->frames[i]);
    }
    return out->depth > 0;
}

/* -- Ranges -------------------------------------------------------------------------------- */

int pvm_debug_info_range(const pvm_debug_info_t *info, size_t index, pvm_debug_range_t *out)
{
    pvm_debug_walk_t walk;

    if (index >= pvm_debug_info_range_count(info)) {
        return pvm_error_set("there is no debug range %zu", index);
    }
    const range_entry_t entry = read_range(info, index);
    *out = (pvm_debug_range_t){.begin = entry.begin, .end = entry.end};
    pvm_debug_walk_begin(info, index, &walk);
    while (pvm_debug_walk_next(&walk)) {
        if (walk.depth > 0) {
            out->function = function_of(info, &walk.frames[0]);
            break;
        }
    }
    return 0;
}

void pvm_debug_info_survey(const pvm_debug_info_t *info, pvm_debug_survey_t *out)
{
    *out = (pvm_debug_survey_t){0};
    for (size_t i = 0; i < pvm_debug_info_range_count(info); i++) {
        pvm_debug_walk_t walk;
        pvm_debug_walk_begin(info, i, &walk);
        while (pvm_debug_walk_next(&walk)) {
            out->regions++;
            out->covered += walk.end - walk.begin;
        }
        if (walk.problem != NULL && out->broken++ == 0) {
            out->first_broken = i;
            out->problem = walk.problem;
        }
    }
}

size_t pvm_debug_function_name(const pvm_debug_function_t *function, char *out, size_t out_bytes)
{
    const int length =
        snprintf(out, out_bytes, "%.*s%s%.*s", (int)function->name_space.len,
                 function->name_space.len > 0 ? function->name_space.data : "",
                 function->name_space.len > 0 && function->name.len > 0 ? "::" : "",
                 (int)function->name.len, function->name.len > 0 ? function->name.data : "");

    return length > 0 ? (size_t)length : 0;
}
