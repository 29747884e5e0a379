/* Selective tracing: what a filter lets through is a part of what is told without it, exactly, on every backend. */
#include "lab.h"

#include "events/events.h"

#include <stdio.h>

#define TURNS      4
#define CALLS      (2 * TURNS)
#define BLOCKS_MAX 8
#define EDGES_MAX  32
#define TRACE_MAX  256

/* Calls 3 and 5 in turn, each in the middle of a block, with a short loop between them. */
static const char *const text = "loop:\n"
                                "    ecalli 3\n"
                                "    add_imm_64 r7, r7, -1\n"
                                "    load_imm r8, 3\n"
                                "    fallthrough\n"
                                "inner:\n"
                                "    add_imm_64 r8, r8, -1\n"
                                "    branch_ne_imm r8, 0, inner\n"
                                "tail:\n"
                                "    add_imm_64 r9, r9, 1\n"
                                "    ecalli 5\n"
                                "    add_imm_64 r9, r9, 1\n"
                                "    branch_ne_imm r7, 0, loop\n"
                                "end:\n"
                                "    trap\n";

typedef struct {
    pvm_block_count_t blocks[BLOCKS_MAX];
    size_t block_count;
    pvm_edge_count_t edges[EDGES_MAX];
    size_t edge_count;
} counts_t;

/** What one run told. */
typedef struct {
    counts_t at_end;
    counts_t in_calls[CALLS]; /**< as counted when each call was made */
    size_t made;
    int32_t told[CALLS]; /**< calls that the observer saw */
    size_t told_count;
    size_t ended_count;
    uint32_t trace[TRACE_MAX];
    size_t trace_len;
    size_t traced_in[CALLS]; /**< blocks traced before each call was made */
    int64_t added;
    int64_t gas;
} told_t;

static void read_counts(pvm_vm_t *vm, counts_t *out)
{
    *out = (counts_t){0};
    out->block_count = pvm_get_block_counts(vm, out->blocks, BLOCKS_MAX);
    out->edge_count = pvm_get_edge_counts(vm, out->edges, EDGES_MAX);
    assert_true(out->edge_count <= EDGES_MAX);
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    told_t *const told = user_data;

    assert_true(told->made < CALLS);
    read_counts(vm, &told->in_calls[told->made]);
    told->traced_in[told->made] = told->trace_len;
    told->made++;
    /* Call 5 costs, call 3 gives. */
    pvm_set_gas(vm, pvm_get_gas(vm) + (func_id == 3 ? 7 : -4));
    return PVM_HOST_CONTINUE;
}

static void on_begin(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call)
{
    told_t *const told = user_data;

    (void)vm;
    told->told[told->told_count++] = call->func_id;
}

static void on_end(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call)
{
    (void)vm, (void)call;
    ((told_t *)user_data)->ended_count++;
}

static void on_gas_set(void *user_data, pvm_vm_t *vm, int64_t old_gas, int64_t new_gas)
{
    (void)vm;
    ((told_t *)user_data)->added += new_gas - old_gas;
}

static void on_blocks(void *user_data, pvm_vm_t *vm, const uint32_t *blocks, size_t count)
{
    told_t *const told = user_data;

    (void)vm;
    for (size_t i = 0; i < count; i++) {
        assert_true(told->trace_len < TRACE_MAX);
        told->trace[told->trace_len++] = blocks[i];
    }
}

static const pvm_observer_t observer = {.size = sizeof(observer),
                                        .host_call_begin = on_begin,
                                        .host_call_end = on_end,
                                        .gas_set = on_gas_set,
                                        .blocks = on_blocks};

static void run(const lab_t *lab, const char *filter, uint32_t extra, told_t *told)
{
    machine_t machine = lab_machine(lab, text, 100000);

    *told = (told_t){0};
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_COUNTS | extra), 0);
    assert_int_equal(pvm_set_trace_filter(machine.vm, filter), 0);
    assert_int_equal(pvm_set_observer(machine.vm, &observer, told), 0);
    pvm_set_host_callback(machine.vm, answer, told);
    pvm_set_register(machine.vm, 7, TURNS);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    read_counts(machine.vm, &told->at_end);
    told->gas = pvm_get_gas(machine.vm);
    assert_int_equal(told->made, CALLS);
    assert_int_equal(told->told_count, told->ended_count);
    lab_free(&machine);
}

