/* Raw blobs: whatever the octets are, a program comes out; and what is accepted is its own
 * encoding. */
#include "fuzz/fuzz.h"
#include "program/readers.h"
#include "support/blob.h"

#include <string.h>

/* Writes the parts with an independent encoder and compares with the input. */
static void check_encoding(const uint8_t *data, size_t size, const pvm_parts_t *parts)
{
    pvm_buffer_t again = {0};

    blob_natural(&again, parts->jump_table_len);
    pvm_buffer_append_le(&again, parts->entry_bytes, 1);
    blob_natural(&again, parts->code_len);
    pvm_buffer_append(&again, parts->jump_table, parts->jump_table_len * parts->entry_bytes);
    pvm_buffer_append(&again, parts->code, parts->code_len);
    pvm_buffer_append(&again, parts->mask, (parts->code_len + 7) / 8);
    FUZZ_CHECK(again.len == size);
    FUZZ_CHECK(memcmp(again.data, data, size) == 0);
    pvm_buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pvm_cursor_t cursor = pvm_cursor_make(data, size, 0);
    pvm_parts_t parts;

    pvm_program_parse_raw(&cursor, &parts);
    const bool is_malformed = pvm_cursor_failed(&cursor);
    FUZZ_CHECK(cursor.where <= size);
    if (!is_malformed) {
        check_encoding(data, size, &parts);
    }
    for (int spec = PVM_SPEC_0_7_2; spec <= PVM_SPEC_LATEST64; spec++) {
        pvm_program_t *const program =
            pvm_program_load(data, size, PVM_FORMAT_RAW, (pvm_spec_t)spec);
        if (program == NULL) {
            FUZZ_CHECK(strstr(pvm_last_error(), "too large") != NULL);
            continue;
        }
        FUZZ_CHECK(!is_malformed || pvm_program_error(program) != NULL);
        FUZZ_CHECK(pvm_program_spec(program) == (pvm_spec_t)spec);
        pvm_program_release(program);
    }
    pvm_program_release(pvm_program_load(data, size, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
    (void)pvm_program_guess_spec(data, size, PVM_FORMAT_AUTO, NULL);
    return 0;
}
