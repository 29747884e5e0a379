/* Providers: libraries that bring a sink, loaded on request and linked by nothing. libpvm-lttng.so turns events into
 * tracepoints, libpvm-record.so writes them into a run file. The engine knows their names and no more. */
#include "events/provider.h"

#include "events/asked.h"
#include "events/environment.h"
#include "events/events.h"
#include "support/error.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_PREFIX "record:"

/* Open a library in the folder of the one that this code is in, or beside it in lib/. */
static void *open_beside(const char *folder, int folder_len, const char *between, const char *file)
{
    char path[4096];
    const int len = snprintf(path, sizeof(path), "%.*s%s/%s", folder_len, folder, between, file);

    if (len < 0 || (size_t)len >= sizeof(path) || access(path, R_OK) != 0) {
        return NULL;
    }
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* The file that this code is in. Of a program that was found in PATH, the linker knows no more than its name. */
static bool find_own_file(char *out, size_t out_bytes)
{
    Dl_info where;

    if (dladdr((const void *)(uintptr_t)&pvm_events_gate, &where) == 0 || where.dli_fname == NULL) {
        return false;
    }
    if (strchr(where.dli_fname, '/') != NULL) {
        return (size_t)snprintf(out, out_bytes, "%s", where.dli_fname) < out_bytes;
    }
    const ssize_t len = readlink("/proc/self/exe", out, out_bytes - 1);
    if (len <= 0) {
        return false;
    }
    out[len] = '\0';
    return true;
}

static void *open_provider(const char *file)
{
    char own[4096];
    void *provider = NULL;

    if (find_own_file(own, sizeof(own))) {
        const int folder_len = (int)(strrchr(own, '/') - own);

        provider = open_beside(own, folder_len, "", file);
        if (provider == NULL) {
            provider = open_beside(own, folder_len, "/../lib", file);
        }
    }
    return provider != NULL ? provider : dlopen(file, RTLD_NOW | RTLD_LOCAL);
}

/* A provider stays loaded: its sink is borrowed for good. */
static void *load_provider(const char *file, const char *needs)
{
    void *const provider = open_provider(file);

    if (provider == NULL) {
        pvm_error_set("cannot load %s (%s); is %s installed, and %s beside libpvm?", file,
                      dlerror(), needs, file);
        return NULL;
    }
    if (dlsym(provider, PVM_PROVIDER_SINK) == NULL) {
        pvm_error_set("%s is not of this library: it has no " PVM_PROVIDER_SINK, file);
        return NULL;
    }
    return provider;
}

int pvm_trace_load_lttng(void)
{
    void *const provider = load_provider("libpvm-lttng.so", "lttng-ust");

    if (provider == NULL || pvm_trace_set_sink(dlsym(provider, PVM_PROVIDER_SINK)) < 0) {
        return -1;
    }
    pvm_events_ask();
    return 0;
}

static const pvm_recorder_t *load_recorder(void)
{
    void *const provider = load_provider("libpvm-record.so", "SQLite");
    const pvm_recorder_t *const recorder =
        provider == NULL ? NULL : dlsym(provider, PVM_PROVIDER_RECORDER);

    if (provider != NULL && (recorder == NULL || recorder->size != sizeof(*recorder))) {
        pvm_error_set("libpvm-record.so was built for another version of libpvm; build it again");
        return NULL;
    }
    return recorder;
}

int pvm_trace_record(const char *path)
{
    char reason[512];

    if (path == NULL || path[0] == '\0') {
        return pvm_error_set("a run file needs a path");
    }
    const pvm_recorder_t *const recorder = load_recorder();
    if (recorder == NULL) {
        return -1;
    }
    if (recorder->begin(path, reason, sizeof(reason)) < 0) {
        return pvm_error_set("%s", reason);
    }
    if (pvm_trace_set_sink(recorder->sink) < 0) {
        (void)recorder->end(reason, sizeof(reason));
        return -1;
    }
    pvm_events_ask();
    return 0;
}

int pvm_trace_record_end(void)
{
    char reason[512];
    const pvm_recorder_t *const recorder = load_recorder();

    if (recorder == NULL) {
        return -1;
    }
    pvm_events_drop_sink(recorder->sink);
    return recorder->end(reason, sizeof(reason)) < 0 ? pvm_error_set("%s", reason) : 0;
}

/* Words for machines that are traced from outside: without them they are traced as their embedder has them. */
static void start_lttng(void)
{
    pvm_asked_t asked;

    if (pvm_trace_load_lttng() != 0) {
        pvm_events_tell_user("nothing is traced");
    } else if (pvm_events_asked_read(&asked) != 0) {
        pvm_events_tell_user("traced without what this asks for");
    }
}

/* Nobody is there to be told of a failure but the user who set the variable. */
static void start(void)
{
    const char *const wanted = secure_getenv("PVM_TRACE");

    if (wanted == NULL || wanted[0] == '\0' || pvm_events_has_sink()) {
        return;
    }
    if (strcmp(wanted, "lttng") == 0) {
        start_lttng();
    } else if (strncmp(wanted, RECORD_PREFIX, sizeof(RECORD_PREFIX) - 1) == 0) {
        if (pvm_trace_record(wanted + sizeof(RECORD_PREFIX) - 1) != 0) {
            pvm_events_tell_user("nothing is recorded");
        }
    } else {
        pvm_error_set("PVM_TRACE: `%.40s` is no way to trace; use lttng or " RECORD_PREFIX "FILE",
                      wanted);
        pvm_events_tell_user("nothing is traced");
    }
}

void pvm_events_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, start);
}
