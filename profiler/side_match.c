/* Which function of one build is which of the other: by name, where it has one; else by how much of the code is alike, the
 * best pairs first. */
#include "profiler/side.h"

#include <stdlib.h>
#include <string.h>

/** Functions of a side that are looked through for alike code; the others, that cost less, are added or removed. */
#define CANDIDATES_MAX 1024
/** Less alike is another function. */
#define ALIKE_MIN 0.5
/** Shorter ones are alike by chance. */
#define SHINGLES_MIN 4

/* Part of both sorted lists that is common (Jaccard). */
static double alike(const pvm_side_function_t *a, const pvm_side_function_t *b)
{
    size_t i = 0;
    size_t j = 0;
    size_t common = 0;

    if (a->code_hash == b->code_hash) {
        return 1;
    }
    while (i < a->shingle_count && j < b->shingle_count) {
        if (a->shingles[i] == b->shingles[j]) {
            common++;
            i++;
            j++;
        } else if (a->shingles[i] < b->shingles[j]) {
            i++;
        } else {
            j++;
        }
    }
    const size_t all = a->shingle_count + b->shingle_count - common;
    return all > 0 ? (double)common / (double)all : 1;
}

/* -- By name --------------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
    const pvm_side_function_t *const a = *(const pvm_side_function_t *const *)left;
    const pvm_side_function_t *const b = *(const pvm_side_function_t *const *)right;
    const int order = strcmp(a->name, b->name);

    if (order != 0) {
        return order;
    }
    return a->program != b->program ? (a->program < b->program ? -1 : 1)
           : a->pc < b->pc          ? -1
                                    : a->pc > b->pc;
}

static const pvm_side_function_t **sorted(const pvm_side_t *side)
{
    const pvm_side_function_t **const list = malloc((side->function_count + 1) * sizeof(*list));

    for (size_t i = 0; list != NULL && i < side->function_count; i++) {
        list[i] = &side->functions[i];
    }
    if (list != NULL) {
        qsort(list, side->function_count, sizeof(*list), by_name);
    }
    return list;
}

/* A name that says where it stood means another function in another build, unless the same code stands there. */
static bool may_match(const pvm_side_function_t *a, const pvm_side_function_t *b, bool is_same)
{
    const bool is_place = a->pc == b->pc;

    return is_same ? is_place
                   : (a->is_named && b->is_named) ||
                         (is_place && a->code_hash != 0 && a->code_hash == b->code_hash);
}

/* -- By code --------------------------------------------------------------------------------- */

typedef struct {
    size_t before;
    size_t after;
    double alike;
} pair_t;

static int by_gas(const void *left, const void *right)
{
    const pvm_side_match_t *const a = left;
    const pvm_side_match_t *const b = right;
    const int64_t one = a->before != NULL ? a->before->gas : a->after->gas;
    const int64_t other = b->before != NULL ? b->before->gas : b->after->gas;

    return one > other ? -1 : one < other;
}

static int by_likeness(const void *left, const void *right)
{
    const pair_t *const a = left;
    const pair_t *const b = right;

    if (a->alike > b->alike || a->alike < b->alike) {
        return a->alike > b->alike ? -1 : 1;
    }
    return a->before != b->before ? (a->before < b->before ? -1 : 1)
           : a->after < b->after  ? -1
                                  : a->after > b->after;
}

static bool is_candidate(const pvm_side_function_t *function)
{
    return function->shingle_count >= SHINGLES_MIN;
}

/* Pairs among the first `removed` matches and the `added` behind them. @return how many; SIZE_MAX without memory */
static size_t list_pairs(const pvm_side_match_t *removed, size_t removed_count,
                         const pvm_side_match_t *added, size_t added_count, pair_t **out)
{
    size_t count = 0;
    size_t room = 0;

    *out = NULL;
    for (size_t i = 0; i < removed_count && i < CANDIDATES_MAX; i++) {
        for (size_t j = 0; j < added_count && j < CANDIDATES_MAX; j++) {
            const pvm_side_function_t *const a = removed[i].before;
            const pvm_side_function_t *const b = added[j].after;

            if (!is_candidate(a) || !is_candidate(b) || a->shingle_count > 2 * b->shingle_count ||
                b->shingle_count > 2 * a->shingle_count) {
                continue;
            }
            const double likeness = alike(a, b);
            if (likeness < ALIKE_MIN) {
                continue;
            }
            if (count == room) {
                room = room == 0 ? 64 : 2 * room;
                pair_t *const grown = realloc(*out, room * sizeof(*grown));

                if (grown == NULL) {
                    return SIZE_MAX;
                }
                *out = grown;
            }
            (*out)[count++] = (pair_t){i, j, likeness};
        }
    }
    if (count > 0) {
        qsort(*out, count, sizeof(**out), by_likeness);
    }
    return count;
}

