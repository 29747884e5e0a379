/* What a file is: magic numbers, text, then exact consumption. Extensions are not asked, because
 * they lie. */
#include "program/readers.h"

#include <string.h>

static bool has_magic(const uint8_t *data, size_t len, const char magic[4])
{
    return len >= 4 && memcmp(data, magic, 4) == 0;
}

/* Text of people and loggers, colours included. A binary program that passes has yet to be seen. */
static bool is_text(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 && data[i] != '\t' && data[i] != '\n' && data[i] != '\r' &&
            data[i] != 0x1b) {
            return false;
        }
    }
    return len > 0;
}

static bool is_json(const uint8_t *data, size_t len)
{
    size_t at = 0;

    while (at < len && (data[at] == ' ' || (data[at] >= '\t' && data[at] <= '\r'))) {
        at++;
    }
    return at < len && (data[at] == '{' || data[at] == '[');
}

pvm_file_kind_t pvm_program_detect(const uint8_t *data, size_t len)
{
    static const char program[] = "program 0x";

    if (has_magic(data, len, "PVM")) {
        return PVM_FILE_POLKAVM;
    }
    if (has_magic(data, len, "JAR\2")) {
        return PVM_FILE_JAR;
    }
    if (is_text(data, len)) {
        if (memmem(data, len, program, sizeof(program) - 1) != NULL) {
            return PVM_FILE_ECALLI_TRACE;
        }
        if (is_json(data, len)) {
            return PVM_FILE_JSON;
        }
    }
    pvm_jam_readings_t readings;
    bool ignored;
    if (pvm_program_detect_jam(data, len, &ignored, &readings) == 0) {
        return PVM_FILE_JAM;
    }
    pvm_cursor_t raw = pvm_cursor_make(data, len, 0);
    pvm_parts_t parts;
    pvm_program_parse_raw(&raw, &parts);
    return pvm_cursor_failed(&raw) ? PVM_FILE_UNKNOWN : PVM_FILE_RAW;
}
