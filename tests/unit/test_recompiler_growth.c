/* Code that grows while it runs ends as code that was emitted at once: in several threads, in children after fork, where its
 * region is full; and who asks what the processor is busy with is answered. Spec: none; GP A.3 decides what the programs do. */
#include "program/ranks.h"
#include "recompiler/available.h"
#include "support/blob.h"
#include "vm/vm.h"

#include "recompiler/grow.h"
#include "recompiler/reach.h"
#include "recompiler/recompiler.h"

#include <pvm/pvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if PVM_RECOMPILER_AVAILABLE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define GAS     UINT64_C(1000000000000)
#define THREADS 4
#define FORKS   20

/** How a run ended. */
typedef struct {
    pvm_result_t result;
    int64_t gas;
    uint32_t pc;
    uint64_t registers[PVM_REGISTER_COUNT];
} end_t;

/* The guest with 113 KB of code, compiled by units of so many octets; "0": all at once; NULL: as usual. */
static pvm_program_t *load_large(const char *unit)
{
    pvm_buffer_t blob = {0};

    if (unit == NULL) {
        assert_int_equal(unsetenv("PVM_UNIT"), 0);
    } else {
        assert_int_equal(setenv("PVM_UNIT", unit, 1), 0);
    }
    blob_load(&blob, "examples/guest/blobs/large.polkavm");
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    assert_non_null(program);
    assert_null(pvm_program_error(program));
    pvm_buffer_free(&blob);
    return program;
}

/* @return false: there is no machine */
static bool run(pvm_program_t *program, pvm_backend_t backend, end_t *out)
{
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 0, GAS);

    if (vm == NULL) {
        return false;
    }
    /* So that comparing octets compares ends. */
    memset(out, 0, sizeof(*out));
    out->result = pvm_execute(vm, program->exports[0].pc);
    out->gas = pvm_get_gas(vm);
    out->pc = pvm_get_pc(vm);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        out->registers[i] = pvm_get_register(vm, i);
    }
    pvm_destroy(vm);
    return true;
}

static bool is_same(const end_t *a, const end_t *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static end_t expected_end(void)
{
    pvm_program_t *const program = load_large("0");
    end_t end;

    assert_true(run(program, PVM_BACKEND_INTERPRETER, &end));
    assert_int_equal(end.result, PVM_RESULT_OK);
    pvm_program_release(program);
    return end;
}

static const pvm_recompiler_code_t *code_of(const pvm_program_t *program)
{
    const pvm_recompiler_code_t *const plain = program->recompiler_code[0];

    return plain != NULL ? plain : program->recompiler_code[PVM_VARIANT_CHECKED];
}

static uint32_t blocks_there(const pvm_program_t *program)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < program->block_count; i++) {
        count += pvm_growth_has(code_of(program), program->blocks[i].pc);
    }
    return count;
}

static void grown_code_ends_as_the_interpreter_does(void **state)
{
    static const char *const units[] = {"0", NULL};
    const end_t expected = expected_end();
    end_t end;

    (void)state;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        pvm_program_t *const program = load_large(units[i]);

        for (int again = 0; again < 2; again++) {
            assert_true(run(program, PVM_BACKEND_RECOMPILER, &end));
            assert_true(is_same(&end, &expected));
        }
        assert_int_equal(code_of(program)->growth != NULL, i > 0);
        pvm_program_release(program);
    }
}

static void only_what_is_near_is_emitted(void **state)
{
    pvm_program_t *const program = load_large("256");
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 1);

    (void)state;
    assert_non_null(vm);
    assert_true(pvm_recompiler_prepare(vm));
    assert_int_equal(blocks_there(program), 0);
    (void)pvm_execute(vm, program->exports[0].pc);
    assert_in_range(blocks_there(program), 1, 256);
    pvm_destroy(vm);
    pvm_program_release(program);
}

/* A region of pages for units of one block each is soon full. */
static void a_full_region_gives_way_to_code_of_all(void **state)
{
    const end_t expected = expected_end();
    pvm_program_t *const program = load_large("1");
    end_t end;

    (void)state;
    assert_true(run(program, PVM_BACKEND_RECOMPILER, &end));
    assert_true(is_same(&end, &expected));
    assert_null(code_of(program)->growth);
    assert_non_null(code_of(program)->outgrown);
    assert_true(run(program, PVM_BACKEND_RECOMPILER, &end));
    assert_true(is_same(&end, &expected));
    pvm_program_release(program);
}

