/* A process whose machines live shortly: each is made together with its program, makes a few host calls and is gone.
 *
 *   churn SECONDS CALLS THREADS PROGRAMS
 *     CALLS     host calls of one machine
 *     PROGRAMS  how many different ones are made, one after the other and again
 *
 * Prints "ready" and waits for a line, or the end, of its input; when it is done it prints "THREAD CALLS" for each. */
#include <pthread.h>
#include <pvm/pvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 16
/** Machines between two looks at the clock. */
#define BETWEEN_LOOKS 16

/* 0: ecalli 3; r7 = number of the program; jump 0 */
static const uint8_t code[] = {10, 3, 51, 0x07, 0, 0, 0, 0, 40, 0xf8};
#define NUMBER_AT 4
static const uint8_t mask[] = {0x05, 0x01};

typedef struct {
    uint32_t thread;
    double seconds;
    uint64_t each;
    uint32_t programs;
    uint64_t calls;
    uint64_t in_this;
} worker_t;

static double now(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    worker_t *const worker = user_data;

    (void)vm, (void)func_id;
    worker->calls++;
    return ++worker->in_this == worker->each ? PVM_HOST_TERMINATE : PVM_HOST_CONTINUE;
}

static void *work(void *user_data)
{
    worker_t *const worker = user_data;
    const double until = now() + worker->seconds;
    uint8_t own[sizeof(code)];

    memcpy(own, code, sizeof(own));
    for (uint32_t made = 0; made % BETWEEN_LOOKS != 0 || now() < until; made++) {
        const uint32_t number = made % worker->programs;

        memcpy(own + NUMBER_AT, &number, sizeof(number));
        pvm_vm_t *const vm = pvm_create(worker->thread + 1, own, sizeof(own), NULL, mask,
                                        sizeof(mask), NULL, 0, INT64_MAX);
        if (vm == NULL) {
            (void)fprintf(stderr, "%s\n", pvm_last_error());
            exit(1);
        }
        worker->in_this = 0;
        pvm_set_host_callback(vm, answer, worker);
        (void)pvm_execute(vm, 0);
        pvm_destroy(vm);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    worker_t workers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];

    if (argc != 5 || atoi(argv[3]) > THREADS_MAX) {
        return 2;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)getchar();
    const uint32_t count = (uint32_t)atoi(argv[3]);
    for (uint32_t i = 0; i < count; i++) {
        workers[i] = (worker_t){.thread = i,
                                .seconds = atof(argv[1]),
                                .each = strtoull(argv[2], NULL, 10),
                                .programs = (uint32_t)atoi(argv[4])};
        (void)pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
        (void)printf("%u %llu\n", i, (unsigned long long)workers[i].calls);
    }
    return 0;
}
