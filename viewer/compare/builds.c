/* Before against after: functions by the gas that they gained or lost, what a call of them costs, host calls. */
#include "viewer/compare/compare.h"

#include "viewer/rows.h"

#include "profiler/baseline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const pvm_prof_column_t function_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas_before", "gas before", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"gas_after", "gas after", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"difference", "difference", "", PVM_PROF_TYPE_GAS_CHANGE, PVM_PROF_EXACT},
    {"alike", "code (%)", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"change", "change", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"was", "was", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
};

/** Of the function itself; arrivals where calls were not followed in both. */
static const pvm_prof_column_t arrival_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"calls_before", "arrivals", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"calls_after", "then", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"gas_per_call_before", "gas each", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"gas_per_call_after", "then", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"ratio", "times", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/** With what it calls, and of the function itself. */
static const pvm_prof_column_t call_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"calls_before", "calls", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"calls_after", "then", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"total_gas_per_call_before", "gas per call", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"total_gas_per_call_after", "then", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"total_ratio", "times", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"gas_per_call_before", "self", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"gas_per_call_after", "then", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"ratio", "times", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/** Columns of calls, which give way in short lines. */
#define CALL_DETAILS UINT64_C(0x6)

static const pvm_prof_column_t host_columns[] = {
    {"name", "host call", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"calls_before", "calls", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"calls_after", "then", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"gas_before", "gas before", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"gas_after", "gas after", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"difference", "difference", "", PVM_PROF_TYPE_GAS_CHANGE, PVM_PROF_EXACT},
};

/* -- Functions ------------------------------------------------------------------------------- */

static int64_t gas_of(const pvm_side_function_t *function)
{
    return function != NULL ? function->gas : 0;
}

static int64_t difference_of(const pvm_side_match_t *match)
{
    return (int64_t)((uint64_t)gas_of(match->after) - (uint64_t)gas_of(match->before));
}

static uint64_t size_of(int64_t difference)
{
    return difference < 0 ? 0 - (uint64_t)difference : (uint64_t)difference;
}

static const char *name_of(const pvm_side_match_t *match)
{
    return match->after != NULL ? match->after->name : match->before->name;
}

static int by_difference(const void *left, const void *right)
{
    const pvm_side_match_t *const a = left;
    const pvm_side_match_t *const b = right;
    const uint64_t one = size_of(difference_of(a));
    const uint64_t other = size_of(difference_of(b));

    return one != other ? (one > other ? -1 : 1) : strcmp(name_of(a), name_of(b));
}

/** Both are called after the place where they stand, which says nothing. */
static bool has_no_name(const pvm_side_match_t *match)
{
    return match->before != NULL && match->after != NULL && !match->before->is_named &&
           !match->after->is_named;
}

/** Same name or none, same code, same gas. */
static bool is_unchanged(const pvm_side_match_t *match)
{
    return (match->kind == PVM_MATCH_NAME || has_no_name(match)) && match->alike >= 1 &&
           difference_of(match) == 0;
}

static const char *change_of(const pvm_side_match_t *match)
{
    switch (match->kind) {
    case PVM_MATCH_ADDED:
        return "added";
    case PVM_MATCH_REMOVED:
        return "removed";
    case PVM_MATCH_CODE:
        return !has_no_name(match) ? "renamed" : match->alike < 1 ? "changed" : "moved";
    default:
        return match->alike < 1 ? "changed" : difference_of(match) != 0 ? "same code" : "same";
    }
}

static void put_gas(pvm_row_t *row, const pvm_side_function_t *function)
{
    if (function != NULL) {
        pvm_row_int(row, function->gas);
    } else {
        pvm_row_null(row);
    }
}

static bool add_function(pvm_prof_table_t *table, const pvm_side_match_t *match)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, name_of(match));
    put_gas(&row, match->before);
    put_gas(&row, match->after);
    pvm_row_int(&row, difference_of(match));
    if (match->before != NULL && match->after != NULL) {
        pvm_row_real(&row, 100 * match->alike);
    } else {
        pvm_row_null(&row);
    }
    pvm_row_text(&row, change_of(match));
    pvm_row_text(&row, match->kind == PVM_MATCH_CODE ? match->before->name : "");
    return !row.failed;
}

