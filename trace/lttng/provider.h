/* Provider pvm: nearly all of the event table. LTTng includes this file several times, each time with other meanings of its
 * macros; so there is no ordinary guard. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER pvm

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "trace/lttng/provider.h"

#if !defined(PVM_TRACE_LTTNG_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PVM_TRACE_LTTNG_PROVIDER_H

#define PVM_LTTNG_OF_pvm(outlets, ...) PVM_LTTNG_##outlets(__VA_ARGS__)
#define PVM_LTTNG_OF_pvm_fast(...)
#include "trace/lttng/tracepoints.h"

#endif

#include <lttng/tracepoint-event.h>
