/* Writers of program files, and conversion between formats and opcode numberings.
 *
 * The counterpart of readers.h. Opcodes are renumbered in place (one octet each), so no pc
 * changes and debug information stays right. Host-call numbers stay as they are: GP 0.8.0 counts
 * all but `gas` one higher than 0.7.2, and which calls a program means cannot be told from its
 * code. */
#ifndef PVM_PROGRAM_CONVERT_H
#define PVM_PROGRAM_CONVERT_H

#include "program/readers.h"
#include "support/buffer.h"

/** What a conversion makes. */
typedef struct {
    pvm_format_t format;     /**< RAW or JAM */
    pvm_spec_t spec;         /**< whose opcode numbers; DEFAULT: those of the program */
    const uint8_t *metadata; /**< for JAM: what stands in front; NULL: what the program had there */
    size_t metadata_len;
} pvm_conversion_t;

/** Append a natural in its shortest form. Spec: GP C (general natural numbers). */
void pvm_convert_write_natural(uint64_t value, pvm_buffer_t *out);
/** Append a program blob; jump table entries as wide as the largest needs. Spec: GP A.2. */
void pvm_convert_write_raw(const pvm_parts_t *parts, pvm_buffer_t *out);
/** Append code, mask and jump table of a loaded program as the program blob that loads as the same; for programs from
 *  parts, which have no file. */
void pvm_convert_write_parts(const pvm_program_t *program, pvm_buffer_t *out);
/** Append a standard program, with its metadata prefix if jam->metadata is not NULL.
 *  @return 0, or -1 with pvm_last_error(): a size does not fit its field. Spec: GP A.7. */
int pvm_convert_write_jam(const pvm_jam_parts_t *jam, pvm_buffer_t *out);
/** Append metadata in the conventional form: tag 0, name, version, license, authors. Strings may
 * be NULL: empty. */
void pvm_convert_write_metadata(const char *name, const char *version, const char *license,
                                const char *const *authors, size_t author_count, pvm_buffer_t *out);

/** Write a loaded program in another format or numbering. RAW drops memory layout and metadata.
 * JAM keeps data, heap pages and stack; a PolkaVM container's declared stack is rounded up to
 * whole pages.
 *  @return 0, or -1 with pvm_last_error() and nothing appended: an invalid or 32-bit program, an
 *  instruction that the other spec lacks (its pc is named), a result that is not valid there, a
 *  size that does not fit, no memory. */
int pvm_convert_program(const pvm_program_t *program, const pvm_conversion_t *conversion,
                        pvm_buffer_t *out);

#endif
