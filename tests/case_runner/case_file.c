/* .case files: programs as assembler text with what is done and expected. tests/cases/README.md is the manual.
 *
 * A case is read once for each of its specs, because labels and figures may differ between them. */
#include "vector.h"

#include "isa/assemble.h"
#include "isa/assemble_lex.h"
#include "program/convert.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES (1 << 22)
#define MAX_CHUNK_OCTETS 4096
#define DEFAULT_GAS 1000000

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

static const char *const section_names[SECTION_COUNT] = {
    "",     "spec",  "asm", "map",    "memory", "regs",
    "gas", "entry", "run", "resume", "set",    "expect",
};

/* A run of lines of one case. */
typedef struct {
    const char *path;
    const char *text;
    const char *end;
    uint32_t first_line;
    char name[200];
} case_t;

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

/* -- Lines ------------------------------------------------------------------------------ */

/* The next line of a text, its comment cut off. @return false at the end. */
static bool next_line(pvm_lex_t *lex, const char **at, const char *end)
{
    if (*at >= end) {
        return false;
    }
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *next = newline == NULL ? end : newline + 1;
    lex->at = *at;
    lex->end = *at;
    while (lex->end < next && *lex->end != '\n' && *lex->end != '#') {
        lex->end++;
    }
    lex->line++;
    *at = next;
    return true;
}

static bool word_is(pvm_word_t word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.text, text, word.len) == 0;
}

