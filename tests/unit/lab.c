/* One test body, every backend, spec and way of driving. */
#include "lab.h"

#include "support/blob.h"
#include "support/error.h"

#include <stdio.h>

#define STALE "a text that was there before"
/* More than any program of these tests takes. */
#define STEPS_MAX 1000000

static const char *const spec_names[] = {"default", "0.7.2", "0.8.0", "latest64"};
static const char *const backend_names[] = {"default", "interpreter", "recompiler"};

/* The combination of the running test, for the message of a failure. */
static lab_t current;
static bool is_running;

/* -- Backends --- */

size_t lab_backend_count(void)
{
    static size_t count;
    static const uint8_t trap[] = {0};
    static const uint8_t mask[] = {1};

    if (count == 0) {
        pvm_program_t *const program =
            pvm_program_from_parts(trap, 1, mask, 1, NULL, 0, PVM_SPEC_0_8_0);
        pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 0);
        count = vm == NULL ? 1 : 2;
        pvm_destroy(vm);
        pvm_program_release(program);
    }
    return count;
}

pvm_backend_t lab_backend(size_t index)
{
    return index == 0 ? PVM_BACKEND_INTERPRETER : PVM_BACKEND_RECOMPILER;
}

void lab_announce(void)
{
    (void)printf("backends:");
    for (size_t i = 0; i < lab_backend_count(); i++) {
        (void)printf(" %s", backend_names[lab_backend(i)]);
    }
    (void)printf("%s\n", lab_backend_count() == 1 ? " (the recompiler is not available here)" : "");
}

/* -- Running --- */

static void run_specs(const lab_case_t *test, pvm_backend_t backend, unsigned drive)
{
    for (int spec = PVM_SPEC_0_7_2; spec <= PVM_SPEC_LATEST64; spec++) {
        if ((test->specs & 1U << spec) != 0) {
            current = (lab_t){.backend = backend,
                              .spec = (pvm_spec_t)spec,
                              .drive = drive,
                              .by_steps = (drive & (LAB_STEPS | LAB_COUNTING_STEPS)) != 0,
                              .counting = (drive & (LAB_COUNTING | LAB_COUNTING_STEPS)) != 0,
                              .flat = spec == PVM_SPEC_0_7_2};
            test->body(&current);
        }
    }
}

void lab_test_run(void **state)
{
    const lab_case_t *const test = *state;

    is_running = true;
    for (size_t i = 0; i < lab_backend_count(); i++) {
        for (unsigned drive = LAB_PLAIN; drive <= LAB_COUNTING_STEPS; drive *= 2) {
            if ((test->drives & drive) != 0) {
                run_specs(test, lab_backend(i), drive);
            }
        }
    }
    is_running = false;
}

int lab_test_end(void **state)
{
    (void)state;
    if (is_running) {
        (void)printf("    failed on: %s, %s, %s%s\n", backend_names[current.backend],
                     spec_names[current.spec], current.counting ? "counting" : "plain",
                     current.by_steps ? ", by steps" : "");
    }
    is_running = false;
    return 0;
}

/* -- Machines --- */

pvm_program_t *lab_assemble(const lab_t *lab, const char *text, pvm_assembly_t *out)
{
    const char *const name = spec_names[lab->spec];

    if (pvm_isa_assemble(text, strlen(text), "test", pvm_isa_by_name(name, strlen(name)), out) !=
        0) {
        fail_msg("%s", pvm_last_error());
    }
    return pvm_program_from_parts(out->code, out->code_len, out->mask,
                                  out->code_len / 8 + (out->code_len % 8 != 0), out->jump_table,
                                  out->jump_table_len, lab->spec);
}

static void start(const lab_t *lab, machine_t *machine, uint64_t gas)
{
    if (machine->program == NULL) {
        fail_msg("no program: %s", pvm_last_error());
    }
    machine->vm = pvm_instantiate(machine->program, lab->backend, 7, gas);
    if (machine->vm == NULL) {
        fail_msg("no VM: %s", pvm_last_error());
    }
    if (lab->counting) {
        assert_int_equal(
            pvm_set_instrumentation(machine->vm, PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES), 0);
    }
}

