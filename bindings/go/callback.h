/* Between Go and libpvm: the host callback. C holds a number, never a Go pointer. */
#ifndef PVM_GO_CALLBACK_H
#define PVM_GO_CALLBACK_H

#include <pvm/pvm.h>

/** Let Go answer the host calls of this machine; handle 0: nobody does. */
void pvm_go_set_callback(pvm_vm_t *vm, uintptr_t handle);

#endif
