/* What all formats share: values and headers for people, and which format prints what. */
#include "viewer/render.h"

#include "viewer/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/** Columns where nobody says how many there are. */
#define WIDTH_DEFAULT 80
/** Below this no table can be drawn, whatever the terminal says. */
#define WIDTH_MIN 20

pvm_render_t pvm_view_render_make(FILE *out, uint64_t format)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    const bool is_terminal = isatty(fileno(out)) == 1;
    pvm_render_t render = {
        .out = out,
        .format = format,
        .width = WIDTH_DEFAULT,
        .escape = pvm_view_escape_of_locale(),
    };
    struct winsize size;

    if (is_terminal) {
        render.is_colour = (no_colour == NULL || no_colour[0] == '\0') && terminal != NULL &&
                           strcmp(terminal, "dumb") != 0;
        if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
            render.width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
        }
    }
    if (format == PVM_CHOICE_FORMAT_CSV || format == PVM_CHOICE_FORMAT_MD) {
        render.escape = PVM_ESCAPE_UTF8;
    }
    return render;
}

const char *pvm_view_certainty_name(pvm_prof_certainty_t certainty)
{
    switch (certainty) {
    case PVM_PROF_EXACT:
        return "exact";
    case PVM_PROF_SAMPLED:
        return "sampled";
    case PVM_PROF_ESTIMATED:
        return "estimated";
    case PVM_PROF_INCOMPLETE:
    case PVM_PROF_CONTRADICTED:
        return "incomplete";
    }
    return "unknown";
}

/* -- Certainty for people ------------------------------------------------------------------- */

/** What stands in front of a header: what was lost makes a count a lower bound, and a share or a difference anything. */
typedef enum {
    MARK_NONE,
    MARK_SAMPLED,
    MARK_ESTIMATED,
    MARK_AT_LEAST,
    MARK_OPEN,
    MARK_COUNT
} mark_t;

static const char *const mark_texts[MARK_COUNT] = {"", "~", "*", ">=", "?"};
static const char *const mark_legends[MARK_COUNT] = {
    [MARK_SAMPLED] = "~: sampled; from and to are the 95 % interval.",
    [MARK_ESTIMATED] = "*: estimated, not counted.",
    [MARK_AT_LEAST] = ">=: incomplete; at least so much.",
    [MARK_OPEN] = "?: incomplete; may be more or less.",
};

static mark_t mark_of(const pvm_prof_column_t *column)
{
    if (!pvm_prof_type_is_figure(column->type)) {
        return MARK_NONE;
    }
    switch (column->certainty) {
    case PVM_PROF_SAMPLED:
        return MARK_SAMPLED;
    case PVM_PROF_ESTIMATED:
        return MARK_ESTIMATED;
    case PVM_PROF_INCOMPLETE:
        return column->type == PVM_PROF_TYPE_GAS_CHANGE || pvm_prof_type_is_real(column->type)
                   ? MARK_OPEN
                   : MARK_AT_LEAST;
    case PVM_PROF_CONTRADICTED:
        return MARK_OPEN;
    case PVM_PROF_EXACT:
        break;
    }
    return MARK_NONE;
}

/* -- Values for people --------------------------------------------------------------------- */

/** Digits in groups of three. */
static void append_grouped(pvm_buffer_t *out, int64_t number)
{
    char digits[24];
    const uint64_t magnitude = number < 0 ? UINT64_C(0) - (uint64_t)number : (uint64_t)number;
    const int len = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude);

    if (number < 0) {
        pvm_buffer_append(out, "-", 1);
    }
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            pvm_buffer_append(out, ",", 1);
        }
        pvm_buffer_append(out, &digits[i], 1);
    }
}

/** Nanoseconds in the unit that leaves one to three digits in front of the point. */
static void append_duration(pvm_buffer_t *out, int64_t ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}};
    const double value = (double)ns;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (value >= units[i].ns) {
            const double scaled = value / units[i].ns;
            pvm_buffer_printf(out, "%.*f %s",
                              scaled < 10    ? 2
                              : scaled < 100 ? 1
                                             : 0,
                              scaled, units[i].name);
            return;
        }
    }
    pvm_buffer_printf(out, "%" PRId64 " ns", ns);
}

