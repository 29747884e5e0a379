/* Data of the HTML report: the tables of `pvmscope report` with their columns, and the stacks. */
#include "viewer/export/html.h"
#include "viewer/new_run.h"

#include "profiler/report.h"

#include <inttypes.h>
#include <string.h>

/** Most rows of a table of the page. */
#define TABLE_ROWS 5000

static const struct {
    const char *key;
    pvm_prof_report_kind_t kind;
} parts[] = {
    {"summary", PVM_PROF_REPORT_SUMMARY},      {"functions", PVM_PROF_REPORT_FUNCTION},
    {"host_calls", PVM_PROF_REPORT_HOST_CALL}, {"services", PVM_PROF_REPORT_SERVICE},
    {"executions", PVM_PROF_REPORT_EXECUTION},
};

/** Words for types, as the scripts know them. */
static const char *const types[] = {
    [PVM_PROF_TYPE_TEXT] = "text",      [PVM_PROF_TYPE_PATH] = "text",
    [PVM_PROF_TYPE_INT] = "int",        [PVM_PROF_TYPE_GAS] = "gas",
    [PVM_PROF_TYPE_NS] = "ns",          [PVM_PROF_TYPE_PERCENT] = "percent",
    [PVM_PROF_TYPE_REAL] = "real",      [PVM_PROF_TYPE_PC] = "pc",
    [PVM_PROF_TYPE_ID] = "id",          [PVM_PROF_TYPE_REGISTER] = "register",
    [PVM_PROF_TYPE_GAS_CHANGE] = "gas",
};

static void put_value(pvm_view_export_t *export, const pvm_prof_value_t *value,
                      pvm_prof_type_t type)
{
    char real[32];

    if (value->is_null) {
        pvm_export_put(export, "null");
    } else if (pvm_prof_type_is_text(type)) {
        pvm_export_json_text(export, value->text);
    } else if (pvm_prof_type_is_real(type)) {
        pvm_view_render_real(value->real, real, sizeof(real));
        pvm_export_put(export, "%s", real);
    } else {
        pvm_html_int(export, value->integer);
    }
}

static void put_table(pvm_view_export_t *export, const pvm_prof_table_t *table)
{
    pvm_export_put(export, "{\"rows_all\":%zu,\"columns\":[", table->row_count_all);
    for (size_t i = 0; i < table->column_count; i++) {
        const pvm_prof_column_t *const column = &table->columns[i];

        pvm_export_put(export,
                       "%s{\"id\":\"%s\",\"header\":\"%s\",\"type\":\"%s\",\"certainty\":\"%s\","
                       "\"detail\":%s}",
                       i > 0 ? "," : "", column->id, column->header, types[column->type],
                       pvm_view_certainty_name(column->certainty),
                       i < 64 && ((table->details >> i) & 1) != 0 ? "true" : "false");
    }
    pvm_export_put(export, "],\"rows\":[");
    for (size_t row = 0; row < table->row_count; row++) {
        pvm_export_put(export, row > 0 ? ",\n[" : "[");
        for (size_t i = 0; i < table->column_count; i++) {
            pvm_export_put(export, i > 0 ? "," : "");
            put_value(export, pvm_prof_table_value(table, row, i), table->columns[i].type);
        }
        pvm_export_put(export, "]");
    }
    pvm_export_put(export, "],\"notes\":[");
    for (size_t i = 0; i < table->note_count; i++) {
        pvm_export_put(export, i > 0 ? "," : "");
        pvm_export_json_text(export, table->notes[i]);
    }
    pvm_export_put(export, "]}");
}

pvm_view_status_t pvm_html_tables(pvm_view_export_t *export, pvm_prof_run_file_t *file)
{
    const pvm_prof_report_options_t options = {.size = sizeof(options), .top = TABLE_ROWS};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        pvm_prof_table_t *table = NULL;
        const pvm_prof_status_t status = pvm_prof_report(file, parts[i].kind, &options, &table);

        if (status != PVM_PROF_OK) {
            return pvm_view_fail_profiler(export->view, status);
        }
        pvm_export_put(export, "%s\"%s\":", i > 0 ? ",\n" : "{", parts[i].key);
        put_table(export, table);
        pvm_prof_table_destroy(table);
    }
    pvm_export_put(export, "}");
    return PVM_VIEW_FINE;
}

