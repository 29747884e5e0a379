/* A failure for people: the program made as small as it gets, what differs, and a file that runs it again. */
#ifndef PVM_TESTS_DIFFERENTIAL_REPORT_H
#define PVM_TESTS_DIFFERENTIAL_REPORT_H

#include "check.h"

typedef enum { DIFF_VERDICT_SAME, DIFF_VERDICT_DIFFERS, DIFF_VERDICT_CRASHES } diff_verdict_t;

/** How a check ended, found out in a process of its own. */
typedef struct {
    diff_verdict_t verdict;
    uint32_t variant; /**< that differs or crashes */
    int signal;       /**< of a crash; SIGALRM: it did not end */
} diff_outcome_t;

/** Check in a child process, which may crash. */
diff_outcome_t diff_try(const diff_program_t *program);

/** Leave out of the program what the failure does not need: the same variant must fail in the same way. */
void diff_minimize(diff_program_t *program, diff_outcome_t outcome);

/** Print program and difference to standard output. */
void diff_report(const diff_program_t *program, diff_outcome_t outcome);

#endif
