/* Inside the JAM host: one host call being answered, and what the functions of GP appendix B have in common. */
#ifndef PVM_VIEWER_HOST_JAM_CALL_H
#define PVM_VIEWER_HOST_JAM_CALL_H

#include "viewer/host/jam_state.h"

#include <pvm/pvm.h>
#include <stdbool.h>

/** Result constants (GP B.1). */
#define PVM_JAM_OK   UINT64_C(0)
#define PVM_JAM_NONE (UINT64_MAX - 0)
#define PVM_JAM_WHAT (UINT64_MAX - 1)
#define PVM_JAM_OOB  (UINT64_MAX - 2)
#define PVM_JAM_WHO  (UINT64_MAX - 3)
#define PVM_JAM_FULL (UINT64_MAX - 4)
#define PVM_JAM_CORE (UINT64_MAX - 5)
#define PVM_JAM_CASH (UINT64_MAX - 6)
#define PVM_JAM_LOW  (UINT64_MAX - 7)
#define PVM_JAM_HUH  (UINT64_MAX - 8)

/** Constants of GP I.4.4, the full network's. */
enum {
    PVM_JAM_CORES = 341,
    PVM_JAM_VALIDATORS = 1023,
    PVM_JAM_QUEUE = 80,             /**< authorizers for a core */
    PVM_JAM_VALIDATOR_BYTES = 336,  /**< keys of one */
    PVM_JAM_EXPUNGE_PERIOD = 19200, /**< timeslots */
    PVM_JAM_SEGMENT_BYTES = 4104,
    PVM_JAM_EXPORTS_MAX = 3072,
    PVM_JAM_MEMO_BYTES = 128,
    PVM_JAM_PUBLIC_SERVICE = 65536, /**< lower numbers are the registrar's */
    PVM_JAM_HASH_BYTES = 32
};
/** Price of a host call. */
#define PVM_JAM_GAS 10
/** Inner machines of one run. */
#define PVM_MAX_JAM_MACHINES 1024

/** An inner machine. Its registers and gas live in the guest's memory between invocations. */
typedef struct {
    pvm_vm_t *vm; /**< NULL: free */
    uint64_t pc;  /**< as the Gray Paper has it: behind the ecalli after a host call */
} pvm_jam_machine_t;

typedef struct {
    pvm_vm_t *vm; /**< the outermost machine */
    pvm_spec_t spec;
    uint64_t service;
    uint64_t timeslot;
    unsigned context; /**< one of PVM_JAM_IN_*, or all */
    json_object *state;
    json_object *checkpoint; /**< state at the begin or at the last checkpoint */
    pvm_jam_machine_t *machines;
    size_t machine_count;
    void (*on_vm)(void *user_data, pvm_vm_t *vm);
    void *on_vm_data;
    bool has_failed; /**< no memory: the run is stopped */
} pvm_jam_t;

/** Invocations that have a host call. */
enum { PVM_JAM_IN_IS_AUTHORIZED = 1, PVM_JAM_IN_REFINE = 2, PVM_JAM_IN_ACCUMULATE = 4 };

/** How a function ended. */
typedef enum {
    PVM_JAM_DONE,
    PVM_JAM_PANIC,
    PVM_JAM_OOG,
    PVM_JAM_FAILED /**< no memory here: not the guest's fault */
} pvm_jam_outcome_t;

typedef struct {
    pvm_jam_t *host;
    pvm_vm_t *vm;
    const uint64_t *r; /**< registers before */
} pvm_jam_call_t;

/* One function for each line of host_calls.def. */
#define PVM_JAM_HOST_CALL(name, ...) pvm_jam_outcome_t pvm_jam_##name(pvm_jam_call_t *call);
#include "program/host_calls.def"

/** Set r7. */
pvm_jam_outcome_t pvm_jam_answer(pvm_jam_call_t *call, uint64_t value);
/** The accumulating or refining service itself; NULL if the state has none. */
json_object *pvm_jam_self(pvm_jam_call_t *call);
/** The account that r7 names, 2^64 - 1 being the service itself; NULL if there is none. */
json_object *pvm_jam_named_service(pvm_jam_call_t *call);
/** Octets under a key of a map of an account (NULL: of none); absent if there are none. */
pvm_jam_octets_t pvm_jam_find_octets(json_object *service, const char *map, const char *key);
/** Change a footprint if the balance allows it. @return false: nothing has changed */
bool pvm_jam_can_afford(json_object *service, int64_t items, int64_t octets);

/** May all of [address, address + len) be read, or written? An empty range may. */
bool pvm_jam_can(pvm_vm_t *vm, uint64_t address, uint64_t len, pvm_access_t need);
/** Read guest memory. Absent if it may not be read (the call then panics) or without memory here. Owns: free(). */
pvm_jam_octets_t pvm_jam_take(pvm_jam_call_t *call, uint64_t address, uint64_t len);
/** The same as "0x..." text. */
char *pvm_jam_take_text(pvm_jam_call_t *call, uint64_t address, uint64_t len);

/** What fetch, lookup, read and info have in common: [from, from + most) of `value`, cut to its length, goes to
 *  `address`; r7 becomes the whole length, or NONE if it is absent. Frees the octets. */
pvm_jam_outcome_t pvm_jam_give(pvm_jam_call_t *call, pvm_jam_octets_t value, uint64_t address,
                               uint64_t from, uint64_t most);

#endif
