/* A program being written: instructions whose jumps go to labels, and the last steps from there to octets. */
#ifndef PVM_TESTS_DIFFERENTIAL_DRAFT_H
#define PVM_TESTS_DIFFERENTIAL_DRAFT_H

#include "isa/encode.h"
#include "program.h"
#include "source.h"

#define DIFF_ITEMS_MAX  4000
#define DIFF_LABELS_MAX 2000
#define DIFF_NO_LABEL   UINT32_MAX

typedef struct {
    pvm_instruction_t in; /**< y of a jump is set when labels have a place */
    pvm_lengths_t lengths;
    uint32_t label;  /**< where a jump goes */
    uint8_t padding; /**< octets behind the operands that belong to no instruction */
} diff_item_t;

/** Reserved registers; the others are free for arithmetic. A permutation, so that every register gets every role. */
enum {
    DIFF_ROLE_COUNTER, /* of loops, one for each depth */
    DIFF_ROLE_LINK = DIFF_ROLE_COUNTER + 3,
    DIFF_ROLE_POINTER = DIFF_ROLE_LINK + 2,
    DIFF_ROLE_FREE = DIFF_ROLE_POINTER + 3,
    DIFF_ROLE_END = PVM_REGISTER_COUNT
};

typedef struct {
    diff_source_t *source;
    diff_program_t *program;
    pvm_isa_t isa;
    uint8_t roles[PVM_REGISTER_COUNT];
    diff_item_t items[DIFF_ITEMS_MAX];
    uint32_t item_count;
    uint32_t labels[DIFF_LABELS_MAX]; /**< item that each label stands at */
    uint32_t label_count;
    uint32_t jumps[DIFF_JUMPS_MAX]; /**< labels; the jump table */
    uint32_t jump_count;
} diff_draft_t;

/** Append an instruction with lengths that fit, often longer ones than needed. NULL when the draft is full. */
diff_item_t *diff_draft_add(diff_draft_t *draft, const pvm_instruction_t *in);
/** Append a jump or branch to a label. */
void diff_draft_jump(diff_draft_t *draft, const pvm_instruction_t *in, uint32_t label);
/** A label without a place. */
uint32_t diff_draft_label(diff_draft_t *draft);
/** The label stands at the next instruction. */
void diff_draft_place(diff_draft_t *draft, uint32_t label);
/** The djump address of a label: its entry of the jump table is made. */
int64_t diff_draft_address(diff_draft_t *draft, uint32_t label);
/** Lay out and encode into draft->program. */
void diff_draft_finish(diff_draft_t *draft);

/* -- One random instruction (instructions.c) --- */

/** An immediate: small numbers, powers of two and their neighbours, extremes, anything. */
int64_t diff_random_immediate(diff_source_t *source);
/** A value for a register, of the same kinds but 64 bits. */
uint64_t diff_random_value(diff_source_t *source);
/** Append arithmetic, a move or a cmov: any such instruction of the numbering, all equally often. */
void diff_add_arithmetic(diff_draft_t *draft);
/** Append a few instructions that belong together: the address of an array's element and an access, the low half of a
 *  register; or such that only look like it. */
void diff_add_idiom(diff_draft_t *draft);
/** Append a load or store, any, near a pointer or at an absolute address. */
void diff_add_access(diff_draft_t *draft);
/** A random branch of the numbering, with its operands. */
pvm_instruction_t diff_random_branch(diff_draft_t *draft);
/** Any instruction with any operands, no care taken. */
pvm_instruction_t diff_random_instruction(diff_draft_t *draft);
/** A register that arithmetic may write; very rarely one with a role. */
uint8_t diff_random_target(diff_draft_t *draft);
uint8_t diff_random_register(diff_source_t *source);

#endif