/* Bring pairs together: the removed one keeps the pair, the added one goes. @return 0, or -1 without memory */
static int match_code(pvm_side_match_t *removed, size_t removed_count, pvm_side_match_t *added,
                      size_t added_count)
{
    pair_t *pairs = NULL;
    const size_t count = list_pairs(removed, removed_count, added, added_count, &pairs);

    for (size_t i = 0; count != SIZE_MAX && i < count; i++) {
        pvm_side_match_t *const one = &removed[pairs[i].before];
        pvm_side_match_t *const other = &added[pairs[i].after];

        if (one->kind == PVM_MATCH_REMOVED && other->after != NULL) {
            one->after = other->after;
            one->kind = PVM_MATCH_CODE;
            one->alike = pairs[i].alike;
            other->after = NULL;
        }
    }
    free(pairs);
    return count == SIZE_MAX ? -1 : 0;
}

/* -- All of it --------------------------------------------------------------------------------- */

typedef struct {
    pvm_side_match_t *list;
    size_t count;
} matches_t;

typedef struct {
    const pvm_side_function_t **list; /**< by name */
    size_t count;
} sorted_t;

/* Same names, and what is on one side only. */
static void match_names(const sorted_t *before, const sorted_t *after, bool is_same,
                        matches_t *pairs, matches_t *removed, matches_t *added)
{
    size_t i = 0;
    size_t j = 0;

    while (i < before->count || j < after->count) {
        const pvm_side_function_t *const a = i < before->count ? before->list[i] : NULL;
        const pvm_side_function_t *const b = j < after->count ? after->list[j] : NULL;
        const int order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a->name, b->name);

        if (order == 0 && may_match(a, b, is_same)) {
            pairs->list[pairs->count++] = (pvm_side_match_t){a, b, PVM_MATCH_NAME, alike(a, b)};
            i++;
            j++;
        } else if (order <= 0) {
            removed->list[removed->count++] = (pvm_side_match_t){a, NULL, PVM_MATCH_REMOVED, 0};
            i++;
        } else {
            added->list[added->count++] = (pvm_side_match_t){NULL, b, PVM_MATCH_ADDED, 0};
            j++;
        }
    }
}

/* What is left on both sides is looked through for alike code, and put behind the pairs. */
static int match_rest(matches_t *pairs, matches_t *removed, matches_t *added)
{
    qsort(removed->list, removed->count, sizeof(*removed->list), by_gas);
    qsort(added->list, added->count, sizeof(*added->list), by_gas);
    if (match_code(removed->list, removed->count, added->list, added->count) != 0) {
        return -1;
    }
    for (size_t i = 0; i < removed->count; i++) {
        pairs->list[pairs->count++] = removed->list[i];
    }
    for (size_t i = 0; i < added->count; i++) {
        if (added->list[i].after != NULL) {
            pairs->list[pairs->count++] = added->list[i];
        }
    }
    return 0;
}

pvm_side_match_t *pvm_side_match(const pvm_side_t *before, const pvm_side_t *after,
                                 size_t *out_count)
{
    const size_t room = before->function_count + after->function_count + 1;
    const sorted_t left = {sorted(before), before->function_count};
    const sorted_t right = {sorted(after), after->function_count};
    matches_t pairs = {.list = calloc(room, sizeof(*pairs.list))};
    matches_t removed = {.list = calloc(room, sizeof(*removed.list))};
    matches_t added = {.list = calloc(room, sizeof(*added.list))};
    bool failed = pairs.list == NULL || removed.list == NULL || added.list == NULL ||
                  left.list == NULL || right.list == NULL;

    if (!failed) {
        match_names(&left, &right, before->programs_hash == after->programs_hash, &pairs, &removed,
                    &added);
        failed = match_rest(&pairs, &removed, &added) != 0;
    }
    free(removed.list);
    free(added.list);
    free((void *)left.list);
    free((void *)right.list);
    if (failed) {
        free(pairs.list);
        return NULL;
    }
    *out_count = pairs.count;
    return pairs.list;
}
