/* Loads programs for the commands and finds their entry points. */
#include "viewer/program_file.h"

#include "program/readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Exports that an error message lists. */
#define EXPORTS_SHOWN 5

pvm_spec_t pvm_view_spec_of_choice(uint64_t choice)
{
    switch (choice) {
    case PVM_CHOICE_SPEC_0_7_2:
        return PVM_SPEC_0_7_2;
    case PVM_CHOICE_SPEC_0_8_0:
        return PVM_SPEC_0_8_0;
    case PVM_CHOICE_SPEC_LATEST64:
        return PVM_SPEC_LATEST64;
    default:
        return PVM_SPEC_DEFAULT;
    }
}

const char *pvm_view_spec_name(pvm_spec_t spec)
{
    static const char *const names[] = {"default", "0.7.2", "0.8.0", "latest64"};

    return names[spec];
}

const char *pvm_view_format_name(pvm_format_t format)
{
    static const char *const names[] = {"auto", "raw", "jam", "polkavm"};

    return names[format];
}

const char *pvm_view_backend_name(pvm_backend_t backend)
{
    static const char *const names[] = {"default", "interpreter", "recompiler"};

    return names[backend];
}

pvm_view_status_t pvm_view_program_load(pvm_view_t *view, uint64_t spec_choice, const char *name,
                                        const uint8_t *data, size_t len,
                                        pvm_program_t **out_program, bool *out_guessed)
{
    pvm_spec_t spec = pvm_view_spec_of_choice(spec_choice);
    const char *error;

    *out_guessed = false;
    if (spec_choice == PVM_CHOICE_SPEC_AUTO) {
        spec = pvm_program_guess_spec(data, len, PVM_FORMAT_AUTO, out_guessed);
        /* A container that names no known spec must say so itself. */
        spec = *out_guessed ? spec : PVM_SPEC_DEFAULT;
    }
    *out_program = pvm_program_load(data, len, PVM_FORMAT_AUTO, spec);
    if (*out_program == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s: %s", name, pvm_last_error());
    }
    error = pvm_program_error(*out_program);
    if (error != NULL) {
        pvm_view_fail(view, PVM_VIEW_INPUT, "%s: invalid under spec %s%s: %s", name,
                      pvm_view_spec_name(pvm_program_spec(*out_program)),
                      *out_guessed ? " (guessed)" : "", error);
        pvm_program_release(*out_program);
        *out_program = NULL;
        return PVM_VIEW_INPUT;
    }
    return PVM_VIEW_FINE;
}

/* -- Entry points -------------------------------------------------------------------------- */

/** "a, b, c and 2 more" */
static void list_exports(const pvm_program_t *program, char *out, size_t out_bytes)
{
    const size_t count = pvm_program_export_count(program);
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && i < EXPORTS_SHOWN && at < out_bytes; i++) {
        at += (size_t)snprintf(out + at, out_bytes - at, "%s%.64s", i > 0 ? ", " : "",
                               pvm_program_export(program, i, NULL));
    }
    if (count > EXPORTS_SHOWN && at < out_bytes) {
        snprintf(out + at, out_bytes - at, " and %zu more", count - EXPORTS_SHOWN);
    }
}

static pvm_view_status_t fail_entry(pvm_view_t *view, const char *name,
                                    const pvm_program_t *program, const char *wanted)
{
    char exports[512];

    switch (pvm_program_format(program)) {
    case PVM_FORMAT_JAM:
        return pvm_view_fail(
            view, PVM_VIEW_USAGE,
            "%s: no entry %s; give refine, is_authorized, accumulate or --entry PC", name, wanted);
    case PVM_FORMAT_POLKAVM:
        list_exports(program, exports, sizeof(exports));
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "%s: no entry %s; give --entry PC or one of its exports: %s", name,
                             wanted, exports[0] != '\0' ? exports : "(it has none)");
    default:
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "%s: no entry %s; a raw program has no names, give --entry PC", name,
                             wanted);
    }
}

/** A pc, decimal or 0x hexadecimal. */
static bool parse_pc(const char *text, uint32_t *out_pc)
{
    char *end = NULL;
    unsigned long long pc;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    pc = strtoull(text, &end, text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10);
    *out_pc = (uint32_t)pc;
    return *end == '\0' && pc <= UINT32_MAX;
}

pvm_view_status_t pvm_view_program_entry(pvm_view_t *view, const char *name,
                                         const pvm_program_t *program, uint32_t *out_pc)
{
    const char *wanted = pvm_view_text(view, PVM_OPTION_ENTRY);

    if (wanted != NULL) {
        if (pvm_program_find_entry(program, wanted, out_pc) == 0 || parse_pc(wanted, out_pc)) {
            return PVM_VIEW_FINE;
        }
        return fail_entry(view, name, program, wanted);
    }
    *out_pc = 0;
    if (pvm_program_format(program) != PVM_FORMAT_POLKAVM) {
        return PVM_VIEW_FINE;
    }
    if (pvm_program_export_count(program) == 1) {
        pvm_program_export(program, 0, out_pc);
        return PVM_VIEW_FINE;
    }
    return pvm_program_find_entry(program, "main", out_pc) == 0
               ? PVM_VIEW_FINE
               : fail_entry(view, name, program, "main");
}
