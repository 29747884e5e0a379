/* pvmscope compare: two recordings, side by side. What they are decides what is compared. */
#include "viewer/command.h"
#include "viewer/compare/compare.h"
#include "viewer/new_run.h"
#include "viewer/rows.h"

#include "profiler/report.h"

#include <inttypes.h>
#include <string.h>

static const pvm_prof_column_t columns[] = {
    {"what", "what", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"before", "first", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"after", "second", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
};

static const pvm_prof_column_t figure_columns[] = {
    {"what", "gas", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"before", "first", "", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"after", "second", "", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"difference", "difference", "", PVM_PROF_TYPE_GAS_CHANGE, PVM_PROF_EXACT},
    {"increase", "increase (%)", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/** What can be said of two recordings. */
typedef enum { BACKENDS, BUILDS } compare_mode_t;

pvm_prof_table_t *pvm_compare_keep(pvm_compare_t *compare, const char *key, pvm_prof_table_t *table)
{
    compare->tables[compare->count] = table;
    compare->parts[compare->count] = (pvm_render_part_t){key, table};
    compare->count++;
    return table;
}

/** One backend; not several, and not that of sums over machines, which is not known. */
static bool is_backend(const char *name)
{
    return strcmp(name, "interpreter") == 0 || strcmp(name, "recompiler") == 0;
}

static compare_mode_t mode_of(const pvm_compare_t *compare)
{
    const char *const before = compare->before.backend;
    const char *const after = compare->after.backend;

    return compare->before.programs_hash == compare->after.programs_hash && is_backend(before) &&
                   is_backend(after) && strcmp(before, after) != 0
               ? BACKENDS
               : BUILDS;
}

/* -- Summary --------------------------------------------------------------------------------- */

static bool add_pair(pvm_prof_table_t *table, const char *what, const char *before,
                     const char *after)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, what);
    pvm_row_text(&row, before);
    pvm_row_text(&row, after);
    return !row.failed;
}

/** What must be said before any figure. */
static bool add_notes(pvm_compare_t *compare, pvm_prof_table_t *table)
{
    const pvm_side_t *const before = &compare->before;
    const pvm_side_t *const after = &compare->after;
    int failed = 0;

    if (pvm_side_is_equal(before, after)) {
        failed |= pvm_prof_table_add_note(
            table,
            mode_of(compare) == BACKENDS
                ? "Both backends agree: gas and the counts of every block are the same."
                : "The recordings are the same: program, gas, and the counts of every block.");
    } else if (mode_of(compare) == BACKENDS) {
        failed |= pvm_prof_table_add_note(
            table, "One program, two backends, and the counts differ: different work was "
                   "recorded. Times are compared for each hit and each gas.");
    }
    if (strcmp(before->spec, after->spec) != 0) {
        failed |= pvm_prof_table_add_note(
            table,
            "The specs differ (%s, %s): gas is counted in different ways. pvmscope recost brings "
            "one under the other.",
            before->spec, after->spec);
    }
    if (before->executions != after->executions) {
        failed |= pvm_prof_table_add_note(
            table, "The first recording has %" PRId64 " executions, the second %" PRId64 ".",
            before->executions, after->executions);
    }
    if (!before->sums.is_counted || !after->sums.is_counted) {
        failed |= pvm_prof_table_add_note(
            table, "Blocks were not counted in the %s recording: functions say nothing.",
            before->sums.is_counted ? "second" : "first");
    }
    if (before->sums.is_incomplete || after->sums.is_incomplete) {
        failed |= pvm_prof_table_add_note(
            table, "The %s recording is incomplete: its figures are lower bounds.",
            !after->sums.is_incomplete    ? "first"
            : !before->sums.is_incomplete ? "second"
                                          : "first and the second");
    }
    return failed == 0;
}

static pvm_prof_table_t *make_summary(pvm_compare_t *compare)
{
    const pvm_side_t *const before = &compare->before;
    const pvm_side_t *const after = &compare->after;
    pvm_prof_table_t *const table = pvm_prof_table_create(
        mode_of(compare) == BACKENDS ? "One program on two backends" : "Before and after", columns,
        sizeof(columns) / sizeof(columns[0]));

    if (table == NULL || !add_notes(compare, table) ||
        !add_pair(table, "file", pvm_prof_run_file_path(before->file),
                  pvm_prof_run_file_path(after->file)) ||
        !add_pair(table, "program", before->program, after->program) ||
        !add_pair(table, "spec", before->spec, after->spec) ||
        !add_pair(table, "backend", before->backend, after->backend)) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    return table;
}

static bool add_figure(pvm_prof_table_t *table, const char *what, int64_t before, int64_t after)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, what);
    pvm_row_int(&row, before);
    pvm_row_int(&row, after);
    pvm_row_int(&row, (int64_t)((uint64_t)after - (uint64_t)before));
    if (before > 0) {
        pvm_row_real(&row, 100.0 * ((double)after - (double)before) / (double)before);
    } else {
        pvm_row_null(&row);
    }
    return !row.failed;
}

