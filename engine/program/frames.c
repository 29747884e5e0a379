/* The walk over the flow graph that finds frames. See frames.h. */
#include "program/frames.h"

#include <stdlib.h>
#include <string.h>

/** Adds nothing to a stack pointer that is believed: frames are smaller than this. */
#define MOVED_MAX (1 << 30)
/** Switches inside of what only switches reach. */
#define SWITCH_ROUNDS_MAX 8

typedef struct {
    const pvm_program_t *program;
    pvm_frames_t *frames;   /**< NULL: no calls are noted, nobody is told of other blocks */
    const uint8_t *starts;  /**< of routines */
    const uint8_t *targets; /**< where the jump table leads, packed like starts */
    uint32_t *waiting;      /**< blocks with a frame whose successors have none yet */
    uint32_t waiting_count;
} walk_t;

/** One block on the way: the frame, and the return address that was loaded for a call. */
typedef struct {
    pvm_frame_state_t state;
    bool has_link;
    uint32_t link_pc;      /**< of the load */
    uint32_t link_address; /**< what it loaded */
    uint32_t link_back;    /**< where that leads */
    pvm_frame_state_t
        link_state; /**< before the load: what it will be again when the call has returned */
} path_t;

static pvm_frame_state_t fresh_frame(uint32_t routine)
{
    return (pvm_frame_state_t){.routine = routine,
                               .return_is = PVM_RETURN_REGISTER,
                               .is_known = true,
                               .is_stack_known = true};
}

static void reach(walk_t *walk, uint64_t pc, const pvm_frame_state_t *state);

static bool is_start(const walk_t *walk, uint32_t pc)
{
    return pc <= walk->program->code.len && pvm_routine_is_marked(walk->starts, pc);
}

/* -- Calls --------------------------------------------------------------------------------- */

static void note_call(pvm_frames_t *frames, const pvm_routine_call_t *call, bool is_in_front)
{
    const uint32_t entry = call->address / 2 - 1;
    const bool is_first = frames->calls[entry].pc == PVM_ROUTINE_NO_PC;

    if (is_first) {
        frames->calls[entry].target = call->target;
    } else if (frames->calls[entry].target != call->target) {
        frames->calls[entry].target = PVM_ROUTINE_NO_PC;
    }
    if (is_first || is_in_front) {
        frames->calls[entry].pc = call->pc;
    }
}

/* A jump with a number in r0 is a call if it goes where a sure call goes. */
static void note_sure_calls(const walk_t *walk)
{
    const pvm_program_t *const program = walk->program;
    pvm_routine_call_t call;

    for (uint32_t i = 0; i < program->block_count; i++) {
        if (pvm_routine_call_at(program, i, &call) &&
            (call.is_sure || is_start(walk, call.target))) {
            note_call(walk->frames, &call, program->blocks[i].end_pc == call.back);
        }
    }
}

/* A number in r0 at a jump may be a return address after all if nothing else leads to where it points. */
static bool note_likely_calls(const pvm_program_t *program, pvm_frames_t *frames)
{
    pvm_routine_call_t call;
    bool has_any = false;

    for (uint32_t i = 0; i < program->block_count; i++) {
        if (!frames->of_block[i].is_known || !pvm_routine_call_at(program, i, &call) ||
            call.is_sure || call.target == PVM_ROUTINE_NO_PC ||
            frames->calls[call.address / 2 - 1].pc != PVM_ROUTINE_NO_PC) {
            continue;
        }
        const uint32_t back = pvm_program_block_at(program, call.back);
        if (back < program->block_count && program->blocks[back].pc == call.back &&
            !frames->of_block[back].is_known) {
            note_call(frames, &call, false);
            has_any = true;
        }
    }
    return has_any;
}

