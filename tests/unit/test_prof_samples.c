/* Sampled time: intervals, whether they hold what they promise, and how samples come into a run file and its reports. */
#include "prof_fixture.h"

#include "profiler/interval.h"
#include "profiler/report.h"
#include "profiler/store.h"
#include "support/signals_held.h"

#include <math.h>
#include <pvm/trace.h>

#define WINDOWS 100
#define GOOD    90
/** In each window, about. */
#define SAMPLES 24
#define HZ      5000
/* Share of the first loop. A cycle of both takes several ticks: were it as long as one, ticks could fall in step with it. */
#define TRUTH 0.3

/* Two loops of the same instructions, each waiting for its own multiplications, so that their time is as their rounds are.
 * r2: how often both. */
#define BODY                                                                                       \
    "mul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\n"                 \
    "mul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\n"                 \
    "add_imm_64 r5, r5, -1\n"
static const char split_text[] = "fallthrough\n"
                                 "again: load_imm r5, 30000\n"
                                 "fallthrough\n"
                                 "a: " BODY "branch_ne_imm r5, 0, @a\n"
                                 "load_imm r5, 70000\n"
                                 "fallthrough\n"
                                 "b: " BODY "branch_ne_imm r5, 0, @b\n"
                                 "add_imm_64 r2, r2, -1\n"
                                 "branch_ne_imm r2, 0, @again\n"
                                 "jump_ind r0, 0\n";

/* -- Intervals ------------------------------------------------------------------------------ */

static void assert_near(double value, double expected)
{
    if (fabs(value - expected) > 0.0001) {
        fail_msg("%g is not %g", value, expected);
    }
}

static void intervals_are_wilsons(void **state)
{
    (void)state;
    const pvm_prof_interval_t half = pvm_prof_interval(50, 100);
    const pvm_prof_interval_t few = pvm_prof_interval(1, 10);
    const pvm_prof_interval_t none = pvm_prof_interval(0, 20);
    const pvm_prof_interval_t all = pvm_prof_interval(20, 20);

    assert_near(half.low, 0.4038);
    assert_near(half.high, 0.5962);
    assert_near(few.low, 0.0179);
    assert_near(few.high, 0.4042);
    assert_near(none.low, 0);
    assert_near(none.high, 0.1611);
    assert_near(all.low, 0.8389);
    assert_near(all.high, 1);
}

static void counts_that_make_no_sense_have_intervals_too(void **state)
{
    (void)state;
    assert_near(pvm_prof_interval(3, 0).high, 1);
    assert_near(pvm_prof_interval(-3, 10).low, 0);
    assert_near(pvm_prof_interval(30, 10).high, 1);
    assert_near(pvm_prof_interval(INT64_MAX, INT64_MIN).low, 0);
}

/* -- The truth ------------------------------------------------------------------------------ */

static void run_window(pvm_vm_t *vm, uint64_t cycles)
{
    pvm_set_gas(vm, INT64_MAX);
    pvm_set_register(vm, 0, UINT64_C(0xffff0000));
    pvm_set_register(vm, 2, cycles);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
}

/* Of all samples at places, those in the first loop. */
static void look(pvm_vm_t *vm, int64_t *out_in_a, int64_t *out_all)
{
    const pvm_program_t *const program = pvm_get_program(vm);
    pvm_sample_t places[64];
    const size_t count = pvm_get_samples(vm, places, 64);

    assert_true(count <= 64);
    *out_in_a = *out_all = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t block = pvm_program_block_at(program, places[i].pc);
        *out_in_a += block == 2 ? (int64_t)places[i].count : 0;
        *out_all += (int64_t)places[i].count;
    }
}

