/* Blocks that wait for the next program: which one is given to whom, and that not more wait than may. The linker puts the
 * wrappers below between the engine and the C library (tests/CMakeLists.txt). */
#include "support/large.h"

#include "support/sanitized.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB ((size_t)1024)

/* -- The wrappers --- */

static atomic_long live; /**< blocks of the C library that are in use */
static atomic_long made;

void *__real_malloc(size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void __wrap_free(void *block);

void *__wrap_malloc(size_t bytes)
{
    void *const block = __real_malloc(bytes);

    atomic_fetch_add(&live, block != NULL);
    atomic_fetch_add(&made, 1);
    return block;
}

void __wrap_free(void *block)
{
    atomic_fetch_sub(&live, block != NULL);
    __real_free(block);
}

/* How many blocks wait. */
static long waiting(void)
{
    const long before = live;

    pvm_large_drain();
    return before - live;
}

static void *take(size_t bytes)
{
    void *const block = pvm_large_take(bytes);

    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 16, 0);
    memset(block, 0x5a, bytes);
    return block;
}

static void give_many(size_t count, size_t bytes)
{
    void **const blocks = malloc(count * sizeof(*blocks));

    assert_non_null(blocks);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = take(bytes);
    }
    for (size_t i = 0; i < count; i++) {
        pvm_large_give(blocks[i]);
    }
    free(blocks);
}

/* -- The tests --- */

static void a_large_block_waits_and_a_small_one_does_not(void **state)
{
    static const size_t sizes[] = {0,         1, 16, PVM_LARGE_BYTES_MIN - 1, PVM_LARGE_BYTES_MIN,
                                   1000 * KIB};
    (void)state;

    pvm_large_drain();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        pvm_large_give(take(sizes[i]));
        assert_int_equal(waiting(), sizes[i] >= PVM_LARGE_BYTES_MIN);
    }
    pvm_large_give(NULL);
    assert_int_equal(waiting(), 0);
    assert_null(pvm_large_take(SIZE_MAX));
}

static void the_smallest_that_suffices_is_taken_unless_it_is_far_too_large(void **state)
{
    (void)state;
    pvm_large_drain();
    void *const large = take(400 * KIB);
    void *const fitting = take(120 * KIB);
    void *const near = take(150 * KIB);
    pvm_large_give(near);
    pvm_large_give(fitting);
    pvm_large_give(large);
    const long before = made;

    assert_ptr_equal(pvm_large_take(110 * KIB), fitting);
    assert_ptr_equal(pvm_large_take(110 * KIB), near);
    assert_int_equal(made, before);
    void *const other = pvm_large_take(110 * KIB);
    assert_int_equal(made, before + 1);
    assert_ptr_equal(pvm_large_take(400 * KIB), large);
    pvm_large_give(large);
    assert_ptr_equal(pvm_large_take(200 * KIB), large);
    pvm_large_give(large);
    void *const larger = pvm_large_take(400 * KIB + 1);
    assert_int_equal(made, before + 2);
    pvm_large_give(other);
    pvm_large_give(larger);
    pvm_large_give(fitting);
    pvm_large_give(near);
    assert_int_equal(waiting(), 5);
}

static void so_many_wait_and_so_much_and_those_that_came_first_go(void **state)
{
    (void)state;
    pvm_large_drain();
    give_many(PVM_LARGE_WAITING_MAX + 10, 20 * KIB);
    assert_int_equal(waiting(), PVM_LARGE_WAITING_MAX);
    give_many(20, 1024 * KIB);
    assert_int_equal(waiting(), PVM_LARGE_WAITING_BYTES_MAX / (1024 * KIB));
    pvm_large_give(take(PVM_LARGE_WAITING_BYTES_MAX + 1));
    assert_int_equal(waiting(), 0);

    void *const first = take(100 * KIB);
    pvm_large_give(first);
    give_many(PVM_LARGE_WAITING_MAX - 1, 20 * KIB);
    assert_ptr_equal(pvm_large_take(100 * KIB), first);
    pvm_large_give(first);
    give_many(PVM_LARGE_WAITING_MAX, 30 * KIB);
    const long before = made;
    pvm_large_give(take(100 * KIB));
    assert_int_equal(made, before + 1);
    /* One that takes all the room. */
    pvm_large_give(take(PVM_LARGE_WAITING_BYTES_MAX));
    assert_int_equal(waiting(), 1);
}

/* Each writes its number all over a block and finds it there. */
static void *work(void *user_data)
{
    const unsigned number = *(const unsigned *)user_data;
    uintptr_t mistakes = 0;

    for (size_t round = 0; round < 2000; round++) {
        const size_t bytes = (16 + (round * 7 + number) % 40) * KIB;
        uint8_t *const block = pvm_large_take(bytes);
        if (block == NULL) {
            return (void *)(uintptr_t)1;
        }
        memset(block, (int)number, bytes);
        for (size_t i = 0; i < bytes; i += 61) {
            mistakes += block[i] != number;
        }
        pvm_large_give(block);
    }
    return (void *)mistakes;
}

static void threads_and_forked_children_get_blocks_of_their_own(void **state)
{
    unsigned numbers[] = {1, 2, 3, 4, 5};
    pthread_t threads[4];
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    for (size_t i = 0; i < 10 && !IS_SANITIZED; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(200);
            _exit(work(&numbers[4]) == NULL ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *mistakes = NULL;
        assert_int_equal(pthread_join(threads[i], &mistakes), 0);
        assert_null(mistakes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_block_waits_and_a_small_one_does_not),
        cmocka_unit_test(the_smallest_that_suffices_is_taken_unless_it_is_far_too_large),
        cmocka_unit_test(so_many_wait_and_so_much_and_those_that_came_first_go),
        cmocka_unit_test(threads_and_forked_children_get_blocks_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