machine_t lab_machine(const lab_t *lab, const char *text, uint64_t gas)
{
    machine_t machine = {.vm = NULL};

    machine.program = lab_assemble(lab, text, &machine.text);
    start(lab, &machine, gas);
    return machine;
}

/* A program blob of an assembly. */
static void append_raw(const pvm_assembly_t *text, pvm_buffer_t *out)
{
    blob_natural(out, text->jump_table_len);
    blob_natural(out, text->jump_table_len > 0 ? 4 : 0);
    blob_natural(out, text->code_len);
    for (uint32_t i = 0; i < text->jump_table_len; i++) {
        pvm_buffer_append_le(out, text->jump_table[i], 4);
    }
    pvm_buffer_append(out, text->code, text->code_len);
    pvm_buffer_append(out, text->mask, text->code_len / 8 + (text->code_len % 8 != 0));
}

static void append_jam(const jam_sizes_t *sizes, const pvm_assembly_t *text, pvm_buffer_t *out)
{
    pvm_buffer_t inner = {0};

    append_raw(text, &inner);
    pvm_buffer_append_le(out, sizes->ro_len, 3);
    pvm_buffer_append_le(out, sizes->rw_len, 3);
    pvm_buffer_append_le(out, sizes->heap_pages, 2);
    pvm_buffer_append_le(out, sizes->stack_len, 3);
    for (uint32_t i = 0; i < sizes->ro_len; i++) {
        pvm_buffer_append_le(out, 0xa0, 1);
    }
    for (uint32_t i = 0; i < sizes->rw_len; i++) {
        pvm_buffer_append_le(out, 0xb0, 1);
    }
    pvm_buffer_append_le(out, inner.len, 4);
    pvm_buffer_append(out, inner.data, inner.len);
    pvm_buffer_free(&inner);
}

void lab_jam_blob(const lab_t *lab, jam_sizes_t sizes, const char *text, pvm_buffer_t *out)
{
    pvm_assembly_t assembly;

    pvm_program_release(lab_assemble(lab, text, &assembly));
    append_jam(&sizes, &assembly, out);
    pvm_isa_assembly_free(&assembly);
}

machine_t lab_jam_machine(const lab_t *lab, jam_sizes_t sizes, const char *text, uint64_t gas)
{
    machine_t machine = {.vm = NULL};
    pvm_buffer_t blob = {0};

    pvm_program_release(lab_assemble(lab, text, &machine.text));
    append_jam(&sizes, &machine.text, &blob);
    machine.program = pvm_program_load(blob.data, blob.len, PVM_FORMAT_JAM, lab->spec);
    pvm_buffer_free(&blob);
    start(lab, &machine, gas);
    return machine;
}

/* Containers: numbers of the sections and of what they hold. */
#define SECTION_MEMORY 1
#define SECTION_CODE   6

machine_t lab_container_machine(const lab_t *lab, uint8_t version, uint32_t rw_len,
                                const char *text, uint64_t gas)
{
    machine_t machine = {.vm = NULL};
    pvm_buffer_t memory = {0};
    pvm_buffer_t code = {0};
    pvm_buffer_t blob = {0};
    const pvm_isa_t isa = version == 1 ? PVM_ISA_LATEST32 : PVM_ISA_LATEST64;

    if (pvm_isa_assemble(text, strlen(text), "test", isa, &machine.text) != 0) {
        fail_msg("%s", pvm_last_error());
    }
    blob_natural(&memory, 0);
    blob_natural(&memory, rw_len);
    blob_natural(&memory, 4096);
    append_raw(&machine.text, &code);
    blob_container_begin(&blob, version);
    blob_section(&blob, SECTION_MEMORY, memory.data, memory.len);
    blob_section(&blob, SECTION_CODE, code.data, code.len);
    blob_container_end(&blob);
    machine.program = pvm_program_load(blob.data, blob.len, PVM_FORMAT_POLKAVM, PVM_SPEC_DEFAULT);
    pvm_buffer_free(&memory);
    pvm_buffer_free(&code);
    pvm_buffer_free(&blob);
    start(lab, &machine, gas);
    return machine;
}