static pvm_prof_table_t *functions_table(const pvm_compare_t *compare,
                                         const pvm_side_match_t *matches, size_t count)
{
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Functions that changed", function_columns, COUNT(function_columns));
    size_t changed = 0;
    bool ok = table != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        if (is_unchanged(&matches[i])) {
            continue;
        }
        if (changed++ < compare->top || compare->top == 0) {
            ok = add_function(table, &matches[i]);
        }
    }
    if (ok && changed < count) {
        ok = pvm_prof_table_add_note(table,
                                     "Functions that cost the same and have the same code: %zu.",
                                     count - changed) == 0;
    }
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = changed;
    return table;
}

/* -- Gas for each call ------------------------------------------------------------------------- */

static bool has_calls(const pvm_side_match_t *match)
{
    return match->before != NULL && match->after != NULL && match->before->calls > 0 &&
           match->after->calls > 0;
}

static void put_each(pvm_row_t *row, const pvm_side_match_t *match, int64_t gas_before,
                     int64_t gas_after)
{
    const double before = (double)gas_before / (double)match->before->calls;
    const double after = (double)gas_after / (double)match->after->calls;

    pvm_row_real(row, before);
    pvm_row_real(row, after);
    if (before > 0) {
        pvm_row_real(row, after / before);
    } else {
        pvm_row_null(row);
    }
}

static bool add_call(pvm_prof_table_t *table, const pvm_side_match_t *match, bool is_followed)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, name_of(match));
    pvm_row_int(&row, match->before->calls);
    pvm_row_int(&row, match->after->calls);
    if (is_followed) {
        put_each(&row, match, match->before->total_gas, match->after->total_gas);
    }
    put_each(&row, match, match->before->gas, match->after->gas);
    return !row.failed;
}

/** Of gas in all: a function that did not change can call one that did. */
static int64_t total_difference(const pvm_side_match_t *match)
{
    const int64_t before = match->before != NULL ? match->before->total_gas : 0;
    const int64_t after = match->after != NULL ? match->after->total_gas : 0;

    return (int64_t)((uint64_t)after - (uint64_t)before);
}

static int by_total_difference(const void *left, const void *right)
{
    const uint64_t one = size_of(total_difference(left));
    const uint64_t other = size_of(total_difference(right));

    return one != other ? (one > other ? -1 : 1) : by_difference(left, right);
}

/** Calls are exact only where both recordings followed them; else arrivals on both sides, so that like is held against like. */
static bool are_followed(const pvm_compare_t *compare)
{
    return compare->before.is_followed && compare->after.is_followed;
}

/** Name what was counted, and mark what is less than that. */
static bool describe_calls(const pvm_compare_t *compare, pvm_prof_table_t *table)
{
    const pvm_side_t *const sides[] = {&compare->before, &compare->after};
    int failed = 0;

    if (!are_followed(compare)) {
        return pvm_prof_table_add_note(table, "Arrivals at functions, loops to their begin too; "
                                              "calls need --instrument calls in "
                                              "both recordings.") == 0;
    }
    failed =
        pvm_prof_table_add_note(table, "Calls were followed in both recordings: gas per call with "
                                       "all that the function calls, host calls too; self is "
                                       "the function alone.");
    for (size_t i = 0; i < COUNT(sides); i++) {
        if (sides[i]->deeper_calls != 0) {
            pvm_prof_table_mark(table, 1 + i, 2 + i, PVM_PROF_INCOMPLETE);
            failed |= pvm_prof_table_add_note(
                table, "In the %s recording %" PRId64 " calls are not known by function.",
                i == 0 ? "first" : "second", sides[i]->deeper_calls);
        }
    }
    return failed == 0;
}

/** Sorts the matches anew where calls were followed. */
static pvm_prof_table_t *calls_table(const pvm_compare_t *compare, pvm_side_match_t *matches,
                                     size_t count)
{
    const bool is_followed = are_followed(compare);
    pvm_prof_table_t *const table =
        is_followed ? pvm_prof_table_create("Gas per call", call_columns, COUNT(call_columns))
                    : pvm_prof_table_create("Gas for each arrival at a function", arrival_columns,
                                            COUNT(arrival_columns));
    size_t changed = 0;
    bool ok = table != NULL;

    if (is_followed) {
        qsort(matches, count, sizeof(*matches), by_total_difference);
    }
    for (size_t i = 0; ok && i < count; i++) {
        if (!has_calls(&matches[i]) ||
            (is_unchanged(&matches[i]) && total_difference(&matches[i]) == 0)) {
            continue;
        }
        if (changed++ < compare->top || compare->top == 0) {
            ok = add_call(table, &matches[i], is_followed);
        }
    }
    if (ok && is_followed) {
        table->details = CALL_DETAILS;
    }
    if (ok && table->row_count > 0) {
        ok = describe_calls(compare, table);
    }
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = changed;
    return table;
}

