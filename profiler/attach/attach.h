/* Attaching to running processes with eBPF: the programs of trace/bpf/ are loaded, hung on the probes of every libpvm that
 * the chosen processes have mapped, and their records are handed over one by one. Needs root or CAP_SYS_ADMIN.
 *
 * Processes are found by pid, by name or all of them; those that come later are found within a second. Nothing is left
 * behind in a target, however this process ends: the kernel takes probes away with their owner. */
#ifndef PVM_PROFILER_ATTACH_ATTACH_H
#define PVM_PROFILER_ATTACH_ATTACH_H

#include "profiler/attach/remote.h"
#include "profiler/run_file.h"
#include "trace/bpf/shared.h"

/** Which host calls are trapped: the steps of backing off. */
typedef enum {
    PVM_ATTACH_EVERY, /**< all */
    PVM_ATTACH_64TH,  /**< those whose number is a multiple of 64; the others cost nanoseconds */
    PVM_ATTACH_EXECUTIONS, /**< none, but executions and machines */
    PVM_ATTACH_SAMPLES,    /**< none, and no executions */
    PVM_ATTACH_LEVEL_COUNT
} pvm_attach_level_t;

/** What a level collects, in a few words. */
const char *pvm_attach_level_name(pvm_attach_level_t level);

/** Zero-fill, set `size`; zero means default. */
typedef struct {
    size_t size;
    pid_t pid;        /**< this process; else: */
    const char *comm; /**< processes of this name; NULL: all with libpvm */
    bool wants_service;
    uint32_t service;
    bool wants_call;
    int32_t call;
    bool
        sums_up; /**< sums in the kernel instead of records of host calls; no records of machines */
    bool calls_only;    /**< host calls only: no programs, machines, executions */
    unsigned sample_hz; /**< samples per second and processor; 0: none */
} pvm_attach_options_t;

/** A process that was found. */
typedef struct {
    pid_t pid;
    char name[16];
    bool is_gone;
    int copy_count;
    pvm_remote_copy_t copies[PVM_REMOTE_COPIES_MAX];
    uint32_t ids[PVM_REMOTE_COPIES_MAX]; /**< `copy` in the headers of their records */
    uint64_t identity;    /**< of the program that it runs: another one after exec() */
    uint64_t attached_ns; /**< when all probes were there: CLOCK_MONOTONIC */
    uint64_t left_ns;     /**< when it was seen to run another program */
    uint64_t cpu_ns;      /**< that it has used since it was found */
    uint64_t cpu_start_ns;
    struct pvm_attach_links_t *links; /**< inside */
} pvm_attach_process_t;

/** Called for each record, in order of arrival; borrowed. */
typedef void (*pvm_attach_handler_t)(void *user_data, const pvm_bpf_header_t *header,
                                     const void *record, size_t bytes);

typedef struct pvm_attach_t pvm_attach_t;

/** Load, find and attach. Errors: E_ARGUMENT: there is no such process, or no libpvm in it; E_SYSTEM: missing privilege, or
 *  a kernel without what is needed; pvm_last_error() names it and the mend. */
pvm_prof_status_t pvm_attach_open(const pvm_attach_options_t *options, pvm_attach_handler_t handler,
                                  void *user_data, pvm_attach_t **out);
/** Look whether processes run another program, where that was a tenth of a second ago or is due, and once a second for new ones. */
void pvm_attach_look(pvm_attach_t *attach, bool is_due);
/** Look, and hand over what has come. @return records handed over */
size_t pvm_attach_poll(pvm_attach_t *attach);
/** Attach to calls in another way. @return 0, or -1: as before */
int pvm_attach_set_level(pvm_attach_t *attach, pvm_attach_level_t level);
/** Bring `cpu_ns` and `is_gone` of all processes up to date; pvm_attach_look() does so once a second. */
void pvm_attach_refresh(pvm_attach_t *attach);
/** Take the probes away; records that wait can still be polled. */
void pvm_attach_detach(pvm_attach_t *attach);
void pvm_attach_close(pvm_attach_t *attach);

/** Processes, also those that are gone, as long as there is room. Borrowed, until the next poll. */
const pvm_attach_process_t *pvm_attach_processes(const pvm_attach_t *attach, size_t *out_count);
/** Processor time of processes that had to make room for new ones, and are not in the list any more. */
uint64_t pvm_attach_forgotten_cpu_ns(const pvm_attach_t *attach);
/** How often a process has begun another program (exec()). It is attached to anew, as far as there is libpvm in that, too. */
uint64_t pvm_attach_execs(const pvm_attach_t *attach);
/** Whether any is alive. */
bool pvm_attach_is_alive(const pvm_attach_t *attach);
/** Counters of a kind of records, summed up over processors. */
pvm_bpf_counters_t pvm_attach_counters(const pvm_attach_t *attach, uint32_t kind);
/** Counters of one processor. */
int pvm_attach_cpus(void);
pvm_bpf_counters_t pvm_attach_counters_of(const pvm_attach_t *attach, uint32_t kind, int cpu);
/** Traps so far, of all kinds. */
uint64_t pvm_attach_hits(const pvm_attach_t *attach);
/** Walk over the sums. */
typedef void (*pvm_attach_total_t)(void *user_data, const pvm_bpf_total_key_t *key,
                                   const pvm_bpf_total_t *total);
void pvm_attach_totals(const pvm_attach_t *attach, pvm_attach_total_t take, void *user_data);

/** What a trap at host_call costs the target, in ns: measured on this process. 0: it could not be measured. */
double pvm_attach_calibrate(bool sums_up);

#endif
