/* Fuzz target: run files whose rows lie. A small recording is changed as the input says, and read by everything that
 * reports and exports are made from: nothing may crash, and stacks must stay a tree whose parts add up. (Octets that are
 * no SQLite file are the business of SQLite.) */
#include "fuzz/fuzz.h"
#include "profiler/block_trace.h"
#include "profiler/conversation.h"
#include "profiler/report.h"
#include "profiler/report_code.h"
#include "profiler/stacks.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Octets of one change: table, column, row, kind of value, value. */
#define CHANGE_BYTES 12
#define CHANGES_MAX  32

static const char *const tables[] = {
    "block",       "function",         "program",   "vm",         "execution", "host_call",
    "host_total",  "host_function",    "host_site", "host_slice", "total",     "info",
    "block_trace", "block_trace_call",
};
#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

/* Two programs, one of which loads; two machines, three blocks, three kinds of host calls. */
static const char rows[] =
    "INSERT INTO program VALUES (1, 'one', '0.8.0', 'raw', 1, 1, NULL, x'000001000001'), "
    "(2, 'two', '0.7.2', 'jam', 9, 2, 'broken', x'00ff');"
    "INSERT INTO vm VALUES (1, 1, NULL, 7, 'interpreter', 1), (2, 2, 1, 8, 'recompiler', 2);"
    "INSERT INTO function VALUES (1, 0, 0, 'main', 'code'), (2, 0, 0, 'other', 'debug'), "
    "(2, 1, 4, 'leaf', 'debug');"
    "INSERT INTO block VALUES (1, 0, 1, 0, 1, 2, 5, 10), (2, 0, 4, 0, 2, 3, 6, 18), "
    "(2, 4, 9, 1, 3, 1, 7, 7);"
    "INSERT INTO execution VALUES (1, 1, 'execute', 0, 5, 90, 'halt', 0, NULL, 100, 0, 45, 35, 20, "
    "2, 0, "
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, x'01'), "
    "(2, 2, 'resume', 5, 6, 80, 'fault', 4, 65536, 50, 5, 45, NULL, 10, 1, NULL, "
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, NULL);"
    "INSERT INTO host_function VALUES (1, 0, 'gas'), (1, 100, 'log'), (2, 1, 'fetch');"
    "INSERT INTO host_call VALUES "
    "(0, 1, 1, 0, 0, 10, 3, 90, 80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "
    "(1, 1, 1, 0, 100, 20, 4, 80, 70, -2, 0, 0, 0, 0, 0, 0, 0, 2, 65536, 3, 65600, 5, 0), "
    "(2, 2, 2, 5, 1, 30, NULL, 70, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
    "INSERT INTO host_memory VALUES (1, 1, 65536, 0, x'616263');"
    "INSERT INTO host_total VALUES (1, 0, 1, 10, 0, 3), (1, 100, 1, 10, 0, 4), (2, 1, 1, 0, 0, 0);"
    "INSERT INTO host_site VALUES (1, 0, 0, 2, 20, 7), (2, 5, 1, 1, 0, 0);"
    "INSERT INTO host_slice VALUES (0, 32, 1, 0, 2, 20, 7, 10), (0, 32, 2, 1, 1, 0, 0, 30);"
    "INSERT INTO block_trace VALUES (1, 0, 2, x'0000000000000000', 0, "
    "x'5a00000000000000fbffffffffffffff', 0);"
    "INSERT INTO block_trace_call VALUES (0, 1, 1), (1, 1, 2);"
    "UPDATE total SET executions = 2, host_calls = 3, gas_used = 55, blocks_gas = 35, host_gas = "
    "20;";

static pvm_prof_run_file_t *file;

