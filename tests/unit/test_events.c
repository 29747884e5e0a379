/* Events, as a sink of this process gets them: which ones, in which order, with which figures. */
#include "events/events.h"
#include "isa/assemble.h"
#include "recompiler/recompiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOTES_MAX 4096

/** What the sink was told, in short. */
typedef struct {
    pvm_event_kind_t kind;
    uint64_t vm;
    uint32_t pc;
    int64_t gas;
    uint64_t extra;
} note_t;

static note_t notes[NOTES_MAX];
static size_t note_count;
static uint32_t wanted;
static uint32_t ids[NOTES_MAX];
static size_t id_count;
static uint64_t hits;
static uint64_t hits_gas;
static uint64_t host_gas;
static uint8_t data[4096];

static int is_enabled(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink;
    return (wanted >> kind) & 1;
}

static void note(pvm_event_kind_t kind, uint64_t vm, uint32_t pc, int64_t gas, uint64_t extra)
{
    assert_true(note_count < NOTES_MAX);
    notes[note_count++] = (note_t){.kind = kind, .vm = vm, .pc = pc, .gas = gas, .extra = extra};
}

static void on_event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink;
#define GET(name) const pvm_event_##name##_t *const e = record
    switch ((pvm_event_kind_t)kind) {
    case PVM_EVENT_execute_begin: {
        GET(execute_begin);
        note(PVM_EVENT_execute_begin, e->vm, e->pc, e->gas, e->registers[7]);
        break;
    }
    case PVM_EVENT_execute_end: {
        GET(execute_end);
        note(PVM_EVENT_execute_end, e->vm, e->pc, e->gas, (uint64_t)e->gas_used);
        break;
    }
    case PVM_EVENT_host_call_begin: {
        GET(host_call_begin);
        note(PVM_EVENT_host_call_begin, e->vm, e->pc, e->gas, (uint64_t)e->func_id);
        break;
    }
    case PVM_EVENT_host_call_end: {
        GET(host_call_end);
        note(PVM_EVENT_host_call_end, e->vm, e->changed, e->gas,
             e->values_len > 0 ? e->values[0] : 0);
        break;
    }
    case PVM_EVENT_host_call: {
        GET(host_call);
        assert_true(e->begin_ns != 0);
        assert_int_equal(e->after[9], e->before[9] + 5);
        note(PVM_EVENT_host_call, e->vm, e->pc, e->gas_after, (uint64_t)e->gas_before);
        break;
    }
    case PVM_EVENT_host_call_open: {
        GET(host_call_open);
        assert_true(e->begin_ns != 0);
        note(PVM_EVENT_host_call_open, e->vm, e->pc, e->gas, e->registers[9]);
        break;
    }
    case PVM_EVENT_out_of_gas: {
        GET(out_of_gas);
        note(PVM_EVENT_out_of_gas, e->vm, e->pc, e->gas, e->cost);
        break;
    }
    case PVM_EVENT_page_fault: {
        GET(page_fault);
        note(PVM_EVENT_page_fault, e->vm, e->pc, 0, e->address);
        break;
    }
    case PVM_EVENT_gas: {
        GET(gas);
        note(PVM_EVENT_gas, e->vm, e->pc, e->gas, e->cost);
        break;
    }
    case PVM_EVENT_block_batch: {
        GET(block_batch);
        assert_int_equal(e->first, id_count);
        memcpy(ids + id_count, e->blocks, e->blocks_len * sizeof(*ids));
        id_count += e->blocks_len;
        note(PVM_EVENT_block_batch, e->vm, 0, 0, e->blocks_len);
        break;
    }
    case PVM_EVENT_block_counts: {
        GET(block_counts);
        for (uint32_t i = 0; i < e->blocks_len; i++) {
            hits += e->hits[i];
            hits_gas += e->gas[i];
        }
        note(PVM_EVENT_block_counts, e->vm, 0, 0, e->blocks_len);
        break;
    }
    case PVM_EVENT_program_data: {
        GET(program_data);
        memcpy(data + e->offset, e->data, e->data_len);
        note(PVM_EVENT_program_data, 0, 0, 0, e->offset + e->data_len);
        break;
    }
    default:
        note((pvm_event_kind_t)kind, 0, 0, 0, 0);
        break;
    }
}

