/* Exact counts, pvm/trace.h and docs/counting.md: hits, gas and edges of hand-made programs, figures from the
 * definitions: a hit is an arrival whose first instruction was executed, gas is what was charged there. */
#include "lab.h"

#define GAS     100000
#define HALT    UINT64_C(0xffff0000)
#define ROOM    64
#define NOWHERE "-"

typedef struct {
    pvm_block_count_t blocks[ROOM];
    size_t block_count; /**< with the place for "no block" */
    pvm_edge_count_t edges[ROOM];
    size_t edge_count;
} counts_t;

static counts_t read_counts(pvm_vm_t *vm)
{
    counts_t counts;

    memset(&counts, 0, sizeof(counts));
    counts.block_count = pvm_get_block_counts(vm, counts.blocks, ROOM);
    assert_int_equal(counts.block_count, pvm_program_block_count(pvm_get_program(vm)) + 1);
    counts.edge_count = pvm_get_edge_counts(vm, counts.edges, ROOM);
    assert_true(counts.edge_count <= ROOM);
    return counts;
}

static uint32_t block_of(const machine_t *machine, const char *label)
{
    if (strcmp(label, NOWHERE) == 0) {
        return PVM_BLOCK_NONE;
    }
    return pvm_program_block_at(machine->program, lab_at(machine, label));
}

/* What must hold at any time: the arrivals at a block are its edges, and nothing is charged elsewhere. */
static void assert_consistent(const machine_t *machine, int64_t gas_used)
{
    const counts_t counts = read_counts(machine->vm);
    uint64_t arrivals[ROOM] = {0};
    uint64_t gas = 0;
    uint64_t to_hub = 0;
    uint64_t from_hub = 0;

    for (size_t i = 0; i < counts.edge_count; i++) {
        const pvm_edge_count_t *const edge = &counts.edges[i];
        assert_true(edge->count > 0);
        if (edge->kind == PVM_EDGE_TO_HUB) {
            assert_int_equal(edge->to, PVM_BLOCK_NONE);
            to_hub += edge->count;
        } else if (edge->to == PVM_BLOCK_NONE) {
            /* Off the code of 0.7.2, where no block is. */
            assert_int_equal(edge->kind, PVM_EDGE_NEXT);
        } else {
            assert_true(edge->to < counts.block_count);
            arrivals[edge->to] += edge->count;
        }
        from_hub += edge->kind == PVM_EDGE_FROM_HUB ? edge->count : 0;
        assert_int_equal(edge->from == PVM_BLOCK_NONE,
                         edge->kind == PVM_EDGE_ENTRY || edge->kind == PVM_EDGE_FROM_HUB);
    }
    assert_int_equal(to_hub, from_hub);
    for (size_t i = 0; i < counts.block_count; i++) {
        assert_int_equal(counts.blocks[i].hits, arrivals[i]);
        gas += counts.blocks[i].gas;
    }
    assert_int_equal(gas, gas_used);
}

static void assert_block(const machine_t *machine, const char *label, uint64_t hits, int64_t gas)
{
    const counts_t counts = read_counts(machine->vm);
    const uint32_t index = block_of(machine, label);

    assert_int_equal(counts.blocks[index].hits, hits);
    assert_int_equal(counts.blocks[index].gas, gas);
}

static void assert_edge(const machine_t *machine, const char *from, const char *to,
                        pvm_edge_kind_t kind, uint64_t count)
{
    const counts_t counts = read_counts(machine->vm);
    uint64_t found = 0;

    for (size_t i = 0; i < counts.edge_count; i++) {
        const pvm_edge_count_t *const edge = &counts.edges[i];
        if (edge->from == block_of(machine, from) && edge->to == block_of(machine, to) &&
            edge->kind == kind) {
            found += edge->count;
        }
    }
    assert_int_equal(found, count);
}

/* Gas of a whole block, and of `instructions` of it, for which 0.8.0 pays the whole as well. */
static int64_t whole(const machine_t *machine, const char *label)
{
    return lab_cost(machine, label);
}

static int64_t part(const lab_t *lab, const machine_t *machine, const char *label,
                    int64_t instructions)
{
    return lab->flat ? instructions : lab_cost(machine, label);
}

static int64_t used(const machine_t *machine)
{
    return GAS - pvm_get_gas(machine->vm);
}

