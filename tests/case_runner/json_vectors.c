/* JSON test vectors: the classic one-run form, both dialects of steps, arrays, and block cost
 * tables.
 *
 * Integers stay exact up to 2^64 - 1. Octets are arrays of numbers or strings of hex digits.
 * Keys are accepted with hyphens and with underscores. tests/cases/README.md has the additions
 * that are our own. */
#include "vector.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* Where we are, for messages; the first problem ends the file. */
typedef struct {
    const char *path;
    const char *name; /* of the vector at hand */
    json_object *defaults;
    pvm_spec_t spec;
    pvm_spec_t spec_with_costs;
    bool failed;
} reader_t;

static void fail(reader_t *reader, const char *key, const char *problem)
{
    if (!reader->failed) {
        (void)fprintf(stderr, "%s: %s: \"%s\" %s\n", reader->path, reader->name, key, problem);
    }
    reader->failed = true;
}

/* -- Values ----------------------------------------------------------------------------- */

/* A member by its hyphenated key, or by the same with underscores. NULL if there is none. */
static json_object *member_of(json_object *object, const char *key)
{
    char other[64];
    json_object *value = NULL;

    if (!json_object_is_type(object, json_type_object)) {
        return NULL;
    }
    if (json_object_object_get_ex(object, key, &value)) {
        return value;
    }
    (void)snprintf(other, sizeof(other), "%s", key);
    for (char *at = other; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    return json_object_object_get_ex(object, other, &value) ? value : NULL;
}

static json_object *member(const reader_t *reader, json_object *object, const char *key)
{
    json_object *value = member_of(object, key);

    return value == NULL && reader->defaults != NULL ? member_of(reader->defaults, key) : value;
}

static uint64_t number(reader_t *reader, json_object *value, const char *key)
{
    if (!json_object_is_type(value, json_type_int)) {
        fail(reader, key, "is not an integer");
        return 0;
    }
    /* Negative numbers come as their two's complement: json-c clamps them to 0 when asked for
     * unsigned. */
    const int64_t is_signed = json_object_get_int64(value);
    return is_signed < 0 ? (uint64_t)is_signed : json_object_get_uint64(value);
}

static uint64_t number_or(reader_t *reader, json_object *object, const char *key, uint64_t absent)
{
    json_object *value = member(reader, object, key);

    return value == NULL ? absent : number(reader, value, key);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* Octets from an array of numbers or a string of hex digits. Owned by the caller. */
static uint8_t *octets(reader_t *reader, json_object *value, const char *key, size_t *out_len)
{
    uint8_t *out;

    *out_len = 0;
    if (json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value);
        const size_t len = strlen(text) / 2;
        out = must_alloc(len);
        for (size_t i = 0; i < len; i++) {
            const int high = hex_digit(text[2 * i]);
            const int low = hex_digit(text[2 * i + 1]);
            if (high < 0 || low < 0) {
                fail(reader, key, "is not hex");
            }
            out[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
        }
        *out_len = len;
        return out;
    }
    if (!json_object_is_type(value, json_type_array)) {
        fail(reader, key, "is neither an array nor hex digits");
        return must_alloc(0);
    }
    *out_len = json_object_array_length(value);
    out = must_alloc(*out_len);
    for (size_t i = 0; i < *out_len; i++) {
        const uint64_t octet = number(reader, json_object_array_get_idx(value, i), key);
        if (octet > 255) {
            fail(reader, key, "has a number above 255");
        }
        out[i] = (uint8_t)octet;
    }
    return out;
}

/* -- Parts of vectors ------------------------------------------------------------------- */

static void add_map(reader_t *reader, vector_t *vector, json_object *object)
{
    action_t *action = vector_add_action(vector, ACTION_MAP);
    json_object *writable = member_of(object, "is-writable");

    action->chunk.address = (uint32_t)number_or(reader, object, "address", 0);
    action->map_len = number_or(reader, object, "length", 0);
    action->access = json_object_get_boolean(writable) ? PVM_ACCESS_WRITE : PVM_ACCESS_READ;
}

static void add_poke(reader_t *reader, vector_t *vector, json_object *object)
{
    action_t *action = vector_add_action(vector, ACTION_POKE);

    action->chunk.address = (uint32_t)number_or(reader, object, "address", 0);
    action->chunk.octets =
        octets(reader, member_of(object, "contents"), "contents", &action->chunk.len);
}

static void add_register(vector_t *vector, uint64_t index, uint64_t value)
{
    action_t *action = vector_add_action(vector, ACTION_SET_REGISTER);

    action->index = (uint32_t)index;
    action->number = value;
}

/* Registers as an array of 13, or as an object that names some: {"7": 1}. */
static void read_registers(reader_t *reader, json_object *value, const char *key,
                           uint64_t regs[PVM_REGISTER_COUNT], uint32_t *given)
{
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, item)
        {
            const unsigned long index = strtoul(name, NULL, 10);
            if (index >= PVM_REGISTER_COUNT) {
                fail(reader, key, "names a register above 12");
                return;
            }
            regs[index] = number(reader, item, key);
            *given |= 1U << index;
        }
        return;
    }
    if (!json_object_is_type(value, json_type_array) ||
        json_object_array_length(value) != PVM_REGISTER_COUNT) {
        fail(reader, key, "is not an array of 13");
        return;
    }
    for (size_t i = 0; i < PVM_REGISTER_COUNT; i++) {
        regs[i] = number(reader, json_object_array_get_idx(value, i), key);
    }
    *given = (1U << PVM_REGISTER_COUNT) - 1;
}

