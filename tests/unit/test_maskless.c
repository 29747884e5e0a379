/* Code of PolkaVM without a bitmask: every number of the table, what becomes a trap, and which containers are taken for it. */
#include "program/maskless.h"

#include "isa/isa.h"
#include "program/readers.h"
#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    unsigned number;
    pvm_op_t op;
    uint32_t bytes;
} row_t;

static const row_t rows[] = {
#define PVM_MASKLESS(number, name, bytes) {number, PVM_OP_##name, bytes},
#include "program/maskless.def"
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* What stands at 0 of code in latest64 with a bitmask, as far as `len` goes. */
static pvm_instruction_t decode(const uint8_t *octets, const uint8_t *mask, uint32_t len)
{
    uint8_t padded[64 + PVM_CODE_PADDING] = {0};
    uint8_t bits[(64 + PVM_CODE_PADDING) / 8];
    pvm_instruction_t out;

    memset(bits, 0xff, sizeof(bits));
    memcpy(padded, octets, len);
    for (uint32_t at = 0; at < len; at++) {
        if (((mask[at / 8] >> (at % 8)) & 1) == 0) {
            bits[at / 8] &= (uint8_t)~(1U << (at % 8));
        }
    }
    const pvm_code_t code = {.octets = padded, .mask = bits, .len = len, .isa = PVM_ISA_LATEST64};
    pvm_isa_decode(&code, 0, &out);
    return out;
}

static uint32_t put_number(uint8_t *out, unsigned number)
{
    out[0] = (uint8_t)(number < 255 ? number : 255);
    if (number >= 255) {
        out[1] = (uint8_t)(number - 255);
    }
    return number < 255 ? 1 : 2;
}

/* Operands of every kind of bits: the same as those of the instruction with a bitmask. */
static void every_number_is_its_instruction(void **state)
{
    (void)state;
    static const uint8_t seeds[] = {0x00, 0xff, 0x14, 0x81, 0x47, 0x3c};

    for (size_t i = 0; i < ROW_COUNT * sizeof(seeds); i++) {
        const row_t *const row = &rows[i / sizeof(seeds)];
        uint8_t code[16] = {0};
        uint8_t other[16] = {(uint8_t)pvm_isa_ops[row->op].number[PVM_ISA_LATEST64]};
        const uint8_t only_first[2] = {1, 0};
        pvm_maskless_t made;
        bool is_plain;
        const uint32_t number_bytes = put_number(code, row->number);
        const uint32_t end = number_bytes + row->bytes;

        for (uint32_t at = 0; at < row->bytes; at++) {
            other[1 + at] = code[number_bytes + at] = (uint8_t)(seeds[i % sizeof(seeds)] + 29 * at);
        }
        assert_int_equal(pvm_maskless_translate(code, end + 1, &made, &is_plain), 0);
        const pvm_instruction_t found = decode(made.code, made.mask, end + 1);
        const pvm_instruction_t expected = decode(other, only_first, 1 + row->bytes);
        assert_true(is_plain);
        assert_int_equal(found.op, row->op);
        assert_int_equal(found.next, end);
        assert_int_equal(expected.op, row->op);
        assert_int_equal(found.a, expected.a);
        assert_int_equal(found.b, expected.b);
        assert_int_equal(found.d, expected.d);
        assert_int_equal(found.x, expected.x);
        assert_int_equal(found.y, expected.y);
        pvm_maskless_free(&made);
    }
}

/* Numbers count up, each is there once; an instruction has one number for each length. */
static void numbers_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 1; i < ROW_COUNT; i++) {
        assert_true(rows[i - 1].number < rows[i].number);
        for (size_t j = 0; j < i; j++) {
            assert_false(rows[i].op == rows[j].op && rows[i].bytes == rows[j].bytes);
        }
    }
}

