/* Reads slices as the recorder kept them, or, of files without them, from single calls. */
#include "viewer/export/slices.h"

#include "profiler/host_sums.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"

#define STORED_SQL                                                                                 \
    "SELECT s.seq / ?1 * ?1, n.name, sum(s.calls), wrap_sum(s.gas), wrap_sum(s.duration_ns), "     \
    "min(s.started_ns) FROM host_slice s "                                                         \
    "LEFT JOIN host_function n ON n.program = s.program AND n.func_id = s.func_id "                \
    "GROUP BY 1, s.program, s.func_id ORDER BY 1, 2"
#define COUNTED_SQL                                                                                \
    "SELECT c.seq / ?1 * ?1, n.name, count(*), "                                                   \
    "wrap_sum(max(0, c.gas_before - coalesce(c.gas_after, c.gas_before))), "                       \
    "wrap_sum(coalesce(c.duration_ns, 0)), min(c.started_ns) "                                     \
    "FROM host_call c JOIN vm v ON v.id = c.vm "                                                   \
    "LEFT JOIN host_function n ON n.program = v.program AND n.func_id = c.func_id "                \
    "GROUP BY 1, v.program, c.func_id ORDER BY 1, 2"

/* The width of those in the file. */
static int read_width(pvm_prof_run_file_t *file, int64_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(file->db, "SELECT max(width) FROM host_slice", -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Slices of a power of two fit together with those of the file. */
int pvm_export_slices_width(pvm_prof_run_file_t *file, int64_t rows, int64_t slices_max,
                            int64_t *out_width)
{
    bool is_stored = false;
    int64_t width = 1;
    int code = pvm_prof_has_sums(file, "host_slice", &is_stored);

    if (code == SQLITE_OK && is_stored) {
        code = read_width(file, &width);
    }
    while (width < rows / slices_max) {
        width *= 2;
    }
    *out_width = width;
    return code;
}

int pvm_export_slices_tell(pvm_prof_run_file_t *file, int64_t width, pvm_export_slice_fn_t *tell,
                           void *user_data)
{
    sqlite3_stmt *rows = NULL;
    bool is_stored = false;
    int code = pvm_prof_has_sums(file, "host_slice", &is_stored);

    if (code == SQLITE_OK) {
        code = pvm_prof_wrap_sum_register(file->db);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(file->db, is_stored ? STORED_SQL : COUNTED_SQL, -1, &rows, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_bind_int64(rows, 1, width);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const unsigned char *const name = sqlite3_column_text(rows, 1);
        const pvm_export_slice_t slice = {.seq = sqlite3_column_int64(rows, 0),
                                          .name = name != NULL ? (const char *)name : "?",
                                          .calls = sqlite3_column_int64(rows, 2),
                                          .gas = sqlite3_column_int64(rows, 3),
                                          .duration_ns = sqlite3_column_int64(rows, 4),
                                          .started_ns = sqlite3_column_int64(rows, 5)};

        tell(user_data, &slice);
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}
