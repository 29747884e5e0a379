/* The timeline of a block ends where its cost does, and explains all of it, for every block of every guest. */
#include "gas/timeline.h"
#include "program/program.h"
#include "support/blob.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOBS PVM_TEST_SOURCE_DIR "/examples/guest/blobs"

static void explain(const pvm_program_t *program, const pvm_block_t *block,
                    pvm_gas_timeline_t *timeline)
{
    uint32_t gas = 0;
    uint32_t at = 0;

    assert_int_equal(pvm_gas_timeline_make(timeline, &program->code, block->pc), 0);
    assert_int_equal(timeline->count, block->instructions);
    assert_int_equal(timeline->cost, block->gas);
    assert_int_equal(timeline->cycles,
                     block->gas == 1 && timeline->cycles < 4 ? timeline->cycles : block->gas + 3);
    for (size_t i = 0; i < timeline->count; i++) {
        gas += timeline->gas[i];
    }
    assert_int_equal(gas, block->gas);
    for (size_t i = 0; i < timeline->chain_count; i++) {
        assert_int_equal(timeline->chain[i].begin, at);
        at = timeline->chain[i].end;
    }
    assert_int_equal(at + 2, timeline->cycles);
}

static void the_timeline_of_every_block_of_the_guests_ends_at_its_cost(void **state)
{
    DIR *const folder = opendir(BLOBS);
    pvm_gas_timeline_t timeline = {0};
    const struct dirent *entry;
    uint32_t blocks = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        pvm_buffer_t blob = {0};

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "examples/guest/blobs/%s", entry->d_name);
        blob_load(&blob, path);
        pvm_program_t *const program =
            pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO,
                             strstr(entry->d_name, ".polkavm") != NULL ? PVM_SPEC_DEFAULT
                             : strstr(entry->d_name, "0.7.2") != NULL  ? PVM_SPEC_0_7_2
                                                                       : PVM_SPEC_0_8_0);
        assert_non_null(program);
        for (uint32_t i = 0; program->has_block_gas && i < program->block_count; i++) {
            explain(program, &pvm_program_blocks(program)[i], &timeline);
            blocks++;
        }
        pvm_program_release(program);
        pvm_buffer_free(&blob);
    }
    closedir(folder);
    pvm_gas_timeline_free(&timeline);
    print_message("%u blocks\n", blocks);
    assert_true(blocks > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_timeline_of_every_block_of_the_guests_ends_at_its_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
