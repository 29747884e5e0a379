/* The lines for people: a paragraph for each block, guest code on the left, host code on the right, source above. */
#include "viewer/annotate/annotate.h"
#include "viewer/annotate/source.h"
#include "viewer/new_run.h"

#include "profiler/interval.h"
#include "profiler/report.h"
#include "profiler/walk_code.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** From this width on there is room for gas beside its share. */
#define WIDE_COLUMNS 100
/** Below this what is known of a loop takes two lines. */
#define LOOP_COLUMNS 76
/** Shares from which a line is marked. */
#define HOT_PERCENT  10.0
#define WARM_PERCENT 1.0

static const char plain[] = "\033[0m";
static const char bold[] = "\033[1m";
static const char faint[] = "\033[2m";
static const char hot[] = "\033[1;31m";
static const char warm[] = "\033[33m";

/** Figures of the text that can be unsure, by their place in the table that learns it. */
enum { MARK_HITS, MARK_GAS, MARK_SHARE, MARK_COUNT };

typedef struct {
    pvm_annotate_t *annotate;
    FILE *out;
    const char *marks[MARK_COUNT];
    bool is_colour;
    bool is_wide;
    bool is_utf8;
    int left; /**< columns in front of the place */
    int pc_width;
    int guest_width;
    int host_width; /**< 0: no host code */
    pvm_source_t *source;
    pvm_buffer_t scratch;
    const pvm_annotate_line_t *last; /**< whose source line was shown last */
} writer_t;

static const char *colour(const writer_t *writer, const char *code)
{
    return writer->is_colour ? code : "";
}

/* -- Numbers ------------------------------------------------------------------------------- */

/* At most five characters: 999, 1.23k, 12.3M. */
static void put_short(const writer_t *writer, int64_t number, int width)
{
    static const char units[] = {'k', 'M', 'G', 'T', 'P', 'E'};
    double scaled = (double)number;
    size_t unit = 0;
    char text[32];

    if (number > -1000 && number < 1000) {
        fprintf(writer->out, "%*" PRId64, width, number);
        return;
    }
    scaled /= 1000;
    while ((scaled >= 999.5 || scaled <= -999.5) && unit + 1 < sizeof(units)) {
        scaled /= 1000;
        unit++;
    }
    snprintf(text, sizeof(text), "%.*f%c",
             scaled < 9.995   ? 2
             : scaled < 99.95 ? 1
                              : 0,
             scaled, units[unit]);
    fprintf(writer->out, "%*s", width, text);
}

static double share_of(const writer_t *writer, int64_t gas)
{
    return writer->annotate->gas_used != 0
               ? 100.0 * (double)gas / (double)writer->annotate->gas_used
               : 0;
}

static const char *heat_of(const writer_t *writer, double share)
{
    return colour(writer, share >= HOT_PERCENT ? hot : share >= WARM_PERCENT ? warm : "");
}

static void put_number(const writer_t *writer, int64_t number)
{
    const pvm_prof_value_t value = {.integer = number};
    static const pvm_prof_column_t column = {"n", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT};
    pvm_buffer_t text = {0};

    pvm_view_render_value(&text, &value, &column, PVM_ESCAPE_ASCII);
    fprintf(writer->out, "%.*s", (int)text.len, text.failed ? "" : (const char *)text.data);
    pvm_buffer_free(&text);
}

/* Text from a program or a file, cut at the edge. @param width  columns; padded to it if `pads` */
static void put_text(writer_t *writer, const char *text, size_t len, size_t width, bool pads)
{
    pvm_buffer_t *const scratch = &writer->scratch;
    const pvm_escape_t escape = writer->annotate->render.escape;

    /* An escaped octet takes no more than four columns; more than fits need not be looked at. */
    scratch->len = 0;
    pvm_view_escape(scratch, text, len < 4096 ? len : 4096, escape);
    size_t shown = scratch->failed ? 0 : scratch->len;
    const size_t columns = pvm_view_columns((const char *)scratch->data, shown, escape);
    if (columns > width) {
        const size_t room = width > 2 ? width - 2 : 0;
        while (shown > 0 && pvm_view_columns((const char *)scratch->data, shown, escape) > room) {
            do {
                shown--;
            } while (shown > 0 && (scratch->data[shown] & 0xc0) == 0x80);
        }
        fprintf(writer->out, "%.*s..", (int)shown, (const char *)scratch->data);
        return;
    }
    if (shown > 0) {
        fwrite(scratch->data, 1, shown, writer->out);
    }
    if (pads) {
        fprintf(writer->out, "%*s", (int)(width - columns), "");
    }
}

