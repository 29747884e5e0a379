/* Loops and hot paths of a recorded program, found in the edges that were taken.
 *
 * Natural loops: the target of an edge that lies on every way to its source, and all from where the source can be reached
 * without that target. A call counts as going on behind it, so a loop whose body calls is one. Loops that are entered
 * in several places have no such target and are not found. docs/annotate.md */
#ifndef PVM_PROFILER_LOOPS_H
#define PVM_PROFILER_LOOPS_H

#include "profiler/code.h"

/** Blocks in the bodies of all loops together; what would go beyond is left out. */
#define PVM_PROF_MAX_LOOP_BLOCKS (UINT32_C(1) << 22)
/** No block, no loop. */
#define PVM_PROF_NO_LOOP UINT32_MAX

/** An edge that was taken, between executed blocks. Indices are those of pvm_prof_code_t.blocks. */
typedef struct {
    uint32_t from;
    uint32_t to;
    int64_t count;
    bool is_jump; /**< false: fell through */
    bool is_call; /**< the jump is a call: to the routine, or, if not is_jump, back behind it */
    bool is_back; /**< closes a loop */
} pvm_prof_edge_t;

typedef struct {
    uint32_t header;
    uint32_t parent;  /**< the next larger loop around it, or PVM_PROF_NO_LOOP */
    uint32_t depth;   /**< loops around it */
    uint32_t *blocks; /**< of its body, by pc; owned */
    size_t block_count;
    int64_t iterations; /**< arrivals at the header */
    int64_t entries;    /**< those from outside of the loop */
    int64_t gas;        /**< of its body, loops inside included, called routines not */
} pvm_prof_loop_t;

/** Owned: pvm_prof_loops_free(). Read its members freely. */
typedef struct {
    pvm_prof_edge_t *edges; /**< by source, then target */
    size_t edge_count;
    pvm_prof_loop_t *loops; /**< largest first */
    size_t loop_count;
    uint32_t *loop_of; /**< the smallest loop of each block, or PVM_PROF_NO_LOOP */
    bool is_cut;       /**< there are more */
    bool has_edges;    /**< the recording has any */
} pvm_prof_loops_t;

/** Find them. Errors: E_FORMAT, E_SYSTEM. Owns: the caller, also after an error. */
pvm_prof_status_t pvm_prof_loops_find(pvm_prof_run_file_t *file, const pvm_prof_code_t *code,
                                      pvm_prof_loops_t *out);
void pvm_prof_loops_free(pvm_prof_loops_t *loops);

/** First edge from a block; edges from it follow until `from` changes. edge_count if there is none. */
size_t pvm_prof_loops_edges_from(const pvm_prof_loops_t *loops, uint32_t block);

/* -- Between loops.c and flow_graph.c ------------------------------------------------------ */

/** The flow of control inside of routines. Internal. */
typedef struct {
    uint32_t count;  /**< blocks; the node behind them is above all of them */
    uint32_t *first; /**< of each node: its edges are targets[first[i]] ... targets[first[i + 1]] */
    uint32_t *targets;
    uint32_t *back_first; /**< the same backwards */
    uint32_t *sources;
    uint32_t *dominator; /**< immediate one; of the top itself */
    uint32_t *order;     /**< of each node: its place in reverse postorder */
} pvm_prof_flow_graph_t;

/** @return 0, or -1 without memory; free in any case */
int pvm_prof_flow_graph_make(const pvm_prof_code_t *code, const pvm_prof_loops_t *loops,
                             const uint8_t *is_root, pvm_prof_flow_graph_t *out);
void pvm_prof_flow_graph_free(pvm_prof_flow_graph_t *graph);
/** Whether `above` lies on every way to `node`. */
bool pvm_prof_flow_graph_dominates(const pvm_prof_flow_graph_t *graph, uint32_t above,
                                   uint32_t node);

#endif
