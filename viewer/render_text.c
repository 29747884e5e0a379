/* Tables as text: columns aligned, no wider than the terminal. Text columns are cut in the middle when there is
 * no room; numbers never are: a table whose numbers do not fit is printed one value a line. */
#include "viewer/render.h"

#include "support/utf8.h"

#include <stdlib.h>
#include <string.h>

/** Blanks between columns. */
#define GAP 2
/** A text column is not cut below this; its first and last letters still tell names apart. */
#define TEXT_COLUMNS_MIN 12
/** Percent bars: not drawn with less room, and not longer than this. */
#define BAR_COLUMNS_MIN 6
#define BAR_COLUMNS_MAX 24
/** A record's labels are padded up to this. */
#define LABEL_COLUMNS_MAX 28

static const char bold[] = "\033[1m";
static const char plain[] = "\033[0m";

typedef struct {
    const pvm_render_t *render;
    const pvm_prof_table_t *table;
    size_t column_count; /**< columns that are shown, */
    size_t *shown;       /**< their places in the table, */
    size_t *widths;      /**< and how wide they are */
    size_t bar_column;   /**< the percent column that gets bars, or column_count */
    size_t bar_width;    /**< of 100 % */
    size_t bar_room;     /**< of the longest one, which is all that rows keep free for them */
    pvm_buffer_t cell;   /**< the one being printed */
} text_table_t;

static const pvm_prof_column_t *column_of(const text_table_t *text, size_t i)
{
    return &text->table->columns[text->shown[i]];
}

static void put_blanks(const pvm_render_t *render, size_t count)
{
    fprintf(render->out, "%*s", (int)count, "");
}

static size_t cell_columns(const text_table_t *text)
{
    return pvm_view_columns((const char *)text->cell.data, text->cell.len, text->render->escape);
}

/** Make text->cell hold a value (row < row_count) or a header. */
static void cell_set(text_table_t *text, size_t row, size_t column)
{
    text->cell.len = 0;
    if (row < text->table->row_count) {
        pvm_view_render_value(&text->cell,
                              pvm_prof_table_value(text->table, row, text->shown[column]),
                              column_of(text, column), text->render->escape);
    } else {
        pvm_view_render_header(&text->cell, column_of(text, column));
    }
}

/** Whether the last of so many columns says nothing: a program that all rows are of, or a text that no row has. */
static bool is_idle(const pvm_prof_table_t *table, size_t count)
{
    const pvm_prof_column_t *const column = &table->columns[count - 1];
    const bool is_program = strcmp(column->id, "program") == 0;

    if (!pvm_prof_type_is_text(column->type)) {
        return false;
    }
    for (size_t row = 0; row < table->row_count; row++) {
        const pvm_prof_value_t *first = pvm_prof_table_value(table, 0, count - 1);
        const pvm_prof_value_t *value = pvm_prof_table_value(table, row, count - 1);

        if (is_program ? value->is_null || first->is_null || strcmp(value->text, first->text) != 0
                       : !value->is_null && value->text[0] != '\0') {
            return false;
        }
    }
    return true;
}

/** Columns that tell people something: those without a header are left out, and the last one if it is idle. */
static size_t columns_shown(const pvm_prof_table_t *table)
{
    size_t count = table->column_count;

    while (count > 1 && table->columns[count - 1].header[0] == '\0') {
        count--;
    }
    return table->is_record || table->row_count == 0 || count < 2 || !is_idle(table, count)
               ? count
               : count - 1;
}

/* -- Layout -------------------------------------------------------------------------------- */

static size_t total_width(const text_table_t *text)
{
    size_t total = 0;

    for (size_t i = 0; i < text->column_count; i++) {
        total += text->widths[i] + (i > 0 ? GAP : 0);
    }
    return total;
}

static bool is_detail(const text_table_t *text, size_t i)
{
    return text->shown[i] < 64 && ((text->table->details >> text->shown[i]) & 1) != 0;
}

