/* Compares and applies, record by record. Spec: JIP-7, and formats of its writers (docs/spec-notes.md). */
#include "viewer/trace_player.h"

#include "program/ecalli_apply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Octets of memory compared at a time. */
#define PIECE_BYTES 4096
/** Room for the text of describe_origin(). */
#define ORIGIN_BYTES 160
/** Number of grow_heap in 0.8.0. */
#define GROW_HEAP 1

/* -- Differences --------------------------------------------------------------------------- */

/** Keep a difference, unless there is one already. @return -1 */
__attribute__((format(printf, 3, 4))) static int differ(pvm_player_t *player, size_t line,
                                                        const char *format, ...)
{
    const pvm_ecalli_trace_t *trace = player->trace;
    va_list arguments;

    if (player->line != 0) {
        return -1;
    }
    player->line = line > 0 ? line : 1;
    va_start(arguments, format);
    vsnprintf(player->difference, sizeof(player->difference), format, arguments);
    va_end(arguments);
    /* A record with a misspelt keyword passes for a comment; if one is near, it is the likely cause. */
    for (size_t i = 0; i < trace->suspect_count && i < PVM_MAX_ECALLI_NOTES; i++) {
        const size_t len = strlen(player->difference);

        if (trace->suspects[i].line <= player->line) {
            snprintf(player->difference + len, sizeof(player->difference) - len, "; line %zu: %s",
                     trace->suspects[i].line, trace->suspects[i].text);
            break;
        }
    }
    return -1;
}

/** Where a difference may come from: "; the host's effects before it are lines 5 to 7, the start is lines 2 to 4". */
static void describe_origin(const pvm_player_t *player, char *out, size_t out_bytes)
{
    const pvm_ecalli_trace_t *trace = player->trace;
    const size_t begin =
        trace->program_line < trace->start_line ? trace->program_line : trace->start_line;
    int at = 0;

    if (player->effects_first != 0 && player->effects_first == player->effects_last) {
        at = snprintf(out, out_bytes, "; the host's effect before it is line %zu,",
                      player->effects_last);
    } else if (player->effects_first != 0) {
        at = snprintf(out, out_bytes, "; the host's effects before it are lines %zu to %zu,",
                      player->effects_first, player->effects_last);
    }
    snprintf(out + at, out_bytes - (size_t)at, "%s the start is lines %zu to %zu",
             at > 0 ? "" : ";", begin, trace->start_line);
}

/** Compare pc, gas and registers with a record. @param what  "ecalli=3" */
static int compare_state(pvm_player_t *player, pvm_vm_t *vm, size_t line, const char *what,
                         const pvm_ecalli_state_t *state)
{
    const uint64_t gas = (uint64_t)pvm_get_gas(vm);
    char origin[ORIGIN_BYTES];

    describe_origin(player, origin, sizeof(origin));
    if (pvm_get_pc(vm) != state->pc) {
        return differ(player, line, "%s: pc: expected %u, got %u%s", what, state->pc,
                      pvm_get_pc(vm), origin);
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        const uint64_t value = pvm_get_register(vm, i);

        if (value != state->registers[i]) {
            return differ(player, line, "%s: r%02d: expected 0x%" PRIx64 ", got 0x%" PRIx64 "%s",
                          what, i, state->registers[i], value, origin);
        }
    }
    if (gas != state->gas) {
        return differ(player, line,
                      "%s: gas: expected %" PRIu64 ", got %" PRIu64 "; last set at line %zu%s",
                      what, state->gas, gas, player->gas_line, origin);
    }
    return 0;
}

/* -- Memory -------------------------------------------------------------------------------- */

static int compare_memory(pvm_player_t *player, pvm_vm_t *vm, const pvm_ecalli_action_t *action)
{
    uint8_t piece[PIECE_BYTES];
    char origin[ORIGIN_BYTES];

    describe_origin(player, origin, sizeof(origin));
    for (uint32_t at = 0; at < action->len; at += PIECE_BYTES) {
        const uint32_t left = action->len - at;
        const uint32_t len = left < PIECE_BYTES ? left : PIECE_BYTES;

        if (pvm_read_memory(vm, action->address + at, piece, len) < 0) {
            return differ(player, action->line,
                          "memread 0x%08x len=%u: the program cannot read there%s", action->address,
                          action->len, origin);
        }
        for (uint32_t i = 0; i < len; i++) {
            if (piece[i] != action->data[at + i]) {
                return differ(
                    player, action->line,
                    "memread 0x%08x len=%u: octet at 0x%08x: expected 0x%02x, got 0x%02x%s",
                    action->address, action->len, action->address + at + i, action->data[at + i],
                    piece[i], origin);
            }
        }
    }
    return 0;
}

/* -- Start --------------------------------------------------------------------------------- */

