/* The report by source line: instructions go to the innermost line that debug information tells for them. */
#include "profiler/functions.h"
#include "profiler/report_code.h"
#include "profiler/table_sort.h"
#include "profiler/walk_code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Lines told apart before equal ones are joined. */
#define LINES_FIRST 4096

/** A line of a function; texts are borrowed from the program. */
typedef struct {
    pvm_debug_text_t path;
    pvm_debug_text_t name_space;
    pvm_debug_text_t name;
    uint32_t line; /**< 0: unknown */
    bool is_known; /**< false: no line, no function */
    int64_t gas;
    int64_t host_gas;
    int64_t hits;
    int64_t executed;
    int64_t samples;
} line_t;

typedef struct {
    line_t *lines;
    size_t count;
    size_t room;
} list_t;

typedef struct {
    pvm_prof_table_t *table;
    int64_t samples; /**< of the recording */
    pvm_debug_stack_t stack;
    list_t block; /**< lines of the block that is being walked, */
    list_t all;   /**< and of its program */
} reader_t;

/* -- Lines --------------------------------------------------------------------------------- */

static int compare_texts(const pvm_debug_text_t *a, const pvm_debug_text_t *b)
{
    const size_t shared = a->len < b->len ? a->len : b->len;
    const int order = shared > 0 ? memcmp(a->data, b->data, shared) : 0;

    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_lines(const void *left, const void *right)
{
    const line_t *const a = left;
    const line_t *const b = right;
    int order = (int)a->is_known - (int)b->is_known;

    order = order != 0 ? order : compare_texts(&a->path, &b->path);
    order = order != 0 ? order : (a->line > b->line) - (a->line < b->line);
    order = order != 0 ? order : compare_texts(&a->name_space, &b->name_space);
    return order != 0 ? order : compare_texts(&a->name, &b->name);
}

/* Join equal ones. Instructions of one block share its hits, blocks add up theirs. */
static void join_equal(list_t *list, bool is_block)
{
    size_t kept = 0;

    if (list->count == 0) {
        return;
    }
    qsort(list->lines, list->count, sizeof(*list->lines), compare_lines);
    for (size_t i = 0; i < list->count; i++) {
        const line_t *const line = &list->lines[i];

        if (kept == 0 || compare_lines(&list->lines[kept - 1], line) != 0) {
            list->lines[kept++] = *line;
            continue;
        }
        line_t *const into = &list->lines[kept - 1];
        into->gas = pvm_prof_plus(into->gas, line->gas);
        into->host_gas = pvm_prof_plus(into->host_gas, line->host_gas);
        into->executed = pvm_prof_plus(into->executed, line->executed);
        into->samples = pvm_prof_plus(into->samples, line->samples);
        if (!is_block) {
            into->hits = pvm_prof_plus(into->hits, line->hits);
        } else if (line->hits > into->hits) {
            into->hits = line->hits;
        }
    }
    list->count = kept;
}

/* Equal lines are joined before there is more room than twice the different ones. @return 0, or -1 without memory */
static int append(list_t *list, const line_t *line, bool is_block)
{
    if (list->count == list->room) {
        join_equal(list, is_block);
        if (list->room == 0 || list->count > list->room / 2) {
            const size_t room = list->room == 0 ? LINES_FIRST : 2 * list->room;
            line_t *const lines = realloc(list->lines, room * sizeof(*lines));

            if (lines == NULL) {
                return -1;
            }
            list->lines = lines;
            list->room = room;
        }
    }
    list->lines[list->count++] = *line;
    return 0;
}

/* -- Blocks -------------------------------------------------------------------------------- */

static line_t line_at(reader_t *reader, pvm_prof_code_t *code, uint32_t pc)
{
    const pvm_debug_info_t *const info = code->program->debug_info;

    if (info == NULL || !pvm_debug_info_find(info, &code->walk, pc, &reader->stack) ||
        reader->stack.depth == 0) {
        return (line_t){0};
    }
    const pvm_debug_frame_t *const frame = &reader->stack.frames[0];
    return (line_t){.path = frame->path,
                    .name_space = frame->function.name_space,
                    .name = frame->function.name,
                    .line = frame->line,
                    .is_known = true};
}

/* Hits of a line are arrivals at blocks with code of it: in each block counted once, with the instruction that was
 * executed most. */
static int add_block(reader_t *reader, pvm_prof_code_t *code)
{
    reader->block.count = 0;
    for (size_t i = 0; i < code->instruction_count; i++) {
        const pvm_prof_code_instruction_t *const in = &code->instructions[i];
        line_t line = line_at(reader, code, in->pc);

        line.gas = in->gas;
        line.host_gas = in->host_gas;
        line.executed = line.hits = in->executed;
        line.samples = in->samples;
        if (append(&reader->block, &line, true) != 0) {
            return -1;
        }
    }
    join_equal(&reader->block, true);
    for (size_t i = 0; i < reader->block.count; i++) {
        if (append(&reader->all, &reader->block.lines[i], false) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_rest(reader_t *reader, int64_t gas)
{
    const line_t rest = {.gas = gas};

    return gas == 0 ? 0 : append(&reader->all, &rest, false);
}

/* -- Rows ---------------------------------------------------------------------------------- */

static const pvm_prof_column_t columns[] = {
    {"file", "file", "", PVM_PROF_TYPE_PATH, PVM_PROF_EXACT},
    {"line", "line", "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT},
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"share", "share", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    {"host_gas", "host gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"hits", "hits", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"executed", "executed", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"program", "program", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
};

static int add_row(reader_t *reader, const line_t *line, const char *program)
{
    pvm_prof_value_t *const row = pvm_prof_table_add_row(reader->table);
    const pvm_debug_function_t function = {.name_space = line->name_space, .name = line->name};
    char name[PVM_PROF_MAX_NAME_BYTES];
    char path[PVM_PROF_MAX_NAME_BYTES];
    int failed = row == NULL ? -1 : 0;

    if (failed != 0) {
        return failed;
    }
    snprintf(path, sizeof(path), "%.*s", (int)line->path.len, line->path.data);
    if (!line->is_known || line->path.len == 0) {
        failed |= pvm_prof_value_set_text(&row[0], "(no line)");
    } else {
        failed |= pvm_prof_value_set_text(&row[0], path);
    }
    if (line->line != 0) {
        pvm_prof_value_set_int(&row[1], line->line);
    }
    if (pvm_debug_function_name(&function, name, sizeof(name)) > 0) {
        failed |= pvm_prof_value_set_text(&row[2], name);
    }
    pvm_prof_value_set_int(&row[3], line->gas);
    pvm_prof_value_set_int(&row[5], line->host_gas);
    pvm_prof_value_set_int(&row[6], line->hits);
    pvm_prof_value_set_int(&row[7], line->executed);
    if (reader->samples > 0) {
        pvm_prof_code_set_samples(&row[8], line->samples, reader->samples);
    }
    return failed | pvm_prof_value_set_text(&row[reader->table->column_count - 1], program);
}

static int visit(void *user_data, pvm_prof_code_t *code, const char *name, size_t index)
{
    reader_t *const reader = user_data;

    if (index < code->block_count) {
        return add_block(reader, code) != 0 || add_rest(reader, code->rest_gas) != 0 ? -1 : 0;
    }
    if (add_rest(reader, code->behind_gas) != 0) {
        return -1;
    }
    join_equal(&reader->all, false);
    for (size_t i = 0; i < reader->all.count; i++) {
        if (add_row(reader, &reader->all.lines[i], name) != 0) {
            return -1;
        }
    }
    reader->all.count = 0;
    return 0;
}

static pvm_prof_status_t finish(pvm_prof_run_file_t *file, pvm_prof_table_t *table,
                                const pvm_prof_code_totals_t *totals)
{
    bool has_lines = false;

    for (size_t i = 0; i < table->row_count; i++) {
        pvm_prof_value_t *const row = &table->values[i * table->column_count];

        pvm_prof_code_set_share(&row[4], row[3].integer, totals);
        has_lines = has_lines || !row[1].is_null;
    }
    if (pvm_prof_table_sort(table, 3) != 0 ||
        (!has_lines && table->row_count > 0 &&
         pvm_prof_table_add_note(table, "The program has no debug information; --symbols takes it "
                                        "from the .polkavm file it was made from.") != 0)) {
        return pvm_prof_store_report(file, SQLITE_NOMEM, "report on it");
    }
    return pvm_prof_code_note(file, table, totals);
}

pvm_prof_status_t pvm_prof_report_lines(pvm_prof_run_file_t *file, pvm_prof_table_t **out_table)
{
    reader_t *const reader = calloc(1, sizeof(*reader));
    pvm_prof_code_totals_t totals;
    pvm_prof_status_t status;

    *out_table = NULL;
    if (reader != NULL && pvm_prof_code_samples(file, &reader->samples) == SQLITE_OK) {
        /* Where there is no room, share, host gas, hits and executed can go. */
        reader->table = pvm_prof_code_table("Source lines by gas", columns,
                                            sizeof(columns) / sizeof(columns[0]), 1,
                                            1U << 4 | 1U << 5 | 1U << 6 | 1U << 7, reader->samples);
    }
    if (reader == NULL || reader->table == NULL) {
        free(reader);
        return pvm_prof_store_report(file, SQLITE_NOMEM, "report on it");
    }
    status = pvm_prof_code_walk(file, visit, reader, &totals);
    if (status == PVM_PROF_OK) {
        status = finish(file, reader->table, &totals);
    }
    if (status == PVM_PROF_OK) {
        *out_table = reader->table;
    } else {
        pvm_prof_table_destroy(reader->table);
    }
    free(reader->block.lines);
    free(reader->all.lines);
    free(reader);
    return status;
}
