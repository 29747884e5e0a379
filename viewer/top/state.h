/* Inside `top`: between its model, its tables and its metrics. */
#ifndef PVM_VIEWER_TOP_STATE_H
#define PVM_VIEWER_TOP_STATE_H

#include "profiler/attach/overhead.h"
#include "profiler/attach/samples.h"
#include "profiler/functions.h"
#include "viewer/top/model.h"

/** Sums of one key: now, and when the interval began. */
typedef struct {
    pvm_bpf_total_key_t key;
    pvm_bpf_total_t now;
    pvm_bpf_total_t before;
} top_entry_t;

/** A program that a figure named, with its functions. */
typedef struct {
    uint64_t hash;
    pvm_program_t *program;
    pvm_prof_functions_t functions;
    char name[128];
} top_program_t;

struct pvm_top_t {
    pvm_attach_t *attach;
    pvm_overhead_t overhead;
    pvm_images_t images;
    pvm_samples_t samples; /**< of the interval that goes on */
    pvm_samples_t shown;   /**< of the last one */
    uint64_t elsewhere;    /**< samples of threads that ran no machine, in the last interval */
    uint64_t elsewhere_before;
    top_entry_t *entries;
    size_t entry_count;
    size_t entry_room;
    size_t cursor; /**< where the next entry is expected */
    bool waits;    /**< for processes that may come */
    top_program_t *programs;
    size_t program_count;
    uint64_t refreshed_ns;
    double seconds; /**< of the last interval */
};

static inline double pvm_top_rate(const pvm_top_t *top, uint64_t now, uint64_t before)
{
    return top->seconds > 0 ? (double)(now - before) / top->seconds : 0;
}

/** A program by its hash; NULL if it is not known, or no memory. Borrowed. */
const top_program_t *pvm_top_program(pvm_top_t *top, uint64_t hash);
/** Name of the function that a pc is in; "?" for unknown programs. */
const char *pvm_top_function(const top_program_t *program, uint32_t pc);
/** Name of a process. */
const char *pvm_top_process(const pvm_top_t *top, uint32_t process);
/** Samples of all kinds, at least 1. */
uint64_t pvm_top_samples(const pvm_top_t *top, const pvm_samples_t *samples, uint64_t elsewhere);

#endif
