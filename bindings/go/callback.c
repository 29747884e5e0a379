/* The host callback of every machine that Go made: hands over the number that stands for it. */
#include "callback.h"

#include "_cgo_export.h"

static pvm_host_result_t call_go(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    return (pvm_host_result_t)pvmGoHostCall((uintptr_t)user_data, func_id);
}

void pvm_go_set_callback(pvm_vm_t *vm, uintptr_t handle)
{
    pvm_set_host_callback(vm, handle != 0 ? call_go : NULL, (void *)handle);
}
