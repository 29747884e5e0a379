/* What the tests of the profiler share: programs from assembler text, a folder for run files,
 * and questions to them through plain SQLite, as an outside tool would ask. */
#ifndef PVM_TESTS_UNIT_PROF_FIXTURE_H
#define PVM_TESTS_UNIT_PROF_FIXTURE_H

#include "isa/assemble.h"
#include "profiler/recorder.h"
#include "profiler/run_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pvm/pvm.h>
#include <pvm/trace.h>
#include <sqlite3.h>

#define PROF_UNUSED __attribute__((unused))

/** A fresh folder and the path of a run file in it. */
typedef struct {
    char folder[64];
    char path[96];
} prof_place_t;

PROF_UNUSED static int prof_place_create(void **state)
{
    prof_place_t *const place = calloc(1, sizeof(*place));

    /* In memory where possible: these tests make thousands of files. */
    strcpy(place->folder, "/dev/shm/pvm-prof-XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        strcpy(place->folder, "/tmp/pvm-prof-XXXXXX");
        if (mkdtemp(place->folder) == NULL) {
            return -1;
        }
    }
    snprintf(place->path, sizeof(place->path), "%s/run.db", place->folder);
    *state = place;
    return 0;
}

PROF_UNUSED static int prof_place_remove(void **state)
{
    prof_place_t *const place = *state;
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
    const int code = system(command);
    free(place);
    return code;
}

PROF_UNUSED static pvm_program_t *prof_program(const char *text, pvm_spec_t spec)
{
    static const pvm_isa_t isas[] = {PVM_ISA_0_8_0, PVM_ISA_0_7_2, PVM_ISA_0_8_0, PVM_ISA_LATEST64};
    pvm_assembly_t code;

    if (pvm_isa_assemble(text, strlen(text), "test", isas[spec], &code) != 0) {
        fail_msg("%s: %s", text, pvm_last_error());
    }
    pvm_program_t *const program =
        pvm_program_from_parts(code.code, code.code_len, code.mask, ((size_t)code.code_len + 7) / 8,
                               code.jump_table, code.jump_table_len, spec);
    pvm_isa_assembly_free(&code);
    assert_non_null(program);
    if (pvm_program_error(program) != NULL) {
        fail_msg("%s: %s", text, pvm_program_error(program));
    }
    return program;
}

/** A recording that goes on. */
typedef struct {
    pvm_prof_run_file_t *file;
    pvm_prof_recorder_t *recorder;
} prof_recording_t;

PROF_UNUSED static prof_recording_t prof_record(const char *path, uint32_t instrument)
{
    prof_recording_t out = {0};
    const pvm_prof_recorder_options_t options = {
        .size = sizeof(options), .instrument = instrument, .program_name = "test"};

    if (pvm_prof_run_file_create(path, &out.file) != PVM_PROF_OK ||
        pvm_prof_recorder_create(out.file, &options, &out.recorder) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    return out;
}

PROF_UNUSED static pvm_vm_t *prof_attach(const prof_recording_t *recording, pvm_program_t *program,
                                         uint32_t service, uint64_t gas)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, service, gas);

    assert_non_null(vm);
    if (pvm_prof_recorder_attach(recording->recorder, vm, NULL) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    return vm;
}

PROF_UNUSED static void prof_finish(prof_recording_t *recording)
{
    if (pvm_prof_recorder_finish(recording->recorder, PVM_PROF_RUN_COMPLETE) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_prof_recorder_destroy(recording->recorder);
    pvm_prof_run_file_close(recording->file);
    *recording = (prof_recording_t){0};
}

/** First column of the first row; fails the test if there is none. */
PROF_UNUSED static sqlite3_stmt *prof_ask(sqlite3 **out_db, const char *path, const char *sql)
{
    sqlite3_stmt *row = NULL;

    if (sqlite3_open_v2(path, out_db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(*out_db, sql, -1, &row, NULL) != SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        fail_msg("%s: %s: %s", path, sql, sqlite3_errmsg(*out_db));
    }
    return row;
}

PROF_UNUSED static int64_t prof_integer(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *const row = prof_ask(&db, path, sql);
    const int64_t value = sqlite3_column_int64(row, 0);

    sqlite3_finalize(row);
    sqlite3_close(db);
    return value;
}

/** The text of a query's first column, rows joined with blanks; NULL is "-". Static. */
PROF_UNUSED static const char *prof_text(const char *path, const char *sql)
{
    static char text[4096];
    sqlite3 *db;
    sqlite3_stmt *const row = prof_ask(&db, path, sql);
    size_t len = 0;

    text[0] = '\0';
    do {
        const char *const value = (const char *)sqlite3_column_text(row, 0);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len > 0 ? " " : "",
                                value != NULL ? value : "-");
    } while (sqlite3_step(row) == SQLITE_ROW && len < sizeof(text));
    sqlite3_finalize(row);
    sqlite3_close(db);
    return text;
}

#endif
