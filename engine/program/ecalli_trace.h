/* Recorded host calls as text (JIP-6, now JIP-7): one record a line, everything needed to run the
 * outer machine again.
 *
 * The reader understands every line or says why not: a line that begins like a record but is none
 * is kept as a problem with its line number, because a damaged field must not pass for a comment.
 * It executes nothing. */
#ifndef PVM_PROGRAM_ECALLI_TRACE_H
#define PVM_PROGRAM_ECALLI_TRACE_H

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Where the arguments of a JAM program stand in a prelude. */
#define PVM_ECALLI_ARGUMENTS_ADDRESS UINT32_C(0xfeff0000)
/** Problems and suspicions that are kept; the counts go on. */
#define PVM_MAX_ECALLI_NOTES 64

/** What a file may ask for. A zero field means the default, which stands behind it. */
typedef struct {
    size_t line_bytes; /**< longest line: 520 MiB, a program of PVM_MAX_BLOB_BYTES in hex */
    size_t records;    /**< records in a trace: 2^24 */
    size_t data_bytes; /**< octets of all programs and memory accesses together: 1 GiB */
} pvm_ecalli_limits_t;

/** pc, gas and registers, as a record gives them; registers that it does not name are zero. */
typedef struct {
    uint32_t pc;
    uint64_t gas;
    uint64_t registers[PVM_REGISTER_COUNT];
} pvm_ecalli_state_t;

typedef enum {
    PVM_ECALLI_MEMREAD,
    PVM_ECALLI_MEMWRITE,
    PVM_ECALLI_SETREG,
    PVM_ECALLI_SETGAS
} pvm_ecalli_action_kind_t;

/** One thing that the host did. */
typedef struct {
    size_t line; /**< in the file, from 1 */
    pvm_ecalli_action_kind_t kind;
    uint32_t address; /**< memory; address + len <= 2^32 */
    uint32_t len;
    uint8_t *data;  /**< owned by the trace; NULL for no octets */
    uint32_t reg;   /**< SETREG: 0..12 */
    uint64_t value; /**< SETREG; SETGAS: the gas left after the call, at most INT64_MAX */
} pvm_ecalli_action_t;

/** One host call. Its actions are actions[first_action ... + action_count) of the trace, in file
 * order. */
typedef struct {
    size_t line;
    int32_t func_id;
    pvm_ecalli_state_t state;
    size_t first_action;
    size_t action_count;
} pvm_ecalli_entry_t;

typedef enum {
    PVM_ECALLI_END_NONE, /**< the file stops before the run does */
    PVM_ECALLI_END_HALT,
    PVM_ECALLI_END_PANIC,
    PVM_ECALLI_END_FAULT,
    PVM_ECALLI_END_OOG
} pvm_ecalli_end_kind_t;

/** How the run ended. */
typedef struct {
    size_t line;
    pvm_ecalli_end_kind_t kind;
    uint64_t argument; /**< of PANIC= and FAULT= */
    pvm_ecalli_state_t state;
    bool has_setgas; /**< gas was set in front of OOG, without an ecalli line (a habit of one
                        writer) */
    uint64_t setgas;
    size_t setgas_line;
} pvm_ecalli_end_t;

/** A line and what is to be said about it. */
typedef struct {
    size_t line;
    char *text; /**< owned by the trace: what, and what to do */
} pvm_ecalli_note_t;

/** A trace in memory. Any part may be missing when problem_count is not 0. */
typedef struct {
    char *name; /**< of the file, for messages */
    size_t line_count;

    size_t program_line; /**< 0: no program */
    uint8_t *program;
    size_t program_len;
    size_t start_line; /**< 0: no start */
    pvm_ecalli_state_t start;
    size_t prelude_count; /**< actions[0 ... prelude_count) are memwrites before the first ecalli */

    pvm_ecalli_entry_t *entries;
    size_t entry_count;
    pvm_ecalli_action_t *actions;
    size_t action_count;
    pvm_ecalli_end_t end;

    /** Lines that begin like a record but are none, or stand in the wrong place. A replay of such a
     * file is refused. */
    pvm_ecalli_note_t problems[PVM_MAX_ECALLI_NOTES];
    size_t problem_count; /**< may be larger than the array */
    /** Lines taken as context that have fields like a record, perhaps with a misspelt keyword:
     * worth naming when a replay differs, and only then. */
    pvm_ecalli_note_t suspects[PVM_MAX_ECALLI_NOTES];
    size_t suspect_count;
} pvm_ecalli_trace_t;

/** Read a trace from memory.
 *  @param name    of the file, for messages; copied
 *  @param limits  NULL for the defaults
 *  @return a trace (look at its problems and its end), or NULL with pvm_last_error(): no record at
 * all, a limit, no memory. Owns: the caller, pvm_ecalli_trace_destroy(). */
pvm_ecalli_trace_t *pvm_ecalli_trace_read(const char *name, const uint8_t *data, size_t len,
                                          const pvm_ecalli_limits_t *limits);
/** The same from a stream, line by line; the stream stays open. Also NULL for a reading error. */
pvm_ecalli_trace_t *pvm_ecalli_trace_read_stream(const char *name, FILE *stream,
                                                 const pvm_ecalli_limits_t *limits);
void pvm_ecalli_trace_destroy(pvm_ecalli_trace_t *trace);

/** The arguments of a traced JAM program: r8 octets at 0xfeff0000 as the prelude wrote them, the
 * rest zero.
 *  @param out_len  r8 of the start record
 *  @return octets to be given back with free(), or NULL with pvm_last_error(): r8 above
 * PVM_MAX_ARGUMENTS, no memory. */
uint8_t *pvm_ecalli_trace_arguments(const pvm_ecalli_trace_t *trace, size_t *out_len);

#endif
