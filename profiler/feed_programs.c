/* Programs as events tell them: collected piece by piece, loaded when they are whole. */
#include "profiler/feed_state.h"
#include "program/program.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pvm_feed_program_t *pvm_feed_program_find(pvm_prof_feed_t *feed, uint64_t hash)
{
    const uint32_t index = pvm_prof_map_get(&feed->program_by_hash, hash);

    return index != PVM_PROF_MAP_NONE ? &feed->programs[index] : NULL;
}

static bool has_same_code(const pvm_program_t *a, const pvm_program_t *b)
{
    return a->spec == b->spec && a->code.len == b->code.len &&
           memcmp(a->code.octets, b->code.octets, a->code.len) == 0 &&
           memcmp(a->code.mask, b->code.mask, ((size_t)a->code.len + 7) / 8) == 0;
}

void pvm_prof_feed_set_program(pvm_prof_feed_t *feed, pvm_program_t *program)
{
    if (program != NULL) {
        pvm_program_acquire(program);
    }
    pvm_program_release(feed->substitute);
    feed->substitute = program;
}

bool pvm_prof_feed_has_program(const pvm_prof_feed_t *feed, uint64_t hash)
{
    const uint32_t index = pvm_prof_map_get(&feed->program_by_hash, hash);

    return index != PVM_PROF_MAP_NONE && feed->programs[index].program != NULL;
}

bool pvm_prof_feed_is_full(const pvm_prof_feed_t *feed)
{
    return feed->program_count == PVM_PROF_MAX_PROGRAMS;
}

void pvm_prof_feed_forget_pieces(pvm_prof_feed_t *feed, uint64_t hash)
{
    pvm_feed_program_t *const entry = pvm_feed_program_find(feed, hash);

    if (entry != NULL && entry->program == NULL) {
        entry->received = 0;
    }
}

static pvm_prof_status_t finish_program(const pvm_prof_feed_t *feed, pvm_feed_program_t *entry)
{
    entry->program =
        pvm_program_load(entry->data, (size_t)entry->load.data_bytes,
                         (pvm_format_t)entry->load.format, (pvm_spec_t)entry->load.spec);
    if (entry->program == NULL) {
        char reason[256];

        (void)snprintf(reason, sizeof(reason), "%.255s", pvm_last_error());
        pvm_error_set("%.200s: program %016" PRIx64 " of the trace does not load: %s", feed->source,
                      entry->hash, reason);
        return PVM_PROF_E_FORMAT;
    }
    if (feed->substitute != NULL && has_same_code(feed->substitute, entry->program)) {
        pvm_program_release(entry->program);
        pvm_program_acquire(feed->substitute);
        entry->program = feed->substitute;
    }
    free(entry->data);
    entry->data = NULL;
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_feed_program_load(pvm_prof_feed_t *feed,
                                        const pvm_event_program_load_t *event)
{
    pvm_feed_program_t *entry = pvm_feed_program_find(feed, event->program);

    if (event->data_bytes > PVM_MAX_BLOB_BYTES || event->format > PVM_FORMAT_POLKAVM ||
        event->format == PVM_FORMAT_AUTO || event->spec > PVM_SPEC_LATEST64 ||
        event->spec == PVM_SPEC_DEFAULT) {
        pvm_error_set("%.300s: the trace has a program of %" PRIu64 " octets, format %u, spec %u",
                      feed->source, event->data_bytes, event->format, event->spec);
        return PVM_PROF_E_FORMAT;
    }
    if (entry != NULL && (entry->program != NULL || entry->received > 0)) {
        return PVM_PROF_OK;
    }
    if (entry == NULL) {
        if (pvm_prof_feed_is_full(feed)) {
            pvm_error_set("%.300s: more than %d different programs in the trace", feed->source,
                          PVM_PROF_MAX_PROGRAMS);
            return PVM_PROF_E_FORMAT;
        }
        pvm_feed_program_t *const programs =
            realloc(feed->programs, (feed->program_count + 1) * sizeof(*programs));
        if (programs == NULL) {
            goto no_memory;
        }
        feed->programs = programs;
        if (pvm_prof_map_add(&feed->program_by_hash, event->program,
                             (uint32_t)feed->program_count) != 0) {
            goto no_memory;
        }
        entry = &programs[feed->program_count++];
        *entry = (pvm_feed_program_t){.hash = event->program, .load = *event};
        entry->load.name = NULL;
        entry->name = strdup(event->name);
        entry->data = malloc((size_t)event->data_bytes + 1);
        if (entry->name == NULL || entry->data == NULL) {
            goto no_memory;
        }
    }
    return event->data_bytes == 0 ? finish_program(feed, entry) : PVM_PROF_OK;
no_memory:
    pvm_error_set("%.300s: no memory for a program of %" PRIu64 " octets", feed->source,
                  event->data_bytes);
    return PVM_PROF_E_SYSTEM;
}

pvm_prof_status_t pvm_feed_program_data(pvm_prof_feed_t *feed,
                                        const pvm_event_program_data_t *event)
{
    pvm_feed_program_t *const entry = pvm_feed_program_find(feed, event->program);

    /* Pieces come in order; a program told again fills the gap that a lost piece has left. */
    if (entry == NULL || entry->program != NULL || entry->data == NULL ||
        event->offset != entry->received ||
        event->data_len > entry->load.data_bytes - entry->received) {
        return PVM_PROF_OK;
    }
    memcpy(entry->data + entry->received, event->data, event->data_len);
    entry->received += event->data_len;
    return entry->received == entry->load.data_bytes ? finish_program(feed, entry) : PVM_PROF_OK;
}

void pvm_feed_programs_free(pvm_prof_feed_t *feed)
{
    for (size_t i = 0; i < feed->program_count; i++) {
        pvm_program_release(feed->programs[i].program);
        free(feed->programs[i].data);
        free(feed->programs[i].name);
    }
    free(feed->programs);
    pvm_prof_map_free(&feed->program_by_hash);
    feed->programs = NULL;
    feed->program_count = 0;
}
