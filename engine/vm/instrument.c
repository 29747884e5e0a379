/* Switching instrumentation and observers. */
#include "events/asked.h"
#include "events/events.h"
#include "events/filter.h"
#include "sampling/samples.h"
#include "support/error.h"
#include "vm/calls.h"
#include "vm/counts.h"
#include "vm/vm.h"

/** What needs counts. */
#define COUNTING                                                                                   \
    (PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES | PVM_INSTRUMENT_BLOCKS | PVM_INSTRUMENT_GAS |   \
     PVM_INSTRUMENT_CALLS | PVM_INSTRUMENT_FLIGHT)

static int begin_counting(pvm_vm_t *vm)
{
    vm->counts = pvm_counts_create(vm->program);
    if (vm->counts == NULL) {
        return -1;
    }
    /* Where the guest came from is not known to who did not count: counting begins with an entry, or in the
     * middle of a block, where what follows a host call or a fault is no arrival. */
    const bool in_block =
        vm->charged || vm->state == PVM_STATE_HOST || vm->state == PVM_STATE_FAULT;
    vm->arrival = (pvm_arrival_t){.kind = PVM_ARRIVAL_ENTRY};
    if (in_block) {
        pvm_counts_begin_inside(vm);
    }
    if (vm->filter != NULL && !vm->filter->is_open) {
        pvm_counts_break(vm);
    }
    return 0;
}

/* @return 0, or -1 and the VM is as before. */
static int choose_sampling(pvm_vm_t *vm, bool is_wanted)
{
    if (is_wanted && vm->samples == NULL) {
        if (pvm_sample_timer_install() != 0) {
            return -1;
        }
        vm->samples = pvm_samples_create(vm->program, vm->sample_hz);
        return vm->samples != NULL ? 0 : -1;
    }
    if (!is_wanted && vm->samples != NULL) {
        pvm_samples_tell(vm);
        pvm_samples_destroy(vm->samples);
        vm->samples = NULL;
    }
    return 0;
}

int pvm_set_instrumentation(pvm_vm_t *vm, uint32_t flags)
{
    const uint32_t known = COUNTING | PVM_INSTRUMENT_MEMORY | PVM_INSTRUMENT_SAMPLES;

    if (vm == NULL || (vm->running && !vm->host_pending)) {
        return pvm_error_set(
            "pvm_set_instrumentation: no VM, or it is running outside of a host call");
    }
    if ((flags & ~known) != 0) {
        return pvm_error_set("pvm_set_instrumentation: unknown flags 0x%x", flags & ~known);
    }
    flags |= pvm_events_asked().flags;
    if (choose_sampling(vm, (flags & PVM_INSTRUMENT_SAMPLES) != 0) != 0) {
        return -1;
    }
    pvm_filter_counts_back(vm);
    const bool begins_calls = (flags & PVM_INSTRUMENT_CALLS) != 0 && vm->calls == NULL;
    pvm_calls_t *const calls = begins_calls ? pvm_calls_create(vm->program) : NULL;
    if (begins_calls && calls == NULL) {
        return -1;
    }
    if ((flags & COUNTING) != 0) {
        if (vm->counts == NULL && begin_counting(vm) != 0) {
            pvm_calls_destroy(calls);
            return -1;
        }
        vm->events.owns_counts = false;
        vm->calls = begins_calls ? calls : vm->calls;
    } else if (vm->counts != NULL && !vm->events.owns_counts) {
        pvm_events_counts_tell(vm);
        pvm_events_counts_free(vm);
        pvm_counts_destroy(vm->counts);
        vm->counts = NULL;
    }
    if ((flags & PVM_INSTRUMENT_CALLS) == 0) {
        pvm_calls_destroy(vm->calls);
        vm->calls = NULL;
    }
    vm->instrumentation = flags;
    if (vm->running && vm->moved == PVM_MOVED_NOT) {
        vm->moved = PVM_MOVED_TO_BEHIND;
    }
    return pvm_events_choose(vm);
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
