/* Page faults of guests next to everything else that handles signals: earlier handlers, threads, alternate stacks,
 * VMs inside host calls, fork, and faults that are not ours. */
#include <pvm/pvm.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FAULT_PAGE 0x20000U

/* store_ind_u8 r7, r8, 0; add_imm_64 r8, r8, 1; jump -6: stores until a page is missing. */
static const uint8_t walker[] = {120, 0x87, 149, 0x88, 1, 40, 0xfb};
static const uint8_t walker_mask[] = {0x25};

static pvm_program_t *load_walker(void)
{
    pvm_program_t *const program =
        pvm_program_from_parts(walker, sizeof(walker), walker_mask, 1, NULL, 0, PVM_SPEC_0_8_0);

    assert_non_null(program);
    assert_null(pvm_program_error(program));
    return program;
}

static int walk_into_fault(pvm_program_t *program)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 1000000);
    int bad = vm == NULL;

    if (!bad) {
        bad |= pvm_map_memory(vm, FAULT_PAGE - 0x2000, 0x2000, PVM_ACCESS_WRITE) != 0;
        pvm_set_register(vm, 8, FAULT_PAGE - 100);
        bad |= pvm_execute(vm, 0) != PVM_RESULT_FAULT;
        bad |= pvm_get_fault_address(vm) != FAULT_PAGE;
        bad |= pvm_get_register(vm, 8) != FAULT_PAGE;
        bad |= pvm_get_pc(vm) != 0;
    }
    pvm_destroy(vm);
    return bad;
}

/* -- Earlier handlers --- */

static sigjmp_buf back;
static volatile sig_atomic_t seen_number;
static void *volatile seen_address;

static void earlier_handler(int number, siginfo_t *info, void *context)
{
    (void)context;
    seen_number = number;
    seen_address = info->si_addr;
    siglongjmp(back, 1);
}

/* cmocka has a handler of its own around each test, so this is done inside. */
static void install_earlier_handler(void)
{
    struct sigaction action = {.sa_sigaction = earlier_handler, .sa_flags = SA_SIGINFO};

    (void)sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static void touch_a_page_of_the_host(void)
{
    char *const page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(page != MAP_FAILED);
    seen_number = 0;
    if (sigsetjmp(back, 1) == 0) {
        *(volatile char *)page = 1;
        fail_msg("a store to a page without access went through");
    }
    assert_int_equal(seen_number, SIGSEGV);
    assert_ptr_equal(seen_address, page);
    assert_int_equal(munmap(page, 4096), 0);
}

static void faults_of_the_host_reach_the_earlier_handler(void **state)
{
    pvm_program_t *const program = load_walker();

    (void)state;
    install_earlier_handler();
    for (int i = 0; i < 3; i++) {
        seen_number = 0;
        assert_int_equal(walk_into_fault(program), 0);
        assert_int_equal(seen_number, 0);
        touch_a_page_of_the_host();
    }
    pvm_program_release(program);
}

/* ecalli 0; trap */
static const uint8_t caller[] = {10, 0, 0};
static const uint8_t caller_mask[] = {0x05};

static pvm_host_result_t fault_in_host(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    (void)user_data;
    touch_a_page_of_the_host();
    return PVM_HOST_CONTINUE;
}

static void faults_inside_a_host_call_reach_the_earlier_handler(void **state)
{
    pvm_program_t *const program =
        pvm_program_from_parts(caller, sizeof(caller), caller_mask, 1, NULL, 0, PVM_SPEC_0_8_0);

    (void)state;
    install_earlier_handler();
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 1000);
    assert_non_null(vm);
    pvm_set_host_callback(vm, fault_in_host, NULL);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_pc(vm), 2);
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void a_fault_that_nobody_handles_still_kills(void **state)
{
    int status;
    pvm_program_t *const program = load_walker();

    (void)state;
    for (int sent = 0; sent < 2; sent++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            /* The library is there already; default action below it is what a program without handlers has. */
            (void)signal(SIGSEGV, SIG_DFL);
            if (sent) {
                (void)kill(getpid(), SIGSEGV);
            } else {
                /* An address that the compiler cannot see through: it would refuse a constant one. */
                volatile uintptr_t nowhere = 16;
                *(volatile int *)nowhere = 1;
            }
            _exit(3);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSEGV);
    }
    pvm_program_release(program);
}

