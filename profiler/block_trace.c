/* Keeping block traces: see block_trace.h. */
#include "profiler/block_trace.h"

#include "profiler/watch.h"

#include <stdlib.h>
#if PVM_HAVE_ZLIB
#include <zlib.h>
#endif

/* Numbers of one piece as octets, least significant first. */
typedef struct {
    uint8_t octets[PVM_PROF_TRACE_PIECE * sizeof(uint64_t)];
    size_t len;
} column_t;

static void put(column_t *column, uint64_t number, unsigned octets)
{
    for (unsigned i = 0; i < octets; i++) {
        column->octets[column->len++] = (uint8_t)(number >> 8 * i);
    }
}

/* Bind a column, compressed if that makes it shorter. @return whether it was */
static bool bind_column(pvm_prof_run_file_t *file, sqlite3_stmt *row, int index,
                        const column_t *column)
{
#if PVM_HAVE_ZLIB
    uLongf len = compressBound((uLong)column->len);
    uint8_t *const packed = malloc(len);

    if (packed != NULL &&
        compress2(packed, &len, column->octets, (uLong)column->len, Z_BEST_SPEED) == Z_OK &&
        len < column->len) {
        pvm_prof_store_bind_blob(file, row, index, packed, len);
        free(packed);
        return true;
    }
    free(packed);
#endif
    pvm_prof_store_bind_blob(file, row, index, column->octets, column->len);
    return false;
}

static void store_piece(pvm_prof_watch_t *watch, pvm_prof_trace_piece_t *piece, column_t *column)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_BLOCK_TRACE);
    int64_t before = 0;

    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, watch->execution.id);
    sqlite3_bind_int64(row, 2, (int64_t)piece->first);
    sqlite3_bind_int64(row, 3, piece->count);
    column->len = 0;
    for (uint32_t i = 0; i < piece->count; i++) {
        put(column, piece->pcs[i], sizeof(piece->pcs[i]));
    }
    sqlite3_bind_int(row, 5, bind_column(file, row, 4, column));
    if (piece->has_gas) {
        column->len = 0;
        for (uint32_t i = 0; i < piece->count; i++) {
            put(column, (uint64_t)pvm_prof_wrap_sub(piece->gas[i], before), sizeof(before));
            before = piece->gas[i];
        }
        sqlite3_bind_int(row, 7, bind_column(file, row, 6, column));
    }
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_BLOCK_TRACE);
}

void pvm_prof_block_trace_store(pvm_prof_watch_t *watch)
{
    pvm_prof_trace_piece_t *const piece = watch->trace;
    column_t *column;

    if (piece == NULL || piece->count == 0) {
        return;
    }
    column = malloc(sizeof(*column));
    if (column == NULL) {
        pvm_prof_store_fail(watch->recorder->file, "no memory to store a block trace");
        return;
    }
    store_piece(watch, piece, column);
    free(column);
    piece->first += piece->count;
    piece->count = 0;
}

void pvm_prof_block_trace_end(pvm_prof_watch_t *watch)
{
    pvm_prof_block_trace_store(watch);
    if (watch->trace != NULL) {
        watch->trace->first = 0;
        watch->trace->has_gas = false;
    }
}

/* The piece to write to, or NULL: nothing is traced. */
static pvm_prof_trace_piece_t *piece_of(pvm_prof_watch_t *watch)
{
    if (!watch->execution.is_open ||
        (watch->recorder->instrument & (PVM_PROF_BLOCKS | PVM_PROF_GAS)) == 0) {
        return NULL;
    }
    if (watch->trace == NULL) {
        watch->trace = calloc(1, sizeof(*watch->trace));
        if (watch->trace == NULL) {
            pvm_prof_store_fail(watch->recorder->file, "no memory for a block trace");
        }
    }
    return watch->trace;
}

static void add(pvm_prof_watch_t *watch, pvm_prof_trace_piece_t *piece, uint32_t block, int64_t gas)
{
    piece->pcs[piece->count] = (uint32_t)pvm_prof_program_block_pc(watch->program, block);
    piece->gas[piece->count] = gas;
    if (++piece->count == PVM_PROF_TRACE_PIECE) {
        pvm_prof_block_trace_store(watch);
    }
}

void pvm_prof_block_trace_add(pvm_prof_watch_t *watch, const uint32_t *blocks, size_t count)
{
    pvm_prof_trace_piece_t *const piece = piece_of(watch);

    for (size_t i = 0; piece != NULL && !piece->has_gas && i < count; i++) {
        add(watch, piece, blocks[i], 0);
    }
}

void pvm_prof_block_trace_add_gas(pvm_prof_watch_t *watch, uint32_t block, int64_t gas)
{
    pvm_prof_trace_piece_t *const piece = piece_of(watch);

    if (piece == NULL) {
        return;
    }
    if (!piece->has_gas) {
        pvm_prof_block_trace_store(watch);
        piece->has_gas = true;
    }
    add(watch, piece, block, gas);
}

void pvm_prof_block_trace_call(pvm_prof_watch_t *watch)
{
    const pvm_prof_trace_piece_t *const piece = piece_of(watch);
    pvm_prof_run_file_t *const file = watch->recorder->file;
    sqlite3_stmt *row;

    if (piece == NULL || (watch->recorder->instrument & PVM_PROF_HOST_CALLS) == 0 ||
        (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_BLOCK_TRACE_CALL)) == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, watch->call.seq);
    sqlite3_bind_int64(row, 2, watch->execution.id);
    sqlite3_bind_int64(row, 3, (int64_t)(piece->first + piece->count));
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_BLOCK_TRACE_CALL);
}
