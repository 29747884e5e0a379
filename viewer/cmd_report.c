/* pvmscope report: questions to a run file, answered by the profiler's tables. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"

#include "profiler/flight.h"
#include "profiler/report.h"

/** Tables of the report without --by, with their keys in JSON. */
static const struct {
    const char *key;
    pvm_prof_report_kind_t kind;
} parts_all[] = {
    {"summary", PVM_PROF_REPORT_SUMMARY},
    {"functions", PVM_PROF_REPORT_FUNCTION},
    {"blocks", PVM_PROF_REPORT_BLOCK},
    {"host_calls", PVM_PROF_REPORT_HOST_CALL},
};
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
    default:
        return PVM_PROF_REPORT_FUNCTION;
    }
}

static pvm_view_status_t fail_profiler(pvm_view_t *view, pvm_prof_status_t status)
{
    return pvm_view_fail(view, status == PVM_PROF_E_FORMAT ? PVM_VIEW_INPUT : PVM_VIEW_ENVIRONMENT,
                         "%s", pvm_last_error());
}

static pvm_view_status_t print_one(pvm_view_t *view, const pvm_render_t *render,
                                   pvm_prof_run_file_t *file,
                                   const pvm_prof_report_options_t *options)
{
    pvm_prof_table_t *table = NULL;
    const pvm_prof_status_t status = pvm_prof_report(
        file, kind_of_choice(pvm_view_number(view, PVM_OPTION_BY)), options, &table);
    int rendered;

    if (status != PVM_PROF_OK) {
        return fail_profiler(view, status);
    }
    rendered = pvm_view_render_table(render, table);
    pvm_prof_table_destroy(table);
    return rendered == 0 ? PVM_VIEW_FINE
                         : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the report");
}

static pvm_view_status_t print_all(pvm_view_t *view, const pvm_render_t *render,
                                   pvm_prof_run_file_t *file,
                                   const pvm_prof_report_options_t *options)
{
    pvm_prof_table_t *tables[PART_COUNT + PVM_PROF_FLIGHT_TABLES] = {0};
    pvm_render_part_t parts[PART_COUNT + PVM_PROF_FLIGHT_TABLES];
    size_t count = PART_COUNT;
    pvm_prof_status_t status = PVM_PROF_OK;
    pvm_view_status_t result = PVM_VIEW_FINE;

    for (size_t i = 0; i < PART_COUNT && status == PVM_PROF_OK; i++) {
        status = pvm_prof_report(file, parts_all[i].kind, options, &tables[i]);
        parts[i] = (pvm_render_part_t){parts_all[i].key, tables[i]};
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
    } else if (pvm_view_render_document(render, parts, count) < 0) {
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
    pvm_view_status_t status = pvm_view_open_run(view, view->operands[0], &file);

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_has(view, PVM_OPTION_BY) ? print_one(view, &render, file, &options)
                                                   : print_all(view, &render, file, &options);
    }
    pvm_prof_run_file_close(file);
    return status;
}
