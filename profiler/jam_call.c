/* Decoding JAM host calls by jam_arguments.def. */
#include "profiler/jam_call.h"

#include "program/host_calls.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *name;
    const char *arguments;
} calls[] = {
#define PVM_JAM_ARGUMENTS(name, arguments) {#name, arguments},
#include "profiler/jam_arguments.def"
};

/* 2^64 - 1 and down. Spec: GP appendix B.1. */
static const char *const results[] = {"NONE", "WHAT", "OOB", "WHO", "FULL",
                                      "CORE", "CASH", "LOW", "HUH"};
#define RESULT_COUNT (sizeof(results) / sizeof(results[0]))

bool pvm_jam_call_is(const char *name, const char *spec, int64_t func_id)
{
    if (func_id < 0 || func_id > INT32_MAX) {
        return false;
    }
    const char *const known = pvm_host_call_jam_name(
        strcmp(spec, "0.8.0") == 0 ? PVM_SPEC_0_8_0 : PVM_SPEC_0_7_2, (int)func_id);
    return known != NULL && strcmp(known, name) == 0;
}

/* One argument. @return registers that it took */
static size_t put_argument(pvm_buffer_t *out, char kind, const uint64_t *registers, size_t left)
{
    switch (kind) {
    case 'B':
        pvm_buffer_printf(out, "0x%" PRIx64 "+%" PRIu64, registers[0], left > 1 ? registers[1] : 0);
        return 2;
    case 'P':
        pvm_buffer_printf(out, "0x%" PRIx64, registers[0]);
        return 1;
    case 'S':
        if (registers[0] == UINT64_MAX) {
            pvm_buffer_printf(out, "self");
            return 1;
        }
        break;
    default:
        break;
    }
    pvm_buffer_printf(out, "%" PRIu64, registers[0]);
    return 1;
}

void pvm_jam_call_arguments(pvm_buffer_t *out, const char *name, const uint64_t registers[6])
{
    const char *text = "";
    size_t at = 0;

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) == 0) {
            text = calls[i].arguments;
        }
    }
    while (*text != '\0' && at < 6) {
        const size_t label = strcspn(text, ":");

        pvm_buffer_printf(out, "%s%.*s=", at > 0 ? " " : "", (int)label, text);
        at += put_argument(out, text[label + 1], registers + at, 6 - at);
        text += label + 2;
        text += *text == ' ';
    }
}

const char *pvm_jam_result_name(uint64_t result)
{
    const uint64_t place = UINT64_MAX - result;

    return place < RESULT_COUNT ? results[place] : NULL;
}

bool pvm_jam_result_find(const char *name, uint64_t *out_result)
{
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        if (strcmp(results[i], name) == 0) {
            *out_result = UINT64_MAX - i;
            return true;
        }
    }
    return false;
}

const char *pvm_jam_log_level(uint64_t level)
{
    static const char *const names[] = {"fatal", "warning", "important", "helpful", "pedantic"};

    return level < sizeof(names) / sizeof(names[0]) ? names[level] : NULL;
}
