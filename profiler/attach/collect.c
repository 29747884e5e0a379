/* The collector's loop, from attaching to the end of the file: see collect.h. */
#include "profiler/attach/collect_state.h"

#include "support/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/** Calls that take no longer than this are numbered in the order of their begins at once. */
#define WINDOW_NS UINT64_C(300000000)
/** Pause between two polls: the ring buffer holds twenty times what comes meanwhile at 100,000 calls a second. */
#define PAUSE_NS 20000000L
/** Records wait in memory for so long, because the end waits for them, and in so much of it; how many are stored between two
 *  looks at the ring buffer. */
#define WAITING_NS       UINT64_C(2000000000)
#define WAITING_BYTES    ((size_t)448 << 20)
#define RELEASED_AT_ONCE 4000
/** Between two looks at overhead and progress. */
#define TICK_NS UINT64_C(250000000)

static void *take_probes_away(void *attach)
{
    pvm_attach_detach(attach);
    return NULL;
}

/* The kernel takes a second to let go of the probes; what waits is stored meanwhile. */
static void detach(collect_t *collect)
{
    pthread_t thread;
    const bool has_thread = pthread_create(&thread, NULL, take_probes_away, collect->attach) == 0;

    while (pvm_order_release(collect->order, collect->end_ns - WINDOW_NS, RELEASED_AT_ONCE)) {
    }
    if (has_thread) {
        (void)pthread_join(thread, NULL);
    } else {
        pvm_attach_detach(collect->attach);
    }
    while (pvm_attach_poll(collect->attach) > 0) {
    }
}

static pvm_prof_status_t finish(collect_t *collect)
{
    /* While its begin is still noted there: with the probes away the target notes no more. */
    pvm_collect_look(collect, true);
    pvm_collect_note_open_calls(collect);
    collect->end_ns = pvm_collect_now_ns();
    pvm_overhead_finish(&collect->overhead, collect->attach);
    collect->state.overhead = collect->overhead.share;
    detach(collect);
    (void)pvm_order_release(collect->order, UINT64_MAX, SIZE_MAX);
    pvm_collect_feed_open_calls(collect);
    pvm_collect_flush_all_samples(collect);
    if (collect->options->attach.sums_up) {
        pvm_collect_feed_sums(collect);
    }
    pvm_collect_count_sums(collect);
    pvm_collect_count_losses(collect);
    pvm_collect_store_facts(collect);
    pvm_prof_feed_lost_calls(collect->feed, collect->state.lost);
    pvm_prof_feed_lost(collect->feed, pvm_collect_lost_others(collect), 0);
    const pvm_prof_status_t finished = pvm_prof_feed_finish(
        collect->feed,
        collect->status == PVM_PROF_OK ? PVM_PROF_RUN_COMPLETE : PVM_PROF_RUN_INCOMPLETE);
    if (collect->status != PVM_PROF_OK) {
        pvm_error_set("%s", collect->failure);
        return collect->status;
    }
    return finished;
}

/* -- The loop ------------------------------------------------------------------------------ */

static bool is_over(const collect_t *collect, uint64_t began_ns)
{
    const pvm_collect_options_t *const options = collect->options;
    const bool waits = options->attach.pid == 0 && options->attach.comm == NULL;

    return collect->status != PVM_PROF_OK ||
           (options->stop != NULL && atomic_load(options->stop)) ||
           (options->duration_ns != 0 && pvm_collect_now_ns() - began_ns >= options->duration_ns) ||
           (!waits && !pvm_attach_is_alive(collect->attach));
}

static void tick(collect_t *collect)
{
    pvm_collect_state_t *const state = &collect->state;
    size_t count;
    const pvm_attach_process_t *const processes = pvm_attach_processes(collect->attach, &count);

    pvm_overhead_look(&collect->overhead, collect->attach);
    pvm_collect_note_open_calls(collect);
    pvm_collect_look(collect, true);
    state->overhead = collect->overhead.share;
    state->ns_per_trap = collect->overhead.ns_per_trap;
    state->level = collect->overhead.level;
    state->execs = pvm_attach_execs(collect->attach);
    state->processes = 0;
    for (size_t i = 0; i < count; i++) {
        state->processes += !processes[i].is_gone;
    }
    pvm_collect_count_sums(collect);
    pvm_collect_count_losses(collect);
    if (collect->options->progress != NULL) {
        collect->options->progress(collect->options->user_data, state);
    }
}

