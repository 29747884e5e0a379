/* Questions to the code map. Nothing here allocates or locks: signal handlers may ask. */
#include "recompiler/available.h"
#include "recompiler/code.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/grow.h"

pvm_stub_t pvm_recompiler_stub_at(const pvm_recompiler_code_t *code, const pvm_program_t *program,
                                  const uint8_t *stop)
{
    const uint32_t offset = (uint32_t)(stop - code->region.base) - code->stubs_at;

    return code->growth != NULL ? pvm_growth_stub(code, stop)
                                : pvm_recompiler_stub(code, program, offset / PVM_STUB_BYTES - 1);
}

const pvm_stretch_t *pvm_recompiler_stretch_at(const pvm_recompiler_code_t *code, uint32_t pc)
{
    if (code->growth != NULL) {
        return pvm_growth_stretch_at(code, pc);
    }
    uint32_t low = 0;
    uint32_t high = code->stretch_count;
    /* Stretches before `low` begin at or before pc, those from `high` on after it. */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (code->stretches[middle].pc <= pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : &code->stretches[low - 1];
}

static uint32_t next_mask_bit(const pvm_code_t *code, uint32_t pc)
{
    do {
        pc++;
    } while (!pvm_isa_mask_at(code, pc));
    return pc;
}

uint32_t pvm_recompiler_pc_of(const pvm_recompiler_code_t *code, const pvm_program_t *program,
                              const uint8_t *host, const pvm_stretch_t **out_stretch)
{
    const uint32_t offset = (uint32_t)(host - code->region.base);
    const uint32_t count = pvm_recompiler_stretch_count(code);
    uint32_t low = 0;
    uint32_t high = count;

    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (code->stretches[middle].host <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const pvm_stretch_t *const stretch = &code->stretches[low];
    const uint32_t end = low + 1 < count ? stretch[1].lengths
                                         : __atomic_load_n(&code->length_count, __ATOMIC_ACQUIRE);
    uint32_t at = stretch->host;
    uint32_t pc = stretch->pc;
    for (uint32_t i = stretch->lengths; i + 1 < end; i++) {
        at += code->lengths[i];
        if (at > offset) {
            break;
        }
        pc = next_mask_bit(&program->code, pc);
    }
    *out_stretch = stretch;
    return pc;
}

/* Where the code of tails is a part of; other offsets as they are. What a tail is a part of stands before it. */
static uint32_t tail_to_body(const pvm_recompiler_code_t *code, uint32_t offset)
{
    while (code->tail_count > 0 && offset >= code->tails[0].host) {
        uint32_t low = 0;
        uint32_t high = code->tail_count;

        while (high - low > 1) {
            const uint32_t middle = low + (high - low) / 2;
            if (code->tails[middle].host <= offset) {
                low = middle;
            } else {
                high = middle;
            }
        }
        offset = code->tails[low].like;
    }
    return offset;
}

bool pvm_recompiler_is_busy_at(const pvm_recompiler_code_t *code, const pvm_program_t *program,
                               const uint8_t *host, uint32_t *out_pc)
{
    const size_t distance = (size_t)(host - code->region.base);
    /* In this order: whoever sees how far the code goes sees all of its stretches. */
    const uint32_t code_len = pvm_recompiler_code_len(code);
    const uint32_t count = pvm_recompiler_stretch_count(code);
    const pvm_stretch_t *stretch;

    if (distance >= code_len || count == 0) {
        return false;
    }
    const uint32_t offset = tail_to_body(code, (uint32_t)distance);
    if (offset < code->body_at) {
        return false;
    }
    if (offset < code->stretches[0].host) {
        *out_pc = code->stretches[0].pc;
        return true;
    }
    *out_pc = pvm_recompiler_pc_of(code, program, code->region.base + offset, &stretch);
    const uint32_t index = (uint32_t)(stretch - code->stretches);
    if (index + 1 >= count) {
        return true;
    }
    uint32_t end = stretch->host;
    for (uint32_t i = stretch->lengths; i < stretch[1].lengths; i++) {
        end += code->lengths[i];
    }
    /* Between two stretches stands what pays for the second one. */
    if (offset >= end) {
        *out_pc = stretch[1].pc;
    }
    return true;
}

uint32_t pvm_recompiler_index_in(const pvm_program_t *program, const pvm_stretch_t *stretch,
                                 uint32_t pc)
{
    uint32_t index = 0;

    for (uint32_t at = stretch->pc; at < pc; at = next_mask_bit(&program->code, at)) {
        index++;
    }
    return index;
}
#endif
