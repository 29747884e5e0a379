/* Host calls of which only the sums are known, and how many took how long, in powers of two (attach --aggregate): the same table as
 * for single calls, with the ends of classes for times. */
#include "profiler/conversation_sums.h"

#include "profiler/store.h"
#include "profiler/table_sort.h"
#include "profiler/wrap_sum.h"

#include <string.h>

/** Powers of two of a 64-bit duration. */
#define CLASSES 64

/** Calls of one name, by duration. */
typedef struct {
    uint64_t calls[CLASSES];
    uint64_t timed;
} classes_t;

#define FROM_WHERE(table)                                                                          \
    " FROM " table " t JOIN vm v ON v.id = t.vm JOIN host_function n ON n.program = v.program "    \
    "AND n.func_id = t.func_id WHERE (?1 IS NULL OR v.service = ?1) AND (?2 IS NULL OR v.id = "    \
    "?2) "                                                                                         \
    "AND (?3 IS NULL OR n.name = ?3 OR CAST(t.func_id AS TEXT) = ?3) "

static const char names_sql[] =
    "SELECT n.name, wrap_sum(t.calls), wrap_sum(t.gas), wrap_sum(t.duration_ns)" FROM_WHERE(
        "host_total") "AND EXISTS (SELECT 1 FROM host_latency l WHERE l.vm = t.vm) GROUP BY n.name "
                      "ORDER BY 2 DESC, 1";
static const char classes_sql[] = "SELECT t.class, wrap_sum(t.calls)" FROM_WHERE(
    "host_latency") "AND n.name = ?4 GROUP BY t.class";

static int bind(sqlite3_stmt *query, const pvm_conversation_options_t *options, const char *name)
{
    int code = SQLITE_OK;

    if (options->has_service) {
        code |= sqlite3_bind_int64(query, 1, options->service);
    }
    if (options->has_vm) {
        code |= sqlite3_bind_int64(query, 2, options->vm);
    }
    if (options->call != NULL) {
        code |= sqlite3_bind_text(query, 3, options->call, -1, SQLITE_STATIC);
    }
    if (name != NULL) {
        code |= sqlite3_bind_text(query, 4, name, -1, SQLITE_STATIC);
    }
    return code;
}

static int read_classes(sqlite3 *db, const pvm_conversation_options_t *options, const char *name,
                        classes_t *out)
{
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(db, classes_sql, -1, &query, NULL);

    *out = (classes_t){0};
    if (code == SQLITE_OK) {
        code = bind(query, options, name);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(query)) == SQLITE_ROW) {
        const int64_t class = sqlite3_column_int64(query, 0);

        if (class >= 0 && class < CLASSES) {
            out->calls[class] += (uint64_t)sqlite3_column_int64(query, 1);
            out->timed += (uint64_t)sqlite3_column_int64(query, 1);
        }
        code = SQLITE_OK;
    }
    sqlite3_finalize(query);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/** Class n ends below 2^n. */
static int64_t end_of(size_t class)
{
    return class >= 63 ? INT64_MAX : INT64_C(1) << class;
}

static int64_t begin_of(size_t class)
{
    return class == 0 ? 0 : end_of(class - 1);
}

/** The end of the class in which this share of the calls is reached. */
static int64_t quantile(const classes_t *classes, double share)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < CLASSES; i++) {
        seen += classes->calls[i];
        if (seen > 0 && (double)seen >= share * (double)classes->timed) {
            return end_of(i);
        }
    }
    return 0;
}

static int64_t least(const classes_t *classes)
{
    for (size_t i = 0; i < CLASSES; i++) {
        if (classes->calls[i] > 0) {
            return begin_of(i);
        }
    }
    return 0;
}

static int put_row(pvm_prof_table_t *table, sqlite3_stmt *names, const classes_t *classes)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(table);
    uint64_t decades[PVM_BRIEFS_DECADES] = {0};

    if (values == NULL ||
        pvm_prof_value_set_text(&values[0], (const char *)sqlite3_column_text(names, 0)) != 0) {
        return SQLITE_NOMEM;
    }
    for (int i = 1; i <= 3; i++) {
        pvm_prof_value_set_int(&values[i], sqlite3_column_int64(names, i));
    }
    if (classes->timed == 0) {
        return SQLITE_OK;
    }
    pvm_prof_value_set_int(&values[4], least(classes));
    pvm_prof_value_set_int(&values[5], quantile(classes, 0.5));
    pvm_prof_value_set_int(&values[6], quantile(classes, 0.99));
    pvm_prof_value_set_int(&values[7], quantile(classes, 1));
    for (size_t i = 0; i < CLASSES; i++) {
        decades[pvm_briefs_decade(begin_of(i))] += classes->calls[i];
    }
    return pvm_briefs_set_histogram(&values[8], decades) == 0 ? SQLITE_OK : SQLITE_NOMEM;
}

static int add_rows(sqlite3 *db, const pvm_conversation_options_t *options, pvm_prof_table_t *table)
{
    sqlite3_stmt *names = NULL;
    classes_t classes;
    int code = sqlite3_prepare_v2(db, names_sql, -1, &names, NULL);

    if (code == SQLITE_OK) {
        code = bind(names, options, NULL);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(names)) == SQLITE_ROW) {
        code = read_classes(db, options, (const char *)sqlite3_column_text(names, 0), &classes);
        if (code == SQLITE_OK) {
            code = put_row(table, names, &classes);
        }
    }
    sqlite3_finalize(names);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int pvm_briefs_add_classes(pvm_prof_run_file_t *file, const pvm_conversation_options_t *options,
                           pvm_prof_table_t *table, bool *out_has)
{
    int code =
        pvm_prof_store_truth(file->db, "SELECT EXISTS (SELECT 1 FROM host_latency)", out_has);

    if (code != SQLITE_OK || !*out_has || options->form != PVM_CONVERSATION_LATENCY) {
        return code;
    }
    code = pvm_prof_wrap_sum_register(file->db);
    if (code == SQLITE_OK) {
        code = add_rows(file->db, options, table);
    }
    table->row_count_all = table->row_count;
    pvm_prof_table_mark(table, pvm_prof_table_column(table, "min_ns"),
                        pvm_prof_table_column(table, "max_ns") + 1, PVM_PROF_ESTIMATED);
    if (code == SQLITE_OK &&
        pvm_prof_table_add_note(table, "Calls were counted by duration, in powers of two (attach "
                                       "--aggregate): `least` is the lower end of its class, "
                                       "the other times are the upper ends of theirs.") != 0) {
        code = SQLITE_NOMEM;
    }
    return code;
}
