/* Building vectors, and the words for specs and states. */
#include "vector.h"

#include <stdlib.h>
#include <string.h>

void *must_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes > 0 ? bytes : 1);

    if (memory == NULL) {
        (void)fprintf(stderr, "case runner: no memory for %zu octets\n", bytes);
        exit(4);
    }
    return memory;
}

char *must_copy(const char *text)
{
    char *copy = must_alloc(strlen(text) + 1);

    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

/* One more element of `bytes` at the end of an array that doubles at powers of two. */
static void *extend(void *items, size_t count, size_t bytes)
{
    if ((count & (count - 1)) != 0) {
        return items;
    }
    void *grown = must_alloc((count == 0 ? 1 : 2 * count) * bytes);
    if (count > 0) {
        memcpy(grown, items, count * bytes);
    }
    free(items);
    return grown;
}

vector_t *vector_list_add(vector_list_t *list, const char *name, const char *file_name)
{
    list->items = extend(list->items, list->count, sizeof(*list->items));
    vector_t *vector = &list->items[list->count++];
    *vector = (vector_t){.name = must_copy(name), .file_name = must_copy(file_name)};
    return vector;
}

void expectation_clear_memory(expectation_t *expect)
{
    for (size_t i = 0; i < expect->memory_count; i++) {
        free(expect->memory[i].octets);
    }
    free(expect->memory);
    expect->memory = NULL;
    expect->memory_count = 0;
    expect->memory_is_all = false;
}

void vector_list_free(vector_list_t *list)
{
    for (size_t i = 0; i < list->count; i++) {
        vector_t *vector = &list->items[i];
        for (size_t k = 0; k < vector->action_count; k++) {
            free(vector->actions[k].chunk.octets);
            expectation_clear_memory(&vector->actions[k].expect);
        }
        free(vector->actions);
        free(vector->costs);
        free(vector->blob);
        free(vector->name);
        free(vector->file_name);
    }
    free(list->items);
    *list = (vector_list_t){0};
}

action_t *vector_add_action(vector_t *vector, action_kind_t kind)
{
    vector->actions = extend(vector->actions, vector->action_count, sizeof(*vector->actions));
    action_t *action = &vector->actions[vector->action_count++];
    *action = (action_t){.kind = kind};
    action->expect.state = ABSENT;
    action->expect.pc = ABSENT;
    action->expect.fault = ABSENT;
    action->expect.charged = ABSENT;
    return action;
}

chunk_t *expectation_add_memory(expectation_t *expect, uint32_t address, size_t len)
{
    expect->memory = extend(expect->memory, expect->memory_count, sizeof(*expect->memory));
    chunk_t *chunk = &expect->memory[expect->memory_count++];
    *chunk = (chunk_t){.address = address, .len = len, .octets = must_alloc(len)};
    return chunk;
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

static const struct {
    const char *name;
    pvm_spec_t spec;
} specs[] = {
    {"0.7.2", PVM_SPEC_0_7_2},
    {"0.8.0", PVM_SPEC_0_8_0},
    {"latest64", PVM_SPEC_LATEST64},
};

pvm_spec_t spec_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        if (is_name(name, len, specs[i].name)) {
            return specs[i].spec;
        }
    }
    return PVM_SPEC_DEFAULT;
}

const char *spec_name(pvm_spec_t spec)
{
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        if (specs[i].spec == spec) {
            return specs[i].name;
        }
    }
    return "?";
}

/* The first name of a state is the one that is printed; the others are dialects. */
static const struct {
    const char *name;
    int state;
} states[] = {
    {"halt", PVM_STATE_HALT},        {"panic", PVM_STATE_PANIC},    {"trap", PVM_STATE_PANIC},
    {"page-fault", PVM_STATE_FAULT}, {"fault", PVM_STATE_FAULT},    {"host", PVM_STATE_HOST},
    {"ecalli", PVM_STATE_HOST},      {"out-of-gas", PVM_STATE_OOG}, {"ready", PVM_STATE_READY},
};

int state_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        if (is_name(name, len, states[i].name)) {
            return states[i].state;
        }
    }
    return ABSENT;
}

const char *state_name(int state)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        if (states[i].state == state) {
            return states[i].name;
        }
    }
    return "unknown";
}
