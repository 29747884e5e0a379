/* JSON and octets of the JAM host's state. Spec: GP 9 (accounts). */
#include "viewer/host/jam_state.h"

#include "viewer/input.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Deposits of GP 9.3, appendix I.4.4: for an item, an octet, and a service at all. */
enum { ITEM_DEPOSIT = 10, BYTE_DEPOSIT = 1, BASE_DEPOSIT = 100 };
/** Octets that a request and a storage item count besides their own. */
enum { REQUEST_OCTETS = 81, STORAGE_OCTETS = 34 };

/* -- Octets -------------------------------------------------------------------------------- */

char *pvm_jam_hex_text(const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *const text = malloc(2 * len + 3);

    if (text == NULL) {
        return NULL;
    }
    text[0] = '0';
    text[1] = 'x';
    for (size_t i = 0; i < len; i++) {
        text[2 + 2 * i] = digits[data[i] >> 4];
        text[3 + 2 * i] = digits[data[i] & 15];
    }
    text[2 * len + 2] = '\0';
    return text;
}

json_object *pvm_jam_hex_new(const uint8_t *data, size_t len)
{
    char *const text = pvm_jam_hex_text(data, len);
    json_object *const value = text == NULL ? NULL : json_object_new_string(text);

    free(text);
    return value;
}

static int digit_of(char letter)
{
    return letter >= '0' && letter <= '9'   ? letter - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
           : letter >= 'A' && letter <= 'F' ? letter - 'A' + 10
                                            : -1;
}

