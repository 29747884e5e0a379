/* A host plugin that sends the guest elsewhere: it goes on where r9 says, and every third time with more gas. */
#include <pvm/host.h>

static void *begin(pvm_vm_t *vm, uint32_t entry, const char *state_path, const char **out_error)
{
    static uint64_t calls;

    (void)vm, (void)entry, (void)state_path, (void)out_error;
    calls = 0;
    return &calls;
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    uint64_t *const calls = user_data;

    if (++*calls % 3 == 0) {
        pvm_set_gas(vm, pvm_get_gas(vm) + 1000);
    }
    return func_id == 1 && pvm_set_pc(vm, (uint32_t)pvm_get_register(vm, 9)) == 0
               ? PVM_HOST_CONTINUE
               : PVM_HOST_ERROR;
}

const pvm_host_plugin_t *pvm_host_plugin(void)
{
    static const pvm_host_plugin_t plugin = {.version = PVM_HOST_PLUGIN_VERSION,
                                             .size = sizeof(plugin),
                                             .open = begin,
                                             .answer = answer};

    return &plugin;
}
