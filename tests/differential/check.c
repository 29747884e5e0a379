/* The ways to run a program, and the comparison. */
#include "check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const diff_variant_t diff_variants[] = {
    {.name = "interpreter by steps",
     .backend = PVM_BACKEND_INTERPRETER,
     .counts = true,
     .steps = true},
    {.name = "interpreter", .backend = PVM_BACKEND_INTERPRETER},
    {.name = "interpreter counting",
     .backend = PVM_BACKEND_INTERPRETER,
     .counts = true,
     .again = true},
    {.name = "interpreter counting by steps",
     .backend = PVM_BACKEND_INTERPRETER,
     .counts = true,
     .steps = true,
     .again = true,
     .every = 8},
    {.name = "recompiler", .backend = PVM_BACKEND_RECOMPILER},
    {.name = "recompiler counting", .backend = PVM_BACKEND_RECOMPILER, .counts = true},
    {.name = "recompiler after reset",
     .backend = PVM_BACKEND_RECOMPILER,
     .again = true,
     .every = 8},
    {.name = "recompiler counting by steps",
     .backend = PVM_BACKEND_RECOMPILER,
     .counts = true,
     .steps = true,
     .again = true,
     .every = 16},
    {.name = "recompiler tracing blocks",
     .backend = PVM_BACKEND_RECOMPILER,
     .counts = true,
     .blocks = true,
     .every = 2},
    {.name = "recompiler following calls",
     .backend = PVM_BACKEND_RECOMPILER,
     .counts = true,
     .calls = true,
     .every = 2},
    {.name = "interpreter following calls",
     .backend = PVM_BACKEND_INTERPRETER,
     .counts = true,
     .calls = true,
     .every = 2},
    {.name = "recompiler following calls and tracing blocks, baseline CPU",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_CPU",
     .value = "baseline",
     .counts = true,
     .blocks = true,
     .calls = true,
     .every = 16,
     .own_program = true},
    {.name = "interpreter tracing blocks",
     .backend = PVM_BACKEND_INTERPRETER,
     .counts = true,
     .blocks = true,
     .every = 8},
    {.name = "recompiler, checked memory",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_MEMORY",
     .value = "checked"},
    {.name = "recompiler counting, checked memory",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_MEMORY",
     .value = "checked",
     .counts = true,
     .every = 8},
    {.name = "recompiler, baseline CPU",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_CPU",
     .value = "baseline",
     .every = 8,
     .own_program = true},
    {.name = "recompiler, code that grows block by block",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_UNIT",
     .value = "1",
     .every = 2,
     .own_program = true},
    {.name = "recompiler, code that grows, after reset",
     .backend = PVM_BACKEND_RECOMPILER,
     .again = true,
     .every = 4},
    {.name = "recompiler, code that grows by some blocks",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_UNIT",
     .value = "24",
     .every = 2,
     .own_program = true},
    {.name = "recompiler, code that grows and gives way",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_UNIT",
     .value = "12,2",
     .every = 2,
     .own_program = true},
    {.name = "recompiler tracing blocks, baseline CPU",
     .backend = PVM_BACKEND_RECOMPILER,
     .variable = "PVM_CPU",
     .value = "baseline",
     .counts = true,
     .blocks = true,
     .every = 16},
    {.name = NULL},
};

/* -- Available ways ------------------------------------------------------------------------ */

