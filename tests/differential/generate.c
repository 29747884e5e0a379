/* The shape of random programs. Every random choice comes from the source, so the same source gives the same program.
 *
 * A program is a main part, functions behind it (those of level 1 call those of level 2), and a last terminator.
 * Statements nest; counters, links and pointers live in registers that arithmetic rarely writes, so that most loops
 * end and most calls return. What goes wrong all the same is stopped by gas. */
#include "generate.h"

#include "draft.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 6
#define LEVELS        2
/** Nesting of statements. */
#define DEPTH_MAX 3
/** Halt address, GP A.4, as a sign-extended immediate. */
#define HALT_ADDRESS (-65536)

struct diff_generator_t {
    diff_draft_t draft;
    uint32_t functions[FUNCTIONS_MAX]; /* labels */
    uint32_t function_count;
    uint32_t first_of_level_2;
    uint32_t level;      /* of the function being written; 0: main */
    uint32_t statements; /* still allowed in this part */
};

typedef struct diff_generator_t generator_t;

static void add_statements(generator_t *g, uint32_t depth, uint32_t count);

/* -- Building stones ----------------------------------------------------------------------- */

static void add(generator_t *g, pvm_instruction_t in)
{
    (void)diff_draft_add(&g->draft, &in);
}

static uint8_t counter(const generator_t *g, uint32_t depth)
{
    return g->draft.roles[DIFF_ROLE_COUNTER + depth];
}

static uint8_t link_register(const generator_t *g, uint32_t level)
{
    return g->draft.roles[DIFF_ROLE_LINK + level - 1];
}

/* Begin a block here, so that the label can be jumped to: a terminator must stand in front. */
static void place_at_block(generator_t *g, uint32_t label)
{
    add(g, (pvm_instruction_t){.op = PVM_OP_fallthrough});
    diff_draft_place(&g->draft, label);
}

/* -- Statements ---------------------------------------------------------------------------- */

/* for (counter = n; counter != 0; counter--), closed by one of several branches. */
static void add_loop(generator_t *g, uint32_t depth)
{
    diff_source_t *const source = g->draft.source;
    const uint8_t r = counter(g, depth);
    const uint32_t head = diff_draft_label(&g->draft);
    const int64_t rounds = diff_between(source, 2, depth == 0 ? 40 : 9);
    const bool is_32 = g->draft.isa == PVM_ISA_LATEST32 || diff_one_in(source, 4);
    pvm_instruction_t back = {.op = PVM_OP_branch_ne_imm, .a = r};

    if (diff_one_in(source, 3)) {
        /* The head begins a block because load_imm_jump ends one. */
        const pvm_instruction_t start = {.op = PVM_OP_load_imm_jump, .a = r, .x = rounds};
        diff_draft_jump(&g->draft, &start, head);
        diff_draft_place(&g->draft, head);
    } else {
        add(g, (pvm_instruction_t){.op = PVM_OP_load_imm, .a = r, .x = rounds});
        place_at_block(g, head);
    }
    add_statements(g, depth + 1, diff_between(source, 1, 6));
    add(g, (pvm_instruction_t){
               .op = is_32 ? PVM_OP_add_imm_32 : PVM_OP_add_imm_64, .a = r, .b = r, .x = -1});
    switch (diff_below(source, 4)) {
    case 0:
        back.op = PVM_OP_branch_gt_s_imm;
        break;
    case 1:
        back.op = PVM_OP_branch_ge_u_imm;
        back.x = 1;
        break;
    default:
        break;
    }
    diff_draft_jump(&g->draft, &back, head);
}

static void add_choice(generator_t *g, uint32_t depth)
{
    diff_source_t *const source = g->draft.source;
    const pvm_instruction_t branch = diff_random_branch(&g->draft);
    const uint32_t other = diff_draft_label(&g->draft);
    const uint32_t end = diff_draft_label(&g->draft);

    if (diff_one_in(source, 150)) {
        /* To somewhere that need not begin a block. */
        diff_draft_jump(&g->draft, &branch, diff_below(source, g->draft.label_count));
        diff_draft_place(&g->draft, other);
        return;
    }
    diff_draft_jump(&g->draft, &branch, other);
    add_statements(g, depth + 1, diff_below(source, 4));
    if (diff_one_in(source, 2)) {
        diff_draft_jump(&g->draft, &(pvm_instruction_t){.op = PVM_OP_jump}, end);
        diff_draft_place(&g->draft, other);
        add_statements(g, depth + 1, diff_below(source, 3));
        place_at_block(g, end);
    } else {
        place_at_block(g, other);
    }
}

