/* The recorder: rows of host calls, memory, registers, edges, several VMs and programs, inner
 * machines, threads, recordings that end early; and how fast host calls are stored (printed,
 * not judged). */
#include "prof_fixture.h"

#include "profiler/store.h"

#include <pthread.h>

#define HALT "load_imm r0, -65536\njump_ind r0, 0"

static pvm_host_result_t plain_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)user_data;
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    pvm_set_register(vm, 7, (uint64_t)(int64_t)-2);
    if (func_id == 3) {
        pvm_set_register(vm, 8, 88);
        pvm_set_register(vm, 12, 1212);
    }
    return PVM_HOST_CONTINUE;
}

static void a_host_call_row_says_everything(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program = prof_program(
        "load_imm r7, 71\nload_imm r8, 81\nload_imm r11, -1\necalli 3\necalli -5\n" HALT,
        PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 4242, 1000);

    pvm_set_host_callback(vm, plain_host, NULL);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    prof_finish(&recording);

    assert_string_equal(
        prof_text(
            place->path,
            "SELECT seq || ' ' || vm || ' ' || service || ' ' || func_id || ' ' || name || ' ' || "
            "gas_before || ' ' || gas_after || ' ' || r7 || ' ' || r8 || ' ' || r9 || ' ' || r11 "
            "|| ' ' || "
            "r12 || ' ' || result || ',' FROM host_calls"),
        /* 0.7.2 numbers: 3 is read; -5 has no name. Each ecalli costs 1 itself. */
        "0 1 4242 3 read 996 986 71 81 0 -1 0 -2, 1 1 4242 -5 ecalli_-5 985 975 -2 88 0 -1 1212 "
        "-2,");
    assert_string_equal(
        prof_text(place->path, "SELECT seq || ':' || reg || '=' || value FROM host_call_register"),
        "0:8=88 0:12=1212");
    assert_int_equal(prof_integer(place->path, "SELECT pc FROM host_calls WHERE seq = 1") -
                         prof_integer(place->path, "SELECT pc FROM host_calls WHERE seq = 0"),
                     2);
    assert_int_equal(
        prof_integer(place->path, "SELECT count(*) FROM host_calls WHERE duration_ns >= 0"), 2);
    assert_string_equal(
        prof_text(place->path, "SELECT func_id || '*' || calls || '=' || gas FROM host_total"),
        "-5*1=10 3*1=10");
    pvm_destroy(vm);
    pvm_program_release(program);
}

static pvm_host_result_t memory_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    static uint8_t octets[3 << 20];

    (void)func_id;
    (void)user_data;
    memset(octets, 0x5a, sizeof(octets));
    octets[0] = 1;
    assert_int_equal(pvm_write_memory(vm, 0x20000, octets, sizeof(octets)), 0);
    assert_int_equal(pvm_read_memory(vm, 0x20000, octets, 5), 0);
    assert_int_equal(pvm_read_memory(vm, 0x1000, octets, 5), -1);
    return PVM_HOST_CONTINUE;
}

