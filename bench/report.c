/* Tables of the benches, printed by the viewer's renderer. */
#include "bench.h"
#include "viewer/render.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES_MAX 32
/* Wide enough for a column per backend and gas model; a file has no width of its own. */
#define COLUMNS 120

struct bench_report_t {
    bool json;
    bool failed;
    bool begun;
    size_t count;
    pvm_render_part_t parts[TABLES_MAX];
    pvm_prof_table_t *tables[TABLES_MAX];
};

bench_report_t *bench_report_create(bool json)
{
    bench_report_t *const report = calloc(1, sizeof(*report));

    if (report != NULL) {
        report->json = json;
    }
    return report;
}

static int print(const bench_report_t *report, const pvm_render_part_t *parts, size_t count)
{
    pvm_render_t render = pvm_view_render_make(stdout, report->json ? PVM_CHOICE_FORMAT_JSON
                                                                    : PVM_CHOICE_FORMAT_TEXT);

    render.width = COLUMNS;
    const int status = pvm_view_render_document(&render, parts, count);
    return fflush(stdout) == 0 ? status : -1;
}

void bench_report_add(bench_report_t *report, const char *key, pvm_prof_table_t *table)
{
    if (table == NULL || report->count == TABLES_MAX) {
        report->failed = true;
        pvm_prof_table_destroy(table);
        return;
    }
    if (report->json) {
        report->parts[report->count] = (pvm_render_part_t){.key = key, .table = table};
        report->tables[report->count++] = table;
        return;
    }
    if (report->begun) {
        (void)printf("\n");
    }
    report->begun = true;
    report->failed |= print(report, &(pvm_render_part_t){.key = key, .table = table}, 1) != 0;
    pvm_prof_table_destroy(table);
}

int bench_report_finish(bench_report_t *report)
{
    if (report->json && print(report, report->parts, report->count) != 0) {
        report->failed = true;
    }
    for (size_t i = 0; i < report->count; i++) {
        pvm_prof_table_destroy(report->tables[i]);
    }
    const int status = report->failed ? 1 : 0;
    if (status != 0) {
        (void)fprintf(stderr,
                      "pvm-bench: no memory for a table, or its output cannot be written\n");
    }
    free(report);
    return status;
}
