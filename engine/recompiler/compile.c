/* The one pass: from code octets to x86, gas checks, stubs and the code map on the way. No IR: each instruction is
 * emitted as it is decoded, jumps that lead ahead are patched at the end.
 *
 * What is rare becomes a jump to a stub, which leaves to the interpreter's step. Where code may be entered and what is
 * paid at once: code.h. Spec: GP A.3 (blocks, jumps), GP 0.8.0 A.1 (block gas). */
#include "recompiler/code.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "isa/operands.h"
#include "recompiler/emitter.h"
#include "recompiler/select_arithmetic.h"
#include "recompiler/select_bits.h"
#include "recompiler/select_divide.h"
#include "recompiler/thunks.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

/** Most octets that one instruction becomes, everything around it included. */
#define INSTRUCTION_BYTES_MAX 512
/** No program is worth more code than this; jumps reach 2 GiB. */
#define CODE_BYTES_MAX (INT64_C(1) << 30)
/** Octets of code that an octet of guest code becomes, generously; more is asked for when it does not suffice. */
#define EXPANSION 12
/** The same for plain code, from experience: what makes a waiting region worth a try. */
#define EXPANSION_USUAL 4

/** Instead of a block: none, and the table of indirect jumps. */
#define NO_BLOCK  UINT32_MAX
#define THE_TABLE UINT32_MAX

/* A rel32 that is not known yet. */
typedef struct {
    uint32_t end;   /**< offset behind it */
    uint32_t block; /**< where it leads */
    uint32_t cost;  /**< offset of the imm32 that becomes the block's price, or 0 */
} jump_t;

typedef struct {
    const pvm_program_t *program;
    pvm_recompiler_code_t *code;
    bool flat; /**< gas of 0.7.2 */
    bool counting;
    bool checked;
    uint8_t ops[256];   /**< number -> pvm_op_t */
    bool replay;        /**< emit into the void: only the state of the registers is asked for */
    bool table_has_bad; /**< some entry of the jump table is no block start */
    uint8_t *base;      /**< of the region */
    uint8_t *limit;
    pvm_thunks_t thunks;

    pvm_arena_region_t scratch; /**< holds the tables */
    uint32_t *ranks;            /**< for each 64 pcs: blocks that start before them */
    uint32_t *block_heads;      /**< of each block: its gas header */
    uint32_t *block_bodies;     /**< behind it */
    uint32_t *block_costs;      /**< 0.7.2: price of its first segment */
    uint32_t block;             /**< next one to come */

    jump_t *jumps;
    uint32_t jump_count;
    uint32_t *stub_sites; /**< of each stub: offset behind the rel32 that leads there */
    uint32_t terminator;  /**< index of the next terminator */

    uint32_t ordinal; /**< instructions so far, as the block table counts */
    uint32_t length_count;
    uint32_t segment_first; /**< first stretch of the segment that is open */
    uint32_t block_first;   /**< first stretch of the block that is open */
    uint32_t segment_block; /**< block that the segment begins, or NO_BLOCK */
    uint8_t *price_at;      /**< its price: where, */
    bool price_is_small;    /**< and whether in one octet */
    bool too_large;
} compiler_t;

/* -- Blocks --- */

static uint64_t start_bits(const pvm_program_t *program, uint32_t word)
{
    const size_t bytes = (size_t)program->code.len / 8 + 1;
    const size_t at = (size_t)word * 8;
    uint64_t bits = 0;

    memcpy(&bits, program->block_starts + at, bytes - at < 8 ? bytes - at : 8);
    return bits;
}

/* Without an instruction for it, compilers call a library function. */
static inline uint32_t count_bits(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555;
    bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (uint32_t)(bits * 0x0101010101010101 >> 56);
}

static void rank_blocks(compiler_t *c)
{
    const pvm_program_t *const program = c->program;
    const uint32_t words = program->code.len / 64 + 1;
    /* Position 0 is a block of the table even where it is no block start. */
    uint32_t count = program->block_count > 0 && !pvm_program_is_block_start(program, 0);

    for (uint32_t word = 0; word < words; word++) {
        c->ranks[word] = count;
        count += count_bits(start_bits(program, word));
    }
}

static uint32_t block_of(const compiler_t *c, uint32_t start)
{
    const uint64_t below = (UINT64_C(1) << (start & 63)) - 1;

    return c->ranks[start >> 6] + count_bits(start_bits(c->program, start >> 6) & below);
}

/* Whether a jump to pc can be done here: block starts behind the code (latest64) have nothing to go to. */
static inline bool is_reachable(const pvm_program_t *program, int64_t pc)
{
    return pc >= 0 && pc < program->code.len && pvm_program_is_block_start(program, (uint64_t)pc);
}

static uint32_t block_cost(const compiler_t *c, uint32_t block)
{
    return c->flat ? c->block_costs[block] : c->program->blocks[block].gas;
}

/* -- Stretches and segments --- */

static void begin_stretch(compiler_t *c, uint32_t pc, const uint8_t *at)
{
    c->code->stretches[c->code->stretch_count++] = (pvm_stretch_t){
        .pc = pc,
        .host = (uint32_t)(at - c->base),
        .lengths = c->length_count,
        .segment_rest = c->ordinal,
        .block_rest = c->ordinal,
    };
}

