/* Recosting against reality: a program is recorded under one spec and priced under another, and executed in the same way under
 * that other one. Every block must cost the same to the unit, on all exits, entries and ways to go on, on both
 * backends. */
#include "prof_fixture.h"

#include "profiler/recost.h"
#include "vm/vm.h"

static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64};
static const pvm_backend_t backends[] = {PVM_BACKEND_INTERPRETER, PVM_BACKEND_RECOMPILER};

#define SPECS    (sizeof(specs) / sizeof(specs[0]))
#define BACKENDS (sizeof(backends) / sizeof(backends[0]))
#define PLENTY   UINT64_C(1000000)

/* -- Ways to execute ------------------------------------------------------------------------- */

typedef struct {
    uint32_t move_to; /**< where host call 6 sends the guest */
    int calls;
} host_state_t;

/* Host call 0 goes on, 2 .. 5 end or yield, 6 moves the guest once, 7 stops it behind the call, 8 moves it and yields. */
static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    static const pvm_host_result_t answers[] = {
        PVM_HOST_CONTINUE, PVM_HOST_CONTINUE, PVM_HOST_TERMINATE, PVM_HOST_ERROR, PVM_HOST_OOG,
        PVM_HOST_YIELD,    PVM_HOST_CONTINUE, PVM_HOST_CONTINUE,  PVM_HOST_YIELD,
    };
    host_state_t *const state = user_data;

    state->calls++;
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    if ((func_id == 6 || func_id == 8) && state->calls == 1) {
        pvm_set_pc(vm, state->move_to);
    }
    if (func_id == 7) {
        pvm_vm_interrupt(vm);
    }
    return answers[func_id];
}

typedef void drive_t(pvm_vm_t *vm, uint32_t pc);

static void once(pvm_vm_t *vm, uint32_t pc)
{
    pvm_execute(vm, pc);
}

static void twice(pvm_vm_t *vm, uint32_t pc)
{
    pvm_execute(vm, pc);
    pvm_execute(vm, pc);
}

/* Whatever can be resumed is, a page at a time; the first fault is tried twice. */
static void resumed(pvm_vm_t *vm, uint32_t pc)
{
    pvm_result_t result = pvm_execute(vm, pc);

    for (int i = 0; i < 20 && (result == PVM_RESULT_FAULT || result == PVM_RESULT_HOST_CALL ||
                               pvm_get_machine_state(vm) == PVM_STATE_READY);
         i++) {
        if (result == PVM_RESULT_FAULT && i > 0) {
            pvm_map_memory(vm, pvm_get_fault_address(vm), 4096, PVM_ACCESS_WRITE);
        }
        result = pvm_resume(vm);
    }
}

static void stepped(pvm_vm_t *vm, uint32_t pc)
{
    pvm_set_pc(vm, pc);
    for (int i = 0; i < 200 && (pvm_get_machine_state(vm) == PVM_STATE_READY ||
                                pvm_get_machine_state(vm) == PVM_STATE_HOST);
         i++) {
        pvm_step(vm);
    }
}

/* Three steps, then as far as it goes. */
static void stepped_first(pvm_vm_t *vm, uint32_t pc)
{
    pvm_set_pc(vm, pc);
    for (int i = 0; i < 3 && pvm_get_machine_state(vm) == PVM_STATE_READY; i++) {
        pvm_step(vm);
    }
    if (pvm_get_machine_state(vm) == PVM_STATE_READY) {
        pvm_resume(vm);
    }
}

/* Left in the middle, begun anew. */
static void reset_between(pvm_vm_t *vm, uint32_t pc)
{
    pvm_set_pc(vm, pc);
    pvm_step(vm);
    pvm_step(vm);
    pvm_reset(vm, PLENTY);
    pvm_execute(vm, pc);
    pvm_reset(vm, PLENTY);
    pvm_execute(vm, pc);
}

/* -- Recording and comparing ---------------------------------------------------------------- */

typedef struct {
    const char *name;
    const char *text;
    drive_t *drive;
    uint32_t entry;
    uint32_t move_to;
    bool not_0_8_0; /**< not valid there */
} recost_case_t;

