/*
 * The three memory functions that clang may call in freestanding code. Written plainly; the build
 * compiles this file with -fno-builtin so that a loop is not turned into a call of itself.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t length);
void *memset(void *destination, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);

void *memcpy(void *restrict destination, const void *restrict source, size_t length)
{
    uint8_t *out = destination;
    const uint8_t *in = source;

    while (length-- > 0) {
        *out++ = *in++;
    }
    return destination;
}

void *memset(void *destination, int value, size_t length)
{
    uint8_t *out = destination;

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
