/* A heap of (time, order of arrival): see event_order.h. */
#include "profiler/event_order.h"

#include <stdlib.h>
#include <string.h>

typedef struct held_t {
    struct held_t *next_free;
    uint32_t holders; /**< places in the heap */
    size_t room;
    _Alignas(8) uint8_t bytes[]; /**< header and record */
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
    size_t header_bytes;
    size_t bytes; /**< of all that is held */
    uint64_t arrivals;
    held_t *free_small;
};

pvm_order_t *pvm_order_create(pvm_order_take_t take, void *user_data, size_t header_bytes)
{
    pvm_order_t *const order = calloc(1, sizeof(*order));

    if (order != NULL) {
        order->take = take;
        order->user_data = user_data;
        order->header_bytes = header_bytes;
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

static held_t *hold(pvm_order_t *order, const void *header, const void *record, size_t bytes)
{
    const size_t needed = order->header_bytes + bytes;
    held_t *held = needed <= SMALL_BYTES ? order->free_small : NULL;

    if (held != NULL) {
        order->free_small = held->next_free;
    } else {
        const size_t room = needed <= SMALL_BYTES ? SMALL_BYTES : needed;
        held = malloc(sizeof(*held) + room);
        if (held == NULL) {
            return NULL;
        }
        held->room = room;
    }
    held->holders = 0;
    order->bytes += held->room;
    memcpy(held->bytes, header, order->header_bytes);
    memcpy(held->bytes + order->header_bytes, record, bytes);
    return held;
}

static void let_go(pvm_order_t *order, held_t *held)
{
    if (--held->holders > 0) {
        return;
    }
    order->bytes -= held->room;
    if (held->room == SMALL_BYTES) {
        held->next_free = order->free_small;
        order->free_small = held;
    } else {
        free(held);
    }
}

int pvm_order_add(pvm_order_t *order, uint64_t time_ns, uint64_t end_ns, const void *header,
                  const void *record, size_t bytes)
{
    const uint64_t number = 2 * order->arrivals++;
    held_t *const held = hold(order, header, record, bytes);

    if (held == NULL) {
        return -1;
    }
    held->holders = 1;
    int status = push(order, (place_t){.time_ns = time_ns, .number = number, .held = held});
    if (status == 0 && end_ns != 0) {
        status = push(order, (place_t){.time_ns = end_ns, .number = number + 1, .held = held});
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
        order->take(order->user_data, place.time_ns,
                    place.number % 2 == 0 ? PVM_ORDER_BEGIN : PVM_ORDER_END, place.held->bytes,
                    place.held->bytes + order->header_bytes);
        let_go(order, place.held);
    }
    return order->count > 0 && order->heap[1].time_ns <= until_ns;
}

uint64_t pvm_order_oldest_ns(const pvm_order_t *order)
{
    return order->count > 0 ? order->heap[1].time_ns : UINT64_MAX;
}

size_t pvm_order_bytes(const pvm_order_t *order)
{
    return order->bytes;
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
