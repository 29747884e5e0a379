/* General host calls: gas, grow_heap, fetch, lookup, read, write, info, log. Spec: GP B.6; JIP-1 (log). */
#include "viewer/host/jam_call.h"

#include "viewer/escape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- What all have in common --------------------------------------------------------------- */

pvm_jam_outcome_t pvm_jam_answer(pvm_jam_call_t *call, uint64_t value)
{
    pvm_set_register(call->vm, 7, value);
    return PVM_JAM_DONE;
}

json_object *pvm_jam_self(pvm_jam_call_t *call)
{
    return pvm_jam_service(call->host->state, call->host->service);
}

bool pvm_jam_can(pvm_vm_t *vm, uint64_t address, uint64_t len, pvm_access_t need)
{
    if (len == 0) {
        return true;
    }
    if (address > UINT32_MAX || len > (UINT64_C(1) << 32) - address) {
        return false;
    }
    for (uint64_t page = address / PVM_PAGE_SIZE; page <= (address + len - 1) / PVM_PAGE_SIZE;
         page++) {
        if (pvm_get_access(vm, (uint32_t)(page * PVM_PAGE_SIZE)) < need) {
            return false;
        }
    }
    return true;
}

pvm_jam_octets_t pvm_jam_take(pvm_jam_call_t *call, uint64_t address, uint64_t len)
{
    pvm_jam_octets_t out = {NULL, 0};

    if (!pvm_jam_can(call->vm, address, len, PVM_ACCESS_READ)) {
        return out;
    }
    out.data = malloc(len + 1);
    if (out.data == NULL) {
        call->host->has_failed = true;
    } else if (len > 0 && pvm_read_memory(call->vm, (uint32_t)address, out.data, len) != 0) {
        free(out.data);
        out.data = NULL;
    } else {
        out.len = len;
    }
    return out;
}

char *pvm_jam_take_text(pvm_jam_call_t *call, uint64_t address, uint64_t len)
{
    const pvm_jam_octets_t octets = pvm_jam_take(call, address, len);
    char *const text = octets.data == NULL ? NULL : pvm_jam_hex_text(octets.data, octets.len);

    call->host->has_failed |= octets.data != NULL && text == NULL;
    free(octets.data);
    return text;
}

pvm_jam_outcome_t pvm_jam_give(pvm_jam_call_t *call, pvm_jam_octets_t value, uint64_t address,
                               uint64_t from, uint64_t most)
{
    const uint64_t first = from < value.len ? from : value.len;
    const uint64_t len = most < value.len - first ? most : value.len - first;
    pvm_jam_outcome_t outcome = PVM_JAM_PANIC;

    if (pvm_jam_can(call->vm, address, len, PVM_ACCESS_WRITE) &&
        (len == 0 || pvm_write_memory(call->vm, (uint32_t)address, value.data + first, len) == 0)) {
        outcome = pvm_jam_answer(call, value.data == NULL ? PVM_JAM_NONE : value.len);
    }
    free(value.data);
    return outcome;
}

/* -- Machine ------------------------------------------------------------------------------- */

pvm_jam_outcome_t pvm_jam_gas(pvm_jam_call_t *call)
{
    return pvm_jam_answer(call, (uint64_t)pvm_get_gas(call->vm));
}

/* The dispatcher asks the engine, which prices it; what comes here is a program that has no heap. */
pvm_jam_outcome_t pvm_jam_grow_heap(pvm_jam_call_t *call)
{
    return pvm_jam_answer(call, PVM_JAM_WHAT);
}

/* -- Fetch --------------------------------------------------------------------------------- */

/* Constants in the order of GP B.6, kind 0: octets and value. */
static pvm_jam_octets_t make_constants(void)
{
    static const struct {
        uint8_t bytes;
        uint64_t value;
    } constants[] = {{8, 10},      {8, 1},        {8, 100},      {2, 341},        {4, 19200},
                     {4, 600},     {8, 10000000}, {8, 50000000}, {8, 5000000000}, {8, 3500000000},
                     {2, 8},       {2, 16},       {2, 8},        {2, 16},         {4, 14400},
                     {2, 2},       {2, 8},        {2, 6},        {2, 80},         {2, 10},
                     {2, 128},     {2, 5},        {2, 1023},     {4, 64000},      {4, 13791360},
                     {4, 4000000}, {4, 684},      {4, 3072},     {4, 6},          {4, 49152},
                     {4, 128},     {4, 3072},     {4, 500}};
    pvm_jam_octets_t out = {malloc(8 * sizeof(constants) / sizeof(constants[0])), 0};

    for (size_t i = 0; out.data != NULL && i < sizeof(constants) / sizeof(constants[0]); i++) {
        for (unsigned octet = 0; octet < constants[i].bytes; octet++) {
            out.data[out.len++] = (uint8_t)(constants[i].value >> 8 * octet);
        }
    }
    return out;
}