static void add_call(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint32_t first = g->level == 0 ? 0 : g->first_of_level_2;

    if (g->level == LEVELS || first == g->function_count) {
        return;
    }
    const uint32_t index = diff_between(source, first, g->function_count - 1);
    const uint8_t to = link_register(g, index < g->first_of_level_2 ? 1 : 2);
    const uint32_t back = diff_draft_label(&g->draft);
    const int64_t back_address = diff_draft_address(&g->draft, back);
    if (diff_one_in(source, 2)) {
        const pvm_instruction_t call = {.op = PVM_OP_load_imm_jump, .a = to, .x = back_address};
        diff_draft_jump(&g->draft, &call, g->functions[index]);
    } else {
        /* Through a register and an offset that add up, modulo 2^32. */
        const int64_t target = diff_draft_address(&g->draft, g->functions[index]);
        const int64_t offset = diff_random_immediate(source);
        const uint8_t via = diff_one_in(source, 2) ? to : diff_random_target(&g->draft);
        add(g, (pvm_instruction_t){
                   .op = PVM_OP_load_imm, .a = via, .x = (int32_t)(uint32_t)(target - offset)});
        add(g,
            (pvm_instruction_t){
                .op = PVM_OP_load_imm_jump_ind, .a = to, .b = via, .x = back_address, .y = offset});
    }
    diff_draft_place(&g->draft, back);
}

/* switch (register & 3), through four neighbours in the jump table. */
static void add_switch(generator_t *g, uint32_t depth)
{
    diff_source_t *const source = g->draft.source;
    const uint8_t r = diff_random_target(&g->draft);
    const uint32_t end = diff_draft_label(&g->draft);
    uint32_t cases[4];
    int64_t first = 0;

    for (int i = 0; i < 4; i++) {
        cases[i] = diff_draft_label(&g->draft);
        const int64_t address = diff_draft_address(&g->draft, cases[i]);
        first = i == 0 ? address : first;
    }
    add(g, (pvm_instruction_t){
               .op = PVM_OP_and_imm, .a = r, .b = diff_random_register(source), .x = 3});
    add(g, (pvm_instruction_t){.op = PVM_OP_shlo_l_imm_32, .a = r, .b = r, .x = 1});
    add(g, (pvm_instruction_t){.op = PVM_OP_jump_ind, .a = r, .x = first});
    for (int i = 0; i < 4; i++) {
        diff_draft_place(&g->draft, cases[i]);
        add_statements(g, depth + 1, diff_below(source, 3));
        if (i < 3) {
            diff_draft_jump(&g->draft, &(pvm_instruction_t){.op = PVM_OP_jump}, end);
        }
    }
    place_at_block(g, end);
}

/* Move a pointer on, so that loops walk over page edges and out of what is mapped. */
static void add_walk(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint8_t r = g->draft.roles[DIFF_ROLE_POINTER + diff_below(source, 3)];
    const int64_t step = diff_one_in(source, 8) ? diff_random_immediate(source)
                                                : (int64_t)diff_below(source, 512) - 128;

    add(g, (pvm_instruction_t){.op = g->draft.isa == PVM_ISA_LATEST32 || diff_one_in(source, 3)
                                         ? PVM_OP_add_imm_32
                                         : PVM_OP_add_imm_64,
                               .a = r,
                               .b = r,
                               .x = step});
}

/* Point a pointer at its region again. */
static void add_home(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint32_t index = diff_below(source, 3);
    const diff_program_t *const program = g->draft.program;
    const diff_region_t *const region = &program->regions[index % program->region_count];

    add(g, (pvm_instruction_t){.op = PVM_OP_load_imm,
                               .a = g->draft.roles[DIFF_ROLE_POINTER + index],
                               .x = (int32_t)(region->address + diff_below(source, 16))});
}

