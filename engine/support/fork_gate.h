/* What must not be cut in two by a fork: while somebody is inside, a fork waits, so that the child finds every lock free that is only
 * held inside, and nothing half made.
 *
 * Inside nobody may call what is not ours, as hosts and sinks of events: it may hold a lock that the forking thread already has. Of our
 * own locks with handlers of forks only those of support/large.h and of the arena may be taken. Thread: any; many may be
 * inside at once. */
#ifndef PVM_SUPPORT_FORK_GATE_H
#define PVM_SUPPORT_FORK_GATE_H

/** When handlers of forks are made known, as priorities of constructors: those of locks that are taken inside, and then the
 *  gate's. */
#define PVM_FORK_GATE_FIRST 101
#define PVM_FORK_GATE_LAST  102

void pvm_fork_gate_enter(void);
void pvm_fork_gate_leave(void);

#endif
