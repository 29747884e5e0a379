/* Whether this build has a recompiler. Where it has not, the files of this room are empty. */
#ifndef PVM_RECOMPILER_AVAILABLE_H
#define PVM_RECOMPILER_AVAILABLE_H

#if defined(__x86_64__) && defined(__linux__) && defined(__LP64__)
#define PVM_RECOMPILER_AVAILABLE 1
#else
#define PVM_RECOMPILER_AVAILABLE 0
#endif

#endif