/* Where records cannot be stored as fast as they come they wait in memory, up to a limit, and then in the ring buffer, which
 * counts what it has no room for. */
static bool has_room(const collect_t *collect, uint64_t now_ns)
{
    const uint64_t oldest_ns = pvm_order_oldest_ns(collect->order);

    return pvm_order_bytes(collect->order) < WAITING_BYTES &&
           (oldest_ns >= now_ns || now_ns - oldest_ns < WAITING_NS);
}

static void collect_all(collect_t *collect)
{
    const uint64_t began_ns = pvm_collect_now_ns();
    uint64_t ticked_ns = began_ns;

    while (!is_over(collect, began_ns)) {
        const struct timespec pause = {.tv_nsec = PAUSE_NS};
        const uint64_t polled_ns = pvm_collect_now_ns();

        /* Before records are put in order: of which program they are must be known by then. */
        pvm_attach_look(collect->attach, false);
        pvm_collect_look(collect, false);
        if (has_room(collect, polled_ns)) {
            (void)pvm_attach_poll(collect->attach);
        }
        const bool is_behind =
            pvm_order_release(collect->order, polled_ns - WINDOW_NS, RELEASED_AT_ONCE);
        if (pvm_collect_now_ns() - ticked_ns >= TICK_NS) {
            ticked_ns = pvm_collect_now_ns();
            tick(collect);
        }
        if (!is_behind) {
            (void)nanosleep(&pause, NULL);
        }
    }
    pvm_attach_look(collect->attach, true);
    pvm_collect_look(collect, false);
    tick(collect);
}

pvm_prof_status_t pvm_collect_open(const pvm_collect_options_t *options, pvm_collect_t **out)
{
    collect_t *const collect = calloc(1, sizeof(*collect));

    *out = NULL;
    if (collect == NULL || (collect->order = pvm_order_create(pvm_collect_on_ordered, collect,
                                                              sizeof(pvm_bpf_header_t))) == NULL) {
        free(collect);
        pvm_error_set("no memory to collect with");
        return PVM_PROF_E_SYSTEM;
    }
    memset(collect->hosts, 0xff, sizeof(collect->hosts));
    collect->options = options;
    pvm_overhead_begin(&collect->overhead, options->max_overhead, options->attach.sums_up);
    const pvm_prof_status_t status =
        pvm_attach_open(&options->attach, pvm_collect_on_record, collect, &collect->attach);
    if (status != PVM_PROF_OK) {
        pvm_collect_close(collect);
        return status;
    }
    *out = collect;
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_collect_run(pvm_collect_t *collect, pvm_prof_run_file_t *file,
                                  pvm_collect_state_t *out_state)
{
    const bool is_sampled = collect->options->attach.sample_hz != 0;
    const pvm_prof_feed_options_t options = {
        .size = sizeof(options),
        .advice = "--service, --call and --aggregate collect less",
        .instrument = PVM_PROF_HOST_CALLS | (is_sampled ? (uint32_t)PVM_PROF_SAMPLES : 0)};
    pvm_prof_status_t status = pvm_prof_feed_create(file, &options, &collect->feed);

    if (status == PVM_PROF_OK) {
        collect->file = file;
        pvm_prof_feed_set_program(collect->feed, collect->options->program);
        collect_all(collect);
        status = finish(collect);
    }
    *out_state = collect->state;
    return status;
}

void pvm_collect_close(pvm_collect_t *collect)
{
    if (collect == NULL) {
        return;
    }
    pvm_attach_close(collect->attach);
    pvm_order_destroy(collect->order);
    pvm_prof_feed_destroy(collect->feed);
    pvm_images_free(&collect->images);
    pvm_machines_free(&collect->machines);
    free(collect);
}
