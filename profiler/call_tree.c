/* Reading calling contexts, merged by function. See call_tree.h. */
#include "profiler/call_tree.h"

#include "profiler/ledger.h"
#include "profiler/map.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

/** Rows of call_node that are read. */
#define ROWS_MAX (UINT32_C(1) << 24)

typedef struct {
    pvm_prof_call_tree_t *tree;
    uint32_t node_room;
    uint32_t row_room;
    bool fold;
    pvm_prof_map_t index; /**< hash of parent, function, kind -> node */
} reader_t;

bool pvm_prof_call_tree_is_there(pvm_prof_run_file_t *file)
{
    bool is_there = false;

    return pvm_prof_store_truth(file->db, "SELECT EXISTS (SELECT 1 FROM call_node)", &is_there) ==
               SQLITE_OK &&
           is_there;
}

bool pvm_prof_call_tree_is_whole(pvm_prof_run_file_t *file)
{
    sqlite3_stmt *row = NULL;
    bool is_whole = false;

    if (pvm_prof_call_tree_is_there(file) && pvm_prof_wrap_sum_register(file->db) == SQLITE_OK &&
        sqlite3_prepare_v2(file->db,
                           "SELECT wrap_sum(gas), wrap_sum(host_gas), wrap_sum(deeper_gas), "
                           "(SELECT gas_used FROM total) FROM call_node",
                           -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        const int64_t own =
            pvm_prof_wrap_add(sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));

        is_whole =
            pvm_prof_wrap_add(own, sqlite3_column_int64(row, 2)) == sqlite3_column_int64(row, 3);
    }
    sqlite3_finalize(row);
    return is_whole;
}

static bool is_same(const pvm_prof_call_node_t *a, const pvm_prof_call_node_t *b)
{
    return a->parent == b->parent && a->program == b->program && a->function == b->function &&
           a->is_unknown == b->is_unknown;
}

static uint64_t hash_of(const pvm_prof_call_node_t *like)
{
    uint64_t hash = ((uint64_t)like->parent << 32 ^ (uint64_t)like->function ^
                     (uint64_t)like->program << 44 ^ (uint64_t)like->is_unknown << 63) *
                    UINT64_C(0x9e3779b97f4a7c15);

    return hash ^ hash >> 32;
}

/* The node like this one, found or made, with a name of its own; PVM_PROF_CALL_NONE without memory. */
static uint32_t find(reader_t *reader, pvm_prof_call_node_t like)
{
    pvm_prof_call_tree_t *const tree = reader->tree;
    uint64_t hash = hash_of(&like);

    for (;; hash++) {
        const uint32_t known = pvm_prof_map_get(&reader->index, hash);
        if (known == PVM_PROF_MAP_NONE) {
            break;
        }
        if (is_same(&tree->nodes[known], &like)) {
            return known;
        }
    }
    if (tree->count == reader->node_room) {
        const uint32_t room = reader->node_room == 0 ? 256 : 2 * reader->node_room;
        pvm_prof_call_node_t *const nodes = realloc(tree->nodes, room * sizeof(*nodes));
        if (nodes == NULL) {
            return PVM_PROF_CALL_NONE;
        }
        tree->nodes = nodes;
        reader->node_room = room;
    }
    like.name = strdup(like.name);
    like.program_name = strdup(like.program_name);
    if (like.name == NULL || like.program_name == NULL ||
        pvm_prof_map_add(&reader->index, hash, tree->count) != 0) {
        free(like.name);
        free(like.program_name);
        return PVM_PROF_CALL_NONE;
    }
    tree->nodes[tree->count] = like;
    return tree->count++;
}

/* The node of the same function around a place; PVM_PROF_CALL_NONE: there is none. A folded path has each function once. */
static uint32_t outer_of(const pvm_prof_call_tree_t *tree, uint32_t at,
                         const pvm_prof_call_node_t *like)
{
    while (at != PVM_PROF_CALL_NONE && (tree->nodes[at].program != like->program ||
                                        tree->nodes[at].function != like->function)) {
        at = tree->nodes[at].parent;
    }
    return at;
}

/* Columns: id, parent, program, function, name, kind, pc, calls, gas, host_calls, host_gas, deeper_calls, deeper_gas,
 * name of the program, samples.
 * @return an SQLite code */
