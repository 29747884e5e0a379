/* pvmscope disasm: a program as assembler source that gives the same octets again, with blocks, their gas and
 * functions as comments; or as a table. */
#include "viewer/command.h"
#include "viewer/program_file.h"
#include "viewer/render.h"
#include "viewer/rows.h"
#include "viewer/symbols.h"

#include "isa/assemble.h"
#include "profiler/functions.h"

#include <stdio.h>
#include <string.h>

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

static const pvm_prof_column_t columns[] = {
    COLUMN("pc", "pc", "", PC),
    COLUMN("octets", "octets", "", TEXT),
    COLUMN("instruction", "instruction", "", TEXT),
    COLUMN("block", "block", "", PC),
    COLUMN("block_gas", "block gas", "gas", GAS),
    COLUMN("function", "function", "", TEXT),
};

/** Width that instructions are padded to when octets stand behind them. */
#define INSTRUCTION_COLUMNS 44
#define JUMPS_PER_LINE      8

/** The walk over the code: one line at a time. */
typedef struct {
    const pvm_program_t *program;
    const pvm_prof_functions_t *functions;
    uint32_t pc;
    uint32_t next;
    uint32_t block; /**< index; block_count if none */
    bool starts_block;
    uint32_t function; /**< index */
    bool starts_function;
    pvm_buffer_t line; /**< the instruction, NUL-terminated */
} walk_t;

/** Go to the next instruction. @return false at the end, or without memory. */
static bool walk_next(walk_t *walk)
{
    const pvm_program_t *program = walk->program;
    const uint32_t last = walk->function;

    walk->pc = walk->next;
    if (walk->pc >= program->code.len || walk->line.failed) {
        return false;
    }
    walk->line.len = 0;
    walk->next = pvm_isa_disassemble_line(&program->code, walk->pc, &walk->line);
    pvm_buffer_append(&walk->line, "", 1);
    walk->block = pvm_program_block_at(program, walk->pc);
    walk->starts_block = walk->block < pvm_program_block_count(program) &&
                         pvm_program_blocks(program)[walk->block].pc == walk->pc;
    walk->function = walk->functions->of_block[walk->block];
    walk->starts_function = walk->starts_block && (walk->pc == 0 || walk->function != last);
    return !walk->line.failed;
}

static void append_octets(const walk_t *walk, pvm_buffer_t *out)
{
    for (uint32_t at = walk->pc; at < walk->next && at < walk->program->code.len; at++) {
        pvm_buffer_printf(out, "%s%02x", at > walk->pc ? " " : "", walk->program->code.octets[at]);
    }
}

/* -- Source text --------------------------------------------------------------------------- */

static void print_head(const pvm_program_t *program)
{
    printf(".spec %s\n", pvm_isa_name(program->code.isa));
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        const bool begins = i % JUMPS_PER_LINE == 0;
        const bool ends =
            i % JUMPS_PER_LINE == JUMPS_PER_LINE - 1 || i + 1 == program->jump_table_len;

        printf("%s@%u%s", begins ? ".jump_table " : ", ", program->jump_table[i], ends ? "\n" : "");
    }
}

static void print_line(const walk_t *walk, bool has_octets, pvm_buffer_t *scratch)
{
    const pvm_prof_function_t *function = &walk->functions->list[walk->function];
    const pvm_block_t *block;

    if (walk->starts_function) {
        scratch->len = 0;
        pvm_view_escape(scratch, function->name, strlen(function->name), PVM_ESCAPE_ASCII);
        printf("\n; %.*s:\n", (int)scratch->len, (const char *)scratch->data);
    }
    if (walk->starts_block) {
        block = &pvm_program_blocks(walk->program)[walk->block];
        printf("%s; block @%u: %u instructions, %u gas\n", walk->starts_function ? "" : "\n",
               block->pc, block->instructions, block->gas);
    }
    scratch->len = 0;
    pvm_buffer_printf(scratch, "@%u: %s", walk->pc, (const char *)walk->line.data);
    if (has_octets) {
        pvm_buffer_printf(
            scratch, "%*s ; ",
            scratch->len < INSTRUCTION_COLUMNS ? INSTRUCTION_COLUMNS - (int)scratch->len : 0, "");
        append_octets(walk, scratch);
    }
    printf("%.*s\n", (int)scratch->len, scratch->failed ? "" : (const char *)scratch->data);
}

