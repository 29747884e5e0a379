/* pvmscope recost: what a recorded execution costs under another gas model. */
#include "viewer/command.h"
#include "viewer/new_run.h"
#include "viewer/render.h"
#include "viewer/rows.h"

#include "profiler/recost.h"
#include "profiler/stored_program.h"
#include "profiler/worth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN(id, header, unit, type) {id, header, unit, PVM_PROF_TYPE_##type, PVM_PROF_EXACT}

static const pvm_prof_column_t summary_columns[] = {
    COLUMN("program", "program", "", TEXT),
    COLUMN("spec", "recorded under", "", TEXT),
    COLUMN("other_spec", "priced under", "", TEXT),
    COLUMN("gas_used", "gas used", "gas", GAS),
    COLUMN("other_gas", "gas there", "gas", GAS),
    COLUMN("ratio", "times as much", "", REAL),
    COLUMN("blocks_gas", "in blocks", "gas", GAS),
    COLUMN("other_blocks_gas", "in blocks there", "gas", GAS),
    COLUMN("host_gas", "in host calls", "gas", GAS),
    COLUMN("blocks_moved", "blocks with other bounds", "", INT),
    COLUMN("certainty", "certainty", "", TEXT),
};

static const pvm_prof_column_t function_columns[] = {
    COLUMN("function", "function", "", TEXT),     COLUMN("gas", "gas recorded", "gas", GAS),
    COLUMN("other_gas", "gas there", "gas", GAS), COLUMN("ratio", "times", "", REAL),
    COLUMN("share", "share", "%", PERCENT),       COLUMN("certainty", "certainty", "", TEXT),
    COLUMN("program", "program", "", TEXT),
};

