/* Making call maps. See call_map.h. */
#include "vm/call_map.h"

#include "gas/words.h"
#include "isa/positions.h"
#include "program/routines.h"
#include "support/error.h"
#include "support/large.h"

#include <stdlib.h>
#include <string.h>

/** Address space for a table of pairs. Pages that are never counted in take none of the memory. */
#define PAIR_BYTES_MAX (INT64_C(512) << 20)

static bool links(const pvm_instruction_t *in)
{
    return in->op == PVM_OP_load_imm_jump || in->op == PVM_OP_load_imm_jump_ind;
}

/* Whether the terminator is a call, and where it returns to. */
static bool is_call(const pvm_program_t *program, const uint8_t *starts, const pvm_terminator_t *at,
                    const pvm_instruction_t *in, uint32_t *out_back)
{
    const bool is_indirect = pvm_isa_ops[in->op].effect == PVM_EFFECT_JUMP_IND;
    pvm_routine_call_t call;

    /* Whatever the register: it holds the address of what follows. */
    if (links(in) && pvm_routine_look_up(program, (uint32_t)in->x, out_back) &&
        *out_back == in->next) {
        return true;
    }
    /* Who jumps through the return address itself goes there, and is not going to come back. */
    if ((in->op == PVM_OP_jump_ind && in->a == PVM_REGISTER_RETURN) ||
        !pvm_routine_call_at(program, at->from, &call) || call.pc != at->pc) {
        return false;
    }
    *out_back = call.back;
    return call.is_sure || is_indirect ||
           (call.target <= program->code.len && pvm_routine_is_marked(starts, call.target));
}

/* Whether an instruction of the block loads a constant into r0. Hardly any block has one, and looking at opcodes is much
 * cheaper than decoding. */
static bool may_link(const pvm_program_t *program, const pvm_block_t *block)
{
    const pvm_code_t *const code = &program->code;
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    pvm_positions_t positions = pvm_positions_from(code, block->pc);

    for (uint32_t pc; (pc = pvm_positions_next(&positions)) < block->end_pc;) {
        if (numbers[code->octets[pc]].op == PVM_OP_load_imm &&
            (code->octets[pc + 1] & 15) == PVM_REGISTER_RETURN) {
            return true;
        }
    }
    return false;
}

/* Whether a routine begins inside of the block, merged into its caller by a linker: the return address is loaded, and then room
 * made on the stack. So wherever the block's terminator leads is the routine that was called. */
static bool is_merged_call(const pvm_program_t *program, const pvm_block_t *block,
                           uint32_t *out_back)
{
    pvm_instruction_t in;
    bool is_linked = false;
    bool is_merged = false;

    if (!may_link(program, block)) {
        return false;
    }
    for (uint32_t pc = block->pc; pc < block->end_pc; pc = in.next) {
        pvm_isa_decode(&program->code, pc, &in);
        if (in.op == PVM_OP_load_imm && in.a == PVM_REGISTER_RETURN) {
            is_linked = pvm_routine_look_up(program, (uint32_t)in.x, out_back);
            is_merged = false;
        } else if (pvm_routine_moves_stack(&in) && in.x < 0 && is_linked) {
            is_merged = true;
        } else if (pvm_routine_writes(&in, PVM_REGISTER_RETURN) && !is_merged) {
            is_linked = false;
        }
    }
    return is_merged;
}

static void find_routines(const pvm_program_t *program, const uint8_t *starts, pvm_call_map_t *map)
{
    uint32_t routine = 0;

    for (uint32_t i = 0; i < program->block_count; i++) {
        const uint32_t pc = program->blocks[i].pc;
        if (pvm_routine_is_marked(starts, pc)) {
            routine = pc;
            map->places[i] = PVM_PLACE_START;
        }
        map->routines[i] = routine;
    }
    map->routines[program->block_count] = program->code.len;
}

/* Whether going there from `from` begins another routine. */
static uint8_t step_to(const pvm_call_map_t *map, uint32_t from, uint32_t to)
{
    const bool is_other = to < map->flow->block_count && (map->places[to] & PVM_PLACE_START) != 0 &&
                          map->routines[from] != map->routines[to];

    return is_other ? PVM_STEP_TAIL : PVM_STEP_STAY;
}

