/* Following calls and returns. See calls.h. */
#include "vm/calls.h"

#include "events/events.h"
#include "events/filter.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECE_CONTEXTS 1024
#define PIECES_MAX     (PVM_CALL_NODES_MAX / PIECE_CONTEXTS)

/* -- Contexts ------------------------------------------------------------------------------ */

static uint32_t hash_of(const pvm_context_t *parent, uint32_t site, uint32_t routine, uint32_t back)
{
    uint64_t hash = (uint64_t)(parent == NULL ? 0 : parent->index + 1) << 32 | site;

    hash *= UINT64_C(0x9e3779b97f4a7c15);
    hash ^= (uint64_t)routine << 32 | back;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(hash >> 32);
}

static void insert(pvm_calls_t *calls, const pvm_context_t *context)
{
    uint32_t at = hash_of(context->parent, context->site, context->routine, context->back);

    while (calls->table[at & (calls->table_size - 1)] != 0) {
        at++;
    }
    calls->table[at & (calls->table_size - 1)] = context->index + 1;
}

/* Room for one more in the hash table. @return false without memory */
static bool grow_table(pvm_calls_t *calls)
{
    if (2 * (calls->count + 1) <= calls->table_size) {
        return true;
    }
    const uint32_t size = calls->table_size == 0 ? 256 : 4 * calls->table_size;
    uint32_t *const table = calloc(size, sizeof(*table));
    if (table == NULL) {
        return false;
    }
    free(calls->table);
    calls->table = table;
    calls->table_size = size;
    for (uint32_t i = 0; i < calls->count; i++) {
        insert(calls, pvm_calls_context(calls, i));
    }
    return true;
}

/* NULL: too many of them, or no memory. */
static pvm_context_t *make(pvm_calls_t *calls, pvm_context_t like)
{
    const uint32_t piece = calls->count / PIECE_CONTEXTS;

    if (calls->count == PVM_CALL_NODES_MAX || !grow_table(calls)) {
        return NULL;
    }
    if (calls->pieces[piece] == NULL) {
        calls->pieces[piece] = malloc(PIECE_CONTEXTS * sizeof(pvm_context_t));
        if (calls->pieces[piece] == NULL) {
            return NULL;
        }
    }
    like.index = calls->count++;
    pvm_context_t *const context = pvm_calls_context(calls, like.index);
    *context = like;
    memset(context->to_site, 0xff, sizeof(context->to_site));
    insert(calls, context);
    return context;
}

/* The child like this one, found or made. */
static pvm_context_t *child(pvm_calls_t *calls, pvm_context_t *parent, pvm_context_t like)
{
    uint32_t at = hash_of(parent, like.site, like.routine, like.back);

    for (;; at++) {
        const uint32_t entry = calls->table[at & (calls->table_size - 1)];
        if (entry == 0) {
            break;
        }
        pvm_context_t *const context = pvm_calls_context(calls, entry - 1);
        if (context->parent == parent && context->site == like.site &&
            context->routine == like.routine && context->back == like.back &&
            context->kind == like.kind) {
            return context;
        }
    }
    like.parent = parent;
    return make(calls, like);
}

/* -- What is not told apart ---------------------------------------------------------------- */

static bool is_deeper(const pvm_calls_t *calls)
{
    return calls->current == &calls->deeper;
}

static void begin_deeper(pvm_calls_t *calls, pvm_context_t *below)
{
    calls->deeper_below = below;
    calls->deeper_count = 0;
    calls->deeper_lost = 0;
    calls->current = &calls->deeper;
}

static void note_deeper(pvm_calls_t *calls)
{
    calls->deeper_below->deeper_gas += calls->deeper.gas;
    calls->deeper.gas = 0;
}

static void push_deeper(pvm_calls_t *calls, uint32_t back)
{
    calls->deeper_below->deeper_calls++;
    if (calls->deeper_lost == 0 && calls->deeper_count == calls->deeper_room &&
        calls->deeper_room < PVM_CALL_DEEPER_MAX) {
        const uint32_t room = calls->deeper_room == 0 ? 1024 : 4 * calls->deeper_room;
        uint32_t *const backs = realloc(calls->deeper_backs, room * sizeof(*backs));
        if (backs != NULL) {
            calls->deeper_backs = backs;
            calls->deeper_room = room;
        }
    }
    if (calls->deeper_lost > 0 || calls->deeper_count == calls->deeper_room) {
        calls->deeper_lost++;
        return;
    }
    calls->deeper_backs[calls->deeper_count++] = back;
}

