/* pvmscope report: questions to a run file, or to the sum of several, answered by the profiler's tables. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"
#include "viewer/run_set.h"

#include "profiler/block_trace.h"
#include "profiler/call_report.h"
#include "profiler/flight.h"
#include "profiler/report.h"
#include "profiler/report_code.h"
#include "profiler/table_sort.h"

/** Tables of the report without --by, with their keys in JSON. */
static const struct {
    const char *key;
    pvm_prof_report_kind_t kind;
    bool of_several; /**< of several recordings only */
} parts_all[] = {
    {"summary", PVM_PROF_REPORT_SUMMARY, false},
    {"services", PVM_PROF_REPORT_SERVICE, true},
    {"recordings", PVM_PROF_REPORT_RECORDING, true},
    {"functions", PVM_PROF_REPORT_FUNCTION, false},
    {"blocks", PVM_PROF_REPORT_BLOCK, false},
    {"host_calls", PVM_PROF_REPORT_HOST_CALL, false},
};
/** Keys in JSON of the tables of --by. */
static const char *const keys_by[] = {
    [PVM_CHOICE_BY_FUNCTION] = "functions",  [PVM_CHOICE_BY_BLOCK] = "blocks",
    [PVM_CHOICE_BY_HOSTCALL] = "host_calls", [PVM_CHOICE_BY_EDGE] = "edges",
    [PVM_CHOICE_BY_SERVICE] = "services",    [PVM_CHOICE_BY_RECORDING] = "recordings",
    [PVM_CHOICE_BY_LINE] = "lines",          [PVM_CHOICE_BY_OPCODE] = "opcodes",
    [PVM_CHOICE_BY_PATH] = "paths",          [PVM_CHOICE_BY_TRACE] = "trace",
};

/** Rows of --tree, unless --top says how many. */
#define TREE_ROWS 30

#define PART_COUNT (sizeof(parts_all) / sizeof(parts_all[0]))

static pvm_prof_report_kind_t kind_of_choice(uint64_t choice)
{
    switch (choice) {
    case PVM_CHOICE_BY_BLOCK:
        return PVM_PROF_REPORT_BLOCK;
    case PVM_CHOICE_BY_HOSTCALL:
        return PVM_PROF_REPORT_HOST_CALL;
    case PVM_CHOICE_BY_EDGE:
        return PVM_PROF_REPORT_EDGE;
    case PVM_CHOICE_BY_SERVICE:
        return PVM_PROF_REPORT_SERVICE;
    case PVM_CHOICE_BY_RECORDING:
        return PVM_PROF_REPORT_RECORDING;
    default:
        return PVM_PROF_REPORT_FUNCTION;
    }
}

static pvm_view_status_t fail_profiler(pvm_view_t *view, pvm_prof_status_t status)
{
    return pvm_view_fail(view, status == PVM_PROF_E_FORMAT ? PVM_VIEW_INPUT : PVM_VIEW_ENVIRONMENT,
                         "%s", pvm_last_error());
}

static pvm_prof_status_t make_one(uint64_t choice, pvm_prof_run_file_t *file, uint32_t top,
                                  pvm_prof_table_t **out)
{
    const pvm_prof_report_options_t all = {.size = sizeof(all)};

    switch (choice) {
    case PVM_CHOICE_BY_LINE:
        return pvm_prof_report_lines(file, out);
    case PVM_CHOICE_BY_OPCODE:
        return pvm_prof_report_opcodes(file, out);
    case PVM_CHOICE_BY_PATH:
        return pvm_prof_report_paths(file, out);
    case PVM_CHOICE_BY_TRACE:
        return pvm_prof_block_trace_report(file, top, out);
    default:
        return pvm_prof_report(file, kind_of_choice(choice), &all, out);
    }
}

/* "gas, share, hits": what --sort may name. */
static void list_columns(const pvm_prof_table_t *table, char *out, size_t out_bytes)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < table->column_count && len < out_bytes; i++) {
        const int written =
            snprintf(out + len, out_bytes - len, "%s%s", i > 0 ? ", " : "", table->columns[i].id);
        len += written > 0 ? (size_t)written : 0;
    }
}

static pvm_view_status_t sort_table(pvm_view_t *view, pvm_prof_table_t *table)
{
    const char *const id = pvm_view_text(view, PVM_OPTION_SORT);
    char columns[256];

    if (id == NULL) {
        return PVM_VIEW_FINE;
    }
    const size_t column = pvm_prof_table_column(table, id);
    if (column == table->column_count) {
        list_columns(table, columns, sizeof(columns));
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "report: --sort %.64s: no such column; it has %s", id, columns);
    }
    return pvm_prof_table_sort(table, column) == 0
               ? PVM_VIEW_FINE
               : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the report");
}

static bool is_merged(pvm_prof_run_file_t *file)
{
    char count[24];

    return pvm_prof_run_file_get_info(file, PVM_PROF_INFO_MERGED, count, sizeof(count)) > 0;
}

