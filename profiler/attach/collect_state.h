/* Inside the collector: between its files. */
#ifndef PVM_PROFILER_ATTACH_COLLECT_STATE_H
#define PVM_PROFILER_ATTACH_COLLECT_STATE_H

#include "profiler/attach/collect.h"
#include "profiler/attach/machines.h"
#include "profiler/attach/overhead.h"
#include "profiler/attach/samples.h"
#include "profiler/event_order.h"
#include "profiler/feed.h"
#include "trace/bpf/shared.h"

#include <stdio.h>
#include <time.h>

/** A sample that has been sorted; pc UINT32_MAX: in the engine. */
typedef struct {
    uint64_t vm;
    uint64_t program;
    uint32_t service;
    uint32_t backend;
    uint32_t pc;
} pvm_collect_sample_t;

struct pvm_collect_t {
    pvm_prof_run_file_t *file;
    const pvm_collect_options_t *options;
    pvm_attach_t *attach;
    pvm_prof_feed_t *feed;
    pvm_order_t *order;
    pvm_images_t images;
    pvm_machines_t machines;
    pvm_overhead_t overhead;
    int hosts[PVM_REMOTE_COPIES_MAX]; /**< of the feed, by index of the copy; -1: not made */
    uint64_t
        end_ns; /**< probes go one by one: what is told later is not collected; 0: not known yet */
    uint64_t sample_kinds[PVM_SAMPLE_UNKNOWN + 1];
    uint64_t lost_others;    /**< records that could not be used */
    uint64_t missed_in_sums; /**< host calls that are not in the sums */
    uint64_t
        without_program;   /**< host calls of programs that were gone before they could be read */
    uint64_t begun_before; /**< host calls that had begun before the probe was there */
    pvm_collect_state_t state;
    pvm_prof_status_t status; /**< the first failure, */
    char failure[512];        /**< and what pvm_last_error() said of it */
};

typedef struct pvm_collect_t collect_t;

static inline uint64_t pvm_collect_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** Keep the first failure. */
static inline void pvm_collect_note(collect_t *collect, pvm_prof_status_t status)
{
    if (collect->status == PVM_PROF_OK && status != PVM_PROF_OK) {
        collect->status = status;
        (void)snprintf(collect->failure, sizeof(collect->failure), "%s", pvm_last_error());
    }
}

/* -- collect_records.c: records to the feed ------------------------------------------------ */

/** As they come: pvm_attach_handler_t. */
void pvm_collect_on_record(void *user_data, const pvm_bpf_header_t *header, const void *record,
                           size_t bytes);
/** In order: pvm_order_take_t. */
void pvm_collect_on_ordered(void *user_data, uint64_t time_ns, pvm_order_side_t side,
                            const void *header, void *record);
void pvm_collect_feed(collect_t *collect, const pvm_image_t *image, uint64_t time_ns,
                      pvm_event_kind_t kind, const void *record);
/** Feed a program that was read from its process, unless it is known. */
void pvm_collect_feed_program(collect_t *collect, const pvm_remote_program_t *remote);
/** @return false: the program is not known and gone; what is told of it cannot be recorded */
bool pvm_collect_need_program(collect_t *collect, pvm_image_t *image, uint64_t hash);
void pvm_collect_begin_call(collect_t *collect, pvm_image_t *image, uint64_t time_ns,
                            const pvm_event_host_call_t *call);

/* -- collect_samples.c --------------------------------------------------------------------- */

/** A sample has come: sort it, and put it into the order. */
void pvm_collect_sort_sample(collect_t *collect, const pvm_bpf_header_t *header,
                             const pvm_bpf_sample_t *record);
/** Its turn has come. */
void pvm_collect_take_sample(collect_t *collect, pvm_image_t *image, uint64_t time_ns,
                             const pvm_collect_sample_t *sample);
/** Give the feed the samples of a machine that wait; NULL: of none. */
void pvm_collect_flush_samples(collect_t *collect, const pvm_image_t *image, uint64_t time_ns,
                               pvm_machine_t *machine);
/** Records of a program come that a process runs now, after exec(): the machines of the one before are gone, and their numbers
 *  begin anew. */
void pvm_collect_replace(collect_t *collect, pvm_image_t *image, uint64_t time_ns);
/** Of all machines. */
void pvm_collect_flush_all_samples(collect_t *collect);

/* -- collect_processes.c: what is read from the processes ---------------------------------- */

/** Look at processes that are new; if it is due, at all. Programs are read before they are gone. */
void pvm_collect_look(collect_t *collect, bool is_due);
/** Note the host calls that are going on. */
void pvm_collect_note_open_calls(collect_t *collect);
/** Feed those of which no end was seen. */
void pvm_collect_feed_open_calls(collect_t *collect);

/* -- collect_facts.c ----------------------------------------------------------------------- */

void pvm_collect_count_losses(collect_t *collect);
/** Records that did not come and are of no host calls. */
uint64_t pvm_collect_lost_others(const collect_t *collect);
/** What it cost and what is missing, into run_info. */
void pvm_collect_store_facts(collect_t *collect);
/** Count what the kernel has summed up so far, if it does. */
void pvm_collect_count_sums(collect_t *collect);
/** Feed it. */
void pvm_collect_feed_sums(collect_t *collect);

#endif