/** A JAM program's start follows from its arguments. */
static int compare_start(pvm_player_t *player, pvm_vm_t *vm)
{
    const pvm_ecalli_state_t *start = &player->trace->start;
    const size_t line = player->trace->start_line;
    uint32_t accumulate = 0;

    pvm_program_find_entry(player->program, "accumulate", &accumulate);
    if (start->pc != 0 && start->pc != accumulate) {
        return differ(player, line, "start: pc: expected %u, but a JAM program begins at 0 or %u",
                      start->pc, accumulate);
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        const uint64_t value = pvm_get_register(vm, i);

        if (value != start->registers[i]) {
            return differ(player, line,
                          "start: r%02d: expected 0x%" PRIx64
                          ", but a JAM program begins with 0x%" PRIx64,
                          i, start->registers[i], value);
        }
    }
    return 0;
}

int pvm_player_start(pvm_player_t *player, pvm_vm_t *vm)
{
    const pvm_ecalli_trace_t *trace = player->trace;
    const bool is_jam = pvm_program_format(player->program) == PVM_FORMAT_JAM;
    const pvm_ecalli_action_t *failed = NULL;

    player->gas_line = trace->start_line;
    if (trace->start.gas > INT64_MAX) {
        return differ(player, trace->start_line,
                      "start: gas %" PRIu64 " is not possible; at most 2^63 - 1", trace->start.gas);
    }
    if (pvm_ecalli_apply_start(trace, player->program, vm) < 0) {
        return differ(player, trace->start_line, "start: %s", pvm_last_error());
    }
    if (is_jam && compare_start(player, vm) < 0) {
        return -1;
    }
    if (pvm_ecalli_apply_prelude(trace, player->program, vm, &failed) < 0) {
        return differ(player, failed->line, "%s", pvm_last_error());
    }
    return 0;
}

/* -- Host calls ---------------------------------------------------------------------------- */

/** grow_heap was performed: what it left is what the action says. */
static int compare_grown(pvm_player_t *player, pvm_vm_t *vm, const pvm_ecalli_action_t *action)
{
    if (action->kind == PVM_ECALLI_SETREG && action->reg == 7 &&
        pvm_get_register(vm, 7) != action->value) {
        return differ(player, action->line,
                      "grow_heap: r07: expected 0x%" PRIx64 ", got 0x%" PRIx64, action->value,
                      pvm_get_register(vm, 7));
    }
    if (action->kind == PVM_ECALLI_SETGAS && pvm_get_gas(vm) != (int64_t)action->value) {
        return differ(player, action->line, "grow_heap: gas: expected %" PRIu64 ", got %" PRId64,
                      action->value, pvm_get_gas(vm));
    }
    return 0;
}

static int apply_action(pvm_player_t *player, pvm_vm_t *vm, const pvm_ecalli_action_t *action,
                        bool has_grown)
{
    if (action->kind == PVM_ECALLI_MEMREAD) {
        return compare_memory(player, vm, action);
    }
    if (has_grown && compare_grown(player, vm, action) < 0) {
        return -1;
    }
    if (pvm_ecalli_apply(action, vm) < 0) {
        return differ(player, action->line, "%s", pvm_last_error());
    }
    if (action->kind == PVM_ECALLI_SETGAS) {
        player->gas_line = action->line;
    }
    player->effects_first = player->effects_first != 0 ? player->effects_first : action->line;
    player->effects_last = action->line;
    return 0;
}

/** Registers at the end are those of now. */
static bool has_end_registers(const pvm_player_t *player, pvm_vm_t *vm)
{
    return memcmp(player->trace->end.state.registers, pvm_get_registers(vm),
                  sizeof(player->trace->end.state.registers)) == 0;
}

/** Did the host end the run inside the call that was played last? Only a host can halt or panic at an ecalli; out
 *  of gas there is the host's doing if it left no gas and the program did nothing more. */
static pvm_host_result_t decide(pvm_player_t *player, pvm_vm_t *vm)
{
    const pvm_ecalli_end_t *end = &player->trace->end;
    pvm_host_result_t result = PVM_HOST_CONTINUE;

    if (player->next < player->trace->entry_count || end->state.pc != pvm_get_pc(vm)) {
        return PVM_HOST_CONTINUE;
    }
    if (end->kind == PVM_ECALLI_END_HALT) {
        result = PVM_HOST_TERMINATE;
    } else if (end->kind == PVM_ECALLI_END_PANIC) {
        result = PVM_HOST_ERROR;
    } else if (end->kind == PVM_ECALLI_END_OOG && pvm_get_gas(vm) == 0 &&
               has_end_registers(player, vm)) {
        result = PVM_HOST_OOG;
    }
    return result;
}

/** A host call behind the last entry: some writers leave out the one that could not be paid. */
static pvm_host_result_t play_unrecorded(pvm_player_t *player, pvm_vm_t *vm, int func_id)
{
    const pvm_ecalli_end_t *end = &player->trace->end;

    if (end->kind == PVM_ECALLI_END_OOG && end->state.pc == pvm_get_pc(vm) &&
        has_end_registers(player, vm)) {
        pvm_set_gas(vm, 0);
        player->gas_line = end->has_setgas ? end->setgas_line : end->line;
        return PVM_HOST_OOG;
    }
    if (end->kind == PVM_ECALLI_END_NONE) {
        differ(player, player->trace->line_count,
               "the trace ends here, but the program goes on (host call %d at pc %u); record it to "
               "its end",
               func_id, pvm_get_pc(vm));
    } else {
        differ(player, end->line, "expected the end of the run, got host call %d at pc %u", func_id,
               pvm_get_pc(vm));
    }
    return PVM_HOST_YIELD;
}