void pvm_view_render_value(pvm_buffer_t *out, const pvm_prof_value_t *value,
                           const pvm_prof_column_t *column, pvm_escape_t escape)
{
    if (value->is_null) {
        pvm_buffer_append(out, "-", 1);
        return;
    }
    switch (column->type) {
    case PVM_PROF_TYPE_TEXT:
    case PVM_PROF_TYPE_PATH:
        pvm_view_escape(out, value->text, strlen(value->text), escape);
        break;
    case PVM_PROF_TYPE_INT:
    case PVM_PROF_TYPE_GAS:
        append_grouped(out, value->integer);
        break;
    case PVM_PROF_TYPE_GAS_CHANGE:
        if (value->integer > 0) {
            pvm_buffer_append(out, "+", 1);
        }
        append_grouped(out, value->integer);
        break;
    case PVM_PROF_TYPE_NS:
        append_duration(out, value->integer);
        break;
    case PVM_PROF_TYPE_PERCENT:
        pvm_buffer_printf(out, "%.1f", value->real);
        break;
    case PVM_PROF_TYPE_REAL:
        pvm_buffer_printf(out, "%.*f", value->real >= 100 ? 1 : 2, value->real);
        break;
    case PVM_PROF_TYPE_REGISTER:
        pvm_buffer_printf(out, "0x%" PRIx64, (uint64_t)value->integer);
        break;
    case PVM_PROF_TYPE_PC:
    case PVM_PROF_TYPE_ID:
        pvm_buffer_printf(out, "%" PRId64, value->integer);
        break;
    }
}

const char *pvm_view_render_mark(const pvm_prof_column_t *column)
{
    return mark_texts[mark_of(column)];
}

void pvm_view_render_header(pvm_buffer_t *out, const pvm_prof_column_t *column)
{
    pvm_buffer_printf(out, "%s%s", pvm_view_render_mark(column),
                      column->header[0] != '\0' ? column->header : column->id);
    /* Durations bring their own unit; a header may already name it. */
    if (column->unit[0] != '\0' && column->type != PVM_PROF_TYPE_NS &&
        strstr(column->header, column->unit) == NULL) {
        pvm_buffer_printf(out, " (%s)", column->unit);
    }
}

void pvm_view_render_real(double real, char *out, size_t out_bytes)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, out_bytes, "%.*g", digits, real);
        if (strtod(out, NULL) == real) {
            return;
        }
    }
}

/* -- Tables and documents ------------------------------------------------------------------ */

/** Octets of the next line of a text that is folded between words; words that are too long stand on lines of their own. */
static size_t folded_octets(const char *text, size_t len, size_t width, pvm_escape_t escape)
{
    size_t end = 0;

    while (end < len) {
        const char *const blank = memchr(text + end + 1, ' ', len - end - 1);
        const size_t next = blank != NULL ? (size_t)(blank - text) : len;

        if (end > 0 && pvm_view_columns(text, next, escape) > width) {
            break;
        }
        end = next;
    }
    return end;
}

/** A note for people, folded at the edge of text. */
static void put_note(const pvm_render_t *render, const char *text, size_t len)
{
    const bool is_text = render->format == PVM_CHOICE_FORMAT_TEXT;

    do {
        const size_t taken =
            is_text ? folded_octets(text, len, render->width, render->escape) : len;

        fprintf(render->out, "%s%.*s%s\n", render->is_colour ? "\033[33m" : "", (int)taken, text,
                render->is_colour ? "\033[0m" : "");
        text += taken < len ? taken + 1 : taken;
        len -= taken < len ? taken + 1 : taken;
    } while (len > 0);
}

/** A sentence in front of everything: on its own line, and on standard error where the format has no place. */
static int render_note(const pvm_render_t *render, const char *text)
{
    const bool is_machine =
        render->format == PVM_CHOICE_FORMAT_JSON || render->format == PVM_CHOICE_FORMAT_CSV;
    pvm_buffer_t line = {0};
    int status;

    pvm_view_escape(&line, text, strlen(text), render->escape);
    status = line.failed ? -1 : 0;
    if (status == 0 && is_machine) {
        fprintf(stderr, "pvmscope: note: %.*s\n", (int)line.len, (const char *)line.data);
    } else if (status == 0) {
        put_note(render, (const char *)line.data, line.len);
    }
    pvm_buffer_free(&line);
    return status;
}

/** Is this note of a part also one of an earlier part (or of the same one, further up)? */
static bool is_repeated(const pvm_render_part_t *parts, size_t part, size_t note)
{
    const char *text = parts[part].table->notes[note];

    for (size_t i = 0; i <= part; i++) {
        const size_t count = i < part ? parts[i].table->note_count : note;

        for (size_t j = 0; j < count; j++) {
            if (strcmp(parts[i].table->notes[j], text) == 0) {
                return true;
            }
        }
    }
    return false;
}

/** What the marks in the headers of all parts mean. @param out_has_notes  set if there are some */
static int render_legends(const pvm_render_t *render, const pvm_render_part_t *parts, size_t count,
                          bool *out_has_notes)
{
    bool is_used[MARK_COUNT] = {false};
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        const pvm_prof_table_t *const table = parts[i].table;

        for (size_t j = 0; j < table->column_count; j++) {
            is_used[mark_of(&table->columns[j])] = true;
        }
    }
    for (size_t mark = 0; mark < MARK_COUNT && status == 0; mark++) {
        if (is_used[mark] && mark_legends[mark] != NULL) {
            status = render_note(render, mark_legends[mark]);
            *out_has_notes = true;
        }
    }
    return status;
}

