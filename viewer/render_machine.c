/* Tables for machines and for documents: JSON (json-c writes the values), CSV (RFC 4180) and Markdown. Rows are
 * written one by one, so that a large table needs no second copy in memory. */
#include "viewer/options.h"
#include "viewer/render.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* -- JSON ---------------------------------------------------------------------------------- */

/** A new JSON string of any octets, or NULL. */
static struct json_object *json_text(const char *text)
{
    pvm_buffer_t clean = {0};
    struct json_object *object = NULL;

    pvm_view_escape(&clean, text, strlen(text), PVM_ESCAPE_JSON);
    if (!clean.failed && clean.len <= INT32_MAX) {
        object = json_object_new_string_len(clean.len > 0 ? (const char *)clean.data : "",
                                            (int)clean.len);
    }
    pvm_buffer_free(&clean);
    return object;
}

static int json_print(const pvm_render_t *render, struct json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);

    if (text == NULL) {
        return -1;
    }
    fputs(text, render->out);
    return 0;
}

int pvm_view_render_json_string(const pvm_render_t *render, const char *text)
{
    struct json_object *object = json_text(text);
    const int status = object != NULL ? json_print(render, object) : -1;

    json_object_put(object);
    return status;
}

/** *out_object is NULL for null. @return 0, or -1 without memory */
static int json_value(const pvm_prof_value_t *value, pvm_prof_type_t type,
                      struct json_object **out_object)
{
    *out_object = NULL;
    if (value->is_null) {
        return 0;
    }
    if (pvm_prof_type_is_text(type)) {
        *out_object = json_text(value->text);
    } else if (pvm_prof_type_is_real(type)) {
        char text[32];

        pvm_view_render_real(value->real, text, sizeof(text));
        *out_object = json_object_new_double_s(value->real, text);
    } else {
        *out_object = json_object_new_int64(value->integer);
    }
    return *out_object != NULL ? 0 : -1;
}

static int json_row(const pvm_render_t *render, const pvm_prof_table_t *table, size_t row)
{
    struct json_object *object = json_object_new_object();
    int status = object != NULL ? 0 : -1;

    for (size_t i = 0; i < table->column_count && status == 0; i++) {
        struct json_object *value = NULL;

        status = json_value(pvm_prof_table_value(table, row, i), table->columns[i].type, &value);
        if (status == 0 && json_object_object_add(object, table->columns[i].id, value) < 0) {
            json_object_put(value);
            status = -1;
        }
    }
    if (status == 0) {
        status = json_print(render, object);
    }
    json_object_put(object);
    return status;
}

int pvm_view_render_json(const pvm_render_t *render, const pvm_prof_table_t *table,
                         const char *indent)
{
    int status = 0;

    if (table->is_record && table->row_count == 1) {
        return json_row(render, table, 0);
    }
    fputc('[', render->out);
    for (size_t row = 0; row < table->row_count && status == 0 && !ferror(render->out); row++) {
        fprintf(render->out, "%s\n%s  ", row > 0 ? "," : "", indent);
        status = json_row(render, table, row);
    }
    fprintf(render->out, "%s%s]", table->row_count > 0 ? "\n" : "",
            table->row_count > 0 ? indent : "");
    return status;
}

/* -- CSV ----------------------------------------------------------------------------------- */

static void csv_text(const pvm_render_t *render, const char *text, size_t len)
{
    const bool is_quoted = memchr(text, ',', len) != NULL || memchr(text, '"', len) != NULL ||
                           (len > 0 && (text[0] == ' ' || text[len - 1] == ' '));

    if (!is_quoted) {
        fwrite(text, 1, len, render->out);
        return;
    }
    fputc('"', render->out);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"') {
            fputc('"', render->out);
        }
        fputc(text[i], render->out);
    }
    fputc('"', render->out);
}

