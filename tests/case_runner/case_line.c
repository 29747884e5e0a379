/* One line of a .case file: numbers, addresses, octets, and what they set or expect. */
#include "case_reader.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CHUNK_OCTETS 4096

bool case_word_is(pvm_word_t word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.text, text, word.len) == 0;
}

/* -- Values ----------------------------------------------------------------------------- */

/* "@label", "@12" or a number. */
static int take_pc(reader_t *reader, uint32_t *out)
{
    pvm_lex_t *lex = &reader->lex;

    (void)pvm_lex_take(lex, '@');
    const pvm_word_t word = pvm_lex_word(lex);
    uint64_t value;
    if (pvm_lex_unsigned(word, &value) && value <= UINT32_MAX) {
        *out = (uint32_t)value;
        return 0;
    }
    if (pvm_isa_assembly_label(reader->assembly, word.text, word.len, out) == 0) {
        return 0;
    }
    return pvm_lex_fail(lex, "'%.*s' is neither a label nor a pc", pvm_lex_quoted(word), word.text);
}

static bool is_register(pvm_word_t word, uint32_t *out)
{
    const pvm_word_t digits = {word.text + 1, word.len > 0 ? word.len - 1 : 0};
    uint64_t index;

    if (word.len < 2 || word.text[0] != 'r' || !pvm_lex_unsigned(digits, &index) || index > 12) {
        return false;
    }
    *out = (uint32_t)index;
    return true;
}

/* "0x20000 01 02 ff": an address and octets in hex. */
static int take_chunk(reader_t *reader, chunk_t *out)
{
    uint8_t octets[MAX_CHUNK_OCTETS];
    size_t len = 0;
    uint32_t address;

    if (pvm_lex_pc(&reader->lex, &address) != 0) {
        return -1;
    }
    while (!pvm_lex_at_end(&reader->lex) && len < sizeof(octets)) {
        const pvm_word_t word = pvm_lex_word(&reader->lex);
        char digits[3] = {0};
        char *end = NULL;
        if (word.len != 2) {
            return pvm_lex_fail(&reader->lex, "'%.*s' is no octet; write two hex digits",
                                pvm_lex_quoted(word), word.text);
        }
        memcpy(digits, word.text, 2);
        octets[len++] = (uint8_t)strtoul(digits, &end, 16);
        if (*end != '\0') {
            return pvm_lex_fail(&reader->lex, "'%s' is no octet; write two hex digits", digits);
        }
    }
    *out = (chunk_t){.address = address, .len = len, .octets = must_alloc(len)};
    memcpy(out->octets, octets, len);
    return 0;
}

/* "0x20000 0x1000 write" */
static int take_map(reader_t *reader)
{
    static const char *const accesses[] = {"none", "read", "write"};
    action_t *action = vector_add_action(reader->vector, ACTION_MAP);
    int64_t len;

    if (pvm_lex_pc(&reader->lex, &action->chunk.address) != 0 ||
        pvm_lex_number(&reader->lex, &len) != 0) {
        return -1;
    }
    action->map_len = (uint64_t)len;
    const pvm_word_t word = pvm_lex_word(&reader->lex);
    for (int i = 0; i < 3; i++) {
        if (case_word_is(word, accesses[i])) {
            action->access = (pvm_access_t)i;
            return 0;
        }
    }
    return pvm_lex_fail(&reader->lex, "'%.*s' is no access; write none, read or write",
                        pvm_lex_quoted(word), word.text);
}

/* "= 5" behind a register, the '=' may be left out. */
static int take_value(reader_t *reader, int64_t *out)
{
    (void)pvm_lex_take(&reader->lex, '=');
    return pvm_lex_number(&reader->lex, out);
}

/* -- Sections --------------------------------------------------------------------------- */

static int read_register(reader_t *reader, pvm_word_t word)
{
    uint32_t index;
    int64_t value;

    if (!is_register(word, &index)) {
        return pvm_lex_fail(&reader->lex, "'%.*s' is no register", pvm_lex_quoted(word), word.text);
    }
    if (take_value(reader, &value) != 0) {
        return -1;
    }
    action_t *action = vector_add_action(reader->vector, ACTION_SET_REGISTER);
    action->index = index;
    action->number = (uint64_t)value;
    return 0;
}

static int read_memory(reader_t *reader)
{
    return take_chunk(reader, &vector_add_action(reader->vector, ACTION_POKE)->chunk);
}

