/* PolkaVM containers: versions, sections, imports, exports, memory map, refusals; the guests of
 * this repository. */
#include "program/debug_info.h"
#include "program/readers.h"

#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CODE     "00 00 0a 330701000000000000 00 0102" /* r7 = 1; trap */
#define CODE_LEN 10

static pvm_program_t *load(const pvm_buffer_t *blob, pvm_spec_t spec)
{
    return pvm_program_load(blob->data, blob->len, PVM_FORMAT_AUTO, spec);
}

/* A whole container from hexadecimal payloads; NULL leaves a section out. */
static void make(pvm_buffer_t *blob, uint8_t version, const char *const sections[7])
{
    blob_container_begin(blob, version);
    for (uint8_t id = 1; id < 7; id++) {
        if (sections[id] != NULL) {
            blob_section_hex(blob, id, sections[id]);
        }
    }
    blob_container_end(blob);
}

static void assert_refused(const pvm_buffer_t *blob, const char *reason)
{
    static const pvm_format_t formats[] = {PVM_FORMAT_AUTO, PVM_FORMAT_POLKAVM};

    for (int i = 0; i < 2; i++) {
        if (pvm_program_load(blob->data, blob->len, formats[i], PVM_SPEC_DEFAULT) != NULL) {
            fail_msg("loaded; expected: %s", reason);
        }
        if (strstr(pvm_last_error(), reason) == NULL) {
            fail_msg("expected: %s\nfound: %s", reason, pvm_last_error());
        }
    }
}