static void classify(const pvm_program_t *program, const uint8_t *starts, pvm_call_map_t *map)
{
    const pvm_flow_t *const flow = map->flow;

    for (uint32_t i = 0; i < flow->terminator_count; i++) {
        const pvm_terminator_t *const at = &flow->terminators[i];
        pvm_instruction_t in;
        uint32_t back;

        pvm_isa_decode(&program->code, at->pc, &in);
        const bool is_indirect = pvm_isa_ops[in.op].effect == PVM_EFFECT_JUMP_IND;
        const bool is_jump = pvm_isa_ops[in.op].effect == PVM_EFFECT_JUMP;
        map->backs[i] = PVM_CALL_NONE;
        map->hubs[i] = is_indirect ? map->hub_count++ : PVM_CALL_NONE;
        map->steps[2 * i] = step_to(map, at->from, at->next);
        map->steps[2 * i + 1] = is_indirect ? PVM_STEP_INDIRECT : step_to(map, at->from, at->jump);
        if ((is_indirect || (is_jump && at->jump < flow->block_count)) &&
            is_call(program, starts, at, &in, &back)) {
            map->steps[2 * i + 1] = PVM_STEP_CALL;
            map->backs[i] = back;
        } else if (!is_indirect && at->pc < program->blocks[at->from].end_pc &&
                   is_merged_call(program, &program->blocks[at->from], &back)) {
            map->steps[2 * i] = at->next < flow->block_count ? PVM_STEP_CALL : map->steps[2 * i];
            map->steps[2 * i + 1] =
                at->jump < flow->block_count ? PVM_STEP_CALL : map->steps[2 * i + 1];
            map->backs[i] = back;
        }
        if (map->backs[i] != PVM_CALL_NONE && pvm_program_is_block_start(program, back)) {
            map->places[pvm_program_block_at(program, back)] |= PVM_PLACE_BACK;
        }
        for (uint32_t edge = 2 * i; edge < 2 * i + 2; edge++) {
            const bool is_site =
                map->steps[edge] == PVM_STEP_CALL || map->steps[edge] == PVM_STEP_TAIL;
            map->sites[edge] = is_site ? map->site_count++ : PVM_CALL_NONE;
        }
    }
}

void pvm_call_map_destroy(pvm_call_map_t *map)
{
    if (map == NULL) {
        return;
    }
    pvm_large_give(map->tables);
    free(map);
}

/* @return octets of all tables */
static size_t place_tables(pvm_call_map_t *map, size_t terminators, size_t blocks)
{
    size_t used = 0;

    map->steps = pvm_large_place(map->tables, &used, 2 * terminators * sizeof(*map->steps));
    map->backs = pvm_large_place(map->tables, &used, terminators * sizeof(*map->backs));
    map->sites = pvm_large_place(map->tables, &used, 2 * terminators * sizeof(*map->sites));
    map->hubs = pvm_large_place(map->tables, &used, terminators * sizeof(*map->hubs));
    map->places = pvm_large_place(map->tables, &used, blocks * sizeof(*map->places));
    map->routines = pvm_large_place(map->tables, &used, blocks * sizeof(*map->routines));
    return used;
}

static pvm_call_map_t *make(const pvm_program_t *program)
{
    pvm_call_map_t *const map = calloc(1, sizeof(*map));
    uint8_t *const starts =
        program->block_count > 0 ? pvm_routine_find_starts(program) : calloc(1, 1);
    const pvm_flow_t *const flow = pvm_flow_of(program);

    if (map == NULL || starts == NULL || flow == NULL) {
        goto fail;
    }
    const size_t terminators = (size_t)flow->terminator_count + 1;
    const size_t blocks = (size_t)program->block_count + 1;
    map->flow = flow;
    const size_t bytes = place_tables(map, terminators, blocks);
    map->tables = pvm_large_take(bytes);
    if (map->tables == NULL) {
        goto fail;
    }
    memset(map->tables, 0, bytes);
    (void)place_tables(map, terminators, blocks);
    find_routines(program, starts, map);
    classify(program, starts, map);
    const uint64_t pairs = (uint64_t)map->hub_count * program->jump_table_len;
    map->pair_bytes = pairs <= PAIR_BYTES_MAX / 8 ? (size_t)pairs * 8 : 0;
    free(starts);
    return map;
fail:
    pvm_error_set("no memory to find the calls in %u octets of code", program->code.len);
    free(starts);
    pvm_call_map_destroy(map);
    return NULL;
}

const pvm_call_map_t *pvm_call_map_of(const pvm_program_t *program)
{
    pvm_call_map_t **const place = &((pvm_program_t *)(uintptr_t)program)->call_map;
    pvm_call_map_t *known = __atomic_load_n(place, __ATOMIC_ACQUIRE);

    if (known != NULL) {
        return known;
    }
    pvm_call_map_t *const made = make(program);
    if (made == NULL) {
        return NULL;
    }
    /* Two threads may come here at once; one of the two equal maps stays. */
    if (!__atomic_compare_exchange_n(place, &known, made, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        pvm_call_map_destroy(made);
        return known;
    }
    return made;
}
