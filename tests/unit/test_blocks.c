/* The block table, prices and validity of random code, regular and damaged, against rules written down octet by octet: the way of
 * 64 octets at a time, and the walk that other processors and other code take.
 * PVM_TEST_SEED repeats a run, PVM_BLOCKS_PROGRAMS sets how many programs it makes. */
#include "isa/isa.h"
#include "program/blocks.h"
#include "program/prices.h"

#include "gas/pipeline.h"
#include "program/program.h"
#include "program/regular.h"
#include "support/random.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN_MAX 704

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *const text = getenv(name);

    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

/* -- Programs -- */

typedef struct {
    uint8_t octets[LEN_MAX];
    uint8_t mask[LEN_MAX / 8 + 1];
    uint32_t len;
    pvm_isa_t isa;
} draft_t;

static void flip(draft_t *draft, uint32_t at)
{
    draft->mask[at / 8] = (uint8_t)(draft->mask[at / 8] ^ 1 << at % 8);
}

/* A defined opcode; a terminator once in `often`. */
static uint8_t opcode(const draft_t *draft, random_t *random, uint32_t often)
{
    const bool ends = random_below(random, often) == 0;

    for (;;) {
        const uint8_t number = (uint8_t)random_below(random, 256);
        const pvm_op_t op = pvm_isa_op(draft->isa, number);
        if (op != PVM_OP_INVALID && pvm_isa_is_terminator(op) == ends) {
            return number;
        }
    }
}

static void make_regular(draft_t *draft, random_t *random)
{
    const uint32_t often = 1 + random_below(random, 12);
    const uint32_t longest = 1 + random_below(random, random_below(random, 3) == 0 ? 25 : 6);
    uint32_t last = 0;

    memset(draft->mask, 0, sizeof(draft->mask));
    for (uint32_t i = 0; i < draft->len; i++) {
        draft->octets[i] = (uint8_t)random_below(random, 256);
    }
    for (uint32_t at = 0; at < draft->len; at += 1 + random_below(random, longest)) {
        draft->octets[at] = opcode(draft, random, often);
        flip(draft, at);
        last = at;
    }
    if (random_below(random, 4) != 0) {
        draft->octets[last] = opcode(draft, random, 1);
    }
}

static void damage(draft_t *draft, random_t *random)
{
    const uint32_t zeros = 22 + random_below(random, 5);
    const bool at_end = random_below(random, 3) == 0 && draft->len > zeros;
    const uint32_t at = at_end ? draft->len - zeros : random_below(random, draft->len);

    switch (random_below(random, 5)) {
    case 0:
        flip(draft, at);
        break;
    case 1:
        draft->octets[at] = (uint8_t)random_below(random, 256);
        break;
    case 2:
        flip(draft, 0);
        break;
    default:
        /* About as many octets as skip() passes over. */
        for (uint32_t i = at; i < at + zeros && i < draft->len; i++) {
            draft->mask[i / 8] = (uint8_t)(draft->mask[i / 8] & ~(1 << i % 8));
        }
        break;
    }
}

static pvm_program_t *program_of(const draft_t *draft)
{
    pvm_program_t *const program = pvm_program_from_parts(
        draft->octets, draft->len, draft->mask, (draft->len + 7) / 8, NULL, 0,
        draft->isa == PVM_ISA_LATEST64 ? PVM_SPEC_LATEST64 : PVM_SPEC_0_7_2);
    assert_non_null(program);
    return program;
}

/* -- The rules -- */

static bool is_instruction(const pvm_code_t *code, uint32_t pc)
{
    return pvm_isa_mask_at(code, pc) && pvm_isa_op(code->isa, code->octets[pc]) != PVM_OP_INVALID;
}

static bool is_terminator(const pvm_code_t *code, uint32_t pc)
{
    return is_instruction(code, pc) &&
           pvm_isa_is_terminator(pvm_isa_op(code->isa, code->octets[pc]));
}

static pvm_block_t block_from(const pvm_code_t *code, uint32_t start)
{
    pvm_block_t block = {.pc = start};
    uint32_t pc = start;
    bool ended = false;

    while (!ended && pc < code->len) {
        ended = !is_instruction(code, pc) || is_terminator(code, pc);
        block.instructions++;
        pc += 1 + pvm_isa_skip(code, pc);
    }
    block.end_pc = pc < code->len ? pc : code->len;
    block.gas = block.instructions;
    return block;
}

