/* Observers of one VM, pvm/trace.h: which events come, in which order, with what; and the flight record. */
#include "lab.h"

#include <stdio.h>

#define GAS 10000

/* What was told, one word for each event. */
typedef struct {
    char log[8192];
    size_t len;
    const lab_t *lab;
} diary_t;

static __attribute__((format(printf, 2, 3))) void note(diary_t *diary, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const int len =
        vsnprintf(diary->log + diary->len, sizeof(diary->log) - diary->len, format, args);
    va_end(args);
    assert_true(len > 0 && diary->len + (size_t)len < sizeof(diary->log));
    diary->len += (size_t)len;
}

static void on_run_begin(void *user_data, pvm_vm_t *vm, pvm_run_kind_t kind)
{
    static const char *const names[] = {"execute", "resume", "step"};

    note(user_data, "%s@%u ", names[kind], pvm_get_pc(vm));
}

static void on_run_end(void *user_data, pvm_vm_t *vm, pvm_result_t result)
{
    static const char *const names[] = {"ok", "oog", "panic", "host", "fault", "error"};

    note(user_data, "%s@%u,%u ", names[result], pvm_get_pc(vm), pvm_get_machine_state(vm));
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_ERROR);
    pvm_destroy(vm);
}

static void on_host_call_begin(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call)
{
    assert_int_equal(call->gas, pvm_get_gas(vm));
    assert_int_equal(call->pc, pvm_get_pc(vm));
    assert_int_equal(call->func_id, pvm_get_host_call(vm));
    note(user_data, "begin%llu:%d ", (unsigned long long)call->seq, call->func_id);
}

static void on_host_call_end(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call)
{
    assert_int_equal(call->gas, pvm_get_gas(vm));
    note(user_data, "end%llu:%d,r7=%llu ", (unsigned long long)call->seq, call->func_id,
         (unsigned long long)pvm_get_registers(vm)[7]);
}

static void on_gas_set(void *user_data, pvm_vm_t *vm, int64_t old_gas, int64_t new_gas)
{
    assert_int_equal(pvm_get_gas(vm), new_gas);
    note(user_data, "gas%+lld ", (long long)(new_gas - old_gas));
}

static void on_host_memory(void *user_data, pvm_vm_t *vm, uint32_t address, const void *data,
                           size_t length, int is_write)
{
    (void)vm;
    note(user_data, "%s%x+%zu:%02x ", is_write ? "write" : "read", address, length,
         *(const uint8_t *)data);
}

static void on_reset(void *user_data, pvm_vm_t *vm)
{
    note(user_data, "reset@%u ", pvm_get_pc(vm));
}

static void on_destroy(void *user_data, pvm_vm_t *vm)
{
    note(user_data, "destroy%d ", pvm_get_id(vm) > 0);
}

static void watch(pvm_vm_t *vm, diary_t *diary)
{
    const pvm_observer_t observer = {
        .size = sizeof(observer),
        .run_begin = on_run_begin,
        .run_end = on_run_end,
        .host_call_begin = on_host_call_begin,
        .host_call_end = on_host_call_end,
        .gas_set = on_gas_set,
        .host_memory = on_host_memory,
        .reset = on_reset,
        .destroy = on_destroy,
    };

    assert_int_equal(pvm_set_observer(vm, &observer, diary), 0);
}

static void assert_told(diary_t *diary, const char *expected)
{
    assert_string_equal(diary->log, expected);
    diary->len = 0;
    diary->log[0] = '\0';
}

/* pcs: ecalli at 0 and 2, trap at 4. */
static const char two_calls[] = "ecalli 5\n second: ecalli 6\n end: trap\n";

