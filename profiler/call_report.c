/* Calling contexts into a table. See call_report.h. */
#include "profiler/call_report.h"

#include "profiler/call_tree.h"
#include "profiler/ledger.h"
#include "profiler/store.h"
#include "profiler/worth.h"
#include "support/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Levels that are shown by indentation; deeper ones get their number. */
#define INDENT_MAX 12
/** What a row of calls that are not told apart is called. */
#define DEEPER_NAME "(deeper, not told apart)"

static const pvm_prof_column_t columns[] = {
    {"total_gas", "gas in all", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"share", "share", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    {"self_gas", "self gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"host_gas", "host gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"calls", "calls", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"depth", "depth", "", PVM_PROF_TYPE_ID, PVM_PROF_EXACT},
    {"function", "function", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

typedef struct {
    const pvm_prof_call_tree_t *tree;
    const pvm_prof_call_report_options_t *options;
    pvm_prof_table_t *table;
    int64_t gas_used; /**< 0: shares are not shown */
    uint32_t *order;  /**< nodes, children of one caller together, most gas first */
    uint32_t *first;  /**< of each node, and behind them of the host: its first child in `order` */
    uint32_t *counts; /**< and how many */
    uint8_t *is_shown;
    uint32_t within; /**< nodes that are not too deep */
    bool failed;
} writer_t;

/* qsort() has no room for the tree that its elements belong to. */
typedef struct {
    uint32_t node;
    uint32_t parent;
    int64_t gas;
} sorted_t;

static int by_gas(const void *left, const void *right)
{
    const sorted_t *const a = left;
    const sorted_t *const b = right;

    if (a->gas != b->gas) {
        return a->gas > b->gas ? -1 : 1;
    }
    return a->node < b->node ? -1 : 1;
}

static int by_parent(const void *left, const void *right)
{
    const sorted_t *const a = left;
    const sorted_t *const b = right;

    if (a->parent != b->parent) {
        return a->parent < b->parent ? -1 : 1;
    }
    return by_gas(left, right);
}

static bool is_too_deep(const writer_t *writer, uint32_t level)
{
    return writer->options->depth != 0 && level > writer->options->depth;
}

/* Sort children, and choose those that are shown: callers have no less gas than those they call, and come first. */
static int arrange(writer_t *writer)
{
    const uint32_t count = writer->tree->count;
    sorted_t *const sorted = calloc((size_t)count + 1, sizeof(*sorted));

    writer->order = calloc((size_t)count + 1, sizeof(*writer->order));
    writer->first = calloc((size_t)count + 1, sizeof(*writer->first));
    writer->counts = calloc((size_t)count + 1, sizeof(*writer->counts));
    writer->is_shown = calloc((size_t)count + 1, sizeof(*writer->is_shown));
    if (sorted == NULL || writer->order == NULL || writer->first == NULL ||
        writer->counts == NULL || writer->is_shown == NULL) {
        free(sorted);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++) {
        const pvm_prof_call_node_t *const node = &writer->tree->nodes[i];
        const uint32_t parent = node->parent == PVM_PROF_CALL_NONE ? count : node->parent;
        /* Callers stand before those they call; `order` holds depths until all are known. */
        writer->order[i] = parent == count ? 1 : writer->order[parent] + 1;
        writer->within += !is_too_deep(writer, writer->order[i]);
        sorted[i] = (sorted_t){.node = i, .parent = parent, .gas = node->total_gas};
        writer->counts[parent]++;
    }
    qsort(sorted, count, sizeof(*sorted), by_gas);
    const uint32_t top = writer->options->top;
    uint32_t shown = 0;
    for (uint32_t i = 0; i < count && (top == 0 || shown < top); i++) {
        writer->is_shown[sorted[i].node] = !is_too_deep(writer, writer->order[sorted[i].node]);
        shown += writer->is_shown[sorted[i].node];
    }
    qsort(sorted, count, sizeof(*sorted), by_parent);
    for (uint32_t i = count; i-- > 0;) {
        writer->order[i] = sorted[i].node;
        writer->first[sorted[i].parent] = i;
    }
    free(sorted);
    return 0;
}

static void write_row(writer_t *writer, uint32_t depth, int64_t total, int64_t self, int64_t host,
                      uint64_t calls, const char *name, const char *suffix)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(writer->table);
    const uint32_t most = depth < INDENT_MAX ? depth : INDENT_MAX;
    const uint32_t indent = writer->options->indent ? most : 0;
    const size_t room = strlen(name) + strlen(suffix) + 2 * INDENT_MAX + 1;
    char *const text = malloc(room);

    if (values == NULL || text == NULL) {
        writer->failed = true;
        free(text);
        return;
    }
    (void)snprintf(text, room, "%*s%s%s", (int)(2 * indent), "", name, suffix);
    pvm_prof_value_set_int(&values[0], total);
    if (writer->gas_used != 0) {
        pvm_prof_value_set_real(&values[1], 100.0 * (double)(uint64_t)total /
                                                (double)(uint64_t)writer->gas_used);
    }
    pvm_prof_value_set_int(&values[2], self);
    pvm_prof_value_set_int(&values[3], host);
    pvm_prof_value_set_int(&values[4], (int64_t)calls);
    pvm_prof_value_set_int(&values[5], depth);
    writer->failed |= pvm_prof_value_set_text(&values[6], text) != 0;
    free(text);
}

static void write_node(writer_t *writer, uint32_t at, uint32_t depth)
{
    const pvm_prof_call_node_t *const node = &writer->tree->nodes[at];

    write_row(writer, depth, node->total_gas, node->gas, node->host_gas, node->calls, node->name,
              node->is_unknown ? " (from nobody)" : "");
    if (node->deeper_calls > 0 || node->deeper_gas != 0) {
        write_row(writer, depth + 1, node->deeper_gas, node->deeper_gas, 0, node->deeper_calls,
                  DEEPER_NAME, "");
    }
}

/* Depth first, without recursion: callers can be deep. */
static int write_tree(writer_t *writer)
{
    const uint32_t count = writer->tree->count;
    /* The children of whom are being written, and how many of them are. */
    uint32_t *const path = calloc((size_t)count + 1, sizeof(*path));
    uint32_t *const done = calloc((size_t)count + 1, sizeof(*done));
    uint32_t depth = 0;

    if (path == NULL || done == NULL) {
        free(path);
        free(done);
        return -1;
    }
    path[0] = count;
    while (!writer->failed) {
        const uint32_t at = path[depth];
        if (done[depth] == writer->counts[at]) {
            if (depth == 0) {
                break;
            }
            depth--;
            continue;
        }
        const uint32_t node = writer->order[writer->first[at] + done[depth]++];
        if (!writer->is_shown[node]) {
            continue;
        }
        write_node(writer, node, depth);
        path[depth + 1] = node;
        done[depth + 1] = 0;
        depth++;
    }
    free(path);
    free(done);
    return writer->failed ? -1 : 0;
}

static uint64_t sum_all(const pvm_prof_call_tree_t *tree)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < tree->count; i++) {
        sum += tree->nodes[i].parent == PVM_PROF_CALL_NONE ? (uint64_t)tree->nodes[i].total_gas : 0;
    }
    return sum;
}