static struct sigaction below;

/* A handler that came after ours and hands on what it found, as it should. */
static void later_handler(int number, siginfo_t *info, void *context)
{
    below.sa_sigaction(number, info, context);
}

static void a_later_handler_that_hands_on_makes_no_circle(void **state)
{
    struct sigaction later = {.sa_sigaction = later_handler, .sa_flags = SA_SIGINFO};
    pvm_program_t *const program = load_walker();

    (void)state;
    install_earlier_handler();
    assert_int_equal(walk_into_fault(program), 0);
    (void)sigemptyset(&later.sa_mask);
    assert_int_equal(sigaction(SIGSEGV, &later, &below), 0);
    touch_a_page_of_the_host();
    /* The next VM puts our handler on top again. */
    assert_int_equal(walk_into_fault(program), 0);
    touch_a_page_of_the_host();
    assert_int_equal(walk_into_fault(program), 0);
    pvm_program_release(program);
}

/* -- Inner VMs, fork, threads --- */

static pvm_host_result_t run_inner(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)func_id;
    pvm_set_register(vm, 7, (uint64_t)walk_into_fault(user_data));
    return PVM_HOST_CONTINUE;
}

static void a_vm_inside_a_host_call_faults_for_itself(void **state)
{
    /* ecalli 0; store_u8 r8, 0x30000 (not mapped); trap */
    static const uint8_t code[] = {10, 0, 59, 8, 0, 0, 3, 0};
    static const uint8_t mask[] = {0x85};
    pvm_program_t *const inner = load_walker();
    pvm_program_t *const outer =
        pvm_program_from_parts(code, sizeof(code), mask, 1, NULL, 0, PVM_SPEC_0_8_0);
    pvm_vm_t *const vm = pvm_instantiate(outer, PVM_BACKEND_RECOMPILER, 0, 1000);

    (void)state;
    assert_non_null(vm);
    pvm_set_register(vm, 7, 99);
    pvm_set_host_callback(vm, run_inner, inner);
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_FAULT);
    assert_int_equal(pvm_get_register(vm, 7), 0);
    assert_int_equal(pvm_get_fault_address(vm), 0x30000);
    pvm_destroy(vm);
    pvm_program_release(outer);
    pvm_program_release(inner);
}

