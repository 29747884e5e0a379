/* Reads blocks, samples and host calls of one program, and brings them down to instructions. */
#include "profiler/code.h"

#include "profiler/host_sums.h"
#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "profiler/wrap_sum.h"

#include <stdlib.h>
#include <string.h>

/* -- Reading ------------------------------------------------------------------------------- */

typedef int read_row_t(pvm_prof_code_t *code, sqlite3_stmt *row);

static int read_rows(pvm_prof_run_file_t *file, pvm_prof_code_t *code, const char *sql,
                     read_row_t *read_row)
{
    sqlite3_stmt *rows = NULL;
    int status = sqlite3_prepare_v2(file->db, sql, -1, &rows, NULL);

    if (status == SQLITE_OK) {
        status = sqlite3_bind_int64(rows, 1, code->id);
    }
    while (status == SQLITE_OK && (status = sqlite3_step(rows)) == SQLITE_ROW) {
        status = read_row(code, rows);
    }
    sqlite3_finalize(rows);
    return status == SQLITE_DONE ? SQLITE_OK : status;
}

#define BLOCKS_SQL                                                                                 \
    "SELECT pc, end_pc, function, hits, gas, cost FROM block WHERE program = ?1 ORDER BY pc"

static int read_block(pvm_prof_code_t *code, sqlite3_stmt *row)
{
    const int64_t pc = sqlite3_column_int64(row, 0);
    const int64_t end_pc = sqlite3_column_int64(row, 1);
    const int64_t after = code->block_count > 0 ? code->blocks[code->block_count - 1].end_pc : 0;

    /* What is no stretch of the code cannot be looked at; its figures count all the same. */
    const int64_t len = code->program != NULL ? (int64_t)code->program->code.len : 0;
    if (pc < after || end_pc <= pc || end_pc > len) {
        code->behind_hits = pvm_prof_plus(code->behind_hits, sqlite3_column_int64(row, 3));
        code->behind_gas = pvm_prof_plus(code->behind_gas, sqlite3_column_int64(row, 4));
        return SQLITE_OK;
    }
    if (code->block_count == code->room) {
        const size_t room = code->room == 0 ? 256 : 2 * code->room;
        pvm_prof_code_block_t *const blocks = realloc(code->blocks, room * sizeof(*blocks));

        if (blocks == NULL) {
            return SQLITE_NOMEM;
        }
        code->blocks = blocks;
        code->room = room;
    }
    code->blocks[code->block_count++] =
        (pvm_prof_code_block_t){.pc = (uint32_t)pc,
                                .end_pc = (uint32_t)end_pc,
                                .function = sqlite3_column_int64(row, 2),
                                .hits = sqlite3_column_int64(row, 3),
                                .gas = sqlite3_column_int64(row, 4),
                                .cost = sqlite3_column_int64(row, 5)};
    return SQLITE_OK;
}

static pvm_prof_code_mark_t *add_mark(pvm_prof_code_t *code, int64_t pc)
{
    if (pc < 0 || pc > (int64_t)code->program->code.len) {
        return NULL;
    }
    /* Room for a power of two; the count says when it is used up. */
    if ((code->mark_count & (code->mark_count - 1)) == 0) {
        const size_t room = code->mark_count == 0 ? 1 : 2 * code->mark_count;
        pvm_prof_code_mark_t *const marks = realloc(code->marks, room * sizeof(*marks));

        if (marks == NULL) {
            return NULL;
        }
        code->marks = marks;
    }
    pvm_prof_code_mark_t *const mark = &code->marks[code->mark_count++];
    *mark = (pvm_prof_code_mark_t){.pc = (uint32_t)pc};
    return mark;
}

#define SAMPLES_SQL "SELECT pc, samples FROM sample WHERE program = ?1 AND pc >= 0"

static int read_samples(pvm_prof_code_t *code, sqlite3_stmt *row)
{
    pvm_prof_code_mark_t *const mark = add_mark(code, sqlite3_column_int64(row, 0));

    if (mark != NULL) {
        mark->samples = sqlite3_column_int64(row, 1);
    }
    return SQLITE_OK;
}

