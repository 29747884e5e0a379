/* pvmscope annotate: the code of a recorded program with what it cost, line by line. The parts: annotate/. */
#include "viewer/annotate/annotate.h"
#include "viewer/command.h"
#include "viewer/new_run.h"

#include <stdlib.h>
#include <string.h>

/* The block of --block, or the one of the selection that cost most. */
static pvm_view_status_t block_to_explain(pvm_annotate_t *annotate, uint32_t *out)
{
    const pvm_program_t *const program = annotate->code.program;
    int64_t best = -1;

    if (pvm_view_has(annotate->view, PVM_OPTION_BLOCK)) {
        const uint64_t pc = pvm_view_number(annotate->view, PVM_OPTION_BLOCK);

        *out = pc < program->code.len ? pvm_program_block_at(program, (uint32_t)pc)
                                      : program->block_count;
        return *out < program->block_count
                   ? PVM_VIEW_FINE
                   : pvm_view_fail(annotate->view, PVM_VIEW_USAGE,
                                   "annotate: --block %s: no code there; the code has %u octets",
                                   pvm_view_text(annotate->view, PVM_OPTION_BLOCK),
                                   program->code.len);
    }
    *out = annotate->blocks[0];
    for (size_t i = 0; i < annotate->block_count; i++) {
        const size_t executed = pvm_annotate_executed(annotate, annotate->blocks[i]);

        if (executed < annotate->code.block_count && annotate->code.blocks[executed].gas > best) {
            best = annotate->code.blocks[executed].gas;
            *out = annotate->blocks[i];
        }
    }
    return PVM_VIEW_FINE;
}

static pvm_view_status_t show(pvm_annotate_t *annotate)
{
    const uint64_t format = pvm_view_number(annotate->view, PVM_OPTION_FORMAT);
    uint32_t block = 0;

    if (pvm_view_has(annotate->view, PVM_OPTION_EXPLAIN)) {
        const pvm_view_status_t status = block_to_explain(annotate, &block);

        return status == PVM_VIEW_FINE ? pvm_annotate_explain(annotate, block) : status;
    }
    const pvm_view_status_t status = pvm_annotate_fill(annotate);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    return format == PVM_CHOICE_FORMAT_TEXT ? pvm_annotate_put_text(annotate)
                                            : pvm_annotate_put_table(annotate);
}

pvm_view_status_t pvm_command_annotate(pvm_view_t *view)
{
    const uint64_t shown = pvm_view_number(view, PVM_OPTION_SHOW);
    pvm_annotate_t annotate = {
        .view = view,
        .render = pvm_view_render_make(stdout, pvm_view_number(view, PVM_OPTION_FORMAT)),
        .shows_source = (shown & UINT64_C(1) << PVM_CHOICE_SHOW_SOURCE) != 0,
        .shows_host = (shown & UINT64_C(1) << PVM_CHOICE_SHOW_X86) != 0,
    };
    pvm_view_status_t status;

    if (pvm_view_has(view, PVM_OPTION_BLOCK) && !pvm_view_has(view, PVM_OPTION_EXPLAIN)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "annotate: --block goes with --explain; to see a block, give @PC in "
                             "place of FUNCTION");
    }
    status = pvm_view_open_run(view, view->operands[0], &annotate.file);
    if (status == PVM_VIEW_FINE) {
        status = pvm_annotate_select(&annotate, view->operand_count > 1 ? view->operands[1] : NULL);
    }
    if (status == PVM_VIEW_FINE) {
        status = show(&annotate);
    }
    pvm_annotate_free(&annotate);
    pvm_prof_run_file_close(annotate.file);
    return status;
}
