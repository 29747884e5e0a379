/* Reads an execution from the run file and writes its records in the order of JIP-7: what the host read, what it wrote,
 * registers, gas. The memory of one host call: ecalli_memory.h. */
#include "profiler/ecalli_recording.h"

#include "profiler/ecalli_memory.h"
#include "profiler/store.h"
#include "program/ecalli_trace.h"
#include "support/error.h"

#include <inttypes.h>
#include <string.h>

/** Number of the register that says what a host call gave. */
#define RESULT_REGISTER 7

/* -- Finding ------------------------------------------------------------------------------- */

static const char *const find_text =
    "SELECT e.id, e.vm, v.service, p.spec, e.exit_pc, e.gas_end, e.result, e.kind, e.host_calls "
    "FROM execution e JOIN vm v ON v.id = e.vm JOIN program p ON p.id = v.program "
    "WHERE ?1 = 0 OR e.id = ?1 ORDER BY e.id LIMIT 2";

static bool state_of_result(const char *result, uint8_t *out)
{
    static const struct {
        const char *result;
        uint8_t state;
    } ends[] = {{"halt", PVM_STATE_HALT},
                {"panic", PVM_STATE_PANIC},
                {"fault", PVM_STATE_FAULT},
                {"oog", PVM_STATE_OOG}};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (strcmp(result, ends[i].result) == 0) {
            *out = ends[i].state;
            return true;
        }
    }
    return false;
}

static pvm_spec_t spec_of_name(const char *name)
{
    return strcmp(name, "0.7.2") == 0   ? PVM_SPEC_0_7_2
           : strcmp(name, "0.8.0") == 0 ? PVM_SPEC_0_8_0
                                        : PVM_SPEC_LATEST64;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
    const unsigned char *const text = sqlite3_column_text(row, column);

    return text != NULL ? (const char *)text : "";
}

/* What is lost cannot be executed again. @return SQLite's code */
static int count_lost(pvm_prof_run_file_t *file, int64_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(file->db,
                                  "SELECT coalesce(sum(count), 0) FROM lost_events WHERE kind NOT "
                                  "IN ('block', 'edge', 'sample')",
                                  -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int64(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

static pvm_prof_status_t check(pvm_prof_run_file_t *file, sqlite3_stmt *row,
                               pvm_ecalli_recording_t *out)
{
    const char *const result = text_of(row, 6);
    char collected[256];
    int64_t lost = 0;

    out->id = sqlite3_column_int64(row, 0);
    out->vm = sqlite3_column_int64(row, 1);
    out->service = (uint32_t)sqlite3_column_int64(row, 2);
    out->spec = spec_of_name(text_of(row, 3));
    out->exit_pc = (uint32_t)sqlite3_column_int64(row, 4);
    out->gas_end = sqlite3_column_int64(row, 5);
    if (!state_of_result(result, &out->state)) {
        pvm_error_set("%.300s: execution %" PRId64 " has the result \"%.20s\", which an ecalli "
                      "trace cannot end with; record one that comes to its end",
                      file->path, out->id, result);
        return PVM_PROF_E_FORMAT;
    }
    if (strcmp(text_of(row, 7), "execute") != 0) {
        pvm_error_set("%.300s: the begin of execution %" PRId64 " was not recorded; record it from "
                      "pvm_execute() on",
                      file->path, out->id);
        return PVM_PROF_E_FORMAT;
    }
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_INSTRUMENTATION, collected, sizeof(collected));
    if (sqlite3_column_int64(row, 8) > 0 && strstr(collected, "memory") == NULL) {
        pvm_error_set("%.300s: the memory that the host read and wrote was not recorded; record "
                      "with --instrument hostcalls,memory",
                      file->path);
        return PVM_PROF_E_FORMAT;
    }
    const int code = count_lost(file, &lost);
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read what it lost");
    }
    if (lost > 0) {
        pvm_error_set("%.300s: %" PRId64 " records of this recording were lost, so that it cannot "
                      "be executed again; record it anew",
                      file->path, lost);
        return PVM_PROF_E_FORMAT;
    }
    return PVM_PROF_OK;
}

pvm_prof_status_t pvm_prof_ecalli_find(pvm_prof_run_file_t *file, int64_t id,
                                       pvm_ecalli_recording_t *out)
{
    sqlite3_stmt *row = NULL;
    pvm_prof_status_t status = PVM_PROF_OK;
    int code = sqlite3_prepare_v2(file->db, find_text, -1, &row, NULL);

    *out = (pvm_ecalli_recording_t){0};
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, id);
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        status = check(file, row, out);
        code = status == PVM_PROF_OK ? sqlite3_step(row) : SQLITE_DONE;
        if (code == SQLITE_ROW) {
            pvm_error_set("%.300s: has several executions, and a trace holds one; choose with "
                          "--execution N (pvmscope report lists them)",
                          file->path);
            status = PVM_PROF_E_ARGUMENT;
        }
    } else if (code == SQLITE_DONE) {
        pvm_error_set(id == 0 ? "%.300s: has no execution" : "%.300s: has no execution %" PRId64,
                      file->path, id);
        status = PVM_PROF_E_ARGUMENT;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE || code == SQLITE_ROW
               ? status
               : pvm_prof_store_report(file, code, "read its executions");
}

