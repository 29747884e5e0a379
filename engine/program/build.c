/* From the parts of a program blob to a program: padded copies, validity, blocks. Spec: GP A.2, A.3. */
#include "events/events.h"
#include "program/blocks.h"
#include "program/program.h"
#include "support/error.h"
#include "support/large.h"

#include <stdlib.h>
#include <string.h>

/* PolkaVM's own memset. No published program uses it; its cost depends on a register. */
#define LATEST_MEMSET_OPCODE 2

static int copy_code(pvm_program_t *program, const pvm_parts_t *parts)
{
    const size_t len = parts->code_len;
    const size_t mask_len = (len + PVM_CODE_PADDING) / 8 + 1;
    uint8_t *const octets = pvm_large_take(len + PVM_CODE_PADDING);
    uint8_t *const mask = malloc(mask_len);

    if (octets == NULL || mask == NULL) {
        pvm_large_give(octets);
        free(mask);
        return pvm_error_set("no memory for %zu octets of code", len);
    }
    if (len > 0) {
        memcpy(octets, parts->code, len);
    }
    memset(octets + len, 0, PVM_CODE_PADDING);
    memset(mask, 0xff, mask_len);
    if (len > 0) {
        memcpy(mask, parts->mask, (len + 7) / 8);
    }
    if ((len & 7) != 0) {
        mask[len / 8] = (uint8_t)(mask[len / 8] | 0xffU << (len & 7));
    }
    program->code.octets = octets;
    program->code.mask = mask;
    program->code.len = (uint32_t)len;
    return 0;
}

static uint32_t jump_entry(const pvm_parts_t *parts, size_t index)
{
    const uint8_t *const at = parts->jump_table + index * parts->entry_bytes;
    uint64_t value = 0;

    for (unsigned i = 0; i < parts->entry_bytes; i++) {
        if (i < 8) {
            value |= (uint64_t)at[i] << (8 * i);
        } else if (at[i] != 0) {
            return UINT32_MAX;
        }
    }
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static int copy_jump_table(pvm_program_t *program, const pvm_parts_t *parts)
{
    if (parts->jump_table_len == 0) {
        return 0;
    }
    program->jump_table = malloc(parts->jump_table_len * sizeof(*program->jump_table));
    if (program->jump_table == NULL) {
        return pvm_error_set("no memory for a jump table of %zu entries", parts->jump_table_len);
    }
    for (size_t i = 0; i < parts->jump_table_len; i++) {
        program->jump_table[i] = jump_entry(parts, i);
    }
    program->jump_table_len = (uint32_t)parts->jump_table_len;
    return 0;
}

static pvm_isa_t isa_of(const pvm_program_t *program)
{
    switch (program->spec) {
    case PVM_SPEC_0_7_2:
        return PVM_ISA_0_7_2;
    case PVM_SPEC_LATEST64:
        return program->is_32_bit ? PVM_ISA_LATEST32 : PVM_ISA_LATEST64;
    default:
        return PVM_ISA_0_8_0;
    }
}

static int refuse_memset(pvm_program_t *program)
{
    const pvm_code_t *const code = &program->code;

    for (uint32_t pc = 0; pc < code->len; pc++) {
        if (code->octets[pc] == LATEST_MEMSET_OPCODE && pvm_isa_mask_at(code, pc)) {
            return pvm_program_invalidate(
                program,
                "memset (opcode 2 of PolkaVM's latest64) at code offset %u is not supported", pc);
        }
    }
    return 0;
}

int pvm_program_build(pvm_program_t *program, const pvm_parts_t *parts)
{
    char reason[128];

    if (parts->code_len > PVM_MAX_CODE_BYTES || parts->jump_table_len > PVM_MAX_JUMP_TABLE) {
        return pvm_error_set(
            "program too large: %zu octets of code (limit %u), %zu jump table entries "
            "(limit %u)",
            parts->code_len, PVM_MAX_CODE_BYTES, parts->jump_table_len, PVM_MAX_JUMP_TABLE);
    }
    program->has_block_gas = program->spec != PVM_SPEC_0_7_2;
    program->code.isa = isa_of(program);
    if (copy_code(program, parts) != 0 || copy_jump_table(program, parts) != 0) {
        return -1;
    }
    if (program->spec == PVM_SPEC_0_8_0 &&
        pvm_program_find_violation(&program->code, reason, sizeof(reason)) &&
        pvm_program_invalidate(program, "not a valid program of GP 0.8.0: %s", reason) != 0) {
        return -1;
    }
    if (program->spec == PVM_SPEC_LATEST64 && refuse_memset(program) != 0) {
        return -1;
    }
    return program->error == NULL ? pvm_program_find_blocks(program) : 0;
}

pvm_program_t *pvm_program_from_parts(const uint8_t *code, size_t code_len, const uint8_t *bitmask,
                                      size_t bitmask_len, const uint32_t *jump_table,
                                      size_t jump_table_len, pvm_spec_t spec)
{
    const pvm_parts_t parts = {
        .code = code,
        .code_len = code_len,
        .mask = bitmask,
        .jump_table = (const uint8_t *)jump_table,
        .jump_table_len = jump_table_len,
        .entry_bytes = sizeof(*jump_table),
    };

    if ((code == NULL && code_len > 0) || (bitmask == NULL && bitmask_len > 0) ||
        (jump_table == NULL && jump_table_len > 0)) {
        pvm_error_set("pvm_program_from_parts: a part is NULL but its length is not 0");
        return NULL;
    }
    if (bitmask_len != code_len / 8 + (code_len % 8 != 0)) {
        pvm_error_set("pvm_program_from_parts: a bitmask of %zu octets for %zu octets of code; "
                      "pass ceil(code_len / 8)",
                      bitmask_len, code_len);
        return NULL;
    }
    if ((int)spec < PVM_SPEC_DEFAULT || spec > PVM_SPEC_LATEST64) {
        pvm_error_set("pvm_program_from_parts: unknown spec %d", (int)spec);
        return NULL;
    }
    pvm_program_t *const program =
        pvm_program_new(spec == PVM_SPEC_DEFAULT ? PVM_SPEC_0_8_0 : spec, PVM_FORMAT_RAW);
    if (program != NULL && pvm_program_build(program, &parts) != 0) {
        pvm_program_release(program);
        return NULL;
    }
    if (program != NULL) {
        pvm_events_start();
        pvm_events_program(program);
    }
    return program;
}
