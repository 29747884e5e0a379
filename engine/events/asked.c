/* The instrumentation that whoever starts a process asks for. Without a provider nobody could see what comes of it, and in a
 * provider, whose engine is a copy of its own, no provider is loaded. */
#include "events/asked.h"

#include "support/error.h"

#include <pvm/trace.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "PVM_TRACE_INSTRUMENT"

static const struct {
    const char *name;
    uint32_t flag;
} words[] = {{"memory", PVM_INSTRUMENT_MEMORY}, {"calls", PVM_INSTRUMENT_CALLS},
             {"blocks", PVM_INSTRUMENT_BLOCKS}, {"gas", PVM_INSTRUMENT_GAS},
             {"flight", PVM_INSTRUMENT_FLIGHT}, {"samples", PVM_INSTRUMENT_SAMPLES}};

/* "=999". @return the rate, or 0: it is none */
static uint32_t read_hz(const char *text, size_t len)
{
    uint32_t hz = 0;

    for (size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || hz > PVM_SAMPLE_HZ_MAX) {
            return 0;
        }
        hz = hz * 10 + (uint32_t)(text[i] - '0');
    }
    return hz <= PVM_SAMPLE_HZ_MAX ? hz : 0;
}

static bool read_word(const char *text, size_t len, pvm_asked_t *out)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const size_t name_len = strlen(words[i].name);

        if (len < name_len || memcmp(text, words[i].name, name_len) != 0) {
            continue;
        }
        out->flags |= words[i].flag;
        if (len == name_len) {
            return true;
        }
        if (words[i].flag == PVM_INSTRUMENT_SAMPLES && text[name_len] == '=') {
            out->sample_hz = read_hz(text + name_len, len - name_len);
            return out->sample_hz != 0;
        }
    }
    return false;
}

int pvm_events_asked_read(pvm_asked_t *out)
{
    const char *at = secure_getenv(VARIABLE);

    *out = (pvm_asked_t){0};
    while (at != NULL && *at != '\0') {
        const size_t len = strcspn(at, ",");

        if (!read_word(at, len, out)) {
            *out = (pvm_asked_t){0};
            return pvm_error_set(VARIABLE ": `%.*s` is no word of it; use memory, calls, blocks, "
                                          "gas, flight, samples=1..%d",
                                 (int)(len < 40 ? len : 40), at, PVM_SAMPLE_HZ_MAX);
        }
        at += len + (at[len] == ',');
    }
    return 0;
}

/* Written once, before is_traced is. */
static pvm_asked_t asked;
static atomic_bool is_traced;

static void read_once(void)
{
    if (pvm_events_asked_read(&asked) == 0) {
        atomic_store_explicit(&is_traced, true, memory_order_release);
    }
}

void pvm_events_ask(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, read_once);
}

pvm_asked_t pvm_events_asked(void)
{
    return atomic_load_explicit(&is_traced, memory_order_acquire) ? asked : (pvm_asked_t){0};
}
