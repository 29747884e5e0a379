/* What an exporter is: a function that writes a run file in another format. The table is exporters.def. */
#ifndef PVM_VIEWER_EXPORTER_H
#define PVM_VIEWER_EXPORTER_H

#include "profiler/run_file.h"
#include "support/buffer.h"
#include "viewer/options.h"
#include "viewer/render.h"

#include <stdio.h>

/** One export. */
typedef struct {
    pvm_view_t *view; /**< options */
    pvm_prof_run_file_t *file;
    pvm_prof_run_file_t *other; /**< the second run, of formats that compare; else NULL */
    FILE *out; /**< a temporary file or a pipe; the caller asks whether everything was written */
    pvm_render_t render;  /**< JSON into `out` */
    pvm_buffer_t scratch; /**< of pvm_export_text() */
} pvm_view_export_t;

/** Write it. @return FINE, USAGE, INPUT or ENVIRONMENT, with the error line set */
typedef pvm_view_status_t pvm_exporter_t(pvm_view_export_t *export);

#define PVM_EXPORTER(name, ...) pvm_exporter_t pvm_export_##name;
#include "viewer/exporters.def"

#endif
