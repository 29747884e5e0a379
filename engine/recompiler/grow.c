/* Memory for code that grows, how long it does, and questions to it. */
#include "recompiler/growth.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "isa/positions.h"
#include "support/error.h"
#include "support/large.h"

#include <stdlib.h>
#include <string.h>

/** Guest code in a unit, about: enough that a unit costs little beside its code, and little that is never executed. */
#define UNIT_OCTETS 4096
/** Programs of less code are emitted at once. */
#define GROWS_OCTETS 16384
/** Those of more code, too: their tables would take too many addresses. */
#define GROWS_OCTETS_MAX (UINT32_C(1) << 20)
/** What a unit costs beside its code, in octets of guest code that could be compiled meanwhile. */
#define UNIT_COST_OCTETS 300
/** Gas used for an octet of guest code until the whole is worth compiling: when a tenth of the time it took is what that costs. */
#define WORN_GAS 500
/** Octets of the region for an octet of guest code, with the last pages of units: what code becomes is seldom more. Addresses below
 *  2 GiB are few. */
#define EXPANSION         8
#define EXPANSION_CHECKED 14
#define REST_BYTES        ((size_t)64 << 10)

/* -- Beginning --- */

typedef struct {
    bool is_asked_for;    /**< by PVM_UNIT */
    uint32_t unit_octets; /**< 0: nothing grows */
    uint32_t
        worn_gas; /**< for an octet of guest code; 0: it is never worn, nor does the rest ever come at once */
} options_t;

/* What PVM_UNIT says: "octets" or "octets,gas". Anything else is the same as nothing. */
static options_t options(void)
{
    const options_t usual = {.unit_octets = UNIT_OCTETS, .worn_gas = WORN_GAS};
    const char *const text = getenv("PVM_UNIT");
    options_t asked = {.is_asked_for = true};
    char *end;

    if (text == NULL || text[0] == '\0') {
        return usual;
    }
    asked.unit_octets = (uint32_t)strtoul(text, &end, 10);
    if (*end == ',') {
        asked.worn_gas = (uint32_t)strtoul(end + 1, &end, 10);
    }
    return *end == '\0' ? asked : usual;
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
    PLACE(growth->units, work->region.bytes / PVM_UNIT_PAGE_BYTES + 1);
    PLACE(work->stretches, 2 * most + 2 * blocks);
    PLACE(work->lengths, most);
    PLACE(work->stubs, stubs);
    PLACE(work->host_sites, most);
    PLACE(c->stub_sites, stubs);
    PLACE(c->jumps, 2 * most);
#undef PLACE
    return used;
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

/* The region and the tables. @return 0, or -1 */
static int take_memory(pvm_growth_t *growth)
{
    const pvm_program_t *const program = growth->program;
    pvm_recompiler_code_t *const work = &growth->work;
    const size_t slots = program->jump_table_len + 2 * (size_t)program->block_count;
    const size_t slot_bytes = pvm_growth_pages(slots * sizeof(*growth->slots));
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
    return pvm_unit_seal(growth, pvm_unit_emit_stubs(growth, at, 0));
}

bool pvm_growth_is_wanted(const pvm_program_t *program, unsigned variant)
{
    const options_t wanted = options();

    return (variant & ~(unsigned)PVM_VARIANT_CHECKED) == 0 && wanted.unit_octets != 0 &&
           program->code.len > (wanted.is_asked_for ? 0 : GROWS_OCTETS) &&
           program->code.len <= GROWS_OCTETS_MAX && getenv("PVM_PERF") == NULL;
}

pvm_recompiler_code_t *pvm_growth_begin(const pvm_program_t *program, unsigned variant)
{
    pvm_recompiler_code_t *const code = calloc(1, sizeof(*code));
    pvm_growth_t *const growth = calloc(1, sizeof(*growth));
    const options_t wanted = options();

    if (code == NULL || growth == NULL) {
        pvm_error_set("no memory to compile %u octets of code", program->code.len);
        free(code);
        free(growth);
        return NULL;
    }
    (void)pthread_mutex_init(&growth->lock, NULL);
    growth->program = program;
    growth->unit_octets = wanted.unit_octets;
    growth->unit_cost = wanted.is_asked_for ? 0 : UNIT_COST_OCTETS;
    growth->worn_gas = wanted.worn_gas;
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

/* -- Questions, from any thread --- */

bool pvm_growth_has(const pvm_recompiler_code_t *code, uint32_t pc)
{
    return pvm_growth_entry(code->growth, pc) != 0;
}

void pvm_growth_link(pvm_recompiler_code_t *code, uint32_t slot, uint32_t pc)
{
    const uint64_t place = (uintptr_t)code->region.base + pvm_growth_entry(code->growth, pc);

    __atomic_store_n(&code->growth->slots[slot], place, __ATOMIC_RELEASE);
}

bool pvm_growth_is_worn(pvm_recompiler_code_t *code, int64_t gas)
{
    pvm_growth_t *const growth = code->growth;
    const int64_t all = __atomic_load_n(&growth->gas, __ATOMIC_RELAXED) + gas;
    const bool is_worn =
        growth->worn_gas != 0 && all > growth->worn_gas * (int64_t)growth->program->code.len;

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
    const pvm_unit_t *const unit = &growth->units[low];
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