/* Growth by little, by what just fits, by too much. */
static void add_sbrk(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint8_t r = diff_random_target(&g->draft);

    if (pvm_isa_ops[PVM_OP_sbrk].number[g->draft.isa] < 0) {
        return;
    }
    if (!diff_one_in(source, 4)) {
        const int64_t octets =
            diff_one_in(source, 2) ? diff_below(source, 20) : diff_below(source, 3) * PVM_PAGE_SIZE;
        add(g, (pvm_instruction_t){.op = PVM_OP_load_imm, .a = r, .x = octets});
    }
    add(g, (pvm_instruction_t){.op = PVM_OP_sbrk, .d = diff_random_target(&g->draft), .a = r});
}

static void add_constant(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint8_t r = diff_random_target(&g->draft);

    if (g->draft.isa == PVM_ISA_LATEST32 || diff_one_in(source, 2)) {
        add(g,
            (pvm_instruction_t){.op = PVM_OP_load_imm, .a = r, .x = diff_random_immediate(source)});
    } else {
        add(g, (pvm_instruction_t){
                   .op = PVM_OP_load_imm_64, .a = r, .x = (int64_t)diff_random_value(source)});
    }
}

static void add_rare(generator_t *g)
{
    diff_source_t *const source = g->draft.source;

    switch (diff_below(source, 8)) {
    case 0:
    case 1:
    case 2:
        add(g, (pvm_instruction_t){.op = PVM_OP_unlikely});
        break;
    case 3:
        add(g, diff_random_instruction(&g->draft));
        break;
    case 4:
        add_sbrk(g);
        break;
    default:
        add(g, (pvm_instruction_t){.op = PVM_OP_fallthrough});
        break;
    }
    /* Where there is no `unlikely`, drop what would be a trap. */
    if (g->draft.item_count > 0) {
        const diff_item_t *const last = &g->draft.items[g->draft.item_count - 1];
        if (pvm_isa_ops[last->in.op].number[g->draft.isa] < 0) {
            g->draft.item_count--;
        }
    }
}

static void add_statement(generator_t *g, uint32_t depth)
{
    diff_source_t *const source = g->draft.source;
    const bool may_nest = depth < DEPTH_MAX;
    const uint32_t kind = diff_below(source, 100);

    if (kind < 42) {
        diff_add_arithmetic(&g->draft);
    } else if (kind < 46) {
        diff_add_idiom(&g->draft);
    } else if (kind < 66) {
        diff_add_access(&g->draft);
    } else if (kind < 73) {
        add_constant(g);
    } else if (kind < 76) {
        add(g, (pvm_instruction_t){.op = PVM_OP_ecalli, .x = diff_random_immediate(source)});
    } else if (kind < 79) {
        add_walk(g);
    } else if (kind < 80) {
        add_home(g);
    } else if (kind < 83) {
        add_rare(g);
    } else if (kind < 87) {
        add_call(g);
    } else if (!may_nest) {
        diff_add_arithmetic(&g->draft);
    } else if (kind < 91) {
        add_loop(g, depth);
    } else if (kind < 98) {
        add_choice(g, depth);
    } else {
        add_switch(g, depth);
    }
}

static void add_statements(generator_t *g, uint32_t depth, uint32_t count)
{
    for (uint32_t i = 0; i < count && g->statements > 0; i++) {
        g->statements--;
        add_statement(g, depth);
    }
}

/* -- Parts of a program -------------------------------------------------------------------- */

/* How the main part ends. */
static void add_ending(generator_t *g, uint32_t start)
{
    diff_source_t *const source = g->draft.source;
    const uint8_t r = diff_random_target(&g->draft);

    switch (diff_below(source, 10)) {
    case 0:
        add(g, (pvm_instruction_t){.op = PVM_OP_trap});
        break;
    case 1:
        diff_draft_jump(&g->draft, &(pvm_instruction_t){.op = PVM_OP_jump}, start);
        break;
    case 2:
        add(g,
            (pvm_instruction_t){.op = PVM_OP_jump_ind, .a = r, .x = diff_random_immediate(source)});
        break;
    case 3:
        add(g, (pvm_instruction_t){.op = PVM_OP_load_imm_jump_ind,
                                   .a = r,
                                   .b = diff_random_register(source),
                                   .x = diff_random_immediate(source),
                                   .y = diff_random_immediate(source)});
        break;
    case 4:
        /* On into what follows. */
        add(g, (pvm_instruction_t){.op = PVM_OP_fallthrough});
        break;
    default:
        add(g, (pvm_instruction_t){.op = PVM_OP_load_imm, .a = r, .x = HALT_ADDRESS});
        add(g, (pvm_instruction_t){.op = PVM_OP_jump_ind, .a = r});
        break;
    }
}

