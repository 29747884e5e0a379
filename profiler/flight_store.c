/* The flight record in a run file: its rows, written and read. */
#include "profiler/watch.h"

#include "support/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Writing ------------------------------------------------------------------------------- */

static void store_frames(pvm_prof_run_file_t *file, int64_t execution,
                         const pvm_prof_flight_t *flight)
{
    for (size_t i = 0; i < flight->frame_count; i++) {
        const pvm_prof_flight_frame_t *const frame = &flight->frames[i];
        sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_FLIGHT_FRAME);
        if (row == NULL) {
            return;
        }
        sqlite3_bind_int64(row, 1, execution);
        sqlite3_bind_int64(row, 2, (int64_t)i);
        if (frame->kind != PVM_FRAME_HOST) {
            sqlite3_bind_int64(row, 3, frame->pc);
            pvm_prof_store_bind_text(file, row, 4, frame->function);
        }
        sqlite3_bind_int64(row, 6, frame->times);
        pvm_prof_store_bind_text(file, row, 5, pvm_prof_flight_kind_name(frame->kind));
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_FLIGHT_FRAME);
    }
}

static void store_calls(pvm_prof_run_file_t *file, int64_t execution,
                        const pvm_prof_flight_t *flight)
{
    for (size_t i = 0; i < flight->call_count; i++) {
        const pvm_flight_entry_t *const entry = &flight->calls[i].entry;
        sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_FLIGHT_CALL);
        if (row == NULL) {
            return;
        }
        sqlite3_bind_int64(row, 1, execution);
        sqlite3_bind_int64(row, 2, (int64_t)entry->seq);
        sqlite3_bind_int64(row, 3, entry->pc);
        sqlite3_bind_int64(row, 4, entry->func_id);
        pvm_prof_store_bind_text(file, row, 5, flight->calls[i].name);
        sqlite3_bind_int64(row, 6, entry->gas);
        sqlite3_bind_int64(row, 7, entry->gas_after);
        sqlite3_bind_int64(row, 8, (int64_t)entry->result);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_FLIGHT_CALL);
    }
}

static void store_blocks(pvm_prof_run_file_t *file, int64_t execution,
                         const pvm_prof_flight_t *flight)
{
    for (size_t i = 0; i < flight->block_count; i++) {
        sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_FLIGHT_BLOCK);
        if (row == NULL) {
            return;
        }
        sqlite3_bind_int64(row, 1, execution);
        sqlite3_bind_int64(row, 2, (int64_t)i);
        sqlite3_bind_int64(row, 3, flight->blocks[i].pc);
        pvm_prof_store_bind_text(file, row, 4, flight->blocks[i].function);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_FLIGHT_BLOCK);
    }
}

static void store_head(pvm_prof_run_file_t *file, int64_t execution,
                       const pvm_prof_flight_t *flight)
{
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_FLIGHT);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, execution);
        sqlite3_bind_int64(row, 2, flight->gas);
        sqlite3_bind_int64(row, 3, (int64_t)flight->cost);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_FLIGHT);
    }
}

void pvm_prof_flight_note(pvm_prof_watch_t *watch, pvm_result_t result,
                          const pvm_prof_flight_raw_t *raw)
{
    if (watch->flight != NULL || !pvm_prof_flight_is_due(result)) {
        return;
    }
    watch->flight = calloc(1, sizeof(*watch->flight));
    if (watch->flight == NULL ||
        pvm_prof_flight_name(watch->vm, result, raw, &watch->program->functions, watch->flight) !=
            0) {
        pvm_prof_flight_forget(watch);
        pvm_prof_store_fail(watch->recorder->file, "no memory for the flight record");
    }
}

void pvm_prof_flight_forget(pvm_prof_watch_t *watch)
{
    if (watch->flight != NULL) {
        pvm_prof_flight_free(watch->flight);
        free(watch->flight);
        watch->flight = NULL;
    }
}

void pvm_prof_flight_store(pvm_prof_watch_t *watch)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;

    if (watch->flight != NULL) {
        store_head(file, watch->execution.id, watch->flight);
        store_frames(file, watch->execution.id, watch->flight);
        store_calls(file, watch->execution.id, watch->flight);
        store_blocks(file, watch->execution.id, watch->flight);
        pvm_prof_flight_forget(watch);
    }
}

/* -- Reading ------------------------------------------------------------------------------- */

/* A file may be anybody's: rows beyond the limits are not read, and texts may be missing. */

static char *text_of(sqlite3_stmt *row, int column)
{
    const unsigned char *const text = sqlite3_column_text(row, column);

    return strdup(text != NULL ? (const char *)text : "?");
}

static uint8_t kind_of(sqlite3_stmt *row, int column)
{
    const unsigned char *const text = sqlite3_column_text(row, column);

    for (uint8_t kind = PVM_FRAME_HERE; kind <= PVM_FRAME_HOST; kind++) {
        if (text != NULL && strcmp((const char *)text, pvm_prof_flight_kind_name(kind)) == 0) {
            return kind;
        }
    }
    return PVM_FRAME_GUESS;
}

