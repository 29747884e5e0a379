/* Symbols that the user names. What they are for is proven elsewhere, instruction by instruction (program/symbols.h); here
 * they are found: in a container as it is, of an ELF file by linking it again. */
#include "viewer/symbols.h"

#include "program/debug_info.h"
#include "program/symbols.h"
#include "viewer/elf_link.h"
#include "viewer/program_file.h"

#include <stdio.h>
#include <string.h>

/** Longest list of exports for the linker. */
#define DISPATCH_BYTES 1024

/* -- From an ELF file ---------------------------------------------------------------------- */

/* "refine,accumulate". @return false: there is none, or its names are no list */
static bool write_dispatch(const pvm_program_t *target, const pvm_program_t *plain,
                           char out[DISPATCH_BYTES])
{
    const char *names[PVM_SYMBOLS_DISPATCH_MAX];
    const size_t count = pvm_symbols_dispatch(target, plain, names);
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        const int len = snprintf(out + at, DISPATCH_BYTES - at, "%s%s", i > 0 ? "," : "", names[i]);

        if (len < 0 || (size_t)len >= DISPATCH_BYTES - at || strchr(names[i], ',') != NULL) {
            return false;
        }
        at += (size_t)len;
    }
    return count > 0;
}

/** An ELF file, and what it is linked to without a dispatch table, by spec: recordings have several programs. */
typedef struct {
    pvm_view_t *view;
    const pvm_input_t *file;
    pvm_program_t *plain[PVM_SPEC_LATEST64 + 1];
} elf_t;

/* Link for one target. *out_symbols stays NULL if that gives another program; `difference` then says where. */
static pvm_view_status_t link_for(elf_t *elf, const pvm_program_t *target, char difference[256],
                                  pvm_program_t **out_symbols)
{
    const pvm_spec_t spec = pvm_program_spec(target);
    char dispatch[DISPATCH_BYTES];
    pvm_program_t *linked = elf->plain[spec];
    pvm_view_status_t status = PVM_VIEW_FINE;

    if (linked == NULL) {
        status = pvm_view_elf_link(elf->view, elf->file, spec, NULL, &linked);
        elf->plain[spec] = linked;
    }
    if (status == PVM_VIEW_FINE && pvm_symbols_differ(target, linked, difference, 256) &&
        write_dispatch(target, linked, dispatch)) {
        status = pvm_view_elf_link(elf->view, elf->file, spec, dispatch, &linked);
    } else if (linked != NULL) {
        pvm_program_acquire(linked);
    }
    if (status == PVM_VIEW_FINE && !pvm_symbols_differ(target, linked, difference, 256)) {
        *out_symbols = linked;
    } else {
        pvm_program_release(linked);
    }
    return status;
}

static pvm_view_status_t load_elf(pvm_view_t *view, const pvm_input_t *file,
                                  pvm_view_target_t *next_target, void *user_data,
                                  pvm_program_t **out_symbols)
{
    elf_t elf = {.view = view, .file = file};
    char first[256] = "";
    pvm_view_status_t status = PVM_VIEW_FINE;

    while (status == PVM_VIEW_FINE && *out_symbols == NULL) {
        pvm_program_t *const target = next_target(user_data);
        char difference[256] = "";

        if (target == NULL) {
            status = pvm_view_fail(
                view, PVM_VIEW_INPUT,
                "%s: linked again by %s it is not this program: %s; if it was linked by another "
                "one, or with other options, name that in PVM_LINKER",
                file->path, pvm_view_elf_linker(), first[0] != '\0' ? first : "there is none");
            break;
        }
        status = link_for(&elf, target, difference, out_symbols);
        pvm_program_release(target);
        if (first[0] == '\0') {
            memcpy(first, difference, sizeof(first));
        }
    }
    for (size_t i = 0; i < sizeof(elf.plain) / sizeof(elf.plain[0]); i++) {
        pvm_program_release(elf.plain[i]);
    }
    return status;
}

/* -- Loading ------------------------------------------------------------------------------- */

static pvm_view_status_t fail_bare(pvm_view_t *view, const char *path, const pvm_program_t *symbols,
                                   bool is_elf)
{
    const char *const problem = pvm_debug_info_problem(symbols->debug_info);

    return is_elf
               ? pvm_view_fail(view, PVM_VIEW_INPUT,
                               "%s: it has no debug information; give one that was compiled with "
                               "it (-g) and not stripped",
                               path)
               : pvm_view_fail(view, PVM_VIEW_INPUT,
                               "%s: it has no debug information%s%s; give the "
                               ".polkavm file that was linked without stripping, or its ELF file",
                               path, problem != NULL ? ": " : "", problem != NULL ? problem : "");
}

pvm_view_status_t pvm_view_symbols_load(pvm_view_t *view, pvm_view_target_t *next_target,
                                        void *user_data, pvm_program_t **out_symbols)
{
    const char *const path = pvm_view_text(view, PVM_OPTION_SYMBOLS);
    pvm_view_status_t status;
    pvm_input_t input;
    bool is_guessed = false;

    *out_symbols = NULL;
    if (path == NULL) {
        return PVM_VIEW_FINE;
    }
    status = pvm_view_input_read(view, path, &input);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    const bool is_elf = pvm_view_is_elf(&input);
    status = is_elf ? load_elf(view, &input, next_target, user_data, out_symbols)
                    : pvm_view_program_load(view, PVM_CHOICE_SPEC_AUTO, path, input.data, input.len,
                                            out_symbols, &is_guessed);
    if (status == PVM_VIEW_FINE && pvm_debug_info_range_count((*out_symbols)->debug_info) == 0) {
        status = fail_bare(view, path, *out_symbols, is_elf);
        pvm_program_release(*out_symbols);
        *out_symbols = NULL;
    }
    pvm_view_input_free(&input);
    return status;
}

/* The one program, then none. */
static pvm_program_t *next_of_one(void *user_data)
{
    pvm_program_t **const left = user_data;
    pvm_program_t *const program = *left;

    if (program != NULL) {
        pvm_program_acquire(program);
        *left = NULL;
    }
    return program;
}

pvm_view_status_t pvm_view_program_symbols(pvm_view_t *view, pvm_program_t *program)
{
    pvm_program_t *symbols = NULL;
    pvm_program_t *left = program;
    pvm_view_status_t status = pvm_view_symbols_load(view, next_of_one, &left, &symbols);
    char difference[256];

    if (symbols == NULL) {
        return status;
    }
    if (pvm_symbols_differ(program, symbols, difference, sizeof(difference))) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT, "%s: it is not this program: %s",
                               pvm_view_text(view, PVM_OPTION_SYMBOLS), difference);
    } else {
        pvm_program_take_symbols(program, symbols);
    }
    pvm_program_release(symbols);
    return status;
}
