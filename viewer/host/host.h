/* Who answers the host calls of `run` and `record`: none (WHAT to everything), jam, or a plugin. The job calls `answer`
 * and knows nothing else. */
#ifndef PVM_VIEWER_HOST_HOST_H
#define PVM_VIEWER_HOST_HOST_H

#include "viewer/options.h"

#include <stdio.h>

typedef struct {
    pvm_host_callback_t answer; /**< with `state` as its user data */
    void *state;
    /** Print the state as JSON; NULL: it has none. @return 0, or -1 without memory */
    int (*write)(void *state, FILE *out);
    /** Did it run out of memory? The run then means nothing. NULL: it cannot. */
    bool (*has_failed)(void *state);
    void (*destroy)(void *state);
    /** Tell of machines that the guest makes from now on; NULL: it makes none. */
    void (*watch)(void *state, void (*on_vm)(void *user_data, pvm_vm_t *vm), void *user_data);
} pvm_host_t;

/** The host that --host and --state name, for this machine.
 *  @return FINE, USAGE, INPUT or ENVIRONMENT; then `out` is empty. Owns: pvm_host_close(). */
pvm_view_status_t pvm_host_open(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry, pvm_host_t *out);
void pvm_host_close(pvm_host_t *host);

/** The three kinds. */
pvm_view_status_t pvm_host_open_none(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry,
                                     pvm_host_t *out);
pvm_view_status_t pvm_host_open_jam(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry,
                                    pvm_host_t *out);
pvm_view_status_t pvm_host_open_plugin(pvm_view_t *view, pvm_vm_t *vm, uint32_t entry,
                                       pvm_host_t *out);

#endif
