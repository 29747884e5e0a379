/* Published block cost tables against the engine's costs, block by block. The folder is $PVM_VECTORS or
 * ../shared/vectors beside the source tree; without it the tests are skipped. */
#include "gas/pipeline.h"
#include "program/program.h"

#include <dirent.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a group of files held. */
typedef struct {
    unsigned programs;
    unsigned blocks;
    unsigned different;
} tally_t;

static const char *folder(void)
{
    const char *const set = getenv("PVM_VECTORS");

    return set != NULL && set[0] != '\0' ? set : PVM_TEST_SOURCE_DIR "/../shared/vectors";
}

/* Octets of a JSON array of numbers; free them. */
static uint8_t *octets_of(json_object *array, size_t *out_len)
{
    const size_t len = json_object_array_length(array);
    uint8_t *const octets = malloc(len + 1);

    assert_non_null(octets);
    for (size_t i = 0; i < len; i++) {
        octets[i] = (uint8_t)json_object_get_int(json_object_array_get_idx(array, i));
    }
    *out_len = len;
    return octets;
}

/* One vector. Those without a table are no part of this test. */
static void compare(json_object *vector, pvm_spec_t spec, const char *path, tally_t *tally)
{
    json_object *costs = NULL;
    json_object *blob = NULL;
    size_t len = 0;

    if (!json_object_object_get_ex(vector, "block-gas-costs", &costs)) {
        return;
    }
    assert_true(json_object_object_get_ex(vector, "program", &blob));
    uint8_t *const octets = octets_of(blob, &len);
    pvm_program_t *const program = pvm_program_load(octets, len, PVM_FORMAT_RAW, spec);
    assert_non_null(program);
    json_object_object_foreach(costs, key, value)
    {
        const uint32_t pc = (uint32_t)strtoul(key, NULL, 10);
        const uint32_t cost = pvm_gas_pipeline_cost(&program->code, pc);

        if (cost != json_object_get_uint64(value) && tally->different++ < 10) {
            print_error("%s: block %u costs %u, not %s\n", path, pc, cost,
                        json_object_get_string(value));
        }
        tally->blocks++;
    }
    tally->programs++;
    pvm_program_release(program);
    free(octets);
}

static void compare_file(const char *path, pvm_spec_t spec, tally_t *tally)
{
    json_object *const file = json_object_from_file(path);

    if (file == NULL) {
        fail_msg("%s: %s", path, json_util_get_last_err());
    }
    if (json_object_is_type(file, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(file); i++) {
            compare(json_object_array_get_idx(file, i), spec, path, tally);
        }
    } else {
        compare(file, spec, path, tally);
    }
    json_object_put(file);
}

static void compare_folder(const char *name, pvm_spec_t spec, unsigned blocks_min)
{
    char path[4096];
    tally_t tally = {0};
    const struct dirent *entry;

    (void)snprintf(path, sizeof(path), "%s/%s", folder(), name);
    DIR *const directory = opendir(path);
    if (directory == NULL) {
        print_message("SKIPPED: no folder %s\n", path);
        skip();
    }
    while ((entry = readdir(directory)) != NULL) {
        const char *const end = strrchr(entry->d_name, '.');
        if (end != NULL && strcmp(end, ".json") == 0) {
            (void)snprintf(path, sizeof(path), "%s/%s/%s", folder(), name, entry->d_name);
            compare_file(path, spec, &tally);
        }
    }
    (void)closedir(directory);
    print_message("%s: %u blocks of %u programs, %u different\n", name, tally.blocks,
                  tally.programs, tally.different);
    assert_int_equal(tally.different, 0);
    assert_true(tally.blocks >= blocks_min);
}

static void tables_of_real_programs(void **state)
{
    (void)state;
    compare_folder("gas08/blocks", PVM_SPEC_LATEST64, 5000);
}

static void tables_of_programs_in_steps(void **state)
{
    (void)state;
    compare_folder("gas08", PVM_SPEC_LATEST64, 100);
}

static void tables_of_classic_programs(void **state)
{
    (void)state;
    compare_folder("classic", PVM_SPEC_LATEST64, 5);
}

static void tables_of_random_programs(void **state)
{
    (void)state;
    compare_folder("random-0.8.0", PVM_SPEC_0_8_0, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_real_programs),
        cmocka_unit_test(tables_of_programs_in_steps),
        cmocka_unit_test(tables_of_classic_programs),
        cmocka_unit_test(tables_of_random_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
