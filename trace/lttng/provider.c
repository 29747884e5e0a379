/* libpvm-lttng.so: what libpvm tells, as LTTng-UST events. libpvm finds the sink by its name when
 * pvm_trace_load_lttng() is called; nothing here calls libpvm. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/lttng/provider.h"

#include <pvm/trace.h>

static int is_enabled(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink;
    switch (kind) {
#define ENABLED_PROBE(name)                                                                        \
    case PVM_EVENT_##name:                                                                         \
        return 0;
#define ENABLED_THINNED(name) ENABLED_PROBE(name)
#define ENABLED_LTTNG(name)   ENABLED_BOTH(name)
#define ENABLED_BOTH(name)                                                                         \
    case PVM_EVENT_##name:                                                                         \
        return lttng_ust_tracepoint_enabled(pvm, name);
#define PVM_EVENT(name, outlets, ...) ENABLED_##outlets(name)
#include "trace/events.def"
    default:
        return 0;
    }
}

static void event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink;
    switch (kind) {
#define TELL_PROBE(name)
#define TELL_THINNED(name)
#define TELL_LTTNG(name) TELL_BOTH(name)
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
