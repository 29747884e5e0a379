/* Around emitted code: entering it where a stretch begins, the host calls in it, and what happens when it leaves.
 *
 * Gas goes in by slices, so that an interrupt is seen without a test in the code. Under 0.7.2 segments are paid at
 * once; what was not executed is given back before the step pays by instruction. */
#include "recompiler/recompiler.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "events/events.h"
#include "interpreter/interpreter.h"
#include "isa/semantics.h"
#include "recompiler/activation.h"
#include "recompiler/follow.h"
#include "recompiler/grow.h"
#include "recompiler/perf.h"
#include "recompiler/signals.h"
#include "support/error.h"
#include "vm/counts.h"
#include "vm/host_call.h"

#include <stdlib.h>
#include <string.h>

/* Gas that the code gets at once: some milliseconds. */
#define SLICE_GAS (INT64_C(1) << 22)
/* Code of one entry is used for so much gas at most, as far as wear counts: some slices, between host calls. */
#define WORN_AT_ONCE_MAX (16 * SLICE_GAS)

#define UNLIKELY(condition) __builtin_expect(condition, 0)

/* -- Configuration --- */

bool pvm_recompiler_wants_guard(void)
{
    const char *const memory = getenv("PVM_MEMORY");

    return memory == NULL || strcmp(memory, "checked") != 0;
}

bool pvm_recompiler_is_available(void)
{
    return !pvm_recompiler_wants_guard() || pvm_signals_install() == 0;
}

/* All of the program at once, unless somebody did; others wait. It takes the place of code that grows, in which some may
 * still be. @return the code that is there, which grows if there is no memory for more; NULL: there is none */
static pvm_recompiler_code_t *make_all(pvm_program_t *program, unsigned variant)
{
    pvm_recompiler_code_t **const place = &program->recompiler_code[variant];
    const uint64_t began_ns = pvm_events_compile_begin(program, PVM_BACKEND_RECOMPILER);
    pvm_recompiler_code_t *made = NULL;

    pvm_program_lock_cache(program);
    pvm_recompiler_code_t *code = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (code == NULL || code->growth != NULL) {
        made = pvm_recompiler_compile(program, variant);
        if (made != NULL) {
            /* Without the lock somebody may have begun code that grows. */
            made->outgrown = __atomic_exchange_n(place, made, __ATOMIC_ACQ_REL);
            code = made;
        }
    }
    pvm_program_unlock_cache(program);
    pvm_events_compile_end(program, PVM_BACKEND_RECOMPILER, began_ns,
                           made != NULL ? made->code_len : 0);
    if (made != NULL) {
        pvm_perf_publish(program, made);
        pvm_published_changed();
    }
    return code;
}

