/* Output files: written under a temporary name and renamed when they are whole. */
#ifndef PVM_VIEWER_OUTPUT_H
#define PVM_VIEWER_OUTPUT_H

#include "viewer/options.h"

/** Write a program file. An existing file is replaced if it is a program or empty; anything else only with --force.
 *  @return FINE, USAGE (another kind of file is there) or ENVIRONMENT; on failure nothing has changed. */
pvm_view_status_t pvm_view_output_write(pvm_view_t *view, const char *path, const uint8_t *data,
                                        size_t len);

/** Remove a file that is in the way of --force; only regular files. @return FINE, USAGE or ENVIRONMENT */
pvm_view_status_t pvm_view_output_remove(pvm_view_t *view, const char *path);

#endif
