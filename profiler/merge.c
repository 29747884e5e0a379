/* Merging, recording by recording: programs and functions, what the rules of merge.def copy and add up, slices of host calls,
 * totals and run_info. See merge.h. */
#include "profiler/merge.h"

#include "profiler/host_sums.h"
#include "profiler/ledger.h"
#include "profiler/merge_info.h"
#include "profiler/merge_tables.h"
#include "profiler/reconcile.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

/** A program that is in the merged file. */
typedef struct {
    int64_t id;
    uint64_t hash;
} known_program_t;

struct pvm_prof_merge_t {
    pvm_prof_run_file_t *out;
    bool sums_only;
    bool (*is_stopped)(void);
    pvm_merge_numbers_t numbers; /**< for the recording that comes next, but for its maps */
    known_program_t *programs;
    uint32_t program_count;
    uint32_t program_room;
    pvm_prof_slices_t slices;
    pvm_merge_info_t info;
};

pvm_prof_status_t pvm_prof_merge_create(pvm_prof_run_file_t *out,
                                        const pvm_prof_merge_options_t *options,
                                        pvm_prof_merge_t **out_merge)
{
    pvm_prof_merge_t *const merge = calloc(1, sizeof(*merge));
    int code;

    *out_merge = merge;
    if (merge == NULL) {
        return pvm_prof_store_report(out, SQLITE_NOMEM, "merge into it");
    }
    merge->out = out;
    merge->sums_only = options->sums_only;
    merge->is_stopped = options->is_stopped;
    pvm_merge_info_begin(&merge->info);
    code = pvm_prof_wrap_sum_register(out->db);
    if (code == SQLITE_OK) {
        code = sqlite3_exec(out->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(out, code, "write it");
}

void pvm_prof_merge_destroy(pvm_prof_merge_t *merge)
{
    if (merge == NULL) {
        return;
    }
    pvm_prof_map_free(&merge->numbers.programs);
    pvm_prof_map_free(&merge->numbers.functions);
    pvm_prof_slices_free(&merge->slices);
    pvm_merge_info_free(&merge->info);
    free(merge->programs);
    free(merge);
}

/* -- Programs: equal if spec, format and octets are ------------------------------------------ */

static uint64_t hash_octets(const void *data, size_t len)
{
    const uint8_t *const octets = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ len;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* @return an SQLite code; *out_id is 0 if there is no equal one */
static int find_program(const pvm_prof_merge_t *merge, sqlite3_stmt *row, uint64_t hash,
                        int64_t *out_id)
{
    sqlite3_stmt *query = NULL;
    int code = SQLITE_OK;

    *out_id = 0;
    for (uint32_t i = 0; i < merge->program_count && code == SQLITE_OK && *out_id == 0; i++) {
        if (merge->programs[i].hash != hash) {
            continue;
        }
        code = sqlite3_prepare_v2(
            merge->out->db,
            "SELECT 1 FROM program WHERE id = ?1 AND spec = ?2 AND format = ?3 AND blob = ?4", -1,
            &query, NULL);
        if (code == SQLITE_OK) {
            sqlite3_bind_int64(query, 1, merge->programs[i].id);
            sqlite3_bind_value(query, 2, sqlite3_column_value(row, 2));
            sqlite3_bind_value(query, 3, sqlite3_column_value(row, 3));
            sqlite3_bind_value(query, 4, sqlite3_column_value(row, 7));
            code = sqlite3_step(query);
            *out_id = code == SQLITE_ROW ? merge->programs[i].id : 0;
            code = code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
        }
        sqlite3_finalize(query);
        query = NULL;
    }
    return code;
}

static int add_program(pvm_prof_merge_t *merge, sqlite3_stmt *row, uint64_t hash, int64_t *out_id)
{
    sqlite3_stmt *insert = NULL;

    if (merge->program_count == merge->program_room) {
        const uint32_t room = merge->program_room == 0 ? 16 : 2 * merge->program_room;
        known_program_t *const grown = realloc(merge->programs, room * sizeof(*grown));

        if (grown == NULL) {
            return SQLITE_NOMEM;
        }
        merge->programs = grown;
        merge->program_room = room;
    }
    int code = sqlite3_prepare_v2(merge->out->db,
                                  "INSERT INTO program VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", -1,
                                  &insert, NULL);
    *out_id = merge->program_count + (int64_t)1;
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(insert, 1, *out_id);
        for (int i = 1; i < 8; i++) {
            sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
        }
        code = sqlite3_step(insert);
    }
    sqlite3_finalize(insert);
    merge->programs[merge->program_count++] = (known_program_t){.id = *out_id, .hash = hash};
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static pvm_prof_status_t refuse(const pvm_prof_run_file_t *source, const char *what)
{
    pvm_error_set("%.300s: damaged (%s); record again", source->path, what);
    return PVM_PROF_E_FORMAT;
}

static pvm_prof_status_t merge_programs(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source)
{
    sqlite3_stmt *row = NULL;
    pvm_prof_status_t status = PVM_PROF_OK;
    int code = sqlite3_prepare_v2(source->db,
                                  "SELECT id, name, spec, format, code_bytes, blocks, error, blob "
                                  "FROM program ORDER BY id",
                                  -1, &row, NULL);

    pvm_prof_map_free(&merge->numbers.programs);
    while (code == SQLITE_OK && status == PVM_PROF_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t old = sqlite3_column_int64(row, 0);
        const void *const blob = sqlite3_column_blob(row, 7);
        const uint64_t hash = hash_octets(blob, (size_t)sqlite3_column_bytes(row, 7));
        int64_t id = 0;

        code = find_program(merge, row, hash, &id);
        if (code == SQLITE_OK && id == 0) {
            code = add_program(merge, row, hash, &id);
        }
        if (old <= 0 || old >= UINT32_MAX ||
            pvm_prof_map_get(&merge->numbers.programs, (uint64_t)old) != PVM_PROF_MAP_NONE) {
            status = refuse(source, "two programs have one number");
        } else if (code == SQLITE_OK &&
                   pvm_prof_map_add(&merge->numbers.programs, (uint64_t)old, (uint32_t)id) != 0) {
            code = SQLITE_NOMEM;
        }
    }
    sqlite3_finalize(row);
    return status != PVM_PROF_OK || code == SQLITE_DONE
               ? status
               : pvm_prof_store_report(merge->out, code, "bring its programs over");
}

/* -- Functions: equal if program, first pc and name are -------------------------------------- */

/* The number of an equal function, or of a new one: its own where that is free. */
static int place_function(pvm_prof_merge_t *merge, sqlite3_stmt *row, int64_t program,
                          sqlite3_stmt *find, sqlite3_stmt *insert, int64_t *out_id)
{
    int code;

    sqlite3_bind_int64(find, 1, program);
    sqlite3_bind_value(find, 2, sqlite3_column_value(row, 2));
    sqlite3_bind_value(find, 3, sqlite3_column_value(row, 3));
    sqlite3_bind_value(find, 4, sqlite3_column_value(row, 1));
    code = sqlite3_step(find);
    const bool is_known = code == SQLITE_ROW && sqlite3_column_int(find, 1) != 0;
    *out_id = code == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
    sqlite3_reset(find);
    if (code != SQLITE_ROW || is_known) {
        return code == SQLITE_ROW ? SQLITE_OK : code;
    }
    sqlite3_bind_int64(insert, 1, program);
    sqlite3_bind_int64(insert, 2, *out_id);
    for (int i = 2; i < 5; i++) {
        sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
    }
    code = sqlite3_step(insert);
    sqlite3_reset(insert);
    (void)merge;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int note_function(pvm_merge_numbers_t *numbers, int64_t program, int64_t old, int64_t id)
{
    const uint64_t key = (uint64_t)program << 32 | (uint32_t)old;

    if (old < 0 || old > UINT32_MAX || id < 0 || id >= UINT32_MAX ||
        pvm_prof_map_get(&numbers->functions, key) != PVM_PROF_MAP_NONE) {
        return SQLITE_MISMATCH;
    }
    return pvm_prof_map_add(&numbers->functions, key, (uint32_t)id) == 0 ? SQLITE_OK : SQLITE_NOMEM;
}

static pvm_prof_status_t merge_functions(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source)
{
    static const char find_sql[] =
        "SELECT coalesce(same, CASE WHEN taken THEN next ELSE ?4 END), same IS NOT NULL FROM "
        "(SELECT (SELECT id FROM function WHERE program = ?1 AND pc = ?2 AND name = ?3 "
        "ORDER BY id <> ?4 LIMIT 1) AS same, "
        "EXISTS (SELECT 1 FROM function WHERE program = ?1 AND id = ?4) AS taken, "
        "(SELECT max(id) + 1 FROM function WHERE program = ?1) AS next)";
    sqlite3 *const db = merge->out->db;
    sqlite3_stmt *row = NULL;
    sqlite3_stmt *find = NULL;
    sqlite3_stmt *insert = NULL;
    int code = sqlite3_prepare_v2(
        source->db, "SELECT program, id, pc, name, source FROM function ORDER BY program, id", -1,
        &row, NULL);

    pvm_prof_map_free(&merge->numbers.functions);
    if (code == SQLITE_OK &&
        (code = sqlite3_prepare_v2(db, find_sql, -1, &find, NULL)) == SQLITE_OK) {
        code = sqlite3_prepare_v2(db, "INSERT INTO function VALUES (?1, ?2, ?3, ?4, ?5)", -1,
                                  &insert, NULL);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t old_program = sqlite3_column_int64(row, 0);
        const uint32_t program = pvm_prof_map_get(&merge->numbers.programs, (uint64_t)old_program);
        int64_t id = 0;

        code = program == PVM_PROF_MAP_NONE
                   ? SQLITE_MISMATCH
                   : place_function(merge, row, program, find, insert, &id);
        if (code == SQLITE_OK) {
            code = note_function(&merge->numbers, old_program, sqlite3_column_int64(row, 1), id);
        }
    }
    sqlite3_finalize(row);
    sqlite3_finalize(find);
    sqlite3_finalize(insert);
    if (code == SQLITE_MISMATCH) {
        return refuse(source, "a function without a program, or twice");
    }
    return code == SQLITE_DONE
               ? PVM_PROF_OK
               : pvm_prof_store_report(merge->out, code, "bring its functions over");
}

/* -- Slices of host calls: from single calls where all are there, which is exact; else slice by slice ------------ */

static const char calls_sql[] =
    "SELECT c.seq, v.program, c.func_id, 1, max(0, c.gas_before - c.gas_after), "
    "coalesce(c.duration_ns, 0), c.started_ns FROM host_call c JOIN vm v ON v.id = c.vm "
    "WHERE c.gas_after IS NOT NULL ORDER BY c.seq";
static const char slices_sql[] = "SELECT seq, program, func_id, calls, gas, duration_ns, "
                                 "started_ns FROM host_slice ORDER BY seq";

static int merge_slices(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source, const char *sql)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(source->db, sql, -1, &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t seq = pvm_prof_wrap_add(sqlite3_column_int64(row, 0), merge->numbers.call);
        const uint32_t program =
            pvm_prof_map_get(&merge->numbers.programs, (uint64_t)sqlite3_column_int64(row, 1));
        const pvm_prof_part_t part = {
            .program = program,
            .sum = {.func_id = sqlite3_column_int(row, 2),
                    .calls = (uint64_t)sqlite3_column_int64(row, 3),
                    .gas = (uint64_t)sqlite3_column_int64(row, 4),
                    .duration_ns = (uint64_t)sqlite3_column_int64(row, 5)},
            .started_ns = pvm_prof_wrap_add(sqlite3_column_int64(row, 6), merge->numbers.time_ns)};

        code = seq < merge->numbers.call || program == PVM_PROF_MAP_NONE ? SQLITE_MISMATCH
               : pvm_prof_slices_add(&merge->slices, seq, &part) == 0    ? SQLITE_OK
                                                                         : SQLITE_NOMEM;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static pvm_prof_status_t add_slices(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source)
{
    int64_t differ = 1;
    bool has_slices = false;
    int code = SQLITE_OK;

    if (!merge->sums_only) {
        code = pvm_prof_store_number(
            source->db, "SELECT (SELECT count(*) FROM host_call) <> total(calls) FROM host_total",
            &differ);
    }
    if (code == SQLITE_OK) {
        code = pvm_prof_store_has_table(source->db, "host_slice", &has_slices);
    }
    if (code == SQLITE_OK && differ == 0) {
        code = merge_slices(merge, source, calls_sql);
    } else if (code == SQLITE_OK && has_slices) {
        code = merge_slices(merge, source, slices_sql);
    }
    if (code == SQLITE_MISMATCH) {
        return refuse(source, "host calls out of order or of no program");
    }
    return code == SQLITE_OK ? PVM_PROF_OK
                             : pvm_prof_store_report(source, code, "read its host calls");
}

/* -- One recording ------------------------------------------------------------------------- */

static bool is_stopped(const pvm_prof_merge_t *merge)
{
    return merge->is_stopped != NULL && merge->is_stopped();
}

/* Where the next one goes on. Numbers that are too large to go on from come from no recorder. */
static pvm_prof_status_t move_on(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source)
{
    pvm_merge_numbers_t *const numbers = &merge->numbers;
    const struct {
        int64_t *number;
        const char *sql;
    } ends[] = {
        {&numbers->vm, "SELECT coalesce(max(id), 0) FROM vm"},
        {&numbers->execution, "SELECT coalesce(max(id), 0) FROM execution"},
        {&numbers->call, "SELECT max((SELECT host_calls FROM total), (SELECT coalesce(max(seq) + "
                         "1, 0) FROM host_call))"},
        /* Durations are without what the recorder took, so the last host call may end later. */
        {&numbers->time_ns,
         "SELECT max((SELECT coalesce(max(started_ns + duration_ns), 0) FROM execution), "
         "coalesce((SELECT started_ns + coalesce(duration_ns, 0) FROM host_call ORDER BY seq DESC "
         "LIMIT 1), 0))"},
    };

    bool has_calls = false;
    int64_t nodes = 0;
    int found = pvm_prof_store_has_table(source->db, "call_node", &has_calls);
    if (found == SQLITE_OK && has_calls) {
        found =
            pvm_prof_store_number(source->db, "SELECT coalesce(max(id), 0) FROM call_node", &nodes);
    }
    if (found != SQLITE_OK || nodes < 0 || nodes > INT64_MAX / 2 - numbers->node) {
        return pvm_prof_store_report(source, found != SQLITE_OK ? found : SQLITE_CORRUPT,
                                     "read its calls");
    }
    numbers->node += nodes;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        int64_t more = 0;
        const int code = pvm_prof_store_number(source->db, ends[i].sql, &more);

        if (code != SQLITE_OK) {
            return pvm_prof_store_report(source, code, "read its numbers");
        }
        if (more < 0 || more > INT64_MAX / 2 - *ends[i].number) {
            return refuse(source, "a number is out of range");
        }
        *ends[i].number += more;
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_prof_merge_add(pvm_prof_merge_t *merge, pvm_prof_run_file_t *source)
{
    pvm_prof_reckoning_t reckoning;
    pvm_prof_status_t status = pvm_prof_reconcile(source, &reckoning);

    merge->numbers.is_stopped = merge->is_stopped;
    if (status == PVM_PROF_OK) {
        status = merge_programs(merge, source);
    }
    if (status == PVM_PROF_OK) {
        status = merge_functions(merge, source);
    }
    for (const pvm_merge_table_t *at = pvm_merge_tables; at->name != NULL && status == PVM_PROF_OK;
         at++) {
        if (at->mode != PVM_MERGE_OWN && !(at->is_detail && merge->sums_only)) {
            status = pvm_merge_table(merge->out, source, at, &merge->numbers);
        }
        if (status == PVM_PROF_OK && is_stopped(merge)) {
            status = PVM_PROF_E_INTERRUPTED;
        }
    }
    if (status == PVM_PROF_OK) {
        status = add_slices(merge, source);
    }
    if (status == PVM_PROF_OK) {
        status = pvm_merge_info_add(&merge->info, merge->out, source, &merge->numbers);
    }
    if (status == PVM_PROF_E_INTERRUPTED) {
        pvm_error_set("%.300s: interrupted; nothing was written", merge->out->path);
    }
    return status == PVM_PROF_OK ? move_on(merge, source) : status;
}

pvm_prof_status_t pvm_prof_merge_finish(pvm_prof_merge_t *merge)
{
    pvm_prof_run_file_t *const out = merge->out;
    pvm_prof_reckoning_t reckoning;
    pvm_prof_status_t status = pvm_merge_info_finish(&merge->info, out);
    const int code = sqlite3_exec(out->db, "COMMIT", NULL, NULL, NULL);

    if (status == PVM_PROF_OK && code != SQLITE_OK) {
        return pvm_prof_store_report(out, code, "write it");
    }
    if (status == PVM_PROF_OK) {
        pthread_mutex_lock(&out->lock);
        pvm_prof_slices_store(&merge->slices, out);
        pvm_prof_store_commit(out);
        pthread_mutex_unlock(&out->lock);
        if (out->failed) {
            pvm_error_set("%s", out->error);
            return PVM_PROF_E_SYSTEM;
        }
        status = pvm_prof_reconcile(out, &reckoning);
    }
    return status;
}
