/* PVM_TRACE_INSTRUMENT: what the environment asks of the machines of a process that records itself. A process reads it once, so
 * each test has one of its own. */
#include "prof_fixture.h"

#include "support/signals_held.h"

#include <sys/wait.h>

/* A function that takes some tenths of a second, called once, with a host call in it. */
static const char text[] = ".jump_table @back\n"
                           "load_imm r2, 40000000\n"
                           "load_imm_jump r0, 2, @work\n"
                           "back: load_imm r0, -65536\n"
                           "jump_ind r0, 0\n"
                           "work: ecalli 1\n"
                           "fallthrough\n"
                           "again: mul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\n"
                           "add_imm_64 r2, r2, -1\n"
                           "branch_ne_imm r2, 0, @again\n"
                           "jump_ind r0, 0\n";

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm, (void)func_id, (void)user_data;
    return PVM_HOST_CONTINUE;
}

/* Two machines: an embedder that chooses nothing, and one that chooses something else. @return 0: all went well */
static int record(const char *path)
{
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_8_0);
    int status = pvm_trace_record(path);

    for (uint32_t i = 0; i < 2 && status == 0; i++) {
        pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, i, UINT64_C(1) << 40);

        pvm_set_host_callback(vm, host, NULL);
        status |= i == 1 ? pvm_set_instrumentation(vm, PVM_INSTRUMENT_COUNTS) : 0;
        status |= pvm_execute(vm, 0) == PVM_RESULT_OK ? 0 : -1;
        pvm_destroy(vm);
    }
    status |= pvm_trace_record_end();
    pvm_program_release(program);
    return status;
}

/* @return the status of a child with this environment */
static int record_in_child(const char *path, const char *asked)
{
    int status = -1;
    const pid_t child = fork();

    if (child == 0) {
        setenv("PVM_TRACE_INSTRUMENT", asked, 1);
        _exit(record(path) == 0 ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void samples_and_calls_are_taken_of_all_machines(void **state)
{
    const prof_place_t *const place = *state;

#ifdef TEST_HOLDS_SIGNALS
    skip();
#endif
    assert_int_equal(record_in_child(place->path, "samples=999,calls,"), 0);
    assert_string_equal(
        prof_text(place->path, "SELECT value FROM run_info WHERE key IN ('status', 'sum_rule')"),
        "complete holds");
    assert_int_equal(
        prof_integer(place->path,
                     "SELECT count(*) FROM sample_total WHERE hz = 999 AND samples > 0"),
        2);
    assert_int_equal(prof_integer(place->path, "SELECT sum(samples) FROM sample_total"),
                     prof_integer(place->path, "SELECT sum(samples) FROM sample"));
    assert_int_equal(
        prof_integer(
            place->path,
            "SELECT count(*) FROM sample_total WHERE duration_ns BETWEEN 1 AND 100000000000"),
        2);
    assert_int_equal(
        prof_integer(place->path, "SELECT sum(calls) FROM call_node WHERE kind = 'call'"), 2);
    assert_int_equal(
        prof_integer(place->path, "SELECT sum(gas + host_gas + deeper_gas) FROM call_node"),
        prof_integer(place->path, "SELECT gas_used FROM gas_summary"));
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM lost_events"), 0);
    assert_in_range(prof_integer(place->path, "SELECT sum(samples) FROM call_sample"), 1,
                    prof_integer(place->path, "SELECT sum(samples) FROM sample"));
}

static void nothing_is_taken_that_was_not_asked(void **state)
{
    const prof_place_t *const place = *state;

    assert_int_equal(record_in_child(place->path, ""), 0);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM sample_total"), 0);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM call_node"), 0);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM host_call"), 2);
}

static void words_that_are_none_are_refused(void **state)
{
    const prof_place_t *const place = *state;
    static const char *const wrong[] = {"sample",         "samples=",      "samples=0",
                                        "samples=999999", "samples=9x",    "calls=1",
                                        "samples,,calls", "calls;samples", "samples=4294967297"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(record_in_child(place->path, wrong[i]), 1);
    }
    assert_int_equal(access(place->path, F_OK), -1);
    setenv("PVM_TRACE_INSTRUMENT", "calls,when", 1);
    assert_int_equal(pvm_trace_record(place->path), -1);
    assert_non_null(strstr(pvm_last_error(), "PVM_TRACE_INSTRUMENT: `when` is no word of it"));
    unsetenv("PVM_TRACE_INSTRUMENT");
}

/* A process whose embedder knows nothing of recording. @return its standard error, which it is to end with success */
static const char *told_by_child(const char *trace, const char *asked, const char *filter)
{
    static char told[1024];
    int ends[2];
    size_t len = 0;
    ssize_t got;
    int status = -1;

    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        setenv("PVM_TRACE", trace, 1);
        setenv("PVM_TRACE_INSTRUMENT", asked, 1);
        setenv("PVM_TRACE_FILTER", filter, 1);
        (void)dup2(ends[1], STDERR_FILENO);
        pvm_program_t *const program = prof_program(text, PVM_SPEC_0_8_0);
        pvm_program_t *const other = prof_program(text, PVM_SPEC_0_8_0);
        pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, 0, 1000);
        const pvm_result_t result = pvm_execute(vm, 0);

        pvm_destroy(vm);
        pvm_program_release(other);
        pvm_program_release(program);
        exit(result == PVM_RESULT_HOST_CALL ? 0 : 1);
    }
    assert_true(child > 0);
    (void)close(ends[1]);
    while (len + 1 < sizeof(told) &&
           (got = read(ends[0], told + len, sizeof(told) - 1 - len)) > 0) {
        len += (size_t)got;
    }
    told[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return told;
}

static void what_the_environment_cannot_have_is_told_in_one_line(void **state)
{
    const prof_place_t *const place = *state;
    char trace[sizeof(place->path) + sizeof("record:")];

    (void)snprintf(trace, sizeof(trace), "record:%s", place->path);
    assert_string_equal(told_by_child(trace, "calls,when\n", ""),
                        "libpvm: nothing is recorded: PVM_TRACE_INSTRUMENT: `when?` is no word of "
                        "it; use memory, calls, blocks, gas, flight, samples=1..10000\n");
    assert_int_equal(access(place->path, F_OK), -1);
    assert_string_equal(told_by_child("recrod:run.db", "", ""),
                        "libpvm: nothing is traced: PVM_TRACE: `recrod:run.db` is no way to trace; "
                        "use lttng or record:FILE\n");
    assert_non_null(strstr(told_by_child("record:/nowhere/run.db", "", ""),
                           "libpvm: nothing is recorded: /nowhere/run.db: "));
    assert_non_null(strstr(told_by_child(trace, "", "servce=1"),
                           "libpvm: PVM_TRACE_FILTER selects nothing: trace filter: 'servce=1' "));
    assert_string_equal(told_by_child(trace, "calls", ""), "");
    assert_int_equal(access(place->path, F_OK), 0);
    assert_string_equal(told_by_child("", "when", ""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
        TEST(samples_and_calls_are_taken_of_all_machines),
        TEST(nothing_is_taken_that_was_not_asked),
        TEST(words_that_are_none_are_refused),
        TEST(what_the_environment_cannot_have_is_told_in_one_line),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
