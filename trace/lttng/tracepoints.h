/* The event table as LTTng-UST tracepoints of one provider: PVM_LTTNG_OF_pvm and PVM_LTTNG_OF_pvm_fast, of which the one makes
 * tracepoints and the other nothing, say of which. For provider.h and fast.h only, as often as LTTng includes them. */
#include "trace/events.h"

#include <lttng/tracepoint.h>

#define PVM_EVENT(name, provider, outlets, cost, when, fields)                                     \
    PVM_LTTNG_OF_##provider(outlets, provider, name, fields)
#define PVM_LTTNG_PROBE(provider, name, ...)
#define PVM_LTTNG_THINNED(provider, name, ...) PVM_LTTNG_BOTH(provider, name, __VA_ARGS__)
#define PVM_LTTNG_LTTNG(provider, name, ...)   PVM_LTTNG_BOTH(provider, name, __VA_ARGS__)
#define PVM_LTTNG_BOTH(provider, name, ...)                                                        \
    LTTNG_UST_TRACEPOINT_EVENT(provider, name,                                                     \
                               LTTNG_UST_TP_ARGS(const pvm_event_##name##_t *, record),            \
                               LTTNG_UST_TP_FIELDS(__VA_ARGS__))
#define PVM_EVENT_INT(type, name, unit, text)                                                      \
    lttng_ust_field_integer(pvm_event_##type##_t, name, record->name)
#define PVM_EVENT_TEXT(name, text) lttng_ust_field_string(name, record->name)
#define PVM_EVENT_ARRAY(type, name, length, unit, text)                                            \
    lttng_ust_field_array(pvm_event_##type##_t, name, record->name, length)
#define PVM_EVENT_SEQUENCE(type, name, unit, text)                                                 \
    lttng_ust_field_sequence(pvm_event_##type##_t, name, record->name, uint32_t, record->name##_len)
#include "trace/events.def"

#undef PVM_LTTNG_OF_pvm
#undef PVM_LTTNG_OF_pvm_fast
#undef PVM_LTTNG_PROBE
#undef PVM_LTTNG_THINNED
#undef PVM_LTTNG_LTTNG
#undef PVM_LTTNG_BOTH
