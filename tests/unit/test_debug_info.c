/* Debug info: ranges, line programs, inline stacks in regular and irregular shapes, limits, broken
 * sections. */
#include "program/debug_info.h"

#include "program/readers.h"
#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Offsets: 1 "f", 3 "g", 5 "a.c", 9 "ns", 12 "b.c", 16 not UTF-8, 18 "h"; 20 is cut off. */
#define STRINGS "00 0166 0167 03612e63 026e73 03622e63 01c3 0168 0561"

typedef struct {
    pvm_buffer_t strings;
    pvm_buffer_t lines;
    pvm_buffer_t ranges;
    pvm_debug_info_t *info;
} fixture_t;

static void open_sections(fixture_t *fixture, uint32_t code_len)
{
    const pvm_debug_sections_t sections = {
        .strings = {fixture->strings.data, fixture->strings.len, 1000},
        .lines = {fixture->lines.data, fixture->lines.len, 2000},
        .ranges = {fixture->ranges.data, fixture->ranges.len, 3000},
    };

    fixture->info = pvm_debug_info_create(&sections, code_len);
    assert_non_null(fixture->info);
}

static void close_sections(fixture_t *fixture)
{
    pvm_debug_info_destroy(fixture->info);
    pvm_buffer_free(&fixture->strings);
    pvm_buffer_free(&fixture->lines);
    pvm_buffer_free(&fixture->ranges);
}

static void add_range(fixture_t *fixture, uint32_t begin, uint32_t end, uint32_t program)
{
    pvm_buffer_append_le(&fixture->ranges, begin, 4);
    pvm_buffer_append_le(&fixture->ranges, end, 4);
    pvm_buffer_append_le(&fixture->ranges, program, 4);
}

/* One range [0, 100) with this line program. */
static void open_program(fixture_t *fixture, const char *program)
{
    *fixture = (fixture_t){0};
    blob_hex(&fixture->strings, STRINGS);
    blob_hex(&fixture->lines, "01");
    blob_hex(&fixture->lines, program);
    add_range(fixture, 0, 100, 1);
    open_sections(fixture, 100);
    assert_null(pvm_debug_info_problem(fixture->info));
}

/* "g b.c:7:3 decl a.c:5 | f ..." from inside out, or "-". */
static void describe(const pvm_debug_info_t *info, uint32_t pc, char *out, size_t out_bytes)
{
    static pvm_debug_stack_t stack;
    pvm_debug_walk_t walk = {0};
    size_t at = 0;

    if (!pvm_debug_info_find(info, &walk, pc, &stack)) {
        assert_int_equal(stack.depth, 0);
        (void)snprintf(out, out_bytes, "-");
        return;
    }
    assert_true(stack.begin <= pc && pc < stack.end);
    for (size_t i = 0; i < stack.depth; i++) {
        const pvm_debug_frame_t *const frame = &stack.frames[i];
        char name[64];
        (void)pvm_debug_function_name(&frame->function, name, sizeof(name));
        at += (size_t)snprintf(
            out + at, out_bytes - at, "%s%s %.*s:%u:%u decl %.*s:%u", i > 0 ? " | " : "", name,
            (int)frame->path.len, frame->path.len > 0 ? frame->path.data : "", frame->line,
            frame->column, (int)frame->function.path.len,
            frame->function.path.len > 0 ? frame->function.path.data : "", frame->function.line);
    }
}

static void assert_stack(const pvm_debug_info_t *info, uint32_t pc, const char *expected)
{
    char found[1024];

    describe(info, pc, found, sizeof(found));
    if (strcmp(found, expected) != 0) {
        fail_msg("pc %u\nexpected: %s\nfound:    %s", pc, expected, found);
    }
}

/* Frame `index` of a line program: Enter f at a.c:1, and so on. */
#define FRAME(index, kind, function, path, line)                                                   \
    "01" index kind "06" function "07" path "08" line "0900 "
#define ENTER "02"
#define CALL  "03"
#define LINE  "04"
#define F     "01"
#define G     "03"
#define A_C   "05"
#define B_C   "0c"

