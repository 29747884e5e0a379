/* libpvm-lttng.so: what libpvm tells, as LTTng-UST events. libpvm finds the sink by its name when
 * pvm_trace_load_lttng() is called; nothing here calls libpvm. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/lttng/provider.h"
#include "trace/lttng/fast.h"

#include <pvm/trace.h>

/* Whether a session wants an event: LTTng changes these words. Asked several times for each host call. */
static int never;
static int *const wanted[] = {
#define WANTED_PROBE(provider, name)   [PVM_EVENT_##name] = &never,
#define WANTED_THINNED(provider, name) WANTED_BOTH(provider, name)
#define WANTED_LTTNG(provider, name)   WANTED_BOTH(provider, name)
#define WANTED_BOTH(provider, name)                                                                \
    [PVM_EVENT_##name] = &lttng_ust_tracepoint_##provider##___##name.state,
#define PVM_EVENT(name, provider, outlets, ...) WANTED_##outlets(provider, name)
#include "trace/events.def"
};

static int is_enabled(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink;
    return kind < PVM_EVENT_COUNT && CMM_LOAD_SHARED(*wanted[kind]);
}

static void event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink;
    switch (kind) {
#define TELL_PROBE(provider, name)
#define TELL_THINNED(provider, name) TELL_BOTH(provider, name)
#define TELL_LTTNG(provider, name)   TELL_BOTH(provider, name)
#define TELL_BOTH(provider, name)                                                                  \
    case PVM_EVENT_##name:                                                                         \
        lttng_ust_do_tracepoint(provider, name, record);                                           \
        break;
#define PVM_EVENT(name, provider, outlets, ...) TELL_##outlets(provider, name)
#include "trace/events.def"
    default:
        break;
    }
}

/** Found by libpvm with dlsym(). */
PVM_API const pvm_trace_sink_t pvm_trace_provider_sink = {
    .size = sizeof(pvm_trace_sink_t),
    .layout = PVM_EVENT_LAYOUT,
    .is_enabled = is_enabled,
    .event = event,
};
