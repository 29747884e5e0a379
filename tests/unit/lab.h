/* Machines for tests of the embedding API: programs from assembly text, and one test body run on every
 * backend that is available here, under several specs, and driven in several ways.
 *
 * A body gets a lab_t that says which combination it is in; a failure prints it. */
#ifndef PVM_TESTS_UNIT_LAB_H
#define PVM_TESTS_UNIT_LAB_H

#include "isa/assemble.h"
#include "support/buffer.h"

#include <pvm/pvm.h>
#include <pvm/trace.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** How lab_execute() and lab_resume() drive a machine to its exit. Bits, to be combined. */
enum {
    LAB_PLAIN = 1,          /**< one call */
    LAB_STEPS = 2,          /**< instruction by instruction */
    LAB_COUNTING = 4,       /**< one call, with counts and edges */
    LAB_COUNTING_STEPS = 8, /**< both */
    LAB_ALL_DRIVES = 15
};

/** Specs, to be combined. */
enum {
    LAB_0_7_2 = 1 << PVM_SPEC_0_7_2,
    LAB_0_8_0 = 1 << PVM_SPEC_0_8_0,
    LAB_LATEST64 = 1 << PVM_SPEC_LATEST64,
    LAB_BLOCK_GAS = LAB_0_8_0 | LAB_LATEST64,
    LAB_ALL_SPECS = LAB_0_7_2 | LAB_BLOCK_GAS
};

/** The combination that a body runs in. */
typedef struct {
    pvm_backend_t backend;
    pvm_spec_t spec;
    unsigned drive;
    bool flat;     /**< 0.7.2: one gas for each instruction */
    bool by_steps; /**< what `drive` says, one by one */
    bool counting;
} lab_t;

typedef void (*lab_body_t)(const lab_t *lab);

typedef struct {
    lab_body_t body;
    unsigned specs;
    unsigned drives;
} lab_case_t;

void lab_test_run(void **state);
int lab_test_end(void **state);
/** An entry of a cmocka test list. */
#define LAB_TEST(body, specs, drives)                                                              \
    {                                                                                              \
        #body, lab_test_run, NULL, lab_test_end, &(lab_case_t)                                     \
        {                                                                                          \
            body, specs, drives                                                                    \
        }                                                                                          \
    }
/** A test of what has no gas and no driving: every backend, 0.8.0, plain. */
#define LAB_TEST_ONCE(body) LAB_TEST(body, LAB_0_8_0, LAB_PLAIN)

/** Say which backends take part. Call it first in main(). */
void lab_announce(void);
/** How many backends there are, and the i-th. */
size_t lab_backend_count(void);
pvm_backend_t lab_backend(size_t index);

/** A program and a VM of it. */
typedef struct {
    pvm_assembly_t text;
    pvm_program_t *program;
    pvm_vm_t *vm;
} machine_t;

/** Sizes of a standard program. */
typedef struct {
    uint32_t ro_len;
    uint32_t rw_len;
    uint32_t heap_pages;
    uint32_t stack_len;
} jam_sizes_t;

/** A program from assembly text, for the lab's spec. */
pvm_program_t *lab_assemble(const lab_t *lab, const char *text, pvm_assembly_t *out);
/** A VM of assembly text, raw. It counts if the lab's way of driving says so. */
machine_t lab_machine(const lab_t *lab, const char *text, uint64_t gas);
/** A standard program: octets of 0xa0 in the read-only, 0xb0 in the read-write region. */
machine_t lab_jam_machine(const lab_t *lab, jam_sizes_t sizes, const char *text, uint64_t gas);
/** The same as a file. */
void lab_jam_blob(const lab_t *lab, jam_sizes_t sizes, const char *text, pvm_buffer_t *out);
/** A .polkavm container of this version octet (1: 32 bits) with `rw_len` octets of read-write data. */
machine_t lab_container_machine(const lab_t *lab, uint8_t version, uint32_t rw_len,
                                const char *text, uint64_t gas);
/** Another VM of the machine's program, as pvm_instantiate() gives it. */
pvm_vm_t *lab_another(const lab_t *lab, const machine_t *machine, uint64_t gas);
void lab_free(machine_t *machine);

/** Where a label is. */
uint32_t lab_at(const machine_t *machine, const char *label);
/** What one execution of the block around a label costs. */
int64_t lab_cost(const machine_t *machine, const char *label);

/** pvm_execute() and pvm_resume(), driven as the lab says. */
pvm_result_t lab_execute(const lab_t *lab, pvm_vm_t *vm, uint32_t pc);
pvm_result_t lab_resume(const lab_t *lab, pvm_vm_t *vm);

/** An exit as a caller sees it. */
typedef struct {
    pvm_result_t result;
    uint8_t state;
    uint32_t pc;
    int64_t gas;
} lab_exit_t;

/** Check result, state, pc and gas, and that the questions that belong to other states answer nothing. */
void lab_assert_exit(pvm_vm_t *vm, pvm_result_t result, lab_exit_t expected);
/** Sum of the gas of all blocks; 0 if the VM does not count. */
int64_t lab_blocks_gas(pvm_vm_t *vm);
/** Fail unless a call that was refused has said why since lab_clear_error(). */
void lab_assert_explained(void);
/** Put a text into pvm_last_error() that lab_assert_explained() does not accept. */
void lab_clear_error(void);

#endif
