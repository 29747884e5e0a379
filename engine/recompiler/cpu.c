/* Asking the processor and the kernel for features. */
#include "recompiler/cpu.h"

#include "recompiler/available.h"

#if PVM_RECOMPILER_AVAILABLE
#include <cpuid.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* AT_HWCAP2 of Linux on x86: the kernel lets programs write gs.base. */
#define HWCAP2_FSGSBASE 2

static pvm_cpu_t found;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Asked once: under a hypervisor each question costs as much as compiling a kilobyte. */
static void find(void)
{
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    pvm_cpu_t cpu = {0};

    if (__get_cpuid(1, &a, &b, &c, &d)) {
        cpu.popcnt = (c & bit_POPCNT) != 0;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        cpu.bmi1 = (b & bit_BMI) != 0;
        cpu.bmi2 = (b & bit_BMI2) != 0;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        cpu.lzcnt = (c & bit_LZCNT) != 0;
    }
    cpu.segment = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
    cpu.low = true;
    found = cpu;
}

pvm_cpu_t pvm_recompiler_cpu(void)
{
    const char *const wanted = getenv("PVM_CPU");

    if (wanted != NULL && strcmp(wanted, "baseline") == 0) {
        return (pvm_cpu_t){0};
    }
    (void)pthread_once(&once, find);
    return found;
}
#else
pvm_cpu_t pvm_recompiler_cpu(void)
{
    return (pvm_cpu_t){0};
}
#endif