/** CSV has headers for machines only: which columns are not exact stands beside it. */
static int render_csv_certainty(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    pvm_buffer_t text = {0};
    int status = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        const pvm_prof_column_t *const column = &table->columns[i];

        if (column->certainty != PVM_PROF_EXACT && pvm_prof_type_is_figure(column->type)) {
            pvm_buffer_printf(&text, "%s%s %s", text.len > 0 ? ", " : "", column->id,
                              pvm_view_certainty_name(column->certainty));
        }
    }
    if (text.len > 0) {
        pvm_buffer_append(&text, "", 1);
        status = text.failed ? -1 : render_note(render, (const char *)text.data);
    }
    pvm_buffer_free(&text);
    return status;
}

/** What the reader must know before any figure: the notes of all parts, each once. */
static int render_notes(const pvm_render_t *render, const pvm_render_part_t *parts, size_t count)
{
    const bool is_machine =
        render->format == PVM_CHOICE_FORMAT_JSON || render->format == PVM_CHOICE_FORMAT_CSV;
    bool has_notes = false;
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < parts[i].table->note_count && status == 0; j++) {
            if (!is_repeated(parts, i, j)) {
                status = render_note(render, parts[i].table->notes[j]);
                has_notes = true;
            }
        }
    }
    if (status == 0 && !is_machine) {
        status = render_legends(render, parts, count, &has_notes);
    }
    for (size_t i = 0; i < count && status == 0 && render->format == PVM_CHOICE_FORMAT_CSV; i++) {
        status = render_csv_certainty(render, parts[i].table);
    }
    if (has_notes && !is_machine) {
        fputc('\n', render->out);
    }
    return status;
}

static int render_body(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    switch (render->format) {
    case PVM_CHOICE_FORMAT_JSON:
        return pvm_view_render_json(render, table, "");
    case PVM_CHOICE_FORMAT_CSV:
        return pvm_view_render_csv(render, table);
    case PVM_CHOICE_FORMAT_MD:
        return pvm_view_render_markdown(render, table);
    default:
        return pvm_view_render_text(render, table);
    }
}

int pvm_view_render_notes(const pvm_render_t *render, const pvm_prof_table_t *table)
{
    const pvm_render_part_t part = {"", table};

    return render_notes(render, &part, 1);
}

/** `"functions.self_gas": "incomplete"` for each figure of a part. @return the next separator */
static const char *put_json_certainties(const pvm_render_t *render, const pvm_render_part_t *part,
                                        const char *separator)
{
    for (size_t i = 0; i < part->table->column_count; i++) {
        const pvm_prof_column_t *const column = &part->table->columns[i];

        if (pvm_prof_type_is_figure(column->type)) {
            fprintf(render->out, "%s\"%s.%s\": \"%s\"", separator, part->key, column->id,
                    pvm_view_certainty_name(column->certainty));
            separator = ", ";
        }
    }
    return separator;
}

/** `"certainty": {...}, "notes": [...]`, the members behind the parts. */
static int render_json_tail(const pvm_render_t *render, const pvm_render_part_t *parts,
                            size_t count)
{
    const char *separator = "";
    int status = 0;

    fputs("  \"certainty\": {", render->out);
    for (size_t i = 0; i < count; i++) {
        separator = put_json_certainties(render, &parts[i], separator);
    }
    fputs("},\n  \"notes\": [", render->out);
    separator = "";
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < parts[i].table->note_count && status == 0; j++) {
            if (!is_repeated(parts, i, j)) {
                fputs(separator, render->out);
                status = pvm_view_render_json_string(render, parts[i].table->notes[j]);
                separator = ", ";
            }
        }
    }
    fputs("]\n", render->out);
    return status;
}

int pvm_view_render_document(const pvm_render_t *render, const pvm_render_part_t *parts,
                             size_t count)
{
    int status = 0;

    if (render->format == PVM_CHOICE_FORMAT_JSON) {
        fputs("{\n", render->out);
        for (size_t i = 0; i < count && status == 0; i++) {
            fprintf(render->out, "  \"%s\": ", parts[i].key);
            status = pvm_view_render_json(render, parts[i].table, "  ");
            fputs(",\n", render->out);
        }
        if (status == 0) {
            status = render_json_tail(render, parts, count);
        }
        fputs("}\n", render->out);
        return status;
    }
    status = render_notes(render, parts, count);
    for (size_t i = 0; i < count && status == 0; i++) {
        if (i > 0) {
            fputc('\n', render->out);
        }
        status = render_body(render, parts[i].table);
    }
    return status;
}

int pvm_view_render_table(const pvm_render_t *render, const char *key,
                          const pvm_prof_table_t *table)
{
    const pvm_render_part_t part = {key, table};

    return pvm_view_render_document(render, &part, 1);
}
