/* The way out of the engine: one function for each event of the table, and the sink.
 *
 * Probes stand here and nowhere else, one site for each event. Their nops have five octets, because kernels can turn
 * such a probe into a call instead of a trap. */
#include "events/events.h"
#include "support/error.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/* A section of its own, because the kernel writes into the page of the semaphore. */
pvm_events_gate_t pvm_events_gate __attribute__((section(".probes"), aligned(8), used));

#ifdef PVM_HAVE_SDT
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#if defined(__x86_64__)
#undef _SDT_NOP
#define _SDT_NOP .nops 5
#endif

/* One semaphore under the names of all probes but those of whole host calls: whoever counts executions does not want to
 * pay for records of calls. */
#define SEMAPHORE_LTTNG(name)
#define SEMAPHORE_PROBE(name) SEMAPHORE_BOTH(name)
#define SEMAPHORE_THINNED(name)                                                                    \
    extern unsigned short pvm_##name##_semaphore __attribute__((visibility("hidden")));            \
    extern unsigned short pvm_##name##_64th_semaphore __attribute__((visibility("hidden")));
#define SEMAPHORE_BOTH(name)                                                                       \
    extern pvm_events_gate_t pvm_##name##_semaphore                                                \
        __attribute__((alias("pvm_events_gate"), visibility("hidden")));
#define PVM_EVENT(name, provider, outlets, ...) SEMAPHORE_##outlets(name)
#include "trace/events.def"
__asm__(".hidden pvm_host_call_semaphore\n"
        ".set pvm_host_call_semaphore, pvm_events_gate + 4\n"
        ".hidden pvm_host_call_64th_semaphore\n"
        ".set pvm_host_call_64th_semaphore, pvm_events_gate + 6\n");
static_assert(offsetof(pvm_events_gate_t, calls) == 4 &&
                  offsetof(pvm_events_gate_t, calls_64th) == 6,
              "the semaphores above stand there");

#define PROBE_LTTNG(name) (void)0
#define PROBE_PROBE(name) STAP_PROBE1(pvm, name, record)
#define PROBE_BOTH(name)  STAP_PROBE1(pvm, name, record)
#define PROBE_THINNED(name)                                                                        \
    STAP_PROBE1(pvm, name, record);                                                                \
    if (record->seq % PVM_EVENTS_THINNED == 0) {                                                   \
        STAP_PROBE1(pvm, name##_64th, record);                                                     \
    }                                                                                              \
    (void)0
#else
#define PROBE_LTTNG(name)   (void)0
#define PROBE_PROBE(name)   (void)0
#define PROBE_BOTH(name)    (void)0
#define PROBE_THINNED(name) (void)0
#endif

/* Who gets the events of this process: all its machines share it. */
static _Atomic(const pvm_trace_sink_t *) current_sink;
static _Atomic uint64_t sink_since_ns;

static const pvm_trace_sink_t *get_sink(void)
{
    return atomic_load_explicit(&current_sink, memory_order_acquire);
}

void pvm_events_add_listener(int change)
{
    (void)atomic_fetch_add_explicit(&pvm_events_gate.others, (unsigned short)change,
                                    memory_order_relaxed);
}

bool pvm_events_has_sink(void)
{
    return get_sink() != NULL;
}

uint64_t pvm_events_sink_since_ns(void)
{
    return atomic_load_explicit(&sink_since_ns, memory_order_acquire);
}

bool pvm_events_sink_wants(pvm_event_kind_t kind)
{
    const pvm_trace_sink_t *const sink = get_sink();

    return sink != NULL && sink->is_enabled(sink, (uint32_t)kind);
}

static void tell_sink(pvm_event_kind_t kind, const void *record)
{
    const pvm_trace_sink_t *const sink = get_sink();

    /* Whoever tells has asked; but it may have been for a probe. */
    if (sink != NULL && (!pvm_events_has_probes() || sink->is_enabled(sink, (uint32_t)kind))) {
        sink->event(sink, (uint32_t)kind, record);
    }
}

#define PVM_EVENT(name, provider, outlets, ...)                                                    \
    void pvm_events_tell_##name(const pvm_event_##name##_t *record)                                \
    {                                                                                              \
        tell_sink(PVM_EVENT_##name, record);                                                       \
        PROBE_##outlets(name);                                                                     \
    }
#include "trace/events.def"

int pvm_trace_set_sink(const pvm_trace_sink_t *sink)
{
    if (sink != NULL && (sink->size != sizeof(*sink) || sink->layout != PVM_EVENT_LAYOUT ||
                         sink->is_enabled == NULL || sink->event == NULL)) {
        return pvm_error_set("this sink was built for another version of libpvm; build it again");
    }
    atomic_store_explicit(&sink_since_ns, pvm_events_now_ns(), memory_order_release);
    const pvm_trace_sink_t *const old =
        atomic_exchange_explicit(&current_sink, sink, memory_order_acq_rel);
    pvm_events_add_listener((sink != NULL) - (old != NULL));
    return 0;
}

void pvm_events_drop_sink(const pvm_trace_sink_t *sink)
{
    const pvm_trace_sink_t *expected = sink;

    if (atomic_compare_exchange_strong(&current_sink, &expected, NULL)) {
        pvm_events_add_listener(-1);
    }
}

/* -- Facts for all events ------------------------------------------------------------------ */

/* A system call is dear, so the id is kept; a child of fork() asks again. */
static _Atomic uint32_t process;

static void forget_process(void)
{
    atomic_store_explicit(&process, 0, memory_order_relaxed);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forget_process);
}

uint32_t pvm_events_process(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint32_t id = atomic_load_explicit(&process, memory_order_relaxed);

    if (id == 0) {
        (void)pthread_once(&once, watch_forks);
        id = (uint32_t)getpid();
        atomic_store_explicit(&process, id, memory_order_relaxed);
    }
    return id;
}

uint64_t pvm_events_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
