/* Symbols for recordings. Function names are in the run file, by block: for given symbols the tables that hold them get
 * temporary ones in front, which SQLite finds first. */
#include "profiler/symbols.h"

#include "profiler/functions.h"
#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "program/symbols.h"
#include "support/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Tables that may have a copy. */
#define TABLES_MAX 32

/* -- Stored ones --------------------------------------------------------------------------- */

/* The symbols that the recorder kept for a program; NULL: none, or none that load. */
static pvm_program_t *load_stored(pvm_prof_run_file_t *file, int64_t id)
{
    pvm_program_t *symbols = NULL;
    sqlite3_stmt *row = NULL;

    /* Recordings of older versions have no such table. */
    if (sqlite3_prepare_v2(file->db, "SELECT blob FROM program_symbols WHERE program = ?1", -1,
                           &row, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, id);
        if (sqlite3_step(row) == SQLITE_ROW) {
            const void *const blob = sqlite3_column_blob(row, 0);
            const int len = sqlite3_column_bytes(row, 0);

            symbols = blob != NULL
                          ? pvm_program_load(blob, (size_t)len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT)
                          : NULL;
        }
    }
    sqlite3_finalize(row);
    return symbols;
}

void pvm_prof_symbols_give(pvm_prof_run_file_t *file, int64_t id, pvm_program_t *program)
{
    char difference[256];
    pvm_program_t *stored;

    if (file->symbols != NULL &&
        !pvm_symbols_differ(program, file->symbols, difference, sizeof(difference))) {
        pvm_program_take_symbols(program, file->symbols);
        return;
    }
    stored = load_stored(file, id);
    if (stored != NULL && !pvm_symbols_differ(program, stored, difference, sizeof(difference))) {
        pvm_program_take_symbols(program, stored);
    }
    pvm_program_release(stored);
}

/* -- Given ones ---------------------------------------------------------------------------- */

static int execute(pvm_prof_run_file_t *file, const char *sql)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL);
}

/* Names of tables that have columns program and function, other than `function` itself. */
static int list_tables(pvm_prof_run_file_t *file, char names[TABLES_MAX][64], size_t *out_count)
{
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT m.name FROM main.sqlite_master m WHERE m.type = 'table' AND m.name <> 'function' "
        "AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'program') "
        "AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'function' "
        "AND type = 'INTEGER') ORDER BY m.name",
        -1, &rows, NULL);

    *out_count = 0;
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const unsigned char *const name = sqlite3_column_text(rows, 0);

        if (name != NULL && strlen((const char *)name) < 64 && *out_count < TABLES_MAX &&
            strchr((const char *)name, '"') == NULL) {
            snprintf(names[(*out_count)++], 64, "%s", (const char *)name);
        }
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/** Tables that name functions in their rows. */
static const char *const flight_tables[] = {"flight_frame", "flight_block"};
#define FLIGHT_TABLES (sizeof(flight_tables) / sizeof(flight_tables[0]))

/* Files of older versions lack some, and have empty ones in their place. */
static bool is_recorded(pvm_prof_run_file_t *file, const char *table)
{
    return sqlite3_table_column_metadata(file->db, "main", table, NULL, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}

/* Copies in front of the tables, and the numbers of functions in them, which all come behind the old ones. */
static int make_copies(pvm_prof_run_file_t *file, char names[TABLES_MAX][64], size_t count)
{
    char sql[512];
    int code = execute(file, "CREATE TEMP TABLE function AS SELECT * FROM main.function;"
                             "CREATE UNIQUE INDEX temp.function_id ON function (program, id);"
                             "CREATE TEMP TABLE symbol_map (program INTEGER, old INTEGER, "
                             "new INTEGER, PRIMARY KEY (program, old)) WITHOUT ROWID");

    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        snprintf(sql, sizeof(sql),
                 "CREATE TEMP TABLE \"%s\" AS SELECT * FROM main.\"%s\";"
                 "CREATE INDEX temp.\"%s_place\" ON \"%s\" (program%s)",
                 names[i], names[i], names[i], names[i],
                 strcmp(names[i], "block") == 0 ? ", pc" : "");
        code = execute(file, sql);
    }
    for (size_t i = 0; i < FLIGHT_TABLES && code == SQLITE_OK; i++) {
        snprintf(sql, sizeof(sql), "CREATE TEMP TABLE %s AS SELECT * FROM main.%s",
                 flight_tables[i], flight_tables[i]);
        code = is_recorded(file, flight_tables[i]) ? execute(file, sql) : SQLITE_OK;
    }
    return code;
}

