/* A process that nobody has prepared: it makes host calls at a rate, and at the end says how many.
 *
 *   target SECONDS RATE EXECUTE THREADS [LIBRARY...]
 *     RATE      host calls a second in each thread; 0: as fast as it can
 *     EXECUTE   host calls of one execution; 0: all in one
 *     LIBRARY   copies of libpvm to use, each in a thread of its own, opened with dlopen(); - or none: the linked one
 *
 *   target again SECONDS ARGUMENTS...
 *     target ARGUMENTS..., and then, in the same process, once more (exec()) for SECONDS, without a line of its input
 *
 *   target again-by-thread SECONDS ARGUMENTS...
 *     The same, begun by another thread than the first one
 *
 *   target nested
 *     Three machines inside of each other: the host call of each runs the next, the innermost makes ten slow ones; the last
 *     host call of the outermost does not return.
 *
 * Prints "ready" and waits for a line, or the end, of its input; when it is done it prints "THREAD CALLS" for each. */
#include <dlfcn.h>
#include <pthread.h>
#include <pvm/pvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16

/* 0: ecalli 3; r7 += 1; jump 0 */
static const uint8_t code[] = {10, 3, 149, 0x77, 1, 40, 0xfb};
static const uint8_t mask[] = {0x25};

typedef struct {
    __typeof__(pvm_program_from_parts) *from_parts;
    __typeof__(pvm_instantiate) *instantiate;
    __typeof__(pvm_set_host_callback) *set_host_callback;
    __typeof__(pvm_execute) *execute;
    __typeof__(pvm_destroy) *destroy;
    __typeof__(pvm_program_release) *release;
} library_t;

static library_t linked = {
    pvm_program_from_parts, pvm_instantiate, pvm_set_host_callback, pvm_execute, pvm_destroy,
    pvm_program_release};

typedef struct {
    const library_t *library;
    uint32_t service;
    double seconds;
    uint64_t rate;
    uint64_t each;
    uint64_t calls;
    uint64_t in_this;
    struct timespec began;
    bool is_over;
} worker_t;

static double since(const struct timespec *began)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) * 1e-9;
}

static pvm_host_result_t answer(pvm_vm_t *vm, int func_id, void *user_data)
{
    worker_t *const worker = user_data;

    (void)vm, (void)func_id;
    worker->calls++;
    worker->in_this++;
    if (worker->calls % 64 == 0 || worker->rate != 0) {
        const double ran =
            worker->calls % 16 == 0 || worker->rate < 1000 ? since(&worker->began) : 0;
        worker->is_over = ran >= worker->seconds;
        if (worker->rate != 0 && ran > 0 && (double)worker->calls > ran * (double)worker->rate) {
            const struct timespec pause = {.tv_nsec = 500000};
            (void)nanosleep(&pause, NULL);
        }
    }
    return worker->is_over || worker->in_this == worker->each ? PVM_HOST_TERMINATE
                                                              : PVM_HOST_CONTINUE;
}

static void *work(void *user_data)
{
    worker_t *const worker = user_data;
    const library_t *const library = worker->library;
    pvm_program_t *const program =
        library->from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_0_7_2);

    (void)clock_gettime(CLOCK_MONOTONIC, &worker->began);
    while (!worker->is_over && program != NULL) {
        pvm_vm_t *const vm =
            library->instantiate(program, PVM_BACKEND_DEFAULT, worker->service, INT64_MAX);
        if (vm == NULL) {
            break;
        }
        worker->in_this = 0;
        library->set_host_callback(vm, answer, worker);
        (void)library->execute(vm, 0);
        library->destroy(vm);
    }
    library->release(program);
    return NULL;
}

static const library_t *open_library(const char *path)
{
    static library_t libraries[THREADS_MAX];
    static size_t count;
    library_t *const library = &libraries[count++ % THREADS_MAX];
    void *const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    *(void **)&library->from_parts = dlsym(handle, "pvm_program_from_parts");
    *(void **)&library->instantiate = dlsym(handle, "pvm_instantiate");
    *(void **)&library->set_host_callback = dlsym(handle, "pvm_set_host_callback");
    *(void **)&library->execute = dlsym(handle, "pvm_execute");
    *(void **)&library->destroy = dlsym(handle, "pvm_destroy");
    *(void **)&library->release = dlsym(handle, "pvm_program_release");
    return library;
}

