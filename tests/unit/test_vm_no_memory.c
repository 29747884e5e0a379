/* What happens when the system gives no memory: the n-th allocation, mapping or change of protection fails, for every
 * n that there is. Each call must then refuse and say why, with nothing changed and nothing left behind, or do without.
 *
 * The linker puts the wrappers below between the engine and the C library (tests/CMakeLists.txt). */
#include "lab.h"

#include "memory/spare.h"
#include "recompiler/recompiler.h"
#include "support/blob.h"
#include "support/large.h"
#include "vm/vm.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

/* -- The wrappers --- */

static struct {
    int left;        /**< calls that still succeed; negative: all do */
    bool all_behind; /**< every call behind that one fails as well */
    bool has_failed;
    long live; /**< blocks of memory that are not free yet */
} system_ = {.left = -1};

/* Whether this call is to fail. */
static bool fails(void)
{
    if (system_.left < 0) {
        return false;
    }
    if (system_.left > 0) {
        system_.left--;
        return false;
    }
    system_.left = system_.all_behind ? 0 : -1;
    system_.has_failed = true;
    errno = ENOMEM;
    return true;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void __real_free(void *block);
int __real_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_mprotect(void *address, size_t bytes, int protection);
int __real_madvise(void *address, size_t bytes, int advice);
int __real_mincore(void *address, size_t bytes, unsigned char *out);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void __wrap_free(void *block);
int __wrap_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_mprotect(void *address, size_t bytes, int protection);
int __wrap_madvise(void *address, size_t bytes, int advice);
int __wrap_mincore(void *address, size_t bytes, unsigned char *out);

void *__wrap_malloc(size_t bytes)
{
    void *const block = fails() ? NULL : __real_malloc(bytes);

    system_.live += block != NULL;
    return block;
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    void *const block = fails() ? NULL : __real_calloc(count, bytes);

    system_.live += block != NULL;
    return block;
}

void *__wrap_realloc(void *block, size_t bytes)
{
    const bool is_new = block == NULL;
    void *const moved = fails() ? NULL : __real_realloc(block, bytes);

    system_.live += is_new && moved != NULL;
    return moved;
}

void __wrap_free(void *block)
{
    system_.live -= block != NULL;
    __real_free(block);
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    const int len = fails() ? -1 : __real_vasprintf(out, format, args);

    system_.live += len >= 0;
    return len;
}

/* So many mappings fail, whatever else there is. */
static int mappings_left;

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    if (mappings_left > 0) {
        mappings_left--;
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return fails() ? MAP_FAILED : __real_mmap(address, bytes, protection, flags, file, offset);
}

/* So many times pages may become executable; negative: always. And how often it was asked for in vain. */
static int executable_left = -1;
static int executable_refused;

int __wrap_mprotect(void *address, size_t bytes, int protection)
{
    if ((protection & PROT_EXEC) != 0 && executable_left == 0) {
        executable_refused++;
        errno = EACCES;
        return -1;
    }
    executable_left -= (protection & PROT_EXEC) != 0 && executable_left > 0;
    return fails() ? -1 : __real_mprotect(address, bytes, protection);
}

int __wrap_madvise(void *address, size_t bytes, int advice)
{
    return fails() ? -1 : __real_madvise(address, bytes, advice);
}

/* Set, every page looks as if it had been swapped out. */
static bool is_swapped_out;

int __wrap_mincore(void *address, size_t bytes, unsigned char *out)
{
    const int status = fails() ? -1 : __real_mincore(address, bytes, out);

    if (status == 0 && is_swapped_out) {
        memset(out, 0, (bytes + 4095) / 4096);
    }
    return status;
}

/* -- Trying everything --- */

/** One attempt while call number `n` fails. @return whether it succeeded; if not, it has checked that nothing is
 *  changed. */
typedef bool (*attempt_t)(const lab_t *lab, void *user_data);

static void arm(int n, bool all_behind)
{
    lab_clear_error();
    system_.has_failed = false;
    system_.all_behind = all_behind;
    system_.left = n;
}

static void disarm(void)
{
    system_.left = -1;
}

/* What waits for another program would be there once, and not again. */
static void forget_waiting(void)
{
    (void)pvm_memory_spare_drain();
    pvm_large_drain();
}

/* Runs the attempt with each of its calls failing, alone and with all that follow. */
static void try_every_failure(const lab_t *lab, attempt_t attempt, void *user_data)
{
    forget_waiting();
    for (int all_behind = 0; all_behind < 2; all_behind++) {
        bool is_done = false;
        int refused = 0;
        for (int n = 0; !is_done; n++) {
            const long live = system_.live;
            assert_true(n < 5000);
            arm(n, all_behind);
            const bool ok = attempt(lab, user_data);
            disarm();
            forget_waiting();
            is_done = !system_.has_failed;
            assert_true(ok || !is_done);
            refused += !ok;
            if (system_.live != live) {
                fail_msg("call %d fails: %ld blocks are left", n, system_.live - live);
            }
        }
        /* One failure may be made up for, as where the interpreter runs what cannot be compiled. */
        assert_true(refused > 0 || !all_behind);
    }
}

/* -- Programs --- */

typedef struct {
    pvm_buffer_t blob;
    pvm_format_t format;
    pvm_spec_t spec;
} file_t;

static bool load(const lab_t *lab, void *user_data)
{
    const file_t *const file = user_data;

    (void)lab;
    pvm_program_t *const program =
        pvm_program_load(file->blob.data, file->blob.len, file->format, file->spec);
    disarm();
    if (program == NULL) {
        lab_assert_explained();
        return false;
    }
    pvm_program_release(program);
    return true;
}

static void loading_refuses_or_succeeds(const lab_t *lab)
{
    file_t files[4] = {{.format = PVM_FORMAT_AUTO, .spec = PVM_SPEC_DEFAULT},
                       {.format = PVM_FORMAT_JAM, .spec = lab->spec},
                       {.format = PVM_FORMAT_RAW, .spec = lab->spec},
                       {.format = PVM_FORMAT_RAW, .spec = lab->spec}};

    blob_load(&files[0].blob, "examples/guest/blobs/service.polkavm");
    lab_jam_blob(lab, (jam_sizes_t){10, 10, 1, 10}, ".jump_table @a\n a: trap\n", &files[1].blob);
    blob_raw(&files[2].blob, "00", "01");
    blob_hex(&files[3].blob, "ff"); /* held as invalid */
    for (size_t i = 0; i < 4; i++) {
        try_every_failure(lab, load, &files[i]);
        pvm_buffer_free(&files[i].blob);
    }
}

static bool create(const lab_t *lab, void *user_data)
{
    static const uint8_t code[] = {0};
    static const uint8_t mask[] = {1};
    static const uint32_t jumps[] = {0};

    (void)lab;
    (void)user_data;
    pvm_vm_t *const vm = pvm_create(1, code, 1, NULL, mask, 1, jumps, 1, 5);
    disarm();
    if (vm == NULL) {
        lab_assert_explained();
        return false;
    }
    assert_int_equal(pvm_execute(vm, 0), PVM_RESULT_PANIC);
    pvm_destroy(vm);
    return true;
}

static void creating_from_parts_refuses_or_succeeds(const lab_t *lab)
{
    (void)setenv("PVM_BACKEND",
                 lab->backend == PVM_BACKEND_RECOMPILER ? "recompiler" : "interpreter", 1);
    try_every_failure(lab, create, NULL);
    (void)unsetenv("PVM_BACKEND");
}

/* -- Machines --- */

static const jam_sizes_t sizes = {5000, 200000, 3, 200000};

static const char text[] = "load_imm r2, 5\n"
                           "store_imm_u8 0x30000, 7\n"
                           "ecalli 1\n"
                           "load_u8 r3, 0x30000\n"
                           "jump_ind r0, 0\n";

/* A new program each time: what one attempt has translated would help the next. */
static pvm_program_t *load_jam(const lab_t *lab)
{
    pvm_buffer_t blob = {0};

    lab_jam_blob(lab, sizes, text, &blob);
    pvm_program_t *const program = pvm_program_load(blob.data, blob.len, PVM_FORMAT_JAM, lab->spec);
    pvm_buffer_free(&blob);
    assert_non_null(program);
    return program;
}

/* Every page as instantiate leaves it. */
static void assert_fresh(pvm_vm_t *vm)
{
    uint8_t octets[4096];

    for (uint32_t page = 0x10; page < UINT32_C(1) << 20; page++) {
        const uint32_t address = page << 12;
        const uint32_t rw = address - 0x30000;
        const bool is_ro = page < 0x12;
        const bool is_rw = page >= 0x30 && page < 0x30 + 49 + 3;
        const bool is_stack = address >= 0xfefe0000 - 49 * 4096 && address < 0xfefe0000;
        const pvm_access_t access = is_ro               ? PVM_ACCESS_READ
                                    : is_rw || is_stack ? PVM_ACCESS_WRITE
                                                        : PVM_ACCESS_NONE;
        assert_int_equal(pvm_get_access(vm, address), access);
        if (access == PVM_ACCESS_NONE) {
            continue;
        }
        assert_int_equal(pvm_read_memory(vm, address, octets, 4096), 0);
        for (uint32_t i = 0; i < 4096; i++) {
            const uint8_t expected = is_ro && address - 0x10000 + i < 5000 ? 0xa0
                                     : is_rw && rw + i < 200000            ? 0xb0
                                                                           : 0;
            assert_int_equal(octets[i], expected);
        }
    }
}

static bool instantiate(const lab_t *lab, void *user_data)
{
    const int left = system_.left;
    (void)user_data;
    disarm();
    /* A program of its own, whose pool is empty. */
    pvm_program_t *const program = load_jam(lab);
    system_.left = left;

    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 1, 1000);

    disarm();
    if (vm == NULL) {
        lab_assert_explained();
    } else {
        assert_fresh(vm);
        pvm_destroy(vm);
    }
    pvm_program_release(program);
    return vm != NULL;
}