static bool is_call(const walk_t *walk, const path_t *path, const pvm_instruction_t *in,
                    uint32_t target)
{
    const uint32_t entry = path->link_address / 2 - 1;

    return in->pc == path->link_pc || in->next == path->link_back || is_start(walk, target) ||
           (walk->frames->calls[entry].pc != PVM_ROUTINE_NO_PC && target != PVM_ROUTINE_NO_PC &&
            walk->frames->calls[entry].target == target);
}

/* The routine that is called begins right here: a linker has merged it into its caller. */
static void enter_merged(walk_t *walk, path_t *path, uint32_t pc, uint32_t block_end)
{
    if (walk->frames != NULL) {
        const pvm_routine_call_t call = {
            .pc = path->link_pc, .address = path->link_address, .target = pc};
        note_call(walk->frames, &call, path->link_back == block_end);
        reach(walk, path->link_back, &path->link_state);
    }
    path->state = fresh_frame(pc);
    path->has_link = false;
}

/* -- Instructions -------------------------------------------------------------------------- */

static void write_return(path_t *path, const pvm_program_t *program, const pvm_instruction_t *in)
{
    pvm_frame_state_t *const state = &path->state;
    const pvm_frame_state_t before = *state;
    const bool is_back = pvm_isa_ops[in->op].effect == PVM_EFFECT_LOAD &&
                         pvm_isa_ops[in->op].width == state->slot_bytes &&
                         in->b == PVM_REGISTER_STACK && state->return_is == PVM_RETURN_SAVED &&
                         state->is_stack_known && state->moved + in->x == state->slot;

    path->has_link = false;
    if (is_back) {
        /* It is in both places; the stack pointer is about to leave the frame. */
        state->return_is = PVM_RETURN_REGISTER;
        return;
    }
    if (state->return_is == PVM_RETURN_REGISTER) {
        state->return_is = PVM_RETURN_UNKNOWN;
    }
    if (pvm_routine_leaves_address(in) &&
        pvm_routine_look_up(program, (uint32_t)in->x, &path->link_back)) {
        path->has_link = true;
        path->link_pc = in->pc;
        path->link_address = (uint32_t)in->x;
        path->link_state = before;
    }
}

static void save_return(pvm_frame_state_t *state, const pvm_instruction_t *in)
{
    const uint8_t bytes = pvm_isa_ops[in->op].width;

    if (state->return_is == PVM_RETURN_REGISTER && state->is_stack_known && bytes >= 4 &&
        in->x > -MOVED_MAX && in->x < MOVED_MAX) {
        state->return_is = PVM_RETURN_SAVED;
        state->slot = state->moved + (int32_t)in->x;
        state->slot_bytes = bytes;
    }
}

static void move_stack(pvm_frame_state_t *state, const pvm_instruction_t *in)
{
    const int64_t moved = state->moved + in->x;

    state->is_stack_known = state->is_stack_known && moved > -MOVED_MAX && moved < MOVED_MAX;
    state->moved = state->is_stack_known ? (int32_t)moved : 0;
}

/* Follow one instruction. */
static void follow(walk_t *walk, path_t *path, const pvm_instruction_t *in, uint32_t block_end)
{
    /* Whoever makes room on the stack with a fresh return address in r0 is the routine already. */
    if (path->has_link && pvm_routine_moves_stack(in) && in->x < 0) {
        enter_merged(walk, path, in->pc, block_end);
    }
    if (pvm_routine_moves_stack(in)) {
        move_stack(&path->state, in);
    } else if ((in->op == PVM_OP_store_ind_u64 || in->op == PVM_OP_store_ind_u32) &&
               in->a == PVM_REGISTER_RETURN && in->b == PVM_REGISTER_STACK) {
        save_return(&path->state, in);
    } else if (pvm_routine_writes(in, PVM_REGISTER_STACK)) {
        path->state.is_stack_known = false;
    }
    if (pvm_routine_writes(in, PVM_REGISTER_RETURN)) {
        write_return(path, walk->program, in);
    }
}

/* -- Blocks -------------------------------------------------------------------------------- */

