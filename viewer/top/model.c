/* Sums and samples of `top`: see model.h. */
#include "viewer/top/model.h"

#include "viewer/top/state.h"

#include <pvm/pvm.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void on_record(void *user_data, const pvm_bpf_header_t *header, const void *record,
                      size_t bytes)
{
    pvm_top_t *const top = user_data;

    if (header->kind == PVM_BPF_SAMPLE && bytes >= sizeof(pvm_bpf_sample_t)) {
        (void)pvm_samples_add(&top->samples, &top->images, header, record);
    }
}

pvm_prof_status_t pvm_top_open(const pvm_attach_options_t *options, pvm_top_t **out)
{
    pvm_top_t *const top = calloc(1, sizeof(*top));
    pvm_attach_options_t wanted = *options;

    *out = NULL;
    if (top == NULL) {
        return PVM_PROF_E_SYSTEM;
    }
    wanted.sums_up = true;
    top->waits = options->pid == 0 && options->comm == NULL;
    pvm_overhead_begin(&top->overhead, 0, true);
    const pvm_prof_status_t status = pvm_attach_open(&wanted, on_record, top, &top->attach);
    if (status != PVM_PROF_OK) {
        free(top);
        return status;
    }
    (void)pvm_images_update(&top->images, top->attach);
    top->refreshed_ns = now_ns();
    *out = top;
    return PVM_PROF_OK;
}

void pvm_top_poll(pvm_top_t *top)
{
    (void)pvm_attach_poll(top->attach);
    (void)pvm_images_update(&top->images, top->attach);
}

/* -- Sums ---------------------------------------------------------------------------------- */

static top_entry_t *entry_of(pvm_top_t *top, const pvm_bpf_total_key_t *key)
{
    /* The kernel walks its table in the same order each time, as a rule. */
    for (size_t i = 0; i < top->entry_count; i++) {
        const size_t at = (top->cursor + i) % top->entry_count;
        if (memcmp(&top->entries[at].key, key, sizeof(*key)) == 0) {
            top->cursor = at + 1;
            return &top->entries[at];
        }
    }
    if (top->entry_count == top->entry_room) {
        const size_t room = top->entry_room == 0 ? 64 : 2 * top->entry_room;
        top_entry_t *const entries = realloc(top->entries, room * sizeof(*entries));
        if (entries == NULL) {
            return NULL;
        }
        top->entries = entries;
        top->entry_room = room;
    }
    top_entry_t *const entry = &top->entries[top->entry_count++];
    *entry = (top_entry_t){.key = *key};
    return entry;
}

static void take_total(void *user_data, const pvm_bpf_total_key_t *key,
                       const pvm_bpf_total_t *total)
{
    top_entry_t *const entry = entry_of(user_data, key);

    if (entry != NULL) {
        entry->now = *total;
    }
}

void pvm_top_refresh(pvm_top_t *top, bool forgets)
{
    const uint64_t now = now_ns();

    for (size_t i = 0; i < top->entry_count; i++) {
        top->entries[i].before = top->entries[i].now;
    }
    pvm_attach_totals(top->attach, take_total, top);
    for (size_t i = 0; i < top->images.count; i++) {
        if (top->images.list[i].pid != 0) {
            (void)pvm_image_refresh(&top->images.list[i]);
        }
    }
    pvm_overhead_finish(&top->overhead, top->attach);
    if (forgets) {
        pvm_samples_clear(&top->shown);
        top->shown = top->samples;
        memset(&top->samples, 0, sizeof(top->samples));
    }
    const uint64_t elsewhere = pvm_attach_counters(top->attach, PVM_BPF_SAMPLE).filtered;
    top->elsewhere = elsewhere - top->elsewhere_before;
    top->elsewhere_before = elsewhere;
    top->seconds = (double)(now - top->refreshed_ns) * 1e-9;
    top->refreshed_ns = now;
}

bool pvm_top_is_alive(const pvm_top_t *top)
{
    return top->waits || pvm_attach_is_alive(top->attach);
}

pvm_top_line_t pvm_top_line(const pvm_top_t *top)
{
    const pvm_bpf_counters_t counters = pvm_attach_counters(top->attach, PVM_EVENT_host_call);
    const pvm_sample_sums_t *const sums = &top->shown.sums;
    pvm_top_line_t line = {.overhead = top->overhead.share,
                           .lost = counters.dropped + counters.unread,
                           .samples = sums->guest + sums->engine + sums->host + sums->unknown +
                                      top->elsewhere};
    size_t count;
    const pvm_attach_process_t *const processes = pvm_attach_processes(top->attach, &count);

    for (size_t i = 0; i < count; i++) {
        line.processes += !processes[i].is_gone;
    }
    for (size_t i = 0; i < top->entry_count; i++) {
        const top_entry_t *const entry = &top->entries[i];
        line.gas_per_s += pvm_top_rate(top, entry->now.gas_taken, entry->before.gas_taken);
        if (entry->key.kind == PVM_BPF_CALLS) {
            line.calls_per_s += pvm_top_rate(top, entry->now.calls, entry->before.calls);
        } else {
            line.calls_per_s += pvm_top_rate(top, entry->now.missed, entry->before.missed);
            line.runs_per_s += pvm_top_rate(top, entry->now.calls, entry->before.calls);
        }
    }
    return line;
}

void pvm_top_close(pvm_top_t *top)
{
    if (top == NULL) {
        return;
    }
    pvm_attach_close(top->attach);
    for (size_t i = 0; i < top->program_count; i++) {
        pvm_prof_functions_free(&top->programs[i].functions);
        pvm_program_release(top->programs[i].program);
    }
    free(top->programs);
    pvm_images_free(&top->images);
    pvm_samples_clear(&top->samples);
    pvm_samples_clear(&top->shown);
    free(top->entries);
    free(top);
}
