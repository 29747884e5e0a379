/* Filling rows of a table from left to right; one question about memory at the end. */
#ifndef PVM_VIEWER_ROWS_H
#define PVM_VIEWER_ROWS_H

#include "profiler/table.h"
#include "viewer/options.h"

/** A row being filled. */
typedef struct {
    pvm_prof_table_t *table;
    pvm_prof_value_t *values;
    size_t at;
    bool failed;
} pvm_row_t;

/** Add a row to fill. A NULL table is a failure, too. */
static inline pvm_row_t pvm_row_add(pvm_prof_table_t *table)
{
    pvm_prof_value_t *values = table != NULL ? pvm_prof_table_add_row(table) : NULL;

    return (pvm_row_t){.table = table, .values = values, .failed = values == NULL};
}

/** The next value, or NULL after a failure. */
static inline pvm_prof_value_t *pvm_row_next(pvm_row_t *row)
{
    if (row->failed || row->at >= row->table->column_count) {
        row->failed = true;
        return NULL;
    }
    return &row->values[row->at++];
}

static inline void pvm_row_null(pvm_row_t *row)
{
    (void)pvm_row_next(row);
}

static inline void pvm_row_int(pvm_row_t *row, int64_t number)
{
    pvm_prof_value_t *value = pvm_row_next(row);

    if (value != NULL) {
        pvm_prof_value_set_int(value, number);
    }
}

static inline void pvm_row_real(pvm_row_t *row, double number)
{
    pvm_prof_value_t *value = pvm_row_next(row);

    if (value != NULL) {
        pvm_prof_value_set_real(value, number);
    }
}

/** NULL text gives a NULL value. */
static inline void pvm_row_text(pvm_row_t *row, const char *text)
{
    pvm_prof_value_t *value = pvm_row_next(row);

    if (value != NULL && pvm_prof_value_set_text(value, text) < 0) {
        row->failed = true;
    }
}

/** @return FINE, or ENVIRONMENT with a message. */
static inline pvm_view_status_t pvm_row_status(pvm_view_t *view, const pvm_row_t *row)
{
    return row->failed ? pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for a table")
                       : PVM_VIEW_FINE;
}

#endif