static const char *describe(const recost_case_t *at, pvm_spec_t from, pvm_spec_t to)
{
    static char text[160];

    snprintf(text, sizeof(text), "%s, spec %d priced under %d", at->name, (int)from, (int)to);
    return text;
}

static void run(const char *path, const recost_case_t *at, pvm_spec_t spec, pvm_backend_t backend,
                uint64_t gas)
{
    prof_recording_t recording = prof_record(path, 0);
    pvm_program_t *const program = prof_program(at->text, spec);
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 7, gas);
    host_state_t state = {.move_to = at->move_to};

    assert_non_null(vm);
    assert_int_equal(pvm_prof_recorder_attach(recording.recorder, vm, NULL), PVM_PROF_OK);
    pvm_set_host_callback(vm, host, &state);
    at->drive(vm, at->entry);
    pvm_destroy(vm);
    prof_finish(&recording);
    pvm_program_release(program);
}

/* Where the execution under a spec is recorded. */
static const char *real_of(const prof_place_t *place, pvm_spec_t spec, char *out)
{
    sprintf(out, "%s/real%d.db", place->folder, (int)spec);
    return out;
}

static void price(const char *path, pvm_spec_t spec, pvm_prof_recost_t *out)
{
    pvm_prof_run_file_t *file = NULL;

    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    if (pvm_prof_recost(file, spec, out) != PVM_PROF_OK) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_prof_run_file_close(file);
}

/* Every block, and the total. What executes behind the code belongs to the last block or to one of its own. */
static void agrees(const char *real_path, const pvm_prof_recost_t *priced, const char *what)
{
    for (size_t i = 0; i < priced->block_count; i++) {
        char sql[96];

        snprintf(sql, sizeof(sql), "SELECT total(gas) FROM block WHERE pc = %u",
                 priced->blocks[i].pc);
        const int64_t real = prof_integer(real_path, sql);
        if (priced->blocks[i].other != real && strstr(what, "behind the code") == NULL) {
            fail_msg("%s: block %u is priced %lld and costs %lld", what, priced->blocks[i].pc,
                     (long long)priced->blocks[i].other, (long long)real);
        }
    }
    const int64_t real = prof_integer(real_path, "SELECT blocks_gas FROM gas_summary");
    if (priced->other_blocks_gas != real) {
        fail_msg("%s: priced %lld and costs %lld", what, (long long)priced->other_blocks_gas,
                 (long long)real);
    }
    if (!priced->is_exact) {
        fail_msg("%s: said not to be exact", what);
    }
}

#define HALT "load_imm r0, -65536\njump_ind r0, 0"
#define LOOP                                                                                       \
    "load_imm r2, 10\nfallthrough\nloop: add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @loop\n"
/* The first three instructions are 3 octets each: 0, 3, 6. */
#define MIDDLE "load_imm r1, 1\nload_imm r2, 2\nload_imm r3, 3\nmul_64 r4, r2, r3\n"

