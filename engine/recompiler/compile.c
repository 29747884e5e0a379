/* Compiling a program: memory for code and tables, the pass, and what stays of it. */
#include "recompiler/code.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "isa/positions.h"
#include "program/prices.h"
#include "recompiler/compiler.h"
#include "recompiler/finish.h"
#include "recompiler/grow.h"
#include "support/error.h"
#include "support/large.h"

#include <stdlib.h>
#include <string.h>

/** No program is worth more code than this; jumps reach 2 GiB. */
#define CODE_BYTES_MAX (INT64_C(1) << 30)
/** Octets of code that an octet of guest code becomes, generously; more is asked for when it does not suffice. */
#define EXPANSION 12
/** The same for plain code, from experience: what makes a waiting region worth a try. */
#define EXPANSION_USUAL 4

/* A table of `count` elements in the scratch memory; without memory yet only its size. */
static void *place_table(const pvm_arena_region_t *scratch, size_t *used, size_t count,
                         size_t bytes)
{
    return pvm_large_place(scratch->base, used, count * bytes);
}

/* The tables of the pass, as large as they can get: pages that are never touched cost nothing. @return their octets */
static size_t place_tables(pvm_compiler_t *c, uint32_t instructions)
{
    const pvm_program_t *const program = c->program;
    pvm_recompiler_code_t *const code = c->code;
    const size_t most = (size_t)instructions + 2;
    const size_t blocks = (size_t)program->block_count + 1;
    const size_t stubs = 5 * most + blocks;
    size_t used = 0;

    code->stretches = place_table(&c->scratch, &used, 2 * most, sizeof(*code->stretches));
    code->lengths = place_table(&c->scratch, &used, most, sizeof(*code->lengths));
    code->stubs = place_table(&c->scratch, &used, stubs, sizeof(*code->stubs));
    code->host_sites = place_table(&c->scratch, &used, most, sizeof(*code->host_sites));
    c->stub_sites = place_table(&c->scratch, &used, stubs, sizeof(*c->stub_sites));
    c->jumps = place_table(&c->scratch, &used, 2 * most, sizeof(*c->jumps));
    c->ranks = place_table(&c->scratch, &used, pvm_ranks_count(program), sizeof(*c->ranks));
    c->block_heads = place_table(&c->scratch, &used, 4 * blocks, sizeof(*c->block_heads));
    if (c->block_heads != NULL) {
        c->block_costs = c->block_heads + blocks;
        c->block_bodies = c->block_heads + 2 * blocks;
        c->block_aheads = c->block_heads + 3 * blocks;
    }
    if (c->counting) {
        c->detours = place_table(&c->scratch, &used, most, sizeof(*c->detours));
        c->traces = place_table(&c->scratch, &used, c->tracing ? blocks : 0, sizeof(*c->traces));
        c->landings = place_table(&c->scratch, &used, 3 * blocks, sizeof(*c->landings));
    }
    const size_t follows = c->calls == NULL ? 0 : 2 * (size_t)c->calls->site_count + blocks;
    if (c->counting) {
        const size_t tails = most + (c->tracing ? 2 : 1) * blocks + follows;
        code->tails = place_table(&c->scratch, &used, tails, sizeof(*code->tails));
    }
    if (c->calls != NULL) {
        c->follows = place_table(&c->scratch, &used, follows, sizeof(*c->follows));
        c->called_entries = place_table(&c->scratch, &used, blocks, sizeof(*c->called_entries));
    }
    if (c->counting && c->landings != NULL) {
        c->landing_places = c->landings + blocks;
        c->hub_entries = c->landings + 2 * blocks;
    }
    return used;
}

static void *keep_table(void *kept, size_t *used, const void *table, size_t bytes)
{
    void *const place = pvm_large_place(kept, used, bytes);

    return place == NULL || bytes == 0 ? place : memcpy(place, table, bytes);
}

/* All tables are copied into that memory, and stand there from now on. @return their octets */
static size_t keep_all(pvm_recompiler_code_t *code, void *kept)
{
    const pvm_recompiler_code_t old = *code;
    size_t used = 0;

    code->stretches =
        keep_table(kept, &used, old.stretches, old.stretch_count * sizeof(*old.stretches));
    code->lengths = keep_table(kept, &used, old.lengths, old.length_count);
    code->stubs = keep_table(kept, &used, old.stubs, old.stub_count * sizeof(*old.stubs));
    code->host_sites =
        keep_table(kept, &used, old.host_sites, old.host_site_count * sizeof(*old.host_sites));
    code->tails = keep_table(kept, &used, old.tails, old.tail_count * sizeof(*old.tails));
    return used;
}

