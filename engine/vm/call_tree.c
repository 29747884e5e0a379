/* Calling-context trees and jumps through registers, in the form of pvm/trace.h. */
#include "support/error.h"
#include "vm/calls.h"

#include <string.h>

static pvm_call_node_t node_of(const pvm_vm_t *vm, const pvm_calls_t *calls,
                               const pvm_context_t *context)
{
    pvm_call_node_t node = {.parent = context->parent == NULL ? 0 : context->parent->index,
                            .site = context->site,
                            .routine = context->routine,
                            .kind = context->kind,
                            .calls = context->calls,
                            .gas = context->gas,
                            .host_calls = context->host_calls,
                            .host_gas = context->host_gas,
                            .deeper_calls = context->deeper_calls,
                            .deeper_gas = context->deeper_gas};

    if (calls->current == &calls->deeper && calls->deeper_below == context) {
        node.deeper_gas += calls->deeper.gas;
    }
    if (vm->host_pending && calls->host == context) {
        node.host_gas += pvm_calls_taken(calls->host_gas_before, vm->gas);
    }
    return node;
}

size_t pvm_get_call_tree(pvm_vm_t *vm, pvm_call_node_t *out, size_t max)
{
    const pvm_calls_t *const calls = vm != NULL ? pvm_calls_of(vm) : NULL;

    if (calls == NULL || (out == NULL && max > 0)) {
        pvm_error_set("pvm_get_call_tree: no VM, it does not follow calls, or no room");
        return 0;
    }
    for (uint32_t i = 0; i < calls->count && i < max; i++) {
        out[i] = node_of(vm, calls, pvm_calls_context(calls, i));
    }
    return calls->count;
}

/* Counts of one jump through a register, by target: entries of the jump table that lead to one place are one. */
static size_t list_pairs(const pvm_calls_t *calls, uint32_t terminator, pvm_jump_pair_t *out,
                         size_t count, size_t max)
{
    const pvm_program_t *const program = calls->program;
    const uint64_t *const pairs =
        calls->pairs + (size_t)calls->map->hubs[terminator] * program->jump_table_len;
    const size_t first = count;

    for (uint32_t entry = 0; entry < program->jump_table_len; entry++) {
        if (pairs[entry] == 0) {
            continue;
        }
        const uint32_t to = program->jump_table[entry];
        size_t at = first;
        while (at < count && at < max && out[at].to != to) {
            at++;
        }
        if (at < count && at < max) {
            out[at].count += pairs[entry];
            continue;
        }
        if (count < max) {
            out[count] = (pvm_jump_pair_t){.from = calls->map->flow->terminators[terminator].pc,
                                           .to = to,
                                           .count = pairs[entry]};
        }
        count++;
    }
    return count;
}

size_t pvm_get_indirect_jumps(pvm_vm_t *vm, pvm_jump_pair_t *out, size_t max)
{
    const pvm_calls_t *const calls = vm != NULL ? pvm_calls_of(vm) : NULL;
    size_t count = 0;

    if (calls == NULL || (out == NULL && max > 0)) {
        pvm_error_set("pvm_get_indirect_jumps: no VM, it does not follow calls, or no room");
        return 0;
    }
    for (uint32_t i = 0; calls->pairs != NULL && i < calls->map->flow->terminator_count; i++) {
        if (calls->map->hubs[i] != PVM_CALL_NONE) {
            count = list_pairs(calls, i, out, count, max);
        }
    }
    return count;
}

int pvm_calls_tell_jump(pvm_calls_t *calls, const pvm_jump_pair_t *more)
{
    const pvm_flow_t *const flow = calls->map->flow;
    const pvm_program_t *const program = calls->program;
    const uint32_t terminator =
        flow->terminator_count == 0 ? 0 : pvm_flow_terminator(flow, more->from);

    if (calls->pairs == NULL || terminator >= flow->terminator_count ||
        flow->terminators[terminator].pc != more->from ||
        calls->map->hubs[terminator] == PVM_CALL_NONE) {
        return -1;
    }
    for (uint32_t entry = 0; entry < program->jump_table_len; entry++) {
        if (program->jump_table[entry] == more->to) {
            calls->pairs[(size_t)calls->map->hubs[terminator] * program->jump_table_len + entry] +=
                more->count;
            return 0;
        }
    }
    return -1;
}
