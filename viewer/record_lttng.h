/* record --via lttng: the same run, collected by LTTng and imported. */
#ifndef PVM_VIEWER_RECORD_LTTNG_H
#define PVM_VIEWER_RECORD_LTTNG_H

#include "viewer/options.h"

/** Record the run of the command line into the file at `path`. */
pvm_view_status_t pvm_view_record_lttng(pvm_view_t *view, const char *path);

#endif
