/* Events to stand-ins to the recorder: see feed.h. */
#include "profiler/feed.h"

#include "events/filter.h"
#include "profiler/feed_state.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Longest single access of the host that is kept. */
#define MEMORY_ACCESS_MAX (UINT64_C(64) << 20)

/* -- Machines ------------------------------------------------------------------------------ */

static pvm_feed_vm_t **chain(pvm_prof_feed_t *feed, int host, uint64_t id)
{
    const uint64_t mixed = (id ^ (uint64_t)host << 54) * UINT64_C(0x9e3779b97f4a7c15);

    return &feed->buckets[(mixed >> 32) % PVM_PROF_FEED_BUCKETS];
}

pvm_feed_vm_t *pvm_feed_vm_find(pvm_prof_feed_t *feed, int host, uint64_t id)
{
    pvm_feed_vm_t *at = *chain(feed, host, id);

    while (at != NULL && (at->host != host || at->id != id)) {
        at = at->next;
    }
    return at;
}

static void free_vm(pvm_prof_feed_t *feed, pvm_feed_vm_t *entry)
{
    pvm_feed_vm_t **link = chain(feed, entry->host, entry->id);

    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    pvm_destroy(entry->vm);
    free(entry->arguments);
    free(entry->memory);
    free(entry->flight);
    free(entry);
    feed->alive--;
}

static int by_touched(const void *left, const void *right)
{
    const pvm_feed_vm_t *const a = *(const pvm_feed_vm_t *const *)left;
    const pvm_feed_vm_t *const b = *(const pvm_feed_vm_t *const *)right;

    return a->touched < b->touched ? -1 : a->touched > b->touched;
}

/* There are too many. Machines whose end was lost stay for ever: those of which nothing was told for longest make room, half of
 * all. One that was only idle is another machine in the file when it comes back. @return false: there is nothing to let go */
static bool make_room(pvm_prof_feed_t *feed)
{
    const size_t all = feed->alive;
    pvm_feed_vm_t **const list = malloc((all + 1) * sizeof(*list));
    size_t count = 0;
    size_t gone = 0;

    for (size_t i = 0; i < PVM_PROF_FEED_BUCKETS && list != NULL; i++) {
        for (pvm_feed_vm_t *at = feed->buckets[i]; at != NULL && count < all; at = at->next) {
            list[count++] = at;
        }
    }
    if (count > 0) {
        qsort(list, count, sizeof(*list), by_touched);
    }
    while (gone < (count + 1) / 2 && list[gone]->touched != UINT64_MAX) {
        free_vm(feed, list[gone++]);
    }
    free(list);
    return gone > 0;
}

static pvm_vm_t *make_stand_in(const pvm_feed_program_t *program,
                               const pvm_event_execute_begin_t *event)
{
    return pvm_instantiate(program->program, PVM_BACKEND_INTERPRETER, event->service, 0);
}

static void store_process(pvm_prof_feed_t *feed, const pvm_feed_vm_t *entry)
{
    pvm_prof_run_file_t *const file = feed->file;

    pthread_mutex_lock(&file->lock);
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_VM_PROCESS);
    if (row != NULL) {
        sqlite3_bind_int64(row, 1, feed->recorder->vm_count);
        pvm_prof_store_bind_text(file, row, 2, feed->hosts[entry->host]);
        sqlite3_bind_int64(row, 3, (int64_t)(entry->id >> 32));
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_VM_PROCESS);
    }
    pthread_mutex_unlock(&file->lock);
}

static pvm_prof_status_t watch_vm(pvm_prof_feed_t *feed, pvm_feed_vm_t *entry,
                                  const pvm_feed_program_t *program)
{
    char made[sizeof("program-0123456789abcdef")];
    const char *name = feed->program_name;

    if (name == NULL || (feed->named != 0 && program->hash != feed->named)) {
        (void)snprintf(made, sizeof(made), "program-%016" PRIx64, program->hash);
        name = program->name[0] != '\0'   ? program->name
               : feed->other_name != NULL ? feed->other_name
                                          : made;
    }
    const pvm_prof_status_t status = pvm_prof_recorder_attach(feed->recorder, entry->vm, name);
    if (status == PVM_PROF_OK) {
        store_process(feed, entry);
    }
    return status;
}

