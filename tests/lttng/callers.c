/* A host whose calls come in every shape: plain ones, ones that touch guest memory, inner machines with and without a parent that is
 * named, calls that are answered later, that end the run, and that are never answered; machines on two threads; a call that does
 * not end at all. */
#include <pthread.h>
#include <pvm/pvm.h>
#include <pvm/trace.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE  0x20000
#define GAS   100000
#define LOOPS 300

enum { PLAIN = 1, TOUCH, INNER, ORPHAN, LATER, RICH, LOOP, STOP };

static pvm_program_t *outer, *inner, *never;
static uint32_t flags;
static bool is_long; /**< the first call of the first thread: the other one goes on meanwhile */

/* The program that is these host calls, and then panics. */
static pvm_program_t *make(const uint8_t *calls, size_t count)
{
    uint8_t code[64] = {0};
    uint8_t mask[8] = {0};

    for (size_t i = 0; i < count; i++) {
        code[2 * i] = 10;
        code[2 * i + 1] = calls[i];
        mask[i / 4] |= (uint8_t)(1U << (2 * i % 8));
    }
    mask[count / 4] |= (uint8_t)(1U << (2 * count % 8));
    return pvm_program_from_parts(code, 2 * count + 1, mask, (2 * count + 8) / 8, NULL, 0,
                                  PVM_SPEC_0_8_0);
}

static void wait_us(long us)
{
    const struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    (void)nanosleep(&pause, NULL);
}

static pvm_vm_t *start(pvm_program_t *program, uint32_t service);

static void run_inner(pvm_vm_t *parent)
{
    pvm_vm_t *const vm = start(inner, 2);

    if (vm != NULL && parent != NULL) {
        (void)pvm_set_parent(vm, parent);
    }
    (void)pvm_execute(vm, 0);
    pvm_destroy(vm);
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    uint8_t octets[16];

    (void)user_data;
    pvm_set_register(vm, 7, pvm_get_register(vm, 7) + (uint64_t)func_id);
    pvm_set_register(vm, 9, (uint64_t)func_id);
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    switch (func_id) {
    case TOUCH:
        wait_us(1000);
        (void)pvm_read_memory(vm, PAGE, octets, sizeof(octets));
        octets[3]++;
        (void)pvm_write_memory(vm, PAGE + 8, octets, sizeof(octets));
        return PVM_HOST_CONTINUE;
    case INNER:
        run_inner(vm);
        return PVM_HOST_CONTINUE;
    case ORPHAN:
        run_inner(NULL);
        return PVM_HOST_CONTINUE;
    case LATER:
        return PVM_HOST_YIELD;
    case RICH:
        pvm_set_gas(vm, pvm_get_gas(vm) + 5000);
        return PVM_HOST_CONTINUE;
    case LOOP:
        wait_us(pvm_get_service(vm) == 1 ? 300 : 50);
        if (is_long && pvm_get_service(vm) == 1) {
            is_long = false;
            wait_us(1500000);
        }
        return PVM_HOST_CONTINUE;
    case STOP:
        return PVM_HOST_TERMINATE;
    default:
        return PVM_HOST_CONTINUE;
    }
}

static pvm_vm_t *start(pvm_program_t *program, uint32_t service)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, service, GAS);

    if (vm == NULL || pvm_map_memory(vm, PAGE, 4096, PVM_ACCESS_WRITE) != 0 ||
        pvm_set_instrumentation(vm, flags) != 0) {
        (void)fprintf(stderr, "callers: %s\n", pvm_last_error());
        exit(1);
    }
    pvm_set_host_callback(vm, answer, NULL);
    return vm;
}

static void all_shapes(void)
{
    pvm_vm_t *vm = start(outer, 1);

    if (pvm_execute(vm, 0) != PVM_RESULT_HOST_CALL || pvm_resume(vm) != PVM_RESULT_OK) {
        (void)fprintf(stderr, "callers: not the way it should go: %s\n", pvm_last_error());
        exit(1);
    }
    pvm_destroy(vm);
    /* Never answered: dropped by a reset, and by the end. */
    vm = start(never, 3);
    (void)pvm_execute(vm, 0);
    (void)pvm_reset(vm, GAS);
    (void)pvm_execute(vm, 0);
    pvm_destroy(vm);
}

static void *one_thread(void *service)
{
    pvm_vm_t *const vm = start(inner, *(const uint32_t *)service);

    for (int i = 0; i < LOOPS; i++) {
        (void)pvm_execute(vm, 6);
        if (i < 2 && pvm_get_service(vm) == 2) {
            wait_us(i == 0 ? 200000 : 1150000);
        }
    }
    pvm_destroy(vm);
    return NULL;
}

static void two_threads(void)
{
    static uint32_t services[] = {1, 2};
    pthread_t threads[2];

    is_long = true;
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, one_thread, &services[i]) != 0) {
            exit(1);
        }
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

static pvm_host_result_t sleep_on(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm, (void)user_data;
    if (func_id == STOP) {
        (void)printf("in the call\n");
        (void)fflush(stdout);
        (void)sleep(300);
    }
    return PVM_HOST_CONTINUE;
}

/* callers shapes|memory|calls|threads|hang */
int main(int argc, char **argv)
{
    static const uint8_t outer_calls[] = {PLAIN, TOUCH, INNER, PLAIN, ORPHAN,
                                          RICH,  LATER, TOUCH, PLAIN, STOP};
    static const uint8_t inner_calls[] = {PLAIN, TOUCH, PLAIN, LOOP, LOOP, LOOP, STOP};
    static const uint8_t never_calls[] = {PLAIN, LATER};
    const char *const what = argc == 2 ? argv[1] : "";

    outer = make(outer_calls, sizeof(outer_calls));
    inner = make(inner_calls, sizeof(inner_calls));
    never = make(never_calls, sizeof(never_calls));
    if (outer == NULL || inner == NULL || never == NULL) {
        (void)fprintf(stderr, "callers: %s\n", pvm_last_error());
        return 1;
    }
    flags = strcmp(what, "memory") == 0  ? PVM_INSTRUMENT_MEMORY
            : strcmp(what, "calls") == 0 ? PVM_INSTRUMENT_CALLS
                                         : 0;
    if (strcmp(what, "threads") == 0) {
        two_threads();
    } else if (strcmp(what, "hang") == 0) {
        pvm_vm_t *const vm = start(inner, 1);
        pvm_set_host_callback(vm, sleep_on, NULL);
        (void)pvm_execute(vm, 0);
        pvm_destroy(vm);
    } else {
        all_shapes();
    }
    pvm_program_release(outer);
    pvm_program_release(inner);
    pvm_program_release(never);
    return 0;
}
