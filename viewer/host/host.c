/* Chooses the host, and the simplest one: none. */
#include "viewer/host/host.h"

#include <pvm/trace.h>
#include <string.h>

/** Price of every host call under --host none. */
#define NONE_GAS 10
/** What a host that knows nothing answers: WHAT of GP B. */
#define HOST_WHAT (UINT64_MAX - 1)
/** Number of grow_heap in 0.8.0. */
#define GROW_HEAP 1

static pvm_host_result_t answer_what(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)user_data;
    /* The one call that is the machine's own business; programs of 0.8.0 cannot allocate without it. */
    if (func_id == GROW_HEAP && pvm_program_spec(pvm_get_program(vm)) == PVM_SPEC_0_8_0) {
        const int grown = pvm_grow_heap(vm);

        if (grown >= 0) {
            return grown == 0 ? PVM_HOST_CONTINUE : PVM_HOST_OOG;
        }
    }
    if (pvm_get_gas(vm) < NONE_GAS) {
        /* GP B: a host call that cannot be paid uses up all gas. */
        pvm_set_gas(vm, 0);
        return PVM_HOST_OOG;
    }
    pvm_set_gas(vm, pvm_get_gas(vm) - NONE_GAS);
    pvm_set_register(vm, 7, HOST_WHAT);
    return PVM_HOST_CONTINUE;
}

pvm_view_status_t pvm_host_open_none(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry,
                                     pvm_host_t *out)
{
    (void)vm;
    (void)entry;
    if (pvm_view_has(view, PVM_OPTION_STATE) || pvm_view_has(view, PVM_OPTION_WRITE_STATE)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "--state and --write-state need --host jam or a plugin");
    }
    out->answer = answer_what;
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_host_open(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry, pvm_host_t *out)
{
    const char *const name = pvm_view_text(view, PVM_OPTION_HOST);

    *out = (pvm_host_t){0};
    if (strcmp(name, "none") == 0) {
        return pvm_host_open_none(view, vm, entry, out);
    }
    if (strcmp(name, "jam") == 0) {
#if PVM_HAVE_SODIUM
        return pvm_host_open_jam(view, vm, entry, out);
#else
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                             "--host jam: left out of this build; install libsodium-dev and build "
                             "again");
#endif
    }
    if (strstr(name, ".so") != NULL || strchr(name, '/') != NULL) {
        return pvm_host_open_plugin(view, vm, entry, out);
    }
    return pvm_view_fail(view, PVM_VIEW_USAGE,
                         "--host %.100s: give none, jam, or the file of a plugin (./NAME.so)",
                         name);
}

void pvm_host_close(pvm_host_t *host)
{
    if (host->destroy != NULL) {
        host->destroy(host->state);
    }
    *host = (pvm_host_t){0};
}
