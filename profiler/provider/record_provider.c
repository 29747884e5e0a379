/* libpvm-record.so: what libpvm tells goes into a run file, by the feed that also takes traces. libpvm finds it by name when
 * pvm_trace_record() is called, in a host of any language; nothing links it.
 *
 * The engine in here is a copy of its own, for the feed's stand-ins. It tells nobody what they do. */
#include "events/asked.h"
#include "events/provider.h"
#include "profiler/feed.h"
#include "profiler/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST_NAME_BYTES 256
/** Of the time that passes, one part in so many may go into checkpoints. */
#define CHECKPOINT_SHARE 20

/* The recording of this process: events come from all threads, one at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint recorded; /**< PVM_PROF_*, 0: nothing is */
static pvm_prof_run_file_t *file;
static pvm_prof_feed_t *feed;
static int host;
static pvm_prof_status_t status;
static uint64_t next_checkpoint_ns;

/* Only what ends up in the file: blocks in order would mostly be told for nothing. */
static int is_enabled(const pvm_trace_sink_t *sink, uint32_t kind)
{
    const uint32_t instrument = atomic_load_explicit(&recorded, memory_order_relaxed);

    (void)sink;
    return instrument != 0 && pvm_prof_feed_wants((pvm_event_kind_t)kind, instrument);
}

/* Not every process ends by exit(), Go's do not: when the last machine is gone, the file should be whole. */
static void checkpoint(void)
{
    const uint64_t began_ns = pvm_prof_now_ns();

    if (began_ns >= next_checkpoint_ns) {
        pvm_prof_feed_checkpoint(feed);
        const uint64_t ended_ns = pvm_prof_now_ns();
        next_checkpoint_ns = ended_ns + CHECKPOINT_SHARE * (ended_ns - began_ns);
    }
}

static void event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink;
    pthread_mutex_lock(&lock);
    if (atomic_load(&recorded) != 0 && status == PVM_PROF_OK) {
        status = pvm_prof_feed_event(feed, host, pvm_prof_now_ns(), (pvm_event_kind_t)kind, record);
        if (kind == PVM_EVENT_vm_destroy) {
            checkpoint();
        }
    }
    pthread_mutex_unlock(&lock);
}

/** Found by libpvm with dlsym(). */
PVM_API const pvm_trace_sink_t pvm_trace_provider_sink = {
    .size = sizeof(pvm_trace_sink_t),
    .layout = PVM_EVENT_LAYOUT,
    .is_enabled = is_enabled,
    .event = event,
};

/* Let go of all without writing; the lock is held. */
static void drop(void)
{
    atomic_store(&recorded, 0);
    pvm_prof_feed_destroy(feed);
    pvm_prof_run_file_close(file);
    feed = NULL;
    file = NULL;
}

static int finish(char *reason, size_t reason_bytes)
{
    int result = -1;

    pthread_mutex_lock(&lock);
    if (atomic_load(&recorded) == 0) {
        (void)snprintf(reason, reason_bytes, "nothing is being recorded");
    } else {
        const pvm_prof_status_t finished = pvm_prof_feed_finish(
            feed, status == PVM_PROF_OK ? PVM_PROF_RUN_COMPLETE : PVM_PROF_RUN_INCOMPLETE);

        result = status == PVM_PROF_OK && finished == PVM_PROF_OK ? 0 : -1;
        (void)snprintf(reason, reason_bytes, "%s", result == 0 ? "" : pvm_last_error());
        drop();
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static void finish_at_exit(void)
{
    char reason[512];

    (void)finish(reason, sizeof(reason));
}

/* Of the parent, in a forked child; here, so that leak checkers see it. */
static void *volatile left_alone[2];

/* The child has neither the recorder's thread nor a right to the parent's database: freeing would touch it. */
static void forget_in_child(void)
{
    left_alone[0] = feed;
    left_alone[1] = file;
    atomic_store(&recorded, 0);
    feed = NULL;
    file = NULL;
    pthread_mutex_init(&lock, NULL);
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void watch_process(void)
{
    (void)atexit(finish_at_exit);
    (void)pthread_atfork(before_fork, after_fork, forget_in_child);
}

/* What machines tell by themselves, and what was asked of them. */
static uint32_t what_is_told(const pvm_asked_t *asked)
{
    static const struct {
        uint32_t flag;
        uint32_t instrument;
    } kinds[] = {{PVM_INSTRUMENT_CALLS, PVM_PROF_CALLS},
                 {PVM_INSTRUMENT_BLOCKS, PVM_PROF_BLOCKS},
                 {PVM_INSTRUMENT_GAS, PVM_PROF_GAS},
                 {PVM_INSTRUMENT_FLIGHT, PVM_PROF_FLIGHT},
                 {PVM_INSTRUMENT_SAMPLES, PVM_PROF_SAMPLES}};
    uint32_t instrument = PVM_PROF_DEFAULT | PVM_PROF_MEMORY;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        instrument |= (asked->flags & kinds[i].flag) != 0 ? kinds[i].instrument : 0;
    }
    return instrument;
}

/* @param out_instrument  what is going to be recorded */
static pvm_prof_status_t open_all(const char *path, uint32_t *out_instrument)
{
    pvm_prof_feed_options_t options = {.size = sizeof(options)};
    char name[HOST_NAME_BYTES] = "";
    pvm_asked_t asked;

    if (pvm_events_asked_read(&asked) != 0) {
        return PVM_PROF_E_ARGUMENT;
    }
    options.instrument = what_is_told(&asked);
    *out_instrument = options.instrument;
    status = pvm_prof_run_file_create(path, &file);
    if (status == PVM_PROF_OK) {
        status = pvm_prof_feed_create(file, &options, &feed);
    }
    if (status == PVM_PROF_OK) {
        (void)gethostname(name, sizeof(name) - 1);
        host = pvm_prof_feed_host(feed, name);
        status = host < 0 ? PVM_PROF_E_SYSTEM : PVM_PROF_OK;
    }
    return status;
}

static int begin(const char *path, char *reason, size_t reason_bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint32_t instrument = 0;
    int result = -1;

    pthread_mutex_lock(&lock);
    if (atomic_load(&recorded) != 0) {
        (void)snprintf(reason, reason_bytes, "%.300s: %.100s is being recorded already", path,
                       pvm_prof_run_file_path(file));
    } else if (open_all(path, &instrument) != PVM_PROF_OK) {
        (void)snprintf(reason, reason_bytes, "%s", pvm_last_error());
        drop();
    } else {
        atomic_store(&recorded, instrument);
        result = 0;
    }
    pthread_mutex_unlock(&lock);
    if (result == 0) {
        (void)pthread_once(&once, watch_process);
    }
    return result;
}

/** Found by libpvm with dlsym(). */
PVM_API const pvm_recorder_t pvm_trace_provider_recorder = {
    .size = sizeof(pvm_recorder_t),
    .sink = &pvm_trace_provider_sink,
    .begin = begin,
    .end = finish,
};

/* -- The engine in here ------------------------------------------------------------------------ */

static int wants_nothing(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink, (void)kind;
    return 0;
}

static void ignore(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink, (void)kind, (void)record;
}

/* Our copy of the engine must not follow PVM_TRACE in its turn: it would load this library again. */
__attribute__((constructor)) static void quiet_stand_ins(void)
{
    static const pvm_trace_sink_t nobody = {.size = sizeof(pvm_trace_sink_t),
                                            .layout = PVM_EVENT_LAYOUT,
                                            .is_enabled = wants_nothing,
                                            .event = ignore};

    (void)pvm_trace_set_sink(&nobody);
}