/* Whether a jump to `to` is a return inside of it, or out of it to the context below. */
static bool return_deeper(pvm_calls_t *calls, uint32_t to)
{
    if (calls->deeper_lost > 0) {
        /* Of what is open nothing is known: any return ends one. */
        calls->deeper_lost--;
        return true;
    }
    for (uint32_t i = calls->deeper_count; i-- > 0;) {
        if (calls->deeper_backs[i] == to) {
            calls->deeper_count = i;
            if (i == 0) {
                note_deeper(calls);
                calls->current = calls->deeper_below;
            }
            return true;
        }
    }
    return false;
}

/* -- Changes of the context ---------------------------------------------------------------- */

/* Go into a new context. */
static void go_into(pvm_calls_t *calls, pvm_context_t *parent, pvm_context_t like)
{
    pvm_context_t *const next = child(calls, parent, like);

    if (next != NULL) {
        next->calls++;
        calls->current = next;
        return;
    }
    begin_deeper(calls, parent);
    push_deeper(calls, like.back);
}

/* Go on in a context of the stack. */
static void go_back_to(pvm_calls_t *calls, pvm_context_t *context)
{
    if (is_deeper(calls)) {
        note_deeper(calls);
    }
    calls->current = context;
}

static void call(pvm_calls_t *calls, uint32_t terminator, uint32_t to)
{
    const uint32_t back = calls->map->backs[terminator];

    if (is_deeper(calls)) {
        push_deeper(calls, back);
        return;
    }
    go_into(calls, calls->current,
            (pvm_context_t){.site = calls->map->flow->terminators[terminator].pc,
                            .routine = to,
                            .back = back,
                            .kind = PVM_CALL_CALL});
}

static void tail_call(pvm_calls_t *calls, uint32_t terminator, uint32_t to)
{
    pvm_context_t *const current = calls->current;

    if (is_deeper(calls)) {
        calls->deeper_below->deeper_calls++;
        return;
    }
    if (current->routine == to) {
        return;
    }
    go_into(calls, current->parent,
            (pvm_context_t){.site = calls->map->flow->terminators[terminator].pc,
                            .routine = to,
                            .back = current->back,
                            .kind = PVM_CALL_TAIL});
}

/* The context that goes on when something returns to `to`, from the innermost one out; NULL: nobody. */
static pvm_context_t *caller_at(const pvm_calls_t *calls, uint32_t to)
{
    pvm_context_t *at = is_deeper(calls) ? calls->deeper_below : calls->current;

    for (; at != NULL; at = at->parent) {
        if (at->back == to) {
            return at->parent;
        }
    }
    return NULL;
}

/* The innermost context of a routine; NULL: none is on the stack. */
static pvm_context_t *innermost_of(const pvm_calls_t *calls, uint32_t routine)
{
    pvm_context_t *at = is_deeper(calls) ? calls->deeper_below : calls->current;

    while (at != NULL && at->routine != routine) {
        at = at->parent;
    }
    return at;
}

/* A jump behind some call that is not open: the way that longjmp goes, or that of code with several stacks. */
static void jump_behind_call(pvm_calls_t *calls, uint32_t terminator, uint32_t block)
{
    const pvm_call_map_t *const map = calls->map;
    const uint32_t routine = map->routines[block];

    if (routine == map->routines[map->flow->terminators[terminator].from] ||
        (!is_deeper(calls) && calls->current->routine == routine)) {
        return;
    }
    pvm_context_t *const found = innermost_of(calls, routine);
    if (found != NULL) {
        go_back_to(calls, found);
        return;
    }
    go_back_to(calls, calls->root);
    go_into(calls, calls->root,
            (pvm_context_t){.site = PVM_CALL_NONE,
                            .routine = routine,
                            .back = PVM_CALL_NONE,
                            .kind = PVM_CALL_UNKNOWN});
}