/* An `again` variant follows one of the same backend, so it is available whenever that one is. */
static bool is_available(const diff_variant_t *variant)
{
    static const uint8_t code[] = {0};
    static const uint8_t mask[] = {1};
    pvm_program_t *const program =
        pvm_program_from_parts(code, 1, mask, 1, NULL, 0, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = program == NULL ? NULL : pvm_instantiate(program, variant->backend, 0, 0);
    const bool available = vm != NULL;

    pvm_destroy(vm);
    pvm_program_release(program);
    return available;
}

int diff_session_begin(diff_session_t *session)
{
    memset(session, 0, sizeof(*session));
    for (uint32_t i = 0; diff_variants[i].name != NULL; i++) {
        session->available[i] = is_available(&diff_variants[i]);
    }
    session->oracle = diff_oracle_create();
    if (session->oracle == NULL || diff_log_create(&session->reference) != 0 ||
        diff_log_create(&session->other) != 0) {
        diff_session_end(session);
        return -1;
    }
    return 0;
}

void diff_session_end(diff_session_t *session)
{
    diff_oracle_destroy(session->oracle);
    diff_log_destroy(&session->reference);
    diff_log_destroy(&session->other);
    session->oracle = NULL;
}

/* -- Differences --------------------------------------------------------------------------- */

static const char *event_kind_name(uint64_t kind)
{
    static const char *const names[] = {"host call", "exit", "nested run"};

    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

/* One line about two events; false if they are equal. */
static bool describe_event(const diff_event_t *a, const diff_event_t *b, char *out,
                           size_t out_bytes)
{
    const struct {
        const char *name;
        int64_t a;
        int64_t b;
    } numbers[] = {
        {"kind", (int64_t)a->kind, (int64_t)b->kind},
        {"result", a->result, b->result},
        {"state", a->state, b->state},
        {"pc", a->pc, b->pc},
        {"gas", a->gas, b->gas},
        {"charged", a->charged, b->charged},
        {"fault address", a->fault, b->fault},
        {"pending host call", a->host_call, b->host_call},
        {"address of the result", a->result_address, b->result_address},
        {"length of the result", (int64_t)a->result_len, (int64_t)b->result_len},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].a != numbers[i].b) {
            (void)snprintf(out, out_bytes, "%s: expected %" PRId64 ", got %" PRId64,
                           numbers[i].name, numbers[i].a, numbers[i].b);
            return true;
        }
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (a->registers[i] != b->registers[i]) {
            (void)snprintf(out, out_bytes, "r%d: expected 0x%" PRIx64 ", got 0x%" PRIx64, i,
                           a->registers[i], b->registers[i]);
            return true;
        }
    }
    if (a->memory != b->memory) {
        (void)snprintf(out, out_bytes, "memory or page access differs");
        return true;
    }
    if (a->flight != b->flight) {
        (void)snprintf(out, out_bytes, "the flight record differs");
        return true;
    }
    return false;
}

static bool describe_counts(const diff_counts_t *a, const diff_counts_t *b, char *out,
                            size_t out_bytes)
{
    if (a->block_count != b->block_count) {
        (void)snprintf(out, out_bytes, "number of blocks: expected %zu, got %zu", a->block_count,
                       b->block_count);
        return true;
    }
    for (size_t i = 0; i < a->block_count; i++) {
        if (a->blocks[i].hits != b->blocks[i].hits || a->blocks[i].gas != b->blocks[i].gas) {
            (void)snprintf(out, out_bytes,
                           "block %zu: expected %" PRIu64 " hits, %" PRIu64 " gas, got %" PRIu64
                           " hits, %" PRIu64 " gas",
                           i, a->blocks[i].hits, a->blocks[i].gas, b->blocks[i].hits,
                           b->blocks[i].gas);
            return true;
        }
    }
    for (size_t i = 0; i < a->edge_count || i < b->edge_count; i++) {
        const pvm_edge_count_t none = {0};
        const pvm_edge_count_t x = i < a->edge_count ? a->edges[i] : none;
        const pvm_edge_count_t y = i < b->edge_count ? b->edges[i] : none;
        if (x.from != y.from || x.to != y.to || x.kind != y.kind || x.count != y.count) {
            (void)snprintf(out, out_bytes,
                           "edge %zu: expected %" PRId32 " to %" PRId32 " kind %d: %" PRIu64
                           ", got %" PRId32 " to %" PRId32 " kind %d: %" PRIu64,
                           i, (int32_t)x.from, (int32_t)x.to, (int)x.kind, x.count, (int32_t)y.from,
                           (int32_t)y.to, (int)y.kind, y.count);
            return true;
        }
    }
    if (a->at_host_calls != b->at_host_calls) {
        (void)snprintf(out, out_bytes, "counts differ inside a host call, but not at the end");
        return true;
    }
    return false;
}

