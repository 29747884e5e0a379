/* Emitted code is code: a disassembler that is not ours reads all of it without a gap, the code map stands on its
 * instructions, jumps stay inside, and nothing in it asks the system for anything. Every opcode of every numbering, in
 * each variant, and real programs. */
#include "support/blob.h"
#include "vm/vm.h"

#include "recompiler/code.h"

#include <pvm/pvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

/** What a test knows of one program's code. */
typedef struct {
    const pvm_program_t *program;
    const pvm_recompiler_code_t *code;
    uint8_t *is_begin; /**< of an instruction, by offset */
} listing_t;

static bool is_forbidden(const ZydisDecodedInstruction *in)
{
    switch (in->meta.category) {
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_STRINGOP:
        return true;
    default:
        return in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
    }
}

/* Where a jump may go: an instruction of this code, or a stub. */
static void check_target(const listing_t *listing, uint64_t at, uint64_t target)
{
    const pvm_recompiler_code_t *const code = listing->code;
    const uint32_t stubs_end = code->stubs_at + pvm_recompiler_stub_bytes(code);

    if (target >= code->stubs_at && target < stubs_end) {
        if ((target - code->stubs_at) % PVM_STUB_BYTES != 0) {
            fail_msg("+%#llx jumps into the middle of a stub", (unsigned long long)at);
        }
    } else if (target >= code->code_len || !listing->is_begin[target]) {
        fail_msg("+%#llx jumps to +%#llx, where no instruction begins", (unsigned long long)at,
                 (unsigned long long)target);
    }
}

/* Read [0, code_len) as one run of instructions; with `targets`, also follow the jumps. */
static void read_all(const listing_t *listing, const ZydisDecoder *decoder, bool targets)
{
    const pvm_recompiler_code_t *const code = listing->code;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    for (uint64_t at = 0; at < code->code_len; at += in.length) {
        if (ZYAN_FAILED(ZydisDecoderDecodeFull(decoder, code->region.base + at, code->code_len - at,
                                               &in, operands))) {
            fail_msg("+%#llx of %u: no instruction", (unsigned long long)at, code->code_len);
        }
        if (is_forbidden(&in)) {
            fail_msg("+%#llx: %s", (unsigned long long)at, ZydisMnemonicGetString(in.mnemonic));
        }
        listing->is_begin[at] = 1;
        if (targets && operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
            operands[0].imm.is_relative) {
            check_target(listing, at, at + in.length + (uint64_t)operands[0].imm.value.s);
        }
    }
}

/* Each guest instruction's host code begins and ends on an instruction. */
static void check_map(const listing_t *listing)
{
    const pvm_recompiler_code_t *const code = listing->code;

    for (uint32_t i = 0; i < code->stretch_count; i++) {
        const pvm_stretch_t *const stretch = &code->stretches[i];
        const uint32_t end = i + 1 < code->stretch_count ? stretch[1].lengths : code->length_count;
        uint32_t host = stretch->host;

        for (uint32_t k = stretch->lengths; k < end; k++) {
            assert_true(host <= code->code_len);
            assert_true(host == code->code_len || listing->is_begin[host]);
            host += code->lengths[k];
        }
        if (host > code->code_len || (host < code->code_len && !listing->is_begin[host])) {
            fail_msg("pc %u, stretch %u: ends at +%#x, where no instruction begins", stretch->pc, i,
                     host);
        }
    }
}

/* The guest instruction that a host instruction belongs to, for samples: each one from the first block on has one; the octets of
 * a guest instruction belong to it, what stands between two stretches to the second, a tail to code before it. */