static void memory_that_the_host_touched_is_kept_in_order(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, PVM_PROF_COUNTS | PVM_PROF_MEMORY);
    pvm_program_t *const program = prof_program("ecalli 0\n" HALT, PVM_SPEC_0_8_0);
    pvm_vm_t *const vm = prof_attach(&recording, program, 1, 100000);

    pvm_map_memory(vm, 0x20000, 4 << 20, PVM_ACCESS_WRITE);
    pvm_set_host_callback(vm, memory_host, NULL);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    prof_finish(&recording);

    assert_string_equal(
        prof_text(place->path,
                  "SELECT seq || ' ' || address || ' ' || is_write || ' ' || length(data) || ',' "
                  "FROM host_memory ORDER BY id"),
        "0 131072 1 1048576, 0 1179648 1 1048576, 0 2228224 1 1048576, 0 131072 0 5,");
    assert_string_equal(
        prof_text(place->path, "SELECT hex(data) FROM host_memory WHERE is_write = 0"),
        "015A5A5A5A");
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void blocks_and_edges_are_exact(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program =
        prof_program("load_imm r2, 10\nfallthrough\nloop: add_imm_64 r2, r2, -1\n"
                     "branch_ne_imm r2, 0, @loop\ntrap\ntrap",
                     PVM_SPEC_0_7_2);
    const pvm_block_t *const blocks = pvm_program_blocks(program);
    char expected[128];
    pvm_vm_t *const vm = prof_attach(&recording, program, 1, 100000);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    }
    prof_finish(&recording);

    assert_string_equal(
        prof_text(place->path, "SELECT hits || '*' || instructions || '=' || gas FROM hot_blocks "
                               "ORDER BY pc"),
        "3*2=6 30*2=60 3*1=3");
    snprintf(expected, sizeof(expected), "%u-%u %u-%u %u-%u", blocks[0].pc, blocks[0].end_pc,
             blocks[1].pc, blocks[1].end_pc, blocks[2].pc, blocks[2].end_pc);
    assert_string_equal(
        prof_text(place->path, "SELECT pc || '-' || end_pc FROM hot_blocks ORDER BY pc"), expected);
    snprintf(expected, sizeof(expected), "entry -1 0 3,jump %u %u 27,next 0 %u 3,next %u %u 3",
             blocks[1].pc, blocks[1].pc, blocks[1].pc, blocks[1].pc, blocks[2].pc);
    assert_string_equal(prof_text(place->path, "SELECT group_concat(kind || ' ' || from_pc || ' ' "
                                               "|| to_pc || ' ' || count) FROM edge"),
                        expected);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void copies_of_one_program_are_one(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const first = prof_program("load_imm r1, 1\ntrap", PVM_SPEC_0_7_2);
    pvm_program_t *const copy = prof_program("load_imm r1, 1\ntrap", PVM_SPEC_0_7_2);
    pvm_program_t *const other_spec = prof_program("load_imm r1, 1\ntrap", PVM_SPEC_0_8_0);
    pvm_program_t *const other = prof_program("load_imm r1, 2\ntrap", PVM_SPEC_0_7_2);
    pvm_program_t *const all[] = {first, copy, other_spec, other};

    for (size_t i = 0; i < 4; i++) {
        pvm_vm_t *const vm = prof_attach(&recording, all[i], (uint32_t)i, 1000);
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
        pvm_destroy(vm);
    }
    prof_finish(&recording);

    assert_string_equal(prof_text(place->path, "SELECT spec FROM program"), "0.7.2 0.8.0 0.7.2");
    assert_string_equal(prof_text(place->path, "SELECT program FROM vm"), "1 1 2 3");
    assert_string_equal(prof_text(place->path, "SELECT hits FROM hot_blocks ORDER BY program"),
                        "2 1 1");
    /* The stored blob loads as the same program. */
    sqlite3 *db;
    sqlite3_stmt *const row = prof_ask(&db, place->path, "SELECT blob FROM program WHERE id = 3");
    pvm_program_t *const again =
        pvm_program_load(sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0),
                         PVM_FORMAT_RAW, PVM_SPEC_0_7_2);
    assert_non_null(again);
    assert_null(pvm_program_error(again));
    assert_int_equal(pvm_program_block_count(again), pvm_program_block_count(other));
    assert_memory_equal(pvm_program_blocks(again), pvm_program_blocks(other), sizeof(pvm_block_t));
    sqlite3_finalize(row);
    sqlite3_close(db);
    pvm_program_release(again);
    for (size_t i = 0; i < 4; i++) {
        pvm_program_release(all[i]);
    }
}

typedef struct {
    prof_recording_t *recording;
    pvm_program_t *program;
} outer_host_t;

/* A host that answers each call by running an inner machine, which makes host calls of its own. */
static pvm_host_result_t outer_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    const outer_host_t *const outer = user_data;
    pvm_vm_t *const inner = prof_attach(outer->recording, outer->program, 5, 500);

    (void)func_id;
    pvm_set_parent(inner, vm);
    pvm_set_host_callback(inner, plain_host, NULL);
    assert_int_equal(pvm_execute(inner, 0), PVM_RESULT_OK);
    pvm_set_gas(vm, pvm_get_gas(vm) - (500 - pvm_get_gas(inner)));
    pvm_destroy(inner);
    return PVM_HOST_CONTINUE;
}

