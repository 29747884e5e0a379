/* Host calls of accumulate on privileges and on the result: bless, assign, designate, checkpoint, yield.
 * Spec: GP B.8. Privileges that the state does not have belong to service 0. */
#include "viewer/host/jam_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/** Octets of an entry of bless: a service and its gas. */
#define BLESS_OCTETS 12

static uint64_t load_le(const uint8_t *octets, unsigned len)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < len; i++) {
        value |= (uint64_t)octets[i] << 8 * i;
    }
    return value;
}

/* Set a member whose name is a number. */
static int set_at(json_object *object, uint64_t index, json_object *value)
{
    char name[24];

    (void)snprintf(name, sizeof(name), "%" PRIu64, index);
    return pvm_jam_set(object, name, value);
}

static json_object *make_assigners(const uint8_t *octets)
{
    json_object *const assigners = json_object_new_object();

    for (unsigned core = 0; assigners != NULL && core < PVM_JAM_CORES; core++) {
        const uint64_t service = load_le(octets + (size_t)4 * core, 4);

        if (set_at(assigners, core, json_object_new_uint64(service)) != 0) {
            json_object_put(assigners);
            return NULL;
        }
    }
    return assigners;
}

static json_object *make_always(const uint8_t *octets, uint64_t count)
{
    json_object *const always = json_object_new_object();

    for (uint64_t i = 0; always != NULL && i < count; i++) {
        const uint8_t *const entry = octets + BLESS_OCTETS * i;

        if (set_at(always, load_le(entry, 4), json_object_new_uint64(load_le(entry + 4, 8))) != 0) {
            json_object_put(always);
            return NULL;
        }
    }
    return always;
}

pvm_jam_outcome_t pvm_jam_bless(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    json_object *const state = call->host->state;
    const uint64_t len = r[12] > UINT32_MAX ? UINT64_MAX : BLESS_OCTETS * r[12];
    const pvm_jam_octets_t assigners = pvm_jam_take(call, r[8], (uint64_t)4 * PVM_JAM_CORES);
    const pvm_jam_octets_t always = pvm_jam_take(call, r[11], len);
    pvm_jam_outcome_t outcome = PVM_JAM_DONE;

    if (assigners.data == NULL || always.data == NULL) {
        outcome = PVM_JAM_PANIC;
    } else if (r[7] > UINT32_MAX || r[9] > UINT32_MAX || r[10] > UINT32_MAX) {
        outcome = pvm_jam_answer(call, PVM_JAM_WHO);
    } else if (pvm_jam_set(state, "assigners", make_assigners(assigners.data)) != 0 ||
               pvm_jam_set(state, "always_accumulate", make_always(always.data, r[12])) != 0 ||
               pvm_jam_set_number(state, "manager", r[7]) != 0 ||
               pvm_jam_set_number(state, "delegator", r[9]) != 0 ||
               pvm_jam_set_number(state, "registrar", r[10]) != 0) {
        outcome = PVM_JAM_FAILED;
    } else {
        outcome = pvm_jam_answer(call, PVM_JAM_OK);
    }
    free(assigners.data);
    free(always.data);
    return outcome;
}

/* Give a core its queue and its next assigner. */
static pvm_jam_outcome_t assign(pvm_jam_call_t *call, const char *queue)
{
    json_object *const state = call->host->state;
    json_object *const assigners = pvm_jam_object(state, "assigners");
    json_object *const queues = pvm_jam_object(state, "authorization_queues");
    const uint64_t core = call->r[7];
    char name[24];

    if (core >= PVM_JAM_CORES) {
        return pvm_jam_answer(call, PVM_JAM_CORE);
    }
    (void)snprintf(name, sizeof(name), "%" PRIu64, core);
    if (assigners == NULL || queues == NULL) {
        return PVM_JAM_FAILED;
    }
    if (pvm_jam_number(assigners, name, 0) != call->host->service) {
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    if (call->r[9] > UINT32_MAX) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    return pvm_jam_set(queues, name, json_object_new_string(queue)) == 0 &&
                   pvm_jam_set_number(assigners, name, call->r[9]) == 0
               ? pvm_jam_answer(call, PVM_JAM_OK)
               : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_assign(pvm_jam_call_t *call)
{
    char *const queue =
        pvm_jam_take_text(call, call->r[8], (uint64_t)PVM_JAM_HASH_BYTES * PVM_JAM_QUEUE);
    const pvm_jam_outcome_t outcome = queue == NULL ? PVM_JAM_PANIC : assign(call, queue);

    free(queue);
    return outcome;
}

/* A member that is octets of the guest's memory; only its owner may set it. */
static pvm_jam_outcome_t set_octets(pvm_jam_call_t *call, const char *member, uint64_t len,
                                    bool is_allowed)
{
    char *const text = pvm_jam_take_text(call, call->r[7], len);
    pvm_jam_outcome_t outcome;

    if (text == NULL) {
        outcome = PVM_JAM_PANIC;
    } else if (!is_allowed) {
        outcome = pvm_jam_answer(call, PVM_JAM_HUH);
    } else if (pvm_jam_set(call->host->state, member, json_object_new_string(text)) != 0) {
        outcome = PVM_JAM_FAILED;
    } else {
        outcome = pvm_jam_answer(call, PVM_JAM_OK);
    }
    free(text);
    return outcome;
}

pvm_jam_outcome_t pvm_jam_designate(pvm_jam_call_t *call)
{
    const pvm_jam_t *const host = call->host;

    return set_octets(call, "staging_set", (uint64_t)PVM_JAM_VALIDATOR_BYTES * PVM_JAM_VALIDATORS,
                      pvm_jam_number(host->state, "delegator", 0) == host->service);
}

pvm_jam_outcome_t pvm_jam_yield(pvm_jam_call_t *call)
{
    return set_octets(call, "yield", PVM_JAM_HASH_BYTES, true);
}

pvm_jam_outcome_t pvm_jam_checkpoint(pvm_jam_call_t *call)
{
    json_object *copy = NULL;

    if (json_object_deep_copy(call->host->state, &copy, NULL) != 0) {
        return PVM_JAM_FAILED;
    }
    json_object_put(call->host->checkpoint);
    call->host->checkpoint = copy;
    return pvm_jam_answer(call, (uint64_t)pvm_get_gas(call->vm));
}
