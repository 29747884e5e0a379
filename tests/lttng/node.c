/* A process that goes on: it executes a program over and over, as a node does, and now and then one execution gets too
 * little gas. Ends when it is told to (SIGTERM), or after so many seconds, whatever happens to the test. */
#include <pvm/pvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOB_MAX (1 << 20)

static volatile sig_atomic_t is_told;

static void end(int number)
{
    (void)number;
    is_told = 1;
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    pvm_set_register(vm, 7, UINT64_MAX - 1);
    return PVM_HOST_CONTINUE;
}

static pvm_program_t *load(const char *path)
{
    uint8_t *const blob = malloc(BLOB_MAX);
    FILE *const file = fopen(path, "rb");
    pvm_program_t *program = NULL;

    if (blob != NULL && file != NULL) {
        const size_t len = fread(blob, 1, BLOB_MAX, file);
        program = pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(blob);
    return program;
}

/* node PROGRAM ENTRY SECONDS EVERY: about 50 executions a second; each EVERYth runs out of gas, 0: none. Prints what each
 * execution comes to (all must come to the same): r7 and the gas that is left; and on stderr a dot for each as it ends. */
int main(int argc, char **argv)
{
    uint32_t pc;
    pvm_program_t *const program = argc == 5 ? load(argv[1]) : NULL;

    if (program == NULL || pvm_program_find_entry(program, argv[2], &pc) != 0) {
        (void)fprintf(stderr, "node: %s\n", program == NULL ? "no program" : pvm_last_error());
        return 1;
    }
    const time_t latest = time(NULL) + atoi(argv[3]);
    const long every = atol(argv[4]);
    uint64_t result = 0;
    int64_t left = -1;
    (void)signal(SIGTERM, end);
    for (long i = 1; is_told == 0 && time(NULL) < latest; i++) {
        const struct timespec pause = {.tv_nsec = 20000000};
        const uint64_t gas = every > 0 && i % every == 0 ? 30000 : 100000000;
        pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, 7, gas);
        if (vm == NULL) {
            return 1;
        }
        pvm_set_host_callback(vm, answer, NULL);
        if (pvm_execute(vm, pc) == PVM_RESULT_OK) {
            if (left >= 0 && (pvm_get_gas(vm) != left || pvm_get_register(vm, 7) != result)) {
                (void)fprintf(stderr, "node: execution %ld came to something else\n", i);
                return 1;
            }
            left = pvm_get_gas(vm);
            result = pvm_get_register(vm, 7);
        }
        pvm_destroy(vm);
        (void)fputc('.', stderr);
        (void)nanosleep(&pause, NULL);
    }
    pvm_program_release(program);
    (void)printf("r7 %llu, gas %lld\n", (unsigned long long)result, (long long)left);
    return 0;
}
