/* The host of random programs: what it does in its n-th call follows from the program's seed and n alone. */
#include "run_state.h"

#include "program/program.h"

#include <string.h>

/** Gas and depth of the machines that run inside host calls. */
#define NESTED_GAS 150
/** What no callback should return. */
#define NO_HOST_RESULT ((pvm_host_result_t)77)

void diff_set_gas(diff_run_t *run, int64_t gas)
{
    const int64_t old_gas = pvm_get_gas(run->vm);
    const int64_t wanted = gas < 0 ? 0 : gas;

    pvm_set_gas(run->vm, gas);
    /* Less than nothing is nothing, now (0.8.0) or when the next instruction asks for it (0.7.2). */
    run->gas_given += wanted - (old_gas < 0 ? 0 : old_gas);
    if (wanted > old_gas) {
        run->gas_total += wanted - old_gas;
    }
}

void diff_map(diff_run_t *run, uint32_t address, uint32_t pages, pvm_access_t access)
{
    diff_note_pages(run, address, pages);
    if (pvm_map_memory(run->vm, address, (uint64_t)pages * PVM_PAGE_SIZE, access) != 0) {
        run->has_failed = true;
    }
}

void diff_set_up(diff_run_t *run, int64_t gas)
{
    const diff_program_t *const program = run->how->program;
    uint8_t octets[DIFF_REGION_PAGES_MAX * PVM_PAGE_SIZE];

    if (program->has_heap) {
        diff_note_pages(run, DIFF_HEAP_REGION,
                        (DIFF_HEAP_END_MAX - DIFF_HEAP_REGION) / PVM_PAGE_SIZE);
    }
    for (uint32_t i = 0; i < program->region_count; i++) {
        const diff_region_t *const region = &program->regions[i];
        diff_map(run, region->address, region->pages, region->access);
        if (region->fill == 0) {
            continue;
        }
        diff_region_fill(region, octets);
        if (pvm_poke_memory(run->vm, region->address, octets,
                            (size_t)region->pages * PVM_PAGE_SIZE) != 0) {
            run->has_failed = true;
        }
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(run->vm, i, program->registers[i]);
    }
    run->gas_given += gas;
    run->gas_total += gas;
}

/* -- What a host does ---------------------------------------------------------------------- */

static uint64_t random_word(diff_source_t *source)
{
    return diff_u64(source) >> (diff_u64(source) & 63);
}

/* An address in some region or near one. */
static uint32_t random_address(const diff_run_t *run, diff_source_t *source)
{
    const diff_program_t *const program = run->how->program;
    const diff_region_t *const region =
        &program->regions[diff_below(source, program->region_count)];

    return region->address + diff_below(source, (region->pages + 1) * PVM_PAGE_SIZE);
}

static void act_on_registers(diff_run_t *run, diff_source_t *source)
{
    const uint32_t count = diff_below(source, 3);

    /* The results of a call, as a rule. */
    pvm_set_register(run->vm, 7, random_word(source));
    for (uint32_t i = 0; i < count; i++) {
        const int index = diff_one_in(source, 8) ? (int)diff_below(source, PVM_REGISTER_COUNT) : 8;
        pvm_set_register(run->vm, index, random_word(source));
    }
}

/* Writes may be refused; all machines must refuse the same ones. */
static void act_on_memory(diff_run_t *run, diff_source_t *source)
{
    const uint32_t address = random_address(run, source);
    uint8_t octets[64];
    const size_t len = diff_below(source, sizeof(octets));

    for (size_t i = 0; i < len; i++) {
        octets[i] = (uint8_t)diff_u64(source);
    }
    if (diff_one_in(source, 2)) {
        (void)pvm_write_memory(run->vm, address, octets, len);
    } else {
        (void)pvm_poke_memory(run->vm, address, octets, len);
    }
}

static void act_on_map(diff_run_t *run, diff_source_t *source)
{
    const uint32_t address = random_address(run, source) & ~(uint32_t)(PVM_PAGE_SIZE - 1);
    const pvm_access_t access = (pvm_access_t)diff_below(source, 3);

    if (address >= 0x10000) {
        diff_map(run, address, 1, access);
    }
}

static void act_on_gas(diff_run_t *run, diff_source_t *source)
{
    const int64_t gas = pvm_get_gas(run->vm);

    switch (diff_below(source, 6)) {
    case 0:
        diff_set_gas(run, diff_below(source, 40));
        break;
    case 1:
        diff_set_gas(run, diff_one_in(source, 4) ? -5 : 0);
        break;
    case 2:
    case 3:
        diff_set_gas(run, gas - diff_below(source, 100));
        break;
    default:
        if (run->gas_total < DIFF_GAS_MAX) {
            diff_set_gas(run, gas + diff_below(source, 800));
        }
        break;
    }
}

