/* pvmscope check: has the gas grown since the baseline? For continuous integration: the exit code is the answer. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/output.h"
#include "viewer/render.h"
#include "viewer/rows.h"
#include "viewer/run_set.h"

#include "profiler/baseline.h"
#include "profiler/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** What became of a figure; those that make the answer no come first, and in the table, too. */
typedef enum { ENDED_OTHERWISE, GREW, NEW, GONE, WITHIN, SHRANK, SAME } verdict_t;

static const char *const verdict_names[] = {
    [ENDED_OTHERWISE] = "differs", [GREW] = "grew",     [NEW] = "new",   [GONE] = "gone",
    [WITHIN] = "within",           [SHRANK] = "shrank", [SAME] = "same",
};

typedef struct {
    const pvm_baseline_item_t *before; /**< NULL: there was none */
    const pvm_baseline_item_t *after;  /**< NULL: there is none */
    verdict_t verdict;
} change_t;

static const pvm_prof_column_t columns[] = {
    {"verdict", "verdict", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"what", "what", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"name", "name", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"baseline", "baseline", "", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"now", "now", "", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"difference", "difference", "", PVM_PROF_TYPE_GAS_CHANGE, PVM_PROF_EXACT},
    {"increase", "%", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/** "2%", "2", "0.5%". @return false: not understood */
static bool read_percent(const char *text, double *out)
{
    char *end = NULL;
    const double percent = strtod(text, &end);

    if (end == text || (strcmp(end, "%") != 0 && *end != '\0') || !(percent >= 0) ||
        percent > 1e9) {
        return false;
    }
    *out = percent;
    return true;
}

/* -- Reading --------------------------------------------------------------------------------- */

static bool is_run_file(FILE *in)
{
    char head[sizeof("SQLite format 3")];
    const bool is_run = fread(head, 1, sizeof(head), in) == sizeof(head) &&
                        memcmp(head, "SQLite format 3", sizeof(head)) == 0;

    rewind(in);
    return is_run;
}

static pvm_view_status_t read_run(pvm_view_t *view, const char *path, pvm_baseline_t *out)
{
    pvm_prof_run_file_t *file = NULL;
    pvm_view_status_t status = pvm_view_open_run(view, path, &file);

    if (status == PVM_VIEW_FINE) {
        const pvm_prof_status_t read = pvm_baseline_of_run(file, out);

        status = read == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(view, read);
    }
    pvm_prof_run_file_close(file);
    return status;
}

static pvm_view_status_t read_baseline(pvm_view_t *view, const char *path, pvm_baseline_t *out)
{
    struct stat info;
    pvm_view_status_t status = PVM_VIEW_FINE;

    if (stat(path, &info) != 0) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s; make it with --write-baseline", path,
                             strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: is no regular file; give a baseline", path);
    }
    FILE *const in = fopen(path, "r");
    if (in == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: cannot read it: %s", path,
                             strerror(errno));
    }
    if (is_run_file(in)) {
        status = read_run(view, path, out);
    } else {
        const pvm_prof_status_t read = pvm_baseline_read(in, path, out);

        status = read == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(view, read);
    }
    (void)fclose(in);
    if (status == PVM_VIEW_FINE && out->is_incomplete) {
        status =
            pvm_view_fail(view, PVM_VIEW_INPUT,
                          "%s: incomplete, so its figures are lower bounds; record again", path);
    }
    return status;
}

/* -- Comparing ------------------------------------------------------------------------------- */

static double increase_of(int64_t before, int64_t after)
{
    return 100.0 * ((double)after - (double)before) / (double)before;
}

static int64_t figure_of(const pvm_baseline_item_t *item)
{
    return item->kind == PVM_BASELINE_RESULT ? item->count : item->gas;
}

static verdict_t judge(const change_t *change, double max_increase)
{
    const pvm_baseline_kind_t kind =
        change->before != NULL ? change->before->kind : change->after->kind;

    if (kind == PVM_BASELINE_RESULT) {
        return change->before != NULL && change->after != NULL &&
                       change->before->count == change->after->count
                   ? SAME
                   : ENDED_OTHERWISE;
    }
    if (change->before == NULL || change->after == NULL) {
        return change->before == NULL ? NEW : GONE;
    }
    const int64_t before = change->before->gas;
    const int64_t after = change->after->gas;
    if (after <= before) {
        return after == before ? SAME : SHRANK;
    }
    return before <= 0 || increase_of(before, after) > max_increase ? GREW : WITHIN;
}

