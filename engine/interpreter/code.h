/* Predecoded code for the interpreter's fast loop.
 *
 * A cell is 16 octets: one instruction, or the header of a segment. A segment is what is paid for at once: under
 * 0.8.0 a block, under 0.7.2 a part of it that ends behind an ecalli or before something rare. Its header
 * stands directly before its first cell, so that whoever arrives at a segment finds the cost at cell[-1]. */
#ifndef PVM_INTERPRETER_CODE_H
#define PVM_INTERPRETER_CODE_H

#include "interpreter/interpreter.h"

#include <assert.h>

/** What the loop does at a cell. The first ones are numbered as pvm_op_t. */
typedef enum {
#define PVM_INSTRUCTION(name, ...) PVM_HANDLER_##name,
#include "isa/instructions.def"
    PVM_HANDLER_leave,          /**< something rare: leave to the step */
    PVM_HANDLER_ecalli_segment, /**< ecalli of 0.7.2: a new segment follows */
#define PVM_FUSED(first, second, kind) PVM_HANDLER_##first##__##second,
#include "interpreter/fused.def"
    PVM_HANDLER_COUNT
} pvm_handler_t;

static_assert((int)PVM_HANDLER_leave == (int)PVM_OP_COUNT, "handlers start with the instructions");

typedef struct {
    int32_t
        handler; /**< header: index of the terminator that stands before it; else offset of the handler */
    union {
        struct {
            uint8_t a; /**< offsets of the registers in the register file */
            uint8_t b;
            uint8_t d;
            uint8_t unused;
        };
        uint32_t pc; /**< header: of the segment's first instruction */
    };
    union {
        int64_t imm; /**< load_imm_64 */
        struct {
            int32_t x; /**< first immediate; header: cost, as uint32_t */
            int32_t
                y; /**< second immediate; distance to the target's first cell; header: block index */
        };
    };
} pvm_cell_t;

static_assert(sizeof(pvm_cell_t) == 16, "the loop walks cells of 16 octets");

/** Copies of the loop, and of the cells that it walks. */
typedef enum {
    PVM_INTERPRETER_PLAIN,
    PVM_INTERPRETER_COUNTING, /**< counts edges */
    PVM_INTERPRETER_TRACING,  /**< counts edges, and notes every block */
    PVM_INTERPRETER_CALLS /**< counts edges, follows calls, and notes every block if that is wanted */
} pvm_interpreter_variant_t;

static_assert(PVM_INTERPRETER_CALLS + 1 == PVM_INTERPRETER_VARIANTS,
              "a program keeps all variants");

/** Cost, as x of a header, of a 0.7.2 segment that begins with something rare: no budget covers it, so that whoever
 *  arrives there is led to the step, which pays and counts the arrival. */
#define PVM_SEGMENT_STEPPED (-1)

struct pvm_interpreter_code_t {
    pvm_interpreter_variant_t variant;
    void *tables;      /**< owned: what the following ones point into */
    pvm_cell_t *cells; /**< cell 0 is a header nobody reaches, so that 0 can mean "none" */
    uint32_t cell_count;
    uint32_t *cell_of_pc; /**< code.len + 1 entries; 0 where the step has to decide */
    uint32_t *pc_of_cell;
    uint32_t
        *jump_cells; /**< first cell behind each jump table entry; 0 where the step has to decide */
    uint32_t jump_count;
    uint32_t *headers; /**< cells that are headers, ascending */
    uint32_t header_count;
    uint32_t *
        stops; /**< cells that end a run of instructions: terminators and what acts as a trap, ascending */
    uint32_t stop_count;
};

/** How the fast loop ended. */
typedef enum {
    PVM_LOOP_LEAVE, /**< something rare is to be done at *out_cell; under 0.7.2 the rest of its segment is paid */
    PVM_LOOP_UNPAID, /**< arrived at *out_cell (vm->arrival), whose segment the budget does not cover */
    PVM_LOOP_MOVED, /**< behind a host call that wants to go on elsewhere, or whose next segment is not paid */
    PVM_LOOP_EXIT /**< a host call ended the run */
} pvm_loop_end_t;

/** What the loop and its caller tell each other. */
typedef struct {
    pvm_vm_t *vm;
    const pvm_interpreter_code_t *code;
    const pvm_cell_t *cell; /**< where to begin, and where it ended */
    int64_t budget;         /**< gas to spend; vm->gas is kept back meanwhile */
    pvm_exit_t exit;        /**< for PVM_LOOP_EXIT */
} pvm_loop_t;

/** Run from loop->cell, whose segment is paid. Copies of one template. */
pvm_loop_end_t pvm_interpreter_loop_plain(pvm_loop_t *loop);
pvm_loop_end_t pvm_interpreter_loop_counting(pvm_loop_t *loop);
pvm_loop_end_t pvm_interpreter_loop_tracing(pvm_loop_t *loop);
pvm_loop_end_t pvm_interpreter_loop_calls(pvm_loop_t *loop);
/** Offsets of the loops' handlers, PVM_HANDLER_COUNT each, for the cells. */
const int32_t *pvm_interpreter_handlers_plain(void);
const int32_t *pvm_interpreter_handlers_counting(void);
const int32_t *pvm_interpreter_handlers_tracing(void);
const int32_t *pvm_interpreter_handlers_calls(void);

/** Perform the ecalli at loop->cell. @return LEAVE to go on behind it with loop->budget (0.7.2: the next segment
 *  is paid), else how the loop ends. */
pvm_loop_end_t pvm_interpreter_host_call(pvm_loop_t *loop);

/** Predecode a valid program. @return NULL without memory. */
pvm_interpreter_code_t *pvm_interpreter_translate(const pvm_program_t *program,
                                                  pvm_interpreter_variant_t variant);
/** Octets of the cells; 0 for NULL. */
uint64_t pvm_interpreter_code_bytes(const pvm_interpreter_code_t *code);

/** Cells from this one to the end of its segment: what is paid at once from here under 0.7.2. */
uint32_t pvm_interpreter_segment_rest(const pvm_interpreter_code_t *code, uint32_t cell);
/** Instructions from this cell to the end of its block, as the block table counts them: the terminator or an
 *  undefined opcode counts, the end of the code does not. */
uint32_t pvm_interpreter_block_rest(const pvm_interpreter_code_t *code, uint32_t cell);

#endif
