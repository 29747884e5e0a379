/* The parts of the HTML report. Each writes one member of a run's JSON; html.c says where they go. */
#ifndef PVM_VIEWER_EXPORT_HTML_H
#define PVM_VIEWER_EXPORT_HTML_H

#include "viewer/export/export.h"

/** Single host calls in one page; of longer conversations the begin of each slice. */
#define PVM_HTML_ROWS_MAX 32768
/** Slices that a longer conversation is cut into, and calls that are shown of each. */
#define PVM_HTML_SLICES     2048
#define PVM_HTML_SLICE_ROWS 16
/** Blocks with their instructions, and instructions of one block. */
#define PVM_HTML_BLOCKS       200
#define PVM_HTML_INSTRUCTIONS 2000

/** A number: browsers know whole ones up to 2^53 only, so larger ones are text. */
void pvm_html_int(pvm_view_export_t *export, int64_t number);
/** A number, or null. */
void pvm_html_int_or_null(pvm_view_export_t *export, bool is_null, int64_t number);

/** "tables": what the reports say. */
pvm_view_status_t pvm_html_tables(pvm_view_export_t *export, pvm_prof_run_file_t *file);
/** "values", "frames", "nodes": the stacks. */
pvm_view_status_t pvm_html_stacks(pvm_view_export_t *export, pvm_prof_run_file_t *file);
/** "blocks": the hottest ones with their instructions. */
pvm_view_status_t pvm_html_blocks(pvm_view_export_t *export, pvm_prof_run_file_t *file);
/** "calls": the host calls in their order. */
pvm_view_status_t pvm_html_calls(pvm_view_export_t *export, pvm_prof_run_file_t *file);

#endif
