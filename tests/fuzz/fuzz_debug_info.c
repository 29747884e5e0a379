/* Debug sections alone. Input: two octets each for the lengths of strings and line programs, one
 * for the code length in units of 16, then strings, line programs, ranges. A walk that is kept must
 * find what a fresh one finds. */
#include "fuzz/fuzz.h"
#include "program/debug_info.h"
#include "support/cursor.h"

#define LOOKUPS 200

static pvm_debug_section_t take(pvm_cursor_t *cursor, size_t len)
{
    const size_t left = pvm_cursor_left(cursor);
    const size_t taken = len < left ? len : left;
    const size_t offset = pvm_cursor_offset(cursor);

    return (pvm_debug_section_t){
        .data = pvm_cursor_bytes(cursor, taken, "a section"), .len = taken, .offset = offset};
}

static void look_up(const pvm_debug_info_t *info, uint32_t code_len)
{
    static pvm_debug_stack_t kept_stack;
    static pvm_debug_stack_t fresh_stack;
    pvm_debug_walk_t kept = {0};

    for (uint32_t i = 0; i < LOOKUPS; i++) {
        const uint32_t pc = i % 8 == 7 ? (i * 2654435761U) % (code_len + 1) : i;
        pvm_debug_walk_t fresh = {0};
        const bool kept_found = pvm_debug_info_find(info, &kept, pc, &kept_stack);
        const bool fresh_found = pvm_debug_info_find(info, &fresh, pc, &fresh_stack);

        FUZZ_CHECK(kept_found == fresh_found);
        FUZZ_CHECK(kept_stack.depth == fresh_stack.depth);
        FUZZ_CHECK(kept_stack.depth <= PVM_MAX_DEBUG_FRAMES);
        if (kept_found) {
            char name[16];
            FUZZ_CHECK(kept_stack.begin == fresh_stack.begin && kept_stack.end == fresh_stack.end);
            FUZZ_CHECK(kept_stack.begin <= pc && pc < kept_stack.end);
            (void)pvm_debug_function_name(&kept_stack.frames[0].function, name, sizeof(name));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pvm_cursor_t cursor = pvm_cursor_make(data, size, 0);
    const uint16_t strings_len = pvm_cursor_u16(&cursor, "a length");
    const uint16_t lines_len = pvm_cursor_u16(&cursor, "a length");
    const uint32_t code_len = 16U * pvm_cursor_u8(&cursor, "a length");

    if (pvm_cursor_failed(&cursor)) {
        return 0;
    }
    pvm_debug_sections_t sections;
    sections.strings = take(&cursor, strings_len);
    sections.lines = take(&cursor, lines_len);
    sections.ranges = take(&cursor, size);

    pvm_debug_info_t *const info = pvm_debug_info_create(&sections, code_len);
    FUZZ_CHECK(info != NULL);
    const size_t count = pvm_debug_info_range_count(info);
    FUZZ_CHECK(pvm_debug_info_problem(info) == NULL || count == 0);
    for (size_t i = 0; i < count; i++) {
        pvm_debug_range_t range;
        FUZZ_CHECK(pvm_debug_info_range(info, i, &range) == 0);
        FUZZ_CHECK(range.begin < range.end && range.end <= code_len);
        FUZZ_CHECK(pvm_debug_info_find_range(info, range.begin) == (int64_t)i);
    }
    pvm_debug_survey_t survey;
    pvm_debug_info_survey(info, &survey);
    FUZZ_CHECK(survey.covered <= code_len);
    FUZZ_CHECK(survey.regions <= survey.covered);
    look_up(info, code_len);
    pvm_debug_info_destroy(info);
    return 0;
}