static void instantiating_refuses_or_starts_fresh(const lab_t *lab)
{
    try_every_failure(lab, instantiate, NULL);
}

/* Memories that wait, of the other kind, take addresses: where there are no more, they go first. */
static void what_waits_is_given_back_before_a_machine_is_refused(const lab_t *lab)
{
    const bool is_guarded = lab->backend == PVM_BACKEND_RECOMPILER && pvm_recompiler_wants_guard();

    for (int waits = 0; waits < 2; waits++) {
        forget_waiting();
        if (waits) {
            pvm_memory_t *const other = pvm_memory_create(!is_guarded);
            assert_non_null(other);
            pvm_memory_spare_give(other);
        }
        pvm_program_t *const program = load_jam(lab);
        lab_clear_error();
        mappings_left = 1;
        pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 1, 1000);
        assert_int_equal(mappings_left, 0);
        assert_null(pvm_memory_spare_take(!is_guarded));
        if (waits) {
            assert_non_null(vm);
            assert_fresh(vm);
        } else {
            assert_null(vm);
            lab_assert_explained();
        }
        pvm_destroy(vm);
        pvm_program_release(program);
    }
}

static pvm_host_result_t go_on(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    (*(int *)user_data)++;
    return PVM_HOST_CONTINUE;
}

static bool execute(const lab_t *lab, void *user_data)
{
    const int left = system_.left;
    (void)user_data;
    disarm();
    pvm_program_t *const program = load_jam(lab);
    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 1, 1000);
    int calls = 0;
    assert_non_null(vm);
    pvm_set_host_callback(vm, go_on, &calls);
    if (lab->counting) {
        assert_int_equal(pvm_set_instrumentation(vm, PVM_INSTRUMENT_EDGES | PVM_INSTRUMENT_CALLS),
                         0);
    }
    system_.left = left;

    pvm_result_t result = pvm_execute(vm, 0);

    disarm();
    const bool ok = result != PVM_RESULT_ERROR;
    if (!ok) {
        lab_assert_explained();
        assert_int_equal(calls, 0);
        assert_int_equal(pvm_get_machine_state(vm), PVM_STATE_READY);
        assert_int_equal(pvm_get_pc(vm), 0);
        assert_int_equal(pvm_get_gas(vm), 1000);
        /* Execution has not begun. */
        assert_int_equal(pvm_set_arguments(vm, NULL, 0), 0);
        result = pvm_execute(vm, 0);
    }
    assert_int_equal(result, PVM_RESULT_OK);
    assert_int_equal(calls, 1);
    assert_int_equal(pvm_get_register(vm, 3), 7);
    assert_int_equal(pvm_get_gas(vm), 1000 - (lab->flat ? 5 : pvm_program_blocks(program)[0].gas));
    if (lab->counting) {
        pvm_call_node_t nodes[4];
        uint64_t gas = 0;
        assert_int_equal(lab_blocks_gas(vm), 1000 - pvm_get_gas(vm));
        const size_t contexts = pvm_get_call_tree(vm, nodes, 4);
        assert_in_range(contexts, 1, 4);
        for (size_t i = 0; i < contexts; i++) {
            gas += nodes[i].gas + nodes[i].deeper_gas;
        }
        assert_int_equal(gas, 1000 - pvm_get_gas(vm));
    }
    pvm_destroy(vm);
    pvm_program_release(program);
    return ok;
}

