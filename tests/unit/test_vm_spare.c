/* Memories go from one program to the next: whatever that one's layout was, the next machine starts with its own pages
 * and octets and sees nothing else, also what it maps later. What guests may touch is asked of guests, so that the
 * pages' protection is tested and not only what the host is told. */
#include "lab.h"

#include "memory/spare.h"
#include "recompiler/recompiler.h"
#include "support/sanitized.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE      UINT32_C(4096)
#define RO        UINT32_C(0x10000)
#define STACK_TOP UINT32_C(0xfefe0000)
#define ZONE      UINT32_C(0x10000)
#define HOLE      UINT32_C(0x40000000)
#define GAS       1000

/* Touches the page of r1. */
static const char text[] = "load_ind_u8 r2, r1, 0\n"
                           "store_ind_u8 r3, r1, 0\n"
                           "trap\n";

/* Regions that are not there, of the same size, within each other, behind each other, and large. */
static const jam_sizes_t layouts[] = {{5000, 6000, 3, 10000},
                                      {0, 0, 0, 0},
                                      {5000, 6000, 3, 10000},
                                      {4096, 4096, 0, 4096},
                                      {1, 1, 1, 1},
                                      {70000, 6000, 3, 100},
                                      {8192, 20000, 20, 80000},
                                      {0, 300000, 100, 300000},
                                      {300000, 0, 0, 10000},
                                      {0, 1, 2000, 0},
                                      {500000, 500000, 0, 500000}};
#define LAYOUTS (sizeof(layouts) / sizeof(*layouts))

static uint32_t pages_of(uint32_t len)
{
    return (len + PAGE - 1) / PAGE;
}

static uint32_t rw_of(jam_sizes_t sizes)
{
    return 2 * ZONE + (sizes.ro_len + ZONE - 1) / ZONE * ZONE;
}

/* What a program of these sizes starts with. */
static pvm_access_t access_of(jam_sizes_t sizes, uint32_t page)
{
    const uint32_t rw = rw_of(sizes) / PAGE;
    const uint32_t stack = STACK_TOP / PAGE - pages_of(sizes.stack_len);

    if (page >= RO / PAGE && page < RO / PAGE + pages_of(sizes.ro_len)) {
        return PVM_ACCESS_READ;
    }
    return (page >= rw && page < rw + pages_of(sizes.rw_len) + sizes.heap_pages) ||
                   (page >= stack && page < STACK_TOP / PAGE)
               ? PVM_ACCESS_WRITE
               : PVM_ACCESS_NONE;
}

static uint8_t octet_of(jam_sizes_t sizes, uint32_t address)
{
    const uint32_t rw = rw_of(sizes);

    if (address >= RO && address < RO + sizes.ro_len) {
        return 0xa0;
    }
    return address >= rw && address < rw + sizes.rw_len ? 0xb0 : 0;
}

/* @return false: the page is not as a program of these sizes starts */
static bool is_page_fresh(pvm_vm_t *vm, jam_sizes_t sizes, uint32_t page)
{
    uint8_t octets[4096];
    const pvm_access_t access = access_of(sizes, page);

    if (pvm_get_access(vm, page * PAGE) != access) {
        return false;
    }
    if (access != PVM_ACCESS_NONE && pvm_read_memory(vm, page * PAGE, octets, PAGE) != 0) {
        return false;
    }
    for (uint32_t i = 0; access != PVM_ACCESS_NONE && i < PAGE; i++) {
        if (octets[i] != octet_of(sizes, page * PAGE + i)) {
            return false;
        }
    }
    return true;
}

static void assert_fresh(pvm_vm_t *vm, jam_sizes_t sizes)
{
    for (uint32_t page = 0; page < UINT32_C(1) << 20; page++) {
        if (!is_page_fresh(vm, sizes, page)) {
            fail_msg("page 0x%05x is not as a program of %u, %u, %u, %u starts", page, sizes.ro_len,
                     sizes.rw_len, sizes.heap_pages, sizes.stack_len);
        }
    }
}