/* An element of an array, NULL if there is none. */
static json_object *element(json_object *array, uint64_t index)
{
    return json_object_is_type(array, json_type_array) && index < json_object_array_length(array)
               ? json_object_array_get_idx(array, (size_t)index)
               : NULL;
}

pvm_jam_outcome_t pvm_jam_fetch(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    json_object *sources = NULL;
    json_object *source = NULL;
    pvm_jam_octets_t value = {NULL, 0};
    char kind[24];

    (void)snprintf(kind, sizeof(kind), "%" PRIu64, r[10]);
    if (json_object_object_get_ex(call->host->state, "fetch", &sources) &&
        json_object_object_get_ex(sources, kind, &source)) {
        /* A source is octets; or an array that r11 chooses from; or an array of arrays, by r11 and r12. */
        if (json_object_is_type(source, json_type_array)) {
            source = element(source, r[11]);
        }
        if (json_object_is_type(source, json_type_array)) {
            source = element(source, r[12]);
        }
        value = pvm_jam_hex_octets(source);
    } else if (r[10] == 0) {
        value = make_constants();
    }
    return pvm_jam_give(call, value, r[7], r[8], r[9]);
}

/* -- Accounts ------------------------------------------------------------------------------ */

json_object *pvm_jam_named_service(pvm_jam_call_t *call)
{
    const uint64_t id = call->r[7] == UINT64_MAX ? call->host->service : call->r[7];

    return pvm_jam_service(call->host->state, id);
}

pvm_jam_octets_t pvm_jam_find_octets(json_object *service, const char *map, const char *key)
{
    json_object *pairs = NULL;
    json_object *value = NULL;

    if (service != NULL && json_object_object_get_ex(service, map, &pairs)) {
        (void)json_object_object_get_ex(pairs, key, &value);
    }
    return pvm_jam_hex_octets(value);
}

pvm_jam_outcome_t pvm_jam_lookup(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    char *const hash = pvm_jam_take_text(call, r[8], PVM_JAM_HASH_BYTES);

    if (hash == NULL) {
        return PVM_JAM_PANIC;
    }
    const pvm_jam_octets_t value =
        pvm_jam_find_octets(pvm_jam_named_service(call), "preimages", hash);
    free(hash);
    return pvm_jam_give(call, value, r[9], r[10], r[11]);
}

pvm_jam_outcome_t pvm_jam_read(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    char *const key = pvm_jam_take_text(call, r[8], r[9]);

    if (key == NULL) {
        return PVM_JAM_PANIC;
    }
    const pvm_jam_octets_t value = pvm_jam_find_octets(pvm_jam_named_service(call), "storage", key);
    free(key);
    return pvm_jam_give(call, value, r[10], r[11], r[12]);
}

bool pvm_jam_can_afford(json_object *service, int64_t items, int64_t octets)
{
    if (pvm_jam_change_footprint(service, items, octets) != 0) {
        return false;
    }
    if (pvm_jam_least_balance(service) <= pvm_jam_number(service, "balance", 0)) {
        return true;
    }
    (void)pvm_jam_change_footprint(service, -items, -octets);
    return false;
}

