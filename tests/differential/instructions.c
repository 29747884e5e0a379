/* Single random instructions: which, with which registers, immediates and addresses. What exists in a numbering is
 * read from the instruction table, so a new instruction is tested as soon as it has a row. */
#include "draft.h"

/* -- Numbers ------------------------------------------------------------------------------ */

int64_t diff_random_immediate(diff_source_t *source)
{
    switch (diff_below(source, 8)) {
    case 0:
        return 0;
    case 1:
        return (int64_t)diff_below(source, 256) - 128;
    case 2: {
        /* A power of two or next to one; 2^31 wraps to the lowest value. */
        const uint32_t power = UINT32_C(1) << diff_below(source, 32);
        return (int32_t)(power + diff_below(source, 3) - 1);
    }
    case 3:
        return (int64_t)diff_below(source, 70) - 2;
    case 4:
        return -(int64_t)(UINT32_C(1) << diff_below(source, 32));
    case 5:
        return (int16_t)diff_below(source, 65536);
    default:
        return (int32_t)(diff_below(source, 65536) << 16 | diff_below(source, 65536));
    }
}

uint64_t diff_random_value(diff_source_t *source)
{
    switch (diff_below(source, 6)) {
    case 0:
        return (uint64_t)diff_random_immediate(source);
    case 1:
        return (UINT64_C(1) << diff_below(source, 64)) + diff_below(source, 3) - 1;
    case 2:
        return (uint64_t)-(int64_t)diff_below(source, 5);
    case 3:
        return (uint32_t)diff_random_immediate(source);
    default: {
        uint64_t value = 0;
        for (int i = 0; i < 4; i++) {
            value = value << 16 | diff_below(source, 65536);
        }
        return value >> diff_below(source, 64);
    }
    }
}

uint8_t diff_random_register(diff_source_t *source)
{
    return (uint8_t)diff_below(source, PVM_REGISTER_COUNT);
}

uint8_t diff_random_target(diff_draft_t *draft)
{
    diff_source_t *const source = draft->source;

    if (diff_one_in(source, 400)) {
        return diff_random_register(source);
    }
    return draft->roles[diff_between(source, DIFF_ROLE_FREE, DIFF_ROLE_END - 1)];
}

/* -- Choosing from the table --------------------------------------------------------------- */

static bool is_any(const pvm_op_info_t *info)
{
    return info->name != NULL;
}

static bool is_arithmetic(const pvm_op_info_t *info)
{
    return info->effect == PVM_EFFECT_SET1 || info->effect == PVM_EFFECT_SET2 ||
           info->effect == PVM_EFFECT_CMOV;
}

static bool is_access(const pvm_op_info_t *info)
{
    return info->effect == PVM_EFFECT_LOAD || info->effect == PVM_EFFECT_STORE;
}

static bool is_branch(const pvm_op_info_t *info)
{
    return info->effect == PVM_EFFECT_BRANCH;
}

/* One of the numbering's instructions that are such, all equally often. */
static uint8_t choose(diff_draft_t *draft, bool (*is_such)(const pvm_op_info_t *info))
{
    uint8_t op;

    do {
        op = (uint8_t)diff_below(draft->source, PVM_OP_COUNT);
    } while (pvm_isa_ops[op].number[draft->isa] < 0 || !is_such(&pvm_isa_ops[op]));
    return op;
}

/* Operands without care, but for the register written. */
static pvm_instruction_t with_operands(diff_draft_t *draft, uint8_t op)
{
    diff_source_t *const source = draft->source;
    pvm_instruction_t in = {
        .op = op,
        .a = diff_random_register(source),
        .b = diff_random_register(source),
        .d = diff_random_register(source),
        .x = diff_random_immediate(source),
        .y = diff_random_immediate(source),
    };

    if ((pvm_isa_ops[op].writes & PVM_ROLE_A) != 0) {
        in.a = diff_random_target(draft);
    }
    if ((pvm_isa_ops[op].writes & PVM_ROLE_D) != 0) {
        in.d = diff_random_target(draft);
    }
    /* The same register twice is where emitters go wrong. */
    if (diff_one_in(source, 4)) {
        in.b = in.a;
    }
    if (diff_one_in(source, 4) && (pvm_isa_ops[op].writes & PVM_ROLE_D) != 0) {
        *(diff_one_in(source, 2) ? &in.a : &in.b) = in.d;
    }
    if (op == PVM_OP_load_imm_64) {
        in.x = (int64_t)diff_random_value(source);
    }
    return in;
}

void diff_add_arithmetic(diff_draft_t *draft)
{
    const pvm_instruction_t in = with_operands(draft, choose(draft, is_arithmetic));
    diff_item_t *const item = diff_draft_add(draft, &in);

    /* Octets behind the operands change the last immediate; here that does no harm. */
    if (item != NULL && diff_one_in(draft->source, 20)) {
        item->padding = (uint8_t)diff_between(draft->source, 1, 8);
    }
}

/* -- Addresses ----------------------------------------------------------------------------- */

/* Offset from the start of a region: mostly inside, often at a page's edge, sometimes outside, rarely far away. */
static int64_t random_offset(diff_source_t *source, const diff_region_t *region)
{
    const int64_t bytes = (int64_t)region->pages * PVM_PAGE_SIZE;

    switch (diff_below(source, 16)) {
    case 0:
    case 1:
    case 2:
        return (int64_t)(diff_below(source, region->pages + 1) * PVM_PAGE_SIZE) -
               diff_below(source, 9);
    case 3:
        return diff_one_in(source, 6) ? bytes + diff_below(source, 256) : diff_below(source, 256);
    case 4:
        return diff_one_in(source, 12) ? diff_random_immediate(source) : 8;
    default:
        return diff_below(source, (uint32_t)bytes - 7);
    }
}

