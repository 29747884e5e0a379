/* What attach and top have in common: which processes, which host calls, and what to say when it cannot be done. */
#ifndef PVM_VIEWER_ATTACH_TARGETS_H
#define PVM_VIEWER_ATTACH_TARGETS_H

#include "profiler/attach/attach.h"
#include "viewer/options.h"

/** Samples per second where some are needed and nobody said how many. */
#define PVM_VIEW_SAMPLES_DEFAULT 99

/** --pid, --comm or --all, --service, --call, --samples. @return FINE or USAGE */
pvm_view_status_t pvm_view_attach_targets(pvm_view_t *view, pvm_attach_options_t *out);
/** A failure to attach: a process that is not there is bad input, a missing privilege the environment's fault. */
pvm_view_status_t pvm_view_fail_attach(pvm_view_t *view, pvm_prof_status_t status);

#endif