/* All mapped memory: these chunks, and zeros. */
static void read_memory(reader_t *reader, json_object *chunks, expectation_t *expect)
{
    expect->memory_is_all = true;
    for (size_t i = 0; i < json_object_array_length(chunks); i++) {
        json_object *object = json_object_array_get_idx(chunks, i);
        size_t len;
        uint8_t *data = octets(reader, member_of(object, "contents"), "contents", &len);
        chunk_t *chunk =
            expectation_add_memory(expect, (uint32_t)number_or(reader, object, "address", 0), len);
        memcpy(chunk->octets, data, len);
        free(data);
    }
}

/* An assertion about `vector`; keys of the classic form have "expected-" in front. */
static void read_expectation(reader_t *reader, json_object *vector, json_object *object,
                             const char *prefix, expectation_t *expect)
{
    char key[64];
    json_object *value;

#define MEMBER(name)                                                                               \
    (snprintf(key, sizeof(key), "%s%s", prefix, name), value = member(reader, object, key))
    if (MEMBER("status") != NULL) {
        const char *status = json_object_get_string(value);
        expect->state = state_by_name(status, strlen(status));
        if (expect->state == ABSENT) {
            fail(reader, key, "is an unknown status");
        }
    }
    if (MEMBER("pc") != NULL) {
        expect->pc = (int64_t)number(reader, value, key);
    }
    if (MEMBER("gas") != NULL) {
        expect->has_gas = true;
        expect->gas = (int64_t)number(reader, value, key);
    }
    if (MEMBER("regs") != NULL) {
        read_registers(reader, value, key, expect->regs, &expect->regs_given);
    }
    if (MEMBER("memory") != NULL) {
        read_memory(reader, value, expect);
    }
    if (MEMBER("memory-changes") != NULL) {
        /* The first chunk that holds an address counts, so that changes hide what was there. */
        read_memory(reader, value, expect);
        value = member(reader, vector, "initial-memory");
        if (value != NULL) {
            read_memory(reader, value, expect);
        }
    }
    if (MEMBER("page-fault-address") != NULL) {
        expect->fault = (int64_t)number(reader, value, key);
    }
    if (MEMBER("charged") != NULL) {
        expect->charged = json_object_get_boolean(value);
    }
    if (MEMBER("host-call") != NULL || MEMBER("hostcall") != NULL) {
        /* Indices are written modulo 2^64; the engine gives the sign-extended 32-bit number. */
        expect->has_host_call = true;
        expect->host_call = (int64_t)number(reader, value, key);
    }
#undef MEMBER
}

static void read_classic(reader_t *reader, json_object *object, vector_t *vector)
{
    uint64_t regs[PVM_REGISTER_COUNT] = {0};
    uint32_t given = 0;
    json_object *value = member(reader, object, "initial-regs");

    if (value != NULL) {
        read_registers(reader, value, "initial-regs", regs, &given);
    }
    for (unsigned i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (regs[i] != 0) {
            add_register(vector, i, regs[i]);
        }
    }
    value = member(reader, object, "initial-page-map");
    for (size_t i = 0; value != NULL && i < json_object_array_length(value); i++) {
        add_map(reader, vector, json_object_array_get_idx(value, i));
    }
    value = member(reader, object, "initial-memory");
    for (size_t i = 0; value != NULL && i < json_object_array_length(value); i++) {
        add_poke(reader, vector, json_object_array_get_idx(value, i));
    }
    json_object *expected = member_of(object, "expected");
    if (expected != NULL || member_of(object, "expected-status") != NULL) {
        (void)vector_add_action(vector, ACTION_RESUME);
        expectation_t *expect = &vector_add_action(vector, ACTION_EXPECT)->expect;
        memcpy(expect->regs, regs, sizeof(regs));
        if (expected != NULL) {
            read_expectation(reader, object, expected, "", expect);
        } else {
            read_expectation(reader, object, object, "expected-", expect);
        }
        /* Registers that are not listed keep their first value. */
        expect->regs_given = (1U << PVM_REGISTER_COUNT) - 1;
    }
}

