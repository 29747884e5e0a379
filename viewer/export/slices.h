/* Long conversations in slices: what host calls of one name came to in each, exactly. */
#ifndef PVM_VIEWER_EXPORT_SLICES_H
#define PVM_VIEWER_EXPORT_SLICES_H

#include "profiler/run_file.h"

typedef struct {
    int64_t seq; /**< of the first call of the slice */
    const char *name;
    int64_t calls;
    int64_t gas;
    int64_t duration_ns;
    int64_t started_ns; /**< of the first of them */
} pvm_export_slice_t;

typedef void pvm_export_slice_fn_t(void *user_data, const pvm_export_slice_t *slice);

/** How many calls are in a slice, if `rows` of them shall be about `slices_max` slices. @return an SQLite code */
int pvm_export_slices_width(pvm_prof_run_file_t *file, int64_t rows, int64_t slices_max,
                            int64_t *out_width);
/** Tell all slices of that width, by number and name. @return an SQLite code */
int pvm_export_slices_tell(pvm_prof_run_file_t *file, int64_t width, pvm_export_slice_fn_t *tell,
                           void *user_data);

#endif