/* -- Lines --------------------------------------------------------------------------------- */

static void put_registers(FILE *out, const uint64_t *registers)
{
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (registers[i] != 0) {
            fprintf(out, " r%02d=0x%" PRIx64, i, registers[i]);
        }
    }
    fputc('\n', out);
}

static void read_registers(sqlite3_stmt *row, int first, uint64_t *out)
{
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        out[i] = (uint64_t)sqlite3_column_int64(row, first + i);
    }
}

/* Comments, program, arguments, start. @return SQLite's code */
static int put_prelude(pvm_prof_run_file_t *file, const pvm_ecalli_recording_t *recording,
                       uint64_t *registers, FILE *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT p.blob, e.arguments, e.entry_pc, e.gas_start, p.spec, e.r0, e.r1, e.r2, e.r3, "
        "e.r4, e.r5, e.r6, e.r7, e.r8, e.r9, e.r10, e.r11, e.r12 FROM execution e JOIN vm v ON "
        "v.id = e.vm JOIN program p ON p.id = v.program WHERE e.id = ?1",
        -1, &row, NULL);

    if (code == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, recording->id);
        code = sqlite3_step(row);
    }
    if (code == SQLITE_ROW) {
        const int arguments = sqlite3_column_bytes(row, 1);

        fprintf(out, "comment implementation pvmscope %s\n", pvm_version());
        fprintf(out, "comment spec %s\n", text_of(row, 4));
        fprintf(out, "comment service %u\n", recording->service);
        fputs("program 0x", out);
        pvm_ecalli_put_hex(out, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0));
        fputc('\n', out);
        if (arguments > 0) {
            pvm_ecalli_put_access(out, true, PVM_ECALLI_ARGUMENTS_ADDRESS,
                                  sqlite3_column_blob(row, 1), (size_t)arguments);
        }
        read_registers(row, 5, registers);
        fprintf(out, "start pc=%" PRId64 " gas=%" PRId64, (int64_t)sqlite3_column_int64(row, 2),
                (int64_t)sqlite3_column_int64(row, 3));
        put_registers(out, registers);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

