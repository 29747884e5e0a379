/* From labelled instructions to octets, mask and jump table. */
#include "draft.h"

#include <string.h>

/* A length that the value fits, as short as it can be half of the time. */
static int8_t choose_length(diff_source_t *source, int64_t value)
{
    const unsigned needed = pvm_isa_immediate_length(value);

    if (needed >= PVM_LENGTH_MAX || diff_one_in(source, 2)) {
        return PVM_LENGTH_SHORTEST;
    }
    return (int8_t)diff_between(source, needed, PVM_LENGTH_MAX);
}

diff_item_t *diff_draft_add(diff_draft_t *draft, const pvm_instruction_t *in)
{
    if (draft->item_count == DIFF_ITEMS_MAX) {
        return NULL;
    }
    diff_item_t *const item = &draft->items[draft->item_count++];
    *item = (diff_item_t){.in = *in, .lengths = pvm_lengths_shortest(), .label = DIFF_NO_LABEL};
    if (in->op != PVM_OP_load_imm_64) {
        item->lengths.x = choose_length(draft->source, in->x);
        item->lengths.y = choose_length(draft->source, in->y);
    }
    return item;
}

void diff_draft_jump(diff_draft_t *draft, const pvm_instruction_t *in, uint32_t label)
{
    diff_item_t *const item = diff_draft_add(draft, in);

    if (item != NULL) {
        /* Chosen now, so that the layout does not depend on distances; two octets reach all of the code. */
        item->lengths.y = (int8_t)diff_between(draft->source, 2, PVM_LENGTH_MAX);
        item->label = label;
        /* Octets behind a shorter offset would make it longer. */
        if (item->lengths.y == PVM_LENGTH_MAX && diff_one_in(draft->source, 10)) {
            item->padding = (uint8_t)diff_between(draft->source, 1, 8);
        }
    }
}

uint32_t diff_draft_label(diff_draft_t *draft)
{
    const uint32_t label = draft->label_count;

    if (label == DIFF_LABELS_MAX) {
        return DIFF_LABELS_MAX - 1;
    }
    draft->labels[draft->label_count++] = 0;
    return label;
}

void diff_draft_place(diff_draft_t *draft, uint32_t label)
{
    draft->labels[label] = draft->item_count;
}

int64_t diff_draft_address(diff_draft_t *draft, uint32_t label)
{
    if (draft->jump_count < DIFF_JUMPS_MAX) {
        draft->jumps[draft->jump_count++] = label;
    }
    return 2 * (int64_t)draft->jump_count;
}

/* Octets of an item at its in.pc, padding included; 0 if it has no encoding. */
static size_t encode(const diff_draft_t *draft, const diff_item_t *item,
                     uint8_t out[PVM_ENCODED_MAX + 8])
{
    const size_t len = pvm_isa_encode(draft->isa, &item->in, item->lengths, out);

    for (size_t i = 0; len > 0 && i < item->padding; i++) {
        out[len + i] = (uint8_t)(len * 37 + i * 101 + item->in.pc);
    }
    return len == 0 ? 0 : len + item->padding;
}

static void emit(diff_draft_t *draft, diff_item_t *item)
{
    diff_program_t *const program = draft->program;
    uint8_t octets[PVM_ENCODED_MAX + 8];
    size_t len = encode(draft, item, octets);

    if (len == 0) {
        /* Not in this numbering: a trap says so to whoever reads the program. */
        octets[0] = 0;
        len = 1;
    }
    if (program->code_len + len > DIFF_CODE_MAX) {
        return;
    }
    const uint32_t at = program->code_len;
    program->mask[at >> 3] = (uint8_t)(program->mask[at >> 3] | 1U << (at & 7));
    memcpy(program->code + at, octets, len);
    program->code_len += (uint32_t)len;
}

/* Places of all items; a jump's length does not depend on its distance. */
static uint32_t lay_out(diff_draft_t *draft)
{
    uint8_t octets[PVM_ENCODED_MAX + 8];
    uint32_t pc = 0;

    for (uint32_t i = 0; i < draft->item_count; i++) {
        diff_item_t *const item = &draft->items[i];
        item->in.pc = pc;
        if (item->label != DIFF_NO_LABEL) {
            item->in.y = pc;
        }
        const size_t len = encode(draft, item, octets);
        pc += len == 0 ? 1 : (uint32_t)len;
    }
    return pc;
}

static uint32_t place_of(const diff_draft_t *draft, uint32_t label, uint32_t end)
{
    const uint32_t item = draft->labels[label];

    return item < draft->item_count ? draft->items[item].in.pc : end;
}

void diff_draft_finish(diff_draft_t *draft)
{
    diff_program_t *const program = draft->program;
    const uint32_t end = lay_out(draft);

    for (uint32_t i = 0; i < draft->item_count; i++) {
        diff_item_t *const item = &draft->items[i];
        if (item->label != DIFF_NO_LABEL) {
            item->in.y = place_of(draft, item->label, end);
        }
        emit(draft, item);
    }
    program->jump_table_len = draft->jump_count;
    for (uint32_t i = 0; i < draft->jump_count; i++) {
        program->jump_table[i] = place_of(draft, draft->jumps[i], end);
    }
}
