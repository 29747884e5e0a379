/* The lines as a table, for machines. */
#include "viewer/annotate/annotate.h"

#include "profiler/walk_code.h"
#include "viewer/new_run.h"
#include "viewer/rows.h"

#include <stdio.h>
#include <string.h>

static const pvm_prof_column_t columns[] = {
    {"pc", "pc", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"block", "block", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"instruction", "instruction", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"executed", "executed", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"share", "share", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    {"host_gas", "host gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"taken", "taken", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"target", "target", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"loop", "loop", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"file", "file", "", PVM_PROF_TYPE_PATH, PVM_PROF_EXACT},
    {"line", "line", "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT},
    {"line_function", "of function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"host_code", "x86-64", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
};

/** The jump at the end of a block, if it was taken. */
static const pvm_prof_edge_t *jump_of(const pvm_annotate_t *annotate, size_t executed)
{
    const pvm_prof_loops_t *const loops = &annotate->loops;
    size_t i = pvm_prof_loops_edges_from(loops, (uint32_t)executed);

    while (i < loops->edge_count && loops->edges[i].from == executed &&
           !(loops->edges[i].is_jump && loops->edges[i].count > 0)) {
        i++;
    }
    return i < loops->edge_count && loops->edges[i].from == executed ? &loops->edges[i] : NULL;
}

static void put_jump(const pvm_annotate_t *annotate, pvm_row_t *row, size_t line)
{
    const pvm_annotate_line_t *const lines = annotate->lines;
    const size_t executed = pvm_annotate_executed(annotate, lines[line].block);
    const bool is_first = line == 0 || lines[line - 1].block != lines[line].block;
    const bool is_last =
        line + 1 == annotate->line_count || lines[line + 1].block != lines[line].block;
    const pvm_prof_edge_t *const jump =
        is_last && executed < annotate->code.block_count ? jump_of(annotate, executed) : NULL;
    const char *loop = NULL;

    if (jump != NULL) {
        pvm_row_int(row, jump->count);
        pvm_row_int(row, annotate->code.blocks[jump->to].pc);
        loop = jump->is_back ? "back" : NULL;
    } else {
        pvm_row_null(row);
        pvm_row_null(row);
    }
    if (loop == NULL && is_first && executed < annotate->code.block_count &&
        annotate->loops.loop_of[executed] != PVM_PROF_NO_LOOP &&
        annotate->loops.loops[annotate->loops.loop_of[executed]].header == executed) {
        loop = "head";
    }
    pvm_row_text(row, loop);
}

static void put_source(const pvm_annotate_line_t *line, pvm_row_t *row)
{
    char text[1024];

    snprintf(text, sizeof(text), "%.*s", (int)(line->path.len < 1000 ? line->path.len : 1000),
             line->path.len > 0 ? line->path.data : "");
    pvm_row_text(row, line->path.len > 0 ? text : NULL);
    if (line->source_line > 0) {
        pvm_row_int(row, line->source_line);
    } else {
        pvm_row_null(row);
    }
    pvm_row_text(row,
                 pvm_debug_function_name(&line->function, text, sizeof(text)) > 0 ? text : NULL);
}

/* Host instructions in one line, separated by "; ". */
static void put_host(const pvm_annotate_line_t *line, pvm_row_t *row, pvm_buffer_t *text)
{
    if (line->host == NULL) {
        pvm_row_null(row);
        return;
    }
    text->len = 0;
    for (const char *at = line->host; *at != '\0';) {
        const size_t len = strcspn(at, "\n");

        pvm_buffer_printf(text, "%s%.*s", at == line->host ? "" : "; ", (int)len, at);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    pvm_buffer_append(text, "", 1);
    pvm_row_text(row, text->failed ? NULL : (const char *)text->data);
}

static bool add_rows(pvm_annotate_t *annotate, pvm_prof_table_t *table)
{
    pvm_buffer_t text = {0};
    bool failed = table == NULL;

    for (size_t i = 0; i < annotate->line_count && !failed; i++) {
        const pvm_annotate_line_t *const line = &annotate->lines[i];
        pvm_row_t row = pvm_row_add(table);

        pvm_row_int(&row, line->pc);
        pvm_row_int(&row, annotate->code.program->blocks[line->block].pc);
        pvm_row_text(&row, line->text);
        pvm_row_int(&row, line->executed);
        pvm_row_int(&row, line->gas);
        if (annotate->gas_used != 0) {
            pvm_row_real(&row, 100.0 * (double)line->gas / (double)annotate->gas_used);
        } else {
            pvm_row_null(&row);
        }
        pvm_row_int(&row, line->host_gas);
        put_jump(annotate, &row, i);
        put_source(line, &row);
        put_host(line, &row, &text);
        if (annotate->samples > 0 && !row.failed) {
            pvm_prof_code_set_samples(row.values + row.at, line->samples, annotate->samples);
        }
        failed = row.failed;
    }
    pvm_buffer_free(&text);
    return !failed;
}

pvm_view_status_t pvm_annotate_note(pvm_annotate_t *annotate, pvm_prof_table_t *table)
{
    const pvm_prof_code_totals_t totals = {.is_counted = annotate->is_counted,
                                           .is_attributed =
                                               annotate->code.block_count > 0 &&
                                               pvm_prof_code_is_attributed(&annotate->code),
                                           .is_exact = true,
                                           .samples = annotate->samples};
    const pvm_prof_status_t status = pvm_prof_code_note(annotate->file, table, &totals);

    if (status != PVM_PROF_OK) {
        return pvm_view_fail_profiler(annotate->view, status);
    }
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_annotate_put_table(pvm_annotate_t *annotate)
{
    char title[300];
    pvm_prof_table_t *table;
    pvm_view_status_t status = PVM_VIEW_FINE;

    snprintf(title, sizeof(title), "Code of %s", annotate->title);
    table = pvm_prof_code_table(title, columns, sizeof(columns) / sizeof(columns[0]), 0, 0,
                                annotate->samples);
    if (!add_rows(annotate, table)) {
        status = pvm_annotate_fail_memory(annotate);
    } else {
        status = pvm_annotate_note(annotate, table);
    }
    if (status == PVM_VIEW_FINE &&
        ((annotate->host_reason != NULL &&
          pvm_prof_table_add_note(table, "No x86-64 code: %s.", annotate->host_reason) != 0) ||
         pvm_view_render_table(&annotate->render, "code", table) != 0)) {
        status = pvm_annotate_fail_memory(annotate);
    }
    pvm_prof_table_destroy(table);
    return status;
}
