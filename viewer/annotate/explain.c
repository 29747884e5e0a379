/* The pipeline of one block: a row for each instruction, a column for each cycle, and what makes the block as long as it is.
 * The figures are those of gas/timeline.h; nothing is computed here but where to draw. */
#include "viewer/annotate/annotate.h"
#include "viewer/rows.h"

#include "gas/timeline.h"
#include "isa/assemble.h"
#include "profiler/report.h"
#include "viewer/new_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Instructions that are drawn; hostile blocks have a million. */
#define DRAWN_MAX 10000
/** Columns of an instruction's text at most. */
#define TEXT_COLUMNS 30
/** Columns of it in a sentence. */
#define CHAIN_COLUMNS 24
/** Links of the critical chain that are told. */
#define TOLD_LINKS_MAX 12

typedef struct {
    pvm_annotate_t *annotate;
    const pvm_code_t *code;
    const pvm_block_t *block;
    pvm_gas_timeline_t timeline;
    uint32_t *pcs;        /**< of the instructions */
    uint8_t *is_critical; /**< they execute in the critical chain */
    uint32_t scale;       /**< cycles in a column */
    int pc_width;
    int text_width;
    pvm_buffer_t line;
} drawing_t;

static const char *text_of(drawing_t *drawing, size_t index)
{
    drawing->line.len = 0;
    if (drawing->pcs[index] >= drawing->code->len) {
        return "(trap behind the code)";
    }
    (void)pvm_isa_disassemble_line(drawing->code, drawing->pcs[index], &drawing->line);
    pvm_buffer_append(&drawing->line, "", 1);
    return drawing->line.failed ? "" : (const char *)drawing->line.data;
}

static size_t dearest(const pvm_gas_timeline_t *timeline)
{
    size_t best = 0;

    for (size_t i = 1; i < timeline->count; i++) {
        best = timeline->gas[i] > timeline->gas[best] ? i : best;
    }
    return best;
}

/* -- Drawing ------------------------------------------------------------------------------- */

/* What an instruction is at in a cycle: of a column with several cycles, in the last one that says something. */
static char stage_in(const drawing_t *drawing, size_t index, uint32_t cycle)
{
    const pvm_gas_stages_t *const at = &drawing->timeline.stages[index];

    if (cycle < at->decode || cycle > at->retire) {
        return ' ';
    }
    if (cycle == at->decode) {
        return at->retire == at->decode ? 'M' : 'D';
    }
    if (cycle == at->retire) {
        return 'R';
    }
    if (cycle < at->issue) {
        return '.';
    }
    return cycle < at->finish ? (drawing->is_critical[index] ? '#' : 'E') : '-';
}

static char stage_of_column(const drawing_t *drawing, size_t index, uint32_t column)
{
    static const char order[] = " .-E#MRD";
    char best = ' ';

    for (uint32_t k = 0; k < drawing->scale; k++) {
        const char now = stage_in(drawing, index, column * drawing->scale + k);
        best = strchr(order, now) > strchr(order, best) ? now : best;
    }
    return best;
}

static void put_axis(const drawing_t *drawing, uint32_t columns)
{
    FILE *const out = drawing->annotate->render.out;
    const int indent = drawing->pc_width + 2 + drawing->text_width + 2 + 5 + 2;

    fprintf(out, "%*s  %-*s  %5s  ", drawing->pc_width, "pc", drawing->text_width, "instruction",
            "gas");
    for (uint32_t column = 0; column < columns; column += 10) {
        char number[16];
        const int len = snprintf(number, sizeof(number), "%" PRIu32, column * drawing->scale);
        const uint32_t room = columns - column < 10 ? columns - column : 10;

        fprintf(out, "%-*.*s", (int)room, (uint32_t)len > room ? (int)room : len, number);
    }
    fprintf(out, "\n%*s", indent, "");
    for (uint32_t column = 0; column < columns; column++) {
        fputc(column % 10 == 0 ? '|' : column % 5 == 0 ? ':' : ' ', out);
    }
    fputc('\n', out);
}