pvm_prof_status_t pvm_feed_vm_make(pvm_prof_feed_t *feed, int host,
                                   const pvm_event_execute_begin_t *event,
                                   pvm_feed_vm_t **out_entry)
{
    const pvm_feed_program_t *const program = pvm_feed_program_find(feed, event->program);

    *out_entry = NULL;
    if (program == NULL || program->program == NULL) {
        return PVM_PROF_OK;
    }
    if (event->backend > PVM_BACKEND_RECOMPILER ||
        (feed->alive == PVM_PROF_MAX_ALIVE && !make_room(feed))) {
        pvm_error_set("%.300s: more than %d machines at one time, or an unknown backend",
                      feed->source, PVM_PROF_MAX_ALIVE);
        return PVM_PROF_E_FORMAT;
    }
    pvm_feed_vm_t *const entry = calloc(1, sizeof(*entry));
    pvm_vm_t *vm = entry == NULL ? NULL : make_stand_in(program, event);
    if (vm == NULL && entry != NULL && make_room(feed)) {
        vm = make_stand_in(program, event);
    }
    if (vm == NULL) {
        free(entry);
        return PVM_PROF_E_SYSTEM;
    }
    /* What it is a stand-in for; it never executes. */
    (void)pvm_set_trace_filter(vm, NULL);
    vm->backend = (pvm_backend_t)event->backend;
    vm->id = (uint32_t)event->vm;
    pvm_feed_vm_t **const place = chain(feed, host, event->vm);
    *entry = (pvm_feed_vm_t){
        .next = *place, .host = host, .id = event->vm, .vm = vm, .touched = feed->events};
    *place = entry;
    feed->alive++;
    *out_entry = entry;
    return watch_vm(feed, entry, program);
}

/* -- Events -------------------------------------------------------------------------------- */

static pvm_prof_status_t on_arguments(const pvm_prof_feed_t *feed, pvm_feed_vm_t *entry,
                                      const pvm_event_arguments_t *event)
{
    if (event->length > PVM_MAX_ARGUMENTS) {
        pvm_error_set("%.300s: the trace has arguments of %u octets", feed->source, event->length);
        return PVM_PROF_E_FORMAT;
    }
    if (event->offset == 0) {
        free(entry->arguments);
        entry->arguments = malloc((size_t)event->length + 1);
        entry->arguments_len = 0;
        entry->arguments_room = event->length;
        if (entry->arguments == NULL) {
            pvm_error_set("no memory for arguments");
            return PVM_PROF_E_SYSTEM;
        }
    }
    if (entry->arguments != NULL && event->offset == entry->arguments_len &&
        event->data_len <= entry->arguments_room - entry->arguments_len) {
        memcpy(entry->arguments + entry->arguments_len, event->data, event->data_len);
        entry->arguments_len += event->data_len;
    }
    return PVM_PROF_OK;
}

/* Which code the filter selects decides what counts mean: hits of blocks are derived from edges, of which some lead
 * out of it. When and for which machines is decided already: all that was told is selected. */
static void follow_filter(pvm_prof_feed_t *feed, pvm_vm_t *vm, const char *filter)
{
    const char *const old = pvm_get_trace_filter(vm);

    if (strcmp(old != NULL ? old : "", filter) == 0) {
        return;
    }
    if (pvm_set_trace_filter(vm, filter) == 0 && vm->filter != NULL) {
        vm->filter->is_selected = true;
        vm->filter->is_open = true;
        pvm_filter_counts_back(vm);
    }
    pthread_mutex_lock(&feed->file->lock);
    pvm_prof_note_filter(feed->recorder, filter);
    pthread_mutex_unlock(&feed->file->lock);
}

static void on_execute_begin(pvm_prof_feed_t *feed, pvm_feed_vm_t *entry,
                             const pvm_event_execute_begin_t *event)
{
    pvm_vm_t *const vm = entry->vm;
    const pvm_feed_vm_t *const parent =
        event->parent == 0 ? NULL : pvm_feed_vm_find(feed, entry->host, event->parent);

    follow_filter(feed, vm, event->filter);
    if (entry->arguments != NULL && entry->arguments_len == entry->arguments_room) {
        vm->begun = false;
        (void)pvm_set_arguments(vm, entry->arguments, entry->arguments_len);
        free(entry->arguments);
        entry->arguments = NULL;
    }
    pvm_feed_arrival_begin(vm, event);
    memcpy(vm->registers, event->registers, sizeof(vm->registers));
    (void)pvm_set_parent(vm, parent != NULL && parent != entry ? parent->vm : NULL);
    vm->gas = event->gas;
    vm->pc = event->pc;
    vm->state = PVM_STATE_READY;
    vm->host_pending = false;
    vm->fault_address = 0;
    vm->observer.run_begin(vm->observer_data, vm, (pvm_run_kind_t)event->kind);
}

