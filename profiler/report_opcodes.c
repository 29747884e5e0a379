/* The report by opcode. */
#include "profiler/report_code.h"
#include "profiler/table_sort.h"
#include "profiler/walk_code.h"

/** What one kind of instruction came to. */
typedef struct {
    int64_t places;
    int64_t executed;
    int64_t gas;
    int64_t host_gas;
    int64_t samples;
} sum_t;

/** One for each row of the instruction table, and what no instruction explains. */
typedef struct {
    sum_t of[PVM_OP_COUNT];
    int64_t executed;
    int64_t rest_gas;
} sums_t;

static int visit(void *user_data, pvm_prof_code_t *code, const char *name, size_t index)
{
    sums_t *const sums = user_data;

    (void)name;
    if (index == code->block_count) {
        sums->rest_gas = pvm_prof_plus(sums->rest_gas, code->behind_gas);
        return 0;
    }
    for (size_t i = 0; i < code->instruction_count; i++) {
        const pvm_prof_code_instruction_t *const in = &code->instructions[i];
        sum_t *const sum = &sums->of[in->op];

        sum->places++;
        sum->executed = pvm_prof_plus(sum->executed, in->executed);
        sum->gas = pvm_prof_plus(sum->gas, in->gas);
        sum->host_gas = pvm_prof_plus(sum->host_gas, in->host_gas);
        sum->samples = pvm_prof_plus(sum->samples, in->samples);
        sums->executed = pvm_prof_plus(sums->executed, in->executed);
    }
    sums->rest_gas = pvm_prof_plus(sums->rest_gas, code->rest_gas);
    return 0;
}

static const pvm_prof_column_t columns[] = {
    {"opcode", "opcode", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"share", "share", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    {"executed", "executed", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"executed_share", "of all", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    {"host_gas", "host gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"places", "places", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
};

/* @return 0, or -1 without memory */
static int add_row(pvm_prof_table_t *table, const char *name, const sum_t *sum, const sums_t *sums,
                   const pvm_prof_code_totals_t *totals)
{
    pvm_prof_value_t *const row = pvm_prof_table_add_row(table);

    if (row == NULL || pvm_prof_value_set_text(&row[0], name) != 0) {
        return -1;
    }
    pvm_prof_value_set_int(&row[1], sum->gas);
    pvm_prof_code_set_share(&row[2], sum->gas, totals);
    if (sum->places == 0) {
        return 0;
    }
    pvm_prof_value_set_int(&row[3], sum->executed);
    if (sums->executed != 0) {
        pvm_prof_value_set_real(&row[4], 100.0 * (double)sum->executed / (double)sums->executed);
    }
    pvm_prof_value_set_int(&row[5], sum->host_gas);
    pvm_prof_value_set_int(&row[6], sum->places);
    if (totals->samples > 0) {
        pvm_prof_code_set_samples(&row[7], sum->samples, totals->samples);
    }
    return 0;
}

static int add_rows(pvm_prof_table_t *table, const sums_t *sums,
                    const pvm_prof_code_totals_t *totals)
{
    const sum_t rest = {.gas = sums->rest_gas};

    for (int op = 0; op < PVM_OP_COUNT; op++) {
        if (sums->of[op].places > 0 &&
            add_row(table, pvm_isa_ops[op].name, &sums->of[op], sums, totals) != 0) {
            return -1;
        }
    }
    if (rest.gas != 0 && add_row(table, "(behind the code)", &rest, sums, totals) != 0) {
        return -1;
    }
    return pvm_prof_table_sort(table, 1);
}

pvm_prof_status_t pvm_prof_report_opcodes(pvm_prof_run_file_t *file, pvm_prof_table_t **out_table)
{
    sums_t sums = {0};
    pvm_prof_code_totals_t totals;
    pvm_prof_status_t status = pvm_prof_code_walk(file, visit, &sums, &totals);

    *out_table = NULL;
    if (status != PVM_PROF_OK) {
        return status;
    }
    pvm_prof_table_t *const table =
        pvm_prof_code_table("Opcodes by gas", columns, sizeof(columns) / sizeof(columns[0]), 0,
                            1U << 4 | 1U << 5 | 1U << 6, totals.samples);
    if (table == NULL || add_rows(table, &sums, &totals) != 0) {
        pvm_prof_table_destroy(table);
        return pvm_prof_store_report(file, SQLITE_NOMEM, "report on it");
    }
    status = pvm_prof_code_note(file, table, &totals);
    if (status != PVM_PROF_OK) {
        pvm_prof_table_destroy(table);
        return status;
    }
    *out_table = table;
    return PVM_PROF_OK;
}
