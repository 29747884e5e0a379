/* A host in which everything happens that there is an event for: a JAM service with arguments, memory that the host reads and
 * writes, a reset, gas set, out of gas, a page fault, and machines with every kind of instrumentation. */
#include <pvm/pvm.h>
#include <pvm/trace.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOB_MAX  (1 << 20)
#define GAS       2000000
#define LITTLE    500
#define SAMPLE_HZ 5000

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    uint8_t octet;
    const uint32_t address = (uint32_t)pvm_get_register(vm, 1);

    (void)func_id;
    (void)user_data;
    /* An octet on the guest's stack. */
    if (pvm_read_memory(vm, address, &octet, 1) == 0) {
        (void)pvm_write_memory(vm, address, &octet, 1);
    }
    pvm_set_register(vm, 7, UINT64_MAX - 1);
    return PVM_HOST_CONTINUE;
}

static pvm_program_t *load(const char *path)
{
    static uint8_t blob[BLOB_MAX];
    FILE *const file = fopen(path, "rb");

    if (file == NULL) {
        return NULL;
    }
    const size_t len = fread(blob, 1, sizeof(blob), file);
    (void)fclose(file);
    return pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
}

/* Runs until halted, out of gas or faulted, which is returned. */
static pvm_result_t run(pvm_program_t *program, pvm_backend_t backend, uint32_t flags, uint64_t gas)
{
    static const uint8_t arguments[] = {1, 2, 3, 4, 5};
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, LITTLE);
    uint32_t pc = 0;

    if (vm == NULL || pvm_set_sample_rate(vm, SAMPLE_HZ) != 0 ||
        pvm_set_instrumentation(vm, flags) != 0 || pvm_reset(vm, LITTLE) != 0) {
        pvm_destroy(vm);
        return PVM_RESULT_ERROR;
    }
    pvm_set_gas(vm, (int64_t)gas);
    pvm_set_host_callback(vm, answer, NULL);
    if (pvm_program_format(program) == PVM_FORMAT_JAM) {
        (void)pvm_set_arguments(vm, arguments, sizeof(arguments));
    } else if (pvm_program_export(program, 0, &pc) != NULL) {
        pvm_set_register(vm, 7, UINT32_MAX);
    }
    const pvm_result_t result = pvm_execute(vm, pc);
    pvm_destroy(vm);
    return result;
}

/* kinds SERVICE.jam GUEST.polkavm */
int main(int argc, char **argv)
{
    /* r7 = the octet at 2^17, where there is no memory. */
    static const uint8_t code[] = {52, 7, 0, 0, 2, 0};
    static const uint8_t mask[] = {0x21};
    pvm_program_t *const service = argc == 3 ? load(argv[1]) : NULL;
    pvm_program_t *const guest = argc == 3 ? load(argv[2]) : NULL;
    pvm_program_t *const faulty =
        pvm_program_from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_DEFAULT);

    if (service == NULL || guest == NULL || faulty == NULL) {
        (void)fprintf(stderr, "kinds: %s\n", pvm_last_error());
        return 1;
    }
    const pvm_result_t results[] = {
        run(service, PVM_BACKEND_DEFAULT, PVM_INSTRUMENT_MEMORY | PVM_INSTRUMENT_EDGES, GAS),
        run(service, PVM_BACKEND_DEFAULT, PVM_INSTRUMENT_GAS, LITTLE),
        run(guest, PVM_BACKEND_INTERPRETER, PVM_INSTRUMENT_CALLS | PVM_INSTRUMENT_SAMPLES, GAS),
        run(faulty, PVM_BACKEND_DEFAULT, 0, GAS),
    };
    (void)printf("%d %d %d %d: %s\n", results[0], results[1], results[2], results[3],
                 pvm_last_error());
    pvm_program_release(service);
    pvm_program_release(guest);
    pvm_program_release(faulty);
    return results[0] == PVM_RESULT_OK && results[1] == PVM_RESULT_OOG &&
                   results[2] == PVM_RESULT_OOG && results[3] == PVM_RESULT_FAULT
               ? 0
               : 1;
}
