/* A block trace as a table: blocks and host calls as they followed each other. See block_trace.h. */
#include "profiler/block_trace.h"

#include "profiler/report.h"
#include "profiler/store.h"
#include "profiler/worth.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#if PVM_HAVE_ZLIB
#include <zlib.h>
#endif

static const pvm_prof_column_t columns[] = {
    {"execution", "execution", "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT},
    {"step", "step", "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT},
    {"pc", "pc", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"call", "host call", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"cost", "cost", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"gas", "gas before", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

static const char *const pieces_sql =
    "SELECT t.execution, t.first, t.count, t.pcs, t.pcs_packed, t.gas, t.gas_packed, v.program "
    "FROM block_trace t JOIN execution e ON e.id = t.execution JOIN vm v ON v.id = e.vm "
    "ORDER BY t.execution, t.first";
static const char *const block_sql =
    "SELECT f.name, b.cost FROM block b JOIN function f ON f.program = b.program AND f.id = "
    "b.function WHERE b.program = ?1 AND b.pc = ?2";
static const char *const calls_sql =
    "SELECT t.execution, t.place, c.pc, n.name, c.gas_before, c.gas_after "
    "FROM block_trace_call t JOIN host_call c ON c.seq = t.seq JOIN vm v ON v.id = c.vm "
    "JOIN host_function n ON n.program = v.program AND n.func_id = c.func_id "
    "ORDER BY t.execution, t.place, t.seq";

typedef struct {
    pvm_prof_run_file_t *file;
    pvm_prof_table_t *table;
    uint32_t top;
    uint64_t all; /**< rows, those that are cut off too */
    sqlite3_stmt *pieces;
    sqlite3_stmt *block;
    sqlite3_stmt *calls;
    bool has_call;   /**< `calls` stands on one that is not in the table yet */
    uint8_t *octets; /**< pcs, then gas, of one piece */
} reader_t;

static pvm_prof_status_t refuse(const reader_t *reader, const char *why)
{
    pvm_error_set("%.300s: its block trace %s; record again", reader->file->path, why);
    return PVM_PROF_E_FORMAT;
}

static uint64_t read_number(const uint8_t *octets, unsigned count)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < count; i++) {
        number |= (uint64_t)octets[i] << 8 * i;
    }
    return number;
}

/* Unpack a column of `len` octets into `out`. @return false: it has another length, or cannot be read */
static bool unpack(sqlite3_stmt *row, int index, uint8_t *out, size_t len)
{
    const void *const data = sqlite3_column_blob(row, index);
    const size_t packed_len = (size_t)sqlite3_column_bytes(row, index);

    if (sqlite3_column_int64(row, index + 1) == 0) {
        if (data == NULL || packed_len != len) {
            return false;
        }
        memcpy(out, data, len);
        return true;
    }
#if PVM_HAVE_ZLIB
    uLongf unpacked = (uLongf)len;
    return data != NULL && uncompress(out, &unpacked, data, (uLong)packed_len) == Z_OK &&
           unpacked == len;
#else
    return false;
#endif
}

/* The next row to fill, or NULL: it is cut off, or there is no memory. */
static pvm_prof_value_t *next_row(reader_t *reader)
{
    return ++reader->all > reader->top ? NULL : pvm_prof_table_add_row(reader->table);
}

static void put_call(reader_t *reader)
{
    sqlite3_stmt *const call = reader->calls;
    pvm_prof_value_t *const row = next_row(reader);

    if (row != NULL) {
        pvm_prof_value_set_int(&row[0], sqlite3_column_int64(call, 0));
        pvm_prof_value_set_int(&row[1], sqlite3_column_int64(call, 1));
        pvm_prof_value_set_int(&row[2], sqlite3_column_int64(call, 2));
        (void)pvm_prof_value_set_text(&row[4], (const char *)sqlite3_column_text(call, 3));
        if (sqlite3_column_type(call, 5) != SQLITE_NULL) {
            pvm_prof_value_set_int(&row[5], (int64_t)((uint64_t)sqlite3_column_int64(call, 4) -
                                                      (uint64_t)sqlite3_column_int64(call, 5)));
        }
        pvm_prof_value_set_int(&row[6], sqlite3_column_int64(call, 4));
    }
    reader->has_call = sqlite3_step(call) == SQLITE_ROW;
}

/* Host calls that stand before a block. */
static void put_calls(reader_t *reader, int64_t execution, int64_t place)
{
    while (reader->has_call) {
        const int64_t at = sqlite3_column_int64(reader->calls, 0);

        if (at > execution || (at == execution && sqlite3_column_int64(reader->calls, 1) > place)) {
            return;
        }
        put_call(reader);
    }
}

static void put_block(reader_t *reader, int64_t place, uint32_t pc, const int64_t *gas)
{
    pvm_prof_value_t *const row = next_row(reader);

    if (row == NULL) {
        return;
    }
    pvm_prof_value_set_int(&row[0], sqlite3_column_int64(reader->pieces, 0));
    pvm_prof_value_set_int(&row[1], place);
    pvm_prof_value_set_int(&row[2], pc);
    sqlite3_reset(reader->block);
    sqlite3_bind_int64(reader->block, 1, sqlite3_column_int64(reader->pieces, 7));
    sqlite3_bind_int64(reader->block, 2, pc);
    if (sqlite3_step(reader->block) == SQLITE_ROW) {
        (void)pvm_prof_value_set_text(&row[3], (const char *)sqlite3_column_text(reader->block, 0));
        pvm_prof_value_set_int(&row[5], sqlite3_column_int64(reader->block, 1));
    }
    if (gas != NULL) {
        pvm_prof_value_set_int(&row[6], *gas);
    }
}

static pvm_prof_status_t put_piece(reader_t *reader)
{
    sqlite3_stmt *const piece = reader->pieces;
    const int64_t execution = sqlite3_column_int64(piece, 0);
    const int64_t first = sqlite3_column_int64(piece, 1);
    const int64_t count = sqlite3_column_int64(piece, 2);
    const bool has_gas = sqlite3_column_type(piece, 5) != SQLITE_NULL;
    uint8_t *const gas_octets = reader->octets + PVM_PROF_TRACE_PIECE * sizeof(uint32_t);
    int64_t gas = 0;

    if (first < 0 || count < 0 || count > PVM_PROF_TRACE_PIECE ||
        !unpack(piece, 3, reader->octets, (size_t)count * sizeof(uint32_t)) ||
        (has_gas && !unpack(piece, 5, gas_octets, (size_t)count * sizeof(uint64_t)))) {
        return refuse(reader,
                      "is damaged, or packed and this program was built without zlib1g-dev");
    }
    for (int64_t i = 0; i < count; i++) {
        put_calls(reader, execution, first + i);
        if (has_gas) {
            gas = (int64_t)((uint64_t)gas + read_number(gas_octets + i * 8, 8));
        }
        put_block(reader, first + i, (uint32_t)read_number(reader->octets + i * 4, 4),
                  has_gas ? &gas : NULL);
    }
    return PVM_PROF_OK;
}

static pvm_prof_status_t fill(reader_t *reader)
{
    sqlite3 *const db = reader->file->db;
    pvm_prof_status_t status = PVM_PROF_OK;
    int code = sqlite3_prepare_v2(db, pieces_sql, -1, &reader->pieces, NULL);

    if (code == SQLITE_ERROR) {
        /* Written before there were traces. */
        return refuse(reader, "is not there: --instrument blocks or gas collects it");
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(db, block_sql, -1, &reader->block, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(db, calls_sql, -1, &reader->calls, NULL);
    }
    if (code == SQLITE_OK) {
        reader->has_call = sqlite3_step(reader->calls) == SQLITE_ROW;
        while (status == PVM_PROF_OK && (code = sqlite3_step(reader->pieces)) == SQLITE_ROW) {
            status = put_piece(reader);
        }
        put_calls(reader, INT64_MAX, INT64_MAX);
    }
    if (status == PVM_PROF_OK && code != SQLITE_DONE) {
        status = pvm_prof_store_report(reader->file, code, "read its block trace");
    }
    if (status == PVM_PROF_OK && reader->all == 0) {
        status = refuse(reader, "is not there: --instrument blocks or gas collects it");
    }
    sqlite3_finalize(reader->pieces);
    sqlite3_finalize(reader->block);
    sqlite3_finalize(reader->calls);
    return status;
}

pvm_prof_status_t pvm_prof_block_trace_report(pvm_prof_run_file_t *file, uint32_t top,
                                              pvm_prof_table_t **out_table)
{
    reader_t reader = {
        .file = file,
        .table = pvm_prof_table_create("Blocks and host calls in order", columns, COLUMN_COUNT),
        .top = top == 0 || top > PVM_PROF_MAX_ROWS ? PVM_PROF_MAX_ROWS : top,
        .octets = malloc(PVM_PROF_TRACE_PIECE * (sizeof(uint32_t) + sizeof(uint64_t)))};
    pvm_prof_status_t status = PVM_PROF_E_SYSTEM;

    *out_table = NULL;
    if (reader.table == NULL || reader.octets == NULL) {
        pvm_error_set("%.300s: no memory for its block trace", file->path);
    } else {
        status = fill(&reader);
    }
    if (status == PVM_PROF_OK) {
        reader.table->row_count_all = reader.all;
        status = pvm_prof_worth_tell(file, reader.table);
    }
    free(reader.octets);
    if (status != PVM_PROF_OK) {
        pvm_prof_table_destroy(reader.table);
        return status;
    }
    *out_table = reader.table;
    return PVM_PROF_OK;
}
