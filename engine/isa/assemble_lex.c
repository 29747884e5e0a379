/* Words and numbers of one assembler line. */
#include "isa/assemble_lex.h"

#include "support/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

int pvm_lex_fail(const pvm_lex_t *lex, const char *format, ...)
{
    char what[PVM_ERROR_BYTES / 2];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return pvm_error_set("%s:%u: %s", lex->file_name, lex->line, what);
}

static void skip_blanks(pvm_lex_t *lex)
{
    while (lex->at < lex->end && isspace((unsigned char)*lex->at)) {
        lex->at++;
    }
}

bool pvm_lex_at_end(pvm_lex_t *lex)
{
    skip_blanks(lex);
    return lex->at == lex->end;
}

bool pvm_lex_take(pvm_lex_t *lex, char c)
{
    skip_blanks(lex);
    if (lex->at < lex->end && *lex->at == c) {
        lex->at++;
        return true;
    }
    return false;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

pvm_word_t pvm_lex_word(pvm_lex_t *lex)
{
    skip_blanks(lex);
    pvm_word_t word = {.text = lex->at};
    while (lex->at < lex->end && is_word_char(*lex->at)) {
        lex->at++;
    }
    word.len = (size_t)(lex->at - word.text);
    return word;
}

int pvm_lex_quoted(pvm_word_t word)
{
    return word.len > 40 ? 40 : (int)word.len;
}

bool pvm_lex_unsigned(pvm_word_t word, uint64_t *out)
{
    const bool hex = word.len > 2 && word.text[0] == '0' && (word.text[1] | 32) == 'x';
    const unsigned base = hex ? 16 : 10;
    uint64_t value = 0;

    if (word.len == 0) {
        return false;
    }
    for (size_t i = hex ? 2 : 0; i < word.len; i++) {
        const char c = (char)(word.text[i] | 32);
        unsigned digit = 16;
        if (word.text[i] >= '0' && word.text[i] <= '9') {
            digit = (unsigned)(word.text[i] - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        }
        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

int pvm_lex_number(pvm_lex_t *lex, int64_t *out)
{
    const bool negative = pvm_lex_take(lex, '-');
    const pvm_word_t word = pvm_lex_word(lex);
    uint64_t value;

    if (!pvm_lex_unsigned(word, &value) || (negative && value > UINT64_C(1) << 63)) {
        return pvm_lex_fail(lex, "'%.*s' is no number; write decimal digits or 0x and hex digits",
                            pvm_lex_quoted(word), word.text);
    }
    *out = (int64_t)(negative ? -value : value);
    return 0;
}

int pvm_lex_pc(pvm_lex_t *lex, uint32_t *out)
{
    const pvm_word_t word = pvm_lex_word(lex);
    uint64_t value;

    if (!pvm_lex_unsigned(word, &value) || value > UINT32_MAX) {
        return pvm_lex_fail(lex, "'%.*s' is no code offset; write a number below 2^32",
                            pvm_lex_quoted(word), word.text);
    }
    *out = (uint32_t)value;
    return 0;
}
