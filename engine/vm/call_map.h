/* Which jumps of a program are calls, tail calls and perhaps returns, as far as code tells.
 *
 * The instruction set has no calls: see program/routines.h. An edge is one of the two ways out of a terminator, numbered as in
 * flow.h: 2 i is running on behind terminator i, 2 i + 1 its jump. docs/counting.md says what is taken for what. */
#ifndef PVM_VM_CALL_MAP_H
#define PVM_VM_CALL_MAP_H

#include "vm/flow.h"

/** What going over an edge does to the stack of calls. */
typedef enum {
    PVM_STEP_STAY,    /**< nothing */
    PVM_STEP_CALL,    /**< a call; of a jump through a register, to wherever it leads */
    PVM_STEP_TAIL,    /**< another routine begins in place of this one */
    PVM_STEP_INDIRECT /**< a jump through a register: where it leads decides */
} pvm_step_kind_t;

/** What a block is for jumps through registers, bits. */
enum {
    PVM_PLACE_START = 1, /**< a routine starts there */
    PVM_PLACE_BACK = 2   /**< some call returns there */
};

/** Not a place, site or terminator. */
#define PVM_CALL_NONE UINT32_MAX

typedef struct pvm_call_map_t {
    const pvm_flow_t *flow;
    void *tables;    /**< owned: what the following ones point into */
    uint8_t *steps;  /**< of each edge: pvm_step_kind_t */
    uint32_t *backs; /**< of each terminator that is a call: where it returns to */
    uint32_t *sites; /**< of each edge with a CALL or TAIL: its number among them */
    uint32_t *hubs;  /**< of each terminator that jumps through a register: its number among them */
    uint8_t *places; /**< of each block, and of "no block": PVM_PLACE_* */
    uint32_t *routines; /**< of each block, and of "no block": where its routine starts */
    uint32_t site_count;
    uint32_t hub_count;
    /** Octets of a table of the pairs of a jump through a register and an entry of the jump table; 0: that is too much, and
     *  pairs are not told. */
    size_t pair_bytes;
} pvm_call_map_t;

/** The map of this program, made on first use and owned by it. NULL without memory, pvm_last_error() set. Thread: any. */
const pvm_call_map_t *pvm_call_map_of(const pvm_program_t *program);
void pvm_call_map_destroy(pvm_call_map_t *map);

#endif
