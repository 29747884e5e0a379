/* Executions of single instructions, from hits and cuts. See executed.h. */
#include "profiler/executed.h"

#include "profiler/store.h"

#include <stdlib.h>

/* -- Reading --------------------------------------------------------------------------------- */

static int add_cut(pvm_executed_t *out, size_t *room, pvm_executed_cut_t cut)
{
    if (out->count == *room) {
        const size_t larger = *room == 0 ? 64 : 2 * *room;
        pvm_executed_cut_t *const cuts = realloc(out->cuts, larger * sizeof(*cuts));

        if (cuts == NULL) {
            return SQLITE_NOMEM;
        }
        out->cuts = cuts;
        *room = larger;
    }
    out->cuts[out->count++] = cut;
    return SQLITE_OK;
}

int pvm_executed_read(pvm_prof_run_file_t *file, int64_t program, uint32_t code_len,
                      pvm_executed_t *out)
{
    sqlite3_stmt *row = NULL;
    size_t room = 0;

    *out = (pvm_executed_t){0};
    int code = pvm_prof_store_has_table(file->db, "cut", &out->is_known);
    if (code != SQLITE_OK || !out->is_known) {
        return code;
    }
    code = sqlite3_prepare_v2(
        file->db,
        "SELECT pc, began FROM cut WHERE program = ?1 AND pc BETWEEN 0 AND ?2 ORDER BY pc", -1,
        &row, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, program);
        sqlite3_bind_int64(row, 2, code_len);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        code = add_cut(out, &room,
                       (pvm_executed_cut_t){.pc = (uint32_t)sqlite3_column_int64(row, 0),
                                            .began = sqlite3_column_int64(row, 1)});
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

void pvm_executed_free(pvm_executed_t *executed)
{
    free(executed->cuts);
    *executed = (pvm_executed_t){0};
}

/* -- Asking ---------------------------------------------------------------------------------- */

/** Place of the first cut at or behind a pc. */
static size_t first_cut(const pvm_executed_t *executed, uint32_t pc)
{
    size_t low = 0;
    size_t high = executed->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (executed->cuts[middle].pc < pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int64_t pvm_executed_behind(const pvm_executed_t *executed, uint32_t pc)
{
    uint64_t sum = 0;

    for (size_t i = first_cut(executed, pc); i < executed->count; i++) {
        sum += (uint64_t)executed->cuts[i].began;
    }
    return (int64_t)sum;
}

pvm_executed_walk_t pvm_executed_walk(const pvm_executed_t *executed, uint32_t block_pc,
                                      int64_t hits)
{
    return (pvm_executed_walk_t){.executed = executed,
                                 .at = first_cut(executed, block_pc),
                                 .times = hits,
                                 .is_possible = true};
}

int64_t pvm_executed_step(pvm_executed_walk_t *walk, uint32_t next)
{
    const pvm_executed_t *const executed = walk->executed;

    for (; walk->at < executed->count && executed->cuts[walk->at].pc < next; walk->at++) {
        if (__builtin_add_overflow(walk->times, executed->cuts[walk->at].began, &walk->times)) {
            walk->is_possible = false;
        }
    }
    walk->is_possible = walk->is_possible && walk->times >= 0;
    return walk->times;
}