static void reach(walk_t *walk, uint64_t pc, const pvm_frame_state_t *state)
{
    if (walk->frames == NULL || !pvm_program_is_block_start(walk->program, pc)) {
        return;
    }
    const uint32_t block = pvm_program_block_at(walk->program, (uint32_t)pc);
    if (block < walk->program->block_count && !walk->frames->of_block[block].is_known) {
        walk->frames->of_block[block] = *state;
        walk->waiting[walk->waiting_count++] = block;
    }
}

static void leave_block(walk_t *walk, path_t *path, uint32_t index, const pvm_instruction_t *in)
{
    const uint8_t effect = pvm_isa_ops[in->op].effect;
    const bool is_jump = effect == PVM_EFFECT_JUMP || effect == PVM_EFFECT_JUMP_IND;
    const uint32_t target = effect == PVM_EFFECT_JUMP ? (uint32_t)in->y : PVM_ROUTINE_NO_PC;

    if (is_jump && path->has_link && is_call(walk, path, in, target)) {
        const pvm_frame_state_t callee = fresh_frame(target);
        reach(walk, path->link_back, &path->link_state);
        if (effect == PVM_EFFECT_JUMP) {
            reach(walk, target, &callee);
        }
        return;
    }
    if (effect == PVM_EFFECT_JUMP || effect == PVM_EFFECT_BRANCH) {
        reach(walk, (uint64_t)in->y, &path->state);
    }
    if (!is_jump && effect != PVM_EFFECT_TRAP) {
        reach(walk, in->next, &path->state);
    }
    walk->frames->of_block[index].is_switch =
        effect == PVM_EFFECT_JUMP_IND && in->a != PVM_REGISTER_RETURN;
}

static void walk_block(walk_t *walk, uint32_t index)
{
    const pvm_block_t *const block = &walk->program->blocks[index];
    path_t path = {.state = walk->frames->of_block[index]};
    pvm_instruction_t in = {.op = PVM_OP_trap};

    for (uint32_t pc = block->pc; pc < block->end_pc; pc = in.next) {
        pvm_isa_decode(&walk->program->code, pc, &in);
        follow(walk, &path, &in, block->end_pc);
    }
    leave_block(walk, &path, index, &in);
}

static void walk_waiting(walk_t *walk)
{
    while (walk->waiting_count > 0) {
        walk_block(walk, walk->waiting[--walk->waiting_count]);
    }
}

/* What the jump table names and nobody has reached belongs to a switch: most likely to the one in front of it. */
static bool walk_switches(walk_t *walk)
{
    const pvm_program_t *const program = walk->program;
    pvm_frame_state_t last = {0};

    for (uint32_t i = 0; i < program->block_count; i++) {
        const pvm_frame_state_t *const state = &walk->frames->of_block[i];
        if (state->is_known && state->is_switch) {
            last = pvm_frames_at(program, walk->frames, program->blocks[i].end_pc - 1);
        } else if (!state->is_known && last.is_known &&
                   pvm_routine_is_marked(walk->targets, program->blocks[i].pc)) {
            reach(walk, program->blocks[i].pc, &last);
        }
    }
    const bool has_any = walk->waiting_count > 0;
    walk_waiting(walk);
    return has_any;
}

static void walk_starts(walk_t *walk)
{
    const pvm_program_t *const program = walk->program;

    for (uint32_t i = 0; i < program->block_count; i++) {
        if (is_start(walk, program->blocks[i].pc)) {
            const pvm_frame_state_t start = fresh_frame(program->blocks[i].pc);
            reach(walk, program->blocks[i].pc, &start);
        }
    }
    walk_waiting(walk);
    for (int round = 0; round < SWITCH_ROUNDS_MAX && walk_switches(walk); round++) {
    }
}

static void walk_all(walk_t *walk)
{
    note_sure_calls(walk);
    walk_starts(walk);
    if (note_likely_calls(walk->program, walk->frames)) {
        memset(walk->frames->of_block, 0, walk->program->block_count * sizeof(pvm_frame_state_t));
        walk_starts(walk);
    }
}