/* Everything up to here is paid at once. The rests of its stretches hold their ordinals until now. */
static void close_segment(compiler_t *c)
{
    pvm_stretch_t *const stretches = c->code->stretches;
    const uint32_t first = c->segment_first;

    if (first < c->code->stretch_count) {
        const uint32_t price = c->ordinal - stretches[first].segment_rest;
        for (uint32_t i = first; i < c->code->stretch_count; i++) {
            stretches[i].segment_rest = c->ordinal - stretches[i].segment_rest;
        }
        if (c->segment_block != NO_BLOCK) {
            c->block_costs[c->segment_block] = price;
            if (c->price_at != NULL && c->price_is_small) {
                *c->price_at = (uint8_t)price;
            } else if (c->price_at != NULL) {
                memcpy(c->price_at, &price, sizeof(price));
            }
        }
    }
    c->segment_first = c->code->stretch_count;
    c->segment_block = NO_BLOCK;
    c->price_at = NULL;
}

/* The block ends behind what was counted last. */
static void close_block(compiler_t *c)
{
    pvm_stretch_t *const stretches = c->code->stretches;

    for (uint32_t i = c->block_first; i < c->code->stretch_count; i++) {
        stretches[i].block_rest = c->ordinal - stretches[i].block_rest;
    }
    c->block_first = c->code->stretch_count;
}

/* -- Stubs and jumps --- */

PVM_EMIT void add_stub(compiler_t *c, const uint8_t *end, pvm_stub_kind_t kind, uint32_t pc,
                       uint32_t from)
{
    if (!c->replay) {
        const uint32_t index = c->code->stub_count++;
        c->code->stubs[index] = (pvm_stub_t){.pc = pc, .from = from, .kind = kind};
        c->stub_sites[index] = (uint32_t)(end - c->base);
    }
}

/* jCC stub */
PVM_EMIT void leave_if(compiler_t *c, pvm_emitter_t *e, pvm_x86_condition_t condition,
                       pvm_stub_kind_t kind, uint32_t pc, uint32_t from)
{
    e->at = pvm_x86_jcc_forward(e->at, condition);
    add_stub(c, e->at, kind, pc, from);
}

/* jmp stub */
PVM_EMIT void leave(compiler_t *c, pvm_emitter_t *e, pvm_stub_kind_t kind, uint32_t pc,
                    uint32_t from)
{
    e->at = pvm_x86_jmp_forward(e->at);
    add_stub(c, e->at, kind, pc, from);
}

/* jCC or (condition < 0) jmp to a block: its header, or in counting code its body. */
PVM_EMIT void jump_to(compiler_t *c, pvm_emitter_t *e, int condition, uint32_t block,
                      uint32_t cost_at)
{
    if (block < c->block) {
        const uint8_t *const target =
            c->base + (c->counting ? c->block_bodies[block] : c->block_heads[block]);
        e->at = condition < 0 ? pvm_x86_jmp_back(e->at, target)
                              : pvm_x86_jcc_back(e->at, (pvm_x86_condition_t)condition, target);
        return;
    }
    e->at = condition < 0 ? pvm_x86_jmp_forward(e->at)
                          : pvm_x86_jcc_forward(e->at, (pvm_x86_condition_t)condition);
    c->jumps[c->jump_count++] =
        (jump_t){.end = (uint32_t)(e->at - c->base), .block = block, .cost = cost_at};
}

/* -- Gas --- */

/* sub r15, cost  |  sub qword [rsp + gas], cost */
PVM_EMIT void pay(pvm_emitter_t *e, int32_t cost, bool force_large)
{
    const uint8_t opcode = pvm_x86_is_i8(cost) && !force_large ? 0x83 : 0x81;

    e->at = e->cpu.segment ? pvm_x86_rr(e->at, true, opcode, PVM_X86_SUB, PVM_HOST_GAS)
                           : pvm_x86_stack(e->at, true, opcode, PVM_X86_SUB, PVM_FRAME_GAS);
    if (opcode == 0x83) {
        *e->at++ = (uint8_t)cost;
    } else {
        e->at = pvm_x86_put_32(e->at, cost);
    }
}

/* mov rcx, [rsp + counters]; inc qword [rcx + 8 index] */
static void count(pvm_emitter_t *e, int8_t counters, uint64_t index)
{
    e->at = pvm_x86_stack_load(e->at, PVM_HOST_SCRATCH, counters);
    e->at = pvm_x86_put(e->at, 0x48 | 0xff << 8 | pvm_x86_modrm(2, 0, PVM_HOST_SCRATCH) << 16, 3);
    e->at = pvm_x86_put_32(e->at, (int32_t)(8 * index));
}

/* Pay for the block that begins here. Its price under 0.7.2 is known when its first segment is. */
PVM_EMIT void pay_head(compiler_t *c, pvm_emitter_t *e, uint32_t block)
{
    const uint32_t most = c->program->blocks[block].gas;
    const bool small = most <= INT8_MAX;

    c->too_large |= most > INT32_MAX;
    pay(e, (int32_t)most, !small);
    if (c->flat) {
        c->price_at = e->at - (small ? 1 : 4);
        c->price_is_small = small;
    }
}

/* The start of a block. Plain code pays here, whoever comes. Counting code pays where it comes from; here
 * is what running on from the block before pays and counts. */
PVM_EMIT void begin_block(compiler_t *c, pvm_emitter_t *e, uint32_t pc, uint32_t runs_on_from)
{
    const uint32_t block = c->block;

    c->block_heads[block] = (uint32_t)(e->at - c->base);
    c->segment_block = block;
    if (!c->counting) {
        pay_head(c, e, block);
        leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_NEXT, pc, 0);
    } else if (runs_on_from != UINT32_MAX) {
        pay_head(c, e, block);
        leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_NEXT, pc, runs_on_from);
        count(e, PVM_FRAME_EDGES, 2 * (uint64_t)(c->terminator - 1));
    }
    c->block_bodies[block] = (uint32_t)(e->at - c->base);
    c->block++;
}

