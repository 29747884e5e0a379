/* Flight records of other processes, as their events tell them. */
#include "profiler/feed_state.h"
#include "profiler/watch.h"
#include "support/error.h"

#include <stdlib.h>

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void copy_frames(const pvm_event_flight_t *event, pvm_prof_flight_raw_t *out)
{
    const uint32_t known =
        least(event->frame_pcs_len, least(event->frame_times_len, event->frame_kinds_len));

    out->frame_count = least(known, PVM_PROF_FLIGHT_FRAMES);
    for (size_t i = 0; i < out->frame_count; i++) {
        out->frames[i] = (pvm_frame_t){.pc = event->frame_pcs[i],
                                       .times = event->frame_times[i],
                                       .kind = event->frame_kinds[i]};
    }
}

static void copy_calls(const pvm_event_flight_t *event, pvm_prof_flight_raw_t *out)
{
    const uint32_t of_begin =
        least(event->call_pcs_len, least(event->call_ids_len, event->call_gas_len));
    const uint32_t of_end = least(event->call_gas_after_len, event->call_results_len);

    out->call_count = least(least(of_begin, of_end), PVM_PROF_FLIGHT_CALLS);
    for (size_t i = 0; i < out->call_count; i++) {
        out->calls[i] = (pvm_flight_entry_t){.seq = event->first_call + i,
                                             .pc = event->call_pcs[i],
                                             .func_id = (int32_t)event->call_ids[i],
                                             .gas = (int64_t)event->call_gas[i],
                                             .gas_after = (int64_t)event->call_gas_after[i],
                                             .result = event->call_results[i]};
    }
}

pvm_prof_status_t pvm_feed_flight(pvm_feed_vm_t *entry, const pvm_event_flight_t *event)
{
    if (entry->flight == NULL && (entry->flight = malloc(sizeof(*entry->flight))) == NULL) {
        pvm_error_set("no memory for a flight record");
        return PVM_PROF_E_SYSTEM;
    }
    *entry->flight = (pvm_prof_flight_raw_t){.gas = event->gas, .cost = event->cost};
    copy_frames(event, entry->flight);
    copy_calls(event, entry->flight);
    entry->flight->block_count = least(event->blocks_len, PVM_LAST_BLOCKS);
    for (size_t i = 0; i < entry->flight->block_count; i++) {
        entry->flight->blocks[i] = event->blocks[i];
    }
    return PVM_PROF_OK;
}

void pvm_feed_flight_end(pvm_feed_vm_t *entry, pvm_result_t result)
{
    pvm_prof_watch_t *const watch = entry->vm->observer_data;

    if (entry->flight != NULL) {
        pthread_mutex_lock(&watch->recorder->file->lock);
        if (watch->execution.is_open) {
            pvm_prof_flight_note(watch, result, entry->flight);
        }
        pthread_mutex_unlock(&watch->recorder->file->lock);
    }
    free(entry->flight);
    entry->flight = NULL;
}