/* -- Source -------------------------------------------------------------------------------- */

static bool is_same_source(const pvm_annotate_line_t *a, const pvm_annotate_line_t *b)
{
    return a->source_line == b->source_line && a->path.len == b->path.len &&
           a->path.data == b->path.data && a->function.name.data == b->function.name.data;
}

/* "sha256.c:62 rotate_right  | text": the name only where code was inlined. */
static void put_source(writer_t *writer, const pvm_annotate_line_t *line)
{
    size_t len = 0;
    char place[300];
    char name[128];
    const char *path = line->path.data;
    size_t path_len = line->path.len;

    if (writer->last != NULL && is_same_source(writer->last, line)) {
        return;
    }
    writer->last = line;
    if (path_len == 0) {
        return;
    }
    for (size_t i = path_len; i-- > 0;) {
        if (path[i] == '/') {
            path += i + 1;
            path_len -= i + 1;
            break;
        }
    }
    int used = snprintf(place, sizeof(place), "%.*s", (int)(path_len < 80 ? path_len : 80), path);
    if (line->source_line > 0) {
        used +=
            snprintf(place + used, sizeof(place) - (size_t)used, ":%" PRIu32, line->source_line);
    }
    if (line->is_inlined && pvm_debug_function_name(&line->function, name, sizeof(name)) > 0) {
        used += snprintf(place + used, sizeof(place) - (size_t)used, " %s", name);
    }
    const char *text =
        pvm_source_line(writer->source, line->path.data, line->path.len, line->source_line, &len);
    while (text != NULL && len > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        len--;
    }
    const size_t width = writer->annotate->render.width;
    fprintf(writer->out, "%s  ", colour(writer, faint));
    put_text(writer, place, strlen(place), width - 2, false);
    if (text != NULL && (size_t)used + 6 < width) {
        fputs("  ", writer->out);
        put_text(writer, text, len, width - (size_t)used - 4, false);
    }
    fprintf(writer->out, "%s\n", colour(writer, plain));
}

/* -- Instructions -------------------------------------------------------------------------- */

/** Where a line stands in the innermost loop. */
typedef enum { OUTSIDE, INSIDE, HEAD, BACK } gutter_t;

static void put_gutter(const writer_t *writer, gutter_t gutter)
{
    static const char *const ascii[] = {" ", "|", ">", "<"};
    static const char *const lines[] = {" ", "\xe2\x94\x82", "\xe2\x94\x8c", "\xe2\x94\x94"};

    fputs(writer->is_utf8 ? lines[gutter] : ascii[gutter], writer->out);
}

/* "mov rax, qword ptr [...]" says "ptr" where nothing else can be. */
static size_t shorten(const char *text, size_t len, char *out, size_t out_bytes)
{
    size_t used = 0;

    for (size_t i = 0; i < len && used + 1 < out_bytes; i++) {
        if (len - i > 5 && memcmp(text + i, " ptr ", 5) == 0) {
            out[used++] = ' ';
            i += 4;
        } else {
            out[used++] = text[i];
        }
    }
    return used;
}

static const char *put_host(writer_t *writer, const char *host)
{
    char text[256];
    const size_t len = strcspn(host, "\n");
    const size_t used = shorten(host, len, text, sizeof(text));

    fputs("  ", writer->out);
    put_text(writer, text, used, (size_t)writer->host_width, false);
    return host + len + (host[len] == '\n' ? 1 : 0);
}