/* One long run is cut into windows; each is a sampling of its own, with its own interval. */
static void test_truth(pvm_backend_t backend, uint32_t flags)
{
    pvm_program_t *const program = prof_program(split_text, PVM_SPEC_0_8_0);
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, 0);
    int good = 0;
    int64_t samples = 0;
    int64_t in_first = 0;

    if (vm == NULL) {
        pvm_program_release(program);
        return;
    }
    assert_int_equal(pvm_set_sample_rate(vm, HZ), 0);
    assert_int_equal(pvm_set_instrumentation(vm, flags | PVM_INSTRUMENT_SAMPLES), 0);
    /* As many as it takes, whatever the machine, its load and the build. */
    uint64_t cycles = 1;
    int64_t found;
    for (found = 0; found < SAMPLES && cycles < 256; cycles *= 2) {
        int64_t unused;
        assert_int_equal(pvm_clear_samples(vm), 0);
        run_window(vm, 2 * cycles);
        look(vm, &unused, &found);
    }
    for (int i = 0; i < WINDOWS; i++) {
        int64_t in_a;
        int64_t all;
        assert_int_equal(pvm_clear_samples(vm), 0);
        run_window(vm, cycles);
        look(vm, &in_a, &all);
        const pvm_prof_interval_t interval = pvm_prof_interval(in_a, all);
        good += interval.low <= TRUTH && TRUTH <= interval.high;
        samples += all;
        in_first += in_a;
    }
    const double share = (double)in_first / (double)samples;
    print_message(
        "backend %d, flags %u: %d of %d intervals hold the truth; all %lld samples: %.3f\n",
        (int)backend, flags, good, WINDOWS, (long long)samples, share);
    assert_true(samples >= SAMPLES / 4 * WINDOWS);
    assert_true(good >= GOOD);
    assert_true(fabs(share - TRUTH) < 0.05);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void the_truth_lies_in_the_interval(void **state)
{
    (void)state;
    test_truth(PVM_BACKEND_INTERPRETER, 0);
    test_truth(PVM_BACKEND_RECOMPILER, 0);
    test_truth(PVM_BACKEND_RECOMPILER, PVM_INSTRUMENT_EDGES);
    test_truth(PVM_BACKEND_RECOMPILER, PVM_INSTRUMENT_CALLS);
}

/* -- The run file --------------------------------------------------------------------------- */

static pvm_host_result_t take_20_ms(pvm_vm_t *vm, int func_id, void *user_data)
{
    const uint64_t end_ns = pvm_prof_now_ns() + UINT64_C(20000000);

    (void)vm;
    (void)func_id;
    (void)user_data;
    while (pvm_prof_now_ns() < end_ns) {
    }
    return PVM_HOST_CONTINUE;
}

/* Guest code and four host calls, in two executions. */
static void record_run(const char *path, uint32_t instrument)
{
    static const char text[] = "ecalli 1\n"
                               "fallthrough\n"
                               "loop: " BODY "branch_ne_imm r5, 0, @loop\n"
                               "ecalli 1\n"
                               "jump_ind r0, 0\n";
    const pvm_prof_recorder_options_t options = {.size = sizeof(options),
                                                 .instrument = instrument,
                                                 .program_name = "test",
                                                 .sample_hz = 2000};
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_8_0);
    prof_recording_t recording = {0};

    assert_int_equal(pvm_prof_run_file_create(path, &recording.file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_recorder_create(recording.file, &options, &recording.recorder),
                     PVM_PROF_OK);
    pvm_vm_t *const vm = prof_attach(&recording, program, 7, 1);
    pvm_set_host_callback(vm, take_20_ms, NULL);
    for (int i = 0; i < 2; i++) {
        pvm_set_gas(vm, INT64_MAX);
        pvm_set_register(vm, 0, UINT64_C(0xffff0000));
        pvm_set_register(vm, 5, 1000000);
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    }
    pvm_destroy(vm);
    prof_finish(&recording);
    pvm_program_release(program);
}

static int64_t ask_number(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *const row = prof_ask(&db, path, sql);
    const int64_t number = sqlite3_column_int64(row, 0);

    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}

static pvm_prof_table_t *ask_report(const char *path, pvm_prof_report_kind_t kind)
{
    const pvm_prof_report_options_t options = {.size = sizeof(options)};
    pvm_prof_run_file_t *file;
    pvm_prof_table_t *table = NULL;

    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_report(file, kind, &options, &table), PVM_PROF_OK);
    pvm_prof_run_file_close(file);
    return table;
}

/* Place of a column, or column_count. */
static size_t find(const pvm_prof_table_t *table, const char *id)
{
    size_t i = 0;

    while (i < table->column_count && strcmp(table->columns[i].id, id) != 0) {
        i++;
    }
    return i;
}

static const pvm_prof_value_t *value(const pvm_prof_table_t *table, size_t row, const char *id)
{
    const size_t column = find(table, id);

    assert_true(column < table->column_count);
    return pvm_prof_table_value(table, row, column);
}

static int64_t sum_of(const pvm_prof_table_t *table, const char *id)
{
    int64_t sum = 0;

    for (size_t row = 0; row < table->row_count; row++) {
        sum += value(table, row, id)->integer;
    }
    return sum;
}

