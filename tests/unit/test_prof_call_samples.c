/* Sampled time by calling context: a function that two others call, for one 3 parts of its time, for the other 7. */
#include "prof_fixture.h"

#include "profiler/stacks.h"
#include "support/signals_held.h"

#include <math.h>

#define HZ     4999
#define ENOUGH 400

/* main calls f and g r2 times in turn; each calls work, which takes as many rounds as r5 says. */
static const char text[] = ".jump_table @one, @two, @three, @four\n"
                           "main: load_imm_jump r0, 2, @f\n"
                           "one: load_imm_jump r0, 4, @g\n"
                           "two: add_imm_64 r2, r2, -1\n"
                           "branch_ne_imm r2, 0, @main\n"
                           "load_imm r0, -65536\n"
                           "jump_ind r0, 0\n"
                           "f: move_reg r6, r0\nload_imm r5, 30000\n"
                           "load_imm_jump r0, 6, @work\n"
                           "three: jump_ind r6, 0\n"
                           "g: move_reg r6, r0\nload_imm r5, 70000\n"
                           "load_imm_jump r0, 8, @work\n"
                           "four: jump_ind r6, 0\n"
                           "work: mul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\n"
                           "mul_64 r3, r3, r4\nmul_64 r3, r3, r4\nmul_64 r3, r3, r4\n"
                           "add_imm_64 r5, r5, -1\n"
                           "branch_ne_imm r5, 0, @work\n"
                           "jump_ind r0, 0\n";

/* Samples of contexts of the function that is called by the one that begins at this label, and of all contexts. */
#define SAMPLES_OF_WORK(caller)                                                                    \
    "SELECT coalesce(sum(s.samples), 0) FROM call_sample s JOIN call_node c ON c.id = s.node "     \
    "JOIN call_node p ON p.id = c.parent WHERE p.pc = (SELECT min(pc) FROM call_node WHERE "       \
    "parent = (SELECT id FROM call_node WHERE kind = 'entry') AND site_pc " caller ")"
#define SAMPLES_OF_F SAMPLES_OF_WORK("= (SELECT min(site_pc) FROM call_node)")
#define SAMPLES_OF_G SAMPLES_OF_WORK("> (SELECT min(site_pc) FROM call_node) AND parent = 1")

/* Record until there are enough samples, whatever the machine and its load. */
static void record(const char *path, pvm_backend_t backend)
{
    const pvm_prof_recorder_options_t options = {.size = sizeof(options),
                                                 .instrument = PVM_PROF_CALLS | PVM_PROF_SAMPLES,
                                                 .sample_hz = HZ,
                                                 .program_name = "test"};
    pvm_program_t *const program = prof_program(text, PVM_SPEC_0_8_0);
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, 0);
    pvm_sample_sum_t sum = {0};
    prof_recording_t recording = {0};

    assert_non_null(vm);
    assert_int_equal(pvm_prof_run_file_create(path, &recording.file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_recorder_create(recording.file, &options, &recording.recorder),
                     PVM_PROF_OK);
    assert_int_equal(pvm_prof_recorder_attach(recording.recorder, vm, NULL), PVM_PROF_OK);
    for (uint64_t rounds = 1; sum.samples < ENOUGH && rounds < (1 << 20); rounds *= 2) {
        pvm_set_gas(vm, INT64_MAX);
        pvm_set_register(vm, 2, rounds);
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_OK);
        assert_int_equal(pvm_get_sample_sum(vm, &sum), 0);
    }
    pvm_destroy(vm);
    pvm_program_release(program);
    prof_finish(&recording);
}

static void test_backend(const char *path, pvm_backend_t backend)
{
    record(path, backend);
    const int64_t in_f = prof_integer(path, SAMPLES_OF_F);
    const int64_t in_g = prof_integer(path, SAMPLES_OF_G);
    const int64_t in_contexts = prof_integer(path, "SELECT sum(samples) FROM call_sample");
    const int64_t at_places = prof_integer(path, "SELECT sum(samples) FROM sample WHERE pc >= 0");
    const double share = (double)in_f / (double)(in_f + in_g);

    print_message("backend %d: %lld of %lld at places; %.3f of work for f\n", (int)backend,
                  (long long)in_contexts, (long long)at_places, share);
    /* Not one is counted twice, and none but those of an entry is lost. */
    assert_true(in_contexts <= at_places && in_contexts >= at_places - at_places / 50);
    assert_true(in_f + in_g >= in_contexts - in_contexts / 10);
    assert_true(fabs(share - 0.3) < 0.1);
}

/* The time of the stacks that end with these two functions. */
static int64_t time_below(const pvm_prof_stacks_t *stacks, const char *caller)
{
    int64_t time = 0;

    for (uint32_t i = 0; i < stacks->node_count; i++) {
        const pvm_prof_stack_node_t *const node = &stacks->nodes[i];
        const pvm_prof_frame_t *const above = &stacks->frames[stacks->nodes[node->parent].frame];

        if (strcmp(above->name, caller) == 0) {
            time += node->self[PVM_PROF_VALUE_TIME];
        }
    }
    return time;
}

/* The time of a function is divided among its contexts, and nothing of it is left or added. */
static void test_stacks(const char *path)
{
    pvm_prof_run_file_t *file = NULL;
    pvm_prof_stacks_t by_calls;
    pvm_prof_stacks_t by_place;
    const char *const f = prof_text(path, "SELECT name FROM function ORDER BY pc LIMIT 1 OFFSET 1");
    char name[64];

    snprintf(name, sizeof(name), "%s", f);
    assert_int_equal(pvm_prof_run_file_open(path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_stacks_read(file, PVM_PROF_STACKS_CALLS, &by_calls), PVM_PROF_OK);
    assert_int_equal(pvm_prof_stacks_read(file, PVM_PROF_STACKS_PLACES, &by_place), PVM_PROF_OK);
    const int64_t all = by_calls.total[PVM_PROF_VALUE_TIME];
    const int64_t below_f = time_below(&by_calls, name);
    assert_true(llabs(all - by_place.total[PVM_PROF_VALUE_TIME]) < 100);
    assert_true(llabs(all - prof_integer(path, "SELECT duration_ns FROM sample_total")) < 100);
    assert_true(below_f > all / 5 && below_f < all * 2 / 5);
    pvm_prof_stacks_free(&by_calls);
    pvm_prof_stacks_free(&by_place);
    pvm_prof_run_file_close(file);
}

static void contexts_have_their_part_of_the_samples(void **state)
{
    const prof_place_t *const place = *state;
    char second[sizeof(place->path) + 2];

#ifdef TEST_HOLDS_SIGNALS
    skip();
#endif
    (void)snprintf(second, sizeof(second), "%s2", place->path);
    test_backend(place->path, PVM_BACKEND_INTERPRETER);
    test_stacks(place->path);
    test_backend(second, PVM_BACKEND_DEFAULT);
    test_stacks(second);
    (void)unlink(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(contexts_have_their_part_of_the_samples, prof_place_create,
                                        prof_place_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
