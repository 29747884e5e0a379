/*
 * The host calls that the example service makes, with the argument registers of the Gray Paper
 * (appendix B.5 general functions, JIP-1 for `log`). Their numbers moved between 0.7.2 and 0.8.0, so
 * GUEST_JAM_VERSION (72 or 80) chooses them when the guest is compiled.
 */
#ifndef PVM_EXAMPLES_JAM_HOST_H
#define PVM_EXAMPLES_JAM_HOST_H

#include <stdint.h>

#include "guest_link.h"

/* Results from here up are error codes (NONE is the highest); below are lengths and amounts. */
#define JAM_ERROR_LOWEST (UINT64_MAX - 15)
#define JAM_NONE         UINT64_MAX
#define JAM_SELF         UINT64_MAX

enum {
    JAM_LOG_WARNING = 1,
    JAM_LOG_INFO = 2,
    JAM_LOG_DEBUG = 3,
};

/* What `fetch` fetches, its fourth argument. */
enum {
    JAM_FETCH_ITEM_EXTRINSIC = 4, /* refine: of the own work item, by index */
    JAM_FETCH_ACCUMULATE_INPUT = 15,
};

/* Each function is one `ecalli`; arguments go to r7, r8 ..., the result comes back in r7. */
uint64_t jam_gas(void);
uint64_t jam_fetch(void *out, uint64_t offset, uint64_t length, uint64_t kind, uint64_t index,
                   uint64_t second_index);
uint64_t jam_read(uint64_t service, const void *key, uint64_t key_length, void *out,
                  uint64_t offset, uint64_t length);
uint64_t jam_write(const void *key, uint64_t key_length, const void *value, uint64_t length);
uint64_t jam_log(uint64_t level, const void *target, uint64_t target_length, const void *text,
                 uint64_t length);

#if GUEST_JAM_VERSION == 72
GUEST_IMPORT(jam_gas, "gas", 0, 0, 1)
GUEST_IMPORT(jam_fetch, "fetch", 1, 6, 1)
GUEST_IMPORT(jam_read, "read", 3, 6, 1)
GUEST_IMPORT(jam_write, "write", 4, 4, 1)
#elif GUEST_JAM_VERSION == 80
GUEST_IMPORT(jam_gas, "gas", 0, 0, 1)
GUEST_IMPORT(jam_fetch, "fetch", 2, 6, 1)
GUEST_IMPORT(jam_read, "read", 4, 6, 1)
GUEST_IMPORT(jam_write, "write", 5, 4, 1)
#else
#error "define GUEST_JAM_VERSION as 72 or 80"
#endif
GUEST_IMPORT(jam_log, "log", 100, 5, 1)

static inline int jam_failed(uint64_t result)
{
    return result >= JAM_ERROR_LOWEST;
}

#endif
