/* Trees of VMs into contexts of the recording, and these into the file. See calls.h. */
#include "profiler/calls.h"

#include "profiler/watch.h"
#include "vm/calls.h"

#include <stdlib.h>
#include <string.h>

static void fail(pvm_prof_watch_t *watch)
{
    pvm_prof_store_fail(watch->recorder->file,
                        "no memory to read call trees; record without calls");
}

/* -- Contexts ------------------------------------------------------------------------------ */

static uint64_t hash_of(const pvm_prof_context_t *like)
{
    uint64_t hash = ((uint64_t)like->parent << 32 | like->site) * UINT64_C(0x9e3779b97f4a7c15);

    hash ^= hash >> 29;
    hash ^= (uint64_t)like->pc << 32 | like->program << 3 | like->kind;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 32;
}

static bool same_context(const pvm_prof_context_t *a, const pvm_prof_context_t *b)
{
    return a->parent == b->parent && a->program == b->program && a->site == b->site &&
           a->pc == b->pc && a->kind == b->kind;
}

/* Recursion meets its function soon; all others have no more callers than there are functions. */
static bool is_outermost(const pvm_prof_calls_t *calls, const pvm_prof_context_t *like)
{
    for (uint32_t at = like->parent; at != PVM_PROF_CONTEXT_HOST; at = calls->list[at].parent) {
        if (calls->list[at].function == like->function &&
            calls->list[at].program == like->program) {
            return false;
        }
    }
    return true;
}

static bool grow(pvm_prof_calls_t *calls)
{
    if (calls->count < calls->room) {
        return true;
    }
    const uint32_t room = calls->room == 0 ? 256 : 2 * calls->room;
    pvm_prof_context_t *const list = realloc(calls->list, room * sizeof(*list));
    if (list != NULL) {
        calls->list = list;
    }
    uint32_t *const dirty = realloc(calls->dirty, room * sizeof(*dirty));
    if (dirty != NULL) {
        calls->dirty = dirty;
    }
    if (list == NULL || dirty == NULL) {
        return false;
    }
    calls->room = room;
    return true;
}

/* The place of the context like this one, found or made; PVM_PROF_CONTEXT_HOST: there is no more room. */
static uint32_t find(pvm_prof_watch_t *watch, pvm_prof_context_t like)
{
    pvm_prof_calls_t *const calls = &watch->recorder->calls;
    uint64_t hash = hash_of(&like);

    /* Contexts that collide take the next hashes. */
    for (;; hash++) {
        const uint32_t known = pvm_prof_map_get(&calls->index, hash);
        if (known == PVM_PROF_MAP_NONE) {
            break;
        }
        if (same_context(&calls->list[known], &like)) {
            return known;
        }
    }
    if (calls->count == PVM_PROF_MAX_CONTEXTS) {
        return PVM_PROF_CONTEXT_HOST;
    }
    if (!grow(calls) || pvm_prof_map_add(&calls->index, hash, calls->count) != 0) {
        fail(watch);
        return PVM_PROF_CONTEXT_HOST;
    }
    const pvm_prof_program_t *const program = watch->program;
    like.function = program->functions.of_block[pvm_program_block_at(program->program, like.pc)];
    like.is_outermost = is_outermost(calls, &like);
    calls->list[calls->count] = like;
    return calls->count++;
}

static void add_figures(pvm_prof_call_figures_t *to, const pvm_prof_call_figures_t *more)
{
    to->calls += more->calls;
    to->gas += more->gas;
    to->host_calls += more->host_calls;
    to->host_gas += more->host_gas;
    to->deeper_calls += more->deeper_calls;
    to->deeper_gas += more->deeper_gas;
    to->samples += more->samples;
}

static void add(pvm_prof_calls_t *calls, uint32_t place, const pvm_prof_call_figures_t *more)
{
    pvm_prof_context_t *const context = &calls->list[place];

    add_figures(&context->all, more);
    add_figures(&context->pending, more);
    if (!context->is_dirty) {
        context->is_dirty = true;
        calls->dirty[calls->dirty_count++] = place;
    }
}

/* -- Trees --------------------------------------------------------------------------------- */

