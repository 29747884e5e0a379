/* Host calls that were asked for and were never made: what there is instead. See conversation.h. */
#include "profiler/conversation.h"
#include "profiler/store.h"

#include <inttypes.h>
#include <stdio.h>

/** Most that are named. */
#define NAMED_MAX "8"

/* ?1 is what was asked for. One row: whether it is there, and what is. */
#define ASK(known)                                                                                 \
    "WITH known (text, place, hit) AS (SELECT " known                                              \
    " GROUP BY 1) SELECT count(*) > 0 AND total(hit) = 0, ?1, "                                    \
    "(SELECT group_concat(text, ', ') FROM (SELECT text FROM known ORDER BY place "                \
    "LIMIT " NAMED_MAX ")), count(*) - " NAMED_MAX " FROM known"

typedef enum { CALL, MACHINE, SERVICE, ASKED_COUNT } asked_t;

static const struct {
    const char *sql;
    const char *name;
    const char *note; /**< between what was asked for and what there is */
} asked[ASKED_COUNT] = {
    [CALL] = {ASK("n.name, min(n.name), max(n.name = ?1 OR CAST(t.func_id AS TEXT) = ?1) "
                  "FROM host_total t JOIN vm v ON v.id = t.vm "
                  "JOIN host_function n ON n.program = v.program AND n.func_id = t.func_id"),
              "Host call", "was not made; made were"},
    [MACHINE] = {ASK("vm, vm, vm = ?1 FROM host_total"), "Machine",
                 "made no host call; these did:"},
    [SERVICE] = {ASK("v.service, v.service, v.service = ?1 "
                     "FROM host_total t JOIN vm v ON v.id = t.vm"),
                 "Service", "made no host call; these did:"},
};

/* @return an SQLite code */
static int bind(sqlite3_stmt *row, asked_t what, const pvm_conversation_options_t *options)
{
    switch (what) {
    case CALL:
        return sqlite3_bind_text(row, 1, options->call, -1, SQLITE_STATIC);
    case MACHINE:
        return sqlite3_bind_int64(row, 1, options->vm);
    default:
        return sqlite3_bind_int64(row, 1, options->service);
    }
}

static int note_one(pvm_prof_run_file_t *file, asked_t what,
                    const pvm_conversation_options_t *options, pvm_prof_table_t *table)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(file->db, asked[what].sql, -1, &row, NULL);

    if (code == SQLITE_OK && (code = bind(row, what, options)) == SQLITE_OK) {
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW && sqlite3_column_int(row, 0) != 0) {
        const char *const wanted = (const char *)sqlite3_column_text(row, 1);
        const char *const known = (const char *)sqlite3_column_text(row, 2);
        const int64_t others = sqlite3_column_int64(row, 3);
        char rest[48] = "";

        if (others > 0) {
            (void)snprintf(rest, sizeof(rest), " and %" PRId64 " more", others);
        }
        code = wanted != NULL && known != NULL &&
                       pvm_prof_table_add_note(table, "%s %s %s %s%s.", asked[what].name, wanted,
                                               asked[what].note, known, rest) == 0
                   ? SQLITE_ROW
                   : SQLITE_NOMEM;
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int pvm_conversation_note_unknown(pvm_prof_run_file_t *file,
                                  const pvm_conversation_options_t *options,
                                  pvm_prof_table_t *table)
{
    const bool is_asked[ASKED_COUNT] = {[CALL] = options->call != NULL,
                                        [MACHINE] = options->has_vm,
                                        [SERVICE] = options->has_service};
    int code = SQLITE_OK;

    for (asked_t what = CALL; what < ASKED_COUNT && code == SQLITE_OK; what++) {
        code = is_asked[what] ? note_one(file, what, options, table) : SQLITE_OK;
    }
    return code;
}
