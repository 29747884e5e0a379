/* The grammar of trace records. Every field is checked to its end, so that damage cannot pass for
 * something else. */
#include "program/ecalli_record.h"

#include <string.h>

/* -- Scanning ------------------------------------------------------------------------------ */

/* The first problem sticks; after it nothing is consumed. */
typedef struct {
    const char *at;
    const char *end;
    const char *problem;
} scanner_t;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void fail(scanner_t *scanner, const char *problem)
{
    if (scanner->problem == NULL) {
        scanner->problem = problem;
    }
}

static size_t left(const scanner_t *scanner)
{
    return (size_t)(scanner->end - scanner->at);
}

static void skip_blanks(scanner_t *scanner)
{
    while (scanner->at < scanner->end && is_blank(*scanner->at)) {
        scanner->at++;
    }
}

static bool starts_with(const scanner_t *scanner, const char *text)
{
    const size_t len = strlen(text);

    return left(scanner) >= len && memcmp(scanner->at, text, len) == 0;
}

/* Passes over blanks and then this text, or fails. */
static void expect(scanner_t *scanner, const char *text, const char *problem)
{
    skip_blanks(scanner);
    if (scanner->problem == NULL && starts_with(scanner, text)) {
        scanner->at += strlen(text);
    } else {
        fail(scanner, problem);
    }
}

/* A field ends with the line or with a blank. */
static void expect_end_of_field(scanner_t *scanner, const char *problem)
{
    if (scanner->at < scanner->end && !is_blank(*scanner->at)) {
        fail(scanner, problem);
    }
}

static uint64_t read_decimal(scanner_t *scanner, uint64_t max, const char *problem)
{
    uint64_t value = 0;
    const char *const begin = scanner->at;

    while (scanner->problem == NULL && scanner->at < scanner->end && is_digit(*scanner->at)) {
        const uint64_t digit = (uint64_t)(*scanner->at - '0');
        if (digit > max || value > (max - digit) / 10) {
            fail(scanner, problem);
            return 0;
        }
        value = value * 10 + digit;
        scanner->at++;
    }
    if (scanner->at == begin) {
        fail(scanner, problem);
    }
    expect_end_of_field(scanner, problem);
    return value;
}

static uint64_t read_hex(scanner_t *scanner, uint64_t max, const char *problem)
{
    uint64_t value = 0;

    expect(scanner, "0x", problem);
    const char *const begin = scanner->at;
    while (scanner->problem == NULL && scanner->at < scanner->end && hex_value(*scanner->at) >= 0) {
        if (value > max >> 4) {
            fail(scanner, problem);
            return 0;
        }
        value = value << 4 | (uint64_t)hex_value(*scanner->at);
        scanner->at++;
    }
    if (scanner->at == begin) {
        fail(scanner, problem);
    }
    expect_end_of_field(scanner, problem);
    return value;
}

/* -- Fields -------------------------------------------------------------------------------- */

static void read_octets(scanner_t *scanner, pvm_ecalli_line_t *out)
{
    static const char problem[] = "the data are not 0x and two hexadecimal digits for each octet";

    expect(scanner, "0x", problem);
    out->hex = scanner->at;
    while (scanner->problem == NULL && scanner->at < scanner->end && hex_value(*scanner->at) >= 0) {
        scanner->at++;
    }
    const size_t digits = (size_t)(scanner->at - out->hex);
    if (digits % 2 != 0) {
        fail(scanner, problem);
    }
    out->octets = digits / 2;
    expect_end_of_field(scanner, problem);
}

/* rNN, at the scanner, without passing blanks. */
static uint32_t read_register_name(scanner_t *scanner, const char *problem)
{
    if (scanner->problem != NULL || left(scanner) < 3 || scanner->at[0] != 'r' ||
        !is_digit(scanner->at[1]) || !is_digit(scanner->at[2])) {
        fail(scanner, problem);
        return 0;
    }
    const uint32_t index = (uint32_t)((scanner->at[1] - '0') * 10 + (scanner->at[2] - '0'));
    scanner->at += 3;
    if (index >= PVM_REGISTER_COUNT) {
        fail(scanner, problem);
        return 0;
    }
    return index;
}