static void inner_machines_have_a_parent_and_seq_follows_the_begin(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program = prof_program("ecalli 12\necalli 12\n" HALT, PVM_SPEC_0_7_2);
    pvm_program_t *const inner = prof_program("ecalli 0\n" HALT, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 4, 1000);
    outer_host_t outer = {&recording, inner};

    pvm_set_host_callback(vm, outer_host, &outer);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    prof_finish(&recording);
    pvm_destroy(vm);
    pvm_program_release(program);
    pvm_program_release(inner);

    assert_string_equal(prof_text(place->path, "SELECT coalesce(parent, 0) FROM vm"), "0 1 1");
    assert_string_equal(prof_text(place->path, "SELECT vm || ':' || func_id FROM host_calls"),
                        "1:12 2:0 1:12 3:0");
    assert_string_equal(prof_text(place->path, "SELECT gas_used FROM executions"), "30 13 13");
    assert_int_equal(
        prof_integer(place->path, "SELECT gas_used - blocks_gas - host_gas FROM gas_summary"), 0);
    assert_int_equal(prof_integer(place->path, "SELECT gas_used FROM gas_summary"), 56);
}

typedef struct {
    prof_recording_t *recording;
    pvm_program_t *program;
    uint32_t service;
} worker_t;

static void *work(void *user_data)
{
    const worker_t *const worker = user_data;

    for (int i = 0; i < 20; i++) {
        pvm_vm_t *const vm =
            prof_attach(worker->recording, worker->program, worker->service, 100000);
        pvm_set_host_callback(vm, plain_host, NULL);
        pvm_execute(vm, 0);
        pvm_destroy(vm);
    }
    return NULL;
}

static void vms_on_several_threads_share_a_file(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program =
        prof_program("load_imm r2, 50\nfallthrough\nloop: ecalli 0\nadd_imm_64 r2, r2, -1\n"
                     "branch_ne_imm r2, 0, @loop\n" HALT,
                     PVM_SPEC_0_8_0);
    worker_t workers[4];
    pthread_t threads[4];

    for (uint32_t i = 0; i < 4; i++) {
        workers[i] = (worker_t){&recording, program, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    prof_finish(&recording);
    pvm_program_release(program);

    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM host_calls"), 4 * 20 * 50);
    assert_int_equal(prof_integer(place->path, "SELECT max(seq) FROM host_calls"), 4 * 20 * 50 - 1);
    assert_string_equal(prof_text(place->path, "SELECT count(*) FROM executions GROUP BY service"),
                        "20 20 20 20");
    assert_int_equal(
        prof_integer(place->path, "SELECT count(*) FROM executions WHERE difference != 0"), 0);
    assert_int_equal(prof_integer(place->path, "SELECT sum(hits) FROM hot_blocks"), 4 * 20 * 52);
    assert_int_equal(
        prof_integer(place->path,
                     "SELECT (SELECT sum(gas) FROM hot_blocks) - blocks_gas FROM gas_summary"),
        0);
}

static pvm_host_result_t finishing_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    prof_recording_t *const recording = user_data;

    (void)vm;
    (void)func_id;
    assert_int_equal(pvm_prof_recorder_finish(recording->recorder, PVM_PROF_RUN_INTERRUPTED),
                     PVM_PROF_OK);
    return PVM_HOST_CONTINUE;
}

static void a_recording_can_end_inside_a_host_call(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program =
        prof_program("load_imm r1, 1\necalli 0\necalli 0\n" HALT, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 4, 1000);

    pvm_set_host_callback(vm, finishing_host, &recording);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    pvm_prof_recorder_destroy(recording.recorder);
    pvm_prof_run_file_close(recording.file);
    assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_HALT);
    pvm_destroy(vm);
    pvm_program_release(program);

    assert_string_equal(prof_text(place->path, "SELECT value FROM run_info WHERE key = 'status'"),
                        "interrupted");
    assert_string_equal(prof_text(place->path, "SELECT result FROM gas_summary"), "incomplete");
    assert_int_equal(prof_integer(place->path, "SELECT gas_used FROM gas_summary"), 2);
    assert_int_equal(prof_integer(place->path, "SELECT blocks_gas FROM gas_summary"), 2);
    assert_string_equal(prof_text(place->path, "SELECT result FROM host_calls"), "-");
}

