/* Every kind of event, one by one, from one scenario on every backend: that it is told, and with which fields. */
#include "lab.h"

#include "events/events.h"

#include <stdio.h>

#define GAS            INT64_C(100000)
#define ARGUMENTS      UINT32_C(0xfeff0000)
#define STACK_PAGE     UINT32_C(0xfefdf000)
#define PROGRAM_MAX    4096
#define ALL_BUT(kinds) (~UINT64_C(0) & ~(kinds))
#define BIT(name)      (UINT64_C(1) << PVM_EVENT_##name)

/* One host call, a loop of three rounds, a read where nothing is. */
static const char *const text = "begin:\n"
                                "    ecalli 3\n"
                                "    load_imm r8, 3\n"
                                "    fallthrough\n"
                                "loop:\n"
                                "    add_imm_64 r8, r8, -1\n"
                                "    branch_ne_imm r8, 0, loop\n"
                                "    load_u8 r9, 0x1000000\n"
                                "    trap\n";

/** What was told, by the fields that a test can foretell. */
static struct {
    uint64_t wanted;
    size_t counts[PVM_EVENT_COUNT];
    uint64_t vm;
    bool is_other_vm;
    int64_t first_gas;
    uint32_t first_cost;
    uint64_t batched;
    uint64_t hits;
    uint64_t blocks_gas;
    uint64_t edges;
    uint8_t program[PROGRAM_MAX];
    uint64_t program_bytes;
    uint8_t arguments[8];
    pvm_event_page_fault_t fault;
    pvm_event_out_of_gas_t oog;
    pvm_event_gas_set_t gas_set;
    pvm_event_execute_end_t end;
    pvm_event_compile_begin_t compile_begin;
    pvm_event_compile_end_t compile_end;
    pvm_event_host_memory_t memory[2];
    uint32_t flight_blocks;
} told;

static int is_wanted(const pvm_trace_sink_t *sink, uint32_t kind)
{
    (void)sink;
    return (told.wanted >> kind) & 1;
}

/* Most events of machines name theirs first. */
static void check_vm(uint32_t kind, const void *record)
{
    const bool has_vm = kind >= PVM_EVENT_vm_create && kind != PVM_EVENT_compile_begin &&
                        kind != PVM_EVENT_compile_end;
    const uint64_t vm = has_vm ? *(const uint64_t *)record : told.vm;

    told.vm = told.vm == 0 ? vm : told.vm;
    told.is_other_vm |= vm != told.vm;
}

static void on_blocks(uint32_t kind, const void *record)
{
    if (kind == PVM_EVENT_gas) {
        const pvm_event_gas_t *const gas = record;
        if (told.counts[kind] == 1) {
            told.first_gas = gas->gas;
            told.first_cost = gas->cost;
        }
    } else if (kind == PVM_EVENT_block_batch) {
        told.batched += ((const pvm_event_block_batch_t *)record)->blocks_len;
    } else if (kind == PVM_EVENT_block_counts) {
        const pvm_event_block_counts_t *const counts = record;
        for (uint32_t i = 0; i < counts->blocks_len; i++) {
            told.hits += counts->hits[i];
            told.blocks_gas += counts->gas[i];
        }
    } else if (kind == PVM_EVENT_edge_counts) {
        const pvm_event_edge_counts_t *const edges = record;
        for (uint32_t i = 0; i < edges->kinds_len; i++) {
            told.edges += edges->counts[i];
        }
    }
}

static void on_event(const pvm_trace_sink_t *sink, uint32_t kind, const void *record)
{
    (void)sink;
    assert_true(kind < PVM_EVENT_COUNT);
    told.counts[kind]++;
    check_vm(kind, record);
    on_blocks(kind, record);
    switch ((pvm_event_kind_t)kind) {
    case PVM_EVENT_program_data: {
        const pvm_event_program_data_t *const data = record;
        assert_true(data->offset + data->data_len <= PROGRAM_MAX);
        memcpy(told.program + data->offset, data->data, data->data_len);
        told.program_bytes = data->offset + data->data_len;
        break;
    }
    case PVM_EVENT_arguments: {
        const pvm_event_arguments_t *const data = record;
        assert_true(data->offset + data->data_len <= sizeof(told.arguments));
        memcpy(told.arguments + data->offset, data->data, data->data_len);
        break;
    }
    case PVM_EVENT_host_memory: {
        const pvm_event_host_memory_t *const memory = record;
        told.memory[memory->is_write] = *memory;
        assert_memory_equal(memory->data, memory->is_write ? "xy" : "abc", memory->data_len);
        break;
    }
    case PVM_EVENT_page_fault:
        told.fault = *(const pvm_event_page_fault_t *)record;
        break;
    case PVM_EVENT_out_of_gas:
        told.oog = *(const pvm_event_out_of_gas_t *)record;
        break;
    case PVM_EVENT_gas_set:
        told.gas_set = *(const pvm_event_gas_set_t *)record;
        break;
    case PVM_EVENT_execute_end:
        told.end = *(const pvm_event_execute_end_t *)record;
        break;
    case PVM_EVENT_compile_begin:
        told.compile_begin = *(const pvm_event_compile_begin_t *)record;
        break;
    case PVM_EVENT_compile_end:
        told.compile_end = *(const pvm_event_compile_end_t *)record;
        break;
    default:
        break;
    }
}

