/* The tables of `top`. Each row is first summed up from what the kernel and the samples have, then sorted. */
#include "viewer/rows.h"
#include "viewer/top/state.h"

#include "profiler/interval.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Something that is shown in one row. */
typedef struct {
    uint32_t process;
    uint32_t service;
    int32_t func_id;
    const char *name;
    const char *program;
    double gas;
    double calls;
    double runs;
    double host_time; /**< seconds in host calls, per second */
    uint64_t samples;
    pvm_bpf_total_t more; /**< host calls of the interval: classes and sums */
} row_t;

typedef struct {
    row_t *list;
    size_t count;
    size_t room;
} rows_t;

static const char *const titles[PVM_TOP_VIEW_COUNT] = {
    [PVM_TOP_SERVICE] = "Services",
    [PVM_TOP_HOSTCALL] = "Host calls",
    [PVM_TOP_FUNCTION] = "Functions",
};

static row_t *row_of(rows_t *rows, const row_t *like)
{
    for (size_t i = 0; i < rows->count; i++) {
        const row_t *const row = &rows->list[i];
        if (row->process == like->process && row->service == like->service &&
            row->func_id == like->func_id && row->name == like->name) {
            return &rows->list[i];
        }
    }
    if (rows->count == rows->room) {
        const size_t room = rows->room == 0 ? 32 : 2 * rows->room;
        row_t *const list = realloc(rows->list, room * sizeof(*list));
        if (list == NULL) {
            return NULL;
        }
        rows->list = list;
        rows->room = room;
    }
    rows->list[rows->count] = *like;
    return &rows->list[rows->count++];
}

/* -- Summing up ---------------------------------------------------------------------------- */

static void add_classes(row_t *row, const top_entry_t *entry)
{
    row->more.timed += entry->now.timed - entry->before.timed;
    row->more.duration_ns += entry->now.duration_ns - entry->before.duration_ns;
    for (int i = 0; i < PVM_BPF_CLASSES; i++) {
        row->more.classes[i] += entry->now.classes[i] - entry->before.classes[i];
    }
}

static void add_entry(pvm_top_t *top, pvm_top_view_t view, const top_entry_t *entry, rows_t *rows)
{
    const bool is_call = entry->key.kind == PVM_BPF_CALLS;
    row_t like = {.process = entry->key.process, .service = entry->key.service};

    if (view == PVM_TOP_HOSTCALL) {
        const top_program_t *const program = pvm_top_program(top, entry->key.program);
        if (!is_call) {
            return;
        }
        like = (row_t){.func_id = entry->key.func_id,
                       .name = program == NULL
                                   ? "?"
                                   : pvm_host_call_name(program->program, entry->key.func_id)};
    }
    row_t *const row = row_of(rows, &like);
    if (row == NULL) {
        return;
    }
    row->gas += pvm_top_rate(top, entry->now.gas_taken, entry->before.gas_taken);
    if (is_call) {
        row->calls += pvm_top_rate(top, entry->now.calls, entry->before.calls);
        row->host_time +=
            pvm_top_rate(top, entry->now.duration_ns, entry->before.duration_ns) * 1e-9;
        add_classes(row, entry);
    } else {
        row->calls += pvm_top_rate(top, entry->now.missed, entry->before.missed);
        row->runs += pvm_top_rate(top, entry->now.calls, entry->before.calls);
    }
}

typedef struct {
    pvm_top_t *top;
    pvm_top_view_t view;
    rows_t *rows;
} adding_t;

static void add_place(void *user_data, const pvm_sample_place_t *place)
{
    const adding_t *const adding = user_data;

    if (adding->view == PVM_TOP_FUNCTION) {
        const top_program_t *const program = pvm_top_program(adding->top, place->program);
        const row_t like = {.service = place->service,
                            .name = pvm_top_function(program, place->pc),
                            .program = program == NULL ? "?" : program->name};
        row_t *const row = row_of(adding->rows, &like);
        if (row != NULL) {
            row->samples += place->count;
        }
        return;
    }
    for (size_t i = 0; i < adding->rows->count; i++) {
        if (adding->rows->list[i].service == place->service) {
            adding->rows->list[i].samples += place->count;
            return;
        }
    }
}

/* -- Order --------------------------------------------------------------------------------- */

static double key_of(const row_t *row, pvm_top_sort_t sort)
{
    switch (sort) {
    case PVM_TOP_BY_GAS:
        return row->gas;
    case PVM_TOP_BY_CALLS:
        return row->calls;
    default:
        return row->host_time;
    }
}

static int compare(const void *left, const void *right, void *sort)
{
    const row_t *const a = left;
    const row_t *const b = right;
    const double a_key = key_of(a, *(pvm_top_sort_t *)sort);
    const double b_key = key_of(b, *(pvm_top_sort_t *)sort);

    if (a_key != b_key) {
        return a_key < b_key ? 1 : -1;
    }
    if (a->samples != b->samples) {
        return a->samples < b->samples ? 1 : -1;
    }
    return (a->service > b->service) - (a->service < b->service);
}

/* -- Tables -------------------------------------------------------------------------------- */

#define REAL(id, header, unit)    {id, header, unit, PVM_PROF_TYPE_REAL, PVM_PROF_EXACT}
#define PERCENT(id, header, sure) {id, header, "%", PVM_PROF_TYPE_PERCENT, sure}
#define TEXT(id, header)          {id, header, "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT}
#define ID(id, header)            {id, header, "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT}

