/* Calls as events tell them, into the tree of a stand-in. */
#include "profiler/feed_state.h"
#include "support/error.h"
#include "vm/calls.h"

static pvm_prof_status_t refuse(const pvm_prof_feed_t *feed, const char *what)
{
    pvm_error_set("%.300s: the trace tells of %s that cannot be", feed->source, what);
    return PVM_PROF_E_FORMAT;
}

static bool is_whole(const pvm_event_call_tree_t *event)
{
    const uint32_t count = event->contexts_len;

    return event->parents_len == count && event->sites_len == count &&
           event->routines_len == count && event->kinds_len == count && event->calls_len == count &&
           event->gas_len == count && event->host_calls_len == count &&
           event->host_gas_len == count && event->deeper_calls_len == count &&
           event->deeper_gas_len == count;
}

pvm_prof_status_t pvm_feed_call_tree(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                     const pvm_event_call_tree_t *event)
{
    pvm_calls_t *const calls = vm->calls;

    if (calls == NULL) {
        return PVM_PROF_OK;
    }
    if (!is_whole(event)) {
        return refuse(feed, "a call tree");
    }
    for (uint32_t i = 0; i < event->contexts_len; i++) {
        const pvm_call_node_t more = {.parent = event->parents[i],
                                      .site = event->sites[i],
                                      .routine = event->routines[i],
                                      .kind = event->kinds[i],
                                      .calls = event->calls[i],
                                      .gas = event->gas[i],
                                      .host_calls = event->host_calls[i],
                                      .host_gas = event->host_gas[i],
                                      .deeper_calls = event->deeper_calls[i],
                                      .deeper_gas = event->deeper_gas[i]};
        if (pvm_calls_tell(calls, event->contexts[i], &more) != 0) {
            return refuse(feed, "a context");
        }
    }
    calls->host = event->host < calls->count ? pvm_calls_context(calls, event->host) : NULL;
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_feed_call_samples(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                        const pvm_event_call_samples_t *event)
{
    if (vm->calls == NULL) {
        return PVM_PROF_OK;
    }
    if (event->counts_len != event->contexts_len) {
        return refuse(feed, "samples without a context");
    }
    for (uint32_t i = 0; i < event->contexts_len; i++) {
        if (event->contexts[i] >= vm->calls->count) {
            return refuse(feed, "samples in a context");
        }
        pvm_calls_context(vm->calls, event->contexts[i])->samples += event->counts[i];
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_feed_indirect_jumps(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                          const pvm_event_indirect_jumps_t *event)
{
    if (vm->calls == NULL) {
        return PVM_PROF_OK;
    }
    if (event->to_len != event->from_len || event->counts_len != event->from_len) {
        return refuse(feed, "jumps");
    }
    for (uint32_t i = 0; i < event->from_len; i++) {
        const pvm_jump_pair_t more = {
            .from = event->from[i], .to = event->to[i], .count = event->counts[i]};
        if (pvm_calls_tell_jump(vm->calls, &more) != 0) {
            return refuse(feed, "a jump");
        }
    }
    return PVM_PROF_OK;
}
