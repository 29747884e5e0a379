/* The run file: one SQLite file per recording. Creating, opening, closing it and its run_info;
 * rows are written by recorder.h and read through the views by report.h.
 *
 * Contract: docs/run-file.md (schema, views, life of a file). Failures leave their text in
 * pvm_last_error(): what happened, to which file, what to do. */
#ifndef PVM_PROFILER_RUN_FILE_H
#define PVM_PROFILER_RUN_FILE_H

#include <stddef.h>
#include <stdint.h>

/** PRAGMA user_version of the files that this program writes; it reads 1 up to this. */
#define PVM_PROF_SCHEMA_VERSION 2
/** PRAGMA application_id: "PVMS". A file without it is not ours. */
#define PVM_PROF_APPLICATION_ID 0x50564d53

/** Keys of run_info that more than one place names; docs/run-file.md lists all. */
#define PVM_PROF_INFO_STATUS          "status"
#define PVM_PROF_INFO_REASON          "reason"
#define PVM_PROF_INFO_PROGRAM         "program"
#define PVM_PROF_INFO_SPEC            "spec"
#define PVM_PROF_INFO_SPEC_GUESSED    "spec_guessed" /**< "1" or "0" */
#define PVM_PROF_INFO_BACKEND         "backend"
#define PVM_PROF_INFO_FORMAT          "format"
#define PVM_PROF_INFO_ENTRY           "entry"
#define PVM_PROF_INFO_ARGUMENTS       "arguments" /**< as given on the command line */
#define PVM_PROF_INFO_HOST            "host"      /**< the --host option */
#define PVM_PROF_INFO_INSTRUMENTATION "instrumentation"
#define PVM_PROF_INFO_SELECTED        "selected" /**< the trace filter; absent: everything */
#define PVM_PROF_INFO_MERGED          "merged"   /**< from how many recordings */

/** Why a call failed: tells exit code 3 (bad input) from 4 (environment). */
typedef enum {
    PVM_PROF_OK = 0,
    PVM_PROF_E_FORMAT = -1, /**< not a run file, of a newer version, or damaged */
    PVM_PROF_E_EXISTS = -2, /**< the file is there and is not ours to replace */
    PVM_PROF_E_SYSTEM = -3, /**< disk full, no permission, no memory, no such file */
    PVM_PROF_E_ARGUMENT = -4,
    PVM_PROF_E_INTERRUPTED = -5 /**< the user wanted it to stop */
} pvm_prof_status_t;

/** How far a recording got: what run_info says under "status". */
typedef enum {
    PVM_PROF_RUN_RECORDING, /**< still going on, or killed: a reader cannot tell */
    PVM_PROF_RUN_COMPLETE,
    PVM_PROF_RUN_INTERRUPTED, /**< the user ended it; everything up to there is in the file */
    PVM_PROF_RUN_INCOMPLETE   /**< something could not be stored; "reason" says what */
} pvm_prof_run_status_t;

typedef struct pvm_prof_run_file_t pvm_prof_run_file_t;

/** Start a recording at `path`. The file appears there at once, whole, with status "recording".
 *  An older run file is replaced by renaming; any other file that is not empty is left alone.
 *  Errors: E_EXISTS (foreign file, or one that is being recorded now), E_SYSTEM.
 *  Owns: the caller, who ends it with pvm_prof_run_file_close(). */
pvm_prof_status_t pvm_prof_run_file_create(const char *path, pvm_prof_run_file_t **out_file);

/** The same, but the file comes to its place only with pvm_prof_run_file_publish(); closed without it, it is gone and
 *  nothing has changed. Its path is that of the place. */
pvm_prof_status_t pvm_prof_run_file_create_beside(const char *path, pvm_prof_run_file_t **out_file);
/** Finish it as one file and put it in its place. Errors: E_SYSTEM. */
pvm_prof_status_t pvm_prof_run_file_publish(pvm_prof_run_file_t *file);
/** A run file in memory, for sums that nobody keeps. */
pvm_prof_status_t pvm_prof_run_file_create_memory(const char *name, pvm_prof_run_file_t **out_file);

/** Open an existing run file for reading. Nothing in it is changed.
 *  Errors: E_FORMAT, E_SYSTEM. Cost: O(1), whatever the size. */
pvm_prof_status_t pvm_prof_run_file_open(const char *path, pvm_prof_run_file_t **out_file);

/** Close. A recording that was not finished stays "recording". NULL is ignored. */
void pvm_prof_run_file_close(pvm_prof_run_file_t *file);

/** Where it is written; until it is published not where it will be. Borrowed from the file. */
const char *pvm_prof_run_file_location(const pvm_prof_run_file_t *file);

/** The path as given. Borrowed from the file. */
const char *pvm_prof_run_file_path(const pvm_prof_run_file_t *file);

/** Set a pair of run_info, of a file being recorded. Thread: any. */
pvm_prof_status_t pvm_prof_run_file_set_info(pvm_prof_run_file_t *file, const char *key,
                                             const char *value);
/** Read a pair of run_info into `out`, cut to fit. @return its whole length, or -1 if there is
 * none (out is ""). */
int pvm_prof_run_file_get_info(pvm_prof_run_file_t *file, const char *key, char *out,
                               size_t out_bytes);
/** The status that the file gives. RECORDING for whatever it does not know. */
pvm_prof_run_status_t pvm_prof_run_file_status(pvm_prof_run_file_t *file);

#endif