pvm_host_result_t pvm_player_host_call(pvm_vm_t *vm, int func_id, void *user_data)
{
    pvm_player_t *player = user_data;
    const pvm_ecalli_entry_t *entry;
    bool has_grown = false;
    char what[32];

    if (player->next >= player->trace->entry_count) {
        return play_unrecorded(player, vm, func_id);
    }
    entry = &player->trace->entries[player->next++];
    if (entry->func_id != func_id) {
        char origin[ORIGIN_BYTES];

        describe_origin(player, origin, sizeof(origin));
        differ(player, entry->line, "expected ecalli=%d, got ecalli=%d at pc %u%s", entry->func_id,
               func_id, pvm_get_pc(vm), origin);
        return PVM_HOST_YIELD;
    }
    snprintf(what, sizeof(what), "ecalli=%d", func_id);
    if (compare_state(player, vm, entry->line, what, &entry->state) < 0) {
        return PVM_HOST_YIELD;
    }
    if (func_id == GROW_HEAP && pvm_program_spec(player->program) == PVM_SPEC_0_8_0) {
        const int grown = pvm_grow_heap(vm);

        if (grown > 0) {
            return PVM_HOST_OOG;
        }
        has_grown = grown == 0;
        player->gas_line = entry->line;
    }
    player->effects_first = 0;
    for (size_t i = 0; i < entry->action_count; i++) {
        const pvm_ecalli_action_t *action = &player->trace->actions[entry->first_action + i];

        if (apply_action(player, vm, action, has_grown) < 0) {
            return PVM_HOST_YIELD;
        }
    }
    if (player->effects_first == 0) {
        player->effects_first = entry->line;
        player->effects_last = entry->line;
    }
    return decide(player, vm);
}

/* -- End ----------------------------------------------------------------------------------- */

static const char *end_name(pvm_ecalli_end_kind_t kind)
{
    static const char *const names[] = {"no end", "HALT", "PANIC", "FAULT", "OOG"};

    return names[kind];
}

static pvm_ecalli_end_kind_t end_of_state(uint8_t state)
{
    switch (state) {
    case PVM_STATE_HALT:
        return PVM_ECALLI_END_HALT;
    case PVM_STATE_PANIC:
        return PVM_ECALLI_END_PANIC;
    case PVM_STATE_FAULT:
        return PVM_ECALLI_END_FAULT;
    case PVM_STATE_OOG:
        return PVM_ECALLI_END_OOG;
    default:
        return PVM_ECALLI_END_NONE;
    }
}

void pvm_player_finish(pvm_player_t *player, pvm_vm_t *vm)
{
    const pvm_ecalli_trace_t *trace = player->trace;
    const pvm_ecalli_end_t *end = &trace->end;
    const pvm_ecalli_end_kind_t kind = end_of_state(pvm_get_machine_state(vm));
    char origin[ORIGIN_BYTES];

    if (player->line != 0) {
        return;
    }
    describe_origin(player, origin, sizeof(origin));
    if (player->next < trace->entry_count) {
        const pvm_ecalli_entry_t *entry = &trace->entries[player->next];

        differ(player, entry->line, "expected ecalli=%d at pc %u, got %s at pc %u%s",
               entry->func_id, entry->state.pc, end_name(kind), pvm_get_pc(vm), origin);
        return;
    }
    if (end->kind == PVM_ECALLI_END_NONE) {
        differ(player, trace->line_count,
               "the trace has no HALT, PANIC, FAULT or OOG line; the run ended with %s at pc %u",
               end_name(kind), pvm_get_pc(vm));
        return;
    }
    if (end->kind != kind && !(end->kind == PVM_ECALLI_END_PANIC && kind == PVM_ECALLI_END_FAULT)) {
        differ(player, end->line, "expected %s, got %s at pc %u%s", end_name(end->kind),
               end_name(kind), pvm_get_pc(vm), origin);
        return;
    }
    if (compare_state(player, vm, end->line, end_name(end->kind), &end->state) < 0) {
        return;
    }
    if (end->kind == PVM_ECALLI_END_FAULT && end->argument != pvm_get_fault_address(vm)) {
        differ(player, end->line, "FAULT: address: expected 0x%" PRIx64 ", got 0x%08x",
               end->argument, pvm_get_fault_address(vm));
    }
}

bool pvm_player_find_problem(pvm_player_t *player)
{
    if (player->trace->problem_count > 0) {
        differ(player, player->trace->problems[0].line, "%s", player->trace->problems[0].text);
    }
    return player->line != 0;
}