static void check_busy(const listing_t *listing)
{
    const pvm_recompiler_code_t *const code = listing->code;
    const uint32_t body_end = code->tail_count > 0 ? code->tails[0].host : code->code_len;
    const pvm_stretch_t *stretch;
    uint32_t pc = 0;
    uint32_t last = 0;

    for (uint32_t at = 0; at < code->code_len; at++) {
        const bool has =
            pvm_recompiler_is_busy_at(code, listing->program, code->region.base + at, &pc);
        if (has != (at >= code->body_at)) {
            fail_msg("+%#x: %s", at, has ? "belongs to the guest" : "belongs to nobody");
        }
        /* The end of the code, and where skip() gives up, act as traps and are stretches, too. */
        if (has && !pvm_isa_mask_at(&listing->program->code, pc) &&
            pvm_recompiler_stretch_at(code, pc)->pc != pc) {
            fail_msg("+%#x: pc %u, where no instruction begins", at, pc);
        }
        if (has && at < body_end && pc < last) {
            fail_msg("+%#x: pc %u behind %u", at, pc, last);
        }
        last = has && at < body_end ? pc : last;
    }
    for (uint32_t i = 0; i < code->stretch_count; i++) {
        const uint8_t *const host = code->region.base + code->stretches[i].host;
        const uint32_t first = code->stretches[i].lengths;
        if (first == code->length_count || code->lengths[first] == 0) {
            continue; /* the end of the code, or no code, as for fallthrough */
        }
        assert_true(pvm_recompiler_is_busy_at(code, listing->program, host, &pc));
        assert_int_equal(pc, code->stretches[i].pc);
        assert_int_equal(pc, pvm_recompiler_pc_of(code, listing->program, host, &stretch));
    }
    for (uint32_t i = 0; i < code->tail_count; i++) {
        assert_true(code->tails[i].like < code->tails[i].host);
        assert_true(i == 0 || code->tails[i - 1].host < code->tails[i].host);
        assert_true(listing->is_begin[code->tails[i].host]);
    }
    assert_false(
        pvm_recompiler_is_busy_at(code, listing->program, code->region.base + code->code_len, &pc));
}

/* Stubs are calls into this code, one beside the other. */
static void check_stubs(const listing_t *listing, const ZydisDecoder *decoder)
{
    const pvm_recompiler_code_t *const code = listing->code;
    ZydisDecodedInstruction in;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    for (uint32_t i = 0; i < pvm_recompiler_stub_bytes(code); i += PVM_STUB_BYTES) {
        const uint64_t at = code->stubs_at + (uint64_t)i;

        assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, code->region.base + at,
                                                        PVM_STUB_BYTES, &in, operands)));
        assert_int_equal(in.length, PVM_STUB_BYTES);
        assert_int_equal(in.mnemonic, ZYDIS_MNEMONIC_CALL);
        check_target(listing, at, at + in.length + (uint64_t)operands[0].imm.value.s);
    }
}

/* @return instructions of the guest whose code was read */
static uint32_t check_code(const pvm_program_t *program, unsigned variant)
{
    pvm_recompiler_code_t *const code = pvm_recompiler_compile(program, variant);
    ZydisDecoder decoder;

    assert_non_null(code);
    const listing_t listing = {program, code, calloc(code->code_len + 1, 1)};
    assert_non_null(listing.is_begin);
    assert_true(
        ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    read_all(&listing, &decoder, false);
    read_all(&listing, &decoder, true);
    check_map(&listing);
    check_busy(&listing);
    check_stubs(&listing, &decoder);
    const uint32_t count = code->length_count;
    free(listing.is_begin);
    pvm_recompiler_code_destroy(code);
    return count;
}

static uint32_t check_variants(const pvm_program_t *program)
{
    uint32_t count = 0;

    for (unsigned variant = 0; variant < PVM_RECOMPILER_VARIANTS; variant++) {
        count += check_code(program, variant);
    }
    return count;
}

/* Every octet as opcode, with operands of several shapes behind it, and a trap at the end. */
static void test_every_opcode(void **state)
{
    static const uint8_t operands[][8] = {{0x21, 3, 1, 0, 0, 0, 0, 0},
                                          {0x00, 0x10, 0xff, 0xff, 0x7f, 0x80, 1, 2},
                                          {0xcc, 0x40, 0, 0, 0, 0x80, 0xff, 0xff},
                                          {0x5b, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 1}};
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64};
    uint8_t code[256 * 4 * 9 + 1];
    uint8_t mask[sizeof(code) / 8 + 1];

    (void)state;
    for (size_t s = 0; s < sizeof(specs) / sizeof(*specs); s++) {
        uint32_t len = 0;
        uint32_t defined = 0;

        memset(mask, 0, sizeof(mask));
        for (unsigned op = 0; op < 256; op++) {
            const pvm_isa_t isa = specs[s] == PVM_SPEC_0_7_2   ? PVM_ISA_0_7_2
                                  : specs[s] == PVM_SPEC_0_8_0 ? PVM_ISA_0_8_0
                                                               : PVM_ISA_LATEST64;
            if (pvm_isa_op(isa, (uint8_t)op) == PVM_OP_INVALID) {
                continue; /* 0.8.0 refuses the whole program */
            }
            defined++;
            for (size_t shape = 0; shape < 4; shape++) {
                mask[len / 8] = (uint8_t)(mask[len / 8] | 1U << len % 8);
                code[len++] = (uint8_t)op;
                memcpy(code + len, operands[shape], 8);
                len += 8;
            }
        }
        mask[len / 8] = (uint8_t)(mask[len / 8] | 1U << len % 8);
        code[len++] = 0;
        pvm_program_t *const program =
            pvm_program_from_parts(code, len, mask, (len + 7) / 8, NULL, 0, specs[s]);
        assert_non_null(program);
        assert_null(pvm_program_error(program));
        assert_true(defined > 100);
        assert_true(check_variants(program) >= 4 * 4 * defined);
        pvm_program_release(program);
    }
}

