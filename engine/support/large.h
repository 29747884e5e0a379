/* Memory for what is as large as a program: its octets and the tables that are made of them. As malloc() and free(), but
 * large blocks wait for the next program instead of going back to the system, because their pages, faulted in anew,
 * would cost as much as a quarter of what is written into them. */
#ifndef PVM_SUPPORT_LARGE_H
#define PVM_SUPPORT_LARGE_H

#include <stddef.h>
#include <stdint.h>

/** Smaller blocks go to free() at once: few pages, and the C library keeps them well. */
#define PVM_LARGE_BYTES_MIN ((size_t)16 << 10)
/** Blocks that wait, at most, and the octets of all of them together, at most. */
#define PVM_LARGE_WAITING_MAX       64
#define PVM_LARGE_WAITING_BYTES_MAX ((size_t)16 << 20)

/** Octets of any value, aligned as by malloc(); NULL without memory. */
void *pvm_large_take(size_t bytes);
/** Give a block back; NULL is none. */
void pvm_large_give(void *block);
/** Free all that wait. */
void pvm_large_drain(void);

/** Tables in one block: where the next one stands, each aligned to 16 octets. Without a block nothing stands anywhere, and
 *  `used` becomes how large it has to be. */
static inline void *pvm_large_place(void *block, size_t *used, size_t bytes)
{
    uint8_t *const place = block == NULL ? NULL : (uint8_t *)block + *used;

    *used += (bytes + 15) / 16 * 16;
    return place;
}

#endif