static void read_step(reader_t *reader, json_object *object, json_object *step, vector_t *vector)
{
    json_object *kind = member_of(step, "kind");
    const char *name = json_object_get_string(kind);
    json_object *body = step;

    if (kind == NULL) {
        json_object_object_foreach(step, key, value)
        {
            name = key;
            body = value;
        }
    }
    if (name == NULL) {
        fail(reader, "steps", "has a step without kind");
    } else if (strcmp(name, "run") == 0) {
        (void)vector_add_action(vector, ACTION_RESUME);
    } else if (strcmp(name, "map") == 0) {
        add_map(reader, vector, body);
    } else if (strcmp(name, "write") == 0) {
        add_poke(reader, vector, body);
    } else if (strcmp(name, "set-reg") == 0) {
        add_register(vector, number_or(reader, body, "reg", 0),
                     number_or(reader, body, "value", 0));
    } else if (strcmp(name, "set-gas") == 0) {
        vector_add_action(vector, ACTION_SET_GAS)->number = number_or(reader, body, "value", 0);
    } else if (strcmp(name, "assert") == 0) {
        read_expectation(reader, object, body, "",
                         &vector_add_action(vector, ACTION_EXPECT)->expect);
    } else {
        fail(reader, name, "is an unknown step");
    }
}

static void add_cost(vector_t *vector, uint64_t pc, uint64_t gas)
{
    vector->costs[vector->cost_count++] = (block_cost_t){(uint32_t)pc, (uint32_t)gas};
}

/* {"0": 2, "27": 15} or [{"pc": 0, "cost": 2}] */
static void read_costs(reader_t *reader, json_object *costs, vector_t *vector)
{
    if (json_object_is_type(costs, json_type_array)) {
        const size_t count = json_object_array_length(costs);
        vector->costs = must_alloc(count * sizeof(*vector->costs));
        for (size_t i = 0; i < count; i++) {
            json_object *cost = json_object_array_get_idx(costs, i);
            add_cost(vector, number_or(reader, cost, "pc", 0), number_or(reader, cost, "cost", 0));
        }
        return;
    }
    vector->costs = must_alloc((size_t)json_object_object_length(costs) * sizeof(*vector->costs));
    json_object_object_foreach(costs, pc, gas)
    {
        add_cost(vector, strtoull(pc, NULL, 10), number(reader, gas, "block-gas-costs"));
    }
}

/* -- Files ------------------------------------------------------------------------------ */

static void read_vector(reader_t *reader, json_object *object, size_t index, vector_list_t *out)
{
    json_object *name = member_of(object, "name");
    json_object *costs = member_of(object, "block-gas-costs");
    json_object *spec = member(reader, object, "spec");
    json_object *steps = member_of(object, "steps");
    char number_name[32];

    (void)snprintf(number_name, sizeof(number_name), "#%zu", index);
    reader->name = name != NULL ? json_object_get_string(name) : number_name;
    vector_t *vector = vector_list_add(out, reader->name, reader->path);
    vector->spec = costs != NULL ? reader->spec_with_costs : reader->spec;
    if (spec != NULL) {
        const char *text = json_object_get_string(spec);
        vector->spec = spec_by_name(text, strlen(text));
        if (vector->spec == PVM_SPEC_DEFAULT) {
            fail(reader, "spec", "is unknown");
        }
    }
    vector->blob = octets(reader, member_of(object, "program"), "program", &vector->blob_len);
    vector->entry = (uint32_t)number_or(reader, object, "initial-pc", 0);
    vector->gas = number_or(reader, object, "initial-gas", 0);
    read_classic(reader, object, vector);
    for (size_t i = 0; steps != NULL && i < json_object_array_length(steps); i++) {
        read_step(reader, object, json_object_array_get_idx(steps, i), vector);
    }
    if (costs != NULL) {
        read_costs(reader, costs, vector);
    }
    if (vector->action_count == 0 && vector->cost_count == 0) {
        fail(reader, "expected-status", "is missing, and so are steps and block costs");
    }
    reader->name = NULL;
}

int json_vectors_load(const char *path, pvm_spec_t spec, pvm_spec_t spec_with_costs,
                      vector_list_t *out)
{
    reader_t reader = {.path = path, .spec = spec, .spec_with_costs = spec_with_costs};
    json_object *root = json_object_from_file(path);

    if (root == NULL) {
        (void)fprintf(stderr, "%s: %s\n", path, json_util_get_last_err());
        return -1;
    }
    json_object *programs = member_of(root, "programs");
    reader.defaults = member_of(root, "defaults");
    programs = programs != NULL ? programs : root;
    if (json_object_is_type(programs, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(programs) && !reader.failed; i++) {
            read_vector(&reader, json_object_array_get_idx(programs, i), i, out);
        }
    } else {
        read_vector(&reader, programs, 0, out);
    }
    json_object_put(root);
    return reader.failed ? -1 : 0;
}
