/* How much host code the recompiler makes of a program. */
#ifndef PVM_VIEWER_COMPARE_HOST_BYTES_H
#define PVM_VIEWER_COMPARE_HOST_BYTES_H

#include <pvm/pvm.h>
#include <stddef.h>
#include <stdint.h>

/** Octets of host instructions that the instructions of each block become, without instrumentation and without what pays for
 *  blocks. @param out  room for all blocks of the program
 *  @return 0, or -1: the recompiler is not available here, or there is no memory */
int pvm_compare_host_bytes(pvm_program_t *program, uint32_t *out);

#endif
