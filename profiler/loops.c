/* Edges of a recording, with calls told apart, and the loops in them. */
#include "profiler/loops.h"

#include "profiler/store.h"
#include "program/routines.h"

#include <stdlib.h>
#include <string.h>

/** Pairs of an indirect jump and where it may have gone that are looked at; beyond these, loops around switches are not
 *  found. */
#define SWITCH_LOOKS_MAX 1000000

/** What is known of a block while loops are looked for. */
typedef struct {
    int64_t to_hub;   /**< indirect jumps out of it */
    int64_t from_hub; /**< and into it */
    bool is_back;     /**< a call returns here */
    bool is_call;
    bool is_switch;       /**< it ends with an indirect jump that is neither call nor return */
    uint32_t call_target; /**< pc, or PVM_ROUTINE_NO_PC */
    uint32_t call_back;   /**< block, or block_count */
} node_t;

typedef struct {
    const pvm_prof_code_t *code;
    pvm_prof_loops_t *out;
    node_t *nodes;
    uint8_t *is_root;
    size_t edge_room;
} finder_t;

/* -- Edges --------------------------------------------------------------------------------- */

static int add_edge(finder_t *finder, pvm_prof_edge_t edge)
{
    pvm_prof_loops_t *const out = finder->out;

    if (out->edge_count == finder->edge_room) {
        const size_t room = finder->edge_room == 0 ? 256 : 2 * finder->edge_room;
        pvm_prof_edge_t *const edges = realloc(out->edges, room * sizeof(*edges));

        if (edges == NULL) {
            return -1;
        }
        out->edges = edges;
        finder->edge_room = room;
    }
    out->edges[out->edge_count++] = edge;
    return 0;
}

/* The executed block that begins at a pc, or block_count. */
static size_t block_at(const pvm_prof_code_t *code, int64_t pc)
{
    const size_t index = pc >= 0 && pc < (int64_t)code->program->code.len
                             ? pvm_prof_code_find(code, (uint32_t)pc)
                             : code->block_count;

    return index < code->block_count && code->blocks[index].pc == pc ? index : code->block_count;
}

static pvm_instruction_t last_instruction(const pvm_prof_code_t *code, size_t block)
{
    pvm_instruction_t in = {.next = code->blocks[block].pc};

    while (in.next < code->blocks[block].end_pc) {
        pvm_isa_decode(&code->program->code, in.next, &in);
    }
    return in;
}

static void look_at_block(finder_t *finder, size_t index)
{
    const pvm_prof_code_t *const code = finder->code;
    const uint32_t block = pvm_program_block_at(code->program, code->blocks[index].pc);
    node_t *const node = &finder->nodes[index];
    pvm_routine_call_t call;

    node->call_back = (uint32_t)code->block_count;
    node->call_target = PVM_ROUTINE_NO_PC;
    if (block < code->program->block_count && pvm_routine_call_at(code->program, block, &call)) {
        const size_t back = block_at(code, call.back);

        node->is_call = true;
        node->call_target = call.target;
        node->call_back = (uint32_t)back;
        if (back < code->block_count) {
            finder->nodes[back].is_back = true;
        }
        return;
    }
    const pvm_instruction_t in = last_instruction(code, index);
    node->is_switch =
        pvm_isa_ops[in.op].effect == PVM_EFFECT_JUMP_IND && in.a != PVM_REGISTER_RETURN;
}