/* Counting code: pay for a jump's target, count the edge, go there. */
static void jump_counting(compiler_t *c, pvm_emitter_t *e, uint32_t target_pc, uint32_t block,
                          uint32_t pc)
{
    const bool known = !c->flat || block + 1 < c->block;
    uint32_t cost_at = 0;

    /* The price of the block that is open is not known either. */
    pay(e, known ? (int32_t)block_cost(c, block) : 0, !known);
    if (!known) {
        cost_at = (uint32_t)(e->at - 4 - c->base);
    }
    leave_if(c, e, PVM_X86_B, PVM_STUB_UNPAID_JUMP, target_pc, pc);
    count(e, PVM_FRAME_EDGES, 2 * (uint64_t)c->terminator + 1);
    jump_to(c, e, -1, block, cost_at);
    if (!known && block < c->block) {
        c->jumps[c->jump_count++] = (jump_t){.block = block, .cost = cost_at};
    }
}

/* -- Instructions --- */

/* This instruction is left to the step: it stands outside of segments and begins a stretch. As the first of a block it is
 * paid on arrival all the same (and given back by the leave), so that only arrivals that can pay are counted. */
static void leave_instruction(compiler_t *c, pvm_emitter_t *e, uint32_t pc)
{
    pvm_emit_settle(e);
    if (c->code->stretches[c->code->stretch_count - 1].pc != pc) {
        close_segment(c);
        begin_stretch(c, pc, e->at);
    }
    const bool begins_block = c->segment_block != NO_BLOCK;
    c->ordinal += begins_block;
    close_segment(c);
    c->ordinal -= begins_block;
    leave(c, e, PVM_STUB_LEAVE, pc, 0);
}

/* Leave unless all octets of the access are allowed; the page of the first and of the last octet are looked at. The
 * access octets stand 1 MiB before guest address 0. */
static void check_access(compiler_t *c, pvm_emitter_t *e, pvm_address_t address, unsigned bytes,
                         uint8_t need, uint32_t pc)
{
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1 && bytes == 1) {
            break;
        }
        pvm_emit_address(e, address);
        if (i == 1) {
            e->at =
                pvm_x86_alu_imm(e->at, false, PVM_X86_ADD, PVM_HOST_SCRATCH, (int32_t)bytes - 1);
        }
        /* shr ecx, 12; test byte gs:[rcx - 1 MiB], need  |  test byte [r15 + rcx - 1 MiB], need */
        e->at = pvm_x86_shift(e->at, false, PVM_X86_SHR, PVM_HOST_SCRATCH, PVM_PAGE_BITS);
        e->at =
            e->cpu.segment ? pvm_x86_put(e->at, 0x81f665, 3) : pvm_x86_put(e->at, 0x0f84f641, 4);
        e->at = pvm_x86_put_32(e->at, -(int32_t)PVM_PAGE_COUNT);
        *e->at++ = need;
        leave_if(c, e, PVM_X86_E, PVM_STUB_LEAVE, pc, 0);
    }
}

PVM_EMIT pvm_address_t address_of(pvm_operand_t base, int64_t offset)
{
    return (pvm_address_t){
        .has_base = !base.is_immediate, .base = base.reg, .offset = (int32_t)offset};
}

/* What a load looks like: opcode, REX.W, and whether the value is extended or 64 bits. */
typedef struct {
    uint16_t opcode;
    bool wide;
    bool extended;
    uint8_t bytes;
} load_type_t;

#define LOAD_u8  ((load_type_t){0xb60f, false, true, 1})
#define LOAD_i8  ((load_type_t){0xbe0f, true, true, 1})
#define LOAD_u16 ((load_type_t){0xb70f, false, true, 2})
#define LOAD_i16 ((load_type_t){0xbf0f, true, true, 2})
#define LOAD_u32 ((load_type_t){0x8b, false, false, 4})
#define LOAD_i32 ((load_type_t){0x63, true, true, 4})
#define LOAD_u64 ((load_type_t){0x8b, true, false, 8})

/* movzx|movsx|movsxd|mov d, [address] */
PVM_EMIT void load(compiler_t *c, pvm_emitter_t *e, uint8_t d, load_type_t type,
                   pvm_address_t address, uint32_t pc)
{
    if (c->checked) {
        pvm_emitter_t copy = *e;
        check_access(c, &copy, address, type.bytes, PVM_PAGE_READ, pc);
        *e = copy;
    }
    pvm_emit_memory(e, 0, type.wide, false, type.opcode, pvm_host_register(d), address);
    pvm_emit_now(e, d, type.extended ? PVM_NOW_EXTENDED : PVM_NOW_64);
}

typedef struct {
    uint8_t prefix;
    uint8_t opcode; /**< of the register form */
    uint8_t immediate_opcode;
    bool wide;
    bool octet; /**< the register is named as an octet */
    uint8_t bytes;
} store_type_t;

#define STORE_u8  ((store_type_t){0, 0x88, 0xc6, false, true, 1})
#define STORE_u16 ((store_type_t){0x66, 0x89, 0xc7, false, false, 2})
#define STORE_u32 ((store_type_t){0, 0x89, 0xc7, false, false, 4})
#define STORE_u64 ((store_type_t){0, 0x89, 0xc7, true, false, 8})

