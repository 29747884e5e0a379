/* libpvm-lttng.so: what libpvm tells, as LTTng-UST events. libpvm finds the sink by its name when
 * pvm_trace_load_lttng() is called; nothing here calls libpvm. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/lttng/provider.h"

#include <pvm/trace.h>

/* Whether a session wants an event: LTTng changes these words. Asked several times for each host call. */
static int never;
static int *const wanted[] = {
#define WANTED_PROBE(name)            [PVM_EVENT_##name] = &never,
#define WANTED_THINNED(name)          WANTED_BOTH(name)
#define WANTED_LTTNG(name)            WANTED_BOTH(name)
#define WANTED_BOTH(name)             [PVM_EVENT_##name] = &lttng_ust_tracepoint_pvm___##name.state,
#define PVM_EVENT(name, outlets, ...) WANTED_##outlets(name)
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
#define TELL_PROBE(name)
#define TELL_THINNED(name) TELL_BOTH(name)
#define TELL_LTTNG(name)   TELL_BOTH(name)
#define TELL_BOTH(name)                                                                            \
    case PVM_EVENT_##name:                                                                         \
        lttng_ust_do_tracepoint(pvm, name, record);                                                \
        break;
#define PVM_EVENT(name, outlets, ...) TELL_##outlets(name)
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
