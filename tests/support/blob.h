/* Program files made by hand, field by field, so that tests can put a wrong one anywhere. */
#ifndef PVM_TESTS_SUPPORT_BLOB_H
#define PVM_TESTS_SUPPORT_BLOB_H

#include "support/buffer.h"

/** A natural number in its shortest form, written from the table in GP C.6 and not with the
 * engine's code. */
void blob_natural(pvm_buffer_t *blob, uint64_t value);
/** Octets given as text of hexadecimal digits; blanks are passed over. */
void blob_hex(pvm_buffer_t *blob, const char *digits);
/** A natural length and then the text. */
void blob_string(pvm_buffer_t *blob, const char *text);
/** A program blob: code, and a mask with these bits set. */
void blob_raw(pvm_buffer_t *blob, const char *code_hex, const char *mask_hex);
/** "PVM\0", version and a file length of 0, which blob_container_end() sets. */
void blob_container_begin(pvm_buffer_t *blob, uint8_t version);
/** A section of a container. */
void blob_section(pvm_buffer_t *blob, uint8_t id, const void *data, size_t len);
/** The same, with the payload in hexadecimal digits. */
void blob_section_hex(pvm_buffer_t *blob, uint8_t id, const char *digits);
/** The end section, and the file length put right. */
void blob_container_end(pvm_buffer_t *blob);
/** A file of the source tree. */
void blob_load(pvm_buffer_t *blob, const char *path);

#endif