void diff_add_access(diff_draft_t *draft)
{
    diff_source_t *const source = draft->source;
    const diff_program_t *const program = draft->program;
    const uint32_t index = diff_below(source, program->region_count);
    const diff_region_t *const region = &program->regions[index];
    pvm_instruction_t in = with_operands(draft, choose(draft, is_access));
    const uint32_t form = pvm_isa_ops[in.op].form;

    if (form == PVM_FORM_REG_IMM || form == PVM_FORM_IMM_IMM) {
        in.x = (int32_t)(region->address + (uint32_t)random_offset(source, region));
        if (diff_one_in(source, 300)) {
            in.x = diff_random_immediate(source);
        }
    } else {
        /* Pointer n points at region n when it can. */
        const uint32_t pointer = index < 3 ? index : diff_below(source, 3);
        const uint8_t base = draft->roles[DIFF_ROLE_POINTER + pointer];
        *(form == PVM_FORM_REG_IMM_IMM ? &in.a : &in.b) = base;
        in.x = random_offset(source, &program->regions[pointer % program->region_count]);
        if (diff_one_in(source, 300)) {
            *(form == PVM_FORM_REG_IMM_IMM ? &in.a : &in.b) = diff_random_register(source);
        }
    }
    (void)diff_draft_add(draft, &in);
}

/* -- What compilers put side by side, and the recompiler takes together --- */

/* One of two registers, now and then any. */
static uint8_t one_of(diff_source_t *source, uint8_t usual, uint8_t other)
{
    if (diff_one_in(source, 40)) {
        return diff_random_register(source);
    }
    return diff_one_in(source, 8) ? other : usual;
}

/* The low half of a register, shifted: shlo_l by 32 or so, a shift to the right by anything. */
static void add_cut(diff_draft_t *draft)
{
    diff_source_t *const source = draft->source;
    const uint8_t d = diff_random_target(draft);
    const uint8_t from = diff_random_register(source);

    (void)diff_draft_add(
        draft,
        &(pvm_instruction_t){.op = PVM_OP_shlo_l_imm_64,
                             .a = d,
                             .b = one_of(source, from, d),
                             .x = diff_one_in(source, 6) ? diff_between(source, 31, 33) : 32});
    (void)diff_draft_add(
        draft, &(pvm_instruction_t){.op = diff_one_in(source, 3) ? PVM_OP_shar_r_imm_64
                                                                 : PVM_OP_shlo_r_imm_64,
                                    .a = one_of(source, d, from),
                                    .b = one_of(source, d, from),
                                    .x = diff_one_in(source, 2) ? 32 : diff_below(source, 64)});
}

/* An element of an array: a small index, scaled or not, plus a pointer, and an access through the sum. */
static void add_element(diff_draft_t *draft)
{
    diff_source_t *const source = draft->source;
    const uint32_t index = diff_below(source, 3);
    const diff_region_t *const region =
        &draft->program->regions[index % draft->program->region_count];
    const uint8_t pointer = draft->roles[DIFF_ROLE_POINTER + index];
    const uint8_t d = diff_random_target(draft);
    const uint8_t from = diff_one_in(source, 2) ? d : diff_random_target(draft);
    uint8_t op;

    if (!diff_one_in(source, 30)) {
        (void)diff_draft_add(draft, &(pvm_instruction_t){.op = PVM_OP_and_imm,
                                                         .a = from,
                                                         .b = diff_random_register(source),
                                                         .x = diff_below(source, 16)});
    }
    if (!diff_one_in(source, 3)) {
        (void)diff_draft_add(
            draft, &(pvm_instruction_t){
                       .op = PVM_OP_shlo_l_imm_64, .a = d, .b = from, .x = diff_below(source, 5)});
    }
    const bool swap = diff_one_in(source, 2);
    (void)diff_draft_add(draft,
                         &(pvm_instruction_t){.op = PVM_OP_add_64,
                                              .d = one_of(source, d, from),
                                              .a = swap ? one_of(source, d, from) : pointer,
                                              .b = swap ? pointer : one_of(source, d, from)});
    do {
        op = choose(draft, is_access);
    } while (pvm_isa_ops[op].form != PVM_FORM_REG_REG_IMM);
    (void)diff_draft_add(draft, &(pvm_instruction_t){.op = op,
                                                     .a = one_of(source, d, from),
                                                     .b = d,
                                                     .x = diff_one_in(source, 2)
                                                              ? diff_below(source, 256)
                                                              : random_offset(source, region)});
}

void diff_add_idiom(diff_draft_t *draft)
{
    if (pvm_isa_ops[PVM_OP_add_64].number[draft->isa] < 0) {
        diff_add_arithmetic(draft);
    } else if (diff_one_in(draft->source, 3)) {
        add_cut(draft);
    } else {
        add_element(draft);
    }
}

pvm_instruction_t diff_random_branch(diff_draft_t *draft)
{
    return with_operands(draft, choose(draft, is_branch));
}

pvm_instruction_t diff_random_instruction(diff_draft_t *draft)
{
    return with_operands(draft, choose(draft, is_any));
}
