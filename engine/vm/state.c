/* Registers, gas, program counter and the other small questions to a machine. */
#include "events/events.h"
#include "isa/semantics.h"
#include "support/error.h"
#include "vm/calls.h"
#include "vm/counts.h"
#include "vm/vm.h"

/* Whether there is a VM to question; if not, say who asked. */
static bool is_given(const pvm_vm_t *vm, const char *caller)
{
    if (vm == NULL) {
        pvm_error_set("%s: no VM", caller);
    }
    return vm != NULL;
}

void pvm_set_register(pvm_vm_t *vm, int index, uint64_t value)
{
    if (vm == NULL || index < 0 || index >= PVM_REGISTER_COUNT) {
        pvm_error_set("pvm_set_register: no VM, or no register %d", index);
        return;
    }
    vm->registers[index] = vm->program->is_32_bit ? pvm_sem_extend_32(value) : value;
}

uint64_t pvm_get_register(pvm_vm_t *vm, int index)
{
    if (vm == NULL || index < 0 || index >= PVM_REGISTER_COUNT) {
        pvm_error_set("pvm_get_register: no VM, or no register %d", index);
        return 0;
    }
    return vm->registers[index];
}

const uint64_t *pvm_get_registers(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_registers") ? vm->registers : NULL;
}

uint8_t pvm_get_machine_state(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_machine_state") ? vm->state : PVM_STATE_PANIC;
}

int64_t pvm_get_gas(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_gas") ? vm->gas : 0;
}

void pvm_set_gas(pvm_vm_t *vm, int64_t gas)
{
    if (vm == NULL) {
        pvm_error_set("pvm_set_gas: no VM");
        return;
    }
    const int64_t old_gas = vm->gas;
    vm->gas = gas < 0 && vm->program->has_block_gas ? 0 : gas;
    if (vm->host_pending) {
        return;
    }
    if (vm->observer.gas_set != NULL) {
        vm->observer.gas_set(vm->observer_data, vm, old_gas, vm->gas);
    }
    pvm_events_gas_set(vm, old_gas, vm->gas);
}

uint32_t pvm_get_pc(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_pc") ? vm->pc : 0;
}

/* Whether guest code would go on there anyhow. */
static bool goes_on_at(const pvm_vm_t *vm, uint32_t pc)
{
    switch (vm->state) {
    case PVM_STATE_HALT:
    case PVM_STATE_PANIC:
        return false;
    case PVM_STATE_HOST:
        return pc == vm->pc + 1 + pvm_isa_skip(&vm->program->code, vm->pc);
    default:
        return pc == vm->pc;
    }
}

int pvm_set_pc(pvm_vm_t *vm, uint32_t pc)
{
    if (vm == NULL || (vm->running && !vm->host_pending)) {
        return pvm_error_set("pvm_set_pc: no VM, or it is running");
    }
    if (!vm->running) {
        pvm_vm_end_host_call(vm);
    }
    pvm_counts_break(vm);
    if (vm->calls != NULL && !goes_on_at(vm, pc)) {
        pvm_calls_forget(vm->calls);
    }
    vm->pc = pc;
    vm->state = PVM_STATE_READY;
    vm->charged = false;
    vm->arrival = (pvm_arrival_t){.kind = PVM_ARRIVAL_ENTRY};
    vm->moved = PVM_MOVED_PC;
    return 0;
}

int pvm_get_charged(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_charged") && vm->charged;
}

int pvm_set_charged(pvm_vm_t *vm, int charged)
{
    if (vm == NULL || !vm->program->has_block_gas) {
        return pvm_error_set(
            "pvm_set_charged: no VM, or its spec is 0.7.2, which has no such flag");
    }
    if (charged != 0 && charged != 1) {
        return pvm_error_set("pvm_set_charged: %d is neither 0 nor 1", charged);
    }
    vm->charged = charged;
    return 0;
}

uint32_t pvm_get_fault_address(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_fault_address") && vm->state == PVM_STATE_FAULT ? vm->fault_address
                                                                                 : 0;
}

int pvm_get_host_call(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_host_call") && vm->state == PVM_STATE_HOST ? vm->host_call : -1;
}

int pvm_get_result(pvm_vm_t *vm, uint32_t *out_address, uint64_t *out_len)
{
    uint32_t bad;

    if (vm == NULL || out_address == NULL || out_len == NULL) {
        return pvm_error_set("pvm_get_result: an argument is NULL");
    }
    if (vm->state != PVM_STATE_HALT) {
        return pvm_error_set("pvm_get_result: the program has not halted");
    }
    const uint64_t mask = vm->program->is_32_bit ? UINT32_MAX : UINT64_MAX;
    const uint64_t address = vm->registers[7] & mask;
    const uint64_t len = vm->registers[8] & mask;
    *out_address = (uint32_t)address;
    *out_len = 0;
    if (address < PVM_MEMORY_BYTES && len <= PVM_MEMORY_BYTES - address &&
        !pvm_memory_first_bad(vm->memory, (uint32_t)address, len, PVM_PAGE_READ, &bad)) {
        *out_len = len;
    }
    return 0;
}

pvm_backend_t pvm_get_backend(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_backend") ? vm->backend : PVM_BACKEND_DEFAULT;
}

uint32_t pvm_get_service(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_service") ? vm->service : 0;
}

uint64_t pvm_get_id(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_id") ? vm->id : 0;
}

pvm_program_t *pvm_get_program(pvm_vm_t *vm)
{
    return is_given(vm, "pvm_get_program") ? vm->program : NULL;
}