static int read_used(pvm_prof_run_file_t *file, int64_t *out_used, bool *out_reconciles)
{
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(file->db, "SELECT gas_used, difference FROM total", -1, &row, NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out_used = sqlite3_column_int64(row, 0);
        *out_reconciles = sqlite3_column_int64(row, 1) == 0;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

/* What was selected does not add up, which its own note says. */
static bool is_selected(pvm_prof_run_file_t *file)
{
    char selected[2];

    return pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SELECTED, selected, sizeof(selected)) > 0;
}

static int add_notes(pvm_prof_table_t *table, pvm_prof_run_file_t *file,
                     const pvm_prof_call_tree_t *tree, int64_t used)
{
    const int64_t difference = pvm_prof_wrap_sub(used, (int64_t)sum_all(tree));

    if (tree->count == 0) {
        return pvm_prof_table_add_note(table,
                                       "Calls were not followed; record with --instrument calls.");
    }
    if (difference != 0 && !is_selected(file)) {
        return pvm_prof_table_add_note(
            table, "The tree does not reconcile: gas used is %lld more than its contexts explain.",
            (long long)difference);
    }
    return 0;
}

pvm_prof_status_t pvm_prof_call_report(pvm_prof_run_file_t *file,
                                       const pvm_prof_call_report_options_t *options,
                                       pvm_prof_table_t **out_table)
{
    pvm_prof_call_tree_t tree;
    writer_t writer = {.tree = &tree, .options = options};
    bool reconciles = false;
    int64_t used = 0;

    *out_table = NULL;
    if (options->size != sizeof(*options)) {
        pvm_error_set("%.300s: options of another version", file->path);
        return PVM_PROF_E_ARGUMENT;
    }
    pvm_prof_status_t status = pvm_prof_call_tree_read(file, options->fold, &tree);
    const int code = read_used(file, &used, &reconciles);
    if (status == PVM_PROF_OK && code != SQLITE_OK) {
        status = pvm_prof_store_report(file, code, "read its totals");
    }
    if (status == PVM_PROF_OK) {
        writer.gas_used = reconciles && sum_all(&tree) == (uint64_t)used ? used : 0;
        writer.table = pvm_prof_table_create("Calls by gas", columns, COLUMN_COUNT);
        if (writer.table == NULL || arrange(&writer) != 0 || write_tree(&writer) != 0 ||
            add_notes(writer.table, file, &tree, used) != 0) {
            status = pvm_prof_store_report(file, SQLITE_NOMEM, "show its calls");
        } else {
            writer.table->row_count_all =
                writer.table->row_count > writer.within ? writer.table->row_count : writer.within;
            status = pvm_prof_worth_tell(file, writer.table);
        }
    }
    free(writer.order);
    free(writer.first);
    free(writer.counts);
    free(writer.is_shown);
    pvm_prof_call_tree_free(&tree);
    if (status != PVM_PROF_OK) {
        pvm_prof_table_destroy(writer.table);
        return status;
    }
    *out_table = writer.table;
    return PVM_PROF_OK;
}
