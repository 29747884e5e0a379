/* Raw blobs: parts, exactness, invalid programs that still load, detection, the guess of a spec. */
#include "program/readers.h"

#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* r7 = 1234; branch_eq_imm to 10; trap; r7 = 0xdeadbeef; trap: valid in every spec. */
#define BRANCH_CODE "3307d204 5127d20406 00 3307efbeadde 00"
#define BRANCH_MASK "1106 01"

static pvm_program_t *load(const pvm_buffer_t *blob, pvm_format_t format, pvm_spec_t spec)
{
    return pvm_program_load(blob->data, blob->len, format, spec);
}

static void the_parts_of_a_blob_are_found(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_hex(&blob, "0202 11" /* two entries of two octets, 17 octets of code */
                    "0a00 0400" BRANCH_CODE BRANCH_MASK);
    pvm_program_t *const program = load(&blob, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_null(pvm_program_error(program));
    assert_int_equal(pvm_program_format(program), PVM_FORMAT_RAW);
    assert_int_equal(pvm_program_spec(program), PVM_SPEC_0_8_0);
    assert_int_equal(program->code.len, 17);
    assert_int_equal(program->code.octets[0], 0x33);
    assert_int_equal(program->code.octets[16], 0x00);
    assert_int_equal(program->jump_table_len, 2);
    assert_int_equal(program->jump_table[0], 10);
    assert_int_equal(program->jump_table[1], 4);
    assert_int_equal(program->blob_len, blob.len);
    assert_memory_equal(program->blob, blob.data, blob.len);
    assert_null(program->metadata);
    assert_int_equal(pvm_program_export_count(program), 0);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void malformed_raw_bytes_load_as_an_invalid_program(void **state)
{
    static const struct {
        const char *octets;
        const char *reason;
    } cases[] = {
        {"", "the number of jump table entries is cut off at offset 0"},
        {"80", "the number of jump table entries is cut off at offset 0"},
        {"8001 00 00", "the number of jump table entries is a number that is not in its shortest "
                       "form at offset 0"},
        {"00", "the width of jump table entries is cut off at offset 1"},
        {"00 00", "the code length is cut off at offset 2"},
        {"00 00 8001 00",
         "the code length is a number that is not in its shortest form at offset 2"},
        {"03 04 00 00000000 00000000 000000", "the jump table is cut off at offset 3"},
        {"ffffffffffffffffff ff 00", "the jump table is cut off at offset 11"},
        {"00 00 02 00", "the code is cut off at offset 3"},
        {"00 00 ffffffffffffffffff 00", "the code is cut off at offset 11"},
        {"00 00 01 00", "the opcode bitmask is cut off at offset 4"},
        {"00 00 09 000000000000000000 ff", "the opcode bitmask is cut off at offset 12"},
        {"00 00 01 00 03", "the last octet of the opcode bitmask has bits set behind the code at "
                           "offset 4"},
        {"00 00 01 00 01 00",
         "the opcode bitmask is followed by octets that belong to nothing at offset 5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int spec = PVM_SPEC_DEFAULT; spec <= PVM_SPEC_LATEST64; spec++) {
            pvm_buffer_t blob = {0};
            blob_hex(&blob, cases[i].octets);

            pvm_program_t *const program = load(&blob, PVM_FORMAT_RAW, (pvm_spec_t)spec);

            assert_non_null(program);
            assert_non_null(pvm_program_error(program));
            if (strstr(pvm_program_error(program), cases[i].reason) == NULL) {
                fail_msg("%s: %s", cases[i].octets, pvm_program_error(program));
            }
            assert_ptr_equal(strstr(pvm_program_error(program), "not a program blob: "),
                             pvm_program_error(program));
            pvm_program_release(program);
            pvm_buffer_free(&blob);
        }
    }
}

static void an_invalid_program_panics_with_its_gas_untouched(void **state)
{
    static const uint8_t broken[] = {0x00, 0x00, 0x05};
    pvm_program_t *const program =
        pvm_program_load(broken, sizeof(broken), PVM_FORMAT_RAW, PVM_SPEC_0_7_2);

    (void)state;
    assert_non_null(program);
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 0, 100);
    assert_non_null(vm);
    assert_int_equal(pvm_execute(vm, 7), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_gas(vm), 100);
    assert_int_equal(pvm_get_pc(vm), 7);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void a_blob_that_breaks_the_rules_of_0_8_0_is_valid_in_0_7_2(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_raw(&blob, "3307d204", "01"); /* does not end in a terminator */
    pvm_program_t *const newer = load(&blob, PVM_FORMAT_AUTO, PVM_SPEC_0_8_0);
    pvm_program_t *const older = load(&blob, PVM_FORMAT_AUTO, PVM_SPEC_0_7_2);

    assert_non_null(newer);
    assert_non_null(strstr(pvm_program_error(newer), "not a valid program of GP 0.8.0"));
    assert_non_null(older);
    assert_null(pvm_program_error(older));
    pvm_program_release(newer);
    pvm_program_release(older);
    pvm_buffer_free(&blob);
}

static void bad_arguments_give_null_and_a_text(void **state)
{
    static const uint8_t one[1];

    (void)state;
    assert_null(pvm_program_load(NULL, 1, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "blob is NULL"));
    assert_null(pvm_program_load(one, 1, (pvm_format_t)4, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "unknown format 4"));
    assert_null(pvm_program_load(one, 1, PVM_FORMAT_RAW, (pvm_spec_t)9));
    assert_non_null(strstr(pvm_last_error(), "unknown spec 9"));
    assert_null(
        pvm_program_load(one, PVM_MAX_BLOB_BYTES + (size_t)1, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "is too large; the limit is 268435456"));
}

static void no_octets_at_all_are_an_invalid_raw_program(void **state)
{
    pvm_program_t *const program = pvm_program_load(NULL, 0, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT);

    (void)state;
    assert_non_null(program);
    assert_non_null(pvm_program_error(program));
    pvm_program_release(program);
    assert_null(pvm_program_load(NULL, 0, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
}

static void a_jump_table_over_the_limit_is_refused(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_natural(&blob, (1 << 24) + 1); /* entries of no octets, so that the blob stays small */
    blob_hex(&blob, "00 01 00 01");

    assert_null(load(&blob, PVM_FORMAT_RAW, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "program too large"));
    pvm_buffer_free(&blob);
}

static void entries_of_no_octets_are_all_zero(void **state)
{
    pvm_buffer_t blob = {0};

    (void)state;
    blob_hex(&blob, "03 00 01 00 01");
    pvm_program_t *const program = load(&blob, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);

    assert_non_null(program);
    assert_int_equal(program->jump_table_len, 3);
    assert_int_equal(program->jump_table[2], 0);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
}

static void what_is_no_program_is_refused_by_name(void **state)
{
    static const struct {
        const char *text;
        pvm_file_kind_t kind;
        const char *reason;
    } cases[] = {
        {"JAR\2 and so on", PVM_FILE_JAR, "JAR capability manifest"},
        {"SQLite format 3", PVM_FILE_SQLITE, "SQLite database"},
        {"comment\nprogram 0x00\nstart pc=0 gas=1\n", PVM_FILE_ECALLI_TRACE, "ecalli trace"},
        {"program 1x00\nstart pc=0 gas=1\n", PVM_FILE_ECALLI_TRACE, "ecalli trace"},
        {"noise\necalli=1 pc=0 gas=1\n", PVM_FILE_ECALLI_TRACE, "ecalli trace"},
        {" \n{\"program\": []}", PVM_FILE_JSON, "JSON text"},
        {"{\"note\": \"start pc=0\"}", PVM_FILE_JSON, "JSON text"},
        {"[1, 2]", PVM_FILE_JSON, "JSON text"},
        {"hello", PVM_FILE_UNKNOWN, "no known program format"},
        {"\x33\x01\x2a\x01\x01\x01", PVM_FILE_UNKNOWN, "no known program format"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const uint8_t *const data = (const uint8_t *)cases[i].text;
        const size_t len = strlen(cases[i].text);

        assert_int_equal(pvm_program_detect(data, len), cases[i].kind);
        assert_null(pvm_program_load(data, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
        assert_non_null(strstr(pvm_last_error(), cases[i].reason));
    }
}

static void an_unknown_file_says_why_each_format_does_not_fit(void **state)
{
    static const uint8_t octets[] = {0x33, 0x00, 0x2a, 0x00, 0x00, 0x00};

    (void)state;
    assert_null(pvm_program_load(octets, sizeof(octets), PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT));
    assert_non_null(strstr(pvm_last_error(), "as program blob the code is cut off at offset 3"));
    assert_non_null(
        strstr(pvm_last_error(), "as JAM program the number of heap pages is cut off at offset 6"));
}

static pvm_spec_t guess(const char *code, const char *mask, bool *guessed)
{
    pvm_buffer_t blob = {0};

    blob_raw(&blob, code, mask);
    const pvm_spec_t spec = pvm_program_guess_spec(blob.data, blob.len, PVM_FORMAT_AUTO, guessed);
    pvm_buffer_free(&blob);
    return spec;
}

static void the_spec_of_a_raw_blob_is_guessed_from_its_opcodes(void **state)
{
    bool guessed = false;

    (void)state;
    assert_int_equal(guess("00", "01", &guessed), PVM_SPEC_0_8_0);
    assert_true(guessed);
    /* does not validate */
    assert_int_equal(guess("3307d204", "01", NULL), PVM_SPEC_0_7_2);
    /* 102 moved, and is there */
    assert_int_equal(guess("660000", "05", NULL), PVM_SPEC_0_7_2);
    /* with `unlikely` beside it, it is 0.8.0 */
    assert_int_equal(guess("6600 02 00", "0d", NULL), PVM_SPEC_0_8_0);
    /* 111 exists in 0.7.2 only */
    assert_int_equal(guess("6f0000", "05", NULL), PVM_SPEC_0_7_2);
    /* 102 as an operand says nothing */
    assert_int_equal(guess("336600", "05", NULL), PVM_SPEC_0_8_0);
    /* not loadable at all */
    assert_int_equal(pvm_program_guess_spec((const uint8_t *)"{}", 2, PVM_FORMAT_AUTO, &guessed),
                     PVM_SPEC_0_8_0);
    assert_true(guessed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_blob_are_found),
        cmocka_unit_test(malformed_raw_bytes_load_as_an_invalid_program),
        cmocka_unit_test(an_invalid_program_panics_with_its_gas_untouched),
        cmocka_unit_test(a_blob_that_breaks_the_rules_of_0_8_0_is_valid_in_0_7_2),
        cmocka_unit_test(bad_arguments_give_null_and_a_text),
        cmocka_unit_test(no_octets_at_all_are_an_invalid_raw_program),
        cmocka_unit_test(a_jump_table_over_the_limit_is_refused),
        cmocka_unit_test(entries_of_no_octets_are_all_zero),
        cmocka_unit_test(what_is_no_program_is_refused_by_name),
        cmocka_unit_test(an_unknown_file_says_why_each_format_does_not_fit),
        cmocka_unit_test(the_spec_of_a_raw_blob_is_guessed_from_its_opcodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
