/* Host calls that were told as a whole, when they had ended, as the two events that they stand for. */
#include "profiler/feed_state.h"

#include <string.h>

pvm_prof_status_t pvm_prof_feed_call_begin(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                           const pvm_event_host_call_t *call)
{
    pvm_event_host_call_begin_t begin = {.vm = call->vm,
                                         .service = call->service,
                                         .seq = call->seq,
                                         .pc = call->pc,
                                         .func_id = call->func_id,
                                         .gas = call->gas_before};

    memcpy(begin.registers, call->before, sizeof(begin.registers));
    return pvm_prof_feed_event(feed, host, time_ns, PVM_EVENT_host_call_begin, &begin);
}

pvm_prof_status_t pvm_prof_feed_call_end(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                         const pvm_event_host_call_t *call)
{
    uint64_t values[PVM_REGISTER_COUNT];
    pvm_event_host_call_end_t end = {.vm = call->vm,
                                     .seq = call->seq,
                                     .gas = call->gas_after,
                                     .values = values,
                                     .service = call->service};

    if (pvm_feed_vm_find(feed, host, call->vm) == NULL) {
        /* Counted as lost when it began. */
        return PVM_PROF_OK;
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (call->before[i] != call->after[i]) {
            end.changed = (uint16_t)(end.changed | 1U << i);
            values[end.values_len++] = call->after[i];
        }
    }
    return pvm_prof_feed_event(feed, host, time_ns, PVM_EVENT_host_call_end, &end);
}

pvm_prof_status_t pvm_prof_feed_call_open(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                          const pvm_event_host_call_open_t *call)
{
    pvm_event_host_call_begin_t begin = {.vm = call->vm,
                                         .service = call->service,
                                         .seq = call->seq,
                                         .pc = call->pc,
                                         .func_id = call->func_id,
                                         .gas = call->gas};

    memcpy(begin.registers, call->registers, sizeof(begin.registers));
    return pvm_prof_feed_event(feed, host, time_ns, PVM_EVENT_host_call_begin, &begin);
}
