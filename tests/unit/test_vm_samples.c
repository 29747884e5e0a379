/* Sampling, PVM_INSTRUMENT_SAMPLES: guest time alone is sampled, in every thread and depth, and nobody else's signals
 * are touched. Whether the shares are right is for test_prof_samples.c.
 *
 * Guest code runs for a time of its thread's own, and figures are far apart, so that a busy machine does not blur them. */
#include "lab.h"

#include "support/signals_held.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HZ  2000
#define GAS UINT64_C(1000000000000)

/* Multiplies until r2 is 0. */
static const char spin_text[] = "fallthrough\n"
                                "loop: mul_64 r3, r3, r4\n"
                                "mul_64 r3, r3, r4\n"
                                "mul_64 r3, r3, r4\n"
                                "mul_64 r3, r3, r4\n"
                                "add_imm_64 r2, r2, -1\n"
                                "branch_ne_imm r2, 0, @loop\n"
                                "jump_ind r0, 0\n";

/* Calls the host r2 times. */
static const char call_text[] = "fallthrough\n"
                                "loop: ecalli 1\n"
                                "add_imm_64 r2, r2, -1\n"
                                "branch_ne_imm r2, 0, @loop\n"
                                "jump_ind r0, 0\n";

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* What this thread has run for, whoever else did meanwhile. */
static uint64_t spent_ns(void)
{
    return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void wait_ms(unsigned ms)
{
    const uint64_t end_ns = now_ns(CLOCK_MONOTONIC) + ms * UINT64_C(1000000);

    while (now_ns(CLOCK_MONOTONIC) < end_ns) {
    }
}

static void sample(pvm_vm_t *vm)
{
    assert_int_equal(pvm_set_sample_rate(vm, HZ), 0);
    assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_SAMPLES), 0);
}

static uint64_t samples_of(pvm_vm_t *vm)
{
    pvm_sample_sum_t sum;

    assert_int_equal(pvm_get_sample_sum(vm, &sum), 0);
    return sum.samples;
}

/* @return whether it ended as it should; for threads, which must not assert */
static bool run_rounds(pvm_vm_t *vm, uint64_t rounds)
{
    pvm_set_gas(vm, INT64_MAX);
    pvm_set_register(vm, 0, UINT64_C(0xffff0000));
    pvm_set_register(vm, 2, rounds);
    return pvm_execute(vm, 0) == PVM_RESULT_OK;
}

/* Run for so long on the guest's own account. */
static void spin_ms(pvm_vm_t *vm, unsigned ms)
{
    const uint64_t end_ns = spent_ns() + ms * UINT64_C(1000000);

    while (spent_ns() < end_ns) {
        assert_true(run_rounds(vm, 20000));
    }
}

/* -- What is sampled ----------------------------------------------------------------------- */

static void places_and_the_engine_add_up(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);
    pvm_sample_t places[64];
    pvm_sample_sum_t sum;
    uint64_t at_places = 0;
    uint64_t in_loop = 0;

    sample(machine.vm);
    spin_ms(machine.vm, 100);
    const size_t count = pvm_get_samples(machine.vm, places, 64);
    assert_true(count > 0 && count <= 64);
    assert_int_equal(pvm_get_sample_sum(machine.vm, &sum), 0);

    for (size_t i = 0; i < count; i++) {
        assert_true(places[i].count > 0);
        assert_true(i == 0 || places[i - 1].pc < places[i].pc);
        at_places += places[i].count;
        in_loop += places[i].pc >= lab_at(&machine, "loop") ? places[i].count : 0;
    }
    assert_int_equal(at_places + sum.engine, sum.samples);
    assert_int_equal(sum.lost, 0);
    /* 200 ticks, and one more where it goes on after others ran. */
    assert_true(sum.samples >= 20);
    assert_true(sum.samples <= 400);
    assert_true(in_loop * 10 >= sum.samples * 9);
    /* The interpreter knows the block, recompiled code the instruction. */
    if (lab->backend == PVM_BACKEND_INTERPRETER) {
        assert_true(count <= 3);
    } else {
        assert_true(count >= 2);
    }
    assert_int_equal(pvm_get_samples(machine.vm, NULL, 0), count);
    lab_free(&machine);
}

static void single_steps_are_sampled(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);
    /* Most of a step's time is not the guest's, and how much is depends on who else runs. */
    const uint64_t end_ns = spent_ns() + UINT64_C(5000000000);

    sample(machine.vm);
    pvm_set_register(machine.vm, 2, UINT64_MAX);
    (void)pvm_set_pc(machine.vm, 0);
    while (samples_of(machine.vm) <= 2 && spent_ns() < end_ns) {
        assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    }
    assert_true(samples_of(machine.vm) > 2);
    lab_free(&machine);
}

