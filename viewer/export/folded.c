/* Folded stacks: one line for each place, frames from the outside in, then what was spent there. Inlined functions
 * end in _[i], host calls in _[k], which flamegraph.pl and inferno colour. */
#include "viewer/export/export.h"

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

pvm_view_status_t pvm_export_folded(pvm_view_export_t *export)
{
    const pvm_prof_value_kind_t kind = pvm_export_value(export);
    uint32_t path[PVM_EXPORT_MAX_DEPTH];
    pvm_prof_stacks_t stacks;
    const pvm_view_status_t status = pvm_export_stacks(export, export->file, &stacks);

    for (uint32_t i = 0; status == PVM_VIEW_FINE && i < stacks.node_count; i++) {
        const int64_t self = stacks.nodes[i].self[kind];
        const size_t depth = self != 0 ? pvm_export_path(&stacks, i, path) : 0;

        for (size_t j = 0; j < depth; j++) {
            put_frame(export, pvm_export_frame(&stacks, path[j]));
            (void)fputc(j + 1 < depth ? ';' : ' ', export->out);
        }
        if (depth > 0) {
            pvm_export_put(export, "%" PRId64 "\n", self);
        }
    }
    pvm_prof_stacks_free(&stacks);
    return status;
}