static const recost_case_t cases[] = {
    {"halt", MIDDLE HALT, once, 0, 0, false},
    {"halt after a loop", LOOP HALT, once, 0, 0, false},
    {"two executions", LOOP HALT, twice, 0, 0, false},
    {"panic", "load_imm r1, 1\ntrap", once, 0, 0, false},
    {"panic by a bad jump", "load_imm r1, 3\njump_ind r1, 0", once, 0, 0, false},
    {"panic in the middle", LOOP "load_imm r1, 1\nload_u8 r2, 16\nload_imm r3, 1\ntrap", once, 0, 0,
     false},
    {"fault", LOOP "load_imm r1, 1\nload_u8 r2, 0x20000\nload_imm r3, 1\ntrap", once, 0, 0, false},
    {"fault at the begin", LOOP "load_u8 r2, 0x20000\nload_imm r3, 1\ntrap", once, 0, 0, false},
    {"faults resumed",
     LOOP "load_imm r1, 1\nstore_u8 r1, 0x20000\nload_u8 r2, 0x30000\nload_imm r3, 1\n" HALT,
     resumed, 0, 0, false},
    {"faults resumed in a loop",
     "load_imm r2, 10\nload_imm r5, 0x20000\nfallthrough\nloop: store_ind_u8 r2, r5, 0\n"
     "add_imm_64 r5, r5, 4096\nadd_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @loop\n" HALT,
     resumed, 0, 0, false},
    {"host calls", LOOP "ecalli 0\nload_imm r1, 1\necalli 0\n" HALT, once, 0, 0, false},
    {"host terminates", LOOP "load_imm r1, 1\necalli 2\nload_imm r1, 1\ntrap", once, 0, 0, false},
    {"host refuses", LOOP "load_imm r1, 1\necalli 3\nload_imm r1, 1\ntrap", once, 0, 0, false},
    {"host says out of gas", LOOP "load_imm r1, 1\necalli 4\nload_imm r1, 1\ntrap", once, 0, 0,
     false},
    {"host says out of gas at a begin", LOOP "ecalli 4\nload_imm r1, 1\ntrap", once, 0, 0, false},
    {"host yields", LOOP "load_imm r1, 1\necalli 5\nload_imm r1, 1\ntrap", once, 0, 0, false},
    {"host yields and is answered", LOOP "load_imm r1, 1\necalli 5\nload_imm r1, 1\n" HALT, resumed,
     0, 0, false},
    {"host stops it", LOOP "load_imm r1, 1\necalli 7\nload_imm r1, 1\n" HALT, once, 0, 0, false},
    {"host stops it for a while", LOOP "load_imm r1, 1\necalli 7\nload_imm r1, 1\n" HALT, resumed,
     0, 0, false},
    {"host moves it to a begin", MIDDLE "ecalli 6\nload_imm r1, 1\n" HALT, once, 0, 0, false},
    {"host moves it into the middle", MIDDLE "ecalli 6\nload_imm r1, 1\n" HALT, once, 0, 6, false},
    {"host moves it and yields", MIDDLE "ecalli 8\nload_imm r1, 1\n" HALT, resumed, 0, 3, false},
    {"entry in the middle", MIDDLE "fallthrough\n" LOOP HALT, once, 6, 0, false},
    {"entry in the middle, twice", MIDDLE "ecalli 3\ntrap", twice, 3, 0, false},
    {"entry in the middle and a panic there", MIDDLE "load_u8 r2, 16\nload_imm r3, 1\ntrap", once,
     3, 0, false},
    {"entry in the middle and a fault resumed", MIDDLE "load_u8 r2, 0x20000\nload_imm r3, 1\ntrap",
     resumed, 3, 0, false},
    {"entry where no instruction stands", MIDDLE HALT, once, 4, 0, false},
    {"entry behind the code", MIDDLE HALT, once, 1000, 0, false},
    {"steps", LOOP "ecalli 0\n" HALT, stepped, 0, 0, false},
    {"steps from the middle", MIDDLE LOOP HALT, stepped, 3, 0, false},
    {"some steps, then the rest", MIDDLE LOOP HALT, stepped_first, 0, 0, false},
    {"some steps from the middle, then the rest", MIDDLE LOOP HALT, stepped_first, 3, 0, false},
    {"reset in the middle", MIDDLE LOOP HALT, reset_between, 0, 0, false},
    {"runs on behind the code", LOOP "load_imm r1, 1\nfallthrough", once, 0, 0, false},
    {"runs off the code", LOOP "load_imm r1, 1", once, 0, 0, true},
};

/* Of a program that is not valid under 0.8.0 nothing can be said there, and nothing recorded. */
static bool is_possible(const recost_case_t *at, pvm_spec_t spec)
{
    return !at->not_0_8_0 || spec != PVM_SPEC_0_8_0;
}

