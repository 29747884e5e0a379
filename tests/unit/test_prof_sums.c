/* The sum rule, blocks_gas + host_gas = gas_used to the unit, on every way in which a run can
 * end, be resumed, stepped or paid for, under every spec. The expected figures of 0.7.2 are
 * counted by hand (one gas per instruction). */
#include "prof_fixture.h"

#include "vm/vm.h"

static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64};

/* Host call 0 costs 10, 1 adds 100 gas, 2 .. 5 give the other answers, 6 takes everything, 7
 * says nonsense. */
static pvm_host_result_t host(pvm_vm_t *vm, int func_id, void *user_data)
{
    static const pvm_host_result_t answers[] = {
        PVM_HOST_CONTINUE, PVM_HOST_CONTINUE, PVM_HOST_TERMINATE, PVM_HOST_ERROR,
        PVM_HOST_OOG,      PVM_HOST_YIELD,    PVM_HOST_CONTINUE,  (pvm_host_result_t)99,
    };
    const int64_t gas = pvm_get_gas(vm);

    (void)user_data;
    pvm_set_gas(vm, func_id == 1 ? gas + 100 : func_id == 6 ? 0 : gas - 10);
    pvm_set_register(vm, 7, UINT64_C(1000) + (uint64_t)func_id);
    return answers[func_id];
}

/* What must hold in any file, whatever was recorded. */
static void reconciles(const char *path, const char *what)
{
    static const char *const zeros[] = {
        "SELECT count(*) - 1 FROM gas_summary",
        "SELECT gas_used - blocks_gas - host_gas FROM gas_summary",
        "SELECT count(*) FROM executions WHERE gas_used IS NOT blocks_gas + host_gas",
        "SELECT count(*) FROM executions WHERE gas_used IS NOT gas_start + gas_added - gas_end",
        "SELECT (SELECT sum(gas_used) FROM executions) - gas_used FROM gas_summary",
        "SELECT (SELECT total(gas) FROM hot_blocks) - blocks_gas FROM gas_summary",
        "SELECT (SELECT total(self_gas) FROM hot_functions) - blocks_gas FROM gas_summary",
        "SELECT (SELECT total(max(0, gas_before - gas_after)) FROM host_calls) - host_gas FROM "
        "gas_summary",
        "SELECT (SELECT count(*) FROM host_calls) - (SELECT sum(host_calls) FROM executions)",
        "SELECT (SELECT total(gas) FROM host_total) - host_gas FROM gas_summary",
        "SELECT (SELECT count(*) FROM host_calls) - (SELECT total(calls) FROM host_total)",
        "SELECT (SELECT total(gas) FROM host_site) - host_gas FROM gas_summary",
        "SELECT (SELECT total(calls) FROM host_site) - (SELECT total(calls) FROM host_total)",
        "SELECT (SELECT total(gas) FROM host_slice) - host_gas FROM gas_summary",
        "SELECT (SELECT total(calls) FROM host_slice) - (SELECT total(calls) FROM host_total)",
        "SELECT (SELECT total(duration_ns) FROM host_slice) - (SELECT total(duration_ns) FROM "
        "host_site)",
        "SELECT (SELECT total(hits) FROM hot_blocks) - (SELECT total(count) FROM edge WHERE to_pc "
        ">= 0)",
        "SELECT count(*) FROM lost_events",
        "SELECT value != 'holds' FROM run_info WHERE key = 'sum_rule'",
    };

    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        const int64_t value = prof_integer(path, zeros[i]);
        if (value != 0) {
            fail_msg("%s: %s gives %lld", what, zeros[i], (long long)value);
        }
    }
}

typedef struct {
    const char *name;
    const char *text;
    uint64_t gas;
    const char *result;
    int64_t used_0_7_2;
    int64_t host_gas;
} exit_case_t;

#define LOOP                                                                                       \
    "load_imm r2, 100\nfallthrough\nloop: add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @loop\n"