/* -- Ways through a program --- */

static const char loop_text[] = "first: load_imm r1, 0\n"
                                "fallthrough\n"
                                "loop: add_imm_64 r1, r1, 1\n"
                                "branch_eq_imm r1, 2, @rare\n"
                                "common: add_imm_64 r2, r2, 1\n"
                                "back: branch_lt_u_imm r1, 4, @loop\n"
                                "last: jump_ind r0, 0\n"
                                "rare: load_imm r3, 1\n"
                                "jump @common\n";

static void loops_and_branches_are_counted_block_by_block_and_edge_by_edge(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, loop_text, GAS);
    pvm_set_register(machine.vm, 0, HALT);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);

    assert_consistent(&machine, used(&machine));
    assert_block(&machine, "first", 1, whole(&machine, "first"));
    assert_block(&machine, "loop", 4, 4 * whole(&machine, "loop"));
    assert_block(&machine, "common", 4, 4 * whole(&machine, "common"));
    assert_block(&machine, "last", 1, whole(&machine, "last"));
    assert_block(&machine, "rare", 1, whole(&machine, "rare"));
    assert_edge(&machine, NOWHERE, "first", PVM_EDGE_ENTRY, 1);
    assert_edge(&machine, "first", "loop", PVM_EDGE_NEXT, 1);
    assert_edge(&machine, "loop", "common", PVM_EDGE_NEXT, 3);
    assert_edge(&machine, "loop", "rare", PVM_EDGE_JUMP, 1);
    assert_edge(&machine, "rare", "common", PVM_EDGE_JUMP, 1);
    assert_edge(&machine, "common", "loop", PVM_EDGE_JUMP, 3);
    assert_edge(&machine, "common", "last", PVM_EDGE_NEXT, 1);
    assert_int_equal(read_counts(machine.vm).edge_count, 7);
    lab_free(&machine);
}

static void indirect_jumps_go_through_one_hub_and_halting_is_no_edge(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    ".jump_table @called, @back, @other\n"
                                    "first: load_imm r5, 0\n"
                                    "fallthrough\n"
                                    "call: load_imm_jump r3, 4, @called\n"
                                    "back: add_imm_64 r5, r5, 1\n"
                                    "branch_lt_u_imm r5, 3, @call\n"
                                    "go: load_imm_jump_ind r3, r4, 0, 6\n"
                                    "other: jump_ind r0, 0\n"
                                    "called: jump_ind r3, 0\n",
                                    GAS);
    pvm_set_register(machine.vm, 0, HALT);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);

    assert_consistent(&machine, used(&machine));
    assert_block(&machine, "called", 3, 3 * whole(&machine, "called"));
    assert_block(&machine, "back", 3, 3 * whole(&machine, "back"));
    assert_block(&machine, "other", 1, whole(&machine, "other"));
    assert_edge(&machine, "called", NOWHERE, PVM_EDGE_TO_HUB, 3);
    assert_edge(&machine, "go", NOWHERE, PVM_EDGE_TO_HUB, 1);
    assert_edge(&machine, "other", NOWHERE, PVM_EDGE_TO_HUB, 0);
    assert_edge(&machine, NOWHERE, "back", PVM_EDGE_FROM_HUB, 3);
    assert_edge(&machine, NOWHERE, "other", PVM_EDGE_FROM_HUB, 1);
    assert_edge(&machine, "call", "called", PVM_EDGE_JUMP, 3);
    lab_free(&machine);
}

static void a_block_that_jumps_to_itself_is_hit_each_time(const lab_t *lab)
{
    machine_t machine = lab_machine(lab,
                                    "loop: add_imm_64 r1, r1, 1\n"
                                    "branch_lt_u_imm r1, 5, @loop\n"
                                    "last: trap\n",
                                    GAS);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_consistent(&machine, used(&machine));
    assert_block(&machine, "loop", 5, 5 * whole(&machine, "loop"));
    assert_edge(&machine, "loop", "loop", PVM_EDGE_JUMP, 4);
    lab_free(&machine);
}

/* -- Leaving in the middle, and going on --- */

