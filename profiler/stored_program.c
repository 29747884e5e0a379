/* Programs of a run file. The blob is somebody's input: the engine's readers check it as they check any file. */
#include "profiler/stored_program.h"

#include "profiler/store.h"
#include "profiler/symbols.h"

#include <string.h>

static const char *const spec_names[] = {
    [PVM_SPEC_DEFAULT] = "default",
    [PVM_SPEC_0_7_2] = "0.7.2",
    [PVM_SPEC_0_8_0] = "0.8.0",
    [PVM_SPEC_LATEST64] = "latest64",
};

static const char *const format_names[] = {
    [PVM_FORMAT_AUTO] = "auto",
    [PVM_FORMAT_RAW] = "raw",
    [PVM_FORMAT_JAM] = "jam",
    [PVM_FORMAT_POLKAVM] = "polkavm",
};

/** Place of a word in a list; 0, which stands for "whatever fits", if it is not there. */
static unsigned find_word(const char *const *words, size_t count, const unsigned char *word)
{
    for (size_t i = 0; i < count && word != NULL; i++) {
        if (strcmp(words[i], (const char *)word) == 0) {
            return (unsigned)i;
        }
    }
    return 0;
}

const char *pvm_prof_spec_name(pvm_spec_t spec)
{
    return (size_t)spec < sizeof(spec_names) / sizeof(spec_names[0]) ? spec_names[spec] : "unknown";
}

const char *pvm_prof_format_name(pvm_format_t format)
{
    return (size_t)format < sizeof(format_names) / sizeof(format_names[0]) ? format_names[format]
                                                                           : "unknown";
}

pvm_prof_status_t pvm_prof_stored_program(pvm_prof_run_file_t *file, int64_t id,
                                          pvm_program_t **out_program)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(file->db, "SELECT spec, format, blob FROM program WHERE id = ?1",
                                  -1, &row, NULL);

    *out_program = NULL;
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, id);
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        const pvm_spec_t spec = (pvm_spec_t)find_word(
            spec_names, sizeof(spec_names) / sizeof(spec_names[0]), sqlite3_column_text(row, 0));
        const pvm_format_t format =
            (pvm_format_t)find_word(format_names, sizeof(format_names) / sizeof(format_names[0]),
                                    sqlite3_column_text(row, 1));
        const void *const blob = sqlite3_column_blob(row, 2);

        if (blob != NULL) {
            *out_program =
                pvm_program_load(blob, (size_t)sqlite3_column_bytes(row, 2), format, spec);
            if (*out_program != NULL) {
                pvm_prof_symbols_give(file, id, *out_program);
            }
        }
        code = SQLITE_DONE;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? PVM_PROF_OK : pvm_prof_store_report(file, code, "read a program");
}

pvm_prof_status_t pvm_prof_stored_program_after(pvm_prof_run_file_t *file, int64_t *io_id,
                                                pvm_program_t **out_program)
{
    sqlite3_stmt *rows = NULL;
    pvm_prof_status_t status = PVM_PROF_OK;
    int code = sqlite3_prepare_v2(file->db, "SELECT id FROM program WHERE id > ?1 ORDER BY id", -1,
                                  &rows, NULL);

    *out_program = NULL;
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(rows, 1, *io_id);
    }
    while (code == SQLITE_OK && status == PVM_PROF_OK && *out_program == NULL &&
           (code = sqlite3_step(rows)) == SQLITE_ROW) {
        *io_id = sqlite3_column_int64(rows, 0);
        status = pvm_prof_stored_program(file, *io_id, out_program);
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    return code == SQLITE_OK || code == SQLITE_DONE
               ? status
               : pvm_prof_store_report(file, code, "read a program");
}