static void test_plain_cpu(void **state)
{
    (void)setenv("PVM_CPU", "baseline", 1);
    test_every_opcode(state);
    (void)unsetenv("PVM_CPU");
}

static void test_real_programs(void **state)
{
    static const char *const files[] = {"service.jam", "large.polkavm", "format.polkavm",
                                        "interp-0.7.2.polkavm"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        pvm_buffer_t blob = {0};
        char path[64];

        (void)snprintf(path, sizeof(path), "examples/guest/blobs/%s", files[i]);
        blob_load(&blob, path);
        pvm_program_t *const program =
            pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
        assert_non_null(program);
        assert_true(check_variants(program) > 1000);
        pvm_program_release(program);
        pvm_buffer_free(&blob);
    }
}

/* load_imm r2, 2, so many times that the loop behind it would begin anywhere in a line;
 * loop: add_imm_64 r7, r7, -1; store_ind_u8 r8, r9, 0; branch_ne_imm r7, 0, loop; trap */
static void test_short_loops_lie_in_one_line(void **state)
{
    static const uint8_t loop[] = {149, 0x77, 0xff, 120, 0x98, 82, 0x17, 0, (uint8_t)-5, 0};
    static const uint8_t loop_mask[] = {1, 0, 0, 1, 0, 1, 0, 0, 0, 1};

    (void)state;
    for (uint32_t before = 0; before < 70; before++) {
        uint8_t code[3 * 70 + 1 + sizeof(loop)];
        uint8_t mask[sizeof(code) / 8 + 1] = {0};
        uint32_t len = 0;

        for (uint32_t i = 0; i < before; i++) {
            mask[len / 8] = (uint8_t)(mask[len / 8] | 1U << len % 8);
            code[len++] = 51; /* load_imm */
            code[len++] = (uint8_t)(i % 2 ? 0 : 7);
            code[len++] = 2;
        }
        mask[len / 8] = (uint8_t)(mask[len / 8] | 1U << len % 8);
        code[len++] = 1; /* fallthrough */
        const uint32_t top = len;
        for (uint32_t i = 0; i < sizeof(loop); i++) {
            mask[len / 8] = (uint8_t)(mask[len / 8] | (unsigned)loop_mask[i] << len % 8);
            code[len++] = loop[i];
        }
        pvm_program_t *const program =
            pvm_program_from_parts(code, len, mask, (len + 7) / 8, NULL, 0, PVM_SPEC_0_8_0);
        assert_non_null(program);
        assert_null(pvm_program_error(program));
        (void)check_variants(program);
        pvm_recompiler_code_t *const plain = pvm_recompiler_compile(program, 0);
        assert_non_null(plain);
        const pvm_stretch_t *const stretch = pvm_recompiler_stretch_at(plain, top);
        const pvm_stretch_t *const next = pvm_recompiler_stretch_at(plain, len - 1);
        assert_int_equal(stretch->pc, top);
        assert_int_equal(next->pc, len - 1);
        /* Paying stands before it. */
        const uint32_t paying = plain->cpu.segment ? 10 : 12;
        uint32_t end = stretch->host;
        for (uint32_t i = stretch->lengths; i < next->lengths; i++) {
            end += plain->lengths[i];
        }
        assert_int_equal((stretch->host - paying) / 64, (end - 1) / 64);
        pvm_recompiler_code_destroy(plain);
        pvm_program_release(program);
    }
}

/* The test itself sees what is wrong. */
static void test_broken_code_is_found(void **state)
{
    const uint8_t forbidden[] = {0x0f, 0x05};
    ZydisDecodedInstruction in;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoder decoder;

    (void)state;
    assert_true(
        ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, forbidden, 2, &in, operands)));
    assert_true(is_forbidden(&in));
    assert_true(ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, "\x06", 1, &in, operands)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_opcode), cmocka_unit_test(test_plain_cpu),
        cmocka_unit_test(test_real_programs), cmocka_unit_test(test_short_loops_lie_in_one_line),
        cmocka_unit_test(test_broken_code_is_found)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
