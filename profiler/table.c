/* Tables: columns, rows, notes. */
#include "profiler/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS 64

pvm_prof_table_t *pvm_prof_table_create(const char *title, const pvm_prof_column_t *columns,
                                        size_t column_count)
{
    pvm_prof_table_t *const table = calloc(1, sizeof(*table));

    assert(column_count > 0);
    if (table == NULL) {
        return NULL;
    }
    table->title = strdup(title);
    table->columns = malloc(column_count * sizeof(*columns));
    if (table->title == NULL || table->columns == NULL) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    memcpy(table->columns, columns, column_count * sizeof(*columns));
    table->column_count = column_count;
    return table;
}

pvm_prof_value_t *pvm_prof_table_add_row(pvm_prof_table_t *table)
{
    if (table->row_count == table->row_capacity) {
        const size_t capacity = table->row_capacity == 0 ? FIRST_ROWS : 2 * table->row_capacity;
        pvm_prof_value_t *const values =
            realloc(table->values, capacity * table->column_count * sizeof(*values));

        if (values == NULL) {
            return NULL;
        }
        table->values = values;
        table->row_capacity = capacity;
    }
    pvm_prof_value_t *const row = &table->values[table->row_count * table->column_count];
    for (size_t i = 0; i < table->column_count; i++) {
        row[i] = (pvm_prof_value_t){.is_null = true};
    }
    table->row_count++;
    if (table->row_count_all < table->row_count) {
        table->row_count_all = table->row_count;
    }
    return row;
}

int pvm_prof_table_add_note(pvm_prof_table_t *table, const char *format, ...)
{
    char **const notes = realloc(table->notes, (table->note_count + 1) * sizeof(*notes));
    char *text = NULL;
    va_list arguments;

    if (notes == NULL) {
        return -1;
    }
    table->notes = notes;
    va_start(arguments, format);
    const int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return -1;
    }
    notes[table->note_count++] = text;
    return 0;
}

void pvm_prof_table_mark(pvm_prof_table_t *table, size_t first, size_t end,
                         pvm_prof_certainty_t certainty)
{
    for (size_t i = first; i < end && i < table->column_count; i++) {
        pvm_prof_column_t *const column = &table->columns[i];

        if (column->certainty == PVM_PROF_EXACT && pvm_prof_type_is_figure(column->type)) {
            column->certainty = certainty;
        }
    }
}

bool pvm_prof_table_has(const pvm_prof_table_t *table, pvm_prof_certainty_t certainty)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].certainty == certainty &&
            pvm_prof_type_is_figure(table->columns[i].type)) {
            return true;
        }
    }
    return false;
}

const pvm_prof_value_t *pvm_prof_table_value(const pvm_prof_table_t *table, size_t row,
                                             size_t column)
{
    assert(row < table->row_count && column < table->column_count);
    return &table->values[row * table->column_count + column];
}

void pvm_prof_table_destroy(pvm_prof_table_t *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->row_count * table->column_count; i++) {
        free((void *)(uintptr_t)table->values[i].text);
    }
    for (size_t i = 0; i < table->note_count; i++) {
        free(table->notes[i]);
    }
    free(table->notes);
    free(table->values);
    free(table->columns);
    free(table->title);
    free(table);
}

void pvm_prof_value_set_int(pvm_prof_value_t *value, int64_t integer)
{
    value->is_null = false;
    value->integer = integer;
}

void pvm_prof_value_set_real(pvm_prof_value_t *value, double real)
{
    value->is_null = false;
    value->real = real;
}

int pvm_prof_value_set_text(pvm_prof_value_t *value, const char *text)
{
    char *const copy = text != NULL ? strdup(text) : NULL;

    if (text != NULL && copy == NULL) {
        return -1;
    }
    free((void *)(uintptr_t)value->text);
    value->text = copy;
    value->is_null = copy == NULL;
    return 0;
}
