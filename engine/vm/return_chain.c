/* The way back from where a machine stopped: who called whom, read from registers and stack.
 *
 * Nothing is noted while guest code runs, so this costs nothing until somebody asks. Where a routine keeps its return address
 * is known from the code (program/frames.h); that the address found belongs to a call of the routine is checked. Where this
 * fails the stack is searched for addresses that some call leaves, and what is found is called a guess. Spec: none. */
#include "program/frames.h"
#include "support/error.h"
#include "vm/vm.h"

/** Where a machine's first routine returns to: GP A.7. */
#define HALT_ADDRESS UINT64_C(0xffff0000)
/** Calls of one chain. */
#define CHAIN_MAX 65536
/** Words of stack that are searched for one return address. */
#define SEARCH_WORDS_MAX 8192

typedef struct {
    pvm_vm_t *vm;
    const pvm_frames_t *frames;
    uint32_t pc;
    pvm_frame_state_t frame; /**< there */
    uint64_t stack;          /**< the stack pointer there */
    bool is_innermost;
} walk_t;

/** Where a return address was found. */
typedef struct {
    uint64_t address;
    uint64_t slot;
    pvm_frame_kind_t kind;
    pvm_routine_call_t call;
} found_t;

/* What an address says that stood where the routine's own return address should be. */
static bool judge(const walk_t *walk, uint64_t address, found_t *out)
{
    out->address = address;
    if (address == HALT_ADDRESS) {
        out->kind = PVM_FRAME_HOST;
        return true;
    }
    if (!pvm_frames_call_of(walk->vm->program, walk->frames, address, &out->call)) {
        return false;
    }
    if (out->call.target == walk->frame.routine) {
        out->kind = PVM_FRAME_CHECKED;
        return true;
    }
    out->kind = PVM_FRAME_LIKELY;
    return true;
}

/* Search the stack: the first address of a call of this routine, else of a call that may have been one. That of
 * the host stands at the far end of every stack, so it says nothing here. */
static bool search(const walk_t *walk, found_t *out)
{
    const unsigned bytes = walk->vm->program->is_32_bit ? 4 : 8;
    uint64_t at = (walk->stack + bytes - 1) & ~(uint64_t)(bytes - 1);
    bool has_any = false;

    for (int i = 0; i < SEARCH_WORDS_MAX && at < PVM_MEMORY_BYTES; i++, at += bytes) {
        found_t word = {.slot = at};
        if (!pvm_memory_load(walk->vm->memory, (uint32_t)at, bytes, &word.address)) {
            break;
        }
        if (!judge(walk, word.address, &word) || word.kind == PVM_FRAME_HOST) {
            continue;
        }
        const bool is_of_routine = word.kind == PVM_FRAME_CHECKED;
        if (is_of_routine || (!has_any && word.call.target == PVM_ROUTINE_NO_PC)) {
            has_any = true;
            *out = word;
            out->kind = PVM_FRAME_GUESS;
        }
        if (is_of_routine) {
            break;
        }
    }
    return has_any;
}

/* Read the return address where the routine keeps it. */
static bool read_kept(const walk_t *walk, uint64_t stack_at_start, found_t *out)
{
    const pvm_frame_state_t *const frame = &walk->frame;
    uint64_t address;

    if (frame->return_is == PVM_RETURN_REGISTER && walk->is_innermost) {
        return judge(walk, walk->vm->registers[PVM_REGISTER_RETURN], out);
    }
    if (frame->return_is != PVM_RETURN_SAVED || !frame->is_stack_known) {
        return false;
    }
    out->slot = (uint32_t)(stack_at_start + (uint64_t)(int64_t)frame->slot);
    return pvm_memory_load(walk->vm->memory, (uint32_t)out->slot, frame->slot_bytes, &address) &&
           judge(walk, address, out);
}

/* Go from a routine to its caller. */
static bool step_out(walk_t *walk, found_t *out)
{
    const pvm_frame_state_t *const frame = &walk->frame;
    uint64_t start = walk->stack - (uint64_t)(int64_t)frame->moved;

    if (!read_kept(walk, start, out)) {
        if (!search(walk, out)) {
            return false;
        }
        /* The frame around the slot that was found; if it is not known, just what lies behind the slot. */
        start = frame->return_is == PVM_RETURN_SAVED ? out->slot - (uint64_t)(int64_t)frame->slot
                                                     : out->slot + sizeof(uint64_t);
    }
    walk->stack = start;
    walk->pc = out->call.pc;
    walk->frame = pvm_frames_at(walk->vm->program, walk->frames, walk->pc);
    walk->is_innermost = false;
    return true;
}

/* Go from caller to caller, behind out[0]. @return frames in `out` */
static size_t walk_out(walk_t *walk, pvm_frame_t *out, size_t max)
{
    size_t count = 1;

    for (int i = 0; i < CHAIN_MAX; i++) {
        found_t found = {0};
        if (!step_out(walk, &found)) {
            break;
        }
        pvm_frame_t *const last = &out[count - 1];
        /* No frame is surer than those inside it. */
        pvm_frame_t next = {.times = 1,
                            .kind = (uint8_t)(found.kind < last->kind ? last->kind : found.kind)};
        if (found.kind != PVM_FRAME_HOST) {
            next.pc = walk->pc;
            next.back = found.call.back;
            next.routine = walk->frame.routine;
        }
        if (next.kind == last->kind && next.pc == last->pc && next.back == last->back) {
            last->times++;
            continue;
        }
        if (count == max) {
            break;
        }
        out[count++] = next;
        if (found.kind == PVM_FRAME_HOST) {
            break;
        }
    }
    return count;
}

size_t pvm_get_return_chain(pvm_vm_t *vm, pvm_frame_t *out, size_t max)
{
    if (vm == NULL || out == NULL) {
        pvm_error_set("pvm_get_return_chain: an argument is NULL");
        return 0;
    }
    if (max == 0) {
        return 0;
    }
    out[0] = (pvm_frame_t){
        .pc = vm->pc, .back = vm->pc, .routine = vm->pc, .times = 1, .kind = PVM_FRAME_HERE};
    walk_t walk = {
        .vm = vm, .pc = vm->pc, .stack = vm->registers[PVM_REGISTER_STACK], .is_innermost = true};
    walk.frames = vm->program->block_count == 0 ? NULL : pvm_frames_of(vm->program);
    if (walk.frames == NULL) {
        return 1;
    }
    walk.frame = pvm_frames_at(vm->program, walk.frames, vm->pc);
    out[0].routine = walk.frame.routine;
    return walk_out(&walk, out, max);
}
