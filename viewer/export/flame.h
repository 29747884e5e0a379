/* Flame graphs: stacks of one run or two, merged by name, as a tree to be drawn. */
#ifndef PVM_VIEWER_EXPORT_FLAME_H
#define PVM_VIEWER_EXPORT_FLAME_H

#include "viewer/export/export.h"

/** Values of a flame graph's nodes stand in these places of a tree of stacks. */
#define PVM_FLAME_NOW   PVM_PROF_VALUE_GAS
#define PVM_FLAME_OTHER PVM_PROF_VALUE_HOST_GAS

/** Add the stacks of a run to a flame graph, begun with pvm_prof_stacks_begin().
 *  @param slot         PVM_FLAME_NOW or PVM_FLAME_OTHER
 *  @param is_inverted  the places are the roots, who calls them stands above
 *  @param has_blocks   else blocks count for their functions: pcs say nothing about another build
 *  Without memory, out->failed is set. */
void pvm_flame_add(const pvm_prof_stacks_t *stacks, pvm_prof_value_kind_t kind, bool is_inverted,
                   bool has_blocks, pvm_prof_value_kind_t slot, pvm_prof_stacks_t *out);

/** Children of every node, most first, as a list: first[node], next[node]; 0 ends it. */
typedef struct {
    uint32_t *first;
    uint32_t *next;
    int64_t *now;   /**< node and all below */
    int64_t *other; /**< the same of the other run */
} pvm_flame_order_t;

/** Sums and order. @return 0, or -1 without memory; to be freed in any case */
int pvm_flame_order(const pvm_prof_stacks_t *flame, pvm_flame_order_t *out);
void pvm_flame_order_free(pvm_flame_order_t *order);

#endif
