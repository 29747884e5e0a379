/* Records put into order of time. A host call is told when it ends, but begins before: it stands here twice. What is older
 * than the window is let go; a call that took longer than the window comes late, and that is noted. */
#ifndef PVM_PROFILER_ATTACH_ORDER_H
#define PVM_PROFILER_ATTACH_ORDER_H

#include "trace/bpf/shared.h"

#include <stdbool.h>
#include <stddef.h>

/** Which of the two places of a host call. Other records are BEGIN. */
typedef enum { PVM_ORDER_BEGIN, PVM_ORDER_END } pvm_order_side_t;

typedef struct pvm_order_t pvm_order_t;

/** Called for each record that is let go, in order. */
typedef void (*pvm_order_take_t)(void *user_data, uint64_t time_ns, pvm_order_side_t side,
                                 const pvm_bpf_header_t *header, void *record);

pvm_order_t *pvm_order_create(pvm_order_take_t take, void *user_data);
/** Copy a record in. @return 0, or -1 without memory */
int pvm_order_add(pvm_order_t *order, const pvm_bpf_header_t *header, const void *record,
                  size_t bytes);
/** Let go what is older than `until_ns`, `most` records at a time. @return true: there is more */
bool pvm_order_release(pvm_order_t *order, uint64_t until_ns, size_t most);
/** Records that wait. */
size_t pvm_order_count(const pvm_order_t *order);
/** Whether anything came too late. */
bool pvm_order_had_late(const pvm_order_t *order);
void pvm_order_destroy(pvm_order_t *order);

#endif
