/* Every instruction of every numbering, emitted and executed, against the interpreter's step: odd operands, all
 * overlaps of registers, extension pending or not, on each path that code can take. */
#include "isa/encode.h"
#include "program/program.h"
#include "support/random.h"

#include <pvm/trace.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 40

static random_t dice = {88172645463325252U};

static uint32_t roll(uint32_t sides)
{
    return random_below(&dice, sides);
}

static uint64_t roll_value(void)
{
    static const uint64_t values[] = {
        0,          1,
        2,          31,
        32,         63,
        64,         0x7f,
        0x80,       0xff,
        0x7fff,     0x8000,
        0x7fffffff, 0x80000000,
        0xffffffff, 0x10000,
        0x10ff9,    0x12ffd,
        0xfffffffd, 1ULL << 63,
        UINT64_MAX, UINT64_MAX - 1,
        INT64_MAX,  0xffffffff80000000,
    };

    return roll(3) == 0 ? dice.state : values[roll(sizeof(values) / sizeof(*values))];
}

static int64_t roll_immediate(void)
{
    switch (roll(4)) {
    case 0:
        return (int64_t)roll(256) - 128;
    case 1:
        return 0x10000 + roll(0x3000);
    default:
        return (int32_t)(uint32_t)roll_value();
    }
}

typedef struct {
    uint8_t code[64];
    uint8_t mask[8];
    uint32_t len;
} program_text_t;

static void append(program_text_t *text, pvm_isa_t isa, pvm_instruction_t in)
{
    uint8_t octets[PVM_ENCODED_MAX];

    in.pc = text->len;
    const size_t len = pvm_isa_encode(isa, &in, pvm_lengths_shortest(), octets);
    assert_true(len > 0 && text->len + len < sizeof(text->code));
    text->mask[text->len >> 3] = (uint8_t)(text->mask[text->len >> 3] | 1U << (text->len & 7));
    memcpy(text->code + text->len, octets, len);
    text->len += (uint32_t)len;
}

static bool has_operand(pvm_op_t op, char role)
{
    static const char *const operands[PVM_FORM_COUNT] = {
#define PVM_OPERAND_FORM(name, text) [PVM_FORM_##name] = text,
#include "isa/operands.def"
    };

    return strchr(operands[pvm_isa_ops[op].form], role) != NULL;
}

static pvm_instruction_t roll_instruction(pvm_op_t op)
{
    pvm_instruction_t in = {.op = (uint8_t)op};

    in.a = has_operand(op, 'A') ? (uint8_t)roll(13) : 0;
    in.b = has_operand(op, 'B') ? (uint8_t)(roll(3) == 0 ? in.a : roll(13)) : 0;
    in.d = has_operand(op, 'D') ? (uint8_t)(roll(3) == 0   ? in.a
                                            : roll(3) == 0 ? in.b
                                                           : roll(13))
                                : 0;
    in.x = has_operand(op, 'X') ? roll_immediate() : 0;
    in.y = has_operand(op, 'Y') ? roll_immediate() : 0;
    if (op == PVM_OP_load_imm_64) {
        in.x = (int64_t)roll_value();
    }
    return in;
}

/* Some 32-bit work on the operands, the instruction, something that looks at all 64 bits, and the end. */
static pvm_program_t *make_program(pvm_isa_t isa, pvm_op_t op)
{
    program_text_t text = {.len = 0};
    pvm_instruction_t in = roll_instruction(op);
    pvm_program_t *const program = pvm_program_new(isa == PVM_ISA_0_7_2   ? PVM_SPEC_0_7_2
                                                   : isa == PVM_ISA_0_8_0 ? PVM_SPEC_0_8_0
                                                                          : PVM_SPEC_LATEST64,
                                                   PVM_FORMAT_RAW);

    assert_non_null(program);
    program->is_32_bit = isa == PVM_ISA_LATEST32;
    if (roll(2) == 0) {
        append(&text, isa,
               (pvm_instruction_t){.op = PVM_OP_add_imm_32, .a = in.a, .b = in.a, .x = 5});
    }
    if (roll(2) == 0) {
        append(&text, isa,
               (pvm_instruction_t){.op = PVM_OP_mul_imm_32, .a = in.b, .b = in.d, .x = -3});
    }
    if (has_operand(op, 'T')) {
        in.pc = text.len;
        in.y = 0;
    }
    append(&text, isa, in);
    if (pvm_isa_is_terminator(op)) {
        append(&text, isa, (pvm_instruction_t){.op = PVM_OP_add_imm_32, .a = 3, .b = 4, .x = 1});
    } else {
        append(&text, isa, (pvm_instruction_t){.op = PVM_OP_xor, .a = in.a, .b = in.b, .d = 3});
    }
    append(&text, isa, (pvm_instruction_t){.op = PVM_OP_trap});
    const uint32_t jump_table[] = {0};
    const pvm_parts_t parts = {.code = text.code,
                               .code_len = text.len,
                               .mask = text.mask,
                               .jump_table = (const uint8_t *)jump_table,
                               .jump_table_len = 1,
                               .entry_bytes = 4};
    assert_int_equal(pvm_program_build(program, &parts), 0);
    assert_null(program->error);
    return program;
}

