/* A host that forks and tidies nothing up: parent and child execute a program in machines of their own and end without
 * destroying them. */
#include <pvm/pvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOB_MAX (1 << 20)
#define GAS      100000000

static uint8_t blob[BLOB_MAX];

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_register(vm, 7, UINT64_MAX - 1);
    return PVM_HOST_CONTINUE;
}

/* A machine that has run, which nobody destroys; or NULL. */
static pvm_vm_t *run(pvm_program_t *program, uint32_t pc, uint32_t service)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, service, GAS);

    if (vm == NULL) {
        (void)fprintf(stderr, "forker: %s\n", pvm_last_error());
        return NULL;
    }
    pvm_set_host_callback(vm, answer, NULL);
    return pvm_execute(vm, pc) == PVM_RESULT_OK ? vm : NULL;
}

/* Its own machine, and the one that it inherited. */
static int be_child(pvm_program_t *program, uint32_t pc, pvm_vm_t *inherited)
{
    return run(program, pc, 2) != NULL && pvm_reset(inherited, GAS) == 0 &&
                   pvm_execute(inherited, pc) == PVM_RESULT_OK
               ? 0
               : 1;
}

/* forker PROGRAM ENTRY: service 1 before the fork and again in the child, 2 in the child, 3 in the parent after it. Prints their process ids. */
int main(int argc, char **argv)
{
    FILE *const file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    const size_t len = file == NULL ? 0 : fread(blob, 1, sizeof(blob), file);
    pvm_program_t *const program = pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    uint32_t pc;
    int status;

    if (program == NULL || pvm_program_find_entry(program, argv[2], &pc) != 0) {
        (void)fprintf(stderr, "forker: %s\n", pvm_last_error());
        return 1;
    }
    (void)fclose(file);
    pvm_vm_t *const first = run(program, pc, 1);
    if (first == NULL) {
        return 1;
    }
    const pid_t child = fork();
    if (child == 0) {
        _exit(be_child(program, pc, first));
    }
    if (child < 0 || run(program, pc, 3) == NULL || waitpid(child, &status, 0) != child ||
        status != 0) {
        return 1;
    }
    (void)printf("%d %d\n", (int)getpid(), (int)child);
    return 0;
}