static const pvm_trace_sink_t sink = {
    .size = sizeof(sink), .layout = PVM_EVENT_LAYOUT, .is_enabled = is_enabled, .event = on_event};

static int forget(void **state)
{
    (void)state;
    note_count = id_count = 0;
    hits = hits_gas = host_gas = 0;
    wanted = 0;
    return pvm_trace_set_sink(&sink);
}

static int remove_sink(void **state)
{
    (void)state;
    return pvm_trace_set_sink(NULL);
}

#define BIT(name) (UINT32_C(1) << PVM_EVENT_##name)

static pvm_program_t *assemble(const char *text, pvm_spec_t spec)
{
    pvm_assembly_t code;
    const pvm_isa_t isa = spec == PVM_SPEC_0_7_2 ? PVM_ISA_0_7_2 : PVM_ISA_0_8_0;

    if (pvm_isa_assemble(text, strlen(text), "test", isa, &code) != 0) {
        fail_msg("%s", pvm_last_error());
    }
    pvm_program_t *const program =
        pvm_program_from_parts(code.code, code.code_len, code.mask, ((size_t)code.code_len + 7) / 8,
                               code.jump_table, code.jump_table_len, spec);
    pvm_isa_assembly_free(&code);
    assert_non_null(program);
    assert_null(pvm_program_error(program));
    return program;
}

/* Counts r7 down, with a host call each time. */
static const char *const loop_text = "loop:\n"
                                     "    ecalli 3\n"
                                     "    add_imm_64 r7, r7, -1\n"
                                     "    branch_ne_imm r7, 0, loop\n"
                                     "    trap\n";

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id, (void)user_data;
    pvm_set_register(vm, 9, pvm_get_register(vm, 9) + 5);
    const int64_t price = pvm_get_gas(vm) < 10 ? pvm_get_gas(vm) : 10;
    pvm_set_gas(vm, pvm_get_gas(vm) - price);
    host_gas += (uint64_t)price;
    return PVM_HOST_CONTINUE;
}

/* That all machines of these tests have. */
static pvm_backend_t backend;

static pvm_vm_t *start(const char *text, pvm_spec_t spec, uint64_t gas)
{
    pvm_program_t *const program = assemble(text, spec);
    pvm_vm_t *const vm = pvm_instantiate(program, backend, 7, gas);

    pvm_program_release(program);
    assert_non_null(vm);
    pvm_set_host_callback(vm, answer, NULL);
    return vm;
}

static void host_calls_are_told_with_what_they_changed(void **state)
{
    pvm_vm_t *const vm = start(loop_text, PVM_SPEC_0_7_2, 1000);

    (void)state;
    wanted = BIT(host_call_begin) | BIT(host_call_end) | BIT(execute_begin) | BIT(execute_end);
    pvm_set_register(vm, 7, 2);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);

    assert_int_equal(note_count, 6);
    assert_int_equal(notes[0].kind, PVM_EVENT_execute_begin);
    assert_int_equal(notes[0].gas, 1000);
    assert_int_equal(notes[0].extra, 2);
    assert_int_equal(notes[1].kind, PVM_EVENT_host_call_begin);
    assert_int_equal(notes[1].gas, 999);
    assert_int_equal(notes[1].extra, 3);
    assert_int_equal(notes[2].kind, PVM_EVENT_host_call_end);
    assert_int_equal(notes[2].pc, 1 << 9);
    assert_int_equal(notes[2].extra, 5);
    assert_int_equal(notes[2].gas, 989);
    assert_int_equal(notes[4].extra, 10);
    assert_int_equal(notes[5].kind, PVM_EVENT_execute_end);
    assert_int_equal(notes[5].gas, pvm_get_gas(vm));
    assert_int_equal(notes[5].extra, 1000 - pvm_get_gas(vm));
    pvm_destroy(vm);
}

