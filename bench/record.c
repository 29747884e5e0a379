/* Recording host calls: rows a second through the recorder, and by a bare insert of the same rows, in turn in one process. The
 * recorder's time has everything in it: the guest, the host, the event, the sums. */
#include "bench.h"
#include "host_calls.h"

#include "profiler/recorder.h"
#include "profiler/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Rows of one measurement, and measurements of each kind. */
#define ROWS  400000
#define TIMES 5
/** Of table host_call. */
#define COLUMNS 23
/** Gas of a call of this guest, and a little more. */
#define GAS_OF_CALL 26
/** Bars: millions of rows a second, and of the bare insert's speed. */
#define BAR_MILLIONS 0.5
#define BAR_RATIO    0.8

static const pvm_prof_column_t columns[] = {
    BENCH_TEXT("what", "what"),
    BENCH_REAL("millions_per_s", "million rows/s", ""),
    BENCH_REAL("ns_per_row", "ns/row", ""),
    BENCH_REAL("of_bare", "of the bare insert", ""),
    BENCH_REAL("spread", "spread", ""),
    BENCH_REAL("bar", "bar", ""),
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "record: %s: %s\n", what, pvm_last_error());
}

/** @return seconds; negative if it failed */
static double record(const char *path)
{
    const pvm_prof_recorder_options_t options = {.size = sizeof(options),
                                                 .instrument = PVM_PROF_HOST_CALLS};
    pvm_program_t *const program = bench_calls_program();
    pvm_vm_t *const vm =
        pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, (uint64_t)ROWS * GAS_OF_CALL);
    pvm_prof_run_file_t *file = NULL;
    pvm_prof_recorder_t *recorder = NULL;
    uint64_t calls = 0;
    double seconds = -1;

    if (vm != NULL && pvm_prof_run_file_create(path, &file) == PVM_PROF_OK &&
        pvm_prof_recorder_create(file, &options, &recorder) == PVM_PROF_OK &&
        pvm_prof_recorder_attach(recorder, vm, NULL) == PVM_PROF_OK) {
        pvm_set_host_callback(vm, bench_calls_answer, &calls);
        const uint64_t began_ns = bench_now_ns();
        (void)pvm_execute(vm, 0);
        if (pvm_prof_recorder_finish(recorder, PVM_PROF_RUN_COMPLETE) == PVM_PROF_OK) {
            seconds = (double)(bench_now_ns() - began_ns) / 1e9 * ROWS / (double)calls;
        }
    }
    if (seconds < 0) {
        fail(path);
    }
    pvm_destroy(vm);
    pvm_prof_recorder_destroy(recorder);
    pvm_prof_run_file_close(file);
    pvm_program_release(program);
    return seconds;
}

static int insert_rows(sqlite3 *db)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        db,
        "INSERT INTO host_call VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
        "?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
        -1, &row, NULL);

    for (int64_t i = 0; i < ROWS && code == SQLITE_OK; i++) {
        if (i % PVM_PROF_BATCH_ROWS == 0) {
            code = sqlite3_exec(db, i == 0 ? "BEGIN" : "COMMIT; BEGIN", NULL, NULL, NULL);
        }
        const int64_t gas = (int64_t)ROWS * GAS_OF_CALL - i * GAS_OF_CALL;
        const int64_t values[COLUMNS] = {
            i, 1, 1, i % 8 * 2, 1, 4000000 + 300 * i, 30, gas, gas, i + 1, 0, 0, 0, 0, 0, 0, 0, i};

        for (int v = 0; v < COLUMNS; v++) {
            (void)sqlite3_bind_int64(row, v + 1, values[v]);
        }
        code = code == SQLITE_OK && sqlite3_step(row) == SQLITE_DONE ? sqlite3_reset(row)
                                                                     : SQLITE_ERROR;
    }
    sqlite3_finalize(row);
    return code == SQLITE_OK ? sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) : code;
}

/** The same rows into the same table of a file with the same settings. */
static double insert(const char *path)
{
    pvm_prof_run_file_t *file = NULL;
    double seconds = -1;

    if (pvm_prof_run_file_create(path, &file) == PVM_PROF_OK) {
        pvm_prof_store_commit(file);
        (void)sqlite3_exec(file->db, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL);
        const uint64_t began_ns = bench_now_ns();
        if (insert_rows(file->db) == SQLITE_OK) {
            seconds = (double)(bench_now_ns() - began_ns) / 1e9;
        } else {
            (void)fprintf(stderr, "record: %s: %s\n", path, sqlite3_errmsg(file->db));
        }
    }
    pvm_prof_run_file_close(file);
    return seconds;
}

static void add(pvm_prof_table_t *table, const char *what, const bench_sample_t *times,
                const bench_sample_t *bare, double bar)
{
    pvm_row_t row = pvm_row_add(table);
    const double seconds = bench_median(times);

    pvm_row_text(&row, what);
    pvm_row_real(&row, ROWS / seconds / 1e6);
    pvm_row_real(&row, seconds * 1e9 / ROWS);
    pvm_row_real(&row, bench_median_ratio(bare, times));
    pvm_row_real(&row, bench_spread(times));
    pvm_row_real(&row, bar);
}

int bench_record(const bench_options_t *options, bench_report_t *report)
{
    char folder[] = "/tmp/pvm-bench-XXXXXX";
    char path[64];
    bench_sample_t recorded = {0};
    bench_sample_t inserted = {0};
    int status = 0;

    (void)options;
    if (mkdtemp(folder) == NULL) {
        (void)fprintf(stderr, "record: no folder in /tmp\n");
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/run.db", folder);
    for (int i = 0; i < TIMES && status == 0; i++) {
        const double bare = insert(path);
        (void)unlink(path);
        const double all = record(path);
        (void)unlink(path);
        status = bare < 0 || all < 0;
        bench_add(&inserted, bare);
        bench_add(&recorded, all);
    }
    (void)rmdir(folder);
    if (status != 0) {
        return 1;
    }
    pvm_prof_table_t *const table = pvm_prof_table_create("Recording host calls", columns,
                                                          sizeof(columns) / sizeof(columns[0]));
    if (table != NULL) {
        add(table, "bare insert of the rows", &inserted, &inserted, 0);
        add(table, "recorded, from guest to file", &recorded, &inserted, BAR_RATIO);
        (void)pvm_prof_table_add_note(table,
                                      "Bars: %.1f million rows a second, and %.1f of the bare "
                                      "insert.",
                                      BAR_MILLIONS, BAR_RATIO);
    }
    bench_report_add(report, "record", table);
    return 0;
}
