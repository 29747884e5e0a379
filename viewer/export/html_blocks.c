/* Data of the HTML report: the hottest blocks, instruction by instruction, with the source lines that the program's debug
 * information tells. */
#include "viewer/export/html.h"
#include "viewer/new_run.h"

#include "isa/assemble.h"
#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "program/debug_info.h"
#include "program/program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pvm_view_export_t *export;
    pvm_prof_run_file_t *file;
    int64_t loaded; /**< id of `program`, or -1 */
    pvm_program_t *program;
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
    if (writer->program->debug_info != NULL) {
        (void)pvm_debug_info_find(writer->program->debug_info, &writer->walk, pc, stack);
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

static void put_code(writer_t *writer, uint32_t pc, uint32_t end)
{
    const pvm_code_t *const code = &writer->program->code;
    const uint32_t len = code->len < end ? code->len : end;

    for (int i = 0; i < PVM_HTML_INSTRUCTIONS && pc < len && !writer->line.failed; i++) {
        const uint32_t at = pc;

        writer->line.len = 0;
        pc = pvm_isa_disassemble_line(code, at, &writer->line);
        pvm_buffer_append(&writer->line, "", 1);
        pvm_export_put(writer->export, "%s[%" PRIu32 ",", i > 0 ? "," : "", at);
        pvm_export_json_text(writer->export,
                             writer->line.failed ? "" : (const char *)writer->line.data);
        pvm_export_put(writer->export, ",");
        put_source(writer, at);
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

    if (writer->loaded != program) {
        pvm_program_release(writer->program);
        writer->program = NULL;
        writer->loaded = program;
        if (pvm_prof_stored_program(writer->file, program, &writer->program) != PVM_PROF_OK) {
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
    pvm_export_put(writer->export, ",\"code\":[");
    if (writer->program != NULL && pc >= 0 && end > pc && end <= UINT32_MAX) {
        put_code(writer, (uint32_t)pc, (uint32_t)end);
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
    *writer = (writer_t){.export = export, .file = file, .loaded = -1};
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
    pvm_program_release(writer->program);
    pvm_buffer_free(&writer->line);
    free(writer);
    return code == SQLITE_DONE
               ? PVM_VIEW_FINE
               : pvm_view_fail_profiler(export->view,
                                        pvm_prof_store_report(file, code, "read its blocks"));
}