/* mov [address], v */
PVM_EMIT void store(compiler_t *c, pvm_emitter_t *e, store_type_t type, pvm_address_t address,
                    pvm_operand_t v, uint32_t pc)
{
    if (type.wide) {
        pvm_emit_widen(e, v);
    }
    if (c->checked) {
        pvm_emitter_t copy = *e;
        check_access(c, &copy, address, type.bytes, PVM_PAGE_WRITE, pc);
        *e = copy;
    }
    if (v.is_immediate) {
        const int32_t value = (int32_t)v.immediate;
        pvm_emit_memory(e, type.prefix, type.wide, false, type.immediate_opcode, 0, address);
        e->at = pvm_x86_put(e->at, (uint32_t)value, type.bytes < 4 ? type.bytes : 4);
    } else {
        pvm_emit_memory(e, type.prefix, type.wide, type.octet, type.opcode,
                        pvm_host_register(v.reg), address);
    }
}

PVM_EMIT void link_register(pvm_emitter_t *e, bool links, uint8_t d, pvm_operand_t v)
{
    if (links) {
        pvm_emit_get(e, true, pvm_host_register(d), v, true);
        pvm_emit_now_64(e, d);
    }
}

/* mov d, v; jmp target */
PVM_EMIT void jump(compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *in, bool links,
                   uint8_t d, pvm_operand_t v)
{
    if (!is_reachable(c->program, in->y)) {
        pvm_emitter_t copy = *e;
        leave_instruction(c, &copy, in->pc);
        *e = copy;
        return;
    }
    const uint32_t block = block_of(c, (uint32_t)in->y);
    pvm_emit_settle(e);
    link_register(e, links, d, v);
    if (c->counting) {
        pvm_emitter_t copy = *e;
        jump_counting(c, &copy, (uint32_t)in->y, block, in->pc);
        *e = copy;
    } else {
        jump_to(c, e, -1, block, 0);
    }
}

/* cmp v, w; jCC target. @return whether it can run on. */
PVM_EMIT bool branch(compiler_t *c, pvm_emitter_t *e, const pvm_instruction_t *in,
                     pvm_x86_condition_t condition, pvm_operand_t v, pvm_operand_t w)
{
    if (!is_reachable(c->program, in->y) || (!c->flat && !is_reachable(c->program, in->next))) {
        pvm_emitter_t copy = *e;
        leave_instruction(c, &copy, in->pc);
        *e = copy;
        return false;
    }
    const uint32_t block = block_of(c, (uint32_t)in->y);
    pvm_emit_compare(e, v, w);
    pvm_emit_settle(e);
    if (c->counting) {
        e->at = pvm_x86_skip(e->at, (int)condition ^ 1);
        uint8_t *const runs_on = e->at;
        pvm_emitter_t copy = *e;
        jump_counting(c, &copy, (uint32_t)in->y, block, in->pc);
        *e = copy;
        pvm_x86_land(runs_on, e->at);
    } else {
        jump_to(c, e, (int)condition, block, 0);
    }
    return true;
}

/* mov rcx, [table + 8 rcx]. The place of the table is patched at the end. */
static void load_table_entry(compiler_t *c, pvm_emitter_t *e)
{
    if (e->cpu.low) {
        e->at = pvm_x86_put(e->at, 0x48 | 0x8b << 8 | 0x0c << 16 | 0xcdULL << 24, 4);
        e->at = pvm_x86_put_32(e->at, 0);
        c->jumps[c->jump_count++] =
            (jump_t){.end = (uint32_t)(e->at - c->base), .block = THE_TABLE};
        return;
    }
    /* mov [temp], rax; lea rax, [rip + table]; mov rcx, [rax + 8 rcx]; mov rax, [temp] */
    e->at = pvm_x86_stack_store(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_0);
    e->at = pvm_x86_put(e->at, 0x48 | 0x8d << 8 | 0x05 << 16, 7);
    c->jumps[c->jump_count++] = (jump_t){.end = (uint32_t)(e->at - c->base), .block = THE_TABLE};
    e->at = pvm_x86_put(e->at, 0x48 | 0x8b << 8 | 0x0c << 16 | 0xc8ULL << 24, 4);
    e->at = pvm_x86_stack_load(e->at, PVM_X86_RAX, PVM_FRAME_TEMP_0);
}

/* ecx = address - 2; ror ecx, 1; cmp ecx, entries; jae stub; mov rcx, [table + 8 rcx]; jmp rcx
 *
 * Rotated, odd addresses become numbers above any table, as 0 and the address of the halt are. Bad entries are 0. What
 * the instruction writes is written when nothing can leave any more. A jump through memory would be an instruction less,
 * and is a third slower where an interpreter's dispatch is the guest. */
static void jump_indirect(compiler_t *c, pvm_emitter_t *e, uint32_t pc, bool links, uint8_t d,
                          pvm_operand_t v, pvm_address_t address)
{
    pvm_emit_settle(e);
    address.offset = (int32_t)((uint32_t)address.offset - 2);
    pvm_emit_address(e, address);
    e->at = pvm_x86_rr(e->at, false, 0xd1, PVM_X86_ROR, PVM_HOST_SCRATCH);
    e->at = pvm_x86_alu_imm(e->at, false, PVM_X86_CMP, PVM_HOST_SCRATCH,
                            (int32_t)c->program->jump_table_len);
    leave_if(c, e, PVM_X86_AE, PVM_STUB_LEAVE, pc, 0);
    load_table_entry(c, e);
    if (c->table_has_bad) {
        e->at = pvm_x86_test(e->at, true, PVM_HOST_SCRATCH, PVM_HOST_SCRATCH);
        leave_if(c, e, PVM_X86_E, PVM_STUB_LEAVE, pc, 0);
    }
    link_register(e, links, d, v);
    if (c->counting) {
        /* mov dword [rsp + jump pc], pc; count, while rcx waits */
        e->at = pvm_x86_stack(e->at, false, 0xc7, 0, PVM_FRAME_JUMP_PC);
        e->at = pvm_x86_put_32(e->at, (int32_t)pc);
        e->at = pvm_x86_stack_store(e->at, PVM_HOST_SCRATCH, PVM_FRAME_TEMP_1);
        count(e, PVM_FRAME_EDGES, 2 * (uint64_t)c->terminator + 1);
        e->at = pvm_x86_stack_load(e->at, PVM_HOST_SCRATCH, PVM_FRAME_TEMP_1);
    }
    /* jmp rcx */
    e->at = pvm_x86_rr(e->at, false, 0xff, 4, PVM_HOST_SCRATCH);
}

