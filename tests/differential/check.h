/* A program run in every way there is, all compared with single steps of the interpreter. */
#ifndef PVM_TESTS_DIFFERENTIAL_CHECK_H
#define PVM_TESTS_DIFFERENTIAL_CHECK_H

#include "oracle.h"
#include "run.h"

#define DIFF_VARIANTS_MAX 24

/** One way to run. */
typedef struct {
    const char *name;
    pvm_backend_t backend;
    const char
        *variable; /**< of the environment, set while program and machine are made; or NULL */
    const char *value;
    bool counts;
    bool blocks; /**< with counts: every block in order, too */
    bool calls;  /**< with counts: the calling-context tree, too */
    bool steps;
    bool again;       /**< the machine of the variant before, reset */
    uint32_t every;   /**< run with one in so many programs; 0 is 1 */
    bool own_program; /**< loaded again, because code that is there already would be used */
} diff_variant_t;

/** All ways, the first one being the reference; a name of NULL ends the list. */
extern const diff_variant_t diff_variants[];

typedef struct {
    bool available[DIFF_VARIANTS_MAX];
    uint64_t number; /**< of the program: decides which of the rarer ways are tried; 0: all */
    diff_oracle_t *oracle;
    diff_log_t reference;
    diff_log_t other;
    uint32_t at;                  /**< variant that is running, for whoever finds a crash */
    volatile uint32_t *shared_at; /**< the same in memory shared with another process, or NULL */
} diff_session_t;

/** Find out what is available. @return 0, or -1 without memory */
int diff_session_begin(diff_session_t *session);
void diff_session_end(diff_session_t *session);

/** Run in every way whose turn it is. @return the variant that differs first (its log is session->other), or -1: all agree. */
int diff_check(diff_session_t *session, const diff_program_t *program);

/** What differs between the two logs, in one line; false if nothing does. */
bool diff_describe(const diff_log_t *reference, const diff_log_t *other, char *out,
                   size_t out_bytes);

#endif