/* A guest may touch a page exactly as the host is told. */
static void assert_touched_as_told(pvm_vm_t *vm, uint32_t page)
{
    const pvm_access_t access = pvm_get_access(vm, page * PAGE);

    pvm_set_register(vm, 1, page * PAGE + 1);
    pvm_set_register(vm, 3, 0);
    pvm_set_gas(vm, GAS);
    const pvm_result_t result = pvm_execute(vm, 0);
    const uint32_t pc = pvm_get_pc(vm);
    assert_int_equal(result, access == PVM_ACCESS_WRITE ? PVM_RESULT_PANIC : PVM_RESULT_FAULT);
    assert_int_equal(pc == 0, access == PVM_ACCESS_NONE);
}

/* Around each border that any of the layouts has. */
static void assert_borders(pvm_vm_t *vm)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        const uint32_t rw = rw_of(layouts[i]) / PAGE;
        const uint32_t borders[] = {RO / PAGE,
                                    RO / PAGE + pages_of(layouts[i].ro_len),
                                    rw,
                                    rw + pages_of(layouts[i].rw_len),
                                    STACK_TOP / PAGE,
                                    STACK_TOP / PAGE - pages_of(layouts[i].stack_len),
                                    HOLE / PAGE,
                                    rw + pages_of(layouts[i].rw_len) + layouts[i].heap_pages};
        for (size_t k = 0; k < sizeof(borders) / sizeof(*borders); k++) {
            if (borders[k] > RO / PAGE) {
                assert_touched_as_told(vm, borders[k] - 1);
            }
            assert_touched_as_told(vm, borders[k]);
        }
    }
}

/* Octets in every page, another access here and there, pages and arguments that the program does not have. */
static void soil(pvm_vm_t *vm, jam_sizes_t sizes)
{
    static const uint8_t dirt[4096] = {[0] = 0xdd, [1] = 0xdd, [4095] = 0xdd};
    const uint32_t rw = rw_of(sizes);
    const uint32_t rw_pages = pages_of(sizes.rw_len) + sizes.heap_pages;

    assert_int_equal(pvm_set_arguments(vm, dirt, sizeof(dirt)), 0);
    for (uint32_t page = 0x10; page < UINT32_C(1) << 20; page++) {
        if (pvm_get_access(vm, page * PAGE) != PVM_ACCESS_NONE) {
            assert_int_equal(pvm_poke_memory(vm, page * PAGE, dirt, PAGE), 0);
        }
    }
    assert_int_equal(pvm_map_memory(vm, HOLE, 40 * PAGE, PVM_ACCESS_WRITE), 0);
    assert_int_equal(pvm_write_memory(vm, HOLE, dirt, PAGE), 0);
    assert_int_equal(pvm_write_memory(vm, HOLE + 39 * PAGE, dirt, PAGE), 0);
    if (rw_pages > 2) {
        assert_int_equal(pvm_map_memory(vm, rw, PAGE, PVM_ACCESS_READ), 0);
        assert_int_equal(pvm_map_memory(vm, rw + PAGE, PAGE, PVM_ACCESS_NONE), 0);
    }
}

/* What the one before soiled and this one does not have is zero once it is mapped. */
static void assert_clean_below(pvm_vm_t *vm, jam_sizes_t before)
{
    static const uint8_t zeros[4096];
    uint8_t octets[4096];
    const uint32_t places[] = {RO,   rw_of(before),    STACK_TOP - PAGE,
                               HOLE, HOLE + 39 * PAGE, UINT32_C(0xfeff0000)};

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (pvm_get_access(vm, places[i]) == PVM_ACCESS_NONE) {
            assert_int_equal(pvm_map_memory(vm, places[i], PAGE, PVM_ACCESS_READ), 0);
            assert_int_equal(pvm_read_memory(vm, places[i], octets, PAGE), 0);
            assert_memory_equal(octets, zeros, PAGE);
        }
    }
}

