/* What the programs of a whole run have executed, summed up and printed. Plain numbers, so that processes can share
 * one in mapped memory and be added up at the end. */
#ifndef PVM_TESTS_DIFFERENTIAL_COVERAGE_H
#define PVM_TESTS_DIFFERENTIAL_COVERAGE_H

#include "check.h"

typedef struct {
    uint64_t programs;
    uint64_t long_programs; /**< that executed at least 100 instructions */
    uint64_t instructions;
    uint64_t invalid_programs;
    uint64_t host_calls;
    uint64_t exits[PVM_ISA_COUNT][PVM_RESULT_ERROR + 1]; /**< by numbering and pvm_result_t */
    uint64_t opcodes[PVM_ISA_COUNT][PVM_OP_COUNT];
} diff_coverage_t;

/** Add the reference run of this program. */
void diff_coverage_add(diff_coverage_t *coverage, const diff_program_t *program,
                       const diff_session_t *session);
/** Add up two. */
void diff_coverage_merge(diff_coverage_t *into, const diff_coverage_t *from);
/** Print all of it to standard output. */
void diff_coverage_print(const diff_coverage_t *coverage);
/** Print what was executed fewer than `least` times, and whether enough programs are long. @return that number of complaints */
unsigned diff_coverage_judge(const diff_coverage_t *coverage, uint64_t least);

#endif
