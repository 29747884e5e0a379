/* One line of an ecalli trace: which record it is, and its fields. Knows the grammar of JIP-7 and
 * no order of records.
 *
 * A record may stand behind a logger's prefix and in front of a suffix. What else a line can be:
 * context, a record that is damaged, or something that only resembles one. */
#ifndef PVM_PROGRAM_ECALLI_LINE_H
#define PVM_PROGRAM_ECALLI_LINE_H

#include "program/ecalli_trace.h"

typedef enum {
    PVM_ECALLI_LINE_CONTEXT,
    PVM_ECALLI_LINE_PROGRAM,
    PVM_ECALLI_LINE_MEMWRITE,
    PVM_ECALLI_LINE_START,
    PVM_ECALLI_LINE_CALL,
    PVM_ECALLI_LINE_MEMREAD,
    PVM_ECALLI_LINE_SETREG,
    PVM_ECALLI_LINE_SETGAS,
    PVM_ECALLI_LINE_END,
    PVM_ECALLI_LINE_MALFORMED, /**< begins with a keyword and fields, but is no record */
    PVM_ECALLI_LINE_SUSPECT    /**< context that resembles a record: misspelt, or prose */
} pvm_ecalli_line_kind_t;

typedef struct {
    pvm_ecalli_line_kind_t kind;
    const char *problem;       /**< MALFORMED, SUSPECT: static text */
    int32_t func_id;           /**< CALL */
    pvm_ecalli_state_t state;  /**< START, CALL, END */
    pvm_ecalli_end_kind_t end; /**< END */
    uint64_t argument;         /**< END */
    uint32_t address;          /**< MEMREAD, MEMWRITE */
    const char *hex; /**< PROGRAM, MEMREAD, MEMWRITE: two digits for each octet, inside the line */
    size_t octets;   /**< of hex */
    uint32_t reg;    /**< SETREG */
    uint64_t value;  /**< SETREG, SETGAS */
} pvm_ecalli_line_t;

/** Read a line without its line feed. */
void pvm_ecalli_line_read(const char *text, size_t len, pvm_ecalli_line_t *out);
/** Decode the hexadecimal digits of a record that was accepted. */
void pvm_ecalli_line_decode(const char *hex, size_t octets, uint8_t *out);

#endif