static pvm_prof_table_t *make_figures(const pvm_compare_t *compare)
{
    const pvm_prof_reckoning_t *const before = &compare->before.sums;
    const pvm_prof_reckoning_t *const after = &compare->after.sums;
    pvm_prof_table_t *const table = pvm_prof_table_create(
        "Gas", figure_columns, sizeof(figure_columns) / sizeof(figure_columns[0]));
    bool ok = table != NULL && add_figure(table, "used", before->gas_used, after->gas_used);

    if (ok && before->is_counted && after->is_counted) {
        ok = add_figure(table, "in blocks", before->blocks_gas, after->blocks_gas);
    }
    ok = ok && add_figure(table, "in host calls", before->host_gas, after->host_gas);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    return table;
}

/* -- Certainty ------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text);
    const size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/** A figure of an incomplete recording is incomplete, and so is what follows from both. */
static void mark_incomplete(const pvm_compare_t *compare, pvm_prof_table_t *table)
{
    const bool is_before = compare->before.sums.is_incomplete;
    const bool is_after = compare->after.sums.is_incomplete;

    for (size_t i = 0; i < table->column_count; i++) {
        const char *const id = table->columns[i].id;

        if (ends_with(id, "before")  ? is_before
            : ends_with(id, "after") ? is_after
                                     : is_before || is_after) {
            pvm_prof_table_mark(table, i, i + 1, PVM_PROF_INCOMPLETE);
        }
    }
}

/* -- The command ------------------------------------------------------------------------------- */

static pvm_view_status_t put_tables(pvm_compare_t *compare)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(compare->view, PVM_OPTION_FORMAT));
    bool ok = true;

    for (size_t i = 0; i < compare->count; i++) {
        ok = ok && compare->tables[i] != NULL;
        if (ok) {
            mark_incomplete(compare, compare->tables[i]);
        }
    }
    if (!ok || pvm_view_render_document(&render, compare->parts, compare->count) != 0) {
        return pvm_view_fail(compare->view, PVM_VIEW_ENVIRONMENT, "no memory for the comparison");
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t compare_files(pvm_compare_t *compare, pvm_prof_run_file_t *before,
                                       pvm_prof_run_file_t *after)
{
    pvm_prof_status_t status = pvm_side_read(before, &compare->before);
    pvm_view_status_t result;

    if (status == PVM_PROF_OK) {
        status = pvm_side_read(after, &compare->after);
    }
    if (status != PVM_PROF_OK) {
        return pvm_view_fail_profiler(compare->view, status);
    }
    (void)pvm_compare_keep(compare, "recordings", make_summary(compare));
    (void)pvm_compare_keep(compare, "gas", make_figures(compare));
    result =
        mode_of(compare) == BACKENDS ? pvm_compare_backends(compare) : pvm_compare_builds(compare);
    return result == PVM_VIEW_FINE ? put_tables(compare) : result;
}

pvm_view_status_t pvm_command_compare(pvm_view_t *view)
{
    pvm_compare_t compare = {.view = view, .top = (size_t)pvm_view_number(view, PVM_OPTION_TOP)};
    pvm_prof_run_file_t *before = NULL;
    pvm_prof_run_file_t *after = NULL;

    pvm_view_status_t status = pvm_view_open_run(view, view->operands[0], &before);
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_open_run(view, view->operands[1], &after);
    }
    if (status == PVM_VIEW_FINE) {
        status = compare_files(&compare, before, after);
    }
    for (size_t i = 0; i < compare.count; i++) {
        pvm_prof_table_destroy(compare.tables[i]);
    }
    pvm_side_free(&compare.before);
    pvm_side_free(&compare.after);
    pvm_prof_run_file_close(before);
    pvm_prof_run_file_close(after);
    return status;
}
