/* Encoder against decoder: every instruction in every numbering with edge immediates, and the
 * text of format.c. */
#include "isa/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int64_t edges[] = {
    0,        1,        -1,        127,       128,           -128,       -129,    255,
    256,      32767,    32768,     -32768,    -32769,        65535,      8388607, 8388608,
    -8388608, -8388609, INT32_MAX, INT32_MIN, INT32_MIN + 1, 0x12345678,
};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

/* Decode `len` octets as the only instruction at `pc` of otherwise empty code. */
static void decode_alone(pvm_isa_t isa, uint32_t pc, const uint8_t *octets, size_t len,
                         pvm_instruction_t *out)
{
    static uint8_t space[1024];
    static uint8_t mask[sizeof(space) / 8];
    const pvm_code_t code = {space, mask, (uint32_t)(pc + len), isa};

    memset(space, 0, sizeof(space));
    memset(mask, 0, sizeof(mask));
    memcpy(space + pc, octets, len);
    mask[pc >> 3] |= (uint8_t)(1U << (pc & 7));
    for (size_t at = pc + len; at < sizeof(space); at++) {
        mask[at >> 3] |= (uint8_t)(1U << (at & 7));
    }
    pvm_isa_decode(&code, pc, out);
}

static bool uses(const pvm_instruction_t *in, char role)
{
    static const char *const operands[PVM_FORM_COUNT] = {
#define PVM_OPERAND_FORM(name, text) [PVM_FORM_##name] = text,
#include "isa/operands.def"
    };

    return strchr(operands[pvm_isa_ops[in->op].form], role) != NULL;
}

static pvm_instruction_t instruction(pvm_op_t op, unsigned seed, int64_t x, int64_t y)
{
    pvm_instruction_t in = {.pc = 300, .op = (uint8_t)op};

    in.a = uses(&in, 'A') ? (uint8_t)(seed % 13) : 0;
    in.b = uses(&in, 'B') ? (uint8_t)((seed + 5) % 13) : 0;
    in.d = uses(&in, 'D') ? (uint8_t)((seed + 12) % 13) : 0;
    in.x = uses(&in, 'X') ? x : 0;
    in.y = uses(&in, 'Y') ? y : uses(&in, 'T') ? y + in.pc : 0;
    return in;
}

static void check_round_trip(pvm_isa_t isa, pvm_instruction_t in, pvm_lengths_t lengths)
{
    uint8_t octets[PVM_ENCODED_MAX];
    pvm_instruction_t out;
    const size_t len = pvm_isa_encode(isa, &in, lengths, octets);

    assert_true(len > 0);
    decode_alone(isa, in.pc, octets, len, &out);
    in.next = in.pc + (uint32_t)len;
    if (memcmp(&in.a, &out.a, 3) != 0 || in.x != out.x || in.y != out.y || in.op != out.op ||
        in.next != out.next || out.implicit) {
        fail_msg("isa %d %s x %lld y %lld lengths %d %d: decoded x %lld y %lld next %u of %u", isa,
                 pvm_isa_ops[in.op].name, (long long)in.x, (long long)in.y, lengths.x, lengths.y,
                 (long long)out.x, (long long)out.y, out.next, in.next);
    }
}

static void every_instruction_decodes_to_what_was_encoded(void **state)
{
    unsigned checked = 0;

    (void)state;
    for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
        for (int op = 0; op < PVM_OP_COUNT; op++) {
            if (pvm_isa_ops[op].number[isa] < 0) {
                continue;
            }
            for (unsigned i = 0; i < EDGES * EDGES; i++) {
                check_round_trip((pvm_isa_t)isa,
                                 instruction((pvm_op_t)op, i, edges[i % EDGES], edges[i / EDGES]),
                                 pvm_lengths_shortest());
                checked++;
            }
        }
    }
    assert_true(checked > 100000);
}

static void every_longer_length_decodes_to_the_same_value(void **state)
{
    (void)state;
    for (int op = 0; op < PVM_OP_COUNT; op++) {
        if (pvm_isa_ops[op].number[PVM_ISA_0_8_0] < 0) {
            continue;
        }
        for (unsigned i = 0; i < EDGES * 25; i++) {
            const pvm_lengths_t lengths = {(int8_t)(i / EDGES % 5), (int8_t)(i / EDGES / 5)};
            const int64_t value = edges[i % EDGES];
            if ((unsigned)lengths.x >= pvm_isa_immediate_length(value) &&
                (unsigned)lengths.y >= pvm_isa_immediate_length(value)) {
                check_round_trip(PVM_ISA_0_8_0, instruction((pvm_op_t)op, i, value, value),
                                 lengths);
            }
        }
    }
}

static void load_imm_64_keeps_all_bits(void **state)
{
    (void)state;
    check_round_trip(PVM_ISA_0_7_2, instruction(PVM_OP_load_imm_64, 3, INT64_MIN, 0),
                     pvm_lengths_shortest());
    check_round_trip(PVM_ISA_0_7_2, instruction(PVM_OP_load_imm_64, 3, 0x0123456789abcdef, 0),
                     pvm_lengths_shortest());
}

