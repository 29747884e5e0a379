/* The calling contexts of a run file, merged by function, as a tree in memory: for reports and exports. */
#ifndef PVM_PROFILER_CALL_TREE_H
#define PVM_PROFILER_CALL_TREE_H

#include "profiler/run_file.h"

#include <stdbool.h>

#define PVM_PROF_CALL_NONE UINT32_MAX

typedef struct {
    uint32_t parent; /**< before its own place, or PVM_PROF_CALL_NONE: the host */
    int64_t program;
    int64_t function;   /**< its id in the file */
    char *name;         /**< any octets; owned */
    char *program_name; /**< owned */
    int64_t pc;         /**< where the function's contexts begin, the first of them */
    bool is_unknown;    /**< nobody on the stack had called it */
    uint64_t calls;
    int64_t gas;
    uint64_t host_calls;
    int64_t host_gas;
    uint64_t deeper_calls;
    int64_t deeper_gas;
    uint64_t samples;  /**< ticks of the sampling timer that met it */
    int64_t total_gas; /**< in all, with what it calls; computed */
} pvm_prof_call_node_t;

/** Zero-initialized it is empty. Owned: pvm_prof_call_tree_free(). */
typedef struct {
    pvm_prof_call_node_t *nodes;
    uint32_t count;
    uint32_t *places; /**< of each row of call_node, by id: its node */
    uint32_t row_count;
} pvm_prof_call_tree_t;

/** Whether calls were followed in this recording. */
bool pvm_prof_call_tree_is_there(pvm_prof_run_file_t *file);
/** Whether it explains all gas used: in a merged file some recordings may have no calls, and what was selected is not all. */
bool pvm_prof_call_tree_is_whole(pvm_prof_run_file_t *file);
/** Read it. @param fold  a function inside of itself counts for the outer one
 *  Errors: E_FORMAT, E_SYSTEM. Owns: the caller, also after an error. */
pvm_prof_status_t pvm_prof_call_tree_read(pvm_prof_run_file_t *file, bool fold,
                                          pvm_prof_call_tree_t *out);
void pvm_prof_call_tree_free(pvm_prof_call_tree_t *tree);

#endif
