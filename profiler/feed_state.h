/* Inside the feed: programs and machines that events have told of. Internal to the profiler. */
#ifndef PVM_PROFILER_FEED_STATE_H
#define PVM_PROFILER_FEED_STATE_H

#include "profiler/feed.h"
#include "profiler/watch.h"
#include "vm/vm.h"

/** Chains of machines. A power of two. */
#define PVM_PROF_FEED_BUCKETS 65536

/** A program that is coming in, or has come. */
typedef struct {
    uint64_t hash;
    pvm_event_program_load_t load; /**< `name` is not used */
    char *name;
    uint8_t *data;
    uint64_t received;      /**< octets of data so far */
    pvm_program_t *program; /**< NULL until it is whole */
} pvm_feed_program_t;

/** A machine: its stand-in. */
typedef struct pvm_feed_vm_t {
    struct pvm_feed_vm_t *next;
    int host;
    uint64_t id; /**< as events name it */
    pvm_vm_t *vm;
    bool has_called; /**< its last event is the end of a host call */
    uint8_t *arguments;
    uint64_t touched; /**< number of the last event of it; UINT64_MAX: it stays */
    uint32_t arguments_len;
    uint32_t arguments_room;
    uint8_t *memory; /**< pieces of one access of the host */
    uint64_t memory_len;
    pvm_prof_flight_raw_t *flight; /**< of the run that is about to end; NULL: none */
} pvm_feed_vm_t;

/** What stands for all machines of one process, service and program, where only sums are told. */
typedef struct {
    uint32_t process;
    uint32_t service;
    uint64_t program;
    int64_t vm; /**< in the file */
    pvm_feed_vm_t *entry;
} pvm_feed_sum_t;

struct pvm_prof_feed_t {
    pvm_prof_run_file_t *file;
    pvm_prof_recorder_t *recorder; /**< made with the first event, whose time is the start */
    const char *source;            /**< borrowed: that errors name */
    uint32_t instrument;
    const char *program_name; /**< borrowed from the options: owned here */
    uint64_t named;           /**< hash of the program that is called so; 0: all */
    const char *other_name;   /**< borrowed: of others without a name */
    char *owned_name;
    char *hosts[PVM_PROF_MAX_HOSTS];
    int host_count;
    pvm_feed_program_t *programs;
    size_t program_count;
    pvm_prof_map_t program_by_hash;
    pvm_feed_vm_t *buckets[PVM_PROF_FEED_BUCKETS];
    size_t alive;
    uint64_t events; /**< of machines, so far */
    uint64_t lost_events;
    uint64_t lost_packets;
    uint64_t lost_calls;
    const char *advice;   /**< borrowed from the options */
    const char *left_out; /**< borrowed: what was not told at all; NULL: nothing */
    bool misses_open_calls;
    char running[256];     /**< what ran when the recording ended */
    const char *broken;    /**< borrowed: why what is fed ends before its end; NULL: it does not */
    uint64_t last_call_ns; /**< latest begin of a host call */
    uint64_t late_ns;      /**< earliest that came after one that began later; 0: none */
    pvm_feed_sum_t *sums;
    size_t sum_count;
    pvm_program_t *substitute; /**< for programs with its code; NULL: none */
};

/* -- feed.c -- */

/** Make the recorder, whose time begins. */
pvm_prof_status_t pvm_feed_start_recorder(pvm_prof_feed_t *feed);
/** NULL: no event has told of it. */
pvm_feed_vm_t *pvm_feed_vm_find(pvm_prof_feed_t *feed, int host, uint64_t id);
/** Make a stand-in. *out_entry is NULL if its program is not known. */
pvm_prof_status_t pvm_feed_vm_make(pvm_prof_feed_t *feed, int host,
                                   const pvm_event_execute_begin_t *event,
                                   pvm_feed_vm_t **out_entry);

/* -- feed_programs.c -- */

pvm_feed_program_t *pvm_feed_program_find(pvm_prof_feed_t *feed, uint64_t hash);
pvm_prof_status_t pvm_feed_program_load(pvm_prof_feed_t *feed,
                                        const pvm_event_program_load_t *event);
pvm_prof_status_t pvm_feed_program_data(pvm_prof_feed_t *feed,
                                        const pvm_event_program_data_t *event);
void pvm_feed_programs_free(pvm_prof_feed_t *feed);

/* -- feed_running.c -- */

/** Have the recorder say which machines run, now that it ends. */
void pvm_feed_tell_running(pvm_prof_feed_t *feed);

/* -- feed_order.c -- */

/** Number host calls by the times at which they began. @param from_ns  as in the file; those before are in order */
pvm_prof_status_t pvm_feed_sort_calls(pvm_prof_run_file_t *file, int64_t from_ns);

/* -- feed_flight.c -- */

pvm_prof_status_t pvm_feed_flight(pvm_feed_vm_t *entry, const pvm_event_flight_t *event);
/** The run has ended: give its execution what was told of it. */
void pvm_feed_flight_end(pvm_feed_vm_t *entry, pvm_result_t result);

/* -- feed_counts.c -- */

/** Events do not tell whether the guest stopped on its way to a block or inside of one: find out, and have it in
 *  vm->arrival, before the stand-in is set to what the begin of a run says, */
void pvm_feed_arrival_begin(pvm_vm_t *vm, const pvm_event_execute_begin_t *event);
/** and its end. @param has_called  nothing happened since a host call ended */
void pvm_feed_arrival_end(pvm_vm_t *vm, const pvm_event_execute_end_t *event, bool has_called);

pvm_prof_status_t pvm_feed_block_counts(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                        const pvm_event_block_counts_t *event);
pvm_prof_status_t pvm_feed_call_samples(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                        const pvm_event_call_samples_t *event);
pvm_prof_status_t pvm_feed_call_tree(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                     const pvm_event_call_tree_t *event);
pvm_prof_status_t pvm_feed_indirect_jumps(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                          const pvm_event_indirect_jumps_t *event);
pvm_prof_status_t pvm_feed_samples(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                   const pvm_event_samples_t *event);
pvm_prof_status_t pvm_feed_block_batch(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                       const pvm_event_block_batch_t *event);
void pvm_feed_gas(pvm_vm_t *vm, const pvm_event_gas_t *event);
pvm_prof_status_t pvm_feed_edge_counts(const pvm_prof_feed_t *feed, pvm_vm_t *vm,
                                       const pvm_event_edge_counts_t *event);

#endif