static void price_case(const prof_place_t *place, const recost_case_t *at, pvm_spec_t from)
{
    for (size_t i = 0; i < SPECS; i++) {
        char real_path[112];
        pvm_prof_recost_t priced;

        if (!is_possible(at, specs[i])) {
            continue;
        }
        price(place->path, specs[i], &priced);
        if (priced.refused > 0) {
            assert_false(priced.is_exact);
        } else {
            agrees(real_of(place, specs[i], real_path), &priced, describe(at, from, specs[i]));
        }
        pvm_prof_recost_free(&priced);
    }
}

static void every_block_costs_what_it_is_priced(void **state)
{
    const prof_place_t *const place = *state;
    char real_path[112];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t s = 0; s < SPECS; s++) {
            if (is_possible(&cases[i], specs[s])) {
                run(real_of(place, specs[s], real_path), &cases[i], specs[s],
                    PVM_BACKEND_INTERPRETER, PLENTY);
            }
        }
        for (size_t pair = 0; pair < SPECS * BACKENDS; pair++) {
            const pvm_spec_t from = specs[pair % SPECS];

            if (is_possible(&cases[i], from)) {
                run(place->path, &cases[i], from, backends[pair / SPECS], PLENTY);
                price_case(place, &cases[i], from);
            }
        }
    }
}

/* Under 0.7.2 the executions of single instructions, which hits and cuts give, are the gas. */
static void cuts_explain_the_gas_of_every_block(void **state)
{
    const prof_place_t *const place = *state;
    static const char sql[] =
        "SELECT count(*) FROM (SELECT b.gas g, b.hits * b.instructions + (SELECT total(c.began * "
        "(b.instructions - (c.pc - b.pc) / 3)) FROM cut c WHERE c.pc >= b.pc AND c.pc < b.end_pc) "
        "e "
        "FROM block b) WHERE g != e";
    static const recost_case_t in_threes = {
        "instructions of 3 octets",
        "load_imm r1, 1\nload_imm r2, 2\nmul_64 r3, r2, r2\n"
        "mul_64 r3, r2, r2\nload_ind_u8 r2, r1, 1\nload_imm r3, 1\n",
        twice,
        3,
        0,
        true};

    for (size_t b = 0; b < BACKENDS; b++) {
        run(place->path, &in_threes, PVM_SPEC_0_7_2, backends[b], PLENTY);
        assert_int_equal(prof_integer(place->path, sql), 0);
    }
}

/* Out of gas stops another spec elsewhere. But with the gas that what was executed would have cost there, the other one
 * stops at the end of what was executed, or of the block that 0.7.2 did not finish. */
static void what_ran_out_of_gas_is_priced_up_to_there(void **state)
{
    static const recost_case_t loop = {
        "out of gas",
        "load_imm r2, 0\nfallthrough\nloop: add_imm_64 r2, r2, 1\nmul_64 r3, r2, r2\n"
        "mul_64 r3, r3, r2\nmul_64 r3, r3, r2\njump @loop",
        once,
        0,
        0,
        false};
    const prof_place_t *const place = *state;
    char real_path[112];

    snprintf(real_path, sizeof(real_path), "%s/real.db", place->folder);
    for (uint64_t gas = 0; gas < 40; gas = 3 * gas / 2 + 1) {
        for (size_t pair = 0; pair < SPECS * SPECS * BACKENDS; pair++) {
            const pvm_spec_t from = specs[pair % SPECS];
            const pvm_spec_t to = specs[pair / SPECS % SPECS];
            pvm_prof_recost_t priced;

            run(place->path, &loop, from, backends[pair / SPECS / SPECS], gas);
            price(place->path, to, &priced);
            assert_int_equal(priced.oog, 1);
            run(real_path, &loop, to, PVM_BACKEND_INTERPRETER, (uint64_t)priced.other_blocks_gas);
            agrees(real_path, &priced, describe(&loop, from, to));
            pvm_prof_recost_free(&priced);
        }
    }
}

/* -- What it refuses ------------------------------------------------------------------------- */

static void change(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void refuses(const char *path, pvm_spec_t spec, const char *why)
{
    pvm_prof_run_file_t *file = NULL;
    pvm_prof_recost_t priced;

    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_recost(file, spec, &priced), PVM_PROF_E_FORMAT);
    if (strstr(pvm_last_error(), why) == NULL) {
        fail_msg("'%s' does not say '%s'", pvm_last_error(), why);
    }
    pvm_prof_recost_free(&priced);
    pvm_prof_run_file_close(file);
}