static void a_child_after_fork_runs_and_faults_as_the_parent(void **state)
{
    int status;
    pvm_program_t *const program = load_walker();

    (void)state;
    assert_int_equal(walk_into_fault(program), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pvm_program_t *const own =
            pvm_program_from_parts(walker, sizeof(walker), walker_mask, 1, NULL, 0, PVM_SPEC_0_7_2);
        const int bad = own == NULL || walk_into_fault(program) != 0 || walk_into_fault(own) != 0;
        pvm_program_release(own);
        _exit(bad);
    }
    assert_int_equal(walk_into_fault(program), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    pvm_program_release(program);
}

typedef struct {
    pvm_program_t *program;
    bool with_stack; /**< on an alternate signal stack */
    int bad;
} thread_t;

static void *run_thread(void *argument)
{
    thread_t *const thread = argument;
    const size_t bytes = 64 << 10;
    void *const memory = thread->with_stack ? malloc(bytes) : NULL;
    const stack_t stack = {.ss_sp = memory, .ss_size = bytes};
    const stack_t none = {.ss_flags = SS_DISABLE};

    if (memory != NULL) {
        thread->bad |= sigaltstack(&stack, NULL) != 0;
    }
    for (int i = 0; i < 200; i++) {
        thread->bad |= walk_into_fault(thread->program);
    }
    if (memory != NULL) {
        thread->bad |= sigaltstack(&none, NULL) != 0;
    }
    free(memory);
    return NULL;
}

static void threads_fault_at_the_same_time_with_and_without_a_signal_stack(void **state)
{
    pvm_program_t *const program = load_walker();
    thread_t threads[8];
    pthread_t ids[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        threads[i] = (thread_t){.program = program, .with_stack = i % 2 == 0};
        assert_int_equal(pthread_create(&ids[i], NULL, run_thread, &threads[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(ids[i], NULL), 0);
        assert_int_equal(threads[i].bad, 0);
    }
    pvm_program_release(program);
}

static void checked_memory_needs_no_signal(void **state)
{
    pvm_program_t *const program = load_walker();
    sigset_t all;
    sigset_t before;

    (void)state;
    assert_int_equal(setenv("PVM_MEMORY", "checked", 1), 0);
    (void)sigemptyset(&all);
    (void)sigaddset(&all, SIGSEGV);
    (void)sigaddset(&all, SIGBUS);
    /* A blocked SIGSEGV that comes from a fault would kill the process. */
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, &before), 0);
    assert_int_equal(walk_into_fault(program), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(unsetenv("PVM_MEMORY"), 0);
    pvm_program_release(program);
}

/* -- The gs segment --- */

/* AT_HWCAP2 of Linux on x86: the kernel lets programs write gs.base. Elsewhere nobody touches it. */
#define HWCAP2_FSGSBASE 2

static uint64_t read_gs(void)
{
    uint64_t base;

    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

static void write_gs(uint64_t base)
{
    __asm__ volatile("wrgsbase %0" : : "r"(base));
}

/* ecalli 0; jump -2 */
static pvm_program_t *load_caller(void)
{
    static const uint8_t code[] = {10, 0, 40, 0xfe};
    static const uint8_t mask[] = {5};

    return pvm_program_from_parts(code, sizeof(code), mask, 1, NULL, 0, PVM_SPEC_0_8_0);
}

typedef struct {
    pvm_vm_t *inner; /* runs inside the first calls, or NULL */
    uint64_t expected;
    int calls;
    int strange; /* calls that found another segment than expected */
} segment_t;

static pvm_host_result_t look_at_segment(pvm_vm_t *vm, int func_id, void *user_data)
{
    segment_t *const segment = user_data;

    (void)vm;
    (void)func_id;
    segment->strange += read_gs() != segment->expected;
    if (segment->inner != NULL) {
        (void)pvm_execute(segment->inner, 0);
        segment->strange += read_gs() != segment->expected;
    }
    return ++segment->calls < 10 ? PVM_HOST_CONTINUE : PVM_HOST_TERMINATE;
}

static void a_thread_that_uses_gs_finds_it_again_around_several_vms(void **state)
{
    /* No other VM has to have run before: one whose base stays, and one that finds it. */
    pvm_program_t *const program = load_caller();
    pvm_vm_t *const first = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 1000000);
    pvm_vm_t *const second = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 1000000);
    static uint64_t mine[2];

    (void)state;
    assert_non_null(first);
    assert_non_null(second);
    if ((getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) == 0) {
        pvm_destroy(first);
        pvm_destroy(second);
        pvm_program_release(program);
        skip();
    }
    /* Both leave what they like while nobody uses the segment. */
    assert_int_equal(pvm_execute(first, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_execute(second, 0), PVM_RESULT_HOST_CALL);
    for (size_t i = 0; i < 2; i++) {
        segment_t segment = {.inner = second, .expected = (uintptr_t)&mine[i]};
        pvm_set_host_callback(first, look_at_segment, &segment);
        write_gs((uintptr_t)&mine[i]);
        assert_int_equal(pvm_execute(first, 0), PVM_RESULT_OK);
        assert_int_equal(read_gs(), (uintptr_t)&mine[i]);
        assert_int_equal(segment.calls, 10);
        assert_int_equal(segment.strange, 0);
    }
    write_gs(0);
    pvm_destroy(first);
    pvm_destroy(second);
    pvm_program_release(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_the_host_reach_the_earlier_handler),
        cmocka_unit_test(faults_inside_a_host_call_reach_the_earlier_handler),
        cmocka_unit_test(a_later_handler_that_hands_on_makes_no_circle),
        cmocka_unit_test(a_fault_that_nobody_handles_still_kills),
        cmocka_unit_test(a_vm_inside_a_host_call_faults_for_itself),
        cmocka_unit_test(a_child_after_fork_runs_and_faults_as_the_parent),
        cmocka_unit_test(threads_fault_at_the_same_time_with_and_without_a_signal_stack),
        cmocka_unit_test(checked_memory_needs_no_signal),
        cmocka_unit_test(a_thread_that_uses_gs_finds_it_again_around_several_vms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