static uint64_t edge_count(const counts_t *counts, const pvm_edge_count_t *edge)
{
    uint64_t count = 0;

    for (size_t i = 0; i < counts->edge_count; i++) {
        const pvm_edge_count_t *const at = &counts->edges[i];
        count +=
            at->kind == edge->kind && at->from == edge->from && at->to == edge->to ? at->count : 0;
    }
    return count;
}

/* sum += sign * (b - a) */
static void add_difference(counts_t *sum, const counts_t *a, const counts_t *b)
{
    sum->block_count = b->block_count;
    for (size_t i = 0; i < b->block_count; i++) {
        sum->blocks[i].hits += b->blocks[i].hits - a->blocks[i].hits;
        sum->blocks[i].gas += b->blocks[i].gas - a->blocks[i].gas;
    }
    for (size_t i = 0; i < b->edge_count; i++) {
        pvm_edge_count_t edge = b->edges[i];
        edge.count -= edge_count(a, &edge);
        if (edge.count > 0) {
            sum->edges[sum->edge_count++] = edge;
        }
    }
}

static void assert_same(const counts_t *a, const counts_t *b)
{
    assert_int_equal(a->block_count, b->block_count);
    for (size_t i = 0; i < a->block_count; i++) {
        assert_int_equal(a->blocks[i].hits, b->blocks[i].hits);
        assert_int_equal(a->blocks[i].gas, b->blocks[i].gas);
    }
    for (size_t i = 0; i < a->edge_count; i++) {
        assert_int_equal(edge_count(a, &a->edges[i]), edge_count(b, &a->edges[i]));
    }
    for (size_t i = 0; i < b->edge_count; i++) {
        assert_int_equal(edge_count(a, &b->edges[i]), edge_count(b, &b->edges[i]));
    }
}

static void after_tells_the_rest(const lab_t *lab)
{
    told_t all;
    told_t part;

    run(lab, NULL, 0, &all);
    for (int n = 1; n <= CALLS; n++) {
        char filter[32];
        counts_t rest = {0};

        (void)snprintf(filter, sizeof(filter), "after=%d", n);
        run(lab, filter, 0, &part);
        add_difference(&rest, &all.in_calls[n - 1], &all.at_end);
        assert_same(&part.at_end, &rest);
        assert_int_equal(part.told_count, CALLS - n);
        assert_int_equal(part.gas, all.gas);
    }
}

static void stop_tells_what_was_before(const lab_t *lab)
{
    told_t all;
    told_t part;

    run(lab, NULL, 0, &all);
    run(lab, "stop=5", 0, &part);
    assert_same(&part.at_end, &all.in_calls[1]);
    assert_int_equal(part.told_count, 2);
    /* Of the calls that are not told the gas that they add is. */
    assert_int_equal(part.added, 7 * (TURNS - 1));
    assert_int_equal(all.added, 0);
}

static void around_tells_a_call_and_what_follows(const lab_t *lab)
{
    told_t all;
    told_t part;
    counts_t sum = {0};

    run(lab, NULL, 0, &all);
    run(lab, "around=3", 0, &part);
    for (int i = 0; i < CALLS; i += 2) {
        counts_t piece = {0};
        add_difference(&piece, &all.in_calls[i], &all.in_calls[i + 1]);
        for (size_t b = 0; b < piece.block_count; b++) {
            sum.blocks[b].hits += piece.blocks[b].hits;
            sum.blocks[b].gas += piece.blocks[b].gas;
        }
    }
    for (size_t b = 0; b < part.at_end.block_count; b++) {
        assert_int_equal(part.at_end.blocks[b].hits, sum.blocks[b].hits);
        assert_int_equal(part.at_end.blocks[b].gas, sum.blocks[b].gas);
    }
    assert_int_equal(part.told_count, TURNS);
    assert_int_equal(part.told[1], 3);
}

