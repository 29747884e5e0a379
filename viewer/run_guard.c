/* Signals, and a thread that looks in on the guest, around one execution. */
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
/** How often the guest is interrupted, so that observers see how far it is. */
#define TICK_NS (NS_PER_S / 4)
/** A second stop signal within this time is the same wish: timeout(1) sends its signal to us and to our group. */
#define SAME_WISH_NS (NS_PER_S / 2)
/** Shorter runs show no progress. */
#define QUIET_NS NS_PER_S

/* The handler reads these; atomics without locks are safe there. */
static pvm_vm_t *_Atomic guarded_vm;
static atomic_bool is_stop_wanted;
static atomic_int_fast64_t stop_wanted_ns;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/** Async-signal-safe: atomic accesses, a clock, and for the impatient the default action. */
static void request_stop(int signal_number)
{
    pvm_vm_t *vm = atomic_load(&guarded_vm);
    const int64_t now = now_ns();

    if (atomic_load(&is_stop_wanted)) {
        if (now - atomic_load(&stop_wanted_ns) >= SAME_WISH_NS) {
            (void)signal(signal_number, SIG_DFL);
            (void)raise(signal_number);
        }
        return;
    }
    atomic_store(&stop_wanted_ns, now);
    atomic_store(&is_stop_wanted, true);
    if (vm != NULL) {
        pvm_vm_interrupt(vm);
    }
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define STOP_SIGNAL_COUNT (sizeof(stop_signals) / sizeof(stop_signals[0]))

static unsigned guard_depth;
static struct sigaction old_actions[STOP_SIGNAL_COUNT];

void pvm_view_guard_begin(void)
{
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = SA_RESTART};

    if (guard_depth++ > 0) {
        return;
    }
    atomic_store(&is_stop_wanted, false);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++) {
        sigaction(stop_signals[i], NULL, &old_actions[i]);
        /* What the parent has us ignore (nohup) stays ignored. */
        if (old_actions[i].sa_handler != SIG_IGN) {
            sigaction(stop_signals[i], &action, NULL);
        }
    }
}

void pvm_view_guard_end(void)
{
    if (--guard_depth > 0) {
        return;
    }
    for (size_t i = 0; i < STOP_SIGNAL_COUNT; i++) {
        sigaction(stop_signals[i], &old_actions[i], NULL);
    }
}

bool pvm_view_guard_is_stopped(void)
{
    return atomic_load(&is_stop_wanted);
}

/* -- The ticker ---------------------------------------------------------------------------- */

typedef struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_ended;
    bool is_started;
    int64_t begin_ns;
    pvm_vm_t *vm;
    pvm_progress_text_t *text; /**< NULL: no line */
    void *user_data;
} ticker_t;

static void show_line(const ticker_t *ticker, int64_t elapsed_ns)
{
    char line[80];

    ticker->text(ticker->user_data, line, sizeof(line));
    fprintf(stderr, "\r\033[K%.1f s, %s", (double)elapsed_ns / 1e9, line);
    fflush(stderr);
}

static void *tick(void *argument)
{
    ticker_t *ticker = argument;
    int64_t wake_ns = ticker->begin_ns + TICK_NS;
    bool has_line = false;

    pthread_mutex_lock(&ticker->lock);
    while (!ticker->is_ended) {
        const struct timespec wake = {.tv_sec = wake_ns / NS_PER_S, .tv_nsec = wake_ns % NS_PER_S};

        if (pthread_cond_timedwait(&ticker->ended, &ticker->lock, &wake) == ETIMEDOUT) {
            const int64_t elapsed_ns = now_ns() - ticker->begin_ns;

            pvm_vm_interrupt(ticker->vm);
            if (ticker->text != NULL && elapsed_ns >= QUIET_NS) {
                show_line(ticker, elapsed_ns);
                has_line = true;
            }
            wake_ns = now_ns() + TICK_NS;
        }
    }
    pthread_mutex_unlock(&ticker->lock);
    if (has_line) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    return NULL;
}

static void ticker_start(ticker_t *ticker, pvm_vm_t *vm, pvm_progress_text_t *text, void *user_data)
{
    pthread_condattr_t attributes;

    *ticker = (ticker_t){.begin_ns = now_ns(), .vm = vm, .user_data = user_data};
    ticker->text = isatty(STDERR_FILENO) == 1 ? text : NULL;
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Without a thread the run is the same; nobody sees how far it is. */
    ticker->is_started = pthread_create(&ticker->thread, NULL, tick, ticker) == 0;
}

static void ticker_end(ticker_t *ticker)
{
    if (ticker->is_started) {
        pthread_mutex_lock(&ticker->lock);
        ticker->is_ended = true;
        pthread_cond_signal(&ticker->ended);
        pthread_mutex_unlock(&ticker->lock);
        pthread_join(ticker->thread, NULL);
    }
    pthread_cond_destroy(&ticker->ended);
    pthread_mutex_destroy(&ticker->lock);
}

/* -- The run ------------------------------------------------------------------------------- */

/** Nothing but pvm_vm_interrupt() ends a run in this way. */
static bool was_interrupted(pvm_vm_t *vm, pvm_result_t result)
{
    return result == PVM_RESULT_OK && pvm_get_machine_state(vm) == PVM_STATE_READY;
}

pvm_run_outcome_t pvm_view_guarded_run(pvm_vm_t *vm, uint32_t entry, pvm_progress_text_t *text,
                                       void *user_data)
{
    pvm_run_outcome_t outcome;
    ticker_t ticker;
    int64_t begin_ns;

    pvm_view_guard_begin();
    atomic_store(&guarded_vm, vm);
    if (atomic_load(&is_stop_wanted)) {
        pvm_vm_interrupt(vm);
    }
    ticker_start(&ticker, vm, text, user_data);
    begin_ns = now_ns();
    outcome.result = pvm_execute(vm, entry);
    /* A signal that comes behind this test interrupts the resume. */
    while (was_interrupted(vm, outcome.result) && !atomic_load(&is_stop_wanted)) {
        outcome.result = pvm_resume(vm);
    }
    outcome.duration_ns = now_ns() - begin_ns;
    ticker_end(&ticker);
    atomic_store(&guarded_vm, NULL);
    outcome.is_interrupted = was_interrupted(vm, outcome.result);
    pvm_view_guard_end();
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
