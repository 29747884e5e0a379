/* A map from numbers to small indices: what the recorder needs to find "the entry for host call
 * 7" quickly. */
#ifndef PVM_PROFILER_MAP_H
#define PVM_PROFILER_MAP_H

#include <stddef.h>
#include <stdint.h>

/** Not there. */
#define PVM_PROF_MAP_NONE UINT32_MAX

/** Open addressing, never more than three quarters full. Zero-initialized it is empty. */
typedef struct {
    uint64_t *keys;
    uint32_t *values; /**< PVM_PROF_MAP_NONE: free slot */
    size_t slots;     /**< a power of two, or 0 */
    size_t count;
} pvm_prof_map_t;

/** The value of a key, or PVM_PROF_MAP_NONE. */
uint32_t pvm_prof_map_get(const pvm_prof_map_t *map, uint64_t key);
/** Add a key that is not there yet. @return 0, or -1 without memory. */
int pvm_prof_map_add(pvm_prof_map_t *map, uint64_t key, uint32_t value);
void pvm_prof_map_free(pvm_prof_map_t *map);

#endif