static void on_execute_end(pvm_feed_vm_t *entry, const pvm_event_execute_end_t *event)
{
    pvm_vm_t *const vm = entry->vm;

    pvm_feed_arrival_end(vm, event, entry->has_called);
    vm->gas = event->gas;
    vm->pc = event->pc;
    vm->state = event->state;
    vm->fault_address = event->fault_address;
    pvm_feed_flight_end(entry, (pvm_result_t)event->result);
    vm->observer.run_end(vm->observer_data, vm, (pvm_result_t)event->result);
}

static void on_host_call_begin(pvm_prof_feed_t *feed, pvm_feed_vm_t *entry, uint64_t time_ns,
                               const pvm_event_host_call_begin_t *event)
{
    pvm_vm_t *const vm = entry->vm;
    const pvm_host_call_t call = {
        .seq = event->seq, .pc = event->pc, .func_id = event->func_id, .gas = event->gas};

    if (event->seq < vm->host_seq) {
        /* Told twice: in both ways. */
        return;
    }
    if (time_ns >= feed->last_call_ns) {
        feed->last_call_ns = time_ns;
    } else if (feed->late_ns == 0 || time_ns < feed->late_ns) {
        feed->late_ns = time_ns;
    }
    memcpy(vm->registers, event->registers, sizeof(vm->registers));
    vm->gas = event->gas;
    vm->pc = event->pc;
    vm->state = PVM_STATE_HOST;
    vm->host_call = event->func_id;
    vm->host_seq = event->seq + 1;
    vm->host_pending = true;
    vm->observer.host_call_begin(vm->observer_data, vm, &call);
}

static void on_host_call_end(pvm_feed_vm_t *entry, const pvm_event_host_call_end_t *event)
{
    pvm_vm_t *const vm = entry->vm;
    const pvm_host_call_t call = {
        .seq = event->seq, .pc = vm->pc, .func_id = vm->host_call, .gas = event->gas};
    uint32_t at = 0;

    if (!vm->host_pending || event->seq + 1 != vm->host_seq) {
        /* Told twice, or its begin is not known. */
        return;
    }
    for (int i = 0; i < PVM_REGISTER_COUNT && at < event->values_len; i++) {
        if ((event->changed >> i) & 1) {
            vm->registers[i] = event->values[at++];
        }
    }
    vm->gas = event->gas;
    vm->host_pending = false;
    vm->observer.host_call_end(vm->observer_data, vm, &call);
}

static pvm_prof_status_t on_host_memory(const pvm_prof_feed_t *feed, pvm_feed_vm_t *entry,
                                        const pvm_event_host_memory_t *event)
{
    pvm_vm_t *const vm = entry->vm;

    if (event->length > MEMORY_ACCESS_MAX) {
        pvm_error_set("%.300s: the trace has a memory access of %" PRIu64 " octets", feed->source,
                      event->length);
        return PVM_PROF_E_FORMAT;
    }
    if (event->offset == 0) {
        free(entry->memory);
        entry->memory = malloc((size_t)event->length + 1);
        entry->memory_len = 0;
        if (entry->memory == NULL) {
            pvm_error_set("no memory for an access of the host");
            return PVM_PROF_E_SYSTEM;
        }
    }
    if (entry->memory == NULL || event->offset != entry->memory_len ||
        event->data_len > event->length - entry->memory_len) {
        return PVM_PROF_OK;
    }
    memcpy(entry->memory + entry->memory_len, event->data, event->data_len);
    entry->memory_len += event->data_len;
    if (entry->memory_len == event->length) {
        vm->observer.host_memory(vm->observer_data, vm, event->address, entry->memory,
                                 (size_t)event->length, event->is_write);
        free(entry->memory);
        entry->memory = NULL;
    }
    return PVM_PROF_OK;
}