static void add_function(generator_t *g, uint32_t index)
{
    diff_source_t *const source = g->draft.source;

    g->level = index < g->first_of_level_2 ? 1 : 2;
    g->statements = diff_between(source, 3, 25);
    diff_draft_place(&g->draft, g->functions[index]);
    /* Counters belong to the caller: a function loops with the deepest one only. */
    add_statements(g, DEPTH_MAX - 1, 12);
    add(g, (pvm_instruction_t){.op = PVM_OP_jump_ind, .a = link_register(g, g->level)});
}

static void generate_structured(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint32_t start = diff_draft_label(&g->draft);
    const bool is_large = diff_one_in(source, 100);

    g->function_count = diff_below(source, FUNCTIONS_MAX + 1);
    g->first_of_level_2 = diff_below(source, g->function_count + 1);
    for (uint32_t i = 0; i < g->function_count; i++) {
        g->functions[i] = diff_draft_label(&g->draft);
    }
    diff_draft_place(&g->draft, start);
    g->level = 0;
    g->statements = is_large ? 1500 : diff_between(source, 10, 70);
    if (!diff_one_in(source, 5)) {
        add_loop(g, 0);
    }
    add_statements(g, 0, is_large ? 400 : diff_between(source, 5, 30));
    if (g->function_count == 0 && diff_one_in(source, 4)) {
        /* On over the end of the code. */
        diff_draft_finish(&g->draft);
        return;
    }
    add_ending(g, start);
    for (uint32_t i = 0; i < g->function_count; i++) {
        add_function(g, i);
    }
    if (!diff_one_in(source, 30)) {
        add(g,
            (pvm_instruction_t){.op = diff_one_in(source, 2) ? PVM_OP_trap : PVM_OP_fallthrough});
    }
    diff_draft_finish(&g->draft);
}

/* Any instructions in a row; targets land where they land. */
static void generate_soup(generator_t *g)
{
    diff_source_t *const source = g->draft.source;
    const uint32_t count = diff_between(source, 1, 60);

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t label = diff_draft_label(&g->draft);
        diff_draft_place(&g->draft, label);
    }
    for (uint32_t i = 0; i < count; i++) {
        const pvm_instruction_t in = diff_random_instruction(&g->draft);
        g->draft.labels[i] = g->draft.item_count;
        if (pvm_isa_has_target((pvm_op_t)in.op)) {
            diff_draft_jump(&g->draft, &in, diff_below(source, count));
        } else {
            add(g, in);
        }
        if (diff_one_in(source, 8)) {
            (void)diff_draft_address(&g->draft, i);
        }
    }
    /* Or on over the end of the code. */
    if (!diff_one_in(source, 4)) {
        add(g, (pvm_instruction_t){.op = PVM_OP_trap});
    }
    diff_draft_finish(&g->draft);
}

/* Octets without sense, under a mask without sense. */
static void generate_octets(diff_source_t *source, diff_program_t *program)
{
    program->code_len = diff_below(source, 200);
    for (uint32_t i = 0; i < program->code_len; i++) {
        program->code[i] = (uint8_t)diff_below(source, 256);
        if (i % 8 == 0) {
            program->mask[i / 8] = (uint8_t)diff_below(source, 256);
        }
    }
    program->jump_table_len = diff_below(source, 4);
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        program->jump_table[i] = diff_below(source, program->code_len + 2);
    }
}

/* Change a few octets of what was a decent program. */
static void damage(diff_source_t *source, diff_program_t *program)
{
    for (uint32_t i = diff_between(source, 1, 3); i > 0 && program->code_len > 0; i--) {
        const uint32_t at = diff_below(source, program->code_len);
        if (diff_one_in(source, 3)) {
            program->mask[at / 8] = (uint8_t)(program->mask[at / 8] ^ 1U << at % 8);
        } else {
            program->code[at] = (uint8_t)diff_below(source, 256);
        }
    }
}

