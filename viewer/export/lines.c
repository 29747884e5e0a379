/* Walks over recorded code. One program is open at a time: blocks come by program. */
#include "viewer/export/lines.h"

#include "profiler/code.h"

#include <stdlib.h>
#include <string.h>

struct pvm_export_lines_t {
    pvm_prof_run_file_t *file;
    pvm_prof_code_t code;
    pvm_debug_stack_t stack;
    bool failed;
};

pvm_export_lines_t *pvm_export_lines_create(pvm_prof_run_file_t *file)
{
    pvm_export_lines_t *const lines = calloc(1, sizeof(*lines));

    if (lines != NULL) {
        lines->file = file;
        lines->code.id = -1;
    }
    return lines;
}

void pvm_export_lines_destroy(pvm_export_lines_t *lines)
{
    if (lines != NULL) {
        pvm_prof_code_close(&lines->code);
        free(lines);
    }
}

bool pvm_export_lines_failed(const pvm_export_lines_t *lines)
{
    return lines->failed;
}

/* Look at the block of a frame. @return the block, or NULL: its code is not known */
static const pvm_prof_code_block_t *look_at(pvm_export_lines_t *lines,
                                            const pvm_prof_frame_t *frame)
{
    pvm_prof_code_t *const code = &lines->code;

    if (code->id != frame->program) {
        pvm_prof_code_close(code);
        if (pvm_prof_code_open(lines->file, frame->program, code) != PVM_PROF_OK) {
            lines->failed = true;
            return NULL;
        }
    }
    const size_t index = frame->pc >= 0 && frame->pc <= UINT32_MAX && code->program != NULL
                             ? pvm_prof_code_find(code, (uint32_t)frame->pc)
                             : code->block_count;
    if (index == code->block_count || code->blocks[index].pc != frame->pc ||
        code->program->debug_info == NULL) {
        return NULL;
    }
    lines->failed = lines->failed || pvm_prof_code_look(code, index) != 0;
    return lines->failed || code->instruction_count == 0 ? NULL : &code->blocks[index];
}

/* All samples of the block. */
static int64_t samples_of(const pvm_prof_code_t *code)
{
    int64_t samples = 0;

    for (size_t i = 0; i < code->instruction_count; i++) {
        samples = pvm_prof_plus(samples, code->instructions[i].samples);
    }
    return samples;
}

/* The part of `time` that `part` samples of `all` are. */
static int64_t share(int64_t time, int64_t part, int64_t all)
{
    return part <= 0 || part > all || time <= 0 ? 0 : (int64_t)((__int128)time * part / all);
}

bool pvm_export_lines_tell(pvm_export_lines_t *lines, const pvm_prof_frame_t *block,
                           const int64_t *self, pvm_export_part_fn_t *tell, void *user_data)
{
    const pvm_prof_code_block_t *const known = look_at(lines, block);
    const pvm_prof_code_t *const code = &lines->code;
    pvm_export_part_t first = {.stack = &lines->stack};

    if (known == NULL) {
        return false;
    }
    const bool has_gas = known->gas == self[PVM_PROF_VALUE_GAS];
    const int64_t samples = samples_of(code);
    pvm_export_part_t part = first;
    memcpy(first.values, self, sizeof(first.values));
    for (size_t i = 1; i < code->instruction_count; i++) {
        const pvm_prof_code_instruction_t *const in = &code->instructions[i];
        int64_t *const gas = &first.values[PVM_PROF_VALUE_GAS];

        *gas = has_gas ? pvm_prof_minus(*gas, in->gas) : *gas;
        first.values[PVM_PROF_VALUE_TIME] -= share(self[PVM_PROF_VALUE_TIME], in->samples, samples);
    }
    lines->code.walk = (pvm_debug_walk_t){0};
    for (size_t i = 0; i < code->instruction_count; i++) {
        const pvm_prof_code_instruction_t *const in = &code->instructions[i];

        part.values[PVM_PROF_VALUE_GAS] = has_gas ? in->gas : 0;
        part.values[PVM_PROF_VALUE_TIME] = share(self[PVM_PROF_VALUE_TIME], in->samples, samples);
        part = i == 0 ? first : part;
        part.is_host_call = in->op == PVM_OP_ecalli;
        if (i > 0 && !part.is_host_call && part.values[PVM_PROF_VALUE_GAS] == 0 &&
            part.values[PVM_PROF_VALUE_TIME] == 0) {
            continue;
        }
        part.pc = in->pc;
        (void)pvm_debug_info_find(code->program->debug_info, &lines->code.walk, in->pc,
                                  &lines->stack);
        tell(user_data, &part);
        part = (pvm_export_part_t){.stack = &lines->stack};
    }
    return true;
}
