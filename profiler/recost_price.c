/* Prices under another spec. Two models: a price for each block that is entered, or 1 for each instruction that is executed.
 *
 * From blocks to blocks: gas / cost is how often a block was charged, whatever the host did to the flag. From instructions
 * to blocks: a hit is a charge. To instructions: hits and cuts tell how often each was executed. */
#include "profiler/recost_price.h"

#include "profiler/executed.h"
#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "program/convert.h"
#include "program/prices.h"
#include "program/program.h"
#include "support/error.h"
#include "vm/counts.h"

#include <stdio.h>
#include <stdlib.h>

/* Executions that began where no instruction stands: all that happens there is a trap. */
typedef struct {
    uint32_t pc;
    int64_t count;
} stray_t;

struct pvm_recost_prices_t {
    pvm_program_t *from;
    pvm_spec_t spec;     /**< the other one */
    pvm_program_t *to;   /**< under it; NULL where single instructions are priced */
    int64_t behind_hits; /**< of the trap behind the code */
    int64_t behind_next; /**< of these, the ones that ran on into it */
    bool has_edges;
    pvm_executed_t executed;
    stray_t *strays;
    size_t stray_count;
};

/* -- Making them --------------------------------------------------------------------------- */

static pvm_prof_status_t convert(pvm_prof_run_file_t *file, int64_t id, pvm_spec_t spec,
                                 pvm_recost_prices_t *prices)
{
    const pvm_conversion_t conversion = {.format = PVM_FORMAT_RAW, .spec = spec};
    pvm_buffer_t blob = {0};
    char why[PVM_ERROR_BYTES];

    prices->spec = spec;
    if (prices->from->spec == spec || spec == PVM_SPEC_0_7_2) {
        return PVM_PROF_OK;
    }
    if (pvm_convert_program(prices->from, &conversion, &blob) == 0) {
        prices->to = pvm_program_load(blob.data, blob.len, PVM_FORMAT_RAW, spec);
    }
    pvm_buffer_free(&blob);
    if (prices->to == NULL || pvm_program_error(prices->to) != NULL) {
        (void)snprintf(why, sizeof(why), "%s",
                       prices->to != NULL ? pvm_program_error(prices->to) : pvm_last_error());
        pvm_error_set("%.150s: program %lld has no form under %s: %.250s", file->path,
                      (long long)id, pvm_prof_spec_name(spec), why);
        return PVM_PROF_E_FORMAT;
    }
    return PVM_PROF_OK;
}

static bool is_instruction(const pvm_code_t *code, uint32_t pc)
{
    return pc < code->len && pvm_isa_mask_at(code, pc) &&
           pvm_isa_op(code->isa, code->octets[pc]) != PVM_OP_INVALID;
}

static int add_stray(pvm_recost_prices_t *prices, stray_t stray)
{
    /* Room for a power of two; the count says when it is used up. */
    if ((prices->stray_count & (prices->stray_count - 1)) == 0) {
        const size_t room = prices->stray_count == 0 ? 1 : 2 * prices->stray_count;
        stray_t *const strays = realloc(prices->strays, room * sizeof(*strays));

        if (strays == NULL) {
            return SQLITE_NOMEM;
        }
        prices->strays = strays;
    }
    prices->strays[prices->stray_count++] = stray;
    return SQLITE_OK;
}

/* Entries of executions, less those at instructions. 0.8.0 refuses these, and nothing of them is in a count. */
static int read_strays(pvm_prof_run_file_t *file, int64_t program, pvm_recost_prices_t *prices)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT e.entry_pc, count(*) FROM execution e JOIN vm v ON v.id = e.vm WHERE "
        "v.program = ?1 AND e.kind = 'execute' AND e.blocks_gas > 0 GROUP BY e.entry_pc",
        -1, &row, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_int64(row, 1, program);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const stray_t entry = {.pc = (uint32_t)sqlite3_column_int64(row, 0),
                               .count = sqlite3_column_int64(row, 1)};

        code = is_instruction(&prices->from->code, entry.pc) ? SQLITE_OK : add_stray(prices, entry);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Of the trap behind the code, which latest64 lists as a block: hits, and how many of them ran on into it. */
static int read_behind(pvm_prof_run_file_t *file, int64_t program, pvm_recost_prices_t *prices)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT (SELECT hits FROM block WHERE program = ?1 AND pc = ?2), (SELECT total(count) FROM "
        "edge WHERE program = ?1 AND to_pc = ?2 AND kind = 'next'), EXISTS (SELECT 1 FROM edge)",
        -1, &row, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, program);
        sqlite3_bind_int64(row, 2, prices->from->code.len);
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        prices->behind_hits = sqlite3_column_int64(row, 0);
        prices->behind_next = sqlite3_column_int64(row, 1);
        prices->has_edges = sqlite3_column_int(row, 2) != 0;
    }
    sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

