/* Between the files of lockstep: a round under way. */
#ifndef PVM_VIEWER_LOCKSTEP_STATE_H
#define PVM_VIEWER_LOCKSTEP_STATE_H

#include "viewer/lockstep.h"

#include "isa/isa.h"

/** A place that the reference stored to. */
typedef struct {
    uint32_t address;
    uint32_t bytes;
    uint32_t pc;
} pvm_lockstep_store_t;

/** The reference at a host call, before its host acted. */
typedef struct {
    int64_t paid; /**< for what was executed since the call before, or since the round began */
    uint64_t registers[PVM_REGISTER_COUNT];
    int64_t gas;
    uint32_t pc;
    int func_id;
} pvm_lockstep_call_t;

/** One side's own host, behind ours. */
typedef struct {
    pvm_vm_t *vm;
    pvm_host_callback_t callback;
    void *user_data;
} pvm_lockstep_host_t;

typedef struct {
    const pvm_lockstep_pair_t *pair;
    pvm_lockstep_t *out;
    pvm_lockstep_host_t reference_host;
    pvm_lockstep_host_t checked_host;

    /* What the reference did in this round. */
    uint32_t start_pc;
    uint64_t instructions;
    bool has_ended; /**< it stopped for good, with `result` */
    pvm_result_t result;
    pvm_lockstep_call_t *calls; /**< with room for one more than there are */
    uint32_t call_count;
    uint32_t call_room;
    bool has_called; /**< in the step under way */
    pvm_lockstep_store_t stores[PVM_LOCKSTEP_STORES_MAX];
    uint32_t store_count;
    bool compare_all;                         /**< more stores than fit */
    uint32_t last_writer[PVM_REGISTER_COUNT]; /**< pc of the last write to a register */
    uint32_t written;                         /**< registers with a last writer, one bit each */

    /* The checked side. */
    bool has_begun;
    pvm_result_t checked_result;
    int64_t reserve;   /**< gas that it has but must not see */
    uint32_t answered; /**< host calls in this round */

    uint64_t instructions_since_compare;
} pvm_lockstep_round_t;

/** List what differs after a round. @param at_border  the checked side must have stopped between two blocks */
void pvm_lockstep_compare(pvm_lockstep_round_t *round, bool at_border);
/** List what differs at a host call of the checked side. */
void pvm_lockstep_compare_call(pvm_lockstep_round_t *round, pvm_vm_t *vm, int func_id, int64_t gas);
/** Note one difference. */
void pvm_lockstep_note(pvm_lockstep_round_t *round, const char *what, uint64_t expected,
                       uint64_t got);

#endif
