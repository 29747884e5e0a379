/* What perf is told of a program: which function stands where in its emitted code. The formats are in perf_map.c and
 * jitdump.c. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "program/debug_info.h"
#include "recompiler/perf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES_MAX 200

int pvm_perf_open(const char *path, bool truncate)
{
    const int file =
        open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat status;

    if (file < 0) {
        return -1;
    }
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1 ||
        status.st_uid != geteuid() || (truncate && ftruncate(file, 0) != 0)) {
        (void)close(file);
        return -1;
    }
    return file;
}

/* Host offset where code for pc and what follows begins, with what is paid for it. */
static uint32_t host_at(const pvm_recompiler_code_t *code, uint32_t pc)
{
    const pvm_stretch_t *const stretch = pvm_recompiler_stretch_at(code, pc);

    if (stretch == NULL) {
        return 0;
    }
    if (stretch == code->stretches || stretch->pc != pc) {
        return stretch->host;
    }
    uint32_t end = stretch[-1].host;
    for (uint32_t i = stretch[-1].lengths; i < stretch->lengths; i++) {
        end += code->lengths[i];
    }
    return end;
}

static void tell(pvm_perf_sink_t *sink, const pvm_recompiler_code_t *code, uint32_t begin,
                 uint32_t end, const char *name)
{
    if (end > begin && end <= code->region.bytes) {
        sink->tell(sink, code->region.base + begin, code->region.base + end, name);
    }
}

/* Names come from a file: nothing but printable characters reaches perf. */
static void name_of(const pvm_debug_range_t *range, char *out)
{
    const pvm_debug_text_t name = range->function.name;
    const int len = name.len < NAME_BYTES_MAX ? (int)name.len : NAME_BYTES_MAX;

    if (len == 0) {
        (void)snprintf(out, NAME_BYTES_MAX + 8, "pvm:@%u", range->begin);
        return;
    }
    (void)snprintf(out, NAME_BYTES_MAX + 8, "pvm:%.*s", len, (const char *)name.data);
    for (char *at = out; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            *at = '_';
        }
    }
}

static void tell_functions(pvm_perf_sink_t *sink, const pvm_program_t *program,
                           const pvm_recompiler_code_t *code)
{
    char name[NAME_BYTES_MAX + 8];
    pvm_debug_range_t range;

    for (size_t i = 0; pvm_debug_info_range(program->debug_info, i, &range) == 0; i++) {
        name_of(&range, name);
        tell(sink, code, host_at(code, range.begin), host_at(code, range.end), name);
    }
}

static void tell_blocks(pvm_perf_sink_t *sink, const pvm_program_t *program,
                        const pvm_recompiler_code_t *code)
{
    char name[32];

    for (uint32_t i = 0; i < program->block_count; i++) {
        const uint32_t pc = program->blocks[i].pc;
        const uint32_t end = i + 1 < program->block_count ? host_at(code, program->blocks[i + 1].pc)
                                                          : code->code_len;
        (void)snprintf(name, sizeof(name), "pvm:@%u", pc);
        tell(sink, code, host_at(code, pc), end, name);
    }
}

static void tell_all(pvm_perf_sink_t *sink, const pvm_program_t *program,
                     const pvm_recompiler_code_t *code)
{
    if (code->stretch_count > 0) {
        tell(sink, code, 0, host_at(code, code->stretches[0].pc), "pvm:[enter_leave]");
    }
    if (pvm_debug_info_range_count(program->debug_info) > 0) {
        tell_functions(sink, program, code);
    } else {
        tell_blocks(sink, program, code);
    }
    tell(sink, code, code->stubs_at, code->stubs_at + pvm_recompiler_stub_bytes(code),
         "pvm:[stubs]");
}

void pvm_perf_publish(const pvm_program_t *program, const pvm_recompiler_code_t *code)
{
    const char *const wanted = getenv("PVM_PERF");
    pvm_perf_sink_t sink = {.descriptor = -1};

    if (wanted == NULL) {
        return;
    }
    if (strcmp(wanted, "map") == 0 && pvm_perf_map_begin(&sink)) {
        tell_all(&sink, program, code);
        pvm_perf_map_end(&sink);
    } else if (strcmp(wanted, "jitdump") == 0 && pvm_jitdump_begin(&sink)) {
        tell_all(&sink, program, code);
        pvm_jitdump_end(&sink);
    }
}
#endif