static bool is_hex(const char *text, size_t len)
{
    if (len < 2 || len % 2 != 0 || text[0] != '0' || text[1] != 'x') {
        return false;
    }
    for (size_t i = 2; i < len; i++) {
        if (digit_of(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

size_t pvm_jam_hex_len(json_object *text)
{
    return json_object_is_type(text, json_type_string)
               ? ((size_t)json_object_get_string_len(text) - 2) / 2
               : 0;
}

pvm_jam_octets_t pvm_jam_hex_octets(json_object *text)
{
    pvm_jam_octets_t out = {NULL, 0};

    if (!json_object_is_type(text, json_type_string)) {
        return out;
    }
    const char *const letters = json_object_get_string(text);
    out.data = malloc(pvm_jam_hex_len(text) + 1);
    if (out.data != NULL) {
        out.len = pvm_jam_hex_len(text);
        for (size_t i = 0; i < out.len; i++) {
            out.data[i] =
                (uint8_t)(digit_of(letters[2 + 2 * i]) << 4 | digit_of(letters[3 + 2 * i]));
        }
    }
    return out;
}

/* -- Members ------------------------------------------------------------------------------- */

uint64_t pvm_jam_number(json_object *object, const char *name, uint64_t absent)
{
    json_object *member = NULL;

    return json_object_object_get_ex(object, name, &member) &&
                   json_object_is_type(member, json_type_int)
               ? json_object_get_uint64(member)
               : absent;
}

int pvm_jam_set(json_object *object, const char *name, json_object *value)
{
    if (value == NULL || json_object_object_add(object, name, value) != 0) {
        json_object_put(value);
        return -1;
    }
    return 0;
}

int pvm_jam_set_number(json_object *object, const char *name, uint64_t value)
{
    return pvm_jam_set(object, name, json_object_new_uint64(value));
}

json_object *pvm_jam_object(json_object *object, const char *name)
{
    json_object *member = NULL;

    if (json_object_object_get_ex(object, name, &member) && member != NULL) {
        return member;
    }
    member = json_object_new_object();
    return pvm_jam_set(object, name, member) == 0 ? member : NULL;
}

json_object *pvm_jam_array(json_object *object, const char *name)
{
    json_object *member = NULL;

    if (json_object_object_get_ex(object, name, &member) && member != NULL) {
        return member;
    }
    member = json_object_new_array();
    return pvm_jam_set(object, name, member) == 0 ? member : NULL;
}

int pvm_jam_add(json_object *array, json_object *value)
{
    if (value == NULL || json_object_array_add(array, value) != 0) {
        json_object_put(value);
        return -1;
    }
    return 0;
}

/* -- Services ------------------------------------------------------------------------------ */

json_object *pvm_jam_service(json_object *state, uint64_t id)
{
    json_object *services = NULL;
    json_object *service = NULL;
    char name[24];

    (void)snprintf(name, sizeof(name), "%" PRIu64, id);
    return id <= UINT32_MAX && json_object_object_get_ex(state, "services", &services) &&
                   json_object_object_get_ex(services, name, &service)
               ? service
               : NULL;
}

void pvm_jam_request_name(const char *hash, uint64_t len, char *out)
{
    (void)snprintf(out, PVM_JAM_REQUEST_BYTES, "%.66s/%" PRIu64, hash, len);
}

json_object *pvm_jam_request(json_object *service, const char *hash, uint64_t len)
{
    json_object *requests = NULL;
    json_object *slots = NULL;
    char name[PVM_JAM_REQUEST_BYTES];

    pvm_jam_request_name(hash, len, name);
    return service != NULL && json_object_object_get_ex(service, "requests", &requests) &&
                   json_object_object_get_ex(requests, name, &slots)
               ? slots
               : NULL;
}

uint64_t pvm_jam_least_balance(json_object *service)
{
    const uint64_t gratis = pvm_jam_number(service, "gratis", 0);
    const uint64_t needed = BASE_DEPOSIT + ITEM_DEPOSIT * pvm_jam_number(service, "items", 0) +
                            BYTE_DEPOSIT * pvm_jam_number(service, "octets", 0);

    return needed > gratis ? needed - gratis : 0;
}

int pvm_jam_change_footprint(json_object *service, int64_t items, int64_t octets)
{
    const uint64_t all = pvm_jam_number(service, "items", 0) + (uint64_t)items;
    const uint64_t sum = pvm_jam_number(service, "octets", 0) + (uint64_t)octets;

    return pvm_jam_set_number(service, "items", all) == 0 &&
                   pvm_jam_set_number(service, "octets", sum) == 0
               ? 0
               : -1;
}

/* -- Loading ------------------------------------------------------------------------------- */

/** What a member of the document has to be. */
typedef struct {
    const char *name;
    char kind; /**< n number, x octets, o object, a array, s text */
} member_t;

static const member_t state_members[] = {{"context", 's'},
                                         {"service", 'n'},
                                         {"timeslot", 'n'},
                                         {"next_service", 'n'},
                                         {"services", 'o'},
                                         {"manager", 'n'},
                                         {"assigners", 'o'},
                                         {"delegator", 'n'},
                                         {"registrar", 'n'},
                                         {"always_accumulate", 'o'},
                                         {"authorization_queues", 'o'},
                                         {"staging_set", 'x'},
                                         {"fetch", 'o'},
                                         {"export_offset", 'n'},
                                         {"exports", 'a'},
                                         {"transfers", 'a'},
                                         {"provisions", 'a'},
                                         {"yield", 'x'}};
static const member_t service_members[] = {
    {"code_hash", 'x'}, {"balance", 'n'},   {"min_accumulate_gas", 'n'}, {"min_memo_gas", 'n'},
    {"gratis", 'n'},    {"created", 'n'},   {"last_accumulated", 'n'},   {"parent", 'n'},
    {"storage", 'o'},   {"preimages", 'o'}, {"requests", 'o'},           {"items", 'n'},
    {"octets", 'n'}};

static bool is_of_kind(json_object *value, char kind)
{
    switch (kind) {
    case 'n':
        return json_object_is_type(value, json_type_int) &&
               (json_object_get_int64(value) >= 0 || json_object_get_uint64(value) > INT64_MAX);
    case 'x':
        return json_object_is_type(value, json_type_string) &&
               is_hex(json_object_get_string(value), (size_t)json_object_get_string_len(value));
    case 'o':
        return json_object_is_type(value, json_type_object);
    case 'a':
        return json_object_is_type(value, json_type_array);
    default:
        return json_object_is_type(value, json_type_string);
    }
}

static const char *kind_name(char kind)
{
    return kind == 'n'   ? "a number from 0"
           : kind == 'x' ? "octets, as \"0x...\""
           : kind == 'o' ? "an object"
           : kind == 'a' ? "an array"
                         : "a text";
}

/** Every member is known, and of the right kind. @param what  "services.5", or "" */
static pvm_view_status_t check_members(pvm_view_t *view, const char *path, const char *what,
                                       json_object *object, const member_t *members, size_t count)
{
    if (!json_object_is_type(object, json_type_object)) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s is no object", path,
                             what[0] != '\0' ? what : "the document");
    }
    json_object_object_foreach(object, name, value)
    {
        size_t i = 0;

        while (i < count && strcmp(members[i].name, name) != 0) {
            i++;
        }
        if (i == count) {
            return pvm_view_fail(view, PVM_VIEW_INPUT,
                                 "%s: %s%s%.60s: no such member; docs/host-jam.md lists them", path,
                                 what, what[0] != '\0' ? "." : "", name);
        }
        if (!is_of_kind(value, members[i].kind)) {
            return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s%s%s: is not %s", path, what,
                                 what[0] != '\0' ? "." : "", name, kind_name(members[i].kind));
        }
    }
    return PVM_VIEW_FINE;
}

/** A decimal number of 32 bits. */
static bool is_length(const char *text)
{
    const size_t len = strlen(text);

    return len > 0 && len <= 10 && strspn(text, "0123456789") == len &&
           strtoull(text, NULL, 10) <= UINT32_MAX;
}

/** Keys are octets, with "/LENGTH" behind them for requests; values are octets, or for requests up to 3 numbers. */
static pvm_view_status_t check_map(pvm_view_t *view, const char *path, const char *what,
                                   json_object *map, bool is_requests, int64_t *out_octets)
{
    json_object_object_foreach(map, key, value)
    {
        const char *const slash = is_requests ? strchr(key, '/') : NULL;
        const size_t len = slash != NULL ? (size_t)(slash - key) : strlen(key);
        bool is_right = is_hex(key, len) &&
                        (!is_requests || (slash != NULL && len == 66 && is_length(slash + 1)));

        if (is_requests) {
            is_right = is_right && json_object_is_type(value, json_type_array) &&
                       json_object_array_length(value) <= 3;
            for (size_t i = 0; is_right && i < json_object_array_length(value); i++) {
                is_right = is_of_kind(json_object_array_get_idx(value, i), 'n');
            }
            *out_octets += is_right ? REQUEST_OCTETS + strtoll(slash + 1, NULL, 10) : 0;
        } else {
            is_right = is_right && is_of_kind(value, 'x');
            *out_octets += is_right ? STORAGE_OCTETS + (int64_t)((len - 2) / 2) +
                                          (int64_t)pvm_jam_hex_len(value)
                                    : 0;
        }
        if (!is_right) {
            return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s: \"%.80s\" is no pair of %s", path,
                                 what, key,
                                 is_requests ? "\"0xHASH/LENGTH\" and up to three timeslots"
                                             : "octets and octets (\"0x...\")");
        }
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t check_service(pvm_view_t *view, const char *path, const char *id,
                                       json_object *service)
{
    static const char *const maps[] = {"storage", "requests", "preimages"};
    int64_t octets[3] = {0, 0, 0};
    int64_t counts[3] = {0, 0, 0};
    char what[64];

    (void)snprintf(what, sizeof(what), "services.%.20s", id);
    pvm_view_status_t status = check_members(view, path, what, service, service_members,
                                             sizeof(service_members) / sizeof(service_members[0]));
    for (size_t i = 0; i < 3 && status == PVM_VIEW_FINE; i++) {
        json_object *const map = pvm_jam_object(service, maps[i]);

        (void)snprintf(what, sizeof(what), "services.%.20s.%s", id, maps[i]);
        if (map == NULL) {
            return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for it", path);
        }
        status = check_map(view, path, what, map, i == 1, &octets[i]);
        counts[i] = json_object_object_length(map);
    }
    if (status == PVM_VIEW_FINE &&
        (pvm_jam_set_number(service, "items", (uint64_t)(2 * counts[1] + counts[0])) != 0 ||
         pvm_jam_set_number(service, "octets", (uint64_t)(octets[1] + octets[0])) != 0)) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for it", path);
    }
    return status;
}

/** Octets, or lists of them, or lists of lists. */
static bool is_fetchable(json_object *value, unsigned depth)
{
    if (is_of_kind(value, 'x')) {
        return true;
    }
    if (depth == 0 || !json_object_is_type(value, json_type_array)) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (!is_fetchable(json_object_array_get_idx(value, i), depth - 1)) {
            return false;
        }
    }
    return true;
}