static int csv_value(const pvm_render_t *render, const pvm_prof_value_t *value,
                     pvm_prof_type_t type)
{
    pvm_buffer_t clean = {0};
    int status = 0;

    if (value->is_null) {
        return 0;
    }
    if (pvm_prof_type_is_text(type)) {
        pvm_view_escape(&clean, value->text, strlen(value->text), render->escape);
        status = clean.failed ? -1 : 0;
        if (status == 0 && clean.len > 0) {
            csv_text(render, (const char *)clean.data, clean.len);
        }
        pvm_buffer_free(&clean);
    } else if (pvm_prof_type_is_real(type)) {
        char text[32];

        pvm_view_render_real(value->real, text, sizeof(text));
        fputs(text, render->out);
    } else {
        fprintf(render->out, "%" PRId64, value->integer);
    }
    return status;
}

int pvm_view_render_csv(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    int status = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        fprintf(render->out, "%s%s", i > 0 ? "," : "", table->columns[i].id);
    }
    fputc('\n', render->out);
    for (size_t row = 0; row < table->row_count && !ferror(render->out); row++) {
        for (size_t i = 0; i < table->column_count && status == 0; i++) {
            if (i > 0) {
                fputc(',', render->out);
            }
            status = csv_value(render, pvm_prof_table_value(table, row, i), table->columns[i].type);
        }
        fputc('\n', render->out);
    }
    return status;
}

/* -- Markdown ------------------------------------------------------------------------------ */

/** Cell text: what Markdown or HTML would read as markup is defused. */
static int markdown_cell(const pvm_render_t *render, const pvm_buffer_t *cell)
{
    if (cell->failed) {
        return -1;
    }
    fputc(' ', render->out);
    for (size_t i = 0; i < cell->len; i++) {
        const char letter = (char)cell->data[i];

        if (letter == '<') {
            fputs("&lt;", render->out);
        } else if (letter == '&') {
            fputs("&amp;", render->out);
        } else {
            if (strchr("|\\`*_[]", letter) != NULL) {
                fputc('\\', render->out);
            }
            fputc(letter, render->out);
        }
    }
    fputs(" |", render->out);
    return 0;
}

static int markdown_value(const pvm_render_t *render, const pvm_prof_table_t *table, size_t row,
                          size_t column)
{
    pvm_buffer_t cell = {0};
    int status;

    pvm_view_render_value(&cell, pvm_prof_table_value(table, row, column), &table->columns[column],
                          render->escape);
    status = markdown_cell(render, &cell);
    pvm_buffer_free(&cell);
    return status;
}

static int markdown_header(const pvm_render_t *render, const pvm_prof_column_t *column)
{
    pvm_buffer_t cell = {0};
    int status;

    pvm_view_render_header(&cell, column);
    status = markdown_cell(render, &cell);
    pvm_buffer_free(&cell);
    return status;
}

static int markdown_record(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    int status = 0;

    fputs("| | |\n| --- | --- |\n", render->out);
    for (size_t i = 0; i < table->column_count && status == 0; i++) {
        if (pvm_prof_table_value(table, 0, i)->is_null) {
            continue;
        }
        fputc('|', render->out);
        status = markdown_header(render, &table->columns[i]);
        if (status == 0) {
            status = markdown_value(render, table, 0, i);
        }
        fputc('\n', render->out);
    }
    return status;
}

static int markdown_rows(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    int status = 0;

    fputc('|', render->out);
    for (size_t i = 0; i < table->column_count && status == 0; i++) {
        status = markdown_header(render, &table->columns[i]);
    }
    fputs("\n|", render->out);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(pvm_view_is_numeric(table->columns[i].type) ? " ---: |" : " --- |", render->out);
    }
    fputc('\n', render->out);
    for (size_t row = 0; row < table->row_count && status == 0 && !ferror(render->out); row++) {
        fputc('|', render->out);
        for (size_t i = 0; i < table->column_count && status == 0; i++) {
            status = markdown_value(render, table, row, i);
        }
        fputc('\n', render->out);
    }
    return status;
}

int pvm_view_render_markdown(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    int status;

    fprintf(render->out, "## %s\n\n", table->title);
    status = table->is_record && table->row_count == 1 ? markdown_record(render, table)
                                                       : markdown_rows(render, table);
    if (table->row_count < table->row_count_all) {
        fprintf(render->out, "\n%zu of %zu rows.\n", table->row_count, table->row_count_all);
    }
    return status;
}
