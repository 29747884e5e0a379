/* Writing /tmp/perf-PID.map: a line "address size name" for each function, in hexadecimal. */
#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include "program/debug_info.h"
#include "recompiler/perf_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES_MAX 200

/* Host offset where code for pc and what follows begins. */
static uint32_t host_at(const pvm_recompiler_code_t *code, uint32_t pc)
{
    const pvm_stretch_t *const stretch = pvm_recompiler_stretch_at(code, pc);

    return stretch == NULL ? 0 : stretch->host;
}

static void write_line(FILE *file, const pvm_recompiler_code_t *code, uint32_t begin, uint32_t end,
                       const char *name)
{
    if (end > begin) {
        (void)fprintf(file, "%llx %x %s\n",
                      (unsigned long long)(uintptr_t)(code->region.base + begin), end - begin,
                      name);
    }
}

/* Names come from a file: nothing but printable characters reaches the map. */
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

static void write_functions(FILE *file, const pvm_program_t *program,
                            const pvm_recompiler_code_t *code)
{
    char name[NAME_BYTES_MAX + 8];
    pvm_debug_range_t range;

    for (size_t i = 0; pvm_debug_info_range(program->debug_info, i, &range) == 0; i++) {
        name_of(&range, name);
        write_line(file, code, host_at(code, range.begin), host_at(code, range.end), name);
    }
}

static void write_blocks(FILE *file, const pvm_program_t *program,
                         const pvm_recompiler_code_t *code)
{
    char name[32];

    for (uint32_t i = 0; i < program->block_count; i++) {
        const uint32_t pc = program->blocks[i].pc;
        const uint32_t next =
            i + 1 < program->block_count ? program->blocks[i + 1].pc : program->code.len;
        (void)snprintf(name, sizeof(name), "pvm:@%u", pc);
        write_line(file, code, host_at(code, pc), host_at(code, next), name);
    }
}

void pvm_perf_map_publish(const pvm_program_t *program, const pvm_recompiler_code_t *code)
{
    const char *const wanted = getenv("PVM_PERF");
    char path[64];

    if (wanted == NULL || strcmp(wanted, "map") != 0) {
        return;
    }
    (void)snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
    FILE *const file = fopen(path, "ae");
    if (file == NULL) {
        return;
    }
    if (pvm_debug_info_range_count(program->debug_info) > 0) {
        write_functions(file, program, code);
    } else {
        write_blocks(file, program, code);
    }
    (void)fclose(file);
}
#endif
