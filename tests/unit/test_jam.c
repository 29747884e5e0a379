/* JAM standard programs: with and without metadata, start layout, refusals, metadata for people. */
#include "program/readers.h"

#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CODE "2805000000 28010000 00" /* two dispatch jumps and a trap */
#define MASK "21 02"

typedef struct {
    uint32_t ro_len;
    uint32_t rw_len;
    uint32_t heap_pages;
    uint32_t stack_len;
} sizes_t;

static void append_program(pvm_buffer_t *blob, sizes_t sizes, const char *code, const char *mask)
{
    pvm_buffer_t inner = {0};

    blob_raw(&inner, code, mask);
    pvm_buffer_append_le(blob, sizes.ro_len, 3);
    pvm_buffer_append_le(blob, sizes.rw_len, 3);
    pvm_buffer_append_le(blob, sizes.heap_pages, 2);
    pvm_buffer_append_le(blob, sizes.stack_len, 3);
    for (uint32_t i = 0; i < sizes.ro_len; i++) {
        pvm_buffer_append_le(blob, 0xa0, 1);
    }
    for (uint32_t i = 0; i < sizes.rw_len; i++) {
        pvm_buffer_append_le(blob, 0xb0, 1);
    }
    pvm_buffer_append_le(blob, inner.len, 4);
    pvm_buffer_append(blob, inner.data, inner.len);
    pvm_buffer_free(&inner);
}

static pvm_program_t *load(const pvm_buffer_t *blob, pvm_format_t format)
{
    return pvm_program_load(blob->data, blob->len, format, PVM_SPEC_DEFAULT);
}

static void a_program_without_metadata_is_recognised(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){5, 3, 2, 8192}, CODE, MASK);
    assert_int_equal(pvm_program_detect(blob.data, blob.len), PVM_FILE_JAM);
    pvm_program_t *const program = load(&blob, PVM_FORMAT_AUTO);

    assert_non_null(program);
    assert_null(pvm_program_error(program));
    assert_int_equal(pvm_program_format(program), PVM_FORMAT_JAM);
    assert_int_equal(pvm_program_spec(program), PVM_SPEC_0_8_0);
    assert_null(program->metadata);
    assert_int_equal(program->code.len, 10);
    assert_int_equal(pvm_program_export_count(program), 0);
    uint32_t pc = 0;
    assert_int_equal(pvm_program_find_entry(program, "accumulate", &pc), 0);
    assert_int_equal(pc, 5);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void the_start_layout_is_that_of_the_gray_paper(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){0x10001, 4097, 3, 5000}, CODE, MASK);
    pvm_program_t *const program = load(&blob, PVM_FORMAT_JAM);
    assert_non_null(program);
    const pvm_layout_t *const layout = &program->layout;

    const pvm_region_t *const ro = &layout->regions[PVM_REGION_RO];
    assert_int_equal(ro->address, 0x10000);
    assert_int_equal(ro->data_len, 0x10001);
    assert_int_equal(ro->mapped_len, 0x11000);
    assert_int_equal(ro->data[0x10000], 0xa0);
    assert_int_equal(ro->access, PVM_ACCESS_READ);
    const pvm_region_t *const rw = &layout->regions[PVM_REGION_RW];
    assert_int_equal(rw->address, 0x40000); /* 0x20000 + two zones of read-only data */
    assert_int_equal(rw->data_len, 4097);
    assert_int_equal(rw->mapped_len, 0x2000 + 0x3000);
    assert_int_equal(rw->data[4096], 0xb0);
    assert_int_equal(rw->access, PVM_ACCESS_WRITE);
    const pvm_region_t *const stack = &layout->regions[PVM_REGION_STACK];
    assert_int_equal(stack->address, 0xfefe0000 - 0x2000);
    assert_int_equal(stack->mapped_len, 0x2000);
    assert_int_equal(stack->data_len, 0);
    assert_int_equal(stack->access, PVM_ACCESS_WRITE);
    assert_int_equal(layout->heap_start, 0x45000);
    assert_int_equal(layout->heap_end_max, 0xfefd0000 - 0x2000);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        const uint64_t expected = i == 0   ? 0xffff0000
                                  : i == 1 ? 0xfefe0000
                                  : i == 7 ? 0xfeff0000
                                           : 0;
        assert_int_equal(layout->registers[i], expected);
    }
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void regions_of_no_octets_are_not_mapped(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){0}, CODE, MASK);
    pvm_program_t *const program = load(&blob, PVM_FORMAT_AUTO);

    assert_non_null(program);
    for (int i = 0; i < PVM_REGION_COUNT; i++) {
        assert_int_equal(program->layout.regions[i].mapped_len, 0);
        assert_null(program->layout.regions[i].data);
    }
    assert_int_equal(program->layout.heap_start, 0x20000);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void the_largest_sizes_load(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){0xffffff, 0xffffff, 0xffff, 0xffffff}, CODE, MASK);
    pvm_program_t *const program = load(&blob, PVM_FORMAT_AUTO);

    assert_non_null(program);
    assert_int_equal(program->layout.heap_start, 0x20000 + 0x1000000 + 0x1000000 + 0xffff000);
    assert_true(program->layout.heap_start < program->layout.heap_end_max);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void metadata_in_front_is_found_by_exact_consumption(void **state)
{
    static const char *const texts[] = {"", "a service", "{ 123 }", "program 0x00"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        pvm_buffer_t blob = {0};
        blob_string(&blob, texts[i]);
        append_program(&blob, (sizes_t){1, 1, 0, 0}, CODE, MASK);

        for (int format = PVM_FORMAT_AUTO; format <= PVM_FORMAT_JAM; format += PVM_FORMAT_JAM) {
            pvm_program_t *const program = load(&blob, (pvm_format_t)format);

            assert_non_null(program);
            assert_int_equal(pvm_program_format(program), PVM_FORMAT_JAM);
            assert_int_equal(program->metadata_len, strlen(texts[i]));
            assert_memory_equal(program->metadata, texts[i], strlen(texts[i]));
            assert_ptr_equal(program->metadata, program->blob + 1);
            pvm_program_release(program);
        }
        pvm_buffer_free(&blob);
    }
}

