/*
 * The guests as native functions, for a bench that runs the same code beside the virtual machine.
 * Each takes n and returns its checksum. `_vectorized` is the same source with the vectorizers of the
 * compiler left on, `_rolled` with its unrolling of loops off. The target pvm_guests_native has them all; include guests.def to list them.
 */
#ifndef PVM_EXAMPLES_GUESTS_NATIVE_H
#define PVM_EXAMPLES_GUESTS_NATIVE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PVM_GUEST(name, description)                                                               \
    uint64_t pvm_guest_##name(uint64_t n);                                                         \
    uint64_t pvm_guest_##name##_vectorized(uint64_t n);                                            \
    uint64_t pvm_guest_##name##_rolled(uint64_t n);
#include "guests.def"
#undef PVM_GUEST

#ifdef __cplusplus
}
#endif

#endif