static void who_wants_all_gets_all(void **state)
{
    pvm_program_t *const program = load_large(NULL);
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, GAS);

    (void)state;
    assert_non_null(vm);
    assert_true(pvm_recompiler_prepare(vm));
    assert_non_null(code_of(program)->growth);
    assert_true(pvm_recompiler_prepare_all(vm));
    assert_null(code_of(program)->growth);
    assert_true(pvm_recompiler_prepare_all(vm));
    pvm_destroy(vm);
    pvm_program_release(program);
}

/* -- Threads and forks --- */

typedef struct {
    pvm_program_t *program;
    const end_t *expected;
    atomic_int *mistakes;
} worker_t;

static void *work(void *user_data)
{
    const worker_t *const worker = user_data;
    end_t end;

    if (!run(worker->program, PVM_BACKEND_RECOMPILER, &end) || !is_same(&end, worker->expected)) {
        atomic_fetch_add(worker->mistakes, 1);
    }
    return NULL;
}

static void threads_grow_the_same_code(void **state)
{
    const end_t expected = expected_end();
    atomic_int mistakes = 0;

    (void)state;
    for (int round = 0; round < 3; round++) {
        pvm_program_t *const program = load_large("300");
        worker_t worker = {program, &expected, &mistakes};
        pthread_t threads[THREADS];

        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, work, &worker), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        pvm_program_release(program);
    }
    assert_int_equal(mistakes, 0);
}

/* While another thread emits units, children are forked that go on emitting them. */
static void children_grow_their_own_copy(void **state)
{
    const end_t expected = expected_end();
    atomic_int mistakes = 0;

    (void)state;
    for (int i = 0; i < FORKS; i++) {
        pvm_program_t *const program = load_large("64");
        worker_t worker = {program, &expected, &mistakes};
        pthread_t thread;
        int status;

        assert_int_equal(pthread_create(&thread, NULL, work, &worker), 0);
        (void)usleep(100U * (unsigned)i);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)alarm(60);
            (void)work(&worker);
            _exit(atomic_load(&mistakes));
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        pvm_program_release(program);
    }
    assert_int_equal(mistakes, 0);
}

typedef struct {
    pvm_vm_t *vm;
    atomic_bool may_end;
} maker_t;

static void *make_all(void *user_data)
{
    maker_t *const maker = user_data;

    (void)pvm_recompiler_prepare_all(maker->vm);
    /* ThreadSanitizer counts a thread that has ended as one that the child does not join. */
    while (!atomic_load(&maker->may_end)) {
        (void)usleep(100);
    }
    return NULL;
}

/* While another thread compiles all of it. Children that use the code long enough come to want that, too. */
static void children_compile_all_of_it(void **state)
{
    (void)state;
    for (int i = 0; i < FORKS; i++) {
        pvm_program_t *const program = load_large(NULL);
        pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, GAS);
        maker_t maker = {.vm = vm};
        pthread_t thread;
        int status;

        assert_non_null(vm);
        assert_true(pvm_recompiler_prepare(vm));
        assert_int_equal(pthread_create(&thread, NULL, make_all, &maker), 0);
        (void)usleep(100U * (unsigned)i);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)alarm(20);
            _exit(pvm_recompiler_prepare_all(vm) && code_of(program)->growth == NULL ? 0 : 1);
        }
        atomic_store(&maker.may_end, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_null(code_of(program)->growth);
        pvm_destroy(vm);
        pvm_program_release(program);
    }
}

/* -- What others see --- */

