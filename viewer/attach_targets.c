/* Options of attach and top: see attach_targets.h. */
#include "viewer/attach_targets.h"

#include <errno.h>
#include <stdlib.h>

/** What the kernel takes (kernel.perf_event_max_sample_rate) is less, as a rule. */
#define SAMPLES_MAX 20000

pvm_view_status_t pvm_view_fail_attach(pvm_view_t *view, pvm_prof_status_t status)
{
    return pvm_view_fail(view,
                         status == PVM_PROF_E_ARGUMENT ? PVM_VIEW_INPUT : PVM_VIEW_ENVIRONMENT,
                         "%s: %s", pvm_view_commands[view->command].name, pvm_last_error());
}

static pvm_view_status_t read_call(pvm_view_t *view, pvm_attach_options_t *out)
{
    const char *const text = pvm_view_text(view, PVM_OPTION_CALL);
    char *end = NULL;

    if (text == NULL) {
        return PVM_VIEW_FINE;
    }
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < INT32_MIN || number > INT32_MAX) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "--call: %s is no number; the filter runs in the kernel, where host "
                             "calls have no names",
                             text);
    }
    out->wants_call = true;
    out->call = (int32_t)number;
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_view_attach_targets(pvm_view_t *view, pvm_attach_options_t *out)
{
    const char *const name = pvm_view_commands[view->command].name;
    const int chosen = pvm_view_has(view, PVM_OPTION_PID) + pvm_view_has(view, PVM_OPTION_COMM) +
                       pvm_view_has(view, PVM_OPTION_ALL);
    const uint64_t pid = pvm_view_number(view, PVM_OPTION_PID);
    const uint64_t hz = pvm_view_number(view, PVM_OPTION_SAMPLES);
    const uint64_t service = pvm_view_number(view, PVM_OPTION_SERVICE);

    out->size = sizeof(*out);
    if (chosen != 1) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "%s: say which processes: --pid PID, --comm NAME or --all", name);
    }
    if (pvm_view_has(view, PVM_OPTION_PID) && (pid == 0 || pid > INT32_MAX)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--pid: there is no such process number");
    }
    if (hz > SAMPLES_MAX) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--samples: at most %d a second", SAMPLES_MAX);
    }
    if (service > UINT32_MAX) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "--service: a service index has 32 bits");
    }
    out->pid = (pid_t)pid;
    out->comm = pvm_view_text(view, PVM_OPTION_COMM);
    out->wants_service = pvm_view_has(view, PVM_OPTION_SERVICE);
    out->service = (uint32_t)service;
    out->sample_hz = (unsigned)hz;
    return read_call(view, out);
}
