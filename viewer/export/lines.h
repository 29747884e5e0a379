/* Blocks told instruction by instruction: what was spent in each, and the source line and inlined functions that it stands in. */
#ifndef PVM_VIEWER_EXPORT_LINES_H
#define PVM_VIEWER_EXPORT_LINES_H

#include "viewer/export/export.h"

#include "program/debug_info.h"

/** Part of a block. */
typedef struct {
    uint32_t pc;
    const pvm_debug_stack_t *stack; /**< depth 0: nothing is known of the place */
    bool is_host_call;              /**< an ecalli; told also without values */
    int64_t values[PVM_PROF_VALUE_COUNT];
} pvm_export_part_t;

typedef void pvm_export_part_fn_t(void *user_data, const pvm_export_part_t *part);

typedef struct pvm_export_lines_t pvm_export_lines_t;

/** @return NULL without memory. Owns: the caller */
pvm_export_lines_t *pvm_export_lines_create(pvm_prof_run_file_t *file);
void pvm_export_lines_destroy(pvm_export_lines_t *lines);

/** Tell the parts of a block by ascending pc; their values add up to `self`. Gas is charged under 0.7.2 and attributed under
 *  0.8.0 (docs/annotate.md), time is by samples; all else, and what no instruction explains, stands at the first part. If
 *  `self` has not all gas of the block, its gas is not told apart.
 *  @return false, nothing told: there is no debug information for the program, or its code is not known */
bool pvm_export_lines_tell(pvm_export_lines_t *lines, const pvm_prof_frame_t *block,
                           const int64_t *self, pvm_export_part_fn_t *tell, void *user_data);

/** Whether the file could not be read, or there was no memory, since it was made. */
bool pvm_export_lines_failed(const pvm_export_lines_t *lines);

#endif