pvm_vm_t *lab_another(const lab_t *lab, const machine_t *machine, uint64_t gas)
{
    pvm_vm_t *const vm = pvm_instantiate(machine->program, lab->backend, 7, gas);

    assert_non_null(vm);
    return vm;
}

void lab_free(machine_t *machine)
{
    pvm_destroy(machine->vm);
    pvm_program_release(machine->program);
    pvm_isa_assembly_free(&machine->text);
    *machine = (machine_t){.vm = NULL};
}

uint32_t lab_at(const machine_t *machine, const char *label)
{
    uint32_t pc = 0;

    if (pvm_isa_assembly_label(&machine->text, label, strlen(label), &pc) != 0) {
        fail_msg("no label %s", label);
    }
    return pc;
}

int64_t lab_cost(const machine_t *machine, const char *label)
{
    const uint32_t index = pvm_program_block_at(machine->program, lab_at(machine, label));

    assert_true(index < pvm_program_block_count(machine->program));
    return pvm_program_blocks(machine->program)[index].gas;
}

/* -- Driving --- */

static pvm_result_t step_to_exit(pvm_vm_t *vm)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        const pvm_result_t result = pvm_step(vm);
        if (result != PVM_RESULT_OK || pvm_get_machine_state(vm) != PVM_STATE_READY) {
            return result;
        }
    }
    fail_msg("no exit in %d steps", STEPS_MAX);
    return PVM_RESULT_ERROR;
}

pvm_result_t lab_execute(const lab_t *lab, pvm_vm_t *vm, uint32_t pc)
{
    if (!lab->by_steps) {
        return pvm_execute(vm, pc);
    }
    assert_int_equal(pvm_set_pc(vm, pc), 0);
    return step_to_exit(vm);
}

pvm_result_t lab_resume(const lab_t *lab, pvm_vm_t *vm)
{
    return lab->by_steps ? step_to_exit(vm) : pvm_resume(vm);
}

/* -- Checks --- */

void lab_assert_exit(pvm_vm_t *vm, pvm_result_t result, lab_exit_t expected)
{
    assert_int_equal(result, expected.result);
    assert_int_equal(pvm_get_machine_state(vm), expected.state);
    assert_int_equal(pvm_get_pc(vm), expected.pc);
    assert_int_equal(pvm_get_gas(vm), expected.gas);
    if (expected.state != PVM_STATE_FAULT) {
        assert_int_equal(pvm_get_fault_address(vm), 0);
    }
    if (expected.state != PVM_STATE_HOST) {
        assert_int_equal(pvm_get_host_call(vm), -1);
    }
    if (expected.state != PVM_STATE_HALT) {
        uint32_t address = 0;
        uint64_t len = 0;
        assert_int_equal(pvm_get_result(vm, &address, &len), -1);
    }
}

int64_t lab_blocks_gas(pvm_vm_t *vm)
{
    const size_t count = (size_t)pvm_program_block_count(pvm_get_program(vm)) + 1;
    pvm_block_count_t *const counts = calloc(count, sizeof(*counts));
    const size_t got = pvm_get_block_counts(vm, counts, count);
    int64_t sum = 0;

    for (size_t i = 0; i < got; i++) {
        sum += (int64_t)counts[i].gas;
    }
    free(counts);
    return sum;
}

void lab_clear_error(void)
{
    (void)pvm_error_set("%s", STALE);
}

void lab_assert_explained(void)
{
    assert_string_not_equal(pvm_last_error(), STALE);
    assert_string_not_equal(pvm_last_error(), "");
}
