/* The conversation of guest and host: the sequence of host calls in a run file, decoded, folded, summed up, and
 * compared with that of another run. */
#ifndef PVM_PROFILER_CONVERSATION_H
#define PVM_PROFILER_CONVERSATION_H

#include "profiler/run_file.h"
#include "profiler/table.h"

#include <stdbool.h>

/** How it is shown. */
typedef enum {
    PVM_CONVERSATION_LIST,   /**< one row for each call */
    PVM_CONVERSATION_FOLDED, /**< repeated runs of calls in one row */
    PVM_CONVERSATION_LATENCY /**< one row for each name: times and gas */
} pvm_conversation_form_t;

/** Which calls. Zero-fill, set `size`. */
typedef struct {
    size_t size;
    pvm_conversation_form_t form;
    bool is_narrow; /**< LIST: for people: fewer columns, results by name */
    bool is_tree;   /**< LIST: indent calls of inner machines below the machine that runs them */
    bool has_service;
    uint32_t service;
    bool has_vm;
    int64_t vm;
    const char *call;   /**< name or number; NULL: all */
    const char *result; /**< name (NONE, WHAT, ...) or number; NULL: all */
    uint32_t top;       /**< most rows; 0: all */
} pvm_conversation_options_t;

/** Errors: E_ARGUMENT: a result that is neither name nor number; E_FORMAT; E_SYSTEM. Owns: the caller gets the table. */
pvm_prof_status_t pvm_prof_conversation(pvm_prof_run_file_t *file,
                                        const pvm_conversation_options_t *options,
                                        pvm_prof_table_t **out_table);

/** Compare two: times apart, they are the same, or differ first in one call. Errors: E_FORMAT: one has only sums of them.
 *  @param out_same   whether they are
 *  @param out_table  one row for each thing that differs in that call; without rows if they are the same */
pvm_prof_status_t pvm_prof_conversation_compare(pvm_prof_run_file_t *a, pvm_prof_run_file_t *b,
                                                bool *out_same, pvm_prof_table_t **out_table);

/* -- Between the files of the conversation: conversation_kept.c -- */

/** Say so if host calls were made of which nothing but sums was kept. @return an SQLite code */
int pvm_conversation_note_missing(pvm_prof_run_file_t *file, pvm_prof_table_t *table);
/** The same as an error: E_FORMAT, E_SYSTEM. */
pvm_prof_status_t pvm_conversation_need_rows(pvm_prof_run_file_t *file);

/* -- conversation_asked.c -- */

/** Say so if calls, machines or services that were asked for made no host calls, and which did. @return an SQLite code */
int pvm_conversation_note_unknown(pvm_prof_run_file_t *file,
                                  const pvm_conversation_options_t *options,
                                  pvm_prof_table_t *table);

#endif
