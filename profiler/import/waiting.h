/* Events on their way to the feed. A host call that is told as a whole is told when it ends, but begins before what was told
 * meanwhile: so events wait here until nothing can come any more that was before them, or there are too many; what then comes
 * late is put into order at the end. */
#ifndef PVM_PROFILER_IMPORT_WAITING_H
#define PVM_PROFILER_IMPORT_WAITING_H

#include "profiler/feed.h"

typedef struct pvm_import_waiting_t pvm_import_waiting_t;

/** @param waits  false: the trace has no such host calls, every event goes on at once. NULL without memory */
pvm_import_waiting_t *pvm_import_waiting_create(pvm_prof_feed_t *feed, bool waits);
/** One event, in order of time. `begin_ns` of host_call and host_call_open is in the trace's time.
 *  @return as pvm_prof_feed_event() */
pvm_prof_status_t pvm_import_waiting_add(pvm_import_waiting_t *waiting, int host, uint64_t time_ns,
                                         pvm_event_kind_t kind, const void *record);
/** All that still wait go on. */
pvm_prof_status_t pvm_import_waiting_finish(pvm_import_waiting_t *waiting);
/** NULL is ignored. */
void pvm_import_waiting_destroy(pvm_import_waiting_t *waiting);

#endif