static int by_verdict(const void *left, const void *right)
{
    const change_t *const a = left;
    const change_t *const b = right;

    if (a->verdict != b->verdict) {
        return a->verdict < b->verdict ? -1 : 1;
    }
    const pvm_baseline_item_t *const one = a->before != NULL ? a->before : a->after;
    const pvm_baseline_item_t *const other = b->before != NULL ? b->before : b->after;
    if (one->kind != other->kind) {
        return one->kind < other->kind ? -1 : 1;
    }
    const int64_t less = figure_of(one);
    const int64_t more = figure_of(other);
    return less != more ? (less > more ? -1 : 1) : strcmp(one->name, other->name);
}

/** All of both sides. @return how many, or SIZE_MAX without memory */
static size_t list_changes(const pvm_baseline_t *before, const pvm_baseline_t *after,
                           double max_increase, change_t **out)
{
    change_t *const changes = calloc(before->count + after->count + 1, sizeof(*changes));
    size_t count = 0;

    *out = changes;
    if (changes == NULL) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < before->count; i++) {
        const pvm_baseline_item_t *const item = &before->items[i];

        changes[count++] =
            (change_t){.before = item, .after = pvm_baseline_find(after, item->kind, item->name)};
    }
    for (size_t i = 0; i < after->count; i++) {
        const pvm_baseline_item_t *const item = &after->items[i];

        if (pvm_baseline_find(before, item->kind, item->name) == NULL) {
            changes[count++] = (change_t){.after = item};
        }
    }
    for (size_t i = 0; i < count; i++) {
        changes[i].verdict = judge(&changes[i], max_increase);
    }
    qsort(changes, count, sizeof(*changes), by_verdict);
    return count;
}

/* -- Showing --------------------------------------------------------------------------------- */

static void put_figure(pvm_row_t *row, const pvm_baseline_item_t *item)
{
    if (item != NULL) {
        pvm_row_int(row, figure_of(item));
    } else {
        pvm_row_null(row);
    }
}

static bool add_row(pvm_prof_table_t *table, const change_t *change)
{
    const pvm_baseline_item_t *const item = change->before != NULL ? change->before : change->after;
    const int64_t before = change->before != NULL ? figure_of(change->before) : 0;
    const int64_t after = change->after != NULL ? figure_of(change->after) : 0;
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, verdict_names[change->verdict]);
    pvm_row_text(&row, pvm_baseline_word(item->kind));
    pvm_row_text(&row, item->name);
    put_figure(&row, change->before);
    put_figure(&row, change->after);
    pvm_row_int(&row, after - before);
    if (before > 0 && change->after != NULL) {
        pvm_row_real(&row, increase_of(before, after));
    } else {
        pvm_row_null(&row);
    }
    return !row.failed;
}

/** What changed, and the total always. */
static bool is_shown(const change_t *change)
{
    const pvm_baseline_item_t *const item = change->before != NULL ? change->before : change->after;

    return change->verdict != SAME || item->kind == PVM_BASELINE_TOTAL;
}

static pvm_prof_table_t *make_table(const change_t *changes, size_t count, size_t top,
                                    const pvm_baseline_t *after, double max_increase,
                                    const pvm_run_set_t *set)
{
    char title[96];
    size_t grown = 0;
    size_t shown = 0;
    size_t all = 0;

    for (size_t i = 0; i < count; i++) {
        grown += changes[i].verdict <= GREW;
    }
    (void)snprintf(title, sizeof(title), "%s: %zu above the baseline and %g %%",
                   grown > 0 ? "No" : "Fine", grown, max_increase);
    pvm_prof_table_t *const table =
        pvm_prof_table_create(title, columns, sizeof(columns) / sizeof(columns[0]));
    bool ok = table != NULL && pvm_view_run_set_note(set, table) == 0;
    if (ok && pvm_baseline_find(after, PVM_BASELINE_BLOCKS, "") == NULL) {
        ok = pvm_prof_table_add_note(table,
                                     "Blocks were not counted: functions are not checked.") == 0;
    }
    for (size_t i = 0; ok && i < count; i++) {
        if (is_shown(&changes[i])) {
            all++;
            /* What makes the answer no is never cut. */
            if (top == 0 || shown < top || changes[i].verdict <= GREW) {
                ok = add_row(table, &changes[i]);
                shown++;
            }
        }
    }
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = all;
    return table;
}

