/* Memory for code that grows, its units, and how others come to see them. */
#include "recompiler/grow.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "isa/positions.h"
#include "program/prices.h"
#include "recompiler/compiler.h"
#include "recompiler/finish.h"
#include "recompiler/reach.h"
#include "recompiler/segments.h"
#include "support/error.h"
#include "support/fork_gate.h"
#include "support/large.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/** Guest code in a unit, about: enough that a unit costs little beside its code, and little that is never executed. */
#define UNIT_OCTETS 4096
/** Programs of less code are emitted at once. */
#define GROWS_OCTETS 16384
/** Those of more code, too: their tables would take too many addresses. */
#define GROWS_OCTETS_MAX (UINT32_C(1) << 20)
/** What a unit costs beside its code, in octets of guest code that could be compiled meanwhile. When all that was spent is
 *  more than half of what the program would have cost at once, the rest comes in one unit: then nobody pays for more than half of it again. */
#define UNIT_COST_OCTETS 300
/** Gas used for an octet of guest code until the whole is worth compiling: when a tenth of the time it took is what that costs. */
#define WORN_GAS 500
/** Octets of the region for an octet of guest code: generously, and with the last pages of so many units. */
#define EXPANSION         16
#define EXPANSION_CHECKED 28
#define REST_BYTES        ((size_t)64 << 10)
#define PAGE_BYTES        4096
/** Octets of a jump through a slot. */
#define WAY_OUT_BYTES 6

typedef struct {
    uint32_t stubs_at;   /**< offset of the unit's first stub, */
    uint32_t first_stub; /**< and which one that is */
} unit_t;

struct pvm_growth_t {
    pthread_mutex_t lock; /**< held while a unit is emitted */
    const pvm_program_t *program;
    uint32_t unit_octets;
    bool is_patient;  /**< it never becomes too much of it to go on */
    pvm_compiler_t c; /**< goes on from unit to unit */
    pvm_recompiler_code_t
        work; /**< what it writes: the tables of the code, with counts that nobody else sees */
    pvm_reach_t reach;
    void *tables;
    uint32_t *entries; /**< of each block: offset of its head, 0: not there. Atomic */
    unit_t *units;
    uint32_t unit_count; /**< atomic */
    uint64_t *slots;     /**< in the region; the jump table first */
    uint32_t slot_count;
    uint32_t at;  /**< offset of the next unit */
    bool is_full; /**< the region is; nothing is emitted any more */
    int64_t gas;  /**< that was used in it, atomic */
};

/* -- Beginning --- */

/* What PVM_UNIT says; `usual` if it says nothing. */
static uint32_t unit_octets(uint32_t usual)
{
    const char *const text = getenv("PVM_UNIT");
    char *end;

    if (text == NULL || text[0] == '\0') {
        return usual;
    }
    const unsigned long octets = strtoul(text, &end, 10);
    return *end == '\0' && octets <= UINT32_MAX ? (uint32_t)octets : usual;
}

