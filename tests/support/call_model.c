/* The calling-context tree, told again. See call_model.h. */
#include "call_model.h"

#include "program/routines.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* A call that is open: its node, and where it returns to. */
typedef struct {
    uint32_t node;
    uint32_t back;
} frame_t;

struct call_model_t {
    const pvm_program_t *program;
    uint8_t *starts;
    uint8_t *backs; /* packed: pcs to which some call returns */
    pvm_call_node_t *nodes;
    uint32_t *node_backs;
    uint32_t
        *links; /* of each node: the newest child, and the next older one of its parent; 0: none */
    size_t node_count;
    size_t node_room;
    frame_t *stack; /* outermost first; empty: the host */
    size_t depth;
    size_t depth_room;
    pvm_jump_pair_t *pairs;
    size_t pair_count;
    size_t pair_room;
    bool host_is_open;
    uint32_t host_node;
    int64_t host_gas;
};

call_model_t *call_model_create(void)
{
    return calloc(1, sizeof(call_model_t));
}

void call_model_destroy(call_model_t *model)
{
    if (model != NULL) {
        free(model->starts);
        free(model->backs);
        free(model->nodes);
        free(model->node_backs);
        free(model->links);
        free(model->stack);
        free(model->pairs);
        free(model);
    }
}

static void *grown(void *list, size_t count, size_t *room, size_t bytes)
{
    if (count < *room) {
        return list;
    }
    *room = *room == 0 ? 64 : 2 * *room;
    void *const more = realloc(list, *room * bytes);
    if (more == NULL) {
        abort();
    }
    return more;
}

/* -- What code is -------------------------------------------------------------------------- */

static bool is_jump(const pvm_instruction_t *in)
{
    const uint8_t effect = pvm_isa_ops[in->op].effect;

    return effect == PVM_EFFECT_JUMP || effect == PVM_EFFECT_JUMP_IND;
}

static bool is_register_jump(const pvm_instruction_t *in)
{
    return pvm_isa_ops[in->op].effect == PVM_EFFECT_JUMP_IND;
}

static bool is_start(const call_model_t *model, uint32_t pc)
{
    return pc < model->program->code.len && pvm_routine_is_marked(model->starts, pc);
}

static uint32_t routine_of(const call_model_t *model, uint32_t pc)
{
    while (pc > 0 && !is_start(model, pc)) {
        pc--;
    }
    return pc;
}

static bool is_call(const call_model_t *model, const pvm_instruction_t *in, uint32_t *out_back)
{
    const pvm_program_t *const program = model->program;
    pvm_routine_call_t call;

    if (!is_jump(in) || in->implicit ||
        (!is_register_jump(in) && (in->y < 0 || in->y >= program->code.len ||
                                   !pvm_program_is_block_start(program, (uint64_t)in->y)))) {
        return false;
    }
    if ((in->op == PVM_OP_load_imm_jump || in->op == PVM_OP_load_imm_jump_ind) &&
        pvm_routine_look_up(program, (uint32_t)in->x, out_back) && *out_back == in->next) {
        return true;
    }
    if ((in->op == PVM_OP_jump_ind && in->a == PVM_REGISTER_RETURN) ||
        !pvm_routine_call_at(program, pvm_program_block_at(program, in->pc), &call) ||
        call.pc != in->pc) {
        return false;
    }
    *out_back = call.back;
    return call.is_sure || is_register_jump(in) || is_start(model, call.target);
}

/* A return address and a frame for it in the middle of the block: a routine that is merged into its caller. */
static bool is_merged_call(const call_model_t *model, const pvm_instruction_t *in,
                           uint32_t *out_back)
{
    const pvm_program_t *const program = model->program;
    const pvm_block_t *const block = &program->blocks[pvm_program_block_at(program, in->pc)];
    uint32_t linked_at = NONE;
    uint32_t back = 0;
    bool is_merged = false;
    pvm_instruction_t at;

    if (in->implicit || is_register_jump(in) || in->pc >= block->end_pc) {
        return false;
    }
    for (uint32_t pc = block->pc; pc < block->end_pc; pc = at.next) {
        pvm_isa_decode(&program->code, pc, &at);
        const bool loads = at.op == PVM_OP_load_imm && at.a == PVM_REGISTER_RETURN;
        if (loads) {
            is_merged = false;
            linked_at = pvm_routine_look_up(program, (uint32_t)at.x, &back) ? pc : NONE;
        } else if (linked_at != NONE && pvm_routine_moves_stack(&at) && at.x < 0) {
            is_merged = true;
        } else if (pvm_routine_writes(&at, PVM_REGISTER_RETURN) && !is_merged) {
            linked_at = NONE;
        }
    }
    *out_back = back;
    return is_merged;
}