void pvm_calls_step_indirect(pvm_calls_t *calls, uint32_t terminator, uint32_t to)
{
    const pvm_call_map_t *const map = calls->map;
    const uint32_t block = pvm_program_block_at(calls->program, to);
    const uint8_t place = map->places[block];

    if ((place & PVM_PLACE_BACK) != 0) {
        if (is_deeper(calls) && return_deeper(calls, to)) {
            return;
        }
        pvm_context_t *const caller = caller_at(calls, to);
        if (caller != NULL) {
            go_back_to(calls, caller);
            return;
        }
    }
    if ((place & PVM_PLACE_START) != 0) {
        tail_call(calls, terminator, to);
    } else if ((place & PVM_PLACE_BACK) != 0) {
        jump_behind_call(calls, terminator, block);
    }
}

void pvm_calls_step(pvm_calls_t *calls, int64_t gas, uint32_t edge, uint32_t to)
{
    const uint8_t step = calls->map->steps[edge];

    if (step == PVM_STEP_STAY) {
        return;
    }
    pvm_calls_charge(calls, gas);
    if (step == PVM_STEP_CALL) {
        call(calls, edge / 2, to);
    } else if (step == PVM_STEP_TAIL) {
        tail_call(calls, edge / 2, to);
    } else if (calls->current->back == to) {
        calls->current = calls->current->parent;
    } else {
        pvm_calls_step_indirect(calls, edge / 2, to);
    }
}

void pvm_calls_step_remembered(pvm_calls_t *calls, uint32_t edge, uint32_t entry)
{
    const pvm_call_map_t *const map = calls->map;
    const pvm_program_t *const program = calls->program;
    const pvm_terminator_t *const at = &map->flow->terminators[edge / 2];
    const uint32_t site = map->sites[edge];
    pvm_context_t *const from = calls->current;
    const bool is_indirect = map->hubs[edge / 2] != PVM_CALL_NONE;
    const uint32_t to = is_indirect ? program->jump_table[entry]
                                    : program->blocks[(edge & 1) != 0 ? at->jump : at->next].pc;

    pvm_calls_step(calls, calls->mark, edge, to);
    if (from != &calls->deeper && !is_deeper(calls) && calls->current != from) {
        if (is_indirect) {
            calls->sites[site] =
                (pvm_call_site_t){.from = from, .to = calls->current, .entry = entry};
        } else {
            from->to_site[site % PVM_CONTEXT_SITES] = site;
            from->to[site % PVM_CONTEXT_SITES] = calls->current;
        }
    }
}

/* -- Entries, runs and host calls ---------------------------------------------------------- */

void pvm_calls_forget(pvm_calls_t *calls)
{
    go_back_to(calls, NULL);
}

void pvm_calls_enter(pvm_calls_t *calls, uint32_t pc)
{
    go_into(
        calls, calls->root,
        (pvm_context_t){
            .site = PVM_CALL_NONE, .routine = pc, .back = PVM_CALL_NONE, .kind = PVM_CALL_ENTRY});
}

void pvm_calls_resume(pvm_vm_t *vm)
{
    pvm_calls_forget(vm->calls);
    vm->calls->host = NULL;
    vm->calls->mark = vm->gas;
}

pvm_calls_t *pvm_calls_of(const pvm_vm_t *vm)
{
    return vm->calls != NULL || vm->filter == NULL ? vm->calls : vm->filter->calls;
}

void pvm_calls_run_begin(pvm_vm_t *vm)
{
    vm->calls->mark = vm->gas;
}

void pvm_calls_host_begin(pvm_vm_t *vm)
{
    pvm_calls_t *const calls = vm->calls;

    pvm_calls_charge(calls, vm->gas);
    calls->host = is_deeper(calls) ? calls->deeper_below : calls->current;
    calls->host->host_calls++;
    calls->host_gas_before = vm->gas;
}

void pvm_calls_host_end(pvm_vm_t *vm)
{
    pvm_calls_t *const calls = vm->calls;

    if (calls->host != NULL) {
        calls->host->host_gas += pvm_calls_taken(calls->host_gas_before, vm->gas);
        calls->host = NULL;
    }
    calls->mark = vm->gas;
}

void pvm_calls_run_end(pvm_vm_t *vm)
{
    /* In a host call that is left to the caller the gas is the host's. */
    if (!vm->host_pending) {
        pvm_calls_charge(vm->calls, vm->gas);
    }
}

