/* Which operands an effect of instructions.def reads and writes, as constants made by the preprocessor.
 *
 * PVM_READS_<effect>(p, q, r, s) and PVM_WRITES_<effect>(p, q, r, s) are sets of PVM_ROLE_*; every table that
 * expands the list takes them from here. Only registers count. Spec: GP 0.8.0 A.9. */
#ifndef PVM_ISA_ROLES_H
#define PVM_ISA_ROLES_H

#include "isa/isa.h"

#define PVM_ROLE_OF_A    PVM_ROLE_A
#define PVM_ROLE_OF_B    PVM_ROLE_B
#define PVM_ROLE_OF_D    PVM_ROLE_D
#define PVM_ROLE_OF_X    0
#define PVM_ROLE_OF_Y    0
#define PVM_ROLE_OF_ZERO 0
#define PVM_ROLE_OF__    0

/* A cmov does not count its old destination: spec-notes.md, "cmov". */
#define PVM_READS_TRAP(p, q, r, s)        0
#define PVM_READS_FALLTHROUGH(p, q, r, s) 0
#define PVM_READS_HINT(p, q, r, s)        0
#define PVM_READS_HOST_CALL(p, q, r, s)   0
#define PVM_READS_SET1(dst, fn, v, s)     PVM_ROLE_OF_##v
#define PVM_READS_SET2(dst, fn, v, w)     (PVM_ROLE_OF_##v | PVM_ROLE_OF_##w)
#define PVM_READS_CMOV(dst, cond, t, v)   (PVM_ROLE_OF_##t | PVM_ROLE_OF_##v)
#define PVM_READS_LOAD(dst, type, b, o)   PVM_ROLE_OF_##b
#define PVM_READS_STORE(type, b, o, v)    (PVM_ROLE_OF_##b | PVM_ROLE_OF_##v)
#define PVM_READS_JUMP(dst, v, r, s)      0
#define PVM_READS_JUMP_IND(dst, v, b, o)  PVM_ROLE_OF_##b
#define PVM_READS_BRANCH(cond, v, w, s)   (PVM_ROLE_OF_##v | PVM_ROLE_OF_##w)
#define PVM_READS_SBRK(dst, v, r, s)      PVM_ROLE_OF_##v

#define PVM_WRITES_TRAP(p, q, r, s)        0
#define PVM_WRITES_FALLTHROUGH(p, q, r, s) 0
#define PVM_WRITES_HINT(p, q, r, s)        0
#define PVM_WRITES_HOST_CALL(p, q, r, s)   0
#define PVM_WRITES_SET1(dst, fn, v, s)     PVM_ROLE_OF_##dst
#define PVM_WRITES_SET2(dst, fn, v, w)     PVM_ROLE_OF_##dst
#define PVM_WRITES_CMOV(dst, cond, t, v)   PVM_ROLE_OF_##dst
#define PVM_WRITES_LOAD(dst, type, b, o)   PVM_ROLE_OF_##dst
#define PVM_WRITES_STORE(type, b, o, v)    0
#define PVM_WRITES_JUMP(dst, v, r, s)      PVM_ROLE_OF_##dst
#define PVM_WRITES_JUMP_IND(dst, v, b, o)  PVM_ROLE_OF_##dst
#define PVM_WRITES_BRANCH(cond, v, w, s)   0
#define PVM_WRITES_SBRK(dst, v, r, s)      PVM_ROLE_OF_##dst

#endif
