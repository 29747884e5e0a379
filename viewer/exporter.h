/* What an exporter is: a function that writes a run file in another format. The table is exporters.def. */
#ifndef PVM_VIEWER_EXPORTER_H
#define PVM_VIEWER_EXPORTER_H

#include "profiler/run_file.h"
#include "viewer/options.h"

#include <stdio.h>

/** Write `file` to `out`, which is a temporary file or a pipe; options come from `view`. Whether everything was
 *  written is checked by the caller. @return FINE, USAGE, INPUT or ENVIRONMENT, with the error line set */
typedef pvm_view_status_t pvm_exporter_t(pvm_view_t *view, pvm_prof_run_file_t *file, FILE *out);

#define PVM_EXPORTER(name, ...) pvm_exporter_t pvm_export_##name;
#include "viewer/exporters.def"

#endif