static void check_blocks(const pvm_program_t *program)
{
    const pvm_code_t *const code = &program->code;
    bool starts[LEN_MAX + 1] = {false};
    uint32_t count = 0;

    starts[0] = code->len > 0;
    for (uint32_t pc = 0; pc < code->len; pc++) {
        const uint32_t next = pc + 1 + pvm_isa_skip(code, pc);
        if (is_terminator(code, pc) && next < code->len && is_instruction(code, next)) {
            starts[next] = true;
        }
    }
    for (uint32_t pc = 0; pc < code->len; pc++) {
        if (starts[pc]) {
            assert_true(count < program->block_count);
            const pvm_block_t block = block_from(code, pc);
            assert_memory_equal(&program->blocks[count], &block, sizeof(block));
            count++;
        }
        assert_int_equal(pvm_program_is_block_start(program, pc),
                         starts[pc] && is_instruction(code, pc));
    }
    assert_int_equal(count, program->block_count);
    assert_int_equal(pvm_program_is_block_start(program, code->len),
                     program->spec == PVM_SPEC_LATEST64);
}

/* One by one, or all at once. */
static void check_prices(pvm_program_t *program, bool at_once)
{
    program->has_block_gas = true;
    pvm_program_forget_blocks(program);
    assert_int_equal(pvm_program_find_blocks(program), 0);
    if (at_once) {
        pvm_program_price_all(program);
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        const uint32_t gas =
            pvm_gas_pipeline_stages(&program->code, program->blocks[i].pc, NULL, 0);
        assert_int_equal(program->blocks[i].gas, at_once ? gas : 0);
        assert_int_equal(pvm_program_block_gas(program, i), gas);
    }
    program->has_block_gas = false;
}

static bool is_valid(const pvm_code_t *code)
{
    uint32_t pc = 0;
    uint32_t last = 0;

    while (pc < code->len && is_instruction(code, pc)) {
        last = pc;
        pc += 1 + pvm_isa_skip(code, pc);
    }
    return code->len > 0 && pc >= code->len && is_terminator(code, last);
}

/* -- Tests -- */

typedef struct {
    uint64_t regular;
    uint64_t valid;
    uint64_t known_valid;
} met_t;

static void check(pvm_program_t *program, met_t *met)
{
    char reason[128];

    for (int way = 0; way < 2; way++) {
        check_prices(program, way == 1);
        pvm_program_forget_blocks(program);
        assert_int_equal(pvm_program_find_blocks(program), 0);
        check_blocks(program);
        assert_int_equal(pvm_program_find_violation(&program->code, reason, sizeof(reason)),
                         !is_valid(&program->code));
        met->valid += is_valid(&program->code);
        met->known_valid += pvm_regular_is_valid(&program->code);
        assert_int_equal(setenv("PVM_CPU", "baseline", 1), 0);
    }
    assert_int_equal(unsetenv("PVM_CPU"), 0);
    memset(program->block_starts, 0, program->code.len / 8 + 9);
    met->regular += pvm_regular_find_blocks(program) == PVM_REGULAR_FOUND;
}

static void both_ways_find_the_blocks_that_the_rules_name(void **state)
{
    const uint64_t seed = setting("PVM_TEST_SEED", 64);
    const uint64_t wanted = setting("PVM_BLOCKS_PROGRAMS", 20000);
    random_t random = {seed * UINT64_C(0x9e3779b97f4a7c15) | 1};
    met_t met = {0};

    (void)state;
    for (uint64_t i = 0; i < wanted; i++) {
        static draft_t draft;
        draft.isa = (pvm_isa_t)random_below(&random, PVM_ISA_COUNT);
        draft.len = 1 + random_below(&random, random_below(&random, 4) == 0 ? 70 : LEN_MAX - 1);
        if (random_below(&random, 4) == 0) {
            draft.len = (draft.len + 63) / 64 * 64;
        }
        make_regular(&draft, &random);
        for (uint32_t k = random_below(&random, 3); k > 0; k--) {
            damage(&draft, &random);
        }
        pvm_program_t *const program = program_of(&draft);
        program->code.isa = draft.isa;
        check(program, &met);
        pvm_program_release(program);
    }
    print_message("seed %" PRIu64 ": %" PRIu64 " programs, %" PRIu64 " regular, %" PRIu64
                  " valid\n",
                  seed, wanted, met.regular, met.valid / 2);
    assert_true(met.valid > wanted / 8);
    assert_true(met.regular > wanted / 4 || !pvm_regular_is_available());
    assert_int_equal(met.known_valid, pvm_regular_is_available() ? met.valid / 2 : 0);
}

static void a_block_starts_at_every_octet_of_traps(void **state)
{
    draft_t draft = {.len = 513, .isa = PVM_ISA_0_7_2};
    met_t met = {0};

    (void)state;
    memset(draft.mask, 0xff, sizeof(draft.mask));
    pvm_program_t *const program = program_of(&draft);
    assert_int_equal(program->block_count, 513);
    check(program, &met);
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_find_the_blocks_that_the_rules_name),
        cmocka_unit_test(a_block_starts_at_every_octet_of_traps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
