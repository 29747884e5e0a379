/* pvmscope info: what a program file is and holds; with --blocks, its basic blocks. Executes nothing. */
#include "viewer/command.h"
#include "viewer/program_file.h"
#include "viewer/render.h"
#include "viewer/rows.h"

#include "program/debug_info.h"
#include "program/readers.h"

#include <stdio.h>
#include <string.h>

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}
#define COUNT(array)                   (sizeof(array) / sizeof((array)[0]))

static const pvm_prof_column_t program_columns[] = {
    COLUMN("program", "program", "", TEXT),
    COLUMN("file_bytes", "file (octets)", "", INT),
    COLUMN("format", "format", "", TEXT),
    COLUMN("spec", "spec", "", TEXT),
    COLUMN("register_bits", "registers (bits)", "", INT),
    COLUMN("name", "name", "", TEXT),
    COLUMN("version", "version", "", TEXT),
    COLUMN("license", "license", "", TEXT),
    COLUMN("authors", "authors", "", TEXT),
    COLUMN("metadata_bytes", "metadata (octets)", "", INT),
    COLUMN("code_bytes", "code (octets)", "", INT),
    COLUMN("instructions", "instructions", "", INT),
    COLUMN("blocks", "blocks", "", INT),
    COLUMN("jump_table", "jump table (entries)", "", INT),
    COLUMN("debug_ranges", "debug ranges", "", INT),
    COLUMN("debug_regions", "debug regions", "", INT),
    COLUMN("debug_covered_bytes", "debug covers (octets)", "", INT),
    COLUMN("spec_guessed", "spec guessed", "", INT),
};

static const pvm_prof_column_t block_columns[] = {
    COLUMN("pc", "pc", "", PC),
    COLUMN("end", "end", "", PC),
    COLUMN("instructions", "instructions", "", INT),
    COLUMN("gas", "gas", "gas", GAS),
};

static const pvm_prof_column_t entry_columns[] = {
    COLUMN("name", "entry", "", TEXT),
    COLUMN("pc", "pc", "", PC),
};

static const pvm_prof_column_t import_columns[] = {
    COLUMN("index", "ecalli", "", ID),
    COLUMN("name", "host call", "", TEXT),
};

static const pvm_prof_column_t memory_columns[] = {
    COLUMN("region", "region", "", TEXT),    COLUMN("address", "address", "", REGISTER),
    COLUMN("end", "end", "", REGISTER),      COLUMN("bytes", "octets", "", INT),
    COLUMN("data_bytes", "filled", "", INT), COLUMN("access", "access", "", TEXT),
};

/** A table whose rows so far did not fail, or nothing. */
static pvm_prof_table_t *finish(pvm_prof_table_t *table, bool failed)
{
    if (failed || table == NULL) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = table->row_count;
    return table;
}

/* -- The program --------------------------------------------------------------------------- */

/** Octets of a file as a text value: what C strings cannot hold is cut at the first NUL. */
static void row_octets(pvm_row_t *row, pvm_octets_t octets)
{
    char text[512];

    if (octets.len == 0) {
        pvm_row_null(row);
        return;
    }
    snprintf(text, sizeof(text), "%.*s",
             (int)(octets.len < sizeof(text) ? octets.len : sizeof(text) - 1),
             (const char *)octets.data);
    pvm_row_text(row, text);
}

static void add_metadata(pvm_row_t *row, const pvm_program_t *program)
{
    pvm_metadata_t metadata;
    char authors[1024] = "";
    size_t at = 0;

    pvm_program_decode_metadata(program->metadata, program->metadata_len, &metadata);
    row_octets(row, metadata.kind == PVM_METADATA_TEXT ? metadata.text : metadata.name);
    row_octets(row, metadata.version);
    row_octets(row, metadata.license);
    for (size_t i = 0;
         i < metadata.author_count && i < PVM_MAX_METADATA_AUTHORS && at < sizeof(authors); i++) {
        const size_t len = metadata.authors[i].len < 256 ? metadata.authors[i].len : 256;

        at += (size_t)snprintf(authors + at, sizeof(authors) - at, "%s%.*s", i > 0 ? ", " : "",
                               (int)len, (const char *)metadata.authors[i].data);
    }
    pvm_row_text(row, authors[0] != '\0' ? authors : NULL);
    pvm_row_int(row, (int64_t)program->metadata_len);
}

