/* What needs all calls of a conversation at once: runs that repeat, and sums by name. */
#include "profiler/conversation_sums.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/** Longest pattern that is folded. */
#define PATTERN_MAX 16

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

static const pvm_prof_column_t folded_columns[] = {
    COLUMN("seq", "seq", "", ID),      COLUMN("calls", "calls", "", INT),
    COLUMN("times", "times", "", INT), COLUMN("pattern", "calls in a row", "", TEXT),
    COLUMN("gas", "gas", "gas", GAS),  COLUMN("duration_ns", "time", "ns", NS),
};
static const pvm_prof_column_t latency_columns[] = {
    COLUMN("name", "call", "", TEXT),           COLUMN("calls", "calls", "", INT),
    COLUMN("gas", "gas", "gas", GAS),           COLUMN("duration_ns", "time", "ns", NS),
    COLUMN("min_ns", "least", "ns", NS),        COLUMN("median_ns", "median", "ns", NS),
    COLUMN("p99_ns", "99 %", "ns", NS),         COLUMN("max_ns", "most", "ns", NS),
    COLUMN("histogram", "histogram", "", TEXT),
};

pvm_prof_table_t *pvm_briefs_table(pvm_conversation_form_t form)
{
    return form == PVM_CONVERSATION_FOLDED
               ? pvm_prof_table_create("Host calls, repeated ones folded", folded_columns,
                                       sizeof(folded_columns) / sizeof(folded_columns[0]))
               : pvm_prof_table_create("Host calls by name: gas and times", latency_columns,
                                       sizeof(latency_columns) / sizeof(latency_columns[0]));
}

/* -- All calls in memory, for what needs more than one ------------------------------------- */

void pvm_briefs_free(pvm_briefs_t *briefs)
{
    for (uint32_t i = 0; i < briefs->name_count; i++) {
        free(briefs->names[i]);
    }
    free(briefs->names);
    free(briefs->calls);
}

static int find_name(pvm_briefs_t *briefs, const char *name, uint32_t *out_index)
{
    for (uint32_t i = 0; i < briefs->name_count; i++) {
        if (strcmp(briefs->names[i], name) == 0) {
            *out_index = i;
            return SQLITE_OK;
        }
    }
    char **const names = realloc(briefs->names, (briefs->name_count + (size_t)1) * sizeof(*names));
    if (names == NULL) {
        return SQLITE_NOMEM;
    }
    briefs->names = names;
    names[briefs->name_count] = strdup(name);
    if (names[briefs->name_count] == NULL) {
        return SQLITE_NOMEM;
    }
    *out_index = briefs->name_count++;
    return SQLITE_OK;
}

int pvm_briefs_add(pvm_briefs_t *briefs, const char *name, const pvm_brief_t *brief)
{
    if (briefs->count == briefs->room) {
        const size_t room = briefs->room == 0 ? 1024 : 2 * briefs->room;
        pvm_brief_t *const calls = realloc(briefs->calls, room * sizeof(*calls));

        if (calls == NULL) {
            return SQLITE_NOMEM;
        }
        briefs->calls = calls;
        briefs->room = room;
    }
    pvm_brief_t *const place = &briefs->calls[briefs->count];
    *place = *brief;
    const int code = find_name(briefs, name, &place->name);
    briefs->count += code == SQLITE_OK;
    return code;
}

/* -- Folded -------------------------------------------------------------------------------- */

/* How often the `period` calls at `at` stand there in a row. */
static size_t repeats(const pvm_briefs_t *briefs, size_t at, size_t period)
{
    size_t end = at + period;

    while (end < briefs->count && briefs->calls[end].name == briefs->calls[end - period].name) {
        end++;
    }
    return (end - at) / period;
}

static int add_folded(pvm_prof_table_t *table, const pvm_briefs_t *briefs, size_t at, size_t period,
                      size_t times)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(table);
    pvm_buffer_t pattern = {0};
    int64_t gas = 0;
    int64_t duration_ns = 0;
    int status = values == NULL ? -1 : 0;

    for (size_t i = at; i < at + period * times; i++) {
        gas = (int64_t)((uint64_t)gas + (uint64_t)briefs->calls[i].gas);
        duration_ns += briefs->calls[i].duration_ns;
    }
    for (size_t i = at; i < at + period; i++) {
        pvm_buffer_printf(&pattern, "%s%s", i > at ? ", " : "",
                          briefs->names[briefs->calls[i].name]);
    }
    pvm_buffer_append(&pattern, "", 1);
    if (status == 0 && !pattern.failed) {
        pvm_prof_value_set_int(&values[0], briefs->calls[at].seq);
        pvm_prof_value_set_int(&values[1], (int64_t)(period * times));
        pvm_prof_value_set_int(&values[2], (int64_t)times);
        status = pvm_prof_value_set_text(&values[3], (const char *)pattern.data);
        pvm_prof_value_set_int(&values[4], gas);
        pvm_prof_value_set_int(&values[5], duration_ns);
    }
    const bool failed = status != 0 || pattern.failed;
    pvm_buffer_free(&pattern);
    return failed ? SQLITE_NOMEM : SQLITE_OK;
}

