/* Names of JAM host calls, from host_calls.def. */
#include "program/host_calls.h"

#include <stddef.h>

const char *pvm_host_call_jam_name(pvm_spec_t spec, int func_id)
{
    static const struct {
        const char *name;
        int n072;
        int n080;
    } calls[] = {
#define PVM_JAM_HOST_CALL(name, n072, n080, where) {#name, n072, n080},
#include "program/host_calls.def"
    };

    for (size_t i = 0; func_id >= 0 && i < sizeof(calls) / sizeof(*calls); i++) {
        if (func_id == (spec == PVM_SPEC_0_8_0 ? calls[i].n080 : calls[i].n072)) {
            return calls[i].name;
        }
    }
    return NULL;
}