/* Registers that the call changed, r7 always: that the host gave a result shows even where it is the old value. */
static int put_changes(sqlite3_stmt *query, sqlite3_stmt *call, uint64_t *registers, FILE *out)
{
    bool has_put_result = sqlite3_column_type(call, 5) == SQLITE_NULL;
    const uint64_t result = (uint64_t)sqlite3_column_int64(call, 5);
    int code;

    sqlite3_reset(query);
    sqlite3_bind_int64(query, 1, sqlite3_column_int64(call, 0));
    if (!has_put_result) {
        registers[RESULT_REGISTER] = result;
    }
    while ((code = sqlite3_step(query)) == SQLITE_ROW) {
        const int64_t reg = sqlite3_column_int64(query, 0);

        if (reg < 0 || reg >= PVM_REGISTER_COUNT) {
            return SQLITE_CORRUPT;
        }
        if (!has_put_result && reg > RESULT_REGISTER) {
            fprintf(out, "setreg r%02d <- 0x%" PRIx64 "\n", RESULT_REGISTER, result);
            has_put_result = true;
        }
        registers[reg] = (uint64_t)sqlite3_column_int64(query, 1);
        fprintf(out, "setreg r%02d <- 0x%" PRIx64 "\n", (int)reg, registers[reg]);
    }
    if (!has_put_result) {
        fprintf(out, "setreg r%02d <- 0x%" PRIx64 "\n", RESULT_REGISTER, result);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int put_call(sqlite3_stmt *call, sqlite3_stmt *memory, sqlite3_stmt *changes,
                    uint64_t *registers, FILE *out)
{
    const int64_t gas_before = sqlite3_column_int64(call, 3);
    const int64_t gas_after = sqlite3_column_int64(call, 4);

    fprintf(out, "ecalli=%" PRId64 " pc=%" PRId64 " gas=%" PRId64,
            (int64_t)sqlite3_column_int64(call, 2), (int64_t)sqlite3_column_int64(call, 1),
            gas_before);
    read_registers(call, 6, registers);
    put_registers(out, registers);
    sqlite3_reset(memory);
    sqlite3_bind_int64(memory, 1, sqlite3_column_int64(call, 0));
    int code = pvm_ecalli_put_memory(out, memory);
    if (code == SQLITE_OK) {
        code = put_changes(changes, call, registers, out);
    }
    if (code == SQLITE_OK && sqlite3_column_type(call, 4) != SQLITE_NULL &&
        gas_after != gas_before) {
        fprintf(out, "setgas <- %" PRId64 "\n", gas_after);
    }
    return code;
}

/* @param registers  of the start; becomes what the last call left */
static int put_calls(pvm_prof_run_file_t *file, int64_t execution, uint64_t *registers, FILE *out)
{
    static const char *const texts[] = {
        ("SELECT seq, pc, func_id, gas_before, gas_after, result, r0, r1, r2, r3, r4, r5, r6, r7, "
         "r8, r9, r10, r11, r12 FROM host_call WHERE execution = ?1 ORDER BY seq"),
        "SELECT address, is_write, data FROM host_memory WHERE seq = ?1 ORDER BY id",
        "SELECT reg, value FROM host_call_register WHERE seq = ?1 ORDER BY reg"};
    sqlite3_stmt *queries[3] = {NULL, NULL, NULL};
    int code = SQLITE_OK;

    for (size_t i = 0; i < 3 && code == SQLITE_OK; i++) {
        code = sqlite3_prepare_v2(file->db, texts[i], -1, &queries[i], NULL);
    }
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(queries[0], 1, execution);
        while (code == SQLITE_OK && (code = sqlite3_step(queries[0])) == SQLITE_ROW) {
            code = put_call(queries[0], queries[1], queries[2], registers, out);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        sqlite3_finalize(queries[i]);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

pvm_prof_status_t pvm_prof_ecalli_write(pvm_prof_run_file_t *file,
                                        const pvm_ecalli_recording_t *recording,
                                        const uint64_t *registers, FILE *out)
{
    static const char *const ends[] = {[PVM_STATE_HALT] = "HALT",
                                       [PVM_STATE_PANIC] = "PANIC=0",
                                       [PVM_STATE_FAULT] = "PANIC=0",
                                       [PVM_STATE_OOG] = "OOG"};
    uint64_t last[PVM_REGISTER_COUNT] = {0};
    int code = put_prelude(file, recording, last, out);

    if (code == SQLITE_OK) {
        code = put_calls(file, recording->id, last, out);
    }
    if (code != SQLITE_OK) {
        return pvm_prof_store_report(file, code, "read its host calls");
    }
    fprintf(out, "%s pc=%u gas=%" PRId64, ends[recording->state], recording->exit_pc,
            recording->gas_end);
    put_registers(out, registers != NULL ? registers : last);
    return PVM_PROF_OK;
}
