/* From decoded instructions back to octets, with the shortest immediates or with chosen lengths. */
#ifndef PVM_ISA_ENCODE_H
#define PVM_ISA_ENCODE_H

#include "isa/isa.h"

/** Most octets of one encoded instruction: two register octets, two immediates of four, the
 * opcode. */
#define PVM_ENCODED_MAX 11
/** "As short as the value allows." */
#define PVM_LENGTH_SHORTEST (-1)
/** Most octets of an immediate or offset (load_imm_64 always has eight). */
#define PVM_LENGTH_MAX 4

/** Octets of the two immediates, PVM_LENGTH_SHORTEST or 0 to 4. A jump target counts as y. */
typedef struct {
    int8_t x;
    int8_t y;
} pvm_lengths_t;

static inline pvm_lengths_t pvm_lengths_shortest(void)
{
    return (pvm_lengths_t){PVM_LENGTH_SHORTEST, PVM_LENGTH_SHORTEST};
}

/** Octets that an immediate needs so that sign extension gives it back: 0 to 4, or 8. */
unsigned pvm_isa_immediate_length(int64_t value);

/** Encode in->op with its operands at in->pc. The next instruction must follow directly, or the
 * code end.
 *  @return octets written to out, or 0: the numbering has no such instruction, a register above
 *  12, or a value that does not fit its length. Never sets pvm_last_error(). Spec: GP A.5. */
size_t pvm_isa_encode(pvm_isa_t isa, const pvm_instruction_t *in, pvm_lengths_t lengths,
                      uint8_t out[PVM_ENCODED_MAX]);

/** What pvm_isa_format() writes, with ":length" behind every immediate whose length is not
 * SHORTEST. */
int pvm_isa_format_lengths(const pvm_instruction_t *in, pvm_lengths_t lengths, char *out,
                           size_t out_bytes);

#endif