static void a_line_program_gives_regions_with_positions(void **state)
{
    fixture_t fixture;

    (void)state;
    /* f of a.c:14; then positions 16:13, 18:2, 17:26, 18:2 over 2, 6, 1 and 5 octets */
    open_program(&fixture, "0a02 02 0601 0705 080e 0101 04 0601 0705 0810 090d 0f02"
                           "0c02 0902 0f06  0d01 091a 0e  0b 0902 0f05 00");

    assert_stack(fixture.info, 0, "f a.c:16:13 decl a.c:14");
    assert_stack(fixture.info, 1, "f a.c:16:13 decl a.c:14");
    assert_stack(fixture.info, 2, "f a.c:18:2 decl a.c:14");
    assert_stack(fixture.info, 7, "f a.c:18:2 decl a.c:14");
    assert_stack(fixture.info, 8, "f a.c:17:26 decl a.c:14");
    assert_stack(fixture.info, 9, "f a.c:18:2 decl a.c:14");
    assert_stack(fixture.info, 13, "f a.c:18:2 decl a.c:14");
    assert_stack(fixture.info, 14, "-"); /* in the range, but the program has ended */
    assert_stack(fixture.info, 100, "-");
    close_sections(&fixture);
}

static void inline_stacks_of_regular_shape_are_read(void **state)
{
    static const struct {
        const char *frames;
        const char *depth;
        const char *expected;
    } cases[] = {
        {FRAME("00", ENTER, F, A_C, "01"), "0a01", "f a.c:0:0 decl a.c:1"},
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", LINE, F, A_C, "02"), "0a02",
         "f a.c:2:0 decl a.c:1"},
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", CALL, G, A_C, "02")
             FRAME("02", ENTER, G, B_C, "03") FRAME("03", LINE, G, B_C, "04"),
         "0a04", "g b.c:4:0 decl b.c:3 | f a.c:2:0 decl a.c:1"},
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", CALL, G, A_C, "02")
             FRAME("02", ENTER, G, B_C, "03"),
         "0a03", "g b.c:0:0 decl b.c:3 | f a.c:2:0 decl a.c:1"},
        /* f inlined into itself by the compiler */
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", CALL, F, A_C, "02")
             FRAME("02", ENTER, F, A_C, "01") FRAME("03", LINE, F, A_C, "04"),
         "0a04", "f a.c:4:0 decl a.c:1 | f a.c:2:0 decl a.c:1"},
        {"", "0a00", "-"},
        {FRAME("00", CALL, F, A_C, "01"), "0a01", "-"},
        /* no Enter at all: the name is still known */
        {FRAME("00", LINE, F, A_C, "07"), "0a01", "f a.c:7:0 decl a.c:0"},
        /* nothing but a name */
        {"02 0601", "0a01", "f :0:0 decl :0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fixture_t fixture;
        char program[512];
        (void)snprintf(program, sizeof(program), "%s %s 0f04 00", cases[i].frames, cases[i].depth);

        open_program(&fixture, program);

        assert_stack(fixture.info, 3, cases[i].expected);
        close_sections(&fixture);
    }
}

static void inline_stacks_of_irregular_shape_are_read(void **state)
{
    static const struct {
        const char *frames;
        const char *depth;
        const char *expected;
    } cases[] = {
        /* the linker inlined g into f: the line in front of g is the call site */
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", LINE, F, A_C, "02")
             FRAME("02", ENTER, G, B_C, "03") FRAME("03", LINE, G, B_C, "04"),
         "0a04", "g b.c:4:0 decl b.c:3 | f a.c:2:0 decl a.c:1"},
        /* two stacks, one behind the other: the second one counts */
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", CALL, G, A_C, "02")
             FRAME("02", ENTER, G, B_C, "03") FRAME("03", LINE, G, B_C, "04")
                 FRAME("04", ENTER, F, A_C, "01") FRAME("05", LINE, F, A_C, "06"),
         "0a06", "f a.c:6:0 decl a.c:1"},
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", ENTER, F, A_C, "01")
             FRAME("02", LINE, F, A_C, "03"),
         "0a03", "f a.c:3:0 decl a.c:1"},
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", LINE, F, A_C, "02")
             FRAME("02", ENTER, F, A_C, "01") FRAME("03", LINE, F, A_C, "04"),
         "0a04", "f a.c:4:0 decl a.c:1"},
        /* the top function again says nothing new */
        {FRAME("00", ENTER, F, A_C, "01") FRAME("01", CALL, G, A_C, "02")
             FRAME("02", ENTER, G, B_C, "03") FRAME("03", ENTER, G, B_C, "03")
                 FRAME("04", LINE, G, B_C, "05"),
         "0a05", "g b.c:5:0 decl b.c:3 | f a.c:2:0 decl a.c:1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fixture_t fixture;
        char program[512];
        (void)snprintf(program, sizeof(program), "%s %s 0f04 00", cases[i].frames, cases[i].depth);

        open_program(&fixture, program);

        assert_stack(fixture.info, 3, cases[i].expected);
        close_sections(&fixture);
    }
}