pvm_prof_status_t pvm_recost_prices_create(pvm_prof_run_file_t *file, int64_t program,
                                           pvm_spec_t spec, pvm_recost_prices_t **out)
{
    pvm_recost_prices_t *const prices = calloc(1, sizeof(*prices));
    pvm_prof_status_t status = PVM_PROF_E_SYSTEM;
    int code;

    *out = prices;
    if (prices == NULL) {
        return pvm_prof_store_report(file, SQLITE_NOMEM, "price a program");
    }
    status = pvm_prof_stored_program(file, program, &prices->from);
    if (status != PVM_PROF_OK) {
        return status;
    }
    if (prices->from == NULL) {
        pvm_error_set("%.300s: damaged (program %lld does not load); record again", file->path,
                      (long long)program);
        return PVM_PROF_E_FORMAT;
    }
    if ((status = convert(file, program, spec, prices)) != PVM_PROF_OK) {
        return status;
    }
    code = pvm_executed_read(file, program, prices->from->code.len, &prices->executed);
    if (code == SQLITE_OK) {
        code = read_strays(file, program, prices);
    }
    if (code == SQLITE_OK) {
        code = read_behind(file, program, prices);
    }
    return code == SQLITE_OK ? PVM_PROF_OK
                             : pvm_prof_store_report(file, code, "read where it was cut");
}

void pvm_recost_prices_destroy(pvm_recost_prices_t *prices)
{
    if (prices == NULL) {
        return;
    }
    if (prices->from != NULL) {
        pvm_program_release(prices->from);
    }
    if (prices->to != NULL) {
        pvm_program_release(prices->to);
    }
    pvm_executed_free(&prices->executed);
    free(prices->strays);
    free(prices);
}

/* -- Executions of single instructions ----------------------------------------------------- */

typedef struct {
    int64_t all;  /**< of all instructions together */
    int64_t last; /**< of the last one */
    uint32_t last_pc;
    int64_t hints; /**< of `unlikely`, which 0.7.2 does not have */
    bool has_sbrk;
} executed_t;

/* @return 0, or -1: fewer than none */
static int count_executed(const pvm_recost_prices_t *prices, const pvm_block_t *block, int64_t hits,
                          executed_t *out)
{
    const pvm_code_t *const code = &prices->from->code;
    pvm_executed_walk_t walk = pvm_executed_walk(&prices->executed, block->pc, hits);

    *out = (executed_t){0};
    for (uint32_t pc = block->pc, next; pc < block->end_pc; pc = next) {
        next = pc + 1 + pvm_isa_skip(code, pc);
        const int64_t times = pvm_executed_step(&walk, next);

        if (!walk.is_possible || __builtin_add_overflow(out->all, times, &out->all)) {
            return -1;
        }
        out->last = times;
        out->last_pc = pc;
        const pvm_op_t op = pvm_isa_op(code->isa, code->octets[pc]);
        out->has_sbrk = out->has_sbrk || (times > 0 && op == PVM_OP_sbrk);
        out->hints += op == PVM_OP_unlikely ? times : 0;
    }
    return 0;
}

/* -- Prices -------------------------------------------------------------------------------- */

/* Executions that began at no instruction inside of this block. */
static int64_t strays_in(const pvm_recost_prices_t *prices, const pvm_block_t *block)
{
    int64_t count = 0;

    for (size_t i = 0; i < prices->stray_count; i++) {
        const uint32_t pc = prices->strays[i].pc;

        if (pc < prices->from->code.len &&
            &prices->from->blocks[pvm_program_block_at(prices->from, pc)] == block) {
            count += prices->strays[i].count;
        }
    }
    return count;
}

/* Executions that began behind the code. */
static int64_t strays_behind(const pvm_recost_prices_t *prices)
{
    int64_t count = 0;

    for (size_t i = 0; i < prices->stray_count; i++) {
        count += prices->strays[i].pc >= prices->from->code.len ? prices->strays[i].count : 0;
    }
    return count;
}

/* How often a run went on behind the last block, into the trap that stands there except under 0.8.0, where the last
 * instruction panics. @return false: cannot be told */
static bool count_behind(const pvm_recost_prices_t *prices, const executed_t *executed,
                         int64_t *out)
{
    const pvm_code_t *const code = &prices->from->code;
    const pvm_op_t op = pvm_isa_op(code->isa, code->octets[executed->last_pc]);
    const bool may_branch = pvm_isa_is_terminator(op) && pvm_isa_has_target(op) &&
                            op != PVM_OP_jump && op != PVM_OP_load_imm_jump;
    const int64_t trapped = pvm_executed_behind(&prices->executed, code->len);

    *out = 0;
    if (prices->from->spec == PVM_SPEC_0_7_2) {
        *out = trapped - strays_behind(prices);
    } else if (prices->from->spec == PVM_SPEC_LATEST64 && !pvm_isa_is_terminator(op)) {
        *out = trapped - prices->behind_hits;
    } else if (op == PVM_OP_fallthrough) {
        *out = executed->last;
    } else if (may_branch && prices->has_edges && prices->from->spec == PVM_SPEC_LATEST64) {
        *out = prices->behind_next;
    } else {
        return !may_branch || executed->last == 0;
    }
    return *out >= 0;
}