static bool is_any_call(const call_model_t *model, const pvm_instruction_t *in, uint32_t *out_back)
{
    return is_call(model, in, out_back) ||
           (pvm_isa_is_terminator((pvm_op_t)in->op) && is_merged_call(model, in, out_back));
}

int call_model_begin(call_model_t *model, const pvm_program_t *program)
{
    const size_t octets = (size_t)program->code.len / 8 + 1;

    free(model->starts);
    free(model->backs);
    model->program = program;
    model->starts = program->block_count > 0 ? pvm_routine_find_starts(program) : calloc(octets, 1);
    model->backs = calloc(octets, 1);
    model->node_count = 0;
    model->depth = 0;
    model->pair_count = 0;
    model->host_is_open = false;
    if (model->starts == NULL || model->backs == NULL) {
        return -1;
    }
    for (uint32_t pc = 0; pc < program->code.len && program->block_count > 0; pc++) {
        pvm_instruction_t in;
        uint32_t back;
        if (!pvm_isa_mask_at(&program->code, pc)) {
            continue;
        }
        pvm_isa_decode(&program->code, pc, &in);
        if (is_any_call(model, &in, &back) && back < program->code.len) {
            model->backs[back >> 3] = (uint8_t)(model->backs[back >> 3] | 1U << (back & 7));
        }
    }
    return 0;
}

/* -- Nodes and frames ---------------------------------------------------------------------- */

static uint32_t add_node(call_model_t *model, pvm_call_node_t node, uint32_t back)
{
    size_t room = model->node_room;
    size_t link_room = model->node_room;

    model->links = grown(model->links, model->node_count, &link_room, 2 * sizeof(uint32_t));
    model->node_backs = grown(model->node_backs, model->node_count, &room, sizeof(uint32_t));
    model->nodes =
        grown(model->nodes, model->node_count, &model->node_room, sizeof(pvm_call_node_t));
    model->nodes[model->node_count] = node;
    model->node_backs[model->node_count] = back;
    model->links[2 * model->node_count] = 0;
    model->links[2 * model->node_count + 1] =
        model->node_count == 0 ? 0 : model->links[2 * node.parent];
    model->links[2 * node.parent] = (uint32_t)model->node_count;
    return (uint32_t)model->node_count++;
}

/* Push the child of whatever is on the stack now. */
static void push(call_model_t *model, pvm_call_kind_t kind, uint32_t site, uint32_t routine,
                 uint32_t back)
{
    if (model->node_count == 0) {
        const pvm_call_node_t root = {.site = NONE, .routine = NONE, .kind = PVM_CALL_ROOT};
        (void)add_node(model, root, NONE);
    }
    const uint32_t parent = model->depth == 0 ? 0 : model->stack[model->depth - 1].node;
    uint32_t at = model->links[2 * parent];
    while (at != 0 && (model->nodes[at].site != site || model->nodes[at].routine != routine ||
                       model->node_backs[at] != back || model->nodes[at].kind != (uint8_t)kind)) {
        at = model->links[2 * at + 1];
    }
    if (at == 0) {
        const pvm_call_node_t node = {
            .parent = parent, .site = site, .routine = routine, .kind = (uint8_t)kind};
        at = add_node(model, node, back);
    }
    model->nodes[at].calls++;
    model->stack = grown(model->stack, model->depth, &model->depth_room, sizeof(frame_t));
    model->stack[model->depth++] = (frame_t){.node = at, .back = back};
}

static pvm_call_node_t *current(const call_model_t *model)
{
    return &model->nodes[model->stack[model->depth - 1].node];
}

void call_model_forget(call_model_t *model)
{
    model->depth = 0;
}