static pvm_view_status_t compare(pvm_view_t *view, const pvm_baseline_t *before,
                                 const pvm_baseline_t *after, double max_increase,
                                 const pvm_run_set_t *set)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    change_t *changes = NULL;
    const size_t count = list_changes(before, after, max_increase, &changes);
    pvm_prof_table_t *const table =
        count == SIZE_MAX
            ? NULL
            : make_table(changes, count, (size_t)pvm_view_number(view, PVM_OPTION_TOP), after,
                         max_increase, set);
    const bool has_grown = count != SIZE_MAX && count > 0 && changes[0].verdict <= GREW;
    const int rendered = table == NULL ? -1 : pvm_view_render_table(&render, "changes", table);

    pvm_prof_table_destroy(table);
    free(changes);
    if (rendered != 0) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the comparison");
    }
    return has_grown ? PVM_VIEW_NO : PVM_VIEW_FINE;
}

/* -- The command ------------------------------------------------------------------------------- */

static pvm_view_status_t write_baseline(pvm_view_t *view, const char *path,
                                        const pvm_baseline_t *baseline)
{
    pvm_output_t output;
    const pvm_view_status_t status = pvm_view_output_begin(view, path, PVM_OUTPUT_DERIVED, &output);

    if (status != PVM_VIEW_FINE) {
        return status;
    }
    pvm_baseline_write(baseline, output.stream);
    return pvm_view_output_end(view, &output, PVM_VIEW_FINE);
}

/** The runs of the command line, which must be whole. */
static pvm_view_status_t read_runs(pvm_view_t *view, pvm_run_set_t *set, pvm_baseline_t *out)
{
    pvm_prof_run_file_t *file = NULL;
    pvm_view_status_t status = pvm_view_run_set(view, view->operands, view->operand_count, set);

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_run_set_open(view, set, &file);
    }
    if (status == PVM_VIEW_FINE) {
        const pvm_prof_status_t read = pvm_baseline_of_run(file, out);

        status = read == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(view, read);
    }
    if (status == PVM_VIEW_FINE && out->is_incomplete) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT,
                               "%s: incomplete, so its figures are lower bounds; record again",
                               view->operands[0]);
    }
    pvm_prof_run_file_close(file);
    return status;
}

pvm_view_status_t pvm_command_check(pvm_view_t *view)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_BASELINE);
    double max_increase = 0;
    pvm_run_set_t set = {0};
    pvm_baseline_t before = {0};
    pvm_baseline_t after = {0};

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             pvm_view_has(view, PVM_OPTION_WRITE_BASELINE)
                                 ? "check: which file to write? give --baseline FILE, too"
                                 : "check: against what? give --baseline FILE");
    }
    if (!read_percent(pvm_view_text(view, PVM_OPTION_MAX_INCREASE), &max_increase)) {
        return pvm_view_fail(
            view, PVM_VIEW_USAGE,
            "check: --max-increase %s: not understood; give a percentage such as 2%%",
            pvm_view_text(view, PVM_OPTION_MAX_INCREASE));
    }
    pvm_view_status_t status = read_runs(view, &set, &after);
    if (status == PVM_VIEW_FINE && pvm_view_has(view, PVM_OPTION_WRITE_BASELINE)) {
        status = write_baseline(view, path, &after);
    } else if (status == PVM_VIEW_FINE) {
        status = read_baseline(view, path, &before);
        if (status == PVM_VIEW_FINE && strcmp(before.spec, after.spec) != 0) {
            status = pvm_view_fail(
                view, PVM_VIEW_INPUT,
                "%s: of spec %s, the run is of %s; record under the same, or see recost", path,
                before.spec, after.spec);
        }
        if (status == PVM_VIEW_FINE &&
            pvm_baseline_find(&before, PVM_BASELINE_BLOCKS, "") != NULL &&
            pvm_baseline_find(&after, PVM_BASELINE_BLOCKS, "") == NULL) {
            status = pvm_view_fail(view, PVM_VIEW_INPUT,
                                   "%s: its blocks were not counted, those of the baseline were; "
                                   "record with --instrument counts",
                                   view->operands[0]);
        }
        if (status == PVM_VIEW_FINE) {
            status = compare(view, &before, &after, max_increase, &set);
        }
    }
    pvm_baseline_free(&before);
    pvm_baseline_free(&after);
    pvm_view_run_set_free(&set);
    return status;
}
