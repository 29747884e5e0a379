/* Writing jit-PID.dump: the format of perf's jitdump specification, version 1. `perf inject --jit` makes an ELF file
 * of each record, so that reports can annotate the code even after its memory has been used for other code.
 *
 * perf learns of the file because the process maps a page of it executable; the times are those of CLOCK_MONOTONIC
 * (`perf record -k mono`). The file belongs to the process as the code registry does, and so does the state here. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/perf.h"
#include "support/fork_gate.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAGIC      0x4a695444
#define VERSION    1
#define CODE_LOAD  0
#define PAGE_BYTES 4096

typedef struct {
    uint32_t magic;
    uint32_t version;
    uint32_t bytes;
    uint32_t machine;
    uint32_t padding;
    uint32_t pid;
    uint64_t time_ns;
    uint64_t flags;
} file_header_t;

typedef struct {
    uint32_t id;
    uint32_t bytes;
    uint64_t time_ns;
    uint32_t pid;
    uint32_t tid;
    uint64_t address;
    uint64_t code_address;
    uint64_t code_bytes;
    uint64_t number;
} load_record_t;

static_assert(sizeof(file_header_t) == 40 && sizeof(load_record_t) == 56, "as perf reads them");

/* The file of this process. After a fork the child, whose pid is another one, begins its own. */
static struct {
    pthread_mutex_t lock;
    pid_t pid; /**< whose file it is; 0: none yet */
    int file;
    uint64_t number;
} dump = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = -1};

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* All of it or, on a full disk, less: perf stops reading at a record that is cut off. */
static bool write_all(int file, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        const ssize_t done = write(file, at, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        at += done;
        len -= (size_t)done;
    }
    return true;
}

/* @return the file, or -1 */
static int begin_file(pid_t pid)
{
    const char *const folder = getenv("JITDUMPDIR");
    const file_header_t header = {.magic = MAGIC,
                                  .version = VERSION,
                                  .bytes = sizeof(header),
                                  .machine = EM_X86_64,
                                  .pid = (uint32_t)pid,
                                  .time_ns = now_ns()};
    char path[4096];

    const int len = snprintf(path, sizeof(path), "%s/jit-%ld.dump",
                             folder != NULL && folder[0] != '\0' ? folder : "/tmp", (long)pid);
    const int file = len > 0 && (size_t)len < sizeof(path) ? pvm_perf_open(path, true) : -1;
    if (file < 0) {
        return -1;
    }
    /* The mapping stays: it is how perf finds the file. */
    if (!write_all(file, &header, sizeof(header)) ||
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED) {
        (void)close(file);
        return -1;
    }
    return file;
}

static void tell(pvm_perf_sink_t *sink, const uint8_t *begin, const uint8_t *end, const char *name)
{
    const size_t name_bytes = strlen(name) + 1;
    const size_t code_bytes = (size_t)(end - begin);
    const load_record_t record = {
        .id = CODE_LOAD,
        .bytes = (uint32_t)(sizeof(record) + name_bytes + code_bytes),
        .time_ns = now_ns(),
        .pid = (uint32_t)dump.pid,
        .tid = (uint32_t)gettid(),
        .address = (uintptr_t)begin,
        .code_address = (uintptr_t)begin,
        .code_bytes = code_bytes,
        .number = ++*sink->number,
    };

    if (sink->descriptor >= 0 && (!write_all(sink->descriptor, &record, sizeof(record)) ||
                                  !write_all(sink->descriptor, name, name_bytes) ||
                                  !write_all(sink->descriptor, begin, code_bytes))) {
        sink->descriptor = -1;
    }
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&dump.lock);
    pvm_fork_gate_leave();
}

bool pvm_jitdump_begin(pvm_perf_sink_t *sink)
{
    const pid_t pid = getpid();

    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&dump.lock);
    if (dump.pid != pid) {
        if (dump.file >= 0) {
            (void)close(dump.file);
        }
        dump.pid = pid;
        dump.number = 0;
        dump.file = begin_file(pid);
    }
    if (dump.file < 0) {
        unlock();
        return false;
    }
    *sink = (pvm_perf_sink_t){.tell = tell, .descriptor = dump.file, .number = &dump.number};
    return true;
}

void pvm_jitdump_end(pvm_perf_sink_t *sink)
{
    if (sink->descriptor < 0) {
        /* What could not be written is missing; what follows it could not be read. */
        (void)close(dump.file);
        dump.file = -1;
    }
    unlock();
}
#endif