/** A program whose functions are named anew. */
typedef struct {
    pvm_prof_run_file_t *file;
    int64_t id;
    int64_t first; /**< number of its first new function */
    const pvm_program_t *program;
    pvm_prof_functions_t functions;
} renaming_t;

static int64_t function_at(const renaming_t *renaming, int64_t pc)
{
    const uint32_t block = pc >= 0 && pc < (int64_t)renaming->program->code.len
                               ? pvm_program_block_at(renaming->program, (uint32_t)pc)
                               : renaming->program->block_count;

    return renaming->first + renaming->functions.of_block[block];
}

static int add_functions(const renaming_t *renaming)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        renaming->file->db,
        "INSERT INTO temp.function (program, id, pc, name, source) VALUES (?1, ?2, ?3, ?4, ?5)", -1,
        &row, NULL);

    for (uint32_t i = 0; i < renaming->functions.count && code == SQLITE_OK; i++) {
        const pvm_prof_function_t *const function = &renaming->functions.list[i];

        sqlite3_bind_int64(row, 1, renaming->id);
        sqlite3_bind_int64(row, 2, renaming->first + i);
        sqlite3_bind_int64(row, 3, function->pc);
        sqlite3_bind_text(row, 4, function->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 5, function->from_debug ? "debug" : "code", -1, SQLITE_STATIC);
        code = sqlite3_step(row) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(renaming->file->db);
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return code;
}

/* For each row of `select` (a key, a pc): `update` with the key and the function at that pc. */
static int for_each(const renaming_t *renaming, const char *select, const char *update)
{
    sqlite3_stmt *rows = NULL;
    sqlite3_stmt *change = NULL;
    int code = sqlite3_prepare_v2(renaming->file->db, select, -1, &rows, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(renaming->file->db, update, -1, &change, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_bind_int64(rows, 1, renaming->id);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        sqlite3_bind_int64(change, 1, renaming->id);
        sqlite3_bind_int64(change, 2, sqlite3_column_int64(rows, 0));
        sqlite3_bind_int64(change, 3, function_at(renaming, sqlite3_column_int64(rows, 1)));
        code =
            sqlite3_step(change) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(renaming->file->db);
        sqlite3_reset(change);
    }
    sqlite3_finalize(change);
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Names stand in the flight records themselves. */
static int rename_flights(const renaming_t *renaming)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < FLIGHT_TABLES && code == SQLITE_OK; i++) {
        char select[256];
        char update[256];

        if (!is_recorded(renaming->file, flight_tables[i])) {
            continue;
        }
        snprintf(select, sizeof(select),
                 "SELECT rowid, pc FROM temp.%s WHERE pc IS NOT NULL AND execution IN "
                 "(SELECT id FROM executions WHERE program = ?1)",
                 flight_tables[i]);
        snprintf(update, sizeof(update),
                 "UPDATE temp.%s SET function = (SELECT name FROM temp.function "
                 "WHERE program = ?1 AND id = ?3) WHERE rowid = ?2",
                 flight_tables[i]);
        code = for_each(renaming, select, update);
    }
    return code;
}

static int rename_functions(renaming_t *renaming, char names[TABLES_MAX][64], size_t count)
{
    char sql[512];
    int code = add_functions(renaming);

    if (code == SQLITE_OK) {
        code = for_each(renaming, "SELECT id, pc FROM main.function WHERE program = ?1",
                        "INSERT INTO symbol_map (program, old, new) VALUES (?1, ?2, ?3)");
    }
    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
        if (strcmp(names[i], "block") == 0) {
            continue;
        }
        snprintf(sql, sizeof(sql),
                 "UPDATE temp.\"%s\" SET function = (SELECT new FROM symbol_map s WHERE s.program "
                 "= \"%s\".program AND s.old = \"%s\".function) WHERE program = %lld "
                 "AND function IS NOT NULL",
                 names[i], names[i], names[i], (long long)renaming->id);
        code = execute(renaming->file, sql);
    }
    if (code == SQLITE_OK) {
        code = for_each(renaming, "SELECT pc, pc FROM main.block WHERE program = ?1",
                        "UPDATE temp.block SET function = ?3 WHERE program = ?1 AND pc = ?2");
    }
    return code != SQLITE_OK ? code : rename_flights(renaming);
}

