/* The fast loop that counts every edge. */
#define PVM_LOOP_NAME                          pvm_interpreter_loop_counting
#define PVM_LOOP_HANDLERS                      pvm_interpreter_handlers_counting
#define PVM_LOOP_COUNT_EDGE(terminator, taken) vm->counts->edges[2 * (terminator) + (taken)]++
#define PVM_LOOP_COUNT_HUB(terminator, block)                                                      \
    do {                                                                                           \
        vm->counts->edges[2 * (terminator) + 1]++;                                                 \
        vm->counts->from_hub[block]++;                                                             \
    } while (0)
#define PVM_LOOP_NOTE_BLOCK(block, gas)             (void)0
#define PVM_LOOP_FOLLOW(terminator, taken, pc, gas) (void)0
#define PVM_LOOP_KEEP_ENTRY(entry)                  (void)0

#include "interpreter/loop_template.h"
