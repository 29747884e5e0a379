/* Deadly signals to one line: see import_guard.h. Meanwhile nothing is written to standard error, where the library's own words about its
 * end would go. */
#include "viewer/import_guard.h"

#include "viewer/command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* The handler reads these: made before. */
static char line[PATH_BYTES + 128];
static char files[3][PATH_BYTES];
static int old_stderr = -1;

/* Its assertions, and what they do not cover; SIGBUS: a file that was cut off meanwhile. */
static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(*signals))
static struct sigaction old_actions[SIGNAL_COUNT];

/** Async-signal-safe: write, unlink, _exit. */
static void give_up(int signal_number)
{
    (void)signal_number;
    (void)!write(old_stderr >= 0 ? old_stderr : STDERR_FILENO, line, strlen(line));
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        (void)unlink(files[i]);
    }
    _exit(PVM_VIEW_INPUT);
}

void pvm_view_import_guard_begin(const char *source, const char *unfinished)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct sigaction action = {.sa_handler = give_up};
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)snprintf(line, sizeof(line),
                   "pvmscope: %s: libbabeltrace2 breaks down over this trace, so it is damaged; "
                   "copy it again\n",
                   source);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        (void)snprintf(files[i], sizeof(files[i]), "%s%s", unfinished != NULL ? unfinished : "",
                       unfinished != NULL ? suffixes[i] : "");
    }
    (void)fflush(stderr);
    old_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO);
    if (nowhere >= 0 && old_stderr >= 0) {
        (void)dup2(nowhere, STDERR_FILENO);
    }
    if (nowhere >= 0) {
        (void)close(nowhere);
    }
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        (void)sigaction(signals[i], &action, &old_actions[i]);
    }
}

void pvm_view_import_guard_end(void)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        (void)sigaction(signals[i], &old_actions[i], NULL);
    }
    if (old_stderr >= 0) {
        (void)dup2(old_stderr, STDERR_FILENO);
        (void)close(old_stderr);
        old_stderr = -1;
    }
}