static bool describe_trace(const diff_trace_t *a, const diff_trace_t *b, char *out,
                           size_t out_bytes)
{
    if (a->count != b->count) {
        (void)snprintf(out, out_bytes, "blocks in order: expected %" PRIu64 ", got %" PRIu64,
                       a->count, b->count);
        return true;
    }
    if (a->hash != b->hash || a->at_host_calls != b->at_host_calls) {
        (void)snprintf(out, out_bytes, "blocks in order: as many as expected, but others");
        return true;
    }
    return false;
}

/* The engine makes the root when it is told to follow calls, the oracle when it needs it. */
static bool describe_calls(const diff_calls_t *a, const diff_calls_t *b, char *out,
                           size_t out_bytes)
{
    if (a->node_count != b->node_count && (a->node_count > 0 || b->node_count > 1)) {
        (void)snprintf(out, out_bytes, "contexts: expected %zu, got %zu", a->node_count,
                       b->node_count);
        return true;
    }
    for (size_t i = 0; i < a->node_count && i < DIFF_CALLS_MAX; i++) {
        const pvm_call_node_t *const x = &a->nodes[i];
        const pvm_call_node_t *const y = &b->nodes[i];
        if (x->parent != y->parent || x->site != y->site || x->routine != y->routine ||
            x->kind != y->kind || x->calls != y->calls || x->gas != y->gas ||
            x->host_calls != y->host_calls || x->host_gas != y->host_gas || y->deeper_calls != 0 ||
            y->deeper_gas != 0) {
            (void)snprintf(
                out, out_bytes,
                "context %zu: expected parent %u site %d routine %d kind %d calls %" PRIu64
                " gas %" PRId64 " host %" PRIu64 " %" PRId64 ", got %u %d %d %d %" PRIu64
                " %" PRId64 " %" PRIu64 " %" PRId64,
                i, x->parent, (int)x->site, (int)x->routine, x->kind, x->calls, (int64_t)x->gas,
                x->host_calls, (int64_t)x->host_gas, y->parent, (int)y->site, (int)y->routine,
                y->kind, y->calls, (int64_t)y->gas, y->host_calls, (int64_t)y->host_gas);
            return true;
        }
    }
    return false;
}

static bool describe_pairs(const diff_calls_t *a, const diff_calls_t *b, char *out,
                           size_t out_bytes)
{
    if (a->pair_count != b->pair_count) {
        (void)snprintf(out, out_bytes, "jumps through registers: expected %zu, got %zu",
                       a->pair_count, b->pair_count);
        return true;
    }
    for (size_t i = 0; i < a->pair_count && i < DIFF_CALLS_MAX; i++) {
        const pvm_jump_pair_t *const x = &a->pairs[i];
        const pvm_jump_pair_t *const y = &b->pairs[i];
        if (x->from != y->from || x->to != y->to || x->count != y->count) {
            (void)snprintf(out, out_bytes,
                           "jump through a register: expected %u to %u: %" PRIu64
                           ", got %u to %u: %" PRIu64,
                           x->from, x->to, x->count, y->from, y->to, y->count);
            return true;
        }
    }
    return false;
}

