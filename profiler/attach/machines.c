/* A hash table of machines: see machines.h. */
#include "profiler/attach/machines.h"

#include "support/error.h"

#include <stdlib.h>

static pvm_machine_t **chain(pvm_machines_t *machines, uint32_t copy, uint64_t vm)
{
    const uint64_t mixed = (vm ^ (uint64_t)copy << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return &machines->buckets[(mixed >> 32) % (sizeof(machines->buckets) / sizeof(void *))];
}

/* -- By when they were named --------------------------------------------------------------- */

static void unlink_machine(pvm_machines_t *machines, pvm_machine_t *machine)
{
    *(machine->newer != NULL ? &machine->newer->older : &machines->newest) = machine->older;
    *(machine->older != NULL ? &machine->older->newer : &machines->oldest) = machine->newer;
}

static void link_newest(pvm_machines_t *machines, pvm_machine_t *machine)
{
    machine->newer = NULL;
    machine->older = machines->newest;
    *(machine->older != NULL ? &machine->older->newer : &machines->oldest) = machine;
    machines->newest = machine;
}

pvm_machine_t *pvm_machines_surplus(const pvm_machines_t *machines)
{
    return machines->count >= PVM_MACHINES_MAX ? machines->oldest : NULL;
}

/* -- By their names ------------------------------------------------------------------------ */

pvm_machine_t *pvm_machines_find(pvm_machines_t *machines, uint32_t copy, uint64_t vm)
{
    pvm_machine_t *at = *chain(machines, copy, vm);

    while (at != NULL && (at->copy != copy || at->vm != vm)) {
        at = at->next;
    }
    return at;
}

pvm_machine_t *pvm_machines_get(pvm_machines_t *machines, uint32_t copy, uint64_t vm)
{
    pvm_machine_t **const place = chain(machines, copy, vm);
    pvm_machine_t *const known = pvm_machines_find(machines, copy, vm);

    if (known != NULL) {
        unlink_machine(machines, known);
        link_newest(machines, known);
        return known;
    }
    pvm_machine_t *const made = calloc(1, sizeof(*made));
    if (made == NULL) {
        pvm_error_set("no memory for another machine");
        return NULL;
    }
    made->next = *place;
    made->copy = copy;
    made->vm = vm;
    *place = made;
    link_newest(machines, made);
    machines->count++;
    return made;
}

pvm_machine_t *pvm_machines_make(pvm_machines_t *machines, uint32_t copy, uint64_t vm)
{
    pvm_machine_t *const machine = pvm_machines_get(machines, copy, vm);

    if (machine != NULL) {
        machine->is_counted = true;
        machine->next_seq = 0;
    }
    return machine;
}

void pvm_machine_count(pvm_machines_t *machines, pvm_machine_t *machine, uint64_t seq)
{
    if (machine->is_counted && seq > machine->next_seq) {
        machines->missed += seq - machine->next_seq;
    }
    machine->is_counted = true;
}

int pvm_machine_sample(pvm_machine_t *machine, uint32_t pc)
{
    if (pc == UINT32_MAX) {
        machine->engine_samples++;
        return 0;
    }
    for (uint32_t i = machine->sample_count; i > 0; i--) {
        if (machine->pcs[i - 1] == pc) {
            machine->counts[i - 1]++;
            return 0;
        }
    }
    if (machine->sample_count == machine->sample_room) {
        const uint32_t room = machine->sample_room == 0 ? 16 : 2 * machine->sample_room;
        uint32_t *const pcs = realloc(machine->pcs, room * sizeof(*pcs));
        machine->pcs = pcs != NULL ? pcs : machine->pcs;
        uint64_t *const counts = realloc(machine->counts, room * sizeof(*counts));
        machine->counts = counts != NULL ? counts : machine->counts;
        if (pcs == NULL || counts == NULL) {
            pvm_error_set("no memory for samples");
            return -1;
        }
        machine->sample_room = room;
    }
    machine->pcs[machine->sample_count] = pc;
    machine->counts[machine->sample_count++] = 1;
    return 0;
}

void pvm_machines_walk(pvm_machines_t *machines, pvm_machines_take_t take, void *user_data)
{
    for (size_t i = 0; i < sizeof(machines->buckets) / sizeof(void *); i++) {
        for (pvm_machine_t *at = machines->buckets[i]; at != NULL; at = at->next) {
            take(user_data, at);
        }
    }
}

static void free_machine(pvm_machine_t *machine)
{
    free(machine->pcs);
    free(machine->counts);
    free(machine);
}

void pvm_machines_remove(pvm_machines_t *machines, uint32_t copy, uint64_t vm)
{
    pvm_machine_t **at = chain(machines, copy, vm);

    while (*at != NULL && ((*at)->copy != copy || (*at)->vm != vm)) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        pvm_machine_t *const gone = *at;
        *at = gone->next;
        unlink_machine(machines, gone);
        machines->count--;
        free_machine(gone);
    }
}

void pvm_machines_free(pvm_machines_t *machines)
{
    for (size_t i = 0; i < sizeof(machines->buckets) / sizeof(void *); i++) {
        while (machines->buckets[i] != NULL) {
            pvm_machine_t *const next = machines->buckets[i]->next;
            free_machine(machines->buckets[i]);
            machines->buckets[i] = next;
        }
    }
}
