/* Plays the host of a recorded ecalli trace: at each host call it compares what the engine did with what was
 * recorded and applies what the host did then. It stops at the first difference.
 *
 * A recorded effect shows only in what the program does with it, so a difference names the line where it shows and
 * also the lines of the effects before it. The text after PANIC= is free and not compared; a page fault may be written as
 * PANIC, as nodes do. `grow_heap` of 0.8.0 is performed, because no line can say that memory was mapped. */
#ifndef PVM_VIEWER_TRACE_PLAYER_H
#define PVM_VIEWER_TRACE_PLAYER_H

#include "program/ecalli_trace.h"
#include "viewer/options.h"

/** One trace being played. Zero-initialize and set trace and program. */
typedef struct {
    const pvm_ecalli_trace_t *trace;
    const pvm_program_t *program;
    size_t next;          /**< entry that is expected next */
    size_t gas_line;      /**< line that last set the gas */
    size_t effects_first; /**< lines of the last effects; 0: none yet */
    size_t effects_last;
    size_t line;          /**< of the first difference; 0: none so far */
    char difference[640]; /**< "ecalli=3: pc: expected 5, got 6" */
} pvm_player_t;

/** The spec under which a trace gives its first figures, of those that --spec allows; loads its program.
 *  @param out_guessed  true if --spec was auto and the program itself does not say
 *  @return FINE or INPUT. Owns: the caller, pvm_program_release(). */
pvm_view_status_t pvm_player_load_program(pvm_view_t *view, const pvm_ecalli_trace_t *trace,
                                          pvm_program_t **out_program, bool *out_guessed);

/** Bring a fresh VM into the recorded start state. @return 0, or -1: a difference, or no memory. */
int pvm_player_start(pvm_player_t *player, pvm_vm_t *vm);

/** The host callback; `user_data` is the player. Yields at a difference. */
pvm_host_result_t pvm_player_host_call(pvm_vm_t *vm, int func_id, void *user_data);

/** Compare how the run ended with the last line. Does nothing if there was a difference. */
void pvm_player_finish(pvm_player_t *player, pvm_vm_t *vm);

/** True if a line of the trace is damaged, so that it cannot be played; the difference names it. */
bool pvm_player_find_problem(pvm_player_t *player);

#endif
