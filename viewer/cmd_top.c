/* pvmscope top: a live view of running processes, by eBPF: on the terminal, once, or for Prometheus. */
#include "viewer/command.h"
#include "viewer/render.h"

#ifdef PVM_HAVE_TOP
#include "viewer/attach_targets.h"
#include "viewer/stop_wish.h"
#include "viewer/top/model.h"
#include "viewer/top/screen.h"
#include "viewer/top/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/** Pause between two looks at the ring buffer. */
#define PAUSE_NS 50000000L

/** Take what comes for so long. @return false: it is over */
static bool wait_interval(pvm_top_t *top, double seconds)
{
    for (double waited = 0; waited < seconds; waited += (double)PAUSE_NS * 1e-9) {
        const struct timespec pause = {.tv_nsec = PAUSE_NS};

        if (atomic_load(&pvm_view_stop_wish) || !pvm_top_is_alive(top)) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
        pvm_top_poll(top);
    }
    return true;
}

static pvm_view_status_t show_once(pvm_view_t *view, pvm_top_t *top, pvm_top_sort_t sort,
                                   double interval_s)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));

    (void)wait_interval(top, interval_s);
    pvm_top_refresh(top, true);
    pvm_render_part_t parts[] = {{"services", pvm_top_table(top, PVM_TOP_SERVICE, sort)},
                                 {"host_calls", pvm_top_table(top, PVM_TOP_HOSTCALL, sort)},
                                 {"functions", pvm_top_table(top, PVM_TOP_FUNCTION, sort)}};
    const size_t count = sizeof(parts) / sizeof(*parts);
    bool failed = false;
    for (size_t i = 0; i < count; i++) {
        failed |= parts[i].table == NULL;
    }
    failed = failed || pvm_view_render_document(&render, parts, count) != 0;
    for (size_t i = 0; i < count; i++) {
        pvm_prof_table_destroy((pvm_prof_table_t *)(uintptr_t)parts[i].table);
    }
    return failed ? pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "top: no memory for its tables")
                  : PVM_VIEW_FINE;
}

static pvm_view_status_t serve(pvm_view_t *view, pvm_top_t *top, double interval_s)
{
    char reason[200];
    pvm_top_server_t *const server =
        pvm_top_server_start(pvm_view_text(view, PVM_OPTION_PROMETHEUS), reason, sizeof(reason));

    if (server == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "top: %s", reason);
    }
    (void)printf("serving /metrics on port %u until Ctrl-C\n", pvm_top_server_port(server));
    (void)fflush(stdout);
    do {
        char *text = NULL;
        size_t len = 0;
        FILE *const out = open_memstream(&text, &len);

        pvm_top_refresh(top, false);
        if (out != NULL) {
            const int made = pvm_top_metrics(top, out);
            if (fclose(out) == 0 && made == 0) {
                pvm_top_server_set(server, text, len);
            }
            free(text);
        }
    } while (wait_interval(top, interval_s));
    pvm_top_server_stop(server);
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_command_top(pvm_view_t *view)
{
    pvm_attach_options_t options = {0};
    pvm_top_t *top = NULL;
    const pvm_top_sort_t sort = (pvm_top_sort_t)pvm_view_number(view, PVM_OPTION_TOP_SORT);
    const pvm_top_view_t first = (pvm_top_view_t)pvm_view_number(view, PVM_OPTION_TOP_BY);
    const uint64_t interval = pvm_view_number(view, PVM_OPTION_INTERVAL);
    const double interval_s = interval > 0 ? (double)interval : 1;
    const bool serves = pvm_view_has(view, PVM_OPTION_PROMETHEUS);
    const bool is_once = pvm_view_has(view, PVM_OPTION_ONCE) ||
                         pvm_view_has(view, PVM_OPTION_FORMAT) || !isatty(STDOUT_FILENO);
    pvm_view_status_t status = pvm_view_attach_targets(view, &options);

    if (status != PVM_VIEW_FINE) {
        return status;
    }
    if (!pvm_view_has(view, PVM_OPTION_SAMPLES)) {
        options.sample_hz = PVM_VIEW_SAMPLES_DEFAULT;
    }
    pvm_view_watch_stop_wish();
    const pvm_prof_status_t opened = pvm_top_open(&options, &top);
    if (opened != PVM_PROF_OK) {
        return pvm_view_fail_attach(view, opened);
    }
    status = serves    ? serve(view, top, interval_s)
             : is_once ? show_once(view, top, sort, interval_s)
                       : pvm_top_screen(view, top, first, sort, interval_s, &pvm_view_stop_wish);
    pvm_top_close(top);
    return status;
}
#else
pvm_view_status_t pvm_command_top(pvm_view_t *view)
{
    return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                         "top: this pvmscope was built without libbpf-dev, bpftool, clang, "
                         "libncurses-dev or libmicrohttpd-dev");
}
#endif
