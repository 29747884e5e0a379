/* Host calls of refine: historical_lookup, export, and inner machines. Spec: GP B.7.
 *
 * An inner machine is a VM of its own without a callback. Registers and gas live in the guest's memory between
 * invocations; memory, pc and the charged flag live in the VM. */
#include "viewer/host/jam_call.h"

#include "program/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** What `invoke` reads and writes: gas and 13 registers. */
#define INVOKE_OCTETS 112
/** Octets copied between two machines in one go. */
#define COPY_OCTETS 16384
/** Pages of an address space. */
#define PAGES (UINT64_C(1) << 20)
/** Lowest page that a guest may map. */
#define FIRST_PAGE 16

/* -- Preimages and segments ---------------------------------------------------------------- */

/* Was a preimage with these timeslots there at `time`? (the function I of GP 9.2.2) */
static bool was_there(json_object *slots, uint64_t time)
{
    const size_t count = json_object_array_length(slots);
    uint64_t at[3] = {0, 0, 0};

    for (size_t i = 0; i < count && i < 3; i++) {
        at[i] = json_object_get_uint64(json_object_array_get_idx(slots, i));
    }
    return (count > 0 && at[0] <= time && (count == 1 || time < at[1])) ||
           (count == 3 && at[2] <= time);
}

pvm_jam_outcome_t pvm_jam_historical_lookup(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    char *const hash = pvm_jam_take_text(call, r[8], PVM_JAM_HASH_BYTES);
    json_object *const service = pvm_jam_named_service(call);

    if (hash == NULL) {
        return PVM_JAM_PANIC;
    }
    pvm_jam_octets_t value = pvm_jam_find_octets(service, "preimages", hash);
    json_object *const slots =
        value.data != NULL ? pvm_jam_request(service, hash, value.len) : NULL;
    free(hash);
    if (slots == NULL || !was_there(slots, call->host->timeslot)) {
        free(value.data);
        value = (pvm_jam_octets_t){NULL, 0};
    }
    return pvm_jam_give(call, value, r[9], r[10], r[11]);
}

pvm_jam_outcome_t pvm_jam_export(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    const uint64_t len = r[8] < PVM_JAM_SEGMENT_BYTES ? r[8] : PVM_JAM_SEGMENT_BYTES;
    const pvm_jam_octets_t octets = pvm_jam_take(call, r[7], len);
    uint8_t segment[PVM_JAM_SEGMENT_BYTES] = {0};
    json_object *const exports = pvm_jam_array(call->host->state, "exports");

    if (octets.data == NULL) {
        return PVM_JAM_PANIC;
    }
    memcpy(segment, octets.data, octets.len);
    free(octets.data);
    if (exports == NULL) {
        return PVM_JAM_FAILED;
    }
    const uint64_t index =
        pvm_jam_number(call->host->state, "export_offset", 0) + json_object_array_length(exports);
    if (index >= PVM_JAM_EXPORTS_MAX) {
        return pvm_jam_answer(call, PVM_JAM_FULL);
    }
    return pvm_jam_add(exports, pvm_jam_hex_new(segment, sizeof(segment))) == 0
               ? pvm_jam_answer(call, index)
               : PVM_JAM_FAILED;
}

/* -- Machines ------------------------------------------------------------------------------ */

static pvm_jam_machine_t *find_machine(pvm_jam_call_t *call)
{
    pvm_jam_t *const host = call->host;

    return call->r[7] < host->machine_count && host->machines[call->r[7]].vm != NULL
               ? &host->machines[call->r[7]]
               : NULL;
}

/* The lowest free number; the table's end if all are taken. */
static size_t free_number(const pvm_jam_t *host)
{
    size_t number = 0;

    while (number < host->machine_count && host->machines[number].vm != NULL) {
        number++;
    }
    return number;
}

/* A machine begins at an instruction of a valid program. 0.7.2 looks at the layout only. */
static bool is_valid(const pvm_program_t *program, uint64_t pc)
{
    pvm_instruction_t in;

    if (program->error != NULL) {
        return false;
    }
    if (program->spec == PVM_SPEC_0_7_2) {
        return true;
    }
    if (pc >= program->code.len) {
        return false;
    }
    pvm_isa_decode(&program->code, (uint32_t)pc, &in);
    return !in.implicit;
}