/** Width of the table if no text column were wider than it has to be. */
static size_t least_width(const text_table_t *text)
{
    size_t total = 0;

    for (size_t i = 0; i < text->column_count; i++) {
        const bool can_shrink =
            pvm_prof_type_is_text(column_of(text, i)->type) && text->widths[i] > TEXT_COLUMNS_MIN;
        total += (can_shrink ? TEXT_COLUMNS_MIN : text->widths[i]) + (i > 0 ? GAP : 0);
    }
    return total;
}

static void drop_column(text_table_t *text, size_t i)
{
    const size_t behind = text->column_count - i - 1;

    memmove(&text->shown[i], &text->shown[i + 1], behind * sizeof(*text->shown));
    memmove(&text->widths[i], &text->widths[i + 1], behind * sizeof(*text->widths));
    text->column_count--;
}

/** Whether columns are one figure and the ends of its interval: x, x_low and x_high, or x_ns, x_low_ns and x_high_ns. */
static bool is_same_figure(const char *id, const char *other)
{
    static const char *const ends[] = {"_low", "_high"};
    char stems[2][64];

    (void)snprintf(stems[0], sizeof(stems[0]), "%s", id);
    (void)snprintf(stems[1], sizeof(stems[1]), "%s", other);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++) {
            char *const end = strstr(stems[i], ends[j]);

            if (end != NULL) {
                memmove(end, end + strlen(ends[j]), strlen(end + strlen(ends[j])) + 1);
            }
        }
    }
    return strcmp(stems[0], stems[1]) == 0;
}

/** Leave out columns that people can do without, the last ones first, until all fits; an interval goes as a whole. */
static void drop_details(text_table_t *text)
{
    for (size_t i = text->column_count; i-- > 0 && least_width(text) > text->render->width;) {
        const char *const id = column_of(text, i)->id;

        if (!is_detail(text, i)) {
            continue;
        }
        drop_column(text, i);
        while (i > 0 && is_detail(text, i - 1) && is_same_figure(column_of(text, i - 1)->id, id)) {
            drop_column(text, --i);
        }
    }
}

/** Narrow the widest text column until all fits or none can give more. */
static void shrink_text(text_table_t *text)
{
    while (total_width(text) > text->render->width) {
        size_t widest = text->column_count;

        for (size_t i = 0; i < text->column_count; i++) {
            if (pvm_prof_type_is_text(column_of(text, i)->type) &&
                text->widths[i] > TEXT_COLUMNS_MIN &&
                (widest == text->column_count || text->widths[i] > text->widths[widest])) {
                widest = i;
            }
        }
        if (widest == text->column_count) {
            return;
        }
        text->widths[widest]--;
    }
}

static size_t bar_length(const text_table_t *text, size_t row)
{
    const pvm_prof_value_t *value =
        pvm_prof_table_value(text->table, row, text->shown[text->bar_column]);
    const double share = value->is_null || !(value->real > 0) ? 0
                         : value->real > 100                  ? 1
                                                              : value->real / 100;

    return (size_t)(share * (double)text->bar_width + 0.5);
}

static void lay_out(text_table_t *text)
{
    const pvm_prof_table_t *table = text->table;
    size_t total;

    for (size_t i = 0; i < text->column_count; i++) {
        /* Row row_count stands for the header. */
        for (size_t row = 0; row <= table->row_count; row++) {
            cell_set(text, row, i);
            const size_t columns = cell_columns(text);
            text->widths[i] = columns > text->widths[i] ? columns : text->widths[i];
        }
    }
    drop_details(text);
    shrink_text(text);
    total = total_width(text);
    text->bar_column = text->column_count;
    for (size_t i = 0; i < text->column_count && text->bar_column == text->column_count; i++) {
        if (column_of(text, i)->type == PVM_PROF_TYPE_PERCENT) {
            text->bar_column = i;
        }
    }
    if (text->bar_column < text->column_count &&
        total + 1 + BAR_COLUMNS_MIN <= text->render->width) {
        const size_t room = text->render->width - total - 1;
        text->bar_width = room < BAR_COLUMNS_MAX ? room : BAR_COLUMNS_MAX;
        for (size_t row = 0; row < table->row_count; row++) {
            const size_t length = bar_length(text, row);
            text->bar_room = length > text->bar_room ? length : text->bar_room;
        }
    } else {
        text->bar_column = text->column_count;
    }
    if (text->bar_room == 0) {
        text->bar_column = text->column_count;
    }
}