/* -- Inside of each other ------------------------------------------------------------------ */

#define DEPTH 3

typedef struct {
    pvm_program_t *program;
    pvm_vm_t *vm;
    int depth;
    int calls;
} inner_t;

static void run_at(pvm_program_t *program, pvm_vm_t *parent, int depth);

static pvm_host_result_t answer_nested(pvm_vm_t *vm, int func_id, void *user_data)
{
    inner_t *const inner = user_data;
    const struct timespec pause = {.tv_nsec = 60000000};

    (void)func_id;
    inner->calls++;
    if (inner->depth < DEPTH && inner->calls == 1) {
        run_at(inner->program, vm, inner->depth + 1);
    } else if (inner->depth == 1) {
        (void)printf("waiting\n");
        (void)fflush(stdout);
        for (;;) {
            (void)nanosleep(&pause, NULL);
        }
    } else {
        (void)nanosleep(&pause, NULL);
    }
    return inner->depth == DEPTH && inner->calls == 10 ? PVM_HOST_TERMINATE
           : inner->depth == 2                         ? PVM_HOST_TERMINATE
                                                       : PVM_HOST_CONTINUE;
}

static void run_at(pvm_program_t *program, pvm_vm_t *parent, int depth)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, (uint32_t)depth, INT64_MAX);
    inner_t inner = {.program = program, .vm = vm, .depth = depth};

    (void)pvm_set_parent(vm, parent);
    pvm_set_host_callback(vm, answer_nested, &inner);
    (void)pvm_execute(vm, 0);
    pvm_destroy(vm);
}

/* -- Another program ----------------------------------------------------------------------- */

static void *begin_again(void *argv)
{
    (void)execv("/proc/self/exe", argv);
    return NULL;
}

int main(int argc, char **argv)
{
    worker_t workers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    const bool is_by_thread = argc > 2 && strcmp(argv[1], "again-by-thread") == 0;
    const bool is_again = is_by_thread || (argc > 2 && strcmp(argv[1], "again") == 0);
    char *const self = argv[0];
    char *const seconds_again = is_again ? argv[2] : NULL;

    if (is_again) {
        argc -= 2;
        argv += 2;
    }

    if (argc == 2 && strcmp(argv[1], "nested") == 0) {
        pvm_program_t *const program =
            pvm_program_from_parts(code, sizeof(code), mask, sizeof(mask), NULL, 0, PVM_SPEC_0_7_2);
        (void)printf("ready\n");
        (void)fflush(stdout);
        (void)getchar();
        run_at(program, NULL, 1);
        return 0;
    }
    if (argc < 5) {
        return 2;
    }
    const int libraries = argc - 5;
    const int count = libraries > 0 ? libraries : atoi(argv[4]);
    for (int i = 0; i < count && i < THREADS_MAX; i++) {
        workers[i] = (worker_t){.library = libraries > 0 && strcmp(argv[5 + i], "-") != 0
                                               ? open_library(argv[5 + i])
                                               : &linked,
                                .service = (uint32_t)(i + 1),
                                .seconds = atof(argv[1]),
                                .rate = strtoull(argv[2], NULL, 10),
                                .each = strtoull(argv[3], NULL, 10)};
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    (void)getchar();
    for (int i = 0; i < count && i < THREADS_MAX; i++) {
        (void)pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < count && i < THREADS_MAX; i++) {
        (void)pthread_join(threads[i], NULL);
        (void)printf("%d %llu\n", i, (unsigned long long)workers[i].calls);
    }
    if (is_again) {
        (void)fflush(stdout);
        argv[0] = self;
        argv[1] = seconds_again;
        if (is_by_thread && pthread_create(&threads[0], NULL, begin_again, argv) == 0) {
            (void)pthread_join(threads[0], NULL);
        } else {
            (void)begin_again(argv);
        }
        return 1;
    }
    return 0;
}