/* Columns: from_pc, to_pc, kind, count. */
static int read_edge(finder_t *finder, sqlite3_stmt *row)
{
    const pvm_prof_code_t *const code = finder->code;
    const size_t from = block_at(code, sqlite3_column_int64(row, 0));
    const size_t to = block_at(code, sqlite3_column_int64(row, 1));
    const char *const kind = (const char *)sqlite3_column_text(row, 2);
    const int64_t count = sqlite3_column_int64(row, 3);

    finder->out->has_edges = true;
    if (kind == NULL) {
        return SQLITE_OK;
    }
    if (strcmp(kind, "to_hub") == 0 && from < code->block_count) {
        finder->nodes[from].to_hub = count;
    } else if (strcmp(kind, "from_hub") == 0 && to < code->block_count) {
        finder->nodes[to].from_hub = count;
    } else if (strcmp(kind, "entry") == 0 && to < code->block_count) {
        finder->is_root[to] = 1;
    } else if (from < code->block_count && to < code->block_count && count > 0) {
        const bool is_jump = strcmp(kind, "jump") == 0;
        const bool is_call = is_jump && finder->nodes[from].is_call &&
                             code->blocks[to].pc == finder->nodes[from].call_target;
        const pvm_prof_edge_t edge = {.from = (uint32_t)from,
                                      .to = (uint32_t)to,
                                      .count = count,
                                      .is_jump = is_jump,
                                      .is_call = is_call};
        finder->is_root[to] |= is_call ? 1 : 0;
        return add_edge(finder, edge) == 0 ? SQLITE_OK : SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

static int read_edges(pvm_prof_run_file_t *file, finder_t *finder)
{
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(file->db,
                                  "SELECT from_pc, to_pc, kind, count FROM edge WHERE program = ?1",
                                  -1, &rows, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_int64(rows, 1, finder->code->id);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        code = read_edge(finder, rows);
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* A call goes on behind itself, as often as it was made. */
static int add_returns(finder_t *finder)
{
    pvm_prof_loops_t *const out = finder->out;
    const size_t real = out->edge_count;

    for (size_t i = 0; i < finder->code->block_count; i++) {
        const node_t *const node = &finder->nodes[i];
        const pvm_prof_edge_t edge = {
            .from = (uint32_t)i, .to = node->call_back, .count = node->to_hub, .is_call = true};

        if (node->is_call && node->call_back < finder->code->block_count && node->to_hub > 0 &&
            add_edge(finder, edge) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < real; i++) {
        const pvm_prof_edge_t call = out->edges[i];
        const pvm_prof_edge_t edge = {.from = call.from,
                                      .to = finder->nodes[call.from].call_back,
                                      .count = call.count,
                                      .is_call = true};

        if (call.is_call && edge.to < finder->code->block_count && add_edge(finder, edge) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Which indirect jump led where is not counted: within one function, each may have led to each place that no call
 * returns to. */
static int add_switches(finder_t *finder)
{
    const pvm_prof_code_t *const code = finder->code;
    size_t *const switches = malloc((code->block_count + 1) * sizeof(*switches));
    size_t count = 0;
    size_t looks = 0;
    int status = switches != NULL ? 0 : -1;

    for (size_t i = 0; i < code->block_count && status == 0; i++) {
        if (finder->nodes[i].is_switch && finder->nodes[i].to_hub > 0) {
            switches[count++] = i;
        }
    }
    for (size_t to = 0; to < code->block_count && status == 0; to++) {
        if (finder->nodes[to].from_hub <= 0 || finder->nodes[to].is_back) {
            continue;
        }
        for (size_t i = 0; i < count && status == 0 && looks < SWITCH_LOOKS_MAX; i++, looks++) {
            const pvm_prof_edge_t edge = {
                .from = (uint32_t)switches[i], .to = (uint32_t)to, .count = -1, .is_jump = true};

            if (code->blocks[switches[i]].function == code->blocks[to].function) {
                status = add_edge(finder, edge);
            }
        }
    }
    free(switches);
    return status;
}

/* What nothing inside of a routine leads to is the begin of something. */
static int find_roots(finder_t *finder)
{
    const size_t count = finder->code->block_count;
    uint8_t *const is_target = calloc(count + 1, 1);

    if (is_target == NULL) {
        return -1;
    }
    for (size_t i = 0; i < finder->out->edge_count; i++) {
        const pvm_prof_edge_t *const edge = &finder->out->edges[i];
        is_target[edge->to] |= edge->is_call && edge->is_jump ? 0 : 1;
    }
    for (size_t i = 0; i < count; i++) {
        finder->is_root[i] |= is_target[i] ? 0 : 1;
    }
    free(is_target);
    return 0;
}

static int compare_edges(const void *left, const void *right)
{
    const pvm_prof_edge_t *const a = left;
    const pvm_prof_edge_t *const b = right;

    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return a->to != b->to ? (a->to < b->to ? -1 : 1) : (int)b->is_jump - (int)a->is_jump;
}

size_t pvm_prof_loops_edges_from(const pvm_prof_loops_t *loops, uint32_t block)
{
    size_t low = 0;
    size_t high = loops->edge_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (loops->edges[middle].from < block) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < loops->edge_count && loops->edges[low].from == block ? low : loops->edge_count;
}

/* -- Loops --------------------------------------------------------------------------------- */

/* Collect the body: the header, and whatever reaches the sources of its back edges without it.
 * @param mark  of each block: the number of the loop it was put into last
 * @param body  room for all blocks @return its length */
static uint32_t collect_body(const pvm_prof_flow_graph_t *graph, uint32_t header, uint32_t number,
                             uint32_t *mark, uint32_t *body)
{
    uint32_t count = 0;

    body[count++] = header;
    mark[header] = number;
    for (uint32_t k = graph->back_first[header]; k < graph->back_first[header + 1]; k++) {
        const uint32_t source = graph->sources[k];

        if (source < graph->count && mark[source] != number &&
            pvm_prof_flow_graph_dominates(graph, header, source)) {
            mark[source] = number;
            body[count++] = source;
        }
    }
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t k = graph->back_first[body[i]]; k < graph->back_first[body[i] + 1]; k++) {
            const uint32_t source = graph->sources[k];

            if (source < graph->count && mark[source] != number &&
                graph->order[source] != UINT32_MAX) {
                mark[source] = number;
                body[count++] = source;
            }
        }
    }
    return count;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static int add_loop(finder_t *finder, uint32_t header, const uint32_t *body, uint32_t count,
                    int64_t back)
{
    pvm_prof_loops_t *const out = finder->out;
    const pvm_prof_code_block_t *const blocks = finder->code->blocks;

    /* Room for a power of two; the count says when it is used up. */
    if ((out->loop_count & (out->loop_count - 1)) == 0) {
        const size_t room = out->loop_count == 0 ? 1 : 2 * out->loop_count;
        pvm_prof_loop_t *const loops = realloc(out->loops, room * sizeof(*loops));

        if (loops == NULL) {
            return -1;
        }
        out->loops = loops;
    }
    pvm_prof_loop_t *const loop = &out->loops[out->loop_count];
    *loop =
        (pvm_prof_loop_t){.header = header,
                          .parent = PVM_PROF_NO_LOOP,
                          .blocks = malloc(count * sizeof(*body)),
                          .block_count = count,
                          .iterations = blocks[header].hits,
                          .entries = back >= 0 ? pvm_prof_minus(blocks[header].hits, back) : -1};
    if (loop->blocks == NULL) {
        return -1;
    }
    out->loop_count++;
    memcpy(loop->blocks, body, count * sizeof(*body));
    qsort(loop->blocks, count, sizeof(*loop->blocks), compare_numbers);
    for (uint32_t i = 0; i < count; i++) {
        loop->gas = pvm_prof_plus(loop->gas, blocks[body[i]].gas);
    }
    return 0;
}

/* Mark the edges that lead back to `header`. @return how often they were taken; -1: not known; -2: there are none */
static int64_t mark_back_edges(pvm_prof_loops_t *out, const pvm_prof_flow_graph_t *graph,
                               uint32_t header, const size_t *edges_into, size_t count)
{
    int64_t sum = -2;

    for (size_t i = 0; i < count; i++) {
        pvm_prof_edge_t *const edge = &out->edges[edges_into[i]];

        if ((edge->is_call && edge->is_jump) ||
            !pvm_prof_flow_graph_dominates(graph, header, edge->from)) {
            continue;
        }
        edge->is_back = true;
        if (sum == -2) {
            sum = 0;
        }
        sum = edge->count < 0 || sum < 0 ? -1 : pvm_prof_plus(sum, edge->count);
    }
    return sum;
}

/** Numbers of edges by target. */
typedef struct {
    size_t *first;
    size_t *edges;
} into_t;

static int sort_by_target(const pvm_prof_loops_t *loops, size_t blocks, into_t *out)
{
    size_t *const fill = calloc(blocks + 2, sizeof(*fill));

    out->first = calloc(blocks + 2, sizeof(*out->first));
    out->edges = calloc(loops->edge_count + 1, sizeof(*out->edges));
    if (fill == NULL || out->first == NULL || out->edges == NULL) {
        free(fill);
        return -1;
    }
    for (size_t i = 0; i < loops->edge_count; i++) {
        out->first[loops->edges[i].to + 1]++;
    }
    for (size_t i = 0; i < blocks; i++) {
        out->first[i + 1] += out->first[i];
        fill[i + 1] = out->first[i + 1];
    }
    for (size_t i = 0; i < loops->edge_count; i++) {
        out->edges[fill[loops->edges[i].to]++] = i;
    }
    free(fill);
    return 0;
}

static int find_loops(finder_t *finder, const pvm_prof_flow_graph_t *graph)
{
    pvm_prof_loops_t *const out = finder->out;
    const size_t blocks = finder->code->block_count;
    uint32_t *const mark = calloc(blocks + 1, sizeof(*mark));
    uint32_t *const body = calloc(blocks + 1, sizeof(*body));
    into_t into = {0};
    uint64_t room = PVM_PROF_MAX_LOOP_BLOCKS;
    int status = mark != NULL && body != NULL ? sort_by_target(out, blocks, &into) : -1;

    for (uint32_t header = 0; header < blocks && status == 0; header++) {
        const int64_t back = mark_back_edges(out, graph, header, into.edges + into.first[header],
                                             into.first[header + 1] - into.first[header]);
        if (back == -2) {
            continue;
        }
        const uint32_t count = collect_body(graph, header, header + 1, mark, body);
        if (count > room) {
            out->is_cut = true;
            break;
        }
        room -= count;
        status = add_loop(finder, header, body, count, back);
    }
    free(into.edges);
    free(into.first);
    free(body);
    free(mark);
    return status;
}

static int compare_sizes(const void *left, const void *right)
{
    const pvm_prof_loop_t *const a = left;
    const pvm_prof_loop_t *const b = right;

    if (a->block_count != b->block_count) {
        return a->block_count > b->block_count ? -1 : 1;
    }
    return a->header < b->header ? -1 : a->header > b->header;
}

/* From the largest to the smallest: what a header was given last is the loop around it. */
static int nest_loops(finder_t *finder)
{
    pvm_prof_loops_t *const out = finder->out;
    const size_t blocks = finder->code->block_count;

    out->loop_of = malloc((blocks + 1) * sizeof(*out->loop_of));
    if (out->loop_of == NULL) {
        return -1;
    }
    memset(out->loop_of, 0xff, (blocks + 1) * sizeof(*out->loop_of));
    if (out->loop_count > 0) {
        qsort(out->loops, out->loop_count, sizeof(*out->loops), compare_sizes);
    }
    for (size_t i = 0; i < out->loop_count; i++) {
        pvm_prof_loop_t *const loop = &out->loops[i];

        loop->parent = out->loop_of[loop->header];
        loop->depth = loop->parent != PVM_PROF_NO_LOOP ? out->loops[loop->parent].depth + 1 : 0;
        for (size_t k = 0; k < loop->block_count; k++) {
            out->loop_of[loop->blocks[k]] = (uint32_t)i;
        }
    }
    return 0;
}

pvm_prof_status_t pvm_prof_loops_find(pvm_prof_run_file_t *file, const pvm_prof_code_t *code,
                                      pvm_prof_loops_t *out)
{
    finder_t finder = {.code = code,
                       .out = out,
                       .nodes = calloc(code->block_count + 1, sizeof(*finder.nodes)),
                       .is_root = calloc(code->block_count + 1, 1)};
    pvm_prof_flow_graph_t graph = {0};
    int status = SQLITE_NOMEM;

    *out = (pvm_prof_loops_t){0};
    if (finder.nodes != NULL && finder.is_root != NULL) {
        for (size_t i = 0; i < code->block_count; i++) {
            look_at_block(&finder, i);
        }
        status = read_edges(file, &finder);
    }
    if (status == SQLITE_OK &&
        (add_returns(&finder) != 0 || add_switches(&finder) != 0 || find_roots(&finder) != 0)) {
        status = SQLITE_NOMEM;
    }
    if (status == SQLITE_OK && out->edge_count > 0) {
        qsort(out->edges, out->edge_count, sizeof(*out->edges), compare_edges);
    }
    if (status == SQLITE_OK && (pvm_prof_flow_graph_make(code, out, finder.is_root, &graph) != 0 ||
                                find_loops(&finder, &graph) != 0 || nest_loops(&finder) != 0)) {
        status = SQLITE_NOMEM;
    }
    pvm_prof_flow_graph_free(&graph);
    free(finder.is_root);
    free(finder.nodes);
    return status == SQLITE_OK ? PVM_PROF_OK
                               : pvm_prof_store_report(file, status, "find its loops");
}

void pvm_prof_loops_free(pvm_prof_loops_t *loops)
{
    for (size_t i = 0; i < loops->loop_count; i++) {
        free(loops->loops[i].blocks);
    }
    free(loops->loops);
    free(loops->loop_of);
    free(loops->edges);
    *loops = (pvm_prof_loops_t){0};
}
