/* Helpers of the export formats. */
#include "viewer/export/export.h"

#include "viewer/new_run.h"

#include "profiler/call_tree.h"

#include <stdarg.h>
#include <string.h>

pvm_prof_value_kind_t pvm_export_value(const pvm_view_export_t *export)
{
    return (pvm_prof_value_kind_t)pvm_view_number(export->view, PVM_OPTION_VALUE);
}

pvm_view_status_t pvm_export_stacks(pvm_view_export_t *export, pvm_prof_run_file_t *file,
                                    pvm_prof_stacks_t *out)
{
    pvm_prof_stacks_kind_t kind = PVM_PROF_STACKS_CALLS;

    if (pvm_view_number(export->view, PVM_OPTION_STACKS) == PVM_CHOICE_STACKS_PLACES) {
        kind = PVM_PROF_STACKS_PLACES;
    } else if (export->other != NULL) {
        /* Stacks of two runs are held against each other, so both need the same shape. */
        kind =
            pvm_prof_call_tree_is_whole(export->file) && pvm_prof_call_tree_is_whole(export->other)
                ? PVM_PROF_STACKS_ALIKE
                : PVM_PROF_STACKS_PLACES;
    }
    const pvm_prof_status_t status = pvm_prof_stacks_read(file, kind, out);

    return status == PVM_PROF_OK ? PVM_VIEW_FINE : pvm_view_fail_profiler(export->view, status);
}

const char *pvm_export_text(pvm_view_export_t *export, const char *text)
{
    export->scratch.len = 0;
    pvm_view_escape(&export->scratch, text, strlen(text), PVM_ESCAPE_UTF8);
    pvm_buffer_append(&export->scratch, "", 1);
    return export->scratch.failed ? "" : (const char *)export->scratch.data;
}

const char *pvm_export_folded_name(pvm_view_export_t *export, const pvm_prof_frame_t *frame)
{
    (void)pvm_export_text(export, frame->name);
    if (export->scratch.failed) {
        return "";
    }
    char *const name = (char *)export->scratch.data;
    for (char *at = strchr(name, ';'); at != NULL; at = strchr(at, ';')) {
        *at = ':';
    }
    return name;
}

void pvm_export_json_text(pvm_view_export_t *export, const char *text)
{
    if (pvm_view_render_json_string(&export->render, text) != 0) {
        export->scratch.failed = true;
    }
}

void pvm_export_put(pvm_view_export_t *export, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* The stream remembers failures. */
    (void)vfprintf(export->out, format, arguments);
    va_end(arguments);
}

size_t pvm_export_path(const pvm_prof_stacks_t *stacks, uint32_t node,
                       uint32_t out[PVM_EXPORT_MAX_DEPTH])
{
    size_t depth = 0;
    size_t at;

    for (uint32_t i = node; i != PVM_PROF_STACK_ROOT && depth < PVM_EXPORT_MAX_DEPTH;
         i = stacks->nodes[i].parent) {
        depth++;
    }
    if (depth == 0) {
        out[0] = PVM_PROF_STACK_ROOT;
        return 1;
    }
    at = depth;
    for (uint32_t i = node; at > 0; i = stacks->nodes[i].parent) {
        out[--at] = i;
    }
    return depth;
}

uint32_t pvm_export_function(const pvm_prof_stacks_t *stacks, uint32_t node)
{
    while (node != PVM_PROF_STACK_ROOT &&
           pvm_export_frame(stacks, node)->kind != PVM_PROF_FRAME_FUNCTION) {
        node = stacks->nodes[node].parent;
    }
    return node;
}

const char *pvm_export_info(pvm_view_export_t *export, const char *key)
{
    char value[1024];

    pvm_prof_run_file_get_info(export->file, key, value, sizeof(value));
    return pvm_export_text(export, value);
}

pvm_view_status_t pvm_export_fail_memory(pvm_view_export_t *export)
{
    return pvm_view_fail(export->view, PVM_VIEW_ENVIRONMENT, "%s: no memory for this export",
                         export->view->operands[0]);
}