void call_model_paid(call_model_t *model, uint32_t pc, uint64_t gas)
{
    if (model->depth == 0) {
        push(model, PVM_CALL_ENTRY, NONE, pc, NONE);
    }
    current(model)->gas += gas;
}

/* -- Jumps --------------------------------------------------------------------------------- */

static void tail_call(call_model_t *model, const pvm_instruction_t *in, uint32_t to)
{
    if (current(model)->routine != to) {
        const uint32_t back = model->stack[--model->depth].back;
        push(model, PVM_CALL_TAIL, in->pc, to, back);
    }
}

static void jump_behind_call(call_model_t *model, const pvm_instruction_t *in, uint32_t to)
{
    const uint32_t routine = routine_of(model, to);
    const uint32_t block = pvm_program_block_at(model->program, in->pc);

    if (routine == routine_of(model, model->program->blocks[block].pc) ||
        routine == current(model)->routine) {
        return;
    }
    for (size_t i = model->depth; i-- > 0;) {
        if (model->nodes[model->stack[i].node].routine == routine) {
            model->depth = i + 1;
            return;
        }
    }
    model->depth = 0;
    push(model, PVM_CALL_UNKNOWN, NONE, routine, NONE);
}

static void jump_through_register(call_model_t *model, const pvm_instruction_t *in, uint32_t to)
{
    const bool is_back = to < model->program->code.len && pvm_routine_is_marked(model->backs, to);

    for (size_t i = model->depth; is_back && i-- > 0;) {
        if (model->stack[i].back == to) {
            model->depth = i;
            return;
        }
    }
    if (is_start(model, to)) {
        tail_call(model, in, to);
    } else if (is_back) {
        jump_behind_call(model, in, to);
    }
}

void call_model_jump(call_model_t *model, const pvm_instruction_t *in, uint32_t to)
{
    const uint32_t block = pvm_program_block_at(model->program, in->pc);
    uint32_t back;

    if (is_any_call(model, in, &back) && to < model->program->code.len &&
        pvm_program_is_block_start(model->program, to)) {
        push(model, PVM_CALL_CALL, in->pc, to, back);
    } else if (is_register_jump(in)) {
        jump_through_register(model, in, to);
    } else if (is_start(model, to) && routine_of(model, model->program->blocks[block].pc) != to) {
        tail_call(model, in, to);
    }
}

void call_model_pair(call_model_t *model, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < model->pair_count; i++) {
        if (model->pairs[i].from == from && model->pairs[i].to == to) {
            model->pairs[i].count++;
            return;
        }
    }
    model->pairs =
        grown(model->pairs, model->pair_count, &model->pair_room, sizeof(pvm_jump_pair_t));
    model->pairs[model->pair_count++] = (pvm_jump_pair_t){.from = from, .to = to, .count = 1};
}

/* -- Host calls ---------------------------------------------------------------------------- */

void call_model_host_begin(call_model_t *model, int64_t gas)
{
    current(model)->host_calls++;
    model->host_is_open = true;
    model->host_node = model->stack[model->depth - 1].node;
    model->host_gas = gas < 0 ? 0 : gas;
}

void call_model_host_end(call_model_t *model, int64_t gas)
{
    const int64_t left = gas < 0 ? 0 : gas;

    if (model->host_is_open && left < model->host_gas) {
        model->nodes[model->host_node].host_gas += (uint64_t)(model->host_gas - left);
    }
    model->host_is_open = false;
}

/* -- Results ------------------------------------------------------------------------------- */

const pvm_call_node_t *call_model_nodes(const call_model_t *model, size_t *out_count)
{
    *out_count = model->node_count;
    return model->nodes;
}

static int compare_pairs(const void *a, const void *b)
{
    const pvm_jump_pair_t *const x = a;
    const pvm_jump_pair_t *const y = b;

    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    return x->to == y->to ? 0 : x->to < y->to ? -1 : 1;
}

void call_model_sort_pairs(pvm_jump_pair_t *pairs, size_t count)
{
    if (count > 0) {
        qsort(pairs, count, sizeof(*pairs), compare_pairs);
    }
}

const pvm_jump_pair_t *call_model_pairs(call_model_t *model, size_t *out_count)
{
    call_model_sort_pairs(model->pairs, model->pair_count);
    *out_count = model->pair_count;
    return model->pairs;
}
