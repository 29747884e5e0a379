/* One instruction, exactly: the rules of gas, memory and control flow as the Gray Paper writes them. Slow on
 * purpose; fast code leaves to it for everything rare, so that no corner is written twice.
 * Spec: GP A.1, A.3 to A.6; spec-notes.md. */
#include "events/events.h"
#include "interpreter/interpreter.h"
#include "isa/semantics.h"
#include "vm/calls.h"
#include "vm/counts.h"

/* Where an instruction wants to go. */
typedef enum { GO_NEXT, GO_TARGET, GO_INDIRECT, GO_EXIT } go_t;

typedef struct {
    pvm_vm_t *vm;
    pvm_instruction_t in;
    uint32_t address; /**< of a memory access, or of an indirect jump */
    pvm_exit_t exit;  /**< for GO_EXIT */
} step_t;

/* -- Memory --- */

static go_t refuse_access(step_t *step, unsigned bytes, uint8_t need)
{
    uint32_t bad = step->address;

    (void)pvm_memory_first_bad(step->vm->memory, step->address, bytes, need, &bad);
    if (bad < PVM_LOW_ADDRESS_END) {
        step->exit = PVM_EXIT_PANIC;
    } else {
        step->vm->fault_address = bad & ~(uint32_t)(PVM_PAGE_SIZE - 1);
        step->exit = PVM_EXIT_FAULT;
    }
    return GO_EXIT;
}

static go_t load(step_t *step, unsigned bytes, uint64_t *out)
{
    if (!pvm_memory_load(step->vm->memory, step->address, bytes, out)) {
        return refuse_access(step, bytes, PVM_PAGE_READ);
    }
    return GO_NEXT;
}

static go_t store(step_t *step, unsigned bytes, uint64_t value)
{
    if (!pvm_memory_store(step->vm->memory, step->address, bytes, value)) {
        return refuse_access(step, bytes, PVM_PAGE_WRITE);
    }
    return GO_NEXT;
}

/* Grow the heap. A request that does not fit, or without a heap, answers 0 and changes nothing. */
static uint64_t grow_heap(pvm_vm_t *vm, uint64_t octets)
{
    const uint64_t old_end = vm->heap_pointer;
    const uint64_t limit = vm->program->layout.heap_end_max;

    if (octets > 0) {
        if (old_end == 0 || octets > limit || old_end + octets > limit) {
            return 0;
        }
        const uint64_t first = (old_end + PVM_PAGE_SIZE - 1) >> PVM_PAGE_BITS;
        const uint64_t end = (old_end + octets + PVM_PAGE_SIZE - 1) >> PVM_PAGE_BITS;
        if (pvm_memory_map(vm->memory, (uint32_t)first, (uint32_t)(end - first),
                           PVM_PAGE_READ_WRITE) != 0) {
            return 0;
        }
        vm->heap_pointer = old_end + octets;
    }
    const uint64_t answer = vm->program->spec == PVM_SPEC_0_7_2 ? old_end : vm->heap_pointer;
    return vm->program->is_32_bit ? pvm_sem_extend_32(answer) : answer;
}

/* -- The instructions --- */

#define V_A    vm->registers[in->a]
#define V_B    vm->registers[in->b]
#define V_D    vm->registers[in->d]
#define V_X    ((uint64_t)in->x)
#define V_Y    ((uint64_t)in->y)
#define V_ZERO UINT64_C(0)

#define W_A(value) vm->registers[in->a] = (value)
#define W_D(value) vm->registers[in->d] = (value)
#define W__(value) (void)0
#define V__        0

#define BYTES_u8      1
#define BYTES_i8      1
#define BYTES_u16     2
#define BYTES_i16     2
#define BYTES_u32     4
#define BYTES_i32     4
#define BYTES_u64     8
#define EXTEND_u8(v)  (v)
#define EXTEND_i8(v)  pvm_sem_sign_extend_8(v)
#define EXTEND_u16(v) (v)
#define EXTEND_i16(v) pvm_sem_sign_extend_16(v)
#define EXTEND_u32(v) (v)
#define EXTEND_i32(v) pvm_sem_extend_32(v)
#define EXTEND_u64(v) (v)

