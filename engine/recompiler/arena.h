/* Memory for emitted code: the only place that maps it or changes its protection.
 *
 * A page is writable while code is emitted and executable afterwards, never both. Memory is private to the process:
 * after a fork each side owns its copy. Released regions wait, populated, for the next program. */
#ifndef PVM_RECOMPILER_ARENA_H
#define PVM_RECOMPILER_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *base;
    size_t bytes; /**< whole pages */
} pvm_arena_region_t;

/** A writable region of at least `wanted` octets; below 2 GiB if `low` and there is room. A waiting region of at
 *  least `enough` octets is taken first. @return 0, or -1 and pvm_last_error(). Thread: any. */
int pvm_arena_take(size_t enough, size_t wanted, bool low, pvm_arena_region_t *out_region);
/** Make it executable and give what lies beyond `keep` octets back. @return 0, or -1: it must then be released. */
int pvm_arena_seal(pvm_arena_region_t *region, size_t keep);
/** Make whole pages of it executable; the rest stays as it is. @return 0, or -1 and pvm_last_error() */
int pvm_arena_seal_part(const pvm_arena_region_t *region, size_t begin, size_t bytes);
/** Give a region back, sealed or not. */
void pvm_arena_release(pvm_arena_region_t region);

/** Memory for the tables of one compilation, not zeroed. One that was given back is taken first: it is populated.
 *  @return 0, or -1 and pvm_last_error(). Thread: any. */
int pvm_arena_take_scratch(size_t bytes, pvm_arena_region_t *out_scratch);
void pvm_arena_give_scratch(pvm_arena_region_t scratch);

#endif