static void put_row(drawing_t *drawing, size_t index, uint32_t columns)
{
    const pvm_render_t *const render = &drawing->annotate->render;
    const char *const text = text_of(drawing, index);
    const int width = drawing->text_width;
    const bool is_cut = strlen(text) > (size_t)width;
    uint32_t end = columns;

    fprintf(render->out, "%*" PRIu32 "  %-*.*s%s  ", drawing->pc_width, drawing->pcs[index],
            is_cut ? width - 2 : width, is_cut ? width - 2 : width, text, is_cut ? ".." : "");
    if (drawing->timeline.gas[index] > 0) {
        fprintf(render->out, "%5" PRIu32 "  ", drawing->timeline.gas[index]);
    } else {
        fprintf(render->out, "%5s  ", "");
    }
    while (end > 0 && stage_of_column(drawing, index, end - 1) == ' ') {
        end--;
    }
    for (uint32_t column = 0; column < end; column++) {
        const char stage = stage_of_column(drawing, index, column);

        if (render->is_colour && stage == '#') {
            fprintf(render->out, "\033[1;31m%c\033[0m", stage);
        } else {
            fputc(stage, render->out);
        }
    }
    fputc('\n', render->out);
}

/* -- Words --------------------------------------------------------------------------------- */

static const char *reason_of(pvm_gas_wait_t why)
{
    switch (why) {
    case PVM_GAS_WAIT_SLOTS:
        return "decoding goes on";
    case PVM_GAS_WAIT_BUFFER:
        return "frees a buffer entry";
    case PVM_GAS_WAIT_OPERAND:
        return "gives its result";
    case PVM_GAS_WAIT_UNITS:
        return "frees its units";
    case PVM_GAS_WAIT_STARTS:
        return "a start is free";
    case PVM_GAS_WAIT_NONE:
        break;
    }
    return "";
}

static const char *doing_of(pvm_gas_link_kind_t kind)
{
    switch (kind) {
    case PVM_GAS_LINK_DECODE:
        return "decode";
    case PVM_GAS_LINK_EXECUTE:
        return "execute";
    case PVM_GAS_LINK_RETIRE:
        return "retire";
    case PVM_GAS_LINK_START:
        break;
    }
    return "start";
}

/* Links that follow one another in decoding are told as one. */
static size_t same_until(const pvm_gas_timeline_t *timeline, size_t at)
{
    size_t end = at + 1;

    while (end < timeline->chain_count && timeline->chain[at].kind == PVM_GAS_LINK_DECODE &&
           timeline->chain[end].kind == PVM_GAS_LINK_DECODE) {
        end++;
    }
    return end;
}

static void put_chain(drawing_t *drawing)
{
    const pvm_gas_timeline_t *const timeline = &drawing->timeline;
    FILE *const out = drawing->annotate->render.out;
    size_t told = 0;

    const pvm_gas_link_t *longest = NULL;

    for (size_t i = 0; i < timeline->chain_count; i++) {
        const pvm_gas_link_t *const link = &timeline->chain[i];

        if (longest == NULL || link->end - link->begin > longest->end - longest->begin) {
            longest = link;
        }
    }
    if (longest != NULL) {
        fprintf(out,
                "Longest in the chain: @%" PRIu32 " %.*s, %" PRIu32 " of %" PRIu32 " cycles.\n",
                drawing->pcs[longest->index], CHAIN_COLUMNS, text_of(drawing, longest->index),
                longest->end - longest->begin, timeline->chain[timeline->chain_count - 1].end);
    }
    fputs("\nCritical chain, from cycle to cycle:\n", out);
    for (size_t i = 0; i < timeline->chain_count; told++) {
        const size_t end = same_until(timeline, i);
        const pvm_gas_link_t *const first = &timeline->chain[i];
        const pvm_gas_link_t *const last = &timeline->chain[end - 1];

        if (told == TOLD_LINKS_MAX) {
            fprintf(out, "  and %zu more, to cycle %" PRIu32 "\n", timeline->chain_count - i,
                    timeline->chain[timeline->chain_count - 1].end);
            break;
        }
        fprintf(out, "  %4" PRIu32 " to %4" PRIu32 "  %-7s  @%" PRIu32 " %.*s", first->begin,
                last->end, doing_of(first->kind), drawing->pcs[last->index], CHAIN_COLUMNS,
                text_of(drawing, last->index));
        fprintf(out, "%s%s\n", last->why != PVM_GAS_WAIT_NONE ? ", " : "", reason_of(last->why));
        i = end;
    }
}

static void put_cost(drawing_t *drawing)
{
    const pvm_gas_timeline_t *const timeline = &drawing->timeline;
    const pvm_annotate_t *const annotate = drawing->annotate;
    const size_t dear = dearest(timeline);
    FILE *const out = annotate->render.out;

    if (timeline->cycles > 3) {
        fprintf(out, "\nThe last one retires in cycle %" PRIu32 "; 3 are free: %" PRIu32 " gas.\n",
                timeline->cycles, timeline->cost);
    } else {
        fprintf(out, "\nThe last one retires in cycle %" PRIu32 ": the least there is, 1 gas.\n",
                timeline->cycles);
    }
    fprintf(out, "Most costs @%" PRIu32 " %.*s: %" PRIu32 " of %" PRIu32 " gas.\n",
            drawing->pcs[dear], TEXT_COLUMNS, text_of(drawing, dear), timeline->gas[dear],
            timeline->cost);
}