static void execute(const char *sql)
{
    FUZZ_CHECK(sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static void make_file(void)
{
    char path[] = "/tmp/fuzz_prof_run_file.XXXXXX";
    const int descriptor = mkstemp(path);

    FUZZ_CHECK(descriptor >= 0);
    FUZZ_CHECK(pvm_prof_run_file_create(path, &file) == PVM_PROF_OK);
    FUZZ_CHECK(pvm_prof_wrap_sum_register(file->db) == SQLITE_OK);
    execute("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    execute(rows);
    /* It is only reached through its handle from now on. */
    (void)close(descriptor);
    (void)unlink(path);
}

/* -- Changes ------------------------------------------------------------------------------- */

static void bind_value(sqlite3_stmt *change, uint8_t kind, const uint8_t *octets)
{
    int64_t number;
    double real;

    memcpy(&number, octets, sizeof(number));
    memcpy(&real, octets, sizeof(real));
    switch (kind % 6) {
    case 0:
        sqlite3_bind_int64(change, 1, number);
        break;
    case 1:
        sqlite3_bind_int64(change, 1, (int8_t)octets[0]);
        break;
    case 2:
        sqlite3_bind_text(change, 1, (const char *)octets, sizeof(number), SQLITE_TRANSIENT);
        break;
    case 3:
        sqlite3_bind_blob(change, 1, octets, sizeof(number), SQLITE_TRANSIENT);
        break;
    case 4:
        sqlite3_bind_double(change, 1, real);
        break;
    default:
        sqlite3_bind_null(change, 1);
        break;
    }
}

/* What the schema does not allow is not done. */
static void apply(const uint8_t *octets)
{
    const char *const table = tables[octets[0] % TABLE_COUNT];
    sqlite3_stmt *statement = NULL;
    char column[64] = "";
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "SELECT name FROM pragma_table_info('%s') LIMIT 1 OFFSET "
                   "%u %% (SELECT count(*) FROM pragma_table_info('%s'))",
                   table, octets[1], table);
    FUZZ_CHECK(sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) == SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        (void)snprintf(column, sizeof(column), "%s",
                       (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    (void)snprintf(sql, sizeof(sql),
                   octets[3] & 0x80
                       ? "DELETE FROM %s WHERE %s IS NOT ?1"
                       : "UPDATE OR IGNORE %s SET %s = ?1 WHERE %s IS (SELECT %s FROM %s LIMIT 1 "
                         "OFFSET %u)",
                   table, column, column, column, table, octets[2] % 3u);
    FUZZ_CHECK(sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) == SQLITE_OK);
    bind_value(statement, octets[3], octets + 4);
    (void)sqlite3_step(statement);
    sqlite3_finalize(statement);
}

/* -- Readers ------------------------------------------------------------------------------- */

static void read_stacks(void)
{
    pvm_prof_stacks_t stacks;

    if (pvm_prof_stacks_read(file, PVM_PROF_STACKS_CALLS, &stacks) == PVM_PROF_OK) {
        int64_t *const sums = malloc(stacks.node_count * sizeof(*sums));

        FUZZ_CHECK(sums != NULL);
        for (uint32_t i = 0; i < stacks.node_count; i++) {
            FUZZ_CHECK(stacks.nodes[i].parent < i || i == PVM_PROF_STACK_ROOT);
            FUZZ_CHECK(stacks.nodes[i].frame < stacks.frame_count);
        }
        for (int kind = 0; kind < PVM_PROF_VALUE_COUNT; kind++) {
            pvm_prof_stacks_sum(&stacks, (pvm_prof_value_kind_t)kind, sums);
            FUZZ_CHECK(sums[PVM_PROF_STACK_ROOT] == stacks.total[kind]);
        }
        free(sums);
    }
    pvm_prof_stacks_free(&stacks);
}

static void read_tables(void)
{
    const pvm_prof_report_options_t report = {.size = sizeof(report)};
    pvm_prof_table_t *table = NULL;

    for (int kind = 0; kind < PVM_PROF_REPORT_KIND_COUNT; kind++) {
        if (pvm_prof_report(file, (pvm_prof_report_kind_t)kind, &report, &table) == PVM_PROF_OK) {
            pvm_prof_table_destroy(table);
        }
    }
    if (pvm_prof_report_lines(file, &table) == PVM_PROF_OK) {
        pvm_prof_table_destroy(table);
    }
    if (pvm_prof_report_paths(file, &table) == PVM_PROF_OK) {
        pvm_prof_table_destroy(table);
    }
    if (pvm_prof_report_opcodes(file, &table) == PVM_PROF_OK) {
        pvm_prof_table_destroy(table);
    }
    if (pvm_prof_block_trace_report(file, 0, &table) == PVM_PROF_OK) {
        pvm_prof_table_destroy(table);
    }
    for (int form = PVM_CONVERSATION_LIST; form <= PVM_CONVERSATION_LATENCY; form++) {
        const pvm_conversation_options_t options = {
            .size = sizeof(options), .form = (pvm_conversation_form_t)form, .is_tree = true};

        if (pvm_prof_conversation(file, &options, &table) == PVM_PROF_OK) {
            pvm_prof_table_destroy(table);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (file == NULL) {
        make_file();
    }
    execute("BEGIN");
    for (size_t i = 0; i < CHANGES_MAX && size - CHANGE_BYTES * i >= CHANGE_BYTES; i++) {
        apply(data + CHANGE_BYTES * i);
    }
    read_stacks();
    read_tables();
    execute("ROLLBACK");
    return 0;
}
