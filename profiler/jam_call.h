/* JAM host calls for people: arguments by name, results by name, messages as text. */
#ifndef PVM_PROFILER_JAM_CALL_H
#define PVM_PROFILER_JAM_CALL_H

#include "support/buffer.h"

#include <pvm/pvm.h>
#include <stdbool.h>

/** Whether `name` is what JAM calls this number under a spec ("0.7.2", ...). */
bool pvm_jam_call_is(const char *name, const char *spec, int64_t func_id);
/** Write the arguments: "key=0x10020+32 to=0x20000". @param registers  r7 to r12 */
void pvm_jam_call_arguments(pvm_buffer_t *out, const char *name, const uint64_t registers[6]);
/** Name of a result (NONE, WHAT, ... HUH), or NULL. */
const char *pvm_jam_result_name(uint64_t result);
/** The result of that name. @return false if there is none */
bool pvm_jam_result_find(const char *name, uint64_t *out_result);
/** Name of a level of log, or NULL. */
const char *pvm_jam_log_level(uint64_t level);

#endif
