/* Events of very many machines, whose end was lost, and of very many programs: there is room for all that come. And sums instead
 * of events. */
#include "prof_fixture.h"

#include "events/events.h"
#include "profiler/feed.h"
#include "profiler/worth.h"
#include "support/sanitized.h"

#include <sys/resource.h>

/** Address space for some fifty machines, whose memory is reserved, and events of ten times as many. */
#define ROOM_BYTES (UINT64_C(200) << 30)
#define MACHINES   500
/** More than there are mappings for, if a memory stays with each. */
#define PROGRAMS UINT32_C(34000)

/* @param hash  by which events name it: two of its octets make it different */
static void feed_program(pvm_prof_feed_t *feed, uint64_t hash)
{
    const uint8_t blob[] = {
        0, 0, 8, 10, 3, 51, 7, (uint8_t)hash, (uint8_t)(hash >> 8), (uint8_t)(hash >> 16), 0, 0x05};
    const pvm_event_program_load_t load = {.program = hash,
                                           .name = "test",
                                           .spec = PVM_SPEC_0_7_2,
                                           .format = PVM_FORMAT_RAW,
                                           .data_bytes = sizeof(blob)};
    const pvm_event_program_data_t data = {.program = hash, .data = blob, .data_len = sizeof(blob)};

    assert_int_equal(pvm_prof_feed_event(feed, 0, 1, PVM_EVENT_program_load, &load), PVM_PROF_OK);
    assert_int_equal(pvm_prof_feed_event(feed, 0, 1, PVM_EVENT_program_data, &data), PVM_PROF_OK);
}

static void machines_without_an_end_make_room_for_new_ones(void **state)
{
    const prof_place_t *const place = *state;
    const pvm_prof_feed_options_t options = {.size = sizeof(options),
                                             .instrument = PVM_PROF_HOST_CALLS};
    pvm_prof_run_file_t *file;
    pvm_prof_feed_t *feed;
    struct rlimit old;

    if (IS_SANITIZED) {
        skip();
    }
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_feed_create(file, &options, &feed), PVM_PROF_OK);
    const int host = pvm_prof_feed_add_host(feed, "here");
    feed_program(feed, 7);
    const struct rlimit little = {.rlim_cur = ROOM_BYTES, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
    for (uint64_t i = 1; i <= MACHINES; i++) {
        const pvm_event_vm_create_t made = {
            .vm = UINT64_C(1) << 32 | i, .program = 7, .backend = PVM_BACKEND_INTERPRETER};

        assert_int_equal(pvm_prof_feed_event(feed, host, i, PVM_EVENT_vm_create, &made),
                         PVM_PROF_OK);
    }
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(pvm_prof_feed_finish(feed, PVM_PROF_RUN_COMPLETE), PVM_PROF_OK);
    pvm_prof_feed_destroy(feed);
    pvm_prof_run_file_close(file);
    assert_int_equal(prof_integer(place->path, "SELECT count(*) FROM vm"), MACHINES);
}

static void programs_that_are_gone_hold_no_memory(void **state)
{
    const prof_place_t *const place = *state;
    const pvm_prof_feed_options_t options = {.size = sizeof(options),
                                             .instrument = PVM_PROF_HOST_CALLS};
    pvm_prof_run_file_t *file;
    pvm_prof_feed_t *feed;

    if (IS_SANITIZED) {
        skip();
    }
    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_feed_create(file, &options, &feed), PVM_PROF_OK);
    const int host = pvm_prof_feed_add_host(feed, "here");
    for (uint32_t i = 1; i <= PROGRAMS; i++) {
        const pvm_event_vm_create_t made = {
            .vm = UINT64_C(1) << 32 | i, .program = i, .backend = PVM_BACKEND_INTERPRETER};
        const pvm_event_vm_destroy_t gone = {.vm = made.vm};

        feed_program(feed, i);
        assert_true(pvm_prof_feed_has_program(feed, i));
        assert_int_equal(pvm_prof_feed_event(feed, host, i, PVM_EVENT_vm_create, &made),
                         PVM_PROF_OK);
        assert_int_equal(pvm_prof_feed_event(feed, host, i, PVM_EVENT_vm_destroy, &gone),
                         PVM_PROF_OK);
    }
    assert_false(pvm_prof_feed_is_full(feed));
    assert_int_equal(pvm_prof_feed_finish(feed, PVM_PROF_RUN_COMPLETE), PVM_PROF_OK);
    pvm_prof_feed_destroy(feed);
    pvm_prof_run_file_close(file);
    assert_int_equal(prof_integer(place->path, "SELECT count(DISTINCT program) FROM vm"), PROGRAMS);
}

static void sums_without_executions_reconcile(void **state)
{
    const prof_place_t *const place = *state;
    const pvm_prof_feed_options_t options = {.size = sizeof(options),
                                             .instrument = PVM_PROF_HOST_CALLS};
    const pvm_prof_feed_total_t runs = {.host = "here",
                                        .process = 5,
                                        .service = 7,
                                        .program = 7,
                                        .is_runs = true,
                                        .count = 3,
                                        .gas_taken = 1000};
    pvm_prof_feed_total_t calls = {.host = "here",
                                   .process = 5,
                                   .service = 7,
                                   .program = 7,
                                   .func_id = 1,
                                   .count = 4,
                                   .gas_taken = 40,
                                   .gas_added = 60};
    pvm_prof_run_file_t *file;
    pvm_prof_feed_t *feed;
    pvm_prof_worth_t worth;

    assert_int_equal(pvm_prof_run_file_create(place->path, &file), PVM_PROF_OK);
    assert_int_equal(pvm_prof_feed_create(file, &options, &feed), PVM_PROF_OK);
    feed_program(feed, 7);
    assert_int_equal(pvm_prof_feed_total(feed, &runs), PVM_PROF_OK);
    assert_int_equal(pvm_prof_feed_total(feed, &calls), PVM_PROF_OK);
    /* A run that has not ended: only its host calls are known. */
    calls.service = 8;
    assert_int_equal(pvm_prof_feed_total(feed, &calls), PVM_PROF_OK);
    assert_int_equal(pvm_prof_feed_finish(feed, PVM_PROF_RUN_COMPLETE), PVM_PROF_OK);

    assert_int_equal(pvm_prof_worth_read(file, &worth), PVM_PROF_OK);

    assert_string_equal(worth.broken, "");
    assert_int_equal(worth.gas_used, 1080);
    pvm_prof_feed_destroy(feed);
    pvm_prof_run_file_close(file);
    assert_int_equal(prof_integer(place->path, "SELECT gas_added FROM total"), 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_without_executions_reconcile, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(programs_that_are_gone_hold_no_memory, prof_place_create,
                                        prof_place_remove),
        cmocka_unit_test_setup_teardown(machines_without_an_end_make_room_for_new_ones,
                                        prof_place_create, prof_place_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