static void read_registers(scanner_t *scanner, uint64_t *registers)
{
    static const char problem[] = "a register is not rNN=0x... with NN from 00 to 12 and 64 bits";
    uint32_t seen = 0;

    for (;;) {
        skip_blanks(scanner);
        if (scanner->problem != NULL || left(scanner) < 2 || scanner->at[0] != 'r' ||
            !is_digit(scanner->at[1])) {
            return;
        }
        const uint32_t index = read_register_name(scanner, problem);
        if (left(scanner) == 0 || *scanner->at != '=') {
            fail(scanner, problem);
            return;
        }
        scanner->at++;
        if (left(scanner) == 0 || is_blank(*scanner->at)) {
            fail(scanner, problem);
        }
        registers[index] = read_hex(scanner, UINT64_MAX, problem);
        if ((seen >> index & 1) != 0) {
            fail(scanner, "a register is named twice");
        }
        seen |= 1U << index;
    }
}

static void read_state(scanner_t *scanner, pvm_ecalli_state_t *state)
{
    static const char pc_problem[] = "pc is missing or not a decimal number below 2^32";
    static const char gas_problem[] = "gas is missing or not a decimal number below 2^63";

    expect(scanner, "pc=", pc_problem);
    state->pc = (uint32_t)read_decimal(scanner, UINT32_MAX, pc_problem);
    expect(scanner, "gas=", gas_problem);
    state->gas = read_decimal(scanner, INT64_MAX, gas_problem);
    read_registers(scanner, state->registers);
}

static void read_memory(scanner_t *scanner, const char *arrow, pvm_ecalli_line_t *out)
{
    static const char len_problem[] = "len is missing or not a decimal number below 2^32";

    out->address = (uint32_t)read_hex(scanner, UINT32_MAX,
                                      "the address is not a hexadecimal number below 2^32");
    expect(scanner, "len=", len_problem);
    const uint64_t len = read_decimal(scanner, UINT32_MAX, len_problem);
    expect(scanner, arrow, "the arrow is missing: memread has ->, memwrite has <-");
    read_octets(scanner, out);
    if (scanner->problem == NULL && len != out->octets) {
        fail(scanner, "len is not the number of octets that follow");
    }
    if (scanner->problem == NULL && out->address + len > UINT64_C(1) << 32) {
        fail(scanner, "the access reaches beyond 2^32");
    }
}

/* The immediate of an ecalli is signed; writers that print it unsigned, in 32 or 64 bits, mean the
 * same. */
static int32_t read_func_id(scanner_t *scanner)
{
    static const char problem[] = "the host call number is not a decimal number of 32 bits";
    const bool is_negative = left(scanner) > 0 && *scanner->at == '-';

    if (is_negative) {
        scanner->at++;
    }
    const uint64_t value = read_decimal(scanner, UINT64_MAX, problem);
    if (is_negative ? value > UINT64_C(0x80000000)
                    : value > UINT32_MAX && value < UINT64_MAX - INT32_MAX) {
        fail(scanner, problem);
    }
    return (int32_t)(uint32_t)(is_negative ? 0 - value : value);
}

static uint64_t read_argument(scanner_t *scanner)
{
    static const char problem[] = "the argument is not a number of 64 bits";

    return starts_with(scanner, "0x") ? read_hex(scanner, UINT64_MAX, problem)
                                      : read_decimal(scanner, UINT64_MAX, problem);
}

/* -- Records ------------------------------------------------------------------------------- */

static const pvm_ecalli_keyword_t keywords[] = {
    {"program", ' ', PVM_ECALLI_LINE_PROGRAM, PVM_ECALLI_END_NONE},
    {"memwrite", ' ', PVM_ECALLI_LINE_MEMWRITE, PVM_ECALLI_END_NONE},
    {"start", ' ', PVM_ECALLI_LINE_START, PVM_ECALLI_END_NONE},
    {"ecalli", '=', PVM_ECALLI_LINE_CALL, PVM_ECALLI_END_NONE},
    {"memread", ' ', PVM_ECALLI_LINE_MEMREAD, PVM_ECALLI_END_NONE},
    {"setreg", ' ', PVM_ECALLI_LINE_SETREG, PVM_ECALLI_END_NONE},
    {"setgas", ' ', PVM_ECALLI_LINE_SETGAS, PVM_ECALLI_END_NONE},
    {"HALT", ' ', PVM_ECALLI_LINE_END, PVM_ECALLI_END_HALT},
    {"PANIC", '=', PVM_ECALLI_LINE_END, PVM_ECALLI_END_PANIC},
    {"OOG", ' ', PVM_ECALLI_LINE_END, PVM_ECALLI_END_OOG},
    {"FAULT", '=', PVM_ECALLI_LINE_END, PVM_ECALLI_END_FAULT},
};