static void the_version_octet_gives_the_spec(void **state)
{
    static const struct {
        uint8_t version;
        pvm_spec_t spec;
        bool is_32_bit;
    } cases[] = {
        {0, PVM_SPEC_0_7_2, false},
        {1, PVM_SPEC_LATEST64, true},
        {2, PVM_SPEC_LATEST64, false},
        {3, PVM_SPEC_0_8_0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *const sections[7] = {[6] = CODE};
        pvm_buffer_t blob = {0};
        bool guessed = true;
        make(&blob, cases[i].version, sections);

        for (int spec = PVM_SPEC_DEFAULT; spec <= PVM_SPEC_LATEST64; spec++) {
            pvm_program_t *const program = load(&blob, (pvm_spec_t)spec);
            if (spec != PVM_SPEC_DEFAULT && spec != (int)cases[i].spec) {
                assert_null(program);
                assert_non_null(strstr(pvm_last_error(), "at offset 4 means spec "));
                continue;
            }
            assert_non_null(program);
            assert_null(pvm_program_error(program));
            assert_int_equal(pvm_program_format(program), PVM_FORMAT_POLKAVM);
            assert_int_equal(pvm_program_spec(program), cases[i].spec);
            assert_int_equal(program->is_32_bit, cases[i].is_32_bit);
            assert_int_equal(program->code.len, CODE_LEN);
            pvm_program_release(program);
        }
        assert_int_equal(pvm_program_guess_spec(blob.data, blob.len, PVM_FORMAT_AUTO, &guessed),
                         cases[i].spec);
        assert_false(guessed);
        pvm_buffer_free(&blob);
    }
}

static void the_memory_map_is_that_of_polkavm(void **state)
{
    /* 0x10001 octets of read-only data, 5000 of read-write data, 0x11000 of stack */
    const char *const sections[7] = {
        [1] = "c10100 9388 c10010", [2] = "aabb", [3] = "cc", [6] = CODE};
    pvm_buffer_t blob = {0};

    (void)state;
    make(&blob, 2, sections);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);
    assert_non_null(program);
    const pvm_layout_t *const layout = &program->layout;

    const pvm_region_t *const ro = &layout->regions[PVM_REGION_RO];
    assert_int_equal(ro->address, 0x10000);
    assert_int_equal(ro->mapped_len, 0x11000);
    assert_int_equal(ro->data_len, 2);
    assert_memory_equal(ro->data, "\xaa\xbb", 2);
    assert_int_equal(ro->access, PVM_ACCESS_READ);
    const pvm_region_t *const rw = &layout->regions[PVM_REGION_RW];
    assert_int_equal(rw->address, 0x40000);
    assert_int_equal(rw->mapped_len, 0x2000);
    assert_int_equal(rw->data_len, 1);
    assert_int_equal(rw->access, PVM_ACCESS_WRITE);
    const pvm_region_t *const stack = &layout->regions[PVM_REGION_STACK];
    assert_int_equal(stack->address, 0xfffe0000 - 0x11000);
    assert_int_equal(stack->mapped_len, 0x11000);
    assert_int_equal(stack->data_len, 0);
    assert_int_equal(layout->heap_start, 0x40000 + 5000);
    /* the stack takes two zones of 2^16, and one more stays free below it */
    assert_int_equal(layout->heap_end_max, 0xfffe0000 - 0x30000);
    assert_true(layout->registers[0] == 0xffff0000);
    assert_true(layout->registers[1] == 0xfffe0000);
    for (int i = 2; i < PVM_REGISTER_COUNT; i++) {
        assert_true(layout->registers[i] == 0);
    }
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void a_32_bit_program_starts_with_sign_extended_registers(void **state)
{
    const char *const sections[7] = {[6] = CODE};
    pvm_buffer_t blob = {0};

    (void)state;
    make(&blob, 1, sections);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_true(program->layout.registers[0] == UINT64_C(0xffffffffffff0000));
    assert_true(program->layout.registers[1] == UINT64_C(0xfffffffffffe0000));
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void the_whole_address_space_can_be_asked_for_but_not_more(void **state)
{
    static const char *const fits[] = {"f00000fbff 00 00", "00 f00000fbff 00", "00 00 f00000fbff"};
    static const char *const too_large[] = {"f00100fbff 00 00", "f00000fbff 01 00",
                                            "f00000fbff 00 01", "f0ffffffff f0ffffffff f0ffffffff"};

    (void)state;
    for (size_t i = 0; i < sizeof(fits) / sizeof(*fits); i++) {
        const char *const sections[7] = {[1] = fits[i], [6] = CODE};
        pvm_buffer_t blob = {0};
        make(&blob, 2, sections);
        pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);
        assert_non_null(program);
        pvm_program_release(program);
        pvm_buffer_free(&blob);
    }
    for (size_t i = 0; i < sizeof(too_large) / sizeof(*too_large); i++) {
        const char *const sections[7] = {[1] = too_large[i], [6] = CODE};
        pvm_buffer_t blob = {0};
        make(&blob, 2, sections);
        assert_refused(&blob, "the memory section asks for more than the address space at offset ");
        pvm_buffer_free(&blob);
    }
}

static void imports_keep_their_numbers_even_when_empty(void **state)
{
    /* "", "", "read", "" and "log" */
    const char *const sections[7] = {
        [4] = "05 00000000 00000000 00000000 04000000 04000000 72656164 6c6f67", [6] = CODE};
    static const char *const expected[] = {"", "", "read", "", "log"};
    pvm_buffer_t blob = {0};

    (void)state;
    make(&blob, 2, sections);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_int_equal(program->import_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(pvm_program_import(program, i), expected[i]);
    }
    assert_null(pvm_program_import(program, 5));
    assert_string_equal(pvm_host_call_name(program, 2), "read");
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void exports_are_entry_points_by_name(void **state)
{
    const char *const sections[7] = {[5] = "02 00 046d61696e 09 03 61 00 0a", [6] = CODE};
    pvm_buffer_t blob = {0};
    uint32_t pc = 0;

    (void)state;
    make(&blob, 2, sections);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_int_equal(pvm_program_export_count(program), 2);
    assert_string_equal(pvm_program_export(program, 0, &pc), "main");
    assert_int_equal(pc, 0);
    assert_string_equal(pvm_program_export(program, 1, &pc), "a\\0\n"); /* NUL is spelt out */
    assert_int_equal(pc, 9);
    assert_int_equal(pvm_program_find_entry(program, "main", &pc), 0);
    assert_int_equal(pvm_program_find_entry(program, "refine", &pc), -1);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void a_jump_table_without_width_is_empty(void **state)
{
    const char *const sections[7] = {[6] = "03 00 01 00 01"};
    pvm_buffer_t blob = {0};

    (void)state;
    make(&blob, 0, sections);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_int_equal(program->jump_table_len, 0);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void unknown_optional_sections_are_passed_over(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_container_begin(&blob, 2);
    blob_section_hex(&blob, 6, CODE);
    blob_section_hex(&blob, 200, "0102");
    blob_section_hex(&blob, 131, "");
    blob_container_end(&blob);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_null(program->debug_info);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void a_program_that_does_not_validate_is_held_as_invalid(void **state)
{
    const char *const sections[7] = {[6] = "00 00 03 330701 01"};
    pvm_buffer_t blob = {0};

    (void)state;
    make(&blob, 3, sections);
    pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_non_null(strstr(pvm_program_error(program), "not a valid program of GP 0.8.0"));
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void a_broken_section_is_refused_with_field_and_offset(void **state)
{
    static const struct {
        const char *sections[7];
        const char *reason;
    } cases[] = {
        {{[1] = "", [6] = CODE}, "the read-only data size is cut off at offset 15"},
        {{[1] = "00", [6] = CODE}, "the read-write data size is cut off at offset 16"},
        {{[1] = "00 00", [6] = CODE}, "the stack size is cut off at offset 17"},
        {{[1] = "00 00 00 00", [6] = CODE},
         "the memory section is followed by octets that belong to nothing at offset 18"},
        {{[1] = "f100000000 00 00", [6] = CODE},
         "the read-only data size is a number of more than 32 bits at offset 15"},
        {{[1] = "01 00 00", [2] = "aabb", [6] = CODE},
         "the read-only data is longer than its declared size at offset 20"},
        {{[3] = "aa", [6] = CODE},
         "the read-write data is longer than its declared size at offset 15"},
        {{[4] = "", [6] = CODE}, "the number of imports is cut off at offset 15"},
        {{[4] = "8401", [6] = CODE}, "the number of imports is above 1024 at offset 15"},
        {{[4] = "02 00000000 0000", [6] = CODE},
         "the table of import symbols is cut off at offset 16"},
        {{[4] = "02 01000000 00000000 61", [6] = CODE},
         "an import symbol does not lie between its neighbours in the section at offset 16"},
        {{[4] = "01 02000000 61", [6] = CODE},
         "an import symbol does not lie between its neighbours in the section at offset 16"},
        {{[5] = "", [6] = CODE}, "the number of exports is cut off at offset 15"},
        {{[5] = "02 00 00", [6] = CODE},
         "the number of exports is above 65536 or more than the section holds at offset 15"},
        {{[5] = "01 0a 00", [6] = CODE},
         "the code offset of an export lies behind the code at offset 16"},
        {{[5] = "01 80 00", [6] = CODE},
         "the code offset of an export is a number that is not in its shortest form at offset 16"},
        {{[5] = "01 00 8000", [6] = CODE},
         "the name length of an export is a number that is not in its shortest form at offset 17"},
        {{[5] = "01 00 02 61", [6] = CODE}, "the name of an export is cut off at offset 18"},
        {{[5] = "01 00 00 00", [6] = CODE},
         "the last export is followed by octets that belong to nothing at offset 18"},
        {{[6] = ""}, "the number of jump table entries is cut off at offset 15"},
        {{[6] = "00 00 02 00"}, "the code is cut off at offset 18"},
        {{[6] = "00 00 01 00 01 00"},
         "the opcode bitmask is followed by octets that belong to nothing at offset 20"},
        {{[6] = "00 00 01 00 81"},
         "the last octet of the opcode bitmask has bits set behind the code at offset 19"},
        {{[6] = "01 05 01 0000000000 00 01"},
         "the width of jump table entries is above 4 at offset 15"},
        {{[6] = "e1010000 00 01 00 01"},
         "the number of jump table entries is above 2^24 at offset 15"},
        {{NULL}, "the code section is missing at offset 14"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pvm_buffer_t blob = {0};
        make(&blob, 2, cases[i].sections);
        assert_refused(&blob, cases[i].reason);
        assert_non_null(strstr(pvm_last_error(), "PolkaVM container: "));
        pvm_buffer_free(&blob);
    }
}

static void code_over_32_mib_is_refused(void **state)
{
    const uint32_t len = (UINT32_C(32) << 20) + 1;
    pvm_buffer_t payload = {0};
    pvm_buffer_t blob = {0};

    (void)state;
    blob_hex(&payload, "00 00");
    blob_natural(&payload, len);
    pvm_buffer_append_zeros(&payload, len + (len + 7) / 8);
    blob_container_begin(&blob, 2);
    blob_section(&blob, 6, payload.data, payload.len);
    blob_container_end(&blob);

    assert_refused(&blob, "the code length is above 32 MiB at offset 18");
    pvm_buffer_free(&payload);
    pvm_buffer_free(&blob);
}

static void a_broken_frame_is_refused_with_field_and_offset(void **state)
{
    static const struct {
        const char *octets; /* behind the magic number; the file length is 0 and set by the test */
        const char *reason;
    } cases[] = {
        {"", "no magic number \"PVM\\0\" and version at offset 0"},
        {"04 0000000000000000 06", "version 4 at offset 4 is unknown"},
        {"02 00000000000000", "the file length is cut off at offset 5"},
        {"02 0000000000000000", "a section number is cut off at offset 13"},
        {"02 0000000000000000 07 00 00",
         "a section number is unknown and not optional at offset 13"},
        {"02 0000000000000000 06 05 0000010001 06 05 0000010001 00",
         "a section number is repeated or out of order at offset 20"},
        {"02 0000000000000000 06 05 0000010001 05 00 00",
         "a section number is repeated or out of order at offset 20"},
        {"02 0000000000000000 c8 00 06 05 0000010001 00",
         "a section number is repeated or out of order at offset 15"},
        {"02 0000000000000000 06", "a section length is cut off at offset 14"},
        {"02 0000000000000000 06 8001", "a section length is a number that is not in its shortest"},
        {"02 0000000000000000 06 06 0000010001", "a section is cut off at offset 15"},
        {"02 0000000000000000 06 05 0000010001", "a section number is cut off at offset 20"},
        {"02 0000000000000000 06 05 0000010001 00 00",
         "the end section is followed by octets that belong to nothing at offset 21"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pvm_buffer_t blob = {0};
        blob_hex(&blob, "50564d00");
        blob_hex(&blob, cases[i].octets);
        if (blob.len > 12) {
            blob.data[5] = (uint8_t)blob.len;
        }
        assert_refused(&blob, cases[i].reason);
        pvm_buffer_free(&blob);
    }
}

static void a_wrong_file_length_is_refused(void **state)
{
    const char *const sections[7] = {[6] = CODE};
    pvm_buffer_t blob = {0};

    (void)state;
    make(&blob, 2, sections);
    blob.data[5]++;
    assert_refused(&blob, "the file length is not that of this file at offset 5");
    blob.data[5]--;
    blob.data[12] = 1;
    assert_refused(&blob, "the file length is not that of this file at offset 5");
    pvm_buffer_free(&blob);
}

static void another_kind_of_file_is_no_container(void **state)
{
    (void)state;
    assert_null(pvm_program_load((const uint8_t *)"PVM", 3, PVM_FORMAT_POLKAVM, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "no magic number"));
    assert_null(
        pvm_program_load((const uint8_t *)"ELF\0\2", 5, PVM_FORMAT_POLKAVM, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "no magic number"));
    assert_int_equal(
        pvm_program_guess_spec((const uint8_t *)"PVM\0\7", 5, PVM_FORMAT_POLKAVM, NULL),
        PVM_SPEC_0_8_0);
}

static void every_truncation_of_a_real_container_is_refused(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_load(&blob, "examples/guest/blobs/sieve.polkavm");
    for (size_t len = 4; len < blob.len; len++) {
        uint8_t *const cut = malloc(len);
        assert_non_null(cut);
        memcpy(cut, blob.data, len);
        assert_null(pvm_program_load(cut, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
        if (len >=
            13) { /* with the length put right, only the loss of whole debug sections is harmless */
            for (unsigned i = 0; i < 8; i++) {
                cut[5 + i] = (uint8_t)((uint64_t)len >> (8 * i));
            }
            pvm_program_release(pvm_program_load(cut, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
        }
        free(cut);
    }
    pvm_buffer_free(&blob);
}

static void the_guests_of_this_repository_load(void **state)
{
    static const char *const guests[] = {"blake2b",   "format",    "interp", "matmul",
                                         "quicksort", "recursive", "sha256", "sieve"};

    (void)state;
    for (size_t i = 0; i < sizeof(guests) / sizeof(*guests); i++) {
        for (int older = 0; older < 2; older++) {
            char path[128];
            pvm_buffer_t blob = {0};
            uint32_t pc = 0;
            (void)snprintf(path, sizeof(path), "examples/guest/blobs/%s%s.polkavm", guests[i],
                           older ? "-0.7.2" : "");
            blob_load(&blob, path);

            pvm_program_t *const program = load(&blob, PVM_SPEC_DEFAULT);

            if (program == NULL || pvm_program_error(program) != NULL) {
                fail_msg("%s: %s", path, pvm_last_error());
            }
            assert_int_equal(pvm_program_spec(program), older ? PVM_SPEC_0_7_2 : PVM_SPEC_0_8_0);
            assert_int_equal(pvm_program_find_entry(program, "main", &pc), 0);
            assert_null(pvm_debug_info_problem(program->debug_info));
            assert_true(pvm_debug_info_range_count(program->debug_info) > 0);
            pvm_program_release(program);
            pvm_buffer_free(&blob);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_octet_gives_the_spec),
        cmocka_unit_test(the_memory_map_is_that_of_polkavm),
        cmocka_unit_test(a_32_bit_program_starts_with_sign_extended_registers),
        cmocka_unit_test(the_whole_address_space_can_be_asked_for_but_not_more),
        cmocka_unit_test(imports_keep_their_numbers_even_when_empty),
        cmocka_unit_test(exports_are_entry_points_by_name),
        cmocka_unit_test(a_jump_table_without_width_is_empty),
        cmocka_unit_test(unknown_optional_sections_are_passed_over),
        cmocka_unit_test(a_program_that_does_not_validate_is_held_as_invalid),
        cmocka_unit_test(a_broken_section_is_refused_with_field_and_offset),
        cmocka_unit_test(code_over_32_mib_is_refused),
        cmocka_unit_test(a_broken_frame_is_refused_with_field_and_offset),
        cmocka_unit_test(a_wrong_file_length_is_refused),
        cmocka_unit_test(another_kind_of_file_is_no_container),
        cmocka_unit_test(every_truncation_of_a_real_container_is_refused),
        cmocka_unit_test(the_guests_of_this_repository_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