static const pvm_prof_column_t block_columns[] = {
    COLUMN("pc", "pc", "", PC),
    COLUMN("end_pc", "end", "", PC),
    COLUMN("function", "function", "", TEXT),
    COLUMN("hits", "hits", "", INT),
    COLUMN("gas", "gas recorded", "gas", GAS),
    COLUMN("other_gas", "gas there", "gas", GAS),
    COLUMN("ratio", "times", "", REAL),
    COLUMN("certainty", "certainty", "", TEXT),
    COLUMN("program", "program", "", TEXT),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *certainty_of(const pvm_prof_recost_t *recost, bool is_exact)
{
    return recost->recorded.is_incomplete ? "incomplete" : is_exact ? "exact" : "estimated";
}

/** A table whose figures under the other spec know what they are worth. */
static pvm_prof_table_t *make_table(const char *title, const pvm_prof_column_t *columns,
                                    size_t count, const pvm_prof_recost_t *recost)
{
    pvm_prof_table_t *const table = pvm_prof_table_create(title, columns, count);

    for (size_t i = 0; table != NULL && i < count; i++) {
        const char *const id = columns[i].id;
        const bool is_price =
            strncmp(id, "other_", 6) == 0 || strcmp(id, "ratio") == 0 || strcmp(id, "share") == 0;

        if (is_price && !recost->is_exact) {
            pvm_prof_table_mark(table, i, i + 1, PVM_PROF_ESTIMATED);
        }
        if (recost->recorded.is_incomplete) {
            pvm_prof_table_mark(table, i, i + 1, PVM_PROF_INCOMPLETE);
        }
    }
    return table;
}

static void put_ratio(pvm_row_t *row, int64_t before, int64_t after)
{
    if (before > 0) {
        pvm_row_real(row, (double)after / (double)before);
    } else {
        pvm_row_null(row);
    }
}

static int add_notes(const pvm_prof_recost_t *recost, pvm_spec_t spec, pvm_prof_table_t *table)
{
    const bool is_flat = spec == PVM_SPEC_0_7_2;
    int failed = 0;

    if (recost->blocks_moved > 0) {
        failed |= pvm_prof_table_add_note(
            table, "Blocks that begin or end elsewhere are priced by what begins where they do: an "
                   "estimate.");
    }
    if (!recost->has_cuts && is_flat) {
        failed |= pvm_prof_table_add_note(
            table, "Recorded by an older pvmscope: where runs stopped inside of blocks is not in "
                   "the file, so whole blocks are priced. Record again for exact figures.");
    }
    if (recost->moved_entries > 0 && is_flat) {
        failed |= pvm_prof_table_add_note(table,
                                          "The host sent the guest elsewhere %" PRId64
                                          " times; an imported trace does not tell "
                                          "where from, so this is an estimate.",
                                          recost->moved_entries);
    }
    if (recost->hints > 0) {
        failed |= pvm_prof_table_add_note(
            table, "0.7.2 has no unlikely: left out %" PRId64 " times.", recost->hints);
    }
    if (recost->refused > 0) {
        failed |=
            pvm_prof_table_add_note(table,
                                    "Executions that began where no instruction stands: %" PRId64
                                    ". 0.8.0 refuses that; there they would pay for a trap.",
                                    recost->refused);
    }
    if (recost->has_sbrk) {
        failed |= pvm_prof_table_add_note(
            table, "sbrk answers differently there: a real run may take another way.");
    }
    if (recost->oog > 0) {
        failed |= pvm_prof_table_add_note(table,
                                          "Executions that ran out of gas: %" PRId64
                                          ". Priced is what they did until then.",
                                          recost->oog);
    }
    return failed;
}

static pvm_prof_table_t *make_summary(pvm_prof_run_file_t *file, const pvm_prof_recost_t *recost,
                                      pvm_spec_t spec)
{
    pvm_prof_table_t *const table =
        make_table("Recosted", summary_columns, COUNT(summary_columns), recost);
    char program[256];
    char from[32];
    pvm_row_t row = pvm_row_add(table);
    const int64_t other =
        (int64_t)((uint64_t)recost->other_blocks_gas + (uint64_t)recost->recorded.host_gas);

    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_PROGRAM, program, sizeof(program));
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC, from, sizeof(from));
    pvm_row_text(&row, program);
    pvm_row_text(&row, from);
    pvm_row_text(&row, pvm_prof_spec_name(spec));
    pvm_row_int(&row, recost->recorded.gas_used);
    pvm_row_int(&row, other);
    put_ratio(&row, recost->recorded.gas_used, other);
    pvm_row_int(&row, recost->recorded.blocks_gas);
    pvm_row_int(&row, recost->other_blocks_gas);
    pvm_row_int(&row, recost->recorded.host_gas);
    pvm_row_int(&row, recost->blocks_moved);
    pvm_row_text(&row, certainty_of(recost, recost->is_exact));
    if (row.failed || add_notes(recost, spec, table) != 0 ||
        pvm_prof_worth_tell(file, table) != PVM_PROF_OK) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->is_record = true;
    return table;
}

/* -- Rows ------------------------------------------------------------------------------------ */

static int compare_gas(int64_t a, int64_t b)
{
    return a > b ? -1 : a < b;
}

static int by_other_function(const void *left, const void *right)
{
    const pvm_prof_recost_function_t *const a = left;
    const pvm_prof_recost_function_t *const b = right;
    const int order = compare_gas(a->other, b->other);

    return order != 0 ? order : strcmp(a->name, b->name);
}

static int by_other_block(const void *left, const void *right)
{
    const pvm_prof_recost_block_t *const a = left;
    const pvm_prof_recost_block_t *const b = right;
    const int order = compare_gas(a->other, b->other);

    return order != 0 ? order : a->pc < b->pc ? -1 : a->pc > b->pc;
}

static bool add_function(pvm_prof_table_t *table, const pvm_prof_recost_t *recost,
                         const pvm_prof_recost_function_t *function)
{
    const double total = (double)recost->other_blocks_gas + (double)recost->recorded.host_gas;
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, function->name);
    pvm_row_int(&row, function->gas);
    pvm_row_int(&row, function->other);
    put_ratio(&row, function->gas, function->other);
    if (total > 0) {
        pvm_row_real(&row, 100.0 * (double)function->other / total);
    } else {
        pvm_row_null(&row);
    }
    pvm_row_text(&row, certainty_of(recost, function->is_exact));
    pvm_row_text(&row, function->program_name);
    return !row.failed;
}

