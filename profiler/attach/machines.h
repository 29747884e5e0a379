/* Machines that records have named: which numbers of host calls were seen of each, so that missing ones are noticed. */
#ifndef PVM_PROFILER_ATTACH_MACHINES_H
#define PVM_PROFILER_ATTACH_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pvm_machine_t {
    struct pvm_machine_t *next;
    struct pvm_machine_t *newer; /**< was named after this one; NULL: none */
    struct pvm_machine_t *older;
    uint32_t copy; /**< libpvm that it is of */
    uint64_t vm;
    bool is_running; /**< the feed has an open execution of it */
    bool is_counted; /**< next_seq is known */
    uint64_t next_seq;
    /* Samples that the feed has not got yet. */
    uint32_t *pcs;
    uint64_t *counts;
    uint32_t sample_count;
    uint32_t sample_room;
    uint64_t engine_samples;
} pvm_machine_t;

/** Machines that are known at one time. Where ends are lost those named longest ago are forgotten. */
#define PVM_MACHINES_MAX 65536

typedef struct {
    pvm_machine_t *buckets[PVM_MACHINES_MAX];
    pvm_machine_t *newest;
    pvm_machine_t *oldest;
    size_t count;
    uint64_t missed; /**< numbers that were left out */
} pvm_machines_t;

/** The machine, or NULL. */
pvm_machine_t *pvm_machines_find(pvm_machines_t *machines, uint32_t copy, uint64_t vm);
/** The machine, made if it is new. NULL and pvm_last_error() without memory. */
pvm_machine_t *pvm_machines_get(pvm_machines_t *machines, uint32_t copy, uint64_t vm);
/** A machine that has just been made: its first call has number 0. */
pvm_machine_t *pvm_machines_make(pvm_machines_t *machines, uint32_t copy, uint64_t vm);
/** The one that was named longest ago, if there is no room for another; else NULL. */
pvm_machine_t *pvm_machines_surplus(const pvm_machines_t *machines);
void pvm_machines_remove(pvm_machines_t *machines, uint32_t copy, uint64_t vm);
/** It comes to this number: count those that are missing before it. */
void pvm_machine_count(pvm_machines_t *machines, pvm_machine_t *machine, uint64_t seq);
/** Note a sample at an instruction, or, with UINT32_MAX, in the engine. @return 0, or -1 without memory */
int pvm_machine_sample(pvm_machine_t *machine, uint32_t pc);
/** Called for each machine. */
typedef void (*pvm_machines_take_t)(void *user_data, pvm_machine_t *machine);
void pvm_machines_walk(pvm_machines_t *machines, pvm_machines_take_t take, void *user_data);
void pvm_machines_free(pvm_machines_t *machines);

#endif