static void start_and_stop_alternate(const lab_t *lab)
{
    told_t part;

    run(lab, "start=5,stop=3", 0, &part);
    assert_int_equal(part.told_count, CALLS - 1);
    assert_int_equal(part.told[0], 5);
    run(lab, "start=3,stop=3", 0, &part);
    assert_int_equal(part.told_count, TURNS);
    run(lab, "after=3,around=5", 0, &part);
    assert_int_equal(part.told_count, TURNS - 1);
}

static void code_is_selected_by_pc(const lab_t *lab)
{
    told_t all;
    told_t part;
    char filter[64];
    machine_t machine = lab_machine(lab, text, 100000);
    const uint32_t inner = lab_at(&machine, "inner");
    const uint32_t tail = lab_at(&machine, "tail");

    (void)snprintf(filter, sizeof(filter), "pc=%u..%u", inner, tail);
    lab_free(&machine);
    run(lab, NULL, 0, &all);
    run(lab, filter, 0, &part);
    for (size_t i = 0; i < all.at_end.block_count; i++) {
        assert_int_equal(part.at_end.blocks[i].hits, i == 1 ? all.at_end.blocks[i].hits : 0);
        assert_int_equal(part.at_end.blocks[i].gas, i == 1 ? all.at_end.blocks[i].gas : 0);
    }
    /* In, round, and out. */
    assert_int_equal(part.at_end.edge_count, 3);
    assert_int_equal(part.told_count, 0);
    (void)snprintf(filter, sizeof(filter), "pc=%u..0xffffffff", tail);
    run(lab, filter, 0, &part);
    assert_int_equal(part.told_count, TURNS);
    assert_int_equal(part.told[0], 5);
}

static void traces_are_parts_of_the_whole_trace(const lab_t *lab)
{
    told_t all;
    told_t part;
    const uint32_t both[] = {PVM_INSTRUMENT_BLOCKS, PVM_INSTRUMENT_BLOCKS | PVM_INSTRUMENT_GAS};

    for (size_t i = 0; i < 2; i++) {
        run(lab, NULL, both[i], &all);
        assert_int_equal(all.trace_len, TURNS * 5 + 1);
        run(lab, "after=3", both[i], &part);
        assert_int_equal(part.trace_len, all.trace_len - all.traced_in[2]);
        assert_memory_equal(part.trace, all.trace + all.traced_in[2],
                            part.trace_len * sizeof(*part.trace));
        run(lab, "stop=5", both[i], &part);
        assert_int_equal(part.trace_len, all.traced_in[1]);
        assert_memory_equal(part.trace, all.trace, part.trace_len * sizeof(*part.trace));
    }
}

/* -- The sink ------------------------------------------------------------------------------ */

static size_t sunk[PVM_EVENT_COUNT];
static char sunk_filter[64];

static int wants_all(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink, (void)kind;
    return 1;
}

static void count_event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink;
    sunk[kind]++;
    if (kind == PVM_EVENT_execute_begin) {
        (void)snprintf(sunk_filter, sizeof(sunk_filter), "%s",
                       ((const pvm_event_execute_begin_t *)record)->filter);
    }
}

static const pvm_trace_sink_t sink = {.size = sizeof(sink),
                                      .layout = PVM_EVENT_LAYOUT,
                                      .is_enabled = wants_all,
                                      .event = count_event};

static void run_service(const lab_t *lab, uint32_t service, const char *filter)
{
    machine_t machine = lab_machine(lab, text, 100000);
    told_t told = {0};

    memset(sunk, 0, sizeof(sunk));
    assert_int_equal(pvm_set_trace_filter(NULL, filter), 0);
    assert_int_equal(pvm_trace_set_sink(&sink), 0);
    pvm_vm_t *const vm = pvm_instantiate(machine.program, lab->backend, service, 100000);
    pvm_set_host_callback(vm, answer, &told);
    pvm_set_register(vm, 7, TURNS);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    pvm_destroy(vm);
    assert_int_equal(pvm_trace_set_sink(NULL), 0);
    assert_int_equal(pvm_set_trace_filter(NULL, NULL), 0);
    lab_free(&machine);
}