/* All tables, as large as they can get: pages that are never touched cost nothing. @return their octets */
static size_t place_tables(pvm_growth_t *growth, uint32_t instructions)
{
    const pvm_program_t *const program = growth->program;
    const size_t blocks = (size_t)program->block_count + 1;
    const size_t most = (size_t)instructions + 2;
    /* Those of eager code, one for each block, and one for each way out: a block has at most two. */
    const size_t stubs = 5 * most + 3 * blocks + program->jump_table_len;
    pvm_recompiler_code_t *const work = &growth->work;
    pvm_compiler_t *const c = &growth->c;
    size_t used = 0;

#define PLACE(table, count)                                                                        \
    ((table) = pvm_large_place(growth->tables, &used, (count) * sizeof(*(table))))
    PLACE(growth->entries, blocks);
    PLACE(growth->reach.is_taken, blocks);
    PLACE(c->block_heads, blocks);
    PLACE(c->block_aheads, blocks);
    if (growth->tables != NULL) {
        memset(growth->tables, 0, used);
    }
    PLACE(c->block_costs, blocks);
    PLACE(c->block_bodies, blocks);
    PLACE(c->ranks, pvm_ranks_count(program));
    PLACE(growth->reach.waiting, 2 * blocks);
    PLACE(growth->reach.chosen, blocks);
    PLACE(growth->units, work->region.bytes / PAGE_BYTES + 1);
    PLACE(work->stretches, 2 * most + 2 * blocks);
    PLACE(work->lengths, most);
    PLACE(work->stubs, stubs);
    PLACE(work->host_sites, most);
    PLACE(c->stub_sites, stubs);
    PLACE(c->jumps, 2 * most);
#undef PLACE
    return used;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Each entry of the jump table is a slot, and has a stub. */
static void note_table(pvm_growth_t *growth)
{
    pvm_compiler_t *const c = &growth->c;
    pvm_recompiler_code_t *const work = &growth->work;

    for (uint32_t i = 0; i < growth->program->jump_table_len; i++) {
        const uint32_t pc = growth->program->jump_table[i];

        growth->slots[i] = 0;
        if (pvm_compiler_is_reachable(growth->program, pc)) {
            c->stub_sites[work->stub_count] = 0;
            work->stubs[work->stub_count++] =
                (pvm_stub_t){.pc = pc, .from = i, .kind = PVM_STUB_ELSEWHERE};
        }
    }
    growth->slot_count = growth->program->jump_table_len;
}

/* Behind the instructions: all stubs from this one on. Who takes a slot that leads nowhere yet comes to them. */
static uint8_t *emit_stubs(pvm_growth_t *growth, uint8_t *at, uint32_t first)
{
    pvm_compiler_t *const c = &growth->c;
    const pvm_recompiler_code_t *const work = &growth->work;

    growth->units[growth->unit_count] =
        (unit_t){.stubs_at = (uint32_t)(at - c->base), .first_stub = first};
    for (uint32_t i = first; i < work->stub_count; i++) {
        if (work->stubs[i].kind == PVM_STUB_ELSEWHERE) {
            growth->slots[work->stubs[i].from] =
                (uintptr_t)at + (uint64_t)PVM_STUB_BYTES * (i - first);
        }
    }
    return pvm_compiler_emit_stubs(c, at, first);
}

/* What was written since the last unit is executable from now on. */
static int seal_unit(pvm_growth_t *growth, const uint8_t *end)
{
    const size_t begin = growth->at;

    growth->at = (uint32_t)whole_pages((size_t)(end - growth->c.base));
    return pvm_arena_seal_part(&growth->work.region, begin, growth->at - begin);
}

/* Everybody sees the unit. */
static void publish_unit(pvm_growth_t *growth, pvm_recompiler_code_t *code)
{
    const pvm_recompiler_code_t *const work = &growth->work;

    __atomic_store_n(&code->length_count, growth->c.length_count, __ATOMIC_RELEASE);
    __atomic_store_n(&code->stretch_count, work->stretch_count, __ATOMIC_RELEASE);
    __atomic_store_n(&code->code_len, work->code_len, __ATOMIC_RELEASE);
    __atomic_store_n(&growth->unit_count, growth->unit_count + 1, __ATOMIC_RELEASE);
}

/* The region and the tables. @return 0, or -1 */
static int take_memory(pvm_growth_t *growth)
{
    const pvm_program_t *const program = growth->program;
    pvm_recompiler_code_t *const work = &growth->work;
    const size_t slots = program->jump_table_len + 2 * (size_t)program->block_count;
    const size_t slot_bytes = whole_pages(slots * sizeof(*growth->slots));
    const size_t bytes =
        slot_bytes + PVM_THUNKS_BYTES + (size_t)PVM_STUB_BYTES * program->jump_table_len +
        REST_BYTES +
        (size_t)program->code.len * (growth->c.checked ? EXPANSION_CHECKED : EXPANSION);
    const uint32_t instructions = pvm_positions_count(&program->code);

    if (pvm_arena_take(bytes, bytes, work->cpu.low, &work->region) != 0) {
        return -1;
    }
    growth->tables = pvm_large_take(place_tables(growth, instructions));
    if (growth->tables == NULL) {
        return pvm_error_set("no memory to compile %u octets of code", program->code.len);
    }
    (void)place_tables(growth, instructions);
    growth->slots = (uint64_t *)(void *)work->region.base;
    growth->at = (uint32_t)slot_bytes;
    return 0;
}

static int begin(pvm_growth_t *growth)
{
    pvm_compiler_t *const c = &growth->c;

    if (take_memory(growth) != 0) {
        return -1;
    }
    growth->reach.program = growth->program;
    growth->reach.ranks = c->ranks;
    growth->reach.ops = c->ops;
    pvm_ranks_make(growth->program, c->ranks);
    pvm_compiler_number_opcodes(c);
    pvm_compiler_look_at_table(c);
    uint8_t *const at = pvm_compiler_emit_thunks(c, growth->work.region.base + growth->at);
    note_table(growth);
    growth->work.code_len = (uint32_t)(at - c->base);
    return seal_unit(growth, emit_stubs(growth, at, 0));
}

bool pvm_growth_is_wanted(const pvm_program_t *program, unsigned variant)
{
    const bool is_asked_for = unit_octets(0) != 0;

    return (variant & ~(unsigned)PVM_VARIANT_CHECKED) == 0 && unit_octets(UNIT_OCTETS) != 0 &&
           program->code.len > (is_asked_for ? 0 : GROWS_OCTETS) &&
           program->code.len <= GROWS_OCTETS_MAX && getenv("PVM_PERF") == NULL;
}

pvm_recompiler_code_t *pvm_growth_begin(const pvm_program_t *program, unsigned variant)
{
    pvm_recompiler_code_t *const code = calloc(1, sizeof(*code));
    pvm_growth_t *const growth = calloc(1, sizeof(*growth));

    if (code == NULL || growth == NULL) {
        pvm_error_set("no memory to compile %u octets of code", program->code.len);
        free(code);
        free(growth);
        return NULL;
    }
    (void)pthread_mutex_init(&growth->lock, NULL);
    growth->program = program;
    growth->unit_octets = unit_octets(UNIT_OCTETS);
    growth->is_patient = unit_octets(0) != 0;
    growth->work = (pvm_recompiler_code_t){.variant = variant, .cpu = pvm_recompiler_cpu()};
    growth->c = (pvm_compiler_t){
        .program = program,
        .code = &growth->work,
        .flat = !program->has_block_gas,
        .checked = (variant & PVM_VARIANT_CHECKED) != 0,
        .in_runs = true,
    };
    const int result = begin(growth);
    *code = growth->work;
    code->growth = growth;
    if (result != 0) {
        pvm_recompiler_code_destroy(code);
        return NULL;
    }
    growth->unit_count = 1;
    return code;
}

void pvm_growth_destroy(pvm_growth_t *growth)
{
    if (growth != NULL) {
        (void)pthread_mutex_destroy(&growth->lock);
        pvm_large_give(growth->tables);
        free(growth);
    }
}

/* -- Units --- */

/* jmp [rip + slot], for each block that jumps of this unit lead to and that is not there. */
static uint8_t *emit_ways_out(pvm_growth_t *growth, uint8_t *at)
{
    pvm_compiler_t *const c = &growth->c;
    pvm_recompiler_code_t *const work = &growth->work;

    for (uint32_t i = 0; i < c->jump_count; i++) {
        pvm_jump_t *const jump = &c->jumps[i];
        if (jump->block == PVM_COMPILER_TABLE || c->block_heads[jump->block] != 0) {
            continue;
        }
        const uint32_t pc = growth->program->blocks[jump->block].pc;
        const uint32_t slot = growth->slot_count++;
        pvm_x86_patch(c->base + jump->end, at);
        jump->end = 0;
        at = pvm_x86_put(at, 0xff | 0x25 << 8, 6);
        pvm_x86_patch(at, (const uint8_t *)&growth->slots[slot]);
        pvm_compiler_arrive_elsewhere(c, pc, at);
        c->stub_sites[work->stub_count] = 0;
        work->stubs[work->stub_count++] =
            (pvm_stub_t){.pc = pc, .from = slot, .kind = PVM_STUB_ELSEWHERE};
    }
    return at;
}

/* Arrivals that cannot pay. What pays stands before the body. Nobody arrives at a position 0 where nothing stands. */
static void note_block_stubs(pvm_growth_t *growth, uint32_t count)
{
    pvm_recompiler_code_t *const work = &growth->work;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t block = growth->reach.chosen[i];
        if (growth->c.block_heads[block] == 0) {
            continue;
        }
        growth->c.stub_sites[work->stub_count] = growth->c.block_bodies[block];
        work->stubs[work->stub_count++] =
            (pvm_stub_t){.pc = growth->program->blocks[block].pc, .kind = PVM_STUB_UNPAID_NEXT};
    }
}

