/* Calling contexts of a recording: the trees of all VMs in one, with what is not yet in the file.
 *
 * A context is told by its caller, the program, where it begins and from where it was called; VMs that run the same program share them. What an
 * inner machine calls stands below the context whose host call runs it. Guarded by the file's lock. */
#ifndef PVM_PROFILER_CALLS_H
#define PVM_PROFILER_CALLS_H

#include "profiler/map.h"

#include <pvm/trace.h>
#include <stdbool.h>

/** Contexts of one recording; what is beyond counts as not told apart. */
#define PVM_PROF_MAX_CONTEXTS (UINT32_C(1) << 20)
/** The caller of what the host lets begin. */
#define PVM_PROF_CONTEXT_HOST UINT32_MAX

/** Figures of a context, as pvm_call_node_t has them, and its samples. */
typedef struct {
    uint64_t calls;
    uint64_t gas;
    uint64_t host_calls;
    uint64_t host_gas;
    uint64_t deeper_calls;
    uint64_t deeper_gas;
    uint64_t samples;
} pvm_prof_call_figures_t;

typedef struct {
    uint32_t parent;  /**< place of the caller, which is before its own, or PVM_PROF_CONTEXT_HOST */
    uint32_t program; /**< in the file */
    uint32_t function;
    uint32_t site;
    uint32_t pc;
    uint8_t kind;      /**< pvm_call_kind_t */
    bool is_outermost; /**< no context above it is of the same function */
    bool is_dirty;
    pvm_prof_call_figures_t all;
    pvm_prof_call_figures_t pending; /**< the part that is not in the file */
} pvm_prof_context_t;

/** Zero-initialized it is empty. */
typedef struct {
    pvm_prof_context_t *list;
    uint32_t count;
    uint32_t room;
    uint32_t *dirty;
    uint32_t dirty_count;
    pvm_prof_map_t index; /**< hash of a context -> its place */
} pvm_prof_calls_t;

/** What was last read of one VM. Zero-initialized it is nothing. */
typedef struct {
    pvm_call_node_t *nodes;
    uint64_t *samples; /**< of each node */
    uint32_t *places;  /**< of each node: its context; of the root: who runs the VM */
    size_t count;
    size_t room;
    pvm_call_node_t *fresh;
    size_t fresh_room;
    pvm_jump_pair_t *pairs; /**< sorted */
    size_t pair_count;
} pvm_prof_tree_t;

struct pvm_prof_watch_t;
struct pvm_prof_recorder_t;

/** Guest code is about to run: find out below which context. */
void pvm_prof_calls_run_begin(struct pvm_prof_watch_t *watch);
/** Read the VM's tree, and note the differences. */
void pvm_prof_calls_read(struct pvm_prof_watch_t *watch);
/** Store what its jumps through registers did since they were last stored. */
void pvm_prof_calls_store_pairs(struct pvm_prof_watch_t *watch);
/** Store what was noted, and the totals of functions. */
void pvm_prof_calls_store(struct pvm_prof_recorder_t *recorder);
void pvm_prof_calls_free(pvm_prof_calls_t *calls);
void pvm_prof_tree_free(pvm_prof_tree_t *tree);

#endif
