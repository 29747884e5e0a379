/* Events by time, a host call twice: see waiting.h. */
#include "profiler/import/waiting.h"

#include "profiler/event_order.h"
#include "profiler/import/record.h"
#include "support/error.h"

#include <stdlib.h>

/** Longest wait, and most octets that wait. */
#define WINDOW_NS UINT64_C(1000000000)
#define BYTES_MAX ((size_t)4 << 20)
/** Places that are let go between two looks at that. */
#define RELEASED_AT_ONCE 64

typedef struct {
    uint32_t kind;
    int32_t host;
} header_t;

struct pvm_import_waiting_t {
    pvm_prof_feed_t *feed;
    pvm_order_t *order; /**< NULL: nothing waits */
    uint8_t *packed;
    size_t room;
    pvm_prof_status_t status; /**< the first failure of the feed */
};

static void take(void *user_data, uint64_t time_ns, pvm_order_side_t side, const void *header,
                 void *record)
{
    pvm_import_waiting_t *const waiting = user_data;
    const header_t *const about = header;
    const pvm_event_kind_t kind = (pvm_event_kind_t)about->kind;

    if (waiting->status != PVM_PROF_OK) {
        return;
    }
    if (kind == PVM_EVENT_host_call) {
        waiting->status =
            side == PVM_ORDER_BEGIN
                ? pvm_prof_feed_call_begin(waiting->feed, about->host, time_ns, record)
                : pvm_prof_feed_call_end(waiting->feed, about->host, time_ns, record);
    } else if (kind == PVM_EVENT_host_call_open) {
        waiting->status = pvm_prof_feed_call_open(waiting->feed, about->host, time_ns, record);
    } else {
        pvm_import_unpack(kind, record);
        waiting->status = pvm_prof_feed_event(waiting->feed, about->host, time_ns, kind, record);
    }
}

pvm_import_waiting_t *pvm_import_waiting_create(pvm_prof_feed_t *feed, bool waits)
{
    pvm_import_waiting_t *const waiting = calloc(1, sizeof(*waiting));

    if (waiting == NULL) {
        return NULL;
    }
    waiting->feed = feed;
    if (waits && (waiting->order = pvm_order_create(take, waiting, sizeof(header_t))) == NULL) {
        free(waiting);
        return NULL;
    }
    return waiting;
}

static pvm_prof_status_t hold(pvm_import_waiting_t *waiting, const header_t *header,
                              uint64_t begin_ns, uint64_t end_ns, const void *record)
{
    const pvm_event_kind_t kind = (pvm_event_kind_t)header->kind;
    const size_t bytes = pvm_import_packed_bytes(kind, record);

    if (bytes > waiting->room) {
        uint8_t *const packed = realloc(waiting->packed, bytes);

        if (packed == NULL) {
            goto no_memory;
        }
        waiting->packed = packed;
        waiting->room = bytes;
    }
    pvm_import_pack(kind, record, waiting->packed);
    if (pvm_order_add(waiting->order, begin_ns, end_ns, header, waiting->packed, bytes) == 0) {
        return PVM_PROF_OK;
    }
no_memory:
    pvm_error_set("no memory for events that wait");
    return PVM_PROF_E_SYSTEM;
}

pvm_prof_status_t pvm_import_waiting_add(pvm_import_waiting_t *waiting, int host, uint64_t time_ns,
                                         pvm_event_kind_t kind, const void *record)
{
    const header_t header = {.kind = (uint32_t)kind, .host = host};
    uint64_t begin_ns = time_ns;
    uint64_t end_ns = 0;

    /* Programs count in any order, and are large. */
    if (waiting->order == NULL || kind == PVM_EVENT_program_load ||
        kind == PVM_EVENT_program_data) {
        return pvm_prof_feed_event(waiting->feed, host, time_ns, kind, record);
    }
    if (kind == PVM_EVENT_host_call) {
        begin_ns = ((const pvm_event_host_call_t *)record)->begin_ns;
        end_ns = time_ns;
        if (begin_ns == 0) {
            /* Of an execution that began before the trace: it is not in the file. */
            return PVM_PROF_OK;
        }
    } else if (kind == PVM_EVENT_host_call_open) {
        begin_ns = ((const pvm_event_host_call_open_t *)record)->begin_ns;
    }
    const pvm_prof_status_t status = hold(waiting, &header, begin_ns, end_ns, record);
    if (status != PVM_PROF_OK) {
        return status;
    }
    (void)pvm_order_release(waiting->order, time_ns > WINDOW_NS ? time_ns - WINDOW_NS : 0,
                            SIZE_MAX);
    while (pvm_order_bytes(waiting->order) > BYTES_MAX) {
        (void)pvm_order_release(waiting->order, UINT64_MAX, RELEASED_AT_ONCE);
    }
    return waiting->status;
}

pvm_prof_status_t pvm_import_waiting_finish(pvm_import_waiting_t *waiting)
{
    if (waiting->order != NULL) {
        (void)pvm_order_release(waiting->order, UINT64_MAX, SIZE_MAX);
    }
    return waiting->status;
}

void pvm_import_waiting_destroy(pvm_import_waiting_t *waiting)
{
    if (waiting != NULL) {
        pvm_order_destroy(waiting->order);
        free(waiting->packed);
        free(waiting);
    }
}
