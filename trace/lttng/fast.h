/* Provider pvm_fast: what is told in a cheaper way than by provider pvm, to whoever asks for it. As provider.h. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER pvm_fast

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "trace/lttng/fast.h"

#if !defined(PVM_TRACE_LTTNG_FAST_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PVM_TRACE_LTTNG_FAST_H

#define PVM_LTTNG_OF_pvm(...)
#define PVM_LTTNG_OF_pvm_fast(outlets, ...) PVM_LTTNG_##outlets(__VA_ARGS__)
#include "trace/lttng/tracepoints.h"

#endif

#include <lttng/tracepoint-event.h>
