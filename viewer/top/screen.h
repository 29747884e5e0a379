/* The terminal view of `top`. */
#ifndef PVM_VIEWER_TOP_SCREEN_H
#define PVM_VIEWER_TOP_SCREEN_H

#include "viewer/options.h"
#include "viewer/top/model.h"

#include <stdatomic.h>

/** Show it until the user quits, `stop` is set, or the targets end. @return FINE or ENVIRONMENT */
pvm_view_status_t pvm_top_screen(pvm_view_t *view, pvm_top_t *top, pvm_top_view_t first,
                                 pvm_top_sort_t sort, double interval_s, const atomic_bool *stop);

#endif