/* The chosen blocks, run by run. */
static uint8_t *emit_runs(pvm_growth_t *growth, uint8_t *at, uint32_t count)
{
    const pvm_block_t *const blocks = growth->program->blocks;
    const uint32_t *const chosen = growth->reach.chosen;
    pvm_compiler_t *const c = &growth->c;
    uint32_t next;

    for (uint32_t i = 0; i < count; i = next) {
        c->too_large |= at > c->limit;
        if (c->too_large) {
            break;
        }
        next = i + 1;
        while (next < count && chosen[next] == chosen[next - 1] + 1) {
            next++;
        }
        c->block = chosen[i];
        c->pinned = (uint32_t)(at - c->base);
        (void)pvm_compiler_emit_range(c, &at, blocks[chosen[i]].pc,
                                      blocks[chosen[next - 1]].end_pc);
    }
    return at;
}

/* The blocks of the next unit. @return how many */
static uint32_t choose(pvm_growth_t *growth, uint32_t block)
{
    const uint64_t spent = growth->reach.octets + (uint64_t)UNIT_COST_OCTETS * growth->unit_count;

    return !growth->is_patient && spent > growth->program->code.len / 2
               ? pvm_reach_choose_rest(&growth->reach)
               : pvm_reach_choose(&growth->reach, block, growth->unit_octets);
}