static bool tree_room(pvm_prof_tree_t *tree, size_t count)
{
    if (count > tree->room) {
        const size_t room = count + count / 2 + 64;
        pvm_call_node_t *const nodes = realloc(tree->nodes, room * sizeof(*nodes));
        if (nodes != NULL) {
            tree->nodes = nodes;
        }
        uint32_t *const places = realloc(tree->places, room * sizeof(*places));
        if (places != NULL) {
            tree->places = places;
        }
        uint64_t *const samples = realloc(tree->samples, room * sizeof(*samples));
        if (samples != NULL) {
            tree->samples = samples;
        }
        if (nodes == NULL || places == NULL || samples == NULL) {
            return false;
        }
        tree->room = room;
    }
    if (count > tree->fresh_room) {
        const size_t room = count + count / 2 + 64;
        pvm_call_node_t *const fresh = realloc(tree->fresh, room * sizeof(*fresh));
        if (fresh == NULL) {
            return false;
        }
        tree->fresh = fresh;
        tree->fresh_room = room;
    }
    return true;
}

/* The context of node i, whose caller has one. Of what the file cannot tell apart: the caller's. */
static uint32_t place_of(pvm_prof_watch_t *watch, const pvm_call_node_t *node)
{
    const uint32_t parent = watch->tree.places[node->parent];
    const uint32_t place = find(watch, (pvm_prof_context_t){.parent = parent,
                                                            .program = watch->program->id,
                                                            .site = node->site,
                                                            .pc = node->routine,
                                                            .kind = node->kind});

    return place != PVM_PROF_CONTEXT_HOST ? place : parent;
}

static void note(pvm_prof_watch_t *watch, uint32_t place, const pvm_call_node_t *old,
                 const pvm_call_node_t *node, uint64_t samples)
{
    pvm_prof_calls_t *const calls = &watch->recorder->calls;
    pvm_prof_call_figures_t more = {.calls = node->calls - old->calls,
                                    .gas = node->gas - old->gas,
                                    .host_calls = node->host_calls - old->host_calls,
                                    .host_gas = node->host_gas - old->host_gas,
                                    .deeper_calls = node->deeper_calls - old->deeper_calls,
                                    .deeper_gas = node->deeper_gas - old->deeper_gas,
                                    .samples = samples};

    if ((more.calls | more.gas | more.host_calls | more.host_gas | more.deeper_calls |
         more.deeper_gas | more.samples) == 0 ||
        place == PVM_PROF_CONTEXT_HOST) {
        return;
    }
    if (calls->list[place].pc != node->routine || calls->list[place].site != node->site) {
        /* Not told apart in the file: it counts as what its caller called. */
        more.deeper_calls += more.calls;
        more.deeper_gas += more.gas;
        more.calls = 0;
        more.gas = 0;
        more.samples = 0;
    }
    add(calls, place, &more);
}

void pvm_prof_calls_read(pvm_prof_watch_t *watch)
{
    pvm_prof_tree_t *const tree = &watch->tree;

    if (!(watch->recorder->instrument & PVM_PROF_CALLS)) {
        return;
    }
    const size_t count = pvm_get_call_tree(watch->vm, NULL, 0);
    if (!tree_room(tree, count)) {
        fail(watch);
        return;
    }
    (void)pvm_get_call_tree(watch->vm, tree->fresh, count);
    const pvm_calls_t *const calls = pvm_calls_of(watch->vm);
    for (size_t i = 1; i < count; i++) {
        const pvm_call_node_t none = {.calls = 0};
        const bool is_new = i >= tree->count;
        const uint64_t samples = pvm_calls_context(calls, (uint32_t)i)->samples;

        if (is_new) {
            tree->places[0] = tree->count == 0 ? watch->caller : tree->places[0];
            tree->places[i] = place_of(watch, &tree->fresh[i]);
        }
        note(watch, tree->places[i], is_new ? &none : &tree->nodes[i], &tree->fresh[i],
             samples - (is_new ? 0 : tree->samples[i]));
        tree->nodes[i] = tree->fresh[i];
        tree->samples[i] = samples;
        tree->count = is_new ? i + 1 : tree->count;
    }
}

/* The context that makes the host call which runs this VM. */
static uint32_t caller_of(pvm_prof_watch_t *watch)
{
    pvm_vm_t *const parent = pvm_get_parent(watch->vm);
    pvm_prof_watch_t *const at = pvm_prof_watch_of(watch->recorder, parent);

    if (at == NULL || parent->calls == NULL || parent->calls->host == NULL) {
        return PVM_PROF_CONTEXT_HOST;
    }
    pvm_prof_calls_read(at);
    return parent->calls->host->index < at->tree.count ? at->tree.places[parent->calls->host->index]
                                                       : PVM_PROF_CONTEXT_HOST;
}

