/* Where things are while emitted code runs.
 *
 *   guest  r0  r1  r2  r3  r4  r5  r6  r7  r8  r9  r10 r11 r12
 *   host   r12 rbp r13 r14 r11 rbx r10 rax rsi rdi rdx r8  r9
 *
 *   rcx    scratch: dead between any two guest instructions
 *   rsp    the frame below, aligned to 16
 *   xmm0   where the next block is noted, xmm1 the octets of a note (tracing code)
 *   r15    segment addressing: gas left of the slice; gs.base is the guest's address 0
 *          register addressing: the guest's address 0; gas stands in the frame
 *
 *   frame  rsp +  0  the activation (run.h)
 *              +  8  counters of edges (counting code)
 *              + 16  gas left of the slice (register addressing)
 *              + 24  three words for emitters that need more than rcx
 *              + 48  pc of the last indirect jump (counting code), 4 octets
 *              + 56  where to enter; index of a host call
 *              + 64  counters of arrivals from indirect jumps (counting code)
 *              + 72  the current context, + 80 the sites of calls, + 88 the table of pairs,
 *              + 96  entry of the last indirect jump (code that follows calls)
 *              +104  rbx, rbp, r12 to r15 of the caller, and the return address
 *
 * The map: the stack pointer of the C ABI (r1) wants a displacement anyhow, so it gets rbp; s0, s1 and the arguments,
 * which are used most, get registers that need no REX prefix in 32-bit operations. */
#ifndef PVM_RECOMPILER_REGISTERS_H
#define PVM_RECOMPILER_REGISTERS_H

#include "recompiler/x86.h"

#include <pvm/pvm.h>

#define PVM_HOST_SCRATCH PVM_X86_RCX
#define PVM_HOST_GAS     PVM_X86_R15
#define PVM_HOST_BASE    PVM_X86_R15

/** Vector registers of tracing code. */
#define PVM_HOST_TRACE      0
#define PVM_HOST_TRACE_STEP 1

enum {
    PVM_FRAME_ACTIVATION = 0,
    PVM_FRAME_EDGES = 8,
    PVM_FRAME_GAS = 16,
    PVM_FRAME_TEMP_0 = 24,
    PVM_FRAME_TEMP_1 = 32,
    PVM_FRAME_TEMP_2 = 40,
    PVM_FRAME_JUMP_PC = 48,
    PVM_FRAME_WHERE = 56,
    PVM_FRAME_FROM_HUB = 64,
    PVM_FRAME_CONTEXT = 72,
    PVM_FRAME_SITES = 80,
    PVM_FRAME_PAIRS = 88,
    PVM_FRAME_ENTRY = 96,
    PVM_FRAME_BYTES = 104
};

/** The host register of guest register `guest`. */
PVM_X86_INLINE unsigned pvm_host_register(unsigned guest)
{
    static const uint8_t map[16] = {PVM_X86_R12, PVM_X86_RBP, PVM_X86_R13, PVM_X86_R14, PVM_X86_R11,
                                    PVM_X86_RBX, PVM_X86_R10, PVM_X86_RAX, PVM_X86_RSI, PVM_X86_RDI,
                                    PVM_X86_RDX, PVM_X86_R8,  PVM_X86_R9};

    return map[guest];
}

#endif
