/* A vector being run: its machine, and what is checked of it. */
#ifndef CASE_RUNNER_RUN_H
#define CASE_RUNNER_RUN_H

#include "vector.h"

/* Distinct pages that a vector may map. */
#define MAX_PAGES 4096

typedef enum { MODE_WHOLE, MODE_STEP, MODE_COUNTING, MODE_COUNTING_STEP, MODE_COUNT } run_mode_t;

/* Everything that can be seen of a machine after a run. */
typedef struct {
    pvm_result_t result;
    int state;
    uint32_t pc;
    int64_t gas;
    int host_call;
    uint32_t fault;
    int charged;
    uint64_t regs[PVM_REGISTER_COUNT];
    uint64_t memory_hash;
} snapshot_t;

typedef struct {
    const vector_t *vector;
    pvm_backend_t backend;
    run_mode_t mode;
    pvm_vm_t *vm;
    pvm_program_t *program;
    bool has_run;
    bool has_failed;
    int64_t gas_given; /* by the start and by set-gas, less what set-gas took away */
    uint32_t pages[MAX_PAGES];
    size_t page_count;
    bool is_reference;     /* the first of all ways, which the others are compared with */
    snapshot_t *snapshots; /* of that one, one for each run */
    size_t snapshot_count;
} run_t;

/** Print a failure, printf style, with the vector's name, backend, mode and pc; sets
 * run->has_failed. */
void run_fail(run_t *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Fail if two numbers differ. */
void run_check_number(run_t *run, const char *what, int64_t wanted, int64_t got);
/** Fail for everything that is not as expected. */
void run_check_expectation(run_t *run, const expectation_t *expect);
/** Note the pages of a mapping: they count as memory from now on. */
void run_remember_pages(run_t *run, uint32_t address, uint64_t len);
/** FNV-1a over all pages that were ever mapped, in the order of mapping. */
uint64_t run_hash_memory(const run_t *run);

#endif
