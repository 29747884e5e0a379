/* Assembler, first half: lines to statements. Checks names, numbers and operands; labels are
 * resolved and octets made in assemble.c. docs/assembler.md has the grammar. */
#include "isa/assemble_source.h"

#include "isa/assemble_lex.h"
#include "support/error.h"

#include <ctype.h>
#include <string.h>

/* The line at hand and what becomes of it. */
typedef struct {
    pvm_lex_t lex;
    pvm_source_t *source;
} parser_t;

static const char *const operands_of_form[PVM_FORM_COUNT] = {
#define PVM_OPERAND_FORM(name, text) [PVM_FORM_##name] = text,
#include "isa/operands.def"
};

/* -- Operands --------------------------------------------------------------------------- */

static int take_register(parser_t *parser, uint8_t *out)
{
    const pvm_word_t word = pvm_lex_word(&parser->lex);
    const pvm_word_t digits = {word.text + 1, word.len > 0 ? word.len - 1 : 0};
    uint64_t number;

    if (word.len < 2 || word.len > 3 || word.text[0] != 'r' || !pvm_lex_unsigned(digits, &number) ||
        number > 12) {
        return pvm_lex_fail(&parser->lex, "'%.*s' is no register; write r0 to r12",
                            pvm_lex_quoted(word), word.text);
    }
    *out = (uint8_t)number;
    return 0;
}

/* ":4" behind an immediate: its length in octets. */
static int take_length(parser_t *parser, int8_t *out)
{
    if (!pvm_lex_take(&parser->lex, ':')) {
        return 0;
    }
    const pvm_word_t word = pvm_lex_word(&parser->lex);
    if (word.len != 1 || word.text[0] < '0' || word.text[0] > '4') {
        return pvm_lex_fail(&parser->lex, "':%.*s' is no length; write :0 to :4",
                            pvm_lex_quoted(word), word.text);
    }
    *out = (int8_t)(word.text[0] - '0');
    return 0;
}

static int take_immediate(parser_t *parser, bool is_wide, int64_t *out, int8_t *length)
{
    if (pvm_lex_number(&parser->lex, out) != 0) {
        return -1;
    }
    if (is_wide) {
        return 0;
    }
    const unsigned needed = pvm_isa_immediate_length(*out);
    if (needed > PVM_LENGTH_MAX) {
        return pvm_lex_fail(
            &parser->lex,
            "0x%llx is no sign-extended 32-bit number; write it as negative, or use "
            "load_imm_64",
            (unsigned long long)*out);
    }
    if (take_length(parser, length) != 0) {
        return -1;
    }
    if (*length != PVM_LENGTH_SHORTEST && *length < (int)needed) {
        return pvm_lex_fail(&parser->lex, "the number does not fit %d octets; it needs %u", *length,
                            needed);
    }
    return 0;
}

/* "@12", "@name" or "name". */
static int take_code_reference(parser_t *parser, uint32_t *out_reference, int64_t *out_pc)
{
    const bool marked = pvm_lex_take(&parser->lex, '@');
    const bool negative = marked && pvm_lex_take(&parser->lex, '-');
    const pvm_word_t word = pvm_lex_word(&parser->lex);
    pvm_source_t *source = parser->source;

    if (word.len == 0) {
        return pvm_lex_fail(&parser->lex, "a code offset is missing; write @12 or @label");
    }
    if (isdigit((unsigned char)word.text[0])) {
        uint64_t value;
        /* Targets outside the code are legal to write, as far as an offset of four octets can
         * reach. */
        if (!pvm_lex_unsigned(word, &value) || value > UINT64_C(1) << 33) {
            return pvm_lex_fail(&parser->lex, "'%.*s' is no code offset; write a number below 2^33",
                                pvm_lex_quoted(word), word.text);
        }
        *out_pc = negative ? -(int64_t)value : (int64_t)value;
        *out_reference = PVM_NO_REFERENCE;
        return 0;
    }
    if (negative) {
        return pvm_lex_fail(&parser->lex, "a label cannot be negative; write @label");
    }
    const pvm_reference_t reference = {word.text, (uint32_t)word.len, parser->lex.line};
    *out_reference = pvm_isa_source_count(&source->references, sizeof(reference));
    pvm_buffer_append(&source->references, &reference, sizeof(reference));
    return 0;
}

