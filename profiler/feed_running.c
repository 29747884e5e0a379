/* Machines that run when what is fed ends: whose they are, and what is not known of them. */
#include "profiler/feed_state.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_running(const pvm_feed_vm_t *entry)
{
    const pvm_prof_watch_t *const watch = entry->vm->observer_data;

    return watch != NULL && watch->is_running;
}

void pvm_feed_tell_running(pvm_prof_feed_t *feed)
{
    const pvm_feed_vm_t *first = NULL;
    size_t count = 0;
    bool may_miss = false;
    char who[64];

    for (size_t i = 0; i < PVM_PROF_FEED_BUCKETS; i++) {
        for (const pvm_feed_vm_t *at = feed->buckets[i]; at != NULL; at = at->next) {
            if (is_running(at)) {
                first = first == NULL || at->id < first->id ? at : first;
                may_miss |= feed->misses_open_calls && !at->vm->host_pending;
                count++;
            }
        }
    }
    if (first == NULL) {
        return;
    }
    if (count == 1) {
        (void)snprintf(who, sizeof(who), "process %" PRIu64 " was", first->id >> 32);
    } else {
        (void)snprintf(who, sizeof(who), "%zu machines, one of process %" PRIu64 ", were", count,
                       first->id >> 32);
    }
    (void)snprintf(feed->running, sizeof(feed->running),
                   "%s in the middle of an execution when the recording ended%s", who,
                   may_miss ? ", and a host call that was going on then is missing "
                              "(pvm:host_call_begin would tell it)"
                            : "");
    feed->recorder->cut_short = feed->running;
}
