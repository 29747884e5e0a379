/* Growing buffer: doubles its room, remembers a failure instead of reporting it at every append. */
#include "support/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` octets behind the present ones, or NULL. */
static uint8_t *reserve(pvm_buffer_t *buffer, size_t more)
{
    if (buffer->failed || more > SIZE_MAX / 4 - buffer->len) {
        buffer->failed = true;
        return NULL;
    }
    if (buffer->data == NULL || buffer->room - buffer->len < more) {
        const size_t room = 2 * (buffer->len + more) + 64;
        uint8_t *data = realloc(buffer->data, room);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->room = room;
    }
    return buffer->data + buffer->len;
}

void pvm_buffer_append(pvm_buffer_t *buffer, const void *data, size_t len)
{
    uint8_t *to = reserve(buffer, len);

    if (to != NULL && len > 0) {
        memcpy(to, data, len);
        buffer->len += len;
    }
}

void pvm_buffer_append_zeros(pvm_buffer_t *buffer, size_t len)
{
    uint8_t *to = reserve(buffer, len);

    if (to != NULL && len > 0) {
        memset(to, 0, len);
        buffer->len += len;
    }
}

void pvm_buffer_append_le(pvm_buffer_t *buffer, uint64_t value, unsigned width)
{
    uint8_t octets[8];

    for (unsigned i = 0; i < sizeof(octets); i++) {
        octets[i] = (uint8_t)(value >> (8 * i));
    }
    pvm_buffer_append(buffer, octets, width < sizeof(octets) ? width : sizeof(octets));
}

void pvm_buffer_printf(pvm_buffer_t *buffer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *to = len < 0 ? NULL : (char *)reserve(buffer, (size_t)len + 1);
    if (to == NULL) {
        buffer->failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    buffer->len += (size_t)len;
}

void pvm_buffer_free(pvm_buffer_t *buffer)
{
    free(buffer->data);
    *buffer = (pvm_buffer_t){0};
}
