/* Reading one side of a comparison. See side.h; its code is side_code.c, matching is side_match.c. */
#include "profiler/side.h"

#include "profiler/call_tree.h"
#include "profiler/ledger.h"
#include "profiler/merge_tables.h"
#include "profiler/store.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

static void *grow(void *list, size_t *room, size_t item_bytes)
{
    const size_t larger = *room == 0 ? 256 : 2 * *room;
    void *const grown = realloc(list, larger * item_bytes);

    *room = grown != NULL ? larger : *room;
    return grown;
}

/* -- Functions and blocks -------------------------------------------------------------------- */

static int read_functions(pvm_side_t *side)
{
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int code = sqlite3_prepare_v2(
        side->file->db,
        "SELECT program, id, name, pc, source = 'debug' FROM function ORDER BY program, id", -1,
        &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        if (side->function_count == room) {
            void *const grown = grow(side->functions, &room, sizeof(*side->functions));

            if (grown == NULL) {
                code = SQLITE_NOMEM;
                break;
            }
            side->functions = grown;
        }
        const char *const name = (const char *)sqlite3_column_text(row, 2);
        pvm_side_function_t *const function = &side->functions[side->function_count++];
        *function = (pvm_side_function_t){.program = sqlite3_column_int64(row, 0),
                                          .id = sqlite3_column_int64(row, 1),
                                          .name = strdup(name != NULL ? name : "?"),
                                          .pc = (uint32_t)sqlite3_column_int64(row, 3),
                                          .is_named = sqlite3_column_int(row, 4) != 0,
                                          .first_block = UINT32_MAX};
        code = function->name != NULL ? SQLITE_OK : SQLITE_NOMEM;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static pvm_side_function_t *find_function(const pvm_side_t *side, int64_t program, int64_t id)
{
    size_t low = 0;
    size_t high = side->function_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        pvm_side_function_t *const at = &side->functions[middle];

        if (at->program == program && at->id == id) {
            return at;
        }
        if (at->program < program || (at->program == program && at->id < id)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void add_to_function(pvm_side_t *side, pvm_side_function_t *function,
                            const pvm_side_block_t *block)
{
    function->gas = pvm_prof_wrap_add(function->gas, block->gas);
    if (block->pc == function->pc) {
        function->calls = block->hits;
        function->has_calls = true;
    }
    if (function->first_block == UINT32_MAX) {
        function->first_block = (uint32_t)side->block_count;
    }
}

static pvm_prof_status_t read_blocks(pvm_side_t *side)
{
    sqlite3_stmt *row = NULL;
    size_t room = 0;
    int code = sqlite3_prepare_v2(
        side->file->db,
        "SELECT program, pc, end_pc, function, hits, gas FROM block ORDER BY program, pc", -1, &row,
        NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        pvm_side_function_t *const function =
            find_function(side, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 3));

        if (function == NULL) {
            sqlite3_finalize(row);
            pvm_error_set("%.300s: damaged (a block of no function); record again",
                          side->file->path);
            return PVM_PROF_E_FORMAT;
        }
        if (side->block_count == room) {
            void *const grown = grow(side->blocks, &room, sizeof(*side->blocks));

            if (grown == NULL) {
                code = SQLITE_NOMEM;
                break;
            }
            side->blocks = grown;
        }
        const pvm_side_block_t block = {.program = sqlite3_column_int64(row, 0),
                                        .pc = (uint32_t)sqlite3_column_int64(row, 1),
                                        .end_pc = (uint32_t)sqlite3_column_int64(row, 2),
                                        .function = (uint32_t)(function - side->functions),
                                        .hits = sqlite3_column_int64(row, 4),
                                        .gas = sqlite3_column_int64(row, 5)};
        add_to_function(side, function, &block);
        side->blocks[side->block_count++] = block;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? PVM_PROF_OK
                               : pvm_prof_store_report(side->file, code, "read its blocks");
}

/* The block that holds pc, or NULL. */
static pvm_side_block_t *find_block(const pvm_side_t *side, int64_t program, int64_t pc)
{
    size_t low = 0;
    size_t high = side->block_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const pvm_side_block_t *const at = &side->blocks[middle];

        if (at->program < program || (at->program == program && at->pc <= pc)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && side->blocks[low - 1].program == program ? &side->blocks[low - 1] : NULL;
}

/* -- Host calls and samples: sums by place ----------------------------------------------------- */

typedef void add_place_t(pvm_side_t *side, pvm_side_block_t *block, int64_t number);

static void add_host_gas(pvm_side_t *side, pvm_side_block_t *block, int64_t number)
{
    pvm_side_function_t *const function = &side->functions[block->function];

    function->host_gas = pvm_prof_wrap_add(function->host_gas, number);
}

static void add_samples(pvm_side_t *side, pvm_side_block_t *block, int64_t number)
{
    pvm_side_function_t *const function = &side->functions[block->function];

    block->samples = pvm_prof_wrap_add(block->samples, number);
    function->samples = pvm_prof_wrap_add(function->samples, number);
}

/* Rows of (program, pc, number) of a table that older files do not have. */
static int read_places(pvm_side_t *side, const char *table, const char *sql, add_place_t *add)
{
    sqlite3_stmt *row = NULL;
    bool is_there = false;
    int code = pvm_prof_store_has_table(side->file->db, table, &is_there);

    if (code != SQLITE_OK || !is_there) {
        return code;
    }
    code = sqlite3_prepare_v2(side->file->db, sql, -1, &row, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        pvm_side_block_t *const block =
            find_block(side, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));

        if (block != NULL) {
            add(side, block, sqlite3_column_int64(row, 2));
        }
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_sample_total(pvm_side_t *side)
{
    sqlite3_stmt *row = NULL;
    bool is_there = false;
    int code = pvm_prof_store_has_table(side->file->db, "sample_total", &is_there);

    if (code != SQLITE_OK || !is_there) {
        return code;
    }
    code = sqlite3_prepare_v2(side->file->db,
                              "SELECT wrap_sum(samples), wrap_sum(duration_ns) FROM sample_total",
                              -1, &row, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        side->samples = sqlite3_column_int64(row, 0);
        side->guest_ns = sqlite3_column_int64(row, 1);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

/* -- Calls that were followed ------------------------------------------------------------------ */

static int read_followed(pvm_side_t *side)
{
    side->is_followed = pvm_prof_call_tree_is_whole(side->file);
    return !side->is_followed
               ? SQLITE_OK
               : pvm_prof_store_number(side->file->db,
                                       "SELECT wrap_sum(deeper_calls) FROM call_node",
                                       &side->deeper_calls);
}

static int read_call_totals(pvm_side_t *side)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        side->file->db, "SELECT program, function, calls, gas FROM call_total", -1, &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        pvm_side_function_t *const function =
            find_function(side, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));

        if (function != NULL) {
            function->calls = sqlite3_column_int64(row, 2);
            function->has_calls = function->calls != 0;
            function->total_gas = sqlite3_column_int64(row, 3);
        }
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

pvm_prof_status_t pvm_side_read_calls(pvm_side_t *side)
{
    if (!side->is_followed) {
        return PVM_PROF_OK;
    }
    for (size_t i = 0; i < side->function_count; i++) {
        side->functions[i].calls = 0;
        side->functions[i].has_calls = false;
    }
    const int code = read_call_totals(side);

    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(side->file, code, "read calls");
}

/* -- What kind of recording it is -------------------------------------------------------------- */

static uint64_t hash_of(const void *data, size_t len, uint64_t hash)
{
    const uint8_t *const octets = data;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static int read_programs(pvm_side_t *side)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(side->file->db,
                                  "SELECT p.spec, p.format, p.blob FROM program p "
                                  "WHERE EXISTS (SELECT 1 FROM vm WHERE program = p.id)",
                                  -1, &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (int i = 0; i < 3; i++) {
            const void *const data = sqlite3_column_blob(row, i);
            hash = hash_of(data, data != NULL ? (size_t)sqlite3_column_bytes(row, i) : 0, hash);
        }
        side->programs_hash += hash | 1;
        side->program_count++;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_executions(pvm_side_t *side)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(side->file->db, "SELECT executions FROM total", -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        side->executions = sqlite3_column_int64(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

pvm_prof_status_t pvm_side_read(pvm_prof_run_file_t *file, pvm_side_t *out)
{
    *out = (pvm_side_t){.file = file};
    pvm_prof_status_t status = pvm_prof_reconcile(file, &out->sums);
    int code = SQLITE_OK;

    if (status != PVM_PROF_OK) {
        return status;
    }
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC, out->spec, sizeof(out->spec));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_BACKEND, out->backend, sizeof(out->backend));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_PROGRAM, out->program, sizeof(out->program));
    if ((code = read_programs(out)) == SQLITE_OK && (code = read_executions(out)) == SQLITE_OK) {
        code = read_functions(out);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its functions");
    }
    if ((status = read_blocks(out)) != PVM_PROF_OK) {
        return status;
    }
    code = read_places(out, "host_site", "SELECT program, pc, gas FROM host_site", add_host_gas);
    if (code == SQLITE_OK) {
        code = read_sample_total(out);
    }
    if (code == SQLITE_OK) {
        code = read_followed(out);
    }
    if (code == SQLITE_OK && out->samples > 0) {
        code = read_places(out, "sample",
                           "SELECT program, block_pc, samples FROM sample WHERE block_pc >= 0",
                           add_samples);
    }
    return code == SQLITE_OK ? PVM_PROF_OK
                             : pvm_prof_store_report(file, code, "read sums by place");
}

void pvm_side_free(pvm_side_t *side)
{
    for (size_t i = 0; i < side->function_count; i++) {
        free(side->functions[i].name);
        free(side->functions[i].shingles);
    }
    free(side->functions);
    free(side->blocks);
    *side = (pvm_side_t){0};
}

bool pvm_side_is_equal(const pvm_side_t *a, const pvm_side_t *b)
{
    if (a->programs_hash != b->programs_hash || a->sums.gas_used != b->sums.gas_used ||
        a->sums.host_gas != b->sums.host_gas || a->block_count != b->block_count) {
        return false;
    }
    for (size_t i = 0; i < a->block_count; i++) {
        const pvm_side_block_t *const one = &a->blocks[i];
        const pvm_side_block_t *const other = &b->blocks[i];

        if (one->pc != other->pc || one->hits != other->hits || one->gas != other->gas) {
            return false;
        }
    }
    return true;
}