/* Code without anything in it is made soon, and without a lock: of several that are made at once one stays. */
static pvm_recompiler_code_t *make_growing(pvm_program_t *program, unsigned variant)
{
    pvm_recompiler_code_t *const code = pvm_growth_begin(program, variant);
    pvm_recompiler_code_t *first = NULL;

    if (code == NULL) {
        return NULL;
    }
    if (!__atomic_compare_exchange_n(&program->recompiler_code[variant], &first, code, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        pvm_recompiler_code_destroy(code);
        return first;
    }
    pvm_published_changed();
    return code;
}

static __attribute__((noinline)) pvm_recompiler_code_t *make_code(pvm_program_t *program,
                                                                  unsigned variant)
{
    pvm_recompiler_code_t *const code =
        pvm_growth_is_wanted(program, variant) ? make_growing(program, variant) : NULL;

    return code != NULL ? code : make_all(program, variant);
}

/* Growing code gives way to code of all the program. @return false: there is no memory for it */
static bool replace_code(pvm_program_t *program, unsigned variant)
{
    return make_all(program, variant)->growth == NULL;
}

static inline unsigned variant_of(const pvm_vm_t *vm)
{
    return (vm->counts != NULL ? PVM_VARIANT_COUNTING : 0U) |
           (vm->block_trace != NULL ? PVM_VARIANT_TRACING : 0U) |
           (vm->calls != NULL ? PVM_VARIANT_CALLS : 0U) |
           (vm->memory->guarded ? 0U : PVM_VARIANT_CHECKED);
}

static inline pvm_recompiler_code_t *get_code(pvm_vm_t *vm)
{
    const unsigned variant = variant_of(vm);
    pvm_recompiler_code_t *const code =
        __atomic_load_n(&vm->program->recompiler_code[variant], __ATOMIC_ACQUIRE);

    return code != NULL ? code : make_code(vm->program, variant);
}

/* Whether the code relies on pages that are not protected any more: the memory may have run out of mappings. */
static bool is_stale(const pvm_vm_t *vm, const pvm_recompiler_code_t *code)
{
    return (code->variant & PVM_VARIANT_CHECKED) == 0 && !vm->memory->guarded;
}

/* -- Gas --- */

static int64_t take_slice(pvm_vm_t *vm)
{
    const int64_t slice = vm->gas < SLICE_GAS ? vm->gas : SLICE_GAS;

    vm->gas -= slice;
    return slice;
}

/* Book that `rest` instructions at the end of the block around pc are paid (+1) or will not be (-1); 0.7.2 only, where
 * a block is paid in parts and hits times cost would be too much. */
static void book_rest(pvm_vm_t *vm, uint32_t pc, uint32_t rest, int sign)
{
    if (vm->counts != NULL && !vm->program->has_block_gas) {
        pvm_counts_adjust(vm->counts, pvm_program_block_at(vm->program, pc), sign * (int64_t)rest);
    }
}

/* Pay for what is entered at this stretch, and count the arrival there. If only what is paid ahead is not there, the step
 * goes on. */
static bool pay(pvm_vm_t *vm, const pvm_stretch_t *stretch)
{
    if (vm->program->has_block_gas) {
        if (!pvm_interpreter_pay(vm) || vm->gas < stretch->ahead) {
            return false;
        }
        vm->gas -= stretch->ahead;
        return true;
    }
    const uint32_t rest = stretch->segment_rest;
    if (rest == 0 || vm->gas < (int64_t)rest + stretch->ahead) {
        return false;
    }
    vm->gas -= (int64_t)rest + stretch->ahead;
    pvm_calls_paid(vm);
    if (vm->counts != NULL) {
        const uint32_t hit = pvm_counts_pay(vm, stretch->block_rest);
        pvm_block_trace_add(vm, hit, vm->gas + rest);
    }
    return true;
}

/* -- The gs segment --- */

static inline uint64_t read_gs(void)
{
    uint64_t base;

    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

static inline void write_gs(uint64_t base)
{
    __asm__ volatile("wrgsbase %0" : : "r"(base));
}

/* What we last wrote on this thread. Whoever uses the segment himself has something else there, but 0, which is nobody. As
 * writing it costs as much as the rest of an entry, what we wrote stays where nobody is: other VMs of the thread see that
 * it is ours, and do not put it back around each of their host calls. */
static _Thread_local uint64_t own_gs __attribute__((tls_model("initial-exec")));

static void take_gs(pvm_activation_t *activation)
{
    const uint64_t base = (uintptr_t)activation->base;
    const uint64_t found = read_gs();

    activation->outer_gs = found == own_gs ? 0 : found;
    if (found != base) {
        write_gs(base);
    }
    own_gs = base;
}

/* Behind a host call, which may have done with the segment as it likes. */
static void retake_gs(const pvm_activation_t *activation)
{
    const uint64_t base = (uintptr_t)activation->base;

    if (read_gs() != base) {
        write_gs(base);
        own_gs = base;
    }
}

static void give_gs_back(const pvm_activation_t *activation)
{
    if (activation->outer_gs != 0) {
        write_gs(activation->outer_gs);
    }
}

/* -- Block traces --- */

/* Where the next block is noted: in a register while emitted code runs. */
static void load_trace(pvm_activation_t *activation)
{
    pvm_block_trace_t *const trace = activation->vm->block_trace;

    if (trace != NULL) {
        activation->trace_at = trace->ids + trace->count;
    }
}

static void save_trace(const pvm_activation_t *activation)
{
    pvm_block_trace_t *const trace = activation->vm->block_trace;

    if (trace != NULL) {
        trace->count = (uint32_t)(activation->trace_at - trace->ids);
    }
}

static pvm_native_way_t trace_full(pvm_activation_t *activation, uint64_t unused, int64_t budget)
{
    (void)unused;
    save_trace(activation);
    if (activation->code->cpu.segment) {
        give_gs_back(activation);
    }
    pvm_block_trace_full(activation->vm, activation->vm->gas + budget);
    if (activation->code->cpu.segment) {
        retake_gs(activation);
    }
    load_trace(activation);
    return (pvm_native_way_t){.host = activation->code->region.base, .budget = budget};
}

/* -- Calls --- */

/* While emitted code runs, the current context holds what is left of the slice on top of its gas. All gas before the slice is
 * given to contexts first. */
static void enter_context(pvm_activation_t *activation, int64_t budget)
{
    pvm_calls_t *const calls = activation->vm->calls;

    if (calls != NULL) {
        pvm_calls_charge(calls, activation->vm->gas + budget);
        calls->current->gas += (uint64_t)budget;
        activation->context = calls->current;
    }
}

/* vm->gas holds what is left already. */
static void leave_context(const pvm_activation_t *activation, int64_t budget)
{
    pvm_calls_t *const calls = activation->vm->calls;

    if (calls != NULL) {
        calls->current = activation->context;
        calls->current->gas -= (uint64_t)budget;
        calls->mark = activation->vm->gas;
    }
}

/* A step that is not done in emitted code. */
static pvm_native_way_t follow(pvm_activation_t *activation, uint64_t step, int64_t budget)
{
    pvm_vm_t *const vm = activation->vm;
    pvm_calls_t *const calls = vm->calls;

    calls->current = activation->context;
    calls->current->gas -= (uint64_t)budget;
    calls->mark = vm->gas + budget;
    if ((step & PVM_FOLLOW_ARRIVAL) != 0) {
        const uint32_t block = (uint32_t)step & ~PVM_FOLLOW_ARRIVAL;
        pvm_calls_step_indirect(calls, pvm_flow_terminator(calls->map->flow, activation->jump_pc),
                                vm->program->blocks[block].pc);
    } else {
        pvm_calls_step_remembered(calls, (uint32_t)step, activation->jump_entry);
    }
    calls->current->gas += (uint64_t)budget;
    activation->context = calls->current;
    return (pvm_native_way_t){.host = activation->code->region.base, .budget = budget};
}

/* -- Host calls --- */

static __attribute__((noinline)) pvm_native_way_t end_at_call(pvm_activation_t *activation,
                                                              const pvm_host_site_t *site,
                                                              pvm_exit_t exit)
{
    activation->end = PVM_NATIVE_EXIT;
    activation->exit = exit;
    activation->vm->stretch_hint = site->behind;
    return (pvm_native_way_t){0};
}

static __attribute__((noinline)) pvm_native_way_t leave_behind_call(pvm_activation_t *activation)
{
    pvm_vm_pass_ecalli(activation->vm);
    activation->end = PVM_NATIVE_MOVED;
    return (pvm_native_way_t){0};
}

/* The host gets back the segment it had, if it had one. A copy for each kind of code, so that nothing is asked on the way
 * that is known when the code is entered. */
static inline __attribute__((always_inline)) pvm_native_way_t
host_call(pvm_activation_t *activation, uint64_t index, int64_t budget, bool flat, bool segment,
          bool watched)
{
    pvm_vm_t *const vm = activation->vm;
    const pvm_host_site_t *const site = &activation->code->host_sites[index];

    vm->gas += budget;
    if (watched) {
        save_trace(activation);
        leave_context(activation, budget);
    }
    if (flat) {
        const pvm_stretch_t *const behind = &activation->code->stretches[site->behind];
        book_rest(vm, behind->pc, behind->block_rest, -1);
    }
    if (segment) {
        give_gs_back(activation);
    }
    const pvm_exit_t exit = pvm_vm_call_host(vm, site->pc, site->func_id, !flat);
    if (segment) {
        retake_gs(activation);
    }
    if (UNLIKELY(exit != PVM_EXIT_GO_ON)) {
        return end_at_call(activation, site, exit);
    }
    const pvm_recompiler_code_t *const code = activation->code;
    /* A host that says that the block is not paid has it paid once more. */
    if (UNLIKELY(vm->moved || (!flat && !vm->charged) || is_stale(vm, code) ||
                 atomic_load_explicit(&vm->interrupt, memory_order_relaxed))) {
        return leave_behind_call(activation);
    }
    if (flat) {
        const pvm_stretch_t *const behind = &code->stretches[site->behind];
        if (UNLIKELY(vm->gas < behind->segment_rest)) {
            return leave_behind_call(activation);
        }
        vm->gas -= behind->segment_rest;
        book_rest(vm, behind->pc, behind->block_rest, 1);
    }
    const int64_t slice = take_slice(vm);
    if (watched) {
        load_trace(activation);
        enter_context(activation, slice);
    }
    return (pvm_native_way_t){.host = code->region.base + site->host, .budget = slice};
}

#define HOST_CALL(name, flat, segment, watched)                                                    \
    static pvm_native_way_t name(pvm_activation_t *activation, uint64_t index, int64_t budget)     \
    {                                                                                              \
        return host_call(activation, index, budget, flat, segment, watched);                       \
    }
HOST_CALL(host_call_of_blocks, false, false, false)
HOST_CALL(host_call_of_blocks_in_segment, false, true, false)
HOST_CALL(host_call_flat, true, false, false)
HOST_CALL(host_call_flat_in_segment, true, true, false)
HOST_CALL(host_call_watched, !activation->vm->program->has_block_gas, activation->code->cpu.segment,
          true)

typedef pvm_native_way_t (*host_call_t)(pvm_activation_t *, uint64_t, int64_t);

static host_call_t host_call_of(const pvm_vm_t *vm, const pvm_recompiler_code_t *code)
{
    /* By flat gas, then by segment addressing. */
    static const host_call_t plain[2][2] = {
        {host_call_of_blocks, host_call_of_blocks_in_segment},
        {host_call_flat, host_call_flat_in_segment},
    };

    return (code->variant & (PVM_VARIANT_TRACING | PVM_VARIANT_CALLS)) != 0
               ? host_call_watched
               : plain[!vm->program->has_block_gas][code->cpu.segment];
}

/* -- Entering and leaving --- */

/* Registers whose extension was put off are extended now (emitter.h). */
static void settle(pvm_vm_t *vm, const pvm_recompiler_code_t *code, const pvm_stretch_t *stretch,
                   uint32_t pc)
{
    uint32_t narrow =
        pc == stretch->pc ? 0 : pvm_recompiler_narrow_at(vm->program, code, stretch, pc);

    for (; narrow != 0; narrow &= narrow - 1) {
        uint64_t *const reg = &vm->registers[__builtin_ctz(narrow)];
        *reg = pvm_sem_extend_32(*reg);
    }
}

/* The instruction at pc was not executed, nor what stands behind it: the step goes on there. */
static void left_at(pvm_vm_t *vm, const pvm_recompiler_code_t *code, const pvm_stretch_t *stretch,
                    uint32_t pc)
{
    settle(vm, code, stretch, pc);
    vm->pc = pc;
    vm->charged = vm->program->has_block_gas;
    vm->gas += stretch->ahead;
    if (!vm->program->has_block_gas) {
        const uint32_t done = pvm_recompiler_index_in(vm->program, stretch, pc);
        if (stretch->segment_rest > 0) {
            vm->gas += stretch->segment_rest - done;
        }
        book_rest(vm, pc, stretch->block_rest - done, -1);
    }
}

/* Arrived at a block whose gas is not there. */
static void unpaid(pvm_vm_t *vm, const pvm_activation_t *activation, const pvm_stub_t *stub)
{
    pvm_arrival_t arrival = {.kind = PVM_ARRIVAL_ENTRY, .from = stub->from};

    if (vm->counts != NULL) {
        arrival.kind = PVM_ARRIVAL_EDGE;
        arrival.taken = stub->kind != PVM_STUB_UNPAID_NEXT;
        if (stub->kind == PVM_STUB_UNPAID_HUB) {
            arrival.kind = PVM_ARRIVAL_HUB;
            arrival.from = activation->jump_pc;
            /* Counted before it was known that nobody pays there. */
            const uint32_t terminator = pvm_counts_terminator(vm->counts, arrival.from);
            activation->edges[2 * (size_t)terminator + 1]--;
            if (vm->calls != NULL) {
                arrival.entry = activation->jump_entry;
                pvm_calls_unpair(vm->calls, terminator, arrival.entry);
            }
        }
    }
    if (pvm_program_is_block_start(vm->program, stub->pc)) {
        const pvm_stretch_t *const at = pvm_recompiler_stretch_at(activation->code, stub->pc);
        const int64_t cost = vm->program->has_block_gas
                                 ? (int64_t)pvm_counts_block_cost(
                                       vm->program, pvm_program_block_at(vm->program, stub->pc))
                                 : (int64_t)at->segment_rest;
        vm->gas += cost + at->ahead;
    }
    vm->arrival = arrival;
    vm->pc = stub->pc;
    vm->charged = false;
}

/* The block that starts at pc is there from now on. @return false: it will never be */
static bool reach(pvm_program_t *program, pvm_recompiler_code_t *code, uint32_t pc)
{
    if (pvm_growth_has(code, pc)) {
        return true;
    }
    const uint64_t began_ns = pvm_events_compile_begin(program, PVM_BACKEND_RECOMPILER);
    const int64_t octets = pvm_growth_reach(code, pc);
    pvm_events_compile_end(program, PVM_BACKEND_RECOMPILER, began_ns,
                           octets > 0 ? (uint64_t)octets : 0);
    pvm_published_changed();
    return octets >= 0;
}

/* On the way to a block that had not been emitted when the code that leads there was. */
static void go_elsewhere(pvm_vm_t *vm, pvm_recompiler_code_t *code, const pvm_stub_t *stub)
{
    if (reach(vm->program, code, stub->pc)) {
        pvm_growth_link(code, stub->from, stub->pc);
    }
    vm->arrival = (pvm_arrival_t){.kind = PVM_ARRIVAL_ENTRY};
    vm->pc = stub->pc;
    vm->charged = false;
}

/* Run emitted code from the start of a paid stretch. GO_ON: vm->pc is where to go on, by the step if *out_step. */
static pvm_exit_t run_from(pvm_vm_t *vm, pvm_recompiler_code_t *code, const pvm_stretch_t *stretch,
                           bool *out_step)
{
    pvm_activation_t activation = {
        .registers = vm->registers,
        .budget = take_slice(vm),
        .base = vm->memory->base,
        .edges = vm->counts == NULL ? NULL : vm->counts->edges,
        .from_hub = vm->counts == NULL ? NULL : vm->counts->from_hub,
        .host_call = host_call_of(vm, code),
        .sites = vm->calls == NULL ? NULL : vm->calls->sites,
        .pairs = vm->calls == NULL ? NULL : vm->calls->pairs,
        .follow = follow,
        .trace_step = sizeof(uint32_t),
        .trace_full = trace_full,
        .end = PVM_NATIVE_STOP,
        .vm = vm,
        .code = code,
        .previous = pvm_signals_activation,
    };

    load_trace(&activation);
    enter_context(&activation, activation.budget);
    if (code->cpu.segment) {
        take_gs(&activation);
    }
    pvm_signals_activation = &activation;
    code->enter(&activation, code->region.base + stretch->host);
    pvm_signals_activation = activation.previous;
    if (code->cpu.segment) {
        give_gs_back(&activation);
    }

    *out_step = false;
    if (activation.end != PVM_NATIVE_STOP) {
        return activation.end == PVM_NATIVE_EXIT ? activation.exit : PVM_EXIT_GO_ON;
    }
    save_trace(&activation);
    vm->gas += activation.budget;
    leave_context(&activation, activation.budget);
    if (activation.faulted) {
        const pvm_stretch_t *at;
        const uint32_t pc = pvm_recompiler_pc_of(code, vm->program, activation.stop, &at);
        left_at(vm, code, at, pc);
        *out_step = true;
        return PVM_EXIT_GO_ON;
    }
    const pvm_stub_t stub = pvm_recompiler_stub_at(code, vm->program, activation.stop);
    if (stub.kind == PVM_STUB_ELSEWHERE) {
        go_elsewhere(vm, code, &stub);
    } else if (stub.kind == PVM_STUB_LEAVE) {
        left_at(vm, code, pvm_recompiler_stretch_at(code, stub.pc), stub.pc);
        *out_step = true;
    } else {
        unpaid(vm, &activation, &stub);
    }
    return PVM_EXIT_GO_ON;
}

static bool is_told_singly(const pvm_vm_t *vm)
{
    return vm->block_trace != NULL && vm->block_trace->room == 1;
}

bool pvm_recompiler_prepare(pvm_vm_t *vm)
{
    return (!is_told_singly(vm) && get_code(vm) != NULL) || pvm_interpreter_prepare(vm);
}

/* The stretch that begins at vm->pc, or NULL. Behind a host call that was left to the caller there is no search. */
static const pvm_stretch_t *stretch_at_pc(const pvm_vm_t *vm, const pvm_recompiler_code_t *code)
{
    const uint32_t hint = vm->stretch_hint;

    /* The hint may be from other code. What no instruction stands for is not entered. */
    if (hint < pvm_recompiler_stretch_count(code) && code->stretches[hint].pc == vm->pc &&
        code->stretches[hint].block_rest != 0) {
        return &code->stretches[hint];
    }
    const pvm_stretch_t *const stretch = pvm_recompiler_stretch_at(code, vm->pc);
    return stretch != NULL && stretch->pc == vm->pc ? stretch : NULL;
}

static pvm_exit_t step_one(pvm_vm_t *vm)
{
    vm->left_count++;
    vm->place = PVM_PLACE_PC;
    const pvm_exit_t exit = pvm_interpreter_step(vm);
    vm->place = PVM_PLACE_ENGINE;
    return exit;
}

bool pvm_recompiler_prepare_all(pvm_vm_t *vm)
{
    const unsigned variant = variant_of(vm);
    const pvm_recompiler_code_t *code =
        __atomic_load_n(&vm->program->recompiler_code[variant], __ATOMIC_ACQUIRE);

    if (code == NULL || code->growth != NULL) {
        code = make_all(vm->program, variant);
    }
    return code != NULL && code->growth == NULL;
}

/* Count what was used since there was `before`. A host may have set the gas as it likes. @return whether the code has given way to
 * another one */
static bool wear(pvm_vm_t *vm, pvm_recompiler_code_t *code, int64_t before)
{
    const int64_t used = before - vm->gas;

    return used > 0 &&
           pvm_growth_is_worn(code, used < WORN_AT_ONCE_MAX ? used : WORN_AT_ONCE_MAX) &&
           replace_code(vm->program, code->variant);
}

/* Whether a block begins at vm->pc that this code could have, and has not. */
static bool is_to_reach(const pvm_vm_t *vm, const pvm_recompiler_code_t *code)
{
    return code->growth != NULL && vm->pc < vm->program->code.len &&
           pvm_program_is_block_start(vm->program, vm->pc) && !pvm_growth_has(code, vm->pc);
}

pvm_exit_t pvm_recompiler_run(pvm_vm_t *vm)
{
    pvm_recompiler_code_t *code = NULL;
    bool step;

    for (;;) {
        /* After the first time only a host call can have changed what is collected, and a mapping the memory. */
        if (code == NULL || vm->moved || is_stale(vm, code)) {
            code = is_told_singly(vm) ? NULL : get_code(vm);
        }
        if (code == NULL) {
            /* Blocks are told one by one there; or there is no memory for code, or no leave to execute it: the same run,
             * only slower. */
            return pvm_interpreter_run(vm);
        }
        if (atomic_load_explicit(&vm->interrupt, memory_order_relaxed) &&
            atomic_exchange_explicit(&vm->interrupt, false, memory_order_relaxed)) {
            return PVM_EXIT_INTERRUPT;
        }
        if (is_to_reach(vm, code) && !reach(vm->program, code, vm->pc)) {
            if (replace_code(vm->program, code->variant)) {
                code = NULL;
                continue;
            }
            /* Or else it would be tried again at each block that is not there. Without memory for that either, it is. */
            if (pvm_interpreter_prepare(vm)) {
                return pvm_interpreter_run(vm);
            }
        }
        const pvm_stretch_t *const stretch = stretch_at_pc(vm, code);
        pvm_exit_t exit;
        /* Behind the code, an entry is for the step to judge. */
        if (vm->pc < vm->program->code.len && stretch != NULL && pay(vm, stretch)) {
            const int64_t before = vm->gas;
            exit = run_from(vm, code, stretch, &step);
            if (code->growth != NULL && wear(vm, code, before)) {
                code = NULL;
            }
            if (exit == PVM_EXIT_GO_ON && step) {
                exit = step_one(vm);
            }
        } else {
            exit = step_one(vm);
        }
        if (exit != PVM_EXIT_GO_ON) {
            return exit;
        }
    }
}
#else
#include "support/error.h"

bool pvm_recompiler_is_available(void)
{
    pvm_error_set("the recompiler is for x86-64 Linux and not available in this build; use the "
                  "interpreter");
    return false;
}

bool pvm_recompiler_wants_guard(void)
{
    return false;
}

bool pvm_recompiler_prepare(pvm_vm_t *vm)
{
    (void)vm;
    return false;
}

pvm_exit_t pvm_recompiler_run(pvm_vm_t *vm)
{
    (void)vm;
    return PVM_EXIT_ERROR;
}
#endif