static void put_number(FILE *out, int64_t number)
{
    static const pvm_prof_column_t column = {"n", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT};
    const pvm_prof_value_t value = {.integer = number};
    pvm_buffer_t text = {0};

    pvm_view_render_value(&text, &value, &column, PVM_ESCAPE_ASCII);
    fprintf(out, "%.*s", (int)text.len, text.failed ? "" : (const char *)text.data);
    pvm_buffer_free(&text);
}

static void put_text_head(const drawing_t *drawing)
{
    const pvm_annotate_t *const annotate = drawing->annotate;
    FILE *const out = annotate->render.out;
    const uint32_t index = (uint32_t)(drawing->block - annotate->code.program->blocks);
    const size_t executed = pvm_annotate_executed(annotate, index);

    fprintf(out, "%sBlock @%" PRIu32 " of ", annotate->render.is_colour ? "\033[1m" : "",
            drawing->block->pc);
    pvm_buffer_t name = {0};
    const char *const raw = annotate->functions.list[annotate->functions.of_block[index]].name;
    pvm_view_escape(&name, raw, strlen(raw) < 200 ? strlen(raw) : 200, annotate->render.escape);
    fprintf(out, "%.*s%s\n", (int)name.len, name.failed ? "" : (const char *)name.data,
            annotate->render.is_colour ? "\033[0m" : "");
    pvm_buffer_free(&name);
    if (executed < annotate->code.block_count) {
        const pvm_prof_code_block_t *const block = &annotate->code.blocks[executed];

        fputs("hits ", out);
        put_number(out, block->hits);
        fputs("  gas ", out);
        put_number(out, block->gas);
        if (annotate->gas_used != 0) {
            fprintf(out, " (%.1f %%)", 100.0 * (double)block->gas / (double)annotate->gas_used);
        }
        fprintf(out, "  cost %" PRId64 "\n", block->cost);
    } else {
        fputs(annotate->is_counted ? "not executed\n" : "not counted\n", out);
    }
    if (!annotate->code.program->has_block_gas) {
        fprintf(out,
                "This run was charged under 0.7.2, one gas for each instruction. Under 0.8.0\n"
                "the block costs %" PRIu32 ", and this is why:\n",
                drawing->timeline.cost);
    }
    fputs("D decoded   . waits   E executes   - waits for older ones\n"
          "# executes in the critical chain   R retired\n"
          "M a move, done by the decoder\n\n",
          out);
}

static void put_text(drawing_t *drawing)
{
    const uint32_t width = drawing->annotate->render.width;
    const uint32_t used = (uint32_t)(drawing->pc_width + 2 + drawing->text_width + 2 + 5 + 2);
    const uint32_t room = width > used + 20 ? width - used : 20;
    const uint32_t cycles = drawing->timeline.cycles + 1;

    drawing->scale = (cycles + room - 1) / room;
    const uint32_t columns = (cycles + drawing->scale - 1) / drawing->scale;
    put_text_head(drawing);
    if (drawing->scale > 1) {
        fprintf(drawing->annotate->render.out, "One column is %" PRIu32 " cycles.\n",
                drawing->scale);
    }
    put_axis(drawing, columns);
    for (size_t i = 0;
         i < drawing->timeline.count && i < DRAWN_MAX && !ferror(drawing->annotate->render.out);
         i++) {
        put_row(drawing, i, columns);
    }
    if (drawing->timeline.count > DRAWN_MAX) {
        fprintf(drawing->annotate->render.out, "... and %zu more instructions\n",
                drawing->timeline.count - DRAWN_MAX);
    }
    put_cost(drawing);
    put_chain(drawing);
}

/* -- Tables -------------------------------------------------------------------------------- */

