/* Every block in the order in which it was entered: kept in pieces as a VM executes, and read again as a table.
 *
 * Internal to the profiler, but for pvm_prof_block_trace_report(). Format of the pieces: docs/run-file.md. */
#ifndef PVM_PROFILER_BLOCK_TRACE_H
#define PVM_PROFILER_BLOCK_TRACE_H

#include "profiler/run_file.h"
#include "profiler/table.h"

#include <stdbool.h>
#include <stdint.h>

/** Most blocks of one piece. */
#define PVM_PROF_TRACE_PIECE 16384

struct pvm_prof_watch_t;

/** The piece that is being filled, of the open execution. */
typedef struct {
    uint64_t first; /**< blocks of the execution that are stored */
    uint32_t count;
    bool has_gas; /**< told one by one; batches say nothing new then */
    uint32_t pcs[PVM_PROF_TRACE_PIECE];
    int64_t gas[PVM_PROF_TRACE_PIECE];
} pvm_prof_trace_piece_t;

/** Blocks that were entered, as places in the program's block table. */
void pvm_prof_block_trace_add(struct pvm_prof_watch_t *watch, const uint32_t *blocks, size_t count);
/** One block, and the gas before anything of it was paid. */
void pvm_prof_block_trace_add_gas(struct pvm_prof_watch_t *watch, uint32_t block, int64_t gas);
/** The host call that has just begun stands here. */
void pvm_prof_block_trace_call(struct pvm_prof_watch_t *watch);
/** Store what there is. */
void pvm_prof_block_trace_store(struct pvm_prof_watch_t *watch);
/** The execution has ended: the next one begins at 0. */
void pvm_prof_block_trace_end(struct pvm_prof_watch_t *watch);

/** One row for each block and each host call, in order. @param top  most rows; 0: all, up to PVM_PROF_MAX_ROWS
 *  Errors: E_FORMAT: damaged, or not recorded; E_SYSTEM. Owns: the caller gets the table. */
pvm_prof_status_t pvm_prof_block_trace_report(pvm_prof_run_file_t *file, uint32_t top,
                                              pvm_prof_table_t **out_table);

#endif