static pvm_host_result_t serve(pvm_vm_t *vm, int func_id, void *user_data)
{
    uint8_t octets[4] = {0x21, 2, 3, 4};

    note(user_data, "host%d ", func_id);
    pvm_set_register(vm, 7, 70 + (uint64_t)func_id);
    pvm_set_gas(vm, pvm_get_gas(vm) - 3);
    if (func_id == 5) {
        assert_int_equal(pvm_map_memory(vm, 0x20000, 4096, PVM_ACCESS_WRITE), 0);
        assert_int_equal(pvm_write_memory(vm, 0x20010, octets, 4), 0);
        assert_int_equal(pvm_read_memory(vm, 0x20010, octets, 2), 0);
        assert_int_equal(pvm_poke_memory(vm, 0x20011, octets, 1), 0);
        assert_int_equal(pvm_read_memory(vm, 0x30000, octets, 2), -1);
        assert_int_equal(pvm_write_memory(vm, 0, octets, 2), -1);
    }
    return PVM_HOST_CONTINUE;
}

static void calls_that_a_callback_answers_are_told_begin_and_end(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, two_calls, GAS);
    watch(machine.vm, &diary);
    pvm_set_host_callback(machine.vm, serve, &diary);

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_PANIC);

    assert_told(&diary, "execute@0 begin0:5 host5 write20010+4:21 read20010+2:21 write20011+1:21 "
                        "end0:5,r7=75 begin1:6 host6 end1:6,r7=76 panic@4,1 ");
    assert_int_equal(pvm_execute(machine.vm, 2), PVM_RESULT_PANIC);
    assert_told(&diary, "execute@2 begin2:6 host6 end2:6,r7=76 panic@4,1 ");
    pvm_destroy(machine.vm);
    assert_told(&diary, "destroy1 ");
    machine.vm = NULL;
    lab_free(&machine);
}

static void steps_tell_the_same_calls(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, two_calls, GAS);
    watch(machine.vm, &diary);
    pvm_set_host_callback(machine.vm, serve, &diary);

    assert_int_equal(pvm_set_pc(machine.vm, 2), 0);
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_OK);
    assert_told(&diary, "step@2 begin0:6 host6 end0:6,r7=76 ok@4,255 ");
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_PANIC);
    assert_told(&diary, "step@4 panic@4,1 ");
    lab_free(&machine);
}

static void calls_left_to_the_caller_end_when_it_goes_on(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, two_calls, GAS);
    watch(machine.vm, &diary);
    uint8_t octet = 9;

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_told(&diary, "execute@0 begin0:5 host@0,3 ");
    /* Until then memory and gas belong to the call. */
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(machine.vm, 0x20000, &octet, 1), 0);
    pvm_set_gas(machine.vm, 5000);
    assert_told(&diary, "write20000+1:09 ");
    pvm_set_register(machine.vm, 7, 17);
    assert_int_equal(pvm_resume(machine.vm), PVM_RESULT_HOST_CALL);
    assert_told(&diary, "end0:5,r7=17 resume@2 begin1:6 host@2,3 ");
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_PANIC);
    assert_told(&diary, "end1:6,r7=17 step@4 panic@4,1 ");
    /* Outside of one, memory is not told, and gas is. */
    assert_int_equal(pvm_write_memory(machine.vm, 0x20000, &octet, 1), 0);
    pvm_set_gas(machine.vm, pvm_get_gas(machine.vm) + 7);
    pvm_set_gas(machine.vm, pvm_get_gas(machine.vm) - 2);
    assert_told(&diary, "gas+7 gas-2 ");
    lab_free(&machine);
}

static void a_call_also_ends_with_a_new_execute_and_with_set_pc(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, two_calls, GAS);
    watch(machine.vm, &diary);

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_execute(machine.vm, 4), PVM_RESULT_PANIC);
    assert_told(&diary, "execute@0 begin0:5 host@0,3 end0:5,r7=0 execute@4 panic@4,1 ");
    assert_int_equal(pvm_execute(machine.vm, 2), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_set_pc(machine.vm, 4), 0);
    assert_told(&diary, "execute@2 begin1:6 host@2,3 end1:6,r7=0 ");
    pvm_set_gas(machine.vm, pvm_get_gas(machine.vm) + 1);
    assert_told(&diary, "gas+1 ");
    lab_free(&machine);
}