/* The same block under the other spec. */
static uint64_t block_cost(const pvm_recost_prices_t *prices, const pvm_block_t *block,
                           bool *out_moved)
{
    const uint32_t index = pvm_program_block_at(prices->to, block->pc);

    if (index >= prices->to->block_count) {
        *out_moved = true;
        return 0;
    }
    const pvm_block_t *const other = &prices->to->blocks[index];
    *out_moved = other->pc != block->pc || other->end_pc != block->end_pc;
    return pvm_program_block_gas(prices->to, index);
}

static int price_by_instruction(const pvm_recost_prices_t *prices, const executed_t *executed,
                                bool is_last, pvm_recost_price_t *out)
{
    int64_t behind = 0;

    out->is_exact = prices->executed.is_known;
    if (is_last && !count_behind(prices, executed, &behind)) {
        out->is_exact = false;
    }
    out->hints = executed->hints;
    out->gas = executed->all - executed->hints + behind;
    return 0;
}

/* How often the block is charged: as often as it was, if that is how it was paid, else as often as it was entered. */
static int64_t count_charges(const pvm_recost_prices_t *prices, const pvm_block_t *block,
                             const pvm_recost_count_t *count, bool is_last)
{
    int64_t charges = prices->from->has_block_gas ? count->gas / count->cost : count->hits;

    /* 0.8.0 refuses to begin where no instruction stands; the others charge the block around it. */
    charges -= prices->spec == PVM_SPEC_0_8_0 ? strays_in(prices, block) : 0;
    /* 0.7.2 counts what begins behind the code for the last block. */
    return charges - (is_last && prices->from->spec == PVM_SPEC_0_7_2 ? strays_behind(prices) : 0);
}

/* Under latest64 the trap behind the code is a block: for those that begin there, and for those that run on from a
 * terminator. Who runs off the code without one has paid for the trap with the last block. */
static bool add_behind(const pvm_recost_prices_t *prices, const executed_t *executed,
                       pvm_recost_price_t *out)
{
    const pvm_code_t *const code = &prices->from->code;
    int64_t behind = 0;
    bool is_exact = true;

    if (pvm_isa_is_terminator(pvm_isa_op(code->isa, code->octets[executed->last_pc]))) {
        is_exact = count_behind(prices, executed, &behind);
    }
    if (prices->from->spec == PVM_SPEC_0_7_2) {
        behind += strays_behind(prices);
    }
    out->gas += behind * (int64_t)pvm_counts_block_cost(prices->to, prices->to->block_count);
    return is_exact;
}

static int price_by_block(const pvm_recost_prices_t *prices, const pvm_block_t *block,
                          const pvm_recost_count_t *count, const executed_t *executed,
                          pvm_recost_price_t *out)
{
    const int64_t cost = (int64_t)block_cost(prices, block, &out->is_moved);
    const bool is_last = block == &prices->from->blocks[prices->from->block_count - 1];

    if (prices->from->has_block_gas && (count->cost <= 0 || count->gas < 0)) {
        return -1;
    }
    const int64_t charges = count_charges(prices, block, count, is_last);
    out->is_exact =
        !out->is_moved && (!prices->from->has_block_gas || count->gas % count->cost == 0);
    if (charges < 0 || __builtin_mul_overflow(charges, cost, &out->gas)) {
        return -1;
    }
    if (is_last && prices->spec == PVM_SPEC_LATEST64 && !add_behind(prices, executed, out)) {
        out->is_exact = false;
    }
    return 0;
}

int pvm_recost_price(const pvm_recost_prices_t *prices, uint32_t pc,
                     const pvm_recost_count_t *count, pvm_recost_price_t *out)
{
    const pvm_program_t *const from = prices->from;

    *out = (pvm_recost_price_t){.is_exact = true};
    if (prices->spec == from->spec) {
        out->gas = count->gas;
        return 0;
    }
    if (pc == from->code.len && from->spec == PVM_SPEC_LATEST64) {
        /* The trap behind the code is a block there only: elsewhere a jump to it panics, and beginning there is a trap under
         * 0.7.2 alone. */
        out->gas = prices->spec == PVM_SPEC_0_7_2 ? strays_behind(prices) : 0;
        return 0;
    }
    if (pc >= from->code.len || from->block_count == 0) {
        return -1;
    }
    const uint32_t index = pvm_program_block_at(from, pc);
    const pvm_block_t *const block = &from->blocks[index];
    const bool is_last = index + 1 == from->block_count;
    executed_t executed;

    if (block->pc != pc || count_executed(prices, block, count->hits, &executed) != 0) {
        return -1;
    }
    out->has_sbrk = executed.has_sbrk;
    return prices->to != NULL ? price_by_block(prices, block, count, &executed, out)
                              : price_by_instruction(prices, &executed, is_last, out);
}
