/* Assembler and disassembler: octets, masks, labels, relaxation, refusals, and exact round
 * trips. */
#include "isa/assemble.h"
#include "program/program.h"
#include "support/blob.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pvm/pvm.h>

static pvm_assembly_t assemble(const char *text)
{
    pvm_assembly_t out;

    if (pvm_isa_assemble(text, strlen(text), "t", PVM_ISA_0_8_0, &out) != 0) {
        fail_msg("%s: %s", text, pvm_last_error());
    }
    return out;
}

static void gives(const char *text, const char *code, size_t code_len, const char *mask)
{
    pvm_assembly_t out = assemble(text);

    assert_int_equal(out.code_len, code_len);
    assert_memory_equal(out.code, code, code_len);
    assert_memory_equal(out.mask, mask, (code_len + 7) / 8);
    pvm_isa_assembly_free(&out);
}

/* The example program of the "branch" fixture: a 16-octet program whose octets are published. */
static void a_published_program_comes_out(void **state)
{
    (void)state;
    gives("load_imm r7, 0x4d2\n"
          "branch_eq_imm r7, 1234, @equal ; taken\n"
          "trap\n"
          "equal: load_imm r7, 0xffffffffdeadbeef # sign-extended\n",
          "\x33\x07\xd2\x04\x51\x27\xd2\x04\x06\x00\x33\x07\xef\xbe\xad\xde", 16, "\x11\x06");
}

static void lengths_and_raw_octets_are_as_written(void **state)
{
    (void)state;
    gives("add_imm_32 r1, r2, 5:4", "\x83\x21\x05\x00\x00\x00", 6, "\x01");
    gives("store_imm_u8 0:2, 1:3", "\x1e\x02\x00\x00\x01\x00\x00", 7, "\x01");
    gives("store_imm_u8 0, 0", "\x1e\x00", 2, "\x01");
    gives("trap\njump @0:4", "\x00\x28\xff\xff\xff\xff", 6, "\x03");
    gives(".byte *0x33, 7, -1, *0, 255", "\x33\x07\xff\x00\xff", 5, "\x09");
    gives(".spec 0.7.2\nreverse_bytes r1, r2", "\x6f\x21", 2, "\x01");
    gives(".spec 0.8.0\nreverse_bytes r1, r2", "\x6e\x21", 2, "\x01");
    gives(".spec latest64\nunlikely", "\x03", 1, "\x01");
    gives("unlikely", "\x02", 1, "\x01");
}

static void a_jump_to_itself_needs_no_octets(void **state)
{
    (void)state;
    gives("here: jump @here", "\x28", 1, "\x01");
}

static void labels_and_jump_tables_resolve(void **state)
{
    uint32_t pc;
    pvm_assembly_t out = assemble(".jump_table a, @b, 7, @1000\n"
                                  "a: trap\n"
                                  "b: c:\n"
                                  "   trap\n"
                                  "end:");

    (void)state;
    assert_int_equal(out.jump_table_len, 4);
    assert_int_equal(out.jump_table[0], 0);
    assert_int_equal(out.jump_table[1], 1);
    assert_int_equal(out.jump_table[2], 7);
    assert_int_equal(out.jump_table[3], 1000);
    assert_int_equal(pvm_isa_assembly_label(&out, "c", 1, &pc), 0);
    assert_int_equal(pc, 1);
    assert_int_equal(pvm_isa_assembly_label(&out, "end", 3, &pc), 0);
    assert_int_equal(pc, 2);
    assert_int_equal(pvm_isa_assembly_label(&out, "en", 2, &pc), -1);
    pvm_isa_assembly_free(&out);
}

/* A jump over `gap` octets forward and one back: its offset must have just the octets it needs. */
static void check_gap(unsigned gap, unsigned expected_octets)
{
    char *text = calloc(1, gap * 6 + (size_t)100);
    pvm_assembly_t out;

    (void)strcat(text, "jump @far\n");
    for (unsigned i = 0; i < gap; i++) {
        (void)memcpy(text + 10 + i * 5, "trap\n", 6);
    }
    (void)strcpy(text + 10 + gap * (size_t)5, "far: trap\n");
    out = assemble(text);
    assert_int_equal(out.code_len, 1 + expected_octets + gap + 1);
    pvm_isa_assembly_free(&out);
    free(text);
}

static void offsets_are_relaxed_to_what_they_need(void **state)
{
    (void)state;
    check_gap(0, 1);
    check_gap(125, 1); /* offset 127 */
    check_gap(126, 2); /* 128 does not fit one octet, and then it is 129 */
    check_gap(32764, 2);
    check_gap(32765, 3);
}

