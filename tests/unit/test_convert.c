/* Writers of program files, conversion between formats, renumbering between specs. */
#include "isa/assemble.h"
#include "program/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static pvm_program_t *assemble(const char *text, pvm_spec_t spec)
{
    const pvm_isa_t isa = spec == PVM_SPEC_0_7_2   ? PVM_ISA_0_7_2
                          : spec == PVM_SPEC_0_8_0 ? PVM_ISA_0_8_0
                                                   : PVM_ISA_LATEST64;
    pvm_assembly_t out;

    if (pvm_isa_assemble(text, strlen(text), "t", isa, &out) != 0) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_program_t *program =
        pvm_program_from_parts(out.code, out.code_len, out.mask, (out.code_len + 7) / 8,
                               out.jump_table, out.jump_table_len, spec);
    pvm_isa_assembly_free(&out);
    assert_non_null(program);
    return program;
}

static pvm_buffer_t convert(const pvm_program_t *program, pvm_format_t format, pvm_spec_t spec)
{
    const pvm_conversion_t conversion = {.format = format, .spec = spec};
    pvm_buffer_t out = {0};

    if (pvm_convert_program(program, &conversion, &out) != 0) {
        fail_msg("%s", pvm_last_error());
    }
    return out;
}

static void is_refused(const char *text, pvm_spec_t from, pvm_spec_t to, const char *error)
{
    const pvm_conversion_t conversion = {.format = PVM_FORMAT_RAW, .spec = to};
    pvm_program_t *program = assemble(text, from);
    pvm_buffer_t out = {0};

    assert_int_equal(pvm_convert_program(program, &conversion, &out), -1);
    assert_int_equal(out.len, 0);
    if (strstr(pvm_last_error(), error) == NULL) {
        fail_msg("got \"%s\", want \"%s\"", pvm_last_error(), error);
    }
    pvm_buffer_free(&out);
    pvm_program_release(program);
}

/* -- Writers ---------------------------------------------------------------------------- */

/* The examples of the format notes, and both sides of every boundary. */
static void naturals_are_written_in_their_shortest_form(void **state)
{
    static const struct {
        uint64_t value;
        const char *octets;
        size_t len;
    } rows[] = {
        {0, "\x00", 1},
        {5, "\x05", 1},
        {127, "\x7f", 1},
        {128, "\x80\x80", 2},
        {130, "\x80\x82", 2},
        {540, "\x82\x1c", 2},
        {16383, "\xbf\xff", 2},
        {16384, "\xc0\x00\x40", 3},
        {0x1fffff, "\xdf\xff\xff", 3},
        {0x200000, "\xe0\x00\x00\x20", 4},
        {UINT64_C(1) << 28, "\xf0\x00\x00\x00\x10", 5},
        {(UINT64_C(1) << 56) - 1, "\xfe\xff\xff\xff\xff\xff\xff\xff", 8},
        {UINT64_C(1) << 56, "\xff\x00\x00\x00\x00\x00\x00\x00\x01", 9},
        {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        pvm_buffer_t out = {0};
        pvm_convert_write_natural(rows[i].value, &out);
        assert_int_equal(out.len, rows[i].len);
        assert_memory_equal(out.data, rows[i].octets, rows[i].len);
        pvm_buffer_free(&out);
    }
}

static void every_natural_is_read_back(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            const uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta;
            pvm_buffer_t out = {0};
            pvm_convert_write_natural(value, &out);
            pvm_cursor_t cursor = pvm_cursor_make(out.data, out.len, 0);
            assert_true(pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "n") == value);
            pvm_cursor_finish(&cursor, "n");
            assert_false(pvm_cursor_failed(&cursor));
            pvm_buffer_free(&out);
        }
    }
}

static void a_raw_blob_is_as_narrow_as_its_largest_jump(void **state)
{
    pvm_program_t *program =
        assemble(".jump_table 1, 0x100\ntrap\nfallthrough\ntrap", PVM_SPEC_0_8_0);
    pvm_buffer_t out = convert(program, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT);

    (void)state;
    assert_int_equal(out.len, 11);
    assert_memory_equal(out.data, "\x02\x02\x03\x01\x00\x00\x01\x00\x01\x00\x07", 11);
    pvm_buffer_free(&out);
    pvm_program_release(program);
}

