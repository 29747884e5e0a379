/* From code octets to cells: decode once, resolve targets, fuse pairs. What the loop cannot do becomes a cell
 * that leaves to the step; under 0.7.2 such cells stand outside of segments, because the step pays for them. */
#include "interpreter/code.h"

#include "gas/words.h"
#include "isa/positions.h"
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
    uint8_t *
        kinds; /**< of each cell its pvm_op_t, or PVM_HANDLER_leave for what is never fused or linked */
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

static void write_header(translation_t *t, uint32_t pc)
{
    pvm_interpreter_code_t *const code = t->code;
    const uint32_t index = code->cell_count++;

    code->cells[index] = (pvm_cell_t){
        .handler = (int32_t)t->terminator - 1, .pc = pc, .y = (int32_t)block_from_here(t, pc)};
    code->pc_of_cell[index] = pc;
    code->headers[code->header_count++] = index;
    t->segment = index;
}

static void write_cell(translation_t *t, const pvm_instruction_t *in, pvm_handler_t handler)
{
    pvm_interpreter_code_t *const code = t->code;
    const uint32_t index = code->cell_count++;
    pvm_cell_t *const cell = &code->cells[index];

    *cell = (pvm_cell_t){.handler = t->handlers[handler],
                         .a = (uint8_t)(in->a * sizeof(uint64_t)),
                         .b = (uint8_t)(in->b * sizeof(uint64_t)),
                         .d = (uint8_t)(in->d * sizeof(uint64_t))};
    if (pvm_isa_ops[in->op].form == PVM_FORM_REG_EXT) {
        cell->imm = in->x;
    } else {
        cell->x = (int32_t)in->x;
        cell->y = (int32_t)in->y;
    }
    code->pc_of_cell[index] = in->pc;
    t->kinds[index] = (uint8_t)(handler < PVM_HANDLER_leave ? handler : PVM_HANDLER_leave);
}

/* One instruction at a position where the mask has a bit, and the header behind it if a segment ends there. Block
 * starts need none of their own: they stand behind terminators. */
static void write_instruction(translation_t *t, const pvm_instruction_t *in)
{
    const bool flat = !t->program->has_block_gas;
    const bool leaves = must_leave(t->program, in);

    t->code->cell_of_pc[in->pc] = t->code->cell_count;
    if (leaves) {
        write_cell(t, in, PVM_HANDLER_leave);
    } else if (flat && in->op == PVM_OP_ecalli) {
        write_cell(t, in, PVM_HANDLER_ecalli_segment);
    } else {
        write_cell(t, in, (pvm_handler_t)in->op);
    }
    pvm_cell_t *const header = &t->code->cells[t->segment];
    if (!t->program->has_block_gas && !leaves) {
        header->x++;
    }
    const bool terminates = !in->implicit && pvm_isa_is_terminator((pvm_op_t)in->op);
    t->terminator += terminates;
    if (terminates || in->implicit) {
        t->code->stops[t->code->stop_count++] = t->code->cell_count - 1;
    }
    if (terminates || (flat && (leaves || in->op == PVM_OP_ecalli))) {
        write_header(t, in->next);
    }
}

static void write_code(translation_t *t)
{
    const pvm_program_t *const program = t->program;
    pvm_positions_t positions = pvm_positions_from(&program->code, 0);
    pvm_instruction_t in = {.next = 0};
    uint32_t pc;

    write_header(t, 0);
    while ((pc = pvm_positions_next(&positions)) < program->code.len) {
        if (in.next < pc) {
            /* skip() gave up before it reached this instruction: what stands between acts as a trap. */
            const pvm_instruction_t trap = {.pc = in.next, .op = PVM_OP_trap, .implicit = true};
            t->code->stops[t->code->stop_count++] = t->code->cell_count;
            write_cell(t, &trap, PVM_HANDLER_leave);
            write_header(t, pc);
        }
        pvm_isa_decode(&program->code, pc, &in);
        write_instruction(t, &in);
    }
    const pvm_instruction_t end = {.pc = in.next, .op = PVM_OP_trap, .implicit = true};
    write_cell(t, &end, PVM_HANDLER_leave);
}