static void on_gas_set(pvm_feed_vm_t *entry, const pvm_event_gas_set_t *event)
{
    pvm_vm_t *const vm = entry->vm;

    vm->gas = event->new_gas;
    vm->observer.gas_set(vm->observer_data, vm, event->old_gas, event->new_gas);
}

/* Events of a machine that is known. */
static pvm_prof_status_t feed_vm(pvm_prof_feed_t *feed, pvm_feed_vm_t *entry, uint64_t time_ns,
                                 pvm_event_kind_t kind, const void *record)
{
    /* Events of counts and the flight record come in front of the end of a run. */
    if (kind == PVM_EVENT_host_call_end) {
        entry->has_called = true;
    } else if (kind == PVM_EVENT_host_call_begin || kind == PVM_EVENT_execute_begin) {
        entry->has_called = false;
    }
    switch (kind) {
    case PVM_EVENT_arguments:
        return on_arguments(feed, entry, record);
    case PVM_EVENT_execute_begin:
        on_execute_begin(feed, entry, record);
        return PVM_PROF_OK;
    case PVM_EVENT_execute_end:
        on_execute_end(entry, record);
        return PVM_PROF_OK;
    case PVM_EVENT_host_call_begin:
        on_host_call_begin(feed, entry, time_ns, record);
        return PVM_PROF_OK;
    case PVM_EVENT_host_call_end:
        on_host_call_end(entry, record);
        return PVM_PROF_OK;
    case PVM_EVENT_host_memory:
        return on_host_memory(feed, entry, record);
    case PVM_EVENT_gas_set:
        on_gas_set(entry, record);
        return PVM_PROF_OK;
    case PVM_EVENT_vm_reset:
        entry->vm->observer.reset(entry->vm->observer_data, entry->vm);
        return PVM_PROF_OK;
    case PVM_EVENT_vm_destroy:
        free_vm(feed, entry);
        return PVM_PROF_OK;
    case PVM_EVENT_flight:
        return pvm_feed_flight(entry, record);
    case PVM_EVENT_block_counts:
        return pvm_feed_block_counts(feed, entry->vm, record);
    case PVM_EVENT_edge_counts:
        return pvm_feed_edge_counts(feed, entry->vm, record);
    case PVM_EVENT_call_samples:
        return pvm_feed_call_samples(feed, entry->vm, record);
    case PVM_EVENT_call_tree:
        return pvm_feed_call_tree(feed, entry->vm, record);
    case PVM_EVENT_indirect_jumps:
        return pvm_feed_indirect_jumps(feed, entry->vm, record);
    case PVM_EVENT_samples:
        return pvm_feed_samples(feed, entry->vm, record);
    case PVM_EVENT_block_batch:
        return pvm_feed_block_batch(feed, entry->vm, record);
    case PVM_EVENT_gas:
        pvm_feed_gas(entry->vm, record);
        return PVM_PROF_OK;
    default:
        return PVM_PROF_OK;
    }
}

/* Every block in order, from traces that have it. */
#define PVM_FEED_TRACE_EVENTS(X)                                                                   \
    X(block_batch)                                                                                 \
    X(gas)

/* Events of one machine that are fed: X(name) for each. */
#define PVM_FEED_MACHINE_EVENTS(X)                                                                 \
    X(vm_create)                                                                                   \
    X(vm_destroy)                                                                                  \
    X(vm_reset)                                                                                    \
    X(arguments)                                                                                   \
    X(execute_begin)                                                                               \
    X(execute_end)                                                                                 \
    X(host_call_begin)                                                                             \
    X(host_call_end)                                                                               \
    X(host_memory)                                                                                 \
    X(gas_set)                                                                                     \
    X(flight)                                                                                      \
    X(block_counts)                                                                                \
    X(edge_counts)                                                                                 \
    X(samples)                                                                                     \
    X(call_tree)                                                                                   \
    X(call_samples)                                                                                \
    X(indirect_jumps)