static void depth_changes_behind_a_region_and_frames_above_are_kept(void **state)
{
    fixture_t fixture;

    (void)state;
    /* octets 0..: depth 2 (one octet, then deeper: 10), 3 (two, then shallower: 13), 2 (one,
     * shallower: 12), 1 (two, then deeper: 11), 2 */
    open_program(&fixture, FRAME("00", ENTER, F, A_C, "01") FRAME("01", LINE, F, A_C, "02")
                               FRAME("02", ENTER, G, B_C, "03") "0a02 10 1302 12 1102 0e 00");

    assert_stack(fixture.info, 0, "f a.c:2:0 decl a.c:1");
    assert_stack(fixture.info, 1, "g b.c:0:0 decl b.c:3 | f a.c:2:0 decl a.c:1");
    assert_stack(fixture.info, 2, "g b.c:0:0 decl b.c:3 | f a.c:2:0 decl a.c:1");
    assert_stack(fixture.info, 3, "f a.c:2:0 decl a.c:1");
    assert_stack(fixture.info, 4, "f a.c:0:0 decl a.c:1");
    assert_stack(fixture.info, 5, "f a.c:0:0 decl a.c:1");
    assert_stack(fixture.info, 6, "f a.c:2:0 decl a.c:1");
    assert_stack(fixture.info, 7, "-");
    close_sections(&fixture);
}

static void depth_does_not_fall_below_zero(void **state)
{
    fixture_t fixture;

    (void)state;
    open_program(&fixture, FRAME("00", ENTER, F, A_C, "01") "12 12 10 0e 00");
    assert_stack(fixture.info, 0, "-");
    assert_stack(fixture.info, 2, "-");
    assert_stack(fixture.info, 3, "f a.c:0:0 decl a.c:1");
    close_sections(&fixture);
}

static void frames_above_the_limit_are_ignored(void **state)
{
    static pvm_debug_stack_t stack;
    fixture_t fixture;
    pvm_debug_walk_t walk = {0};

    (void)state;
    open_program(&fixture,
                 FRAME("00", ENTER, F, A_C, "01")
                     FRAME("40", ENTER, G, B_C, "03") "01f0ffffffff 0603 0af0ffffffff 11 05 0e 00");
    assert_true(pvm_debug_info_find(fixture.info, &walk, 0, &stack));
    assert_int_equal(stack.depth, 1);
    assert_stack(fixture.info, 5, "f a.c:0:0 decl a.c:1");
    close_sections(&fixture);
}

static void lines_wrap_around_at_32_bits(void **state)
{
    fixture_t fixture;

    (void)state;
    open_program(&fixture, "02 0601 0a02 0101 04 0d01 0e 0b 0e 0cf0ffffffff 0e 00");
    assert_stack(fixture.info, 0, "f :4294967295:0 decl :0");
    assert_stack(fixture.info, 1, "f :0:0 decl :0");
    assert_stack(fixture.info, 2, "f :4294967295:0 decl :0");
    close_sections(&fixture);
}