static const pvm_prof_column_t columns[] = {
    {"pc", "pc", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"instruction", "instruction", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_ESTIMATED},
    {"decode", "decode", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"issue", "issue", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"finish", "finish", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"retire", "retire", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"waits", "waits for", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"waits_for", "of", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"critical", "critical", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
};

static void put_wait(const drawing_t *drawing, size_t index, pvm_row_t *row)
{
    static const char *const names[] = {NULL, "slots", "buffer", "operand", "units", "starts"};
    const pvm_gas_stages_t *const at = &drawing->timeline.stages[index];
    const bool at_issue = at->issue_wait != PVM_GAS_WAIT_NONE;
    const pvm_gas_wait_t wait = at_issue ? at->issue_wait : at->decode_wait;

    pvm_row_text(row, names[wait]);
    if (wait == PVM_GAS_WAIT_OPERAND || wait == PVM_GAS_WAIT_UNITS) {
        pvm_row_int(row, drawing->pcs[at->issue_for]);
    } else if (wait == PVM_GAS_WAIT_BUFFER) {
        pvm_row_int(row, drawing->pcs[at->decode_for]);
    } else {
        pvm_row_null(row);
    }
}

static pvm_view_status_t put_table(drawing_t *drawing)
{
    pvm_annotate_t *const annotate = drawing->annotate;
    char title[64];
    pvm_view_status_t status = PVM_VIEW_FINE;

    snprintf(title, sizeof(title), "Pipeline of block @%" PRIu32, drawing->block->pc);
    pvm_prof_table_t *const table =
        pvm_prof_table_create(title, columns, sizeof(columns) / sizeof(columns[0]));
    bool failed = table == NULL;
    for (size_t i = 0; i < drawing->timeline.count && !failed; i++) {
        const pvm_gas_stages_t *const at = &drawing->timeline.stages[i];
        pvm_row_t row = pvm_row_add(table);

        pvm_row_int(&row, drawing->pcs[i]);
        pvm_row_text(&row, text_of(drawing, i));
        pvm_row_int(&row, drawing->timeline.gas[i]);
        pvm_row_int(&row, at->decode);
        pvm_row_int(&row, at->issue);
        pvm_row_int(&row, at->finish);
        pvm_row_int(&row, at->retire);
        put_wait(drawing, i, &row);
        pvm_row_text(&row, drawing->is_critical[i] ? "yes" : NULL);
        failed = row.failed;
    }
    if (failed || pvm_view_render_table(&annotate->render, "pipeline", table) != 0) {
        status = pvm_annotate_fail_memory(annotate);
    }
    pvm_prof_table_destroy(table);
    return status;
}

/* -- The whole ----------------------------------------------------------------------------- */

static int look(drawing_t *drawing)
{
    pvm_gas_timeline_t *const timeline = &drawing->timeline;
    pvm_instruction_t in = {.next = drawing->block->pc};
    char digits[16];

    if (pvm_gas_timeline_make(timeline, drawing->code, drawing->block->pc) != 0) {
        return -1;
    }
    drawing->pcs = calloc(timeline->count, sizeof(*drawing->pcs));
    drawing->is_critical = calloc(timeline->count, 1);
    if (drawing->pcs == NULL || drawing->is_critical == NULL) {
        return -1;
    }
    for (size_t i = 0; i < timeline->count; i++) {
        pvm_isa_decode(drawing->code, in.next, &in);
        drawing->pcs[i] = in.pc;
    }
    for (size_t i = 0; i < timeline->chain_count; i++) {
        if (timeline->chain[i].kind == PVM_GAS_LINK_EXECUTE) {
            drawing->is_critical[timeline->chain[i].index] = 1;
        }
    }
    drawing->text_width = 12;
    for (size_t i = 0; i < timeline->count && i < DRAWN_MAX; i++) {
        const size_t len = strlen(text_of(drawing, i));
        if (len > (size_t)drawing->text_width) {
            drawing->text_width = len < TEXT_COLUMNS ? (int)len : TEXT_COLUMNS;
        }
    }
    drawing->pc_width =
        snprintf(digits, sizeof(digits), "%" PRIu32, drawing->pcs[timeline->count - 1]);
    return 0;
}

pvm_view_status_t pvm_annotate_explain(pvm_annotate_t *annotate, uint32_t block)
{
    drawing_t drawing = {.annotate = annotate,
                         .code = &annotate->code.program->code,
                         .block = &annotate->code.program->blocks[block]};
    pvm_view_status_t status = PVM_VIEW_FINE;

    if (look(&drawing) != 0) {
        status = pvm_annotate_fail_memory(annotate);
    } else if (annotate->render.format != PVM_CHOICE_FORMAT_TEXT) {
        status = put_table(&drawing);
    } else {
        put_text(&drawing);
        status = drawing.line.failed ? pvm_annotate_fail_memory(annotate) : PVM_VIEW_FINE;
    }
    pvm_gas_timeline_free(&drawing.timeline);
    pvm_buffer_free(&drawing.line);
    free(drawing.pcs);
    free(drawing.is_critical);
    return status;
}
