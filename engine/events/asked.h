/* What PVM_TRACE_INSTRUMENT in the environment asks of the machines of a process that is traced: instrumentation that otherwise
 * only its embedder can switch on. */
#ifndef PVM_EVENTS_ASKED_H
#define PVM_EVENTS_ASKED_H

#include <stdbool.h>
#include <stdint.h>

/** All zero: nothing. */
typedef struct {
    uint32_t flags;     /**< PVM_INSTRUMENT_* */
    uint32_t sample_hz; /**< with PVM_INSTRUMENT_SAMPLES; 0: as the machine has it */
} pvm_asked_t;

/** Read it: words `memory`, `calls`, `blocks`, `gas`, `flight`, `samples` or `samples=HZ`, separated by commas.
 *  @return 0, or -1 with pvm_last_error() set: a word that is not understood; then nothing is asked */
int pvm_events_asked_read(pvm_asked_t *out);

/** What machines are to have now: what was asked, once a provider has been loaded. Thread: any. */
pvm_asked_t pvm_events_asked(void);
/** A provider has been loaded. */
void pvm_events_ask(void);

#endif
