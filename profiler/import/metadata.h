/* A look at a trace's metadata before libbabeltrace2 reads it: of a file that is cut off inside of a packet its reader never comes
 * back. */
#ifndef PVM_PROFILER_IMPORT_METADATA_H
#define PVM_PROFILER_IMPORT_METADATA_H

#include "profiler/run_file.h"

/** @param folder  of one trace, with a slash behind it. Errors: E_FORMAT with pvm_last_error() */
pvm_prof_status_t pvm_import_check_metadata(const char *folder);

#endif
