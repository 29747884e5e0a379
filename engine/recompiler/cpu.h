/* What the processor can do, found at run time. */
#ifndef PVM_RECOMPILER_CPU_H
#define PVM_RECOMPILER_CPU_H

#include <stdbool.h>

typedef struct {
    bool bmi1; /**< andn, tzcnt */
    bool bmi2; /**< shlx and friends, rorx */
    bool lzcnt;
    bool popcnt;
    bool segment; /**< wrgsbase works in user mode: the gs segment addresses guest memory */
    bool
        low; /**< code is placed below 2 GiB if there is room, so that tables have 32-bit addresses */
} pvm_cpu_t;

/** What this machine has. PVM_CPU=baseline in the environment: nothing but plain x86-64. */
pvm_cpu_t pvm_recompiler_cpu(void);

#endif
