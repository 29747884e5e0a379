/* Where time does not follow gas: blocks whose time for each gas is far from the median of their run, in both directions, each
 * with the evidence. */
#include "viewer/compare/times.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Time per gas this many times above or below the median, with the whole interval, is far from it. */
#define FAR 2.0

static const pvm_prof_column_t price_columns[] = {
    {"pc", "pc", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"ns_per_gas", "ns/gas", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"times_median", "median", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"times_median_low", "from", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"times_median_high", "to", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"hits", "hits", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"ns_per_gas_low", "", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"ns_per_gas_high", "", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
};

/** Place of the gas, which follows from hits, in price_columns. */
#define PRICE_GAS 2

typedef struct {
    const pvm_side_block_t *block;
    double ns_per_gas;
} price_t;

static int by_price(const void *left, const void *right)
{
    const double a = ((const price_t *)left)->ns_per_gas;
    const double b = ((const price_t *)right)->ns_per_gas;

    return a < b ? -1 : a > b;
}

/** Half of the gas of these blocks was spent at a lower price. Sorts them. */
static double median_price(price_t *prices, size_t count)
{
    double all = 0;
    double below = 0;

    qsort(prices, count, sizeof(*prices), by_price);
    for (size_t i = 0; i < count; i++) {
        all += (double)prices[i].block->gas;
    }
    for (size_t i = 0; i < count; i++) {
        below += (double)prices[i].block->gas;
        if (2 * below >= all) {
            return prices[i].ns_per_gas;
        }
    }
    return 0;
}

/** With the whole interval, and with evidence: samples that are there, or that should be. */
static bool is_far(const pvm_side_t *side, const pvm_side_block_t *block, double median)
{
    const pvm_compare_time_t time = pvm_compare_time(side, block->samples);
    const double unit = median * (double)block->gas;
    const double expected = unit / (double)side->guest_ns * (double)side->samples;

    return (block->samples >= PVM_COMPARE_SAMPLES_MIN && time.low_ns / unit > FAR) ||
           (expected >= PVM_COMPARE_SAMPLES_MIN && time.high_ns / unit < 1 / FAR);
}

static bool add_price(pvm_prof_table_t *table, const pvm_side_t *side, const price_t *price,
                      double median)
{
    const pvm_side_block_t *const block = price->block;
    const pvm_compare_time_t time = pvm_compare_time(side, block->samples);
    const double unit = median * (double)block->gas;
    pvm_row_t row = pvm_row_add(table);

    pvm_row_int(&row, block->pc);
    pvm_row_text(&row, side->functions[block->function].name);
    pvm_row_int(&row, block->gas);
    pvm_row_real(&row, price->ns_per_gas);
    pvm_row_real(&row, time.ns / unit);
    pvm_row_real(&row, time.low_ns / unit);
    pvm_row_real(&row, time.high_ns / unit);
    pvm_row_int(&row, block->hits);
    pvm_row_int(&row, block->samples);
    pvm_row_real(&row, time.low_ns / (double)block->gas);
    pvm_row_real(&row, time.high_ns / (double)block->gas);
    return !row.failed;
}

/** The ends of the list are farthest from the median: from both, inwards. */
pvm_prof_table_t *pvm_compare_prices(const pvm_side_t *side, size_t top)
{
    char title[96];
    price_t *const prices = calloc(side->block_count + 1, sizeof(*prices));
    size_t count = 0;
    size_t all = 0;

    for (size_t i = 0; prices != NULL && i < side->block_count; i++) {
        const pvm_side_block_t *const block = &side->blocks[i];

        if (block->gas > 0) {
            prices[count++] =
                (price_t){block, pvm_compare_time(side, block->samples).ns / (double)block->gas};
        }
    }
    const double median = prices != NULL && count > 0 ? median_price(prices, count) : 0;
    (void)snprintf(title, sizeof(title), "Where time does not follow gas: %.40s", side->backend);
    pvm_prof_table_t *const table =
        pvm_prof_table_create(title, price_columns, COUNT(price_columns));
    bool ok = table != NULL && prices != NULL;
    for (size_t i = 0; ok && median > 0 && i < count; i++) {
        /* Dear ones and cheap ones in turn. */
        const price_t *const price = &prices[i % 2 == 0 ? count - 1 - i / 2 : i / 2];

        if (!is_far(side, price->block, median)) {
            continue;
        }
        if (top == 0 || all < top) {
            ok = add_price(table, side, price, median);
        }
        all++;
    }
    free(prices);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->details = UINT64_C(1) << PRICE_GAS;
    table->row_count_all = all;
    return table;
}