/* Where the jump table leads, packed like starts. */
static uint8_t *find_targets(const pvm_program_t *program)
{
    uint8_t *const targets = calloc((size_t)program->code.len / 8 + 1, 1);

    for (uint32_t i = 0; targets != NULL && i < program->jump_table_len; i++) {
        const uint32_t pc = program->jump_table[i];
        if (pc < program->code.len) {
            targets[pc >> 3] = (uint8_t)(targets[pc >> 3] | 1U << (pc & 7));
        }
    }
    return targets;
}

static pvm_frames_t *make_frames(const pvm_program_t *program)
{
    const size_t entries = (size_t)program->jump_table_len + 1;
    pvm_frames_t *const frames = calloc(1, sizeof(*frames));

    if (frames == NULL) {
        return NULL;
    }
    frames->of_block = calloc(program->block_count, sizeof(*frames->of_block));
    frames->calls = malloc(entries * sizeof(*frames->calls));
    if (frames->of_block == NULL || frames->calls == NULL) {
        pvm_frames_destroy(frames);
        return NULL;
    }
    for (size_t i = 0; i < entries; i++) {
        frames->calls[i].pc = PVM_ROUTINE_NO_PC;
    }
    return frames;
}

static pvm_frames_t *find_frames(const pvm_program_t *program)
{
    uint8_t *const starts = pvm_routine_find_starts(program);
    uint8_t *const targets = find_targets(program);
    pvm_frames_t *frames = make_frames(program);
    walk_t walk = {.program = program,
                   .frames = frames,
                   .starts = starts,
                   .targets = targets,
                   .waiting = malloc((size_t)program->block_count * sizeof(*walk.waiting))};

    if (starts != NULL && targets != NULL && frames != NULL && walk.waiting != NULL) {
        walk_all(&walk);
    } else {
        pvm_frames_destroy(frames);
        frames = NULL;
    }
    free(walk.waiting);
    free(targets);
    free(starts);
    return frames;
}

void pvm_frames_destroy(pvm_frames_t *frames)
{
    if (frames != NULL) {
        free(frames->of_block);
        free(frames->calls);
        free(frames);
    }
}

const pvm_frames_t *pvm_frames_of(pvm_program_t *program)
{
    pvm_program_lock_cache(program);
    if (program->frames == NULL) {
        program->frames = find_frames(program);
    }
    const pvm_frames_t *const frames = program->frames;
    pvm_program_unlock_cache(program);
    return frames;
}

/* -- Questions ----------------------------------------------------------------------------- */

pvm_frame_state_t pvm_frames_at(const pvm_program_t *program, const pvm_frames_t *frames,
                                uint32_t pc)
{
    const uint32_t index = pvm_program_block_at(program, pc);
    walk_t walk = {.program = program};
    pvm_instruction_t in;

    if (index >= program->block_count || !frames->of_block[index].is_known) {
        return (pvm_frame_state_t){.routine = pc};
    }
    const pvm_block_t *const block = &program->blocks[index];
    path_t path = {.state = frames->of_block[index]};
    for (uint32_t at = block->pc; at < pc && at < block->end_pc; at = in.next) {
        pvm_isa_decode(&program->code, at, &in);
        follow(&walk, &path, &in, block->end_pc);
    }
    /* Between the load of a return address and the jump it is the caller that runs. */
    return path.has_link ? path.link_state : path.state;
}

bool pvm_frames_call_of(const pvm_program_t *program, const pvm_frames_t *frames, uint64_t address,
                        pvm_routine_call_t *out)
{
    if (!pvm_routine_look_up(program, address, &out->back) ||
        frames->calls[address / 2 - 1].pc == PVM_ROUTINE_NO_PC) {
        return false;
    }
    out->address = (uint32_t)address;
    out->pc = frames->calls[address / 2 - 1].pc;
    out->target = frames->calls[address / 2 - 1].target;
    return true;
}
