/* Is it UTF-8? Names from files go to JSON, SQL and terminals, which all want to know. */
#ifndef PVM_SUPPORT_UTF8_H
#define PVM_SUPPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Octets of the character at data[0], 1 to 4, or 0 if there is no well-formed one (RFC 3629:
 * shortest form, no surrogates, at most U+10FFFF). */
static inline size_t pvm_utf8_character(const uint8_t *data, size_t len)
{
    if (len == 0 || data[0] < 0x80) {
        return len > 0;
    }
    const size_t octets = data[0] >= 0xf0 ? 4 : data[0] >= 0xe0 ? 3 : 2;
    if (data[0] < 0xc2 || data[0] > 0xf4 || octets > len) {
        return 0;
    }
    for (size_t i = 1; i < octets; i++) {
        if ((data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((data[0] == 0xe0 && data[1] < 0xa0) || (data[0] == 0xed && data[1] > 0x9f) ||
        (data[0] == 0xf0 && data[1] < 0x90) || (data[0] == 0xf4 && data[1] > 0x8f)) {
        return 0;
    }
    return octets;
}

static inline bool pvm_utf8_is_valid(const uint8_t *data, size_t len)
{
    size_t octets = 0;

    for (size_t i = 0; i < len; i += octets) {
        octets = pvm_utf8_character(data + i, len - i);
        if (octets == 0) {
            return false;
        }
    }
    return true;
}

#endif
