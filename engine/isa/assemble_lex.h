/* Words and numbers of one assembler line, and errors that name it. Used by assemble_source.c
 * only. */
#ifndef PVM_ISA_ASSEMBLE_LEX_H
#define PVM_ISA_ASSEMBLE_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The rest of a line, its comment cut off. */
typedef struct {
    const char *file_name;
    const char *at;
    const char *end;
    uint32_t line;
} pvm_lex_t;

/** A word: letters, digits, '_', '.', '$'. */
typedef struct {
    const char *text;
    size_t len;
} pvm_word_t;

/** Set "file:line: ..." as the error text, printf style. @return -1 */
int pvm_lex_fail(const pvm_lex_t *lex, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** True if nothing but blanks is left. */
bool pvm_lex_at_end(pvm_lex_t *lex);
/** Take one character, after blanks, if it is there. */
bool pvm_lex_take(pvm_lex_t *lex, char c);
/** Take a word; its length is 0 if something else stands there. */
pvm_word_t pvm_lex_word(pvm_lex_t *lex);
/** How much of a word an error quotes. */
int pvm_lex_quoted(pvm_word_t word);
/** Digits of base 10, or 16 behind 0x. @return false if the word is no number below 2^64. */
bool pvm_lex_unsigned(pvm_word_t word, uint64_t *out);
/** An optional sign and a number; 2^63 and above are two's complement. @return 0 or -1 */
int pvm_lex_number(pvm_lex_t *lex, int64_t *out);
/** A number that fits 32 bits: a pc. @return 0 or -1 */
int pvm_lex_pc(pvm_lex_t *lex, uint32_t *out);

#endif
