/* Translating code without a bitmask. An instruction of two octets of number leaves one octet over at its end; operands of
 * these are as long as they can be or none, so that decoding does not see it. */
#include "program/maskless.h"

#include "isa/isa.h"
#include "support/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/** Code is cut into stretches, each of which can be decoded from its begin; the last may be shorter. */
#define STRETCH_BYTES 1024
#define PREFIX        255
#define NUMBER_COUNT  (PREFIX + 256)
#define MEMSET_NUMBER 510
/** Of memset in latest64 with a bitmask; loading refuses it by name. */
#define MEMSET_OPCODE 2

typedef struct {
    uint8_t op;            /**< pvm_op_t; trap for numbers without a meaning */
    uint8_t operand_bytes; /**< behind the number */
    bool is_defined;
} number_t;

static const number_t numbers[NUMBER_COUNT] = {
#define PVM_MASKLESS(number, name, bytes) [number] = {PVM_OP_##name, bytes, true},
#include "program/maskless.def"
    [MEMSET_NUMBER] = {PVM_OP_trap, 0, true},
};

static_assert(PVM_OP_trap == 0, "numbers without a meaning are traps");

/** An instruction where it stands. */
typedef struct {
    uint8_t opcode; /**< in latest64 with a bitmask */
    size_t number_bytes;
    size_t end;
    bool is_plain;
} place_t;

static place_t read_place(const uint8_t *code, size_t len, size_t at)
{
    const size_t border = at - at % STRETCH_BYTES + STRETCH_BYTES;
    const size_t end_max = border < len ? border : len;
    const bool is_wide = code[at] == PREFIX;
    const unsigned number = is_wide ? PREFIX + (at + 1 < len ? code[at + 1] : 0U) : code[at];
    const number_t *const known = &numbers[number];
    place_t place = {.number_bytes = is_wide ? 2 : 1, .is_plain = known->is_defined};

    place.end = at + place.number_bytes + known->operand_bytes;
    place.opcode = number == MEMSET_NUMBER
                       ? MEMSET_OPCODE
                       : (uint8_t)pvm_isa_ops[known->op].number[PVM_ISA_LATEST64];
    if (place.end > end_max ||
        (place.end == end_max && !pvm_isa_is_terminator((pvm_op_t)known->op))) {
        place = (place_t){.number_bytes = 1, .end = end_max};
    }
    return place;
}

int pvm_maskless_translate(const uint8_t *code, size_t len, pvm_maskless_t *out, bool *out_is_plain)
{
    *out = (pvm_maskless_t){.code = calloc(len + 1, 1), .mask = calloc(len / 8 + 1, 1)};
    *out_is_plain = true;
    if (out->code == NULL || out->mask == NULL) {
        pvm_maskless_free(out);
        return pvm_error_set("no memory for %zu octets of code", len);
    }
    for (size_t at = 0; at < len;) {
        const place_t place = read_place(code, len, at);

        out->code[at] = place.opcode;
        out->mask[at / 8] |= (uint8_t)(1U << (at % 8));
        if (place.is_plain) {
            memcpy(out->code + at + 1, code + at + place.number_bytes,
                   place.end - at - place.number_bytes);
        }
        *out_is_plain = *out_is_plain && place.is_plain;
        at = place.end;
    }
    return 0;
}

void pvm_maskless_free(pvm_maskless_t *code)
{
    free(code->code);
    free(code->mask);
    *code = (pvm_maskless_t){0};
}
