/* Every figure for programs: json is all reports with all their rows, csv one row for each place of the stacks. */
#include "viewer/export/export.h"
#include "viewer/new_run.h"

#include "profiler/report.h"
#include "profiler/worth.h"
#include "viewer/rows.h"

pvm_view_status_t pvm_export_json(pvm_view_export_t *export)
{
    static const struct {
        const char *key;
        pvm_prof_report_kind_t kind;
    } parts_all[] = {
        {"summary", PVM_PROF_REPORT_SUMMARY},      {"functions", PVM_PROF_REPORT_FUNCTION},
        {"blocks", PVM_PROF_REPORT_BLOCK},         {"edges", PVM_PROF_REPORT_EDGE},
        {"host_calls", PVM_PROF_REPORT_HOST_CALL}, {"services", PVM_PROF_REPORT_SERVICE},
        {"executions", PVM_PROF_REPORT_EXECUTION},
    };
    enum { COUNT = sizeof(parts_all) / sizeof(parts_all[0]) };
    const pvm_prof_report_options_t options = {.size = sizeof(options)};
    pvm_prof_table_t *tables[COUNT] = {0};
    pvm_render_part_t parts[COUNT];
    pvm_prof_status_t read = PVM_PROF_OK;
    pvm_view_status_t status = PVM_VIEW_FINE;

    for (size_t i = 0; i < COUNT && read == PVM_PROF_OK; i++) {
        read = pvm_prof_report(export->file, parts_all[i].kind, &options, &tables[i]);
        parts[i] = (pvm_render_part_t){parts_all[i].key, tables[i]};
    }
    if (read != PVM_PROF_OK) {
        status = pvm_view_fail_profiler(export->view, read);
    } else if (pvm_view_render_document(&export->render, parts, COUNT) < 0) {
        status = pvm_export_fail_memory(export);
    }
    for (size_t i = 0; i < COUNT; i++) {
        pvm_prof_table_destroy(tables[i]);
    }
    return status;
}

/* -- CSV ----------------------------------------------------------------------------------- */

#define COLUMN(id, unit, kind) {id, id, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

static const pvm_prof_column_t columns[] = {
    COLUMN("stack", "", TEXT),      COLUMN("kind", "", TEXT), COLUMN("function", "", TEXT),
    COLUMN("program", "", ID),      COLUMN("pc", "", PC),     COLUMN("end_pc", "", PC),
    COLUMN("file", "", TEXT),       COLUMN("line", "", INT),  COLUMN("gas", "gas", GAS),
    COLUMN("host_gas", "gas", GAS), COLUMN("hits", "", INT),  COLUMN("host_calls", "", INT),
    COLUMN("time_ns", "ns", NS),    COLUMN("calls", "", INT),
};

static const char *const kind_names[] = {
    [PVM_PROF_FRAME_ROOT] = "all",          [PVM_PROF_FRAME_PROGRAM] = "program",
    [PVM_PROF_FRAME_FUNCTION] = "function", [PVM_PROF_FRAME_INLINED] = "inlined",
    [PVM_PROF_FRAME_BLOCK] = "block",       [PVM_PROF_FRAME_HOST] = "host",
};

static void put_stack(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t node,
                      pvm_buffer_t *out)
{
    uint32_t path[PVM_EXPORT_MAX_DEPTH];
    const size_t depth = pvm_export_path(stacks, node, path);

    out->len = 0;
    for (size_t i = 0; i < depth; i++) {
        pvm_buffer_printf(out, "%s%s", i > 0 ? ";" : "",
                          pvm_export_folded_name(export, pvm_export_frame(stacks, path[i])));
    }
    pvm_buffer_append(out, "", 1);
}

static void add_place(pvm_view_export_t *export, pvm_prof_table_t *table,
                      const pvm_prof_stacks_t *stacks, uint32_t node, pvm_buffer_t *scratch,
                      bool *failed)
{
    const pvm_prof_frame_t *const frame = pvm_export_frame(stacks, node);
    const uint32_t owner = pvm_export_function(stacks, node);
    pvm_row_t row = pvm_row_add(table);

    put_stack(export, stacks, node, scratch);
    pvm_row_text(&row, scratch->failed ? NULL : (const char *)scratch->data);
    pvm_row_text(&row, kind_names[frame->kind]);
    pvm_row_text(&row, owner != PVM_PROF_STACK_ROOT ? pvm_export_frame(stacks, owner)->name : NULL);
    pvm_row_int(&row, frame->program);
    if (frame->pc >= 0) {
        pvm_row_int(&row, frame->pc);
    } else {
        pvm_row_null(&row);
    }
    if (frame->end_pc >= 0) {
        pvm_row_int(&row, frame->end_pc);
    } else {
        pvm_row_null(&row);
    }
    pvm_row_text(&row, frame->file);
    if (frame->line > 0) {
        pvm_row_int(&row, frame->line);
    } else {
        pvm_row_null(&row);
    }
    for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
        pvm_row_int(&row, stacks->nodes[node].self[kind]);
    }
    *failed = *failed || row.failed || scratch->failed;
}

pvm_view_status_t pvm_export_csv(pvm_view_export_t *export)
{
    pvm_prof_stacks_t stacks;
    pvm_buffer_t scratch = {0};
    pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Places", columns, sizeof(columns) / sizeof(columns[0]));
    pvm_render_t render = pvm_view_render_make(export->out, PVM_CHOICE_FORMAT_CSV);
    bool failed = table == NULL;

    if (status == PVM_VIEW_FINE && !failed) {
        const pvm_prof_status_t read = pvm_prof_worth_tell(export->file, table);

        status = read == PVM_PROF_OK ? status : pvm_view_fail_profiler(export->view, read);
    }
    for (uint32_t i = 0; status == PVM_VIEW_FINE && !failed && i < stacks.node_count; i++) {
        for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
            if (stacks.nodes[i].self[kind] != 0) {
                add_place(export, table, &stacks, i, &scratch, &failed);
                break;
            }
        }
    }
    if (status == PVM_VIEW_FINE &&
        (failed || pvm_view_render_table(&render, "places", table) < 0)) {
        status = pvm_export_fail_memory(export);
    }
    pvm_buffer_free(&scratch);
    pvm_prof_table_destroy(table);
    pvm_prof_stacks_free(&stacks);
    return status;
}
