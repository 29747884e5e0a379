/* Around the fast loop: entering it at any pc, the host calls in it, and what happens when it ends.
 *
 * Gas is handed to the loop in slices, so that an interrupt is seen without a test in the loop. Under 0.7.2 the
 * loop pays whole segments; what it leaves unexecuted is given back here before the step pays by instruction. */
#include "events/events.h"
#include "interpreter/code.h"
#include "vm/calls.h"
#include "vm/counts.h"
#include "vm/host_call.h"

/* Gas that the loop gets at once: some milliseconds of guest code. Less than PVM_SEGMENT_STEPPED as a cost. */
#define SLICE_GAS (INT64_C(1) << 22)

static int64_t take_slice(pvm_vm_t *vm)
{
    const int64_t slice = vm->gas < SLICE_GAS ? vm->gas : SLICE_GAS;

    vm->gas -= slice;
    return slice;
}

/* Book that the rest of the block at this cell is paid (+1) or will not be (-1); 0.7.2 only, where a block is paid
 * in parts and hits times cost would be too much. */
static void book_rest(pvm_vm_t *vm, const pvm_interpreter_code_t *code, uint32_t cell, int sign)
{
    if (vm->counts != NULL && !vm->program->has_block_gas) {
        const uint32_t pc = code->pc_of_cell[cell];
        const int64_t rest = pvm_interpreter_block_rest(code, cell);
        pvm_counts_adjust(vm->counts, pvm_program_block_at(vm->program, pc), sign * rest);
    }
}

/* Pay for the segment at this cell from vm->gas, and count the arrival there. */
static bool enter(pvm_vm_t *vm, const pvm_interpreter_code_t *code, uint32_t cell)
{
    if (vm->program->has_block_gas) {
        return pvm_interpreter_pay(vm);
    }
    const uint32_t rest = pvm_interpreter_segment_rest(code, cell);
    if (rest == 0 || vm->gas < rest) {
        return false;
    }
    vm->gas -= rest;
    pvm_calls_paid(vm);
    if (vm->counts != NULL) {
        const uint32_t hit = pvm_counts_pay(vm, pvm_interpreter_block_rest(code, cell));
        pvm_block_trace_add(vm, hit, vm->gas + rest);
    }
    return true;
}

pvm_loop_end_t pvm_interpreter_host_call(pvm_loop_t *loop)
{
    pvm_vm_t *const vm = loop->vm;
    const uint32_t cell = (uint32_t)(loop->cell - loop->code->cells);
    const bool flat = !vm->program->has_block_gas;

    vm->gas += loop->budget;
    loop->budget = 0;
    /* Behind a 0.7.2 ecalli stands the header of the next segment, so what is not paid begins two cells on. */
    if (flat) {
        book_rest(vm, loop->code, cell + 2, -1);
    }
    loop->exit = pvm_vm_call_host(vm, loop->code->pc_of_cell[cell], loop->cell->x, !flat);
    if (loop->exit != PVM_EXIT_GO_ON) {
        return PVM_LOOP_EXIT;
    }
    /* A host that says that the block is not paid has it paid once more. */
    if (vm->moved || (!flat && !vm->charged) ||
        atomic_load_explicit(&vm->interrupt, memory_order_relaxed)) {
        pvm_vm_pass_ecalli(vm);
        return PVM_LOOP_MOVED;
    }
    if (flat) {
        const uint32_t cost = (uint32_t)loop->cell[1].x;
        if (loop->cell[1].x == PVM_SEGMENT_STEPPED || vm->gas < cost) {
            pvm_vm_pass_ecalli(vm);
            return PVM_LOOP_MOVED;
        }
        vm->gas -= cost;
        book_rest(vm, loop->code, cell + 2, 1);
    }
    pvm_vm_pass_ecalli(vm);
    loop->budget = take_slice(vm);
    return PVM_LOOP_LEAVE;
}

