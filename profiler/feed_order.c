/* Host calls that were told when they had ended, put into the order in which they began. */
#include "profiler/feed_state.h"

/* Those before the first that is late stand where they belong. */
static const char *const placing =
    "CREATE TEMP TABLE place AS SELECT seq AS old, row_number() OVER (ORDER BY started_ns, seq) - "
    "1 "
    "+ (SELECT count(*) FROM host_call WHERE started_ns < ?1) AS new "
    "FROM host_call WHERE started_ns >= ?1";

/* Numbers are keys: they go out of the way first. Sums by slices of numbers are made again. */
static const char *const sorting[] = {
    "DELETE FROM place WHERE old = new",
    "CREATE UNIQUE INDEX temp.place_old ON place (old)",
    "UPDATE host_call_register SET seq = -1 - (SELECT new FROM place WHERE old = seq) "
    "WHERE seq IN (SELECT old FROM place)",
    "UPDATE host_call_register SET seq = -1 - seq WHERE seq < 0",
    "UPDATE host_memory SET seq = (SELECT new FROM place WHERE old = seq) WHERE seq IN (SELECT old "
    "FROM place)",
    "UPDATE block_trace_call SET seq = -1 - (SELECT new FROM place WHERE old = seq) "
    "WHERE seq IN (SELECT old FROM place)",
    "UPDATE block_trace_call SET seq = -1 - seq WHERE seq < 0",
    "UPDATE host_call SET seq = -1 - (SELECT new FROM place WHERE old = seq) WHERE seq IN (SELECT "
    "old FROM place)",
    "UPDATE host_call SET seq = -1 - seq WHERE seq < 0",
    "CREATE TEMP TABLE slice_width AS SELECT max(width) AS width FROM host_slice",
    "DELETE FROM host_slice",
    "INSERT INTO host_slice "
    "SELECT c.seq / w.width * w.width, w.width, v.program, c.func_id, count(*), "
    "sum(max(c.gas_before - ifnull(c.gas_after, c.gas_before), 0)), sum(ifnull(c.duration_ns, 0)), "
    "min(c.started_ns) "
    "FROM host_call c JOIN vm v ON v.id = c.vm JOIN slice_width w ON w.width IS NOT NULL "
    "GROUP BY 1, v.program, c.func_id",
    "DROP TABLE slice_width",
    "DROP TABLE place",
};

static int place_calls(pvm_prof_run_file_t *file, int64_t from_ns)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(file->db, placing, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, from_ns);
        code = sqlite3_step(statement);
    }
    (void)sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

pvm_prof_status_t pvm_feed_sort_calls(pvm_prof_run_file_t *file, int64_t from_ns)
{
    int code;

    pthread_mutex_lock(&file->lock);
    code = sqlite3_exec(file->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = place_calls(file, from_ns);
    }
    for (size_t i = 0; i < sizeof(sorting) / sizeof(*sorting) && code == SQLITE_OK; i++) {
        code = sqlite3_exec(file->db, sorting[i], NULL, NULL, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL);
    }
    const pvm_prof_status_t status =
        code == SQLITE_OK ? PVM_PROF_OK
                          : pvm_prof_store_report(file, code, "put host calls into order");
    if (code != SQLITE_OK) {
        (void)sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&file->lock);
    return status;
}