static void a_stated_pc_is_checked(void **state)
{
    pvm_assembly_t out;

    (void)state;
    gives("@0: trap\n@1: trap", "\x00\x00", 2, "\x03");
    assert_int_equal(pvm_isa_assemble("trap\n@2: trap", 13, "f.s", PVM_ISA_0_8_0, &out), -1);
    assert_string_equal(pvm_last_error(),
                        "f.s:2: the line says @2 but comes out at @1; remove the @2: or mend what "
                        "stands before");
}

static void mistakes_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"trap\nfoo r1", "f:2: unknown instruction 'foo'"},
        {"sbrk r1, r2", "f:1: sbrk does not exist in 0.8.0"},
        {"add_32 r1, r2", "f:1: add_32 takes 3 operands"},
        {"add_32 r1, r2, r13", "f:1: 'r13' is no register"},
        {"add_32 r1, r2, 5", "f:1: '5' is no register"},
        {"load_imm r1, 0x80000000", "f:1: 0x80000000 is no sign-extended 32-bit number"},
        {"load_imm r1, 99999999999999999999", "f:1: '99999999999999999999' is no number"},
        {"load_imm r1, 0x", "f:1: '0x' is no number"},
        {"load_imm r1, 128:1", "f:1: the number does not fit 1 octets; it needs 2"},
        {"load_imm r1, 1:5", "f:1: ':5' is no length"},
        {"jump @nowhere", "f:1: label 'nowhere' is not defined"},
        {"a: trap\na: trap", "label 'a' is defined on line"},
        {"12: trap", "f:1: '12' cannot be a label"},
        {"trap trap", "f:1: 't' behind the statement is unexpected"},
        {"trap\n.spec 0.7.2", "f:2: .spec must stand before the first instruction"},
        {".spec 0.9", "f:1: unknown spec '0.9'"},
        {".word 1", "f:1: unknown directive '.word'"},
        {".byte 256", "f:1: an octet of .byte is out of range"},
        {".jump_table @-1", "f:1: a jump table entry is out of range"},
        {"@5 trap", "f:1: a stated pc ends with a colon"},
        {"!", "f:1: '!' is unexpected"},
        {"jump @300:1", "f:1: the target is too far away for its length"},
        {"jump @4294967296", "f:1: the target is too far away for its length"},
        {"jump", "f:1: a code offset is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pvm_assembly_t out;
        assert_int_equal(
            pvm_isa_assemble(rows[i].text, strlen(rows[i].text), "f", PVM_ISA_0_8_0, &out), -1);
        if (strstr(pvm_last_error(), rows[i].error) == NULL) {
            fail_msg("%s: got \"%s\", want \"%s\"", rows[i].text, pvm_last_error(), rows[i].error);
        }
        assert_null(out.code);
    }
}

/* -- Round trips ------------------------------------------------------------------------ */

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % limit);
}

/* Assemble the disassembly of this code; everything must come out as it was.
 *  @return lines of raw octets in it */
static unsigned check_exact(const uint8_t *octets, uint32_t len, const uint8_t *mask, pvm_isa_t isa,
                            const uint32_t *jumps, uint32_t jump_count)
{
    uint8_t *padded = calloc(len + PVM_CODE_PADDING, 1);
    uint8_t *padded_mask = calloc((len + PVM_CODE_PADDING) / 8 + 1, 1);
    const pvm_code_t code = {padded, padded_mask, len, isa};
    pvm_buffer_t text = {0};
    pvm_assembly_t out;
    unsigned raw_lines = 0;

    memcpy(padded, octets, len);
    for (uint32_t i = 0; i < len + PVM_CODE_PADDING; i++) {
        if (i >= len || ((mask[i >> 3] >> (i & 7)) & 1) != 0) {
            padded_mask[i >> 3] |= (uint8_t)(1U << (i & 7));
        }
    }
    pvm_isa_disassemble(&code, jumps, jump_count, &text);
    assert_false(text.failed);
    if (pvm_isa_assemble((const char *)text.data, text.len, "t", PVM_ISA_0_7_2, &out) != 0) {
        fail_msg("%s in\n%.*s", pvm_last_error(), (int)text.len, text.data);
    }
    assert_int_equal(out.isa, isa);
    assert_int_equal(out.code_len, len);
    assert_memory_equal(out.code, octets, len);
    for (uint32_t i = 0; i < len; i++) {
        assert_int_equal((out.mask[i >> 3] >> (i & 7)) & 1, (mask[i >> 3] >> (i & 7)) & 1);
    }
    assert_int_equal(out.jump_table_len, jump_count);
    assert_memory_equal(out.jump_table, jumps, jump_count * sizeof(*jumps));
    for (size_t i = 0; i + 6 < text.len; i++) {
        raw_lines += memcmp(text.data + i, ".byte ", 6) == 0;
    }
    pvm_isa_assembly_free(&out);
    pvm_buffer_free(&text);
    free(padded);
    free(padded_mask);
    return raw_lines;
}