/* Removes or adds octets at the end, and expects a refusal that names this place. */
static void refuses(const pvm_buffer_t *blob, size_t len, const char *reason)
{
    uint8_t *const cut = malloc(len + 1);

    assert_non_null(cut);
    memcpy(cut, blob->data, len < blob->len ? len : blob->len);
    cut[len < blob->len ? len : blob->len] = 0x55;
    assert_null(pvm_program_load(cut, len, PVM_FORMAT_JAM, PVM_SPEC_DEFAULT));
    if (strstr(pvm_last_error(), reason) == NULL) {
        fail_msg("expected: %s\nfound: %s", reason, pvm_last_error());
    }
    assert_null(pvm_program_load(cut, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
    free(cut);
}

static void broken_containers_are_refused_with_field_and_offset(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){2, 3, 0, 0}, CODE, MASK);
    refuses(&blob, 0,
            "JAM program: without metadata the read-only data length is cut off at offset 0, "
            "with metadata the metadata length is cut off at offset 0; build it again");
    refuses(&blob, 7, "the number of heap pages is cut off at offset 6");
    refuses(&blob, 9, "the stack size is cut off at offset 8");
    refuses(&blob, 12, "the read-only data is cut off at offset 11");
    refuses(&blob, 14, "the read-write data is cut off at offset 13");
    refuses(&blob, 18, "the program blob length is cut off at offset 16");
    refuses(&blob, blob.len - 1, "the program blob is cut off at offset 20");
    refuses(&blob, blob.len + 1,
            "the program blob is followed by octets that belong to nothing at offset 35");
    assert_non_null(strstr(pvm_last_error(), "offset"));
    pvm_buffer_free(&blob);
}

static void the_metadata_reading_is_reported_too(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_string(&blob, "some service");
    append_program(&blob, (sizes_t){0, 0, 0, 0}, CODE, MASK);
    refuses(&blob, blob.len - 1, "with metadata the program blob is cut off at offset 28");
    refuses(&blob, 20, "with metadata the number of heap pages is cut off at offset 19");
    pvm_buffer_free(&blob);
}

static void metadata_that_is_cut_off_is_reported(void **state)
{
    static const uint8_t octets[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0,    0,    0,    0,    0,    0,    0};

    (void)state;
    assert_null(pvm_program_load(octets, sizeof(octets), PVM_FORMAT_JAM, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "with metadata the metadata is cut off at offset 9"));
    assert_null(pvm_program_load(octets, 1, PVM_FORMAT_JAM, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "with metadata the metadata length is cut off"));
}

static void a_malformed_inner_blob_breaks_the_container(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){0}, CODE, "21 12"); /* a bit behind the code */
    refuses(&blob, blob.len,
            "the last octet of the opcode bitmask has bits set behind the code at offset 29");
    pvm_buffer_free(&blob);
}

