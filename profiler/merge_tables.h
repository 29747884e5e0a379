/* Copying and adding up rows by the rules of merge.def. Internal to merge.c, but for the test that looks whether every table
 * has a rule. */
#ifndef PVM_PROFILER_MERGE_TABLES_H
#define PVM_PROFILER_MERGE_TABLES_H

#include "profiler/map.h"
#include "profiler/store.h"

typedef enum { PVM_MERGE_OWN, PVM_MERGE_COPY, PVM_MERGE_SUM } pvm_merge_mode_t;

typedef enum {
    PVM_MERGE_KEEP,
    PVM_MERGE_PROGRAM,
    PVM_MERGE_FUNCTION,
    PVM_MERGE_VM,
    PVM_MERGE_EXECUTION,
    PVM_MERGE_CALL,
    PVM_MERGE_NODE,
    PVM_MERGE_SOURCE,
    PVM_MERGE_ROW,
    PVM_MERGE_TIME,
    PVM_MERGE_ADD,
    PVM_MERGE_LEAST,
    PVM_MERGE_FIRST
} pvm_merge_kind_t;

typedef struct {
    const char *name;
    pvm_merge_mode_t mode;
    bool is_detail;
} pvm_merge_table_t;

/** All tables, in the order in which they are to be filled; the last one has no name. */
extern const pvm_merge_table_t pvm_merge_tables[];
/** The rule of a column. */
pvm_merge_kind_t pvm_merge_kind(const char *table, const char *column);

/** What the numbers of a recording become. */
typedef struct {
    pvm_prof_map_t programs;  /**< id -> id */
    pvm_prof_map_t functions; /**< program << 32 | id -> id; both of the recording */
    int64_t vm;               /**< added to the number */
    int64_t execution;
    int64_t call;
    int64_t node;
    int64_t source;
    int64_t time_ns;
    bool (*is_stopped)(void); /**< may be NULL */
} pvm_merge_numbers_t;

/** Bring the rows of a table over. A table that the recording does not have has no rows. Errors: E_FORMAT, E_SYSTEM,
 *  E_INTERRUPTED. */
pvm_prof_status_t pvm_merge_table(pvm_prof_run_file_t *out, pvm_prof_run_file_t *source,
                                  const pvm_merge_table_t *table,
                                  const pvm_merge_numbers_t *numbers);

#endif
