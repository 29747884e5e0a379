/* What is looked at after a run: state, gas, registers, memory. */
#include "run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char *const mode_names[MODE_COUNT] = {"whole", "step", "counting", "counting step"};

void run_fail(run_t *run, const char *format, ...)
{
    va_list args;

    run->has_failed = true;
    (void)printf("FAIL %s: %s [%s, %s, %s]", run->vector->file_name, run->vector->name,
                 spec_name(run->vector->spec),
                 run->backend == PVM_BACKEND_RECOMPILER ? "recompiler" : "interpreter",
                 mode_names[run->mode]);
    if (run->vm != NULL) {
        (void)printf(" pc %u", pvm_get_pc(run->vm));
    }
    (void)printf(": ");
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
}

/* -- Memory ----------------------------------------------------------------------------- */

void run_remember_pages(run_t *run, uint32_t address, uint64_t len)
{
    for (uint64_t at = address; at < address + len; at += PVM_PAGE_SIZE) {
        bool known = false;
        for (size_t i = 0; i < run->page_count; i++) {
            known = known || run->pages[i] == at;
        }
        if (!known && run->page_count < MAX_PAGES) {
            run->pages[run->page_count++] = (uint32_t)at;
        }
    }
}

uint64_t run_hash_memory(const run_t *run)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint8_t page[PVM_PAGE_SIZE];

    for (size_t i = 0; i < run->page_count; i++) {
        if (pvm_read_memory(run->vm, run->pages[i], page, sizeof(page)) != 0) {
            memset(page, 0xee, sizeof(page));
        }
        for (size_t k = 0; k < sizeof(page); k++) {
            hash = (hash ^ page[k]) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

static uint8_t expected_octet(const expectation_t *expect, uint32_t address)
{
    for (size_t i = 0; i < expect->memory_count; i++) {
        const chunk_t *chunk = &expect->memory[i];
        if (address >= chunk->address && address - chunk->address < chunk->len) {
            return chunk->octets[address - chunk->address];
        }
    }
    return 0;
}

static void check_all_memory(run_t *run, const expectation_t *expect)
{
    uint8_t page[PVM_PAGE_SIZE];

    for (size_t i = 0; i < run->page_count; i++) {
        if (pvm_read_memory(run->vm, run->pages[i], page, sizeof(page)) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < sizeof(page); k++) {
            const uint8_t wanted = expected_octet(expect, run->pages[i] + k);
            if (page[k] != wanted) {
                run_fail(run, "memory at 0x%08x: expected %02x, got %02x", run->pages[i] + k,
                         wanted, page[k]);
                return;
            }
        }
    }
}

static void check_listed_memory(run_t *run, const expectation_t *expect)
{
    for (size_t i = 0; i < expect->memory_count; i++) {
        const chunk_t *chunk = &expect->memory[i];
        for (size_t k = 0; k < chunk->len; k++) {
            uint8_t octet;
            const uint32_t at = chunk->address + (uint32_t)k;
            if (pvm_read_memory(run->vm, at, &octet, 1) != 0) {
                run_fail(run, "memory at 0x%08x: expected %02x, got no access", at,
                         chunk->octets[k]);
                return;
            }
            if (octet != chunk->octets[k]) {
                run_fail(run, "memory at 0x%08x: expected %02x, got %02x", at, chunk->octets[k],
                         octet);
                return;
            }
        }
    }
}

/* -- Expectations ----------------------------------------------------------------------- */

void run_check_number(run_t *run, const char *what, int64_t wanted, int64_t got)
{
    if (wanted != got) {
        run_fail(run, "%s: expected %" PRId64 ", got %" PRId64, what, wanted, got);
    }
}

void run_check_expectation(run_t *run, const expectation_t *expect)
{
    const int state = pvm_get_machine_state(run->vm);

    if (expect->state != ABSENT && expect->state != state) {
        run_fail(run, "status: expected %s, got %s", state_name(expect->state), state_name(state));
    }
    if (expect->pc != ABSENT) {
        run_check_number(run, "pc", expect->pc, pvm_get_pc(run->vm));
    }
    if (expect->has_gas) {
        const int64_t left = pvm_get_gas(run->vm);
        run_check_number(run, expect->gas_is_used ? "gas used" : "gas", expect->gas,
                         expect->gas_is_used ? run->gas_given - left : left);
    }
    if (expect->fault != ABSENT) {
        run_check_number(run, "fault address", expect->fault, pvm_get_fault_address(run->vm));
    }
    if (expect->has_host_call) {
        run_check_number(run, "host call", expect->host_call, pvm_get_host_call(run->vm));
    }
    if (expect->charged != ABSENT) {
        run_check_number(run, "charged", expect->charged, pvm_get_charged(run->vm));
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        const uint64_t got = pvm_get_register(run->vm, i);
        if (((expect->regs_given >> i) & 1) != 0 && got != expect->regs[i]) {
            run_fail(run, "r%d: expected 0x%" PRIx64 ", got 0x%" PRIx64, i, expect->regs[i], got);
        }
    }
    if (expect->memory_is_all) {
        check_all_memory(run, expect);
    } else {
        check_listed_memory(run, expect);
    }
}
