/* A merge sort of row numbers, and then of the rows: stable, n log n for any input. */
#include "profiler/table_sort.h"

#include <stdlib.h>
#include <string.h>

size_t pvm_prof_table_column(const pvm_prof_table_t *table, const char *id)
{
    size_t column = 0;

    while (column < table->column_count && strcmp(table->columns[column].id, id) != 0) {
        column++;
    }
    return column;
}

/* Below 0: a comes first. */
static int compare(const pvm_prof_value_t *a, const pvm_prof_value_t *b, pvm_prof_type_t type)
{
    if (a->is_null || b->is_null) {
        return (int)a->is_null - (int)b->is_null;
    }
    if (pvm_prof_type_is_text(type)) {
        return strcmp(a->text, b->text);
    }
    if (pvm_prof_type_is_real(type)) {
        return (a->real < b->real) - (a->real > b->real);
    }
    const int order = (a->integer > b->integer) - (a->integer < b->integer);
    return type == PVM_PROF_TYPE_PC || type == PVM_PROF_TYPE_ID ? order : -order;
}

typedef struct {
    const pvm_prof_table_t *table;
    size_t column;
} order_t;

static bool is_after(const order_t *key, size_t a, size_t b)
{
    return compare(pvm_prof_table_value(key->table, a, key->column),
                   pvm_prof_table_value(key->table, b, key->column),
                   key->table->columns[key->column].type) > 0;
}

/* Merge order[low..middle) and order[middle..high) by way of `spare`. */
static void merge(const order_t *key, size_t *order, size_t *spare, const size_t bounds[3])
{
    size_t left = bounds[0];
    size_t right = bounds[1];

    for (size_t i = bounds[0]; i < bounds[2]; i++) {
        const bool takes_right =
            left == bounds[1] || (right < bounds[2] && is_after(key, order[left], order[right]));
        spare[i] = takes_right ? order[right++] : order[left++];
    }
    memcpy(order + bounds[0], spare + bounds[0], (bounds[2] - bounds[0]) * sizeof(*order));
}

int pvm_prof_table_sort(pvm_prof_table_t *table, size_t column)
{
    const size_t rows = table->row_count;
    const size_t row_bytes = table->column_count * sizeof(*table->values);
    size_t *const order = malloc((rows + 1) * sizeof(*order));
    size_t *const spare = malloc((rows + 1) * sizeof(*spare));
    pvm_prof_value_t *const values = malloc(rows * row_bytes + 1);
    const order_t key = {.table = table, .column = column};
    int status = -1;

    if (order != NULL && spare != NULL && values != NULL) {
        for (size_t i = 0; i < rows; i++) {
            order[i] = i;
        }
        for (size_t width = 1; width < rows; width *= 2) {
            for (size_t low = 0; low + width < rows; low += 2 * width) {
                const size_t end = low + 2 * width;
                merge(&key, order, spare,
                      (const size_t[3]){low, low + width, end < rows ? end : rows});
            }
        }
        for (size_t i = 0; i < rows; i++) {
            memcpy(values + i * table->column_count, table->values + order[i] * table->column_count,
                   row_bytes);
        }
        if (rows > 0) {
            memcpy(table->values, values, rows * row_bytes);
        }
        status = 0;
    }
    free(values);
    free(spare);
    free(order);
    return status;
}

void pvm_prof_table_cut(pvm_prof_table_t *table, size_t top)
{
    if (top == 0 || table->row_count <= top) {
        return;
    }
    for (size_t i = top * table->column_count; i < table->row_count * table->column_count; i++) {
        free((void *)(uintptr_t)table->values[i].text);
    }
    table->row_count = top;
}