#define EFFECT_TRAP(p, q, r, s)                                                                    \
    step->exit = PVM_EXIT_PANIC;                                                                   \
    return GO_EXIT;
#define EFFECT_FALLTHROUGH(p, q, r, s) return GO_NEXT;
#define EFFECT_HINT(p, q, r, s)        return GO_NEXT;
#define EFFECT_HOST_CALL(p, q, r, s)                                                               \
    step->exit = pvm_vm_host_call(vm, (int32_t)V_##p);                                             \
    return GO_EXIT;
#define EFFECT_SET1(dst, fn, v, s)                                                                 \
    W_##dst(pvm_sem_##fn(V_##v));                                                                  \
    return GO_NEXT;
#define EFFECT_SET2(dst, fn, v, w)                                                                 \
    W_##dst(pvm_sem_##fn(V_##v, V_##w));                                                           \
    return GO_NEXT;
#define EFFECT_CMOV(dst, cond, t, v)                                                               \
    if (pvm_sem_##cond(V_##t)) {                                                                   \
        W_##dst(V_##v);                                                                            \
    }                                                                                              \
    return GO_NEXT;
#define EFFECT_LOAD(dst, type, base, offset)                                                       \
    step->address = (uint32_t)(V_##base + V_##offset);                                             \
    go = load(step, BYTES_##type, &value);                                                         \
    if (go == GO_NEXT) {                                                                           \
        W_##dst(EXTEND_##type(value));                                                             \
    }                                                                                              \
    return go;
#define EFFECT_STORE(type, base, offset, v)                                                        \
    step->address = (uint32_t)(V_##base + V_##offset);                                             \
    return store(step, BYTES_##type, V_##v);
#define EFFECT_JUMP(dst, v, r, s)                                                                  \
    W_##dst(V_##v);                                                                                \
    return GO_TARGET;
#define EFFECT_JUMP_IND(dst, v, base, offset)                                                      \
    step->address = (uint32_t)(V_##base + V_##offset);                                             \
    W_##dst(V_##v);                                                                                \
    return GO_INDIRECT;
#define EFFECT_BRANCH(cond, v, w, s) return pvm_sem_##cond(V_##v, V_##w) ? GO_TARGET : GO_NEXT;
#define EFFECT_SBRK(dst, v, r, s)                                                                  \
    W_##dst(grow_heap(vm, V_##v));                                                                 \
    return GO_NEXT;

static go_t perform(step_t *step)
{
    pvm_vm_t *const vm = step->vm;
    const pvm_instruction_t *const in = &step->in;
    uint64_t value = 0;
    go_t go;

    switch ((pvm_op_t)in->op) {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    case PVM_OP_##name:                                                                            \
        EFFECT_##effect(p, q, r, s)
#include "isa/instructions.def"
    case PVM_OP_COUNT:
        break;
    }
    step->exit = PVM_EXIT_PANIC;
    return GO_EXIT;
}

/* -- Gas --- */

/* Out of gas there is none, also where the host left less. That costs nobody anything. */
static void forget_debt(pvm_vm_t *vm)
{
    if (vm->calls != NULL) {
        pvm_calls_charge(vm->calls, vm->gas);
        vm->calls->mark = 0;
    }
    vm->gas = 0;
}

bool pvm_interpreter_pay(pvm_vm_t *vm)
{
    uint64_t cost = 1;

    if (vm->program->has_block_gas) {
        if (vm->charged) {
            /* In the middle of what is paid: that is no arrival, even where the embedder has set the pc. */
            pvm_counts_skip_arrival(vm);
            pvm_calls_paid(vm);
            return true;
        }
        cost = pvm_counts_block_cost(vm->program, pvm_program_block_at(vm->program, vm->pc));
    }
    if (vm->gas < 0 || (uint64_t)vm->gas < cost) {
        if (!vm->program->has_block_gas) {
            forget_debt(vm);
        }
        return false;
    }
    vm->gas -= (int64_t)cost;
    vm->charged = vm->program->has_block_gas;
    pvm_calls_paid(vm);
    if (vm->counts != NULL) {
        pvm_block_trace_add(vm, pvm_counts_pay(vm, cost), vm->gas + (int64_t)cost);
    }
    return true;
}

/* -- Control flow --- */

static pvm_exit_t arrive(pvm_vm_t *vm, uint8_t kind, bool taken, uint32_t target)
{
    if (vm->calls != NULL) {
        pvm_calls_step(vm->calls, vm->gas,
                       2 * pvm_flow_terminator(vm->calls->map->flow, vm->pc) + taken, target);
    }
    vm->arrival = (pvm_arrival_t){.kind = kind, .taken = taken, .from = vm->pc};
    vm->pc = target;
    vm->charged = false;
    return PVM_EXIT_GO_ON;
}

static pvm_exit_t jump_static(const step_t *step)
{
    const int64_t target = step->in.y;

    if (target < 0 || target > UINT32_MAX ||
        !pvm_program_is_block_start(step->vm->program, (uint64_t)target)) {
        return PVM_EXIT_PANIC;
    }
    return arrive(step->vm, PVM_ARRIVAL_EDGE, true, (uint32_t)target);
}

static pvm_exit_t jump_indirect(const step_t *step)
{
    const pvm_program_t *const program = step->vm->program;
    const uint32_t address = step->address;

    if (address == UINT32_C(0xffff0000)) {
        return PVM_EXIT_HALT;
    }
    if (address == 0 || (address & 1) != 0 || address / 2 > program->jump_table_len) {
        return PVM_EXIT_PANIC;
    }
    const uint32_t target = program->jump_table[address / 2 - 1];
    if (!pvm_program_is_block_start(program, target)) {
        return PVM_EXIT_PANIC;
    }
    const pvm_exit_t exit = arrive(step->vm, PVM_ARRIVAL_HUB, true, target);
    step->vm->arrival.entry = address / 2 - 1;
    return exit;
}

/* Behind the instruction, without a jump. */
static pvm_exit_t run_on(const step_t *step)
{
    pvm_vm_t *const vm = step->vm;

    if (!pvm_isa_is_terminator((pvm_op_t)step->in.op)) {
        vm->pc = step->in.next;
        return PVM_EXIT_GO_ON;
    }
    if (vm->program->has_block_gas && !pvm_program_is_block_start(vm->program, step->in.next)) {
        return PVM_EXIT_PANIC;
    }
    return arrive(vm, PVM_ARRIVAL_EDGE, false, step->in.next);
}

/* 0.8.0: a branch panics when its target is no block start, taken or not; run_on() looks at the other side. */
static bool is_bad_branch(const step_t *step)
{
    return step->vm->program->has_block_gas &&
           pvm_isa_ops[step->in.op].effect == PVM_EFFECT_BRANCH &&
           (step->in.y < 0 ||
            !pvm_program_is_block_start(step->vm->program, (uint64_t)step->in.y) ||
            !pvm_program_is_block_start(step->vm->program, step->in.next));
}

pvm_exit_t pvm_interpreter_step(pvm_vm_t *vm)
{
    step_t step = {.vm = vm};

    pvm_isa_decode(&vm->program->code, vm->pc, &step.in);
    if (step.in.implicit && vm->program->spec == PVM_SPEC_0_8_0) {
        /* Only an embedder's pc leads here: such a program and pc are not valid, and nothing is charged. */
        return PVM_EXIT_PANIC;
    }
    if (!pvm_interpreter_pay(vm)) {
        return PVM_EXIT_OOG;
    }
    if (is_bad_branch(&step)) {
        return PVM_EXIT_PANIC;
    }
    switch (perform(&step)) {
    case GO_NEXT:
        return run_on(&step);
    case GO_TARGET:
        return jump_static(&step);
    case GO_INDIRECT:
        return jump_indirect(&step);
    case GO_EXIT:
        break;
    }
    return step.exit;
}
