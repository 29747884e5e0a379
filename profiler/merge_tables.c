/* One table of one recording into another file: a SELECT, an INSERT, and between them the rules. See merge_tables.h. */
#include "profiler/merge_tables.h"

#include "profiler/ledger.h"
#include "support/buffer.h"
#include "support/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** More columns than any table has. */
#define COLUMNS_MAX 64
/** Rows between two questions whether to stop. */
#define ROWS_BETWEEN 4096

const pvm_merge_table_t pvm_merge_tables[] = {
#define DETAIL                               true
#define ALWAYS                               false
#define PVM_MERGE_TABLE(table, mode, detail) {#table, PVM_MERGE_##mode, detail},
#define PVM_MERGE_COLUMN(table, column, kind)
#include "profiler/merge.def"
    {NULL, PVM_MERGE_OWN, false},
};

static const struct {
    const char *table;
    const char *column;
    pvm_merge_kind_t kind;
} column_rules[] = {
#define PVM_MERGE_TABLE(table, mode, detail)
#define PVM_MERGE_COLUMN(table, column, kind) {#table, #column, PVM_MERGE_##kind},
#include "profiler/merge.def"
};

pvm_merge_kind_t pvm_merge_kind(const char *table, const char *column)
{
    for (size_t i = 0; i < sizeof(column_rules) / sizeof(column_rules[0]); i++) {
        if (strcmp(column_rules[i].table, table) == 0 &&
            strcmp(column_rules[i].column, column) == 0) {
            return column_rules[i].kind;
        }
    }
    return PVM_MERGE_KEEP;
}

/* -- The two statements -------------------------------------------------------------------- */

typedef struct {
    char name[64];
    pvm_merge_kind_t kind;
    bool is_key;
    bool is_there; /**< in the recording, too */
} column_t;

typedef struct {
    const pvm_merge_table_t *table;
    column_t columns[COLUMNS_MAX];
    size_t count;
    int program; /**< place of the column of kind PROGRAM, or -1 */
} shape_t;