void pvm_prof_calls_run_begin(pvm_prof_watch_t *watch)
{
    if (!(watch->recorder->instrument & PVM_PROF_CALLS)) {
        return;
    }
    const uint32_t caller = caller_of(watch);
    if (watch->tree.count > 0 && watch->tree.places[0] != caller) {
        /* All nodes get other contexts from now on; what they hold already stays where it is. */
        pvm_prof_calls_read(watch);
        watch->tree.places[0] = caller;
        for (size_t i = 1; i < watch->tree.count; i++) {
            watch->tree.places[i] = place_of(watch, &watch->tree.nodes[i]);
        }
    }
    watch->caller = caller;
}

void pvm_prof_tree_free(pvm_prof_tree_t *tree)
{
    free(tree->nodes);
    free(tree->samples);
    free(tree->places);
    free(tree->fresh);
    free(tree->pairs);
    *tree = (pvm_prof_tree_t){0};
}

/* -- Jumps through registers --------------------------------------------------------------- */

static int compare_pairs(const void *left, const void *right)
{
    const pvm_jump_pair_t *const a = left;
    const pvm_jump_pair_t *const b = right;

    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return a->to < b->to ? -1 : a->to > b->to;
}

static void store_pair(pvm_prof_watch_t *watch, const pvm_jump_pair_t *pair, uint64_t more)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_INDIRECT_JUMP);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, watch->program->id);
        sqlite3_bind_int64(row, 2, pair->from);
        sqlite3_bind_int64(row, 3, pair->to);
        sqlite3_bind_int64(row, 4, (int64_t)more);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_INDIRECT_JUMP);
    }
}

void pvm_prof_calls_store_pairs(pvm_prof_watch_t *watch)
{
    pvm_prof_tree_t *const tree = &watch->tree;
    size_t old = 0;

    if (!(watch->recorder->instrument & PVM_PROF_CALLS)) {
        return;
    }
    const size_t count = pvm_get_indirect_jumps(watch->vm, NULL, 0);
    pvm_jump_pair_t *const pairs = count > 0 ? malloc(count * sizeof(*pairs)) : NULL;
    if (pairs == NULL) {
        if (count > 0) {
            fail(watch);
        }
        return;
    }
    /* Counted without room, entries of the jump table that lead to one place are several. */
    const size_t found = pvm_get_indirect_jumps(watch->vm, pairs, count);
    qsort(pairs, found, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < found; i++) {
        uint64_t more = pairs[i].count;
        while (old < tree->pair_count && compare_pairs(&tree->pairs[old], &pairs[i]) < 0) {
            old++;
        }
        if (old < tree->pair_count && compare_pairs(&tree->pairs[old], &pairs[i]) == 0) {
            more -= tree->pairs[old].count;
        }
        if (more != 0) {
            store_pair(watch, &pairs[i], more);
        }
    }
    free(tree->pairs);
    tree->pairs = pairs;
    tree->pair_count = found;
}

/* -- Into the file ------------------------------------------------------------------------- */

static void store_samples(pvm_prof_run_file_t *file, uint32_t place, uint64_t samples)
{
    sqlite3_stmt *const row =
        samples > 0 ? pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_CALL_SAMPLE) : NULL;

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, (int64_t)place + 1);
        sqlite3_bind_int64(row, 2, (int64_t)samples);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_CALL_SAMPLE);
    }
}

