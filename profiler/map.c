/* Open addressing with linear probing; entries are never removed. */
#include "profiler/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 16

static size_t slot_of(const pvm_prof_map_t *map, uint64_t key)
{
    /* Fibonacci hashing: the high bits of the product depend on all bits of the key. */
    size_t slot = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (map->slots - 1);

    while (map->values[slot] != PVM_PROF_MAP_NONE && map->keys[slot] != key) {
        slot = (slot + 1) & (map->slots - 1);
    }
    return slot;
}

uint32_t pvm_prof_map_get(const pvm_prof_map_t *map, uint64_t key)
{
    return map->slots == 0 ? PVM_PROF_MAP_NONE : map->values[slot_of(map, key)];
}

static int grow(pvm_prof_map_t *map)
{
    const size_t slots = map->slots == 0 ? FIRST_SLOTS : 2 * map->slots;
    pvm_prof_map_t bigger = {.keys = malloc(slots * sizeof(*bigger.keys)),
                             .values = malloc(slots * sizeof(*bigger.values)),
                             .slots = slots,
                             .count = map->count};

    if (bigger.keys == NULL || bigger.values == NULL) {
        pvm_prof_map_free(&bigger);
        return -1;
    }
    memset(bigger.values, 0xff, slots * sizeof(*bigger.values));
    for (size_t i = 0; i < map->slots; i++) {
        if (map->values[i] != PVM_PROF_MAP_NONE) {
            const size_t slot = slot_of(&bigger, map->keys[i]);
            bigger.keys[slot] = map->keys[i];
            bigger.values[slot] = map->values[i];
        }
    }
    pvm_prof_map_free(map);
    *map = bigger;
    return 0;
}

int pvm_prof_map_add(pvm_prof_map_t *map, uint64_t key, uint32_t value)
{
    assert(value != PVM_PROF_MAP_NONE);
    if (4 * (map->count + 1) > 3 * map->slots && grow(map) != 0) {
        return -1;
    }
    const size_t slot = slot_of(map, key);
    assert(map->values[slot] == PVM_PROF_MAP_NONE);
    map->keys[slot] = key;
    map->values[slot] = value;
    map->count++;
    return 0;
}

void pvm_prof_map_free(pvm_prof_map_t *map)
{
    free(map->keys);
    free(map->values);
    *map = (pvm_prof_map_t){0};
}
