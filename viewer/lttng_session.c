/* Runs LTTng's own programs: its control library has no public header for all of this, and they are there wherever its
 * daemon is. Every wait is bounded. */
#include "viewer/lttng_session.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/** Where the daemon of root keeps its sockets, whatever LTTNG_HOME says. */
#define ROOT_FOLDER "/var/run/lttng"
/** Longest time that one of LTTng's programs may take. */
#define PROGRAM_SECONDS "60"

extern char **environ;

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* Run a program with its output in FOLDER/log. timeout(1) bounds it. @return its exit code, or -1 */
static int run_program(const pvm_lttng_session_t *session, char *const *arguments)
{
    posix_spawn_file_actions_t actions;
    char log[96];
    pid_t pid;
    int status;

    (void)snprintf(log, sizeof(log), "%s/log", session->folder);
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return -1;
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    const int failed = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN(session, ...)                                                                          \
    run_program((session), (char *[]){"timeout", PROGRAM_SECONDS, __VA_ARGS__, NULL})

static bool is_alive(const char *pid_file)
{
    FILE *const file = fopen(pid_file, "re");
    long pid = 0;
    const bool found = file != NULL && fscanf(file, "%ld", &pid) == 1 && pid > 0;

    if (file != NULL) {
        (void)fclose(file);
    }
    return found && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Root's daemons share one folder. In a mount namespace of our own an empty one hides it; without leave for that the
 * shared place is used. */
static void hide_root_folder(void)
{
    if ((mkdir(ROOT_FOLDER, 0755) == 0 || errno == EEXIST) && unshare(CLONE_NEWNS) == 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) {
        (void)mount("tmpfs", ROOT_FOLDER, "tmpfs", 0, "mode=0755");
    }
}

static pvm_view_status_t start_daemon(pvm_view_t *view, pvm_lttng_session_t *session)
{
    const bool is_root = geteuid() == 0;

    if (is_root && is_alive(ROOT_FOLDER "/lttng-sessiond.pid")) {
        return PVM_VIEW_FINE;
    }
    if (is_root) {
        hide_root_folder();
        (void)snprintf(session->pid_file, sizeof(session->pid_file), "%s",
                       ROOT_FOLDER "/lttng-sessiond.pid");
    } else {
        (void)snprintf(session->pid_file, sizeof(session->pid_file), "%s/.lttng/lttng-sessiond.pid",
                       session->folder);
    }
    const int code = RUN(session, "lttng-sessiond", "--daemonize", "--no-kernel");
    if (code != 0) {
        session->pid_file[0] = '\0';
        return pvm_view_fail(
            view, PVM_VIEW_ENVIRONMENT,
            code == 127 || code < 0
                ? "record: lttng-sessiond is not there; install lttng-tools, or use --via process"
                : "record: lttng-sessiond does not start; see its log with lttng-sessiond -vvv, or "
                  "use "
                  "--via process");
    }
    return PVM_VIEW_FINE;
}

/** @param verb  enable-event or disable-event */
static int choose_events(const pvm_lttng_session_t *session, char *verb, const char *events)
{
    char copy[512];
    char name[sizeof(session->name)];

    (void)snprintf(copy, sizeof(copy), "%s", events);
    (void)snprintf(name, sizeof(name), "%s", session->name);
    return RUN(session, "lttng", verb, "--userspace", "-s", name, "--channel=pvm", copy);
}

pvm_view_status_t pvm_view_lttng_change(pvm_view_t *view, const pvm_lttng_session_t *session,
                                        const char *old_events, const char *new_events)
{
    return choose_events(session, "disable-event", old_events) == 0 &&
                   choose_events(session, "enable-event", new_events) == 0
               ? PVM_VIEW_FINE
               : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                               "record: LTTng refuses to record %s instead of %s", new_events,
                               old_events);
}

pvm_view_status_t pvm_view_lttng_begin(pvm_view_t *view, const char *events,
                                       pvm_lttng_session_t *session)
{
    char output[96];

    *session = (pvm_lttng_session_t){.folder = "/tmp/pvmscope-lttng-XXXXXX"};
    if (mkdtemp(session->folder) == NULL) {
        session->folder[0] = '\0';
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "record: cannot make a folder in /tmp: %s",
                             strerror(errno));
    }
    (void)setenv("LTTNG_HOME", session->folder, 1);
    const pvm_view_status_t status = start_daemon(view, session);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    (void)snprintf(session->name, sizeof(session->name), "pvmscope-%ld", (long)getpid());
    (void)snprintf(output, sizeof(output), "--output=%s/trace", session->folder);
    if (RUN(session, "lttng", "create", session->name, output) != 0 ||
        RUN(session, "lttng", "enable-channel", "--userspace", "-s", session->name, "--buffers-uid",
            "--subbuf-size=1M", "--num-subbuf=16", "--discard", "pvm") != 0 ||
        choose_events(session, "enable-event", events) != 0 ||
        RUN(session, "lttng", "start", session->name) != 0) {
        return pvm_view_fail(
            view, PVM_VIEW_ENVIRONMENT,
            "record: LTTng refuses the session; is there room in /dev/shm, and lttng installed? Or "
            "use --via process");
    }
    return PVM_VIEW_FINE;
}

static void end_daemon(pvm_lttng_session_t *session)
{
    FILE *const file = session->pid_file[0] != '\0' ? fopen(session->pid_file, "re") : NULL;
    long pid = 0;

    if (file == NULL) {
        return;
    }
    const bool found = fscanf(file, "%ld", &pid) == 1 && pid > 1;
    (void)fclose(file);
    if (found && kill((pid_t)pid, SIGTERM) == 0) {
        /* It removes its pid file when it is done; the process itself may stay unreaped for long. */
        for (int i = 0; i < 100 && access(session->pid_file, F_OK) == 0; i++) {
            pause_ms(50);
        }
    }
    session->pid_file[0] = '\0';
}

pvm_view_status_t pvm_view_lttng_stop(pvm_view_t *view, pvm_lttng_session_t *session)
{
    const bool stopped = RUN(session, "lttng", "stop", session->name) == 0 &&
                         RUN(session, "lttng", "destroy", session->name) == 0;

    session->name[0] = '\0';
    end_daemon(session);
    return stopped
               ? PVM_VIEW_FINE
               : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                               "record: LTTng did not end the session; what it kept is imported");
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

void pvm_view_lttng_end(pvm_lttng_session_t *session)
{
    if (session->name[0] != '\0') {
        (void)RUN(session, "lttng", "destroy", "--no-wait", session->name);
        session->name[0] = '\0';
    }
    end_daemon(session);
    if (session->folder[0] != '\0') {
        (void)nftw(session->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        session->folder[0] = '\0';
    }
}