static void misuse_is_refused(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program = prof_program("trap", PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 4, 1000);
    const pvm_prof_recorder_options_t wrong = {.size = 3};
    pvm_prof_recorder_t *second;

    assert_int_equal(pvm_prof_recorder_attach(recording.recorder, vm, NULL), PVM_PROF_E_ARGUMENT);
    assert_int_equal(pvm_prof_recorder_create(recording.file, &wrong, &second),
                     PVM_PROF_E_ARGUMENT);
    assert_int_equal(pvm_prof_recorder_finish(recording.recorder, PVM_PROF_RUN_COMPLETE),
                     PVM_PROF_OK);
    assert_int_equal(pvm_prof_recorder_attach(recording.recorder, vm, NULL), PVM_PROF_E_ARGUMENT);
    assert_null(pvm_prof_recorder_error(recording.recorder));
    pvm_prof_recorder_destroy(recording.recorder);
    pvm_prof_run_file_close(recording.file);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void progress_counts_along(void **state)
{
    const prof_place_t *const place = *state;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_program_t *const program = prof_program("load_imm r1, 1\necalli 0\n" HALT, PVM_SPEC_0_7_2);
    pvm_vm_t *const vm = prof_attach(&recording, program, 4, 1000);
    pvm_prof_progress_t progress;

    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_HOST_CALL);
    pvm_prof_recorder_progress(recording.recorder, &progress);
    assert_int_equal(progress.executions, 1);
    assert_int_equal(progress.host_calls, 1);
    assert_int_equal(progress.gas_used, 2);
    assert_int_equal(progress.gas_left, 998);
    assert_int_equal(pvm_resume(vm), PVM_RESULT_OK);
    pvm_prof_recorder_progress(recording.recorder, &progress);
    assert_int_equal(progress.gas_used, 4);
    prof_finish(&recording);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void a_million_host_calls(void **state)
{
    const prof_place_t *const place = *state;
    pvm_program_t *const program =
        prof_program("load_imm r2, 1000000\nfallthrough\nloop: ecalli 0\n"
                     "add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @loop\n" HALT,
                     PVM_SPEC_0_8_0);
    pvm_vm_t *const plain = pvm_instantiate(program, PVM_BACKEND_INTERPRETER, 4, UINT64_C(1) << 40);
    const uint64_t began_ns = pvm_prof_now_ns();

    pvm_set_host_callback(plain, plain_host, NULL);
    assert_int_equal(pvm_execute(plain, 0), PVM_RESULT_OK);
    const uint64_t plain_ns = pvm_prof_now_ns() - began_ns;
    prof_recording_t recording = prof_record(place->path, 0);
    pvm_vm_t *const vm = prof_attach(&recording, program, 4, UINT64_C(1) << 40);
    pvm_set_host_callback(vm, plain_host, NULL);
    const uint64_t recorded_from_ns = pvm_prof_now_ns();
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
    prof_finish(&recording);
    const uint64_t recorded_ns = pvm_prof_now_ns() - recorded_from_ns;

    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM host_calls"), 1000000);
    assert_int_equal(prof_integer(place->path, "SELECT host_gas FROM gas_summary"), 10000000);
    print_message("a million host calls: %.2f s plain, %.2f s recorded: %.0f ns more for each\n",
                  (double)plain_ns / 1e9, (double)recorded_ns / 1e9,
                  ((double)recorded_ns - (double)plain_ns) / 1e6);
    pvm_destroy(vm);
    pvm_destroy(plain);
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, prof_place_create, prof_place_remove)
        TEST(a_host_call_row_says_everything),
        TEST(memory_that_the_host_touched_is_kept_in_order),
        TEST(blocks_and_edges_are_exact),
        TEST(copies_of_one_program_are_one),
        TEST(inner_machines_have_a_parent_and_seq_follows_the_begin),
        TEST(vms_on_several_threads_share_a_file),
        TEST(a_recording_can_end_inside_a_host_call),
        TEST(misuse_is_refused),
        TEST(progress_counts_along),
        TEST(a_million_host_calls),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
