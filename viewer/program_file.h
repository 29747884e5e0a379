/* From a file to a program: the format by its octets, the spec by --spec or by what the file says. */
#ifndef PVM_VIEWER_PROGRAM_FILE_H
#define PVM_VIEWER_PROGRAM_FILE_H

#include "viewer/input.h"

#include <pvm/pvm.h>

/** Load a program. One that is invalid under its spec is refused, with the reason.
 *  @param spec_choice  PVM_CHOICE_SPEC_*
 *  @param name         of the file, for messages
 *  @param out_guessed  true if nothing says which spec is right
 *  @return FINE or INPUT. Owns: the caller, pvm_program_release(). */
pvm_view_status_t pvm_view_program_load(pvm_view_t *view, uint64_t spec_choice, const char *name,
                                        const uint8_t *data, size_t len,
                                        pvm_program_t **out_program, bool *out_guessed);

/** The entry pc that --entry names, or the default of the program's format. @return FINE or USAGE */
pvm_view_status_t pvm_view_program_entry(pvm_view_t *view, const char *name,
                                         const pvm_program_t *program, uint32_t *out_pc);

/** The spec of a place in --spec's choices. */
pvm_spec_t pvm_view_spec_of_choice(uint64_t choice);
const char *pvm_view_spec_name(pvm_spec_t spec);
const char *pvm_view_format_name(pvm_format_t format);
const char *pvm_view_backend_name(pvm_backend_t backend);

#endif