/* -- Host calls -------------------------------------------------------------------------------- */

static void put_calls(pvm_row_t *row, const pvm_baseline_item_t *before,
                      const pvm_baseline_item_t *after)
{
    pvm_row_int(row, before != NULL ? before->count : 0);
    pvm_row_int(row, after != NULL ? after->count : 0);
    pvm_row_int(row, before != NULL ? before->gas : 0);
    pvm_row_int(row, after != NULL ? after->gas : 0);
    pvm_row_int(row, (after != NULL ? after->gas : 0) - (before != NULL ? before->gas : 0));
}

static bool add_host_call(pvm_prof_table_t *table, const char *name,
                          const pvm_baseline_item_t *before, const pvm_baseline_item_t *after)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, name);
    put_calls(&row, before, after);
    return !row.failed;
}

static pvm_prof_table_t *host_table(const pvm_baseline_t *before, const pvm_baseline_t *after)
{
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Host calls", host_columns, COUNT(host_columns));
    bool ok = table != NULL;

    for (size_t i = 0; ok && i < before->count; i++) {
        const pvm_baseline_item_t *const item = &before->items[i];

        if (item->kind == PVM_BASELINE_HOST_CALL) {
            ok = add_host_call(table, item->name, item,
                               pvm_baseline_find(after, item->kind, item->name));
        }
    }
    for (size_t i = 0; ok && i < after->count; i++) {
        const pvm_baseline_item_t *const item = &after->items[i];

        if (item->kind == PVM_BASELINE_HOST_CALL &&
            pvm_baseline_find(before, item->kind, item->name) == NULL) {
            ok = add_host_call(table, item->name, NULL, item);
        }
    }
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    return table;
}

static pvm_prof_status_t add_host_table(pvm_compare_t *compare)
{
    pvm_baseline_t before = {0};
    pvm_baseline_t after = {0};
    pvm_prof_status_t status = pvm_baseline_of_run(compare->before.file, &before);

    if (status == PVM_PROF_OK) {
        status = pvm_baseline_of_run(compare->after.file, &after);
    }
    if (status == PVM_PROF_OK) {
        (void)pvm_compare_keep(compare, "host_calls", host_table(&before, &after));
    }
    pvm_baseline_free(&before);
    pvm_baseline_free(&after);
    return status;
}

pvm_view_status_t pvm_compare_builds(pvm_compare_t *compare)
{
    size_t count = 0;
    pvm_prof_status_t status = pvm_side_read_code(&compare->before);

    if (status == PVM_PROF_OK) {
        status = pvm_side_read_code(&compare->after);
    }
    if (status == PVM_PROF_OK && are_followed(compare)) {
        status = pvm_side_read_calls(&compare->before);
        status = status == PVM_PROF_OK ? pvm_side_read_calls(&compare->after) : status;
    }
    if (status != PVM_PROF_OK) {
        return pvm_view_fail(compare->view,
                             status == PVM_PROF_E_FORMAT ? PVM_VIEW_INPUT : PVM_VIEW_ENVIRONMENT,
                             "%s", pvm_last_error());
    }
    pvm_side_match_t *const matches = pvm_side_match(&compare->before, &compare->after, &count);
    if (matches == NULL) {
        return pvm_view_fail(compare->view, PVM_VIEW_ENVIRONMENT, "no memory to compare functions");
    }
    qsort(matches, count, sizeof(*matches), by_difference);
    (void)pvm_compare_keep(compare, "functions", functions_table(compare, matches, count));
    (void)pvm_compare_keep(compare, "calls", calls_table(compare, matches, count));
    free(matches);
    if ((status = add_host_table(compare)) != PVM_PROF_OK) {
        return pvm_view_fail(compare->view,
                             status == PVM_PROF_E_FORMAT ? PVM_VIEW_INPUT : PVM_VIEW_ENVIRONMENT,
                             "%s", pvm_last_error());
    }
    return PVM_VIEW_FINE;
}
