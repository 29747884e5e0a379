/* Who is inside is counted; who forks waits until nobody is, and keeps the lock of the count until he has forked. */
#include "support/fork_gate.h"

#include <pthread.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t is_empty;
    unsigned inside;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_empty = PTHREAD_COND_INITIALIZER};

static void before_fork(void)
{
    (void)pthread_mutex_lock(&gate.lock);
    while (gate.inside > 0) {
        (void)pthread_cond_wait(&gate.is_empty, &gate.lock);
    }
}

static void after_fork(void)
{
    (void)pthread_mutex_unlock(&gate.lock);
}

/* Threads that waited there are not in the child. */
static void after_fork_in_child(void)
{
    gate.is_empty = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    after_fork();
}

/* Handlers run in the reverse order. This one is known last, so it comes before those of the locks that are taken inside, and they
 * meet nobody there. */
__attribute__((constructor(PVM_FORK_GATE_LAST))) static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void pvm_fork_gate_enter(void)
{
    (void)pthread_mutex_lock(&gate.lock);
    gate.inside++;
    (void)pthread_mutex_unlock(&gate.lock);
}

void pvm_fork_gate_leave(void)
{
    (void)pthread_mutex_lock(&gate.lock);
    if (--gate.inside == 0) {
        (void)pthread_cond_broadcast(&gate.is_empty);
    }
    (void)pthread_mutex_unlock(&gate.lock);
}
