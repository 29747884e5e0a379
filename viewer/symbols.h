/* --symbols: names and source lines for a program, from another file of the same program. */
#ifndef PVM_VIEWER_SYMBOLS_H
#define PVM_VIEWER_SYMBOLS_H

#include "viewer/options.h"

#include <pvm/pvm.h>

/** Programs that the symbols may be for, one by one. @return the next, for the caller to release; NULL: no more */
typedef pvm_program_t *pvm_view_target_t(void *user_data);

/** Load the file of --symbols; of an ELF file what its linker makes of it, for the first target that this proves to be the
 *  same. FINE with NULL in *out_symbols: there is no such option.
 *  @return FINE, INPUT (no program, one without debug information, no target's ELF file) or ENVIRONMENT. Owns: the caller */
pvm_view_status_t pvm_view_symbols_load(pvm_view_t *view, pvm_view_target_t *next_target,
                                        void *user_data, pvm_program_t **out_symbols);

/** Give a program the names and lines of --symbols, if there are. @return FINE, or INPUT: it is another program */
pvm_view_status_t pvm_view_program_symbols(pvm_view_t *view, pvm_program_t *program);

#endif