static bool add_block(pvm_prof_table_t *table, const pvm_prof_recost_t *recost,
                      const pvm_prof_recost_block_t *block)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_int(&row, block->pc);
    pvm_row_int(&row, block->end_pc);
    pvm_row_text(&row, recost->functions[block->function].name);
    pvm_row_int(&row, block->hits);
    pvm_row_int(&row, block->gas);
    pvm_row_int(&row, block->other);
    put_ratio(&row, block->gas, block->other);
    pvm_row_text(&row, certainty_of(recost, block->is_exact));
    pvm_row_text(&row, recost->functions[block->function].program_name);
    return !row.failed;
}

/** Sorts what it shows; blocks name their functions by place, so these are sorted last. */
static pvm_prof_table_t *make_rows(pvm_prof_recost_t *recost, bool by_block, size_t top)
{
    pvm_prof_table_t *const table =
        by_block ? make_table("Blocks by gas there", block_columns, COUNT(block_columns), recost)
                 : make_table("Functions by gas there", function_columns, COUNT(function_columns),
                              recost);
    size_t shown = 0;
    bool ok = table != NULL;

    if (by_block && recost->block_count > 0) {
        qsort(recost->blocks, recost->block_count, sizeof(*recost->blocks), by_other_block);
    } else if (!by_block && recost->function_count > 0) {
        qsort(recost->functions, recost->function_count, sizeof(*recost->functions),
              by_other_function);
    }
    const size_t count = by_block ? recost->block_count : recost->function_count;
    for (size_t i = 0; ok && i < count && (top == 0 || shown < top); i++, shown++) {
        ok = by_block ? add_block(table, recost, &recost->blocks[i])
                      : add_function(table, recost, &recost->functions[i]);
    }
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = count;
    return table;
}

static pvm_view_status_t show(pvm_view_t *view, pvm_prof_run_file_t *file, pvm_spec_t spec)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT));
    const bool by_block = pvm_view_number(view, PVM_OPTION_RECOST_BY) == 1;
    pvm_prof_recost_t recost;
    pvm_prof_status_t status = pvm_prof_recost(file, spec, &recost);
    int rendered = -1;

    if (status != PVM_PROF_OK) {
        pvm_prof_recost_free(&recost);
        return pvm_view_fail_profiler(view, status);
    }
    pvm_prof_table_t *const summary = make_summary(file, &recost, spec);
    pvm_prof_table_t *const rows =
        make_rows(&recost, by_block, (size_t)pvm_view_number(view, PVM_OPTION_TOP));
    if (summary != NULL && rows != NULL) {
        const pvm_render_part_t parts[] = {{"summary", summary},
                                           {by_block ? "blocks" : "functions", rows}};
        rendered = pvm_view_render_document(&render, parts, COUNT(parts));
    }
    pvm_prof_table_destroy(summary);
    pvm_prof_table_destroy(rows);
    pvm_prof_recost_free(&recost);
    return rendered == 0 ? PVM_VIEW_FINE
                         : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the report");
}

pvm_view_status_t pvm_command_recost(pvm_view_t *view)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64};
    pvm_prof_run_file_t *file = NULL;

    if (!pvm_view_has(view, PVM_OPTION_PRICE_SPEC)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "recost: under which gas model? give --spec 0.7.2, 0.8.0 or latest64");
    }
    pvm_view_status_t status = pvm_view_open_run(view, view->operands[0], &file);
    if (status == PVM_VIEW_FINE) {
        status = show(view, file, specs[pvm_view_number(view, PVM_OPTION_PRICE_SPEC)]);
    }
    pvm_prof_run_file_close(file);
    return status;
}