static void a_jam_program_is_read_back(void **state)
{
    static const char *const authors[] = {"A. U. Thor <a@example.org>"};
    pvm_program_t *program = assemble("ecalli 1\ntrap", PVM_SPEC_0_8_0);
    pvm_buffer_t metadata = {0};
    pvm_buffer_t out = {0};
    pvm_metadata_t found;

    (void)state;
    pvm_convert_write_metadata("name", "0.1.0", NULL, authors, 1, &metadata);
    const pvm_conversion_t conversion = {
        .format = PVM_FORMAT_JAM, .metadata = metadata.data, .metadata_len = metadata.len};
    assert_int_equal(pvm_convert_program(program, &conversion, &out), 0);
    pvm_program_release(program);

    program = pvm_program_load(out.data, out.len, PVM_FORMAT_AUTO, PVM_SPEC_0_8_0);
    assert_non_null(program);
    assert_int_equal(pvm_program_format(program), PVM_FORMAT_JAM);
    pvm_program_decode_metadata(program->metadata, program->metadata_len, &found);
    assert_int_equal(found.kind, PVM_METADATA_CONVENTIONAL);
    assert_int_equal(found.name.len, 4);
    assert_memory_equal(found.name.data, "name", 4);
    assert_int_equal(found.license.len, 0);
    assert_int_equal(found.author_count, 1);
    assert_int_equal(program->code.len, 3);
    pvm_program_release(program);

    /* Data that the program had stays where it was. */
    program = pvm_program_load(out.data, out.len, PVM_FORMAT_JAM, PVM_SPEC_0_8_0);
    pvm_buffer_t again = convert(program, PVM_FORMAT_JAM, PVM_SPEC_DEFAULT);
    assert_int_equal(again.len, out.len);
    assert_memory_equal(again.data, out.data, out.len);
    pvm_program_release(program);
    pvm_buffer_free(&again);
    pvm_buffer_free(&metadata);
    pvm_buffer_free(&out);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    static const uint8_t trap[] = {0};
    static const uint8_t mask[] = {1};
    pvm_jam_parts_t jam = {.parts = {.code = trap, .code_len = 1, .mask = mask}};
    pvm_buffer_t out = {0};

    (void)state;
    jam.heap_pages = 0x10000;
    assert_int_equal(pvm_convert_write_jam(&jam, &out), -1);
    jam.heap_pages = 0;
    jam.stack_len = 0x1000000;
    assert_int_equal(pvm_convert_write_jam(&jam, &out), -1);
    jam.stack_len = 0xffffff;
    assert_int_equal(pvm_convert_write_jam(&jam, &out), 0);
    pvm_buffer_free(&out);
}

/* -- Conversion ------------------------------------------------------------------------- */

/* 5 octets of read-only data of which 2 are stored, 5000 of read-write data of which 1 is
 * stored. */
static void a_polkavm_container_becomes_a_jam_program(void **state)
{
    static const uint8_t container[] = {
        'P', 'V', 'M',  0,    3,    48,   0,    0,    0,   0, 0, 0, 0, /* 48 octets in all */
        1,   6,   5,    0x93, 0x88, 0xc0, 0x00, 0x40,                  /* sizes 5, 5000, 16384 */
        2,   2,   0xaa, 0xbb,                                          /* read-only data */
        3,   1,   0xcc,                                                /* read-write data */
        5,   7,   1,    0,    4,    'm',  'a',  'i',  'n',             /* an export */
        6,   8,   1,    1,    3,    2,    10,   1,    0,   5, /* one jump; ecalli 1, trap; 101 */
        0,
    };
    static const uint8_t expected[] = {
        2,    0,    0,    1, 0, 0, 2, 0, 0x00, 0x40, 0,    /* (5000 - 1) / 4096 + 1 heap pages */
        0xaa, 0xbb, 0xcc,                                  /* data as stored */
        8,    0,    0,    0, 1, 1, 3, 2, 10,   1,    0, 5, /* the blob as it was */
    };
    pvm_program_t *program =
        pvm_program_load(container, sizeof(container), PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);

    (void)state;
    if (program == NULL) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_buffer_t out = convert(program, PVM_FORMAT_JAM, PVM_SPEC_DEFAULT);
    assert_int_equal(out.len, sizeof(expected));
    assert_memory_equal(out.data, expected, sizeof(expected));
    pvm_program_release(program);
    pvm_buffer_free(&out);
}

