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

static bool contains(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

/* A trace whose program line is damaged is still a trace: whoever reads it can then name the line.
 */
static pvm_file_kind_t detect_text(const uint8_t *data, size_t len)
{
    if (contains(data, len, "program 0x")) {
        return PVM_FILE_ECALLI_TRACE;
    }
    if (is_json(data, len)) {
        return PVM_FILE_JSON;
    }
    return contains(data, len, "start pc=") || contains(data, len, "ecalli=")
               ? PVM_FILE_ECALLI_TRACE
               : PVM_FILE_UNKNOWN;
}

pvm_file_kind_t pvm_program_detect(const uint8_t *data, size_t len)
{
    pvm_file_kind_t kind = PVM_FILE_UNKNOWN;

    if (has_magic(data, len, "PVM")) {
        return PVM_FILE_POLKAVM;
    }
    if (has_magic(data, len, "JAR\2")) {
        return PVM_FILE_JAR;
    }
    if (has_magic(data, len, "SQLite format 3")) {
        return PVM_FILE_SQLITE;
    }
    if (is_text(data, len)) {
        kind = detect_text(data, len);
    }
    if (kind != PVM_FILE_UNKNOWN) {
        return kind;
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
