/* Older files: what they lack is there as empty temporary tables, so that no query has to ask. */
#include "profiler/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char pvm_prof_schema_sql[];

/* @param sql  "CREATE TABLE name (...)", as the schema has it */
static int create_temporary(sqlite3 *db, const char *sql)
{
    static const char create[] = "CREATE TABLE";
    char *text = NULL;
    int code = SQLITE_NOMEM;

    if (strncmp(sql, create, sizeof(create) - 1) != 0) {
        return SQLITE_CORRUPT;
    }
    if (asprintf(&text, "CREATE TEMP TABLE%s", sql + sizeof(create) - 1) >= 0) {
        code = sqlite3_exec(db, text, NULL, NULL, NULL);
        free(text);
    }
    return code;
}

/* As many tables as the schema has: then there is none to be made, and no schema to be read. */
static int is_whole(sqlite3 *db, bool *out)
{
    static const char create[] = "CREATE TABLE ";
    int64_t count = 0;
    int64_t expected = 0;
    const int code = pvm_prof_store_number(
        db,
        "SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        &count);

    for (const char *at = pvm_prof_schema_sql; (at = strstr(at, create)) != NULL; at++) {
        expected++;
    }
    *out = count >= expected;
    return code;
}

int pvm_prof_store_fill_older(pvm_prof_run_file_t *file)
{
    sqlite3 *model = NULL;
    sqlite3_stmt *tables = NULL;
    bool has_all = false;
    int code = is_whole(file->db, &has_all);

    if (code != SQLITE_OK || has_all) {
        return code;
    }
    code = sqlite3_open(":memory:", &model);

    if (code == SQLITE_OK) {
        code = sqlite3_exec(model, pvm_prof_schema_sql, NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(model, "SELECT name, sql FROM sqlite_master WHERE type = 'table'",
                                  -1, &tables, NULL);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(tables)) == SQLITE_ROW) {
        const char *const name = (const char *)sqlite3_column_text(tables, 0);
        const char *const sql = (const char *)sqlite3_column_text(tables, 1);

        bool is_there = true;

        code = name != NULL && sql != NULL ? pvm_prof_store_has_table(file->db, name, &is_there)
                                           : SQLITE_OK;
        if (code == SQLITE_OK && !is_there) {
            code = create_temporary(file->db, sql);
        }
    }
    sqlite3_finalize(tables);
    sqlite3_close(model);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}