/* The fields that every event of a machine has. */
static bool vm_of(pvm_event_kind_t kind, const void *record, uint64_t *out_vm)
{
    switch (kind) {
#define TAKE(name)                                                                                 \
    case PVM_EVENT_##name:                                                                         \
        *out_vm = ((const pvm_event_##name##_t *)record)->vm;                                      \
        return true;
        PVM_FEED_MACHINE_EVENTS(TAKE)
        PVM_FEED_TRACE_EVENTS(TAKE)
#undef TAKE
    default:
        return false;
    }
}

bool pvm_prof_feed_wants(pvm_event_kind_t kind, uint32_t instrument)
{
    switch (kind) {
#define WANT(name) case PVM_EVENT_##name:
        PVM_FEED_MACHINE_EVENTS(WANT)
#undef WANT
    case PVM_EVENT_program_load:
    case PVM_EVENT_program_data:
        return true;
    case PVM_EVENT_block_batch:
        return (instrument & PVM_PROF_BLOCKS) != 0;
    case PVM_EVENT_gas:
        return (instrument & PVM_PROF_GAS) != 0;
    default:
        return false;
    }
}

/* A machine is known from what makes it, or, if that was before the trace, from its first execution. */
static pvm_prof_status_t meet_vm(pvm_prof_feed_t *feed, int host, pvm_event_kind_t kind,
                                 const void *record, pvm_feed_vm_t **out_entry)
{
#define MEET(name)                                                                                 \
    case PVM_EVENT_##name: {                                                                       \
        const pvm_event_##name##_t *const event = record;                                          \
        const pvm_event_execute_begin_t begin = {.vm = event->vm,                                  \
                                                 .service = event->service,                        \
                                                 .program = event->program,                        \
                                                 .backend = event->backend};                       \
        return pvm_feed_vm_make(feed, host, &begin, out_entry);                                    \
    }
    switch (kind) {
        MEET(vm_create)
        MEET(arguments)
        MEET(execute_begin)
    default:
        break;
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_feed_start_recorder(pvm_prof_feed_t *feed)
{
    const pvm_prof_recorder_options_t options = {.size = sizeof(options),
                                                 .instrument = feed->instrument};
    const pvm_prof_status_t status =
        pvm_prof_recorder_create(feed->file, &options, &feed->recorder);

    if (status == PVM_PROF_OK) {
        feed->recorder->is_fed = true;
        feed->recorder->advice = feed->advice;
    }
    return status;
}

pvm_prof_status_t pvm_prof_feed_event(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                      pvm_event_kind_t kind, const void *record)
{
    pvm_prof_status_t status = PVM_PROF_OK;
    uint64_t vm;

    if (kind == PVM_EVENT_program_load) {
        return pvm_feed_program_load(feed, record);
    }
    if (kind == PVM_EVENT_program_data) {
        return pvm_feed_program_data(feed, record);
    }
    if (!vm_of(kind, record, &vm)) {
        return PVM_PROF_OK;
    }
    pvm_prof_clock_import(time_ns);
    if (feed->recorder == NULL) {
        status = pvm_feed_start_recorder(feed);
    }
    pvm_feed_vm_t *entry = pvm_feed_vm_find(feed, host, vm);
    if (status == PVM_PROF_OK && entry == NULL) {
        status = meet_vm(feed, host, kind, record, &entry);
    }
    feed->events++;
    if (status == PVM_PROF_OK && entry != NULL) {
        entry->touched = entry->touched == UINT64_MAX ? UINT64_MAX : feed->events;
        status = feed_vm(feed, entry, time_ns, kind, record);
    } else if (entry == NULL && kind != PVM_EVENT_vm_destroy && kind != PVM_EVENT_arguments &&
               kind != PVM_EVENT_vm_reset && kind != PVM_EVENT_vm_create) {
        /* The middle of something whose begin is not in the trace. */
        feed->lost_events++;
    }
    pvm_prof_clock_import(0);
    return status;
}

/* -- Life ---------------------------------------------------------------------------------- */

pvm_prof_status_t pvm_prof_feed_create(pvm_prof_run_file_t *file,
                                       const pvm_prof_feed_options_t *options,
                                       pvm_prof_feed_t **out_feed)
{
    pvm_prof_feed_t *const feed = calloc(1, sizeof(*feed));

    *out_feed = NULL;
    if (options->size != sizeof(*options)) {
        free(feed);
        pvm_error_set("options of another version");
        return PVM_PROF_E_ARGUMENT;
    }
    if (feed == NULL || (options->program_name != NULL &&
                         (feed->owned_name = strdup(options->program_name)) == NULL)) {
        free(feed);
        pvm_error_set("no memory to import with");
        return PVM_PROF_E_SYSTEM;
    }
    feed->file = file;
    feed->source = options->source != NULL ? options->source : file->path;
    feed->advice = options->advice;
    feed->instrument = options->instrument;
    feed->program_name = feed->owned_name;
    feed->named = options->program;
    feed->other_name = options->other_name;
    *out_feed = feed;
    return PVM_PROF_OK;
}

int pvm_prof_feed_host(pvm_prof_feed_t *feed, const char *name)
{
    for (int i = 0; i < feed->host_count; i++) {
        if (strcmp(feed->hosts[i], name) == 0) {
            return i;
        }
    }
    return pvm_prof_feed_add_host(feed, name);
}

int pvm_prof_feed_add_host(pvm_prof_feed_t *feed, const char *name)
{
    if (feed->host_count == PVM_PROF_MAX_HOSTS ||
        (feed->hosts[feed->host_count] = strdup(name)) == NULL) {
        return pvm_error_set("no memory for another host, or more than %d", PVM_PROF_MAX_HOSTS);
    }
    return feed->host_count++;
}

void pvm_prof_feed_set_instrument(pvm_prof_feed_t *feed, uint32_t instrument)
{
    feed->instrument = instrument != 0 ? instrument : (uint32_t)PVM_PROF_HOST_CALLS;
}

void pvm_prof_feed_lost(pvm_prof_feed_t *feed, uint64_t events, uint64_t packets)
{
    feed->lost_events += events;
    feed->lost_packets += packets;
}

void pvm_prof_feed_checkpoint(pvm_prof_feed_t *feed)
{
    if (feed->alive == 0 && feed->recorder != NULL) {
        pvm_prof_recorder_checkpoint(feed->recorder);
    }
}

void pvm_prof_feed_lost_calls(pvm_prof_feed_t *feed, uint64_t calls)
{
    feed->lost_calls += calls;
}

void pvm_prof_feed_misses_open_calls(pvm_prof_feed_t *feed)
{
    feed->misses_open_calls = true;
}

void pvm_prof_feed_left_out(pvm_prof_feed_t *feed, const char *what)
{
    feed->left_out = what;
}

void pvm_prof_feed_broken(pvm_prof_feed_t *feed, const char *reason)
{
    feed->broken = reason;
}

pvm_prof_status_t pvm_prof_feed_finish(pvm_prof_feed_t *feed, pvm_prof_run_status_t status)
{
    pvm_prof_status_t result = PVM_PROF_OK;

    if (feed->recorder == NULL) {
        result = pvm_feed_start_recorder(feed);
    }
    if (result != PVM_PROF_OK) {
        return result;
    }
    feed->file->lost[PVM_PROF_LOST_EVENT] += feed->lost_events;
    feed->file->lost[PVM_PROF_LOST_PACKET] += feed->lost_packets;
    feed->file->lost[PVM_PROF_LOST_HOST_CALL] += feed->lost_calls;
    feed->recorder->broken = feed->broken;
    feed->recorder->left_out = feed->left_out;
    pvm_feed_tell_running(feed);
    result = pvm_prof_recorder_finish(feed->recorder, status);
    if (feed->late_ns != 0 && (feed->instrument & PVM_PROF_HOST_CALLS) && result == PVM_PROF_OK) {
        result =
            pvm_feed_sort_calls(feed->file, (int64_t)(feed->late_ns - feed->recorder->began_ns));
    }
    return result;
}

void pvm_prof_feed_destroy(pvm_prof_feed_t *feed)
{
    if (feed == NULL) {
        return;
    }
    pvm_prof_recorder_destroy(feed->recorder);
    for (size_t i = 0; i < PVM_PROF_FEED_BUCKETS; i++) {
        while (feed->buckets[i] != NULL) {
            free_vm(feed, feed->buckets[i]);
        }
    }
    pvm_feed_programs_free(feed);
    pvm_program_release(feed->substitute);
    free(feed->sums);
    for (int i = 0; i < feed->host_count; i++) {
        free(feed->hosts[i]);
    }
    free(feed->owned_name);
    free(feed);
}