static const pvm_prof_column_t service_columns[] = {
    ID("service", "service"),
    ID("process", "process"),
    {"gas_per_s", "gas/s", "", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"host_calls_per_s", "calls/s", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"executions_per_s", "runs/s", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    PERCENT("host_time_percent", "call", PVM_PROF_EXACT),
    PERCENT("guest_percent", "guest", PVM_PROF_SAMPLED),
    PERCENT("guest_percent_low", "from", PVM_PROF_SAMPLED),
    PERCENT("guest_percent_high", "to", PVM_PROF_SAMPLED),
    {"samples", "n", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
};
static const pvm_prof_column_t call_columns[] = {
    ID("func_id", "call"),
    TEXT("name", "name"),
    {"gas_per_s", "gas/s", "", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"host_calls_per_s", "calls/s", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    PERCENT("host_time_percent", "time", PVM_PROF_EXACT),
    {"mean_ns", "mean", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
    {"median_ns_below", "half below", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
    {"p99_ns_below", "99% below", "ns", PVM_PROF_TYPE_NS, PVM_PROF_EXACT},
};
static const pvm_prof_column_t function_columns[] = {
    TEXT("function", "function"),
    TEXT("program", "program"),
    ID("service", "service"),
    PERCENT("guest_percent", "guest", PVM_PROF_SAMPLED),
    PERCENT("guest_percent_low", "from", PVM_PROF_SAMPLED),
    PERCENT("guest_percent_high", "to", PVM_PROF_SAMPLED),
    {"samples", "samples", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
};

/* Upper end of the class in which this share of the calls lies. */
static void put_quantile(pvm_row_t *out, const pvm_bpf_total_t *total, double share)
{
    const double wanted = share * (double)total->timed;
    uint64_t seen = 0;

    if (total->timed == 0) {
        pvm_row_null(out);
        return;
    }
    for (int i = 0; i < PVM_BPF_CLASSES; i++) {
        seen += total->classes[i];
        if ((double)seen >= wanted) {
            pvm_row_int(out, INT64_C(1) << i);
            return;
        }
    }
    pvm_row_null(out);
}

/* Percent of all samples, as they are named: those in the guest. */
static void put_guest(pvm_row_t *out, uint64_t count, uint64_t samples)
{
    const pvm_prof_interval_t interval = pvm_prof_interval((int64_t)count, (int64_t)samples);

    pvm_row_real(out, 100 * (double)count / (double)samples);
    pvm_row_real(out, 100 * interval.low);
    pvm_row_real(out, 100 * interval.high);
    pvm_row_int(out, (int64_t)count);
}

static void put_service(const row_t *row, uint64_t samples, pvm_row_t *out)
{
    pvm_row_int(out, row->service);
    pvm_row_int(out, row->process);
    pvm_row_int(out, (int64_t)row->gas);
    pvm_row_int(out, (int64_t)(row->calls + 0.5));
    pvm_row_int(out, (int64_t)(row->runs + 0.5));
    pvm_row_real(out, 100 * row->host_time);
    put_guest(out, row->samples, samples);
}

static void put_call(const row_t *row, pvm_row_t *out)
{
    pvm_row_int(out, row->func_id);
    pvm_row_text(out, row->name);
    pvm_row_int(out, (int64_t)row->gas);
    pvm_row_int(out, (int64_t)(row->calls + 0.5));
    pvm_row_real(out, 100 * row->host_time);
    if (row->more.timed > 0) {
        pvm_row_int(out, (int64_t)(row->more.duration_ns / row->more.timed));
    } else {
        pvm_row_null(out);
    }
    put_quantile(out, &row->more, 0.5);
    put_quantile(out, &row->more, 0.99);
}

static void put_function(const row_t *row, uint64_t samples, pvm_row_t *out)
{
    pvm_row_text(out, row->name);
    pvm_row_text(out, row->program);
    pvm_row_int(out, row->service);
    put_guest(out, row->samples, samples);
}

pvm_prof_table_t *pvm_top_table(pvm_top_t *top, pvm_top_view_t view, pvm_top_sort_t sort)
{
    static const struct {
        const pvm_prof_column_t *list;
        size_t count;
    } columns[PVM_TOP_VIEW_COUNT] = {
        [PVM_TOP_SERVICE] = {service_columns, sizeof(service_columns) / sizeof(*service_columns)},
        [PVM_TOP_HOSTCALL] = {call_columns, sizeof(call_columns) / sizeof(*call_columns)},
        [PVM_TOP_FUNCTION] = {function_columns,
                              sizeof(function_columns) / sizeof(*function_columns)},
    };
    const uint64_t samples = pvm_top_samples(top, &top->shown, top->elsewhere);
    rows_t rows = {0};
    const adding_t adding = {.top = top, .view = view, .rows = &rows};
    pvm_prof_table_t *const table =
        pvm_prof_table_create(titles[view], columns[view].list, columns[view].count);

    for (size_t i = 0; i < top->entry_count && view != PVM_TOP_FUNCTION; i++) {
        add_entry(top, view, &top->entries[i], &rows);
    }
    if (view != PVM_TOP_HOSTCALL) {
        pvm_samples_walk(&top->shown, add_place, (void *)(uintptr_t)&adding);
    }
    if (rows.count > 0) {
        qsort_r(rows.list, rows.count, sizeof(row_t), compare, &sort);
    }
    for (size_t i = 0; i < rows.count && table != NULL; i++) {
        pvm_row_t out = pvm_row_add(table);
        switch (view) {
        case PVM_TOP_SERVICE:
            put_service(&rows.list[i], samples, &out);
            break;
        case PVM_TOP_HOSTCALL:
            put_call(&rows.list[i], &out);
            break;
        default:
            put_function(&rows.list[i], samples, &out);
            break;
        }
    }
    free(rows.list);
    return table;
}
