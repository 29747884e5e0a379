/* Sets of octets by two table look-ups of 4 bits each, then words of 64 bits, a bit for an octet. */
#include "program/regular.h"

#if defined(__x86_64__)
#include "gas/words.h"
#include "isa/positions.h"
#include "program/blocks.h"

#include <assert.h>
#include <immintrin.h>
#include <stdlib.h>

/* What this file needs beyond plain x86-64; asked at run time. */
#define WIDE __attribute__((target("avx2,bmi,bmi2,popcnt")))

bool pvm_regular_is_available(void)
{
    const char *const wanted = getenv("PVM_CPU");

    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
           (wanted == NULL || strcmp(wanted, "baseline") != 0);
}

/* -- Sets of opcodes -- */

/* A set of octets: for the low half of an octet the high halves that are in it, a bit each; 0 to 7 and 8 to 15. */
typedef struct {
    __m256i low;
    __m256i high;
} octets_t;

typedef struct {
    octets_t ends; /**< terminators; and what is undefined */
    octets_t undefined;
} opcodes_t;

WIDE static opcodes_t opcodes_of(pvm_isa_t isa)
{
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(isa)->numbers;
    uint8_t classes[256];
    __m128i ends[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
    __m128i undefined[2] = {_mm_setzero_si128(), _mm_setzero_si128()};

    for (int i = 0; i < 256; i++) {
        classes[i] = numbers[i].class;
    }
    for (int high = 0; high < 16; high++) {
        const __m128i row = _mm_loadu_si128((const __m128i *)(const void *)(classes + 16 * high));
        const __m128i bit = _mm_set1_epi8((char)(1 << (high & 7)));
        const __m128i plain = _mm_cmpeq_epi8(row, _mm_set1_epi8(PVM_GAS_IS_DEFINED));
        const __m128i none = _mm_cmpeq_epi8(row, _mm_setzero_si128());
        ends[high / 8] = _mm_or_si128(ends[high / 8], _mm_andnot_si128(plain, bit));
        undefined[high / 8] = _mm_or_si128(undefined[high / 8], _mm_and_si128(none, bit));
    }
    return (opcodes_t){
        .ends = {_mm256_broadcastsi128_si256(ends[0]), _mm256_broadcastsi128_si256(ends[1])},
        .undefined = {_mm256_broadcastsi128_si256(undefined[0]),
                      _mm256_broadcastsi128_si256(undefined[1])},
    };
}

/* Which of 32 octets are in the set. @param bit  the bit of their high halves */
WIDE static inline uint32_t members(const octets_t *set, __m256i octets, __m256i bit)
{
    /* A look-up by an octet of 128 or more gives 0. */
    const __m256i row = _mm256_or_si256(
        _mm256_shuffle_epi8(set->low, octets),
        _mm256_shuffle_epi8(set->high, _mm256_xor_si256(octets, _mm256_set1_epi8((char)0x80))));
    const __m256i is_out = _mm256_cmpeq_epi8(_mm256_and_si256(row, bit), _mm256_setzero_si256());

    return ~(uint32_t)_mm256_movemask_epi8(is_out);
}

/* -- 64 octets of code -- */

typedef struct {
    uint64_t starts; /**< instructions */
    uint64_t ends;   /**< those that end a block */
} word_t;

typedef struct {
    const pvm_code_t *code;
    opcodes_t opcodes;
    unsigned zeros; /**< octets at the end of the word before in which no instruction starts */
} reader_t;

/* 25 zeros in a row: more than skip() passes over. */
static bool has_gap(uint64_t mask)
{
    const uint64_t one = ~mask;
    const uint64_t two = one & one >> 1;
    const uint64_t four = two & two >> 2;
    const uint64_t eight = four & four >> 4;

    return (eight & eight >> 8 & eight >> 16 & one >> 24) != 0;
}

static_assert(PVM_SKIP_MAX == 24, "see has_gap()");

/* @return false: it is not regular */
WIDE static inline bool read_word(reader_t *reader, uint32_t base, word_t *out)
{
    const pvm_code_t *const code = reader->code;
    const uint64_t mask = pvm_positions_word(code, base);
    const uint32_t rest = code->len - base;
    const uint64_t starts = rest < 64 ? _bzhi_u64(mask, rest) : mask;
    const __m256i bits = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
    uint64_t ends = 0;
    uint64_t undefined = 0;

    for (unsigned i = 0; i < 64; i += 32) {
        const __m256i octets =
            _mm256_loadu_si256((const __m256i *)(const void *)(code->octets + base + i));
        const __m256i halves = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(15));
        const __m256i bit = _mm256_shuffle_epi8(bits, halves);
        ends |= (uint64_t)members(&reader->opcodes.ends, octets, bit) << i;
        undefined |= (uint64_t)members(&reader->opcodes.undefined, octets, bit) << i;
    }
    *out = (word_t){.starts = starts, .ends = ends & starts};
    const unsigned gap = reader->zeros + (unsigned)_tzcnt_u64(mask);
    reader->zeros = (unsigned)__builtin_clzll(mask | 1); /* a mask of 0 is refused here */
    /* 25 zeros within the word, at the end of the code or not, have an octet of zeros, which is rare. */
    const uint64_t octet =
        (mask - UINT64_C(0x0101010101010101)) & ~mask & UINT64_C(0x8080808080808080);
    return (undefined & starts) == 0 && gap <= PVM_SKIP_MAX && (octet == 0 || !has_gap(mask));
}

