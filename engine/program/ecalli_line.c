/* What a line of a trace is: a record, a damaged one, or context. The grammar itself is in
 * ecalli_record.c. */
#include "program/ecalli_line.h"

#include "program/ecalli_record.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

static size_t word_length(const char *at, const char *end)
{
    size_t len = 0;

    while (at + len < end && (at[len] | 0x20) >= 'a' && (at[len] | 0x20) <= 'z') {
        len++;
    }
    return len;
}

/* "LEVEL [ name ] ", as loggers write it, or nothing. */
static const char *skip_logger_prefix(const char *at, const char *end)
{
    const char *level = at;

    while (level < end && *level >= 'A' && *level <= 'Z') {
        level++;
    }
    level = skip_blanks(level, end);
    if (level == end || *level != '[') {
        return at;
    }
    const char *const bracket = memchr(level, ']', (size_t)(end - level));
    return bracket != NULL ? skip_blanks(bracket + 1, end) : at;
}

static bool has_digit(const char *at, const char *end)
{
    while (at < end && !is_digit(*at)) {
        at++;
    }
    return at < end;
}

/* Prose may begin with "start" or "program" too; records have fields, and damage leaves some trace
 * of them. `program` and `setgas` have a single one, so for them a digit in its place is enough. */
static bool has_fields(const char *at, const char *end, const pvm_ecalli_keyword_t *keyword)
{
    static const char *const marks[] = {"0x", "pc=", "gas=", "len=", "<-", "->"};
    const size_t len = (size_t)(end - at);

    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        if (memmem(at, len, marks[i], strlen(marks[i])) != NULL) {
            return true;
        }
    }
    if (keyword != NULL && keyword->kind == PVM_ECALLI_LINE_PROGRAM) {
        const char *const field = skip_blanks(at, end);
        const char *const blank = memchr(field, ' ', (size_t)(end - field));
        return has_digit(field, blank != NULL ? blank : end);
    }
    if (keyword != NULL && keyword->kind == PVM_ECALLI_LINE_SETGAS) {
        return has_digit(at, end);
    }
    return len > 0 && at[0] == '=';
}

static bool begins_misspelt(const char *at, const char *end)
{
    const char *const blank = memchr(at, ' ', (size_t)(end - at));
    const char *const equals = memchr(at, '=', (size_t)(end - at));
    const char *stop = blank != NULL ? blank : end;

    stop = equals != NULL && equals < stop ? equals : stop;
    return pvm_ecalli_record_resembles(at, (size_t)(stop - at));
}

/* Behind a prefix of unknown shape a record must be perfect, or any prose about one would count. */
static void read_inside(const char *at, const char *end, pvm_ecalli_line_t *out)
{
    const char *problem = NULL;
    size_t len = 0;

    for (const char *word = at; word < end; word += len > 0 ? len : 1) {
        len = word_length(word, end);
        const pvm_ecalli_keyword_t *const keyword = pvm_ecalli_record_find(word, len);
        const bool is_apart = word == at || !(is_digit(word[-1]) || word[-1] == '_');
        if (keyword == NULL || !is_apart) {
            continue;
        }
        if (pvm_ecalli_record_read(word, end, keyword, false, out)) {
            return;
        }
        problem = problem != NULL ? problem : out->problem;
    }
    if (problem == NULL) {
        problem = begins_misspelt(at, end) ? "its keyword is misspelt"
                                           : "it has fields like a record but no keyword";
    }
    *out = (pvm_ecalli_line_t){.kind = PVM_ECALLI_LINE_SUSPECT, .problem = problem};
}

static const pvm_ecalli_keyword_t *keyword_at(const char *at, const char *end, size_t *out_len)
{
    *out_len = word_length(at, end);
    const char *const behind = at + *out_len;
    const bool is_whole_word = behind == end || !(is_digit(*behind) || *behind == '_');

    return is_whole_word ? pvm_ecalli_record_find(at, *out_len) : NULL;
}

void pvm_ecalli_line_read(const char *text, size_t len, pvm_ecalli_line_t *out)
{
    const char *const end = text + len;
    const char *at = skip_blanks(text, end);
    size_t word_len = 0;
    const pvm_ecalli_keyword_t *keyword = keyword_at(at, end, &word_len);

    if (keyword == NULL) {
        at = skip_logger_prefix(at, end);
        keyword = keyword_at(at, end, &word_len);
    }
    if (word_len == strlen("comment") && memcmp(at, "comment", word_len) == 0) {
        *out = (pvm_ecalli_line_t){.kind = PVM_ECALLI_LINE_CONTEXT};
    } else if (!has_fields(at + word_len, end, keyword)) {
        *out = (pvm_ecalli_line_t){
            .kind = keyword != NULL ? PVM_ECALLI_LINE_SUSPECT : PVM_ECALLI_LINE_CONTEXT,
            .problem = "it has a keyword but no fields",
        };
    } else if (keyword == NULL) {
        read_inside(at, end, out);
    } else if (!pvm_ecalli_record_read(at, end, keyword, true, out)) {
        out->kind = PVM_ECALLI_LINE_MALFORMED;
    }
}