static void executing_refuses_with_nothing_changed_or_does_the_same(const lab_t *lab)
{
    try_every_failure(lab, execute, NULL);
}

static bool count(const lab_t *lab, void *user_data)
{
    pvm_block_count_t counts[8];

    (void)user_data;
    const int left = system_.left;
    disarm();
    /* Its own program: what that keeps of its flow graph goes with it. */
    machine_t machine = lab_jam_machine(lab, sizes, text, 1000);
    assert_int_equal(pvm_set_instrumentation(machine.vm, 0), 0);
    system_.left = left;
    const int status =
        pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_EDGES | PVM_INSTRUMENT_CALLS);
    disarm();
    if (status != 0) {
        lab_assert_explained();
        assert_int_equal(pvm_get_block_counts(machine.vm, counts, 8), 0);
        assert_int_equal(pvm_get_call_tree(machine.vm, NULL, 0), 0);
    }
    assert_int_equal(pvm_set_instrumentation(machine.vm, 0), 0);
    lab_free(&machine);
    return status == 0;
}

static void counting_is_refused_or_begins(const lab_t *lab)
{
    try_every_failure(lab, count, NULL);
}

/* -- Guest memory: mappings and protection --- */

#define HOLE UINT32_C(0x200000)

static void assert_hole(pvm_vm_t *vm, pvm_access_t access)
{
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(pvm_get_access(vm, HOLE + i * 4096), access);
    }
}

