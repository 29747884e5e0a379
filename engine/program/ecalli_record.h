/* Records of an ecalli trace: their keywords and fields. Used by ecalli_line.c, which says which
 * line is one. */
#ifndef PVM_PROGRAM_ECALLI_RECORD_H
#define PVM_PROGRAM_ECALLI_RECORD_H

#include "program/ecalli_line.h"

typedef struct {
    const char *word;
    char separator; /**< what must stand behind the word: a blank or = */
    pvm_ecalli_line_kind_t kind;
    pvm_ecalli_end_kind_t end;
} pvm_ecalli_keyword_t;

/** The keyword that this word is, or NULL. */
const pvm_ecalli_keyword_t *pvm_ecalli_record_find(const char *word, size_t len);
/** True if the word is a keyword but for one letter wrong, missing or too many. */
bool pvm_ecalli_record_resembles(const char *word, size_t len);
/** Read the record that begins with `keyword` at `at`. @return true, or false with out->problem.
 *  @param may_have_suffix  whether a logger's suffix is allowed behind the last field */
bool pvm_ecalli_record_read(const char *at, const char *end, const pvm_ecalli_keyword_t *keyword,
                            bool may_have_suffix, pvm_ecalli_line_t *out);

#endif