static void put_instruction(writer_t *writer, const pvm_annotate_line_t *line, gutter_t gutter)
{
    const double share = share_of(writer, line->gas);
    const char *host = line->host;
    const bool has_host = writer->host_width > 0 && host != NULL;

    put_short(writer, line->executed, 6);
    if (writer->is_wide) {
        fputc(' ', writer->out);
        put_short(writer, line->gas, 6);
    }
    if (line->gas != 0) {
        fprintf(writer->out, "%s %5.1f%s ", heat_of(writer, share), share, colour(writer, plain));
    } else {
        fprintf(writer->out, " %5s ", "");
    }
    if (writer->annotate->samples > 0 && line->samples != 0) {
        put_short(writer, line->samples, 5);
        fputc(' ', writer->out);
    } else if (writer->annotate->samples > 0) {
        fprintf(writer->out, "%6s", "");
    }
    put_gutter(writer, gutter);
    fprintf(writer->out, "%*" PRIu32 "  ", writer->pc_width, line->pc);
    put_text(writer, line->text, strlen(line->text), (size_t)writer->guest_width, has_host);
    if (has_host) {
        host = put_host(writer, host);
    }
    fputc('\n', writer->out);
    while (has_host && *host != '\0') {
        fprintf(writer->out, "%*s", writer->left - 1, "");
        put_gutter(writer, gutter == HEAD ? INSIDE : gutter == BACK ? OUTSIDE : gutter);
        fprintf(writer->out, "%*s  %*s", writer->pc_width, "", writer->guest_width, "");
        host = put_host(writer, host);
        fputc('\n', writer->out);
    }
    if (line->host_gas > 0) {
        fprintf(writer->out, "%*s%*s host gas ", writer->left, "", writer->pc_width, "");
        put_number(writer, line->host_gas);
        fprintf(writer->out, " (%.1f %%)\n", share_of(writer, line->host_gas));
    }
}

/* -- Blocks -------------------------------------------------------------------------------- */

/* Time, with what it is worth. */
static void put_block_time(const writer_t *writer, size_t first)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const pvm_annotate_line_t *const lines = annotate->lines;
    int64_t samples = 0;

    if (annotate->samples == 0) {
        return;
    }
    for (size_t i = first; i < annotate->line_count && lines[i].block == lines[first].block; i++) {
        samples = pvm_prof_plus(samples, lines[i].samples);
    }
    const pvm_prof_interval_t interval = pvm_prof_interval(samples, annotate->samples);
    fprintf(writer->out, "  ~time %.1f %%, %.1f to %.1f, n ",
            100.0 * (double)samples / (double)annotate->samples, 100.0 * interval.low,
            100.0 * interval.high);
    put_number(writer, samples);
    fputc('\n', writer->out);
}

static void put_block_head(writer_t *writer, size_t executed, size_t first)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const pvm_prof_code_block_t *const block = &annotate->code.blocks[executed];
    const uint32_t loop = annotate->loops.loop_of[executed];
    const double share = share_of(writer, block->gas);

    fprintf(writer->out, "\n%s@%" PRIu32 "%s  hits ", colour(writer, bold), block->pc,
            colour(writer, plain));
    put_number(writer, block->hits);
    fputs("  gas ", writer->out);
    put_number(writer, block->gas);
    fprintf(writer->out, "%s (%.1f %%)%s  cost ", heat_of(writer, share), share,
            colour(writer, plain));
    put_number(writer, block->cost);
    fputc('\n', writer->out);
    put_block_time(writer, first);
    if (loop == PVM_PROF_NO_LOOP || annotate->loops.loops[loop].header != executed) {
        return;
    }
    const pvm_prof_loop_t *const about = &annotate->loops.loops[loop];
    fprintf(writer->out, "  loop of %zu block%s", about->block_count,
            about->block_count == 1 ? "" : "s");
    if (about->entries > 0) {
        fputs(", entered ", writer->out);
        put_number(writer, about->entries);
        fprintf(writer->out, " time%s, %.1f trips each", about->entries == 1 ? "" : "s",
                (double)about->iterations / (double)about->entries);
    }
    if (about->block_count > 1) {
        fprintf(writer->out, "%s%.1f %% of gas",
                annotate->render.width < LOOP_COLUMNS ? ",\n  " : ", ",
                share_of(writer, about->gas));
    }
    fputc('\n', writer->out);
}