/* -- Rows ---------------------------------------------------------------------------------- */

/** Octets of the longest start of text[0..len) that takes at most `columns`. */
static size_t prefix_octets(const char *text, size_t len, size_t columns, pvm_escape_t escape)
{
    size_t taken = 0;

    while (taken < len) {
        const size_t octets = pvm_utf8_character((const uint8_t *)text + taken, len - taken);
        const size_t width = pvm_view_columns(text + taken, octets > 0 ? octets : 1, escape);

        if (width > columns) {
            break;
        }
        columns -= width;
        taken += octets > 0 ? octets : 1;
    }
    return taken;
}

/** Print a text cell that is too wide: its start, a mark, its end; of a path its end. */
static void put_cut(const text_table_t *text, size_t width, pvm_prof_type_t type)
{
    const pvm_escape_t escape = text->render->escape;
    const char *data = (const char *)text->cell.data;
    const char *mark = escape == PVM_ESCAPE_ASCII ? ".." : "\xe2\x80\xa6";
    const size_t mark_columns = escape == PVM_ESCAPE_ASCII ? 2 : 1;
    const size_t columns = cell_columns(text);
    const size_t head_columns = type == PVM_PROF_TYPE_PATH ? 0 : (width - mark_columns) / 2;
    const size_t tail_columns = width - mark_columns - head_columns;
    const size_t head = prefix_octets(data, text->cell.len, head_columns, escape);
    const size_t tail = prefix_octets(data, text->cell.len, columns - tail_columns, escape);

    fprintf(text->render->out, "%.*s%s%.*s", (int)head, data, mark, (int)(text->cell.len - tail),
            data + tail);
    put_blanks(text->render, width - mark_columns - pvm_view_columns(data, head, escape) -
                                 pvm_view_columns(data + tail, text->cell.len - tail, escape));
}

static void put_bar(const text_table_t *text, size_t row)
{
    const size_t length = bar_length(text, row);

    fputc(' ', text->render->out);
    for (size_t i = 0; i < length; i++) {
        fputs(text->render->escape == PVM_ESCAPE_ASCII ? "#" : "\xe2\x96\x88", text->render->out);
    }
    if (text->bar_column + 1 < text->column_count) {
        put_blanks(text->render, text->bar_room - length);
    }
}

/** Print a row, or the headers for row row_count. */
static void put_row(text_table_t *text, size_t row)
{
    const pvm_prof_table_t *table = text->table;
    const bool is_header = row >= table->row_count;
    const bool is_bold = is_header && text->render->is_colour;

    fputs(is_bold ? bold : "", text->render->out);
    for (size_t i = 0; i < text->column_count; i++) {
        const size_t width = text->widths[i];
        size_t columns;

        cell_set(text, row, i);
        columns = cell_columns(text);
        put_blanks(text->render, i > 0 ? GAP : 0);
        if (columns > width) {
            put_cut(text, width, column_of(text, i)->type);
            continue;
        }
        if (pvm_view_is_numeric(column_of(text, i)->type)) {
            put_blanks(text->render, width - columns);
            columns = width;
        }
        if (text->cell.len > 0) {
            fwrite(text->cell.data, 1, text->cell.len, text->render->out);
        }
        if (i == text->bar_column) {
            if (!is_header) {
                put_bar(text, row);
            } else if (i + 1 < text->column_count) {
                put_blanks(text->render, text->bar_room + 1);
            }
        } else if (i + 1 < text->column_count) {
            put_blanks(text->render, width - columns);
        }
    }
    fprintf(text->render->out, "%s\n", is_bold ? plain : "");
}

