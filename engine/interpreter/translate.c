/* From code octets to cells: decode once, resolve targets, fuse pairs. What the loop cannot do becomes a cell
 * that leaves to the step; under 0.7.2 such cells stand outside of segments, because the step pays for them. */
#include "interpreter/code.h"

#include "gas/words.h"
#include "isa/operands.h"
#include "isa/positions.h"
#include "program/prices.h"
#include "support/error.h"
#include "support/large.h"
#include "vm/counts.h"

#include <stdlib.h>

typedef struct {
    const pvm_program_t *program;
    pvm_interpreter_code_t *code;
    const int32_t *handlers;
    uint32_t segment;    /**< header of the segment that is being written */
    uint32_t terminator; /**< terminators written so far */
    uint32_t block;      /**< of the latest header */
    uint32_t
        before; /**< pvm_op_t of the cell before, or PVM_HANDLER_leave for what is never fused */
    uint32_t *jumps; /**< cells of jumps and branches: their targets are linked at the end */
    uint32_t jump_count;
} translation_t;

static_assert(PVM_HANDLER_COUNT <= UINT16_MAX, "a handler's number fits the table of pairs");

void pvm_interpreter_code_destroy(pvm_interpreter_code_t *code)
{
    if (code == NULL) {
        return;
    }
    pvm_large_give(code->tables);
    free(code);
}

/* -- What the loop may do itself --- */

static bool is_start(const pvm_program_t *program, int64_t pc)
{
    return pc >= 0 && pvm_program_is_block_start(program, (uint64_t)pc);
}

/* Whether a jump to pc can be done in the loop: block starts behind the code (latest64) have no cell. */
static bool is_reachable(const pvm_program_t *program, int64_t pc)
{
    return is_start(program, pc) && pc < program->code.len;
}

/* Under 0.7.2 a branch may run on into what is no block; the step does it, because arriving there is no hit. */
static bool must_leave(const pvm_program_t *program, const pvm_instruction_t *in)
{
    const pvm_effect_t effect = (pvm_effect_t)pvm_isa_ops[in->op].effect;
    const bool next_ok = is_reachable(program, in->next);

    switch (effect) {
    case PVM_EFFECT_TRAP:
        return in->implicit;
    case PVM_EFFECT_SBRK:
        return true;
    case PVM_EFFECT_JUMP:
        return !is_reachable(program, in->y);
    case PVM_EFFECT_BRANCH:
        return !is_reachable(program, in->y) || !next_ok;
    case PVM_EFFECT_FALLTHROUGH:
        return !next_ok;
    default:
        return false;
    }
}

/* -- Writing cells --- */

