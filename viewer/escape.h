/* Text from guests and files on its way to people: nothing in it may steer a terminal, break a table or end a
 * string. Octets that are shown differently stay recognisable as \xNN. */
#ifndef PVM_VIEWER_ESCAPE_H
#define PVM_VIEWER_ESCAPE_H

#include "support/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum {
    PVM_ESCAPE_ASCII, /**< whatever is not printable ASCII becomes \xNN */
    PVM_ESCAPE_UTF8,  /**< valid UTF-8 stays, without controls and what reorders text */
    PVM_ESCAPE_JSON /**< valid UTF-8; what is dangerous becomes U+FFFD, the rest is the JSON writer's */
} pvm_escape_t;

/** UTF8 where the locale says so, else ASCII. */
pvm_escape_t pvm_view_escape_of_locale(void);

/** Append text[0..len), made harmless. */
void pvm_view_escape(pvm_buffer_t *out, const char *text, size_t len, pvm_escape_t mode);

/** Print one harmless line: prefix, text. Flushed, so that lines of two streams keep their order. */
void pvm_view_put_line(FILE *out, const char *prefix, const char *text);

/** Terminal columns of text that has been escaped. */
size_t pvm_view_columns(const char *text, size_t len, pvm_escape_t mode);

#endif
