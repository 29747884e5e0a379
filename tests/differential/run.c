/* Driving one run, and writing down what is seen of it. */
#include "run.h"

#include "run_state.h"
#include "support/call_model.h"

#include <stdlib.h>
#include <string.h>

/* -- Notes --------------------------------------------------------------------------------- */

/* Four lanes of multiply and rotate: cheap, and every octet counts. Not for enemies. */
static uint64_t hash_octets(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *const octets = data;
    uint64_t lanes[4] = {hash, hash + 1, hash + 2, hash + 3};
    size_t at = 0;

    for (; at + sizeof(lanes) <= len; at += sizeof(lanes)) {
        for (int i = 0; i < 4; i++) {
            uint64_t word;
            memcpy(&word, octets + at + 8 * i, sizeof(word));
            lanes[i] = (lanes[i] ^ word) * UINT64_C(0x9fb21c651e98df25);
            lanes[i] ^= lanes[i] >> 29;
        }
    }
    for (; at < len; at++) {
        lanes[at & 3] = (lanes[at & 3] ^ octets[at]) * UINT64_C(0x9fb21c651e98df25);
    }
    for (int i = 1; i < 4; i++) {
        lanes[0] = (lanes[0] ^ (lanes[i] >> 31) ^ lanes[i]) * UINT64_C(0xd6e8feb86659fd93);
    }
    return lanes[0] ^ lanes[0] >> 32;
}

void diff_note_pages(diff_run_t *run, uint32_t address, uint32_t pages)
{
    diff_log_t *const log = run->log;

    for (uint32_t page = address / PVM_PAGE_SIZE; pages > 0; page++, pages--) {
        uint32_t i = 0;
        while (i < log->page_count && log->pages[i] != page) {
            i++;
        }
        if (i == log->page_count && i < DIFF_PAGES_MAX) {
            log->pages[log->page_count++] = page;
        }
    }
}

static uint64_t hash_memory(const diff_run_t *run)
{
    uint64_t hash = run->log->page_count;
    uint8_t octets[PVM_PAGE_SIZE];

    for (uint32_t i = 0; i < run->log->page_count; i++) {
        const uint32_t address = run->log->pages[i] * PVM_PAGE_SIZE;
        const pvm_access_t access = pvm_get_access(run->vm, address);
        hash = hash * 31 + (uint64_t)access + 1;
        if (access != PVM_ACCESS_NONE) {
            if (pvm_read_memory(run->vm, address, octets, sizeof(octets)) != 0) {
                return 1;
            }
            hash = hash_octets(hash, octets, sizeof(octets));
        }
    }
    return hash;
}

#define FLIGHT_ENTRIES 16

/* The record outlives a reset: what was before this run is left out. */
static uint64_t hash_flight(const diff_run_t *run)
{
    pvm_flight_entry_t entries[FLIGHT_ENTRIES];
    uint64_t hash = 0;

    memset(entries, 0, sizeof(entries));
    const size_t count = pvm_get_flight_record(run->vm, entries, FLIGHT_ENTRIES);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].seq >= run->first_seq) {
            entries[i].seq -= run->first_seq;
            hash = hash_octets(hash, &entries[i], sizeof(entries[i]));
        }
    }
    return hash;
}

static uint64_t next_seq(pvm_vm_t *vm)
{
    pvm_flight_entry_t entries[FLIGHT_ENTRIES];
    const size_t count = pvm_get_flight_record(vm, entries, FLIGHT_ENTRIES);

    return count == 0 ? 0 : entries[count - 1].seq + 1;
}