/* -- Second pass --- */

static bool is_jump_kind(uint8_t kind)
{
    return kind < PVM_OP_COUNT && (pvm_isa_ops[kind].effect == PVM_EFFECT_BRANCH ||
                                   pvm_isa_ops[kind].effect == PVM_EFFECT_JUMP);
}

static void price_and_link(translation_t *t)
{
    pvm_interpreter_code_t *const code = t->code;
    const pvm_program_t *const program = t->program;

    for (uint32_t i = 0; i < code->header_count; i++) {
        pvm_cell_t *const header = &code->cells[code->headers[i]];
        if (program->has_block_gas) {
            header->x = (int32_t)pvm_counts_block_cost(program, (uint32_t)header->y);
        } else if (header->x == 0) {
            header->x = PVM_SEGMENT_STEPPED;
        }
    }
    for (uint32_t i = 0; i < code->cell_count; i++) {
        pvm_cell_t *const cell = &code->cells[i];
        if (is_jump_kind(t->kinds[i])) {
            cell->y = (int32_t)(code->cell_of_pc[(uint32_t)cell->y] - i);
        }
    }
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        const uint32_t pc = program->jump_table[i];
        code->jump_cells[i] = is_reachable(program, pc) ? code->cell_of_pc[pc] : 0;
    }
}

/* The handler of two instructions, 0 for none. */
static const uint16_t handler_of_pair[PVM_OP_COUNT][PVM_OP_COUNT] = {
#define PVM_FUSED(first, second, kind)                                                             \
    [PVM_OP_##first][PVM_OP_##second] = PVM_HANDLER_##first##__##second,
#include "interpreter/fused.def"
};

static void fuse(translation_t *t)
{
    for (uint32_t i = 1; i + 1 < t->code->cell_count; i++) {
        if (t->kinds[i] >= PVM_OP_COUNT || t->kinds[i + 1] >= PVM_OP_COUNT) {
            continue;
        }
        const uint16_t handler = handler_of_pair[t->kinds[i]][t->kinds[i + 1]];
        if (handler != 0) {
            t->code->cells[i].handler = t->handlers[handler];
            i++;
        }
    }
}

/* A header stands behind what ends a segment. Where skip() may give up, a trap and a header follow. */
static size_t count_cells(const pvm_program_t *program)
{
    const pvm_code_t *const code = &program->code;
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    pvm_positions_t positions = pvm_positions_from(code, 0);
    uint32_t pc = pvm_positions_next(&positions);
    size_t cells = 4;

    while (pc < code->len) {
        const pvm_gas_number_t *const number = &numbers[code->octets[pc]];
        const uint32_t next = pvm_positions_next(&positions);
        const bool ends = number->class != PVM_GAS_IS_DEFINED || number->op == PVM_OP_ecalli ||
                          number->op == PVM_OP_sbrk;
        cells += ends ? 2 : 1;
        cells += next - pc > PVM_SKIP_MAX ? 2 : 0;
        pc = next;
    }
    return cells;
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
    const size_t cells = count_cells(program);

    code->tables = pvm_large_take(place_tables(code, program, cells));
    t->kinds = pvm_large_take(cells);
    if (code->tables == NULL || t->kinds == NULL) {
        return pvm_error_set("no memory to predecode %u octets of code", program->code.len);
    }
    (void)place_tables(code, program, cells);
    code->jump_count = program->jump_table_len;
    memset(code->cell_of_pc, 0, ((size_t)program->code.len + 1) * sizeof(*code->cell_of_pc));
    memset(t->kinds, PVM_HANDLER_leave, cells);
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
        pvm_large_give(t.kinds);
        return NULL;
    }
    code->variant = variant;
    write_code(&t);
    price_and_link(&t);
    fuse(&t);
    pvm_large_give(t.kinds);
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
