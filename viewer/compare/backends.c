/* One program on two backends: which functions and blocks the faster one speeds up by how much, how much host code they become.
 * Times are sampled, so each comes with its 95 % interval. */
#include "viewer/compare/compare.h"
#include "viewer/compare/host_bytes.h"
#include "viewer/compare/times.h"
#include "viewer/rows.h"

#include "profiler/stored_program.h"
#include "profiler/table_sort.h"
#include "program/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Rows of the lists of blocks. */
#define EXTREMES 10

static const pvm_prof_column_t summary_columns[] = {
    {"slow_ns", "time in guest", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
    {"fast_ns", "time in guest, other", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
    {"speed_up", "speed-up", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"slow_gas_per_ns", "gas per ns", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"fast_gas_per_ns", "gas per ns, other", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"slow_samples", "samples", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"fast_samples", "samples, other", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"guest_bytes", "guest code executed (bytes)", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"host_bytes", "host code of it (bytes)", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"bytes_ratio", "host per guest byte", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

/** A sampled figure with its interval. */
#define SAMPLED(id, header, from, to)                                                              \
    {id, header, "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},                                        \
        {id "_low", from, "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED},                               \
    {                                                                                              \
        id "_high", to, "", PVM_PROF_TYPE_REAL, PVM_PROF_SAMPLED                                   \
    }

/** Figures behind the last one with a header are for machines. */
static const pvm_prof_column_t function_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas_share", "gas (%)", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"slow_samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    SAMPLED("slow_share", "time (%)", "from", "to"),
    {"fast_samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    SAMPLED("fast_share", "other (%)", "from", "to"),
    SAMPLED("speed_up", "faster", "from", "to"),
    {"bytes_ratio", "bytes", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    SAMPLED("slow_gas_per_ns", "", "", ""),
    SAMPLED("fast_gas_per_ns", "", "", ""),
    SAMPLED("slow_ns_per_call", "", "", ""),
    SAMPLED("fast_ns_per_call", "", "", ""),
};

/** Columns that give way in short lines, by table. */
static const char *const function_details[] = {"slow_samples",
                                               "slow_share_low",
                                               "slow_share_high",
                                               "fast_samples",
                                               "fast_share_low",
                                               "fast_share_high",
                                               NULL};
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

/* The same without times. */
static const pvm_prof_column_t unsampled_columns[] = {
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas_share", "gas (%)", "%", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"bytes_ratio", "bytes", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
};

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

/** A block of both recordings. */
typedef struct {
    const pvm_side_block_t *slow;
    const pvm_side_block_t *fast; /**< NULL: not executed there */
    double speed_up;
    uint32_t host_bytes; /**< 0: not known */
} pair_t;

typedef struct {
    pvm_compare_t *compare;
    const pvm_side_t *slow; /**< the interpreter, or the first one */
    const pvm_side_t *fast;
    bool is_sampled; /**< both are */
    bool has_bytes;
    pair_t *pairs; /**< by program and pc */
    size_t count;
} backends_t;

/* -- Times ------------------------------------------------------------------------------------ */

/** What took the time: hits of a block, or the gas of more. Both runs need not be equally long. */
typedef struct {
    int64_t samples;
    double units;
} work_t;

/** Speed-up for each unit, with the ends that both intervals leave open. */
static void put_speed_up(pvm_row_t *row, const backends_t *backends, work_t slow, work_t fast)
{
    const pvm_compare_time_t a = pvm_compare_time(backends->slow, slow.samples);
    const pvm_compare_time_t b = pvm_compare_time(backends->fast, fast.samples);
    const double scale = slow.units > 0 ? fast.units / slow.units : 0;
    const bool is_known = slow.units > 0 && fast.units > 0;

    pvm_compare_put_real(row, is_known && b.ns > 0, scale * a.ns / b.ns);
    pvm_compare_put_real(row, is_known && b.high_ns > 0, scale * a.low_ns / b.high_ns);
    pvm_compare_put_real(row, is_known && b.low_ns > 0, scale * a.high_ns / b.low_ns);
}

/** Share of the time of a side, in percent. */
static void put_share(pvm_row_t *row, const pvm_side_t *side, int64_t samples)
{
    const pvm_prof_interval_t interval = pvm_prof_interval(samples, side->samples);

    pvm_row_real(row, 100 * (double)samples / (double)side->samples);
    pvm_row_real(row, 100 * interval.low);
    pvm_row_real(row, 100 * interval.high);
}

/** Gas for each ns. */
static void put_gas_per_ns(pvm_row_t *row, const pvm_side_t *side, work_t gas)
{
    const pvm_compare_time_t time = pvm_compare_time(side, gas.samples);

    pvm_compare_put_real(row, time.ns > 0, gas.units / time.ns);
    pvm_compare_put_real(row, time.high_ns > 0, gas.units / time.high_ns);
    pvm_compare_put_real(row, time.low_ns > 0, gas.units / time.low_ns);
}

/** ns for each hit or call. */
static void put_ns_each(pvm_row_t *row, const pvm_side_t *side, work_t hits)
{
    const pvm_compare_time_t time = pvm_compare_time(side, hits.samples);

    pvm_compare_put_real(row, hits.units > 0, time.ns / hits.units);
    pvm_compare_put_real(row, hits.units > 0, time.low_ns / hits.units);
    pvm_compare_put_real(row, hits.units > 0, time.high_ns / hits.units);
}

/* -- Pairs ------------------------------------------------------------------------------------- */

static void read_host_bytes(backends_t *backends)
{
    pvm_program_t *program = NULL;
    uint32_t *bytes = NULL;
    int64_t id = -1;

    for (size_t i = 0; i < backends->count; i++) {
        const pvm_side_block_t *const block = backends->pairs[i].slow;

        if (block->program != id) {
            pvm_program_release(program);
            free(bytes);
            id = block->program;
            program = NULL;
            bytes = NULL;
            if (pvm_prof_stored_program(backends->slow->file, id, &program) == PVM_PROF_OK &&
                program != NULL &&
                (bytes = calloc(program->block_count + (size_t)1, sizeof(*bytes))) != NULL &&
                pvm_compare_host_bytes(program, bytes) != 0) {
                free(bytes);
                bytes = NULL;
            }
        }
        if (bytes != NULL && block->pc < program->code.len) {
            backends->pairs[i].host_bytes = bytes[pvm_program_block_at(program, block->pc)];
            backends->has_bytes = true;
        }
    }
    pvm_program_release(program);
    free(bytes);
}

static int make_pairs(backends_t *backends)
{
    const pvm_side_t *const slow = backends->slow;
    const pvm_side_t *const fast = backends->fast;
    size_t j = 0;

    backends->pairs = calloc(slow->block_count + 1, sizeof(*backends->pairs));
    if (backends->pairs == NULL) {
        return -1;
    }
    for (size_t i = 0; i < slow->block_count; i++) {
        const pvm_side_block_t *const block = &slow->blocks[i];

        while (j < fast->block_count &&
               (fast->blocks[j].program < block->program ||
                (fast->blocks[j].program == block->program && fast->blocks[j].pc < block->pc))) {
            j++;
        }
        const bool is_both = j < fast->block_count && fast->blocks[j].program == block->program &&
                             fast->blocks[j].pc == block->pc;
        backends->pairs[backends->count++] =
            (pair_t){.slow = block, .fast = is_both ? &fast->blocks[j] : NULL};
    }
    read_host_bytes(backends);
    return 0;
}

/* -- Tables ------------------------------------------------------------------------------------ */

static double part_of(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/** Gas for each ns in the guest. */
static double speed(const pvm_side_t *side)
{
    return (double)side->sums.blocks_gas / (double)side->guest_ns;
}

static pvm_prof_table_t *make_summary(const backends_t *backends)
{
    const pvm_side_t *const slow = backends->slow;
    const pvm_side_t *const fast = backends->fast;
    int64_t guest_bytes = 0;
    int64_t host_bytes = 0;
    pvm_prof_table_t *const table =
        pvm_prof_table_create("Time and code", summary_columns, COUNT(summary_columns));
    pvm_row_t row = pvm_row_add(table);
    for (size_t i = 0; i < backends->count; i++) {
        const pair_t *const pair = &backends->pairs[i];

        guest_bytes += pair->host_bytes > 0 ? pair->slow->end_pc - pair->slow->pc : 0;
        host_bytes += pair->host_bytes;
    }
    if (backends->is_sampled) {
        const bool is_timed = slow->guest_ns > 0 && fast->guest_ns > 0 && slow->sums.blocks_gas > 0;

        pvm_row_int(&row, slow->guest_ns);
        pvm_row_int(&row, fast->guest_ns);
        pvm_compare_put_real(&row, is_timed, speed(fast) / speed(slow));
        pvm_compare_put_real(&row, is_timed, speed(slow));
        pvm_compare_put_real(&row, is_timed, speed(fast));
        pvm_row_int(&row, slow->samples);
        pvm_row_int(&row, fast->samples);
    } else {
        for (int i = 0; i < 7; i++) {
            pvm_row_null(&row);
        }
    }
    if (backends->has_bytes) {
        pvm_row_int(&row, guest_bytes);
        pvm_row_int(&row, host_bytes);
        pvm_compare_put_real(&row, guest_bytes > 0, (double)host_bytes / (double)guest_bytes);
    } else {
        for (int i = 0; i < 3; i++) {
            pvm_row_null(&row);
        }
    }
    if (row.failed) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->is_record = true;
    return table;
}

/** Sums of a function. */
typedef struct {
    const pvm_side_function_t *slow;
    int64_t fast_samples;
    int64_t fast_gas;
    int64_t fast_calls;
    int64_t guest_bytes;
    int64_t host_bytes;
} function_t;

static int by_slow(const void *left, const void *right)
{
    const function_t *const a = left;
    const function_t *const b = right;

    if (a->slow->samples != b->slow->samples) {
        return a->slow->samples > b->slow->samples ? -1 : 1;
    }
    return a->slow->gas != b->slow->gas ? (a->slow->gas > b->slow->gas ? -1 : 1)
                                        : strcmp(a->slow->name, b->slow->name);
}

static void put_bytes(pvm_row_t *row, int64_t host_bytes, int64_t guest_bytes)
{
    pvm_compare_put_real(row, host_bytes > 0 && guest_bytes > 0,
                         (double)host_bytes / (double)guest_bytes);
}

static void set_details(pvm_prof_table_t *table, const char *const *ids)
{
    for (; table != NULL && *ids != NULL; ids++) {
        const size_t column = pvm_prof_table_column(table, *ids);

        table->details |= column < table->column_count ? UINT64_C(1) << column : 0;
    }
}

static bool add_function(pvm_prof_table_t *table, const backends_t *backends,
                         const function_t *function)
{
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, function->slow->name);
    pvm_row_real(&row, part_of((double)function->slow->gas, (double)backends->slow->sums.gas_used));
    if (!backends->is_sampled) {
        put_bytes(&row, function->host_bytes, function->guest_bytes);
        return !row.failed;
    }
    const work_t slow = {function->slow->samples, (double)function->slow->gas};
    const work_t fast = {function->fast_samples, (double)function->fast_gas};
    pvm_row_int(&row, slow.samples);
    put_share(&row, backends->slow, slow.samples);
    pvm_row_int(&row, fast.samples);
    put_share(&row, backends->fast, fast.samples);
    put_speed_up(&row, backends, slow, fast);
    put_bytes(&row, function->host_bytes, function->guest_bytes);
    put_gas_per_ns(&row, backends->slow, slow);
    put_gas_per_ns(&row, backends->fast, fast);
    put_ns_each(&row, backends->slow, (work_t){slow.samples, (double)function->slow->calls});
    put_ns_each(&row, backends->fast, (work_t){fast.samples, (double)function->fast_calls});
    return !row.failed;
}

static pvm_prof_table_t *make_functions(const backends_t *backends)
{
    const size_t all = backends->slow->function_count;
    const size_t top = backends->compare->top;
    function_t *const functions = calloc(all + 1, sizeof(*functions));
    pvm_prof_table_t *const table =
        backends->is_sampled
            ? pvm_prof_table_create("Functions by time", function_columns, COUNT(function_columns))
            : pvm_prof_table_create("Functions by gas", unsampled_columns,
                                    COUNT(unsampled_columns));
    bool ok = functions != NULL && table != NULL;

    for (size_t i = 0; ok && i < all; i++) {
        functions[i].slow = &backends->slow->functions[i];
    }
    for (size_t i = 0; ok && i < backends->count; i++) {
        const pair_t *const pair = &backends->pairs[i];
        function_t *const function = &functions[pair->slow->function];

        function->fast_samples += pair->fast != NULL ? pair->fast->samples : 0;
        function->fast_gas += pair->fast != NULL ? pair->fast->gas : 0;
        function->fast_calls +=
            pair->fast != NULL && pair->slow->pc == function->slow->pc ? pair->fast->hits : 0;
        function->host_bytes += pair->host_bytes;
        function->guest_bytes += pair->host_bytes > 0 ? pair->slow->end_pc - pair->slow->pc : 0;
    }
    if (ok && all > 0) {
        qsort(functions, all, sizeof(*functions), by_slow);
    }
    for (size_t i = 0; ok && i < all && (top == 0 || i < top); i++) {
        ok = add_function(table, backends, &functions[i]);
    }
    free(functions);
    set_details(table, function_details);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = all;
    return table;
}

/* -- Blocks: least and most gained ------------------------------------------------------------- */

static int by_speed_up(const void *left, const void *right)
{
    const pair_t *const a = *(const pair_t *const *)left;
    const pair_t *const b = *(const pair_t *const *)right;

    if (a->speed_up < b->speed_up || a->speed_up > b->speed_up) {
        return a->speed_up < b->speed_up ? -1 : 1;
    }
    return a->slow->pc < b->slow->pc ? -1 : a->slow->pc > b->slow->pc;
}

static bool add_block(pvm_prof_table_t *table, const backends_t *backends, const pair_t *pair)
{
    const pvm_side_block_t *const block = pair->slow;
    const work_t slow = {block->samples, (double)block->hits};
    const work_t fast = {pair->fast != NULL ? pair->fast->samples : 0,
                         pair->fast != NULL ? (double)pair->fast->hits : 0};
    const pvm_compare_time_t slow_time = pvm_compare_time(backends->slow, slow.samples);
    const pvm_compare_time_t fast_time = pvm_compare_time(backends->fast, fast.samples);
    pvm_row_t row = pvm_row_add(table);

    pvm_row_int(&row, block->pc);
    pvm_row_text(&row, backends->slow->functions[block->function].name);
    pvm_row_int(&row, block->hits);
    pvm_row_int(&row, slow.samples);
    put_share(&row, backends->slow, slow.samples);
    put_share(&row, backends->fast, fast.samples);
    pvm_compare_put_real(&row, slow.units > 0, slow_time.ns / slow.units);
    pvm_compare_put_real(&row, fast.units > 0, fast_time.ns / fast.units);
    put_speed_up(&row, backends, slow, fast);
    put_bytes(&row, pair->host_bytes, block->end_pc - block->pc);
    pvm_row_int(&row, fast.samples);
    pvm_compare_put_real(&row, slow.units > 0, slow_time.low_ns / slow.units);
    pvm_compare_put_real(&row, slow.units > 0, slow_time.high_ns / slow.units);
    pvm_compare_put_real(&row, fast.units > 0, fast_time.low_ns / fast.units);
    pvm_compare_put_real(&row, fast.units > 0, fast_time.high_ns / fast.units);
    put_gas_per_ns(&row, backends->slow, (work_t){slow.samples, (double)block->gas});
    put_gas_per_ns(&row, backends->fast,
                   (work_t){fast.samples, pair->fast != NULL ? (double)pair->fast->gas : 0});
    return !row.failed;
}

/** Speed-up that the samples speak for; where the faster side has none, the least that it can be. */
static double rank_of(const backends_t *backends, const pair_t *pair)
{
    const pvm_compare_time_t slow = pvm_compare_time(backends->slow, pair->slow->samples);
    const pvm_compare_time_t fast = pvm_compare_time(backends->fast, pair->fast->samples);

    const double scale = (double)pair->fast->hits / (double)pair->slow->hits;

    return scale * slow.ns / (fast.ns > 0 ? fast.ns : fast.high_ns);
}

static pvm_prof_table_t *make_extremes(const backends_t *backends, const char *title,
                                       const pair_t *const *ranked, size_t count, bool from_end)
{
    pvm_prof_table_t *const table =
        pvm_prof_table_create(title, block_columns, COUNT(block_columns));
    bool ok = table != NULL;

    /* Of few blocks each is in one list only. */
    const size_t rows = from_end ? count / 2 : count - count / 2;
    for (size_t i = 0; ok && i < rows && i < EXTREMES; i++) {
        ok = add_block(table, backends, ranked[from_end ? count - 1 - i : i]);
    }
    set_details(table, extreme_details);
    if (!ok) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    return table;
}

static int by_time(const void *left, const void *right)
{
    const pvm_side_block_t *const a = (*(const pair_t *const *)left)->slow;
    const pvm_side_block_t *const b = (*(const pair_t *const *)right)->slow;

    if (a->samples != b->samples) {
        return a->samples > b->samples ? -1 : 1;
    }
    return a->gas != b->gas ? (a->gas > b->gas ? -1 : 1) : a->pc < b->pc ? -1 : a->pc > b->pc;
}

static pvm_prof_table_t *make_blocks(const backends_t *backends)
{
    const size_t top = backends->compare->top;
    const pair_t **const ranked = malloc((backends->count + 1) * sizeof(*ranked));
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
    set_details(table, block_details);
    table->row_count_all = backends->count;
    return table;
}

static int add_extremes(backends_t *backends)
{
    const pair_t **const ranked = malloc((backends->count + 1) * sizeof(*ranked));
    size_t count = 0;

    if (ranked == NULL) {
        return -1;
    }
    for (size_t i = 0; i < backends->count; i++) {
        pair_t *const pair = &backends->pairs[i];

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

pvm_view_status_t pvm_compare_backends(pvm_compare_t *compare)
{
    const bool is_swapped = strcmp(compare->after.backend, "interpreter") == 0;
    backends_t backends = {.compare = compare,
                           .slow = is_swapped ? &compare->after : &compare->before,
                           .fast = is_swapped ? &compare->before : &compare->after};
    pvm_prof_table_t *summary;

    backends.is_sampled = backends.slow->samples > 0 && backends.fast->samples > 0;
    if (make_pairs(&backends) != 0) {
        return pvm_view_fail(compare->view, PVM_VIEW_ENVIRONMENT, "no memory to compare blocks");
    }
    summary = pvm_compare_keep(compare, "time", make_summary(&backends));
    if (summary != NULL && !backends.is_sampled) {
        (void)pvm_prof_table_add_note(summary, "Time was not sampled in both; record with "
                                               "--instrument counts,edges,samples=999.");
    } else if (summary != NULL) {
        (void)pvm_prof_table_add_note(
            summary, "Times without a name are of the %s, the other ones of the %s.",
            backends.slow->backend, backends.fast->backend);
    }
    if (summary != NULL && !backends.has_bytes) {
        (void)pvm_prof_table_add_note(
            summary, "The recompiler is not available here: sizes of host code are not known.");
    }
    (void)pvm_compare_keep(compare, "functions", make_functions(&backends));
    int failed = 0;
    if (backends.is_sampled) {
        (void)pvm_compare_keep(compare, "blocks", make_blocks(&backends));
        failed = add_extremes(&backends);
        (void)pvm_compare_keep(compare, "prices_slow",
                               pvm_compare_prices(backends.slow, compare->top));
        (void)pvm_compare_keep(compare, "prices_fast",
                               pvm_compare_prices(backends.fast, compare->top));
    }
    free(backends.pairs);
    return failed == 0
               ? PVM_VIEW_FINE
               : pvm_view_fail(compare->view, PVM_VIEW_ENVIRONMENT, "no memory to compare blocks");
}