static void mapping_refuses_or_succeeds(const lab_t *lab)
{
    machine_t machine =
        lab_machine(lab, "load_u8 r1, 0x200000\n store_imm_u8 0x200001, 1\n trap", 1000);

    /* Alone, a refusal of the system is survived; with all that follow, it is told. */
    for (int all_behind = 0; all_behind < 2; all_behind++) {
        for (int n = 0; n < 6; n++) {
            static const pvm_access_t turns[] = {PVM_ACCESS_WRITE, PVM_ACCESS_READ,
                                                 PVM_ACCESS_WRITE, PVM_ACCESS_NONE};
            pvm_access_t now = PVM_ACCESS_NONE;
            for (size_t i = 0; i < 4; i++) {
                arm(n, all_behind);
                const int status = pvm_map_memory(machine.vm, HOLE, 100 * 4096, turns[i]);
                disarm();
                if (status != 0) {
                    assert_true(all_behind);
                    lab_assert_explained();
                } else {
                    now = turns[i];
                }
                assert_hole(machine.vm, now);
                if (now != PVM_ACCESS_NONE) {
                    assert_int_equal(pvm_poke_memory(machine.vm, HOLE, "\x11", 1), 0);
                }
                pvm_set_gas(machine.vm, 1000);
                assert_int_equal(pvm_execute(machine.vm, 0),
                                 now == PVM_ACCESS_WRITE ? PVM_RESULT_PANIC : PVM_RESULT_FAULT);
                assert_int_equal(pvm_get_pc(machine.vm) == 0, now == PVM_ACCESS_NONE);
            }
            assert_int_equal(pvm_reset(machine.vm, 1000), 0);
        }
    }
    lab_free(&machine);
}

