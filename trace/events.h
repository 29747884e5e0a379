/* The event table as C: a number and a record for each event. Data only, so that the engine, which fires them, the
 * tracers' providers and the importer agree; see events.def. */
#ifndef PVM_TRACE_EVENTS_H
#define PVM_TRACE_EVENTS_H

#include <stdint.h>

/** Most elements of one sequence. Longer things travel in pieces. */
#define PVM_EVENT_SEQUENCE_MAX 4096

typedef uint8_t pvm_event_u8_t;
typedef uint16_t pvm_event_u16_t;
typedef uint32_t pvm_event_u32_t;
typedef uint64_t pvm_event_u64_t;
typedef int32_t pvm_event_i32_t;
typedef int64_t pvm_event_i64_t;

typedef enum {
#define PVM_EVENT(name, ...) PVM_EVENT_##name,
#include "trace/events.def"
    PVM_EVENT_COUNT
} pvm_event_kind_t;

/** One structure for each event: pvm_event_NAME_t. Pointers are valid while the record is being told. */
#define PVM_EVENT(name, provider, outlets, cost, when, fields)                                     \
    typedef struct {                                                                               \
        fields                                                                                     \
    } pvm_event_##name##_t;
#define PVM_EVENT_INT(type, name, unit, text)           pvm_event_##type##_t name;
#define PVM_EVENT_TEXT(name, text)                      const char *name;
#define PVM_EVENT_ARRAY(type, name, length, unit, text) pvm_event_##type##_t name[length];
#define PVM_EVENT_SEQUENCE(type, name, unit, text)                                                 \
    const pvm_event_##type##_t *name;                                                              \
    uint32_t name##_len;
#include "trace/events.def"

/** Tells two builds apart whose records differ: a provider and a library of different tables do not match. */
enum {
    PVM_EVENT_LAYOUT = PVM_EVENT_COUNT * 65536
#define PVM_EVENT(name, provider, outlets, cost, when, fields)                                     \
    +(int)((PVM_EVENT_##name + 1) * sizeof(pvm_event_##name##_t))
#include "trace/events.def"
};

/** Whether an event has a tracepoint, and whether it has a probe. */
#define PVM_EVENT_HAS_LTTNG_LTTNG   1
#define PVM_EVENT_HAS_LTTNG_PROBE   0
#define PVM_EVENT_HAS_LTTNG_BOTH    1
#define PVM_EVENT_HAS_LTTNG_THINNED 1
#define PVM_EVENT_HAS_PROBE_LTTNG   0
#define PVM_EVENT_HAS_PROBE_PROBE   1
#define PVM_EVENT_HAS_PROBE_BOTH    1
#define PVM_EVENT_HAS_PROBE_THINNED 1

#endif