static const char middle_text[] = "first: load_imm r1, 1\n"
                                  "fallthrough\n"
                                  "block: load_imm r2, 2\n"
                                  "load_u8 r3, 0x20000\n"
                                  "load_imm r4, 4\n"
                                  "ecalli 9\n"
                                  "inside: load_imm r5, 5\n"
                                  "fallthrough\n"
                                  "last: trap\n";

static void going_on_after_a_fault_is_no_hit(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, middle_text, GAS);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
    assert_block(&machine, "block", 1, part(lab, &machine, "block", 2));
    assert_consistent(&machine, used(&machine));
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_FAULT);
    assert_block(&machine, "block", 1, part(lab, &machine, "block", 3));
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_READ), 0);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_HOST_CALL);
    assert_block(&machine, "block", 1, part(lab, &machine, "block", 6));
    assert_consistent(&machine, used(&machine));
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_block(&machine, "block", 1, part(lab, &machine, "block", 8));
    assert_block(&machine, "last", 1, whole(&machine, "last"));
    assert_edge(&machine, "block", "last", PVM_EDGE_NEXT, 1);
    assert_consistent(&machine, used(&machine));
    lab_free(&machine);
}

static void entry_into_the_middle_is_a_hit_of_the_block_around_it(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, middle_text, GAS);

    assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, "inside")), PVM_RESULT_PANIC);
    assert_block(&machine, "block", 1, part(lab, &machine, "block", 2));
    assert_edge(&machine, NOWHERE, "block", PVM_EDGE_ENTRY, 1);
    assert_block(&machine, "first", 0, 0);
    assert_consistent(&machine, used(&machine));
    assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, "inside")), PVM_RESULT_PANIC);
    assert_edge(&machine, NOWHERE, "block", PVM_EDGE_ENTRY, 2);
    assert_block(&machine, "last", 2, 2 * whole(&machine, "last"));
    lab_free(&machine);
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    return *(const pvm_host_result_t *)user_data;
}

static void a_host_call_that_ends_the_run_leaves_the_block_in_the_middle(const lab_t *lab)
{
    static const pvm_host_result_t answers[] = {PVM_HOST_TERMINATE, PVM_HOST_ERROR, PVM_HOST_OOG,
                                                PVM_HOST_YIELD, (pvm_host_result_t)77};

    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        pvm_host_result_t now = answers[i];
        machine_t machine = lab_machine(lab, middle_text, GAS);
        pvm_set_host_callback(machine.vm, answer, &now);
        assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_READ), 0);

        assert_int_not_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
        assert_block(&machine, "block", 1, part(lab, &machine, "block", 4));
        assert_block(&machine, "last", 0, 0);
        assert_consistent(&machine, used(&machine));
        now = PVM_HOST_CONTINUE;
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
        assert_block(&machine, "block", 2,
                     part(lab, &machine, "block", 10) + (lab->flat ? 0 : whole(&machine, "block")));
        assert_block(&machine, "last", 1, whole(&machine, "last"));
        assert_consistent(&machine, used(&machine));
        lab_free(&machine);
    }
}

/* Looks at the counts from inside the call: they are current. */
static pvm_host_result_t look(pvm_vm_t *vm, int func_id, void *user_data)
{
    const machine_t *const machine = user_data;

    (void)func_id;
    assert_ptr_equal(vm, machine->vm);
    assert_consistent(machine, used(machine));
    return PVM_HOST_CONTINUE;
}

static void counts_are_current_inside_a_callback(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, middle_text, GAS);
    pvm_set_host_callback(machine.vm, look, &machine);
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_READ), 0);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_block(&machine, "block", 1, whole(&machine, "block"));
    lab_free(&machine);
}

/* -- Out of gas --- */

