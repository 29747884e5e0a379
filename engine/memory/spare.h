/* Guest memories whose program is gone, for the next program: reserving 4 GiB, faulting pages in and giving it all back
 * takes more than whatever else is done about the memory of a short invocation. One list for the process; knows nothing
 * of programs. */
#ifndef PVM_MEMORY_SPARE_H
#define PVM_MEMORY_SPARE_H

#include "memory/memory.h"

/** Memories that wait, of each kind (guarded or not); more are given back to the system. */
#define PVM_SPARE_MEMORIES_MAX 16
/** A memory does not wait once it may hold this many pages that are zero and not mapped. */
#define PVM_SPARE_UNMAPPED_MAX 256

/** Keep a settled memory for another program, or destroy it. */
void pvm_memory_spare_give(pvm_memory_t *memory);
/** A memory that still has the runs and the octets of another program, or NULL if none waits. */
pvm_memory_t *pvm_memory_spare_take(bool guarded);
/** Give all that wait back to the system. @return whether there were any */
bool pvm_memory_spare_drain(void);

#endif
