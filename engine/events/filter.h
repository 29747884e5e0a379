/* Selective tracing: which machines, which of their host calls and which of their blocks are told.
 *
 * A filter is a text, the same for pvm_set_trace_filter(), PVM_TRACE_FILTER and `pvmscope record --select`; trace.h tells
 * what it may hold. A machine with a filter counts as a listener, so that machines without one pay nothing. */
#ifndef PVM_EVENTS_FILTER_H
#define PVM_EVENTS_FILTER_H

#include <pvm/trace.h>
#include <stdatomic.h>
#include <stdbool.h>

/** Longest filter, with its end. */
#define PVM_FILTER_BYTES 1024
/** Values of one key. */
#define PVM_FILTER_VALUES 16
/** Pieces of code that functions may consist of. */
#define PVM_FILTER_RANGES 4096

/** A host call by name or number. */
typedef struct {
    const char *name; /**< in the filter's words */
    int32_t func_id;
    bool is_number;
} pvm_filter_call_t;

typedef struct {
    uint32_t begin;
    uint32_t end; /**< exclusive */
} pvm_filter_range_t;

/** A filter that was understood. Immutable, counted. */
typedef struct {
    atomic_uint references;
    char text[PVM_FILTER_BYTES];  /**< as it was given */
    char words[PVM_FILTER_BYTES]; /**< the same, cut into words */
    uint32_t services[PVM_FILTER_VALUES];
    size_t service_count;
    pvm_filter_range_t ranges[PVM_FILTER_VALUES];
    size_t range_count;
    const char *functions[PVM_FILTER_VALUES];
    size_t function_count;
    pvm_filter_call_t starts[PVM_FILTER_VALUES];
    size_t start_count;
    pvm_filter_call_t stops[PVM_FILTER_VALUES];
    size_t stop_count;
    pvm_filter_call_t arounds[PVM_FILTER_VALUES];
    size_t around_count;
    uint64_t after;
} pvm_filter_t;

/** What a machine keeps of its filter. */
typedef struct pvm_filter_state_t {
    pvm_filter_t *filter;
    bool is_selected; /**< its service is */
    bool is_open;     /**< its blocks and host calls are told now */
    bool is_around;   /**< open for one host call and what follows it */
    bool is_untold;   /**< the host call that is pending is not told */
    bool has_ranges;
    pvm_filter_range_t *ranges; /**< sorted, apart from each other */
    size_t range_count;
    struct pvm_counts_t *counts; /**< those of the machine, while it is not open, */
    struct pvm_calls_t *calls;   /**< and its calls; guest code is entered anew when it opens */
} pvm_filter_state_t;

/** Understand a text. NULL with pvm_last_error(). */
pvm_filter_t *pvm_filter_parse(const char *text);
/** Whether it leaves out parts of the machines that it selects. */
bool pvm_filter_is_partial(const pvm_filter_t *filter);
/** Whether it selects stretches between host calls. */
bool pvm_filter_has_stretches(const pvm_filter_t *filter);
void pvm_filter_acquire(pvm_filter_t *filter);
void pvm_filter_release(pvm_filter_t *filter);
/** The pieces of code that it selects in a program, sorted. @return 0, or -1: no memory, or no such function */
int pvm_filter_resolve(const pvm_filter_t *filter, const pvm_program_t *program,
                       pvm_filter_range_t **out_ranges, size_t *out_count);

/* -- Machines: filter.c -- */

/** A machine was made: the filter of the process is its filter. */
void pvm_filter_inherit(pvm_vm_t *vm);
void pvm_filter_free(pvm_vm_t *vm);
/** A run begins, before it is chosen what is collected. */
void pvm_filter_run_begin(pvm_vm_t *vm, pvm_run_kind_t kind);
/** Around a host call of a machine with a filter. */
void pvm_filter_call_begin(pvm_vm_t *vm);
void pvm_filter_call_end(pvm_vm_t *vm);
/** Counts stand aside while the machine is not open, so that code without counting runs. Give them to the machine while
 *  what is collected is being changed, and take them away again. Neither changes what they say. */
void pvm_filter_counts_back(pvm_vm_t *vm);
void pvm_filter_counts_aside(pvm_vm_t *vm);
/** Whether a block is in the selected code. */
bool pvm_filter_has_block(const pvm_filter_state_t *state, const pvm_program_t *program,
                          uint32_t block);

#endif