static void what_has_no_encoding_is_refused(void **state)
{
    uint8_t octets[PVM_ENCODED_MAX];
    pvm_instruction_t in = instruction(PVM_OP_sbrk, 1, 0, 0);
    const pvm_lengths_t one = {1, 1};

    (void)state;
    assert_int_equal(pvm_isa_encode(PVM_ISA_0_8_0, &in, pvm_lengths_shortest(), octets), 0);
    assert_int_equal(pvm_isa_encode(PVM_ISA_0_7_2, &in, pvm_lengths_shortest(), octets), 2);
    in.d = 13;
    assert_int_equal(pvm_isa_encode(PVM_ISA_0_7_2, &in, pvm_lengths_shortest(), octets), 0);
    in = instruction(PVM_OP_add_imm_32, 1, 128, 0);
    assert_int_equal(pvm_isa_encode(PVM_ISA_0_8_0, &in, one, octets), 0);
    in.x = (int64_t)INT32_MAX + 1;
    assert_int_equal(pvm_isa_encode(PVM_ISA_0_8_0, &in, pvm_lengths_shortest(), octets), 0);
    in = instruction(PVM_OP_jump, 1, 0, (int64_t)INT32_MIN - 1);
    assert_int_equal(pvm_isa_encode(PVM_ISA_0_8_0, &in, pvm_lengths_shortest(), octets), 0);
}

/* The worked example of the project's format notes: 255 takes two octets, -1 takes one, 0 none. */
static void immediates_are_as_short_as_sign_extension_allows(void **state)
{
    static const struct {
        int64_t value;
        unsigned octets;
    } rows[] = {
        {0, 0},       {1, 1},       {-1, 1},        {127, 1},       {128, 2},
        {255, 2},     {-128, 1},    {-129, 2},      {32767, 2},     {32768, 3},
        {8388607, 3}, {8388608, 4}, {INT32_MAX, 4}, {INT32_MIN, 4}, {(int64_t)INT32_MAX + 1, 8}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(pvm_isa_immediate_length(rows[i].value), rows[i].octets);
    }
}

static void text_is(pvm_instruction_t in, const char *expected)
{
    char text[128];

    assert_int_equal(pvm_isa_format(&in, text, sizeof(text)), (int)strlen(expected));
    assert_string_equal(text, expected);
}

static void text_has_operands_in_table_order(void **state)
{
    (void)state;
    text_is((pvm_instruction_t){.op = PVM_OP_trap}, "trap");
    text_is((pvm_instruction_t){.op = PVM_OP_ecalli, .x = -2}, "ecalli -2");
    text_is((pvm_instruction_t){.op = PVM_OP_add_32, .d = 1, .a = 2, .b = 3}, "add_32 r1, r2, r3");
    text_is((pvm_instruction_t){.op = PVM_OP_move_reg, .d = 12, .a = 7}, "move_reg r12, r7");
    text_is((pvm_instruction_t){.op = PVM_OP_add_imm_64, .a = 1, .b = 1, .x = -255},
            "add_imm_64 r1, r1, -255");
    text_is((pvm_instruction_t){.op = PVM_OP_load_ind_u8, .a = 1, .b = 2, .x = 256},
            "load_ind_u8 r1, r2, 0x100");
    text_is((pvm_instruction_t){.op = PVM_OP_load_imm, .a = 1, .x = INT32_MIN},
            "load_imm r1, -0x80000000");
    text_is((pvm_instruction_t){.op = PVM_OP_load_imm_64, .a = 1, .x = INT64_MIN},
            "load_imm_64 r1, 0x8000000000000000");
    text_is((pvm_instruction_t){.op = PVM_OP_branch_eq_imm, .a = 4, .x = 9, .y = 1234},
            "branch_eq_imm r4, 9, @1234");
    text_is((pvm_instruction_t){.op = PVM_OP_jump, .y = -3}, "jump @-3");
    text_is((pvm_instruction_t){.op = PVM_OP_load_imm_jump_ind, .a = 1, .b = 2, .x = 3, .y = 4},
            "load_imm_jump_ind r1, r2, 3, 4");
}

static void text_reports_its_length_when_cut(void **state)
{
    char text[6];
    const pvm_instruction_t in = {.op = PVM_OP_fallthrough};

    (void)state;
    assert_int_equal(pvm_isa_format(&in, text, sizeof(text)), 11);
    assert_string_equal(text, "fallt");
    assert_int_equal(pvm_isa_format(&in, NULL, 0), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_decodes_to_what_was_encoded),
        cmocka_unit_test(every_longer_length_decodes_to_the_same_value),
        cmocka_unit_test(load_imm_64_keeps_all_bits),
        cmocka_unit_test(what_has_no_encoding_is_refused),
        cmocka_unit_test(immediates_are_as_short_as_sign_extension_allows),
        cmocka_unit_test(text_has_operands_in_table_order),
        cmocka_unit_test(text_reports_its_length_when_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