static void a_call_that_is_never_answered_has_no_end(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, two_calls, GAS);
    watch(machine.vm, &diary);

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_reset(machine.vm, GAS), 0);
    assert_told(&diary, "execute@0 begin0:5 host@0,3 reset@0 ");
    pvm_set_gas(machine.vm, GAS + 1);
    assert_told(&diary, "gas+1 ");
    assert_int_equal(pvm_resume(machine.vm), PVM_RESULT_HOST_CALL);
    pvm_destroy(machine.vm);
    assert_told(&diary, "resume@0 begin1:5 host@0,3 destroy1 ");
    machine.vm = NULL;
    lab_free(&machine);
}

static pvm_host_result_t stop(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    pvm_set_register(vm, 7, 1);
    return *(const pvm_host_result_t *)user_data;
}

static void calls_that_end_the_run_end_before_it(const lab_t *lab)
{
    static const struct {
        int answer;
        const char *told;
    } cases[] = {
        {PVM_HOST_TERMINATE, "execute@0 begin0:5 end0:5,r7=1 ok@0,0 "},
        {PVM_HOST_ERROR, "execute@0 begin0:5 end0:5,r7=1 panic@0,1 "},
        {PVM_HOST_OOG, "execute@0 begin0:5 end0:5,r7=1 oog@0,4 "},
        {PVM_HOST_YIELD, "execute@0 begin0:5 host@0,3 "},
        {17, "execute@0 begin0:5 end0:5,r7=1 error@0,3 "},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pvm_host_result_t answer = (pvm_host_result_t)cases[i].answer;
        diary_t diary = {.lab = lab};
        machine_t machine = lab_machine(lab, two_calls, GAS);
        watch(machine.vm, &diary);
        pvm_set_host_callback(machine.vm, stop, &answer);
        (void)pvm_execute(machine.vm, 0);
        assert_told(&diary, cases[i].told);
        lab_free(&machine);
    }
}

static void every_other_exit_is_told_once(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, "load_u8 r1, 0x20000\n fallthrough\n jump_ind r0, 0", GAS);
    const uint32_t fallthrough = pvm_program_blocks(machine.program)[1].pc - 1;
    char expected[128];
    watch(machine.vm, &diary);
    pvm_set_register(machine.vm, 0, UINT64_C(0xffff0000));

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_FAULT);
    assert_told(&diary, "execute@0 fault@0,2 ");
    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 4096, PVM_ACCESS_READ), 0);
    assert_int_equal(pvm_resume(machine.vm), PVM_RESULT_OK);
    (void)snprintf(expected, sizeof(expected), "resume@0 ok@%u,0 ", fallthrough + 1);
    assert_told(&diary, expected);
    pvm_set_gas(machine.vm, 0);
    diary.len = 0;
    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_OOG);
    assert_told(&diary, "execute@0 oog@0,4 ");
    lab_free(&machine);
}

static void refused_calls_tell_nothing(const lab_t *lab)
{
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, "trap", GAS);
    watch(machine.vm, &diary);

    assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_PANIC);
    assert_told(&diary, "execute@0 panic@0,1 ");
    assert_int_equal(pvm_resume(machine.vm), PVM_RESULT_ERROR);
    assert_int_equal(pvm_step(machine.vm), PVM_RESULT_ERROR);
    assert_int_equal(pvm_reset(machine.vm, UINT64_MAX), -1);
    assert_int_equal(diary.len, 0);
    lab_free(&machine);
}

static void an_observer_may_leave_out_what_it_does_not_want(const lab_t *lab)
{
    const pvm_observer_t nothing = {.size = sizeof(nothing)};
    diary_t diary = {.lab = lab};
    machine_t machine = lab_machine(lab, two_calls, GAS);

    assert_int_equal(pvm_set_observer(machine.vm, &nothing, NULL), 0);
    pvm_set_host_callback(machine.vm, serve, &diary);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_told(&diary, "host5 host6 ");
    watch(machine.vm, &diary);
    assert_int_equal(pvm_set_observer(machine.vm, NULL, NULL), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 4), PVM_RESULT_PANIC);
    assert_int_equal(diary.len, 0);
    lab_free(&machine);
}

