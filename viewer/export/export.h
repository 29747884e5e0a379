/* Helpers that export formats share: writing, names made harmless, paths of stacks. */
#ifndef PVM_VIEWER_EXPORT_EXPORT_H
#define PVM_VIEWER_EXPORT_EXPORT_H

#include "profiler/stacks.h"
#include "viewer/exporter.h"

/** Most frames of one stack. */
#define PVM_EXPORT_MAX_DEPTH 4096

/** The value that --value names. */
pvm_prof_value_kind_t pvm_export_value(const pvm_view_export_t *export);

/** Read the stacks of the run, all the same whether they reconcile. @return FINE, or why not. To be freed in any case. */
pvm_view_status_t pvm_export_stacks(pvm_view_export_t *export, pvm_prof_run_file_t *file,
                                    pvm_prof_stacks_t *out);

/** Text from a run file as valid UTF-8 without controls. Valid until the next call; "" without memory. */
const char *pvm_export_text(pvm_view_export_t *export, const char *text);
/** The name of a frame where ; separates frames: another stands for it. Validity as above. */
const char *pvm_export_folded_name(pvm_view_export_t *export, const pvm_prof_frame_t *frame);
/** Print a JSON string. */
void pvm_export_json_text(pvm_view_export_t *export, const char *text);
/** printf() into the stream. */
void pvm_export_put(pvm_view_export_t *export, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Nodes from the root's child down to `node`; the root itself for the root. @return how many */
size_t pvm_export_path(const pvm_prof_stacks_t *stacks, uint32_t node,
                       uint32_t out[PVM_EXPORT_MAX_DEPTH]);

/** The function that a node stands in: itself or the nearest above; the root if there is none. */
uint32_t pvm_export_function(const pvm_prof_stacks_t *stacks, uint32_t node);

/** A pair of run_info, harmless; "" if there is none. Valid until the next call with this export. */
const char *pvm_export_info(pvm_view_export_t *export, const char *key);

/** "no memory for this export". */
pvm_view_status_t pvm_export_fail_memory(pvm_view_export_t *export);

static inline const pvm_prof_frame_t *pvm_export_frame(const pvm_prof_stacks_t *stacks,
                                                       uint32_t node)
{
    return &stacks->frames[stacks->nodes[node].frame];
}

#endif
