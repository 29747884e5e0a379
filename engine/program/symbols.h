/* Names and lines of a program from another file of the same program: a stripped one, told by one with debug information.
 *
 * Proven, not believed: the two must have the same instructions at the same places, and the same jump table. Opcode numbers
 * may differ, as they do between specs. */
#ifndef PVM_PROGRAM_SYMBOLS_H
#define PVM_PROGRAM_SYMBOLS_H

#include "program/program.h"

/** Longest dispatch table that is looked for; JAM has two or three entries. */
#define PVM_SYMBOLS_DISPATCH_MAX 8

/** Whether `symbols` is another program than `program`; `out` then says where they differ first. Cost: one pass over the code. */
bool pvm_symbols_differ(const pvm_program_t *program, const pvm_program_t *symbols, char *out,
                        size_t out_bytes);

/** Give a program the debug information of `symbols`, which it keeps a reference to. Both are the same program, by the
 *  question above. Thread: before the program is shared. */
void pvm_program_take_symbols(pvm_program_t *program, pvm_program_t *symbols);

/** The dispatch table of a program, in the words of the same code linked without one: jumps that its linker put in front, to
 *  exports of `symbols`.
 *  @param out_names  borrowed from `symbols`
 *  @return how many; 0: it does not begin with jumps to all of some exports */
size_t pvm_symbols_dispatch(const pvm_program_t *program, const pvm_program_t *symbols,
                            const char *out_names[PVM_SYMBOLS_DISPATCH_MAX]);

#endif