static const exit_case_t exit_cases[] = {
    {"halt", "load_imm r0, -65536\njump_ind r0, 0", 1000, "halt", 2, 0},
    {"halt after a loop", LOOP "load_imm r0, -65536\njump_ind r0, 0", 1000, "halt", 204, 0},
    {"panic", "load_imm r1, 1\ntrap", 1000, "panic", 2, 0},
    {"panic by bad jump", "load_imm r1, 3\njump_ind r1, 0", 1000, "panic", 2, 0},
    {"panic in the middle", "load_imm r1, 1\nload_u8 r2, 16\nload_imm r3, 1\ntrap", 1000, "panic",
     2, 0},
    {"fault in the middle", "load_imm r1, 1\nload_u8 r2, 0x20000\nload_imm r3, 1\ntrap", 1000,
     "fault", 2, 0},
    {"fault after a loop", LOOP "load_u8 r2, 0x20000\ntrap", 1000, "fault", 203, 0},
    {"oog in a loop", "loop: add_imm_64 r2, r2, 1\njump @loop", 1001, "oog", 1001, 0},
    {"oog at once", "load_imm r1, 1\ntrap", 0, "oog", 0, 0},
    {"oog in the middle",
     "div_u_64 r1, r2, r3\ndiv_u_64 r1, r1, r2\ndiv_u_64 r1, r1, r2\ndiv_u_64 r1, r1, r2\ntrap", 3,
     "oog", 3, 0},
    {"host calls", LOOP "ecalli 0\necalli 0\nload_imm r0, -65536\njump_ind r0, 0", 1000, "halt",
     226, 20},
    {"host adds gas", "ecalli 1\necalli 0\nload_imm r0, -65536\njump_ind r0, 0", 1000, "halt", 14,
     10},
    {"host terminates", "load_imm r1, 1\necalli 2\ntrap", 1000, "halt", 12, 10},
    {"host refuses", "load_imm r1, 1\necalli 3\ntrap", 1000, "panic", 12, 10},
    {"host says oog", "load_imm r1, 1\necalli 4\ntrap", 1000, "oog", 12, 10},
    {"host yields", "load_imm r1, 1\necalli 5\ntrap", 1000, "host", 12, 10},
    {"host takes all", "load_imm r1, 1\necalli 6\nfallthrough\ntrap", 1000, "oog", 1000, 998},
    {"host talks nonsense", "load_imm r1, 1\necalli 7\ntrap", 1000, "error", 12, 10},
    {"loop of host calls",
     "load_imm r2, 100\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, "
     "@loop\ntrap",
     5000, "panic", 1303, 1000},
    {"oog between host calls", "loop: ecalli 0\njump @loop", 100, "oog", 100, 83},
};

static void every_exit_reconciles(void **state)
{
    const prof_place_t *const place = *state;

    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        for (size_t i = 0; i < sizeof(exit_cases) / sizeof(exit_cases[0]); i++) {
            const exit_case_t *const at = &exit_cases[i];
            /* The pipeline charges other amounts: give enough where running out is not the
             * point. */
            const uint64_t factor =
                specs[s] != PVM_SPEC_0_7_2 && strncmp(at->name, "oog", 3) != 0 ? 1000 : 1;
            prof_recording_t recording = prof_record(place->path, 0);
            pvm_program_t *const program = prof_program(at->text, specs[s]);
            pvm_vm_t *const vm = prof_attach(&recording, program, 7, at->gas * factor);

            pvm_set_host_callback(vm, host, NULL);
            pvm_execute(vm, 0);
            const int64_t gas_end = pvm_get_gas(vm);
            prof_finish(&recording);
            pvm_destroy(vm);
            pvm_program_release(program);

            reconciles(place->path, at->name);
            if (strcmp(prof_text(place->path, "SELECT result FROM gas_summary"), at->result) != 0) {
                fail_msg("%s, spec %d: result is %s", at->name, (int)specs[s],
                         prof_text(place->path, "SELECT result FROM gas_summary"));
            }
            assert_int_equal(prof_integer(place->path, "SELECT gas_end FROM gas_summary"),
                             gas_end < 0 ? 0 : gas_end);
            assert_int_equal(prof_integer(place->path, "SELECT gas_start FROM gas_summary"),
                             at->gas * factor);
            if (specs[s] == PVM_SPEC_0_7_2) {
                const int64_t used = prof_integer(place->path, "SELECT gas_used FROM gas_summary");
                const int64_t host_gas =
                    prof_integer(place->path, "SELECT host_gas FROM gas_summary");
                if (used != at->used_0_7_2 || host_gas != at->host_gas) {
                    fail_msg("%s: used %lld, host gas %lld", at->name, (long long)used,
                             (long long)host_gas);
                }
            }
        }
    }
}

