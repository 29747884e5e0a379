/* An LTTng session for one recording, in a folder of its own, with a session daemon of its own where possible. */
#ifndef PVM_VIEWER_LTTNG_SESSION_H
#define PVM_VIEWER_LTTNG_SESSION_H

#include "viewer/options.h"

typedef struct {
    char folder[64];   /**< everything is in here; "" if there is none */
    char name[32];     /**< of the session; "" if there is none */
    char pid_file[96]; /**< of our daemon; "" if it is not ours */
} pvm_lttng_session_t;

/** Start daemon and session with these events ("pvm:a,pvm:b"), and set LTTNG_HOME so that this process and its children
 *  use them. pvm_view_lttng_end() in every case. @return FINE or ENVIRONMENT */
pvm_view_status_t pvm_view_lttng_begin(pvm_view_t *view, const char *events,
                                       pvm_lttng_session_t *session);
/** Other events for a session that goes on: no longer those that it was begun with. @return FINE or ENVIRONMENT */
pvm_view_status_t pvm_view_lttng_change(pvm_view_t *view, const pvm_lttng_session_t *session,
                                        const char *old_events, const char *new_events);
/** Stop the session, so that its trace is whole in `folder`/trace, and end the daemon. */
pvm_view_status_t pvm_view_lttng_stop(pvm_view_t *view, pvm_lttng_session_t *session);
/** End whatever is left and remove the folder. */
void pvm_view_lttng_end(pvm_lttng_session_t *session);

#endif