static pvm_view_status_t check_fetch(pvm_view_t *view, const char *path, json_object *state)
{
    json_object *fetch = NULL;

    if (!json_object_object_get_ex(state, "fetch", &fetch)) {
        return PVM_VIEW_FINE;
    }
    json_object_object_foreach(fetch, kind, value)
    {
        if (!is_fetchable(value, 2)) {
            return pvm_view_fail(view, PVM_VIEW_INPUT,
                                 "%s: fetch.%.20s: is neither octets (\"0x...\") nor a list, or a "
                                 "list of lists, of them",
                                 path, kind);
        }
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t check_state(pvm_view_t *view, const char *path, json_object *state)
{
    pvm_view_status_t status = check_members(view, path, "", state, state_members,
                                             sizeof(state_members) / sizeof(state_members[0]));
    if (status == PVM_VIEW_FINE) {
        status = check_fetch(view, path, state);
    }
    json_object *const services =
        status == PVM_VIEW_FINE ? pvm_jam_object(state, "services") : NULL;

    if (status == PVM_VIEW_FINE && services == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for it", path);
    }
    if (status == PVM_VIEW_FINE) {
        json_object_object_foreach(services, id, service)
        {
            if (status == PVM_VIEW_FINE) {
                status = check_service(view, path, id, service);
            }
        }
    }
    return status;
}

pvm_view_status_t pvm_jam_state_parse(pvm_view_t *view, const char *path, const char *text,
                                      size_t len, json_object **out)
{
    json_tokener *const reader = json_tokener_new();
    pvm_view_status_t status = PVM_VIEW_FINE;

    *out = NULL;
    if (reader == NULL || len > PVM_MAX_JAM_STATE_BYTES) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: too large for a state", path);
    } else {
        json_tokener_set_flags(reader, JSON_TOKENER_STRICT);
        *out = json_tokener_parse_ex(reader, text, (int)len);
        if (*out == NULL) {
            status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s: no JSON at octet %zu: %s", path,
                                   json_tokener_get_parse_end(reader),
                                   json_tokener_get_error(reader) == json_tokener_continue
                                       ? "it ends too early"
                                       : json_tokener_error_desc(json_tokener_get_error(reader)));
        }
    }
    if (status == PVM_VIEW_FINE) {
        status = check_state(view, path, *out);
    }
    if (status != PVM_VIEW_FINE) {
        json_object_put(*out);
        *out = NULL;
    }
    if (reader != NULL) {
        json_tokener_free(reader);
    }
    return status;
}

pvm_view_status_t pvm_jam_state_load(pvm_view_t *view, const char *path, json_object **out)
{
    static const char empty[] = "{\"services\": {\"0\": {\"balance\": 1000000000}}}";
    pvm_input_t input = {0};
    pvm_view_status_t status;

    *out = NULL;
    if (path == NULL) {
        return pvm_jam_state_parse(view, "the empty state", empty, sizeof(empty) - 1, out);
    }
    status = pvm_view_input_read(view, path, &input);
    if (status == PVM_VIEW_FINE) {
        status = pvm_jam_state_parse(view, path, (const char *)input.data, input.len, out);
    }
    pvm_view_input_free(&input);
    return status;
}
