/* What annotate shows: a part of a recorded program, instruction by instruction, with figures, source and host code.
 *
 * select.c finds what to show, lines.c fills it, text.c and table.c print it, explain.c draws the pipeline of a block.
 * docs/annotate.md */
#ifndef PVM_VIEWER_ANNOTATE_ANNOTATE_H
#define PVM_VIEWER_ANNOTATE_ANNOTATE_H

#include "profiler/code.h"
#include "profiler/functions.h"
#include "profiler/loops.h"
#include "viewer/options.h"
#include "viewer/render.h"

/** Instructions that are shown at most. */
#define PVM_ANNOTATE_MAX_LINES (UINT32_C(1) << 20)

/** One guest instruction. */
typedef struct {
    uint32_t block; /**< of program->blocks */
    uint32_t pc;
    char *text;        /**< as the assembler takes it; owned */
    bool was_executed; /**< its block was */
    int64_t executed;
    int64_t gas;
    int64_t host_gas;
    int64_t samples;
    pvm_debug_text_t path; /**< innermost source line; borrowed from the program */
    uint32_t source_line;
    pvm_debug_function_t function; /**< that the line belongs to; name.len 0: unknown */
    bool is_inlined;
    char *host; /**< host instructions, each with its end of line; owned; NULL: none */
} pvm_annotate_line_t;

/** One call of annotate. */
typedef struct {
    pvm_view_t *view;
    pvm_prof_run_file_t *file;
    pvm_render_t render;
    pvm_prof_code_t code;
    pvm_prof_functions_t functions;
    pvm_prof_loops_t loops;
    bool is_counted;  /**< blocks were */
    int64_t gas_used; /**< of the recording, for shares; 0: means nothing */
    int64_t samples;  /**< of the recording; 0: time was not sampled */
    char *program_name;

    uint32_t *blocks; /**< what to show: of program->blocks, ascending */
    size_t block_count;
    uint32_t loop; /**< only this loop is shown; PVM_PROF_NO_LOOP: all */
    char title[256];

    pvm_annotate_line_t *lines;
    size_t line_count;
    size_t line_room;
    bool shows_source;
    bool shows_host;
    const char *host_reason; /**< why there is no host code; NULL: there is */
} pvm_annotate_t;

/** Open what the command line names: program, function or blocks, loop. @return FINE, or why not */
pvm_view_status_t pvm_annotate_select(pvm_annotate_t *annotate, const char *wanted);
/** Fill the lines of what is selected. */
pvm_view_status_t pvm_annotate_fill(pvm_annotate_t *annotate);
/** Print them for people, */
pvm_view_status_t pvm_annotate_put_text(pvm_annotate_t *annotate);
/** or as a table. */
pvm_view_status_t pvm_annotate_put_table(pvm_annotate_t *annotate);
/** The pipeline of one block of program->blocks. */
pvm_view_status_t pvm_annotate_explain(pvm_annotate_t *annotate, uint32_t block);
void pvm_annotate_free(pvm_annotate_t *annotate);

/** The executed block that begins where a block of the program does, or code.block_count. */
size_t pvm_annotate_executed(const pvm_annotate_t *annotate, uint32_t block);
/** What to say in front of the rows: what was lost, guessed, attributed, not counted. Into a table with a column "gas".
 *  @return FINE, or why not */
pvm_view_status_t pvm_annotate_note(pvm_annotate_t *annotate, pvm_prof_table_t *table);
/** "no memory ..." */
pvm_view_status_t pvm_annotate_fail_memory(pvm_annotate_t *annotate);

#endif
