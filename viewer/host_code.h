/* What the recompiler made of guest code: x86-64 instructions, for people. */
#ifndef PVM_VIEWER_HOST_CODE_H
#define PVM_VIEWER_HOST_CODE_H

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stdint.h>

/** One host instruction. Borrowed, valid during the call. */
typedef void pvm_view_host_line_t(void *user_data, uint32_t pc, uint64_t address, const char *text);

/** Call `line` for each host instruction that the guest instructions from pc up to end_pc became.
 *  @return NULL, or the reason why there are none: another backend, not compiled, built without a disassembler. Static. */
const char *pvm_view_host_code(pvm_vm_t *vm, uint32_t pc, uint32_t end_pc,
                               pvm_view_host_line_t *line, void *user_data);

#endif
