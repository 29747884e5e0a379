/* Functions from debug information, and from starts of routines in the code. See functions.h. */
#include "profiler/functions.h"

#include "profiler/map.h"
#include "program/debug_info.h"
#include "program/routines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- The list of functions ----------------------------------------------------------------- */

typedef struct {
    pvm_prof_functions_t *out;
    uint32_t capacity;
    pvm_prof_map_t by_hash; /**< hash of a name -> newest function with that hash */
    uint32_t *older;        /**< for each function: the one before it with the same hash */
    const pvm_debug_info_t *debug;
    pvm_debug_range_t range;
    char range_name[PVM_PROF_MAX_NAME_BYTES];
    size_t next_range;
    bool has_range;
} finder_t;

static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static int grow(finder_t *finder)
{
    const uint32_t capacity = finder->capacity == 0 ? 64 : 2 * finder->capacity;
    pvm_prof_function_t *const list = realloc(finder->out->list, capacity * sizeof(*list));

    if (list != NULL) {
        finder->out->list = list;
    }
    uint32_t *const older = realloc(finder->older, capacity * sizeof(*older));
    if (older != NULL) {
        finder->older = older;
    }
    if (list == NULL || older == NULL) {
        return -1;
    }
    finder->capacity = capacity;
    return 0;
}

/* The chain of names with one hash has one link, unless somebody makes collisions on purpose;
 * then there are at most PVM_PROF_MAX_FUNCTIONS. The map cannot change a value, so a chain
 * grows behind its first member. */
static uint32_t intern(finder_t *finder, const char *name, uint32_t pc, bool from_debug)
{
    const uint64_t hash = hash_name(name);
    const uint32_t first = pvm_prof_map_get(&finder->by_hash, hash);
    pvm_prof_functions_t *const out = finder->out;

    for (uint32_t i = first; i != PVM_PROF_MAP_NONE; i = finder->older[i]) {
        if (strcmp(out->list[i].name, name) == 0) {
            return i;
        }
    }
    if (out->count == PVM_PROF_MAX_FUNCTIONS) {
        return out->count - 1;
    }
    if (out->count + 1 == PVM_PROF_MAX_FUNCTIONS) {
        name = "(other functions)";
    }
    if (out->count == finder->capacity && grow(finder) != 0) {
        return PVM_PROF_MAP_NONE;
    }
    const uint32_t index = out->count;
    out->list[index] =
        (pvm_prof_function_t){.name = strdup(name), .pc = pc, .from_debug = from_debug};
    if (out->list[index].name == NULL) {
        return PVM_PROF_MAP_NONE;
    }
    out->count++;
    if (first == PVM_PROF_MAP_NONE) {
        finder->older[index] = PVM_PROF_MAP_NONE;
        return pvm_prof_map_add(&finder->by_hash, hash, index) == 0 ? index : PVM_PROF_MAP_NONE;
    }
    finder->older[index] = finder->older[first];
    finder->older[first] = index;
    return index;
}

/* Move on to the last debug range that begins at or before pc. Ranges and the pcs asked for
 * both ascend. */
static void advance_range(finder_t *finder, uint32_t pc)
{
    pvm_debug_range_t next;
    bool moved = false;

    while (pvm_debug_info_range(finder->debug, finder->next_range, &next) == 0 &&
           next.begin <= pc) {
        finder->range = next;
        finder->has_range = true;
        finder->next_range++;
        moved = true;
    }
    if (moved) {
        pvm_debug_function_name(&finder->range.function, finder->range_name,
                                sizeof(finder->range_name));
    }
}

/* Name of the function at a block, for which `start` is the last start found in the code. */
static uint32_t function_at(finder_t *finder, uint32_t pc, uint32_t start)
{
    char name[sizeof("fn@4294967295")];

    if (finder->debug != NULL) {
        advance_range(finder, pc);
    }
    if (finder->has_range && pc < finder->range.end && finder->range_name[0] != '\0') {
        return intern(finder, finder->range_name, pc, true);
    }
    if (finder->has_range && finder->range.end <= pc && finder->range.end > start) {
        start = finder->range.end;
    }
    snprintf(name, sizeof(name), "fn@%u", (unsigned)start);
    return intern(finder, name, start, false);
}

static int assign_blocks(finder_t *finder, const pvm_program_t *program, const uint8_t *starts)
{
    uint32_t *const of_block = finder->out->of_block;
    uint32_t start = 0;

    for (uint32_t i = 0; i < program->block_count; i++) {
        const uint32_t pc = program->blocks[i].pc;

        start = pvm_routine_is_marked(starts, pc) ? pc : start;
        of_block[i] = function_at(finder, pc, start);
        if (of_block[i] == PVM_PROF_MAP_NONE) {
            return -1;
        }
    }
    of_block[program->block_count] = intern(finder, "(behind the code)", program->code.len, false);
    return of_block[program->block_count] == PVM_PROF_MAP_NONE ? -1 : 0;
}

int pvm_prof_functions_find(const pvm_program_t *program, pvm_prof_functions_t *out)
{
    /* An invalid program has no blocks, and no table of block starts either. */
    const bool has_blocks = program->block_count > 0;
    uint8_t *const starts = has_blocks ? pvm_routine_find_starts(program) : NULL;
    int status = -1;
    finder_t *const finder = calloc(1, sizeof(*finder));

    *out = (pvm_prof_functions_t){
        .of_block = malloc(((size_t)program->block_count + 1) * sizeof(*out->of_block))};
    if (finder != NULL && out->of_block != NULL && (!has_blocks || starts != NULL)) {
        finder->out = out;
        finder->debug = program->debug_info;
        status = assign_blocks(finder, program, starts);
    }
    if (status != 0) {
        pvm_prof_functions_free(out);
    }
    if (finder != NULL) {
        pvm_prof_map_free(&finder->by_hash);
        free(finder->older);
    }
    free(finder);
    free(starts);
    return status;
}

void pvm_prof_functions_free(pvm_prof_functions_t *functions)
{
    for (uint32_t i = 0; i < functions->count; i++) {
        free(functions->list[i].name);
    }
    free(functions->list);
    free(functions->of_block);
    *functions = (pvm_prof_functions_t){0};
}
