/* PolkaVM containers. The magic number and the file length are put right first, so that the fuzzer
 * gets further. */
#include "fuzz/fuzz.h"
#include "program/debug_info.h"
#include "program/readers.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 13
#define LOOKUPS      64

static void check_names(const pvm_program_t *program)
{
    FUZZ_CHECK(program->import_count <= PVM_MAX_IMPORTS);
    for (size_t i = 0; i < program->import_count; i++) {
        FUZZ_CHECK(strlen(pvm_program_import(program, i)) <= 2 * program->blob_len);
    }
    for (size_t i = 0; i < pvm_program_export_count(program); i++) {
        uint32_t pc = UINT32_MAX;
        const char *const name = pvm_program_export(program, i, &pc);
        FUZZ_CHECK(name != NULL);
        FUZZ_CHECK(program->error != NULL || pc < program->code.len);
        FUZZ_CHECK(pvm_program_find_entry(program, name, &pc) == 0);
    }
}

static void check_debug_info(const pvm_program_t *program)
{
    static pvm_debug_stack_t stack;
    pvm_debug_walk_t walk = {0};

    for (uint32_t i = 0; i < LOOKUPS; i++) {
        const uint32_t pc = (uint32_t)((uint64_t)i * program->code.len / LOOKUPS);
        if (pvm_debug_info_find(program->debug_info, &walk, pc, &stack)) {
            FUZZ_CHECK(stack.begin <= pc && pc < stack.end);
            FUZZ_CHECK(stack.depth > 0 && stack.depth <= PVM_MAX_DEBUG_FRAMES);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER_BYTES) {
        pvm_program_release(pvm_program_load(data, size, PVM_FORMAT_POLKAVM, PVM_SPEC_DEFAULT));
        return 0;
    }
    uint8_t *const blob = malloc(size);
    FUZZ_CHECK(blob != NULL);
    memcpy(blob, data, size);
    memcpy(blob, "PVM", 4);
    blob[4] &= 3;
    for (unsigned i = 0; i < 8; i++) {
        blob[5 + i] = (uint8_t)((uint64_t)size >> (8 * i));
    }
    pvm_program_t *const program = pvm_program_load(blob, size, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    if (program == NULL) {
        FUZZ_CHECK(strstr(pvm_last_error(), "offset") != NULL);
    } else {
        for (int i = 0; i < PVM_REGION_COUNT; i++) {
            const pvm_region_t *const region = &program->layout.regions[i];
            FUZZ_CHECK(region->data_len <= region->mapped_len);
            FUZZ_CHECK(region->address + region->mapped_len <= UINT64_C(0xfffe0000));
        }
        FUZZ_CHECK(program->layout.heap_start <= program->layout.heap_end_max);
        check_names(program);
        check_debug_info(program);
    }
    pvm_program_release(program);
    free(blob);
    return 0;
}