/* At each place the pattern that takes in most calls, of these the shortest. */
int pvm_briefs_fold(pvm_prof_table_t *table, const pvm_briefs_t *briefs, uint32_t top)
{
    int code = SQLITE_OK;
    size_t rows = 0;

    for (size_t at = 0; at < briefs->count && code == SQLITE_OK; rows++) {
        size_t best_period = 1;
        size_t best_times = 1;

        for (size_t period = 1; period <= PATTERN_MAX && at + 2 * period <= briefs->count;
             period++) {
            const size_t times = repeats(briefs, at, period);

            if (times > 1 && times * period > best_times * best_period) {
                best_period = period;
                best_times = times;
            }
        }
        if (top == 0 || rows < top) {
            code = add_folded(table, briefs, at, best_period, best_times);
        }
        at += best_period * best_times;
    }
    table->row_count_all = rows;
    return code;
}

/* -- Latency ------------------------------------------------------------------------------- */

static int compare_times(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;

    return a < b ? -1 : a > b;
}

/* The smallest time that `share` percent of all do not exceed. */
static int64_t percentile(const int64_t *times, size_t count, size_t share)
{
    return times[(count * share + 99) / 100 - 1];
}

size_t pvm_briefs_decade(int64_t duration_ns)
{
    size_t decade = 0;

    for (int64_t bound = 100; decade + 1 < PVM_BRIEFS_DECADES && duration_ns >= bound;
         bound *= 10) {
        decade++;
    }
    return decade;
}

int pvm_briefs_set_histogram(pvm_prof_value_t *value, const uint64_t *calls)
{
    static const char *const marks[] = {"\u00b7", "\u2581", "\u2582", "\u2583", "\u2584",
                                        "\u2585", "\u2586", "\u2587", "\u2588"};
    uint64_t most = 0;
    char text[PVM_BRIEFS_DECADES * 4 + 1] = "";

    for (size_t i = 0; i < PVM_BRIEFS_DECADES; i++) {
        most = calls[i] > most ? calls[i] : most;
    }
    for (size_t i = 0, len = 0; i < PVM_BRIEFS_DECADES; i++) {
        const char *const mark = marks[calls[i] == 0 ? 0 : 1 + 7 * calls[i] / most];

        memcpy(text + len, mark, strlen(mark) + 1);
        len += strlen(mark);
    }
    return pvm_prof_value_set_text(value, text);
}

static int add_latency(pvm_prof_table_t *table, const pvm_briefs_t *briefs, uint32_t name,
                       int64_t *times)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(table);
    int64_t gas = 0;
    int64_t calls = 0;
    int64_t sum_ns = 0;
    size_t count = 0;

    if (values == NULL || pvm_prof_value_set_text(&values[0], briefs->names[name]) != 0) {
        return SQLITE_NOMEM;
    }
    for (size_t i = 0; i < briefs->count; i++) {
        if (briefs->calls[i].name == name) {
            calls++;
            gas = (int64_t)((uint64_t)gas + (uint64_t)briefs->calls[i].gas);
            if (briefs->calls[i].has_returned) {
                times[count++] = briefs->calls[i].duration_ns;
                sum_ns += briefs->calls[i].duration_ns;
            }
        }
    }
    pvm_prof_value_set_int(&values[1], calls);
    pvm_prof_value_set_int(&values[2], gas);
    if (count > 0) {
        qsort(times, count, sizeof(*times), compare_times);
        pvm_prof_value_set_int(&values[3], sum_ns);
        pvm_prof_value_set_int(&values[4], times[0]);
        pvm_prof_value_set_int(&values[5], percentile(times, count, 50));
        pvm_prof_value_set_int(&values[6], percentile(times, count, 99));
        pvm_prof_value_set_int(&values[7], times[count - 1]);
        uint64_t decades[PVM_BRIEFS_DECADES] = {0};
        for (size_t i = 0; i < count; i++) {
            decades[pvm_briefs_decade(times[i])]++;
        }
        return pvm_briefs_set_histogram(&values[8], decades) == 0 ? SQLITE_OK : SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

int pvm_briefs_sum_up(pvm_prof_table_t *table, const pvm_briefs_t *briefs)
{
    int64_t *const times = malloc((briefs->count + 1) * sizeof(*times));
    int code = times == NULL ? SQLITE_NOMEM : SQLITE_OK;

    for (uint32_t name = 0; name < briefs->name_count && code == SQLITE_OK; name++) {
        code = add_latency(table, briefs, name, times);
    }
    free(times);
    table->row_count_all = table->row_count;
    return code;
}