static void every_address_belongs_to_an_instruction(void **state)
{
    pvm_program_t *const program = load_large(NULL);
    end_t end;

    (void)state;
    assert_true(run(program, PVM_BACKEND_RECOMPILER, &end));
    const pvm_recompiler_code_t *const code = code_of(program);
    for (uint32_t at = 0; at < code->code_len; at++) {
        uint32_t pc = UINT32_MAX;
        const bool is_busy = pvm_recompiler_is_busy_at(code, program, code->region.base + at, &pc);

        assert_int_equal(is_busy, at >= code->body_at);
        assert_true(!is_busy || pvm_isa_mask_at(&program->code, pc));
    }
    for (uint32_t i = 0; i < code->stretch_count; i++) {
        const pvm_stretch_t *const stretch = &code->stretches[i];

        assert_true(i == 0 || stretch->host >= stretch[-1].host);
        assert_true(i == 0 || stretch->lengths >= stretch[-1].lengths);
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        const uint32_t pc = program->blocks[i].pc;
        const pvm_stretch_t *const stretch = pvm_recompiler_stretch_at(code, pc);

        assert_int_equal(stretch != NULL, pvm_growth_has(code, pc));
        assert_true(stretch == NULL || stretch->pc == pc);
    }
    pvm_program_release(program);
}

/* Writable or executable; the slots stay writable, and nothing else in front of the last unit. */
static void no_page_is_writable_and_executable(void **state)
{
    pvm_program_t *const program = load_large(NULL);
    char line[512];
    end_t end;
    int parts = 0;

    (void)state;
    assert_true(run(program, PVM_BACKEND_RECOMPILER, &end));
    const uintptr_t begin = (uintptr_t)code_of(program)->region.base;
    FILE *const maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long first;
        unsigned long last;
        char access[5];

        assert_int_equal(sscanf(line, "%lx-%lx %4s", &first, &last, access), 3);
        assert_false(access[1] == 'w' && access[2] == 'x');
        if (begin + code_of(program)->body_at >= first &&
            begin + code_of(program)->body_at < last) {
            assert_string_equal(access, "r-xp");
            assert_true(last > begin + code_of(program)->code_len - 1);
            parts++;
        }
    }
    (void)fclose(maps);
    assert_int_equal(parts, 1);
    pvm_program_release(program);
}

/* -- What is near --- */

/* @0 branch_eq_imm r0, 0, @9; @5 load_imm_jump r0, 1, @8; @8 trap; @9 jump_ind r0, 0 */
static void calls_and_branches_are_followed(void **state)
{
    static const uint8_t code[] = {81, 0x10, 0, 9, 80, 0x10, 1, 4, 0, 50, 0};
    static const uint8_t mask[] = {0x11, 0x03};
    uint8_t is_taken[8] = {0};
    uint32_t waiting[16];
    uint32_t chosen[8];
    uint32_t ranks[1];
    uint8_t ops[256];

    (void)state;
    pvm_program_t *const program =
        pvm_program_from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_0_7_2);
    assert_non_null(program);
    assert_null(pvm_program_error(program));
    assert_int_equal(program->block_count, 4);
    pvm_ranks_make(program, ranks);
    for (unsigned number = 0; number < 256; number++) {
        ops[number] = (uint8_t)pvm_isa_op(program->code.isa, (uint8_t)number);
    }
    pvm_reach_t reach = {program, ranks, ops, is_taken, waiting, chosen, 0};
    assert_int_equal(pvm_reach_choose(&reach, 0, 1), 1);
    assert_int_equal(chosen[0], 0);
    /* The next block, what it calls, and what the branch leads to, which is not far enough for an end in front of it. */
    memset(is_taken, 0, sizeof(is_taken));
    assert_int_equal(pvm_reach_choose(&reach, 0, 100), 4);
    assert_int_equal(chosen[0], 0);
    assert_int_equal(chosen[1], 1);
    assert_int_equal(chosen[2], 2);
    assert_int_equal(chosen[3], 3);
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grown_code_ends_as_the_interpreter_does),
        cmocka_unit_test(only_what_is_near_is_emitted),
        cmocka_unit_test(a_full_region_gives_way_to_code_of_all),
        cmocka_unit_test(who_wants_all_gets_all),
        cmocka_unit_test(threads_grow_the_same_code),
        cmocka_unit_test(children_grow_their_own_copy),
        cmocka_unit_test(children_compile_all_of_it),
        cmocka_unit_test(every_address_belongs_to_an_instruction),
        cmocka_unit_test(no_page_is_writable_and_executable),
        cmocka_unit_test(calls_and_branches_are_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
    (void)printf("SKIPPED: the recompiler is not in this build\n");
    return 77;
}
#endif