/* -- Flight record --- */

static pvm_host_result_t count_up(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    (void)user_data;
    pvm_set_register(vm, 7, pvm_get_register(vm, 7) + 1);
    return pvm_get_register(vm, 7) == 100 ? PVM_HOST_TERMINATE : PVM_HOST_CONTINUE;
}

static void the_flight_record_holds_the_last_host_calls_oldest_first(const lab_t *lab)
{
    pvm_flight_entry_t entries[200];
    machine_t machine = lab_machine(lab, "fallthrough\n loop: ecalli -3\n jump @loop\n", 100 * GAS);
    pvm_set_host_callback(machine.vm, count_up, NULL);

    assert_int_equal(pvm_get_flight_record(machine.vm, entries, 200), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);

    const size_t count = pvm_get_flight_record(machine.vm, entries, 200);
    assert_true(count >= 8 && count <= 100);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(entries[i].seq, 100 - count + i);
        assert_int_equal(entries[i].pc, lab_at(&machine, "loop"));
        assert_int_equal(entries[i].func_id, -3);
        assert_int_equal(entries[i].result, entries[i].seq + 1);
        if (i > 0) {
            assert_true(entries[i].gas < entries[i - 1].gas);
        }
    }
    assert_int_equal(entries[count - 1].gas, pvm_get_gas(machine.vm));
    /* Fewer asked for: the last ones. */
    pvm_flight_entry_t two[3] = {[2] = {.seq = 4242}};
    assert_int_equal(pvm_get_flight_record(machine.vm, two, 2), 2);
    assert_int_equal(two[0].seq, 98);
    assert_int_equal(two[1].seq, 99);
    assert_int_equal(two[2].seq, 4242);
    assert_int_equal(pvm_get_flight_record(machine.vm, two, 0), 0);
    /* Numbers go on after a reset. */
    assert_int_equal(pvm_reset(machine.vm, GAS), 0);
    pvm_set_register(machine.vm, 7, 99);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_OK);
    assert_int_equal(pvm_get_flight_record(machine.vm, two, 1), 1);
    assert_int_equal(two[0].seq, 100);
    lab_free(&machine);
}

static void a_call_that_waits_is_in_the_flight_record_already(const lab_t *lab)
{
    pvm_flight_entry_t entry;
    machine_t machine = lab_machine(lab, two_calls, GAS);

    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_get_flight_record(machine.vm, &entry, 1), 1);
    assert_int_equal(entry.seq, 0);
    assert_int_equal(entry.func_id, 5);
    assert_int_equal(entry.pc, 0);
    assert_int_equal(entry.gas, pvm_get_gas(machine.vm));
    pvm_set_register(machine.vm, 7, 33);
    assert_int_equal(lab_resume(lab, machine.vm), PVM_RESULT_HOST_CALL);
    pvm_flight_entry_t both[2];
    assert_int_equal(pvm_get_flight_record(machine.vm, both, 2), 2);
    assert_int_equal(both[0].result, 33);
    assert_int_equal(both[1].func_id, 6);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(calls_that_a_callback_answers_are_told_begin_and_end, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(steps_tell_the_same_calls, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(calls_left_to_the_caller_end_when_it_goes_on, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(a_call_also_ends_with_a_new_execute_and_with_set_pc, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(a_call_that_is_never_answered_has_no_end, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(calls_that_end_the_run_end_before_it, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(every_other_exit_is_told_once, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(refused_calls_tell_nothing, LAB_ALL_SPECS, LAB_PLAIN | LAB_COUNTING),
        LAB_TEST(an_observer_may_leave_out_what_it_does_not_want, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(the_flight_record_holds_the_last_host_calls_oldest_first, LAB_ALL_SPECS,
                 LAB_ALL_DRIVES),
        LAB_TEST(a_call_that_waits_is_in_the_flight_record_already, LAB_ALL_SPECS, LAB_ALL_DRIVES),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