static void poking_refuses_or_succeeds_and_the_page_stays_locked(const lab_t *lab)
{
    for (int all_behind = 0; all_behind < 2; all_behind++) {
        for (int n = 0; n < 6; n++) {
            machine_t machine = lab_machine(lab, "store_imm_u8 0x200001, 1\n trap", 1000);
            uint8_t octets[2] = {1, 1};
            assert_int_equal(pvm_map_memory(machine.vm, HOLE, 3 * 4096, PVM_ACCESS_READ), 0);
            arm(n, all_behind);
            const int status = pvm_poke_memory(machine.vm, HOLE + 4095, "\x22\x33", 2);
            disarm();
            assert_true(status == 0 || all_behind);
            assert_int_equal(pvm_read_memory(machine.vm, HOLE + 4095, octets, 2), 0);
            if (status == 0) {
                assert_memory_equal(octets, "\x22\x33", 2);
            }
            if (n == 0 && status != 0) {
                lab_assert_explained();
                assert_memory_equal(octets, "\0\0", 2);
            }
            if (status == 0) {
                assert_int_equal(pvm_execute(machine.vm, 0), PVM_RESULT_FAULT);
            }
            assert_int_equal(pvm_reset(machine.vm, 1000), 0);
            lab_free(&machine);
        }
    }
}

/* Octets in every page that a run can reach. */
static void soil(pvm_vm_t *vm)
{
    for (uint32_t page = 0x10; page < UINT32_C(1) << 20; page++) {
        if (pvm_get_access(vm, page << 12) != PVM_ACCESS_NONE) {
            assert_int_equal(pvm_poke_memory(vm, page << 12, "\xee\xee", 2), 0);
        }
    }
    assert_int_equal(pvm_map_memory(vm, HOLE, 300 * 4096, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(vm, HOLE + 299 * 4096, "\xee", 1), 0);
    assert_int_equal(pvm_write_memory(vm, HOLE + 7 * 4096, "\xee", 1), 0);
}

static void resetting_refuses_or_leaves_a_fresh_machine(const lab_t *lab)
{
    for (int all_behind = 0; all_behind < 2; all_behind++) {
        for (int n = 0; n < 30; n++) {
            pvm_program_t *const program = load_jam(lab);
            pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 1, 1000);
            assert_non_null(vm);
            soil(vm);
            arm(n, all_behind);
            const int status = pvm_reset(vm, 77);
            disarm();
            if (status != 0) {
                assert_true(all_behind);
                lab_assert_explained();
                assert_int_equal(pvm_reset(vm, 77), 0);
            }
            assert_fresh(vm);
            pvm_destroy(vm);
            pvm_program_release(program);
        }
    }
}

static void destroying_leaves_no_dirt_for_the_next(const lab_t *lab)
{
    for (int all_behind = 0; all_behind < 2; all_behind++) {
        for (int n = 0; n < 30; n++) {
            pvm_program_t *const program = load_jam(lab);
            pvm_vm_t *vm = pvm_instantiate(program, lab->backend, 1, 1000);
            assert_non_null(vm);
            soil(vm);
            arm(n, all_behind);
            pvm_destroy(vm);
            disarm();
            vm = pvm_instantiate(program, lab->backend, 1, 1000);
            assert_non_null(vm);
            assert_fresh(vm);
            assert_int_equal(pvm_map_memory(vm, HOLE, 300 * 4096, PVM_ACCESS_READ), 0);
            uint8_t octet = 1;
            assert_int_equal(pvm_read_memory(vm, HOLE + 299 * 4096, &octet, 1), 0);
            assert_int_equal(octet, 0);
            pvm_destroy(vm);
            pvm_program_release(program);
        }
    }
}