static void add_debug_info(pvm_row_t *row, const pvm_program_t *program)
{
    pvm_debug_survey_t survey = {0};

    if (program->debug_info == NULL) {
        pvm_row_null(row);
        pvm_row_null(row);
        pvm_row_null(row);
        return;
    }
    pvm_debug_info_survey(program->debug_info, &survey);
    pvm_row_int(row, (int64_t)pvm_debug_info_range_count(program->debug_info));
    pvm_row_int(row, (int64_t)survey.regions);
    pvm_row_int(row, (int64_t)survey.covered);
    if (pvm_debug_info_problem(program->debug_info) != NULL) {
        pvm_prof_table_add_note(row->table, "debug info is dropped: %s",
                                pvm_debug_info_problem(program->debug_info));
    } else if (survey.broken > 0) {
        pvm_prof_table_add_note(row->table, "%zu debug ranges are broken, first range %zu: %s",
                                survey.broken, survey.first_broken, survey.problem);
    }
}

static int64_t count_instructions(const pvm_program_t *program)
{
    const pvm_block_t *blocks = pvm_program_blocks(program);
    int64_t count = 0;

    for (uint32_t i = 0; i < pvm_program_block_count(program); i++) {
        count += blocks[i].instructions;
    }
    return count;
}

static pvm_prof_table_t *make_program(const pvm_view_t *view, const pvm_program_t *program,
                                      const char *path, bool is_guessed)
{
    pvm_prof_table_t *table =
        pvm_prof_table_create("Program", program_columns, COUNT(program_columns));
    pvm_row_t row = pvm_row_add(table);

    if (row.failed) {
        return finish(table, true);
    }
    table->is_record = true;
    pvm_row_text(&row, path);
    pvm_row_int(&row, (int64_t)program->blob_len);
    pvm_row_text(&row, pvm_view_format_name(program->format));
    pvm_row_text(&row, pvm_view_spec_name(program->spec));
    pvm_row_int(&row, program->is_32_bit ? 32 : 64);
    add_metadata(&row, program);
    pvm_row_int(&row, program->code.len);
    pvm_row_int(&row, count_instructions(program));
    pvm_row_int(&row, pvm_program_block_count(program));
    pvm_row_int(&row, program->jump_table_len);
    add_debug_info(&row, program);
    if (pvm_view_is_for_people(view)) {
        pvm_row_null(&row); /* people read the note */
    } else {
        pvm_row_int(&row, is_guessed);
    }
    if (is_guessed) {
        pvm_prof_table_add_note(table, "Spec %s was guessed; --spec sets it.",
                                pvm_view_spec_name(program->spec));
    }
    return finish(table, row.failed);
}

/* -- Its parts ----------------------------------------------------------------------------- */

static pvm_prof_table_t *make_entries(const pvm_program_t *program)
{
    static const char *const jam_names[] = {"refine", "is_authorized", "accumulate"};
    pvm_prof_table_t *table =
        pvm_prof_table_create("Entry points", entry_columns, COUNT(entry_columns));
    bool failed = table == NULL;

    for (size_t i = 0; i < COUNT(jam_names) && program->format == PVM_FORMAT_JAM && !failed; i++) {
        uint32_t pc = 0;

        if (pvm_program_find_entry(program, jam_names[i], &pc) == 0) {
            pvm_row_t row = pvm_row_add(table);
            pvm_row_text(&row, jam_names[i]);
            pvm_row_int(&row, pc);
            failed = row.failed;
        }
    }
    for (size_t i = 0; i < program->export_count && !failed; i++) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, program->exports[i].name);
        pvm_row_int(&row, program->exports[i].pc);
        failed = row.failed;
    }
    return finish(table, failed);
}

static pvm_prof_table_t *make_imports(const pvm_program_t *program)
{
    pvm_prof_table_t *table =
        pvm_prof_table_create("Imports", import_columns, COUNT(import_columns));
    bool failed = table == NULL;

    /* Unused numbers have empty names: a container lists every number up to its highest. */
    for (size_t i = 0; i < program->import_count && !failed; i++) {
        const char *name = pvm_program_import(program, i);

        if (name != NULL && name[0] != '\0') {
            pvm_row_t row = pvm_row_add(table);
            pvm_row_int(&row, (int64_t)i);
            pvm_row_text(&row, name);
            failed = row.failed;
        }
    }
    return finish(table, failed);
}

