/* Taking the flight record of a VM that has stopped. See flight.h. */
#include "profiler/flight.h"

#include "events/events.h"
#include "support/error.h"

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

void pvm_prof_flight_take(pvm_vm_t *vm, uint64_t calls, pvm_prof_flight_raw_t *out)
{
    const size_t wanted = calls < PVM_PROF_FLIGHT_CALLS ? (size_t)calls : PVM_PROF_FLIGHT_CALLS;

    *out = (pvm_prof_flight_raw_t){.gas = vm->gas,
                                   .cost = vm->state == PVM_STATE_OOG ? pvm_events_price(vm) : 0};
    out->frame_count = pvm_get_return_chain(vm, out->frames, PVM_PROF_FLIGHT_FRAMES);
    out->call_count = pvm_get_flight_record(vm, out->calls, wanted);
    out->block_count = pvm_get_last_blocks(vm, out->blocks, PVM_LAST_BLOCKS);
}

/* -- Names --------------------------------------------------------------------------------- */

static int name_frames(const pvm_program_t *program, const pvm_prof_flight_raw_t *raw,
                       const pvm_prof_functions_t *functions, pvm_prof_flight_t *out)
{
    for (size_t i = 0; i < raw->frame_count; i++) {
        const pvm_frame_t *const frame = &raw->frames[i];
        out->frames[i] =
            (pvm_prof_flight_frame_t){.pc = frame->pc, .times = frame->times, .kind = frame->kind};
        out->frame_count++;
        if (frame->kind != PVM_FRAME_HOST) {
            out->frames[i].function = copy_name(functions, program, frame->pc);
            if (out->frames[i].function == NULL) {
                return -1;
            }
        }
    }
    return 0;
}

static int name_calls(const pvm_program_t *program, const pvm_prof_flight_raw_t *raw,
                      pvm_prof_flight_t *out)
{
    for (size_t i = 0; i < raw->call_count; i++) {
        const char *const name = pvm_host_call_name(program, raw->calls[i].func_id);
        out->calls[i] = (pvm_prof_flight_call_t){.entry = raw->calls[i],
                                                 .name = strdup(name != NULL ? name : "?")};
        out->call_count++;
        if (out->calls[i].name == NULL) {
            return -1;
        }
    }
    return 0;
}

static int name_blocks(const pvm_program_t *program, const pvm_prof_flight_raw_t *raw,
                       const pvm_prof_functions_t *functions, pvm_prof_flight_t *out)
{
    for (size_t i = 0; i < raw->block_count; i++) {
        const uint32_t id = raw->blocks[i];
        const uint32_t pc = id < program->block_count ? program->blocks[id].pc : program->code.len;
        out->blocks[i] =
            (pvm_prof_flight_block_t){.pc = pc, .function = copy_name(functions, program, pc)};
        out->block_count++;
        if (out->blocks[i].function == NULL) {
            return -1;
        }
    }
    return 0;
}

int pvm_prof_flight_name(pvm_vm_t *vm, pvm_result_t result, const pvm_prof_flight_raw_t *raw,
                         const pvm_prof_functions_t *functions, pvm_prof_flight_t *out)
{
    *out =
        (pvm_prof_flight_t){.gas = raw->gas, .cost = raw->cost, .fault_address = vm->fault_address};
    (void)snprintf(out->result, sizeof(out->result), "%s",
                   result == PVM_RESULT_OOG     ? "oog"
                   : result == PVM_RESULT_FAULT ? "fault"
                                                : "panic");
    if (name_frames(vm->program, raw, functions, out) != 0 ||
        name_calls(vm->program, raw, out) != 0 ||
        name_blocks(vm->program, raw, functions, out) != 0) {
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