static void an_arrival_that_cannot_be_paid_counts_when_it_is(const lab_t *lab)
{
    /* Each way to arrive at `there`: running on, branching, jumping, indirectly, as an entry. */
    static const struct {
        const char *text;
        const char *from;
        pvm_edge_kind_t kind;
    } cases[] = {
        {"from: fallthrough\n there: trap\n", "from", PVM_EDGE_NEXT},
        {"from: branch_ne r0, r0, @far\n there: trap\n far: trap\n", "from", PVM_EDGE_NEXT},
        {"from: branch_eq r0, r0, @there\n trap\n there: trap\n", "from", PVM_EDGE_JUMP},
        {"from: jump @there\n trap\n there: trap\n", "from", PVM_EDGE_JUMP},
        {"from: load_imm_jump r1, 7, @there\n trap\n there: trap\n", "from", PVM_EDGE_JUMP},
        {".jump_table @there\n from: jump_ind r4, 2\n there: trap\n", NOWHERE, PVM_EDGE_FROM_HUB},
        {".jump_table @there\n from: load_imm_jump_ind r1, r4, 7, 2\n there: trap\n", NOWHERE,
         PVM_EDGE_FROM_HUB},
        {"from: there: trap\n", NOWHERE, PVM_EDGE_ENTRY},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const bool is_entry = cases[i].kind == PVM_EDGE_ENTRY;
        machine_t machine = lab_machine(lab, cases[i].text, 0);
        const int64_t before = is_entry ? 0 : whole(&machine, "from");
        pvm_set_gas(machine.vm, before);

        for (int again = 0; again < 3; again++) {
            assert_int_equal(again == 0 ? lab_execute(lab, machine.vm, 0)
                                        : lab_resume(lab, machine.vm),
                             PVM_RESULT_OOG);
            assert_int_equal(pvm_get_pc(machine.vm), lab_at(&machine, "there"));
            assert_block(&machine, "there", 0, 0);
            assert_edge(&machine, cases[i].from, "there", cases[i].kind, 0);
            assert_edge(&machine, "from", NOWHERE, PVM_EDGE_TO_HUB, 0);
            assert_consistent(&machine, before);
        }
        pvm_set_gas(machine.vm, 50);
        assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
        assert_block(&machine, "there", 1, whole(&machine, "there"));
        assert_edge(&machine, cases[i].from, "there", cases[i].kind, 1);
        assert_edge(&machine, "from", NOWHERE, PVM_EDGE_TO_HUB,
                    cases[i].kind == PVM_EDGE_FROM_HUB ? 1 : 0);
        assert_consistent(&machine, before + whole(&machine, "there"));
        lab_free(&machine);
    }
}

static void an_arrival_that_is_given_up_is_never_counted(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "from: fallthrough\n there: trap\n other: trap\n", 0);
    const int64_t before = whole(&machine, "from");
    pvm_set_gas(machine.vm, before);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OOG);
    pvm_set_gas(machine.vm, 50);
    assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, "other")), PVM_RESULT_PANIC);
    assert_edge(&machine, "from", "there", PVM_EDGE_NEXT, 0);
    assert_block(&machine, "there", 0, 0);
    assert_block(&machine, "other", 1, whole(&machine, "other"));
    assert_consistent(&machine, before + whole(&machine, "other"));
    lab_free(&machine);
}

static void out_of_gas_in_the_middle_of_a_block_of_0_7_2_has_paid_for_a_part(const lab_t *lab)
{
    static const char text[] = "block: load_imm r1, 1\n"
                               "load_imm r2, 2\n"
                               "load_imm r3, 3\n"
                               "load_imm r4, 4\n"
                               "fallthrough\n"
                               "last: trap\n";

    for (int64_t gas = 1; gas < 5; gas++) {
        machine_t machine = lab_machine(lab, text, (uint64_t)gas);
        assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OOG);
        assert_block(&machine, "block", 1, gas);
        assert_consistent(&machine, gas);
        for (int64_t more = gas; more < 5; more++) {
            pvm_set_gas(machine.vm, 1);
            assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_OOG);
            assert_block(&machine, "block", 1, more + 1);
            assert_consistent(&machine, more + 1);
        }
        pvm_set_gas(machine.vm, 1);
        assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
        assert_block(&machine, "last", 1, 1);
        assert_block(&machine, "block", 1, 5);
        lab_free(&machine);
    }
}

/* -- The ends of the code --- */

static void the_trap_behind_latest64_code_is_counted_as_no_block(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, "first: load_imm r1, 1\n jump @end\n end:", GAS);
    const uint32_t none = pvm_program_block_count(machine.program);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    const counts_t counts = read_counts(machine.vm);
    assert_int_equal(counts.blocks[none].hits, 1);
    assert_int_equal(counts.blocks[none].gas, 2);
    assert_block(&machine, "first", 1, whole(&machine, "first"));
    assert_consistent(&machine, used(&machine));
    assert_int_equal(lab_execute(lab, machine.vm, lab_at(&machine, "end")), PVM_RESULT_PANIC);
    assert_int_equal(read_counts(machine.vm).blocks[none].hits, 2);
    assert_consistent(&machine, used(&machine));
    lab_free(&machine);
}