static void services_are_selected_for_the_whole_process(const lab_t *lab)
{
    run_service(lab, 6, "service=7,service=8");
    for (size_t kind = 0; kind < PVM_EVENT_COUNT; kind++) {
        const bool is_of_machine = kind >= PVM_EVENT_vm_create && kind != PVM_EVENT_compile_begin &&
                                   kind != PVM_EVENT_compile_end;
        assert_true(!is_of_machine || sunk[kind] == 0);
    }
    run_service(lab, 8, "service=7,service=8,after=6");
    assert_int_equal(sunk[PVM_EVENT_vm_create], 1);
    assert_int_equal(sunk[PVM_EVENT_execute_end], 1);
    assert_int_equal(sunk[PVM_EVENT_host_call], 2);
    assert_int_equal(sunk[PVM_EVENT_host_call_begin], 2);
    assert_int_equal(sunk[PVM_EVENT_host_call_end], 2);
    assert_int_equal(sunk[PVM_EVENT_gas_set], 3);
    assert_string_equal(sunk_filter, "service=7,service=8,after=6");
    run_service(lab, 6, "");
    assert_int_equal(sunk[PVM_EVENT_host_call], CALLS);
    assert_string_equal(sunk_filter, "");
}

static void what_is_not_understood_is_refused(const lab_t *lab)
{
    static const char *const texts[] = {
        "servic=1",    "service",    "service=",  "service=x",     "service=4294967296",
        "pc=4",        "pc=8..4",    "pc=1..",    "after=-1",      "after=1,after=2",
        "start=",      "stop=-x",    "function=", "function=nope", ",",
        "service=1,,", "pc=0..0x1g", "around=,",  "service=1;2",   "pc=99999999999..4"};
    machine_t machine = lab_machine(lab, text, 100000);
    char *const long_text = calloc(1, PVM_FILTER_BYTES + 1);

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        lab_clear_error();
        if (pvm_set_trace_filter(machine.vm, texts[i]) != -1) {
            fail_msg("accepted: %s", texts[i]);
        }
        lab_assert_explained();
        assert_null(pvm_get_trace_filter(machine.vm));
    }
    memset(long_text, '1', PVM_FILTER_BYTES);
    memcpy(long_text, "after=", 6);
    assert_int_equal(pvm_set_trace_filter(machine.vm, long_text), -1);
    assert_int_equal(pvm_set_trace_filter(machine.vm, "function=fn@0"), 0);
    assert_string_equal(pvm_get_trace_filter(machine.vm), "function=fn@0");
    assert_int_equal(pvm_set_trace_filter(machine.vm, NULL), 0);
    assert_null(pvm_get_trace_filter(machine.vm));
    free(long_text);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(after_tells_the_rest, LAB_ALL_SPECS, LAB_COUNTING | LAB_COUNTING_STEPS),
        LAB_TEST(stop_tells_what_was_before, LAB_ALL_SPECS, LAB_COUNTING | LAB_COUNTING_STEPS),
        LAB_TEST(around_tells_a_call_and_what_follows, LAB_ALL_SPECS,
                 LAB_COUNTING | LAB_COUNTING_STEPS),
        LAB_TEST(start_and_stop_alternate, LAB_ALL_SPECS, LAB_COUNTING | LAB_COUNTING_STEPS),
        LAB_TEST(code_is_selected_by_pc, LAB_ALL_SPECS, LAB_COUNTING | LAB_COUNTING_STEPS),
        LAB_TEST(traces_are_parts_of_the_whole_trace, LAB_ALL_SPECS,
                 LAB_COUNTING | LAB_COUNTING_STEPS),
        LAB_TEST_ONCE(services_are_selected_for_the_whole_process),
        LAB_TEST_ONCE(what_is_not_understood_is_refused),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