static void names_have_their_namespace_in_front(void **state)
{
    fixture_t fixture;
    pvm_debug_range_t range;
    char name[4];

    (void)state;
    open_program(&fixture, "02 0509 0601 0705 0808 0a01 0e 00");
    assert_int_equal(pvm_debug_info_range(fixture.info, 0, &range), 0);
    assert_int_equal(range.begin, 0);
    assert_int_equal(range.end, 100);
    assert_int_equal(range.function.line, 8);
    assert_stack(fixture.info, 0, "ns::f a.c:0:0 decl a.c:8");
    assert_int_equal(pvm_debug_function_name(&range.function, name, sizeof(name)), 5);
    assert_string_equal(name, "ns:");
    range.function.name_space.len = 0;
    range.function.name.len = 0;
    assert_int_equal(pvm_debug_function_name(&range.function, name, sizeof(name)), 0);
    assert_string_equal(name, "");
    assert_int_equal(pvm_debug_info_range(fixture.info, 1, &range), -1);
    assert_string_equal(pvm_last_error(), "there is no debug range 1");
    close_sections(&fixture);
}

static void strings_that_are_wrong_count_as_absent(void **state)
{
    fixture_t fixture;

    (void)state;
    open_program(&fixture, "02 0a01 0610 0e" /* not UTF-8 */
                           "0614 0e"         /* cut off */
                           "06 80c8 0e"      /* behind the section */
                           "06 f0ffffffff 0e"
                           "0612 0e 00");
    for (uint32_t pc = 0; pc < 4; pc++) {
        assert_stack(fixture.info, pc, " :0:0 decl :0");
    }
    assert_stack(fixture.info, 4, "h :0:0 decl :0");
    close_sections(&fixture);
}

static void a_string_over_the_limit_counts_as_absent(void **state)
{
    fixture_t fixture = {0};

    (void)state;
    blob_hex(&fixture.strings, "00");
    blob_natural(&fixture.strings, PVM_MAX_DEBUG_STRING + 1);
    for (int i = 0; i <= PVM_MAX_DEBUG_STRING; i++) {
        pvm_buffer_append(&fixture.strings, "x", 1);
    }
    blob_hex(&fixture.lines, "01 02 0601 0a01 0e 00");
    add_range(&fixture, 0, 1, 1);
    open_sections(&fixture, 1);
    assert_stack(fixture.info, 0, " :0:0 decl :0");
    close_sections(&fixture);
}

static void assert_survey(const pvm_debug_info_t *info, size_t regions, const char *problem)
{
    pvm_debug_survey_t survey;

    pvm_debug_info_survey(info, &survey);
    assert_int_equal(survey.regions, regions);
    if (problem == NULL) {
        assert_null(survey.problem);
        assert_int_equal(survey.broken, 0);
    } else {
        assert_non_null(survey.problem);
        assert_string_equal(survey.problem, problem);
        assert_int_equal(survey.broken, 1);
        assert_int_equal(survey.first_broken, 0);
    }
}

