/* A guest that does nothing but call the host, for those benches that look at host calls. */
#ifndef PVM_BENCH_HOST_CALLS_H
#define PVM_BENCH_HOST_CALLS_H

#include <pvm/pvm.h>

/** Eight calls and a jump back: some 25 gas a call. NULL without memory. */
pvm_program_t *bench_calls_program(void);
/** Counts calls in the uint64_t that user_data points to, and changes r7. */
pvm_host_result_t bench_calls_answer(pvm_vm_t *vm, int func_id, void *user_data);

#endif
