/* The report by path: loops with their trip counts, and sequences of blocks that control mostly takes. */
#include "profiler/loops.h"
#include "profiler/report_code.h"
#include "profiler/table_sort.h"
#include "profiler/walk_code.h"
#include "profiler/worth.h"
#include "support/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** Blocks of one path. */
#define PATH_BLOCKS_MAX 64
/** Blocks that are written out; of longer ones the number is told. */
#define SHOWN_BLOCKS_MAX 12

static const pvm_prof_column_t columns[] = {
    {"kind", "kind", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"gas", "gas", "gas", PVM_PROF_TYPE_GAS, PVM_PROF_EXACT},
    {"share", "share", "%", PVM_PROF_TYPE_PERCENT, PVM_PROF_EXACT},
    {"times", "times", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"at_most", "at most", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"entries", "entries", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
    {"trips", "trips", "", PVM_PROF_TYPE_REAL, PVM_PROF_EXACT},
    {"sequence", "sequence", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"program", "program", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"function", "", "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT},
    {"pc", "", "", PVM_PROF_TYPE_PC, PVM_PROF_EXACT},
    {"blocks", "", "", PVM_PROF_TYPE_INT, PVM_PROF_EXACT},
};

typedef struct {
    pvm_prof_run_file_t *file;
    pvm_prof_table_t *table;
    const pvm_prof_code_t *code;
    pvm_prof_loops_t loops;
    const char *program;
    sqlite3_stmt *function; /**< name of a function of a program */
    size_t *into;           /**< numbers of edges by target, */
    size_t *into_first;     /**< from here for each block */
    uint8_t *is_used;       /**< in a path already */
    pvm_buffer_t text;
    pvm_prof_status_t status;
    bool has_edges;
    bool is_cut;
} reader_t;

/* -- Rows ---------------------------------------------------------------------------------- */

/** What both kinds have. */
typedef struct {
    const char *kind;
    const uint32_t *blocks;
    size_t count;
    int64_t gas;
    int64_t times;
    int64_t at_most; /**< -1: no such figure */
    int64_t entries; /**< -1: no such figure */
} row_t;

static const char *name_of(reader_t *reader, uint32_t block)
{
    sqlite3_reset(reader->function);
    sqlite3_bind_int64(reader->function, 1, reader->code->id);
    sqlite3_bind_int64(reader->function, 2, reader->code->blocks[block].function);
    const unsigned char *const name = sqlite3_step(reader->function) == SQLITE_ROW
                                          ? sqlite3_column_text(reader->function, 0)
                                          : NULL;
    return name != NULL ? (const char *)name : "?";
}

static void write_sequence(reader_t *reader, const row_t *row)
{
    const pvm_prof_code_block_t *const blocks = reader->code->blocks;

    reader->text.len = 0;
    for (size_t i = 0; i < row->count; i++) {
        const bool is_new =
            i == 0 || blocks[row->blocks[i]].function != blocks[row->blocks[i - 1]].function;

        if (i == SHOWN_BLOCKS_MAX && row->count > SHOWN_BLOCKS_MAX + 1) {
            pvm_buffer_printf(&reader->text, " +%zu", row->count - i);
            break;
        }
        pvm_buffer_printf(&reader->text, "%s%s%s@%" PRIu32, i > 0 ? " " : "",
                          is_new ? name_of(reader, row->blocks[i]) : "", is_new ? " " : "",
                          blocks[row->blocks[i]].pc);
    }
    pvm_buffer_append(&reader->text, "", 1);
}

static int add_row(reader_t *reader, const row_t *row)
{
    pvm_prof_value_t *const values = pvm_prof_table_add_row(reader->table);
    int failed = values == NULL ? -1 : 0;

    if (failed != 0) {
        return failed;
    }
    write_sequence(reader, row);
    failed |= pvm_prof_value_set_text(&values[0], row->kind);
    pvm_prof_value_set_int(&values[1], row->gas);
    pvm_prof_value_set_int(&values[3], row->times);
    if (row->at_most >= 0) {
        pvm_prof_value_set_int(&values[4], row->at_most);
    }
    if (row->entries >= 0) {
        pvm_prof_value_set_int(&values[5], row->entries);
    }
    if (row->entries > 0) {
        pvm_prof_value_set_real(&values[6], (double)row->times / (double)row->entries);
    }
    failed |= pvm_prof_value_set_text(&values[7],
                                      reader->text.failed ? NULL : (const char *)reader->text.data);
    failed |= pvm_prof_value_set_text(&values[8], reader->program);
    failed |= pvm_prof_value_set_text(&values[9], name_of(reader, row->blocks[0]));
    pvm_prof_value_set_int(&values[10], reader->code->blocks[row->blocks[0]].pc);
    pvm_prof_value_set_int(&values[11], (int64_t)row->count);
    return failed | (reader->text.failed ? -1 : 0);
}

static int add_loops(reader_t *reader)
{
    for (size_t i = 0; i < reader->loops.loop_count; i++) {
        const pvm_prof_loop_t *const loop = &reader->loops.loops[i];
        const row_t row = {.kind = "loop",
                           .blocks = loop->blocks,
                           .count = loop->block_count,
                           .gas = loop->gas,
                           .times = loop->iterations,
                           .at_most = -1,
                           .entries = loop->entries};

        if (add_row(reader, &row) != 0) {
            return -1;
        }
    }
    return 0;
}

/* -- Paths --------------------------------------------------------------------------------- */

/** A path that grows at both ends. */
typedef struct {
    uint32_t blocks[PATH_BLOCKS_MAX];
    int64_t counts[PATH_BLOCKS_MAX]; /**< of the edge behind each block */
    size_t count;
} path_t;

/* Whether a path may go along an edge: it was counted, and does not begin a loop anew. */
static bool is_way(const pvm_prof_edge_t *edge)
{
    return edge->count > 0 && !edge->is_back && !(edge->is_call && !edge->is_jump);
}

/* The edge that most take out of a block, if at least half of them do; NULL: none. */
static const pvm_prof_edge_t *way_on(const reader_t *reader, uint32_t block)
{
    const pvm_prof_loops_t *const loops = &reader->loops;
    const pvm_prof_edge_t *best = NULL;

    for (size_t i = pvm_prof_loops_edges_from(loops, block);
         i < loops->edge_count && loops->edges[i].from == block; i++) {
        const pvm_prof_edge_t *const edge = &loops->edges[i];
        if (is_way(edge) && (best == NULL || edge->count > best->count)) {
            best = edge;
        }
    }
    return best != NULL && best->count >= reader->code->blocks[block].hits / 2 ? best : NULL;
}

static const pvm_prof_edge_t *way_here(const reader_t *reader, uint32_t block)
{
    const pvm_prof_edge_t *best = NULL;

    for (size_t i = reader->into_first[block]; i < reader->into_first[block + 1]; i++) {
        const pvm_prof_edge_t *const edge = &reader->loops.edges[reader->into[i]];
        if (is_way(edge) && (best == NULL || edge->count > best->count)) {
            best = edge;
        }
    }
    return best != NULL && best->count >= reader->code->blocks[block].hits / 2 ? best : NULL;
}

static void grow_path(reader_t *reader, uint32_t seed, path_t *path)
{
    const pvm_prof_edge_t *edge;

    path->count = 1;
    path->blocks[0] = seed;
    reader->is_used[seed] = 1;
    while (path->count < PATH_BLOCKS_MAX &&
           (edge = way_on(reader, path->blocks[path->count - 1])) != NULL &&
           !reader->is_used[edge->to]) {
        path->counts[path->count - 1] = edge->count;
        path->blocks[path->count++] = edge->to;
        reader->is_used[edge->to] = 1;
    }
    while (path->count < PATH_BLOCKS_MAX && (edge = way_here(reader, path->blocks[0])) != NULL &&
           !reader->is_used[edge->from]) {
        memmove(path->blocks + 1, path->blocks, path->count * sizeof(path->blocks[0]));
        memmove(path->counts + 1, path->counts, path->count * sizeof(path->counts[0]));
        path->blocks[0] = edge->from;
        path->counts[0] = edge->count;
        path->count++;
        reader->is_used[edge->from] = 1;
    }
}

/* Counts of edges do not tell which way in went on by which way out. What is sure: of those that came along an edge, at
 * most as many went another way as left the block by others (definite flow). */
static int add_path(reader_t *reader, const path_t *path)
{
    const pvm_prof_code_block_t *const blocks = reader->code->blocks;
    int64_t sure = path->counts[0];
    int64_t most = path->counts[0];
    int64_t cost = blocks[path->blocks[0]].cost;

    for (size_t i = 1; i < path->count; i++) {
        cost = pvm_prof_plus(cost, blocks[path->blocks[i]].cost);
        if (i + 1 < path->count) {
            most = path->counts[i] < most ? path->counts[i] : most;
            sure =
                pvm_prof_plus(sure, pvm_prof_minus(path->counts[i], blocks[path->blocks[i]].hits));
        }
    }
    if (sure <= 0) {
        return 0;
    }
    const row_t row = {.kind = "path",
                       .blocks = path->blocks,
                       .count = path->count,
                       .gas = pvm_prof_times(sure, cost),
                       .times = sure,
                       .at_most = most,
                       .entries = -1};
    return add_row(reader, &row);
}

typedef struct {
    int64_t gas;
    uint32_t block;
} seed_t;

static int compare_seeds(const void *left, const void *right)
{
    const seed_t *const a = left;
    const seed_t *const b = right;

    if (a->gas != b->gas) {
        return a->gas > b->gas ? -1 : 1;
    }
    return a->block < b->block ? -1 : a->block > b->block;
}

static int add_paths(reader_t *reader)
{
    const size_t count = reader->code->block_count;
    seed_t *const seeds = calloc(count + 1, sizeof(*seeds));
    path_t *const path = calloc(1, sizeof(*path));
    int status = seeds != NULL && path != NULL ? 0 : -1;

    for (size_t i = 0; i < count && status == 0; i++) {
        seeds[i] = (seed_t){reader->code->blocks[i].gas, (uint32_t)i};
    }
    if (status == 0) {
        qsort(seeds, count, sizeof(*seeds), compare_seeds);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        if (!reader->is_used[seeds[i].block]) {
            grow_path(reader, seeds[i].block, path);
            status = path->count > 1 ? add_path(reader, path) : 0;
        }
    }
    free(path);
    free(seeds);
    return status;
}

/* -- Programs ------------------------------------------------------------------------------ */

static int sort_by_target(reader_t *reader)
{
    const pvm_prof_loops_t *const loops = &reader->loops;
    const size_t count = reader->code->block_count;
    size_t *const fill = calloc(count + 2, sizeof(*fill));

    reader->into = calloc(loops->edge_count + 1, sizeof(*reader->into));
    reader->into_first = calloc(count + 2, sizeof(*reader->into_first));
    reader->is_used = calloc(count + 1, 1);
    if (fill == NULL || reader->into == NULL || reader->into_first == NULL ||
        reader->is_used == NULL) {
        free(fill);
        return -1;
    }
    for (size_t i = 0; i < loops->edge_count; i++) {
        reader->into_first[loops->edges[i].to + 1]++;
    }
    for (size_t i = 0; i < count; i++) {
        reader->into_first[i + 1] += reader->into_first[i];
        fill[i + 1] = reader->into_first[i + 1];
    }
    for (size_t i = 0; i < loops->edge_count; i++) {
        reader->into[fill[loops->edges[i].to]++] = i;
    }
    free(fill);
    return 0;
}

static int read_program(reader_t *reader)
{
    int status = -1;

    reader->status = pvm_prof_loops_find(reader->file, reader->code, &reader->loops);
    if (reader->status == PVM_PROF_OK && sort_by_target(reader) == 0 && add_loops(reader) == 0) {
        status = add_paths(reader);
    }
    reader->has_edges = reader->has_edges || reader->loops.has_edges;
    reader->is_cut = reader->is_cut || reader->loops.is_cut;
    pvm_prof_loops_free(&reader->loops);
    free(reader->into);
    free(reader->into_first);
    free(reader->is_used);
    reader->into = NULL;
    reader->into_first = NULL;
    reader->is_used = NULL;
    return status;
}

static int visit(void *user_data, pvm_prof_code_t *code, const char *name, size_t index)
{
    reader_t *const reader = user_data;

    if (index < code->block_count || code->block_count == 0) {
        return 0;
    }
    reader->code = code;
    reader->program = name;
    return read_program(reader);
}

static pvm_prof_status_t finish(reader_t *reader, const pvm_prof_code_totals_t *totals)
{
    pvm_prof_table_t *const table = reader->table;
    int failed = 0;

    for (size_t i = 0; i < table->row_count; i++) {
        pvm_prof_value_t *const row = &table->values[i * table->column_count];
        pvm_prof_code_set_share(&row[2], row[1].integer, totals);
    }
    failed |= pvm_prof_table_sort(table, 1);
    if (!reader->has_edges) {
        failed |= pvm_prof_table_add_note(table, "Edges were not recorded; record with "
                                                 "--instrument counts,edges.");
    } else {
        failed |= pvm_prof_table_add_note(
            table, "Loops and paths lie in one another, so shares do not add up. A path was taken "
                   "at least `times`; its gas is that of these.");
    }
    if (reader->is_cut) {
        failed |= pvm_prof_table_add_note(table, "There are more loops than these.");
    }
    return failed != 0 ? pvm_prof_store_report(reader->file, SQLITE_NOMEM, "report on it")
                       : pvm_prof_worth_tell(reader->file, table);
}

pvm_prof_status_t pvm_prof_report_paths(pvm_prof_run_file_t *file, pvm_prof_table_t **out_table)
{
    reader_t reader = {.file = file};
    pvm_prof_code_totals_t totals;
    pvm_prof_status_t status;

    *out_table = NULL;
    reader.table = pvm_prof_table_create("Loops and paths by gas", columns,
                                         sizeof(columns) / sizeof(columns[0]));
    if (reader.table == NULL) {
        return pvm_prof_store_report(file, SQLITE_NOMEM, "report on it");
    }
    const int code =
        sqlite3_prepare_v2(file->db, "SELECT name FROM function WHERE program = ?1 AND id = ?2", -1,
                           &reader.function, NULL);
    status = code == SQLITE_OK ? pvm_prof_code_walk(file, visit, &reader, &totals)
                               : pvm_prof_store_report(file, code, "read its functions");
    if (status == PVM_PROF_OK) {
        status = finish(&reader, &totals);
    }
    sqlite3_finalize(reader.function);
    pvm_buffer_free(&reader.text);
    if (status == PVM_PROF_OK) {
        *out_table = reader.table;
    } else {
        pvm_prof_table_destroy(reader.table);
    }
    return status;
}
