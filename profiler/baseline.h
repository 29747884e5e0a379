/* What a run cost, as a small text for a repository, and how another run differs from it. docs/ci.md tells the format. */
#ifndef PVM_PROFILER_BASELINE_H
#define PVM_PROFILER_BASELINE_H

#include "profiler/run_file.h"

#include <stdbool.h>
#include <stdio.h>

/** First line of such a file, before the version. */
#define PVM_PROF_BASELINE_HEAD    "pvmscope baseline "
#define PVM_PROF_BASELINE_VERSION 1
/** Longest line, and most of them. */
#define PVM_PROF_BASELINE_LINE_BYTES 4096
#define PVM_PROF_BASELINE_MAX_LINES  1000000

/** In the order in which they stand in the file. */
typedef enum {
    PVM_BASELINE_RESULT, /**< count: executions that ended so */
    PVM_BASELINE_TOTAL,  /**< gas used */
    PVM_BASELINE_BLOCKS, /**< of it in blocks; absent if they were not counted */
    PVM_BASELINE_HOST,   /**< of it in host calls */
    PVM_BASELINE_FUNCTION,
    PVM_BASELINE_HOST_CALL,
    PVM_BASELINE_KIND_COUNT
} pvm_baseline_kind_t;

typedef struct {
    pvm_baseline_kind_t kind;
    char *name;    /**< printable; "" for the sums; owned */
    int64_t gas;   /**< RESULT: 0 */
    int64_t count; /**< RESULT: executions; HOST_CALL: calls; else 0 */
} pvm_baseline_item_t;

/** Owned: pvm_baseline_free(). */
typedef struct {
    char spec[64];
    pvm_baseline_item_t *items; /**< sorted by kind and name, each once */
    size_t count;
    size_t room;
    bool is_incomplete; /**< of a recording that lost something or did not end */
} pvm_baseline_t;

/** Of a recording. Errors: E_FORMAT (its figures do not reconcile), E_SYSTEM. Owns: the caller, also after an error. */
pvm_prof_status_t pvm_baseline_of_run(pvm_prof_run_file_t *file, pvm_baseline_t *out);
/** From text. @param name  for messages. Errors: E_FORMAT (with the line), E_SYSTEM. Owns: as above. */
pvm_prof_status_t pvm_baseline_read(FILE *in, const char *name, pvm_baseline_t *out);
/** As text; what the stream thinks of it is ferror()'s. */
void pvm_baseline_write(const pvm_baseline_t *baseline, FILE *out);
void pvm_baseline_free(pvm_baseline_t *baseline);

/** The word of a kind in the file. */
const char *pvm_baseline_word(pvm_baseline_kind_t kind);
/** The item of this kind and name, or NULL. */
const pvm_baseline_item_t *pvm_baseline_find(const pvm_baseline_t *baseline,
                                             pvm_baseline_kind_t kind, const char *name);

/* -- Between its files --------------------------------------------------------------------- */

/** Add to an item, made if it is new. @return 0, or -1 without memory */
int pvm_baseline_add(pvm_baseline_t *baseline, pvm_baseline_kind_t kind, const char *name,
                     int64_t gas, int64_t count);
/** Sort, and put items of one name together. */
void pvm_baseline_settle(pvm_baseline_t *baseline);

#endif
