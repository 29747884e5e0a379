/* The program blob of GP A.2: jump table, code, opcode bitmask, and nothing else.
 *
 * Exact: naturals are shortest, padding bits are zero, no octet is left over. Limits are checked
 * when the program is built, because a blob over a limit is not malformed. */
#include "program/readers.h"

void pvm_program_parse_raw(pvm_cursor_t *cursor, pvm_parts_t *out)
{
    const uint64_t entries =
        pvm_cursor_natural(cursor, PVM_CURSOR_64_BIT, "the number of jump table entries");
    const uint8_t entry_bytes = pvm_cursor_u8(cursor, "the width of jump table entries");
    const uint64_t code_len = pvm_cursor_natural(cursor, PVM_CURSOR_64_BIT, "the code length");

    if (entry_bytes > 0 && entries > pvm_cursor_left(cursor) / entry_bytes) {
        pvm_cursor_fail(cursor, "the jump table", "is cut off");
    }
    const uint8_t *const table = pvm_cursor_bytes(
        cursor, pvm_cursor_failed(cursor) ? 0 : (size_t)entries * entry_bytes, "the jump table");
    const uint8_t *const code = pvm_cursor_bytes(cursor, (size_t)code_len, "the code");
    const size_t mask_len = (size_t)(code_len / 8 + (code_len % 8 != 0));
    const uint8_t *const mask = pvm_cursor_bytes(cursor, mask_len, "the opcode bitmask");

    if (mask != NULL && code_len % 8 != 0 && mask[mask_len - 1] >> (code_len % 8) != 0) {
        pvm_cursor_fail_at(cursor, "the last octet of the opcode bitmask",
                           "has bits set behind the code", pvm_cursor_offset(cursor) - 1);
    }
    pvm_cursor_finish(cursor, "the opcode bitmask");
    *out = (pvm_parts_t){
        .code = code,
        .code_len = (size_t)code_len,
        .mask = mask,
        .jump_table = table,
        .jump_table_len = (size_t)entries,
        .entry_bytes = entry_bytes,
    };
}

/* Builds without code, so that an invalid program has all the parts that a machine looks at. */
static int hold_as_invalid(pvm_program_t *program, const pvm_cursor_t *cursor)
{
    static const uint8_t nothing[1];
    const pvm_parts_t empty = {.code = nothing, .mask = nothing, .jump_table = nothing};

    if (pvm_program_invalidate(program, "not a program blob") != 0 ||
        pvm_program_build(program, &empty) != 0) {
        return -1;
    }
    return pvm_program_invalidate(program, "not a program blob: %s %s at offset %zu", cursor->field,
                                  cursor->problem, cursor->where);
}

int pvm_program_read_raw(pvm_program_t *program)
{
    pvm_cursor_t cursor = pvm_cursor_make(program->blob, program->blob_len, 0);
    pvm_parts_t parts;

    pvm_program_parse_raw(&cursor, &parts);
    return pvm_cursor_failed(&cursor) ? hold_as_invalid(program, &cursor)
                                      : pvm_program_build(program, &parts);
}