static void a_broken_line_program_keeps_what_came_before(void **state)
{
    static const struct {
        const char *tail;
        const char *problem;
    } cases[] = {
        {"14", "an operation is unknown"},
        {"ff", "an operation is unknown"},
        {"", "an operation is cut off or has a malformed number"},
        {"08", "an operation is cut off or has a malformed number"},
        {"0880", "an operation is cut off or has a malformed number"},
        {"088001 00", "an operation is cut off or has a malformed number"},
        {"08f100000000 00", "an operation is cut off or has a malformed number"},
        {"0f64 00", "a region reaches beyond its range"},
        {"0ff0ffffffff 00", "a region reaches beyond its range"},
        {"00", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fixture_t fixture;
        char program[128];
        (void)snprintf(program, sizeof(program), "02 0601 0a01 0e 0f00 %s", cases[i].tail);

        open_program(&fixture, program);

        assert_stack(fixture.info, 0, "f :0:0 decl :0");
        assert_stack(fixture.info, 1, "-");
        assert_survey(fixture.info, 1, cases[i].problem);
        close_sections(&fixture);
    }
}

static void operations_before_a_region_are_limited(void **state)
{
    for (int extra = 0; extra < 2; extra++) {
        fixture_t fixture = {0};
        blob_hex(&fixture.strings, STRINGS);
        blob_hex(&fixture.lines, "01 02 0a01 0601");
        for (int i = 4 - extra; i < PVM_MAX_DEBUG_REGION_OPS; i++) {
            blob_hex(&fixture.lines, "0b");
        }
        blob_hex(&fixture.lines, "0e 00");
        add_range(&fixture, 0, 1, 1);

        open_sections(&fixture, 1);

        (void)state;
        assert_stack(fixture.info, 0, extra ? "-" : "f :0:0 decl :508");
        assert_survey(fixture.info, extra ? 0 : 1, extra ? "there are too many operations" : NULL);
        close_sections(&fixture);
    }
}

static void operations_of_a_range_are_limited(void **state)
{
    const uint32_t code_len = PVM_MAX_DEBUG_RANGE_OPS + 1;
    fixture_t fixture = {0};

    (void)state;
    blob_hex(&fixture.strings, STRINGS);
    blob_hex(&fixture.lines, "01");
    for (uint32_t i = 0; i < code_len; i++) {
        pvm_buffer_append_le(&fixture.lines, 0x0e, 1);
    }
    blob_hex(&fixture.lines, "00");
    add_range(&fixture, 0, code_len, 1);
    open_sections(&fixture, code_len);
    assert_survey(fixture.info, PVM_MAX_DEBUG_RANGE_OPS, "there are too many operations");
    close_sections(&fixture);
}

static void ranges_may_have_gaps_and_are_found_by_pc(void **state)
{
    static const struct {
        uint32_t pc;
        int64_t range;
    } cases[] = {{0, -1},  {4, -1},  {5, 0},  {9, 0},  {10, 1},  {19, 1},
                 {20, -1}, {29, -1}, {30, 2}, {31, 2}, {32, -1}, {UINT32_MAX, -1}};
    fixture_t fixture = {0};

    (void)state;
    blob_hex(&fixture.strings, STRINGS);
    blob_hex(&fixture.lines, "01 02 0601 0a01 0f02 00 02 0603 0a01 0f02 00");
    add_range(&fixture, 5, 10, 1);
    add_range(&fixture, 10, 20, 9);
    add_range(&fixture, 30, 32, 1);
    open_sections(&fixture, 32);

    assert_null(pvm_debug_info_problem(fixture.info));
    assert_int_equal(pvm_debug_info_range_count(fixture.info), 3);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(pvm_debug_info_find_range(fixture.info, cases[i].pc), cases[i].range);
    }
    assert_stack(fixture.info, 6, "f :0:0 decl :0");
    assert_stack(fixture.info, 11,
                 "g :0:0 decl :0"); /* nothing is left over from the range before */
    assert_stack(fixture.info, 12, "-");
    assert_stack(fixture.info, 31, "f :0:0 decl :0");
    close_sections(&fixture);
}

