/* Making, resetting and freeing machines. */
#include "recompiler/recompiler.h"
#include "sampling/samples.h"
#include "support/error.h"
#include "vm/calls.h"
#include "vm/counts.h"
#include "vm/vm.h"

#include "events/asked.h"
#include "events/events.h"
#include "events/filter.h"
#include "isa/semantics.h"

#include <stdlib.h>
#include <string.h>

/* GP A.7: where arguments stand. */
#define ARGUMENTS_ADDRESS UINT32_C(0xfeff0000)

/* What the environment asks for. Without memory for it the machine is one without it. */
static void instrument_as_asked(pvm_vm_t *vm)
{
    const pvm_asked_t asked = pvm_events_asked();

    if (asked.flags != 0) {
        vm->sample_hz = asked.sample_hz;
        (void)pvm_set_instrumentation(vm, 0);
    }
}

/* Numbers VMs; the one counter that all VMs of a process share. */
static atomic_uint_fast64_t next_id = 1;

static void start_state(pvm_vm_t *vm, uint64_t gas)
{
    const pvm_region_t *const heap = &vm->program->layout.regions[PVM_REGION_RW];

    memcpy(vm->registers, vm->program->layout.registers, sizeof(vm->registers));
    vm->gas = (int64_t)gas;
    pvm_counts_break(vm);
    if (vm->calls != NULL) {
        pvm_calls_forget(vm->calls);
    }
    vm->pc = 0;
    vm->state = PVM_STATE_READY;
    vm->charged = false;
    vm->begun = false;
    vm->arrival = (pvm_arrival_t){.kind = PVM_ARRIVAL_ENTRY};
    vm->heap_pointer = vm->program->layout.heap_start;
    vm->heap_end_page = (uint32_t)((heap->address + heap->mapped_len) >> PVM_PAGE_BITS);
    vm->fault_address = 0;
    vm->arguments_len = 0;
}

static bool resolve_backend(pvm_backend_t wanted, pvm_backend_t *out)
{
    switch (wanted) {
    case PVM_BACKEND_DEFAULT:
        *out = pvm_recompiler_is_available() ? PVM_BACKEND_RECOMPILER : PVM_BACKEND_INTERPRETER;
        return true;
    case PVM_BACKEND_INTERPRETER:
        *out = PVM_BACKEND_INTERPRETER;
        return true;
    case PVM_BACKEND_RECOMPILER:
        *out = PVM_BACKEND_RECOMPILER;
        return pvm_recompiler_is_available();
    }
    pvm_error_set("unknown backend %d", (int)wanted);
    return false;
}

pvm_vm_t *pvm_instantiate(pvm_program_t *program, pvm_backend_t backend, uint32_t service_index,
                          uint64_t initial_gas)
{
    pvm_backend_t resolved;

    if (program == NULL) {
        pvm_error_set("pvm_instantiate: no program");
        return NULL;
    }
    if (initial_gas > INT64_MAX) {
        pvm_error_set("pvm_instantiate: gas %llu is above 2^63 - 1",
                      (unsigned long long)initial_gas);
        return NULL;
    }
    if (!resolve_backend(backend, &resolved)) {
        return NULL;
    }
    pvm_vm_t *const vm = calloc(1, sizeof(*vm));
    if (vm == NULL) {
        pvm_error_set("no memory for a VM");
        return NULL;
    }
    pvm_program_acquire(program);
    vm->program = program;
    vm->backend = resolved;
    vm->service = service_index;
    vm->id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
    pvm_published_add(vm);
    start_state(vm, initial_gas);
    if (pvm_vm_initialize_memory(vm) != 0) {
        pvm_destroy(vm);
        return NULL;
    }
    pvm_filter_inherit(vm);
    pvm_events_create(vm);
    instrument_as_asked(vm);
    return vm;
}

static bool spec_from_environment(pvm_spec_t *out)
{
    static const struct {
        const char *name;
        pvm_spec_t spec;
    } specs[] = {
        {"0.7.2", PVM_SPEC_0_7_2}, {"0.8.0", PVM_SPEC_0_8_0}, {"latest64", PVM_SPEC_LATEST64}};
    const char *const name = getenv("PVM_SPEC");

    *out = PVM_SPEC_DEFAULT;
    if (name == NULL || name[0] == '\0') {
        return true;
    }
    for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
        if (strcmp(specs[i].name, name) == 0) {
            *out = specs[i].spec;
            return true;
        }
    }
    pvm_error_set("PVM_SPEC: unknown spec; use 0.7.2, 0.8.0 or latest64");
    return false;
}