/* One instruction at a time, with host calls answered by the caller or by a callback. */
static void stepped_runs_are_one_execution(void **state)
{
    const prof_place_t *const place = *state;

    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        for (int with_callback = 0; with_callback < 2; with_callback++) {
            prof_recording_t recording = prof_record(place->path, 0);
            pvm_program_t *const program =
                prof_program("load_imm r2, 3\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\n"
                             "branch_ne_imm r2, 0, @loop\nload_imm r0, -65536\njump_ind r0, 0",
                             specs[s]);
            pvm_vm_t *const vm = prof_attach(&recording, program, 7, 100000);
            int steps = 0;

            pvm_set_pc(vm, 0);
            pvm_set_host_callback(vm, with_callback ? host : NULL, NULL);
            while (pvm_get_machine_state(vm) == PVM_STATE_READY ||
                   pvm_get_machine_state(vm) == PVM_STATE_HOST) {
                if (pvm_get_machine_state(vm) == PVM_STATE_HOST) {
                    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
                }
                pvm_step(vm);
                assert_true(++steps < 50);
            }
            prof_finish(&recording);
            pvm_destroy(vm);
            pvm_program_release(program);

            reconciles(place->path, "steps");
            assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM executions"), 1);
            assert_string_equal(prof_text(place->path, "SELECT result FROM gas_summary"), "halt");
            assert_int_equal(
                prof_integer(place->path, "SELECT count(*) FROM host_calls WHERE result IS NULL"),
                0);
            assert_int_equal(prof_integer(place->path, "SELECT host_gas FROM gas_summary"), 30);
            if (specs[s] == PVM_SPEC_0_7_2) {
                assert_int_equal(prof_integer(place->path, "SELECT blocks_gas FROM gas_summary"),
                                 13);
            }
        }
    }
}

/* Stop in every state that can be resumed, with changes to the gas in between. */
static void resumed_runs_reconcile(void **state)
{
    const prof_place_t *const place = *state;

    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        prof_recording_t recording = prof_record(place->path, 0);
        pvm_program_t *const program =
            prof_program("load_imm r1, 1\nstore_u8 r1, 0x20000\nload_imm r1, 2\necalli 0\nload_imm "
                         "r1, 3\nfallthrough\n"
                         "loop: add_imm_64 r2, r2, 1\njump @loop",
                         specs[s]);
        pvm_vm_t *const vm = prof_attach(&recording, program, 7, 1000);

        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_FAULT);
        pvm_map_memory(vm, 0x20000, 4096, PVM_ACCESS_WRITE);
        pvm_set_gas(vm, pvm_get_gas(vm) + 500);
        assert_int_equal(pvm_resume(vm), PVM_RESULT_HOST_CALL);
        pvm_set_gas(vm, pvm_get_gas(vm) - 25);
        assert_int_equal(pvm_resume(vm), PVM_RESULT_OOG);
        pvm_set_gas(vm, 77);
        assert_int_equal(pvm_resume(vm), PVM_RESULT_OOG);
        prof_finish(&recording);
        pvm_destroy(vm);
        pvm_program_release(program);

        reconciles(place->path, "resume");
        /* Fault and host call are part of the first execution; running out of gas ends it. */
        assert_string_equal(prof_text(place->path, "SELECT result FROM executions"), "oog oog");
        assert_string_equal(prof_text(place->path, "SELECT gas_added FROM executions"), "500 0");
        assert_string_equal(prof_text(place->path, "SELECT gas_start FROM executions"), "1000 77");
        assert_int_equal(prof_integer(place->path, "SELECT host_gas FROM gas_summary"), 25);
        if (specs[s] == PVM_SPEC_0_7_2) {
            assert_string_equal(prof_text(place->path, "SELECT gas_used FROM executions"),
                                "1500 77");
            /* The example of docs/counting.md. */
            assert_string_equal(
                prof_text(place->path,
                          "SELECT hits || ' ' || cost || ' ' || gas FROM block WHERE pc = 0"),
                "1 6 7");
        } else {
            assert_int_equal(
                prof_integer(place->path, "SELECT hits = 1 AND cost = gas FROM block WHERE pc = 0"),
                1);
        }
    }
}

/* A host call that is never answered, and what ends it. */
static void unanswered_host_calls_reconcile(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program = prof_program("ecalli 9\ntrap", PVM_SPEC_0_7_2);
    pvm_vm_t *const executed_again = prof_attach(&recording, program, 1, 1000);
    pvm_vm_t *const reset = prof_attach(&recording, program, 2, 1000);
    pvm_vm_t *const moved = prof_attach(&recording, program, 3, 1000);
    pvm_vm_t *const left = prof_attach(&recording, program, 4, 1000);
    pvm_vm_t *const destroyed = prof_attach(&recording, program, 5, 1000);
    pvm_vm_t *const all[] = {executed_again, reset, moved, left, destroyed};

    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pvm_execute(all[i], 0), PVM_RESULT_HOST_CALL);
        pvm_set_gas(all[i], pvm_get_gas(all[i]) - 10);
    }
    assert_int_equal(pvm_execute(executed_again, 0), PVM_RESULT_HOST_CALL);
    pvm_reset(reset, 500);
    assert_int_equal(pvm_execute(reset, 0), PVM_RESULT_HOST_CALL);
    pvm_set_pc(moved, 2);
    assert_int_equal(pvm_resume(moved), PVM_RESULT_PANIC);
    pvm_destroy(destroyed);
    prof_finish(&recording);
    for (size_t i = 0; i < 4; i++) {
        pvm_destroy(all[i]);
    }
    pvm_program_release(program);

    reconciles(place->path, "unanswered");
    assert_string_equal(prof_text(place->path, "SELECT result FROM executions ORDER BY vm, id"),
                        "host host host host panic host host");
    assert_string_equal(prof_text(place->path, "SELECT gas_used FROM executions ORDER BY vm, id"),
                        "11 1 11 1 12 11 11");
    assert_string_equal(
        prof_text(place->path, "SELECT count(*) FROM host_calls WHERE result IS NULL"), "5");
}