static void samples_reach_the_run_file(void **state)
{
    const prof_place_t *const place = *state;

    record_run(place->path, PVM_PROF_COUNTS | PVM_PROF_SAMPLES);
    const int64_t samples = ask_number(place->path, "SELECT sum(samples) FROM sample_total");
    const int64_t guest_ns = ask_number(place->path, "SELECT sum(duration_ns) FROM sample_total");
    const int64_t duration_ns = ask_number(place->path, "SELECT duration_ns FROM total");
    assert_true(samples > 0);
    assert_int_equal(ask_number(place->path, "SELECT sum(samples) FROM sample"), samples);
    assert_int_equal(ask_number(place->path, "SELECT max(hz) FROM sample_total"), 2000);
    assert_int_equal(ask_number(place->path, "SELECT count(*) FROM lost_events"), 0);
    /* Four host calls of 20 ms are not guest time. */
    assert_true(guest_ns > 0 && guest_ns < duration_ns - 75000000);
    assert_true(ask_number(place->path, "SELECT count(*) FROM sample WHERE function IS NOT NULL "
                                        "AND block_pc >= 0 AND block_pc <= pc") > 0);
}

static void reports_show_sampled_time_and_say_so(void **state)
{
    const prof_place_t *const place = *state;

    record_run(place->path, PVM_PROF_COUNTS | PVM_PROF_SAMPLES);
    pvm_prof_table_t *const table = ask_report(place->path, PVM_PROF_REPORT_FUNCTION);
    const int64_t samples = ask_number(place->path, "SELECT sum(samples) FROM sample_total");
    const int64_t guest_ns = ask_number(place->path, "SELECT sum(duration_ns) FROM sample_total");

    assert_int_equal(sum_of(table, "samples"), samples);
    /* Each row is rounded. */
    assert_true(llabs(sum_of(table, "time_ns") - guest_ns) <= (long long)table->row_count);
    assert_int_equal(table->columns[find(table, "samples")].certainty, PVM_PROF_EXACT);
    assert_int_equal(table->columns[find(table, "time_share")].certainty, PVM_PROF_SAMPLED);
    assert_int_equal(table->columns[find(table, "time_ns")].certainty, PVM_PROF_SAMPLED);
    for (size_t row = 0; row < table->row_count; row++) {
        const double low = value(table, row, "time_share_low")->real;
        const double share = value(table, row, "time_share")->real;
        const double high = value(table, row, "time_share_high")->real;
        assert_true(0 <= low && low <= share && share <= high && high <= 100);
    }
    assert_int_equal(table->note_count, 1);
    assert_non_null(strstr(table->notes[0], "at 2000 Hz"));
    pvm_prof_table_destroy(table);
}

static void time_is_reported_without_counts_too(void **state)
{
    const prof_place_t *const place = *state;

    record_run(place->path, PVM_PROF_SAMPLES);
    pvm_prof_table_t *const blocks = ask_report(place->path, PVM_PROF_REPORT_BLOCK);
    pvm_prof_table_t *const functions = ask_report(place->path, PVM_PROF_REPORT_FUNCTION);
    assert_true(blocks->row_count > 0);
    assert_true(sum_of(blocks, "samples") > 0);
    assert_true(value(blocks, 0, "gas")->is_null);
    assert_true(sum_of(functions, "samples") >= sum_of(blocks, "samples"));
    pvm_prof_table_destroy(functions);
    pvm_prof_table_destroy(blocks);
}

static void without_samples_there_are_no_columns_for_them(void **state)
{
    const prof_place_t *const place = *state;

    record_run(place->path, PVM_PROF_COUNTS);
    pvm_prof_table_t *const table = ask_report(place->path, PVM_PROF_REPORT_FUNCTION);
    assert_int_equal(find(table, "samples"), table->column_count);
    assert_int_equal(find(table, "time_ns"), table->column_count);
    assert_int_equal(table->note_count, 0);
    pvm_prof_table_destroy(table);
}

static void samples_that_do_not_reconcile_are_refused(void **state)
{
    const prof_place_t *const place = *state;
    sqlite3 *db;

    record_run(place->path, PVM_PROF_COUNTS | PVM_PROF_SAMPLES);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE sample_total SET samples = samples + 3", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    pvm_prof_table_t *const table = ask_report(place->path, PVM_PROF_REPORT_BLOCK);
    assert_int_equal(find(table, "time_ns"), table->column_count);
    assert_int_equal(table->note_count, 1);
    assert_non_null(strstr(table->notes[0], "3 more in total"));
    pvm_prof_table_destroy(table);
}

#define WITH_PLACE(body) cmocka_unit_test_setup_teardown(body, prof_place_create, prof_place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_are_wilsons),
        cmocka_unit_test(counts_that_make_no_sense_have_intervals_too),
#ifndef TEST_HOLDS_SIGNALS
        cmocka_unit_test(the_truth_lies_in_the_interval),
        WITH_PLACE(samples_reach_the_run_file),
        WITH_PLACE(reports_show_sampled_time_and_say_so),
        WITH_PLACE(time_is_reported_without_counts_too),
        WITH_PLACE(samples_that_do_not_reconcile_are_refused),
#endif
        WITH_PLACE(without_samples_there_are_no_columns_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