/* "[name]" at the beginning of a line. @return the section, SECTION_NONE if the line is no header, or -1. */
static int take_header(pvm_lex_t *lex)
{
    if (!pvm_lex_take(lex, '[')) {
        return SECTION_NONE;
    }
    const pvm_word_t word = pvm_lex_word(lex);
    if (!pvm_lex_take(lex, ']')) {
        return pvm_lex_fail(lex, "']' is missing");
    }
    for (int section = 1; section < SECTION_COUNT; section++) {
        if (word_is(word, section_names[section])) {
            return section;
        }
    }
    return pvm_lex_fail(lex, "unknown section [%.*s]", pvm_lex_quoted(word), word.text);
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
        if (word_is(word, accesses[i])) {
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

    if (word_is(word, "map")) {
        return take_map(reader);
    }
    if (word_is(word, "memory")) {
        return read_memory(reader);
    }
    if (word_is(word, "gas") || word_is(word, "charged")) {
        const action_kind_t kind = word_is(word, "gas") ? ACTION_SET_GAS : ACTION_SET_CHARGED;
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
    } else if (word_is(word, "gas") || word_is(word, "used")) {
        expect->has_gas = true;
        expect->gas_is_used = word_is(word, "used");
        expect->gas = value;
    } else if (word_is(word, "host")) {
        expect->has_host_call = true;
        expect->host_call = value;
    } else if (word_is(word, "fault")) {
        expect->fault = value;
    } else if (word_is(word, "charged")) {
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

    if (word_is(word, "oog")) {
        reader->expect->state = PVM_STATE_OOG;
        return 0;
    }
    if (word_is(word, "pc")) {
        if (take_pc(reader, &pc) != 0) {
            return -1;
        }
        reader->expect->pc = pc;
        return 0;
    }
    if (word_is(word, "memory")) {
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

/* -- Cases ------------------------------------------------------------------------------ */

/* "0.7.2 latest64:" in front of a line limits it to these specs. @return 1 if the line counts, 0 if not */
static int applies(reader_t *reader)
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
    return 1;
}

static int read_line(reader_t *reader)
{
    if (pvm_lex_at_end(&reader->lex) || applies(reader) == 0) {
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

static void begin_section(reader_t *reader, section_t section)
{
    reader->section = section;
    if (section == SECTION_EXPECT) {
        /* The first [expect] without a [run] before it runs from the entry. */
        if (!reader->has_begun) {
            (void)vector_add_action(reader->vector, ACTION_RESUME);
        }
        reader->expect = &vector_add_action(reader->vector, ACTION_EXPECT)->expect;
        reader->expects = true;
        reader->has_begun = true;
    } else if (section == SECTION_RESUME) {
        (void)vector_add_action(reader->vector, ACTION_RESUME);
        reader->has_begun = true;
    } else if (section == SECTION_RUN) {
        reader->has_begun = true;
    }
}

/* All sections but [spec] and [asm]. */
static int read_sections(reader_t *reader, const case_t *from)
{
    const char *at = from->text;

    reader->lex = (pvm_lex_t){.file_name = from->path, .line = from->first_line - 1};
    while (next_line(&reader->lex, &at, from->end)) {
        const int header = take_header(&reader->lex);
        if (header < 0) {
            return -1;
        }
        if (header != SECTION_NONE) {
            begin_section(reader, (section_t)header);
        }
        if (reader->section == SECTION_ASM || reader->section == SECTION_SPEC) {
            continue;
        }
        if (read_line(reader) != 0) {
            return -1;
        }
        if (!pvm_lex_at_end(&reader->lex)) {
            return pvm_lex_fail(&reader->lex, "'%c' is unexpected", *reader->lex.at);
        }
    }
    if (!reader->expects) {
        return pvm_lex_fail(&reader->lex, "the case '%s' expects nothing", from->name);
    }
    return 0;
}

/* The [asm] lines, each at its own line number of the file, so that errors of the assembler are right. */
static int collect_asm(const case_t *from, pvm_spec_t spec, pvm_buffer_t *out)
{
    reader_t reader = {.spec = spec, .lex = {.file_name = from->path, .line = from->first_line - 1}};
    const char *at = from->text;
    bool inside = false;

    for (uint32_t i = 1; i < from->first_line; i++) {
        pvm_buffer_printf(out, "\n");
    }
    while (next_line(&reader.lex, &at, from->end)) {
        const int header = take_header(&reader.lex);
        if (header < 0) {
            return -1;
        }
        inside = header == SECTION_NONE ? inside : header == SECTION_ASM;
        if (inside && applies(&reader) != 0) {
            pvm_buffer_append(out, reader.lex.at, (size_t)(reader.lex.end - reader.lex.at));
        }
        pvm_buffer_printf(out, "\n");
    }
    return 0;
}

static void write_blob(const pvm_assembly_t *assembly, vector_t *vector)
{
    const pvm_parts_t parts = {
        .code = assembly->code,
        .code_len = assembly->code_len,
        .mask = assembly->mask,
        .jump_table = (const uint8_t *)assembly->jump_table,
        .jump_table_len = assembly->jump_table_len,
        .entry_bytes = sizeof(*assembly->jump_table),
    };
    pvm_buffer_t blob = {0};

    pvm_convert_write_raw(&parts, &blob);
    vector->blob = blob.data;
    vector->blob_len = blob.len;
}

static int read_case(const case_t *from, pvm_spec_t spec, vector_list_t *out)
{
    const pvm_isa_t isa = spec == PVM_SPEC_0_7_2     ? PVM_ISA_0_7_2
                          : spec == PVM_SPEC_0_8_0 ? PVM_ISA_0_8_0
                                                   : PVM_ISA_LATEST64;
    pvm_assembly_t assembly = {0};
    pvm_buffer_t text = {0};
    int result = -1;

    if (collect_asm(from, spec, &text) == 0 &&
        pvm_isa_assemble((const char *)text.data, text.len, from->path, isa, &assembly) == 0) {
        vector_t *vector = vector_list_add(out, from->name, from->path);
        reader_t reader = {.spec = spec, .assembly = &assembly, .vector = vector};
        vector->spec = spec;
        vector->gas = DEFAULT_GAS;
        write_blob(&assembly, vector);
        result = read_sections(&reader, from);
    }
    pvm_isa_assembly_free(&assembly);
    pvm_buffer_free(&text);
    return result;
}

/* Read a case under each spec that its [spec] names; without one, under both Gray Papers. */
static int read_under_all_specs(const case_t *from, vector_list_t *out)
{
    pvm_lex_t lex = {.file_name = from->path, .line = from->first_line - 1};
    const char *at = from->text;
    bool named = false;

    while (next_line(&lex, &at, from->end)) {
        const int header = take_header(&lex);
        if (header < 0) {
            return -1;
        }
        while (header == SECTION_SPEC && !pvm_lex_at_end(&lex)) {
            const pvm_word_t word = pvm_lex_word(&lex);
            const pvm_spec_t spec = spec_by_name(word.text, word.len);
            if (spec == PVM_SPEC_DEFAULT) {
                return pvm_lex_fail(&lex, "unknown spec");
            }
            named = true;
            if (read_case(from, spec, out) != 0) {
                return -1;
            }
        }
    }
    if (named) {
        return 0;
    }
    return read_case(from, PVM_SPEC_0_7_2, out) != 0 || read_case(from, PVM_SPEC_0_8_0, out) != 0
               ? -1
               : 0;
}

static int read_cases(const char *path, const char *text, size_t len, vector_list_t *out)
{
    pvm_lex_t lex = {.file_name = path};
    const char *at = text;
    case_t now = {.path = path};
    bool inside = false;
    bool more = true;

    while (more) {
        const char *line = at;
        more = next_line(&lex, &at, text + len);
        const bool begins = more && lex.end - line >= 3 && memcmp(line, "== ", 3) == 0;
        if (inside && (begins || !more)) {
            now.end = more ? line : text + len;
            if (read_under_all_specs(&now, out) != 0) {
                return -1;
            }
        }
        if (begins) {
            inside = true;
            now.text = at;
            now.first_line = lex.line + 1;
            (void)snprintf(now.name, sizeof(now.name), "%.*s", (int)(lex.end - line - 3), line + 3);
        } else if (more && !inside && !pvm_lex_at_end(&lex)) {
            return pvm_lex_fail(&lex, "a line before the first case; write == and its name");
        }
    }
    return inside ? 0 : pvm_lex_fail(&lex, "no case in this file");
}

int case_file_load(const char *path, vector_list_t *out)
{
    FILE *file = fopen(path, "rb");
    char *text = must_alloc(MAX_FILE_BYTES);
    int result = -1;

    if (file == NULL) {
        (void)fprintf(stderr, "%s: cannot be opened\n", path);
    } else {
        const size_t len = fread(text, 1, MAX_FILE_BYTES, file);
        result = read_cases(path, text, len, out);
        if (result != 0) {
            (void)fprintf(stderr, "%s\n", pvm_last_error());
        }
        (void)fclose(file);
    }
    free(text);
    return result;
}