/* -- What is around the code --------------------------------------------------------------- */

static void choose_spec(diff_source_t *source, diff_program_t *program)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64,
                                       PVM_SPEC_LATEST64};
    const uint32_t index = diff_below(source, 4);

    program->spec = specs[index];
    program->is_32_bit = index == 3;
}

/* One to five regions; neighbours, the last page of all, one right at the low end. */
static void choose_regions(diff_source_t *source, diff_program_t *program)
{
    static const uint32_t places[] = {0x00010000, 0x00020000, 0x00022000, 0x7fffe000,
                                      0x80000000, 0xfffff000, 0xfffe0000, 0x00044000};

    if (program->has_heap) {
        program->regions[program->region_count++] =
            (diff_region_t){.address = DIFF_HEAP_REGION, .pages = 1, .access = PVM_ACCESS_WRITE};
    }
    for (uint32_t i = diff_between(source, 1, 4); i > 0; i--) {
        diff_region_t *const region = &program->regions[program->region_count++];
        region->address = places[diff_below(source, sizeof(places) / sizeof(places[0]))];
        region->pages = region->address == 0xfffff000 ? 1 : diff_between(source, 1, 3);
        region->access = diff_one_in(source, 8) ? PVM_ACCESS_READ : PVM_ACCESS_WRITE;
        region->fill = diff_one_in(source, 3) ? 0 : diff_between(source, 1, 1000);
    }
}

static void choose_registers(diff_draft_t *draft)
{
    diff_source_t *const source = draft->source;
    diff_program_t *const program = draft->program;

    for (uint32_t i = 0; i < PVM_REGISTER_COUNT; i++) {
        draft->roles[i] = (uint8_t)i;
        program->registers[i] = diff_random_value(source);
    }
    for (uint32_t i = PVM_REGISTER_COUNT - 1; i > 0; i--) {
        const uint32_t other = diff_below(source, i + 1);
        const uint8_t role = draft->roles[i];
        draft->roles[i] = draft->roles[other];
        draft->roles[other] = role;
    }
    for (uint32_t i = 0; i < 3; i++) {
        const diff_region_t *const region = &program->regions[i % program->region_count];
        /* The upper half of a pointer does not count. */
        const uint64_t upper = diff_one_in(source, 8) ? diff_random_value(source) << 32 : 0;
        program->registers[draft->roles[DIFF_ROLE_POINTER + i]] =
            upper | (region->address + (diff_one_in(source, 3) ? diff_below(source, 64) : 0));
    }
}

static void choose_start(diff_source_t *source, diff_program_t *program)
{
    switch (diff_below(source, 8)) {
    case 0:
        program->gas = diff_below(source, diff_one_in(source, 2) ? 60 : 600);
        break;
    case 1:
        program->gas = diff_below(source, 2500);
        break;
    default:
        program->gas = 400 + (INT64_C(1) << diff_between(source, 9, 14));
        break;
    }
    if (diff_one_in(source, 8)) {
        program->entry = diff_below(source, program->code_len + 2);
    }
}

diff_generator_t *diff_generator_create(void)
{
    return calloc(1, sizeof(diff_generator_t));
}

void diff_generator_destroy(diff_generator_t *generator)
{
    free(generator);
}

void diff_generate(diff_generator_t *generator, diff_source_t *source, diff_program_t *out)
{
    diff_draft_t *const draft = &generator->draft;

    memset(out, 0, sizeof(*out));
    draft->source = source;
    draft->program = out;
    draft->item_count = 0;
    draft->label_count = 0;
    draft->jump_count = 0;
    const uint32_t kind = diff_below(source, 40);
    choose_spec(source, out);
    draft->isa = diff_program_isa(out);
    out->exits = DIFF_EXITS_MAX;
    out->has_heap = diff_one_in(source, 2);
    out->has_callback = !diff_one_in(source, 8);
    out->host_seed = diff_random_value(source);
    choose_regions(source, out);
    choose_registers(draft);
    if (kind == 0) {
        generate_octets(source, out);
    } else if (kind <= 2) {
        generate_soup(generator);
    } else {
        generate_structured(generator);
    }
    if (diff_one_in(source, 25)) {
        damage(source, out);
    }
    choose_start(source, out);
}