/* @return 0, or -1: there is no room, or no leave to execute it */
static int emit_unit(pvm_growth_t *growth, pvm_recompiler_code_t *code, uint32_t block)
{
    pvm_compiler_t *const c = &growth->c;
    pvm_recompiler_code_t *const work = &growth->work;
    const uint32_t count = choose(growth, block);
    const uint32_t first_stub = work->stub_count;

    pvm_program_price_blocks(growth->program, growth->reach.chosen, count);
    pvm_compiler_begin_pass(c);
    uint8_t *at = emit_runs(growth, c->base + growth->at, count);
    const size_t rest = (size_t)(work->stub_count - first_stub + count) * PVM_STUB_BYTES +
                        (size_t)c->jump_count * (PVM_STUB_BYTES + WAY_OUT_BYTES);
    if (c->too_large || rest > (size_t)(work->region.base + work->region.bytes - at)) {
        return pvm_error_set("the code of %u octets outgrew its memory", c->program->code.len);
    }
    at = emit_ways_out(growth, at);
    work->code_len = (uint32_t)(at - c->base);
    note_block_stubs(growth, count);
    at = emit_stubs(growth, at, first_stub);
    pvm_compiler_patch_jumps(c, (const uint8_t *)growth->slots);
    if (seal_unit(growth, at) != 0) {
        return -1;
    }
    publish_unit(growth, code);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t chosen = growth->reach.chosen[i];
        __atomic_store_n(&growth->entries[chosen], c->block_heads[chosen], __ATOMIC_RELEASE);
    }
    return 0;
}

