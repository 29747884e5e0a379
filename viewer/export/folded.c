/* Folded stacks: one line for each place, frames from the outside in, then what was spent there. Inlined functions
 * end in _[i], host calls in _[k], which flamegraph.pl and inferno colour. Of two runs both figures, before and after. */
#include "viewer/export/export.h"
#include "viewer/export/flame.h"

#include <inttypes.h>
#include <string.h>

static void put_frame(pvm_view_export_t *export, const pvm_prof_frame_t *frame)
{
    (void)fputs(pvm_export_folded_name(export, frame), export->out);
    if (frame->kind == PVM_PROF_FRAME_INLINED) {
        (void)fputs("_[i]", export->out);
    } else if (frame->kind == PVM_PROF_FRAME_HOST) {
        (void)fputs("_[k]", export->out);
    }
}

/* @return how deep it is; 0: too deep to be a stack */
static size_t put_stack(pvm_view_export_t *export, const pvm_prof_stacks_t *stacks, uint32_t node)
{
    uint32_t path[PVM_EXPORT_MAX_DEPTH];
    const size_t depth = pvm_export_path(stacks, node, path);

    for (size_t j = 0; j < depth; j++) {
        put_frame(export, pvm_export_frame(stacks, path[j]));
        (void)fputc(j + 1 < depth ? ';' : ' ', export->out);
    }
    return depth;
}

static pvm_view_status_t put_one(pvm_view_export_t *export)
{
    const pvm_prof_value_kind_t kind = pvm_export_value(export);
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);

    for (uint32_t i = 0; status == PVM_VIEW_FINE && i < stacks.node_count; i++) {
        const int64_t self = stacks.nodes[i].self[kind];

        if (self != 0 && put_stack(export, &stacks, i) > 0) {
            pvm_export_put(export, "%" PRId64 "\n", self);
        }
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}

static pvm_view_status_t add_run(pvm_view_export_t *export, pvm_prof_run_file_t *file,
                                 pvm_prof_value_kind_t slot, pvm_prof_stacks_t *out)
{
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, file, &stacks);

    if (status == PVM_VIEW_FINE) {
        pvm_flame_add(&stacks, pvm_export_value(export), false, false, slot, out);
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}

static pvm_view_status_t put_two(pvm_view_export_t *export)
{
    pvm_prof_stacks_t both;
    pvm_view_status_t status =
        pvm_prof_stacks_begin(&both) == 0 ? PVM_VIEW_FINE : pvm_export_fail_memory(export);

    if (status == PVM_VIEW_FINE) {
        status = add_run(export, export->file, PVM_FLAME_OTHER, &both);
    }
    if (status == PVM_VIEW_FINE) {
        status = add_run(export, export->other, PVM_FLAME_NOW, &both);
    }
    if (status == PVM_VIEW_FINE && both.failed) {
        status = pvm_export_fail_memory(export);
    }
    for (uint32_t i = 0; status == PVM_VIEW_FINE && i < both.node_count; i++) {
        const int64_t before = both.nodes[i].self[PVM_FLAME_OTHER];
        const int64_t after = both.nodes[i].self[PVM_FLAME_NOW];

        if ((before != 0 || after != 0) && put_stack(export, &both, i) > 0) {
            pvm_export_put(export, "%" PRId64 " %" PRId64 "\n", before, after);
        }
    }
    pvm_prof_stacks_free(&both);
    return status;
}

pvm_view_status_t pvm_export_folded(pvm_view_export_t *export)
{
    return export->other != NULL ? put_two(export) : put_one(export);
}
