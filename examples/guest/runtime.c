/*
 * The three memory functions that clang may call in freestanding code; linked into every guest. Eight
 * octets at a time where possible, as PVM has no alignment rule. The build compiles this file with
 * -fno-builtin, so that a loop is not turned into a call of the function that it is in.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) word_t;

void *memcpy(void *restrict destination, const void *restrict source, size_t length);
void *memset(void *destination, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);

void *memcpy(void *restrict destination, const void *restrict source, size_t length)
{
    uint8_t *out = destination;
    const uint8_t *in = source;

    for (; length >= sizeof(word_t); length -= sizeof(word_t)) {
        *(word_t *)out = *(const word_t *)in;
        out += sizeof(word_t);
        in += sizeof(word_t);
    }
    while (length-- > 0) {
        *out++ = *in++;
    }
    return destination;
}

void *memset(void *destination, int value, size_t length)
{
    const word_t pattern = (uint8_t)value * UINT64_C(0x0101010101010101);
    uint8_t *out = destination;

    for (; length >= sizeof(word_t); length -= sizeof(word_t)) {
        *(word_t *)out = pattern;
        out += sizeof(word_t);
    }
    while (length-- > 0) {
        *out++ = (uint8_t)value;
    }
    return destination;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left;
    const uint8_t *b = right;

    for (size_t i = 0; i < length; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}