/* A line of [set]: what the host does between two runs. */
static int read_set(reader_t *reader)
{
    const pvm_word_t word = pvm_lex_word(&reader->lex);
    int64_t value;

    if (case_word_is(word, "map")) {
        return take_map(reader);
    }
    if (case_word_is(word, "memory")) {
        return read_memory(reader);
    }
    if (case_word_is(word, "gas") || case_word_is(word, "charged")) {
        const action_kind_t kind = case_word_is(word, "gas") ? ACTION_SET_GAS : ACTION_SET_CHARGED;
        if (take_value(reader, &value) != 0) {
            return -1;
        }
        vector_add_action(reader->vector, kind)->number = (uint64_t)value;
        return 0;
    }
    return read_register(reader, word);
}

static int expect_memory(reader_t *reader)
{
    chunk_t chunk;

    if (take_chunk(reader, &chunk) != 0) {
        return -1;
    }
    chunk_t *added = expectation_add_memory(reader->expect, chunk.address, chunk.len);
    memcpy(added->octets, chunk.octets, chunk.len);
    free(chunk.octets);
    return 0;
}

/* A line of [expect] whose key has a number. */
static int expect_number(reader_t *reader, pvm_word_t word)
{
    expectation_t *expect = reader->expect;
    uint32_t index;
    int64_t value;

    if (take_value(reader, &value) != 0) {
        return -1;
    }
    if (is_register(word, &index)) {
        expect->regs[index] = (uint64_t)value;
        expect->regs_given |= 1U << index;
    } else if (case_word_is(word, "gas") || case_word_is(word, "used")) {
        expect->has_gas = true;
        expect->gas_is_used = case_word_is(word, "used");
        expect->gas = value;
    } else if (case_word_is(word, "host")) {
        expect->has_host_call = true;
        expect->host_call = value;
    } else if (case_word_is(word, "fault")) {
        expect->fault = value;
    } else if (case_word_is(word, "charged")) {
        expect->charged = (int)value;
    } else {
        return pvm_lex_fail(&reader->lex, "'%.*s' cannot be expected", pvm_lex_quoted(word),
                            word.text);
    }
    return 0;
}

static int read_expect(reader_t *reader)
{
    const pvm_word_t word = pvm_lex_word(&reader->lex);
    const int state = state_by_name(word.text, word.len);
    uint32_t pc;

    if (case_word_is(word, "oog")) {
        reader->expect->state = PVM_STATE_OOG;
        return 0;
    }
    if (case_word_is(word, "pc")) {
        if (take_pc(reader, &pc) != 0) {
            return -1;
        }
        reader->expect->pc = pc;
        return 0;
    }
    if (case_word_is(word, "memory")) {
        return expect_memory(reader);
    }
    /* "host" and "fault" are both a state and, with a number, a figure. */
    if (state != ABSENT) {
        reader->expect->state = state;
        if (pvm_lex_at_end(&reader->lex)) {
            return 0;
        }
    }
    return expect_number(reader, word);
}

/* -- Lines ------------------------------------------------------------------------------ */

bool case_line_applies(reader_t *reader)
{
    const pvm_lex_t start = reader->lex;
    bool named = false;
    bool found = false;

    for (;;) {
        const pvm_word_t word = pvm_lex_word(&reader->lex);
        const pvm_spec_t limit = spec_by_name(word.text, word.len);
        if (limit == PVM_SPEC_DEFAULT) {
            break;
        }
        named = true;
        found = found || limit == reader->spec;
    }
    if (named && pvm_lex_take(&reader->lex, ':')) {
        return found;
    }
    reader->lex = start;
    return true;
}

int case_line_read(reader_t *reader)
{
    if (pvm_lex_at_end(&reader->lex) || !case_line_applies(reader)) {
        reader->lex.at = reader->lex.end;
        return 0;
    }
    switch (reader->section) {
    case SECTION_MAP:
        return take_map(reader);
    case SECTION_MEMORY:
        return read_memory(reader);
    case SECTION_REGS:
        return read_register(reader, pvm_lex_word(&reader->lex));
    case SECTION_GAS: {
        int64_t gas;
        if (take_value(reader, &gas) != 0) {
            return -1;
        }
        reader->vector->gas = (uint64_t)gas;
        return 0;
    }
    case SECTION_ENTRY:
        return take_pc(reader, &reader->vector->entry);
    case SECTION_RUN: {
        uint32_t pc;
        if (take_pc(reader, &pc) != 0) {
            return -1;
        }
        vector_add_action(reader->vector, ACTION_RUN)->number = pc;
        return 0;
    }
    case SECTION_SET:
        return read_set(reader);
    case SECTION_EXPECT:
        return read_expect(reader);
    default:
        return pvm_lex_fail(&reader->lex, "a line outside of every section");
    }
}