int pvm_prof_code_samples(pvm_prof_run_file_t *file, int64_t *out_total)
{
    sqlite3_stmt *row = NULL;
    int code;

    *out_total = 0;
    /* Recordings of older versions have no such tables. */
    if (sqlite3_prepare_v2(
            file->db, "SELECT sum(samples), (SELECT sum(samples) FROM sample) FROM sample_total",
            -1, &row, NULL) != SQLITE_OK) {
        return SQLITE_OK;
    }
    code = sqlite3_step(row);
    if (code == SQLITE_ROW && sqlite3_column_int64(row, 0) == sqlite3_column_int64(row, 1)) {
        *out_total = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

#define STORED_HOST_SQL                                                                            \
    "SELECT pc, wrap_sum(gas) FROM host_site WHERE program = ?1 AND pc IS NOT NULL GROUP BY pc"
#define COUNTED_HOST_SQL                                                                           \
    "SELECT c.pc, wrap_sum(max(0, c.gas_before - coalesce(c.gas_after, c.gas_before))) "           \
    "FROM host_call c JOIN vm v ON v.id = c.vm WHERE v.program = ?1 GROUP BY c.pc"

static int read_host_gas(pvm_prof_code_t *code, sqlite3_stmt *row)
{
    pvm_prof_code_mark_t *const mark = add_mark(code, sqlite3_column_int64(row, 0));

    if (mark != NULL) {
        mark->host_gas = sqlite3_column_int64(row, 1);
    }
    return SQLITE_OK;
}

static int compare_marks(const void *left, const void *right)
{
    const pvm_prof_code_mark_t *const a = left;
    const pvm_prof_code_mark_t *const b = right;

    return a->pc < b->pc ? -1 : a->pc > b->pc;
}

/* One mark for each place, in order. */
static void merge_marks(pvm_prof_code_t *code)
{
    size_t kept = 0;

    if (code->mark_count == 0) {
        return;
    }
    qsort(code->marks, code->mark_count, sizeof(*code->marks), compare_marks);
    for (size_t i = 0; i < code->mark_count; i++) {
        if (kept == 0 || code->marks[kept - 1].pc != code->marks[i].pc) {
            code->marks[kept++] = code->marks[i];
            continue;
        }
        pvm_prof_code_mark_t *const into = &code->marks[kept - 1];
        into->host_gas = pvm_prof_plus(into->host_gas, code->marks[i].host_gas);
        into->samples = pvm_prof_plus(into->samples, code->marks[i].samples);
    }
    code->mark_count = kept;
}

static int read_all(pvm_prof_run_file_t *file, pvm_prof_code_t *code)
{
    bool has_sites = false;
    int status = pvm_prof_wrap_sum_register(file->db);

    if (status == SQLITE_OK) {
        status = pvm_prof_has_sums(file, "host_site", &has_sites);
    }
    if (status == SQLITE_OK) {
        status = read_rows(file, code, BLOCKS_SQL, read_block);
    }
    if (status == SQLITE_OK) {
        status = pvm_executed_read(file, code->id, code->program->code.len, &code->executed);
    }
    if (status == SQLITE_OK) {
        status =
            read_rows(file, code, has_sites ? STORED_HOST_SQL : COUNTED_HOST_SQL, read_host_gas);
    }
    int64_t samples = 0;
    if (status == SQLITE_OK) {
        status = pvm_prof_code_samples(file, &samples);
    }
    if (status == SQLITE_OK && samples > 0) {
        status = read_rows(file, code, SAMPLES_SQL, read_samples);
    }
    merge_marks(code);
    return status;
}

pvm_prof_status_t pvm_prof_code_open(pvm_prof_run_file_t *file, int64_t program,
                                     pvm_prof_code_t *out)
{
    *out = (pvm_prof_code_t){.id = program};
    const pvm_prof_status_t status = pvm_prof_stored_program(file, program, &out->program);
    if (status != PVM_PROF_OK) {
        return status;
    }
    /* The figures of a program that cannot be loaded count, too: all of them behind the code. */
    const int code =
        out->program != NULL ? read_all(file, out) : read_rows(file, out, BLOCKS_SQL, read_block);
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(file, code, "read its blocks");
}

void pvm_prof_code_close(pvm_prof_code_t *code)
{
    pvm_program_release(code->program);
    pvm_gas_timeline_free(&code->timeline);
    free(code->blocks);
    free(code->marks);
    pvm_executed_free(&code->executed);
    free(code->instructions);
    *code = (pvm_prof_code_t){0};
}

/* -- Looking ------------------------------------------------------------------------------- */

size_t pvm_prof_code_find(const pvm_prof_code_t *code, uint32_t pc)
{
    size_t low = 0;
    size_t high = code->block_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (code->blocks[middle].end_pc <= pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < code->block_count && code->blocks[low].pc <= pc ? low : code->block_count;
}

static int decode_block(pvm_prof_code_t *code, const pvm_prof_code_block_t *block)
{
    pvm_instruction_t in = {.next = block->pc};

    code->instruction_count = 0;
    while (in.next < block->end_pc) {
        if (code->instruction_count == code->instruction_room) {
            const size_t room = code->instruction_room == 0 ? 64 : 2 * code->instruction_room;
            pvm_prof_code_instruction_t *const all =
                realloc(code->instructions, room * sizeof(*all));

            if (all == NULL) {
                return -1;
            }
            code->instructions = all;
            code->instruction_room = room;
        }
        pvm_isa_decode(&code->program->code, in.next, &in);
        code->instructions[code->instruction_count++] =
            (pvm_prof_code_instruction_t){.pc = in.pc, .next = in.next, .op = in.op};
    }
    return 0;
}

/** The marks inside of a block. */
typedef struct {
    const pvm_prof_code_mark_t *first;
    const pvm_prof_code_mark_t *end;
} marks_t;

static marks_t marks_of(const pvm_prof_code_t *code, const pvm_prof_code_block_t *block)
{
    size_t low = 0;
    size_t high = code->mark_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (code->marks[middle].pc < block->pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const size_t first = low;
    while (low < code->mark_count && code->marks[low].pc < block->end_pc) {
        low++;
    }
    return code->mark_count == 0
               ? (marks_t){0}
               : (marks_t){.first = &code->marks[first], .end = &code->marks[low]};
}

static void count_executions(pvm_prof_code_t *code, const pvm_prof_code_block_t *block)
{
    const marks_t marks = marks_of(code, block);
    const pvm_prof_code_mark_t *mark = marks.first;
    pvm_executed_walk_t walk = pvm_executed_walk(&code->executed, block->pc, block->hits);

    for (size_t i = 0; i < code->instruction_count; i++) {
        pvm_prof_code_instruction_t *const in = &code->instructions[i];

        for (; mark != marks.end && mark->pc < in->next; mark++) {
            in->host_gas = pvm_prof_plus(in->host_gas, mark->host_gas);
            in->samples = pvm_prof_plus(in->samples, mark->samples);
        }
        in->executed = pvm_executed_step(&walk, in->next);
    }
    code->is_exact = code->executed.is_known && walk.is_possible;
}

/* How often a block that does not end with a terminator ran into the trap behind the code. */
static int64_t trapped(const pvm_prof_code_t *code, const pvm_prof_code_block_t *block)
{
    const pvm_prof_code_instruction_t *const last =
        &code->instructions[code->instruction_count - 1];

    if (block->end_pc < code->program->code.len || pvm_isa_is_terminator((pvm_op_t)last->op)) {
        return 0;
    }
    return pvm_prof_plus(last->executed, pvm_executed_behind(&code->executed, block->end_pc));
}

/* Every instruction costs 1: the gas of the block is a check of the executions. */
static void settle_flat(pvm_prof_code_t *code, const pvm_prof_code_block_t *block)
{
    code->rest_gas = block->gas;
    for (size_t i = 0; i < code->instruction_count; i++) {
        code->instructions[i].gas = code->instructions[i].executed;
        code->rest_gas = pvm_prof_minus(code->rest_gas, code->instructions[i].executed);
    }
    code->is_exact = code->rest_gas == trapped(code, block);
}

static void settle_pipeline(pvm_prof_code_t *code, const pvm_prof_code_block_t *block)
{
    const int64_t charges = code->timeline.cost > 0 ? block->gas / code->timeline.cost : 0;

    code->rest_gas = block->gas;
    for (size_t i = 0; i < code->instruction_count && i < code->timeline.count; i++) {
        code->instructions[i].gas = pvm_prof_times(charges, code->timeline.gas[i]);
        code->rest_gas = pvm_prof_minus(code->rest_gas, code->instructions[i].gas);
    }
}

int pvm_prof_code_look(pvm_prof_code_t *code, size_t index)
{
    const pvm_prof_code_block_t *const block = &code->blocks[index];

    if (decode_block(code, block) != 0) {
        return -1;
    }
    count_executions(code, block);
    if (!code->program->has_block_gas) {
        code->timeline.count = 0;
        settle_flat(code, block);
        return 0;
    }
    if (pvm_gas_timeline_make(&code->timeline, &code->program->code, block->pc) != 0) {
        return -1;
    }
    settle_pipeline(code, block);
    return 0;
}
