/* What a machine keeps for the events it tells: see events.h. */
#ifndef PVM_EVENTS_STATE_H
#define PVM_EVENTS_STATE_H

#include "trace/events.h"

#include <pvm/trace.h>
#include <stdbool.h>

/** Block ids of one block_batch, and their octets. */
#define PVM_BLOCK_TRACE_ROOM  2048
#define PVM_BLOCK_TRACE_BYTES (PVM_BLOCK_TRACE_ROOM * 4)

/** A block trace that is being written. Both backends append to ids[] and call pvm_block_trace_full() when count reaches
 *  room. It is aligned to PVM_BLOCK_TRACE_BYTES: the address of the last of ids[], and of no other, is a multiple of that,
 *  which is how emitted code sees that they are full. */
typedef struct pvm_block_trace_t {
    uint32_t count;
    uint32_t ids[PVM_BLOCK_TRACE_ROOM];
    uint32_t room;    /**< 1: every block is told at once, which emitted code does not do */
    uint32_t batched; /**< one by one: ids that wait in batch[] */
    bool is_batching; /**< somebody wants batches */
    uint32_t batch[PVM_BLOCK_TRACE_ROOM];
    uint32_t last[PVM_LAST_BLOCKS]; /**< of those handed over, oldest first */
    uint32_t last_count;
} pvm_block_trace_t;

/** The last readings of counts that were told. */
typedef struct {
    bool is_telling;
    pvm_block_count_t *blocks;
    pvm_block_count_t *fresh;
    pvm_edge_count_t *edges;
    size_t edge_count;
} pvm_told_counts_t;

/** The last readings of calls that were told. */
typedef struct {
    pvm_call_node_t *nodes;
    size_t count;
    pvm_jump_pair_t *pairs; /**< sorted */
    size_t pair_count;
} pvm_told_calls_t;

typedef struct {
    bool run_is_told;  /**< this run's begin had a listener */
    bool host_gave_up; /**< the run ends because the host said out of gas */
    bool owns_counts;  /**< counting only because somebody wants count events */
    bool has_call_registers;
    bool call_is_held; /**< the begin of the host call that is open waits for its end: host_call */
    int64_t run_gas;   /**< at the begin of the run, if that is told */
    uint64_t run_began_ns;      /**< the same */
    uint64_t blocks_told;       /**< in batches */
    pvm_event_host_call_t call; /**< the one that is open: registers and time at its begin */
    pvm_told_counts_t told;
    pvm_told_calls_t told_calls;
} pvm_events_state_t;

#endif
