/* Names and lines of a program from another file of the same program: a stripped one, told by one with debug information.
 *
 * Proven, not believed: the two must have the same instructions at the same places, and the same jump table. Opcode numbers
 * may differ, as they do between specs. */
#ifndef PVM_PROGRAM_SYMBOLS_H
#define PVM_PROGRAM_SYMBOLS_H

#include "program/program.h"

/** Whether `symbols` is another program than `program`; `out` then says where they differ first. Cost: one pass over the code. */
bool pvm_symbols_differ(const pvm_program_t *program, const pvm_program_t *symbols, char *out,
                        size_t out_bytes);

/** Give a program the debug information of `symbols`, which it keeps a reference to. Both are the same program, by the
 *  question above. Thread: before the program is shared. */
void pvm_program_take_symbols(pvm_program_t *program, pvm_program_t *symbols);

#endif
