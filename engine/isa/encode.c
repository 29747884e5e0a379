/* Encoder: one instruction to octets. The inverse of decode.c for every encoding that gives each
 * immediate a length of its own; redundant octets behind an instruction are not its business.
 * Spec: GP A.5. */
#include "isa/encode.h"

#include <assert.h>

/* Where the next octet goes; `failed` when a value or register does not fit. */
typedef struct {
    uint8_t *out;
    size_t len;
    bool failed;
} cursor_t;

unsigned pvm_isa_immediate_length(int64_t value)
{
    if (value == 0) {
        return 0;
    }
    for (unsigned len = 1; len <= PVM_LENGTH_MAX; len++) {
        const int64_t limit = INT64_C(1) << (8 * len - 1);
        if (value >= -limit && value < limit) {
            return len;
        }
    }
    return 8;
}

/* The length that a value gets, or -1 if it does not fit the wanted one. */
static int length_of(int64_t value, int8_t wanted)
{
    const unsigned needed = pvm_isa_immediate_length(value);

    if (needed > PVM_LENGTH_MAX || wanted > PVM_LENGTH_MAX) {
        return -1;
    }
    if (wanted == PVM_LENGTH_SHORTEST) {
        return (int)needed;
    }
    return wanted >= (int)needed ? wanted : -1;
}

static void put(cursor_t *to, unsigned octet)
{
    assert(to->len < PVM_ENCODED_MAX);
    to->out[to->len++] = (uint8_t)octet;
}

static void put_value(cursor_t *to, int64_t value, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        put(to, (unsigned)((uint64_t)value >> (8 * i)) & 0xff);
    }
}

static void put_registers(cursor_t *to, unsigned low, unsigned high)
{
    to->failed = to->failed || low >= 13 || high >= 13;
    put(to, (low & 15) | (high & 15) << 4);
}

/* One immediate that takes the rest of the instruction. */
static void put_last(cursor_t *to, int64_t value, int8_t wanted)
{
    const int len = length_of(value, wanted);

    to->failed = to->failed || len < 0;
    put_value(to, value, len < 0 ? 0 : (unsigned)len);
}

/* A length in the low bits of an octet, whose high bits are given, or (is_high) the other way
 * round; then x and y. */
static void put_two(cursor_t *to, int64_t x, int64_t y, pvm_lengths_t lengths, unsigned other,
                    bool is_high)
{
    const int len = length_of(x, lengths.x);

    to->failed = to->failed || len < 0;
    const unsigned octets = len < 0 ? 0 : (unsigned)len;
    put(to, is_high ? octets << 4 | other : octets | other << 4);
    put_value(to, x, octets);
    put_last(to, y, lengths.y);
}

size_t pvm_isa_encode(pvm_isa_t isa, const pvm_instruction_t *in, pvm_lengths_t lengths,
                      uint8_t out[PVM_ENCODED_MAX])
{
    cursor_t to = {.out = out};
    const pvm_op_info_t *info = &pvm_isa_ops[in->op];
    const int64_t offset = in->y - in->pc;

    if (info->number[isa] < 0 || in->a >= 13) {
        return 0;
    }
    put(&to, (unsigned)info->number[isa]);
    switch ((pvm_form_t)info->form) {
    case PVM_FORM_NONE:
    case PVM_FORM_COUNT:
        break;
    case PVM_FORM_IMM:
        put_last(&to, in->x, lengths.x);
        break;
    case PVM_FORM_REG_EXT:
        put(&to, in->a);
        put_value(&to, in->x, 8);
        break;
    case PVM_FORM_IMM_IMM:
        put_two(&to, in->x, in->y, lengths, 0, false);
        break;
    case PVM_FORM_OFF:
        put_last(&to, offset, lengths.y);
        break;
    case PVM_FORM_REG_IMM:
        put(&to, in->a);
        put_last(&to, in->x, lengths.x);
        break;
    case PVM_FORM_REG_IMM_IMM:
        put_two(&to, in->x, in->y, lengths, in->a, true);
        break;
    case PVM_FORM_REG_IMM_OFF:
        put_two(&to, in->x, offset, lengths, in->a, true);
        break;
    case PVM_FORM_REG_REG:
        put_registers(&to, in->d, in->a);
        break;
    case PVM_FORM_REG_REG_IMM:
        put_registers(&to, in->a, in->b);
        put_last(&to, in->x, lengths.x);
        break;
    case PVM_FORM_REG_REG_OFF:
        put_registers(&to, in->a, in->b);
        put_last(&to, offset, lengths.y);
        break;
    case PVM_FORM_REG_REG_IMM_IMM:
        put_registers(&to, in->a, in->b);
        put_two(&to, in->x, in->y, lengths, 0, false);
        break;
    case PVM_FORM_REG_REG_REG:
        put_registers(&to, in->a, in->b);
        to.failed = to.failed || in->d >= 13;
        put(&to, in->d);
        break;
    }
    return to.failed ? 0 : to.len;
}