static int take_operand(parser_t *parser, char role, pvm_item_t *item)
{
    const bool is_wide = pvm_isa_ops[item->in.op].form == PVM_FORM_REG_EXT;

    switch (role) {
    case 'A':
        return take_register(parser, &item->in.a);
    case 'B':
        return take_register(parser, &item->in.b);
    case 'D':
        return take_register(parser, &item->in.d);
    case 'X':
        return take_immediate(parser, is_wide, &item->in.x, &item->lengths.x);
    case 'Y':
        return take_immediate(parser, false, &item->in.y, &item->lengths.y);
    default:
        return take_code_reference(parser, &item->reference, &item->target) != 0
                   ? -1
                   : take_length(parser, &item->lengths.y);
    }
}

/* -- Statements ------------------------------------------------------------------------- */

static void append_item(parser_t *parser, pvm_item_t *item)
{
    item->line = parser->lex.line;
    item->stated_pc = parser->source->stated_pc;
    parser->source->stated_pc = PVM_NO_STATED_PC;
    pvm_buffer_append(&parser->source->items, item, sizeof(*item));
}

static int parse_instruction(parser_t *parser, pvm_word_t name)
{
    const pvm_op_t op = pvm_isa_op_by_name(name.text, name.len);
    pvm_item_t item = {.lengths = pvm_lengths_shortest(), .reference = PVM_NO_REFERENCE};

    if (op == PVM_OP_INVALID) {
        return pvm_lex_fail(&parser->lex,
                            "unknown instruction '%.*s'; docs/instructions.md lists all",
                            pvm_lex_quoted(name), name.text);
    }
    if (pvm_isa_ops[op].number[parser->source->isa] < 0) {
        return pvm_lex_fail(&parser->lex, "%s does not exist in %s; choose another .spec",
                            pvm_isa_ops[op].name, pvm_isa_name(parser->source->isa));
    }
    item.in.op = (uint8_t)op;
    const char *roles = operands_of_form[pvm_isa_ops[op].form];
    for (const char *role = roles; *role != '\0'; role++) {
        if (role != roles && !pvm_lex_take(&parser->lex, ',')) {
            return pvm_lex_fail(&parser->lex, "%s takes %zu operands; write a comma between them",
                                pvm_isa_ops[op].name, strlen(roles));
        }
        if (take_operand(parser, *role, &item) != 0) {
            return -1;
        }
    }
    append_item(parser, &item);
    return 0;
}

/* ".byte 1, *0x33, 2": raw octets; the star sets the mask bit. */
static int parse_bytes(parser_t *parser)
{
    pvm_source_t *source = parser->source;
    pvm_item_t item = {.reference = PVM_NO_REFERENCE, .lengths = pvm_lengths_shortest()};

    item.raw_first = pvm_isa_source_count(&source->raw, sizeof(uint16_t));
    do {
        const bool starts = pvm_lex_take(&parser->lex, '*');
        int64_t value;
        if (pvm_lex_number(&parser->lex, &value) != 0) {
            return -1;
        }
        if (value < -128 || value > 255) {
            return pvm_lex_fail(&parser->lex,
                                "an octet of .byte is out of range; write -128 to 255");
        }
        const uint16_t raw = (uint16_t)((uint8_t)value | (starts ? PVM_RAW_MASK : 0));
        pvm_buffer_append(&source->raw, &raw, sizeof(raw));
        item.raw_count++;
    } while (pvm_lex_take(&parser->lex, ','));
    append_item(parser, &item);
    return 0;
}

static int parse_jump_table(parser_t *parser)
{
    pvm_source_t *source = parser->source;

    do {
        pvm_jump_t jump = {0};
        int64_t pc = 0;
        if (take_code_reference(parser, &jump.reference, &pc) != 0) {
            return -1;
        }
        if (pc < 0 || pc > UINT32_MAX) {
            return pvm_lex_fail(&parser->lex,
                                "a jump table entry is out of range; write 0 to 2^32 - 1");
        }
        jump.value = (uint32_t)pc;
        pvm_buffer_append(&source->jumps, &jump, sizeof(jump));
    } while (pvm_lex_take(&parser->lex, ','));
    if (pvm_isa_source_count(&source->jumps, sizeof(pvm_jump_t)) > PVM_MAX_ASSEMBLY_JUMPS) {
        return pvm_lex_fail(&parser->lex, "more than %u jump table entries; split the program",
                            PVM_MAX_ASSEMBLY_JUMPS);
    }
    return 0;
}