static pvm_host_result_t take_time(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    wait_ms(*(const unsigned *)user_data);
    return PVM_HOST_CONTINUE;
}

static void time_of_host_callbacks_is_not_sampled(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, call_text, GAS);
    unsigned ms = 5;

    sample(machine.vm);
    pvm_set_host_callback(machine.vm, take_time, &ms);
    assert_true(run_rounds(machine.vm, 20));
    /* 100 ms are 200 ticks. */
    assert_true(samples_of(machine.vm) <= 10);
    lab_free(&machine);
}

static void time_between_runs_is_not_sampled(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);

    sample(machine.vm);
    for (int i = 0; i < 20; i++) {
        assert_true(run_rounds(machine.vm, 10));
        wait_ms(4);
    }
    assert_true(samples_of(machine.vm) <= 10);
    lab_free(&machine);
}

/* -- Machines in machines ------------------------------------------------------------------ */

static pvm_host_result_t run_inner(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    spin_ms(user_data, 10);
    return PVM_HOST_CONTINUE;
}

static void ticks_belong_to_the_innermost_machine(const lab_t *lab)
{
    machine_t outer = lab_machine(lab, call_text, GAS);
    machine_t inner = lab_machine(lab, spin_text, GAS);

    sample(outer.vm);
    sample(inner.vm);
    pvm_set_host_callback(outer.vm, run_inner, inner.vm);
    assert_true(run_rounds(outer.vm, 8));
    assert_true(samples_of(inner.vm) >= 20);
    assert_true(samples_of(outer.vm) <= 10);
    lab_free(&inner);
    lab_free(&outer);
}

static void an_inner_machine_may_be_nobodys_business(const lab_t *lab)
{
    machine_t outer = lab_machine(lab, call_text, GAS);
    machine_t inner = lab_machine(lab, spin_text, GAS);

    sample(outer.vm);
    pvm_set_host_callback(outer.vm, run_inner, inner.vm);
    assert_true(run_rounds(outer.vm, 8));
    assert_true(samples_of(outer.vm) <= 10);
    lab_free(&inner);
    lab_free(&outer);
}

/* -- Switching ----------------------------------------------------------------------------- */

/* On at the first call, off at the third. */
static pvm_host_result_t switch_sampling(pvm_vm_t *vm, int func_id, void *user_data)
{
    int *const calls = user_data;

    (void)func_id;
    (*calls)++;
    if (*calls == 1) {
        sample(vm);
    } else if (*calls == 3) {
        assert_true(samples_of(vm) > 0);
        assert_int_equal(pvm_set_instrumentation(vm, 0), 0);
    }
    pvm_set_register(vm, 2, 4000000);
    return PVM_HOST_CONTINUE;
}

static void sampling_is_switched_in_host_calls(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    "load_imm r5, 4\n"
                                    "fallthrough\n"
                                    "again: ecalli 1\n"
                                    "fallthrough\n"
                                    "loop: mul_64 r3, r3, r4\n"
                                    "add_imm_64 r2, r2, -1\n"
                                    "branch_ne_imm r2, 0, @loop\n"
                                    "add_imm_64 r5, r5, -1\n"
                                    "branch_ne_imm r5, 0, @again\n"
                                    "jump_ind r0, 0\n",
                                    GAS);
    int calls = 0;
    pvm_sample_sum_t sum;

    pvm_set_host_callback(machine.vm, switch_sampling, &calls);
    assert_true(run_rounds(machine.vm, 0));
    assert_int_equal(calls, 4);
    assert_int_equal(pvm_get_sample_sum(machine.vm, &sum), -1);
    lab_free(&machine);
}

static void samples_are_kept_until_they_are_cleared(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);

    sample(machine.vm);
    spin_ms(machine.vm, 30);
    const uint64_t first = samples_of(machine.vm);
    assert_true(first > 0);

    assert_int_equal(pvm_reset(machine.vm, GAS), 0);
    assert_int_equal(samples_of(machine.vm), first);
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_SAMPLES), 0);
    assert_int_equal(samples_of(machine.vm), first);

    assert_int_equal(pvm_clear_samples(machine.vm), 0);
    assert_int_equal(samples_of(machine.vm), 0);
    assert_int_equal(pvm_get_samples(machine.vm, NULL, 0), 0);
    lab_free(&machine);
}

