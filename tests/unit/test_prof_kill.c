/* Recorders that are killed at any moment leave a file that opens, says that it is incomplete,
 * and reconciles. */
#include "prof_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ROUNDS 12
/** How long a file may take until it holds what is waited for; the machine may be busy. */
#define PATIENCE_MS 60000

static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    return PVM_HOST_CONTINUE;
}

/* The child: record for ever, several executions of a program with host calls. */
static void record_for_ever(const char *path)
{
    pvm_program_t *const program =
        prof_program("load_imm r2, 5000\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\n"
                     "branch_ne_imm r2, 0, @loop\ntrap",
                     PVM_SPEC_0_8_0);
    prof_recording_t recording = prof_record(path, 0);
    pvm_vm_t *const vm = prof_attach(&recording, program, 7, UINT64_C(1) << 40);

    pvm_set_host_callback(vm, host, NULL);
    for (;;) {
        pvm_execute(vm, 0);
    }
}

/* The child: ten host calls, and then guest code without any event. */
static void record_and_spin(const char *path)
{
    pvm_program_t *const program =
        prof_program("load_imm r2, 10\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\n"
                     "branch_ne_imm r2, 0, @loop\nspin: jump @spin",
                     PVM_SPEC_0_8_0);
    prof_recording_t recording = prof_record(path, 0);
    pvm_vm_t *const vm = prof_attach(&recording, program, 7, UINT64_C(1) << 60);

    pvm_set_host_callback(vm, host, NULL);
    pvm_execute(vm, 0);
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

static pid_t start(void (*child)(const char *), const char *path)
{
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        child(path);
        _exit(0);
    }
    return pid;
}

static void stop(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void kill_after(void (*child)(const char *), const char *path, long ms)
{
    const pid_t pid = start(child, path);

    sleep_ms(ms);
    stop(pid);
}

/* Kill it as soon as that many host calls can be read. */
static void kill_at(void (*child)(const char *), const char *path, int64_t host_calls)
{
    const pid_t pid = start(child, path);
    int64_t seen = 0;

    for (long waited = 0; waited < PATIENCE_MS && seen < host_calls; waited += 50) {
        sleep_ms(50);
        if (access(path, F_OK) == 0) {
            seen = prof_integer(path, "SELECT count(*) FROM host_calls");
        }
    }
    stop(pid);
    assert_true(seen >= host_calls);
}

static void says_incomplete(const char *path)
{
    pvm_prof_run_file_t *file;

    if (pvm_prof_run_file_open(path, &file) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    assert_int_equal(pvm_prof_run_file_status(file), PVM_PROF_RUN_RECORDING);
    pvm_prof_run_file_close(file);
    assert_string_equal(prof_text(path, "PRAGMA integrity_check"), "ok");
    assert_string_equal(prof_text(path, "SELECT result FROM gas_summary"), "incomplete");
    assert_int_equal(prof_integer(path, "SELECT gas_used - blocks_gas - host_gas FROM gas_summary"),
                     0);
    assert_int_equal(
        prof_integer(path,
                     "SELECT (SELECT total(gas) FROM hot_blocks) - blocks_gas FROM gas_summary"),
        0);
    /* Rows of host calls have no holes, and may be ahead of the sums, which wait for the next
     * event. */
    assert_int_equal(
        prof_integer(path, "SELECT count(*) - 1 - coalesce(max(seq), -1) FROM host_calls"), 0);
    assert_true(prof_integer(
        path, "SELECT (SELECT total(gas_before - gas_after) FROM host_calls) >= host_gas "
              "FROM gas_summary"));
}

static void a_recorder_killed_at_any_moment_leaves_a_file_that_opens(void **state)
{
    const prof_place_t *const place = *state;
    int found = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct stat status;

        kill_after(record_for_ever, place->path, round < 6 ? 4 * round : 40 * round);
        if (stat(place->path, &status) == 0) {
            found++;
            says_incomplete(place->path);
        }
    }
    assert_true(found > 0);
    kill_at(record_for_ever, place->path, 1000);
    says_incomplete(place->path);
}

static void what_happened_is_in_the_file_soon_even_if_no_event_follows(void **state)
{
    const prof_place_t *const place = *state;

    kill_at(record_and_spin, place->path, 10);
    says_incomplete(place->path);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM host_calls"), 10);
    assert_int_equal(
        prof_integer(place->path, "SELECT count(*) FROM executions WHERE result = 'incomplete'"),
        1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_recorder_killed_at_any_moment_leaves_a_file_that_opens,
                                        prof_place_create, prof_place_remove),
        cmocka_unit_test_setup_teardown(what_happened_is_in_the_file_soon_even_if_no_event_follows,
                                        prof_place_create, prof_place_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
