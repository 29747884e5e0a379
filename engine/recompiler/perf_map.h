/* Names of emitted code for Linux perf, on request. */
#ifndef PVM_RECOMPILER_PERF_MAP_H
#define PVM_RECOMPILER_PERF_MAP_H

#include "recompiler/code.h"

/** With PVM_PERF=map in the environment: append this code's functions to /tmp/perf-PID.map. Where there is no debug info
 *  each block is a function. A file that cannot be written is no error: the program runs all the same. */
void pvm_perf_map_publish(const pvm_program_t *program, const pvm_recompiler_code_t *code);

#endif