static void host_calls_are_told_as_a_whole(void **state)
{
    pvm_vm_t *const vm = start(loop_text, PVM_SPEC_0_7_2, 1000);

    (void)state;
    wanted = BIT(host_call) | BIT(host_call_open);
    pvm_set_register(vm, 7, 2);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);

    assert_int_equal(note_count, 2);
    assert_int_equal(notes[0].kind, PVM_EVENT_host_call);
    assert_int_equal(notes[0].extra, 999);
    assert_int_equal(notes[0].gas, 989);
    assert_int_equal(notes[1].kind, PVM_EVENT_host_call);
    pvm_destroy(vm);
}

/* One listener's way must not take another one's away. */
static void host_calls_are_told_in_every_way_that_is_wanted(void **state)
{
    static const pvm_event_kind_t kinds[] = {PVM_EVENT_host_call_begin, PVM_EVENT_host_call_end,
                                             PVM_EVENT_host_call,       PVM_EVENT_host_call_begin,
                                             PVM_EVENT_host_call_end,   PVM_EVENT_host_call};
    pvm_vm_t *const vm = start(loop_text, PVM_SPEC_0_7_2, 1000);

    (void)state;
    wanted = BIT(host_call) | BIT(host_call_open) | BIT(host_call_begin) | BIT(host_call_end);
    pvm_set_register(vm, 7, 2);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);

    assert_int_equal(note_count, sizeof(kinds) / sizeof(*kinds));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        assert_int_equal(notes[i].kind, kinds[i]);
    }
    pvm_destroy(vm);
}

static pvm_host_result_t answer_later(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)answer(vm, func_id, user_data);
    return PVM_HOST_YIELD;
}

static void open_host_calls_are_told_before_the_run_ends(void **state)
{
    pvm_vm_t *const vm = start(loop_text, PVM_SPEC_0_7_2, 1000);

    (void)state;
    wanted = BIT(host_call) | BIT(host_call_open) | BIT(execute_end);
    pvm_set_host_callback(vm, answer_later, NULL);
    pvm_set_register(vm, 7, 2);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_resume(vm), PVM_RESULT_HOST_CALL);

    assert_int_equal(note_count, 5);
    assert_int_equal(notes[0].kind, PVM_EVENT_host_call_open);
    assert_int_equal(notes[0].gas, 999);
    assert_int_equal(notes[0].extra, 0);
    assert_int_equal(notes[1].kind, PVM_EVENT_execute_end);
    assert_int_equal(notes[2].kind, PVM_EVENT_host_call);
    assert_int_equal(notes[2].gas, 989);
    assert_int_equal(notes[3].kind, PVM_EVENT_host_call_open);
    assert_int_equal(notes[4].kind, PVM_EVENT_execute_end);
    pvm_destroy(vm);
}

static void nothing_is_told_that_nobody_wants(void **state)
{
    pvm_vm_t *const vm = start(loop_text, PVM_SPEC_0_8_0, 1000);

    (void)state;
    pvm_set_register(vm, 7, 2);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    pvm_destroy(vm);

    assert_int_equal(note_count, 0);
}

/* Batches, counts and single events tell the same story, wherever the gas ends. */
static void block_traces_lose_nothing_when_gas_runs_out(void **state)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0};

    for (size_t s = 0; s < 2; s++) {
        for (uint64_t gas = 0; gas < 120; gas++) {
            forget(state);
            wanted = BIT(block_batch) | BIT(block_counts) | BIT(gas) | BIT(execute_end);
            pvm_vm_t *const vm = start(loop_text, specs[s], gas);
            pvm_set_register(vm, 7, 1000);
            assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_GAS), 0);
            const pvm_result_t result = pvm_execute(vm, 0);
            assert_int_equal(result, PVM_RESULT_OOG);

            size_t singles = 0;
            for (size_t i = 0; i < note_count; i++) {
                singles += notes[i].kind == PVM_EVENT_gas;
            }
            assert_int_equal(hits, id_count);
            assert_int_equal(singles, id_count);
            assert_int_equal(hits_gas + host_gas, gas - (uint64_t)pvm_get_gas(vm));
            assert_int_equal(notes[note_count - 1].kind, PVM_EVENT_execute_end);
            pvm_destroy(vm);
        }
    }
}