static void a_memory_of_another_program_shows_nothing_of_it(const lab_t *lab)
{
    pvm_buffer_t blobs[LAYOUTS] = {0};

    for (size_t i = 0; i < LAYOUTS; i++) {
        lab_jam_blob(lab, layouts[i], text, &blobs[i]);
    }
    for (size_t i = 0; i < LAYOUTS * LAYOUTS; i++) {
        /* Each after each: the second one of a pair finds the memory of the first one. */
        const size_t pair[] = {i / LAYOUTS, i % LAYOUTS};
        (void)pvm_memory_spare_drain();
        for (size_t k = 0; k < 2; k++) {
            const pvm_buffer_t *const blob = &blobs[pair[k]];
            pvm_program_t *const program =
                pvm_program_load(blob->data, blob->len, PVM_FORMAT_JAM, lab->spec);
            pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 1, GAS);
            assert_non_null(vm);
            if (k == 0) {
                soil(vm, layouts[pair[0]]);
            } else {
                assert_fresh(vm, layouts[pair[1]]);
                assert_borders(vm);
                assert_clean_below(vm, layouts[pair[0]]);
            }
            pvm_destroy(vm);
            pvm_program_release(program);
        }
    }
    for (size_t i = 0; i < LAYOUTS; i++) {
        pvm_buffer_free(&blobs[i]);
    }
}

/* The same sizes, and other octets: all, the last one, behind the last one. */
static void read_only_data_is_that_of_the_program(const lab_t *lab)
{
    static const jam_sizes_t sizes[] = {{5000, 0, 0, 0}, {4999, 0, 0, 0}, {5000, 0, 0, 0}};
    uint8_t octets[5001];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            pvm_buffer_t blob = {0};
            lab_jam_blob(lab, sizes[i], text, &blob);
            uint8_t *const data = memchr(blob.data, 0xa0, blob.len);
            assert_non_null(data);
            data[sizes[i].ro_len - 1] = (uint8_t)(i + 1);
            pvm_program_t *const program =
                pvm_program_load(blob.data, blob.len, PVM_FORMAT_JAM, lab->spec);
            pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 1, GAS);
            assert_non_null(vm);
            assert_int_equal(pvm_read_memory(vm, RO, octets, sizeof(octets)), 0);
            assert_memory_equal(octets, data, sizes[i].ro_len);
            assert_int_equal(octets[sizes[i].ro_len], 0);
            assert_touched_as_told(vm, RO / PAGE);
            if (round > 0) {
                assert_int_equal(pvm_poke_memory(vm, RO + (uint32_t)round * 2500, "\xdd", 1), 0);
            }
            pvm_destroy(vm);
            pvm_program_release(program);
            pvm_buffer_free(&blob);
        }
    }
}

static bool is_guarded(const lab_t *lab)
{
    return lab->backend == PVM_BACKEND_RECOMPILER && pvm_recompiler_wants_guard();
}

static void so_many_wait_and_not_more(const lab_t *lab)
{
    const size_t many = PVM_SPARE_MEMORIES_MAX + 3;
    pvm_vm_t *vms[PVM_SPARE_MEMORIES_MAX + 3];
    size_t waiting = 0;

    (void)pvm_memory_spare_drain();
    machine_t machines[2] = {lab_jam_machine(lab, layouts[0], text, GAS),
                             lab_jam_machine(lab, layouts[4], text, GAS)};
    for (size_t i = 0; i < many; i++) {
        vms[i] = lab_another(lab, &machines[i % 2], GAS);
    }
    assert_null(pvm_memory_spare_take(is_guarded(lab)));
    for (size_t i = 0; i < many; i++) {
        pvm_destroy(vms[i]);
    }
    assert_null(pvm_memory_spare_take(is_guarded(lab)));
    lab_free(&machines[0]);
    lab_free(&machines[1]);
    assert_null(pvm_memory_spare_take(!is_guarded(lab)));
    for (pvm_memory_t *memory; (memory = pvm_memory_spare_take(is_guarded(lab))) != NULL;) {
        pvm_memory_destroy(memory);
        waiting++;
    }
    assert_int_equal(waiting, PVM_SPARE_MEMORIES_MAX);
}

/* Pages that were mapped for a while stay with the memory, and so does what they take. */
static void a_memory_that_had_many_other_pages_does_not_wait(const lab_t *lab)
{
    for (int too_many = 0; too_many < 2; too_many++) {
        (void)pvm_memory_spare_drain();
        machine_t machine = lab_jam_machine(lab, layouts[0], text, GAS);
        for (uint32_t i = 0; i < PVM_SPARE_UNMAPPED_MAX / 32 + (uint32_t)too_many; i++) {
            const uint32_t address = HOLE + i * 64 * PAGE;
            assert_int_equal(pvm_map_memory(machine.vm, address, 32 * PAGE, PVM_ACCESS_WRITE), 0);
        }
        lab_free(&machine);
        assert_int_equal(pvm_memory_spare_drain(), !too_many);
    }
}

