/* A heap of (time, order of arrival): see order.h. */
#include "profiler/attach/order.h"

#include <stdlib.h>
#include <string.h>

typedef struct held_t {
    struct held_t *next_free;
    uint32_t holders; /**< places in the heap */
    size_t room;
    pvm_bpf_header_t header;
    _Alignas(8) uint8_t record[];
} held_t;

typedef struct {
    uint64_t time_ns;
    uint64_t number; /**< of its arrival, twice, and 1 for an end */
    held_t *held;
} place_t;

/** Most records are host calls: their memory is used again. */
#define SMALL_BYTES 512

struct pvm_order_t {
    pvm_order_take_t take;
    void *user_data;
    place_t *heap; /**< from 1 on */
    size_t count;
    size_t room;
    uint64_t arrivals;
    uint64_t released_ns;
    bool had_late;
    held_t *free_small;
};

pvm_order_t *pvm_order_create(pvm_order_take_t take, void *user_data)
{
    pvm_order_t *const order = calloc(1, sizeof(*order));

    if (order != NULL) {
        order->take = take;
        order->user_data = user_data;
    }
    return order;
}

static bool is_before(const place_t *a, const place_t *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

static int push(pvm_order_t *order, place_t place)
{
    if (order->count + 2 > order->room) {
        const size_t room = order->room == 0 ? 1024 : 2 * order->room;
        place_t *const heap = realloc(order->heap, room * sizeof(*heap));
        if (heap == NULL) {
            return -1;
        }
        order->heap = heap;
        order->room = room;
    }
    size_t at = ++order->count;
    for (; at > 1 && is_before(&place, &order->heap[at / 2]); at /= 2) {
        order->heap[at] = order->heap[at / 2];
    }
    order->heap[at] = place;
    place.held->holders++;
    return 0;
}

static place_t pop(pvm_order_t *order)
{
    const place_t result = order->heap[1];
    const place_t last = order->heap[order->count--];
    size_t at = 1;

    for (size_t child = 2; child <= order->count; child = 2 * at) {
        child += child < order->count && is_before(&order->heap[child + 1], &order->heap[child]);
        if (!is_before(&order->heap[child], &last)) {
            break;
        }
        order->heap[at] = order->heap[child];
        at = child;
    }
    if (order->count > 0) {
        order->heap[at] = last;
    }
    return result;
}

static held_t *hold(pvm_order_t *order, const pvm_bpf_header_t *header, const void *record,
                    size_t bytes)
{
    held_t *held = bytes <= SMALL_BYTES ? order->free_small : NULL;

    if (held != NULL) {
        order->free_small = held->next_free;
    } else {
        const size_t room = bytes <= SMALL_BYTES ? SMALL_BYTES : bytes;
        held = malloc(sizeof(*held) + room);
        if (held == NULL) {
            return NULL;
        }
        held->room = room;
    }
    held->holders = 0;
    held->header = *header;
    memcpy(held->record, record, bytes);
    return held;
}

static void let_go(pvm_order_t *order, held_t *held)
{
    if (--held->holders > 0) {
        return;
    }
    if (held->room == SMALL_BYTES) {
        held->next_free = order->free_small;
        order->free_small = held;
    } else {
        free(held);
    }
}

int pvm_order_add(pvm_order_t *order, const pvm_bpf_header_t *header, const void *record,
                  size_t bytes)
{
    const bool is_call = header->kind == PVM_EVENT_host_call;
    const pvm_event_host_call_t *const call = record;
    const uint64_t number = 2 * order->arrivals++;
    held_t *const held = hold(order, header, record, bytes);

    if (held == NULL) {
        return -1;
    }
    held->holders = 1;
    const uint64_t begin_ns = is_call ? call->begin_ns : header->time_ns;
    order->had_late |= begin_ns < order->released_ns;
    int status = push(order, (place_t){.time_ns = begin_ns, .number = number, .held = held});
    if (status == 0 && is_call) {
        status =
            push(order, (place_t){.time_ns = call->end_ns, .number = number + 1, .held = held});
    }
    let_go(order, held);
    return status;
}

bool pvm_order_release(pvm_order_t *order, uint64_t until_ns, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        if (order->count == 0 || order->heap[1].time_ns > until_ns) {
            break;
        }
        const place_t place = pop(order);
        order->released_ns =
            place.time_ns > order->released_ns ? place.time_ns : order->released_ns;
        order->take(order->user_data, place.time_ns,
                    place.number % 2 == 0 ? PVM_ORDER_BEGIN : PVM_ORDER_END, &place.held->header,
                    place.held->record);
        let_go(order, place.held);
    }
    return order->count > 0 && order->heap[1].time_ns <= until_ns;
}

size_t pvm_order_count(const pvm_order_t *order)
{
    return order->count;
}

bool pvm_order_had_late(const pvm_order_t *order)
{
    return order->had_late;
}

void pvm_order_destroy(pvm_order_t *order)
{
    if (order == NULL) {
        return;
    }
    while (order->count > 0) {
        const place_t place = pop(order);
        let_go(order, place.held);
    }
    while (order->free_small != NULL) {
        held_t *const next = order->free_small->next_free;
        free(order->free_small);
        order->free_small = next;
    }
    free(order->heap);
    free(order);
}