static void what_makes_no_sense_is_refused(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);
    pvm_sample_sum_t sum;

    lab_clear_error();
    assert_int_equal(pvm_set_sample_rate(machine.vm, 0), -1);
    lab_assert_explained();
    assert_int_equal(pvm_set_sample_rate(machine.vm, PVM_SAMPLE_HZ_MAX + 1), -1);
    assert_int_equal(pvm_set_sample_rate(NULL, 99), -1);
    assert_int_equal(pvm_get_sample_sum(machine.vm, &sum), -1);
    assert_int_equal(pvm_get_sample_sum(NULL, &sum), -1);
    assert_int_equal(pvm_get_samples(machine.vm, NULL, 0), 0);
    assert_int_equal(pvm_clear_samples(machine.vm), -1);
    lab_assert_explained();
    lab_free(&machine);
}

/* -- Threads, processes, signals ------------------------------------------------------------ */

typedef struct {
    pvm_vm_t *vm;
    bool is_blocking; /**< all signals, as servers do */
    bool ok;
} worker_t;

static void *work(void *data)
{
    worker_t *const worker = data;
    const uint64_t end_ns = spent_ns() + UINT64_C(60000000);

    if (worker->is_blocking) {
        sigset_t all;
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    }
    worker->ok = true;
    while (spent_ns() < end_ns) {
        worker->ok = worker->ok && run_rounds(worker->vm, 20000);
    }
    return NULL;
}

static void each_thread_has_its_own_ticks(const lab_t *lab)
{
    machine_t machines[3];
    worker_t workers[3];
    pthread_t threads[3];

    /* The last one was here before and changes the thread. */
    for (int i = 0; i < 3; i++) {
        machines[i] = lab_machine(lab, spin_text, GAS);
        sample(machines[i].vm);
        workers[i] = (worker_t){.vm = machines[i].vm, .is_blocking = i == 1};
    }
    spin_ms(machines[2].vm, 30);
    const uint64_t here = samples_of(machines[2].vm);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_true(workers[i].ok);
#ifndef TEST_HOLDS_SIGNALS
        assert_true(samples_of(machines[i].vm) > (i == 2 ? here : 0));
#else
        assert_true(samples_of(machines[i].vm) >= (i == 2 ? here : 0));
#endif
    }
    for (int i = 0; i < 3; i++) {
        lab_free(&machines[i]);
    }
}

static void a_child_process_goes_on_sampling(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);
    int status = -1;

    sample(machine.vm);
    spin_ms(machine.vm, 20);
    const uint64_t before = samples_of(machine.vm);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        spin_ms(machine.vm, 60);
        _exit(samples_of(machine.vm) > before ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(samples_of(machine.vm), before);
    spin_ms(machine.vm, 60);
    assert_true(samples_of(machine.vm) > before);
    lab_free(&machine);
}

static volatile sig_atomic_t foreign_signals;

static void count_foreign(int number)
{
    (void)number;
    foreign_signals++;
}

/* Before anything is sampled in this process: as in a Go program, all real-time signals have handlers. */
static int take_all_signals(void **state)
{
    (void)state;
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
        const struct sigaction action = {.sa_handler = count_foreign, .sa_flags = SA_RESTART};
        (void)sigaction(number, &action, NULL);
    }
    return 0;
}

static void signals_of_others_reach_them(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, spin_text, GAS);
    int signals = 0;

    sample(machine.vm);
    foreign_signals = 0;
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++, signals++) {
        assert_int_equal(raise(number), 0);
    }
    spin_ms(machine.vm, 30);
    assert_int_equal(foreign_signals, signals);
    assert_true(samples_of(machine.vm) > 0);
    lab_free(&machine);
}

int main(void)
{
#ifdef TEST_HOLDS_SIGNALS
    const struct CMUnitTest tests[] = {LAB_TEST_ONCE(what_makes_no_sense_is_refused),
                                       LAB_TEST_ONCE(each_thread_has_its_own_ticks)};
#else
    const struct CMUnitTest tests[] = {
        LAB_TEST(places_and_the_engine_add_up, LAB_0_7_2 | LAB_0_8_0, LAB_PLAIN),
        LAB_TEST_ONCE(single_steps_are_sampled),
        LAB_TEST_ONCE(time_of_host_callbacks_is_not_sampled),
        LAB_TEST_ONCE(time_between_runs_is_not_sampled),
        LAB_TEST_ONCE(ticks_belong_to_the_innermost_machine),
        LAB_TEST_ONCE(an_inner_machine_may_be_nobodys_business),
        LAB_TEST_ONCE(sampling_is_switched_in_host_calls),
        LAB_TEST_ONCE(samples_are_kept_until_they_are_cleared),
        LAB_TEST_ONCE(what_makes_no_sense_is_refused),
        LAB_TEST_ONCE(each_thread_has_its_own_ticks),
        LAB_TEST_ONCE(a_child_process_goes_on_sampling),
        LAB_TEST_ONCE(signals_of_others_reach_them),
    };
#endif
    lab_announce();
    return cmocka_run_group_tests(tests, take_all_signals, NULL);
}
