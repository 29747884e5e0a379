/*
 * Reading and writing of bytes for the example service: a bounds-checked cursor, JAM natural numbers
 * (Gray Paper, appendix C), and the service's own commands. A command is one octet of kind, one octet
 * of key length, the key, and then for ADD a natural, for SET a natural length and that many octets.
 */
#ifndef PVM_EXAMPLES_SERVICE_CODEC_H
#define PVM_EXAMPLES_SERVICE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES_MAX 32

typedef struct {
    const uint8_t *at;
    uint64_t left;
    int failed; /* set by the first read past the end; later reads give zeros */
} reader_t;

typedef struct {
    uint8_t *bytes;
    uint64_t capacity;
    uint64_t length;
    int failed; /* set when something did not fit; what is written before it stays */
} writer_t;

typedef enum { COMMAND_ADD = 1, COMMAND_SET = 2, COMMAND_DELETE = 3 } command_kind_t;

typedef struct {
    command_kind_t kind;
    uint64_t key_length;
    uint8_t key[KEY_BYTES_MAX];
    uint64_t amount;      /* ADD */
    const uint8_t *value; /* SET; borrowed from the input */
    uint64_t value_length;
} command_t;

/** The next `length` octets, or NULL past the end. */
static const uint8_t *read_bytes(reader_t *in, uint64_t length)
{
    const uint8_t *bytes = in->at;

    if (in->failed || length > in->left) {
        in->failed = 1;
        return NULL;
    }
    in->at += length;
    in->left -= length;
    return bytes;
}

static uint8_t read_byte(reader_t *in)
{
    const uint8_t *byte = read_bytes(in, 1);

    return byte == NULL ? 0 : *byte;
}

static uint64_t read_fixed(reader_t *in, unsigned length)
{
    const uint8_t *bytes = read_bytes(in, length);
    uint64_t value = 0;

    for (unsigned i = 0; bytes != NULL && i < length; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

/** A JAM natural: the leading ones of the first octet count the octets that follow. */
static uint64_t read_natural(reader_t *in)
{
    const uint8_t first = read_byte(in);
    unsigned extra = 0;
    uint64_t low;

    while (extra < 8 && (first & (0x80u >> extra)) != 0) {
        extra++;
    }
    low = read_fixed(in, extra);
    return extra == 8 ? low : low | (uint64_t)(first & (0x7fu >> extra)) << (8 * extra);
}

static void write_bytes(writer_t *out, const uint8_t *bytes, uint64_t length)
{
    if (out->failed || length > out->capacity - out->length) {
        out->failed = 1;
        return;
    }
    for (uint64_t i = 0; i < length; i++) {
        out->bytes[out->length + i] = bytes[i];
    }
    out->length += length;
}

static void write_byte(writer_t *out, uint8_t byte)
{
    write_bytes(out, &byte, 1);
}

static void write_natural(writer_t *out, uint64_t value)
{
    unsigned extra = 0;
    uint8_t first;

    while (extra < 8 && value >> (7 * (extra + 1)) != 0) {
        extra++;
    }
    first = (uint8_t)(0xff00u >> extra);
    if (extra < 8) {
        first = (uint8_t)(first | value >> (8 * extra));
    }
    write_byte(out, first);
    for (unsigned i = 0; i < extra; i++) {
        write_byte(out, (uint8_t)(value >> (8 * i)));
    }
}

/** Reads one command; 0 at the end of the input or when it is malformed (then in->failed is set). */
static int read_command(reader_t *in, command_t *out_command)
{
    const uint8_t *key;

    if (in->left == 0 || in->failed) {
        return 0;
    }
    *out_command = (command_t){.kind = (command_kind_t)read_byte(in)};
    out_command->key_length = read_byte(in);
    key = read_bytes(in, out_command->key_length);
    if (out_command->key_length == 0 || out_command->key_length > KEY_BYTES_MAX) {
        in->failed = 1;
    }
    for (uint64_t i = 0; !in->failed && i < out_command->key_length; i++) {
        out_command->key[i] = key[i];
    }
    switch (out_command->kind) {
    case COMMAND_ADD:
        out_command->amount = read_natural(in);
        break;
    case COMMAND_SET:
        out_command->value_length = read_natural(in);
        out_command->value = read_bytes(in, out_command->value_length);
        break;
    case COMMAND_DELETE:
        break;
    default:
        in->failed = 1;
        break;
    }
    return !in->failed;
}

static void write_command(writer_t *out, const command_t *command)
{
    write_byte(out, (uint8_t)command->kind);
    write_byte(out, (uint8_t)command->key_length);
    write_bytes(out, command->key, command->key_length);
    if (command->kind == COMMAND_ADD) {
        write_natural(out, command->amount);
    } else if (command->kind == COMMAND_SET) {
        write_natural(out, command->value_length);
        write_bytes(out, command->value, command->value_length);
    }
}

#endif
