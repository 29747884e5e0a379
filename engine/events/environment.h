/* Telling the user of what the environment asks for and cannot be had. No call has failed then, and the embedder may never
 * look at pvm_last_error(): this is the one thing that libpvm writes by itself. */
#ifndef PVM_EVENTS_ENVIRONMENT_H
#define PVM_EVENTS_ENVIRONMENT_H

/** One line on standard error: what comes of it, with the reason that pvm_last_error() has. Thread: any. */
void pvm_events_tell_user(const char *outcome);

#endif
