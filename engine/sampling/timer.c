/* The timer of each thread that runs sampled machines, and the signal handler.
 *
 * A tick outside of guest code switches the timer off; the next entry switches it on again in its old phase, so that ticks
 * fall on guest time as if it had gone on, and a host that is away for long is disturbed once. Entering and leaving guest
 * code then costs no system call. Everything the handler does is async-signal-safe: it reads the thread's own
 * state, counts in memory that is there, and may call timer_settime().
 *
 * The clock is monotonic: CLOCK_THREAD_CPUTIME_ID ticks no faster than the kernel's own tick. */
#include "sampling/samples.h"
#include "support/error.h"

#ifdef __linux__
#include "support/signal_chain.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

typedef struct sampler_t {
    pvm_vm_t *volatile vm; /**< whose guest code runs just now, NULL: none */
    volatile bool is_armed;
    bool has_timer;
    timer_t timer;
    uint32_t hz;
    uint64_t origin_ns; /**< a tick, of which all others are whole periods away */
    struct sampler_t *next;
} sampler_t;

/* This thread's, or NULL. Initial-exec, because a handler must not allocate. */
static _Thread_local sampler_t *own __attribute__((tls_model("initial-exec")));

static struct {
    pthread_mutex_t lock;
    int signal; /**< 0: none chosen yet */
    bool has_key;
    pthread_key_t key; /**< frees a thread's sampler when it ends */
    sampler_t *all;
    pvm_signal_chain_t chain;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* -- The handler ---------------------------------------------------------------------------- */

static void set_timer(sampler_t *sampler, uint64_t first_ns, uint64_t period_ns)
{
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(first_ns / SECOND_NS),
                     .tv_nsec = (long)(first_ns % SECOND_NS)},
        .it_interval = {.tv_sec = (time_t)(period_ns / SECOND_NS),
                        .tv_nsec = (long)(period_ns % SECOND_NS)},
    };

    (void)timer_settime(sampler->timer, TIMER_ABSTIME, &when, NULL);
}

static void handle(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;
    sampler_t *const sampler = own;

    if (info->si_code != SI_TIMER || info->si_value.sival_ptr != (void *)&shared) {
        pvm_signal_chain_pass_on(&shared.chain, number, info, context,
                                 (uintptr_t)__builtin_frame_address(0));
    } else if (sampler != NULL && sampler->vm != NULL) {
        pvm_samples_take(sampler->vm, context, (unsigned)info->si_overrun);
    } else if (sampler != NULL) {
        set_timer(sampler, 0, 0);
        sampler->is_armed = false;
    }
    errno = saved_errno;
}

/* -- The signal ----------------------------------------------------------------------------- */

/* The highest real-time signal that nobody handles, but for the very last, which valgrind takes. Where all are taken (Go
 * handles all of them) the highest: what is not ours goes on to the earlier handler. */
static int choose_signal(void)
{
    const int last = SIGRTMAX - 1;

    for (int number = last; number >= SIGRTMIN; number--) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
            now.sa_handler == SIG_DFL) {
            return number;
        }
    }
    return last;
}