static void what_runs_off_the_code_of_0_7_2_still_adds_up(const lab_t *lab)
{
    static const char *const texts[] = {"load_imm r1, 1",           "load_imm r1, 1\n fallthrough",
                                        "branch_eq_imm r1, 1, @0",  "ecalli 1",
                                        "fallthrough\n .byte *255", ".byte *255"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        for (int64_t gas = 0; gas < 5; gas++) {
            pvm_host_result_t go_on = PVM_HOST_CONTINUE;
            machine_t machine = lab_machine(lab, texts[i], (uint64_t)gas);
            pvm_set_host_callback(machine.vm, answer, &go_on);
            (void)lab_execute(lab, machine.vm, 0);
            assert_consistent(&machine, gas - pvm_get_gas(machine.vm));
            lab_free(&machine);
        }
    }
}

/* -- Switching and reading --- */

static void clearing_sets_all_to_zero_and_counting_goes_on(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, middle_text, GAS);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
    assert_int_equal(pvm_clear_counts(machine.vm), 0);
    assert_consistent(&machine, 0);
    assert_int_equal(read_counts(machine.vm).edge_count, 0);
    const int64_t gas = pvm_get_gas(machine.vm);
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_READ), 0);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_HOST_CALL);
    assert_block(&machine, "block", 0, lab->flat ? 3 : 0);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_block(&machine, "last", 1, whole(&machine, "last"));
    assert_consistent(&machine, gas - pvm_get_gas(machine.vm));
    lab_free(&machine);
}

static void counting_that_begins_in_the_middle_counts_what_is_charged_from_there(const lab_t *lab)
{
    /* In HOST, in FAULT, ready at an entry, out of gas. */
    for (int where = 0; where < 4; where++) {
        machine_t machine = lab_machine(lab, middle_text, GAS);
        assert_int_equal(pvm_set_instrumentation(machine.vm, 0), 0);
        if (where == 0) {
            assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_READ), 0);
            assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
        } else if (where == 1) {
            assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_FAULT);
        } else if (where == 3) {
            pvm_set_gas(machine.vm, 0);
            assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OOG);
            pvm_set_gas(machine.vm, GAS);
        }
        const int64_t gas = pvm_get_gas(machine.vm);
        assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_EDGES), 0);
        assert_consistent(&machine, 0);
        (void)lab_resume(lab, machine.vm);
        assert_consistent(&machine, gas - pvm_get_gas(machine.vm));
        assert_edge(&machine, NOWHERE, "block", PVM_EDGE_ENTRY, 0);
        assert_edge(&machine, NOWHERE, "first", PVM_EDGE_ENTRY, where < 2 ? 0 : 1);
        lab_free(&machine);
    }
}

static void a_suspended_machine_that_goes_on_in_a_paid_block_is_no_hit(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, middle_text, GAS);

    assert_int_equal(pvm_set_pc(machine.vm, lab_at(&machine, "inside")), 0);
    assert_int_equal(pvm_set_charged(machine.vm, 1), 0);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_PANIC);
    assert_block(&machine, "block", 0, 0);
    assert_block(&machine, "last", 1, whole(&machine, "last"));
    assert_consistent(&machine, used(&machine));
    lab_free(&machine);
}

static void turning_counting_off_forgets_and_turning_it_on_begins_anew(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, loop_text, GAS);
    pvm_set_register(machine.vm, 0, HALT);
    pvm_block_count_t counts[ROOM];

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_COUNTS), 0);
    assert_block(&machine, "loop", 4, 4 * whole(&machine, "loop"));
    assert_int_equal(pvm_set_instrumentation(machine.vm, 0), 0);
    assert_int_equal(pvm_get_block_counts(machine.vm, counts, ROOM), 0);
    assert_int_equal(pvm_get_edge_counts(machine.vm, NULL, 0), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_COUNTS), 0);
    assert_consistent(&machine, 0);
    lab_free(&machine);
}

