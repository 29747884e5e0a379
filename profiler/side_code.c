/* What the code of functions looks like, for comparing builds: instructions without what moves from build to build (targets,
 * addresses), three in a row, so that moved and changed pieces are seen as such. Blocks that were not executed do not count. */
#include "profiler/side.h"

#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "program/program.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

/** Larger numbers may be addresses. */
#define SMALL_NUMBER 4096

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t small(int64_t number)
{
    return number >= -SMALL_NUMBER && number <= SMALL_NUMBER ? (uint64_t)number : UINT64_MAX / 3;
}

static uint64_t token_of(const pvm_instruction_t *in)
{
    uint64_t token = mix(UINT64_C(0x243f6a8885a308d3), in->op);

    token = mix(token, (uint64_t)in->a << 16 | (uint64_t)in->b << 8 | in->d);
    token = mix(token, small(in->x));
    return pvm_isa_has_target((pvm_op_t)in->op) ? token : mix(token, small(in->y));
}

/** Shingles of a function that is being read. */
typedef struct {
    size_t room;
    uint64_t last[2]; /**< tokens before */
} reading_t;

static int add_token(pvm_side_function_t *function, reading_t *reading, uint64_t token)
{
    if (function->shingle_count == reading->room) {
        const size_t room = reading->room == 0 ? 64 : 2 * reading->room;
        uint64_t *const grown = realloc(function->shingles, room * sizeof(*grown));

        if (grown == NULL) {
            return -1;
        }
        function->shingles = grown;
        reading->room = room;
    }
    function->code_hash = mix(function->code_hash, token) | 1;
    function->shingles[function->shingle_count++] =
        mix(mix(mix(0, reading->last[0]), reading->last[1]), token);
    reading->last[0] = reading->last[1];
    reading->last[1] = token;
    return 0;
}

static int read_block(pvm_side_t *side, const pvm_program_t *program, const pvm_side_block_t *block,
                      reading_t *readings)
{
    pvm_side_function_t *const function = &side->functions[block->function];
    const uint32_t end = block->end_pc < program->code.len ? block->end_pc : program->code.len;
    pvm_instruction_t in;

    for (uint32_t pc = block->pc; pc < end; pc = in.next) {
        pvm_isa_decode(&program->code, pc, &in);
        if (add_token(function, &readings[block->function], token_of(&in)) != 0) {
            return -1;
        }
    }
    return 0;
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

pvm_prof_status_t pvm_side_read_code(pvm_side_t *side)
{
    reading_t *const readings = calloc(side->function_count + 1, sizeof(*readings));
    pvm_program_t *program = NULL;
    pvm_prof_status_t status = PVM_PROF_OK;
    int64_t id = -1;
    int failed = readings == NULL ? -1 : 0;

    for (size_t i = 0; i < side->block_count && status == PVM_PROF_OK && failed == 0; i++) {
        if (side->blocks[i].program != id) {
            pvm_program_release(program);
            program = NULL;
            id = side->blocks[i].program;
            status = pvm_prof_stored_program(side->file, id, &program);
        }
        if (program != NULL && status == PVM_PROF_OK) {
            failed = read_block(side, program, &side->blocks[i], readings);
        }
    }
    pvm_program_release(program);
    free(readings);
    for (size_t i = 0; i < side->function_count; i++) {
        if (side->functions[i].shingle_count > 0) {
            qsort(side->functions[i].shingles, side->functions[i].shingle_count, sizeof(uint64_t),
                  compare);
        }
    }
    if (failed != 0) {
        return pvm_prof_store_report(side->file, SQLITE_NOMEM, "read its code");
    }
    return status;
}
