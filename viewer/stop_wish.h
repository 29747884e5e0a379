/* SIGINT, SIGTERM and SIGHUP as a wish: what collects ends, and finishes its file. A second one kills. */
#ifndef PVM_VIEWER_STOP_WISH_H
#define PVM_VIEWER_STOP_WISH_H

#include <stdatomic.h>

/** Set when the user wants to stop. Borrowed for good. */
extern atomic_bool pvm_view_stop_wish;

/** Take the signals from now on. */
void pvm_view_watch_stop_wish(void);

#endif