static void what_does_not_reconcile_is_refused_with_the_difference(void **state)
{
    const prof_place_t *const place = *state;

    run(place->path, &cases[1], PVM_SPEC_0_7_2, PVM_BACKEND_INTERPRETER, PLENTY);
    change(place->path, "UPDATE block SET gas = gas + 5 WHERE pc = 0");
    refuses(place->path, PVM_SPEC_0_8_0, "difference -5");
    change(place->path, "UPDATE total SET blocks_gas = blocks_gas + 5");
    refuses(place->path, PVM_SPEC_0_8_0, "difference -5");
    change(place->path, "UPDATE total SET gas_used = gas_used + 5");
    refuses(place->path, PVM_SPEC_0_8_0, "difference 5");
}

static void counts_that_cannot_be_are_refused(void **state)
{
    const prof_place_t *const place = *state;

    run(place->path, &cases[1], PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER, PLENTY);
    change(place->path, "INSERT INTO cut VALUES (1, 0, -1000)");
    refuses(place->path, PVM_SPEC_0_7_2, "contradict");
    run(place->path, &cases[1], PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER, PLENTY);
    change(place->path, "UPDATE block SET pc = 1 WHERE pc = 0");
    refuses(place->path, PVM_SPEC_0_7_2, "does not fit");
    run(place->path, &cases[1], PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER, PLENTY);
    change(place->path, "UPDATE program SET blob = x'00'");
    refuses(place->path, PVM_SPEC_0_7_2, "");
}

static void what_has_no_form_there_is_refused(void **state)
{
    static const recost_case_t growing = {"sbrk", "load_imm r1, 0\nsbrk r1, r1\n" HALT, once, 0, 0,
                                          true};
    const prof_place_t *const place = *state;
    pvm_prof_recost_t priced;

    run(place->path, &growing, PVM_SPEC_0_7_2, PVM_BACKEND_INTERPRETER, PLENTY);
    refuses(place->path, PVM_SPEC_0_8_0, "sbrk has no equivalent in 0.8.0");
    price(place->path, PVM_SPEC_LATEST64, &priced);
    assert_true(priced.has_sbrk);
    pvm_prof_recost_free(&priced);
}

/* `unlikely` does nothing but cost; 0.7.2 does not have it. */
static void hints_are_left_out_under_0_7_2(void **state)
{
    static const recost_case_t with = {
        "hint", "unlikely\nload_imm r1, 1\nunlikely\n" HALT, twice, 0, 0, false};
    static const recost_case_t without = {"no hint", "load_imm r1, 1\n" HALT, twice, 0, 0, false};
    const prof_place_t *const place = *state;
    char real_path[112];
    pvm_prof_recost_t priced;

    snprintf(real_path, sizeof(real_path), "%s/real.db", place->folder);
    run(place->path, &with, PVM_SPEC_0_8_0, PVM_BACKEND_INTERPRETER, PLENTY);
    run(real_path, &without, PVM_SPEC_0_7_2, PVM_BACKEND_INTERPRETER, PLENTY);
    price(place->path, PVM_SPEC_0_7_2, &priced);
    assert_int_equal(priced.hints, 4);
    assert_int_equal(priced.other_blocks_gas,
                     prof_integer(real_path, "SELECT blocks_gas FROM gas_summary"));
    pvm_prof_recost_free(&priced);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
    const struct CMUnitTest tests[] = {
        TEST(every_block_costs_what_it_is_priced),
        TEST(cuts_explain_the_gas_of_every_block),
        TEST(what_ran_out_of_gas_is_priced_up_to_there),
        TEST(what_does_not_reconcile_is_refused_with_the_difference),
        TEST(counts_that_cannot_be_are_refused),
        TEST(what_has_no_form_there_is_refused),
        TEST(hints_are_left_out_under_0_7_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
