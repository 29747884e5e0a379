/* Fills the lines: figures, source places, and what the recompiler makes of them, compiled anew in this process. */
#include "viewer/annotate/annotate.h"
#include "viewer/host_code.h"

#include "isa/assemble.h"
#include "recompiler/recompiler.h"

#include <stdlib.h>
#include <string.h>

static pvm_annotate_line_t *add_line(pvm_annotate_t *annotate)
{
    if (annotate->line_count == annotate->line_room) {
        const size_t room = annotate->line_room == 0 ? 256 : 2 * annotate->line_room;
        pvm_annotate_line_t *const lines = realloc(annotate->lines, room * sizeof(*lines));

        if (lines == NULL) {
            return NULL;
        }
        annotate->lines = lines;
        annotate->line_room = room;
    }
    pvm_annotate_line_t *const line = &annotate->lines[annotate->line_count++];
    *line = (pvm_annotate_line_t){0};
    return line;
}

static void find_source(const pvm_annotate_t *annotate, pvm_debug_walk_t *walk,
                        pvm_debug_stack_t *stack, pvm_annotate_line_t *line)
{
    const pvm_debug_info_t *const info = annotate->code.program->debug_info;

    if (info == NULL || !pvm_debug_info_find(info, walk, line->pc, stack) || stack->depth == 0) {
        return;
    }
    line->path = stack->frames[0].path;
    line->source_line = stack->frames[0].line;
    line->function = stack->frames[0].function;
    line->is_inlined = stack->depth > 1;
}

/** What a walk over the lines needs. */
typedef struct {
    pvm_debug_walk_t walk;
    pvm_debug_stack_t stack;
    pvm_buffer_t text;
} filler_t;

static int fill_block(pvm_annotate_t *annotate, uint32_t index, filler_t *filler)
{
    pvm_prof_code_t *const code = &annotate->code;
    const pvm_block_t *const block = &code->program->blocks[index];
    const size_t executed = pvm_annotate_executed(annotate, index);
    const bool was_executed = executed < code->block_count;

    if (was_executed && pvm_prof_code_look(code, executed) != 0) {
        return -1;
    }
    uint32_t pc = block->pc;
    for (size_t i = 0; pc < block->end_pc && annotate->line_count < PVM_ANNOTATE_MAX_LINES; i++) {
        pvm_annotate_line_t *const line = add_line(annotate);

        if (line == NULL) {
            return -1;
        }
        line->block = index;
        line->pc = pc;
        line->was_executed = was_executed;
        if (was_executed && i < code->instruction_count) {
            line->executed = code->instructions[i].executed;
            line->gas = code->instructions[i].gas;
            line->host_gas = code->instructions[i].host_gas;
            line->samples = code->instructions[i].samples;
        }
        find_source(annotate, &filler->walk, &filler->stack, line);
        filler->text.len = 0;
        pc = pvm_isa_disassemble_line(&code->program->code, pc, &filler->text);
        pvm_buffer_append(&filler->text, "", 1);
        line->text = filler->text.failed ? NULL : strdup((const char *)filler->text.data);
        if (line->text == NULL) {
            return -1;
        }
    }
    return 0;
}

/* -- Host code ----------------------------------------------------------------------------- */

typedef struct {
    pvm_annotate_t *annotate;
    size_t line; /**< host code comes in order of pc */
    pvm_buffer_t text;
    bool failed;
} host_t;

static void end_line(host_t *host)
{
    if (host->text.len > 0 && host->line < host->annotate->line_count) {
        pvm_buffer_append(&host->text, "", 1);
        host->annotate->lines[host->line].host =
            host->text.failed ? NULL : strdup((const char *)host->text.data);
        host->failed = host->failed || host->annotate->lines[host->line].host == NULL;
    }
    host->text.len = 0;
}

static void take_host_line(void *user_data, uint32_t pc, uint64_t address, const char *text)
{
    host_t *const host = user_data;
    const pvm_annotate_line_t *const lines = host->annotate->lines;

    (void)address;
    if (host->line >= host->annotate->line_count || lines[host->line].pc != pc) {
        end_line(host);
        while (host->line < host->annotate->line_count && lines[host->line].pc < pc) {
            host->line++;
        }
    }
    if (host->line < host->annotate->line_count && lines[host->line].pc == pc) {
        pvm_buffer_printf(&host->text, "%s\n", text);
    }
}

static int fill_host(pvm_annotate_t *annotate)
{
    host_t host = {.annotate = annotate};
    pvm_vm_t *vm;

    if (annotate->line_count == 0) {
        return 0;
    }
    vm = pvm_instantiate(annotate->code.program, PVM_BACKEND_RECOMPILER, 0, 0);
    if (vm == NULL || !pvm_recompiler_prepare_all(vm)) {
        annotate->host_reason = "the recompiler is not available here";
        pvm_destroy(vm);
        return 0;
    }
    const pvm_block_t *const last =
        &annotate->code.program->blocks[annotate->lines[annotate->line_count - 1].block];
    annotate->host_reason =
        pvm_view_host_code(vm, annotate->lines[0].pc, last->end_pc, take_host_line, &host);
    end_line(&host);
    pvm_buffer_free(&host.text);
    pvm_destroy(vm);
    return host.failed ? -1 : 0;
}

pvm_view_status_t pvm_annotate_fill(pvm_annotate_t *annotate)
{
    filler_t *const filler = calloc(1, sizeof(*filler));
    int status = filler != NULL ? 0 : -1;

    for (size_t i = 0; i < annotate->block_count && status == 0; i++) {
        status = fill_block(annotate, annotate->blocks[i], filler);
    }
    if (filler != NULL) {
        pvm_buffer_free(&filler->text);
    }
    free(filler);
    if (status == 0 && annotate->shows_host) {
        status = fill_host(annotate);
    }
    return status == 0 ? PVM_VIEW_FINE : pvm_annotate_fail_memory(annotate);
}
