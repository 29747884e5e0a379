/* Blocks of one program on two backends: by time, and where the recompiler gains least and most. */
#include "viewer/compare/backends.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Rows of the lists of blocks. */
#define EXTREMES 10

static const pvm_prof_column_t block_columns[] = {
    {"pc", "pc", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"hits", "hits", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"slow_samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    SAMPLED("slow_share", "time (%)", "from", "to"),
    SAMPLED("fast_share", "other (%)", "from", "to"),
    {"slow_ns_per_hit", "ns/hit", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"fast_ns_per_hit", "other", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    SAMPLED("speed_up", "faster", "from", "to"),
    {"bytes_ratio", "bytes", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"fast_samples", "", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"slow_ns_per_hit_low", "", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"slow_ns_per_hit_high", "", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"fast_ns_per_hit_low", "", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    {"fast_ns_per_hit_high", "", "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},
    SAMPLED("slow_gas_per_ns", "", "", ""),
    SAMPLED("fast_gas_per_ns", "", "", ""),
};

/** Columns that give way in short lines, by table. */
static const char *const block_details[] = {"hits",
                                            "slow_samples",
                                            "slow_ns_per_hit",
                                            "fast_ns_per_hit",
                                            "slow_share_low",
                                            "slow_share_high",
                                            "fast_share_low",
                                            "fast_share_high",
                                            NULL};
static const char *const extreme_details[] = {"hits",           "slow_samples",    "slow_share",
                                              "slow_share_low", "slow_share_high", "fast_share",
                                              "fast_share_low", "fast_share_high", NULL};

static int by_speed_up(const void *left, const void *right)
{
    const pvm_backend_pair_t *const a = *(const pvm_backend_pair_t *const *)left;
    const pvm_backend_pair_t *const b = *(const pvm_backend_pair_t *const *)right;

    if (a->speed_up < b->speed_up || a->speed_up > b->speed_up) {
        return a->speed_up < b->speed_up ? -1 : 1;
    }
    return a->slow->pc < b->slow->pc ? -1 : a->slow->pc > b->slow->pc;
}

static bool add_block(pvm_prof_table_t *table, const pvm_backends_t *backends,
                      const pvm_backend_pair_t *pair)
{
    const pvm_side_block_t *const block = pair->slow;
    const pvm_backend_work_t slow = {block->samples, (double)block->hits};
    const pvm_backend_work_t fast = {pair->fast != NULL ? pair->fast->samples : 0,
                                     pair->fast != NULL ? (double)pair->fast->hits : 0};
    const pvm_compare_time_t slow_time = pvm_compare_time(backends->slow, slow.samples);
    const pvm_compare_time_t fast_time = pvm_compare_time(backends->fast, fast.samples);
    pvm_row_t row = pvm_row_add(table);

    pvm_row_int(&row, block->pc);
    pvm_row_text(&row, backends->slow->functions[block->function].name);
    pvm_row_int(&row, block->hits);
    pvm_row_int(&row, slow.samples);
    pvm_backends_put_share(&row, backends->slow, slow.samples);
    pvm_backends_put_share(&row, backends->fast, fast.samples);
    pvm_compare_put_real(&row, slow.units > 0, slow_time.ns / slow.units);
    pvm_compare_put_real(&row, fast.units > 0, fast_time.ns / fast.units);
    pvm_backends_put_speed_up(&row, backends, slow, fast);
    pvm_backends_put_bytes(&row, pair->host_bytes, block->end_pc - block->pc);
    pvm_row_int(&row, fast.samples);
    pvm_compare_put_real(&row, slow.units > 0, slow_time.low_ns / slow.units);
    pvm_compare_put_real(&row, slow.units > 0, slow_time.high_ns / slow.units);
    pvm_compare_put_real(&row, fast.units > 0, fast_time.low_ns / fast.units);
    pvm_compare_put_real(&row, fast.units > 0, fast_time.high_ns / fast.units);
    pvm_backends_put_gas_per_ns(&row, backends->slow,
                                (pvm_backend_work_t){slow.samples, (double)block->gas});
    pvm_backends_put_gas_per_ns(
        &row, backends->fast,
        (pvm_backend_work_t){fast.samples, pair->fast != NULL ? (double)pair->fast->gas : 0});
    return !row.failed;
}

/** Speed-up that the samples speak for; where the faster side has none, the least that it can be. */
static double rank_of(const pvm_backends_t *backends, const pvm_backend_pair_t *pair)
{
    const pvm_compare_time_t slow = pvm_compare_time(backends->slow, pair->slow->samples);
    const pvm_compare_time_t fast = pvm_compare_time(backends->fast, pair->fast->samples);

    const double scale = (double)pair->fast->hits / (double)pair->slow->hits;

    return scale * slow.ns / (fast.ns > 0 ? fast.ns : fast.high_ns);
}

static pvm_prof_table_t *make_extremes(const pvm_backends_t *backends, const char *title,
                                       const pvm_backend_pair_t *const *ranked, size_t count,
                                       bool from_end)
{
    pvm_prof_table_t *const table =
        pvm_prof_table_create(title, block_columns, COUNT(block_columns));
    bool ok = table != NULL;

    /* Of few blocks each is in one list only. */
    const size_t rows = from_end ? count / 2 : count - count / 2;
    for (size_t i = 0; ok && i < rows && i < EXTREMES; i++) {
        ok = add_block(table, backends, ranked[from_end ? count - 1 - i : i]);
    }
    pvm_backends_set_details(table, extreme_details);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    return table;
}

static int by_time(const void *left, const void *right)
{
    const pvm_side_block_t *const a = (*(const pvm_backend_pair_t *const *)left)->slow;
    const pvm_side_block_t *const b = (*(const pvm_backend_pair_t *const *)right)->slow;

    if (a->samples != b->samples) {
        return a->samples > b->samples ? -1 : 1;
    }
    return a->gas != b->gas ? (a->gas > b->gas ? -1 : 1) : a->pc < b->pc ? -1 : a->pc > b->pc;
}

static pvm_prof_table_t *make_blocks(const pvm_backends_t *backends)
{
    const size_t top = backends->compare->top;
    const pvm_backend_pair_t **const ranked = malloc((backends->count + 1) * sizeof(*ranked));
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Blocks by time", block_columns, COUNT(block_columns));
    bool ok = ranked != NULL && table != NULL;

    for (size_t i = 0; ok && i < backends->count; i++) {
        ranked[i] = &backends->pairs[i];
    }
    if (ok) {
        qsort(ranked, backends->count, sizeof(*ranked), by_time);
    }
    for (size_t i = 0; ok && i < backends->count && (top == 0 || i < top); i++) {
        ok = add_block(table, backends, ranked[i]);
    }
    free((void *)ranked);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    pvm_backends_set_details(table, block_details);
    table->row_count_all = backends->count;
    return table;
}

static int add_extremes(pvm_backends_t *backends)
{
    const pvm_backend_pair_t **const ranked = malloc((backends->count + 1) * sizeof(*ranked));
    size_t count = 0;

    if (ranked == NULL) {
        return -1;
    }
    for (size_t i = 0; i < backends->count; i++) {
        pvm_backend_pair_t *const pair = &backends->pairs[i];

        if (pair->fast != NULL && pair->slow->hits > 0 &&
            pair->slow->samples >= PVM_COMPARE_SAMPLES_MIN) {
            pair->speed_up = rank_of(backends, pair);
            ranked[count++] = pair;
        }
    }
    qsort(ranked, count, sizeof(*ranked), by_speed_up);
    (void)pvm_compare_keep(backends->compare, "least_gained",
                           make_extremes(backends, "Blocks that gain least", ranked, count, false));
    (void)pvm_compare_keep(backends->compare, "most_gained",
                           make_extremes(backends, "Blocks that gain most", ranked, count, true));
    free((void *)ranked);
    return 0;
}

int pvm_backends_blocks(pvm_backends_t *backends)
{
    (void)pvm_compare_keep(backends->compare, "blocks", make_blocks(backends));
    return add_extremes(backends);
}
