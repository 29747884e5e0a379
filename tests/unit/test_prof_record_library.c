/* pvm_trace_record(): a process records itself through libpvm-record.so, as hosts in other languages do. */
#include "prof_fixture.h"

#include <pthread.h>
#include <pvm/trace.h>
#include <sys/wait.h>
#include <unistd.h>

#define HALT "load_imm r0, -65536\njump_ind r0, 0"

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - 7);
    return PVM_HOST_CONTINUE;
}

static void run_once(pvm_program_t *program, uint32_t service)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, service, 1000);

    assert_non_null(vm);
    pvm_set_host_callback(vm, host, NULL);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    pvm_destroy(vm);
}

static void each_recording_has_what_ran_meanwhile(void **state)
{
    const prof_place_t *const place = *state;
    pvm_program_t *const program = prof_program("ecalli 1\necalli 2\n" HALT, PVM_SPEC_0_8_0);
    char second[sizeof(place->path) + 2];

    (void)snprintf(second, sizeof(second), "%s2", place->path);
    run_once(program, 1);
    assert_int_equal(pvm_trace_record(place->path), 0);
    run_once(program, 2);
    run_once(program, 3);
    assert_int_equal(pvm_trace_record_end(), 0);
    run_once(program, 4);
    assert_int_equal(pvm_trace_record(second), 0);
    run_once(program, 5);
    assert_int_equal(pvm_trace_record_end(), 0);

    assert_string_equal(
        prof_text(
            place->path,
            "SELECT service || ':' || func_id || ':' || (gas_before - gas_after) FROM host_calls"),
        "2:1:7 2:2:7 3:1:7 3:2:7");
    assert_string_equal(prof_text(second, "SELECT DISTINCT service FROM host_calls"), "5");
    assert_string_equal(
        prof_text(place->path, "SELECT value FROM run_info WHERE key IN ('status', 'sum_rule')"),
        "complete holds");
    assert_int_equal(prof_integer(place->path, "SELECT sum(hits) FROM hot_blocks"), 2);
    pvm_program_release(program);
    (void)unlink(second);
}

static void what_cannot_be_is_refused(void **state)
{
    const prof_place_t *const place = *state;

    assert_int_equal(pvm_trace_record_end(), -1);
    assert_non_null(strstr(pvm_last_error(), "nothing is being recorded"));
    assert_int_equal(pvm_trace_record(NULL), -1);
    assert_int_equal(pvm_trace_record(""), -1);
    assert_int_equal(pvm_trace_record("/nonexistent/folder/run.db"), -1);
    assert_non_null(strstr(pvm_last_error(), "/nonexistent/folder/run.db"));
    assert_int_equal(pvm_trace_record(place->path), 0);
    assert_int_equal(pvm_trace_record(place->path), -1);
    assert_non_null(strstr(pvm_last_error(), "recorded already"));
    assert_int_equal(pvm_trace_record_end(), 0);
}

#define THREADS 4
#define ROUNDS  50

static void *run_many(void *program)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        run_once(program, i);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    const prof_place_t *const place = *state;
    pvm_program_t *const program = prof_program("ecalli 1\n" HALT, PVM_SPEC_0_7_2);
    pthread_t threads[THREADS];

    assert_int_equal(pvm_trace_record(place->path), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, program), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pvm_trace_record_end(), 0);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM host_calls"),
                     THREADS * ROUNDS);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM executions"),
                     THREADS * ROUNDS);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM lost_events"), 0);
    pvm_program_release(program);
}

static void a_child_leaves_the_recording_alone(void **state)
{
    const prof_place_t *const place = *state;
    pvm_program_t *const program = prof_program("ecalli 1\n" HALT, PVM_SPEC_0_8_0);
    int status = -1;

    assert_int_equal(pvm_trace_record(place->path), 0);
    run_once(program, 1);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_once(program, 2);
        exit(pvm_trace_record_end() == -1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    run_once(program, 3);
    assert_int_equal(pvm_trace_record_end(), 0);
    assert_string_equal(prof_text(place->path, "SELECT service FROM host_calls"), "1 3");
    pvm_program_release(program);
}

/* As a process of Go ends: no atexit() functions. */
static void a_process_that_just_ends_leaves_a_whole_file(void **state)
{
    const prof_place_t *const place = *state;
    pvm_program_t *const program = prof_program("ecalli 1\n" HALT, PVM_SPEC_0_8_0);
    int status = -1;

    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const int begun = pvm_trace_record(place->path);
        run_once(program, 1);
        _exit(begun);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(prof_text(place->path, "SELECT value FROM run_info WHERE key = 'status'"),
                        "complete");
    assert_int_equal(prof_integer(place->path, "SELECT gas_used FROM gas_summary"),
                     prof_integer(place->path, "SELECT blocks_gas + 7 FROM gas_summary"));
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
        TEST(each_recording_has_what_ran_meanwhile),
        TEST(what_cannot_be_is_refused),
        TEST(threads_lose_nothing),
        TEST(a_child_leaves_the_recording_alone),
        TEST(a_process_that_just_ends_leaves_a_whole_file),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
