/* The event table as LTTng-UST tracepoints. LTTng includes this file several times, each time with other meanings of
 * its macros; so there is no ordinary guard. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER pvm

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "trace/lttng/provider.h"

#if !defined(PVM_TRACE_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PVM_TRACE_LTTNG_PROVIDER_H

#include "trace/events.h"

#include <lttng/tracepoint.h>

#define PVM_EVENT(name, outlets, cost, when, fields) PVM_LTTNG_##outlets(name, fields)
#define PVM_LTTNG_PROBE(name, ...)
#define PVM_LTTNG_THINNED(name, ...) PVM_LTTNG_BOTH(name, __VA_ARGS__)
#define PVM_LTTNG_LTTNG(name, ...)   PVM_LTTNG_BOTH(name, __VA_ARGS__)
#define PVM_LTTNG_BOTH(name, ...)                                                                  \
    LTTNG_UST_TRACEPOINT_EVENT(pvm, name, LTTNG_UST_TP_ARGS(const pvm_event_##name##_t *, record), \
                               LTTNG_UST_TP_FIELDS(__VA_ARGS__))
#define PVM_EVENT_INT(type, name, unit, text)                                                      \
    lttng_ust_field_integer(pvm_event_##type##_t, name, record->name)
#define PVM_EVENT_TEXT(name, text) lttng_ust_field_string(name, record->name)
#define PVM_EVENT_ARRAY(type, name, length, unit, text)                                            \
    lttng_ust_field_array(pvm_event_##type##_t, name, record->name, length)
#define PVM_EVENT_SEQUENCE(type, name, unit, text)                                                 \
    lttng_ust_field_sequence(pvm_event_##type##_t, name, record->name, uint32_t, record->name##_len)
#include "trace/events.def"

#undef PVM_LTTNG_PROBE
#undef PVM_LTTNG_THINNED
#undef PVM_LTTNG_LTTNG
#undef PVM_LTTNG_BOTH

#endif

#include <lttng/tracepoint-event.h>