static pvm_prof_table_t *make_memory(const pvm_program_t *program)
{
    static const char *const names[PVM_REGION_COUNT] = {"read-only data", "read-write data",
                                                        "stack"};
    pvm_prof_table_t *table =
        pvm_prof_table_create("Memory at the start", memory_columns, COUNT(memory_columns));
    bool failed = table == NULL;

    for (int i = 0; i < PVM_REGION_COUNT && !failed; i++) {
        const pvm_region_t *region = &program->layout.regions[i];

        if (region->mapped_len > 0) {
            pvm_row_t row = pvm_row_add(table);
            pvm_row_text(&row, names[i]);
            pvm_row_int(&row, region->address);
            pvm_row_int(&row, (int64_t)(region->address + region->mapped_len));
            pvm_row_int(&row, (int64_t)region->mapped_len);
            pvm_row_int(&row, region->data_len);
            pvm_row_text(&row, region->access == PVM_ACCESS_WRITE ? "read, write" : "read");
            failed = row.failed;
        }
    }
    return finish(table, failed);
}

static pvm_prof_table_t *make_blocks(const pvm_program_t *program)
{
    const pvm_block_t *blocks = pvm_program_blocks(program);
    pvm_prof_table_t *table = pvm_prof_table_create("Blocks", block_columns, COUNT(block_columns));
    bool failed = table == NULL;

    for (uint32_t i = 0; i < pvm_program_block_count(program) && !failed; i++) {
        pvm_row_t row = pvm_row_add(table);

        pvm_row_int(&row, blocks[i].pc);
        pvm_row_int(&row, blocks[i].end_pc);
        pvm_row_int(&row, blocks[i].instructions);
        pvm_row_int(&row, blocks[i].gas);
        failed = row.failed;
    }
    return finish(table, failed);
}

/* -- The command --------------------------------------------------------------------------- */

static int print_blocks(const pvm_render_t *render, const pvm_program_t *program)
{
    pvm_prof_table_t *table = make_blocks(program);
    const int status = table != NULL ? pvm_view_render_table(render, "blocks", table) : -1;

    pvm_prof_table_destroy(table);
    return status;
}

/** All tables; people are spared the empty ones. */
static int print_program(const pvm_view_t *view, const pvm_render_t *render,
                         const pvm_program_t *program, const char *path, bool is_guessed)
{
    const bool is_machine = render->format == PVM_CHOICE_FORMAT_JSON;
    pvm_prof_table_t *tables[] = {make_program(view, program, path, is_guessed),
                                  make_entries(program), make_imports(program),
                                  make_memory(program)};
    static const char *const keys[] = {"program", "entries", "imports", "memory"};
    pvm_render_part_t parts[COUNT(tables)];
    size_t count = 0;
    int status = 0;

    for (size_t i = 0; i < COUNT(tables); i++) {
        status = tables[i] == NULL ? -1 : status;
        if (tables[i] != NULL && (is_machine || tables[i]->row_count > 0)) {
            parts[count++] = (pvm_render_part_t){keys[i], tables[i]};
        }
    }
    if (status == 0) {
        status = pvm_view_render_document(render, parts, count);
    }
    for (size_t i = 0; i < COUNT(tables); i++) {
        pvm_prof_table_destroy(tables[i]);
    }
    return status;
}

pvm_view_status_t pvm_command_info(pvm_view_t *view)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    pvm_program_t *program = NULL;
    bool is_guessed = false;
    pvm_input_t input;
    pvm_view_status_t status = pvm_view_input_read(view, view->operands[0], &input);
    int printed;

    if (status != PVM_VIEW_FINE) {
        return status;
    }
    status = pvm_view_program_load(view, pvm_view_number(view, PVM_OPTION_SPEC), input.path,
                                   input.data, input.len, &program, &is_guessed);
    if (status == PVM_VIEW_FINE) {
        printed = pvm_view_has(view, PVM_OPTION_BLOCKS)
                      ? print_blocks(&render, program)
                      : print_program(view, &render, program, input.path, is_guessed);
        if (printed < 0) {
            status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for its description",
                                   input.path);
        }
    }
    pvm_program_release(program);
    pvm_view_input_free(&input);
    return status;
}
