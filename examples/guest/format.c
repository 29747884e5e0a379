/*
 * Guest: a small snprintf (%d %u %x %X %s %c %%, width, zero padding, left alignment, l for 64 bits)
 * that writes lines about random values; the text is hashed with FNV-1a. Byte stores, divisions,
 * variadic calls and data-dependent branches.
 */
#include "guest.h"

#include <stdarg.h>

#define LINES_PER_ROUND 40
#define LINE_BYTES      160
#define DIGITS_MAX      20

typedef struct {
    char *text;
    size_t capacity;
    size_t length; /* as if the capacity had been enough */
} output_t;

typedef struct {
    unsigned width;
    int left;
    int zero;
    int is_long;
} field_t;

static void put(output_t *out, char character)
{
    if (out->length + 1 < out->capacity) {
        out->text[out->length] = character;
    }
    out->length++;
}

static void pad(output_t *out, char character, unsigned count)
{
    while (count-- > 0) {
        put(out, character);
    }
}

static void put_field(output_t *out, const field_t *field, const char *text, unsigned length)
{
    const unsigned missing = field->width > length ? field->width - length : 0;

    if (!field->left) {
        pad(out, ' ', missing);
    }
    for (unsigned i = 0; i < length; i++) {
        put(out, text[i]);
    }
    if (field->left) {
        pad(out, ' ', missing);
    }
}

/** A number; zeros that fill the field stand between the sign and the digits. */
static void put_number(output_t *out, const field_t *field, uint64_t value, int negative,
                       unsigned base, const char *alphabet)
{
    char digits[DIGITS_MAX + 1];
    unsigned first = sizeof(digits);
    unsigned length;
    unsigned zeros = 0;

    do {
        digits[--first] = alphabet[value % base];
        value /= base;
    } while (value != 0);
    length = (unsigned)sizeof(digits) - first;
    if (field->zero && !field->left && field->width > length + (negative != 0)) {
        zeros = field->width - length - (negative != 0);
    }
    if (zeros > 0) {
        if (negative) {
            put(out, '-');
        }
        pad(out, '0', zeros);
    } else if (negative) {
        digits[--first] = '-';
        length++;
    }
    put_field(out, zeros > 0 ? &(field_t){0} : field, digits + first, length);
}

static unsigned text_length(const char *text)
{
    unsigned length = 0;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

/** Reads flags, width and size behind a percent sign; returns the conversion character's place. */
static const char *parse_field(const char *format, field_t *out_field)
{
    *out_field = (field_t){0};
    for (; *format == '-' || *format == '0'; format++) {
        out_field->left |= *format == '-';
        out_field->zero |= *format == '0';
    }
    for (; *format >= '0' && *format <= '9'; format++) {
        out_field->width = out_field->width * 10 + (unsigned)(*format - '0');
    }
    for (; *format == 'l'; format++) {
        out_field->is_long = 1;
    }
    return format;
}

GUEST_NOINLINE static size_t format_text(char *text, size_t capacity, const char *format, ...)
{
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    output_t out = {text, capacity, 0};
    va_list arguments;

    va_start(arguments, format);
    for (; *format != '\0'; format++) {
        field_t field;

        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        format = parse_field(format + 1, &field);
        if (*format == 'd') {
            const int64_t value =
                field.is_long ? va_arg(arguments, int64_t) : va_arg(arguments, int32_t);
            const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

            put_number(&out, &field, size, value < 0, 10, lower);
        } else if (*format == 'u' || *format == 'x' || *format == 'X') {
            const uint64_t value =
                field.is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t);

            put_number(&out, &field, value, 0, *format == 'u' ? 10 : 16,
                       *format == 'X' ? upper : lower);
        } else if (*format == 's') {
            const char *string = va_arg(arguments, const char *);

            put_field(&out, &field, string, text_length(string));
        } else if (*format == 'c') {
            const char character = (char)va_arg(arguments, int);

            put_field(&out, &field, &character, 1);
        } else if (*format == '%') {
            put(&out, '%');
        } else {
            break;
        }
    }
    va_end(arguments);
    if (capacity > 0) {
        text[out.length < capacity ? out.length : capacity - 1] = '\0';
    }
    return out.length;
}

static uint64_t fnv1a(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

PVM_GUEST_MAIN(format)
{
    static const char *const names[] = {"gas", "fetch", "read",  "write", "a rather long name",
                                        "",    "log",   "refine"};
    uint64_t state = 0x13198a2e03707344;
    uint64_t hash = 0xcbf29ce484222325;
    char line[LINE_BYTES];

    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        for (unsigned i = 0; i < LINES_PER_ROUND; i++) {
            const uint64_t a = guest_random(&state);
            const uint64_t b = guest_random(&state) >> (a & 63);
            const size_t length = format_text(
                line, sizeof(line), "%4u|%-10s|%ld|%lu|%016lx|%08X|%-7d|%06d|%c%c|%3u%%\n", i,
                names[a & 7], (int64_t)b, a, b, (uint32_t)a, (int32_t)(a >> 32) % 1000,
                (int32_t)(b & 0xffff) - 32768, 'a' + (int)(a % 26), 'A' + (int)(b % 26),
                (uint32_t)(a % 101));

            hash = fnv1a(hash, line, length);
        }
        hash = guest_mix(hash, round);
    }
    return hash;
}
