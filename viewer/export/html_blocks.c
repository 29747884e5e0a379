/* Data of the HTML report: the hottest blocks, instruction by instruction, with executions, gas, the jumps that were taken
 * and the source lines that the program's debug information tells. */
#include "viewer/export/html.h"
#include "viewer/new_run.h"

#include "isa/assemble.h"
#include "profiler/code.h"
#include "profiler/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pvm_view_export_t *export;
    pvm_prof_run_file_t *file;
    pvm_prof_code_t code; /**< of the program that was opened last; id -1: none */
    pvm_debug_walk_t walk;
    pvm_debug_stack_t stack;
    pvm_buffer_t line;
} writer_t;

/** Where an instruction comes from: [file, line, function], or null. */
static void put_source(writer_t *writer, uint32_t pc)
{
    pvm_debug_stack_t *const stack = &writer->stack;
    char name[256];
    char path[1024];

    stack->depth = 0;
    if (writer->code.program->debug_info != NULL) {
        (void)pvm_debug_info_find(writer->code.program->debug_info, &writer->walk, pc, stack);
    }
    if (stack->depth == 0 || stack->frames[0].path.len == 0) {
        pvm_export_put(writer->export, "null");
        return;
    }
    const pvm_debug_frame_t *const frame = &stack->frames[0];
    if (pvm_debug_function_name(&frame->function, name, sizeof(name)) == 0) {
        name[0] = '\0';
    }
    (void)snprintf(path, sizeof(path), "%.*s", (int)frame->path.len, frame->path.data);
    pvm_export_put(writer->export, "[");
    pvm_export_json_text(writer->export, path);
    pvm_export_put(writer->export, ",%" PRIu32 ",", frame->line);
    pvm_export_json_text(writer->export, name);
    pvm_export_put(writer->export, "]");
}

/* [pc, text, source, executed, gas] of each instruction. */
static void put_code(writer_t *writer)
{
    const pvm_prof_code_t *const code = &writer->code;
    const size_t count = code->instruction_count;

    for (size_t i = 0; i < count && i < PVM_HTML_INSTRUCTIONS && !writer->line.failed; i++) {
        const pvm_prof_code_instruction_t *const in = &code->instructions[i];

        writer->line.len = 0;
        (void)pvm_isa_disassemble_line(&code->program->code, in->pc, &writer->line);
        pvm_buffer_append(&writer->line, "", 1);
        pvm_export_put(writer->export, "%s[%" PRIu32 ",", i > 0 ? "," : "", in->pc);
        pvm_export_json_text(writer->export,
                             writer->line.failed ? "" : (const char *)writer->line.data);
        pvm_export_put(writer->export, ",");
        put_source(writer, in->pc);
        pvm_export_put(writer->export, ",");
        pvm_html_int(writer->export, in->executed);
        pvm_export_put(writer->export, ",");
        pvm_html_int(writer->export, in->gas);
        pvm_export_put(writer->export, "]");
    }
}

/* Columns: program, pc, end_pc, function, instructions, cost, hits, gas. */
static int put_block(writer_t *writer, sqlite3_stmt *row, bool is_first)
{
    const int64_t program = sqlite3_column_int64(row, 0);
    const int64_t pc = sqlite3_column_int64(row, 1);
    const int64_t end = sqlite3_column_int64(row, 2);
    const unsigned char *const name = sqlite3_column_text(row, 3);
    static const char *const keys[] = {"instructions", "cost", "hits", "gas"};

    if (writer->code.id != program) {
        pvm_prof_code_close(&writer->code);
        if (pvm_prof_code_open(writer->file, program, &writer->code) != PVM_PROF_OK) {
            return SQLITE_NOMEM;
        }
    }
    /* Hot blocks come in any order, line programs go upwards. */
    writer->walk = (pvm_debug_walk_t){0};
    pvm_export_put(writer->export,
                   "%s{\"program\":%" PRId64 ",\"pc\":%" PRId64 ",\"end_pc\":%" PRId64
                   ",\"function\":",
                   is_first ? "" : ",\n", program, pc, end);
    pvm_export_json_text(writer->export, name != NULL ? (const char *)name : "?");
    for (int i = 0; i < 4; i++) {
        pvm_export_put(writer->export, ",\"%s\":", keys[i]);
        pvm_html_int(writer->export, sqlite3_column_int64(row, 4 + i));
    }
    const size_t index = writer->code.program != NULL && pc >= 0 && pc <= UINT32_MAX
                             ? pvm_prof_code_find(&writer->code, (uint32_t)pc)
                             : writer->code.block_count;
    pvm_export_put(writer->export, ",\"attributed\":%s,\"code\":[",
                   pvm_prof_code_is_attributed(&writer->code) ? "true" : "false");
    if (index < writer->code.block_count && writer->code.blocks[index].pc == pc) {
        if (pvm_prof_code_look(&writer->code, index) != 0) {
            return SQLITE_NOMEM;
        }
        put_code(writer);
    }
    pvm_export_put(writer->export, "]}");
    return writer->line.failed ? SQLITE_NOMEM : SQLITE_OK;
}

pvm_view_status_t pvm_html_blocks(pvm_view_export_t *export, pvm_prof_run_file_t *file)
{
    writer_t *const writer = calloc(1, sizeof(*writer));
    sqlite3_stmt *rows = NULL;
    bool is_first = true;

    if (writer == NULL) {
        return pvm_export_fail_memory(export);
    }
    *writer = (writer_t){.export = export, .file = file, .code = {.id = -1}};
    int code = sqlite3_prepare_v2(
        file->db,
        "SELECT b.program, b.pc, b.end_pc, f.name, b.instructions, b.cost, b.hits, b.gas "
        "FROM block b LEFT JOIN function f ON f.program = b.program AND f.id = b.function "
        "ORDER BY b.gas DESC, b.program, b.pc LIMIT ?1",
        -1, &rows, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_bind_int(rows, 1, PVM_HTML_BLOCKS);
    }
    pvm_export_put(export, "[");
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        code = put_block(writer, rows, is_first);
        is_first = false;
    }
    pvm_export_put(export, "]");
    sqlite3_finalize(rows);
    pvm_prof_code_close(&writer->code);
    pvm_buffer_free(&writer->line);
    free(writer);
    return code == SQLITE_DONE
               ? PVM_VIEW_FINE
               : pvm_view_fail_profiler(export->view,
                                        pvm_prof_store_report(file, code, "read its blocks"));
}