static pvm_jam_outcome_t add_machine(pvm_jam_call_t *call, pvm_program_t *program)
{
    pvm_jam_t *const host = call->host;
    const size_t number = free_number(host);

    if (number == PVM_MAX_JAM_MACHINES) {
        return pvm_jam_answer(call, PVM_JAM_FULL);
    }
    if (number == host->machine_count) {
        pvm_jam_machine_t *const machines =
            realloc(host->machines, (number + 1) * sizeof(*machines));
        if (machines == NULL) {
            return PVM_JAM_FAILED;
        }
        machines[number] = (pvm_jam_machine_t){0};
        host->machines = machines;
        host->machine_count++;
    }
    pvm_vm_t *const vm =
        pvm_instantiate(program, pvm_get_backend(call->vm), pvm_get_service(call->vm), 0);
    if (vm == NULL) {
        return PVM_JAM_FAILED;
    }
    host->machines[number] = (pvm_jam_machine_t){.vm = vm, .pc = call->r[9]};
    (void)pvm_set_parent(vm, call->vm);
    if (host->on_vm != NULL) {
        host->on_vm(host->on_vm_data, vm);
    }
    return pvm_jam_answer(call, number);
}

pvm_jam_outcome_t pvm_jam_machine(pvm_jam_call_t *call)
{
    const pvm_jam_octets_t blob = pvm_jam_take(call, call->r[7], call->r[8]);
    pvm_jam_outcome_t outcome;

    if (blob.data == NULL) {
        return PVM_JAM_PANIC;
    }
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_RAW, call->host->spec);
    free(blob.data);
    /* A program over a named limit of the engine cannot be run here, so it is none. */
    outcome = program != NULL && is_valid(program, call->r[9]) ? add_machine(call, program)
                                                               : pvm_jam_answer(call, PVM_JAM_HUH);
    pvm_program_release(program);
    return outcome;
}