static void what_no_linker_writes_is_a_trap(void **state)
{
    (void)state;
    static const struct {
        uint8_t code[8];
        size_t len;
        const char *instructions; /* where each begins */
        bool is_plain;
    } cases[] = {
        {{1, 0}, 2, "xx", true},
        {{240, 0}, 2, "xx", false},        /* no such number */
        {{255, 100, 0}, 3, "x-x", false},  /* nor this */
        {{0, 255}, 2, "xx", false},        /* cut inside the number */
        {{0, 8, 1, 2}, 4, "xx--", false},  /* load_imm, cut inside its operands */
        {{0, 227, 0x12}, 3, "xx-", false}, /* move_reg: no end of a block */
        {{227, 0x12, 1}, 3, "x-x", true},
        {{255, 255, 0}, 3, "x-x", true}, /* memset, which loading refuses by name */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pvm_maskless_t made;
        bool is_plain;

        assert_int_equal(pvm_maskless_translate(cases[i].code, cases[i].len, &made, &is_plain), 0);
        for (size_t at = 0; at < cases[i].len; at++) {
            assert_int_equal((made.mask[0] >> at) & 1, cases[i].instructions[at] == 'x');
        }
        assert_int_equal(is_plain, cases[i].is_plain);
        pvm_maskless_free(&made);
    }
}

/* Each 1024 octets are code of their own, whatever those before them ended with. */
static void an_instruction_does_not_cross_a_border(void **state)
{
    (void)state;
    static uint8_t code[2048];
    pvm_maskless_t made;
    bool is_plain;

    code[1021] = 8; /* load_imm with 5 octets of operands */
    code[1023] = 8;
    code[1024] = 227;
    assert_int_equal(pvm_maskless_translate(code, sizeof(code), &made, &is_plain), 0);
    assert_false(is_plain);
    assert_int_equal(made.code[1021], 0);
    assert_int_equal(made.mask[1021 / 8] >> (1021 % 8), 1);
    assert_int_equal(made.mask[1024 / 8] & 7, 5);
    pvm_maskless_free(&made);
}

static pvm_program_t *load(uint8_t version, const char *exports, const char *code)
{
    pvm_buffer_t blob = {0};

    blob_container_begin(&blob, version);
    if (exports != NULL) {
        blob_section_hex(&blob, 5, exports);
    }
    blob_section_hex(&blob, 6, code);
    blob_container_end(&blob);
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    pvm_buffer_free(&blob);
    return program;
}

/* r7 = 1, then trap; a jump table of one entry that leads to the trap behind a fallthrough. */
#define CODE "01 01 04 05 07 01 01 00"

static void a_container_without_a_bitmask_loads(void **state)
{
    (void)state;
    pvm_program_t *const program = load(2, "01 00 00", CODE);
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 0, 1000);

    assert_non_null(vm);
    assert_null(pvm_program_error(program));
    assert_int_equal(pvm_program_spec(program), PVM_SPEC_LATEST64);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_register(vm, 7), 1);
    assert_int_equal(pvm_get_pc(vm), 4);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void what_may_be_damaged_code_with_a_bitmask_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *exports;
        const char *code;
    } wrong[] = {
        {NULL, CODE},                            /* nothing leads into it */
        {"01 03 00", CODE},                      /* an export into the middle of a block */
        {"01 00 00", "01 01 02 05 07 01 01 00"}, /* an entry that does */
        {"01 00 00", "01 01 04 f0 07 01 01 00"}, /* a number without a meaning */
        {"01 00 00", "01 01 00 05 07 01"},       /* no end of a block */
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(load(2, wrong[i].exports, wrong[i].code));
        assert_non_null(strstr(pvm_last_error(), "it is no code without a bitmask "
                                                 "(polkavm-linker 0.37), either"));
    }
    for (uint8_t version = 0; version < 4; version++) {
        if (version != 2) {
            assert_null(load(version, "01 00 00", CODE));
            assert_null(strstr(pvm_last_error(), "0.37"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_its_instruction),
        cmocka_unit_test(numbers_are_told_apart),
        cmocka_unit_test(what_no_linker_writes_is_a_trap),
        cmocka_unit_test(an_instruction_does_not_cross_a_border),
        cmocka_unit_test(a_container_without_a_bitmask_loads),
        cmocka_unit_test(what_may_be_damaged_code_with_a_bitmask_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
