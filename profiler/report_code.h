/* Reports below the block: by source line, and by opcode. Made of profiler/code.h. */
#ifndef PVM_PROFILER_REPORT_CODE_H
#define PVM_PROFILER_REPORT_CODE_H

#include "profiler/run_file.h"
#include "profiler/table.h"

/** Gas and hits of each source line, most gas first; what has no line is there as such.
 *  Errors: E_FORMAT, E_SYSTEM. Owns: the caller gets the table. */
pvm_prof_status_t pvm_prof_report_lines(pvm_prof_run_file_t *file, pvm_prof_table_t **out_table);

/** Executions and gas of each kind of instruction, most gas first. As above. */
pvm_prof_status_t pvm_prof_report_opcodes(pvm_prof_run_file_t *file, pvm_prof_table_t **out_table);

/** Loops with their trip counts, and paths through blocks that were taken most, most gas first. As above. */
pvm_prof_status_t pvm_prof_report_paths(pvm_prof_run_file_t *file, pvm_prof_table_t **out_table);

#endif
