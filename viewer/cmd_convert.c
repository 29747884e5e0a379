/* pvmscope asm and convert: the two commands that write programs. */
#include "viewer/command.h"
#include "viewer/output.h"
#include "viewer/program_file.h"

#include "isa/assemble.h"
#include "program/convert.h"

#include <string.h>

/** Numbering of assembler text without a .spec line. */
static pvm_isa_t isa_of_choice(uint64_t choice)
{
    switch (choice) {
    case PVM_CHOICE_SPEC_0_7_2:
        return PVM_ISA_0_7_2;
    case PVM_CHOICE_SPEC_LATEST64:
        return PVM_ISA_LATEST64;
    default:
        return PVM_ISA_0_8_0;
    }
}

static pvm_view_status_t require_output(pvm_view_t *view, const char *command)
{
    const char *path = pvm_view_text(view, PVM_OPTION_OUTPUT);

    if (path == NULL || path[0] == '\0') {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: no file to write; give -o FILE", command);
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t write_buffer(pvm_view_t *view, const pvm_buffer_t *buffer)
{
    if (buffer->failed) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the written program");
    }
    return pvm_view_output_write(view, pvm_view_text(view, PVM_OPTION_OUTPUT), buffer->data,
                                 buffer->len);
}

/* -- asm ----------------------------------------------------------------------------------- */

static void write_assembly(const pvm_assembly_t *assembly, pvm_buffer_t *out)
{
    pvm_parts_t parts = {
        .code = assembly->code,
        .code_len = assembly->code_len,
        .mask = assembly->mask,
        .jump_table = (const uint8_t *)assembly->jump_table,
        .jump_table_len = assembly->jump_table_len,
        .entry_bytes = sizeof(*assembly->jump_table),
    };

    pvm_convert_write_raw(&parts, out);
}

pvm_view_status_t pvm_command_asm(pvm_view_t *view)
{
    pvm_view_status_t status = require_output(view, "asm");
    pvm_assembly_t assembly = {0};
    pvm_buffer_t blob = {0};
    pvm_input_t input;

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_input_read(view, view->operands[0], &input);
    }
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    if (pvm_isa_assemble((const char *)input.data, input.len, input.path,
                         isa_of_choice(pvm_view_number(view, PVM_OPTION_ASM_SPEC)),
                         &assembly) < 0) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s", pvm_last_error());
    } else {
        write_assembly(&assembly, &blob);
        status = write_buffer(view, &blob);
    }
    pvm_buffer_free(&blob);
    pvm_isa_assembly_free(&assembly);
    pvm_view_input_free(&input);
    return status;
}

/* -- convert ------------------------------------------------------------------------------- */

static pvm_view_status_t convert(pvm_view_t *view, const char *name, const pvm_program_t *program)
{
    const pvm_conversion_t conversion = {
        .format = pvm_view_number(view, PVM_OPTION_TO) == PVM_CHOICE_TO_RAW ? PVM_FORMAT_RAW
                                                                            : PVM_FORMAT_JAM,
        .spec = pvm_view_spec_of_choice(pvm_view_number(view, PVM_OPTION_TO_SPEC)),
    };
    pvm_buffer_t blob = {0};
    pvm_view_status_t status;

    if (pvm_convert_program(program, &conversion, &blob) < 0) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s", name, pvm_last_error());
    } else {
        status = write_buffer(view, &blob);
    }
    pvm_buffer_free(&blob);
    return status;
}

pvm_view_status_t pvm_command_convert(pvm_view_t *view)
{
    pvm_view_status_t status = require_output(view, "convert");
    pvm_program_t *program = NULL;
    bool is_guessed = false;
    pvm_input_t input;

    if (status == PVM_VIEW_FINE) {
        status = pvm_view_input_read(view, view->operands[0], &input);
    }
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    status = pvm_view_program_load(view, pvm_view_number(view, PVM_OPTION_FROM), input.path,
                                   input.data, input.len, &program, &is_guessed);
    if (status == PVM_VIEW_FINE) {
        status = convert(view, input.path, program);
    }
    pvm_program_release(program);
    pvm_view_input_free(&input);
    return status;
}