static void pages_that_were_swapped_out_are_cleared_too(const lab_t *lab)
{
    pvm_program_t *const program = load_jam(lab);
    pvm_vm_t *vm = pvm_instantiate(program, lab->backend, 1, 1000);

    assert_non_null(vm);
    is_swapped_out = true;
    soil(vm);
    assert_int_equal(pvm_reset(vm, 1), 0);
    assert_fresh(vm);
    soil(vm);
    pvm_destroy(vm);
    vm = pvm_instantiate(program, lab->backend, 1, 1000);
    assert_non_null(vm);
    assert_fresh(vm);
    assert_int_equal(pvm_map_memory(vm, HOLE, 300 * 4096, PVM_ACCESS_READ), 0);
    uint8_t octet = 1;
    assert_int_equal(pvm_read_memory(vm, HOLE + 7 * 4096, &octet, 1), 0);
    assert_int_equal(octet, 0);
    is_swapped_out = false;
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void setting_arguments_refuses_or_succeeds(const lab_t *lab)
{
    static const uint8_t args[100000] = {1, 2, 3};
    uint8_t octets[4096];

    for (int all_behind = 0; all_behind < 2; all_behind++) {
        for (int n = 0; n < 12; n++) {
            machine_t machine = lab_jam_machine(lab, sizes, text, 1000);
            assert_int_equal(pvm_set_arguments(machine.vm, (const uint8_t *)"old", 3), 0);
            arm(n, all_behind);
            const int status = pvm_set_arguments(machine.vm, args, sizeof(args));
            disarm();
            assert_true(status == 0 || all_behind);
            if (status != 0) {
                lab_assert_explained();
                assert_int_equal(pvm_get_register(machine.vm, 8), 3);
                assert_int_equal(pvm_set_arguments(machine.vm, args, sizeof(args)), 0);
            }
            assert_int_equal(pvm_read_memory(machine.vm, 0xfeff0000, octets, 4096), 0);
            assert_memory_equal(octets, args, 4096);
            lab_free(&machine);
        }
    }
}

/* The guest of 113 KB, of which units are executable until no page may be any more. */
static void what_grows_ends_in_the_interpreter(const lab_t *lab)
{
    pvm_buffer_t blob = {0};
    int64_t gas = 0;
    uint64_t value = 0;

    blob_load(&blob, "examples/guest/blobs/large.polkavm");
    for (int left = -1; left < 8; left++) {
        pvm_program_t *const program =
            pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, lab->spec);
        assert_non_null(program);
        pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 0, 1000000000);
        assert_non_null(vm);
        executable_left = left;
        executable_refused = 0;
        assert_int_equal(pvm_execute(vm, program->exports[0].pc), PVM_RESULT_OK);
        executable_left = -1;
        /* To begin or the next unit, and all at once, when it is prepared and when it runs: not at each block. */
        assert_in_range(executable_refused, 0, 4);
        assert_true(left < 0 || pvm_get_gas(vm) == gas);
        assert_true(left < 0 || pvm_get_register(vm, 7) == value);
        gas = pvm_get_gas(vm);
        value = pvm_get_register(vm, 7);
        pvm_destroy(vm);
        pvm_program_release(program);
    }
    pvm_buffer_free(&blob);
}

int main(void)
{
    /* The thread keeps the block of its error text. */
    (void)pvm_program_load(NULL, 0, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    const struct CMUnitTest tests[] = {
        LAB_TEST(loading_refuses_or_succeeds, LAB_0_7_2 | LAB_0_8_0, LAB_PLAIN),
        LAB_TEST_ONCE(creating_from_parts_refuses_or_succeeds),
        LAB_TEST_ONCE(instantiating_refuses_or_starts_fresh),
        LAB_TEST_ONCE(what_waits_is_given_back_before_a_machine_is_refused),
        LAB_TEST(executing_refuses_with_nothing_changed_or_does_the_same, LAB_ALL_SPECS,
                 LAB_PLAIN | LAB_COUNTING),
        LAB_TEST_ONCE(counting_is_refused_or_begins),
        LAB_TEST_ONCE(mapping_refuses_or_succeeds),
        LAB_TEST_ONCE(poking_refuses_or_succeeds_and_the_page_stays_locked),
        LAB_TEST_ONCE(resetting_refuses_or_leaves_a_fresh_machine),
        LAB_TEST_ONCE(destroying_leaves_no_dirt_for_the_next),
        LAB_TEST_ONCE(pages_that_were_swapped_out_are_cleared_too),
        LAB_TEST_ONCE(setting_arguments_refuses_or_succeeds),
        LAB_TEST_ONCE(what_grows_ends_in_the_interpreter),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
