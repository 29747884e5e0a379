/* What needs all calls of a conversation at once: runs that repeat, and sums by name. Internal to conversation.c. */
#ifndef PVM_PROFILER_CONVERSATION_SUMS_H
#define PVM_PROFILER_CONVERSATION_SUMS_H

#include "profiler/conversation.h"
#include "support/buffer.h"

/** A call in short. */
typedef struct {
    uint32_t name; /**< index into names */
    int64_t seq;
    int64_t gas;
    int64_t duration_ns;
    bool has_returned;
} pvm_brief_t;

typedef struct {
    pvm_brief_t *calls;
    size_t count;
    size_t room;
    char **names;
    uint32_t name_count;
} pvm_briefs_t;

/** The table for FOLDED or LATENCY; NULL without memory. */
pvm_prof_table_t *pvm_briefs_table(pvm_conversation_form_t form);
/** Add a call; its `name` is set here. @return an SQLite code, as all of these */
int pvm_briefs_add(pvm_briefs_t *briefs, const char *name, const pvm_brief_t *brief);
/** Fill the table of repeated runs: at each place the pattern that takes in most calls, of these the shortest. */
int pvm_briefs_fold(pvm_prof_table_t *table, const pvm_briefs_t *briefs, uint32_t top);
/** Fill the table of sums. */
int pvm_briefs_sum_up(pvm_prof_table_t *table, const pvm_briefs_t *briefs);
void pvm_briefs_free(pvm_briefs_t *briefs);

#endif
