/* Programs of a run file, loaded again from what it stores of them. */
#ifndef PVM_PROFILER_STORED_PROGRAM_H
#define PVM_PROFILER_STORED_PROGRAM_H

#include "profiler/run_file.h"

#include <pvm/pvm.h>

/** The words for a spec and a format in run files; literals. */
const char *pvm_prof_spec_name(pvm_spec_t spec);
const char *pvm_prof_format_name(pvm_format_t format);

/** Load program `id`. NULL in *out_program with OK: the file has no such program, or one that does not load.
 *  Errors: E_FORMAT, E_SYSTEM. Owns: the caller, pvm_program_release(). */
pvm_prof_status_t pvm_prof_stored_program(pvm_prof_run_file_t *file, int64_t id,
                                          pvm_program_t **out_program);
/** Load the program with the next number after *io_id that can be loaded, and leave its number there. NULL: no more.
 *  Errors: E_FORMAT, E_SYSTEM. Owns: the caller. */
pvm_prof_status_t pvm_prof_stored_program_after(pvm_prof_run_file_t *file, int64_t *io_id,
                                                pvm_program_t **out_program);

#endif