static int load_frame(sqlite3_stmt *row, pvm_prof_flight_t *out)
{
    if (out->frame_count == PVM_PROF_FLIGHT_FRAMES) {
        return 0;
    }
    pvm_prof_flight_frame_t *const frame = &out->frames[out->frame_count];
    frame->pc = (uint32_t)sqlite3_column_int64(row, 0);
    frame->kind = kind_of(row, 2);
    frame->times = (uint32_t)sqlite3_column_int64(row, 3);
    frame->function = frame->kind == PVM_FRAME_HOST ? NULL : text_of(row, 1);
    out->frame_count += frame->kind == PVM_FRAME_HOST || frame->function != NULL;
    return frame->kind == PVM_FRAME_HOST || frame->function != NULL ? 0 : -1;
}

static int load_call(sqlite3_stmt *row, pvm_prof_flight_t *out)
{
    if (out->call_count == PVM_PROF_FLIGHT_CALLS) {
        return 0;
    }
    pvm_prof_flight_call_t *const call = &out->calls[out->call_count];
    call->entry = (pvm_flight_entry_t){.seq = (uint64_t)sqlite3_column_int64(row, 0),
                                       .pc = (uint32_t)sqlite3_column_int64(row, 1),
                                       .func_id = (int32_t)sqlite3_column_int64(row, 2),
                                       .gas = sqlite3_column_int64(row, 4),
                                       .gas_after = sqlite3_column_int64(row, 5),
                                       .result = (uint64_t)sqlite3_column_int64(row, 6)};
    call->name = text_of(row, 3);
    out->call_count += call->name != NULL;
    return call->name != NULL ? 0 : -1;
}

static int load_block(sqlite3_stmt *row, pvm_prof_flight_t *out)
{
    if (out->block_count == PVM_LAST_BLOCKS) {
        return 0;
    }
    pvm_prof_flight_block_t *const block = &out->blocks[out->block_count];
    block->pc = (uint32_t)sqlite3_column_int64(row, 0);
    block->function = text_of(row, 1);
    out->block_count += block->function != NULL;
    return block->function != NULL ? 0 : -1;
}

static int load_head(sqlite3_stmt *row, pvm_prof_flight_t *out)
{
    const unsigned char *const result = sqlite3_column_text(row, 1);

    out->execution = sqlite3_column_int64(row, 0);
    (void)snprintf(out->result, sizeof(out->result), "%s",
                   result != NULL ? (const char *)result : "");
    out->gas = sqlite3_column_int64(row, 2);
    out->cost = (uint64_t)sqlite3_column_int64(row, 3);
    out->fault_address = (uint32_t)sqlite3_column_int64(row, 4);
    out->gas_start = sqlite3_column_int64(row, 5);
    out->gas_added = sqlite3_column_int64(row, 6);
    out->host_gas = sqlite3_column_int64(row, 7);
    out->host_calls = (uint64_t)sqlite3_column_int64(row, 8);
    return 0;
}

/* Files of earlier versions have no such table. */
static int load_whether(sqlite3_stmt *row, pvm_prof_flight_t *out)
{
    out->execution = sqlite3_column_int64(row, 0);
    return 0;
}

/* One query into `out`. @return an SQLite code */
static int load_rows(pvm_prof_run_file_t *file, const char *sql,
                     int (*load)(sqlite3_stmt *row, pvm_prof_flight_t *out), pvm_prof_flight_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(file->db, sql, -1, &row, NULL);

    if (code == SQLITE_OK) {
        if (sqlite3_bind_parameter_count(row) > 0) {
            sqlite3_bind_int64(row, 1, out->execution);
        }
        while ((code = sqlite3_step(row)) == SQLITE_ROW) {
            if (load(row, out) != 0) {
                code = SQLITE_NOMEM;
                break;
            }
        }
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The queries, in their order; each needs that the one before it found an execution. */
static const struct {
    const char *sql;
    int (*load)(sqlite3_stmt *row, pvm_prof_flight_t *out);
} queries[] = {
    {"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'flight'", load_whether},
    {"SELECT max(execution) FROM flight", load_whether},
    {"SELECT f.execution, e.result, f.gas, f.cost, e.fault_address, e.gas_start, e.gas_added, "
     "e.host_gas, e.host_calls FROM flight f JOIN execution e ON e.id = f.execution "
     "WHERE f.execution = ?1",
     load_head},
    {"SELECT pc, function, found, times FROM flight_frame WHERE execution = ?1 ORDER BY depth",
     load_frame},
    {"SELECT seq, pc, func_id, name, gas_before, gas_after, result FROM flight_call "
     "WHERE execution = ?1 ORDER BY seq",
     load_call},
    {"SELECT pc, function FROM flight_block WHERE execution = ?1 ORDER BY place", load_block},
};

pvm_prof_status_t pvm_prof_flight_load(pvm_prof_run_file_t *file, pvm_prof_flight_t *out)
{
    *out = (pvm_prof_flight_t){0};
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const int code = load_rows(file, queries[i].sql, queries[i].load, out);
        if (code != SQLITE_OK) {
            pvm_prof_flight_free(out);
            return pvm_prof_store_report(file, code, "reading the flight record");
        }
        if (out->execution == 0) {
            break;
        }
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_prof_flight_report(pvm_prof_run_file_t *file, pvm_prof_table_t **out)
{
    pvm_prof_flight_t flight;
    pvm_prof_status_t status = pvm_prof_flight_load(file, &flight);

    if (status == PVM_PROF_OK && pvm_prof_flight_tables(&flight, out) != 0) {
        pvm_error_set("%.300s: no memory for the flight record", file->path);
        status = PVM_PROF_E_SYSTEM;
    }
    pvm_prof_flight_free(&flight);
    return status;
}
