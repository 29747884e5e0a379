/* A program under test with all that its run depends on, as data: made by the generator, read from and written to
 * text files (regressions/README.md), changed by the minimizer. */
#ifndef PVM_TESTS_DIFFERENTIAL_PROGRAM_H
#define PVM_TESTS_DIFFERENTIAL_PROGRAM_H

#include "isa/isa.h"

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define DIFF_CODE_MAX    32768
#define DIFF_JUMPS_MAX   512
#define DIFF_REGIONS_MAX 8
/** Pages of the longest region. */
#define DIFF_REGION_PAGES_MAX 4

/* The heap of programs that have one: read-write data that ends inside a page, room for some pages. */
#define DIFF_HEAP_REGION  UINT32_C(0x00030000)
#define DIFF_HEAP_START   (DIFF_HEAP_REGION + UINT32_C(0xff8))
#define DIFF_HEAP_END_MAX (DIFF_HEAP_REGION + UINT32_C(0x6000))

/** Pages that are mapped before the run, with contents that follow from `fill`. */
typedef struct {
    uint32_t address;
    uint32_t pages;
    pvm_access_t access;
    uint32_t fill;
} diff_region_t;

typedef struct {
    pvm_spec_t spec;
    bool is_32_bit;    /**< latest64 only */
    bool has_heap;     /**< a standard layout, so that sbrk and grow_heap work */
    bool has_callback; /**< else every ecalli returns to the caller */
    uint32_t code_len;
    uint32_t jump_table_len;
    uint32_t region_count;
    uint32_t entry;
    uint32_t exits; /**< times that the run is taken up again, at most */
    int64_t gas;
    uint64_t host_seed; /**< decides all that the host does */
    uint64_t registers[PVM_REGISTER_COUNT];
    diff_region_t regions[DIFF_REGIONS_MAX];
    uint32_t jump_table[DIFF_JUMPS_MAX];
    uint8_t mask[DIFF_CODE_MAX / 8];
    uint8_t code[DIFF_CODE_MAX];
} diff_program_t;

/** The numbering that the program's opcodes have. */
pvm_isa_t diff_program_isa(const diff_program_t *program);

/** Load it. NULL and pvm_last_error() on failure. Owns: the caller, pvm_program_release(). */
pvm_program_t *diff_program_build(const diff_program_t *program);

/** Octets of one region: `out` has room for its pages. */
void diff_region_fill(const diff_region_t *region, uint8_t *out);

/** Write as a text that diff_program_read() takes; the disassembly stands in comments. */
void diff_program_write(const diff_program_t *program, FILE *out);
/** Read such a text. @return 0, or -1 with the reason on standard error. */
int diff_program_read(const char *path, diff_program_t *out);

#endif
