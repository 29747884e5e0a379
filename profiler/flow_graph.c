/* The flow graph of executed blocks and its dominators (Cooper, Harvey and Kennedy 2001). */
#include "profiler/loops.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* Edges that stay inside of a routine: calls go on behind themselves. */
static bool stays_inside(const pvm_prof_edge_t *edge)
{
    return !(edge->is_call && edge->is_jump);
}

static void prefix_sums(uint32_t *first, uint32_t count)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i <= count; i++) {
        const uint32_t here = first[i];
        first[i] = sum;
        sum += here;
    }
}

/* Both directions, by counting. `fill` has count + 2 places. */
static void place_edges(pvm_prof_flow_graph_t *graph, const pvm_prof_loops_t *loops,
                        const uint8_t *is_root, uint32_t *fill)
{
    const uint32_t top = graph->count;

    for (int backwards = 0; backwards < 2; backwards++) {
        uint32_t *const first = backwards ? graph->back_first : graph->first;
        uint32_t *const other = backwards ? graph->sources : graph->targets;

        for (int pass = 0; pass < 2; pass++) {
            for (size_t i = 0; i < loops->edge_count; i++) {
                const pvm_prof_edge_t *const edge = &loops->edges[i];
                const uint32_t at = backwards ? edge->to : edge->from;

                if (!stays_inside(edge)) {
                    continue;
                }
                if (pass == 0) {
                    first[at]++;
                } else {
                    other[fill[at]++] = backwards ? edge->from : edge->to;
                }
            }
            for (uint32_t i = 0; i < top; i++) {
                const uint32_t at = backwards ? i : top;

                if (is_root[i] && pass == 0) {
                    first[at]++;
                } else if (is_root[i]) {
                    other[fill[at]++] = backwards ? top : i;
                }
            }
            if (pass == 0) {
                prefix_sums(first, top + 1);
                memcpy(fill, first, ((size_t)top + 2) * sizeof(*fill));
            }
        }
    }
}

/** A node on the way down, and which of its edges is next. */
typedef struct {
    uint32_t node;
    uint32_t edge;
} step_t;

/* Reverse postorder without recursion. @param by_order  the nodes in that order @return how many are reached */
static uint32_t number_nodes(pvm_prof_flow_graph_t *graph, step_t *stack, uint32_t *by_order)
{
    uint32_t depth = 0;
    uint32_t left = graph->count + 1;

    memset(graph->order, 0xff, ((size_t)graph->count + 1) * sizeof(*graph->order));
    graph->order[graph->count] = 0;
    stack[depth++] = (step_t){graph->count, graph->first[graph->count]};
    while (depth > 0) {
        step_t *const at = &stack[depth - 1];

        if (at->edge < graph->first[at->node + 1]) {
            const uint32_t next = graph->targets[at->edge++];
            if (graph->order[next] == NONE) {
                graph->order[next] = 0;
                stack[depth++] = (step_t){next, graph->first[next]};
            }
            continue;
        }
        by_order[--left] = at->node;
        depth--;
    }
    const uint32_t reached = graph->count + 1 - left;
    memmove(by_order, by_order + left, reached * sizeof(*by_order));
    for (uint32_t i = 0; i < reached; i++) {
        graph->order[by_order[i]] = i;
    }
    return reached;
}

static uint32_t common(const pvm_prof_flow_graph_t *graph, uint32_t a, uint32_t b)
{
    while (a != b) {
        while (graph->order[a] > graph->order[b]) {
            a = graph->dominator[a];
        }
        while (graph->order[b] > graph->order[a]) {
            b = graph->dominator[b];
        }
    }
    return a;
}

static void find_dominators(pvm_prof_flow_graph_t *graph, const uint32_t *by_order,
                            uint32_t reached)
{
    bool has_changed = true;

    memset(graph->dominator, 0xff, ((size_t)graph->count + 1) * sizeof(*graph->dominator));
    graph->dominator[graph->count] = graph->count;
    while (has_changed) {
        has_changed = false;
        for (uint32_t i = 1; i < reached; i++) {
            const uint32_t node = by_order[i];
            uint32_t found = NONE;

            for (uint32_t k = graph->back_first[node]; k < graph->back_first[node + 1]; k++) {
                const uint32_t source = graph->sources[k];
                if (graph->order[source] != NONE && graph->dominator[source] != NONE) {
                    found = found == NONE ? source : common(graph, source, found);
                }
            }
            has_changed = has_changed || graph->dominator[node] != found;
            graph->dominator[node] = found;
        }
    }
}

int pvm_prof_flow_graph_make(const pvm_prof_code_t *code, const pvm_prof_loops_t *loops,
                             const uint8_t *is_root, pvm_prof_flow_graph_t *out)
{
    const size_t nodes = code->block_count + 2;
    const size_t edges = loops->edge_count + code->block_count + 1;
    uint32_t *const by_order = calloc(nodes, sizeof(*by_order));
    step_t *const stack = calloc(nodes, sizeof(*stack));
    int status = -1;

    *out = (pvm_prof_flow_graph_t){.count = (uint32_t)code->block_count,
                                   .first = calloc(nodes, sizeof(uint32_t)),
                                   .targets = calloc(edges, sizeof(uint32_t)),
                                   .back_first = calloc(nodes, sizeof(uint32_t)),
                                   .sources = calloc(edges, sizeof(uint32_t)),
                                   .dominator = calloc(nodes, sizeof(uint32_t)),
                                   .order = calloc(nodes, sizeof(uint32_t))};
    if (by_order != NULL && stack != NULL && out->first != NULL && out->targets != NULL &&
        out->back_first != NULL && out->sources != NULL && out->dominator != NULL &&
        out->order != NULL) {
        place_edges(out, loops, is_root, by_order);
        const uint32_t reached = number_nodes(out, stack, by_order);
        find_dominators(out, by_order, reached);
        status = 0;
    }
    free(stack);
    free(by_order);
    return status;
}

void pvm_prof_flow_graph_free(pvm_prof_flow_graph_t *graph)
{
    free(graph->first);
    free(graph->targets);
    free(graph->back_first);
    free(graph->sources);
    free(graph->dominator);
    free(graph->order);
    *graph = (pvm_prof_flow_graph_t){0};
}

bool pvm_prof_flow_graph_dominates(const pvm_prof_flow_graph_t *graph, uint32_t above,
                                   uint32_t node)
{
    if (graph->order[node] == NONE || graph->order[above] == NONE) {
        return false;
    }
    while (graph->order[node] > graph->order[above]) {
        node = graph->dominator[node];
    }
    return node == above;
}
