/* The fast loop that counts every edge and follows calls; it notes every block, too, if that is wanted. */
#include "events/events.h"
#include "vm/calls.h"

#define PVM_LOOP_NAME                          pvm_interpreter_loop_calls
#define PVM_LOOP_HANDLERS                      pvm_interpreter_handlers_calls
#define PVM_LOOP_COUNT_EDGE(terminator, taken) vm->counts->edges[2 * (terminator) + (taken)]++
#define PVM_LOOP_COUNT_HUB(terminator, block)                                                      \
    do {                                                                                           \
        vm->counts->edges[2 * (terminator) + 1]++;                                                 \
        vm->counts->from_hub[block]++;                                                             \
        pvm_calls_pair(vm->calls, (uint32_t)(terminator), vm->arrival.entry);                      \
    } while (0)
#define PVM_LOOP_NOTE_BLOCK(block, gas_before) pvm_block_trace_add(vm, block, gas_before)
#define PVM_LOOP_KEEP_ENTRY(slot)              vm->arrival.entry = (slot)
#define PVM_LOOP_FOLLOW(terminator, taken, pc, gas)                                                \
    do {                                                                                           \
        const uint32_t edge = 2 * (terminator) + (taken);                                          \
        if (vm->calls->map->steps[edge] != PVM_STEP_STAY) {                                        \
            pvm_calls_step(vm->calls, (gas), edge, (pc));                                          \
        }                                                                                          \
    } while (0)

#include "interpreter/loop_template.h"
