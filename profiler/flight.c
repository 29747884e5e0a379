/* Taking the flight record of a VM that has stopped. See flight.h. */
#include "profiler/flight.h"

#include "support/error.h"
#include "vm/counts.h"
#include "vm/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PVM_PROF_FLIGHT_CALLS == PVM_FLIGHT_ENTRIES, "all calls that the engine keeps");

bool pvm_prof_flight_is_due(pvm_result_t result)
{
    return result == PVM_RESULT_PANIC || result == PVM_RESULT_FAULT || result == PVM_RESULT_OOG;
}

static char *copy_name(const pvm_prof_functions_t *functions, const pvm_program_t *program,
                       uint32_t pc)
{
    return strdup(functions->list[functions->of_block[pvm_program_block_at(program, pc)]].name);
}

/* What could not be paid. */
static uint64_t price(const pvm_vm_t *vm)
{
    if (vm->events.host_gave_up) {
        return 0;
    }
    return vm->program->has_block_gas
               ? pvm_counts_block_cost(vm->program, pvm_program_block_at(vm->program, vm->pc))
               : 1;
}

static int take_frames(pvm_vm_t *vm, const pvm_prof_functions_t *functions, pvm_prof_flight_t *out)
{
    pvm_frame_t frames[PVM_PROF_FLIGHT_FRAMES];

    out->frame_count = pvm_get_return_chain(vm, frames, PVM_PROF_FLIGHT_FRAMES);
    for (size_t i = 0; i < out->frame_count; i++) {
        out->frames[i] = (pvm_prof_flight_frame_t){
            .pc = frames[i].pc, .times = frames[i].times, .kind = frames[i].kind};
        if (frames[i].kind != PVM_FRAME_HOST) {
            out->frames[i].function = copy_name(functions, vm->program, frames[i].pc);
            if (out->frames[i].function == NULL) {
                return -1;
            }
        }
    }
    return 0;
}

static int take_calls(pvm_vm_t *vm, uint64_t calls, pvm_prof_flight_t *out)
{
    pvm_flight_entry_t entries[PVM_PROF_FLIGHT_CALLS];
    const size_t wanted = calls < PVM_PROF_FLIGHT_CALLS ? (size_t)calls : PVM_PROF_FLIGHT_CALLS;

    out->call_count = pvm_get_flight_record(vm, entries, wanted);
    for (size_t i = 0; i < out->call_count; i++) {
        const char *const name = pvm_host_call_name(vm->program, entries[i].func_id);
        out->calls[i] = (pvm_prof_flight_call_t){.entry = entries[i],
                                                 .name = strdup(name != NULL ? name : "?")};
        if (out->calls[i].name == NULL) {
            return -1;
        }
    }
    return 0;
}

static int take_blocks(pvm_vm_t *vm, const pvm_prof_functions_t *functions, pvm_prof_flight_t *out)
{
    const pvm_program_t *const program = vm->program;
    uint32_t ids[PVM_LAST_BLOCKS];

    out->block_count = pvm_get_last_blocks(vm, ids, PVM_LAST_BLOCKS);
    for (size_t i = 0; i < out->block_count; i++) {
        const uint32_t pc =
            ids[i] < program->block_count ? program->blocks[ids[i]].pc : program->code.len;
        out->blocks[i] = (pvm_prof_flight_block_t){
            .pc = pc, .function = strdup(functions->list[functions->of_block[ids[i]]].name)};
        if (out->blocks[i].function == NULL) {
            return -1;
        }
    }
    return 0;
}

int pvm_prof_flight_take(pvm_vm_t *vm, pvm_result_t result, uint64_t calls,
                         const pvm_prof_functions_t *functions, pvm_prof_flight_t *out)
{
    *out = (pvm_prof_flight_t){.gas = vm->gas, .host_calls = calls};
    (void)snprintf(out->result, sizeof(out->result), "%s",
                   result == PVM_RESULT_OOG     ? "oog"
                   : result == PVM_RESULT_FAULT ? "fault"
                                                : "panic");
    out->cost = result == PVM_RESULT_OOG ? price(vm) : 0;
    out->fault_address = vm->fault_address;
    if (take_frames(vm, functions, out) != 0 || take_calls(vm, calls, out) != 0 ||
        take_blocks(vm, functions, out) != 0) {
        pvm_prof_flight_free(out);
        return pvm_error_set("no memory for the flight record");
    }
    return 0;
}

void pvm_prof_flight_free(pvm_prof_flight_t *flight)
{
    for (size_t i = 0; i < flight->frame_count; i++) {
        free(flight->frames[i].function);
    }
    for (size_t i = 0; i < flight->call_count; i++) {
        free(flight->calls[i].name);
    }
    for (size_t i = 0; i < flight->block_count; i++) {
        free(flight->blocks[i].function);
    }
    *flight = (pvm_prof_flight_t){0};
}
