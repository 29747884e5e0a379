/* The source lines of a profile for pprof: blocks of a tree of stacks, cut where the line or what is inlined changes. */
#ifndef PVM_VIEWER_EXPORT_PPROF_PLACES_H
#define PVM_VIEWER_EXPORT_PPROF_PLACES_H

#include "viewer/export/export.h"

#define PVM_PPROF_NO_PLACE UINT32_MAX

/** Where a function stands. */
typedef struct {
    uint32_t frame; /**< of the tree */
    uint32_t line;  /**< 0: unknown */
} pvm_pprof_line_t;

/** A stretch of a block. */
typedef struct {
    uint32_t node; /**< the block's, in the tree */
    uint32_t pc;
    uint32_t line_count;
    size_t first_line; /**< innermost; the last is that of the block's function */
    int64_t values[PVM_PROF_VALUE_COUNT];
} pvm_pprof_place_t;

/** Zero-initialized it is empty. Owned: pvm_pprof_places_free(). Read its members freely. */
typedef struct {
    pvm_pprof_place_t *list; /**< by node */
    size_t count;
    size_t room;
    pvm_pprof_line_t *lines;
    size_t line_count;
    size_t line_room;
    uint32_t *host_calls; /**< of each node: the place of its only ecalli, or PVM_PPROF_NO_PLACE */
} pvm_pprof_places_t;

/** Find those of all blocks that debug information tells about; frames of inlined functions are added to the tree.
 *  @return 0, or -1: no memory, or the file cannot be read. To be freed in any case. */
int pvm_pprof_places_find(pvm_prof_run_file_t *file, pvm_prof_stacks_t *stacks,
                          pvm_pprof_places_t *out);
void pvm_pprof_places_free(pvm_pprof_places_t *places);

#endif
