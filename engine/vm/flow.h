/* The flow graph of a program, and which of its edges need a counter.
 *
 * What flows into a block flows out of it, so counters are needed only on the edges outside of a spanning tree (Knuth
 * 1973; Ball and Larus 1994); the edges of the tree follow. The tree prefers edges that probably are taken often. Vertices
 * are the blocks and a hub, to which all indirect jumps lead and from which their targets are reached. What begins or
 * ends in the middle of the graph is the business of counts.h. */
#ifndef PVM_VM_FLOW_H
#define PVM_VM_FLOW_H

#include "program/program.h"

/** Where a terminator leads; parallel to pairs of edges: run on, jumped (or to the hub). */
typedef struct {
    uint32_t pc;   /**< of the terminator */
    uint32_t from; /**< its block */
    uint32_t next; /**< block reached by running on, or PVM_BLOCK_NONE */
    uint32_t
        jump; /**< block reached by the jump, or PVM_BLOCK_NONE: none, indirect, or a bad target */
} pvm_terminator_t;

/** An edge of the tree: it is what its vertex still lacks when the edges before it in the list are known. */
typedef struct {
    uint32_t edge;
    uint32_t vertex;
} pvm_flow_step_t;

typedef struct pvm_flow_t {
    uint32_t block_count;          /**< vertices are the blocks; `block_count` is the hub */
    pvm_terminator_t *terminators; /**< sorted by pc */
    uint32_t terminator_count;
    void *tables;           /**< owned: what the following ones point into */
    uint32_t *sources;      /**< of each edge: the vertex it leaves, */
    uint32_t *targets;      /**< the one it enters */
    uint8_t *is_counted;    /**< and whether it is outside of the tree */
    pvm_flow_step_t *steps; /**< leaves first */
    uint32_t step_count;
} pvm_flow_t;

/** The flow graph of this program, made on first use and owned by it. NULL without memory.
 *  Thread: any. */
const pvm_flow_t *pvm_flow_of(const pvm_program_t *program);
void pvm_flow_destroy(pvm_flow_t *flow);

/** The vertex that the guest is in when it is at pc. Behind the code there is none of its own: running off the end and
 *  jumping there look alike. */
uint32_t pvm_flow_vertex_at(const pvm_program_t *program, uint32_t pc);
/** Index of the terminator at pc. It must be one. */
uint32_t pvm_flow_terminator(const pvm_flow_t *flow, uint32_t pc);

/** Complete the counts of the edges: `edges` holds what was counted, `balance` what entered each vertex from outside of
 *  these edges, less what left it; it is used up. */
void pvm_flow_solve(const pvm_flow_t *flow, uint64_t *edges, uint64_t *balance);

#endif