pvm_jam_outcome_t pvm_jam_expunge(pvm_jam_call_t *call)
{
    pvm_jam_machine_t *const machine = find_machine(call);

    if (machine == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    pvm_destroy(machine->vm);
    machine->vm = NULL;
    return pvm_jam_answer(call, machine->pc);
}

/* -- Their memory -------------------------------------------------------------------------- */

/* Both ranges have been checked. @return 0 or -1 */
static int copy(pvm_vm_t *from, uint64_t source, pvm_vm_t *to, uint64_t target, uint64_t len)
{
    uint8_t octets[COPY_OCTETS];

    for (uint64_t done = 0; done < len;) {
        const size_t part = len - done < COPY_OCTETS ? (size_t)(len - done) : COPY_OCTETS;

        if (pvm_read_memory(from, (uint32_t)(source + done), octets, part) != 0 ||
            pvm_write_memory(to, (uint32_t)(target + done), octets, part) != 0) {
            return -1;
        }
        done += part;
    }
    return 0;
}

pvm_jam_outcome_t pvm_jam_peek(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    const pvm_jam_machine_t *const machine = find_machine(call);

    if (!pvm_jam_can(call->vm, r[8], r[10], PVM_ACCESS_WRITE)) {
        return PVM_JAM_PANIC;
    }
    if (machine == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    if (!pvm_jam_can(machine->vm, r[9], r[10], PVM_ACCESS_READ)) {
        return pvm_jam_answer(call, PVM_JAM_OOB);
    }
    return copy(machine->vm, r[9], call->vm, r[8], r[10]) == 0 ? pvm_jam_answer(call, PVM_JAM_OK)
                                                               : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_poke(pvm_jam_call_t *call)
{
    const uint64_t *const r = call->r;
    const pvm_jam_machine_t *const machine = find_machine(call);

    if (!pvm_jam_can(call->vm, r[8], r[10], PVM_ACCESS_READ)) {
        return PVM_JAM_PANIC;
    }
    if (machine == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    if (!pvm_jam_can(machine->vm, r[9], r[10], PVM_ACCESS_WRITE)) {
        return pvm_jam_answer(call, PVM_JAM_OOB);
    }
    return copy(call->vm, r[8], machine->vm, r[9], r[10]) == 0 ? pvm_jam_answer(call, PVM_JAM_OK)
                                                               : PVM_JAM_FAILED;
}

pvm_jam_outcome_t pvm_jam_pages(pvm_jam_call_t *call)
{
    static const pvm_access_t accesses[] = {PVM_ACCESS_NONE, PVM_ACCESS_READ, PVM_ACCESS_WRITE,
                                            PVM_ACCESS_READ, PVM_ACCESS_WRITE};
    const pvm_jam_machine_t *const machine = find_machine(call);
    const uint64_t page = call->r[8];
    const uint64_t count = call->r[9];
    const uint64_t kind = call->r[10];

    if (machine == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    if (kind > 4 || page < FIRST_PAGE || page >= PAGES || count >= PAGES - page) {
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    const uint32_t address = (uint32_t)page * PVM_PAGE_SIZE;
    const uint64_t len = count * PVM_PAGE_SIZE;
    if (kind > 2 && !pvm_jam_can(machine->vm, address, len, PVM_ACCESS_READ)) {
        return pvm_jam_answer(call, PVM_JAM_HUH);
    }
    /* Kinds below 3 begin with zeros: what was there is discarded first. */
    if (count > 0 &&
        ((kind < 3 && pvm_map_memory(machine->vm, address, len, PVM_ACCESS_NONE) != 0) ||
         (kind > 0 && pvm_map_memory(machine->vm, address, len, accesses[kind]) != 0))) {
        return PVM_JAM_FAILED;
    }
    return pvm_jam_answer(call, PVM_JAM_OK);
}

/* -- Running them -------------------------------------------------------------------------- */

static uint64_t load_le(const uint8_t *octets)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)octets[i] << 8 * i;
    }
    return value;
}

static void store_le(uint8_t *octets, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        octets[i] = (uint8_t)(value >> 8 * i);
    }
}

/* Go on where it was left. Its pc may be any number under 0.7.2; one that no program has ends it all the same. */
static pvm_result_t go_on(pvm_jam_machine_t *machine)
{
    const uint32_t pc = machine->pc > UINT32_MAX ? UINT32_MAX : (uint32_t)machine->pc;
    pvm_vm_t *const vm = machine->vm;

    switch (pvm_get_machine_state(vm)) {
    case PVM_STATE_HOST:
    case PVM_STATE_FAULT:
    case PVM_STATE_OOG:
        return pvm_resume(vm);
    default:
        break;
    }
    /* A machine that panicked inside a paid block still counts as paid when it begins again (GP 0.8.0 A.1). */
    if (pvm_get_charged(vm) == 1 && pvm_set_pc(vm, pc) == 0 && pvm_set_charged(vm, 1) == 0) {
        return pvm_resume(vm);
    }
    return pvm_execute(vm, pc);
}

/* Where it goes on: behind an ecalli, at 0 after an end, else at the instruction that stopped it. */
static uint64_t next_pc(pvm_vm_t *vm)
{
    const uint32_t pc = pvm_get_pc(vm);

    switch (pvm_get_machine_state(vm)) {
    case PVM_STATE_HOST:
        return (uint64_t)pc + 1 + pvm_isa_skip(&pvm_get_program(vm)->code, pc);
    case PVM_STATE_HALT:
    case PVM_STATE_PANIC:
        return 0;
    default:
        return pc;
    }
}

pvm_jam_outcome_t pvm_jam_invoke(pvm_jam_call_t *call)
{
    pvm_jam_machine_t *const machine = find_machine(call);
    const uint64_t address = call->r[8];
    uint8_t octets[INVOKE_OCTETS];

    if (!pvm_jam_can(call->vm, address, INVOKE_OCTETS, PVM_ACCESS_WRITE)) {
        return PVM_JAM_PANIC;
    }
    if (machine == NULL) {
        return pvm_jam_answer(call, PVM_JAM_WHO);
    }
    if (pvm_read_memory(call->vm, (uint32_t)address, octets, INVOKE_OCTETS) != 0) {
        return PVM_JAM_FAILED;
    }
    /* The engine's gas has a sign. What is beyond cannot be used up, and is given back. */
    const uint64_t gas = load_le(octets);
    const uint64_t beyond = gas > INT64_MAX ? gas - INT64_MAX : 0;
    pvm_set_gas(machine->vm, (int64_t)(gas - beyond));
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(machine->vm, i, load_le(octets + 8 + 8 * i));
    }
    if (go_on(machine) == PVM_RESULT_ERROR) {
        return PVM_JAM_FAILED;
    }
    machine->pc = next_pc(machine->vm);
    store_le(octets, (uint64_t)pvm_get_gas(machine->vm) + beyond);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        store_le(octets + 8 + 8 * i, pvm_get_register(machine->vm, i));
    }
    if (pvm_write_memory(call->vm, (uint32_t)address, octets, INVOKE_OCTETS) != 0) {
        return PVM_JAM_FAILED;
    }
    const uint8_t state = pvm_get_machine_state(machine->vm);
    if (state == PVM_STATE_HOST) {
        pvm_set_register(call->vm, 8, (uint64_t)(int64_t)pvm_get_host_call(machine->vm));
    } else if (state == PVM_STATE_FAULT) {
        pvm_set_register(call->vm, 8, pvm_get_fault_address(machine->vm));
    }
    return pvm_jam_answer(call, state);
}
