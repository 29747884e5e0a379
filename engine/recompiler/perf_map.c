/* Writing /tmp/perf-PID.map: a line "address size name" for each function, in hexadecimal. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/perf.h"

#include <stdio.h>
#include <unistd.h>

static void tell(pvm_perf_sink_t *sink, const uint8_t *begin, const uint8_t *end, const char *name)
{
    (void)fprintf(sink->file, "%llx %llx %s\n", (unsigned long long)(uintptr_t)begin,
                  (unsigned long long)(end - begin), name);
}

bool pvm_perf_map_begin(pvm_perf_sink_t *sink)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
    const int descriptor = pvm_perf_open(path, false);
    if (descriptor < 0) {
        return false;
    }
    FILE *const file = fdopen(descriptor, "a");
    if (file == NULL) {
        (void)close(descriptor);
        return false;
    }
    *sink = (pvm_perf_sink_t){.tell = tell, .file = file, .descriptor = -1};
    return true;
}

void pvm_perf_map_end(pvm_perf_sink_t *sink)
{
    (void)fclose(sink->file);
}
#endif