static int parse_spec(parser_t *parser)
{
    const pvm_word_t word = pvm_lex_word(&parser->lex);
    const pvm_isa_t isa = pvm_isa_by_name(word.text, word.len);

    if (isa == PVM_ISA_COUNT) {
        return pvm_lex_fail(&parser->lex,
                            "unknown spec '%.*s'; write 0.7.2, 0.8.0, latest64 or latest32",
                            pvm_lex_quoted(word), word.text);
    }
    if (parser->source->items.len > 0) {
        return pvm_lex_fail(&parser->lex,
                            ".spec must stand before the first instruction; move it up");
    }
    parser->source->isa = isa;
    return 0;
}

static int parse_statement(parser_t *parser, pvm_word_t word)
{
    static const struct {
        const char *name;
        int (*parse)(parser_t *parser);
    } directives[] = {
        {".byte", parse_bytes},
        {".jump_table", parse_jump_table},
        {".spec", parse_spec},
    };

    if (word.len == 0 && *parser->lex.at == '\0') {
        return pvm_lex_fail(&parser->lex, "an octet 0 is unexpected; give a text file");
    }
    if (word.len == 0) {
        return pvm_lex_fail(&parser->lex,
                            "'%c' is unexpected; a line is [label:] instruction ; comment",
                            *parser->lex.at);
    }
    if (word.text[0] != '.') {
        return parse_instruction(parser, word);
    }
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
        if (strlen(directives[i].name) == word.len &&
            memcmp(directives[i].name, word.text, word.len) == 0) {
            return directives[i].parse(parser);
        }
    }
    return pvm_lex_fail(&parser->lex, "unknown directive '%.*s'; write .byte, .jump_table or .spec",
                        pvm_lex_quoted(word), word.text);
}

static int add_label(parser_t *parser, pvm_word_t word)
{
    if (isdigit((unsigned char)word.text[0]) || word.len > UINT16_MAX) {
        return pvm_lex_fail(
            &parser->lex,
            "'%.*s' cannot be a label; begin with a letter, or write @12: to state a pc",
            pvm_lex_quoted(word), word.text);
    }
    const pvm_label_t label = {
        .name = word.text,
        .name_len = (uint32_t)word.len,
        .line = parser->lex.line,
        .item = pvm_isa_source_count(&parser->source->items, sizeof(pvm_item_t)),
    };
    pvm_buffer_append(&parser->source->labels, &label, sizeof(label));
    return 0;
}

static int parse_line(parser_t *parser)
{
    while (!pvm_lex_at_end(&parser->lex)) {
        if (pvm_lex_take(&parser->lex, '@')) {
            if (pvm_lex_pc(&parser->lex, &parser->source->stated_pc) != 0) {
                return -1;
            }
            if (!pvm_lex_take(&parser->lex, ':')) {
                return pvm_lex_fail(&parser->lex, "a stated pc ends with a colon; write @12:");
            }
            continue;
        }
        const pvm_word_t word = pvm_lex_word(&parser->lex);
        if (word.len > 0 && pvm_lex_take(&parser->lex, ':')) {
            if (add_label(parser, word) != 0) {
                return -1;
            }
            continue;
        }
        if (parse_statement(parser, word) != 0) {
            return -1;
        }
        if (!pvm_lex_at_end(&parser->lex)) {
            return pvm_lex_fail(&parser->lex,
                                "'%c' behind the statement is unexpected; one statement a line",
                                *parser->lex.at);
        }
    }
    return 0;
}

int pvm_isa_source_parse(pvm_source_t *source, const char *text, size_t len)
{
    const char *const end = text + len;
    parser_t parser = {.source = source, .lex = {.file_name = source->file_name}};
    pvm_lex_t *const line = &parser.lex;

    source->stated_pc = PVM_NO_STATED_PC;
    for (const char *at = text; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline == NULL ? end : newline + 1;
        line->at = at;
        line->end = at;
        while (line->end < next && *line->end != '\n' && *line->end != ';' && *line->end != '#') {
            line->end++;
        }
        line->line++;
        if (parse_line(&parser) != 0) {
            return -1;
        }
        at = next;
    }
    if (source->items.failed || source->labels.failed || source->references.failed ||
        source->jumps.failed || source->raw.failed) {
        return pvm_error_set("%s: not enough memory to assemble", source->file_name);
    }
    return 0;
}

void pvm_isa_source_free(pvm_source_t *source)
{
    pvm_buffer_free(&source->items);
    pvm_buffer_free(&source->labels);
    pvm_buffer_free(&source->references);
    pvm_buffer_free(&source->jumps);
    pvm_buffer_free(&source->raw);
}