bool diff_describe(const diff_log_t *reference, const diff_log_t *other, char *out,
                   size_t out_bytes)
{
    const uint32_t common =
        reference->event_count < other->event_count ? reference->event_count : other->event_count;
    char what[160];

    for (uint32_t i = 0; i < common; i++) {
        const diff_event_t *const a = &reference->events[i];
        if (describe_event(a, &other->events[i], what, sizeof(what))) {
            (void)snprintf(out, out_bytes, "event %" PRIu32 " (%s at pc %" PRIu32 "): %s", i,
                           event_kind_name(a->kind), a->pc, what);
            return true;
        }
    }
    if (reference->event_count != other->event_count) {
        (void)snprintf(out, out_bytes, "events: expected %" PRIu32 ", got %" PRIu32,
                       reference->event_count, other->event_count);
        return true;
    }
    if (reference->gas_used != other->gas_used) {
        (void)snprintf(out, out_bytes, "gas used: expected %" PRId64 ", got %" PRId64,
                       reference->gas_used, other->gas_used);
        return true;
    }
    if (!other->has_counts) {
        return false;
    }
    if (describe_counts(&reference->counts, &other->counts, out, out_bytes) ||
        (other->has_trace && describe_trace(&reference->trace, &other->trace, out, out_bytes)) ||
        (other->has_calls && (describe_calls(&reference->calls, &other->calls, out, out_bytes) ||
                              describe_pairs(&reference->calls, &other->calls, out, out_bytes)))) {
        return true;
    }
    if (other->counts.gas != other->gas_used) {
        (void)snprintf(out, out_bytes, "gas of all blocks: expected %" PRId64 ", got %" PRId64,
                       other->gas_used, other->counts.gas);
        return true;
    }
    return false;
}

static bool differs(const diff_log_t *a, const diff_log_t *b)
{
    char text[400];

    /* The usual case first: one comparison of all events. */
    if (a->event_count == b->event_count && a->gas_used == b->gas_used && !b->has_counts) {
        return memcmp(a->events, b->events, a->event_count * sizeof(a->events[0])) != 0;
    }
    return diff_describe(a, b, text, sizeof(text));
}

/* -- Running all --------------------------------------------------------------------------- */

/* What variants hand on to each other: the program, with its translations and pooled memories, and the machine. */
typedef struct {
    pvm_program_t *program;
    pvm_vm_t *vm;
} chain_t;

static void end_chain(chain_t *chain)
{
    pvm_destroy(chain->vm);
    pvm_program_release(chain->program);
    *chain = (chain_t){.vm = NULL};
}

/* The machine for a variant. @return 0, or -1 */
static int next_machine(chain_t *chain, const diff_variant_t *variant,
                        const diff_program_t *program)
{
    if (variant->again) {
        return pvm_reset(chain->vm, (uint64_t)program->gas);
    }
    pvm_destroy(chain->vm);
    chain->vm = NULL;
    if (chain->program == NULL || variant->own_program) {
        pvm_program_release(chain->program);
        chain->program = diff_program_build(program);
    }
    if (chain->program != NULL) {
        chain->vm = pvm_instantiate(chain->program, variant->backend, 0, (uint64_t)program->gas);
    }
    return chain->vm == NULL ? -1 : 0;
}

static int run_variant(diff_session_t *session, const diff_program_t *program, uint32_t index,
                       pvm_vm_t *vm)
{
    const diff_variant_t *const variant = &diff_variants[index];
    const diff_watch_t watch = diff_oracle_watch(session->oracle);
    const diff_how_t how = {.program = program,
                            .steps = variant->steps,
                            .counts = variant->counts,
                            .blocks = variant->blocks,
                            .calls = variant->calls,
                            .watch = index == 0 ? &watch : NULL};

    session->at = index;
    if (session->shared_at != NULL) {
        *session->shared_at = index;
    }
    if (index == 0) {
        diff_oracle_begin(session->oracle, pvm_get_program(vm));
        return diff_run(vm, &how, &session->reference);
    }
    return diff_run(vm, &how, &session->other);
}

int diff_check(diff_session_t *session, const diff_program_t *program)
{
    chain_t chain = {.vm = NULL};
    int found = -1;

    for (uint32_t i = 0; diff_variants[i].name != NULL && found < 0; i++) {
        const diff_variant_t *const variant = &diff_variants[i];
        if (!session->available[i] ||
            (variant->every > 0 && session->number % variant->every != 0)) {
            continue;
        }
        if (variant->variable != NULL) {
            (void)setenv(variant->variable, variant->value, 1);
        }
        if (next_machine(&chain, variant, program) != 0 ||
            run_variant(session, program, i, chain.vm) != 0 ||
            (i > 0 && differs(&session->reference, &session->other))) {
            found = (int)i;
        }
        if (variant->variable != NULL) {
            (void)unsetenv(variant->variable);
        }
    }
    end_chain(&chain);
    return found;
}
