/* .case files: programs as assembler text with what is done and expected. tests/cases/README.md
 * is the manual.
 *
 * A case is read once for each of its specs, because labels and figures may differ between them. */
#include "case_reader.h"
#include "program/convert.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES (1 << 22)
#define DEFAULT_GAS    1000000

static const char *const section_names[SECTION_COUNT] = {
    "", "spec", "asm", "map", "memory", "regs", "gas", "entry", "run", "resume", "set", "expect",
};

/* A run of lines of one case. */
typedef struct {
    const char *path;
    const char *text;
    const char *end;
    uint32_t first_line;
    char name[200];
} case_t;

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

/* "[name]" at the beginning of a line.
 *  @return the section, SECTION_NONE if the line is no header, or -1. */
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
        if (case_word_is(word, section_names[section])) {
            return section;
        }
    }
    return pvm_lex_fail(lex, "unknown section [%.*s]", pvm_lex_quoted(word), word.text);
}

/* -- Cases ------------------------------------------------------------------------------ */

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
        if (case_line_read(reader) != 0) {
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

/* The [asm] lines, each at its own line number of the file, so that errors of the assembler are
 * right. */
static int collect_asm(const case_t *from, pvm_spec_t spec, pvm_buffer_t *out)
{
    reader_t reader = {.spec = spec,
                       .lex = {.file_name = from->path, .line = from->first_line - 1}};
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
        if (inside && case_line_applies(&reader)) {
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
    const pvm_isa_t isa = spec == PVM_SPEC_0_7_2   ? PVM_ISA_0_7_2
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