static void gas_events_tell_what_was_there_before_the_block(void **state)
{
    pvm_vm_t *const vm = start(loop_text, PVM_SPEC_0_7_2, 100);

    (void)state;
    wanted = BIT(gas);
    pvm_set_register(vm, 7, 2);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);

    assert_int_equal(note_count, 3);
    assert_int_equal(notes[0].gas, 100);
    assert_int_equal(notes[0].extra, 3);
    assert_int_equal(notes[1].gas, 100 - 3 - 10);
    assert_int_equal(notes[2].gas, 100 - 2 * 13);
    assert_int_equal(notes[2].extra, 1);
    pvm_destroy(vm);
}

static void long_traces_come_in_order_and_whole(void **state)
{
    pvm_vm_t *const vm =
        start("loop:\n    add_imm_64 r7, r7, -1\n    branch_ne_imm r7, 0, loop\n    trap\n",
              PVM_SPEC_0_8_0, 1000000);

    (void)state;
    wanted = BIT(block_batch);
    pvm_set_register(vm, 7, 3000);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);

    assert_int_equal(note_count, 2);
    assert_int_equal(notes[0].extra, PVM_BLOCK_TRACE_ROOM);
    assert_int_equal(id_count, 3001);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(ids[i], 0);
    }
    assert_int_equal(ids[3000], 1);
    pvm_destroy(vm);
}

static void faults_and_missing_gas_are_named(void **state)
{
    pvm_vm_t *const fault = start("load_u8 r1, 0x20004\ntrap\n", PVM_SPEC_0_8_0, 100);
    pvm_vm_t *const oog = start("fallthrough\ntrap\n", PVM_SPEC_0_7_2, 1);

    (void)state;
    wanted = BIT(page_fault) | BIT(out_of_gas);
    assert_int_equal(pvm_execute(fault, 0), PVM_RESULT_FAULT);
    assert_int_equal(pvm_execute(oog, 0), PVM_RESULT_OOG);

    assert_int_equal(note_count, 2);
    assert_int_equal(notes[0].kind, PVM_EVENT_page_fault);
    assert_int_equal(notes[0].extra, 0x20000);
    assert_int_equal(notes[1].kind, PVM_EVENT_out_of_gas);
    assert_int_equal(notes[1].pc, 1);
    assert_int_equal(notes[1].extra, 1);
    pvm_destroy(fault);
    pvm_destroy(oog);
}

static pvm_host_result_t switch_on(pvm_vm_t *vm, int func_id, void *user_data)
{
    const pvm_host_result_t result = answer(vm, func_id, user_data);
    const uint64_t left = pvm_get_register(vm, 7);

    if (left == 4) {
        assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_BLOCKS), 0);
    } else if (left == 2) {
        assert_int_equal(pvm_set_instrumentation(vm, 0), 0);
    }
    return result;
}

static void switching_in_host_calls_changes_no_gas(void **state)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0};

    for (size_t s = 0; s < 2; s++) {
        forget(state);
        pvm_vm_t *const vm = start(loop_text, specs[s], 1000);
        pvm_vm_t *const plain = start(loop_text, specs[s], 1000);
        pvm_set_host_callback(vm, switch_on, NULL);
        pvm_set_register(vm, 7, 6);
        pvm_set_register(plain, 7, 6);
        assert_int_equal(pvm_execute(plain, 0), PVM_RESULT_PANIC);
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
        assert_int_equal(pvm_get_gas(vm), pvm_get_gas(plain));
        assert_null(vm->counts);
        pvm_destroy(vm);
        pvm_destroy(plain);
    }
}

