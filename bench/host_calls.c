/* A guest that does nothing but call the host: see host_calls.h. */
#include "host_calls.h"

pvm_program_t *bench_calls_program(void)
{
    /* @0 ecalli 1; ecalli 1; ... x8; jump @0 */
    static const uint8_t code[] = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 40, 240};
    static const uint8_t mask[] = {0x55, 0x55, 0x01};

    return pvm_program_from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_0_8_0);
}

pvm_host_result_t bench_calls_answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    pvm_set_register(vm, 7, ++*(uint64_t *)user_data);
    return PVM_HOST_CONTINUE;
}