/* Whether the machine would go on at this pc. */
static bool is_next(pvm_vm_t *vm, uint32_t pc)
{
    const uint32_t at = pvm_get_pc(vm);

    switch (pvm_get_machine_state(vm)) {
    case PVM_STATE_HALT:
    case PVM_STATE_PANIC:
        return false;
    case PVM_STATE_HOST:
        return pc == at + 1 + pvm_isa_skip(&pvm_get_program(vm)->code, at);
    default:
        return pc == at;
    }
}

static void act_on_pc(diff_run_t *run, diff_source_t *source)
{
    const pvm_program_t *const program = pvm_get_program(run->vm);
    const uint32_t blocks = pvm_program_block_count(program);
    uint32_t pc = diff_below(source, run->how->program->code_len + 2);

    if (blocks > 0 && !diff_one_in(source, 4)) {
        pc = pvm_program_blocks(program)[diff_below(source, blocks)].pc;
    }
    const bool goes_on = is_next(run->vm, pc);
    if (pvm_set_pc(run->vm, pc) != 0) {
        run->has_failed = true;
    }
    run->has_moved = true;
    if (run->how->watch != NULL) {
        run->how->watch->moved(run->how->watch->data, run->vm, goes_on);
    }
}

/* The heap grows by a host call under 0.8.0; elsewhere all machines must refuse it. */
static void act_on_heap(diff_run_t *run, diff_source_t *source)
{
    const int64_t gas = pvm_get_gas(run->vm);

    pvm_set_register(run->vm, 7, DIFF_HEAP_REGION / PVM_PAGE_SIZE + diff_below(source, 8));
    (void)pvm_grow_heap(run->vm);
    run->gas_given += pvm_get_gas(run->vm) - gas;
}

void diff_host_act(diff_run_t *run, diff_source_t *source)
{
    if (!diff_one_in(source, 3)) {
        act_on_registers(run, source);
    }
    if (diff_one_in(source, 4)) {
        act_on_memory(run, source);
    }
    if (diff_one_in(source, 6)) {
        act_on_map(run, source);
    }
    if (diff_one_in(source, 4)) {
        act_on_gas(run, source);
    }
    if (diff_one_in(source, 12)) {
        act_on_heap(run, source);
    }
    if (diff_one_in(source, 25)) {
        act_on_pc(run, source);
    }
    if (diff_one_in(source, 40)) {
        (void)pvm_set_charged(run->vm, (int)diff_below(source, 2));
    }
}

/* Another machine of the same program and backend, run to its end while the first one waits in its host call. */
static void run_nested(diff_run_t *run, diff_source_t *source)
{
    pvm_vm_t *const outer = run->vm;

    if (run->nested == NULL) {
        run->nested = pvm_instantiate(pvm_get_program(outer), pvm_get_backend(outer), 0, 0);
    }
    if (run->nested == NULL || pvm_reset(run->nested, NESTED_GAS) != 0) {
        run->has_failed = true;
        return;
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(run->nested, i, run->how->program->registers[i]);
    }
    const pvm_result_t result =
        pvm_execute(run->nested, diff_below(source, run->how->program->code_len + 1));
    run->vm = run->nested;
    diff_note(run, DIFF_EVENT_NESTED, (int32_t)result, false);
    run->vm = outer;
}

pvm_host_result_t diff_host_call(pvm_vm_t *vm, int func_id, void *user_data)
{
    static const pvm_host_result_t rare[] = {PVM_HOST_YIELD,     PVM_HOST_YIELD, PVM_HOST_YIELD,
                                             PVM_HOST_TERMINATE, PVM_HOST_ERROR, PVM_HOST_OOG,
                                             PVM_HOST_OOG,       NO_HOST_RESULT, NO_HOST_RESULT};
    diff_run_t *const run = user_data;
    diff_source_t source = diff_source_make(run->how->program->host_seed, run->host_calls);

    (void)vm;
    if (run->how->watch != NULL) {
        run->how->watch->host_call(run->how->watch->data, run->vm);
    }
    diff_note(run, DIFF_EVENT_HOST_CALL, func_id, diff_one_in(&source, 4));
    if (diff_one_in(&source, 8)) {
        diff_note_counts(run);
    }
    run->host_calls++;
    if (run->host_calls > DIFF_HOST_CALLS_MAX) {
        return PVM_HOST_TERMINATE;
    }
    if (diff_one_in(&source, 30)) {
        run_nested(run, &source);
    }
    diff_host_act(run, &source);
    return diff_one_in(&source, 8) ? rare[diff_below(&source, sizeof(rare) / sizeof(rare[0]))]
                                   : PVM_HOST_CONTINUE;
}
