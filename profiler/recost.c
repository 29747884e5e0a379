/* Reading a recording and pricing it block by block. The prices themselves: recost_price.c. */
#include "profiler/recost.h"

#include "profiler/recost_price.h"
#include "profiler/store.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

typedef struct {
    pvm_prof_run_file_t *file;
    pvm_prof_recost_t *out;
    pvm_spec_t spec;
    size_t block_room;
    size_t function_room;
} reader_t;

static void *grow(void *list, size_t *room, size_t item_bytes)
{
    const size_t larger = *room == 0 ? 256 : 2 * *room;
    void *const grown = realloc(list, larger * item_bytes);

    *room = grown != NULL ? larger : *room;
    return grown;
}

/* The text of a column; "?" for what is no text. */
static char *copy_text(sqlite3_stmt *row, int column)
{
    const char *const text = (const char *)sqlite3_column_text(row, column);

    return strdup(text != NULL ? text : "?");
}

/* -- Functions: rows come sorted by program and id, so that blocks can look theirs up --------- */

static int read_functions(reader_t *reader)
{
    pvm_prof_recost_t *const out = reader->out;
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(reader->file->db,
                                  "SELECT f.program, f.id, f.name, p.name FROM function f "
                                  "JOIN program p ON p.id = f.program ORDER BY f.program, f.id",
                                  -1, &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        if (out->function_count == reader->function_room) {
            void *const grown =
                grow(out->functions, &reader->function_room, sizeof(*out->functions));

            if (grown == NULL) {
                code = SQLITE_NOMEM;
                break;
            }
            out->functions = grown;
        }
        pvm_prof_recost_function_t *const function = &out->functions[out->function_count++];
        *function = (pvm_prof_recost_function_t){.program = sqlite3_column_int64(row, 0),
                                                 .id = sqlite3_column_int64(row, 1),
                                                 .name = copy_text(row, 2),
                                                 .program_name = copy_text(row, 3),
                                                 .is_exact = true};
        code = function->name != NULL && function->program_name != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static size_t find_function(const pvm_prof_recost_t *out, int64_t program, int64_t id)
{
    size_t low = 0;
    size_t high = out->function_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const pvm_prof_recost_function_t *const at = &out->functions[middle];

        if (at->program == program && at->id == id) {
            return middle;
        }
        if (at->program < program || (at->program == program && at->id < id)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NONE;
}

/* -- Blocks -------------------------------------------------------------------------------- */

static pvm_prof_status_t refuse_row(const reader_t *reader, int64_t program, int64_t pc,
                                    const char *why)
{
    pvm_error_set("%.300s: damaged (block %" PRId64 " of program %" PRId64 " %s); record again",
                  reader->file->path, pc, program, why);
    return PVM_PROF_E_FORMAT;
}

static pvm_prof_status_t add_block(reader_t *reader, pvm_prof_recost_block_t *block,
                                   int64_t function_id)
{
    pvm_prof_recost_t *const out = reader->out;
    const size_t function = find_function(out, block->program, function_id);

    if (function == NONE) {
        return refuse_row(reader, block->program, block->pc, "belongs to no function");
    }
    if (out->block_count == reader->block_room) {
        void *const grown = grow(out->blocks, &reader->block_room, sizeof(*out->blocks));

        if (grown == NULL) {
            return pvm_prof_store_report(reader->file, SQLITE_NOMEM, "read its blocks");
        }
        out->blocks = grown;
    }
    block->function = (uint32_t)function;
    out->blocks[out->block_count++] = *block;
    pvm_prof_recost_function_t *const owner = &out->functions[function];
    owner->gas = (int64_t)((uint64_t)owner->gas + (uint64_t)block->gas);
    owner->other = (int64_t)((uint64_t)owner->other + (uint64_t)block->other);
    owner->is_exact = owner->is_exact && block->is_exact;
    out->other_blocks_gas = (int64_t)((uint64_t)out->other_blocks_gas + (uint64_t)block->other);
    out->blocks_guessed += !block->is_exact;
    out->is_exact = out->is_exact && block->is_exact;
    return PVM_PROF_OK;
}

static pvm_prof_status_t price_row(reader_t *reader, pvm_recost_prices_t *prices, sqlite3_stmt *row)
{
    const int64_t pc = sqlite3_column_int64(row, 1);
    const int64_t end_pc = sqlite3_column_int64(row, 2);
    const pvm_recost_count_t count = {.cost = sqlite3_column_int64(row, 4),
                                      .hits = sqlite3_column_int64(row, 5),
                                      .gas = sqlite3_column_int64(row, 6)};
    pvm_recost_price_t price;

    if (pc < 0 || pc > UINT32_MAX || end_pc < 0 || end_pc > UINT32_MAX || count.hits < 0 ||
        pvm_recost_price(prices, (uint32_t)pc, &count, &price) != 0) {
        return refuse_row(reader, sqlite3_column_int64(row, 0), pc,
                          "does not fit its program, or its counts contradict each other");
    }
    reader->out->blocks_moved += price.is_moved;
    reader->out->hints += price.hints;
    reader->out->has_sbrk = reader->out->has_sbrk || price.has_sbrk;
    pvm_prof_recost_block_t block = {.program = sqlite3_column_int64(row, 0),
                                     .pc = (uint32_t)pc,
                                     .end_pc = (uint32_t)end_pc,
                                     .hits = count.hits,
                                     .gas = count.gas,
                                     .other = price.gas,
                                     .is_exact = price.is_exact};
    return add_block(reader, &block, sqlite3_column_int64(row, 3));
}

static pvm_prof_status_t price_blocks(reader_t *reader)
{
    pvm_recost_prices_t *prices = NULL;
    int64_t program = -1;
    sqlite3_stmt *row = NULL;
    pvm_prof_status_t status = PVM_PROF_OK;
    int code = sqlite3_prepare_v2(
        reader->file->db,
        "SELECT program, pc, end_pc, function, cost, hits, gas FROM block ORDER BY program, pc", -1,
        &row, NULL);

    while (status == PVM_PROF_OK && code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        if (prices == NULL || sqlite3_column_int64(row, 0) != program) {
            pvm_recost_prices_destroy(prices);
            prices = NULL;
            program = sqlite3_column_int64(row, 0);
            status = pvm_recost_prices_create(reader->file, program, reader->spec, &prices);
        }
        if (status == PVM_PROF_OK) {
            status = price_row(reader, prices, row);
        }
        code = SQLITE_OK;
    }
    pvm_recost_prices_destroy(prices);
    sqlite3_finalize(row);
    return status != PVM_PROF_OK || code == SQLITE_DONE
               ? status
               : pvm_prof_store_report(reader->file, code, "read its blocks");
}

/* -- What is not as it was recorded ---------------------------------------------------------- */

/* In an imported trace nobody says where a callback sent the guest: there are more entries than executions. */
static int read_circumstances(reader_t *reader)
{
    sqlite3 *const db = reader->file->db;
    pvm_prof_recost_t *const out = reader->out;
    int64_t has_cuts = 0;
    int code = pvm_prof_store_number(
        db, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'cut'", &has_cuts);

    if (code == SQLITE_OK && has_cuts != 0) {
        /* A merged file has none of what was recorded by an older version. */
        code = pvm_prof_store_number(
            db, "SELECT count(*) = 0 FROM source_info WHERE key = 'schema' AND value + 0 < 2",
            &has_cuts);
    }
    out->has_cuts = has_cuts != 0;
    if (code == SQLITE_OK) {
        code = pvm_prof_store_number(db, "SELECT count(*) FROM execution WHERE result = 'oog'",
                                     &out->oog);
    }
    if (code == SQLITE_OK && reader->spec != PVM_SPEC_0_8_0) {
        code = pvm_prof_store_number(
            db,
            "SELECT count(*) FROM execution e JOIN vm v ON v.id = e.vm JOIN program p "
            "ON p.id = v.program WHERE p.spec = '0.8.0' AND e.kind = 'execute' AND "
            "e.result = 'panic' AND e.blocks_gas = 0 AND e.gas_start > 0",
            &out->refused);
    }
    if (code == SQLITE_OK) {
        code =
            pvm_prof_store_number(db,
                                  "SELECT CASE WHEN EXISTS (SELECT 1 FROM vm_process) THEN max(0, "
                                  "(SELECT total(count) FROM edge WHERE kind = 'entry') - "
                                  "(SELECT count(*) FROM execution)) ELSE 0 END",
                                  &out->moved_entries);
    }
    return code;
}

pvm_prof_status_t pvm_prof_recost(pvm_prof_run_file_t *file, pvm_spec_t spec,
                                  pvm_prof_recost_t *out)
{
    reader_t reader = {.file = file, .out = out, .spec = spec};

    *out = (pvm_prof_recost_t){.is_exact = true};
    pvm_prof_status_t status = pvm_prof_reconcile(file, &out->recorded);
    if (status != PVM_PROF_OK) {
        return status;
    }
    if (!out->recorded.is_counted) {
        pvm_error_set("%.300s: its blocks were not counted; record with --instrument counts",
                      file->path);
        return PVM_PROF_E_FORMAT;
    }
    int code = read_circumstances(&reader);
    if (code == SQLITE_OK) {
        code = read_functions(&reader);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its functions");
    }
    status = price_blocks(&reader);
    if (out->refused > 0 || (out->moved_entries > 0 && spec == PVM_SPEC_0_7_2)) {
        out->is_exact = false;
    }
    return status;
}

void pvm_prof_recost_free(pvm_prof_recost_t *recost)
{
    for (size_t i = 0; i < recost->function_count; i++) {
        free(recost->functions[i].name);
        free(recost->functions[i].program_name);
    }
    free(recost->functions);
    free(recost->blocks);
    *recost = (pvm_prof_recost_t){0};
}
