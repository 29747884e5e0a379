/* Octets to a program and its run, in every way that the engine has; all must agree. Half of the inputs steer the
 * generator of tests/differential, the other half are code, mask and jump table themselves. */
#include "check.h"
#include "fuzz/fuzz.h"
#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Made once and kept, as fuzz targets do: its making costs more than most runs. */
typedef struct {
    diff_session_t session;
    diff_program_t program;
    diff_generator_t *generator;
} fuzz_state_t;

static fuzz_state_t *get_state(void)
{
    static fuzz_state_t *state;

    if (state == NULL) {
        state = calloc(1, sizeof(*state));
        FUZZ_CHECK(state != NULL);
        state->generator = diff_generator_create();
        FUZZ_CHECK(state->generator != NULL && diff_session_begin(&state->session) == 0);
    }
    return state;
}

static uint8_t next_octet(diff_source_t *source)
{
    return source->at < source->len ? source->octets[source->at++] : 0;
}

/* A head of 8 octets, jump table entries of 2, then code; each of its octets takes a bit of a mask in front. */
static void take_literally(diff_source_t *source, diff_program_t *out)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64,
                                       PVM_SPEC_LATEST64};

    memset(out, 0, sizeof(*out));
    const uint8_t kind = next_octet(source);
    out->spec = specs[kind & 3];
    out->is_32_bit = (kind & 3) == 3;
    out->has_heap = (kind & 4) != 0;
    out->has_callback = (kind & 8) != 0;
    out->gas = (next_octet(source) << 8 | next_octet(source)) % 4096;
    out->host_seed = next_octet(source);
    out->exits = DIFF_EXITS_MAX;
    out->entry = next_octet(source) % 32;
    out->jump_table_len = next_octet(source) % 8;
    out->regions[out->region_count++] =
        (diff_region_t){.address = 0x20000, .pages = 2, .access = PVM_ACCESS_WRITE, .fill = 7};
    out->regions[out->region_count++] =
        (diff_region_t){.address = 0xfffff000, .pages = 1, .access = PVM_ACCESS_WRITE};
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        out->registers[i] = UINT64_C(0x20000) + (uint64_t)i * 0xffc;
    }
    for (uint32_t i = 0; i < out->jump_table_len; i++) {
        out->jump_table[i] = (uint32_t)(next_octet(source) << 8 | next_octet(source)) % 512;
    }
    while (source->at + 1 < source->len && out->code_len < 1024) {
        out->mask[out->code_len / 8] = next_octet(source);
        for (int i = 0; i < 8 && source->at < source->len; i++) {
            out->code[out->code_len++] = next_octet(source);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_state_t *const state = get_state();
    diff_source_t source = diff_source_make(0, 0);
    char text[400];

    source.octets = data;
    source.len = size;
    if (next_octet(&source) % 2 == 0) {
        diff_generate(state->generator, &source, &state->program);
    } else {
        take_literally(&source, &state->program);
    }
    const int found = diff_check(&state->session, &state->program);
    if (found >= 0) {
        diff_program_write(&state->program, stdout);
        (void)printf(
            "# %s: %s\n", diff_variants[found].name,
            diff_describe(&state->session.reference, &state->session.other, text, sizeof(text))
                ? text
                : pvm_last_error());
        (void)fflush(stdout);
    }
    FUZZ_CHECK(found < 0);
    return 0;
}