/* -- Records ------------------------------------------------------------------------------- */

/** Print text->cell behind a label, folded at the right edge. */
static void put_folded(const text_table_t *text, size_t indent)
{
    const char *data = (const char *)text->cell.data;
    const size_t room = text->render->width > indent + 1 ? text->render->width - indent : 1;
    size_t begin = 0;

    do {
        size_t taken =
            prefix_octets(data + begin, text->cell.len - begin, room, text->render->escape);

        taken = taken > 0 ? taken : text->cell.len - begin;
        if (begin > 0) {
            put_blanks(text->render, indent);
        }
        fprintf(text->render->out, "%.*s\n", (int)taken, data + begin);
        begin += taken;
    } while (begin < text->cell.len);
}

static size_t label_width(text_table_t *text)
{
    size_t width = 0;

    for (size_t i = 0; i < text->column_count; i++) {
        cell_set(text, text->table->row_count, i);
        const size_t columns = cell_columns(text);
        width = columns > width ? columns : width;
    }
    return width < LABEL_COLUMNS_MAX ? width : LABEL_COLUMNS_MAX;
}

/** What is not there takes no line in a record, but keeps its place among rows. */
static void put_record(text_table_t *text, size_t row, size_t width)
{
    for (size_t i = 0; i < text->column_count; i++) {
        size_t columns;

        if (text->table->is_record &&
            pvm_prof_table_value(text->table, row, text->shown[i])->is_null) {
            continue;
        }
        cell_set(text, text->table->row_count, i);
        columns = cell_columns(text);
        fprintf(text->render->out, "%.*s", (int)text->cell.len, (const char *)text->cell.data);
        put_blanks(text->render, (columns < width ? width - columns : 0) + GAP);
        cell_set(text, row, i);
        put_folded(text, (columns < width ? width : columns) + GAP);
    }
}

static void put_records(text_table_t *text)
{
    const size_t width = label_width(text);

    for (size_t row = 0; row < text->table->row_count && !ferror(text->render->out); row++) {
        if (row > 0) {
            fputc('\n', text->render->out);
        }
        put_record(text, row, width);
    }
}

/* -- Tables -------------------------------------------------------------------------------- */

static void show_columns(text_table_t *text, size_t count)
{
    text->column_count = count;
    for (size_t i = 0; i < count; i++) {
        text->shown[i] = i;
    }
}

static void put_table(text_table_t *text)
{
    const pvm_render_t *render = text->render;

    if (text->table->row_count == 0) {
        fputs("(none)\n", render->out);
        return;
    }
    const size_t count = text->column_count;
    lay_out(text);
    if (total_width(text) > render->width) {
        show_columns(text, count);
        put_records(text);
        return;
    }
    put_row(text, text->table->row_count);
    for (size_t row = 0; row < text->table->row_count && !ferror(render->out); row++) {
        put_row(text, row);
    }
}

int pvm_view_render_text(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    text_table_t text = {.render = render, .table = table};
    int status = -1;

    text.widths = calloc(table->column_count + 1, sizeof(*text.widths));
    text.shown = calloc(table->column_count + 1, sizeof(*text.shown));
    if (text.widths == NULL || text.shown == NULL) {
        goto out;
    }
    show_columns(&text, columns_shown(table));
    if (table->title[0] != '\0') {
        fprintf(render->out, "%s%s%s\n", render->is_colour ? bold : "", table->title,
                render->is_colour ? plain : "");
    }
    if (table->is_record && table->row_count == 1) {
        put_records(&text);
    } else {
        put_table(&text);
    }
    if (table->row_count < table->row_count_all) {
        fprintf(render->out, "%zu of %zu rows; more with --top\n", table->row_count,
                table->row_count_all);
    }
    status = text.cell.failed ? -1 : 0;
out:
    pvm_buffer_free(&text.cell);
    free(text.widths);
    free(text.shown);
    return status;
}
