/* Input files, whole in memory. */
#ifndef PVM_VIEWER_INPUT_H
#define PVM_VIEWER_INPUT_H

#include "viewer/options.h"

/** Largest file that is read: a trace may hold 1 GiB of data, in hexadecimal. */
#define PVM_MAX_INPUT_BYTES ((size_t)3 << 30)

typedef struct {
    const char *path; /**< as given */
    uint8_t *data;    /**< owned; never NULL after success */
    size_t len;
} pvm_input_t;

/** Read a file; "-" is standard input. @return FINE, INPUT or ENVIRONMENT. Owns: the caller, pvm_view_input_free(). */
pvm_view_status_t pvm_view_input_read(pvm_view_t *view, const char *path, pvm_input_t *out_input);
void pvm_view_input_free(pvm_input_t *input);

#endif
