/* From events to a run file: what an importer reads is fed in here, event by event, in order of time.
 *
 * For each machine in the events there is a stand-in, a machine of this process that never executes: it is given the
 * registers, gas and counts that the events tell, and the recorder watches it as it would watch the real one. So the
 * run file is the one that the recorder would have written there. */
#ifndef PVM_PROFILER_FEED_H
#define PVM_PROFILER_FEED_H

#include "profiler/recorder.h"
#include "trace/events.h"

#include <stdbool.h>

/** Hosts of one import. */
#define PVM_PROF_MAX_HOSTS 1024
/** Machines that are alive at one time. */
#define PVM_PROF_MAX_ALIVE 24576

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    uint32_t instrument; /**< PVM_PROF_*: what the events tell */
    const char
        *program_name; /**< for all programs; NULL: what the events call them, or their hash */
    uint64_t program;  /**< by its hash: only that one is called so; 0: all */
    const char
        *other_name;    /**< borrowed: for others that the events do not name; NULL: their hash */
    const char *source; /**< that errors name, borrowed; NULL: the file */
    const char *
        advice; /**< borrowed: what loses less, for whoever reads that something was lost; NULL: none */
} pvm_prof_feed_options_t;

typedef struct pvm_prof_feed_t pvm_prof_feed_t;

/** Feed into a file from pvm_prof_run_file_create(). Errors: E_SYSTEM, E_ARGUMENT. */
pvm_prof_status_t pvm_prof_feed_create(pvm_prof_run_file_t *file,
                                       const pvm_prof_feed_options_t *options,
                                       pvm_prof_feed_t **out_feed);

/** Set what the events tell (PVM_PROF_*; at least HOST_CALLS), before the first of them. */
void pvm_prof_feed_set_instrument(pvm_prof_feed_t *feed, uint32_t instrument);

/** Number of a host in pvm_prof_feed_event(), made if it is new; -1 without memory, or over the limit. */
int pvm_prof_feed_host(pvm_prof_feed_t *feed, const char *name);

/** The same name again as a number of its own: for several copies of libpvm in one process, which number their machines
 *  independently. */
int pvm_prof_feed_add_host(pvm_prof_feed_t *feed, const char *name);

/** Programs with the same code as this one are taken to be this one, which may know more names. Acquired; NULL: none. */
void pvm_prof_feed_set_program(pvm_prof_feed_t *feed, pvm_program_t *program);

/** Whether a program has been told, by its hash. */
bool pvm_prof_feed_has_program(const pvm_prof_feed_t *feed, uint64_t hash);

/** Whether it has all the programs that it can have: of another one events are refused. */
bool pvm_prof_feed_is_full(const pvm_prof_feed_t *feed);

/** What came of a program so far is not gone on with: it will be told again, from its begin. */
void pvm_prof_feed_forget_pieces(pvm_prof_feed_t *feed, uint64_t hash);

/** One event. Events of programs count in any order; others by time.
 *  @param record  its pvm_event_NAME_t, borrowed
 *  Errors: E_FORMAT: a value that no libpvm tells; E_SYSTEM. What belongs to a program or a machine that no event
 *  has told is counted as lost. Host calls whose begins come late are put into order by pvm_prof_feed_finish(). */
pvm_prof_status_t pvm_prof_feed_event(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                      pvm_event_kind_t kind, const void *record);

/** A host call that was told as a whole: its begin, and later its end, each in its place in time. What is known already, from
 *  host_call_open or host_call_begin, is not fed again. */
pvm_prof_status_t pvm_prof_feed_call_begin(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                           const pvm_event_host_call_t *call);
pvm_prof_status_t pvm_prof_feed_call_end(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                         const pvm_event_host_call_t *call);
/** The begin of a host call, told while it goes on. */
pvm_prof_status_t pvm_prof_feed_call_open(pvm_prof_feed_t *feed, int host, uint64_t time_ns,
                                          const pvm_event_host_call_open_t *call);

/** Whether events of this kind leave anything in a run file; host_memory does for machines that ask for it. Thread: any.
 *  @param instrument  PVM_PROF_*, what is collected: blocks in order are wanted by who keeps them only */
bool pvm_prof_feed_wants(pvm_event_kind_t kind, uint32_t instrument);

/** Sums over many events. */
typedef struct {
    const char *host;
    uint32_t process;
    uint32_t service;
    uint64_t program; /**< by its hash: must have been told */
    uint8_t backend;
    bool is_runs; /**< of executions; else of host calls of one number */
    int32_t func_id;
    uint64_t count;
    uint64_t gas_taken; /**< runs: by guest code */
    uint64_t gas_added; /**< by host calls */
    uint64_t duration_ns;
    const uint64_t *
        classes; /**< host calls by duration: class n is those below 2^n ns, and not below half of that */
    size_t class_count;
} pvm_prof_feed_total_t;

/** Put sums into the file: instead of events, at the end, once for each key. What is of a program that is not known counts as
 *  lost. */
pvm_prof_status_t pvm_prof_feed_total(pvm_prof_feed_t *feed, const pvm_prof_feed_total_t *total);

/** Events or packets that the tracer says it lost. */
void pvm_prof_feed_lost(pvm_prof_feed_t *feed, uint64_t events, uint64_t packets);
/** Host calls of which no event came. */
void pvm_prof_feed_lost_calls(pvm_prof_feed_t *feed, uint64_t calls);

/** Host calls are told when they have ended, and by nothing else: one that is going on at the end is not known. */
void pvm_prof_feed_misses_open_calls(pvm_prof_feed_t *feed);

/** Something was not told at all: what, in words, is told in the file. Borrowed until pvm_prof_feed_finish(); NULL: nothing. */
void pvm_prof_feed_left_out(pvm_prof_feed_t *feed, const char *what);

/** What is fed ends before its end: why is told in the file. Borrowed until pvm_prof_feed_finish(). */
void pvm_prof_feed_broken(pvm_prof_feed_t *feed, const char *reason);

/** If no machine is alive: make the file complete as it stands, see pvm_prof_recorder_checkpoint(). */
void pvm_prof_feed_checkpoint(pvm_prof_feed_t *feed);

/** Finish the recording, as pvm_prof_recorder_finish() does. */
pvm_prof_status_t pvm_prof_feed_finish(pvm_prof_feed_t *feed, pvm_prof_run_status_t status);

/** Free it. NULL is ignored. */
void pvm_prof_feed_destroy(pvm_prof_feed_t *feed);

#endif
