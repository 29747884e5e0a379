/* Disassembler to source: text that the assembler turns back into exactly the same octets and
 * mask, also for encodings that are not the shortest, undefined opcodes and stray octets. */
#include "isa/assemble.h"

#include <string.h>

#define LINE_BYTES     160
#define JUMPS_PER_LINE 8

/* True if the instruction, encoded with these lengths, is the `len` octets at its pc. */
static bool is_encoding(const pvm_code_t *code, const pvm_instruction_t *in, pvm_lengths_t lengths)
{
    uint8_t octets[PVM_ENCODED_MAX];
    const size_t len = pvm_isa_encode(code->isa, in, lengths, octets);

    return len > 0 && len == in->next - in->pc && memcmp(octets, code->octets + in->pc, len) == 0;
}

/* The lengths that the octets at in->pc use, as the decoding rules read them. */
static pvm_lengths_t lengths_used(const pvm_code_t *code, const pvm_instruction_t *in)
{
    const uint8_t *p = code->octets + in->pc + 1;
    const int rest = (int)(in->next - in->pc) - 1;
    int x = 0;
    int y = 0;

    switch ((pvm_form_t)pvm_isa_ops[in->op].form) {
    case PVM_FORM_IMM:
        x = rest;
        break;
    case PVM_FORM_OFF:
        y = rest;
        break;
    case PVM_FORM_REG_IMM:
    case PVM_FORM_REG_REG_IMM:
        x = rest - 1;
        break;
    case PVM_FORM_REG_REG_OFF:
        y = rest - 1;
        break;
    case PVM_FORM_IMM_IMM:
        x = p[0] & 7;
        y = rest - 1 - x;
        break;
    case PVM_FORM_REG_IMM_IMM:
    case PVM_FORM_REG_IMM_OFF:
        x = p[0] >> 4;
        y = rest - 1 - x;
        break;
    case PVM_FORM_REG_REG_IMM_IMM:
        x = p[1] & 7;
        y = rest - 2 - x;
        break;
    default:
        break;
    }
    /* Out of range means that this is none of our encodings: is_encoding() will refuse it. */
    return (pvm_lengths_t){(int8_t)(x < 0 ? 0 : x), (int8_t)(y < 0 ? 0 : y)};
}

/* Drop the lengths that the assembler would choose by itself. */
static pvm_lengths_t without_shortest(const pvm_instruction_t *in, pvm_lengths_t lengths)
{
    const int64_t y = pvm_isa_has_target((pvm_op_t)in->op) ? in->y - in->pc : in->y;

    if (lengths.x == (int)pvm_isa_immediate_length(in->x)) {
        lengths.x = PVM_LENGTH_SHORTEST;
    }
    if (lengths.y == (int)pvm_isa_immediate_length(y)) {
        lengths.y = PVM_LENGTH_SHORTEST;
    }
    return lengths;
}

/* Octets up to, not including, the next one with a mask bit. */
static uint32_t raw_line(const pvm_code_t *code, uint32_t pc, pvm_buffer_t *out)
{
    pvm_buffer_printf(out, ".byte ");
    for (uint32_t at = pc;; at++) {
        if (at > pc && (pvm_isa_mask_at(code, at) || at - pc > PVM_SKIP_MAX)) {
            return at;
        }
        pvm_buffer_printf(out, "%s%s0x%02x", at > pc ? ", " : "",
                          pvm_isa_mask_at(code, at) ? "*" : "", code->octets[at]);
    }
}

uint32_t pvm_isa_disassemble_line(const pvm_code_t *code, uint32_t pc, pvm_buffer_t *out)
{
    pvm_instruction_t in;
    char line[LINE_BYTES];

    pvm_isa_decode(code, pc, &in);
    if (!in.implicit) {
        const pvm_lengths_t lengths = without_shortest(&in, lengths_used(code, &in));
        if (is_encoding(code, &in, lengths)) {
            (void)pvm_isa_format_lengths(&in, lengths, line, sizeof(line));
            pvm_buffer_printf(out, "%s", line);
            return in.next;
        }
    }
    return raw_line(code, pc, out);
}

void pvm_isa_disassemble(const pvm_code_t *code, const uint32_t *jump_table,
                         uint32_t jump_table_len, pvm_buffer_t *out)
{
    pvm_buffer_printf(out, ".spec %s\n", pvm_isa_name(code->isa));
    for (uint32_t i = 0; i < jump_table_len; i++) {
        const bool begins = i % JUMPS_PER_LINE == 0;
        const bool ends = i % JUMPS_PER_LINE == JUMPS_PER_LINE - 1 || i + 1 == jump_table_len;
        pvm_buffer_printf(out, "%s@%u%s", begins ? ".jump_table " : ", ", jump_table[i],
                          ends ? "\n" : "");
    }
    for (uint32_t pc = 0; pc < code->len;) {
        pvm_buffer_printf(out, "@%u: ", pc);
        pc = pvm_isa_disassemble_line(code, pc, out);
        pvm_buffer_printf(out, "\n");
    }
}