/* Run the loop from a paid cell. GO_ON: vm->pc is where to go on, by the step if *out_step. */
static pvm_exit_t loop_from(pvm_vm_t *vm, const pvm_interpreter_code_t *code, uint32_t cell,
                            bool *out_step)
{
    pvm_loop_t loop = {
        .vm = vm, .code = code, .cell = &code->cells[cell], .budget = take_slice(vm)};
    const pvm_loop_end_t end =
        code->variant == PVM_INTERPRETER_PLAIN      ? pvm_interpreter_loop_plain(&loop)
        : code->variant == PVM_INTERPRETER_COUNTING ? pvm_interpreter_loop_counting(&loop)
        : code->variant == PVM_INTERPRETER_TRACING  ? pvm_interpreter_loop_tracing(&loop)
                                                    : pvm_interpreter_loop_calls(&loop);
    const uint32_t at = (uint32_t)(loop.cell - code->cells);

    *out_step = false;
    switch (end) {
    case PVM_LOOP_LEAVE:
        vm->gas += loop.budget;
        vm->pc = code->pc_of_cell[at];
        vm->charged = vm->program->has_block_gas;
        if (!vm->program->has_block_gas) {
            vm->gas += pvm_interpreter_segment_rest(code, at);
            book_rest(vm, code, at, -1);
        }
        *out_step = true;
        return PVM_EXIT_GO_ON;
    case PVM_LOOP_UNPAID:
        vm->gas += loop.budget;
        vm->pc = code->pc_of_cell[at];
        vm->charged = false;
        return PVM_EXIT_GO_ON;
    case PVM_LOOP_MOVED:
        return PVM_EXIT_GO_ON;
    case PVM_LOOP_EXIT:
        break;
    }
    return loop.exit;
}

static const pvm_interpreter_code_t *get_code(pvm_vm_t *vm)
{
    pvm_program_t *const program = vm->program;
    const pvm_interpreter_variant_t variant = vm->calls != NULL         ? PVM_INTERPRETER_CALLS
                                              : vm->block_trace != NULL ? PVM_INTERPRETER_TRACING
                                              : vm->counts != NULL      ? PVM_INTERPRETER_COUNTING
                                                                        : PVM_INTERPRETER_PLAIN;
    pvm_interpreter_code_t **const place = &program->interpreter_code[variant];
    pvm_interpreter_code_t *code = __atomic_load_n(place, __ATOMIC_ACQUIRE);

    if (code != NULL) {
        return code;
    }
    const uint64_t began_ns = pvm_events_compile_begin(program, PVM_BACKEND_INTERPRETER);
    pvm_program_lock_cache(program);
    code = *place;
    const bool is_there = code != NULL;
    if (!is_there) {
        code = pvm_interpreter_translate(program, variant);
        __atomic_store_n(place, code, __ATOMIC_RELEASE);
    }
    pvm_program_unlock_cache(program);
    pvm_events_compile_end(program, PVM_BACKEND_INTERPRETER, began_ns,
                           is_there ? 0 : pvm_interpreter_code_bytes(code));
    return code;
}

bool pvm_interpreter_prepare(pvm_vm_t *vm)
{
    return get_code(vm) != NULL;
}

static uint32_t cell_at(const pvm_vm_t *vm, const pvm_interpreter_code_t *code)
{
    return vm->pc < vm->program->code.len ? code->cell_of_pc[vm->pc] : 0;
}

/* Out of gas is near: instruction by instruction until it comes, or something else does. */
static pvm_exit_t step_to_exit(pvm_vm_t *vm)
{
    pvm_exit_t exit;

    do {
        exit = pvm_interpreter_step(vm);
    } while (exit == PVM_EXIT_GO_ON && vm->arrival.kind == PVM_ARRIVAL_NONE && vm->gas > 0);
    return exit;
}

pvm_exit_t pvm_interpreter_run(pvm_vm_t *vm)
{
    const pvm_interpreter_code_t *code = NULL;
    bool step;

    vm->place = PVM_PLACE_PC;
    for (;;) {
        /* After the first time only a host call can have changed what is collected. */
        if (code == NULL || vm->moved) {
            code = get_code(vm);
        }
        if (code == NULL) {
            return PVM_EXIT_NO_CODE;
        }
        if (atomic_exchange_explicit(&vm->interrupt, false, memory_order_relaxed)) {
            return PVM_EXIT_INTERRUPT;
        }
        const uint32_t cell = cell_at(vm, code);
        pvm_exit_t exit;
        if (cell != 0 && enter(vm, code, cell)) {
            exit = loop_from(vm, code, cell, &step);
            if (exit == PVM_EXIT_GO_ON && step) {
                exit = pvm_interpreter_step(vm);
            }
        } else {
            exit = step_to_exit(vm);
        }
        if (exit != PVM_EXIT_GO_ON) {
            return exit;
        }
    }
}
