/* Symbols of a recording from another file of its program: kept in the run file by the recorder, or given when it is read. */
#ifndef PVM_PROFILER_SYMBOLS_H
#define PVM_PROFILER_SYMBOLS_H

#include "profiler/run_file.h"

#include <pvm/pvm.h>

/** While it is read: let the programs of a recording that are the same program as `symbols` have its debug information, in
 *  pvm_prof_stored_program() and in all reports. Nothing in the file changes.
 *  Errors: E_ARGUMENT: no program of the recording is the same one; pvm_last_error() says where the first differs; E_FORMAT,
 *  E_SYSTEM. Owns: the file keeps a reference. */
pvm_prof_status_t pvm_prof_symbols_use(pvm_prof_run_file_t *file, pvm_program_t *symbols);

/** Give a program that was loaded from the file the symbols that the file, or who reads it, has for it. Internal. */
void pvm_prof_symbols_give(pvm_prof_run_file_t *file, int64_t id, pvm_program_t *program);

#endif