/* Gas that a host sets to anything, also below zero and to the largest number. */
static pvm_host_result_t wild_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    static const int64_t amounts[] = {5,         -5,  INT64_MAX,     0,  1000,
                                      INT64_MIN, 300, INT64_MAX - 1, 40, 100000};
    int *const next = user_data;

    (void)func_id;
    pvm_set_gas(vm, amounts[*next % 10]);
    *next += 1;
    return PVM_HOST_CONTINUE;
}

static void any_gas_a_host_sets_reconciles(void **state)
{
    const prof_place_t *const place = *state;

    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        prof_recording_t recording = prof_record(place->path, 0);
        pvm_program_t *const program = prof_program("loop: ecalli 1\njump @loop", specs[s]);
        pvm_vm_t *const vm = prof_attach(&recording, program, 1, 1000);
        int next = 0;

        pvm_set_host_callback(vm, wild_host, &next);
        for (int i = 0; i < 12; i++) {
            pvm_set_gas(vm, 1000);
            pvm_execute(vm, 0);
        }
        prof_finish(&recording);
        pvm_destroy(vm);
        pvm_program_release(program);

        assert_int_equal(
            prof_integer(place->path, "SELECT count(*) FROM executions WHERE difference IS NOT 0"),
            0);
        assert_int_equal(prof_integer(place->path, "SELECT difference FROM total"), 0);
        assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM executions"), 12);
    }
}

/* Without counts there is no sum to check, and no figure that pretends to be one. */
static void uncounted_runs_say_so(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, PVM_PROF_HOST_CALLS);
    pvm_program_t *const program = prof_program(exit_cases[10].text, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 7, 1000);

    pvm_set_host_callback(vm, host, NULL);
    pvm_execute(vm, 0);
    prof_finish(&recording);
    pvm_destroy(vm);
    pvm_program_release(program);

    assert_string_equal(prof_text(place->path, "SELECT blocks_gas FROM gas_summary"), "-");
    assert_int_equal(prof_integer(place->path, "SELECT gas_used FROM gas_summary"), 226);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM hot_blocks"), 0);
    assert_string_equal(prof_text(place->path, "SELECT value FROM run_info WHERE key = 'sum_rule'"),
                        "not checked: blocks were not counted");
}

/* The flight of a run that is stopped from outside and goes on. */
static pvm_host_result_t interrupting_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_vm_interrupt(vm);
    return PVM_HOST_CONTINUE;
}

static void interrupted_runs_go_on_as_one_execution(void **state)
{
    const prof_place_t *const place = *state;

    for (size_t s = 0; s < sizeof(specs) / sizeof(specs[0]); s++) {
        prof_recording_t recording = prof_record(place->path, 0);
        pvm_program_t *const program =
            prof_program("load_imm r2, 5\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, "
                         "-1\nbranch_ne_imm r2, 0, @loop\ntrap",
                         specs[s]);
        pvm_vm_t *const vm = prof_attach(&recording, program, 7, 100000);
        int stops = 0;

        pvm_set_host_callback(vm, interrupting_host, NULL);
        pvm_result_t result = pvm_execute(vm, 0);
        while (result == PVM_RESULT_OK && pvm_get_machine_state(vm) == PVM_STATE_READY) {
            stops++;
            result = pvm_resume(vm);
        }
        assert_int_equal(result, PVM_RESULT_PANIC);
        assert_true(stops > 0);
        prof_finish(&recording);
        pvm_destroy(vm);
        pvm_program_release(program);

        reconciles(place->path, "interrupts");
        assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM executions"), 1);
        assert_int_equal(prof_integer(place->path, "SELECT sum(hits) FROM hot_blocks"), 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_exit_reconciles, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(stepped_runs_are_one_execution, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(resumed_runs_reconcile, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(unanswered_host_calls_reconcile, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(any_gas_a_host_sets_reconciles, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(uncounted_runs_say_so, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(interrupted_runs_go_on_as_one_execution, prof_place_create,
                                        prof_place_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
