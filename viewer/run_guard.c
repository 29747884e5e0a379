/* Signals and the progress line around one pvm_execute(). */
#include "viewer/run_guard.h"

#include "vm/vm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
/** Shorter runs show no progress. */
#define QUIET_NS    NS_PER_S
#define PROGRESS_NS (NS_PER_S / 4)

/* The handler reads these two; atomics without locks are safe there. */
static pvm_vm_t *_Atomic guarded_vm;
static atomic_bool is_stop_wanted;

/** Async-signal-safe: two atomic accesses. */
static void request_stop(int signal_number)
{
    pvm_vm_t *vm = atomic_load(&guarded_vm);

    (void)signal_number;
    atomic_store(&is_stop_wanted, true);
    if (vm != NULL) {
        pvm_vm_interrupt(vm);
    }
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNAL_COUNT (sizeof(stop_signals) / sizeof(stop_signals[0]))

static void catch_signals(struct sigaction *out_old)
{
    struct sigaction action = {.sa_handler = request_stop,
                               .sa_flags = SA_RESTART | (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++) {
        sigaction(stop_signals[i], NULL, &out_old[i]);
        /* What the parent has us ignore (nohup) stays ignored. */
        if (out_old[i].sa_handler != SIG_IGN) {
            sigaction(stop_signals[i], &action, NULL);
        }
    }
}

static void release_signals(const struct sigaction *old)
{
    for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++) {
        sigaction(stop_signals[i], &old[i], NULL);
    }
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* -- Progress ------------------------------------------------------------------------------ */

typedef struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_ended;
    bool is_started;
    int64_t begin_ns;
    pvm_progress_text_t *text;
    void *user_data;
} progress_t;

static void *show_progress(void *argument)
{
    progress_t *progress = argument;
    int64_t wake_ns = progress->begin_ns + QUIET_NS;
    bool has_line = false;
    char line[80];

    pthread_mutex_lock(&progress->lock);
    while (!progress->is_ended) {
        const struct timespec wake = {.tv_sec = wake_ns / NS_PER_S, .tv_nsec = wake_ns % NS_PER_S};

        if (pthread_cond_timedwait(&progress->ended, &progress->lock, &wake) == ETIMEDOUT) {
            progress->text(progress->user_data, line, sizeof(line));
            fprintf(stderr, "\r\033[K%.1f s, %s", (double)(now_ns() - progress->begin_ns) / 1e9,
                    line);
            fflush(stderr);
            has_line = true;
            wake_ns = now_ns() + PROGRESS_NS;
        }
    }
    pthread_mutex_unlock(&progress->lock);
    if (has_line) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    return NULL;
}

static void progress_start(progress_t *progress, pvm_progress_text_t *text, void *user_data)
{
    pthread_condattr_t attributes;

    *progress = (progress_t){.begin_ns = now_ns(), .text = text, .user_data = user_data};
    if (text == NULL || isatty(STDERR_FILENO) != 1) {
        return;
    }
    pthread_mutex_init(&progress->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Without a thread there is no progress line, and nothing else is missing. */
    progress->is_started = pthread_create(&progress->thread, NULL, show_progress, progress) == 0;
}

static void progress_end(progress_t *progress)
{
    if (!progress->is_started) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    progress->is_ended = true;
    pthread_cond_signal(&progress->ended);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_cond_destroy(&progress->ended);
    pthread_mutex_destroy(&progress->lock);
}

/* -- The run ------------------------------------------------------------------------------- */

pvm_run_outcome_t pvm_view_guarded_run(pvm_vm_t *vm, uint32_t entry, pvm_progress_text_t *text,
                                       void *user_data)
{
    struct sigaction old[STOP_SIGNAL_COUNT];
    pvm_run_outcome_t outcome;
    progress_t progress;
    int64_t begin_ns;

    atomic_store(&is_stop_wanted, false);
    atomic_store(&guarded_vm, vm);
    catch_signals(old);
    progress_start(&progress, text, user_data);
    begin_ns = now_ns();
    outcome.result = pvm_execute(vm, entry);
    outcome.duration_ns = now_ns() - begin_ns;
    progress_end(&progress);
    atomic_store(&guarded_vm, NULL);
    release_signals(old);
    outcome.is_interrupted =
        atomic_load(&is_stop_wanted) && pvm_get_machine_state(vm) == PVM_STATE_READY;
    return outcome;
}

const char *pvm_view_result_name(pvm_vm_t *vm, const pvm_run_outcome_t *outcome)
{
    if (outcome->result == PVM_RESULT_ERROR) {
        return "error";
    }
    switch (pvm_get_machine_state(vm)) {
    case PVM_STATE_HALT:
        return "halt";
    case PVM_STATE_PANIC:
        return "panic";
    case PVM_STATE_FAULT:
        return "fault";
    case PVM_STATE_OOG:
        return "oog";
    case PVM_STATE_HOST:
        return "host";
    default:
        return outcome->is_interrupted ? "interrupted" : "error";
    }
}