static void a_32_bit_container_is_refused(void **state)
{
    uint8_t blob[] = {'P', 'V', 'M', 0, 1, 21, 0, 0, 0, 0, 0, 0, 0, 6, 5, 0, 0, 1, 0, 1, 0};
    const pvm_conversion_t conversion = {.format = PVM_FORMAT_JAM};
    pvm_program_t *program =
        pvm_program_load(blob, sizeof(blob), PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    pvm_buffer_t out = {0};

    (void)state;
    assert_non_null(program);
    assert_int_equal(pvm_convert_program(program, &conversion, &out), -1);
    assert_non_null(strstr(pvm_last_error(), "32-bit"));
    pvm_program_release(program);
    pvm_buffer_free(&out);
}

static void an_invalid_program_is_refused(void **state)
{
    (void)state;
    is_refused("load_imm r1, 5", PVM_SPEC_0_8_0, PVM_SPEC_0_7_2, "an invalid program");
}

/* -- Renumbering ------------------------------------------------------------------------ */

/* Every instruction that both numberings have, in one program, there and back. */
static void check_renumbering(pvm_spec_t from, pvm_isa_t from_isa, pvm_spec_t to, pvm_isa_t to_isa)
{
    pvm_buffer_t code = {0};
    uint8_t mask[4096] = {0};

    for (int op = 0; op < PVM_OP_COUNT; op++) {
        const pvm_instruction_t in = {.pc = (uint32_t)code.len,
                                      .op = (uint8_t)op,
                                      .a = 1,
                                      .b = 2,
                                      .d = 3,
                                      .x = 101,
                                      .y = 111};
        uint8_t octets[PVM_ENCODED_MAX];
        if (pvm_isa_ops[op].number[to_isa] >= 0) {
            const size_t len = pvm_isa_encode(from_isa, &in, pvm_lengths_shortest(), octets);
            if (len > 0) {
                mask[code.len >> 3] |= (uint8_t)(1U << (code.len & 7));
                pvm_buffer_append(&code, octets, len);
            }
        }
    }
    /* 0.8.0 wants a terminator at the end: trap is 0 everywhere. */
    mask[code.len >> 3] |= (uint8_t)(1U << (code.len & 7));
    pvm_buffer_append_zeros(&code, 1);

    pvm_program_t *program =
        pvm_program_from_parts(code.data, code.len, mask, (code.len + 7) / 8, NULL, 0, from);
    pvm_buffer_t there = convert(program, PVM_FORMAT_RAW, to);
    pvm_buffer_t original = convert(program, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT);
    pvm_program_t *renumbered = pvm_program_load(there.data, there.len, PVM_FORMAT_RAW, to);
    assert_null(pvm_program_error(renumbered));
    for (uint32_t pc = 0; pc < program->code.len;) {
        pvm_instruction_t a;
        pvm_instruction_t b;
        pvm_isa_decode(&program->code, pc, &a);
        pvm_isa_decode(&renumbered->code, pc, &b);
        assert_false(b.implicit);
        assert_int_equal(a.op, b.op);
        assert_int_equal(a.next, b.next);
        assert_true(a.x == b.x && a.y == b.y && a.a == b.a && a.b == b.b && a.d == b.d);
        pc = a.next;
    }
    pvm_buffer_t back = convert(renumbered, PVM_FORMAT_RAW, from);
    assert_int_equal(back.len, original.len);
    assert_memory_equal(back.data, original.data, original.len);
    pvm_program_release(program);
    pvm_program_release(renumbered);
    pvm_buffer_free(&code);
    pvm_buffer_free(&there);
    pvm_buffer_free(&original);
    pvm_buffer_free(&back);
}

static void renumbering_keeps_every_instruction_and_pc(void **state)
{
    (void)state;
    check_renumbering(PVM_SPEC_0_7_2, PVM_ISA_0_7_2, PVM_SPEC_0_8_0, PVM_ISA_0_8_0);
    check_renumbering(PVM_SPEC_0_8_0, PVM_ISA_0_8_0, PVM_SPEC_0_7_2, PVM_ISA_0_7_2);
    check_renumbering(PVM_SPEC_LATEST64, PVM_ISA_LATEST64, PVM_SPEC_0_8_0, PVM_ISA_0_8_0);
    check_renumbering(PVM_SPEC_0_7_2, PVM_ISA_0_7_2, PVM_SPEC_LATEST64, PVM_ISA_LATEST64);
}

static void what_has_no_equivalent_is_named_with_its_pc(void **state)
{
    (void)state;
    is_refused("load_imm r1, 1\nsbrk r1, r2\ntrap", PVM_SPEC_0_7_2, PVM_SPEC_0_8_0,
               "code offset 3: sbrk has no equivalent in 0.8.0");
    is_refused("unlikely\ntrap", PVM_SPEC_0_8_0, PVM_SPEC_0_7_2,
               "code offset 0: unlikely has no equivalent in 0.7.2");
    is_refused("trap\nunlikely\ntrap", PVM_SPEC_LATEST64, PVM_SPEC_0_7_2,
               "code offset 1: unlikely has no equivalent in 0.7.2");
    is_refused("trap\n.byte *2\ntrap", PVM_SPEC_0_7_2, PVM_SPEC_0_8_0,
               "code offset 1: opcode 2 is undefined in 0.7.2");
    is_refused("trap\nload_imm r1, 5", PVM_SPEC_0_7_2, PVM_SPEC_0_8_0,
               "not a valid program of GP 0.8.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(naturals_are_written_in_their_shortest_form),
        cmocka_unit_test(every_natural_is_read_back),
        cmocka_unit_test(a_raw_blob_is_as_narrow_as_its_largest_jump),
        cmocka_unit_test(a_jam_program_is_read_back),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(a_polkavm_container_becomes_a_jam_program),
        cmocka_unit_test(a_32_bit_container_is_refused),
        cmocka_unit_test(an_invalid_program_is_refused),
        cmocka_unit_test(renumbering_keeps_every_instruction_and_pc),
        cmocka_unit_test(what_has_no_equivalent_is_named_with_its_pc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
