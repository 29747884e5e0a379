/* A growing run of octets for writers: append, check once at the end. */
#ifndef PVM_SUPPORT_BUFFER_H
#define PVM_SUPPORT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Owned octets. Zero-initialized it is empty. After a failure `failed` stays set and appending
 * does nothing. */
typedef struct {
    uint8_t *data;
    size_t len;
    size_t room;
    bool failed;
} pvm_buffer_t;

/** Append octets; without memory, `failed` is set. */
void pvm_buffer_append(pvm_buffer_t *buffer, const void *data, size_t len);
/** Append zero octets. */
void pvm_buffer_append_zeros(pvm_buffer_t *buffer, size_t len);
/** Append the `width` low octets of a number, little-endian; width 0 to 8. */
void pvm_buffer_append_le(pvm_buffer_t *buffer, uint64_t value, unsigned width);
/** Append text, printf style, without its NUL. */
void pvm_buffer_printf(pvm_buffer_t *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Free and make empty. */
void pvm_buffer_free(pvm_buffer_t *buffer);

#endif