/* The tables that stay with the code move out of the scratch memory. */
static int keep_tables(pvm_compiler_t *c)
{
    pvm_recompiler_code_t *const code = c->code;

    code->length_count = c->length_count;
    pvm_recompiler_code_t nowhere = *code;
    code->tables = pvm_large_take(keep_all(&nowhere, NULL));
    if (code->tables == NULL) {
        return pvm_error_set("no memory to compile %u octets of code", c->program->code.len);
    }
    (void)keep_all(code, code->tables);
    return 0;
}

/* Octets of the tables of indirect jumps. */
static int64_t table_bytes(const pvm_compiler_t *c)
{
    return 8 * (c->calls != NULL ? INT64_C(2) : 1) * c->program->jump_table_len;
}

void pvm_compiler_begin_pass(pvm_compiler_t *c)
{
    c->jump_count = 0;
    c->loop = PVM_COMPILER_NO_BLOCK;
    c->pinned = 0;
    c->not_run_into = PVM_COMPILER_NO_BLOCK;
    c->segment_first = c->code->stretch_count;
    c->block_first = c->code->stretch_count;
    c->segment_block = PVM_COMPILER_NO_BLOCK;
    c->price_count = 0;
    c->price_ahead = 0;
    c->too_large = false;
}

uint8_t *pvm_compiler_emit_thunks(pvm_compiler_t *c, uint8_t *at)
{
    pvm_recompiler_code_t *const code = c->code;

    c->base = code->region.base;
    code->cpu.low = (uintptr_t)c->base + code->region.bytes <= INT32_MAX;
    c->limit = c->base + code->region.bytes - PVM_INSTRUCTION_BYTES_MAX;
    at = pvm_recompiler_emit_thunks(at, code->cpu, code->variant, &c->thunks);
    code->body_at = (uint32_t)(at - c->base);
    code->leave = c->thunks.leave;
    memcpy(&code->enter, &c->thunks.enter, sizeof(code->enter));
    return at;
}

void pvm_compiler_look_at_table(pvm_compiler_t *c)
{
    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        c->table_has_bad |= !pvm_compiler_is_reachable(c->program, c->program->jump_table[i]);
    }
}

/* @return 0, -1 for an error, 1 if `bytes` of code were not enough. */
static int emit_all(pvm_compiler_t *c, size_t enough, size_t bytes)
{
    pvm_recompiler_code_t *const code = c->code;

    if (pvm_arena_take(enough, bytes, code->cpu.low, &code->region) != 0) {
        return -1;
    }
    uint8_t *at = pvm_compiler_emit_thunks(c, code->region.base);
    (void)pvm_compiler_emit_range(c, &at, 0, c->program->code.len);
    const uint32_t *places = c->block_heads;
    if (c->counting && !c->too_large) {
        at = pvm_compiler_emit_detours(c, at);
        at = pvm_compiler_emit_hub_entries(c, at);
        at = pvm_compiler_emit_traces(c, at);
        at = pvm_compiler_emit_follows(c, at);
        places = c->hub_entries;
    }
    code->block_stub_count = c->counting ? 0 : c->block;
    code->code_len = (uint32_t)(at - c->base);
    const size_t rest =
        pvm_recompiler_stub_bytes(code) + (size_t)table_bytes(c) + 2 * PVM_X86_BYTES_MAX;
    if (c->too_large || rest > (size_t)(code->region.base + code->region.bytes - at)) {
        return 1;
    }
    code->stubs_at = (uint32_t)(at - c->base);
    at = pvm_compiler_emit_block_stubs(c, at);
    at = pvm_compiler_emit_stubs(c, at, 0);
    uint8_t *end = pvm_compiler_emit_jump_table(c, at, places);
    const uint8_t *const table = end - 8 * (size_t)c->program->jump_table_len;
    if (c->calls != NULL) {
        end = pvm_compiler_emit_jump_table(c, end, c->called_entries);
    }
    pvm_compiler_patch_jumps(c, table);
    /* Kept as large as it takes to be enough for this program once more. */
    const size_t used = (size_t)(end - c->base);
    return pvm_arena_seal(&code->region, used > enough ? used : enough);
}

/* The pass begins anew, with tables as they were made. */
static void prepare(pvm_compiler_t *c)
{
    const size_t bytes = ((size_t)c->program->block_count + 1) * sizeof(*c->block_heads);

    c->code->stretch_count = 0;
    c->code->stub_count = 0;
    c->code->host_site_count = 0;
    c->code->tail_count = 0;
    c->block = 0;
    c->terminator = 0;
    c->gaps = 0;
    c->length_count = 0;
    pvm_compiler_begin_pass(c);
    c->code->cpu = pvm_recompiler_cpu();
    memset(c->block_heads, 0, 4 * bytes);
    if (c->counting) {
        c->detour_count = 0;
        c->trace_count = 0;
        c->follow_count = 0;
        if (c->calls != NULL) {
            memset(c->called_entries, 0, bytes);
        }
        memset(c->landings, 0, 3 * bytes);
        pvm_compiler_choose_landings(c);
    }
}