/* -- Guarded and checked, threads, forks --- */

static void memories_with_and_without_protection_are_kept_apart(const lab_t *lab)
{
    const char *const asked = getenv("PVM_MEMORY");
    char *const before = asked == NULL ? NULL : strdup(asked);

    for (size_t i = 0; i < 12; i++) {
        const jam_sizes_t sizes = layouts[i * 5 % LAYOUTS];
        if (i % 3 == 0) {
            (void)unsetenv("PVM_MEMORY");
        } else {
            (void)setenv("PVM_MEMORY", "checked", 1);
        }
        machine_t machine = lab_jam_machine(lab, sizes, text, GAS);
        assert_fresh(machine.vm, sizes);
        soil(machine.vm, sizes);
        assert_borders(machine.vm);
        lab_free(&machine);
    }
    if (before != NULL) {
        (void)setenv("PVM_MEMORY", before, 1);
    } else {
        (void)unsetenv("PVM_MEMORY");
    }
    free(before);
}

#define THREADS 4
#define ROUNDS  60

typedef struct {
    const lab_t *lab;
    const pvm_buffer_t *blobs; /**< of the layouts */
    atomic_bool *is_over;
    size_t first;
    atomic_int *mistakes;
} worker_t;

/* A machine of a program of its own; its start is checked, everything in it soiled. */
static bool live_once(const worker_t *worker, size_t layout)
{
    static const uint8_t dirt[4096] = {[0] = 0xdd, [4095] = 0xdd};
    const pvm_buffer_t *const blob = &worker->blobs[layout];
    pvm_program_t *const program =
        pvm_program_load(blob->data, blob->len, PVM_FORMAT_JAM, worker->lab->spec);
    pvm_vm_t *const vm = pvm_instantiate(program, worker->lab->backend, 1, GAS);
    bool ok = vm != NULL;

    for (uint32_t page = 0; ok && page < 0x200; page++) {
        ok = is_page_fresh(vm, layouts[layout], page);
        ok = ok && (pvm_get_access(vm, page * PAGE) == PVM_ACCESS_NONE ||
                    pvm_poke_memory(vm, page * PAGE, dirt, PAGE) == 0);
    }
    if (ok) {
        pvm_set_register(vm, 1, 0x30000000);
        ok = pvm_execute(vm, 0) == PVM_RESULT_FAULT;
    }
    pvm_destroy(vm);
    pvm_program_release(program);
    return ok;
}

static void *work(void *user_data)
{
    const worker_t *const worker = user_data;

    for (size_t round = 0; round < ROUNDS || !atomic_load(worker->is_over); round++) {
        if (!live_once(worker, (worker->first + round) % LAYOUTS)) {
            atomic_fetch_add(worker->mistakes, 1);
        }
    }
    return NULL;
}

static void threads_and_forked_children_get_memories_of_their_own(const lab_t *lab)
{
    pvm_buffer_t blobs[LAYOUTS] = {0};
    pthread_t threads[THREADS];
    worker_t workers[THREADS];
    atomic_int mistakes = 0;
    atomic_bool is_over = false;

    for (size_t i = 0; i < LAYOUTS; i++) {
        lab_jam_blob(lab, layouts[i], text, &blobs[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){lab, blobs, &is_over, i * 2, &mistakes};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    /* Forks come while the threads give and take. */
    for (size_t i = 0; i < 10 && !IS_SANITIZED; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(200);
            _exit(live_once(&workers[0], i) && live_once(&workers[0], (i + 3) % LAYOUTS) ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(mistakes, 0);
    for (size_t i = 0; i < LAYOUTS; i++) {
        pvm_buffer_free(&blobs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST_ONCE(a_memory_of_another_program_shows_nothing_of_it),
        LAB_TEST_ONCE(read_only_data_is_that_of_the_program),
        LAB_TEST_ONCE(so_many_wait_and_not_more),
        LAB_TEST_ONCE(a_memory_that_had_many_other_pages_does_not_wait),
        LAB_TEST_ONCE(memories_with_and_without_protection_are_kept_apart),
        LAB_TEST_ONCE(threads_and_forked_children_get_memories_of_their_own),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
