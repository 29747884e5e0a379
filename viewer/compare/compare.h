/* What the files of pvmscope compare share: two recordings, and the tables that are made of them. docs/compare.md */
#ifndef PVM_VIEWER_COMPARE_COMPARE_H
#define PVM_VIEWER_COMPARE_COMPARE_H

#include "profiler/side.h"
#include "viewer/options.h"
#include "viewer/render.h"

/** Tables of one comparison. */
#define PVM_COMPARE_PARTS_MAX 12

typedef struct {
    pvm_view_t *view;
    pvm_side_t before; /**< first file */
    pvm_side_t after;
    size_t top;
    pvm_render_part_t parts[PVM_COMPARE_PARTS_MAX];
    pvm_prof_table_t *tables[PVM_COMPARE_PARTS_MAX];
    size_t count;
} pvm_compare_t;

/** Keep a table under a key. NULL: there was no memory for it. @return it */
pvm_prof_table_t *pvm_compare_keep(pvm_compare_t *compare, const char *key,
                                   pvm_prof_table_t *table);

/** Tables of two builds, or of two runs of one. @return FINE, or why not */
pvm_view_status_t pvm_compare_builds(pvm_compare_t *compare);
/** Tables of one program on two backends. @return FINE, or why not */
pvm_view_status_t pvm_compare_backends(pvm_compare_t *compare);

#endif