/* -- The two questions -- */

WIDE static bool is_valid(const pvm_code_t *code)
{
    reader_t reader = {.code = code, .opcodes = opcodes_of(code->isa)};
    word_t word;
    bool ends = false;

    for (uint32_t base = 0; base < code->len; base += 64) {
        if (!read_word(&reader, base, &word)) {
            return false;
        }
        if (word.starts != 0) {
            /* Whether the highest bit of the one is in the other. */
            ends = word.ends > (word.starts & ~word.ends);
        }
    }
    return ends && pvm_isa_mask_at(code, 0);
}

bool pvm_regular_is_valid(const pvm_code_t *code)
{
    return pvm_regular_is_available() && is_valid(code);
}

WIDE static pvm_regular_t find_blocks(pvm_program_t *program)
{
    const pvm_code_t *const code = &program->code;
    const uint32_t flat = program->has_block_gas ? 0 : UINT32_MAX;
    reader_t reader = {.code = code, .opcodes = opcodes_of(code->isa)};
    uint32_t capacity = 0;
    uint32_t count = 0;
    pvm_block_t *blocks = NULL;
    uint32_t pc = 0;          /* where the open block starts, */
    uint32_t first = 0;       /* and how many instructions are before it */
    uint32_t number = 0;      /* of instructions before this word */
    unsigned char behind = 0; /* 1: the next instruction starts a block */

    if (code->len == 0 || !pvm_isa_mask_at(code, 0)) {
        return PVM_REGULAR_NOT;
    }
    for (uint32_t base = 0; base < code->len; base += 64) {
        word_t word;
        unsigned long long sum;
        if (!read_word(&reader, base, &word)) {
            return PVM_REGULAR_NOT;
        }
        if (capacity - count < 64 + 1) {
            program->block_count = count;
            if (!pvm_program_reserve_blocks(program, &capacity, 64 + 1)) {
                return PVM_REGULAR_NO_MEMORY;
            }
            blocks = program->blocks;
        }
        /* Added behind a terminator, 1 carries over what is no instruction to the next one. */
        behind = _addcarry_u64(behind, ~word.starts, word.ends << 1, &sum);
        behind |= (unsigned char)(word.ends >> 63);
        uint64_t starts = sum & word.starts;
        const uint64_t marks = base == 0 ? starts | 1 : starts;
        memcpy(program->block_starts + base / 8, &marks, sizeof(marks));
        for (; starts != 0; starts &= starts - 1) {
            const uint32_t bit = (uint32_t)_tzcnt_u64(starts);
            const uint32_t before = number + (uint32_t)_mm_popcnt_u64(_bzhi_u64(word.starts, bit));
            blocks[count++] = (pvm_block_t){.pc = pc,
                                            .end_pc = base + bit,
                                            .instructions = before - first,
                                            .gas = (before - first) & flat};
            pc = base + bit;
            first = before;
        }
        number += (uint32_t)_mm_popcnt_u64(word.starts);
    }
    blocks[count++] = (pvm_block_t){.pc = pc,
                                    .end_pc = code->len,
                                    .instructions = number - first,
                                    .gas = (number - first) & flat};
    program->block_count = count;
    return PVM_REGULAR_FOUND;
}

pvm_regular_t pvm_regular_find_blocks(pvm_program_t *program)
{
    return pvm_regular_is_available() ? find_blocks(program) : PVM_REGULAR_NOT;
}
#else
bool pvm_regular_is_available(void)
{
    return false;
}

pvm_regular_t pvm_regular_find_blocks(pvm_program_t *program)
{
    (void)program;
    return PVM_REGULAR_NOT;
}

bool pvm_regular_is_valid(const pvm_code_t *code)
{
    (void)code;
    return false;
}
#endif