static void edges_are_counted_even_where_there_is_no_room_for_them(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, loop_text, GAS);
    pvm_edge_count_t edges[4];
    pvm_set_register(machine.vm, 0, HALT);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);

    memset(edges, 0x5a, sizeof(edges));
    assert_int_equal(pvm_get_edge_counts(machine.vm, NULL, 0), 7);
    assert_int_equal(pvm_get_edge_counts(machine.vm, edges, 3), 7);
    assert_true(edges[2].count > 0 && edges[2].count < 10);
    assert_int_equal(edges[3].from, 0x5a5a5a5a);
    lab_free(&machine);
}

static void the_block_table_is_sorted_and_every_pc_is_in_the_block_before_it(const lab_t *lab)
{
    machine_t machine = lab_machine(lab, loop_text, GAS);
    const uint32_t count = pvm_program_block_count(machine.program);
    const pvm_block_t *const blocks = pvm_program_blocks(machine.program);

    assert_int_equal(count, 5);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t end = i + 1 < count ? blocks[i + 1].pc : machine.text.code_len;
        assert_int_equal(blocks[i].end_pc, end);
        for (uint32_t pc = blocks[i].pc; pc < end; pc++) {
            assert_int_equal(pvm_program_block_at(machine.program, pc), i);
        }
    }
    assert_int_equal(blocks[0].pc, 0);
    assert_int_equal(blocks[0].instructions, 2);
    assert_int_equal(blocks[3].instructions, 1);
    if (lab->flat) {
        assert_int_equal(blocks[0].gas, 2);
        assert_int_equal(blocks[3].gas, 1);
    } else {
        assert_int_equal(blocks[3].gas, 22);
    }
    lab_free(&machine);
}

int main(void)
{
    const unsigned drives = LAB_COUNTING | LAB_COUNTING_STEPS;
    const struct CMUnitTest tests[] = {
        LAB_TEST(loops_and_branches_are_counted_block_by_block_and_edge_by_edge, LAB_ALL_SPECS,
                 drives),
        LAB_TEST(indirect_jumps_go_through_one_hub_and_halting_is_no_edge, LAB_ALL_SPECS, drives),
        LAB_TEST(a_block_that_jumps_to_itself_is_hit_each_time, LAB_ALL_SPECS, drives),
        LAB_TEST(going_on_after_a_fault_is_no_hit, LAB_ALL_SPECS, drives),
        LAB_TEST(entry_into_the_middle_is_a_hit_of_the_block_around_it, LAB_ALL_SPECS, drives),
        LAB_TEST(a_host_call_that_ends_the_run_leaves_the_block_in_the_middle, LAB_ALL_SPECS,
                 drives),
        LAB_TEST(counts_are_current_inside_a_callback, LAB_ALL_SPECS, drives),
        LAB_TEST(an_arrival_that_cannot_be_paid_counts_when_it_is, LAB_ALL_SPECS, drives),
        LAB_TEST(an_arrival_that_is_given_up_is_never_counted, LAB_ALL_SPECS, drives),
        LAB_TEST(out_of_gas_in_the_middle_of_a_block_of_0_7_2_has_paid_for_a_part, LAB_0_7_2,
                 drives),
        LAB_TEST(the_trap_behind_latest64_code_is_counted_as_no_block, LAB_LATEST64, drives),
        LAB_TEST(what_runs_off_the_code_of_0_7_2_still_adds_up, LAB_0_7_2, drives),
        LAB_TEST(clearing_sets_all_to_zero_and_counting_goes_on, LAB_ALL_SPECS, drives),
        LAB_TEST(counting_that_begins_in_the_middle_counts_what_is_charged_from_there,
                 LAB_ALL_SPECS, drives),
        LAB_TEST(a_suspended_machine_that_goes_on_in_a_paid_block_is_no_hit, LAB_BLOCK_GAS, drives),
        LAB_TEST(turning_counting_off_forgets_and_turning_it_on_begins_anew, LAB_ALL_SPECS, drives),
        LAB_TEST(edges_are_counted_even_where_there_is_no_room_for_them, LAB_ALL_SPECS, drives),
        LAB_TEST(the_block_table_is_sorted_and_every_pc_is_in_the_block_before_it, LAB_ALL_SPECS,
                 LAB_PLAIN),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
