/* The gas account of one execution: what came in, what went where. docs/counting.md.
 *
 * Pure arithmetic on what the events say. All gas is taken as at least 0: a negative counter
 * means that nothing is left. Sums wrap modulo 2^64, under which gas_used = start + added - end
 * stays true whatever the host sets. */
#ifndef PVM_PROFILER_LEDGER_H
#define PVM_PROFILER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t start;
    int64_t added;    /**< by the host; negative if it took more away, outside of host calls */
    int64_t now;      /**< gas as of the last event; at the end: gas_end */
    int64_t host_gas; /**< sum over host calls of what they took */
    int64_t call_before;
    bool in_call;
} pvm_prof_ledger_t;

/** What a host call did. At least one of them is 0. */
typedef struct {
    int64_t taken;
    int64_t added;
} pvm_prof_charge_t;

static inline int64_t pvm_prof_gas_clamp(int64_t gas)
{
    return gas < 0 ? 0 : gas;
}

static inline int64_t pvm_prof_wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t pvm_prof_wrap_sub(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/** An execution begins. */
void pvm_prof_ledger_begin(pvm_prof_ledger_t *ledger, int64_t gas);
/** Guest code stopped, and left this much. */
void pvm_prof_ledger_guest(pvm_prof_ledger_t *ledger, int64_t gas);
/** A host call begins: what is left after the ecalli's own charge. */
void pvm_prof_ledger_call_begin(pvm_prof_ledger_t *ledger, int64_t gas);
/** It ends: what the host left. More than before counts as added, less as host gas. */
pvm_prof_charge_t pvm_prof_ledger_call_end(pvm_prof_ledger_t *ledger, int64_t gas);
/** The host changed the gas outside of a host call. Inside one, its end tells. */
void pvm_prof_ledger_set(pvm_prof_ledger_t *ledger, int64_t old_gas, int64_t new_gas);
/** start + added - now. */
int64_t pvm_prof_ledger_used(const pvm_prof_ledger_t *ledger);

#endif