static void store_context(pvm_prof_recorder_t *recorder, uint32_t place)
{
    static const char *const kinds[] = {[PVM_CALL_ROOT] = "host",
                                        [PVM_CALL_ENTRY] = "entry",
                                        [PVM_CALL_CALL] = "call",
                                        [PVM_CALL_TAIL] = "tail",
                                        [PVM_CALL_UNKNOWN] = "unknown"};
    pvm_prof_run_file_t *const file = recorder->file;
    pvm_prof_context_t *const context = &recorder->calls.list[place];

    pvm_prof_program_store_function(recorder->programs[context->program - 1], file,
                                    context->function);
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_CALL_NODE);
    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, (int64_t)place + 1);
    if (context->parent != PVM_PROF_CONTEXT_HOST) {
        sqlite3_bind_int64(row, 2, (int64_t)context->parent + 1);
    }
    sqlite3_bind_int64(row, 3, context->program);
    sqlite3_bind_int64(row, 4, context->function);
    pvm_prof_store_bind_text(file, row, 5, kinds[context->kind]);
    if (context->site != PVM_BLOCK_NONE) {
        sqlite3_bind_int64(row, 6, context->site);
    }
    sqlite3_bind_int64(row, 7, context->pc);
    sqlite3_bind_int64(row, 8, (int64_t)context->pending.calls);
    sqlite3_bind_int64(row, 9, (int64_t)context->pending.gas);
    sqlite3_bind_int64(row, 10, (int64_t)context->pending.host_calls);
    sqlite3_bind_int64(row, 11, (int64_t)context->pending.host_gas);
    sqlite3_bind_int64(row, 12, (int64_t)context->pending.deeper_calls);
    sqlite3_bind_int64(row, 13, (int64_t)context->pending.deeper_gas);
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_CALL_NODE);
    store_samples(file, place, context->pending.samples);
    context->pending = (pvm_prof_call_figures_t){0};
    context->is_dirty = false;
}

/* What a function was called, and the gas from its calls to their returns, recursion once. */
typedef struct {
    uint64_t calls;
    uint64_t gas;
    bool has_any;
} function_total_t;

static void store_totals(pvm_prof_recorder_t *recorder, uint32_t program,
                         const function_total_t *totals)
{
    pvm_prof_run_file_t *const file = recorder->file;
    const uint32_t count = recorder->programs[program - 1]->functions.count;

    for (uint32_t i = 0; i < count; i++) {
        sqlite3_stmt *row;
        if (!totals[i].has_any ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_CALL_TOTAL)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, program);
        sqlite3_bind_int64(row, 2, i);
        sqlite3_bind_int64(row, 3, (int64_t)totals[i].calls);
        sqlite3_bind_int64(row, 4, (int64_t)totals[i].gas);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_CALL_TOTAL);
    }
}

static void sum_program(const pvm_prof_calls_t *calls, const uint64_t *gas, uint32_t program,
                        function_total_t *totals)
{
    for (uint32_t i = 0; i < calls->count; i++) {
        const pvm_prof_context_t *const context = &calls->list[i];
        if (context->program != program) {
            continue;
        }
        function_total_t *const total = &totals[context->function];
        total->has_any = true;
        total->calls += context->kind == PVM_CALL_UNKNOWN ? 0 : context->all.calls;
        total->gas += context->is_outermost ? gas[i] : 0;
    }
}

static int store_all_totals(pvm_prof_recorder_t *recorder)
{
    const pvm_prof_calls_t *const calls = &recorder->calls;
    uint64_t *const gas = calloc((size_t)calls->count + 1, sizeof(*gas));

    if (gas == NULL) {
        return -1;
    }
    for (uint32_t i = calls->count; i-- > 0;) {
        const pvm_prof_context_t *const context = &calls->list[i];
        gas[i] += context->all.gas + context->all.host_gas + context->all.deeper_gas;
        if (context->parent != PVM_PROF_CONTEXT_HOST) {
            gas[context->parent] += gas[i];
        }
    }
    int status = 0;
    for (uint32_t program = 1; program <= recorder->program_count && status == 0; program++) {
        const uint32_t functions = recorder->programs[program - 1]->functions.count;
        function_total_t *const totals = calloc((size_t)functions + 1, sizeof(*totals));
        status = totals == NULL ? -1 : 0;
        if (totals != NULL) {
            sum_program(calls, gas, program, totals);
            store_totals(recorder, program, totals);
        }
        free(totals);
    }
    free(gas);
    return status;
}

void pvm_prof_calls_store(pvm_prof_recorder_t *recorder)
{
    pvm_prof_calls_t *const calls = &recorder->calls;

    if (calls->dirty_count == 0) {
        return;
    }
    for (uint32_t i = 0; i < calls->dirty_count; i++) {
        store_context(recorder, calls->dirty[i]);
    }
    calls->dirty_count = 0;
    if (store_all_totals(recorder) != 0) {
        pvm_prof_store_fail(recorder->file, "no memory to add up calls; record without calls");
    }
}

void pvm_prof_calls_free(pvm_prof_calls_t *calls)
{
    pvm_prof_map_free(&calls->index);
    free(calls->list);
    free(calls->dirty);
    *calls = (pvm_prof_calls_t){0};
}