static int print_source(walk_t *walk, bool has_octets)
{
    pvm_buffer_t scratch = {0};
    int status;

    print_head(walk->program);
    while (!ferror(stdout) && !scratch.failed && walk_next(walk)) {
        print_line(walk, has_octets, &scratch);
    }
    status = scratch.failed || walk->line.failed ? -1 : 0;
    pvm_buffer_free(&scratch);
    return status;
}

/* -- Tables -------------------------------------------------------------------------------- */

static int print_table(walk_t *walk, const pvm_render_t *render)
{
    pvm_prof_table_t *table =
        pvm_prof_table_create("Instructions", columns, sizeof(columns) / sizeof(columns[0]));
    pvm_buffer_t octets = {0};
    bool failed = table == NULL;
    int status = -1;

    while (!failed && walk_next(walk)) {
        const bool has_block = walk->block < pvm_program_block_count(walk->program);
        pvm_row_t row = pvm_row_add(table);

        octets.len = 0;
        append_octets(walk, &octets);
        pvm_buffer_append(&octets, "", 1);
        pvm_row_int(&row, walk->pc);
        pvm_row_text(&row, octets.failed ? NULL : (const char *)octets.data);
        pvm_row_text(&row, (const char *)walk->line.data);
        if (has_block) {
            pvm_row_int(&row, pvm_program_blocks(walk->program)[walk->block].pc);
            pvm_row_int(&row, pvm_program_blocks(walk->program)[walk->block].gas);
        } else {
            pvm_row_null(&row);
            pvm_row_null(&row);
        }
        pvm_row_text(&row, walk->functions->list[walk->function].name);
        failed = row.failed || octets.failed;
    }
    if (!failed && !walk->line.failed) {
        table->row_count_all = table->row_count;
        status = pvm_view_render_table(render, "instructions", table);
    }
    pvm_buffer_free(&octets);
    pvm_prof_table_destroy(table);
    return status;
}

/* -- The command --------------------------------------------------------------------------- */

static pvm_view_status_t disassemble(pvm_view_t *view, const pvm_program_t *program)
{
    const uint64_t format = pvm_view_number(view, PVM_OPTION_FORMAT);
    const pvm_render_t render = pvm_view_render_make(stdout, format);
    pvm_prof_functions_t functions;
    walk_t walk = {.program = program, .functions = &functions};
    int status;

    if (pvm_prof_functions_find(program, &functions) < 0) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                             "no memory for the functions of the program");
    }
    status = format == PVM_CHOICE_FORMAT_TEXT
                 ? print_source(&walk, pvm_view_has(view, PVM_OPTION_OCTETS))
                 : print_table(&walk, &render);
    pvm_buffer_free(&walk.line);
    pvm_prof_functions_free(&functions);
    return status == 0
               ? PVM_VIEW_FINE
               : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the instructions");
}

pvm_view_status_t pvm_command_disasm(pvm_view_t *view)
{
    pvm_program_t *program = NULL;
    bool is_guessed = false;
    pvm_input_t input;
    pvm_view_status_t status = pvm_view_input_read(view, view->operands[0], &input);

    if (status != PVM_VIEW_FINE) {
        return status;
    }
    status = pvm_view_program_load(view, pvm_view_number(view, PVM_OPTION_SPEC), input.path,
                                   input.data, input.len, &program, &is_guessed);
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_program_symbols(view, program);
    }
    if (status == PVM_VIEW_FINE) {
        if (is_guessed && pvm_view_number(view, PVM_OPTION_FORMAT) == PVM_CHOICE_FORMAT_TEXT) {
            printf("; %s is a guess: the file does not say its spec\n",
                   pvm_view_spec_name(program->spec));
        }
        status = disassemble(view, program);
    }
    pvm_program_release(program);
    pvm_view_input_free(&input);
    return status;
}