/* Where control went from a block, if there was a choice, or a way back. */
static void put_block_end(writer_t *writer, size_t executed)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const pvm_prof_loops_t *const loops = &annotate->loops;
    const char *separator = "";
    size_t edges = 0;
    bool has_back = false;
    const size_t first = pvm_prof_loops_edges_from(loops, (uint32_t)executed);

    for (size_t i = first; i < loops->edge_count && loops->edges[i].from == executed; i++) {
        edges += loops->edges[i].count > 0 ? 1 : 0;
        has_back = has_back || loops->edges[i].is_back;
    }
    if (edges < 2 && !has_back) {
        return;
    }
    fprintf(writer->out, "%s%*s", colour(writer, faint), writer->left + 1 + writer->pc_width, "");
    for (size_t i = first; i < loops->edge_count && loops->edges[i].from == executed; i++) {
        const pvm_prof_edge_t *const edge = &loops->edges[i];

        if (edge->count <= 0) {
            continue;
        }
        fprintf(writer->out, "%s%s @%" PRIu32 " x", separator,
                edge->is_back   ? (writer->is_utf8 ? "\xe2\x86\x91" : "back to")
                : edge->is_jump ? (writer->is_utf8 ? "\xe2\x86\x92" : "->")
                                : "on to",
                annotate->code.blocks[edge->to].pc);
        put_number(writer, edge->count);
        separator = ", ";
    }
    fprintf(writer->out, "%s\n", colour(writer, plain));
}

static gutter_t gutter_of(const pvm_annotate_t *annotate, size_t executed, bool is_first,
                          bool is_last)
{
    const pvm_prof_loops_t *const loops = &annotate->loops;

    if (executed >= annotate->code.block_count || loops->loop_of[executed] == PVM_PROF_NO_LOOP) {
        return OUTSIDE;
    }
    if (is_first && loops->loops[loops->loop_of[executed]].header == executed) {
        return HEAD;
    }
    for (size_t i = pvm_prof_loops_edges_from(loops, (uint32_t)executed);
         is_last && i < loops->edge_count && loops->edges[i].from == executed; i++) {
        if (loops->edges[i].is_back) {
            return BACK;
        }
    }
    return INSIDE;
}

/* Blocks that were not executed, in one line for all that follow one another. @return the line behind them */
static size_t put_cold(writer_t *writer, size_t at)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const uint32_t first = annotate->lines[at].pc;
    size_t blocks = 0;
    const size_t begin = at;

    while (at < annotate->line_count && !annotate->lines[at].was_executed) {
        blocks += at == begin || annotate->lines[at].block != annotate->lines[at - 1].block;
        at++;
    }
    fprintf(writer->out, "\n%s@%" PRIu32 "  %zu block%s of %zu instruction%s, not %s%s\n",
            colour(writer, faint), first, blocks, blocks == 1 ? "" : "s", at - begin,
            at - begin == 1 ? "" : "s", annotate->is_counted ? "executed" : "counted",
            colour(writer, plain));
    writer->last = NULL;
    return at;
}

static void put_lines(writer_t *writer)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const pvm_annotate_line_t *const lines = annotate->lines;

    for (size_t i = 0; i < annotate->line_count && !ferror(writer->out);) {
        const bool is_first = i == 0 || lines[i - 1].block != lines[i].block;
        const bool is_last = i + 1 == annotate->line_count || lines[i + 1].block != lines[i].block;

        if (!lines[i].was_executed) {
            i = put_cold(writer, i);
            continue;
        }
        const size_t executed = pvm_annotate_executed(annotate, lines[i].block);
        if (is_first) {
            put_block_head(writer, executed, i);
        }
        if (annotate->shows_source) {
            put_source(writer, &lines[i]);
        }
        put_instruction(writer, &lines[i], gutter_of(annotate, executed, is_first, is_last));
        if (is_last) {
            put_block_end(writer, executed);
        }
        i++;
    }
}

/* -- The whole ----------------------------------------------------------------------------- */

