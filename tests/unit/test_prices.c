/* Prices of blocks on demand: in any order, one by one or many at once, by several threads, they are those of the thorough way.
 * Meant for ThreadSanitizer as well (-DPVM_SANITIZE=thread). */
#include "gas/pipeline.h"
#include "program/prices.h"
#include "support/blob.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#define THREADS 4
#define BATCH   200

/* With and without a memory of blocks: program/prices.c takes one from 512 blocks on. */
static const char *const paths[] = {"examples/guest/blobs/large.polkavm",
                                    "examples/guest/blobs/service.jam"};

typedef struct {
    pvm_buffer_t blob;
    pvm_program_t *program;
    uint32_t *order;  /**< all blocks, shuffled */
    uint32_t *prices; /**< by the thorough way */
} subject_t;

static void load(subject_t *subject, const char *path)
{
    uint32_t state = 1;

    *subject = (subject_t){0};
    blob_load(&subject->blob, path);
    subject->program =
        pvm_program_load(subject->blob.data, subject->blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    assert_non_null(subject->program);
    const uint32_t count = subject->program->block_count;
    assert_true(subject->program->has_block_gas && count > 1);
    subject->order = calloc(count, sizeof(*subject->order));
    subject->prices = calloc(count, sizeof(*subject->prices));
    assert_true(subject->order != NULL && subject->prices != NULL);
    for (uint32_t i = 0; i < count; i++) {
        state = state * 1103515245 + 12345;
        const uint32_t other = (state >> 8) % (i + 1);
        subject->order[i] = subject->order[other];
        subject->order[other] = i;
        subject->prices[i] = pvm_gas_pipeline_stages(&subject->program->code,
                                                     subject->program->blocks[i].pc, NULL, 0);
        assert_true(subject->prices[i] > 0);
    }
}

/* The same program, nothing of it priced. */
static void load_again(subject_t *subject)
{
    pvm_program_release(subject->program);
    subject->program =
        pvm_program_load(subject->blob.data, subject->blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    assert_non_null(subject->program);
}

static void unload(subject_t *subject)
{
    pvm_program_release(subject->program);
    pvm_buffer_free(&subject->blob);
    free(subject->order);
    free(subject->prices);
}

/* -- What may be done with a program by several threads at once; each returns how many prices are wrong -- */

static uint32_t one_by_one(const subject_t *subject)
{
    uint32_t wrong = 0;

    for (uint32_t i = 0; i < subject->program->block_count; i++) {
        const uint32_t block = subject->order[i];
        wrong += pvm_program_block_gas(subject->program, block) != subject->prices[block];
    }
    return wrong;
}

/* As it is in the table. Only for ThreadSanitizer an atomic access: it takes a compare and exchange of another thread for
 * a write even where that finds a price and writes nothing. */
static uint32_t in_table(const subject_t *subject, uint32_t block)
{
    return __atomic_load_n(&subject->program->blocks[block].gas, __ATOMIC_RELAXED);
}

/* As code is compiled: afterwards these are in the table for everybody. */
static uint32_t in_batches(const subject_t *subject)
{
    const uint32_t count = subject->program->block_count;
    uint32_t wrong = 0;

    for (uint32_t first = 0; first < count; first += BATCH) {
        const uint32_t end = first + BATCH < count ? first + BATCH : count;
        pvm_program_price_blocks(subject->program, subject->order + first, end - first);
        for (uint32_t i = first; i < end; i++) {
            const uint32_t block = subject->order[i];
            wrong += in_table(subject, block) != subject->prices[block];
        }
    }
    return wrong;
}

/* As an embedder does it. */
static uint32_t all_at_once(const subject_t *subject)
{
    uint32_t wrong = pvm_program_blocks(subject->program) == NULL;

    for (uint32_t i = 0; i < subject->program->block_count; i++) {
        wrong += in_table(subject, i) != subject->prices[i];
    }
    return wrong;
}

static uint32_t (*const ways[])(const subject_t *subject) = {one_by_one, in_batches, all_at_once};

#define WAYS (sizeof(ways) / sizeof(*ways))

/* -- Tests -- */

static void loading_prices_nothing_and_every_way_finds_the_same(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(paths) / sizeof(*paths); p++) {
        subject_t subject;
        load(&subject, paths[p]);
        for (size_t way = 0; way < WAYS * WAYS; way++) {
            for (uint32_t i = 0; i < subject.program->block_count; i++) {
                assert_int_equal(subject.program->blocks[i].gas, 0);
            }
            assert_int_equal(ways[way / WAYS](&subject), 0);
            assert_int_equal(ways[way % WAYS](&subject), 0);
            load_again(&subject);
        }
        unload(&subject);
    }
}

static void one_block_is_priced_alone(void **state)
{
    subject_t subject;

    (void)state;
    load(&subject, paths[0]);
    const uint32_t asked[] = {7, 1234, 7};
    pvm_program_price_blocks(subject.program, asked, 3);
    assert_int_equal(pvm_program_block_gas(subject.program, 99), subject.prices[99]);
    for (uint32_t i = 0; i < subject.program->block_count; i++) {
        const bool is_priced = i == 7 || i == 1234 || i == 99;
        assert_int_equal(subject.program->blocks[i].gas, is_priced ? subject.prices[i] : 0);
    }
    unload(&subject);
}

typedef struct {
    const subject_t *subject;
    pthread_barrier_t *start;
    atomic_uint *wrong;
    size_t way;
} worker_t;

static void *work(void *user_data)
{
    const worker_t *const worker = user_data;

    (void)pthread_barrier_wait(worker->start);
    atomic_fetch_add(worker->wrong, ways[worker->way](worker->subject));
    return NULL;
}

static void threads_may_price_at_once(void **state)
{
    (void)state;
    for (size_t p = 0; p < sizeof(paths) / sizeof(*paths); p++) {
        subject_t subject;
        load(&subject, paths[p]);
        for (size_t round = 0; round < 12; round++) {
            pthread_barrier_t start;
            pthread_t threads[THREADS];
            worker_t workers[THREADS];
            atomic_uint wrong = 0;

            assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
            for (size_t i = 0; i < THREADS; i++) {
                workers[i] = (worker_t){&subject, &start, &wrong, (round + i) % WAYS};
                assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
            }
            for (size_t i = 0; i < THREADS; i++) {
                assert_int_equal(pthread_join(threads[i], NULL), 0);
            }
            (void)pthread_barrier_destroy(&start);
            assert_int_equal(wrong, 0);
            load_again(&subject);
        }
        unload(&subject);
    }
}

static void flat_gas_is_known_from_the_beginning(void **state)
{
    /* trap; and nothing that stands at position 0 */
    const uint8_t code[] = {0, 0};
    const uint8_t mask[] = {2};
    pvm_program_t *const program =
        pvm_program_from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_0_7_2);

    (void)state;
    assert_non_null(program);
    assert_int_equal(program->block_count, 1);
    assert_int_equal(program->blocks[0].gas, program->blocks[0].instructions);
    assert_int_equal(pvm_program_block_gas(program, 0), program->blocks[0].instructions);
    const uint32_t first = 0;
    pvm_program_price_blocks(program, &first, 1);
    assert_int_equal(pvm_program_blocks(program)[0].gas, program->blocks[0].instructions);
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_prices_nothing_and_every_way_finds_the_same),
        cmocka_unit_test(one_block_is_priced_alone),
        cmocka_unit_test(threads_may_price_at_once),
        cmocka_unit_test(flat_gas_is_known_from_the_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
