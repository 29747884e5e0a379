/* Host calls of accumulate on accounts and preimages: new, upgrade, transfer, eject, query, solicit, forget,
 * provide. Spec: GP B.8. */
#include "viewer/host/jam_call.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Octets that a request counts besides its preimage, and its items (GP 9.3). */
enum { REQUEST_OCTETS = 81, REQUEST_ITEMS = 2 };
/** Numbers of services that the protocol does not give out: below the first public one, and the last 2^8. */
#define PUBLIC_NUMBERS ((UINT64_C(1) << 32) - 256 - PVM_JAM_PUBLIC_SERVICE)

/* -- Accounts ------------------------------------------------------------------------------ */

/* The first number from `id` on that no service has (check() of GP B.4). */
static uint64_t free_service(json_object *state, uint64_t id)
{
    while (pvm_jam_service(state, id) != NULL) {
        id = (id - PVM_JAM_PUBLIC_SERVICE + 1) % PUBLIC_NUMBERS + PVM_JAM_PUBLIC_SERVICE;
    }
    return id;
}

/* The account that `new` describes, with the least balance. NULL without memory. */
static json_object *make_service(pvm_jam_call_t *call, const char *hash)
{
    const uint64_t *const r = call->r;
    json_object *const service = json_object_new_object();
    char name[PVM_JAM_REQUEST_BYTES];

    pvm_jam_request_name(hash, r[8], name);
    if (service == NULL || pvm_jam_set(service, "code_hash", json_object_new_string(hash)) != 0 ||
        pvm_jam_set_number(service, "min_accumulate_gas", r[9]) != 0 ||
        pvm_jam_set_number(service, "min_memo_gas", r[10]) != 0 ||
        pvm_jam_set_number(service, "gratis", r[11]) != 0 ||
        pvm_jam_set_number(service, "created", call->host->timeslot) != 0 ||
        pvm_jam_set_number(service, "last_accumulated", 0) != 0 ||
        pvm_jam_set_number(service, "parent", call->host->service) != 0 ||
        pvm_jam_object(service, "storage") == NULL ||
        pvm_jam_object(service, "preimages") == NULL ||
        pvm_jam_object(service, "requests") == NULL ||
        pvm_jam_set(pvm_jam_object(service, "requests"), name, json_object_new_array()) != 0 ||
        pvm_jam_change_footprint(service, REQUEST_ITEMS, REQUEST_OCTETS + (int64_t)r[8]) != 0 ||
        pvm_jam_set_number(service, "balance", pvm_jam_least_balance(service)) != 0) {
        json_object_put(service);
        return NULL;
    }
    return service;
}

/* Put it into the state, paid by the service itself. */
static pvm_jam_outcome_t add_service(pvm_jam_call_t *call, uint64_t id, json_object *service)
{
    json_object *const self = pvm_jam_self(call);
    const uint64_t price = pvm_jam_number(service, "balance", 0);
    char name[24];

    (void)snprintf(name, sizeof(name), "%" PRIu64, id);
    if (pvm_jam_set_number(self, "balance", pvm_jam_number(self, "balance", 0) - price) != 0) {
        json_object_put(service);
        return PVM_JAM_FAILED;
    }
    return pvm_jam_set(pvm_jam_object(call->host->state, "services"), name, service) == 0
               ? pvm_jam_answer(call, id)
               : PVM_JAM_FAILED;
}

static pvm_jam_outcome_t create_service(pvm_jam_call_t *call, json_object *service)
{
    json_object *const state = call->host->state;
    json_object *const self = pvm_jam_self(call);
    const uint64_t id = call->host->service;
    const uint64_t balance = pvm_jam_number(self, "balance", 0);
    const uint64_t needed = pvm_jam_number(service, "balance", 0) + pvm_jam_least_balance(self);
    const uint64_t next = pvm_jam_number(state, "next_service", 0);
    uint64_t answer = PVM_JAM_OK;

    if (call->r[11] != 0 && id != pvm_jam_number(state, "manager", 0)) {
        answer = PVM_JAM_HUH;
    } else if (balance < needed) {
        answer = PVM_JAM_CASH;
    } else if (id == pvm_jam_number(state, "registrar", 0) &&
               call->r[12] < PVM_JAM_PUBLIC_SERVICE) {
        if (pvm_jam_service(state, call->r[12]) == NULL) {
            return add_service(call, call->r[12], service);
        }
        answer = PVM_JAM_FULL;
    } else {
        const pvm_jam_outcome_t outcome = add_service(call, next, service);

        return outcome == PVM_JAM_DONE &&
                       pvm_jam_set_number(
                           state, "next_service",
                           free_service(state, PVM_JAM_PUBLIC_SERVICE +
                                                   (next - PVM_JAM_PUBLIC_SERVICE + 42) %
                                                       PUBLIC_NUMBERS)) == 0
                   ? PVM_JAM_DONE
                   : PVM_JAM_FAILED;
    }
    json_object_put(service);
    return pvm_jam_answer(call, answer);
}

