/* What libpvm looks for in a provider, a library that brings a sink: symbols by these names. */
#ifndef PVM_EVENTS_PROVIDER_H
#define PVM_EVENTS_PROVIDER_H

#include <pvm/trace.h>

/** A pvm_trace_sink_t: every provider has it. */
#define PVM_PROVIDER_SINK "pvm_trace_provider_sink"
/** A pvm_recorder_t: libpvm-record.so. */
#define PVM_PROVIDER_RECORDER "pvm_trace_provider_recorder"

/** Recording into a file. Failures leave their text in `reason`. Thread: any. */
typedef struct {
    size_t size; /**< sizeof(pvm_recorder_t) */
    const pvm_trace_sink_t *sink;
    int (*begin)(const char *path, char *reason, size_t reason_bytes);
    int (*end)(char *reason, size_t reason_bytes);
} pvm_recorder_t;

#endif