static int compile(pvm_compiler_t *c)
{
    const uint32_t instructions = pvm_positions_count(&c->program->code);
    const size_t tables = place_tables(c, instructions);
    const int64_t most = PVM_THUNKS_BYTES + 2 * PVM_INSTRUCTION_BYTES_MAX +
                         (int64_t)instructions * PVM_INSTRUCTION_BYTES_MAX + table_bytes(c);
    const int64_t overhead = PVM_THUNKS_BYTES + 4 * PVM_INSTRUCTION_BYTES_MAX + table_bytes(c);
    int64_t bytes = overhead + EXPANSION * (int64_t)c->program->code.len;
    /* For a region that waits: most programs fit, and those that do not are emitted once more. */
    int64_t enough = overhead + (c->counting || c->checked ? EXPANSION : EXPANSION_USUAL) *
                                    (int64_t)c->program->code.len;

    if (pvm_arena_take_scratch(tables, &c->scratch) != 0) {
        return -1;
    }
    (void)place_tables(c, instructions);
    pvm_ranks_make(c->program, c->ranks);
    pvm_compiler_number_opcodes(c);
    pvm_compiler_look_at_table(c);
    for (;;) {
        prepare(c);
        const int result = emit_all(c, (size_t)enough, (size_t)bytes);
        if (result <= 0) {
            return result;
        }
        const bool was_full = c->code->region.bytes >= (size_t)bytes;
        pvm_arena_release(c->code->region);
        c->code->region = (pvm_arena_region_t){0};
        if (!was_full) {
            enough = bytes;
            continue;
        }
        if (bytes >= most || bytes >= CODE_BYTES_MAX) {
            return pvm_error_set("%u octets of code are too much for the recompiler; use the "
                                 "interpreter",
                                 c->program->code.len);
        }
        bytes = 4 * bytes < CODE_BYTES_MAX ? 4 * bytes : CODE_BYTES_MAX;
        enough = bytes;
    }
}

pvm_recompiler_code_t *pvm_recompiler_compile(const pvm_program_t *program, unsigned variant)
{
    pvm_recompiler_code_t *const code = calloc(1, sizeof(*code));
    pvm_compiler_t c = {
        .program = program,
        .code = code,
        .flat = !program->has_block_gas,
        .counting = (variant & PVM_VARIANT_COUNTING) != 0,
        .tracing = (variant & PVM_VARIANT_TRACING) != 0,
        .checked = (variant & PVM_VARIANT_CHECKED) != 0,
    };

    const bool follows = (variant & PVM_VARIANT_CALLS) != 0;
    c.flow = c.counting ? pvm_flow_of(program) : NULL;
    c.calls = follows ? pvm_call_map_of(program) : NULL;
    if (code == NULL || (c.counting && c.flow == NULL) || (follows && c.calls == NULL)) {
        pvm_error_set("no memory to compile %u octets of code", program->code.len);
        free(code);
        return NULL;
    }
    code->variant = variant;
    pvm_program_price_all(program);
    int result = compile(&c);
    if (result == 0) {
        result = keep_tables(&c);
    }
    pvm_arena_give_scratch(c.scratch);
    if (result != 0) {
        pvm_recompiler_code_destroy(code);
        return NULL;
    }
    return code;
}

uint32_t pvm_recompiler_narrow_at(const pvm_program_t *program, const pvm_recompiler_code_t *code,
                                  const pvm_stretch_t *stretch, uint32_t pc)
{
    uint8_t nowhere[PVM_STRETCH_INSTRUCTIONS * PVM_INSTRUCTION_BYTES_MAX];
    uint8_t lengths[PVM_STRETCH_INSTRUCTIONS];
    pvm_recompiler_code_t scratch = {.cpu = code->cpu, .lengths = lengths};
    pvm_compiler_t c = {
        .program = program,
        .code = &scratch,
        .flat = !program->has_block_gas,
        .checked = (code->variant & PVM_VARIANT_CHECKED) != 0,
        .replay = true,
        .base = nowhere,
        .limit = nowhere + sizeof(nowhere) - PVM_INSTRUCTION_BYTES_MAX,
    };
    uint8_t *at = nowhere;

    pvm_compiler_number_opcodes(&c);
    return pvm_compiler_emit_range(&c, &at, stretch->pc, pc);
}

void pvm_recompiler_code_destroy(pvm_recompiler_code_t *code)
{
    if (code == NULL) {
        return;
    }
    pvm_recompiler_code_destroy(code->outgrown);
    pvm_growth_destroy(code->growth);
    pvm_arena_release(code->region);
    pvm_large_give(code->tables);
    free(code);
}
#else
void pvm_recompiler_code_destroy(pvm_recompiler_code_t *code)
{
    (void)code;
}
#endif
