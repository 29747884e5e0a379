/* Names of JAM host calls. */
#ifndef PVM_PROGRAM_HOST_CALLS_H
#define PVM_PROGRAM_HOST_CALLS_H

#include <pvm/pvm.h>

/** JAM name of a host call under a spec, or NULL. latest64 counts as 0.7.2, whose numbers its services use. */
const char *pvm_host_call_jam_name(pvm_spec_t spec, int func_id);

#endif
