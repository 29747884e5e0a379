/* Two conversations side by side, up to the first call that differs. */
#include "profiler/conversation.h"

#include "profiler/store.h"
#include "profiler/worth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is compared, in the order in which it is shown. Times are not part of a conversation. */
static const char *const fields[] = {"call", "index", "service", "vm",     "pc",       "gas before",
                                     "r7",   "r8",    "r9",      "r10",    "r11",      "r12",
                                     "r0",   "r1",    "r2",      "result", "gas after"};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static const char *const query_text =
    "SELECT n.name, c.func_id, v.service, c.vm, c.pc, c.gas_before, c.r7, c.r8, c.r9, c.r10, "
    "c.r11, c.r12, c.r0, c.r1, "
    "c.r2, c.result, c.gas_after FROM host_call c JOIN vm v ON v.id = c.vm "
    "JOIN host_function n ON n.program = v.program AND n.func_id = c.func_id ORDER BY c.seq";

static const pvm_prof_column_t columns[] = {
    {"field", "what", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"first", "first run", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"second", "second run", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"seq", "seq", "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT},
};

static bool is_register(size_t field)
{
    return fields[field][0] == 'r' && strcmp(fields[field], "result") != 0;
}

static void describe(sqlite3_stmt *row, size_t field, char *out, size_t out_bytes)
{
    const int column = (int)field;

    if (sqlite3_column_type(row, column) == SQLITE_NULL) {
        (void)snprintf(out, out_bytes, "did not return");
    } else if (field == 0) {
        (void)snprintf(out, out_bytes, "%s", (const char *)sqlite3_column_text(row, column));
    } else if (is_register(field) || field == FIELD_COUNT - 2) {
        (void)snprintf(out, out_bytes, "0x%" PRIx64, (uint64_t)sqlite3_column_int64(row, column));
    } else {
        (void)snprintf(out, out_bytes, "%" PRId64, (int64_t)sqlite3_column_int64(row, column));
    }
}

static int add_difference(pvm_prof_table_t *table, int64_t seq, const char *field,
                          const char *first, const char *second)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(table);

    if (values == NULL) {
        return SQLITE_NOMEM;
    }
    pvm_prof_value_set_int(&values[3], seq);
    return pvm_prof_value_set_text(&values[0], field) != 0 ||
                   pvm_prof_value_set_text(&values[1], first) != 0 ||
                   pvm_prof_value_set_text(&values[2], second) != 0
               ? SQLITE_NOMEM
               : SQLITE_OK;
}

/* Both have a call: note what differs. */
static int compare_call(pvm_prof_table_t *table, int64_t seq, sqlite3_stmt *a, sqlite3_stmt *b)
{
    int code = SQLITE_OK;

    for (size_t field = 0; field < FIELD_COUNT && code == SQLITE_OK; field++) {
        char first[256];
        char second[256];

        describe(a, field, first, sizeof(first));
        describe(b, field, second, sizeof(second));
        if (strcmp(first, second) != 0) {
            code = add_difference(table, seq, fields[field], first, second);
        }
    }
    return code;
}

/* One has ended. */
static int compare_end(pvm_prof_table_t *table, int64_t seq, sqlite3_stmt *a, bool has_a,
                       sqlite3_stmt *b, bool has_b)
{
    char first[256] = "no more calls";
    char second[256] = "no more calls";

    if (has_a) {
        describe(a, 0, first, sizeof(first));
    }
    if (has_b) {
        describe(b, 0, second, sizeof(second));
    }
    return add_difference(table, seq, fields[0], first, second);
}

pvm_prof_status_t pvm_prof_conversation_compare(pvm_prof_run_file_t *a, pvm_prof_run_file_t *b,
                                                bool *out_same, pvm_prof_table_t **out_table)
{
    *out_table = NULL;
    for (int i = 0; i < 2; i++) {
        const pvm_prof_status_t status = pvm_conversation_need_rows(i == 0 ? a : b);
        if (status != PVM_PROF_OK) {
            return status;
        }
    }
    pvm_prof_table_t *const table =
        pvm_prof_table_create("First difference", columns, sizeof(columns) / sizeof(columns[0]));
    sqlite3_stmt *rows[2] = {NULL, NULL};
    pvm_prof_run_file_t *const files[2] = {a, b};
    pvm_prof_run_file_t *guilty = a;
    int codes[2] = {SQLITE_OK, SQLITE_OK};
    int code = table == NULL ? SQLITE_NOMEM : SQLITE_OK;
    int64_t seq = 0;

    for (int i = 0; i < 2 && code == SQLITE_OK; i++) {
        guilty = files[i];
        code = sqlite3_prepare_v2(files[i]->db, query_text, -1, &rows[i], NULL);
    }
    while (code == SQLITE_OK && table->row_count == 0) {
        for (int i = 0; i < 2 && code == SQLITE_OK; i++) {
            guilty = files[i];
            codes[i] = sqlite3_step(rows[i]);
            code = codes[i] == SQLITE_ROW || codes[i] == SQLITE_DONE ? SQLITE_OK : codes[i];
        }
        if (code != SQLITE_OK || (codes[0] == SQLITE_DONE && codes[1] == SQLITE_DONE)) {
            break;
        }
        code = codes[0] == codes[1] ? compare_call(table, seq, rows[0], rows[1])
                                    : compare_end(table, seq, rows[0], codes[0] == SQLITE_ROW,
                                                  rows[1], codes[1] == SQLITE_ROW);
        seq++;
    }
    sqlite3_finalize(rows[0]);
    sqlite3_finalize(rows[1]);
    if (code == SQLITE_OK &&
        (pvm_prof_worth_tell(a, table) != 0 || pvm_prof_worth_tell(b, table) != 0 ||
         (table->row_count == 0 &&
          pvm_prof_table_add_note(table, "The same %" PRId64 " host calls, times apart.", seq) !=
              0))) {
        code = SQLITE_NOMEM;
    }
    if (code != SQLITE_OK) {
        pvm_prof_table_destroy(table);
        return pvm_prof_store_report(guilty, code, "compare its host calls");
    }
    table->row_count_all = table->row_count;
    *out_same = table->row_count == 0;
    *out_table = table;
    return PVM_PROF_OK;
}