static void broken_sections_are_dropped_with_a_reason(void **state)
{
    static const struct {
        const char *strings;
        const char *lines;
        const char *ranges;
        const char *problem;
    } cases[] = {
        {NULL, "01", "", "debug section 128 is missing"},
        {"00", NULL, "", "debug section 129 is missing"},
        {"00", "01", NULL, "debug section 130 is missing"},
        {"00", "02 00", "", "line programs (section 129) are not of version 1 at offset 2000"},
        {"00", "01 00", "00", "debug ranges (section 130) are cut off at offset 3001"},
        {"00", "01 00", "05000000 05000000 01000000",
         "debug range 0 (section 130) is empty or reversed at offset 3000"},
        {"00", "01 00", "05000000 04000000 01000000",
         "debug range 0 (section 130) is empty or reversed at offset 3000"},
        {"00", "01 00", "00000000 05000000 01000000 04000000 08000000 01000000",
         "debug range 1 (section 130) overlaps the one before or is out of order at offset 3012"},
        {"00", "01 00", "00000000 21000000 01000000",
         "debug range 0 (section 130) lies behind the code at offset 3000"},
        {"00", "01 00", "00000000 05000000 00000000",
         "debug range 0 (section 130) points outside the line programs at offset 3000"},
        {"00", "01 00", "00000000 05000000 02000000",
         "debug range 0 (section 130) points outside the line programs at offset 3000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fixture_t fixture = {0};
        const char *const parts[] = {cases[i].strings, cases[i].lines, cases[i].ranges};
        pvm_buffer_t *const buffers[] = {&fixture.strings, &fixture.lines, &fixture.ranges};
        for (int part = 0; part < 3; part++) {
            if (parts[part] != NULL) {
                blob_hex(buffers[part], "ff"); /* so that empty sections have an address */
                buffers[part]->len = 0;
                blob_hex(buffers[part], parts[part]);
            }
        }

        open_sections(&fixture, 32);

        assert_non_null(pvm_debug_info_problem(fixture.info));
        assert_string_equal(pvm_debug_info_problem(fixture.info), cases[i].problem);
        assert_int_equal(pvm_debug_info_range_count(fixture.info), 0);
        assert_stack(fixture.info, 0, "-");
        close_sections(&fixture);
    }
}

static void empty_line_programs_are_of_no_version(void **state)
{
    static const uint8_t none[1];
    const pvm_debug_sections_t sections = {{none, 0, 0}, {none, 0, 7}, {none, 0, 0}};
    pvm_debug_info_t *const info = pvm_debug_info_create(&sections, 1);

    (void)state;
    assert_string_equal(pvm_debug_info_problem(info),
                        "line programs (section 129) are not of version 1 at offset 7");
    pvm_debug_info_destroy(info);
}

static void no_debug_info_is_asked_without_harm(void **state)
{
    (void)state;
    assert_null(pvm_debug_info_problem(NULL));
    assert_int_equal(pvm_debug_info_range_count(NULL), 0);
    assert_int_equal(pvm_debug_info_find_range(NULL, 0), -1);
    assert_stack(NULL, 0, "-");
    pvm_debug_info_destroy(NULL);
}

static void broken_debug_info_does_not_break_the_program(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_container_begin(&blob, 2);
    blob_section_hex(&blob, 6, "00 00 01 00 01");
    blob_section_hex(&blob, 130, "0102");
    blob_container_end(&blob);
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_null(pvm_program_error(program));
    assert_string_equal(pvm_debug_info_problem(program->debug_info),
                        "debug section 128 is missing");
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static pvm_program_t *load_guest(const char *name)
{
    char path[128];
    pvm_buffer_t blob = {0};

    (void)snprintf(path, sizeof(path), "examples/guest/blobs/%s.polkavm", name);
    blob_load(&blob, path);
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    assert_non_null(program);
    assert_non_null(program->debug_info);
    pvm_buffer_free(&blob);
    return program;
}

static void a_kept_walk_finds_the_same_as_a_fresh_one(void **state)
{
    static pvm_debug_stack_t kept_stack;
    static pvm_debug_stack_t fresh_stack;
    pvm_program_t *const program = load_guest("recursive");
    pvm_debug_walk_t kept = {0};
    uint32_t pc = 0;

    (void)state;
    for (int i = 0; i < 4000; i++) {
        pvm_debug_walk_t fresh = {0};
        /* mostly upward, with jumps back */
        pc = i % 7 == 6 ? (pc * 31 + 17) % program->code.len : (pc + 3) % program->code.len;

        const bool kept_found = pvm_debug_info_find(program->debug_info, &kept, pc, &kept_stack);
        const bool fresh_found = pvm_debug_info_find(program->debug_info, &fresh, pc, &fresh_stack);

        assert_int_equal(kept_found, fresh_found);
        assert_int_equal(kept_stack.depth, fresh_stack.depth);
        assert_int_equal(kept_stack.begin, fresh_stack.begin);
        assert_int_equal(kept_stack.end, fresh_stack.end);
        for (size_t k = 0; k < kept_stack.depth; k++) {
            const pvm_debug_frame_t *const a = &kept_stack.frames[k];
            const pvm_debug_frame_t *const b = &fresh_stack.frames[k];
            assert_ptr_equal(a->function.name.data, b->function.name.data);
            assert_ptr_equal(a->path.data, b->path.data);
            assert_int_equal(a->function.line, b->function.line);
            assert_int_equal(a->line, b->line);
            assert_int_equal(a->column, b->column);
        }
    }
    pvm_program_release(program);
}

static void a_walk_that_met_its_end_does_not_show_later_frames_for_earlier_pcs(void **state)
{
    static pvm_debug_stack_t stack;
    fixture_t fixture;
    pvm_debug_walk_t walk = {0};

    (void)state;
    open_program(&fixture, "02 0601 0805 0a01 0f02 0603 0809 00");
    assert_true(pvm_debug_info_find(fixture.info, &walk, 0, &stack));
    assert_false(pvm_debug_info_find(fixture.info, &walk, 50, &stack));
    assert_true(pvm_debug_info_find(fixture.info, &walk, 1, &stack));
    assert_int_equal(stack.frames[0].function.line, 5);
    assert_memory_equal(stack.frames[0].function.name.data, "f", 1);
    close_sections(&fixture);
}

static void regions_of_a_linked_guest_fill_its_ranges_on_instruction_boundaries(void **state)
{
    pvm_program_t *const program = load_guest("format");
    const pvm_debug_info_t *const info = program->debug_info;
    size_t inlined = 0;

    (void)state;
    for (size_t i = 0; i < pvm_debug_info_range_count(info); i++) {
        pvm_debug_range_t range;
        pvm_debug_walk_t walk;
        uint32_t at = 0;
        assert_int_equal(pvm_debug_info_range(info, i, &range), 0);
        assert_true(range.function.name.len > 0);
        at = range.begin;
        pvm_debug_walk_begin(info, i, &walk);
        while (pvm_debug_walk_next(&walk)) {
            assert_int_equal(walk.begin, at);
            assert_true(pvm_isa_mask_at(&program->code, walk.begin));
            assert_int_equal(walk.frames[0].kind, PVM_DEBUG_FRAME_ENTER);
            inlined += walk.depth > 2;
            at = walk.end;
        }
        assert_null(walk.problem);
        assert_int_equal(at, range.end);
    }
    assert_true(inlined > 0);
    pvm_program_release(program);
}

static void a_linked_guest_names_function_file_and_line_of_its_entry(void **state)
{
    static pvm_debug_stack_t stack;
    pvm_program_t *const program = load_guest("quicksort");
    pvm_debug_walk_t walk = {0};
    uint32_t pc = 0;

    (void)state;
    assert_int_equal(pvm_program_find_entry(program, "main", &pc), 0);
    assert_true(pvm_debug_info_find(program->debug_info, &walk, pc, &stack));
    const pvm_debug_frame_t *const frame = &stack.frames[stack.depth - 1];
    assert_true(frame->function.name.len > 0);
    assert_true(frame->function.line > 0);
    assert_non_null(memmem(frame->function.path.data, frame->function.path.len, "quicksort.c",
                           strlen("quicksort.c")));
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_program_gives_regions_with_positions),
        cmocka_unit_test(inline_stacks_of_regular_shape_are_read),
        cmocka_unit_test(inline_stacks_of_irregular_shape_are_read),
        cmocka_unit_test(depth_changes_behind_a_region_and_frames_above_are_kept),
        cmocka_unit_test(depth_does_not_fall_below_zero),
        cmocka_unit_test(frames_above_the_limit_are_ignored),
        cmocka_unit_test(lines_wrap_around_at_32_bits),
        cmocka_unit_test(names_have_their_namespace_in_front),
        cmocka_unit_test(strings_that_are_wrong_count_as_absent),
        cmocka_unit_test(a_string_over_the_limit_counts_as_absent),
        cmocka_unit_test(a_broken_line_program_keeps_what_came_before),
        cmocka_unit_test(operations_before_a_region_are_limited),
        cmocka_unit_test(operations_of_a_range_are_limited),
        cmocka_unit_test(ranges_may_have_gaps_and_are_found_by_pc),
        cmocka_unit_test(broken_sections_are_dropped_with_a_reason),
        cmocka_unit_test(empty_line_programs_are_of_no_version),
        cmocka_unit_test(no_debug_info_is_asked_without_harm),
        cmocka_unit_test(broken_debug_info_does_not_break_the_program),
        cmocka_unit_test(a_kept_walk_finds_the_same_as_a_fresh_one),
        cmocka_unit_test(a_walk_that_met_its_end_does_not_show_later_frames_for_earlier_pcs),
        cmocka_unit_test(regions_of_a_linked_guest_fill_its_ranges_on_instruction_boundaries),
        cmocka_unit_test(a_linked_guest_names_function_file_and_line_of_its_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