static pvm_vm_t *make_vm(pvm_program_t *program, pvm_backend_t backend, const uint64_t *registers)
{
    uint8_t data[0x3000];
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, 5000);

    assert_non_null(vm);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(vm, i, registers[i]);
    }
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 37 + (i >> 8));
    }
    assert_int_equal(pvm_map_memory(vm, 0x10000, 0x2000, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_map_memory(vm, 0x12000, 0x1000, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_poke_memory(vm, 0x10000, data, sizeof(data)), 0);
    return vm;
}

static void assert_same(pvm_vm_t *a, pvm_vm_t *b, pvm_op_t op)
{
    uint8_t left[0x3000];
    uint8_t right[0x3000];

    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (pvm_get_register(a, i) != pvm_get_register(b, i)) {
            fail_msg("%s: r%d is 0x%llx, should be 0x%llx", pvm_isa_ops[op].name, i,
                     (unsigned long long)pvm_get_register(b, i),
                     (unsigned long long)pvm_get_register(a, i));
        }
    }
    assert_int_equal(pvm_get_machine_state(a), pvm_get_machine_state(b));
    assert_int_equal(pvm_get_gas(a), pvm_get_gas(b));
    assert_int_equal(pvm_get_pc(a), pvm_get_pc(b));
    assert_int_equal(pvm_get_fault_address(a), pvm_get_fault_address(b));
    assert_int_equal(pvm_read_memory(a, 0x10000, left, sizeof(left)), 0);
    assert_int_equal(pvm_read_memory(b, 0x10000, right, sizeof(right)), 0);
    assert_memory_equal(left, right, sizeof(left));
}

/* The reference steps, so that it shares nothing with any fast path. */
static void step_to_end(pvm_vm_t *vm)
{
    assert_int_equal(pvm_set_pc(vm, 0), 0);
    while (pvm_step(vm) == PVM_RESULT_OK && pvm_get_machine_state(vm) == PVM_STATE_READY) {
    }
}

static void check_instruction(pvm_isa_t isa, pvm_op_t op)
{
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t registers[PVM_REGISTER_COUNT];
        for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
            registers[i] = roll_value();
        }
        pvm_program_t *const program = make_program(isa, op);
        pvm_vm_t *const reference = make_vm(program, PVM_BACKEND_INTERPRETER, registers);
        pvm_vm_t *const vm = make_vm(program, PVM_BACKEND_RECOMPILER, registers);
        if (round % 2 == 1) {
            assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_EDGES), 0);
        }
        step_to_end(reference);
        (void)pvm_execute(vm, 0);
        assert_same(reference, vm, op);
        pvm_destroy(reference);
        pvm_destroy(vm);
        pvm_program_release(program);
    }
}

static void check_all(void)
{
    for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
        for (int op = 0; op < PVM_OP_COUNT; op++) {
            if (pvm_isa_ops[op].number[isa] >= 0) {
                check_instruction((pvm_isa_t)isa, (pvm_op_t)op);
            }
        }
    }
}

static void every_instruction_does_what_the_step_does(void **state)
{
    (void)state;
    check_all();
}

static void every_instruction_does_so_on_a_baseline_processor(void **state)
{
    (void)state;
    assert_int_equal(setenv("PVM_CPU", "baseline", 1), 0);
    check_all();
    assert_int_equal(unsetenv("PVM_CPU"), 0);
}

static void every_instruction_does_so_with_checked_memory(void **state)
{
    (void)state;
    assert_int_equal(setenv("PVM_MEMORY", "checked", 1), 0);
    check_all();
    assert_int_equal(setenv("PVM_CPU", "baseline", 1), 0);
    check_all();
    assert_int_equal(unsetenv("PVM_CPU"), 0);
    assert_int_equal(unsetenv("PVM_MEMORY"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_does_what_the_step_does),
        cmocka_unit_test(every_instruction_does_so_on_a_baseline_processor),
        cmocka_unit_test(every_instruction_does_so_with_checked_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