/* The handler of two instructions, 0 for none. */
static const uint16_t handler_of_pair[PVM_HANDLER_leave + 1][PVM_HANDLER_leave + 1] = {
#define PVM_FUSED(first, second, kind)                                                             \
    [PVM_OP_##first][PVM_OP_##second] = PVM_HANDLER_##first##__##second,
#include "interpreter/fused.def"
};

/* As pvm_program_block_at(), for one position after the other. */
static uint32_t block_from_here(translation_t *t, uint32_t pc)
{
    const pvm_program_t *const program = t->program;

    if (pc >= program->code.len) {
        return pvm_program_block_at(program, pc);
    }
    while (t->block + 1 < program->block_count && program->blocks[t->block + 1].pc <= pc) {
        t->block++;
    }
    return t->block;
}

/* Under 0.7.2 a segment costs as much as it has instructions, but for one that leaves, which ends it. */
static void end_segment(translation_t *t, bool leaves)
{
    const uint32_t cost = t->code->cell_count - t->segment - 1 - leaves;

    if (!t->program->has_block_gas) {
        t->code->cells[t->segment].x = cost == 0 ? PVM_SEGMENT_STEPPED : (int32_t)cost;
    }
}

static void write_header(translation_t *t, uint32_t pc)
{
    pvm_interpreter_code_t *const code = t->code;
    const uint32_t index = code->cell_count++;
    const uint32_t block = block_from_here(t, pc);

    code->cells[index] = (pvm_cell_t){
        .handler = (int32_t)t->terminator - 1,
        .pc = pc,
        .x = t->program->has_block_gas ? (int32_t)pvm_counts_block_cost(t->program, block) : 0,
        .y = (int32_t)block,
    };
    code->pc_of_cell[index] = pc;
    code->headers[code->header_count++] = index;
    t->segment = index;
    t->before = PVM_HANDLER_leave;
}

static inline void write_cell(translation_t *t, const pvm_instruction_t *in, uint32_t handler,
                              bool is_wide)
{
    pvm_interpreter_code_t *const code = t->code;
    const uint32_t index = code->cell_count++;
    pvm_cell_t *const cell = &code->cells[index];
    const uint32_t kind = handler < PVM_HANDLER_leave ? handler : PVM_HANDLER_leave;
    const uint16_t pair = handler_of_pair[t->before][kind];

    cell->handler = t->handlers[handler];
    cell->a = (uint8_t)(in->a * sizeof(uint64_t));
    cell->b = (uint8_t)(in->b * sizeof(uint64_t));
    cell->d = (uint8_t)(in->d * sizeof(uint64_t));
    if (is_wide) {
        cell->imm = in->x;
    } else {
        cell->x = (int32_t)in->x;
        cell->y = (int32_t)in->y;
    }
    code->pc_of_cell[index] = in->pc;
    t->before = kind;
    if (pair != 0) {
        cell[-1].handler = t->handlers[pair];
        t->before = PVM_HANDLER_leave;
    }
}
/* What acts as a trap at pc, although no instruction stands there. */
static void write_implicit_trap(translation_t *t, uint32_t pc)
{
    const pvm_instruction_t trap = {.pc = pc, .op = PVM_OP_trap, .implicit = true};

    write_cell(t, &trap, PVM_HANDLER_leave, false);
}

/* An instruction that may end a segment, or that the step does. Block starts need no header of their own: they stand behind
 * terminators. */
static void write_special(translation_t *t, const pvm_instruction_t *in)
{
    const bool flat = !t->program->has_block_gas;
    const bool leaves = must_leave(t->program, in);
    const bool terminates = !in->implicit && pvm_isa_is_terminator((pvm_op_t)in->op);
    const uint32_t index = t->code->cell_count;

    if (leaves) {
        write_cell(t, in, PVM_HANDLER_leave, false);
    } else if (flat && in->op == PVM_OP_ecalli) {
        write_cell(t, in, PVM_HANDLER_ecalli_segment, false);
    } else {
        write_cell(t, in, in->op, false);
        if (pvm_isa_has_target((pvm_op_t)in->op)) {
            t->jumps[t->jump_count++] = index;
        }
    }
    t->terminator += terminates;
    if (terminates || in->implicit) {
        t->code->stops[t->code->stop_count++] = index;
    }
    if (terminates || (flat && (leaves || in->op == PVM_OP_ecalli))) {
        end_segment(t, leaves);
        write_header(t, in->next);
    }
}

/* What is plain runs on to the next cell, and nothing about it depends on where it stands. */
#define IS_PLAIN_TRAP        false
#define IS_PLAIN_FALLTHROUGH false
#define IS_PLAIN_HINT        true
#define IS_PLAIN_HOST_CALL   false
#define IS_PLAIN_SET1        true
#define IS_PLAIN_SET2        true
#define IS_PLAIN_CMOV        true
#define IS_PLAIN_LOAD        true
#define IS_PLAIN_STORE       true
#define IS_PLAIN_JUMP        false
#define IS_PLAIN_JUMP_IND    false
#define IS_PLAIN_BRANCH      false
#define IS_PLAIN_SBRK        false

static const struct {
    uint8_t form; /* pvm_form_t */
    bool is_plain;
} kinds[PVM_OP_COUNT] = {
#define PVM_INSTRUCTION(name, form_, n072, n080, n64, n32, effect, ...)                            \
    [PVM_OP_##name] = {.form = PVM_FORM_##form_, .is_plain = IS_PLAIN_##effect},
#include "isa/instructions.def"
};

static void write_code(translation_t *t)
{
    const pvm_code_t *const code = &t->program->code;
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    pvm_positions_t positions = pvm_positions_from(code, 0);
    uint32_t pc = pvm_positions_next(&positions);
    uint32_t expected = 0; /* where the last instruction's skip leads to */

    write_header(t, 0);
    while (pc < code->len) {
        if (expected < pc) {
            /* skip() gave up before it reached this instruction: what stands between acts as a trap. */
            end_segment(t, false);
            t->code->stops[t->code->stop_count++] = t->code->cell_count;
            write_implicit_trap(t, expected);
            write_header(t, pc);
        }
        const pvm_gas_number_t number = numbers[code->octets[pc]];
        const uint32_t next = pvm_positions_next(&positions);
        const uint32_t skip = next - pc <= PVM_SKIP_MAX ? next - pc - 1 : PVM_SKIP_MAX;
        pvm_instruction_t in = {
            .pc = pc, .next = pc + 1 + skip, .op = number.op, .implicit = number.class == 0};
        t->code->cell_of_pc[pc] = t->code->cell_count;
        /* Each form apart: then only its own rule is left of decoding. */
        switch ((pvm_form_t)kinds[number.op].form) {
#define PVM_OPERAND_FORM(name, text)                                                               \
    case PVM_FORM_##name:                                                                          \
        pvm_operands_decode(PVM_FORM_##name, code->octets + pc + 1, skip, &in);                    \
        if (kinds[number.op].is_plain) {                                                           \
            write_cell(t, &in, number.op, PVM_FORM_##name == PVM_FORM_REG_EXT);                    \
        } else {                                                                                   \
            write_special(t, &in);                                                                 \
        }                                                                                          \
        break;
#include "isa/operands.def"
        case PVM_FORM_COUNT:
            break;
        }
        expected = in.next;
        pc = next;
    }
    end_segment(t, false);
    write_implicit_trap(t, expected);
}

/* Where jumps lead. */
static void link_jumps(translation_t *t)
{
    pvm_interpreter_code_t *const code = t->code;
    const pvm_program_t *const program = t->program;

    for (uint32_t i = 0; i < t->jump_count; i++) {
        const uint32_t at = t->jumps[i];
        pvm_cell_t *const cell = &code->cells[at];
        cell->y = (int32_t)(code->cell_of_pc[(uint32_t)cell->y] - at);
    }
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        const uint32_t pc = program->jump_table[i];
        code->jump_cells[i] = is_reachable(program, pc) ? code->cell_of_pc[pc] : 0;
    }
}

/* A header stands behind what ends a segment. Where skip() may give up, a trap and a header follow. */
static size_t count_cells(const pvm_code_t *code)
{
    return 2 * ((size_t)pvm_positions_count(code) + code->len / PVM_SKIP_MAX) + 4;
}

/* @return octets of the tables that the code keeps */
static size_t place_tables(pvm_interpreter_code_t *code, const pvm_program_t *program, size_t cells)
{
    const size_t pcs = (size_t)program->code.len + 1;
    size_t used = 0;

    code->cells = pvm_large_place(code->tables, &used, cells * sizeof(*code->cells));
    code->pc_of_cell = pvm_large_place(code->tables, &used, cells * sizeof(*code->pc_of_cell));
    code->headers = pvm_large_place(code->tables, &used, cells * sizeof(*code->headers));
    code->stops = pvm_large_place(code->tables, &used, cells * sizeof(*code->stops));
    code->cell_of_pc = pvm_large_place(code->tables, &used, pcs * sizeof(*code->cell_of_pc));
    code->jump_cells =
        pvm_large_place(code->tables, &used, program->jump_table_len * sizeof(*code->jump_cells));
    return used;
}

static int allocate(translation_t *t)
{
    const pvm_program_t *const program = t->program;
    pvm_interpreter_code_t *const code = t->code;
    const size_t cells = count_cells(&program->code);

    code->tables = pvm_large_take(place_tables(code, program, cells));
    t->jumps = pvm_large_take(cells * sizeof(*t->jumps));
    if (code->tables == NULL || t->jumps == NULL) {
        return pvm_error_set("no memory to predecode %u octets of code", program->code.len);
    }
    (void)place_tables(code, program, cells);
    code->jump_count = program->jump_table_len;
    memset(code->cell_of_pc, 0, ((size_t)program->code.len + 1) * sizeof(*code->cell_of_pc));
    return 0;
}

uint64_t pvm_interpreter_code_bytes(const pvm_interpreter_code_t *code)
{
    return code == NULL ? 0 : code->cell_count * sizeof(*code->cells);
}

static const int32_t *handlers_of(pvm_interpreter_variant_t variant)
{
    switch (variant) {
    case PVM_INTERPRETER_COUNTING:
        return pvm_interpreter_handlers_counting();
    case PVM_INTERPRETER_TRACING:
        return pvm_interpreter_handlers_tracing();
    case PVM_INTERPRETER_CALLS:
        return pvm_interpreter_handlers_calls();
    case PVM_INTERPRETER_PLAIN:
        break;
    }
    return pvm_interpreter_handlers_plain();
}

pvm_interpreter_code_t *pvm_interpreter_translate(const pvm_program_t *program,
                                                  pvm_interpreter_variant_t variant)
{
    pvm_interpreter_code_t *const code = calloc(1, sizeof(*code));
    translation_t t = {.program = program, .code = code, .handlers = handlers_of(variant)};

    if (code == NULL || allocate(&t) != 0) {
        pvm_error_set("no memory to predecode %u octets of code", program->code.len);
        pvm_interpreter_code_destroy(code);
        pvm_large_give(t.jumps);
        return NULL;
    }
    code->variant = variant;
    pvm_program_price_all(program);
    write_code(&t);
    link_jumps(&t);
    pvm_large_give(t.jumps);
    return code;
}

/* -- Questions about cells --- */

/* How many of the ascending `list` are at most `cell`. */
static uint32_t count_up_to(const uint32_t *list, uint32_t count, uint32_t cell)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (list[middle] <= cell) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t pvm_interpreter_segment_rest(const pvm_interpreter_code_t *code, uint32_t cell)
{
    const uint32_t header = code->headers[count_up_to(code->headers, code->header_count, cell) - 1];
    const int32_t cost = code->cells[header].x;
    const uint32_t paid_end = header + 1 + (uint32_t)cost;

    return cost != PVM_SEGMENT_STEPPED && cell < paid_end ? paid_end - cell : 0;
}

/* Number of instruction cells before this one. */
static uint32_t ordinal(const pvm_interpreter_code_t *code, uint32_t cell)
{
    return cell - count_up_to(code->headers, code->header_count, cell);
}

uint32_t pvm_interpreter_block_rest(const pvm_interpreter_code_t *code, uint32_t cell)
{
    const uint32_t before = count_up_to(code->stops, code->stop_count, cell - 1);

    /* The last cell is the end of the code; what has no stop before it runs into it. */
    if (before == code->stop_count) {
        return ordinal(code, code->cell_count - 1) - ordinal(code, cell);
    }
    return ordinal(code, code->stops[before]) - ordinal(code, cell) + 1;
}