/* What every table says in front: what was lost, guessed, attributed; and what it makes of the figures. */
static pvm_view_status_t put_notes(writer_t *writer)
{
    static const pvm_prof_column_t columns[MARK_COUNT] = {
        [MARK_HITS] = {"executed", "hits", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
        [MARK_GAS] = {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
        [MARK_SHARE] = {"share", "share", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    };
    pvm_annotate_t *const annotate = writer->annotate;
    pvm_prof_table_t *const table = pvm_prof_table_create("", columns, MARK_COUNT);
    pvm_view_status_t status =
        table != NULL ? pvm_annotate_note(annotate, table) : pvm_annotate_fail_memory(annotate);

    if (status == PVM_VIEW_FINE && pvm_view_render_notes(&annotate->render, table) != 0) {
        status = pvm_annotate_fail_memory(annotate);
    }
    for (size_t i = 0; i < MARK_COUNT && table != NULL; i++) {
        writer->marks[i] = pvm_view_render_mark(&table->columns[i]);
    }
    pvm_prof_table_destroy(table);
    return status;
}

static void put_head(writer_t *writer)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const size_t width = annotate->render.width;
    int64_t gas = 0;

    for (size_t i = 0; i < annotate->block_count; i++) {
        const size_t executed = pvm_annotate_executed(annotate, annotate->blocks[i]);
        if (executed < annotate->code.block_count) {
            gas = pvm_prof_plus(gas, annotate->code.blocks[executed].gas);
        }
    }
    fputs(colour(writer, bold), writer->out);
    put_text(writer, annotate->title, strlen(annotate->title), width, false);
    fprintf(writer->out, "%s\n", colour(writer, plain));
    fputs("in ", writer->out);
    put_text(writer, annotate->program_name, strlen(annotate->program_name), width - 3, false);
    if (annotate->is_counted) {
        fputs(annotate->loop != PVM_PROF_NO_LOOP ? "\nthe hottest loop: gas " : "\ngas ",
              writer->out);
        put_number(writer, gas);
        fprintf(writer->out, " (%.1f %% of the run)\n", share_of(writer, gas));
    } else {
        fputs("\ngas not counted\n", writer->out);
    }
    if (annotate->host_reason != NULL && annotate->shows_host) {
        fprintf(writer->out, "No x86-64 code: %s.\n", annotate->host_reason);
    }
    fprintf(writer->out, "\n%s%2shits %*s%s %2s%%gas  %s%*s  %-*s%s%s\n", colour(writer, bold),
            writer->marks[MARK_HITS], writer->is_wide ? 3 : 0,
            writer->is_wide ? writer->marks[MARK_GAS] : "", writer->is_wide ? "gas" : "",
            writer->marks[MARK_SHARE], annotate->samples > 0 ? "   n  " : "", writer->pc_width,
            "pc", writer->host_width > 0 ? writer->guest_width : 0, "instruction",
            writer->host_width > 0 ? "  x86-64" : "", colour(writer, plain));
}

static void lay_out(writer_t *writer)
{
    const pvm_annotate_t *const annotate = writer->annotate;
    const uint32_t last =
        annotate->line_count > 0 ? annotate->lines[annotate->line_count - 1].pc : 0;
    char digits[16];

    writer->is_wide = annotate->render.width >= WIDE_COLUMNS;
    writer->pc_width = snprintf(digits, sizeof(digits), "%" PRIu32, last);
    writer->left = (writer->is_wide ? 21 : 14) + (annotate->samples > 0 ? 6 : 0);
    const int used = writer->left + writer->pc_width + 2;
    const int room = (int)annotate->render.width - used;
    if (annotate->shows_host && annotate->host_reason == NULL && room >= 40) {
        writer->guest_width = (room - 2) / 2;
        writer->guest_width = writer->guest_width > 44 ? 44 : writer->guest_width;
        writer->host_width = room - 2 - writer->guest_width;
    } else {
        writer->guest_width = room > 10 ? room : 10;
    }
}

pvm_view_status_t pvm_annotate_put_text(pvm_annotate_t *annotate)
{
    writer_t writer = {.annotate = annotate,
                       .out = annotate->render.out,
                       .is_colour = annotate->render.is_colour,
                       .is_utf8 = annotate->render.escape != PVM_ESCAPE_ASCII,
                       .source = calloc(1, sizeof(*writer.source))};
    pvm_view_status_t status = PVM_VIEW_ENVIRONMENT;

    if (writer.source == NULL) {
        return pvm_annotate_fail_memory(annotate);
    }
    lay_out(&writer);
    status = put_notes(&writer);
    if (status == PVM_VIEW_FINE) {
        put_head(&writer);
        put_lines(&writer);
    }
    if (status == PVM_VIEW_FINE && annotate->line_count == PVM_ANNOTATE_MAX_LINES) {
        fprintf(writer.out, "\nMore code than is shown; give --top or a range @PC..@PC.\n");
    }
    if (status == PVM_VIEW_FINE && writer.scratch.failed) {
        status = pvm_annotate_fail_memory(annotate);
    }
    pvm_source_free(writer.source);
    free(writer.source);
    pvm_buffer_free(&writer.scratch);
    return status;
}