static uint32_t entry_at(const pvm_growth_t *growth, uint32_t pc)
{
    const uint32_t block = pvm_ranks_block_at(growth->program, growth->c.ranks, pc);

    return __atomic_load_n(&growth->entries[block], __ATOMIC_ACQUIRE);
}

int64_t pvm_growth_reach(pvm_recompiler_code_t *code, uint32_t pc)
{
    pvm_growth_t *const growth = code->growth;
    int64_t octets = 0;

    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&growth->lock);
    if (entry_at(growth, pc) == 0) {
        const uint32_t begin = growth->at;
        growth->is_full =
            growth->is_full || emit_unit(growth, code, pvm_compiler_block_at(&growth->c, pc)) != 0;
        octets = growth->is_full ? -1 : (int64_t)(growth->work.code_len - begin);
    }
    (void)pthread_mutex_unlock(&growth->lock);
    pvm_fork_gate_leave();
    return octets;
}

/* -- Questions, from any thread --- */

bool pvm_growth_has(const pvm_recompiler_code_t *code, uint32_t pc)
{
    return entry_at(code->growth, pc) != 0;
}

void pvm_growth_link(pvm_recompiler_code_t *code, uint32_t slot, uint32_t pc)
{
    const uint64_t place = (uintptr_t)code->region.base + entry_at(code->growth, pc);

    __atomic_store_n(&code->growth->slots[slot], place, __ATOMIC_RELEASE);
}

bool pvm_growth_is_worn(pvm_recompiler_code_t *code, int64_t gas)
{
    pvm_growth_t *const growth = code->growth;
    const int64_t all = __atomic_load_n(&growth->gas, __ATOMIC_RELAXED) + gas;
    const bool is_worn = !growth->is_patient && all > WORN_GAS * (int64_t)growth->program->code.len;

    /* Who cannot compile the whole asks as seldom again. */
    __atomic_store_n(&growth->gas, is_worn ? 0 : all, __ATOMIC_RELAXED);
    return is_worn;
}

pvm_stub_t pvm_growth_stub(const pvm_recompiler_code_t *code, const uint8_t *stop)
{
    const pvm_growth_t *const growth = code->growth;
    const uint32_t offset = (uint32_t)(stop - code->region.base);
    uint32_t low = 0;
    uint32_t high = __atomic_load_n(&growth->unit_count, __ATOMIC_ACQUIRE);

    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (growth->units[middle].stubs_at < offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const unit_t *const unit = &growth->units[low];
    return code->stubs[unit->first_stub + (offset - unit->stubs_at) / PVM_STUB_BYTES - 1];
}

const pvm_stretch_t *pvm_growth_stretch_at(const pvm_recompiler_code_t *code, uint32_t pc)
{
    const pvm_growth_t *const growth = code->growth;
    const uint32_t block = pvm_program_block_at(growth->program, pc);
    const uint32_t last = growth->program->block_count - 1;
    const uint32_t entry =
        __atomic_load_n(&growth->entries[block < last ? block : last], __ATOMIC_ACQUIRE);
    const uint32_t count = pvm_recompiler_stretch_count(code);
    uint32_t low = 0;
    uint32_t high = count;

    if (entry == 0) {
        return NULL;
    }
    /* Stretches before `low` begin at or before the entry, those from `high` on after it. The first of these is the block's. */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (code->stretches[middle].host <= entry) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (low + 1 < count && code->stretches[low + 1].pc <= pc &&
           code->stretches[low + 1].pc > code->stretches[low].pc) {
        low++;
    }
    return &code->stretches[low];
}
#else
void pvm_growth_destroy(pvm_growth_t *growth)
{
    (void)growth;
}
#endif