/* Name the functions of one program anew. @return an SQLite code */
static int rename_program(pvm_prof_run_file_t *file, int64_t id, const pvm_program_t *program,
                          char names[TABLES_MAX][64], size_t count)
{
    renaming_t renaming = {.file = file, .id = id, .program = program};
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        file->db, "SELECT coalesce(max(id), 0) + 1 FROM main.function WHERE program = ?1", -1, &row,
        NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, id);
        code = sqlite3_step(row);
        renaming.first = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    if (code != SQLITE_ROW || pvm_prof_functions_find(program, &renaming.functions) != 0) {
        return code == SQLITE_ROW ? SQLITE_NOMEM : code;
    }
    code = rename_functions(&renaming, names, count);
    pvm_prof_functions_free(&renaming.functions);
    return code;
}

/** Programs of a recording that are the one that symbols were given for. */
typedef struct {
    int64_t *ids;
    size_t count;
    char difference[256]; /**< of the first that is not */
} matches_t;

static int find_matches(pvm_prof_run_file_t *file, const pvm_program_t *symbols, matches_t *out)
{
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(file->db, "SELECT id FROM program ORDER BY id", -1, &rows, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const int64_t id = sqlite3_column_int64(rows, 0);
        char difference[256] = "a program that cannot be loaded";
        pvm_program_t *program = NULL;

        code =
            pvm_prof_stored_program(file, id, &program) == PVM_PROF_OK ? SQLITE_OK : SQLITE_NOMEM;
        if (program != NULL &&
            !pvm_symbols_differ(program, symbols, difference, sizeof(difference))) {
            int64_t *const ids = realloc(out->ids, (out->count + 1) * sizeof(*ids));

            code = ids != NULL ? code : SQLITE_NOMEM;
            out->ids = ids != NULL ? ids : out->ids;
            if (ids != NULL) {
                out->ids[out->count++] = id;
            }
        } else if (out->difference[0] == '\0') {
            memcpy(out->difference, difference, sizeof(difference));
        }
        pvm_program_release(program);
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int rename_all(pvm_prof_run_file_t *file, const matches_t *matches)
{
    char names[TABLES_MAX][64];
    size_t count = 0;
    int code = list_tables(file, names, &count);

    if (code == SQLITE_OK) {
        code = make_copies(file, names, count);
    }
    for (size_t i = 0; i < matches->count && code == SQLITE_OK; i++) {
        pvm_program_t *program = NULL;

        if (pvm_prof_stored_program(file, matches->ids[i], &program) != PVM_PROF_OK) {
            return SQLITE_NOMEM;
        }
        if (program != NULL) {
            code = rename_program(file, matches->ids[i], program, names, count);
        }
        pvm_program_release(program);
    }
    return code;
}

pvm_prof_status_t pvm_prof_symbols_use(pvm_prof_run_file_t *file, pvm_program_t *symbols)
{
    matches_t matches = {0};
    int code = find_matches(file, symbols, &matches);
    pvm_prof_status_t status = PVM_PROF_OK;

    if (code == SQLITE_OK && matches.count == 0) {
        pvm_error_set("it is not the recorded program: %s",
                      matches.difference[0] != '\0' ? matches.difference : "there is none");
        free(matches.ids);
        return PVM_PROF_E_ARGUMENT;
    }
    if (code == SQLITE_OK) {
        pvm_program_acquire(symbols);
        file->symbols = symbols;
        code = execute(file, "BEGIN");
    }
    if (code == SQLITE_OK) {
        code = rename_all(file, &matches);
        (void)execute(file, code == SQLITE_OK ? "COMMIT" : "ROLLBACK");
    }
    free(matches.ids);
    if (code != SQLITE_OK) {
        status = pvm_prof_store_report(file, code, "name its functions");
    }
    return status;
}