void diff_note(diff_run_t *run, diff_event_kind_t kind, int32_t result, bool with_memory)
{
    pvm_vm_t *const vm = run->vm;

    if (run->log->event_count == DIFF_EVENTS_MAX) {
        run->log->is_cut = true;
        return;
    }
    diff_event_t *const event = &run->log->events[run->log->event_count++];
    memset(event, 0, sizeof(*event));
    event->kind = kind;
    memcpy(event->registers, pvm_get_registers(vm), sizeof(event->registers));
    event->gas = pvm_get_gas(vm);
    event->pc = pvm_get_pc(vm);
    event->fault = pvm_get_fault_address(vm);
    event->host_call = pvm_get_host_call(vm);
    event->result = result;
    event->state = pvm_get_machine_state(vm);
    event->charged = (uint8_t)pvm_get_charged(vm);
    event->memory = with_memory ? hash_memory(run) : 0;
    if (kind == DIFF_EVENT_EXIT) {
        event->flight = hash_flight(run);
        if (event->state == PVM_STATE_HALT) {
            (void)pvm_get_result(vm, &event->result_address, &event->result_len);
        }
    }
}

/* -- Counts -------------------------------------------------------------------------------- */

int diff_log_create(diff_log_t *log)
{
    memset(log, 0, sizeof(*log));
    log->counts.blocks_max = DIFF_CODE_MAX + 2;
    log->counts.edges_max = 4 * (size_t)DIFF_CODE_MAX;
    log->counts.blocks = calloc(log->counts.blocks_max, sizeof(*log->counts.blocks));
    log->counts.edges = calloc(log->counts.edges_max, sizeof(*log->counts.edges));
    log->calls.nodes = calloc(DIFF_CALLS_MAX, sizeof(*log->calls.nodes));
    log->calls.pairs = calloc(DIFF_CALLS_MAX, sizeof(*log->calls.pairs));
    if (log->counts.blocks == NULL || log->counts.edges == NULL || log->calls.nodes == NULL ||
        log->calls.pairs == NULL) {
        diff_log_destroy(log);
        return -1;
    }
    return 0;
}

void diff_log_destroy(diff_log_t *log)
{
    free(log->counts.blocks);
    free(log->counts.edges);
    free(log->calls.nodes);
    free(log->calls.pairs);
    log->calls = (diff_calls_t){.nodes = NULL};
    log->counts.blocks = NULL;
    log->counts.edges = NULL;
}

static void get_counts(const diff_run_t *run, diff_counts_t *out)
{
    const diff_watch_t *const watch = run->how->watch;

    if (watch != NULL) {
        watch->get(watch->data, run->vm, out);
    } else {
        out->block_count = pvm_get_block_counts(run->vm, out->blocks, out->blocks_max);
        out->edge_count = pvm_get_edge_counts(run->vm, out->edges, out->edges_max);
    }
    out->gas = 0;
    for (size_t i = 0; i < out->block_count; i++) {
        out->gas += (int64_t)out->blocks[i].gas;
    }
}

/* The blocks are told before the host is called. */
static void note_trace(diff_run_t *run)
{
    diff_trace_t *const trace = &run->log->trace;
    const diff_watch_t *const watch = run->how->watch;

    if (watch != NULL) {
        const diff_trace_t *const seen = watch->trace(watch->data);
        trace->count = seen->count;
        trace->hash = seen->hash;
    }
    trace->at_host_calls = hash_octets(trace->at_host_calls, &trace->hash, sizeof(trace->hash));
}

static void see_blocks(void *user_data, pvm_vm_t *vm, const uint32_t *blocks, size_t count)
{
    diff_run_t *const run = user_data;

    (void)vm;
    for (size_t i = 0; i < count; i++) {
        diff_trace_add(&run->log->trace, blocks[i]);
    }
}

void diff_note_counts(diff_run_t *run)
{
    diff_counts_t *const counts = &run->log->counts;

    if (!run->how->counts) {
        return;
    }
    get_counts(run, counts);
    uint64_t hash = counts->at_host_calls;
    hash = hash_octets(hash, counts->blocks, counts->block_count * sizeof(*counts->blocks));
    note_trace(run);
    for (size_t i = 0; i < counts->edge_count; i++) {
        const pvm_edge_count_t *const edge = &counts->edges[i];
        const uint64_t words[] = {edge->from, edge->to, (uint64_t)edge->kind, edge->count};
        hash = hash_octets(hash, words, sizeof(words));
    }
    counts->at_host_calls = hash;
}

