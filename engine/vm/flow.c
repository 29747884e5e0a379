/* Building flow graphs and their trees, and solving them. All sums are modulo 2^64, as counters are. */
#include "vm/flow.h"

#include "gas/words.h"
#include "isa/positions.h"
#include "program/ranks.h"
#include "support/large.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/** Deeper loops are not told apart. */
#define DEPTH_MAX 7
/** Classes of how often an edge is taken, in a block that is: */
enum { SELDOM, HALF, MOSTLY, ALWAYS, PROBABILITIES };
#define CLASSES ((DEPTH_MAX + 1) * PROBABILITIES)

/* What is needed while a graph is built. Vertices are those of the flow. */
typedef struct {
    pvm_flow_t *flow;
    const pvm_program_t *program;
    uint8_t *classes;    /**< of each edge; UINT8_MAX: never in the tree */
    int32_t *depths;     /**< of each block: loops around it */
    uint32_t *parents;   /**< union-find */
    uint32_t *degrees;   /**< edges of the tree at each vertex that are not in `steps` yet */
    uint32_t *exclusive; /**< sum (xor) of these edges: the edge itself, where there is one */
    uint32_t *order;     /**< edges of the tree */
} builder_t;

/* -- Terminators --- */

static uint32_t target_block(const pvm_program_t *program, const uint32_t *ranks, int64_t pc)
{
    if (pc < 0 || pc > UINT32_MAX || !pvm_program_is_block_start(program, (uint64_t)pc)) {
        return PVM_BLOCK_NONE;
    }
    /* What starts behind the code is nobody's in the ranks. */
    return pc < program->code.len ? pvm_ranks_block_at(program, ranks, (uint32_t)pc)
                                  : pvm_program_block_at(program, (uint32_t)pc);
}

/* The next one of the walk, or the end of the code. Found by opcode: most instructions are none, and need not be decoded. */
static uint32_t next_terminator(pvm_positions_t *positions, const pvm_gas_number_t *numbers)
{
    const pvm_code_t *const code = positions->code;
    uint32_t pc = pvm_positions_next(positions);

    while (pc < code->len && (numbers[code->octets[pc]].class & PVM_GAS_IS_TERMINATOR) == 0) {
        pc = pvm_positions_next(positions);
    }
    return pc < code->len ? pc : code->len;
}

static bool list_terminators(const pvm_program_t *program, pvm_flow_t *flow)
{
    uint32_t *const ranks = pvm_large_take(pvm_ranks_count(program) * sizeof(*ranks));
    const pvm_code_t *const code = &program->code;
    const pvm_gas_number_t *const numbers = pvm_gas_numbers_of(code->isa)->numbers;
    /* An invalid program has code but no blocks, and none of it is ever executed. */
    const uint32_t end = program->error == NULL ? code->len : 0;
    pvm_positions_t positions = pvm_positions_from(code, 0);
    uint32_t count = 0;
    uint32_t block = 0;

    for (uint32_t pc = 0; pc < end && (pc = next_terminator(&positions, numbers)) < end;) {
        count++;
    }
    flow->terminators = pvm_large_take((count + (size_t)1) * sizeof(*flow->terminators));
    if (ranks == NULL || flow->terminators == NULL) {
        pvm_large_give(ranks);
        return false;
    }
    if (count > 0) {
        pvm_ranks_make(program, ranks);
    }
    positions = pvm_positions_from(code, 0);
    while (flow->terminator_count < count) {
        const uint32_t pc = next_terminator(&positions, numbers);
        pvm_instruction_t in;
        pvm_isa_decode(code, pc, &in);
        while (block + 1 < program->block_count && program->blocks[block + 1].pc <= pc) {
            block++;
        }
        const bool runs_into_next =
            block + 1 < program->block_count && program->blocks[block + 1].pc == in.next;
        flow->terminators[flow->terminator_count++] = (pvm_terminator_t){
            .pc = pc,
            .from = block,
            .next = runs_into_next ? block + 1 : target_block(program, ranks, in.next),
            .jump = pvm_isa_has_target((pvm_op_t)in.op) ? target_block(program, ranks, in.y)
                                                        : PVM_BLOCK_NONE,
        };
    }
    pvm_large_give(ranks);
    return true;
}

uint32_t pvm_flow_vertex_at(const pvm_program_t *program, uint32_t pc)
{
    const uint32_t block = pvm_program_block_at(program, pc);

    return block > 0 && block == program->block_count ? block - 1 : block;
}