static bool has_column(sqlite3 *db, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(db, "main", table, column, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

static int read_shape(sqlite3 *out, sqlite3 *source, const pvm_merge_table_t *table, shape_t *shape)
{
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(out, "SELECT name, pk FROM pragma_table_info(?1)", -1, &row, NULL);

    *shape = (shape_t){.table = table, .program = -1};
    if (code == SQLITE_OK) {
        sqlite3_bind_text(row, 1, table->name, -1, SQLITE_STATIC);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW &&
           shape->count < COLUMNS_MAX) {
        column_t *const column = &shape->columns[shape->count];

        (void)snprintf(column->name, sizeof(column->name), "%s",
                       (const char *)sqlite3_column_text(row, 0));
        column->kind = pvm_merge_kind(table->name, column->name);
        column->is_key = sqlite3_column_int(row, 1) != 0;
        column->is_there = has_column(source, table->name, column->name);
        shape->program = column->kind == PVM_MERGE_PROGRAM ? (int)shape->count : shape->program;
        shape->count++;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void put(pvm_buffer_t *sql, const char *text)
{
    pvm_buffer_append(sql, text, strlen(text));
}

static void put_names(pvm_buffer_t *sql, const shape_t *shape, bool keys_only)
{
    bool is_first = true;

    for (size_t i = 0; i < shape->count; i++) {
        if (!keys_only || shape->columns[i].is_key) {
            put(sql, is_first ? "" : ", ");
            put(sql, shape->columns[i].is_there || keys_only ? shape->columns[i].name : "NULL");
            is_first = false;
        }
    }
}

static void put_select(pvm_buffer_t *sql, const shape_t *shape)
{
    put(sql, "SELECT ");
    put_names(sql, shape, false);
    put(sql, " FROM ");
    put(sql, shape->table->name);
    put(sql, " ORDER BY ");
    put_names(sql, shape, true);
}

static void put_insert(pvm_buffer_t *sql, const shape_t *shape)
{
    char piece[240];
    bool is_first = true;

    put(sql, "INSERT INTO ");
    put(sql, shape->table->name);
    put(sql, " VALUES (");
    for (size_t i = 0; i < shape->count; i++) {
        (void)snprintf(piece, sizeof(piece), "%s?%zu", i > 0 ? ", " : "", i + 1);
        put(sql, piece);
    }
    put(sql, ")");
    if (shape->table->mode != PVM_MERGE_SUM) {
        return;
    }
    put(sql, " ON CONFLICT DO ");
    for (size_t i = 0; i < shape->count; i++) {
        const char *const name = shape->columns[i].name;
        const pvm_merge_kind_t kind = shape->columns[i].kind;

        if (kind != PVM_MERGE_ADD && kind != PVM_MERGE_LEAST) {
            continue;
        }
        (void)snprintf(piece, sizeof(piece), "%s%s = %s(%s, excluded.%s)",
                       is_first ? "UPDATE SET " : ", ", name,
                       kind == PVM_MERGE_ADD ? "wrap_add" : "min", name, name);
        put(sql, piece);
        is_first = false;
    }
    put(sql, is_first ? "NOTHING" : "");
}

static int prepare(sqlite3 *db, const shape_t *shape,
                   void (*write)(pvm_buffer_t *sql, const shape_t *shape), sqlite3_stmt **out)
{
    pvm_buffer_t sql = {0};
    int code = SQLITE_NOMEM;

    write(&sql, shape);
    pvm_buffer_append(&sql, "", 1);
    if (!sql.failed) {
        code = sqlite3_prepare_v2(db, (const char *)sql.data, -1, out, NULL);
    }
    pvm_buffer_free(&sql);
    return code;
}

/* -- Rows ---------------------------------------------------------------------------------- */

/* @return false: the number is not one of the recording */
static bool translate(const pvm_merge_numbers_t *numbers, pvm_merge_kind_t kind, int64_t program,
                      int64_t old, int64_t *out)
{
    uint32_t known;

    switch (kind) {
    case PVM_MERGE_PROGRAM:
        known = pvm_prof_map_get(&numbers->programs, (uint64_t)old);
        *out = known;
        return known != PVM_PROF_MAP_NONE;
    case PVM_MERGE_FUNCTION:
        known = pvm_prof_map_get(&numbers->functions, (uint64_t)program << 32 | (uint32_t)old);
        *out = known;
        return known != PVM_PROF_MAP_NONE && old >= 0 && old <= UINT32_MAX;
    case PVM_MERGE_VM:
        *out = pvm_prof_wrap_add(old, numbers->vm);
        return old > 0;
    case PVM_MERGE_EXECUTION:
        *out = pvm_prof_wrap_add(old, numbers->execution);
        return old > 0;
    case PVM_MERGE_CALL:
        *out = pvm_prof_wrap_add(old, numbers->call);
        return old >= 0;
    case PVM_MERGE_NODE:
        *out = pvm_prof_wrap_add(old, numbers->node);
        return old > 0;
    case PVM_MERGE_SOURCE:
        *out = pvm_prof_wrap_add(old, numbers->source);
        return old > 0;
    case PVM_MERGE_TIME:
        *out = pvm_prof_wrap_add(old, numbers->time_ns);
        return true;
    default:
        *out = old;
        return true;
    }
}

/* @return an SQLite code; MISMATCH: a number that the recording does not have */
static int copy_row(const shape_t *shape, const pvm_merge_numbers_t *numbers, sqlite3_stmt *from,
                    sqlite3_stmt *to)
{
    const int64_t program = shape->program >= 0 ? sqlite3_column_int64(from, shape->program) : 0;
    int code = SQLITE_OK;

    for (int i = 0; code == SQLITE_OK && i < (int)shape->count; i++) {
        const pvm_merge_kind_t kind = shape->columns[i].kind;
        int64_t number = 0;

        if (kind == PVM_MERGE_ROW || sqlite3_column_type(from, i) == SQLITE_NULL) {
            code = sqlite3_bind_null(to, i + 1);
        } else if (kind == PVM_MERGE_KEEP || kind >= PVM_MERGE_ADD) {
            code = sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        } else if (translate(numbers, kind, program, sqlite3_column_int64(from, i), &number)) {
            code = sqlite3_bind_int64(to, i + 1, number);
        } else {
            return SQLITE_MISMATCH;
        }
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(to);
        sqlite3_reset(to);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static pvm_prof_status_t report_row(pvm_prof_run_file_t *out, pvm_prof_run_file_t *source,
                                    const char *table, int code)
{
    if (code == SQLITE_MISMATCH || (code & 0xff) == SQLITE_CONSTRAINT) {
        pvm_error_set("%.300s: damaged (a row of %s names what is not there); record again",
                      source->path, table);
        return PVM_PROF_E_FORMAT;
    }
    return pvm_prof_store_report(out, code, "write it");
}

pvm_prof_status_t pvm_merge_table(pvm_prof_run_file_t *out, pvm_prof_run_file_t *source,
                                  const pvm_merge_table_t *table,
                                  const pvm_merge_numbers_t *numbers)
{
    shape_t shape;
    sqlite3_stmt *from = NULL;
    sqlite3_stmt *to = NULL;
    bool is_there = false;
    pvm_prof_status_t status = PVM_PROF_OK;
    unsigned rows = 0;
    int code = pvm_prof_store_has_table(source->db, table->name, &is_there);

    if (code != SQLITE_OK || !is_there) {
        return code == SQLITE_OK ? PVM_PROF_OK
                                 : pvm_prof_store_report(source, code, "look at its tables");
    }
    if ((code = read_shape(out->db, source->db, table, &shape)) != SQLITE_OK ||
        (code = prepare(out->db, &shape, put_insert, &to)) != SQLITE_OK) {
        status = pvm_prof_store_report(out, code, "look at its tables");
    } else if ((code = prepare(source->db, &shape, put_select, &from)) != SQLITE_OK) {
        status = pvm_prof_store_report(source, code, "read its rows");
    }
    while (status == PVM_PROF_OK && (code = sqlite3_step(from)) == SQLITE_ROW) {
        if ((code = copy_row(&shape, numbers, from, to)) != SQLITE_OK) {
            status = report_row(out, source, table->name, code);
        } else if (++rows % ROWS_BETWEEN == 0 && numbers->is_stopped != NULL &&
                   numbers->is_stopped()) {
            status = PVM_PROF_E_INTERRUPTED;
        }
    }
    if (status == PVM_PROF_OK && code != SQLITE_DONE) {
        status = pvm_prof_store_report(source, code, "read its rows");
    }
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return status;
}
