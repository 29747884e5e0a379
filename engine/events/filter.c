/* The filter of a machine: set, and followed from host call to host call. See filter.h. */
#include "events/filter.h"

#include "events/environment.h"
#include "events/events.h"
#include "support/error.h"
#include "support/fork_gate.h"
#include "vm/calls.h"
#include "vm/counts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* -- The filter of the process --------------------------------------------------------------- */

/* For machines that are made from now on. Whoever traces a process from outside sets it before the process starts. */
static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static pvm_filter_t *default_filter;
/* A text that is not understood selects nothing: that is seen at once, a trace of everything is not. */
static bool is_default_broken;

static void lock_default(void)
{
    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&default_lock);
}

static void unlock_default(void)
{
    (void)pthread_mutex_unlock(&default_lock);
    pvm_fork_gate_leave();
}

static void set_default(pvm_filter_t *filter, bool is_broken)
{
    lock_default();
    pvm_filter_t *const old = default_filter;
    default_filter = filter;
    is_default_broken = is_broken;
    unlock_default();
    pvm_filter_release(old);
}

static void read_environment_once(void)
{
    const char *const text = secure_getenv("PVM_TRACE_FILTER");

    if (text != NULL && text[0] != '\0') {
        pvm_filter_t *const filter = pvm_filter_parse(text);
        if (filter == NULL) {
            pvm_events_tell_user("PVM_TRACE_FILTER selects nothing");
        }
        set_default(filter, filter == NULL);
    }
}

static void read_environment(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, read_environment_once);
}

/* -- Setting ------------------------------------------------------------------------------- */

static bool selects_service(const pvm_filter_t *filter, uint32_t service)
{
    for (size_t i = 0; i < filter->service_count; i++) {
        if (filter->services[i] == service) {
            return true;
        }
    }
    return filter->service_count == 0;
}

static bool opens_at_once(const pvm_filter_t *filter)
{
    return filter->after == 0 && filter->start_count == 0 && filter->around_count == 0;
}

void pvm_filter_free(pvm_vm_t *vm)
{
    pvm_filter_state_t *const state = vm->filter;

    if (state != NULL) {
        pvm_filter_counts_back(vm);
        vm->filter = NULL;
        pvm_filter_release(state->filter);
        free(state->ranges);
        free(state);
        pvm_events_add_listener(-1);
    }
}

/* Takes over one reference. NULL: nothing is selected. */
static int set_filter(pvm_vm_t *vm, pvm_filter_t *filter)
{
    pvm_filter_state_t *const state = calloc(1, sizeof(*state));
    int status = 0;

    if (state == NULL) {
        pvm_filter_release(filter);
        return pvm_error_set("trace filter: no memory");
    }
    state->filter = filter;
    if (filter != NULL) {
        state->is_selected = selects_service(filter, vm->service);
        state->is_open = state->is_selected && opens_at_once(filter);
        state->has_ranges = filter->range_count + filter->function_count > 0;
        if (state->has_ranges) {
            status = pvm_filter_resolve(filter, vm->program, &state->ranges, &state->range_count);
        }
    }
    vm->filter = state;
    pvm_events_add_listener(1);
    return status;
}

void pvm_filter_inherit(pvm_vm_t *vm)
{
    read_environment();
    lock_default();
    pvm_filter_t *const filter = default_filter;
    const bool is_broken = is_default_broken;
    if (filter != NULL) {
        pvm_filter_acquire(filter);
    }
    unlock_default();
    if (filter != NULL || is_broken) {
        /* A program without that function has nothing to select. */
        (void)set_filter(vm, filter);
    }
}

int pvm_set_trace_filter(pvm_vm_t *vm, const char *filter)
{
    pvm_filter_t *parsed = NULL;

    if (vm != NULL && vm->running) {
        return pvm_error_set("pvm_set_trace_filter: the VM is running");
    }
    if (filter != NULL && filter[0] != '\0') {
        parsed = pvm_filter_parse(filter);
        if (parsed == NULL) {
            return -1;
        }
    }
    if (vm == NULL) {
        read_environment();
        set_default(parsed, false);
        return 0;
    }
    pvm_filter_free(vm);
    if (parsed != NULL && set_filter(vm, parsed) != 0) {
        pvm_filter_free(vm);
        return -1;
    }
    return pvm_events_choose(vm);
}

const char *pvm_get_trace_filter(pvm_vm_t *vm)
{
    if (vm == NULL || vm->filter == NULL) {
        return NULL;
    }
    return vm->filter->filter != NULL ? vm->filter->filter->text : "(not understood)";
}

