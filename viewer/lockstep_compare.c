/* Comparing two machines after a round: everything small each time, memory where the block stored, and all memory as
 * often as it costs little beside the run. */
#include "viewer/lockstep_state.h"

#include "vm/vm.h"

#include <stdio.h>
#include <string.h>

/** Instructions for each mapped page between two comparisons of all memory. */
#define INSTRUCTIONS_PER_PAGE 256

static pvm_lockstep_difference_t *add(pvm_lockstep_round_t *round, const char *what)
{
    pvm_lockstep_t *const out = round->out;

    if (out->difference_count == PVM_LOCKSTEP_DIFFERENCES_MAX) {
        return NULL;
    }
    pvm_lockstep_difference_t *const difference = &out->differences[out->difference_count++];
    *difference = (pvm_lockstep_difference_t){.expected = 0};
    (void)snprintf(difference->what, sizeof(difference->what), "%s", what);
    return difference;
}

void pvm_lockstep_note(pvm_lockstep_round_t *round, const char *what, uint64_t expected,
                       uint64_t got)
{
    if (expected == got) {
        return;
    }
    pvm_lockstep_difference_t *const difference = add(round, what);
    if (difference != NULL) {
        difference->expected = expected;
        difference->got = got;
    }
}

static void note_text(pvm_lockstep_round_t *round, const char *what, const char *expected,
                      const char *got)
{
    if (strcmp(expected, got) == 0) {
        return;
    }
    pvm_lockstep_difference_t *const difference = add(round, what);
    if (difference != NULL) {
        difference->is_text = true;
        difference->expected_text = expected;
        difference->got_text = got;
    }
}

typedef struct {
    uint64_t expected;
    uint64_t got;
} numbers_t;

/* A register or octet, and where it was written if that is known. */
static void note_value(pvm_lockstep_round_t *round, const char *what, numbers_t numbers,
                       bool has_pc, uint32_t pc)
{
    pvm_lockstep_difference_t *const difference = add(round, what);

    if (difference != NULL) {
        difference->expected = numbers.expected;
        difference->got = numbers.got;
        difference->is_hex = true;
        difference->has_pc = has_pc;
        difference->pc = pc;
    }
}

static void compare_registers(pvm_lockstep_round_t *round, const uint64_t *expected,
                              const uint64_t *got)
{
    for (unsigned i = 0; i < PVM_REGISTER_COUNT; i++) {
        char name[8];
        if (expected[i] == got[i]) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "r%u", i);
        note_value(round, name, (numbers_t){expected[i], got[i]}, (round->written >> i & 1) != 0,
                   round->last_writer[i]);
    }
}

/* -- Memory -------------------------------------------------------------------------------- */

static void note_octet(pvm_lockstep_round_t *round, uint32_t address, uint8_t expected, uint8_t got,
                       const pvm_lockstep_store_t *store)
{
    char name[40];

    if (expected != got) {
        (void)snprintf(name, sizeof(name), "octet at 0x%08x", address);
        note_value(round, name, (numbers_t){expected, got}, store != NULL,
                   store == NULL ? 0 : store->pc);
    }
}

/* One octet each, because a store may lie in two pages, and its address may wrap. */
static void compare_store(pvm_lockstep_round_t *round, const pvm_lockstep_store_t *store)
{
    for (uint32_t i = 0; i < store->bytes; i++) {
        const uint32_t address = store->address + i;
        uint8_t expected;
        uint8_t got;
        if (pvm_get_access(round->pair->reference, address) == PVM_ACCESS_NONE ||
            pvm_get_access(round->pair->checked, address) == PVM_ACCESS_NONE) {
            continue;
        }
        if (pvm_read_memory(round->pair->reference, address, &expected, 1) == 0 &&
            pvm_read_memory(round->pair->checked, address, &got, 1) == 0) {
            note_octet(round, address, expected, got, store);
        }
    }
}

static void compare_page(pvm_lockstep_round_t *round, uint32_t page)
{
    static const char *const names[] = {"none", "read", "write", "read and write"};
    const pvm_memory_t *const reference = round->pair->reference->memory;
    const pvm_memory_t *const checked = round->pair->checked->memory;
    const uint32_t address = page << PVM_PAGE_BITS;

    if (reference->access[page] != checked->access[page]) {
        char name[40];
        (void)snprintf(name, sizeof(name), "access at 0x%08x", address);
        note_text(round, name, names[reference->access[page] & 3],
                  names[checked->access[page] & 3]);
        return;
    }
    if (reference->access[page] == PVM_PAGE_NONE ||
        memcmp(reference->base + address, checked->base + address, PVM_PAGE_SIZE) == 0) {
        return;
    }
    for (uint32_t i = 0; i < PVM_PAGE_SIZE; i++) {
        note_octet(round, address + i, reference->base[address + i], checked->base[address + i],
                   NULL);
    }
}