int pvm_calls_tell(pvm_calls_t *calls, uint32_t index, const pvm_call_node_t *more)
{
    pvm_context_t *context;

    if (index == 0 || index > calls->count || more->parent >= index ||
        more->kind > PVM_CALL_UNKNOWN) {
        return -1;
    }
    if (index == calls->count) {
        context = make(calls, (pvm_context_t){.parent = pvm_calls_context(calls, more->parent),
                                              .site = more->site,
                                              .routine = more->routine,
                                              .back = PVM_CALL_NONE,
                                              .kind = more->kind});
    } else {
        context = pvm_calls_context(calls, index);
    }
    if (context == NULL || context->parent->index != more->parent ||
        context->routine != more->routine) {
        return -1;
    }
    context->calls += more->calls;
    context->gas += more->gas;
    context->host_calls += more->host_calls;
    context->host_gas += more->host_gas;
    context->deeper_calls += more->deeper_calls;
    context->deeper_gas += more->deeper_gas;
    return 0;
}

/* -- Life ---------------------------------------------------------------------------------- */

static int allocate(pvm_calls_t *calls)
{
    calls->pieces = calloc(PIECES_MAX, sizeof(*calls->pieces));
    calls->sites = calloc((size_t)calls->map->site_count + 1, sizeof(*calls->sites));
    if (calls->map->pair_bytes > 0) {
        void *const pairs = mmap(NULL, calls->map->pair_bytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        calls->pairs = pairs == MAP_FAILED ? NULL : pairs;
    }
    if (calls->pieces == NULL || calls->sites == NULL ||
        (calls->pairs == NULL && calls->map->pair_bytes > 0)) {
        return -1;
    }
    calls->root = make(calls, (pvm_context_t){.site = PVM_CALL_NONE,
                                              .routine = PVM_CALL_NONE,
                                              .back = PVM_CALL_NONE,
                                              .kind = PVM_CALL_ROOT});
    return calls->root == NULL ? -1 : 0;
}

static void destroy(pvm_calls_t *calls)
{
    if (calls == NULL) {
        return;
    }
    for (uint32_t i = 0; calls->pieces != NULL && i < PIECES_MAX; i++) {
        free(calls->pieces[i]);
    }
    if (calls->pairs != NULL) {
        (void)munmap(calls->pairs, calls->map->pair_bytes);
    }
    free(calls->pieces);
    free(calls->sites);
    free(calls->table);
    free(calls->deeper_backs);
    free(calls);
}

pvm_calls_t *pvm_calls_create(const pvm_program_t *program)
{
    const pvm_call_map_t *const map = pvm_call_map_of(program);
    pvm_calls_t *const calls = map == NULL ? NULL : calloc(1, sizeof(*calls));

    if (calls != NULL) {
        calls->program = program;
        calls->map = map;
        calls->deeper.back = PVM_CALL_NONE;
        calls->deeper.routine = PVM_CALL_NONE;
        memset(calls->deeper.to_site, 0xff, sizeof(calls->deeper.to_site));
        if (allocate(calls) == 0) {
            /* Host calls are part of the tree, so they are told. */
            pvm_events_add_listener(1);
            return calls;
        }
    }
    destroy(calls);
    pvm_error_set("no memory to follow calls");
    return NULL;
}

void pvm_calls_destroy(pvm_calls_t *calls)
{
    if (calls != NULL) {
        pvm_events_add_listener(-1);
        destroy(calls);
    }
}

void pvm_calls_clear(pvm_vm_t *vm)
{
    pvm_calls_t *const calls = pvm_calls_of(vm);

    for (uint32_t i = 0; i < calls->count; i++) {
        pvm_context_t *const context = pvm_calls_context(calls, i);
        context->gas = 0;
        context->calls = 0;
        context->host_calls = 0;
        context->host_gas = 0;
        context->deeper_calls = 0;
        context->deeper_gas = 0;
        context->samples = 0;
        context->samples_told = 0;
    }
    calls->deeper.gas = 0;
    calls->host_gas_before = vm->gas;
    if (calls->pairs != NULL) {
        (void)madvise(calls->pairs, calls->map->pair_bytes, MADV_DONTNEED);
    }
}
