/* Makes a trace out of lines, one after the other. Used by ecalli_trace.c, which knows where lines
 * come from. */
#ifndef PVM_PROGRAM_ECALLI_BUILDER_H
#define PVM_PROGRAM_ECALLI_BUILDER_H

#include "program/ecalli_trace.h"

typedef struct {
    pvm_ecalli_trace_t *trace; /**< owned until finish */
    pvm_ecalli_limits_t limits;
    size_t line; /**< of the line that was added last, from 1 */
    size_t records;
    size_t data_bytes;
    size_t entry_room;
    size_t action_room;
    bool has_setgas; /**< the present host call has one */
    /** A setgas that no host call can take: right in front of OOG it belongs to the end, else
     * nowhere. */
    bool has_loose_setgas;
    uint64_t loose_setgas;
    size_t loose_setgas_line;
} pvm_ecalli_builder_t;

/** @return 0, or -1 without memory. Either way finish must be called. */
int pvm_ecalli_builder_begin(pvm_ecalli_builder_t *builder, const char *name,
                             const pvm_ecalli_limits_t *limits);
/** Add a line without its line feed. @return 0, or -1 over a limit or without memory. */
int pvm_ecalli_builder_add(pvm_ecalli_builder_t *builder, const char *text, size_t len);
/** @param status  what begin or the last add returned
 *  @return the trace, or NULL with everything freed if status is not 0 or there was no record at
 * all. */
pvm_ecalli_trace_t *pvm_ecalli_builder_finish(pvm_ecalli_builder_t *builder, int status);

#endif