/* -- Stacks -------------------------------------------------------------------------------- */

static const char *const kinds[] = {
    [PVM_PROF_FRAME_ROOT] = "root",         [PVM_PROF_FRAME_PROGRAM] = "program",
    [PVM_PROF_FRAME_FUNCTION] = "function", [PVM_PROF_FRAME_INLINED] = "inlined",
    [PVM_PROF_FRAME_BLOCK] = "block",       [PVM_PROF_FRAME_HOST] = "host",
};

/* A file that is that of the frame before is 0: frames come in the order of the code. */
static void put_file(pvm_view_export_t *export, const pvm_prof_frame_t *frame, const char *last)
{
    if (frame->file == NULL) {
        pvm_export_put(export, "null");
    } else if (last != NULL && strcmp(frame->file, last) == 0) {
        pvm_export_put(export, "0");
    } else {
        pvm_export_json_text(export, frame->file);
    }
}

static void put_frames(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    const char *last = NULL;

    pvm_export_put(export, "\"kinds\":[");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        pvm_export_put(export, "%s\"%s\"", i > 0 ? "," : "", kinds[i]);
    }
    pvm_export_put(export, "],\n\"frames\":[");
    for (uint32_t i = 0; i < stacks->frame_count; i++) {
        const pvm_prof_frame_t *const frame = &stacks->frames[i];

        pvm_export_put(export, "%s[%d,", i > 0 ? "," : "", (int)frame->kind);
        if (frame->kind == PVM_PROF_FRAME_BLOCK) {
            /* Its name is made from its pc. */
            pvm_export_put(export, "0");
        } else {
            pvm_export_json_text(export, frame->name);
        }
        pvm_export_put(export, ",%" PRId64 ",%" PRId64 ",%" PRIu32 ",", frame->program, frame->pc,
                       frame->line);
        put_file(export, frame, last);
        pvm_export_put(export, "]");
        last = frame->file;
    }
    pvm_export_put(export, "]");
}

static void put_nodes(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    pvm_export_put(export, "\"parents\":[");
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        pvm_export_put(export, "%s%" PRIu32, i > 0 ? "," : "", stacks->nodes[i].parent);
    }
    pvm_export_put(export, "],\n\"node_frames\":[");
    for (uint32_t i = 0; i < stacks->node_count; i++) {
        pvm_export_put(export, "%s%" PRIu32, i > 0 ? "," : "", stacks->nodes[i].frame);
    }
    pvm_export_put(export, "]");
}

/* A value that nothing has is left out. */
static void put_selves(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks)
{
    pvm_export_put(export, "\"values\":[");
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        const pvm_prof_value_kind_t value = (pvm_prof_value_kind_t)kind;

        pvm_export_put(export, "%s{\"id\":\"%s\",\"title\":\"%s\",\"unit\":\"%s\",\"total\":",
                       kind > 0 ? "," : "", pvm_prof_value_id(value),
                       pvm_prof_stacks_title(stacks, value), pvm_prof_value_unit(value));
        pvm_html_int(export, stacks->total[kind]);
        pvm_export_put(export, ",\"self\":[");
        for (uint32_t i = 0; i < stacks->node_count && stacks->total[kind] != 0; i++) {
            pvm_export_put(export, "%s%" PRId64, i > 0 ? "," : "", stacks->nodes[i].self[kind]);
        }
        pvm_export_put(export, "]}");
    }
    pvm_export_put(export, "]");
}

pvm_view_status_t pvm_html_stacks(pvm_view_export_t *export, pvm_prof_run_file_t *file)
{
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, file, &stacks);

    if (status == PVM_VIEW_FINE) {
        put_frames(export, &stacks);
        pvm_export_put(export, ",\n");
        put_nodes(export, &stacks);
        pvm_export_put(export, ",\n");
        put_selves(export, &stacks);
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}