/* -- Driving ------------------------------------------------------------------------------- */

typedef enum { GO_RESUME, GO_STEPS, GO_EXECUTE, GO_END } go_t;

static pvm_result_t step_once(diff_run_t *run)
{
    const diff_watch_t *const watch = run->how->watch;

    if (watch == NULL) {
        return pvm_step(run->vm);
    }
    watch->before(watch->data, run->vm);
    const pvm_result_t result = pvm_step(run->vm);
    watch->after(watch->data, run->vm, result);
    return result;
}

static bool goes_on(const diff_run_t *run, pvm_result_t result)
{
    return result == PVM_RESULT_OK && pvm_get_machine_state(run->vm) == PVM_STATE_READY;
}

/* At most `count` steps. */
static pvm_result_t step_some(diff_run_t *run, uint64_t count)
{
    pvm_result_t result = PVM_RESULT_OK;

    for (uint64_t i = 0; i < count; i++) {
        result = step_once(run);
        if (!goes_on(run, result)) {
            break;
        }
    }
    return result;
}

static pvm_result_t execute(diff_run_t *run, uint32_t pc)
{
    if (!run->how->steps) {
        return pvm_execute(run->vm, pc);
    }
    if (pvm_set_pc(run->vm, pc) != 0) {
        run->has_failed = true;
    }
    if (run->how->watch != NULL) {
        run->how->watch->moved(run->how->watch->data, run->vm, false);
    }
    return step_some(run, UINT64_MAX);
}

static pvm_result_t resume(diff_run_t *run)
{
    return run->how->steps ? step_some(run, UINT64_MAX) : pvm_resume(run->vm);
}

static void reset(diff_run_t *run, diff_source_t *source)
{
    const int64_t old_gas = pvm_get_gas(run->vm);
    const int64_t gas = diff_below(source, 1000);

    if (run->how->watch != NULL) {
        run->how->watch->moved(run->how->watch->data, run->vm, false);
    }
    if (pvm_reset(run->vm, (uint64_t)gas) != 0) {
        run->has_failed = true;
    }
    run->gas_given -= old_gas < 0 ? 0 : old_gas;
    if (run->how->watch != NULL) {
        run->how->watch->moved(run->how->watch->data, run->vm, false);
    }
    diff_set_up(run, gas);
}

/* Make the machine able to go on from where it is. @return false: let it be */
static bool help(diff_run_t *run, diff_source_t *source)
{
    switch (pvm_get_machine_state(run->vm)) {
    case PVM_STATE_FAULT:
        diff_map(run, pvm_get_fault_address(run->vm), 1,
                 diff_one_in(source, 8) ? PVM_ACCESS_READ : PVM_ACCESS_WRITE);
        return !diff_one_in(source, 12);
    case PVM_STATE_OOG:
        diff_set_gas(run, pvm_get_gas(run->vm) +
                              diff_below(source, diff_one_in(source, 2) ? 2500 : 100));
        return !diff_one_in(source, 4);
    case PVM_STATE_HOST:
    case PVM_STATE_READY:
        diff_host_act(run, source);
        return true;
    default:
        return false;
    }
}

static go_t decide(diff_run_t *run, diff_source_t *source)
{
    run->exits++;
    if (run->exits > run->how->program->exits || run->gas_total > DIFF_GAS_MAX || run->has_failed) {
        return GO_END;
    }
    if (diff_one_in(source, 40)) {
        reset(run, source);
        return GO_EXECUTE;
    }
    if (!help(run, source)) {
        return diff_one_in(source, 3) ? GO_EXECUTE : GO_END;
    }
    switch (diff_below(source, 16)) {
    case 0:
        return GO_EXECUTE;
    case 1:
    case 2:
        return GO_STEPS;
    default:
        return GO_RESUME;
    }
}

