/* The JAM host: opens a state, dispatches host calls by number, spec and invocation, and collapses what they did.
 * Spec: GP B.2 to B.4 (who may call what, WHAT for the rest, prices; which state an end leaves). */
#include "viewer/host/host.h"
#include "viewer/host/jam_call.h"

#include <pvm/trace.h>
#include <stdlib.h>
#include <string.h>

enum { I = PVM_JAM_IN_IS_AUTHORIZED, R = PVM_JAM_IN_REFINE, A = PVM_JAM_IN_ACCUMULATE };

typedef pvm_jam_outcome_t function_t(pvm_jam_call_t *call);

typedef struct {
    function_t *function;
    int n072;
    int n080;
    unsigned where;
} entry_t;

static const entry_t entries[] = {
#define PVM_JAM_HOST_CALL(name, n072, n080, where) {pvm_jam_##name, n072, n080, where},
#include "program/host_calls.def"
};

/* The function that a number stands for here; NULL if there is none. */
static function_t *find(const pvm_jam_t *host, int func_id)
{
    for (size_t i = 0; func_id >= 0 && i < sizeof(entries) / sizeof(entries[0]); i++) {
        const int number = host->spec == PVM_SPEC_0_8_0 ? entries[i].n080 : entries[i].n072;

        if (number == func_id && (entries[i].where & host->context) != 0) {
            return entries[i].function;
        }
    }
    return NULL;
}

static pvm_host_result_t finish(const pvm_jam_t *host, pvm_jam_outcome_t outcome)
{
    if (host->has_failed || outcome == PVM_JAM_FAILED) {
        return PVM_HOST_TERMINATE;
    }
    return outcome == PVM_JAM_DONE    ? PVM_HOST_CONTINUE
           : outcome == PVM_JAM_PANIC ? PVM_HOST_ERROR
                                      : PVM_HOST_OOG;
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    pvm_jam_t *const host = user_data;
    function_t *const function = find(host, func_id);
    uint64_t registers[PVM_REGISTER_COUNT];
    pvm_jam_call_t call = {.host = host, .vm = vm, .r = registers};

    if (function == pvm_jam_grow_heap) {
        const int grown = pvm_grow_heap(vm);

        if (grown >= 0) {
            return grown == 0 ? PVM_HOST_CONTINUE : PVM_HOST_OOG;
        }
    }
    if (pvm_get_gas(vm) < PVM_JAM_GAS) {
        pvm_set_gas(vm, 0);
        return PVM_HOST_OOG;
    }
    pvm_set_gas(vm, pvm_get_gas(vm) - PVM_JAM_GAS);
    memcpy(registers, pvm_get_registers(vm), sizeof(registers));
    const pvm_jam_outcome_t outcome =
        function != NULL ? function(&call) : pvm_jam_answer(&call, PVM_JAM_WHAT);
    host->has_failed |= outcome == PVM_JAM_FAILED;
    if (outcome == PVM_JAM_OOG) {
        pvm_set_gas(vm, 0);
    }
    return finish(host, outcome);
}

/* -- End ----------------------------------------------------------------------------------- */

/* Accumulation that returns 32 octets yields them. @return 0 or -1 */
static int yield_result(pvm_jam_t *host)
{
    uint8_t octets[PVM_JAM_HASH_BYTES];
    uint32_t address = 0;
    uint64_t len = 0;

    if ((host->context & A) == 0 || pvm_get_result(host->vm, &address, &len) != 0 ||
        len != sizeof(octets) || pvm_read_memory(host->vm, address, octets, sizeof(octets)) != 0) {
        return 0;
    }
    return pvm_jam_set(host->state, "yield", pvm_jam_hex_new(octets, sizeof(octets)));
}

