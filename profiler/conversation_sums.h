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
/** Columns of a histogram: below 100 ns, below 1 us and so on, the last is 100 ms and more. */
#define PVM_BRIEFS_DECADES 8
/** The column for a duration. */
size_t pvm_briefs_decade(int64_t duration_ns);
/** One mark for each decade, as high as its share of the calls; the lowest for a single one. @return 0, or -1 without memory */
int pvm_briefs_set_histogram(pvm_prof_value_t *value, const uint64_t *calls);
/** Add what was only counted by duration (attach --aggregate) to the table of sums, and say so. @param out_has  whether there is such
 *  a thing in the file */
int pvm_briefs_add_classes(pvm_prof_run_file_t *file, const pvm_conversation_options_t *options,
                           pvm_prof_table_t *table, bool *out_has);
void pvm_briefs_free(pvm_briefs_t *briefs);

#endif
