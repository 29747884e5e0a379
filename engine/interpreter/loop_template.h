/* The fast loop: direct-threaded over cells. Included by the loop_*.c, which define
 *
 *   PVM_LOOP_NAME, PVM_LOOP_HANDLERS   the functions' names
 *   PVM_LOOP_COUNT_EDGE(terminator, taken), PVM_LOOP_COUNT_HUB(block)   statements, or nothing
 *   PVM_LOOP_NOTE_BLOCK(block, gas)   the same, for a block that was entered with this much gas
 *   PVM_LOOP_FOLLOW(terminator, taken, pc, gas)   the same, for a jump to `pc` that was executed with this much gas
 *   PVM_LOOP_KEEP_ENTRY(entry)   the same, for a jump through this entry of the jump table
 *
 * Gas is paid on arrival at a segment, from a local budget, and vm->pc says that the guest is there: two instructions of
 * the host, which keep the block known to whoever interrupts the thread (vm.h). Whatever is rare (an access that is
 * not allowed, an odd jump, no gas) ends the loop with the guest as it was before the instruction, and the step does it
 * exactly.
 * This header has no guard: it is a template. */

#include "interpreter/code.h"
#include "isa/semantics.h"
#include "vm/counts.h"

#define LIKELY(condition)   __builtin_expect((condition) != 0, 1)
#define UNLIKELY(condition) __builtin_expect((condition) != 0, 0)
#define INLINE              static inline __attribute__((always_inline))

/* What the instructions work on. Passed by value into inlined functions: it lives in registers. */
typedef struct {
    uint8_t *registers;
    uint8_t *base;
    const uint8_t *access;
    pvm_memory_t *memory;
} guest_t;

INLINE uint64_t get(const guest_t guest, uint8_t offset)
{
    return *(const uint64_t *)(const void *)(guest.registers + offset);
}

INLINE void set(const guest_t guest, uint8_t offset, uint64_t value)
{
    *(uint64_t *)(void *)(guest.registers + offset) = value;
}

#define OPERAND_X_NONE(cell)            0
#define OPERAND_X_OFF(cell)             0
#define OPERAND_X_REG_REG(cell)         0
#define OPERAND_X_REG_REG_REG(cell)     0
#define OPERAND_X_REG_REG_OFF(cell)     0
#define OPERAND_X_REG_EXT(cell)         (uint64_t)(cell)->imm
#define OPERAND_X_IMM(cell)             (uint64_t)(int64_t)(cell)->x
#define OPERAND_X_IMM_IMM(cell)         (uint64_t)(int64_t)(cell)->x
#define OPERAND_X_REG_IMM(cell)         (uint64_t)(int64_t)(cell)->x
#define OPERAND_X_REG_IMM_IMM(cell)     (uint64_t)(int64_t)(cell)->x
#define OPERAND_X_REG_IMM_OFF(cell)     (uint64_t)(int64_t)(cell)->x
#define OPERAND_X_REG_REG_IMM(cell)     (uint64_t)(int64_t)(cell)->x
#define OPERAND_X_REG_REG_IMM_IMM(cell) (uint64_t)(int64_t)(cell)->x

#define V_A        get(guest, cell->a)
#define V_B        get(guest, cell->b)
#define V_D        get(guest, cell->d)
#define V_X        x
#define V_Y        (uint64_t)(int64_t)cell->y
#define V_ZERO     UINT64_C(0)
#define V__        UINT64_C(0)
#define W_A(value) set(guest, cell->a, value)
#define W_D(value) set(guest, cell->d, value)
#define W__(value) (void)0

#define C_u8          uint8_t
#define C_i8          int8_t
#define C_u16         uint16_t
#define C_i16         int16_t
#define C_u32         uint32_t
#define C_i32         int32_t
#define C_u64         uint64_t
#define EXTEND_u8(v)  (v)
#define EXTEND_i8(v)  (uint64_t)(int64_t)(v)
#define EXTEND_u16(v) (v)
#define EXTEND_i16(v) (uint64_t)(int64_t)(v)
#define EXTEND_u32(v) (v)
#define EXTEND_i32(v) (uint64_t)(int64_t)(v)
#define EXTEND_u64(v) (v)

/* What runs straight on: false leaves to the step, with nothing done. */
#define EFFECT_TRAP(p, q, r, s)        return false;
#define EFFECT_FALLTHROUGH(p, q, r, s) return true;
#define EFFECT_HINT(p, q, r, s)        return true;
#define EFFECT_HOST_CALL(p, q, r, s)   return false;
#define EFFECT_SBRK(p, q, r, s)        return false;
#define EFFECT_SET1(dst, fn, v, s)                                                                 \
    W_##dst(pvm_sem_##fn(V_##v));                                                                  \
    return true;
#define EFFECT_SET2(dst, fn, v, w)                                                                 \
    W_##dst(pvm_sem_##fn(V_##v, V_##w));                                                           \
    return true;
