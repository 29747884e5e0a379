/* One instruction as assembler text. The operand order is that of operands.def. */
#include "isa/encode.h"
#include "isa/isa.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Up to here numbers are counts, sizes and stack offsets, which people read in decimal; above
 * they are mostly addresses and bit patterns. */
#define DECIMAL_MAX 255

typedef struct {
    char *out;
    size_t room;
    int len; /* what everything would take, as snprintf counts */
} text_t;

__attribute__((format(printf, 2, 3))) static void add(text_t *text, const char *format, ...)
{
    va_list args;
    const size_t used = (size_t)text->len;
    const size_t left = used < text->room ? text->room - used : 0;

    va_start(args, format);
    text->len += vsnprintf(left > 0 ? text->out + used : NULL, left, format, args);
    va_end(args);
}

static void add_length(text_t *text, int8_t length)
{
    if (length != PVM_LENGTH_SHORTEST) {
        add(text, ":%d", length);
    }
}

static void add_immediate(text_t *text, int64_t value, bool is_bits)
{
    const uint64_t bits = (uint64_t)value;

    if (value >= -DECIMAL_MAX && value <= DECIMAL_MAX) {
        add(text, "%" PRId64, value);
    } else if (value > 0 || is_bits) {
        add(text, "0x%" PRIx64, bits);
    } else {
        add(text, "-0x%" PRIx64, -bits);
    }
}

static const char *const operands_of_form[PVM_FORM_COUNT] = {
#define PVM_OPERAND_FORM(name, text) [PVM_FORM_##name] = text,
#include "isa/operands.def"
};

int pvm_isa_format_lengths(const pvm_instruction_t *in, pvm_lengths_t lengths, char *out,
                           size_t out_bytes)
{
    text_t text = {.out = out, .room = out_bytes};
    const pvm_op_info_t *info = &pvm_isa_ops[in->op];

    add(&text, "%s", info->name);
    for (const char *role = operands_of_form[info->form]; *role != '\0'; role++) {
        add(&text, role == operands_of_form[info->form] ? " " : ", ");
        switch (*role) {
        case 'A':
            add(&text, "r%u", in->a);
            break;
        case 'B':
            add(&text, "r%u", in->b);
            break;
        case 'D':
            add(&text, "r%u", in->d);
            break;
        case 'X':
            add_immediate(&text, in->x, info->form == PVM_FORM_REG_EXT);
            add_length(&text, info->form == PVM_FORM_REG_EXT ? PVM_LENGTH_SHORTEST : lengths.x);
            break;
        case 'Y':
            add_immediate(&text, in->y, false);
            add_length(&text, lengths.y);
            break;
        default: /* T */
            add(&text, "@%" PRId64, in->y);
            add_length(&text, lengths.y);
            break;
        }
    }
    if (in->implicit) {
        add(&text, " ; implicit: no defined instruction here");
    }
    return text.len;
}

int pvm_isa_format(const pvm_instruction_t *in, char *out, size_t out_bytes)
{
    return pvm_isa_format_lengths(in, pvm_lengths_shortest(), out, out_bytes);
}