/* mov ecx, site; call thunk */
static void host_call(compiler_t *c, pvm_emitter_t *e, uint32_t pc, int32_t func_id)
{
    pvm_recompiler_code_t *const code = c->code;

    pvm_emit_settle(e);
    e->at = pvm_x86_put(e->at, 0xb9, 1);
    e->at = pvm_x86_put_32(e->at, (int32_t)code->host_site_count);
    e->at = pvm_x86_put(e->at, 0xe8, 5);
    pvm_x86_patch(e->at, c->thunks.host_call);
    code->host_sites[code->host_site_count++] = (pvm_host_site_t){
        .pc = pc,
        .func_id = func_id,
        .behind = c->code->stretch_count,
    };
}

/* -- The table of instructions, expanded --- */

/* Calls a function that is not inlined on a copy of the emitter. The one of the loop then never has an address, so
 * that the compiler keeps it in registers although octets are stored all the time. */
#define OUT_OF_LINE(call)                                                                          \
    do {                                                                                           \
        pvm_emitter_t copy = e;                                                                    \
        call;                                                                                      \
        e = copy;                                                                                  \
    } while (0)

#define REGISTER(role)  ((pvm_operand_t){.reg = in.role})
#define CONSTANT(value) ((pvm_operand_t){.is_immediate = true, .immediate = (value)})
#define O_A             REGISTER(a)
#define O_B             REGISTER(b)
#define O_D             REGISTER(d)
#define O_X             CONSTANT(in.x)
#define O_Y             CONSTANT(in.y)
#define O_ZERO          CONSTANT(0)
#define O__             CONSTANT(0)
#define R_A             in.a
#define R_D             in.d
#define R__             0
#define LINKS_A         true
#define LINKS__         false
/* Address operands: a base (register or none) and an offset that is a constant. */
#define N_X in.x
#define N_Y in.y

#define EFFECT_TRAP(p, q, r, s)                                                                    \
    pvm_emit_settle(&e);                                                                           \
    leave(c, &e, PVM_STUB_LEAVE, in.pc, 0);                                                        \
    ends = ENDS_BLOCK;
#define EFFECT_FALLTHROUGH(p, q, r, s)                                                             \
    if (!c->flat && !is_reachable(program, in.next)) {                                             \
        OUT_OF_LINE(leave_instruction(c, &copy, in.pc));                                           \
        ends = ENDS_BLOCK_LEFT;                                                                    \
    } else {                                                                                       \
        pvm_emit_settle(&e);                                                                       \
        ends = ENDS_BLOCK_RUNS_ON;                                                                 \
    }
#define EFFECT_HINT(p, q, r, s)
#define EFFECT_HOST_CALL(p, q, r, s)                                                               \
    OUT_OF_LINE(host_call(c, &copy, in.pc, (int32_t)in.x));                                        \
    ends = ENDS_SEGMENT;
#define EFFECT_SBRK(p, q, r, s)                                                                    \
    OUT_OF_LINE(leave_instruction(c, &copy, in.pc));                                               \
    ends = ENDS_LEFT;