pvm_jam_outcome_t pvm_jam_write(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    json_object *const service = pvm_jam_self(call);
    json_object *const storage = service != NULL ? pvm_jam_object(service, "storage") : NULL;
    char *const key = pvm_jam_take_text(call, r[7], r[8]);
    char *const value = r[10] == 0 ? NULL : pvm_jam_take_text(call, r[9], r[10]);
    json_object *old = NULL;
    pvm_jam_outcome_t outcome = PVM_JAM_DONE;

    if (key == NULL || (value == NULL && r[10] != 0)) {
        outcome = PVM_JAM_PANIC;
    } else if (storage == NULL) {
        outcome = pvm_jam_answer(call, PVM_JAM_FULL);
    } else {
        const bool is_there = json_object_object_get_ex(storage, key, &old);
        const int64_t own = 34 + (int64_t)r[8];
        const int64_t old_len = (int64_t)pvm_jam_hex_len(old);
        const int64_t items = (value != NULL) - (int64_t)is_there;
        const int64_t octets =
            (value != NULL ? own + (int64_t)r[10] : 0) - (is_there ? own + old_len : 0);

        if (!pvm_jam_can_afford(service, items, octets)) {
            outcome = pvm_jam_answer(call, PVM_JAM_FULL);
        } else {
            if (value == NULL) {
                json_object_object_del(storage, key);
            } else if (pvm_jam_set(storage, key, json_object_new_string(value)) != 0) {
                call->host->has_failed = true;
            }
            outcome = pvm_jam_answer(call, is_there ? (uint64_t)old_len : PVM_JAM_NONE);
        }
    }
    free(key);
    free(value);
    return outcome;
}

static void put(pvm_jam_octets_t *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        out->data[out->len++] = (uint8_t)(value >> 8 * i);
    }
}

pvm_jam_outcome_t pvm_jam_info(pvm_jam_call_t *call)
{
    json_object *const service = pvm_jam_named_service(call);
    json_object *hash = NULL;
    pvm_jam_octets_t value = {NULL, 0};

    if (service != NULL && (value.data = calloc(1, 128)) == NULL) {
        return PVM_JAM_FAILED;
    }
    if (service != NULL) {
        (void)json_object_object_get_ex(service, "code_hash", &hash);
        const pvm_jam_octets_t code = pvm_jam_hex_octets(hash);
        if (code.data != NULL) {
            memcpy(value.data, code.data,
                   code.len < PVM_JAM_HASH_BYTES ? code.len : PVM_JAM_HASH_BYTES);
        }
        free(code.data);
        value.len = PVM_JAM_HASH_BYTES;
        put(&value, pvm_jam_number(service, "balance", 0), 8);
        put(&value, pvm_jam_least_balance(service), 8);
        put(&value, pvm_jam_number(service, "min_accumulate_gas", 0), 8);
        put(&value, pvm_jam_number(service, "min_memo_gas", 0), 8);
        put(&value, pvm_jam_number(service, "octets", 0), 8);
        put(&value, pvm_jam_number(service, "items", 0), 4);
        put(&value, pvm_jam_number(service, "gratis", 0), 8);
        put(&value, pvm_jam_number(service, "created", 0), 4);
        put(&value, pvm_jam_number(service, "last_accumulated", 0), 4);
        put(&value, pvm_jam_number(service, "parent", 0), 4);
    }
    return pvm_jam_give(call, value, call->r[8], call->r[9], call->r[10]);
}

/* -- Log ----------------------------------------------------------------------------------- */

static void put_text(pvm_buffer_t *line, const pvm_jam_octets_t *text)
{
    pvm_view_escape(line, (const char *)text->data, text->len, pvm_view_escape_of_locale());
}

pvm_jam_outcome_t pvm_jam_log(pvm_jam_call_t *call)
{
    static const char *const levels[] = {"fatal", "warning", "important", "helpful", "pedantic"};
    const uint64_t *const r = call->r;
    const pvm_jam_octets_t target = pvm_jam_take(call, r[8], r[9]);
    const pvm_jam_octets_t message = pvm_jam_take(call, r[10], r[11]);
    pvm_buffer_t line = {0};

    /* What cannot be read is not logged: the call has no other effect, whatever it is given. */
    if (target.data != NULL && message.data != NULL) {
        pvm_buffer_printf(&line, "log %s", r[7] < 5 ? levels[r[7]] : "?");
        if (target.len > 0) {
            pvm_buffer_printf(&line, " ");
            put_text(&line, &target);
        }
        pvm_buffer_printf(&line, ": ");
        put_text(&line, &message);
        pvm_buffer_append(&line, "\n", 1);
        if (!line.failed) {
            (void)fwrite(line.data, 1, line.len, stderr);
        }
    }
    pvm_buffer_free(&line);
    free(target.data);
    free(message.data);
    return pvm_jam_answer(call, PVM_JAM_WHAT);
}
