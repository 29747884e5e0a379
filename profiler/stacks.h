/* Where the gas went, as stacks: a tree of frames with what was spent in each of them itself. Every export that
 * shows stacks is made from this one tree.
 *
 * Below the root of a program stand its functions, in these the inlined functions that debug information tells,
 * then the block, then the host calls that it makes. Where calls were recorded, GAS and HOST_GAS stand in a tree of
 * functions that call each other instead; the other values, which are known by place only, stay where they are. What has no place (a host call of which only the sum is known)
 * hangs under the root, so that each value adds up to the figure of the reports: GAS to gas_used as far as it is
 * counted (blocks_gas + host_gas), HITS to the hits of all blocks, CALLS to the calls of all functions, where they were recorded, TIME to the time in host calls, which is measured, and, where
 * time was sampled, to the time in guest code: each block has its share of the samples, and so has the engine. */
#ifndef PVM_PROFILER_STACKS_H
#define PVM_PROFILER_STACKS_H

#include "profiler/map.h"
#include "profiler/run_file.h"
#include "program/debug_info.h"

#include <stdbool.h>

/** Nodes of one tree; beyond it what is spent stays with the frame above. */
#define PVM_PROF_MAX_STACK_NODES (UINT32_C(1) << 22)
/** Frame 0 and node 0: the root, all of the recording. */
#define PVM_PROF_STACK_ROOT 0

typedef enum {
    PVM_PROF_VALUE_GAS,      /**< blocks and host calls */
    PVM_PROF_VALUE_HOST_GAS, /**< host calls alone */
    PVM_PROF_VALUE_HITS,     /**< of blocks */
    PVM_PROF_VALUE_HOST_CALLS,
    PVM_PROF_VALUE_TIME,  /**< ns in host calls, measured; in guest code, from samples */
    PVM_PROF_VALUE_CALLS, /**< of guest functions, in the context of their callers */
    PVM_PROF_VALUE_COUNT
} pvm_prof_value_kind_t;

typedef enum {
    PVM_PROF_FRAME_ROOT,
    PVM_PROF_FRAME_PROGRAM,  /**< only where the recording has several */
    PVM_PROF_FRAME_FUNCTION, /**< with code of its own */
    PVM_PROF_FRAME_INLINED,
    PVM_PROF_FRAME_BLOCK,
    PVM_PROF_FRAME_HOST
} pvm_prof_frame_kind_t;

typedef struct {
    pvm_prof_frame_kind_t kind;
    char *name; /**< any octets; owned */
    char *file; /**< source, or NULL; owned */
    uint32_t
        line; /**< FUNCTION, INLINED: where it is declared; BLOCK: of its first pc; 0: unknown */
    int64_t program; /**< program.id; 0 for the root */
    int64_t pc;      /**< FUNCTION, BLOCK: first one; else -1 */
    int64_t end_pc;  /**< BLOCK: behind the last instruction */
} pvm_prof_frame_t;

typedef struct {
    uint32_t parent; /**< smaller than the node's own index; the root is its own */
    uint32_t frame;
    int64_t self[PVM_PROF_VALUE_COUNT];
} pvm_prof_stack_node_t;

/** Owned: pvm_prof_stacks_free(). Read its members freely. */
typedef struct {
    pvm_prof_frame_t *frames;
    uint32_t frame_count;
    uint32_t frame_room;
    pvm_prof_stack_node_t *nodes;
    uint32_t node_count;
    uint32_t node_room;
    int64_t total[PVM_PROF_VALUE_COUNT];
    pvm_prof_map_t frame_index; /**< hash of a frame -> the last with that hash */
    pvm_prof_map_t node_index;  /**< parent and frame -> node */
    bool has_samples;           /**< TIME holds guest code, too */
    bool failed;                /**< without memory */
} pvm_prof_stacks_t;

/** What stands above a place. */
typedef enum {
    PVM_PROF_STACKS_PLACES, /**< its function alone */
    PVM_PROF_STACKS_CALLS,  /**< who called whom, where that was recorded */
    PVM_PROF_STACKS_ALIKE /**< the same for gas, and nothing that another recording of the program might not know by context */
} pvm_prof_stacks_kind_t;

/** Read a recording.
 *  Errors: E_FORMAT, E_SYSTEM. Owns: the caller, also after an error. */
pvm_prof_status_t pvm_prof_stacks_read(pvm_prof_run_file_t *file, pvm_prof_stacks_kind_t kind,
                                       pvm_prof_stacks_t *out);
void pvm_prof_stacks_free(pvm_prof_stacks_t *stacks);

/** The id of a value in documents, what it is called, and its unit ("gas", "count", "ns"). */
const char *pvm_prof_value_id(pvm_prof_value_kind_t kind);
const char *pvm_prof_value_title(pvm_prof_value_kind_t kind);
/** What it is called in this tree: time says what it holds. */
const char *pvm_prof_stacks_title(const pvm_prof_stacks_t *stacks, pvm_prof_value_kind_t kind);
const char *pvm_prof_value_unit(pvm_prof_value_kind_t kind);

/** Add up from the leaves: out[node] = self and all below. `out` has node_count values. */
void pvm_prof_stacks_sum(const pvm_prof_stacks_t *stacks, pvm_prof_value_kind_t kind, int64_t *out);

/* -- For those that fill it ---------------------------------------------------------------- */

/** The root alone. @return 0, or -1 without memory */
int pvm_prof_stacks_begin(pvm_prof_stacks_t *stacks);
/** The frame that is like `frame`, whose texts are copied if it is new. Without memory: the root, and `failed`. */
uint32_t pvm_prof_stacks_frame(pvm_prof_stacks_t *stacks, const pvm_prof_frame_t *frame);
/** The frame of a function that is inlined in another. Failure as above; the root also for a function without a name. */
uint32_t pvm_prof_stacks_inlined(pvm_prof_stacks_t *stacks, const pvm_debug_function_t *function,
                                 int64_t program);
/** The child of `parent` for `frame`; `parent` itself over the limit, or without memory. */
uint32_t pvm_prof_stacks_child(pvm_prof_stacks_t *stacks, uint32_t parent, uint32_t frame);
/** Add to a node and to the total. */
void pvm_prof_stacks_add(pvm_prof_stacks_t *stacks, uint32_t node, pvm_prof_value_kind_t kind,
                         int64_t value);

#endif