static uint64_t mapped_pages(const pvm_memory_t *memory)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < memory->run_count; i++) {
        pages += memory->runs[i].count;
    }
    return pages;
}

static void compare_runs(pvm_lockstep_round_t *round, const pvm_memory_t *memory)
{
    for (size_t i = 0; i < memory->run_count; i++) {
        for (uint32_t k = 0; k < memory->runs[i].count; k++) {
            compare_page(round, memory->runs[i].first + k);
            if (round->out->difference_count > 0) {
                return;
            }
        }
    }
}

/* Every page that either side has mapped. */
static void compare_all(pvm_lockstep_round_t *round)
{
    compare_runs(round, round->pair->reference->memory);
    if (round->out->difference_count == 0) {
        compare_runs(round, round->pair->checked->memory);
    }
    if (round->out->difference_count == 0) {
        round->out->memory_checked_at = round->out->blocks;
    }
    round->out->memory_compares++;
    round->instructions_since_compare = 0;
}

static void compare_memory(pvm_lockstep_round_t *round)
{
    const uint64_t pages = mapped_pages(round->pair->reference->memory);

    for (uint32_t i = 0; i < round->store_count; i++) {
        compare_store(round, &round->stores[i]);
    }
    if (round->out->difference_count == 0 &&
        (round->has_ended || round->compare_all || round->out->blocks == 1 ||
         round->instructions_since_compare > pages * INSTRUCTIONS_PER_PAGE)) {
        compare_all(round);
    }
}

/* -- Machines ------------------------------------------------------------------------------ */

static const char *state_name(uint8_t state)
{
    static const char *const names[] = {
        [PVM_STATE_HALT] = "halt", [PVM_STATE_PANIC] = "panic",    [PVM_STATE_FAULT] = "fault",
        [PVM_STATE_HOST] = "host", [PVM_STATE_OOG] = "out of gas",
    };

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "goes on";
}

/* The checked side's state, in the reference's words: out of the gas of a block is going on. */
static const char *checked_state(const pvm_lockstep_round_t *round, bool at_border)
{
    const uint8_t state = pvm_get_machine_state(round->pair->checked);

    return at_border && state == PVM_STATE_OOG ? state_name(PVM_STATE_READY) : state_name(state);
}

void pvm_lockstep_compare_call(pvm_lockstep_round_t *round, pvm_vm_t *vm, int func_id, int64_t gas)
{
    if (round->answered >= round->call_count) {
        note_text(round, "host call", "none", "one more");
        return;
    }
    const pvm_lockstep_call_t *const call = &round->calls[round->answered];
    pvm_lockstep_note(round, "number of the host call", (uint64_t)call->func_id, (uint64_t)func_id);
    pvm_lockstep_note(round, "pc of the host call", call->pc, pvm_get_pc(vm));
    pvm_lockstep_note(round, "gas at the host call", (uint64_t)call->gas, (uint64_t)gas);
    compare_registers(round, call->registers, pvm_get_registers(vm));
}

void pvm_lockstep_compare(pvm_lockstep_round_t *round, bool at_border)
{
    pvm_vm_t *const reference = round->pair->reference;
    pvm_vm_t *const checked = round->pair->checked;

    if (round->out->difference_count > 0) {
        return;
    }
    note_text(round, "state", state_name(pvm_get_machine_state(reference)),
              checked_state(round, at_border));
    pvm_lockstep_note(round, "pc", pvm_get_pc(reference), pvm_get_pc(checked));
    pvm_lockstep_note(round, "gas", (uint64_t)pvm_get_gas(reference),
                      (uint64_t)pvm_get_gas(checked));
    pvm_lockstep_note(round, "charged", (uint64_t)pvm_get_charged(reference),
                      (uint64_t)pvm_get_charged(checked));
    if (pvm_get_fault_address(reference) != pvm_get_fault_address(checked)) {
        note_value(round, "fault address",
                   (numbers_t){pvm_get_fault_address(reference), pvm_get_fault_address(checked)},
                   false, 0);
    }
    if (!round->pair->every_instruction) {
        pvm_lockstep_note(round, "host calls", round->call_count, round->answered);
    }
    compare_registers(round, pvm_get_registers(reference), pvm_get_registers(checked));
    compare_memory(round);
}