static int read_row(reader_t *reader, sqlite3_stmt *row)
{
    static char nameless[] = "?";
    pvm_prof_call_tree_t *const tree = reader->tree;
    const int64_t id = sqlite3_column_int64(row, 0);
    const bool has_parent = sqlite3_column_type(row, 1) != SQLITE_NULL;
    const int64_t parent = sqlite3_column_int64(row, 1);
    const unsigned char *const name = sqlite3_column_text(row, 4);
    const unsigned char *const kind = sqlite3_column_text(row, 5);
    const unsigned char *const program = sqlite3_column_text(row, 13);

    if (id < 1 || id > ROWS_MAX || (has_parent && (parent < 1 || parent >= id))) {
        return SQLITE_CORRUPT;
    }
    if (id > reader->row_room) {
        const uint32_t room = 2 * (uint32_t)id + 256;
        uint32_t *const places = realloc(tree->places, room * sizeof(*places));
        if (places == NULL) {
            return SQLITE_NOMEM;
        }
        memset(places + reader->row_room, 0xff, (room - reader->row_room) * sizeof(*places));
        tree->places = places;
        reader->row_room = room;
    }
    pvm_prof_call_node_t like = {
        .parent = has_parent ? tree->places[parent - 1] : PVM_PROF_CALL_NONE,
        .program = sqlite3_column_int64(row, 2),
        .function = sqlite3_column_int64(row, 3),
        .name = name != NULL ? (char *)(uintptr_t)name : nameless,
        .program_name = program != NULL ? (char *)(uintptr_t)program : nameless,
        .pc = sqlite3_column_int64(row, 6),
        .is_unknown = kind != NULL && strcmp((const char *)kind, "unknown") == 0};
    if (has_parent && like.parent == PVM_PROF_CALL_NONE) {
        return SQLITE_CORRUPT;
    }
    uint32_t at = reader->fold ? outer_of(tree, like.parent, &like) : PVM_PROF_CALL_NONE;
    at = at != PVM_PROF_CALL_NONE ? at : find(reader, like);
    if (at == PVM_PROF_CALL_NONE) {
        return SQLITE_NOMEM;
    }
    pvm_prof_call_node_t *const node = &tree->nodes[at];
    node->calls += (uint64_t)sqlite3_column_int64(row, 7);
    node->gas = pvm_prof_wrap_add(node->gas, sqlite3_column_int64(row, 8));
    node->host_calls += (uint64_t)sqlite3_column_int64(row, 9);
    node->host_gas = pvm_prof_wrap_add(node->host_gas, sqlite3_column_int64(row, 10));
    node->deeper_calls += (uint64_t)sqlite3_column_int64(row, 11);
    node->deeper_gas = pvm_prof_wrap_add(node->deeper_gas, sqlite3_column_int64(row, 12));
    node->samples += (uint64_t)sqlite3_column_int64(row, 14);
    tree->places[id - 1] = at;
    tree->row_count = (uint32_t)id;
    return SQLITE_OK;
}

static void sum_up(pvm_prof_call_tree_t *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        pvm_prof_call_node_t *const node = &tree->nodes[i];
        node->total_gas =
            pvm_prof_wrap_add(node->gas, pvm_prof_wrap_add(node->host_gas, node->deeper_gas));
    }
    for (uint32_t i = tree->count; i-- > 0;) {
        const pvm_prof_call_node_t *const node = &tree->nodes[i];
        if (node->parent != PVM_PROF_CALL_NONE) {
            pvm_prof_call_node_t *const parent = &tree->nodes[node->parent];
            parent->total_gas = pvm_prof_wrap_add(parent->total_gas, node->total_gas);
        }
    }
}

pvm_prof_status_t pvm_prof_call_tree_read(pvm_prof_run_file_t *file, bool fold,
                                          pvm_prof_call_tree_t *out)
{
    reader_t reader = {.tree = out, .fold = fold};
    sqlite3_stmt *rows = NULL;

    *out = (pvm_prof_call_tree_t){0};
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT c.id, c.parent, c.program, c.function, f.name, c.kind, c.pc, c.calls, c.gas, "
        "c.host_calls, c.host_gas, c.deeper_calls, c.deeper_gas, p.name, s.samples "
        "FROM call_node c LEFT JOIN program p ON p.id = c.program "
        "LEFT JOIN call_sample s ON s.node = c.id LEFT JOIN "
        "function f ON f.program = c.program AND f.id = c.function ORDER BY c.id",
        -1, &rows, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        code = read_row(&reader, rows);
    }
    sqlite3_finalize(rows);
    pvm_prof_map_free(&reader.index);
    if (code != SQLITE_DONE) {
        return pvm_prof_store_report(file, code, "read its calls");
    }
    sum_up(out);
    return PVM_PROF_OK;
}

void pvm_prof_call_tree_free(pvm_prof_call_tree_t *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        free(tree->nodes[i].name);
        free(tree->nodes[i].program_name);
    }
    free(tree->nodes);
    free(tree->places);
    *tree = (pvm_prof_call_tree_t){0};
}
