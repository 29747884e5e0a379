/* The fast loop that counts nothing. */
#define PVM_LOOP_NAME                               pvm_interpreter_loop_plain
#define PVM_LOOP_HANDLERS                           pvm_interpreter_handlers_plain
#define PVM_LOOP_COUNT_EDGE(terminator, taken)      (void)0
#define PVM_LOOP_COUNT_HUB(terminator, block)       (void)0
#define PVM_LOOP_NOTE_BLOCK(block, gas)             (void)0
#define PVM_LOOP_FOLLOW(terminator, taken, pc, gas) (void)0
#define PVM_LOOP_KEEP_ENTRY(entry)                  (void)0

#include "interpreter/loop_template.h"
