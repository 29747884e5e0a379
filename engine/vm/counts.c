/* Counts: terminators of a program, and the arithmetic from edges to blocks. */
#include "vm/counts.h"

#include "gas/pipeline.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

static uint32_t target_block(const pvm_program_t *program, int64_t pc)
{
    if (pc < 0 || pc > UINT32_MAX || !pvm_program_is_block_start(program, (uint64_t)pc)) {
        return PVM_BLOCK_NONE;
    }
    return pvm_program_block_at(program, (uint32_t)pc);
}

static bool next_terminator(const pvm_program_t *program, uint32_t *pc, pvm_instruction_t *out)
{
    /* An invalid program has code but no blocks, and none of it is ever executed. */
    const uint32_t end = program->error == NULL ? program->code.len : 0;

    for (; *pc < end; (*pc)++) {
        if (pvm_isa_mask_at(&program->code, *pc)) {
            pvm_isa_decode(&program->code, *pc, out);
            if (!out->implicit && pvm_isa_is_terminator((pvm_op_t)out->op)) {
                return true;
            }
        }
    }
    return false;
}

static pvm_terminator_t *list_terminators(const pvm_program_t *program, uint32_t *out_count)
{
    pvm_instruction_t in;
    uint32_t count = 0;

    for (uint32_t pc = 0; next_terminator(program, &pc, &in); pc++) {
        count++;
    }
    pvm_terminator_t *const list = malloc((count + (size_t)1) * sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    count = 0;
    for (uint32_t pc = 0; next_terminator(program, &pc, &in); pc++) {
        list[count++] = (pvm_terminator_t){
            .pc = pc,
            .from = pvm_program_block_at(program, pc),
            .next = target_block(program, in.next),
            .jump =
                pvm_isa_has_target((pvm_op_t)in.op) ? target_block(program, in.y) : PVM_BLOCK_NONE,
        };
    }
    *out_count = count;
    return list;
}

pvm_counts_t *pvm_counts_create(const pvm_program_t *program)
{
    pvm_counts_t *const counts = calloc(1, sizeof(*counts));

    if (counts == NULL) {
        pvm_error_set("no memory for counts");
        return NULL;
    }
    counts->block_count = program->block_count;
    counts->terminators = list_terminators(program, &counts->terminator_count);
    const size_t blocks = (size_t)counts->block_count + 1;
    counts->edges = calloc(2 * (size_t)counts->terminator_count + 2, sizeof(*counts->edges));
    counts->from_hub = calloc(blocks, sizeof(*counts->from_hub));
    counts->entries = calloc(blocks, sizeof(*counts->entries));
    counts->gas_adjust = calloc(blocks, sizeof(*counts->gas_adjust));
    if (counts->terminators == NULL || counts->edges == NULL || counts->from_hub == NULL ||
        counts->entries == NULL || counts->gas_adjust == NULL) {
        pvm_counts_destroy(counts);
        pvm_error_set("no memory for the counts of %zu blocks", blocks);
        return NULL;
    }
    return counts;
}

void pvm_counts_destroy(pvm_counts_t *counts)
{
    if (counts == NULL) {
        return;
    }
    free((void *)(uintptr_t)counts->terminators);
    free(counts->edges);
    free(counts->from_hub);
    free(counts->entries);
    free(counts->gas_adjust);
    free(counts);
}

void pvm_counts_clear(pvm_counts_t *counts)
{
    const size_t blocks = (size_t)counts->block_count + 1;

    memset(counts->edges, 0, 2 * (size_t)counts->terminator_count * sizeof(*counts->edges));
    memset(counts->from_hub, 0, blocks * sizeof(*counts->from_hub));
    memset(counts->entries, 0, blocks * sizeof(*counts->entries));
    memset(counts->gas_adjust, 0, blocks * sizeof(*counts->gas_adjust));
}

uint32_t pvm_counts_terminator(const pvm_counts_t *counts, uint32_t pc)
{
    uint32_t low = 0;
    uint32_t high = counts->terminator_count;

    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (counts->terminators[middle].pc <= pc) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t pvm_counts_block_cost(const pvm_program_t *program, uint32_t index)
{
    if (index < program->block_count) {
        return program->blocks[index].gas;
    }
    return program->has_block_gas && program->error == NULL
               ? pvm_gas_pipeline_cost(&program->code, program->code.len)
               : 1;
}

/* Count the arrival and say which block was hit, or PVM_BLOCK_NONE. */
static uint32_t count_arrival(pvm_counts_t *counts, const pvm_arrival_t *arrival, uint32_t at)
{
    if (arrival->kind == PVM_ARRIVAL_ENTRY) {
        counts->entries[at]++;
        return at;
    }
    const uint32_t index = pvm_counts_terminator(counts, arrival->from);
    const pvm_terminator_t *const terminator = &counts->terminators[index];
    counts->edges[2 * (size_t)index + arrival->taken]++;
    if (arrival->kind == PVM_ARRIVAL_HUB) {
        counts->from_hub[at]++;
        return at;
    }
    return arrival->taken ? terminator->jump : terminator->next;
}

uint32_t pvm_counts_pay(pvm_vm_t *vm, uint64_t paid)
{
    pvm_counts_t *const counts = vm->counts;
    const uint32_t at = pvm_program_block_at(vm->program, vm->pc);
    uint64_t expected = 0;
    uint32_t hit = PVM_BLOCK_NONE;

    if (vm->arrival.kind != PVM_ARRIVAL_NONE) {
        hit = count_arrival(counts, &vm->arrival, at);
        vm->arrival.kind = PVM_ARRIVAL_NONE;
        expected = hit == PVM_BLOCK_NONE ? 0 : pvm_counts_block_cost(vm->program, hit);
    }
    pvm_counts_adjust(counts, at, (int64_t)(paid - expected));
    return hit;
}

size_t pvm_get_block_counts(pvm_vm_t *vm, pvm_block_count_t *out, size_t max)
{
    if (vm == NULL || out == NULL || vm->counts == NULL ||
        max < (size_t)vm->counts->block_count + 1) {
        pvm_error_set("pvm_get_block_counts: no VM, it does not count, or no room for all blocks "
                      "and one more");
        return 0;
    }
    const pvm_counts_t *const counts = vm->counts;
    const size_t blocks = (size_t)counts->block_count + 1;
    for (size_t i = 0; i < blocks; i++) {
        out[i].hits = counts->entries[i] + counts->from_hub[i];
    }
    for (uint32_t i = 0; i < counts->terminator_count; i++) {
        const pvm_terminator_t *const terminator = &counts->terminators[i];
        if (terminator->next != PVM_BLOCK_NONE) {
            out[terminator->next].hits += counts->edges[2 * (size_t)i];
        }
        if (terminator->jump != PVM_BLOCK_NONE) {
            out[terminator->jump].hits += counts->edges[2 * (size_t)i + 1];
        }
    }
    for (uint32_t i = 0; i < blocks; i++) {
        out[i].gas =
            out[i].hits * pvm_counts_block_cost(vm->program, i) + (uint64_t)counts->gas_adjust[i];
    }
    return blocks;
}

typedef struct {
    pvm_edge_count_t *out;
    size_t max;
    size_t count;
} edge_writer_t;

static void write_edge(edge_writer_t *writer, uint32_t from, uint32_t to, pvm_edge_kind_t kind,
                       uint64_t count)
{
    if (count == 0) {
        return;
    }
    if (writer->count < writer->max) {
        writer->out[writer->count] =
            (pvm_edge_count_t){.from = from, .to = to, .kind = kind, .count = count};
    }
    writer->count++;
}

size_t pvm_get_edge_counts(pvm_vm_t *vm, pvm_edge_count_t *out, size_t max)
{
    if (vm == NULL || vm->counts == NULL || (out == NULL && max > 0)) {
        pvm_error_set("pvm_get_edge_counts: no VM, it does not count, or no room");
        return 0;
    }
    const pvm_counts_t *const counts = vm->counts;
    edge_writer_t writer = {.out = out, .max = max};
    for (uint32_t i = 0; i < counts->terminator_count; i++) {
        const pvm_terminator_t *const at = &counts->terminators[i];
        const uint8_t opcode = vm->program->code.octets[at->pc];
        const pvm_op_t op = pvm_isa_op(vm->program->code.isa, opcode);
        const bool indirect = pvm_isa_ops[op].effect == PVM_EFFECT_JUMP_IND;
        write_edge(&writer, at->from, at->next, PVM_EDGE_NEXT, counts->edges[2 * (size_t)i]);
        write_edge(&writer, at->from, at->jump, indirect ? PVM_EDGE_TO_HUB : PVM_EDGE_JUMP,
                   counts->edges[2 * (size_t)i + 1]);
    }
    for (uint32_t i = 0; i <= counts->block_count; i++) {
        write_edge(&writer, PVM_BLOCK_NONE, i, PVM_EDGE_FROM_HUB, counts->from_hub[i]);
        write_edge(&writer, PVM_BLOCK_NONE, i, PVM_EDGE_ENTRY, counts->entries[i]);
    }
    return writer.count;
}

int pvm_clear_counts(pvm_vm_t *vm)
{
    if (vm == NULL || vm->counts == NULL || vm->running) {
        return pvm_error_set("pvm_clear_counts: the VM does not count, or is running");
    }
    pvm_counts_clear(vm->counts);
    return 0;
}
