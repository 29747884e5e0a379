/* Records put into order of time. A host call is told when it ends, but begins before: it stands here twice. What is older
 * than some time is let go; what comes too late for its place is let go at once. */
#ifndef PVM_PROFILER_EVENT_ORDER_H
#define PVM_PROFILER_EVENT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Which of the two places of a host call. Other records are BEGIN. */
typedef enum { PVM_ORDER_BEGIN, PVM_ORDER_END } pvm_order_side_t;

typedef struct pvm_order_t pvm_order_t;

/** Called for each record that is let go, in order. */
typedef void (*pvm_order_take_t)(void *user_data, uint64_t time_ns, pvm_order_side_t side,
                                 const void *header, void *record);

/** @param header_bytes  of what stands beside each record; a multiple of 8 */
pvm_order_t *pvm_order_create(pvm_order_take_t take, void *user_data, size_t header_bytes);
/** Copy a record in. @param end_ns  of a host call; 0: it has one place. @return 0, or -1 without memory */
int pvm_order_add(pvm_order_t *order, uint64_t time_ns, uint64_t end_ns, const void *header,
                  const void *record, size_t bytes);
/** Let go what is older than `until_ns`, `most` places at a time. @return true: there is more */
bool pvm_order_release(pvm_order_t *order, uint64_t until_ns, size_t most);
/** Time of the one whose turn is next; UINT64_MAX: there is none. */
uint64_t pvm_order_oldest_ns(const pvm_order_t *order);
/** Octets of all that waits. */
size_t pvm_order_bytes(const pvm_order_t *order);
void pvm_order_destroy(pvm_order_t *order);

#endif
