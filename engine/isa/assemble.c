/* Assembler, second half: label resolution, lengths of offsets, octets. Parsing:
 * assemble_source.c. */
#include "isa/assemble.h"

#include "isa/assemble_source.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

static const char *const isa_names[PVM_ISA_COUNT] = {
    [PVM_ISA_0_7_2] = "0.7.2",
    [PVM_ISA_0_8_0] = "0.8.0",
    [PVM_ISA_LATEST64] = "latest64",
    [PVM_ISA_LATEST32] = "latest32",
};

pvm_isa_t pvm_isa_by_name(const char *name, size_t len)
{
    for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
        if (strlen(isa_names[isa]) == len && memcmp(isa_names[isa], name, len) == 0) {
            return (pvm_isa_t)isa;
        }
    }
    return PVM_ISA_COUNT;
}

const char *pvm_isa_name(pvm_isa_t isa)
{
    return isa_names[isa];
}

/* -- Labels ----------------------------------------------------------------------------- */

static int compare_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const size_t common = a_len < b_len ? a_len : b_len;
    const int order = memcmp(a, b, common);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare_labels(const void *a, const void *b)
{
    const pvm_label_t *x = a;
    const pvm_label_t *y = b;

    return compare_names(x->name, x->name_len, y->name, y->name_len);
}

/* Index of a label among sorted ones, or `count`. */
static uint32_t find_label(const pvm_label_t *labels, uint32_t count, const char *name, size_t len)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = compare_names(labels[middle].name, labels[middle].name_len, name, len);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return count;
}

/* Sort the labels, refuse doubles, and put label indices into `resolved`, one for each
 * reference. */
