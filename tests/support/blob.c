/* Program files made by hand. Ends the test program if something is wrong with the test itself. */
#include "support/blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give_up(const char *why)
{
    (void)fprintf(stderr, "tests: %s\n", why);
    abort();
}

void blob_natural(pvm_buffer_t *blob, uint64_t value)
{
    unsigned extra = 0;

    while (extra < 8 && value >> (7 * (extra + 1)) != 0) {
        extra++;
    }
    const uint64_t ones = 0xff00U >> extra & 0xff;
    pvm_buffer_append_le(blob, extra < 8 ? ones | value >> (8 * extra) : 0xff, 1);
    pvm_buffer_append_le(blob, value, extra);
}

static int digit_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *const at = strchr(digits, c);

    if (c == '\0' || at == NULL) {
        give_up("a hexadecimal digit is none");
    }
    return at == NULL ? 0 : (int)(at - digits);
}

void blob_hex(pvm_buffer_t *blob, const char *digits)
{
    for (const char *at = digits; *at != '\0'; at++) {
        if (*at == ' ') {
            continue;
        }
        const int high = digit_value(*at++);
        pvm_buffer_append_le(blob, (uint64_t)(high << 4 | digit_value(*at)), 1);
    }
}

void blob_string(pvm_buffer_t *blob, const char *text)
{
    blob_natural(blob, strlen(text));
    pvm_buffer_append(blob, text, strlen(text));
}

void blob_raw(pvm_buffer_t *blob, const char *code_hex, const char *mask_hex)
{
    pvm_buffer_t code = {0};

    blob_hex(&code, code_hex);
    blob_natural(blob, 0);
    blob_natural(blob, 0);
    blob_natural(blob, code.len);
    pvm_buffer_append(blob, code.data, code.len);
    blob_hex(blob, mask_hex);
    pvm_buffer_free(&code);
}

void blob_container_begin(pvm_buffer_t *blob, uint8_t version)
{
    pvm_buffer_append(blob, "PVM", 4);
    pvm_buffer_append_le(blob, version, 1);
    pvm_buffer_append_le(blob, 0, 8);
}

void blob_section(pvm_buffer_t *blob, uint8_t id, const void *data, size_t len)
{
    pvm_buffer_append_le(blob, id, 1);
    blob_natural(blob, len);
    pvm_buffer_append(blob, data, len);
}

void blob_section_hex(pvm_buffer_t *blob, uint8_t id, const char *digits)
{
    pvm_buffer_t payload = {0};

    blob_hex(&payload, digits);
    blob_section(blob, id, payload.data, payload.len);
    pvm_buffer_free(&payload);
}

void blob_container_end(pvm_buffer_t *blob)
{
    pvm_buffer_append_le(blob, 0, 1);
    if (blob->failed) {
        give_up("no memory");
    }
    for (unsigned i = 0; i < 8; i++) {
        blob->data[5 + i] = (uint8_t)((uint64_t)blob->len >> (8 * i));
    }
}

void blob_load(pvm_buffer_t *blob, const char *path)
{
    char full[4096];
    uint8_t chunk[4096];
    size_t got = 0;

    (void)snprintf(full, sizeof(full), "%s/%s", PVM_TEST_SOURCE_DIR, path);
    FILE *const file = fopen(full, "rb");
    if (file == NULL) {
        give_up(full);
        return;
    }
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        pvm_buffer_append(blob, chunk, got);
    }
    (void)fclose(file);
}