#define EFFECT_SET1(dst, fn, v, s) pvm_select_##fn(&e, R_##dst, O_##v);
#define EFFECT_SET2(dst, fn, v, w) pvm_select_##fn(&e, R_##dst, O_##v, O_##w);
#define EFFECT_CMOV(dst, cond, t, v)                                                               \
    pvm_emit_cmov(&e, R_##dst, O_##t, O_##v, (pvm_x86_condition_t)PVM_CONDITION_##cond);
#define EFFECT_LOAD(dst, type, b, o)                                                               \
    load(c, &e, R_##dst, LOAD_##type, address_of(O_##b, N_##o), in.pc);
#define EFFECT_STORE(type, b, o, v)                                                                \
    store(c, &e, STORE_##type, address_of(O_##b, N_##o), O_##v, in.pc);
#define EFFECT_JUMP(dst, v, r, s)                                                                  \
    jump(c, &e, &in, LINKS_##dst, R_##dst, O_##v);                                                 \
    ends = is_reachable(program, in.y) ? ENDS_BLOCK : ENDS_BLOCK_LEFT;
#define EFFECT_JUMP_IND(dst, v, b, o)                                                              \
    OUT_OF_LINE(                                                                                   \
        jump_indirect(c, &copy, in.pc, LINKS_##dst, R_##dst, O_##v, address_of(O_##b, N_##o)));    \
    ends = ENDS_BLOCK;
#define EFFECT_BRANCH(cond, v, w, s)                                                               \
    ends = branch(c, &e, &in, (pvm_x86_condition_t)PVM_CONDITION_##cond, O_##v, O_##w)             \
               ? ENDS_BLOCK_RUNS_ON                                                                \
               : ENDS_BLOCK_LEFT;

/* What ends with an instruction. LEFT: the step does it, and it is paid apart. */
typedef enum {
    ENDS_NOTHING,
    ENDS_SEGMENT, /**< host call */
    ENDS_LEFT,
    ENDS_BLOCK,
    ENDS_BLOCK_LEFT,
    ENDS_BLOCK_RUNS_ON
} ends_t;

PVM_EMIT uint32_t next_instruction(const pvm_code_t *code, uint32_t pc)
{
    uint64_t bits;

    while (pc < code->len) {
        memcpy(&bits, code->mask + (pc >> 3), sizeof(bits));
        bits >>= pc & 7;
        if (bits != 0) {
            return pc + (uint32_t)__builtin_ctzll(bits);
        }
        pc += 57;
    }
    return pc;
}

/* skip() of GP A.3, inline: the mask is set behind the end. */
PVM_EMIT uint32_t skip_of(const pvm_code_t *code, uint32_t pc)
{
    uint32_t bits;

    memcpy(&bits, code->mask + ((pc + 1) >> 3), sizeof(bits));
    bits = bits >> ((pc + 1) & 7) | UINT32_C(1) << PVM_SKIP_MAX;
    return (uint32_t)__builtin_ctz(bits);
}

/* Behind an instruction with this end, where the next one is at `next`. */
static void close(compiler_t *c, pvm_emitter_t *e, ends_t ends, pvm_instruction_t in)
{
    if (ends >= ENDS_BLOCK) {
        c->terminator += !in.implicit;
        close_block(c);
    }
    if (c->flat || ends >= ENDS_BLOCK) {
        close_segment(c);
    }
    if (ends == ENDS_BLOCK_RUNS_ON && c->counting && !is_reachable(c->program, in.next)) {
        leave(c, e, PVM_STUB_UNPAID_NEXT, in.next, in.pc);
    }
}

/* What stands at pc acts as a trap, although no instruction starts there. */
static void gap(compiler_t *c, pvm_emitter_t *e, uint32_t pc)
{
    pvm_emit_settle(e);
    close_segment(c);
    /* Position 0 is in the block table even where no instruction stands. */
    if (pc == 0 && c->program->block_count > 0) {
        c->block++;
    }
    begin_stretch(c, pc, e->at);
    close_segment(c);
    leave(c, e, PVM_STUB_LEAVE, pc, 0);
    c->ordinal += pc < c->program->code.len;
    close_block(c);
}

/* Emit the instructions in [pc, end). */
static uint32_t emit_range(compiler_t *c, uint8_t **at, uint32_t pc, uint32_t end)
{
    const pvm_program_t *const program = c->program;
    const pvm_code_t *const code = &program->code;
    pvm_emitter_t e = {.at = *at, .cpu = c->code->cpu};
    uint32_t expected = pc;
    uint32_t runs_on_from = UINT32_MAX;
    uint32_t in_stretch = PVM_STRETCH_INSTRUCTIONS;

    for (pc = next_instruction(code, pc); pc < end; pc = next_instruction(code, pc + 1)) {
        if (!c->replay) {
            if (e.at > c->limit) {
                c->too_large = true;
                return 0;
            }
            if (expected < pc) {
                OUT_OF_LINE(gap(c, &copy, expected));
                in_stretch = PVM_STRETCH_INSTRUCTIONS;
            }
            if (pvm_program_is_block_start(program, pc)) {
                OUT_OF_LINE(begin_block(c, &copy, pc, runs_on_from));
                in_stretch = PVM_STRETCH_INSTRUCTIONS;
            } else if (pc == 0) {
                c->block++;
            }
            if (in_stretch == PVM_STRETCH_INSTRUCTIONS) {
                pvm_emit_settle(&e);
                begin_stretch(c, pc, e.at);
                in_stretch = 0;
            }
            in_stretch++;
        }
        const uint8_t *const begin = e.at;
        const uint32_t skip = skip_of(code, pc);
        const pvm_op_t op = (pvm_op_t)c->ops[code->octets[pc]];
        pvm_instruction_t in;
        in.pc = pc;
        in.next = pc + 1 + skip;
        in.implicit = false;
        ends_t ends = ENDS_NOTHING;
        switch (op) {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, ...)                 \
    case PVM_OP_##name:                                                                            \
        pvm_operands_decode(PVM_FORM_##form, code->octets + pc + 1, skip, &in);                    \
        EFFECT_##effect(p, q, r, s) break;
#include "isa/instructions.def"
        case PVM_OP_COUNT:
            in.implicit = true;
            OUT_OF_LINE(leave_instruction(c, &copy, pc));
            ends = ENDS_BLOCK_LEFT;
            break;
        }
        if (c->replay) {
            continue;
        }
        c->code->lengths[c->length_count++] = (uint8_t)(e.at - begin);
        c->ordinal++;
        if (ends != ENDS_NOTHING) {
            OUT_OF_LINE(close(c, &copy, ends, in));
            in_stretch = PVM_STRETCH_INSTRUCTIONS;
        }
        runs_on_from = ends == ENDS_BLOCK_RUNS_ON ? pc : UINT32_MAX;
        expected = in.next;
    }
    if (!c->replay) {
        OUT_OF_LINE(gap(c, &copy, code->len));
    }
    *at = e.at;
    return e.halves & PVM_NARROW_ALL;
}

/* -- The end --- */

/* Counting code: where indirect jumps arrive. */
static uint8_t *emit_hub_entries(compiler_t *c, uint8_t *at, uint32_t *entries)
{
    pvm_emitter_t e = {.at = at, .cpu = c->code->cpu};

    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        const uint32_t pc = c->program->jump_table[i];
        if (!is_reachable(c->program, pc)) {
            continue;
        }
        const uint32_t block = block_of(c, pc);
        if (entries[block] != 0) {
            continue;
        }
        entries[block] = (uint32_t)(e.at - c->base);
        pay(&e, (int32_t)block_cost(c, block), false);
        leave_if(c, &e, PVM_X86_B, PVM_STUB_UNPAID_HUB, pc, 0);
        count(&e, PVM_FRAME_FROM_HUB, block);
        e.at = pvm_x86_jmp_back(e.at, c->base + c->block_bodies[block]);
        if (e.at > c->limit) {
            c->too_large = true;
            break;
        }
    }
    return e.at;
}

static uint8_t *emit_stubs(compiler_t *c, uint8_t *at)
{
    c->code->stubs_at = (uint32_t)(at - c->base);
    for (uint32_t i = 0; i < c->code->stub_count; i++) {
        pvm_x86_patch(c->base + c->stub_sites[i], at);
        at = pvm_x86_put(at, 0xe8, PVM_STUB_BYTES);
        pvm_x86_patch(at, c->thunks.stub_leave);
    }
    return at;
}

static uint8_t *emit_jump_table(compiler_t *c, uint8_t *at, const uint32_t *places)
{
    at = c->base + ((size_t)(at - c->base) + 7) / 8 * 8;
    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        const uint32_t pc = c->program->jump_table[i];
        uint64_t target = 0;
        if (is_reachable(c->program, pc)) {
            target = (uintptr_t)c->base + places[block_of(c, pc)];
        }
        at = pvm_x86_put(at, target, sizeof(target));
    }
    return at;
}

static void patch_jumps(compiler_t *c, const uint8_t *table)
{
    for (uint32_t i = 0; i < c->jump_count; i++) {
        const jump_t jump = c->jumps[i];
        if (jump.block == THE_TABLE) {
            if (c->code->cpu.low) {
                const int32_t address = (int32_t)(uintptr_t)table;
                memcpy(c->base + jump.end - sizeof(address), &address, sizeof(address));
            } else {
                pvm_x86_patch(c->base + jump.end, table);
            }
            continue;
        }
        if (jump.end != 0) {
            pvm_x86_patch(c->base + jump.end, c->base + (c->counting ? c->block_bodies[jump.block]
                                                                     : c->block_heads[jump.block]));
        }
        if (jump.cost != 0) {
            memcpy(c->base + jump.cost, &c->block_costs[jump.block], sizeof(uint32_t));
        }
    }
}

static void number_opcodes(compiler_t *c)
{
    for (unsigned number = 0; number < 256; number++) {
        c->ops[number] = (uint8_t)pvm_isa_op(c->program->code.isa, (uint8_t)number);
    }
}

static uint32_t count_instructions(const pvm_code_t *code)
{
    uint32_t total = 0;

    /* The last word reaches into the padding, where all bits are set: a few too many. */
    for (uint32_t pc = 0; pc < code->len; pc += 64) {
        uint64_t bits;
        memcpy(&bits, code->mask + (pc >> 3), sizeof(bits));
        total += count_bits(bits);
    }
    return total;
}

/* A table of `count` elements in the scratch memory; without memory yet only its size. */
static void *place_table(const pvm_arena_region_t *scratch, size_t *used, size_t count,
                         size_t bytes)
{
    uint8_t *const table = scratch->base == NULL ? NULL : scratch->base + *used;

    *used += (count * bytes + 15) / 16 * 16;
    return table;
}

/* The tables of the pass, as large as they can get: pages that are never touched cost nothing. @return their octets */
static size_t place_tables(compiler_t *c, uint32_t instructions)
{
    const pvm_program_t *const program = c->program;
    pvm_recompiler_code_t *const code = c->code;
    const size_t most = (size_t)instructions + 2;
    const size_t blocks = (size_t)program->block_count + 1;
    const size_t stubs = 5 * most + blocks;
    const size_t words = (size_t)program->code.len / 64 + 1;
    size_t used = 0;

    code->stretches = place_table(&c->scratch, &used, 2 * most, sizeof(*code->stretches));
    code->lengths = place_table(&c->scratch, &used, most, sizeof(*code->lengths));
    code->stubs = place_table(&c->scratch, &used, stubs, sizeof(*code->stubs));
    code->host_sites = place_table(&c->scratch, &used, most, sizeof(*code->host_sites));
    c->stub_sites = place_table(&c->scratch, &used, stubs, sizeof(*c->stub_sites));
    c->jumps = place_table(&c->scratch, &used, 2 * most, sizeof(*c->jumps));
    c->ranks = place_table(&c->scratch, &used, words, sizeof(*c->ranks));
    c->block_heads = place_table(&c->scratch, &used, 4 * blocks, sizeof(*c->block_heads));
    if (c->block_heads != NULL) {
        c->block_bodies = c->block_heads + blocks;
        c->block_costs = c->block_heads + 2 * blocks;
    }
    return used;
}

static void *copy_table(const void *table, size_t bytes)
{
    void *const copy = malloc(bytes > 0 ? bytes : 1);

    return copy == NULL ? NULL : memcpy(copy, table, bytes);
}

/* The tables that stay with the code move out of the scratch memory. */
static int keep_tables(compiler_t *c)
{
    pvm_recompiler_code_t *const code = c->code;

    code->stretches = copy_table(code->stretches, code->stretch_count * sizeof(*code->stretches));
    code->lengths = copy_table(code->lengths, c->length_count);
    code->length_count = c->length_count;
    code->stubs = copy_table(code->stubs, code->stub_count * sizeof(*code->stubs));
    code->host_sites =
        copy_table(code->host_sites, code->host_site_count * sizeof(*code->host_sites));
    if (code->stretches == NULL || code->lengths == NULL || code->stubs == NULL ||
        code->host_sites == NULL) {
        return pvm_error_set("no memory to compile %u octets of code", c->program->code.len);
    }
    return 0;
}

/* @return 0, -1 for an error, 1 if `bytes` of code were not enough. */
static int emit_all(compiler_t *c, size_t enough, size_t bytes)
{
    pvm_recompiler_code_t *const code = c->code;

    if (pvm_arena_take(enough, bytes, code->cpu.low, &code->region) != 0) {
        return -1;
    }
    c->base = code->region.base;
    code->cpu.low = (uintptr_t)c->base + code->region.bytes <= INT32_MAX;
    c->limit = c->base + code->region.bytes - INSTRUCTION_BYTES_MAX;
    uint8_t *at = pvm_recompiler_emit_thunks(c->base, code->cpu, c->counting, &c->thunks);
    code->leave = c->thunks.leave;
    memcpy(&code->enter, &c->thunks.enter, sizeof(code->enter));
    (void)emit_range(c, &at, 0, c->program->code.len);
    const uint32_t *places = c->block_heads;
    if (c->counting && !c->too_large) {
        uint32_t *const hub = c->block_heads + 3 * ((size_t)c->program->block_count + 1);
        at = emit_hub_entries(c, at, hub);
        places = hub;
    }
    code->code_len = (uint32_t)(at - c->base);
    const size_t rest = (size_t)PVM_STUB_BYTES * code->stub_count +
                        8 * (size_t)c->program->jump_table_len + 2 * PVM_X86_BYTES_MAX;
    if (c->too_large || rest > (size_t)(code->region.base + code->region.bytes - at)) {
        return 1;
    }
    at = emit_stubs(c, at);
    const uint8_t *const end = emit_jump_table(c, at, places);
    patch_jumps(c, end - 8 * (size_t)c->program->jump_table_len);
    /* Kept as large as it takes to be enough for this program once more. */
    const size_t used = (size_t)(end - c->base);
    return pvm_arena_seal(&code->region, used > enough ? used : enough);
}

static void prepare(compiler_t *c)
{
    c->code->stretch_count = 0;
    c->code->stub_count = 0;
    c->code->host_site_count = 0;
    c->jump_count = 0;
    c->block = 0;
    c->terminator = 0;
    c->ordinal = 0;
    c->length_count = 0;
    c->segment_first = 0;
    c->block_first = 0;
    c->segment_block = NO_BLOCK;
    c->price_at = NULL;
    c->too_large = false;
    c->code->cpu = pvm_recompiler_cpu();
    memset(c->block_heads, 0, 4 * ((size_t)c->program->block_count + 1) * sizeof(*c->block_heads));
}

static int compile(compiler_t *c)
{
    const uint32_t instructions = count_instructions(&c->program->code);
    const size_t tables = place_tables(c, instructions);
    const int64_t most = PVM_THUNKS_BYTES + 2 * INSTRUCTION_BYTES_MAX +
                         (int64_t)instructions * INSTRUCTION_BYTES_MAX +
                         8 * (int64_t)c->program->jump_table_len;
    const int64_t overhead =
        PVM_THUNKS_BYTES + 4 * INSTRUCTION_BYTES_MAX + 8 * (int64_t)c->program->jump_table_len;
    int64_t bytes = overhead + EXPANSION * (int64_t)c->program->code.len;
    /* For a region that waits: most programs fit, and those that do not are emitted once more. */
    int64_t enough = overhead + (c->counting || c->checked ? EXPANSION : EXPANSION_USUAL) *
                                    (int64_t)c->program->code.len;

    if (pvm_arena_take_scratch(tables, &c->scratch) != 0) {
        return -1;
    }
    (void)place_tables(c, instructions);
    rank_blocks(c);
    number_opcodes(c);
    for (uint32_t i = 0; i < c->program->jump_table_len; i++) {
        c->table_has_bad |= !is_reachable(c->program, c->program->jump_table[i]);
    }
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
    compiler_t c = {
        .program = program,
        .code = code,
        .flat = !program->has_block_gas,
        .counting = (variant & PVM_VARIANT_COUNTING) != 0,
        .checked = (variant & PVM_VARIANT_CHECKED) != 0,
    };

    if (code == NULL) {
        pvm_error_set("no memory to compile %u octets of code", program->code.len);
        return NULL;
    }
    code->variant = variant;
    int result = compile(&c);
    if (result == 0) {
        result = keep_tables(&c);
    } else {
        code->stretches = NULL;
        code->lengths = NULL;
        code->stubs = NULL;
        code->host_sites = NULL;
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
    uint8_t nowhere[PVM_STRETCH_INSTRUCTIONS * INSTRUCTION_BYTES_MAX];
    pvm_recompiler_code_t scratch = {.cpu = code->cpu};
    compiler_t c = {
        .program = program,
        .code = &scratch,
        .flat = !program->has_block_gas,
        .checked = (code->variant & PVM_VARIANT_CHECKED) != 0,
        .replay = true,
        .base = nowhere,
    };
    uint8_t *at = nowhere;

    number_opcodes(&c);
    return emit_range(&c, &at, stretch->pc, pc);
}

void pvm_recompiler_code_destroy(pvm_recompiler_code_t *code)
{
    if (code == NULL) {
        return;
    }
    pvm_arena_release(code->region);
    free(code->stretches);
    free(code->lengths);
    free(code->stubs);
    free(code->host_sites);
    free(code);
}
#else
void pvm_recompiler_code_destroy(pvm_recompiler_code_t *code)
{
    (void)code;
}
#endif
