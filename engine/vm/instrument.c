/* Switching instrumentation and observers. */
#include "support/error.h"
#include "vm/counts.h"
#include "vm/vm.h"

#include <dlfcn.h>

int pvm_set_instrumentation(pvm_vm_t *vm, uint32_t flags)
{
    const uint32_t known = PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES;

    if (vm == NULL || vm->running) {
        return pvm_error_set("pvm_set_instrumentation: no VM, or it is running");
    }
    if ((flags & ~known) != 0) {
        return pvm_error_set("pvm_set_instrumentation: unknown flags 0x%x", flags & ~known);
    }
    if (flags != 0 && vm->counts == NULL) {
        vm->counts = pvm_counts_create(vm->program);
        if (vm->counts == NULL) {
            return -1;
        }
        /* Where the guest came from is not known to who did not count: counting begins with an entry, or in the
         * middle of a block that is paid. */
        vm->arrival = (pvm_arrival_t){.kind = vm->charged ? PVM_ARRIVAL_NONE : PVM_ARRIVAL_ENTRY};
    }
    if (flags == 0) {
        pvm_counts_destroy(vm->counts);
        vm->counts = NULL;
    }
    vm->instrumentation = flags;
    return 0;
}

int pvm_set_observer(pvm_vm_t *vm, const pvm_observer_t *observer, void *user_data)
{
    if (vm == NULL || vm->running) {
        return pvm_error_set("pvm_set_observer: no VM, or it is running");
    }
    if (observer == NULL) {
        vm->observer = (pvm_observer_t){0};
        vm->observer_data = NULL;
        return 0;
    }
    if (observer->size != sizeof(*observer)) {
        return pvm_error_set("pvm_set_observer: size %zu; set it to sizeof(pvm_observer_t), %zu",
                             observer->size, sizeof(*observer));
    }
    vm->observer = *observer;
    vm->observer_data = user_data;
    return 0;
}

int pvm_trace_load_lttng(void)
{
    if (dlopen("libpvm-lttng.so", RTLD_NOW | RTLD_GLOBAL) == NULL) {
        return pvm_error_set("cannot load the LTTng provider: %s", dlerror());
    }
    return 0;
}
