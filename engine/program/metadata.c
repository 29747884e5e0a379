/* The octets in front of a JAM program, for people.
 *
 * They describe themselves in no way. The convention (a zero octet, then name, version, license and
 * authors with natural lengths) is taken if it consumes them exactly; else they are text if they
 * can be shown, else opaque. */
#include "program/readers.h"

#include "support/utf8.h"

static bool is_printable(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 || data[i] == 0x7f) {
            return false;
        }
    }
    return pvm_utf8_is_valid(data, len);
}

static pvm_octets_t read_string(pvm_cursor_t *cursor)
{
    pvm_octets_t text = {0};

    text.len = (size_t)pvm_cursor_natural(cursor, PVM_CURSOR_64_BIT, "a length");
    text.data = pvm_cursor_bytes(cursor, text.len, "a string");
    if (text.data != NULL && !pvm_utf8_is_valid(text.data, text.len)) {
        pvm_cursor_fail(cursor, "a string", "is not UTF-8");
    }
    return text;
}

static bool decode_conventional(const uint8_t *data, size_t len, pvm_metadata_t *out)
{
    pvm_cursor_t cursor = pvm_cursor_make(data, len, 0);
    pvm_metadata_t found = {.kind = PVM_METADATA_CONVENTIONAL, .text = out->text};

    if (pvm_cursor_u8(&cursor, "the tag") != 0) {
        return false;
    }
    found.name = read_string(&cursor);
    found.version = read_string(&cursor);
    found.license = read_string(&cursor);

    const uint64_t count = pvm_cursor_natural(&cursor, PVM_CURSOR_64_BIT, "the number of authors");
    for (uint64_t i = 0; i < count && !pvm_cursor_failed(&cursor); i++) {
        const pvm_octets_t author = read_string(&cursor);
        if (i < PVM_MAX_METADATA_AUTHORS) {
            found.authors[i] = author;
        }
    }
    found.author_count = (size_t)count;
    pvm_cursor_finish(&cursor, "the authors");
    if (pvm_cursor_failed(&cursor)) {
        return false;
    }
    *out = found;
    return true;
}

void pvm_program_decode_metadata(const uint8_t *data, size_t len, pvm_metadata_t *out)
{
    *out = (pvm_metadata_t){.text = {.data = data, .len = len}};
    if (len == 0) {
        out->kind = PVM_METADATA_NONE;
    } else if (!decode_conventional(data, len, out)) {
        out->kind = is_printable(data, len) ? PVM_METADATA_TEXT : PVM_METADATA_OPAQUE;
    }
}