typedef struct {
    uint32_t blocks[16];
    size_t count;
} seen_t;

static void see(void *user_data, pvm_vm_t *vm, const uint32_t *blocks, size_t count)
{
    seen_t *const seen = user_data;

    (void)vm;
    for (size_t i = 0; i < count; i++) {
        assert_true(seen->count < 16);
        seen->blocks[seen->count++] = blocks[i];
    }
}

static void an_observer_sees_the_blocks_between_the_switches(void **state)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0};
    const pvm_observer_t observer = {.size = sizeof(observer), .blocks = see};

    for (size_t s = 0; s < 2; s++) {
        seen_t seen = {.count = 0};
        forget(state);
        pvm_vm_t *const vm = start(loop_text, specs[s], 1000);
        pvm_set_host_callback(vm, switch_on, NULL);
        pvm_set_register(vm, 7, 6);
        assert_int_equal(pvm_set_observer(vm, &observer, &seen), 0);
        assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);

        /* On in the call with r7 = 4, which is in the block already; off with r7 = 2: blocks of 3 and 2. */
        assert_int_equal(seen.count, 2);
        assert_int_equal(seen.blocks[0], 0);
        pvm_destroy(vm);
    }
}

static void programs_are_told_so_that_they_load_again(void **state)
{
    (void)state;
    wanted = BIT(program_load) | BIT(program_data);
    pvm_program_t *const program = assemble(loop_text, PVM_SPEC_0_7_2);

    assert_int_equal(note_count, 2);
    assert_int_equal(notes[0].kind, PVM_EVENT_program_load);
    pvm_program_t *const copy =
        pvm_program_load(data, notes[1].extra, PVM_FORMAT_RAW, PVM_SPEC_0_7_2);
    assert_non_null(copy);
    assert_int_equal(copy->code.len, program->code.len);
    assert_memory_equal(copy->code.octets, program->code.octets, program->code.len);
    pvm_program_release(copy);
    pvm_program_release(program);
}

static void sinks_of_other_versions_are_refused(void **state)
{
    pvm_trace_sink_t other = sink;

    (void)state;
    other.layout++;
    assert_int_equal(pvm_trace_set_sink(&other), -1);
    other = sink;
    other.size--;
    assert_int_equal(pvm_trace_set_sink(&other), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(host_calls_are_told_with_what_they_changed, forget),
        cmocka_unit_test_setup(host_calls_are_told_as_a_whole, forget),
        cmocka_unit_test_setup(host_calls_are_told_in_every_way_that_is_wanted, forget),
        cmocka_unit_test_setup(open_host_calls_are_told_before_the_run_ends, forget),
        cmocka_unit_test_setup(nothing_is_told_that_nobody_wants, forget),
        cmocka_unit_test_setup(block_traces_lose_nothing_when_gas_runs_out, forget),
        cmocka_unit_test_setup(gas_events_tell_what_was_there_before_the_block, forget),
        cmocka_unit_test_setup(long_traces_come_in_order_and_whole, forget),
        cmocka_unit_test_setup(faults_and_missing_gas_are_named, forget),
        cmocka_unit_test_setup(switching_in_host_calls_changes_no_gas, forget),
        cmocka_unit_test_setup(an_observer_sees_the_blocks_between_the_switches, forget),
        cmocka_unit_test_setup(programs_are_told_so_that_they_load_again, forget),
        cmocka_unit_test_setup(sinks_of_other_versions_are_refused, forget),
    };

    backend = PVM_BACKEND_INTERPRETER;
    const int failed = cmocka_run_group_tests_name("interpreter", tests, NULL, remove_sink);
    backend = PVM_BACKEND_RECOMPILER;
    if (!pvm_recompiler_is_available()) {
        print_message("the recompiler is not available: %s\n", pvm_last_error());
        return failed;
    }
    return failed + cmocka_run_group_tests_name("recompiler", tests, NULL, remove_sink);
}