static bool backend_from_environment(pvm_backend_t *out)
{
    const char *const name = getenv("PVM_BACKEND");

    *out = PVM_BACKEND_DEFAULT;
    if (name == NULL || name[0] == '\0') {
        return true;
    }
    if (strcmp(name, "interpreter") == 0) {
        *out = PVM_BACKEND_INTERPRETER;
        return true;
    }
    if (strcmp(name, "recompiler") == 0) {
        *out = PVM_BACKEND_RECOMPILER;
        return true;
    }
    pvm_error_set("PVM_BACKEND: unknown backend; use interpreter or recompiler");
    return false;
}

pvm_vm_t *pvm_create(uint32_t service_index, const uint8_t *code, size_t code_len,
                     const uint64_t *initial_regs, const uint8_t *bitmask, size_t bitmask_len,
                     const uint32_t *jump_table, size_t jump_table_len, uint64_t initial_gas)
{
    pvm_spec_t spec;
    pvm_backend_t backend;

    if (!spec_from_environment(&spec) || !backend_from_environment(&backend)) {
        return NULL;
    }
    pvm_program_t *const program = pvm_program_from_parts(code, code_len, bitmask, bitmask_len,
                                                          jump_table, jump_table_len, spec);
    if (program == NULL) {
        return NULL;
    }
    pvm_vm_t *const vm = pvm_instantiate(program, backend, service_index, initial_gas);
    pvm_program_release(program);
    if (vm != NULL && initial_regs != NULL) {
        memcpy(vm->registers, initial_regs, sizeof(vm->registers));
    }
    return vm;
}

int pvm_set_arguments(pvm_vm_t *vm, const uint8_t *args, size_t len)
{
    if (vm == NULL || (args == NULL && len > 0)) {
        return pvm_error_set("pvm_set_arguments: an argument is NULL");
    }
    if (vm->program->format != PVM_FORMAT_JAM) {
        return pvm_error_set("pvm_set_arguments: only JAM programs have an argument region");
    }
    if (vm->begun) {
        return pvm_error_set("pvm_set_arguments: execution has begun; call pvm_reset first");
    }
    if (len > PVM_MAX_ARGUMENTS) {
        return pvm_error_set("pvm_set_arguments: %zu octets; at most 2^24 are allowed", len);
    }
    const uint32_t first = ARGUMENTS_ADDRESS >> PVM_PAGE_BITS;
    const uint32_t old_pages = (uint32_t)((vm->arguments_len + PVM_PAGE_SIZE - 1) / PVM_PAGE_SIZE);
    const uint32_t new_pages = (uint32_t)((len + PVM_PAGE_SIZE - 1) / PVM_PAGE_SIZE);
    if (pvm_memory_map(vm->memory, first, new_pages, PVM_PAGE_READ) != 0 ||
        pvm_memory_zero(vm->memory, first, new_pages) != 0) {
        return -1;
    }
    if (new_pages < old_pages &&
        pvm_memory_map(vm->memory, first + new_pages, old_pages - new_pages, PVM_PAGE_NONE) != 0) {
        return -1;
    }
    if (pvm_memory_poke(vm->memory, ARGUMENTS_ADDRESS, args, len) != 0) {
        return -1;
    }
    vm->arguments_len = len;
    vm->registers[7] = ARGUMENTS_ADDRESS;
    vm->registers[8] = len;
    return 0;
}

int pvm_reset(pvm_vm_t *vm, uint64_t gas)
{
    if (vm == NULL || vm->running) {
        return pvm_error_set("pvm_reset: no VM, or it is running");
    }
    if (gas > INT64_MAX) {
        return pvm_error_set("pvm_reset: gas %llu is above 2^63 - 1", (unsigned long long)gas);
    }
    if (vm->observer.reset != NULL) {
        vm->observer.reset(vm->observer_data, vm);
    }
    pvm_events_reset(vm, (int64_t)gas);
    if (pvm_vm_initialize_memory(vm) != 0) {
        return -1;
    }
    if (vm->calls != NULL && vm->host_pending) {
        pvm_calls_host_end(vm);
    }
    pvm_vm_drop_host_call(vm);
    start_state(vm, gas);
    return 0;
}

void pvm_destroy(pvm_vm_t *vm)
{
    if (vm == NULL) {
        return;
    }
    if (vm->running) {
        pvm_error_set("pvm_destroy: the VM is running");
        return;
    }
    if (vm->observer.destroy != NULL) {
        vm->observer.destroy(vm->observer_data, vm);
    }
    pvm_events_destroy(vm);
    pvm_filter_free(vm);
    pvm_vm_leave_family(vm);
    pvm_published_remove(vm);
    pvm_vm_release_memory(vm);
    pvm_counts_destroy(vm->counts);
    pvm_calls_destroy(vm->calls);
    pvm_samples_destroy(vm->samples);
    pvm_program_release(vm->program);
    free(vm);
}

const char *pvm_version(void)
{
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
    return TEXT(PVM_VERSION_MAJOR) "." TEXT(PVM_VERSION_MINOR) "." TEXT(PVM_VERSION_PATCH);
}
