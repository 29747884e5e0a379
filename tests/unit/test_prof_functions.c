/* Functions: starts found in code, names from debug information, and what a recording makes of
 * them. */
#include "prof_fixture.h"

#include "profiler/functions.h"
#include "profiler/map.h"
#include "support/blob.h"

/* pc 0 calls @callee twice; @callee goes back through its link; @pointed is called through a
 * pointer only; @label is a jump table entry that is no function. */
static const char calls_text[] = ".jump_table @after1, @after2, @pointed, @label\n"
                                 "start: load_imm_jump r0, 2, @callee\n"
                                 "after1: load_imm_jump r0, 4, @callee\n"
                                 "after2: jump_ind r3, 0\n"
                                 "callee: branch_eq_imm r4, 1, @label\n"
                                 "jump_ind r0, 0\n"
                                 "label: load_imm r5, 1\n"
                                 "jump_ind r0, 0\n"
                                 "pointed: add_imm_64 r1, r1, -16\n"
                                 "jump_ind r0, 0\n";

static uint32_t label(const char *text, const char *name)
{
    pvm_assembly_t code;
    uint32_t pc;

    assert_int_equal(pvm_isa_assemble(text, strlen(text), "t", PVM_ISA_0_7_2, &code), 0);
    assert_int_equal(pvm_isa_assembly_label(&code, name, strlen(name), &pc), 0);
    pvm_isa_assembly_free(&code);
    return pc;
}

static const char *name_at(const pvm_prof_functions_t *functions, const pvm_program_t *program,
                           uint32_t pc)
{
    return functions->list[functions->of_block[pvm_program_block_at(program, pc)]].name;
}

static void starts_are_found_in_code_without_names(void **state)
{
    pvm_program_t *const program = prof_program(calls_text, PVM_SPEC_0_7_2);
    pvm_prof_functions_t functions;
    char callee[32];
    char pointed[32];

    (void)state;
    snprintf(callee, sizeof(callee), "fn@%u", label(calls_text, "callee"));
    snprintf(pointed, sizeof(pointed), "fn@%u", label(calls_text, "pointed"));
    assert_int_equal(pvm_prof_functions_find(program, &functions), 0);
    assert_string_equal(name_at(&functions, program, 0), "fn@0");
    assert_string_equal(name_at(&functions, program, label(calls_text, "after1")), "fn@0");
    assert_string_equal(name_at(&functions, program, label(calls_text, "after2")), "fn@0");
    assert_string_equal(name_at(&functions, program, label(calls_text, "callee")), callee);
    assert_string_equal(name_at(&functions, program, label(calls_text, "label")), callee);
    assert_string_equal(name_at(&functions, program, label(calls_text, "pointed")), pointed);
    assert_string_equal(functions.list[functions.of_block[pvm_program_block_count(program)]].name,
                        "(behind the code)");
    pvm_prof_functions_free(&functions);
    pvm_program_release(program);
}

static void invalid_and_empty_programs_have_no_functions(void **state)
{
    pvm_program_t *const invalid =
        pvm_program_load((const uint8_t *)"\xff\xff", 2, PVM_FORMAT_RAW, PVM_SPEC_0_8_0);
    pvm_program_t *const empty = pvm_program_from_parts(NULL, 0, NULL, 0, NULL, 0, PVM_SPEC_0_7_2);
    pvm_prof_functions_t functions;

    (void)state;
    assert_non_null(invalid);
    assert_int_equal(pvm_prof_functions_find(invalid, &functions), 0);
    assert_int_equal(functions.count, 1);
    pvm_prof_functions_free(&functions);
    assert_non_null(empty);
    assert_int_equal(pvm_prof_functions_find(empty, &functions), 0);
    pvm_prof_functions_free(&functions);
    pvm_program_release(invalid);
    pvm_program_release(empty);
}

/* Every guest with debug information: all blocks of real functions have names, the same name
 * has one entry. */
static void guests_have_names(void **state)
{
    static const char *const guests[] = {"sha256", "quicksort", "recursive", "interp"};
    static const char *const versions[] = {"-0.7.2", ""};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t v = 0; v < 2; v++) {
            char path[256];
            pvm_buffer_t blob = {0};
            pvm_prof_functions_t functions;
            uint32_t named = 0;

            snprintf(path, sizeof(path), "examples/guest/blobs/%s%s.polkavm", guests[i],
                     versions[v]);
            blob_load(&blob, path);
            pvm_program_t *const program =
                pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
            if (program == NULL) {
                fail_msg("%s: %s", path, pvm_last_error());
            }
            assert_int_equal(pvm_prof_functions_find(program, &functions), 0);
            for (uint32_t block = 0; block < pvm_program_block_count(program); block++) {
                named += functions.list[functions.of_block[block]].from_debug;
            }
            assert_true(named * 10 > pvm_program_block_count(program) * 8);
            for (uint32_t a = 0; a < functions.count; a++) {
                for (uint32_t b = 0; b < a; b++) {
                    assert_string_not_equal(functions.list[a].name, functions.list[b].name);
                }
            }
            pvm_prof_functions_free(&functions);
            pvm_program_release(program);
            pvm_buffer_free(&blob);
        }
    }
}

static void a_map_finds_what_was_added(void **state)
{
    pvm_prof_map_t map = {0};

    (void)state;
    assert_int_equal(pvm_prof_map_get(&map, 0), PVM_PROF_MAP_NONE);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(pvm_prof_map_add(&map, (uint64_t)i << 32 | (i * 7), i), 0);
    }
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(pvm_prof_map_get(&map, (uint64_t)i << 32 | (i * 7)), i);
        assert_int_equal(pvm_prof_map_get(&map, (uint64_t)i << 32 | (i * 7 + 1)),
                         PVM_PROF_MAP_NONE);
    }
    pvm_prof_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_are_found_in_code_without_names),
        cmocka_unit_test(invalid_and_empty_programs_have_no_functions),
        cmocka_unit_test(guests_have_names),
        cmocka_unit_test(a_map_finds_what_was_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