static int write_state(void *state, FILE *out)
{
    pvm_jam_t *const host = state;
    const uint8_t end = pvm_get_machine_state(host->vm);
    const bool is_exceptional = end == PVM_STATE_PANIC || end == PVM_STATE_OOG;

    if (host->has_failed || (!is_exceptional && yield_result(host) != 0)) {
        return -1;
    }
    const char *const text = json_object_to_json_string_ext(
        is_exceptional ? host->checkpoint : host->state,
        JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text == NULL) {
        return -1;
    }
    (void)fprintf(out, "%s\n", text);
    return 0;
}

static bool has_failed(void *state)
{
    return ((const pvm_jam_t *)state)->has_failed;
}

static void watch(void *state, void (*on_vm)(void *user_data, pvm_vm_t *vm), void *user_data)
{
    pvm_jam_t *const host = state;

    host->on_vm = on_vm;
    host->on_vm_data = user_data;
}

static void destroy(void *state)
{
    pvm_jam_t *const host = state;

    for (size_t i = 0; i < host->machine_count; i++) {
        pvm_destroy(host->machines[i].vm);
    }
    free(host->machines);
    json_object_put(host->state);
    json_object_put(host->checkpoint);
    free(host);
}

/* -- Opening ------------------------------------------------------------------------------- */

/* Which invocation this is: what the state says, else what the entry point is for. */
static pvm_view_status_t find_context(pvm_view_t *view, pvm_jam_t *host, uint32_t entry,
                                      const char *path)
{
    static const struct {
        const char *name;
        unsigned bit;
    } contexts[] = {{"is_authorized", I}, {"refine", R}, {"accumulate", A}};
    pvm_program_t *const program = pvm_get_program(host->vm);
    json_object *context = NULL;
    uint32_t pc = 0;

    host->context = I | R | A;
    if (json_object_object_get_ex(host->state, "context", &context)) {
        const char *const wanted = json_object_get_string(context);

        for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
            if (strcmp(wanted, contexts[i].name) == 0) {
                host->context = contexts[i].bit;
                return PVM_VIEW_FINE;
            }
        }
        return pvm_view_fail(view, PVM_VIEW_INPUT,
                             "%s: context: \"%.40s\": give is_authorized, refine or accumulate",
                             path, wanted);
    }
    /* The entry points of is_authorized and refine are the same number in JAM programs: refine, which can do more. */
    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        if (pvm_program_find_entry(program, contexts[i].name, &pc) == 0 && pc == entry) {
            host->context = contexts[i].bit;
        }
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t prepare(pvm_view_t *view, pvm_jam_t *host, uint32_t entry,
                                 const char *path)
{
    pvm_view_status_t status = pvm_jam_state_load(view, path, &host->state);

    if (status != PVM_VIEW_FINE) {
        return status;
    }
    host->service = pvm_jam_number(host->state, "service", 0);
    host->timeslot = pvm_jam_number(host->state, "timeslot", 0);
    if (pvm_jam_service(host->state, host->service) == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT,
                             "%s: services: has no %llu, which is the service that runs; add it, "
                             "or name another one as \"service\"",
                             path != NULL ? path : "the empty state",
                             (unsigned long long)host->service);
    }
    status = find_context(view, host, entry, path);
    if (status == PVM_VIEW_FINE &&
        (pvm_jam_number_services(host->state) != 0 ||
         json_object_deep_copy(host->state, &host->checkpoint, NULL) != 0)) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "--host jam: no memory for the state");
    }
    return status;
}

pvm_view_status_t pvm_host_open_jam(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry, pvm_host_t *out)
{
    pvm_jam_t *const host = calloc(1, sizeof(*host));

    if (host == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "--host jam: no memory for the state");
    }
    host->vm = vm;
    host->spec = pvm_program_spec(pvm_get_program(vm));
    *out = (pvm_host_t){.answer = answer,
                        .state = host,
                        .write = write_state,
                        .has_failed = has_failed,
                        .destroy = destroy,
                        .watch = watch};
    const pvm_view_status_t status =
        prepare(view, host, entry, pvm_view_text(view, PVM_OPTION_STATE));
    if (status != PVM_VIEW_FINE) {
        pvm_host_close(out);
    }
    return status;
}