int pvm_is_selected(pvm_vm_t *vm)
{
    return vm != NULL && (vm->filter == NULL || vm->filter->is_selected);
}

/* -- Code ---------------------------------------------------------------------------------- */

static bool has_pc(const pvm_filter_state_t *state, uint32_t pc)
{
    size_t low = 0;
    size_t high = state->range_count;

    /* Invariant: ranges before `low` begin at or before pc, those from `high` on behind it. */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (state->ranges[middle].begin <= pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return !state->has_ranges || (low > 0 && pc < state->ranges[low - 1].end);
}

bool pvm_filter_has_block(const pvm_filter_state_t *state, const pvm_program_t *program,
                          uint32_t block)
{
    return has_pc(state,
                  block < program->block_count ? program->blocks[block].pc : program->code.len);
}

/* -- Windows: from host call to host call -------------------------------------------------- */

void pvm_filter_counts_back(pvm_vm_t *vm)
{
    pvm_filter_state_t *const state = vm->filter;

    if (state != NULL && state->counts != NULL) {
        vm->counts = state->counts;
        state->counts = NULL;
        vm->calls = state->calls;
        state->calls = NULL;
        if (vm->calls != NULL) {
            pvm_calls_resume(vm);
        }
    }
}

void pvm_filter_counts_aside(pvm_vm_t *vm)
{
    pvm_filter_state_t *const state = vm->filter;

    if (state != NULL && !state->is_open && vm->counts != NULL) {
        state->counts = vm->counts;
        vm->counts = NULL;
        state->calls = vm->calls;
        vm->calls = NULL;
    }
}

/* In a host call, whose block goes on in other code if it is executing. */
static void set_open(pvm_vm_t *vm, bool is_open)
{
    pvm_filter_state_t *const state = vm->filter;

    if (state->is_open == is_open) {
        return;
    }
    if (is_open) {
        state->is_open = true;
        pvm_filter_counts_back(vm);
        pvm_counts_begin_inside(vm);
    } else {
        pvm_block_trace_flush(vm);
        pvm_counts_break(vm);
        state->is_open = false;
    }
    (void)pvm_events_choose(vm);
    if (vm->running && vm->moved == PVM_MOVED_NOT) {
        vm->moved = PVM_MOVED_TO_BEHIND;
    }
}

static bool has_call(const pvm_vm_t *vm, const pvm_filter_call_t *calls, size_t count)
{
    const char *const name = count > 0 ? pvm_host_call_name(vm->program, vm->host_call) : NULL;

    for (size_t i = 0; i < count; i++) {
        if (calls[i].is_number ? calls[i].func_id == vm->host_call
                               : name != NULL && strcmp(calls[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void pvm_filter_run_begin(pvm_vm_t *vm, pvm_run_kind_t kind)
{
    pvm_filter_state_t *const state = vm->filter;

    /* Before pvm_events_choose(), which follows it. A fresh execution has arrived nowhere yet. */
    if (state != NULL && kind == PVM_RUN_EXECUTE && state->filter != NULL) {
        state->is_open = state->is_selected && opens_at_once(state->filter);
        state->is_around = false;
    }
}

void pvm_filter_call_begin(pvm_vm_t *vm)
{
    pvm_filter_state_t *const state = vm->filter;
    const pvm_filter_t *const filter = state->filter;

    if (!state->is_selected) {
        state->is_untold = true;
        return;
    }
    const bool is_due = vm->host_seq - vm->execute_seq > filter->after;
    if (state->is_around) {
        state->is_around = false;
        set_open(vm, false);
    }
    if (is_due && !state->is_open) {
        state->is_around = has_call(vm, filter->arounds, filter->around_count);
        set_open(vm, state->is_around || has_call(vm, filter->starts, filter->start_count));
    }
    state->is_untold = !state->is_open || !has_pc(state, vm->pc);
}

void pvm_filter_call_end(pvm_vm_t *vm)
{
    pvm_filter_state_t *const state = vm->filter;
    const pvm_filter_t *const filter = state->filter;

    state->is_untold = false;
    if (!state->is_selected) {
        return;
    }
    if (state->is_open && has_call(vm, filter->stops, filter->stop_count)) {
        state->is_around = false;
        set_open(vm, false);
    } else if (filter->after > 0 && filter->start_count + filter->around_count == 0 &&
               vm->host_seq - vm->execute_seq == filter->after) {
        set_open(vm, true);
    }
}
