/* From the engine's counts, which only grow, to what happened since they were last read. */
#include "profiler/watch.h"

#include <stdlib.h>
#include <string.h>

static size_t block_room(const pvm_prof_watch_t *watch)
{
    return (size_t)watch->program->program->block_count + 1;
}

static bool has_room(pvm_prof_watch_t *watch)
{
    if (watch->counts == NULL) {
        watch->counts = calloc(block_room(watch), sizeof(*watch->counts));
    }
    if (watch->fresh == NULL) {
        watch->fresh = calloc(block_room(watch), sizeof(*watch->fresh));
    }
    if (watch->counts == NULL || watch->fresh == NULL) {
        pvm_prof_store_fail(watch->recorder->file,
                            "no memory to read block counts; record fewer VMs at a time");
        return false;
    }
    return true;
}

static int compare_edges(const void *left, const void *right)
{
    const pvm_edge_count_t *const a = left;
    const pvm_edge_count_t *const b = right;

    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return a->to < b->to ? -1 : a->to > b->to;
}

/* All edges as of now, sorted, each once: a block entered in its middle can leave through two
 * terminators. NULL if there are none, or without memory. */
static pvm_edge_count_t *read_edges(pvm_prof_watch_t *watch, size_t *out_count)
{
    const size_t room = pvm_get_edge_counts(watch->vm, NULL, 0);
    pvm_edge_count_t *const edges = room > 0 ? malloc(room * sizeof(*edges)) : NULL;
    size_t count = 0;

    *out_count = 0;
    if (edges == NULL) {
        if (room > 0) {
            pvm_prof_store_fail(watch->recorder->file,
                                "no memory to read edge counts; record without edges");
        }
        return NULL;
    }
    const size_t found = pvm_get_edge_counts(watch->vm, edges, room);
    qsort(edges, found, sizeof(*edges), compare_edges);
    for (size_t i = 0; i < found; i++) {
        if (count > 0 && compare_edges(&edges[count - 1], &edges[i]) == 0) {
            edges[count - 1].count += edges[i].count;
        } else {
            edges[count++] = edges[i];
        }
    }
    *out_count = count;
    return edges;
}

void pvm_prof_counts_begin(pvm_prof_watch_t *watch)
{
    if (!watch->is_counting || !has_room(watch)) {
        return;
    }
    if (pvm_get_block_counts(watch->vm, watch->counts, block_room(watch)) == 0) {
        memset(watch->counts, 0, block_room(watch) * sizeof(*watch->counts));
    }
    if (watch->recorder->instrument & PVM_PROF_EDGES) {
        free(watch->edges);
        watch->edges = read_edges(watch, &watch->edge_count);
    }
    watch->has_baseline = true;
}

void pvm_prof_counts_read(pvm_prof_watch_t *watch)
{
    if (!watch->has_baseline ||
        pvm_get_block_counts(watch->vm, watch->fresh, block_room(watch)) == 0) {
        return;
    }
    int64_t gas = 0;
    for (size_t i = 0; i < block_room(watch); i++) {
        /* Modulo 2^64, so that a count that went back is still brought to where the engine has
         * it. */
        const pvm_block_count_t more = {.hits = watch->fresh[i].hits - watch->counts[i].hits,
                                        .gas = watch->fresh[i].gas - watch->counts[i].gas};
        if (more.hits != 0 || more.gas != 0) {
            pvm_prof_program_add(watch->program, i, more);
            gas = pvm_prof_wrap_add(gas, (int64_t)more.gas);
        }
    }
    watch->execution.blocks_gas = pvm_prof_wrap_add(watch->execution.blocks_gas, gas);
    pvm_block_count_t *const old = watch->counts;
    watch->counts = watch->fresh;
    watch->fresh = old;
}

static void store_edge(const pvm_prof_watch_t *watch, const pvm_edge_count_t *edge, uint64_t more)
{
    static const char *const names[] = {
        [PVM_EDGE_NEXT] = "next",         [PVM_EDGE_JUMP] = "jump",   [PVM_EDGE_TO_HUB] = "to_hub",
        [PVM_EDGE_FROM_HUB] = "from_hub", [PVM_EDGE_ENTRY] = "entry",
    };
    pvm_prof_run_file_t *const file = watch->recorder->file;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_EDGE);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, watch->program->id);
        pvm_prof_store_bind_text(file, row, 2, names[edge->kind]);
        sqlite3_bind_int64(row, 3, pvm_prof_program_block_pc(watch->program, edge->from));
        sqlite3_bind_int64(row, 4, pvm_prof_program_block_pc(watch->program, edge->to));
        sqlite3_bind_int64(row, 5, (int64_t)more);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_EDGE);
    }
}

void pvm_prof_counts_store_edges(pvm_prof_watch_t *watch)
{
    size_t count;
    size_t old = 0;

    if (!watch->has_baseline || !(watch->recorder->instrument & PVM_PROF_EDGES)) {
        return;
    }
    pvm_edge_count_t *const edges = read_edges(watch, &count);
    if (edges == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t more = edges[i].count;

        while (old < watch->edge_count && compare_edges(&watch->edges[old], &edges[i]) < 0) {
            old++;
        }
        if (old < watch->edge_count && compare_edges(&watch->edges[old], &edges[i]) == 0) {
            more -= watch->edges[old].count;
        }
        if (more != 0) {
            store_edge(watch, &edges[i], more);
        }
    }
    free(watch->edges);
    watch->edges = edges;
    watch->edge_count = count;
}
