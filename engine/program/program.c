/* Making, counting and questioning programs. Reading files is done in the readers, blocks in blocks.c. */
#include "program/program.h"

#include "interpreter/interpreter.h"
#include "program/blocks.h"
#include "program/debug_info.h"
#include "program/frames.h"
#include "program/host_calls.h"
#include "program/prices.h"
#include "recompiler/recompiler.h"
#include "support/error.h"
#include "support/fork_gate.h"
#include "support/large.h"
#include "vm/call_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pvm_program_t *pvm_program_new(pvm_spec_t spec, pvm_format_t format)
{
    pvm_program_t *const program = calloc(1, sizeof(*program));

    if (program == NULL) {
        pvm_error_set("no memory for a program");
        return NULL;
    }
    atomic_init(&program->references, 1);
    program->spec = spec;
    program->format = format;
    pvm_memory_pool_init(&program->memory_pool);
    (void)pthread_mutex_init(&program->cache_lock, NULL);
    return program;
}

void pvm_program_lock_cache(pvm_program_t *program)
{
    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&program->cache_lock);
}

void pvm_program_unlock_cache(pvm_program_t *program)
{
    (void)pthread_mutex_unlock(&program->cache_lock);
    pvm_fork_gate_leave();
}

int pvm_program_invalidate(pvm_program_t *program, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    const int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        return pvm_error_set("no memory for a program");
    }
    free(program->error);
    program->error = text;
    return 0;
}

void pvm_program_acquire(pvm_program_t *program)
{
    if (program == NULL) {
        pvm_error_set("pvm_program_acquire: no program");
        return;
    }
    atomic_fetch_add_explicit(&program->references, 1, memory_order_relaxed);
}

static void free_program(pvm_program_t *program)
{
    pvm_published_remove_program(program);
    for (int i = 0; i < PVM_INTERPRETER_VARIANTS; i++) {
        pvm_interpreter_code_destroy(program->interpreter_code[i]);
    }
    for (int i = 0; i < PVM_RECOMPILER_VARIANTS; i++) {
        pvm_recompiler_code_destroy(program->recompiler_code[i]);
    }
    pvm_call_map_destroy(program->call_map);
    pvm_flow_destroy(program->flow);
    pvm_memory_pool_destroy(&program->memory_pool);
    pvm_frames_destroy(program->frames);
    (void)pthread_mutex_destroy(&program->cache_lock);
    if (program->symbols != NULL) {
        pvm_program_release(program->symbols);
    } else {
        pvm_debug_info_destroy(program->debug_info);
    }
    for (size_t i = 0; i < program->export_count; i++) {
        free(program->exports[i].name);
    }
    for (size_t i = 0; i < program->import_count; i++) {
        free(program->imports[i]);
    }
    free(program->exports);
    free(program->imports);
    pvm_large_give((void *)(uintptr_t)program->code.octets);
    free((void *)(uintptr_t)program->code.mask);
    free(program->jump_table);
    pvm_program_forget_blocks(program);
    pvm_large_give(program->blob);
    free(program->error);
    free(program);
}

void pvm_program_release(pvm_program_t *program)
{
    if (program != NULL &&
        atomic_fetch_sub_explicit(&program->references, 1, memory_order_acq_rel) == 1) {
        free_program(program);
    }
}

/* Whether there is a program to question; if not, say who asked. */
static bool is_given(const pvm_program_t *program, const char *caller)
{
    if (program == NULL) {
        pvm_error_set("%s: no program", caller);
    }
    return program != NULL;
}

pvm_spec_t pvm_program_spec(const pvm_program_t *program)
{
    return is_given(program, "pvm_program_spec") ? program->spec : PVM_SPEC_DEFAULT;
}

pvm_format_t pvm_program_format(const pvm_program_t *program)
{
    return is_given(program, "pvm_program_format") ? program->format : PVM_FORMAT_AUTO;
}

const char *pvm_program_error(const pvm_program_t *program)
{
    return is_given(program, "pvm_program_error") ? program->error : "no program";
}

size_t pvm_program_export_count(const pvm_program_t *program)
{
    return is_given(program, "pvm_program_export_count") ? program->export_count : 0;
}

const char *pvm_program_export(const pvm_program_t *program, size_t index, uint32_t *out_pc)
{
    if (program == NULL || index >= program->export_count) {
        pvm_error_set("pvm_program_export: no program, or no export %zu", index);
        return NULL;
    }
    if (out_pc != NULL) {
        *out_pc = program->exports[index].pc;
    }
    return program->exports[index].name;
}

const char *pvm_program_import(const pvm_program_t *program, size_t index)
{
    if (program == NULL || index >= program->import_count) {
        pvm_error_set("pvm_program_import: no program, or no import %zu", index);
        return NULL;
    }
    return program->imports[index];
}

int pvm_program_find_entry(const pvm_program_t *program, const char *name, uint32_t *out_pc)
{
    static const struct {
        const char *name;
        uint32_t pc;
    } jam_entries[] = {{"refine", 0}, {"is_authorized", 0}, {"accumulate", 5}};

    if (program == NULL || name == NULL || out_pc == NULL) {
        return pvm_error_set("pvm_program_find_entry: an argument is NULL");
    }
    for (size_t i = 0; i < program->export_count; i++) {
        if (strcmp(program->exports[i].name, name) == 0) {
            *out_pc = program->exports[i].pc;
            return 0;
        }
    }
    for (size_t i = 0;
         program->format == PVM_FORMAT_JAM && i < sizeof(jam_entries) / sizeof(*jam_entries); i++) {
        if (strcmp(jam_entries[i].name, name) == 0) {
            *out_pc = jam_entries[i].pc;
            return 0;
        }
    }
    return pvm_error_set("the program has no entry of that name");
}

const char *pvm_host_call_name(const pvm_program_t *program, int func_id)
{
    if (!is_given(program, "pvm_host_call_name")) {
        return NULL;
    }
    const char *const symbol =
        func_id < 0 || (size_t)func_id >= program->import_count ? NULL : program->imports[func_id];
    if (symbol != NULL && symbol[0] != '\0') {
        return symbol;
    }
    return pvm_host_call_jam_name(program->spec, func_id);
}

uint32_t pvm_program_block_count(const pvm_program_t *program)
{
    return is_given(program, "pvm_program_block_count") ? program->block_count : 0;
}

const pvm_block_t *pvm_program_blocks(const pvm_program_t *program)
{
    if (!is_given(program, "pvm_program_blocks")) {
        return NULL;
    }
    pvm_program_price_all(program);
    return program->blocks;
}

uint32_t pvm_program_block_at(const pvm_program_t *program, uint32_t pc)
{
    if (!is_given(program, "pvm_program_block_at")) {
        return 0;
    }
    if (program->block_count == 0 || (pc >= program->code.len && program->has_block_gas)) {
        return program->block_count;
    }
    uint32_t low = 0;
    uint32_t high = program->block_count;
    /* Invariant: blocks[low].pc <= pc, and pc lies before blocks[high]. Block 0 starts at 0. */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (program->blocks[middle].pc <= pc) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}