uint32_t pvm_flow_terminator(const pvm_flow_t *flow, uint32_t pc)
{
    uint32_t low = 0;
    uint32_t high = flow->terminator_count;

    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (flow->terminators[middle].pc <= pc) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* -- Edges and how often they are taken --- */

/* A jump backwards makes a loop of everything between, unless it is a call. */
static void find_depths(const builder_t *b)
{
    const pvm_flow_t *const flow = b->flow;
    int32_t depth = 0;

    for (uint32_t i = 0; i < flow->terminator_count; i++) {
        const pvm_terminator_t *const at = &flow->terminators[i];
        const pvm_op_t op = pvm_isa_op(b->program->code.isa, b->program->code.octets[at->pc]);
        const bool is_call =
            pvm_isa_ops[op].effect == PVM_EFFECT_JUMP && pvm_isa_ops[op].writes != 0;
        if (at->jump <= at->from && !is_call) {
            b->depths[at->jump]++;
            b->depths[at->from + 1]--;
        }
    }
    for (uint32_t block = 0; block < flow->block_count; block++) {
        depth += b->depths[block];
        b->depths[block] = depth < DEPTH_MAX ? depth : DEPTH_MAX;
    }
}

static void set_edge(const builder_t *b, uint32_t edge, uint32_t target, int probability)
{
    const uint32_t source = b->flow->terminators[edge / 2].from;

    b->flow->targets[edge] = target;
    b->classes[edge] = (uint8_t)(b->depths[source] * PROBABILITIES + probability);
}

/* Where a terminator leads that does not jump. */
static uint32_t vertex_behind(const builder_t *b, const pvm_terminator_t *at)
{
    if (at->next < b->flow->block_count) {
        return at->next;
    }
    return pvm_flow_vertex_at(b->program, at->pc + 1 + pvm_isa_skip(&b->program->code, at->pc));
}

static void list_edges(const builder_t *b)
{
    pvm_flow_t *const flow = b->flow;

    for (uint32_t i = 0; i < flow->terminator_count; i++) {
        const pvm_terminator_t *const at = &flow->terminators[i];
        const pvm_op_t op = pvm_isa_op(b->program->code.isa, b->program->code.octets[at->pc]);
        const uint32_t next = vertex_behind(b, at);
        const uint32_t jump = at->jump < flow->block_count ? at->jump : flow->block_count - 1;
        flow->sources[2 * i] = flow->sources[2 * i + 1] = at->from;
        flow->targets[2 * i] = flow->targets[2 * i + 1] = at->from;
        b->classes[2 * i] = b->classes[2 * i + 1] = UINT8_MAX;
        switch (pvm_isa_ops[op].effect) {
        case PVM_EFFECT_FALLTHROUGH:
            set_edge(b, 2 * i, next, ALWAYS);
            break;
        case PVM_EFFECT_BRANCH:
            set_edge(b, 2 * i, next, at->jump <= at->from ? SELDOM : HALF);
            if (at->jump != PVM_BLOCK_NONE) {
                set_edge(b, 2 * i + 1, jump, at->jump <= at->from ? MOSTLY : HALF);
            }
            break;
        case PVM_EFFECT_JUMP:
            if (at->jump != PVM_BLOCK_NONE) {
                set_edge(b, 2 * i + 1, jump, ALWAYS);
            }
            break;
        case PVM_EFFECT_JUMP_IND:
            set_edge(b, 2 * i + 1, flow->block_count, ALWAYS);
            break;
        default:
            break;
        }
    }
}

/* -- The tree --- */

static uint32_t find_root(uint32_t *parents, uint32_t vertex)
{
    while (parents[vertex] != vertex) {
        parents[vertex] = parents[parents[vertex]];
        vertex = parents[vertex];
    }
    return vertex;
}

static void attach(const builder_t *b, uint32_t vertex, uint32_t edge)
{
    b->degrees[vertex]++;
    b->exclusive[vertex] ^= edge;
}

/* The heaviest edges first, each that closes no circle. @return edges of the tree */
static uint32_t grow_tree(const builder_t *b)
{
    const pvm_flow_t *const flow = b->flow;
    const uint32_t edges = 2 * flow->terminator_count;
    uint32_t starts[CLASSES + 1] = {0};
    uint32_t count = 0;

    for (uint32_t edge = 0; edge < edges; edge++) {
        if (b->classes[edge] < CLASSES) {
            starts[CLASSES - 1 - b->classes[edge] + 1]++;
        }
    }
    for (uint32_t i = 0; i < CLASSES; i++) {
        starts[i + 1] += starts[i];
    }
    const uint32_t candidates = starts[CLASSES];
    for (uint32_t edge = 0; edge < edges; edge++) {
        if (b->classes[edge] < CLASSES) {
            b->order[starts[CLASSES - 1 - b->classes[edge]]++] = edge;
        }
    }
    for (uint32_t i = 0; i < candidates; i++) {
        const uint32_t edge = b->order[i];
        const uint32_t source = find_root(b->parents, flow->sources[edge]);
        const uint32_t target = find_root(b->parents, flow->targets[edge]);
        if (source != target) {
            b->parents[source] = target;
            flow->is_counted[edge] = false;
            attach(b, flow->sources[edge], edge);
            attach(b, flow->targets[edge], edge);
            count++;
        }
    }
    return count;
}

/* Take leaf after leaf off the tree. */
static void order_steps(const builder_t *b, uint32_t count)
{
    pvm_flow_t *const flow = b->flow;

    for (uint32_t first = 0; first <= flow->block_count; first++) {
        uint32_t vertex = first;
        while (b->degrees[vertex] == 1) {
            const uint32_t edge = b->exclusive[vertex];
            const uint32_t other = flow->sources[edge] ^ flow->targets[edge] ^ vertex;
            flow->steps[flow->step_count++] = (pvm_flow_step_t){.edge = edge, .vertex = vertex};
            b->degrees[vertex] = 0;
            b->degrees[other]--;
            b->exclusive[other] ^= edge;
            /* What lies ahead is looked at when its turn comes. */
            vertex = other <= first ? other : vertex;
        }
    }
    assert(flow->step_count == count);
    (void)count;
}

/* @return octets of the tables that stay */
static size_t place_kept(pvm_flow_t *flow, size_t edges, size_t vertices)
{
    size_t used = 0;

    flow->sources = pvm_large_place(flow->tables, &used, edges * sizeof(*flow->sources));
    flow->targets = pvm_large_place(flow->tables, &used, edges * sizeof(*flow->targets));
    flow->is_counted = pvm_large_place(flow->tables, &used, edges);
    flow->steps = pvm_large_place(flow->tables, &used, vertices * sizeof(*flow->steps));
    return used;
}

/* @return octets of those that are needed for building only */
static size_t place_others(builder_t *b, void *room, size_t edges, size_t vertices)
{
    size_t used = 0;

    b->order = pvm_large_place(room, &used, edges * sizeof(*b->order));
    b->classes = pvm_large_place(room, &used, edges);
    b->depths = pvm_large_place(room, &used, vertices * sizeof(*b->depths));
    b->parents = pvm_large_place(room, &used, vertices * sizeof(*b->parents));
    b->degrees = pvm_large_place(room, &used, vertices * sizeof(*b->degrees));
    b->exclusive = pvm_large_place(room, &used, vertices * sizeof(*b->exclusive));
    return used;
}

static bool build(builder_t *b)
{
    pvm_flow_t *const flow = b->flow;
    const size_t edges = 2 * (size_t)flow->terminator_count + 2;
    const size_t vertices = (size_t)flow->block_count + 2;
    const size_t room_bytes = place_others(b, NULL, edges, vertices);
    void *const room = pvm_large_take(room_bytes);
    bool is_built = false;

    flow->tables = pvm_large_take(place_kept(flow, edges, vertices));
    if (room == NULL || flow->tables == NULL) {
        goto out;
    }
    (void)place_kept(flow, edges, vertices);
    (void)place_others(b, room, edges, vertices);
    memset(room, 0, room_bytes);
    memset(flow->is_counted, true, edges);
    for (uint32_t i = 0; i < vertices; i++) {
        b->parents[i] = i;
    }
    find_depths(b);
    list_edges(b);
    order_steps(b, grow_tree(b));
    is_built = true;
out:
    pvm_large_give(room);
    return is_built;
}

const pvm_flow_t *pvm_flow_of(const pvm_program_t *program)
{
    pvm_flow_t **const place = &((pvm_program_t *)(uintptr_t)program)->flow;
    pvm_flow_t *known = __atomic_load_n(place, __ATOMIC_ACQUIRE);

    if (known != NULL) {
        return known;
    }
    builder_t b = {.flow = calloc(1, sizeof(pvm_flow_t)), .program = program};
    if (b.flow == NULL) {
        return NULL;
    }
    b.flow->block_count = program->block_count;
    if (!list_terminators(program, b.flow) || !build(&b)) {
        pvm_flow_destroy(b.flow);
        return NULL;
    }
    /* Two threads may come here at once; one of the two equal graphs stays. */
    if (!__atomic_compare_exchange_n(place, &known, b.flow, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        pvm_flow_destroy(b.flow);
        return known;
    }
    return b.flow;
}

void pvm_flow_destroy(pvm_flow_t *flow)
{
    if (flow == NULL) {
        return;
    }
    pvm_large_give(flow->terminators);
    pvm_large_give(flow->tables);
    free(flow);
}

void pvm_flow_solve(const pvm_flow_t *flow, uint64_t *edges, uint64_t *balance)
{
    for (uint32_t edge = 0; edge < 2 * flow->terminator_count; edge++) {
        if (flow->is_counted[edge]) {
            balance[flow->sources[edge]] -= edges[edge];
            balance[flow->targets[edge]] += edges[edge];
        }
    }
    for (uint32_t i = 0; i < flow->step_count; i++) {
        const pvm_flow_step_t step = flow->steps[i];
        const bool leaves = flow->sources[step.edge] == step.vertex;
        const uint64_t missing = balance[step.vertex];
        edges[step.edge] = leaves ? missing : -missing;
        /* Either way the other end gets what this vertex had too much, or gives what it lacked. */
        balance[leaves ? flow->targets[step.edge] : flow->sources[step.edge]] += missing;
        balance[step.vertex] = 0;
    }
}
