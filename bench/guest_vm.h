/* Guests as the benches run them: natively and in a VM. */
#ifndef PVM_BENCH_GUEST_VM_H
#define PVM_BENCH_GUEST_VM_H

#include "bench.h"

#include <pvm/pvm.h>

typedef struct {
    const char *name;
    uint64_t (*native)(uint64_t n);
    uint64_t (*vectorized)(uint64_t n);
    uint64_t (*rolled)(uint64_t n); /**< without unrolling, as the guests are */
} bench_guest_t;

extern const bench_guest_t bench_guests_list[];
extern const size_t bench_guest_count;

/** A way to run a guest: a column of a table, by id and by header. */
typedef struct {
    const char *id;
    const char *header;
    pvm_spec_t spec;
    pvm_backend_t backend;
} bench_form_t;

#define BENCH_FORM_COUNT 4
extern const bench_form_t bench_forms[BENCH_FORM_COUNT];

/** A kind of instrumentation, the key and title of its table, and its bars: run time over the run without, 0 for none. */
typedef struct {
    const char *key;
    const char *title;
    uint32_t flags;
    uint32_t hz; /**< of samples */
    double bar_interpreter;
    double bar_recompiler;
} bench_kind_t;

#define BENCH_KIND_COUNT 6
extern const bench_kind_t bench_kinds[BENCH_KIND_COUNT];

/** The table of a kind, NULL without memory, and the geometric means over the guests. */
pvm_prof_table_t *bench_measure_kind(const bench_options_t *options, const bench_kind_t *kind,
                                     double out_means[BENCH_FORM_COUNT]);

/** Whether --only leaves this guest in. */
bool bench_guest_is_wanted(const bench_options_t *options, const bench_guest_t *guest);

/** A VM with the guest's blob for this spec, and the pc of its main. NULL and one line on stderr if there is none. */
pvm_vm_t *bench_guest_vm(const bench_options_t *options, const bench_guest_t *guest,
                         pvm_spec_t spec, pvm_backend_t backend, uint32_t *out_entry);
/** Nanoseconds of one run of main(n). Ends the process if the checksum is wrong: it keeps everybody honest. */
double bench_time_vm(pvm_vm_t *vm, uint32_t entry, uint64_t n, uint64_t checksum);
/** Nanoseconds of one native run, and its checksum. */
double bench_time_native(uint64_t (*function)(uint64_t), uint64_t n, uint64_t *out_checksum);
/** The n that makes the native run last as long as asked. */
uint64_t bench_calibrate(const bench_guest_t *guest, double wanted_ns);

#endif
