/* Who is inside is a reader, who forks the writer. */
#include "support/fork_gate.h"

#include <pthread.h>

static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;

static void before_fork(void)
{
    (void)pthread_rwlock_wrlock(&gate);
}

static void after_fork(void)
{
    (void)pthread_rwlock_unlock(&gate);
}

/* The child's only thread has another number than the one that took the lock, and cannot give it back. */
static void after_fork_in_child(void)
{
    gate = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
}

/* Handlers run in the reverse order. This one is known last, so it comes before those of the locks that are taken inside, and they
 * meet nobody there. */
__attribute__((constructor(PVM_FORK_GATE_LAST))) static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void pvm_fork_gate_enter(void)
{
    (void)pthread_rwlock_rdlock(&gate);
}

void pvm_fork_gate_leave(void)
{
    (void)pthread_rwlock_unlock(&gate);
}
