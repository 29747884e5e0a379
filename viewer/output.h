/* Output files: written under a temporary name and renamed when they are whole. */
#ifndef PVM_VIEWER_OUTPUT_H
#define PVM_VIEWER_OUTPUT_H

#include "viewer/options.h"

#include <stdio.h>

/** What is written, which says what may be replaced without --force. */
typedef enum {
    PVM_OUTPUT_PROGRAM, /**< replaces programs and empty files */
    PVM_OUTPUT_DERIVED /**< can be made again: replaces all but programs and run files, which cannot */
} pvm_output_kind_t;

/** A file that is being written. */
typedef struct {
    FILE *stream;
    const char *path; /**< borrowed */
    char *name;       /**< for the time being */
} pvm_output_t;

/** Open a neighbour of the target for writing.
 *  @return FINE, then pvm_view_output_end() must follow; USAGE (another kind of file is there) or ENVIRONMENT */
pvm_view_status_t pvm_view_output_begin(pvm_view_t *view, const char *path, pvm_output_kind_t kind,
                                        pvm_output_t *output);
/** Put it in its place if `status` is FINE and everything could be written; else nothing has changed.
 *  @return `status`, or ENVIRONMENT */
pvm_view_status_t pvm_view_output_end(pvm_view_t *view, pvm_output_t *output,
                                      pvm_view_status_t status);

/** Write a program file: both in one. */
pvm_view_status_t pvm_view_output_write(pvm_view_t *view, const char *path, const uint8_t *data,
                                        size_t len);

/** Remove a file that is in the way of --force; only regular files. @return FINE, USAGE or ENVIRONMENT */
pvm_view_status_t pvm_view_output_remove(pvm_view_t *view, const char *path);

#endif
