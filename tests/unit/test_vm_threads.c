/* Threads, DESIGN section 4: programs are shared between threads from their first use on, a VM may change threads
 * between calls, error texts belong to one thread. Meant for ThreadSanitizer as well (-DPVM_SANITIZE=thread). */
#include "lab.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define ROUNDS  40
#define GAS     INT64_C(10000000)

static const jam_sizes_t sizes = {3000, 5000, 2, 20000};

/* Sums what it writes over a page of stack, faults once, calls the host in each round. */
static const char text[] = "load_imm r2, 0\n"
                           "fallthrough\n"
                           "loop: add_imm_64 r2, r2, 1\n"
                           "add_imm_64 r1, r1, -8\n"
                           "store_ind_u64 r2, r1, 0\n"
                           "load_ind_u64 r4, r1, 0\n"
                           "add_64 r3, r3, r4\n"
                           "ecalli 4\n"
                           "branch_lt_u_imm r2, 100, @loop\n"
                           "end: load_u8 r5, 0x200000\n"
                           "jump_ind r0, 0\n";

/* What several threads do with one program; they check with assert_ outside of the threads only. */
typedef struct {
    const lab_t *lab;
    pvm_program_t *program;
    pthread_barrier_t *start;
    atomic_int *mistakes;
    unsigned number;
    uint64_t ids[ROUNDS];
} worker_t;

static pvm_host_result_t count(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    *(int *)user_data += func_id == 4;
    return PVM_HOST_CONTINUE;
}

/* One life of a machine. @return whether all of it was as it should be */
static bool live_once(worker_t *worker, int round)
{
    int calls = 0;
    bool ok = true;

    pvm_program_acquire(worker->program);
    pvm_vm_t *const vm =
        pvm_instantiate(worker->program, worker->lab->backend, worker->number, (uint64_t)GAS);
    if (vm == NULL) {
        return false;
    }
    worker->ids[round] = pvm_get_id(vm);
    pvm_set_host_callback(vm, count, &calls);
    if (((unsigned)round + worker->number) % 2 == 0) {
        ok = ok && pvm_set_instrumentation(vm, PVM_INSTRUMENT_EDGES) == 0;
    }
    for (int again = 0; again < 2; again++) {
        ok = ok && pvm_set_arguments(vm, (const uint8_t *)&round, sizeof(round)) == 0;
        ok = ok && pvm_execute(vm, 0) == PVM_RESULT_FAULT;
        ok = ok && pvm_map_memory(vm, 0x200000, 4096, PVM_ACCESS_READ) == 0;
        ok = ok && pvm_resume(vm) == PVM_RESULT_OK;
        ok = ok && pvm_get_register(vm, 3) == 5050 && calls == 100 * (again + 1);
        ok = ok && pvm_reset(vm, (uint64_t)GAS) == 0;
        ok = ok && pvm_get_register(vm, 3) == 0;
    }
    pvm_destroy(vm);
    pvm_program_release(worker->program);
    return ok;
}

static void *work(void *user_data)
{
    worker_t *const worker = user_data;

    (void)pthread_barrier_wait(worker->start);
    for (int round = 0; round < ROUNDS; round++) {
        if (!live_once(worker, round)) {
            atomic_fetch_add(worker->mistakes, 1);
        }
    }
    return NULL;
}

static void programs_are_shared_between_threads_from_their_first_use_on(const lab_t *lab)
{
    pthread_barrier_t start;
    atomic_int mistakes = 0;
    pthread_t threads[THREADS];
    worker_t workers[THREADS];
    pvm_buffer_t blob = {0};

    lab_jam_blob(lab, sizes, text, &blob);
    for (int again = 0; again < 3; again++) {
        pvm_program_t *const program =
            pvm_program_load(blob.data, blob.len, PVM_FORMAT_JAM, lab->spec);
        assert_non_null(program);
        assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
        for (unsigned i = 0; i < THREADS; i++) {
            workers[i] = (worker_t){.lab = lab,
                                    .program = program,
                                    .start = &start,
                                    .mistakes = &mistakes,
                                    .number = i};
            assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        (void)pthread_barrier_destroy(&start);
        pvm_program_release(program);
        assert_int_equal(mistakes, 0);
        for (unsigned i = 0; i < THREADS * ROUNDS; i++) {
            for (unsigned k = 0; k < i; k++) {
                assert_true(workers[i / ROUNDS].ids[i % ROUNDS] !=
                            workers[k / ROUNDS].ids[k % ROUNDS]);
            }
        }
    }
    pvm_buffer_free(&blob);
}

/* -- A VM that changes threads --- */

typedef struct {
    pvm_vm_t *vm;
    pvm_result_t result;
    bool is_last;
} leg_t;

static void *run_leg(void *user_data)
{
    leg_t *const leg = user_data;

    leg->result = pvm_resume(leg->vm);
    if (leg->is_last) {
        pvm_destroy(leg->vm);
    }
    return NULL;
}

static void a_vm_goes_on_in_another_thread(const lab_t *lab)
{
    machine_t machine = lab_jam_machine(lab, sizes, text, (uint64_t)GAS);
    pthread_t thread;

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_HOST_CALL);
    for (int i = 0; i < 101; i++) {
        if (i == 100) {
            assert_int_equal(pvm_map_memory(machine.vm, 0x200000, 4096, PVM_ACCESS_READ), 0);
        }
        leg_t leg = {.vm = machine.vm, .is_last = i == 100};
        assert_int_equal(pthread_create(&thread, NULL, run_leg, &leg), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(leg.result, i < 99    ? PVM_RESULT_HOST_CALL
                                     : i == 99 ? PVM_RESULT_FAULT
                                               : PVM_RESULT_OK);
    }
    machine.vm = NULL;
    lab_free(&machine);
}

/* -- Error texts --- */

static void *fail_here(void *user_data)
{
    (void)user_data;
    if (strcmp(pvm_last_error(), "") != 0) {
        return NULL;
    }
    (void)pvm_program_load(NULL, 1, PVM_FORMAT_RAW, PVM_SPEC_0_8_0);
    return strcmp(pvm_last_error(), "") == 0 ? NULL : user_data;
}

static void the_error_text_belongs_to_one_thread(const lab_t *lab)
{
    pthread_t thread;
    void *answer = NULL;
    int token = 0;

    (void)lab;
    (void)pvm_get_register(NULL, 3);
    char before[256];
    assert_true(strlen(pvm_last_error()) < sizeof(before));
    (void)strcpy(before, pvm_last_error());
    assert_int_equal(pthread_create(&thread, NULL, fail_here, &token), 0);
    assert_int_equal(pthread_join(thread, &answer), 0);
    assert_ptr_equal(answer, &token);
    assert_string_equal(pvm_last_error(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(programs_are_shared_between_threads_from_their_first_use_on, LAB_ALL_SPECS,
                 LAB_PLAIN),
        LAB_TEST(a_vm_goes_on_in_another_thread, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
        LAB_TEST_ONCE(the_error_text_belongs_to_one_thread),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