#define EFFECT_CMOV(dst, cond, t, v)                                                               \
    W_##dst(pvm_sem_##cond(V_##t) ? V_##v : V_##dst);                                              \
    return true;
#define EFFECT_LOAD(dst, type, b, o)                                                               \
    const uint32_t address = (uint32_t)(V_##b + V_##o);                                            \
    C_##type value;                                                                                \
    if (LIKELY(pvm_memory_allows(guest.access, address, sizeof(value), PVM_PAGE_READ))) {          \
        memcpy(&value, guest.base + address, sizeof(value));                                       \
    } else {                                                                                       \
        uint64_t wide;                                                                             \
        if (!pvm_memory_load(guest.memory, address, sizeof(value), &wide)) {                       \
            return false;                                                                          \
        }                                                                                          \
        value = (C_##type)wide;                                                                    \
    }                                                                                              \
    W_##dst(EXTEND_##type(value));                                                                 \
    return true;
#define EFFECT_STORE(type, b, o, v)                                                                \
    const uint32_t address = (uint32_t)(V_##b + V_##o);                                            \
    const C_##type value = (C_##type)(V_##v);                                                      \
    if (LIKELY(pvm_memory_allows(guest.access, address, sizeof(value), PVM_PAGE_WRITE))) {         \
        memcpy(guest.base + address, &value, sizeof(value));                                       \
        return true;                                                                               \
    }                                                                                              \
    return pvm_memory_store(guest.memory, address, sizeof(value), value);
/* A branch: whether it is taken. A jump: only its link register; the loop goes there. */
#define EFFECT_BRANCH(cond, v, w, s) return pvm_sem_##cond(V_##v, V_##w);
#define EFFECT_JUMP(dst, v, r, s)                                                                  \
    W_##dst(V_##v);                                                                                \
    return true;
#define EFFECT_JUMP_IND(dst, v, b, o)                                                              \
    W_##dst(V_##v);                                                                                \
    return true;

/* Every row of the table as an inlined function of the guest and the cell. */
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    INLINE bool exec_##name(const guest_t guest, const pvm_cell_t *cell)                           \
    {                                                                                              \
        const uint64_t x = OPERAND_X_##form(cell);                                                 \
        (void)cell, (void)x, (void)guest;                                                          \
        EFFECT_##effect(p, q, r, s)                                                                \
    }
#include "isa/instructions.def"

INLINE uint32_t indirect_address(const guest_t guest, const pvm_cell_t *cell, bool is_linking)
{
    return (uint32_t)(is_linking ? get(guest, cell->b) + (uint64_t)(int64_t)cell->y
                                 : get(guest, cell->a) + (uint64_t)(int64_t)cell->x);
}

/* Code that goes on at the next cell, or to another segment. */
#define DISPATCH() goto *((const char *) && label_trap + cell->handler)
#define NEXT()                                                                                     \
    do {                                                                                           \
        cell++;                                                                                    \
        DISPATCH();                                                                                \
    } while (0)
#define ARRIVE(target, kind_, taken_, COUNT)                                                       \
    do {                                                                                           \
        const pvm_cell_t *const to = (target);                                                     \
        PVM_LOOP_FOLLOW((uint32_t)cell[1].handler, taken_, to[-1].pc, vm->gas + budget);           \
        budget -= (uint32_t)to[-1].x;                                                              \
        if (UNLIKELY(budget < 0)) {                                                                \
            arrival.kind = (kind_);                                                                \
            arrival.taken = (taken_);                                                              \
            unpaid_target = to;                                                                    \
            goto unpaid;                                                                           \
        }                                                                                          \
        COUNT;                                                                                     \
        __atomic_store_n(&vm->pc, to[-1].pc, __ATOMIC_RELAXED);                                    \
        PVM_LOOP_NOTE_BLOCK((uint32_t)to[-1].y, vm->gas + budget + (uint32_t)to[-1].x);            \
        cell = to;                                                                                 \
        DISPATCH();                                                                                \
    } while (0)
/* Behind every terminator stands a header: it names the terminator, and the next segment begins after it. */
#define ARRIVE_NEXT()                                                                              \
    ARRIVE(cell + 2, PVM_ARRIVAL_EDGE, false, PVM_LOOP_COUNT_EDGE(cell[1].handler, 0))
#define ARRIVE_JUMP()                                                                              \
    ARRIVE(cell + cell->y, PVM_ARRIVAL_EDGE, true, PVM_LOOP_COUNT_EDGE(cell[1].handler, 1))

#define HANDLE_STRAIGHT(name)                                                                      \
    if (UNLIKELY(!exec_##name(guest, cell))) {                                                     \
        goto leave;                                                                                \
    }                                                                                              \
    NEXT();
#define HANDLE_TRAP(name)        goto leave;
#define HANDLE_FALLTHROUGH(name) ARRIVE_NEXT();
#define HANDLE_HINT(name)        HANDLE_STRAIGHT(name)
#define HANDLE_HOST_CALL(name)   HOST_CALL(1)
#define HANDLE_SET1(name)        HANDLE_STRAIGHT(name)
#define HANDLE_SET2(name)        HANDLE_STRAIGHT(name)
#define HANDLE_CMOV(name)        HANDLE_STRAIGHT(name)
#define HANDLE_LOAD(name)        HANDLE_STRAIGHT(name)
#define HANDLE_STORE(name)       HANDLE_STRAIGHT(name)
#define HANDLE_SBRK(name)        goto leave;
#define HANDLE_JUMP(name)                                                                          \
    (void)exec_##name(guest, cell);                                                                \
    ARRIVE_JUMP();
#define HANDLE_BRANCH(name)                                                                        \
    if (exec_##name(guest, cell)) {                                                                \
        ARRIVE_JUMP();                                                                             \
    }                                                                                              \
    ARRIVE_NEXT();
/* Rotated by one, odd and zero addresses become numbers above any table. Halting is such a number too. */
#define HANDLE_JUMP_IND(name)                                                                      \
    {                                                                                              \
        const uint32_t address = indirect_address(guest, cell, IS_LINKING_##name);                 \
        const uint32_t slot = (address >> 1 | address << 31) - 1;                                  \
        if (UNLIKELY(slot >= code->jump_count || code->jump_cells[slot] == 0)) {                   \
            goto leave;                                                                            \
        }                                                                                          \
        (void)exec_##name(guest, cell);                                                            \
        PVM_LOOP_KEEP_ENTRY(slot);                                                                 \
        ARRIVE(cells + code->jump_cells[slot], PVM_ARRIVAL_HUB, true,                              \
               PVM_LOOP_COUNT_HUB(cell[1].handler, to[-1].y));                                     \
    }
#define IS_LINKING_jump_ind          false
#define IS_LINKING_load_imm_jump_ind true

/* An ecalli; the next cell to execute stands `distance` behind it. */
#define HOST_CALL(distance)                                                                        \
    loop->cell = cell;                                                                             \
    loop->budget = budget;                                                                         \
    end = pvm_interpreter_host_call(loop);                                                         \
    if (UNLIKELY(end != PVM_LOOP_LEAVE)) {                                                         \
        return end;                                                                                \
    }                                                                                              \
    budget = loop->budget;                                                                         \
    cell += (distance);                                                                            \
    DISPATCH();

/* The one function that both entry points wrap: with loop NULL it only tells where the handlers are. */
static pvm_loop_end_t run(pvm_loop_t *loop, const int32_t **out_handlers)
{
#define OFFSET(label) (int32_t)((const char *) && label_##label - (const char *) && label_trap)
    static const int32_t handlers[PVM_HANDLER_COUNT] = {
#define PVM_INSTRUCTION(name, ...) OFFSET(name),
#include "isa/instructions.def"
        OFFSET(leave),
        OFFSET(ecalli_segment),
#define PVM_FUSED(first, second, kind) OFFSET(first##__##second),
#include "interpreter/fused.def"
    };
    if (loop == NULL) {
        *out_handlers = handlers;
        return PVM_LOOP_LEAVE;
    }

    pvm_vm_t *const vm = loop->vm;
    const pvm_interpreter_code_t *const code = loop->code;
    const pvm_cell_t *const cells = code->cells;
    const pvm_cell_t *cell = loop->cell;
    const pvm_cell_t *unpaid_target;
    int64_t budget = loop->budget;
    pvm_arrival_t arrival = {.kind = PVM_ARRIVAL_NONE};
    pvm_loop_end_t end;
    const guest_t guest = {.registers = (uint8_t *)vm->registers,
                           .base = vm->memory->base,
                           .access = vm->memory->access,
                           .memory = vm->memory};

    DISPATCH();

#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, ...)                             \
    label_##name:                                                                                  \
    {                                                                                              \
        HANDLE_##effect(name)                                                                      \
    }
#include "isa/instructions.def"

#define PVM_FUSED(first, second, kind)                                                             \
    label_##first##__##second:                                                                     \
    {                                                                                              \
        if (UNLIKELY(!exec_##first(guest, cell))) {                                                \
            goto leave;                                                                            \
        }                                                                                          \
        cell++;                                                                                    \
        HANDLE_##kind(second)                                                                      \
    }
#include "interpreter/fused.def"

label_ecalli_segment:
    HOST_CALL(2)

label_leave:
leave:
    loop->cell = cell;
    loop->budget = budget;
    return PVM_LOOP_LEAVE;

unpaid:
    arrival.from = code->pc_of_cell[cell - cells];
    arrival.entry = vm->arrival.entry;
    vm->arrival = arrival;
    loop->cell = unpaid_target;
    loop->budget = budget + (uint32_t)unpaid_target[-1].x;
    return PVM_LOOP_UNPAID;
}

pvm_loop_end_t PVM_LOOP_NAME(pvm_loop_t *loop)
{
    return run(loop, NULL);
}

const int32_t *PVM_LOOP_HANDLERS(void)
{
    const int32_t *handlers;

    (void)run(NULL, &handlers);
    return handlers;
}
