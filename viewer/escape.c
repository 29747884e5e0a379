/* Escaping of text, one character at a time, and its width in columns. */
#include "viewer/escape.h"

#include "support/utf8.h"

#include <langinfo.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static uint32_t code_point(const uint8_t *data, size_t octets)
{
    uint32_t point;

    if (octets == 1) {
        return data[0];
    }
    point = data[0] & (0xffU >> (octets + 1));
    for (size_t i = 1; i < octets; i++) {
        point = (point << 6) | (data[i] & 0x3fU);
    }
    return point;
}

/** Controls, and characters that hide text or change its order. */
static bool is_harmful(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe0fff);
}

pvm_escape_t pvm_view_escape_of_locale(void)
{
    return strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0 ? PVM_ESCAPE_UTF8 : PVM_ESCAPE_ASCII;
}

void pvm_view_escape(pvm_buffer_t *out, const char *text, size_t len, pvm_escape_t mode)
{
    const uint8_t *data = (const uint8_t *)text;

    for (size_t i = 0; i < len;) {
        const size_t octets = pvm_utf8_character(data + i, len - i);
        const size_t step = octets > 0 ? octets : 1;
        const uint32_t point = octets > 0 ? code_point(data + i, octets) : UINT32_MAX;

        if (mode == PVM_ESCAPE_JSON) {
            /* The writer knows how to write C0 controls. */
            if (octets == 0 || (point >= 0x20 && is_harmful(point))) {
                pvm_buffer_append(out, replacement, sizeof(replacement) - 1);
            } else {
                pvm_buffer_append(out, text + i, octets);
            }
        } else if (octets > 0 && !is_harmful(point) && (mode == PVM_ESCAPE_UTF8 || point < 0x80)) {
            pvm_buffer_append(out, text + i, octets);
        } else {
            for (size_t j = 0; j < step; j++) {
                pvm_buffer_printf(out, "\\x%02x", data[i + j]);
            }
        }
        i += step;
    }
}

void pvm_view_put_line(FILE *out, const char *prefix, const char *text)
{
    pvm_buffer_t line = {0};

    pvm_view_escape(&line, text, strlen(text), pvm_view_escape_of_locale());
    if (!line.failed) {
        fprintf(out, "%s%.*s\n", prefix, (int)line.len,
                line.len > 0 ? (const char *)line.data : "");
        fflush(out);
    }
    pvm_buffer_free(&line);
}

size_t pvm_view_columns(const char *text, size_t len, pvm_escape_t mode)
{
    const uint8_t *data = (const uint8_t *)text;
    size_t columns = 0;

    if (mode == PVM_ESCAPE_ASCII) {
        return len;
    }
    for (size_t i = 0; i < len;) {
        const size_t octets = pvm_utf8_character(data + i, len - i);
        const int width = octets > 1 ? wcwidth((wchar_t)code_point(data + i, octets)) : 1;

        columns += width < 0 ? 1 : (size_t)width;
        i += octets > 0 ? octets : 1;
    }
    return columns;
}
