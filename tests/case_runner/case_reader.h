/* Between the two halves of the .case reader: where a line is read from, and what it becomes. */
#ifndef CASE_RUNNER_CASE_READER_H
#define CASE_RUNNER_CASE_READER_H

#include "vector.h"

#include "isa/assemble.h"
#include "isa/assemble_lex.h"

typedef enum {
    SECTION_NONE,
    SECTION_SPEC,
    SECTION_ASM,
    SECTION_MAP,
    SECTION_MEMORY,
    SECTION_REGS,
    SECTION_GAS,
    SECTION_ENTRY,
    SECTION_RUN,
    SECTION_RESUME,
    SECTION_SET,
    SECTION_EXPECT,
    SECTION_COUNT
} section_t;

/* What reading a case under one spec works on. */
typedef struct {
    pvm_lex_t lex;
    section_t section;
    pvm_spec_t spec;
    const pvm_assembly_t *assembly;
    vector_t *vector;
    expectation_t *expect; /* of the [expect] that is being read */
    bool has_begun;        /* a [run], [resume] or [expect] was seen */
    bool expects;
} reader_t;

/** "0.7.2 latest64:" in front of a line limits it to these specs; it is taken.
 *  @return whether the line counts */
bool case_line_applies(reader_t *reader);
/** Read what is left of a line in reader->section, which is none of spec and asm.
 *  @return 0, or -1 with pvm_last_error() set */
int case_line_read(reader_t *reader);
/** True if a word is this text. */
bool case_word_is(pvm_word_t word, const char *text);

#endif