static uint32_t choose_entry(const diff_run_t *run, diff_source_t *source)
{
    const pvm_program_t *const program = pvm_get_program(run->vm);
    const uint32_t blocks = pvm_program_block_count(program);

    if (blocks == 0 || diff_one_in(source, 3)) {
        return diff_below(source, run->how->program->code_len + 2);
    }
    return pvm_program_blocks(program)[diff_below(source, blocks)].pc;
}

static void drive(diff_run_t *run)
{
    pvm_result_t result = execute(run, run->how->program->entry);

    for (;;) {
        diff_note(run, DIFF_EVENT_EXIT, (int32_t)result, true);
        /* Numbers that no host call has, so that these choices are others. */
        diff_source_t source =
            diff_source_make(run->how->program->host_seed, (UINT64_C(1) << 32) + run->exits);
        switch (decide(run, &source)) {
        case GO_RESUME:
            result = resume(run);
            break;
        case GO_STEPS:
            result = step_some(run, diff_between(&source, 1, 6));
            break;
        case GO_EXECUTE:
            result = execute(run, choose_entry(run, &source));
            break;
        case GO_END:
            return;
        }
    }
}

static void get_calls(const diff_run_t *run, diff_calls_t *out)
{
    const diff_watch_t *const watch = run->how->watch;

    if (watch != NULL) {
        watch->calls(watch->data, run->vm, out);
        return;
    }
    out->node_count = pvm_get_call_tree(run->vm, out->nodes, DIFF_CALLS_MAX);
    out->pair_count = pvm_get_indirect_jumps(run->vm, out->pairs, DIFF_CALLS_MAX);
    call_model_sort_pairs(out->pairs, out->pair_count);
}

static uint32_t instruments(const diff_how_t *how)
{
    if (!how->counts || how->watch != NULL) {
        return 0;
    }
    return PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES |
           (how->blocks ? (uint32_t)PVM_INSTRUMENT_BLOCKS : 0) |
           (how->calls ? (uint32_t)PVM_INSTRUMENT_CALLS : 0);
}

int diff_run(pvm_vm_t *vm, const diff_how_t *how, diff_log_t *out)
{
    const pvm_observer_t observer = {.size = sizeof(observer), .blocks = see_blocks};
    diff_run_t run = {.vm = vm, .how = how, .log = out, .first_seq = next_seq(vm)};

    out->event_count = 0;
    out->is_cut = false;
    out->page_count = 0;
    out->has_counts = how->counts;
    out->counts.at_host_calls = 0;
    out->has_trace = how->blocks;
    out->has_calls = how->calls;
    out->trace = (diff_trace_t){.count = 0};
    pvm_set_host_callback(vm, how->program->has_callback ? diff_host_call : NULL, &run);
    if (pvm_set_instrumentation(vm, instruments(how)) != 0 ||
        (how->blocks && pvm_set_observer(vm, &observer, &run) != 0)) {
        return -1;
    }
    if (how->watch != NULL) {
        how->watch->moved(how->watch->data, vm, false);
    }
    diff_set_up(&run, how->program->gas);
    if (!run.has_failed) {
        drive(&run);
    }
    const int64_t left = pvm_get_gas(vm);
    out->gas_used = run.gas_given - (left < 0 ? 0 : left);
    if (how->counts) {
        get_counts(&run, &out->counts);
    }
    if (how->watch != NULL) {
        const diff_trace_t *const seen = how->watch->trace(how->watch->data);
        out->trace.count = seen->count;
        out->trace.hash = seen->hash;
    }
    if (how->calls || how->watch != NULL) {
        get_calls(&run, &out->calls);
    }
    (void)pvm_set_observer(vm, NULL, NULL);
    pvm_set_host_callback(vm, NULL, NULL);
    (void)pvm_set_instrumentation(vm, 0);
    pvm_destroy(run.nested);
    return run.has_failed ? -1 : 0;
}