static pvm_view_status_t print_one(pvm_view_t *view, const pvm_render_t *render,
                                   pvm_prof_run_file_t *file, const pvm_run_set_t *set,
                                   const pvm_prof_report_options_t *options)
{
    const uint64_t choice = pvm_view_number(view, PVM_OPTION_BY);
    pvm_prof_table_t *table = NULL;

    if (choice == PVM_CHOICE_BY_RECORDING && !is_merged(file)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "report: --by recording is for several; %s is a single one",
                             pvm_prof_run_file_path(file));
    }
    /* What is sorted anew is read whole; else the queries can stop early. */
    const pvm_prof_status_t status =
        pvm_view_has(view, PVM_OPTION_SORT) || choice >= PVM_CHOICE_BY_LINE
            ? make_one(choice, file, pvm_view_has(view, PVM_OPTION_SORT) ? 0 : options->top, &table)
            : pvm_prof_report(file, kind_of_choice(choice), options, &table);

    if (status != PVM_PROF_OK) {
        return fail_profiler(view, status);
    }
    pvm_view_status_t result = sort_table(view, table);
    if (result == PVM_VIEW_FINE) {
        pvm_prof_table_cut(table, options->top);
        if (pvm_view_run_set_note(set, table) != 0 ||
            pvm_view_render_table(render, keys_by[choice], table) != 0) {
            result = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the report");
        }
    }
    pvm_prof_table_destroy(table);
    return result;
}

static pvm_view_status_t print_tree(pvm_view_t *view, const pvm_render_t *render,
                                    pvm_prof_run_file_t *file, const pvm_run_set_t *set,
                                    const pvm_prof_report_options_t *options)
{
    const uint64_t depth = pvm_view_number(view, PVM_OPTION_DEPTH);
    const pvm_prof_call_report_options_t how = {
        .size = sizeof(how),
        .top = pvm_view_has(view, PVM_OPTION_TOP) ? options->top : TREE_ROWS,
        .depth = depth > UINT32_MAX ? UINT32_MAX : (uint32_t)depth,
        .fold = pvm_view_has(view, PVM_OPTION_FOLD_RECURSION),
        .indent = pvm_view_is_for_people(view)};
    pvm_prof_table_t *table = NULL;
    pvm_view_status_t result = PVM_VIEW_FINE;

    if (pvm_prof_call_report(file, &how, &table) != PVM_PROF_OK) {
        return fail_profiler(view, PVM_PROF_E_FORMAT);
    }
    if (pvm_view_run_set_note(set, table) != 0 ||
        pvm_view_render_table(render, "contexts", table) != 0) {
        result = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the report");
    }
    pvm_prof_table_destroy(table);
    return result;
}

static pvm_view_status_t print_all(pvm_view_t *view, const pvm_render_t *render,
                                   pvm_prof_run_file_t *file, const pvm_run_set_t *set,
                                   const pvm_prof_report_options_t *options)
{
    pvm_prof_table_t *tables[PART_COUNT + PVM_PROF_FLIGHT_TABLES] = {0};
    pvm_render_part_t parts[PART_COUNT + PVM_PROF_FLIGHT_TABLES];
    const bool is_several = is_merged(file);
    size_t count = 0;
    pvm_prof_status_t status = PVM_PROF_OK;
    pvm_view_status_t result = PVM_VIEW_FINE;

    for (size_t i = 0; i < PART_COUNT && status == PVM_PROF_OK; i++) {
        if (is_several || !parts_all[i].of_several) {
            status = pvm_prof_report(file, parts_all[i].kind, options, &tables[i]);
            parts[count++] = (pvm_render_part_t){parts_all[i].key, tables[i]};
        }
    }
    if (status == PVM_PROF_OK) {
        status = pvm_prof_flight_report(file, tables + PART_COUNT);
    }
    for (size_t i = 0; i < PVM_PROF_FLIGHT_TABLES; i++) {
        if (tables[PART_COUNT + i] != NULL) {
            parts[count++] = (pvm_render_part_t){pvm_prof_flight_keys[i], tables[PART_COUNT + i]};
        }
    }
    if (status != PVM_PROF_OK) {
        result = fail_profiler(view, status);
    } else if (pvm_view_run_set_note(set, tables[0]) != 0 ||
               pvm_view_render_document(render, parts, count) < 0) {
        result = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the report");
    }
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        pvm_prof_table_destroy(tables[i]);
    }
    return result;
}

pvm_view_status_t pvm_command_report(pvm_view_t *view)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    const uint64_t top = pvm_view_number(view, PVM_OPTION_TOP);
    const pvm_prof_report_options_t options = {
        .size = sizeof(options),
        .top = top > PVM_PROF_MAX_ROWS ? PVM_PROF_MAX_ROWS : (uint32_t)top,
    };
    pvm_prof_run_file_t *file = NULL;
    pvm_run_set_t set = {0};
    pvm_view_status_t status = pvm_view_run_set(view, view->operands, view->operand_count, &set);

    if (status == PVM_VIEW_FINE && pvm_view_has(view, PVM_OPTION_SORT) &&
        !pvm_view_has(view, PVM_OPTION_BY)) {
        status = pvm_view_fail(view, PVM_VIEW_USAGE,
                               "report: --sort orders one table; say with --by which");
    }
    if (status == PVM_VIEW_FINE && pvm_view_has(view, PVM_OPTION_CALL_TREE) &&
        pvm_view_has(view, PVM_OPTION_BY)) {
        status = pvm_view_fail(view, PVM_VIEW_USAGE,
                               "report: --tree and --by are two tables; give one of them");
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_run_set_open(view, &set, &file);
    }
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_has(view, PVM_OPTION_CALL_TREE)
                     ? print_tree(view, &render, file, &set, &options)
                 : pvm_view_has(view, PVM_OPTION_BY)
                     ? print_one(view, &render, file, &set, &options)
                     : print_all(view, &render, file, &set, &options);
    }
    pvm_prof_run_file_close(file);
    pvm_view_run_set_free(&set);
    return status;
}