#define KEYWORD_COUNT (sizeof(keywords) / sizeof(*keywords))

static void read_fields(scanner_t *scanner, const pvm_ecalli_keyword_t *keyword,
                        pvm_ecalli_line_t *out)
{
    if (left(scanner) == 0 ||
        (keyword->separator == ' ' ? !is_blank(*scanner->at) : *scanner->at != '=')) {
        fail(scanner, keyword->separator == ' ' ? "there is no blank behind the keyword"
                                                : "there is no = behind the keyword");
        return;
    }
    scanner->at++;
    switch (keyword->kind) {
    case PVM_ECALLI_LINE_PROGRAM:
        read_octets(scanner, out);
        break;
    case PVM_ECALLI_LINE_MEMWRITE:
        read_memory(scanner, "<-", out);
        break;
    case PVM_ECALLI_LINE_MEMREAD:
        read_memory(scanner, "->", out);
        break;
    case PVM_ECALLI_LINE_CALL:
        out->func_id = read_func_id(scanner);
        read_state(scanner, &out->state);
        break;
    case PVM_ECALLI_LINE_SETREG:
        skip_blanks(scanner);
        out->reg = read_register_name(scanner, "the register is not r00 to r12");
        expect(scanner, "<-", "the arrow <- is missing");
        out->value =
            read_hex(scanner, UINT64_MAX, "the value is not a hexadecimal number of 64 bits");
        break;
    case PVM_ECALLI_LINE_SETGAS:
        expect(scanner, "<-", "the arrow <- is missing");
        skip_blanks(scanner);
        out->value = read_decimal(scanner, INT64_MAX, "the gas is not a decimal number below 2^63");
        break;
    case PVM_ECALLI_LINE_END:
        out->end = keyword->end;
        if (keyword->separator == '=') {
            out->argument = read_argument(scanner);
        }
        read_state(scanner, &out->state);
        break;
    default:
        read_state(scanner, &out->state);
        break;
    }
}

/* What a logger appends begins with a blank, and with nothing that could be a damaged field. */
static void check_suffix(scanner_t *scanner, bool may_have_suffix)
{
    skip_blanks(scanner);
    const size_t len = left(scanner);
    if (len == 0 || scanner->problem != NULL) {
        return;
    }
    const char *const at = scanner->at;
    if (!may_have_suffix || is_digit(at[0]) || memchr("-<>=", at[0], 4) != NULL ||
        (len > 1 && is_letter(at[0]) && is_digit(at[1])) || memmem(at, len, "=0x", 3) != NULL) {
        fail(scanner, "there is something behind the last field that may be a damaged one");
    }
}

bool pvm_ecalli_record_read(const char *at, const char *end, const pvm_ecalli_keyword_t *keyword,
                            bool may_have_suffix, pvm_ecalli_line_t *out)
{
    scanner_t scanner = {.at = at + strlen(keyword->word), .end = end};

    *out = (pvm_ecalli_line_t){.kind = keyword->kind};
    read_fields(&scanner, keyword, out);
    check_suffix(&scanner, may_have_suffix);
    out->problem = scanner.problem;
    return scanner.problem == NULL;
}

const pvm_ecalli_keyword_t *pvm_ecalli_record_find(const char *word, size_t len)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if (strlen(keywords[i].word) == len && memcmp(keywords[i].word, word, len) == 0) {
            return &keywords[i];
        }
    }
    return NULL;
}

/* One letter wrong, missing or too many. */
static bool is_misspelt(const char *word, size_t len, const char *keyword)
{
    const size_t wanted = strlen(keyword);
    size_t head = 0;
    size_t tail = 0;

    while (head < len && head < wanted && word[head] == keyword[head]) {
        head++;
    }
    while (tail < len - head && tail < wanted - head &&
           word[len - 1 - tail] == keyword[wanted - 1 - tail]) {
        tail++;
    }
    return len - head - tail <= 1 && wanted - head - tail <= 1;
}

bool pvm_ecalli_record_resembles(const char *word, size_t len)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if (is_misspelt(word, len, keywords[i].word)) {
            return true;
        }
    }
    return false;
}

void pvm_ecalli_line_decode(const char *hex, size_t octets, uint8_t *out)
{
    for (size_t i = 0; i < octets; i++) {
        out[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    }
}