static void random_octets_survive_the_round_trip(void **state)
{
    uint8_t octets[300];
    uint8_t mask[300 / 8 + 1];
    const uint32_t jumps[] = {0, 5, UINT32_MAX, 7, 8, 9, 10, 11, 12};

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        const uint32_t len = random_below(sizeof(octets)) + 1;
        const uint32_t density = random_below(8) + 1;
        memset(mask, 0, sizeof(mask));
        for (uint32_t i = 0; i < len; i++) {
            octets[i] = (uint8_t)random_below(random_below(2) ? 256 : 16);
            mask[i >> 3] |= (uint8_t)((random_below(density) == 0) << (i & 7));
        }
        (void)check_exact(octets, len, mask, (pvm_isa_t)random_below(PVM_ISA_COUNT), jumps,
                          random_below(10));
    }
}

/* Canonical code: the disassembly is all instructions, not one raw octet, and comes back as it
 * was. */
static void canonical_code_survives_without_raw_octets(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        const pvm_isa_t isa = (pvm_isa_t)random_below(PVM_ISA_COUNT);
        uint8_t octets[4096 + PVM_ENCODED_MAX];
        uint8_t mask[sizeof(octets) / 8 + 1] = {0};
        uint32_t len = 0;
        while (len < 4096) {
            pvm_instruction_t in = {.pc = len, .op = (uint8_t)random_below(PVM_OP_COUNT)};
            const int shift = (int)random_below(32);
            in.a = (uint8_t)random_below(13);
            in.b = (uint8_t)random_below(13);
            in.d = (uint8_t)random_below(13);
            in.x = (int32_t)(random_below(UINT32_MAX) * 2 + random_below(2)) >> shift;
            in.y = pvm_isa_has_target((pvm_op_t)in.op) ? random_below(4096) : -in.x;
            const size_t octet_count =
                pvm_isa_encode(isa, &in, pvm_lengths_shortest(), octets + len);
            if (octet_count > 0) {
                mask[len >> 3] |= (uint8_t)(1U << (len & 7));
                len += (uint32_t)octet_count;
            }
        }
        assert_int_equal(check_exact(octets, len, mask, isa, NULL, 0), 0);
    }
}

/* What compilers make, with jump tables: every guest of examples/guest. */
static void guest_programs_survive_the_round_trip(void **state)
{
    const char *folder = PVM_TEST_SOURCE_DIR "/examples/guest/blobs";
    DIR *directory = opendir(folder);
    unsigned programs = 0;

    (void)state;
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        char path[1024];
        pvm_buffer_t blob = {0};
        if (strstr(entry->d_name, ".polkavm") == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "examples/guest/blobs/%s", entry->d_name);
        blob_load(&blob, path);
        pvm_program_t *program =
            pvm_program_load(blob.data, blob.len, PVM_FORMAT_POLKAVM, PVM_SPEC_DEFAULT);
        if (program == NULL) {
            fail_msg("%s: %s", path, pvm_last_error());
        }
        (void)check_exact(program->code.octets, program->code.len, program->code.mask,
                          program->code.isa, program->jump_table, program->jump_table_len);
        pvm_program_release(program);
        pvm_buffer_free(&blob);
        programs++;
    }
    (void)closedir(directory);
    assert_true(programs > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guest_programs_survive_the_round_trip),
        cmocka_unit_test(a_published_program_comes_out),
        cmocka_unit_test(lengths_and_raw_octets_are_as_written),
        cmocka_unit_test(a_jump_to_itself_needs_no_octets),
        cmocka_unit_test(labels_and_jump_tables_resolve),
        cmocka_unit_test(offsets_are_relaxed_to_what_they_need),
        cmocka_unit_test(a_stated_pc_is_checked),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(random_octets_survive_the_round_trip),
        cmocka_unit_test(canonical_code_survives_without_raw_octets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