static const pvm_trace_sink_t sink = {
    .size = sizeof(sink), .layout = PVM_EVENT_LAYOUT, .is_enabled = is_wanted, .event = on_event};

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    char octets[3];

    (void)func_id, (void)user_data;
    assert_int_equal(pvm_read_memory(vm, ARGUMENTS, octets, sizeof(octets)), 0);
    assert_int_equal(pvm_write_memory(vm, STACK_PAGE, "xy", 2), 0);
    pvm_set_gas(vm, pvm_get_gas(vm) - 10);
    return PVM_HOST_CONTINUE;
}

/* A run into a fault, gas set by the host, a run out of gas, the end. */
static void run_scenario(const lab_t *lab, uint64_t wanted, uint32_t flags)
{
    const jam_sizes_t sizes = {.stack_len = 4096};

    memset(&told, 0, sizeof(told));
    told.wanted = wanted;
    assert_int_equal(pvm_trace_set_sink(&sink), 0);
    machine_t machine = lab_jam_machine(lab, sizes, text, GAS);
    pvm_set_host_callback(machine.vm, answer, NULL);
    assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"abc", 3), 0);
    assert_int_equal(pvm_set_instrumentation(machine.vm, flags | PVM_INSTRUMENT_MEMORY), 0);
    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_FAULT);
    pvm_set_gas(machine.vm, 77);
    assert_int_equal(pvm_reset(machine.vm, 1), 0);
    const pvm_result_t result = pvm_execute(machine.vm, lab_at(&machine, "loop"));
    assert_int_equal(result, PVM_RESULT_OOG);
    lab_free(&machine);
    assert_int_equal(pvm_trace_set_sink(NULL), 0);
}

static void every_kind_is_told(const lab_t *lab)
{
    /* What has tests of its own. */
    const uint64_t apart = BIT(samples) | BIT(call_tree) | BIT(call_samples) | BIT(indirect_jumps);

    run_scenario(lab, ALL_BUT(apart), PVM_INSTRUMENT_GAS);

    for (unsigned kind = 0; kind < PVM_EVENT_COUNT; kind++) {
        if (((apart >> kind) & 1) == 0 && told.counts[kind] == 0) {
            fail_msg("event %u of the table was not told", kind);
        }
    }
    assert_false(told.is_other_vm);
    /* Memory is touched in every host call, so each is told to be open. */
    const size_t calls = told.counts[PVM_EVENT_host_call];
    assert_int_equal(told.counts[PVM_EVENT_host_call_open], calls);
    assert_int_equal(told.counts[PVM_EVENT_host_call_begin], calls);
    assert_int_equal(told.counts[PVM_EVENT_host_call_end], calls);
    assert_int_equal(told.first_gas, GAS);
    assert_true(told.first_cost > 0);
    assert_int_equal(told.counts[PVM_EVENT_gas], told.counts[PVM_EVENT_block]);
    assert_int_equal(told.counts[PVM_EVENT_gas], told.batched);
    assert_int_equal(told.hits, told.batched);
    assert_int_equal(told.edges, told.hits);
    assert_int_equal(told.fault.address, 0x1000000);
    assert_int_equal(told.gas_set.new_gas, 77);
    assert_int_equal(told.oog.gas, lab->flat ? 0 : 1);
    assert_true(told.oog.cost >= 1);
    assert_int_equal(told.end.result, PVM_RESULT_OOG);
    assert_memory_equal(told.arguments, "abc", 3);
    assert_int_equal(told.memory[0].address, ARGUMENTS);
    assert_int_equal(told.memory[1].address, STACK_PAGE);
    assert_int_equal(told.memory[1].length, 2);
    assert_int_equal(told.compile_begin.code_bytes, told.compile_end.code_bytes);
    assert_true(told.compile_end.host_bytes > 0);
    /* The trace explains itself. */
    pvm_program_t *const copy =
        pvm_program_load(told.program, told.program_bytes, PVM_FORMAT_JAM, lab->spec);
    if (copy == NULL) {
        fail_msg("the told program does not load: %s", pvm_last_error());
    }
    pvm_program_release(copy);
}

/* What batches tell in emitted code is what the interpreter tells, and what was counted. */
static void batches_are_what_was_counted(const lab_t *lab)
{
    run_scenario(lab, BIT(block_batch) | BIT(block_counts) | BIT(compile_end), 0);

    assert_true(told.batched >= 5);
    assert_int_equal(told.hits, told.batched);
    assert_int_equal(told.compile_end.backend, lab->backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(every_kind_is_told, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(batches_are_what_was_counted, LAB_ALL_SPECS, LAB_PLAIN),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