static void free_sampler(void *data)
{
    sampler_t *const sampler = data;

    own = NULL;
    (void)pthread_mutex_lock(&shared.lock);
    for (sampler_t **at = &shared.all; *at != NULL; at = &(*at)->next) {
        if (*at == sampler) {
            *at = sampler->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&shared.lock);
    if (sampler->has_timer) {
        (void)timer_delete(sampler->timer);
    }
    free(sampler);
}

/* Timers are not inherited, and of the threads only this one. */
static void begin_child(void)
{
    if (own != NULL) {
        own->has_timer = false;
        own->is_armed = false;
        own->next = NULL;
    }
    shared.all = own;
    (void)pthread_mutex_unlock(&shared.lock);
}

static void lock_shared(void)
{
    (void)pthread_mutex_lock(&shared.lock);
}

static void unlock_shared(void)
{
    (void)pthread_mutex_unlock(&shared.lock);
}

int pvm_sample_timer_install(void)
{
    int status = 0;

    (void)pthread_mutex_lock(&shared.lock);
    if (!shared.has_key) {
        shared.has_key = pthread_key_create(&shared.key, free_sampler) == 0;
        status =
            shared.has_key && pthread_atfork(lock_shared, unlock_shared, begin_child) == 0 ? 0 : -1;
    }
    if (shared.signal == 0) {
        shared.signal = choose_signal();
    }
    if (status == 0) {
        status = pvm_signal_chain_install(&shared.chain, shared.signal, handle, SA_RESTART);
    }
    (void)pthread_mutex_unlock(&shared.lock);
    return status == 0 ? 0
                       : pvm_error_set("cannot sample: no signal handler (%s)", strerror(errno));
}

/* When the library is unloaded nothing may point into it, nor may a late tick end the process. */
__attribute__((destructor)) static void uninstall(void)
{
    if (shared.has_key) {
        (void)pthread_key_delete(shared.key);
    }
    for (sampler_t *at = shared.all; at != NULL; at = at->next) {
        if (at->has_timer) {
            (void)timer_delete(at->timer);
        }
    }
    if (shared.signal != 0 && pvm_signal_chain_is_top(shared.signal, handle)) {
        struct sigaction before = shared.chain.newest;
        if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL) {
            before.sa_handler = SIG_IGN;
        }
        (void)sigaction(shared.signal, &before, NULL);
    }
}

/* -- The timer ------------------------------------------------------------------------------ */

static bool make_timer(sampler_t *sampler)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
                             .sigev_signo = shared.signal,
                             .sigev_value = {.sival_ptr = (void *)&shared}};
    sigset_t mask;

    /* The signal may be blocked with all others, by who expects none; it is ours alone. */
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, shared.signal);
    (void)pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    sampler->has_timer = timer_create(CLOCK_MONOTONIC, &event, &sampler->timer) == 0;
    return sampler->has_timer;
}

static sampler_t *make_sampler(void)
{
    sampler_t *const sampler = calloc(1, sizeof(*sampler));

    if (sampler == NULL || pthread_setspecific(shared.key, sampler) != 0) {
        free(sampler);
        return NULL;
    }
    (void)pthread_mutex_lock(&shared.lock);
    sampler->next = shared.all;
    shared.all = sampler;
    (void)pthread_mutex_unlock(&shared.lock);
    own = sampler;
    return sampler;
}

/* Where in its period the first tick falls must not depend on when the guest begins. */
static uint64_t scatter(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

/* Kept out of the way of every entry. @return false: no timer */
static __attribute__((noinline)) bool arm(sampler_t *sampler, uint32_t hz)
{
    const uint64_t period_ns = SECOND_NS / hz;
    struct timespec time;

    if (!sampler->has_timer && !make_timer(sampler)) {
        return false;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    const uint64_t now_ns = (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
    if (sampler->hz != hz) {
        sampler->hz = hz;
        sampler->origin_ns = now_ns - scatter(now_ns) % period_ns;
    }
    sampler->is_armed = true;
    set_timer(sampler, now_ns + period_ns - (now_ns - sampler->origin_ns) % period_ns, period_ns);
    return true;
}

void pvm_sample_timer_enter(pvm_vm_t *vm)
{
    sampler_t *const sampler = own != NULL ? own : make_sampler();

    if (sampler == NULL) {
        vm->samples->sum.lost++;
        return;
    }
    sampler->vm = vm;
    /* From here on a tick is this machine's and leaves the timer on. */
    const uint32_t hz = (uint32_t)vm->samples->sum.hz;
    if ((!sampler->is_armed || sampler->hz != hz) && !arm(sampler, hz)) {
        vm->samples->sum.lost++;
    }
}

void pvm_sample_timer_leave(void)
{
    if (own != NULL) {
        own->vm = NULL;
    }
}
#else
int pvm_sample_timer_install(void)
{
    return pvm_error_set("cannot sample: timers of single threads are for Linux");
}

void pvm_sample_timer_enter(pvm_vm_t *vm)
{
    (void)vm;
}

void pvm_sample_timer_leave(void)
{
}
#endif
