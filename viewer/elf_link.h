/* ELF files, linked again. A linker of PolkaVM programs inlines, folds, drops and moves code and keeps no map, so of an ELF
 * file alone nothing tells what became of it; but linked in the same way once more it gives the same program, with debug
 * information. Whether it did is for others to prove. */
#ifndef PVM_VIEWER_ELF_LINK_H
#define PVM_VIEWER_ELF_LINK_H

#include "viewer/input.h"

#include <pvm/pvm.h>

bool pvm_view_is_elf(const pvm_input_t *input);

/** The program that links: what PVM_LINKER in the environment names, or pvm-guest-linker. It is run as
 *  LINKER SPEC INPUT OUTPUT [EXPORT,EXPORT...]. */
const char *pvm_view_elf_linker(void);

/** Link into a container, and load that.
 *  @param dispatch  exports that get a jump each at the beginning, separated by commas; or NULL
 *  @return FINE, INPUT: it cannot be linked, or ENVIRONMENT: there is no linker. Owns: the caller */
pvm_view_status_t pvm_view_elf_link(pvm_view_t *view, const pvm_input_t *elf, pvm_spec_t spec,
                                    const char *dispatch, pvm_program_t **out_program);

#endif