static void an_inner_blob_that_does_not_validate_is_an_invalid_program(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    append_program(&blob, (sizes_t){0}, "3307d204", "01");
    pvm_program_t *const program = load(&blob, PVM_FORMAT_JAM);

    assert_non_null(program);
    assert_non_null(strstr(pvm_program_error(program), "not a valid program of GP 0.8.0"));
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void the_spec_of_a_jam_program_is_guessed_from_its_inner_blob(void **state)
{
    pvm_buffer_t blob = {0};
    bool guessed = false;

    (void)state;
    blob_string(&blob, "x");
    append_program(&blob, (sizes_t){0}, "650000", "05"); /* sbrk, or count_set_bits_64 */
    assert_int_equal(pvm_program_guess_spec(blob.data, blob.len, PVM_FORMAT_AUTO, &guessed),
                     PVM_SPEC_0_7_2);
    assert_true(guessed);
    assert_int_equal(pvm_program_guess_spec(blob.data, blob.len, PVM_FORMAT_JAM, NULL),
                     PVM_SPEC_0_7_2);
    pvm_buffer_free(&blob);
}

static void assert_text(pvm_octets_t text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
}

static void conventional_metadata_is_taken_apart(void **state)
{
    pvm_buffer_t data = {0};
    pvm_metadata_t found;

    (void)state;
    pvm_buffer_append_le(&data, 0, 1);
    blob_string(&data, "jam-game-of-life");
    blob_string(&data, "0.1.0");
    blob_string(&data, "Apache-2.0");
    blob_natural(&data, 2);
    blob_string(&data, "Ada <ada@example.org>");
    blob_string(&data, "J\xc3\xbcrgen");
    pvm_program_decode_metadata(data.data, data.len, &found);

    assert_int_equal(found.kind, PVM_METADATA_CONVENTIONAL);
    assert_text(found.name, "jam-game-of-life");
    assert_text(found.version, "0.1.0");
    assert_text(found.license, "Apache-2.0");
    assert_int_equal(found.author_count, 2);
    assert_text(found.authors[0], "Ada <ada@example.org>");
    assert_text(found.authors[1], "J\xc3\xbcrgen");
    assert_int_equal(found.text.len, data.len);
    pvm_buffer_free(&data);
}

static void authors_over_the_limit_are_counted_only(void **state)
{
    pvm_buffer_t data = {0};
    pvm_metadata_t found;

    (void)state;
    blob_hex(&data, "00 00 00 00");
    blob_natural(&data, PVM_MAX_METADATA_AUTHORS + 1);
    for (int i = 0; i <= PVM_MAX_METADATA_AUTHORS; i++) {
        blob_string(&data, "a");
    }
    pvm_program_decode_metadata(data.data, data.len, &found);

    assert_int_equal(found.kind, PVM_METADATA_CONVENTIONAL);
    assert_int_equal(found.author_count, PVM_MAX_METADATA_AUTHORS + 1);
    assert_text(found.authors[PVM_MAX_METADATA_AUTHORS - 1], "a");
    pvm_buffer_free(&data);
}

static void other_metadata_is_text_or_opaque(void **state)
{
    static const struct {
        const char *octets;
        pvm_metadata_kind_t kind;
    } cases[] = {
        {"", PVM_METADATA_NONE},
        {"61 64 64 2e 6a 61 6d", PVM_METADATA_TEXT},
        {"c3bc", PVM_METADATA_TEXT},
        {"c3", PVM_METADATA_OPAQUE},     /* half a character */
        {"eda080", PVM_METADATA_OPAQUE}, /* a surrogate */
        {"c080", PVM_METADATA_OPAQUE},   /* a NUL in a longer form */
        {"e08080", PVM_METADATA_OPAQUE},
        {"f0808080", PVM_METADATA_OPAQUE},
        {"f4908080", PVM_METADATA_OPAQUE}, /* above U+10FFFF */
        {"f48fbfbf", PVM_METADATA_TEXT},
        {"6162 07", PVM_METADATA_OPAQUE},
        {"00 0161 0162 0163", PVM_METADATA_OPAQUE}, /* no authors */
        {"00 0161 0162 0163 00", PVM_METADATA_CONVENTIONAL},
        {"00 0161 0162 0163 00 00", PVM_METADATA_OPAQUE},
        {"00 01c3 0162 0163 00", PVM_METADATA_OPAQUE},
        {"00 0161 0162 0163 ffffffffffffffffff", PVM_METADATA_OPAQUE},
        {"01 0161 0162 0163 00", PVM_METADATA_OPAQUE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pvm_buffer_t data = {0};
        pvm_metadata_t found;
        blob_hex(&data, cases[i].octets);

        pvm_program_decode_metadata(data.data, data.len, &found);

        if (found.kind != cases[i].kind) {
            fail_msg("%s: kind %d", cases[i].octets, found.kind);
        }
        assert_int_equal(found.text.len, data.len);
        pvm_buffer_free(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_without_metadata_is_recognised),
        cmocka_unit_test(the_start_layout_is_that_of_the_gray_paper),
        cmocka_unit_test(regions_of_no_octets_are_not_mapped),
        cmocka_unit_test(the_largest_sizes_load),
        cmocka_unit_test(metadata_in_front_is_found_by_exact_consumption),
        cmocka_unit_test(broken_containers_are_refused_with_field_and_offset),
        cmocka_unit_test(the_metadata_reading_is_reported_too),
        cmocka_unit_test(metadata_that_is_cut_off_is_reported),
        cmocka_unit_test(a_malformed_inner_blob_breaks_the_container),
        cmocka_unit_test(an_inner_blob_that_does_not_validate_is_an_invalid_program),
        cmocka_unit_test(the_spec_of_a_jam_program_is_guessed_from_its_inner_blob),
        cmocka_unit_test(conventional_metadata_is_taken_apart),
        cmocka_unit_test(authors_over_the_limit_are_counted_only),
        cmocka_unit_test(other_metadata_is_text_or_opaque),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
