/* Regions that wait for the next program: the smallest that suffices is taken, and large ones stay for large code. Spec: none. */
#include "recompiler/arena.h"
#include "recompiler/available.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#if PVM_RECOMPILER_AVAILABLE
#define PAGE ((size_t)4096)

static pvm_arena_region_t take(size_t bytes)
{
    pvm_arena_region_t region;

    assert_int_equal(pvm_arena_take(bytes, bytes, false, &region), 0);
    return region;
}

static void the_smallest_that_suffices_is_taken(void **state)
{
    const pvm_arena_region_t large = take(64 * PAGE);
    const pvm_arena_region_t middle = take(16 * PAGE);
    const pvm_arena_region_t small = take(4 * PAGE);

    (void)state;
    pvm_arena_release(large);
    pvm_arena_release(middle);
    pvm_arena_release(small);
    pvm_arena_region_t code = take(10 * PAGE);
    assert_ptr_equal(code.base, middle.base);
    assert_int_equal(pvm_arena_seal(&code, 3 * PAGE), 0);
    const pvm_arena_region_t growing = take(60 * PAGE);
    assert_ptr_equal(growing.base, large.base);
    assert_int_equal(growing.bytes, large.bytes);
    pvm_arena_release(growing);
    pvm_arena_release(code);
    assert_ptr_equal(take(3 * PAGE).base, code.base);
    assert_ptr_equal(take(3 * PAGE).base, small.base);
    pvm_arena_release(code);
    pvm_arena_release(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_smallest_that_suffices_is_taken)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    (void)printf("SKIPPED: the recompiler is not in this build\n");
    return 77;
}
#endif