static int resolve(pvm_source_t *source, uint32_t *resolved)
{
    pvm_label_t *labels = (pvm_label_t *)(void *)source->labels.data;
    const pvm_reference_t *references = (const pvm_reference_t *)(void *)source->references.data;
    const uint32_t label_count = pvm_isa_source_count(&source->labels, sizeof(*labels));
    const uint32_t count = pvm_isa_source_count(&source->references, sizeof(*references));

    if (label_count > 0) {
        qsort(labels, label_count, sizeof(*labels), compare_labels);
    }
    for (uint32_t i = 1; i < label_count; i++) {
        if (compare_labels(&labels[i - 1], &labels[i]) == 0) {
            return pvm_error_set("%s:%u: label '%.*s' is defined on line %u too; rename one",
                                 source->file_name, labels[i].line, (int)labels[i].name_len,
                                 labels[i].name, labels[i - 1].line);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        resolved[i] = find_label(labels, label_count, references[i].name, references[i].name_len);
        if (resolved[i] == label_count) {
            return pvm_error_set(
                "%s:%u: label '%.*s' is not defined; write '%.*s:' in front of a line",
                source->file_name, references[i].line, (int)references[i].name_len,
                references[i].name, (int)references[i].name_len, references[i].name);
        }
    }
    return 0;
}

/* -- Layout ----------------------------------------------------------------------------- */

/* What layout works on. */
typedef struct {
    pvm_source_t *source;
    pvm_item_t *items;
    uint32_t item_count;
    uint32_t code_len;
    const uint32_t *resolved; /* reference -> label */
    uint32_t *pcs;            /* item -> pc; one more for the end */
    int8_t *grown;            /* item -> octets of its offset, if the assembler chooses them */
} layout_t;

static uint32_t pc_of_reference(const layout_t *layout, uint32_t reference)
{
    const pvm_label_t *labels = (const pvm_label_t *)(void *)layout->source->labels.data;

    return layout->pcs[labels[layout->resolved[reference]].item];
}

static int64_t target_of(const layout_t *layout, const pvm_item_t *item)
{
    return item->reference == PVM_NO_REFERENCE ? item->target
                                               : pc_of_reference(layout, item->reference);
}

/* Octets of an item where it stands now. An offset without a chosen length gets what it needs
 * and is never shortened again, so that the layout settles. While it has not settled, a target
 * may be out of reach for the moment: the item then has its length already, and *out_fits is
 * false. */
static uint32_t measure(const layout_t *layout, uint32_t index, bool *out_fits)
{
    uint8_t octets[PVM_ENCODED_MAX];
    pvm_item_t *item = &layout->items[index];
    pvm_lengths_t lengths = item->lengths;

    *out_fits = true;
    if (item->raw_count > 0) {
        return item->raw_count;
    }
    item->in.pc = layout->pcs[index];
    if (!pvm_isa_has_target((pvm_op_t)item->in.op)) {
        return (uint32_t)pvm_isa_encode(layout->source->isa, &item->in, lengths, octets);
    }
    item->in.y = target_of(layout, item);
    const unsigned needed = pvm_isa_immediate_length(item->in.y - item->in.pc);
    if (lengths.y == PVM_LENGTH_SHORTEST) {
        const int8_t grown = needed < PVM_LENGTH_MAX ? (int8_t)needed : PVM_LENGTH_MAX;
        layout->grown[index] = grown > layout->grown[index] ? grown : layout->grown[index];
        lengths.y = layout->grown[index];
    }
    if ((int)needed > lengths.y) {
        *out_fits = false;
        item->in.y = item->in.pc;
    }
    return (uint32_t)pvm_isa_encode(layout->source->isa, &item->in, lengths, octets);
}

/* One pass over all items with the pcs of the pass before.
 *  @return 1 if something moved, 0 if not, -1 on error. */
static int lay_out_once(layout_t *layout)
{
    const pvm_item_t *misfit = NULL;
    bool moved = false;
    uint64_t pc = 0;

    for (uint32_t i = 0; i < layout->item_count; i++) {
        pvm_item_t *item = &layout->items[i];
        bool fits;
        const uint32_t octets = measure(layout, i, &fits);
        misfit = fits ? misfit : item;
        moved = moved || layout->pcs[i] != (uint32_t)pc || item->octets != octets;
        layout->pcs[i] = (uint32_t)pc;
        item->octets = octets;
        pc += octets;
        if (pc > PVM_MAX_ASSEMBLY_CODE) {
            return pvm_error_set("%s:%u: more than %u octets of code; split the program",
                                 layout->source->file_name, item->line, PVM_MAX_ASSEMBLY_CODE);
        }
    }
    moved = moved || layout->pcs[layout->item_count] != (uint32_t)pc;
    layout->pcs[layout->item_count] = (uint32_t)pc;
    layout->code_len = (uint32_t)pc;
    if (!moved && misfit != NULL) {
        return pvm_error_set(
            "%s:%u: the target is too far away for its length; leave the length out",
            layout->source->file_name, misfit->line);
    }
    return moved ? 1 : 0;
}

/* Stated pcs are where layout begins, which makes a disassembly come out as it was at once. */
static void first_guess(layout_t *layout)
{
    uint32_t pc = 0;

    for (uint32_t i = 0; i < layout->item_count; i++) {
        const pvm_item_t *item = &layout->items[i];
        pc = item->stated_pc != PVM_NO_STATED_PC ? item->stated_pc : pc;
        layout->pcs[i] = pc;
        pc += item->raw_count > 0 ? item->raw_count : 1;
    }
    layout->pcs[layout->item_count] = pc;
}

static int lay_out(layout_t *layout)
{
    int moved = 1;

    first_guess(layout);
    /* Ends: an offset can grow four times only, and without growth one more pass settles the
     * pcs. */
    while (moved > 0) {
        moved = lay_out_once(layout);
    }
    for (uint32_t i = 0; moved == 0 && i < layout->item_count; i++) {
        pvm_item_t *item = &layout->items[i];
        if (item->stated_pc != PVM_NO_STATED_PC && item->stated_pc != layout->pcs[i]) {
            return pvm_error_set("%s:%u: the line says @%u but comes out at @%u; remove the @%u: "
                                 "or mend what stands before",
                                 layout->source->file_name, item->line, item->stated_pc,
                                 layout->pcs[i], item->stated_pc);
        }
        item->pc = layout->pcs[i];
        if (item->raw_count == 0 && pvm_isa_has_target((pvm_op_t)item->in.op) &&
            item->lengths.y == PVM_LENGTH_SHORTEST) {
            item->lengths.y = layout->grown[i];
        }
    }
    return moved;
}

/* -- Octets ----------------------------------------------------------------------------- */

static void set_mask(uint8_t *mask, uint32_t pc)
{
    mask[pc >> 3] |= (uint8_t)(1U << (pc & 7));
}

static void emit(const layout_t *layout, pvm_assembly_t *out)
{
    const uint16_t *raw = (const uint16_t *)(void *)layout->source->raw.data;

    for (uint32_t i = 0; i < layout->item_count; i++) {
        const pvm_item_t *item = &layout->items[i];
        if (item->raw_count == 0) {
            uint8_t octets[PVM_ENCODED_MAX];
            const size_t len =
                pvm_isa_encode(layout->source->isa, &item->in, item->lengths, octets);
            memcpy(out->code + item->pc, octets, len);
            set_mask(out->mask, item->pc);
            continue;
        }
        for (uint32_t k = 0; k < item->raw_count; k++) {
            out->code[item->pc + k] = (uint8_t)raw[item->raw_first + k];
            if ((raw[item->raw_first + k] & PVM_RAW_MASK) != 0) {
                set_mask(out->mask, item->pc + k);
            }
        }
    }
}

static int make_output(const layout_t *layout, pvm_assembly_t *out)
{
    pvm_source_t *source = layout->source;
    const pvm_jump_t *jumps = (const pvm_jump_t *)(void *)source->jumps.data;

    out->isa = source->isa;
    out->code_len = layout->code_len;
    out->jump_table_len = pvm_isa_source_count(&source->jumps, sizeof(*jumps));
    out->code = calloc(out->code_len + (size_t)1, 1);
    out->mask = calloc(out->code_len / 8 + (size_t)1, 1);
    out->jump_table = calloc(out->jump_table_len + (size_t)1, sizeof(*out->jump_table));
    if (out->code == NULL || out->mask == NULL || out->jump_table == NULL) {
        return pvm_error_set("%s: not enough memory to assemble", source->file_name);
    }
    emit(layout, out);
    for (uint32_t i = 0; i < out->jump_table_len; i++) {
        out->jump_table[i] = jumps[i].reference == PVM_NO_REFERENCE
                                 ? jumps[i].value
                                 : pc_of_reference(layout, jumps[i].reference);
    }
    out->label_count = pvm_isa_source_count(&source->labels, sizeof(*out->labels));
    out->labels = (pvm_label_t *)(void *)source->labels.data;
    source->labels = (pvm_buffer_t){0};
    for (uint32_t i = 0; i < out->label_count; i++) {
        out->labels[i].pc = layout->pcs[out->labels[i].item];
    }
    return 0;
}

int pvm_isa_assemble(const char *text, size_t len, const char *file_name, pvm_isa_t isa,
                     pvm_assembly_t *out)
{
    pvm_source_t source = {.file_name = file_name, .isa = isa};
    layout_t layout = {.source = &source};
    uint32_t *resolved = NULL;
    int result = -1;

    *out = (pvm_assembly_t){0};
    if (len > PVM_MAX_ASSEMBLY_TEXT) {
        return pvm_error_set("%s: longer than %u octets; split the program", file_name,
                             PVM_MAX_ASSEMBLY_TEXT);
    }
    /* Labels point into the text, and outlive the caller's. */
    out->text = malloc(len + 1);
    if (out->text == NULL) {
        return pvm_error_set("%s: not enough memory to assemble", file_name);
    }
    memcpy(out->text, text, len);
    if (pvm_isa_source_parse(&source, out->text, len) != 0) {
        goto done;
    }
    layout.items = (pvm_item_t *)(void *)source.items.data;
    layout.item_count = pvm_isa_source_count(&source.items, sizeof(pvm_item_t));
    layout.pcs = calloc(layout.item_count + (size_t)1, sizeof(*layout.pcs));
    layout.grown = calloc(layout.item_count + (size_t)1, sizeof(*layout.grown));
    resolved = calloc(pvm_isa_source_count(&source.references, sizeof(pvm_reference_t)) + (size_t)1,
                      sizeof(*resolved));
    layout.resolved = resolved;
    if (layout.pcs == NULL || layout.grown == NULL || resolved == NULL) {
        (void)pvm_error_set("%s: not enough memory to assemble", file_name);
        goto done;
    }
    if (resolve(&source, resolved) == 0 && lay_out(&layout) == 0) {
        result = make_output(&layout, out);
    }
done:
    pvm_isa_source_free(&source);
    free(layout.pcs);
    free(layout.grown);
    free(resolved);
    if (result != 0) {
        pvm_isa_assembly_free(out);
    }
    return result;
}

void pvm_isa_assembly_free(pvm_assembly_t *assembly)
{
    free(assembly->code);
    free(assembly->mask);
    free(assembly->jump_table);
    free(assembly->labels);
    free(assembly->text);
    *assembly = (pvm_assembly_t){0};
}

int pvm_isa_assembly_label(const pvm_assembly_t *assembly, const char *name, size_t name_len,
                           uint32_t *out_pc)
{
    const uint32_t index = find_label(assembly->labels, assembly->label_count, name, name_len);

    if (index == assembly->label_count) {
        return -1;
    }
    *out_pc = assembly->labels[index].pc;
    return 0;
}