int pvm_jam_number_services(json_object *state)
{
    const uint64_t wanted = pvm_jam_number(state, "next_service", PVM_JAM_PUBLIC_SERVICE);

    return pvm_jam_set_number(
        state, "next_service",
        free_service(state, wanted < PVM_JAM_PUBLIC_SERVICE ? PVM_JAM_PUBLIC_SERVICE : wanted));
}

pvm_jam_outcome_t pvm_jam_new(pvm_jam_call_t *call)
{
    char *const hash = pvm_jam_take_text(call, call->r[7], PVM_JAM_HASH_BYTES);
    json_object *service;

    if (hash == NULL || call->r[8] > UINT32_MAX) {
        free(hash);
        return PVM_JAM_PANIC;
    }
    service = make_service(call, hash);
    free(hash);
    return service != NULL ? create_service(call, service) : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_upgrade(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    json_object *const self = pvm_jam_self(call);
    char *const hash = pvm_jam_take_text(call, r[7], PVM_JAM_HASH_BYTES);
    pvm_jam_outcome_t outcome = PVM_JAM_PANIC;

    if (hash != NULL) {
        outcome = pvm_jam_set(self, "code_hash", json_object_new_string(hash)) == 0 &&
                          pvm_jam_set_number(self, "min_accumulate_gas", r[8]) == 0 &&
                          pvm_jam_set_number(self, "min_memo_gas", r[9]) == 0
                      ? pvm_jam_answer(call, PVM_JAM_OK)
                      : PVM_JAM_FAILED;
    }
    free(hash);
    return outcome;
}

/* Is it the parent's to eject? Its code hash then is the parent's number. */
static bool is_ejectable(json_object *service, uint64_t parent)
{
    json_object *hash = NULL;
    bool is_equal;

    (void)json_object_object_get_ex(service, "code_hash", &hash);
    const pvm_jam_octets_t octets = pvm_jam_hex_octets(hash);
    is_equal = octets.data != NULL && octets.len == PVM_JAM_HASH_BYTES;
    for (unsigned i = 0; is_equal && i < PVM_JAM_HASH_BYTES; i++) {
        is_equal = octets.data[i] == (i < 8 ? (uint8_t)(parent >> 8 * i) : 0);
    }
    free(octets.data);
    return is_equal;
}

/* Did the preimage go so long ago that its request may go, too? Two timeslots: known, forgotten. */
static bool is_expired(json_object *slots, uint64_t now)
{
    return json_object_get_uint64(json_object_array_get_idx(slots, 1)) + PVM_JAM_EXPUNGE_PERIOD <
           now;
}

static pvm_jam_outcome_t eject(pvm_jam_call_t *call, json_object *service, const char *hash)
{
    json_object *const self = pvm_jam_self(call);
    const uint64_t octets = pvm_jam_number(service, "octets", 0);
    json_object *const slots =
        pvm_jam_request(service, hash, octets > REQUEST_OCTETS ? octets - REQUEST_OCTETS : 0);
    const uint64_t sum = pvm_jam_number(self, "balance", 0) + pvm_jam_number(service, "balance", 0);
    char name[24];

    if (pvm_jam_number(service, "items", 0) != REQUEST_ITEMS || slots == NULL ||
        json_object_array_length(slots) != 2 || !is_expired(slots, call->host->timeslot)) {
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    (void)snprintf(name, sizeof(name), "%" PRIu64, call->r[7]);
    json_object_object_del(pvm_jam_object(call->host->state, "services"), name);
    return pvm_jam_set_number(self, "balance", sum) == 0 ? pvm_jam_answer(call, PVM_JAM_OK)
                                                         : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_eject(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    char *const hash = pvm_jam_take_text(call, r[8], PVM_JAM_HASH_BYTES);
    json_object *const service =
        r[7] != call->host->service ? pvm_jam_service(call->host->state, r[7]) : NULL;
    pvm_jam_outcome_t outcome;

    if (hash == NULL) {
        outcome = PVM_JAM_PANIC;
    } else if (service == NULL || !is_ejectable(service, call->host->service)) {
        outcome = pvm_jam_answer(call, PVM_JAM_WHO);
    } else {
        outcome = eject(call, service, hash);
    }
    free(hash);
    return outcome;
}

/* -- Transfers ----------------------------------------------------------------------------- */

static json_object *make_transfer(pvm_jam_call_t *call, const char *memo)
{
    json_object *const transfer = json_object_new_object();

    if (transfer == NULL || pvm_jam_set_number(transfer, "source", call->host->service) != 0 ||
        pvm_jam_set_number(transfer, "destination", call->r[7]) != 0 ||
        pvm_jam_set_number(transfer, "amount", call->r[8]) != 0 ||
        pvm_jam_set_number(transfer, "gas", call->r[9]) != 0 ||
        pvm_jam_set(transfer, "memo", json_object_new_string(memo)) != 0) {
        json_object_put(transfer);
        return NULL;
    }
    return transfer;
}

/* The gas that goes with it is taken from the caller, on top of the call's own price. */
static pvm_jam_outcome_t transfer(pvm_jam_call_t *call, const char *memo)
{
    const uint64_t amount = call->r[8];
    const uint64_t gas = call->r[9];
    json_object *const self = pvm_jam_self(call);
    json_object *const target = pvm_jam_service(call->host->state, call->r[7]);
    const uint64_t balance = pvm_jam_number(self, "balance", 0);
    json_object *const transfers = pvm_jam_array(call->host->state, "transfers");

    if (target == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    if (gas < pvm_jam_number(target, "min_memo_gas", 0)) {
        return pvm_jam_answer(call, PVM_JAM_LOW);
    }
    if (balance < amount || balance - amount < pvm_jam_least_balance(self)) {
        return pvm_jam_answer(call, PVM_JAM_CASH);
    }
    if (gas > (uint64_t)pvm_get_gas(call->vm)) {
        return PVM_JAM_OOG;
    }
    pvm_set_gas(call->vm, pvm_get_gas(call->vm) - (int64_t)gas);
    return transfers != NULL && pvm_jam_add(transfers, make_transfer(call, memo)) == 0 &&
                   pvm_jam_set_number(self, "balance", balance - amount) == 0
               ? pvm_jam_answer(call, PVM_JAM_OK)
               : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_transfer(pvm_jam_call_t *call)
{
    char *const memo = pvm_jam_take_text(call, call->r[10], PVM_JAM_MEMO_BYTES);
    const pvm_jam_outcome_t outcome = memo == NULL ? PVM_JAM_PANIC : transfer(call, memo);

    free(memo);
    return outcome;
}

/* -- Preimages ----------------------------------------------------------------------------- */

/* A call on a request of the service itself: by the hash at r7 and the length r8. */
typedef pvm_jam_outcome_t request_action_t(pvm_jam_call_t *call, const char *hash,
                                           json_object *slots);

static pvm_jam_outcome_t on_request(pvm_jam_call_t *call, request_action_t *act)
{
    char *const hash = pvm_jam_take_text(call, call->r[7], PVM_JAM_HASH_BYTES);
    pvm_jam_outcome_t outcome = PVM_JAM_PANIC;

    if (hash != NULL) {
        outcome = act(call, hash, pvm_jam_request(pvm_jam_self(call), hash, call->r[8]));
    }
    free(hash);
    return outcome;
}

static pvm_jam_outcome_t query(pvm_jam_call_t *call, const char *hash, json_object *slots)
{
    const uint64_t count = slots != NULL ? json_object_array_length(slots) : 0;
    uint64_t at[3] = {0, 0, 0};

    (void)hash;
    for (size_t i = 0; i < count && i < 3; i++) {
        at[i] = json_object_get_uint64(json_object_array_get_idx(slots, i));
    }
    pvm_set_register(call->vm, 8, at[1] | at[2] << 32);
    return pvm_jam_answer(call, slots == NULL ? PVM_JAM_NONE : count | at[0] << 32);
}

static pvm_jam_outcome_t solicit(pvm_jam_call_t *call, const char *hash, json_object *slots)
{
    json_object *const self = pvm_jam_self(call);
    json_object *const requests = pvm_jam_object(self, "requests");
    const uint64_t len = call->r[8];
    char name[PVM_JAM_REQUEST_BYTES];

    if (requests == NULL) {
        return PVM_JAM_FAILED;
    }
    if (slots != NULL && json_object_array_length(slots) != 2) {
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    if (slots != NULL) {
        if (!pvm_jam_can_afford(self, 0, 0)) {
            return pvm_jam_answer(call, PVM_JAM_FULL);
        }
        return pvm_jam_add(slots, json_object_new_uint64(call->host->timeslot)) == 0
                   ? pvm_jam_answer(call, PVM_JAM_OK)
                   : PVM_JAM_FAILED;
    }
    /* A length that no balance can pay must not run over in the sum. */
    if (len > UINT32_MAX ||
        !pvm_jam_can_afford(self, REQUEST_ITEMS, REQUEST_OCTETS + (int64_t)len)) {
        return pvm_jam_answer(call, PVM_JAM_FULL);
    }
    pvm_jam_request_name(hash, len, name);
    return pvm_jam_set(requests, name, json_object_new_array()) == 0
               ? pvm_jam_answer(call, PVM_JAM_OK)
               : PVM_JAM_FAILED;
}

/* Request and preimage go. */
static pvm_jam_outcome_t drop(pvm_jam_call_t *call, const char *hash)
{
    json_object *const self = pvm_jam_self(call);
    char name[PVM_JAM_REQUEST_BYTES];

    pvm_jam_request_name(hash, call->r[8], name);
    json_object_object_del(pvm_jam_object(self, "requests"), name);
    json_object_object_del(pvm_jam_object(self, "preimages"), hash);
    return pvm_jam_change_footprint(self, -REQUEST_ITEMS,
                                    -(REQUEST_OCTETS + (int64_t)call->r[8])) == 0
               ? pvm_jam_answer(call, PVM_JAM_OK)
               : PVM_JAM_FAILED;
}

static pvm_jam_outcome_t forget(pvm_jam_call_t *call, const char *hash, json_object *slots)
{
    const uint64_t now = call->host->timeslot;
    const size_t count = slots != NULL ? json_object_array_length(slots) : 4;

    if (count == 0 || (count == 2 && is_expired(slots, now))) {
        return drop(call, hash);
    }
    if (count == 3 && is_expired(slots, now)) {
        (void)json_object_array_del_idx(slots, 0, 2);
    } else if (count != 1) {
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    return pvm_jam_add(slots, json_object_new_uint64(now)) == 0 ? pvm_jam_answer(call, PVM_JAM_OK)
                                                                : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_query(pvm_jam_call_t *call)
{
    return on_request(call, query);
}

pvm_jam_outcome_t pvm_jam_solicit(pvm_jam_call_t *call)
{
    return on_request(call, solicit);
}

pvm_jam_outcome_t pvm_jam_forget(pvm_jam_call_t *call)
{
    return on_request(call, forget);
}

/* A preimage on its way in: a service, octets. */
static json_object *make_provision(uint64_t id, const pvm_jam_octets_t *octets)
{
    json_object *const provision = json_object_new_object();

    if (provision == NULL || pvm_jam_set_number(provision, "service", id) != 0 ||
        pvm_jam_set(provision, "preimage", pvm_jam_hex_new(octets->data, octets->len)) != 0) {
        json_object_put(provision);
        return NULL;
    }
    return provision;
}

static bool holds(json_object *array, json_object *value)
{
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (json_object_equal(json_object_array_get_idx(array, i), value)) {
            return true;
        }
    }
    return false;
}

static pvm_jam_outcome_t provide(pvm_jam_call_t *call, const pvm_jam_octets_t *octets)
{
    json_object *const service = pvm_jam_named_service(call);
    json_object *const provisions = pvm_jam_array(call->host->state, "provisions");
    uint8_t digest[PVM_JAM_HASH_BYTES];

    if (service == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    (void)crypto_generichash(digest, sizeof(digest), octets->data, octets->len, NULL, 0);
    char *const hash = pvm_jam_hex_text(digest, sizeof(digest));
    json_object *const provision =
        make_provision(call->r[7] == UINT64_MAX ? call->host->service : call->r[7], octets);
    if (hash == NULL || provision == NULL || provisions == NULL) {
        free(hash);
        json_object_put(provision);
        return PVM_JAM_FAILED;
    }
    json_object *const slots = pvm_jam_request(service, hash, octets->len);
    free(hash);
    if (slots == NULL || json_object_array_length(slots) != 0 || holds(provisions, provision)) {
        json_object_put(provision);
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    return pvm_jam_add(provisions, provision) == 0 ? pvm_jam_answer(call, PVM_JAM_OK)
                                                   : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_provide(pvm_jam_call_t *call)
{
    const pvm_jam_octets_t octets = pvm_jam_take(call, call->r[8], call->r[9]);
    const pvm_jam_outcome_t outcome = octets.data == NULL ? PVM_JAM_PANIC : provide(call, &octets);

    free(octets.data);
    return outcome;
}
