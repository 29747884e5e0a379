/* PolkaVM's code without a bitmask, brought into the form that everything else here knows: the same instructions at the same
 * places in the latest64 numbering with a bitmask. */
#ifndef PVM_PROGRAM_MASKLESS_H
#define PVM_PROGRAM_MASKLESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Owned: pvm_maskless_free(). */
typedef struct {
    uint8_t *code; /**< as long as what it was made from */
    uint8_t *mask; /**< packed, ceil(len / 8) octets */
} pvm_maskless_t;

/** Translate. What no linker writes (a number without meaning, an instruction across the end of its 1024 octets, an end that
 *  is not that of a block) is a trap to PolkaVM and becomes one.
 *  @param out_is_plain  whether there was none of that
 *  @return 0, or -1 without memory */
int pvm_maskless_translate(const uint8_t *code, size_t len, pvm_maskless_t *out,
                           bool *out_is_plain);
void pvm_maskless_free(pvm_maskless_t *code);

#endif
