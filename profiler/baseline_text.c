/* Baselines as text: a line for each figure, sorted, so that a change of the code is a change of few lines. */
#include "profiler/baseline.h"

#include "support/error.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/** What stands behind the word, before the name. */
static const struct {
    const char *word;
    bool has_count;
    bool has_gas;
    bool has_name;
} kinds[PVM_BASELINE_KIND_COUNT] = {
    [PVM_BASELINE_RESULT] = {"result", true, false, true},
    [PVM_BASELINE_TOTAL] = {"total", false, true, false},
    [PVM_BASELINE_BLOCKS] = {"blocks", false, true, false},
    [PVM_BASELINE_HOST] = {"host", false, true, false},
    [PVM_BASELINE_FUNCTION] = {"function", false, true, true},
    [PVM_BASELINE_HOST_CALL] = {"hostcall", true, true, true},
};

const char *pvm_baseline_word(pvm_baseline_kind_t kind)
{
    return kinds[kind].word;
}

void pvm_baseline_write(const pvm_baseline_t *baseline, FILE *out)
{
    (void)fprintf(out, PVM_PROF_BASELINE_HEAD "%d\n", PVM_PROF_BASELINE_VERSION);
    (void)fprintf(out, "spec %s\n", baseline->spec);
    for (size_t i = 0; i < baseline->count; i++) {
        const pvm_baseline_item_t *const item = &baseline->items[i];

        (void)fputs(kinds[item->kind].word, out);
        if (kinds[item->kind].has_gas) {
            (void)fprintf(out, " %" PRId64, item->gas);
        }
        if (kinds[item->kind].has_count) {
            (void)fprintf(out, " %" PRId64, item->count);
        }
        (void)fprintf(out, "%s%s\n", kinds[item->kind].has_name ? " " : "", item->name);
    }
}

/* -- Reading: the file is somebody's input --------------------------------------------------- */

typedef struct {
    FILE *in;
    const char *name;
    unsigned line_number;
    char line[PVM_PROF_BASELINE_LINE_BYTES];
} reader_t;

static pvm_prof_status_t refuse(const reader_t *reader, const char *why)
{
    pvm_error_set("%.300s:%u: %s; write it anew with --write-baseline", reader->name,
                  reader->line_number, why);
    return PVM_PROF_E_FORMAT;
}

/* The next line, without its end. *out_has is false behind the last one. */
static pvm_prof_status_t next_line(reader_t *reader, bool *out_has)
{
    size_t len;

    reader->line_number++;
    *out_has = fgets(reader->line, sizeof(reader->line), reader->in) != NULL;
    if (!*out_has) {
        return ferror(reader->in) ? refuse(reader, "cannot be read") : PVM_PROF_OK;
    }
    if (reader->line_number > PVM_PROF_BASELINE_MAX_LINES) {
        return refuse(reader, "too many lines");
    }
    len = strlen(reader->line);
    if (len == 0 || (reader->line[len - 1] != '\n' && !feof(reader->in))) {
        return refuse(reader, "a line is too long, or no text");
    }
    while (len > 0 && (reader->line[len - 1] == '\n' || reader->line[len - 1] == '\r')) {
        reader->line[--len] = '\0';
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)reader->line[i] < ' ' || reader->line[i] == 0x7f) {
            return refuse(reader, "a line is no text");
        }
    }
    return PVM_PROF_OK;
}

/* A number from 0 on and the blank behind it, or the end of the line. */
static bool take_number(char **at, int64_t *out)
{
    char *end = NULL;

    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    errno = 0;
    const long long number = strtoll(*at, &end, 10);
    if (errno != 0 || (*end != ' ' && *end != '\0')) {
        return false;
    }
    *out = number;
    *at = *end == ' ' ? end + 1 : end;
    return true;
}

static pvm_prof_status_t read_item(const reader_t *reader, pvm_baseline_kind_t kind, char *rest,
                                   pvm_baseline_t *out)
{
    int64_t gas = 0;
    int64_t count = 0;

    if ((kinds[kind].has_gas && !take_number(&rest, &gas)) ||
        (kinds[kind].has_count && !take_number(&rest, &count)) ||
        kinds[kind].has_name != (*rest != '\0')) {
        return refuse(reader, "not understood");
    }
    if (pvm_baseline_add(out, kind, rest, gas, count) != 0) {
        pvm_error_set("%.300s: no memory to read it", reader->name);
        return PVM_PROF_E_SYSTEM;
    }
    return PVM_PROF_OK;
}

static pvm_prof_status_t read_line(const reader_t *reader, char *line, pvm_baseline_t *out)
{
    char *const blank = strchr(line, ' ');

    if (line[0] == '#' || line[0] == '\0') {
        return PVM_PROF_OK;
    }
    if (blank == NULL) {
        return refuse(reader, "not understood");
    }
    *blank = '\0';
    if (strcmp(line, "spec") == 0 && out->spec[0] == '\0' && blank[1] != '\0') {
        (void)snprintf(out->spec, sizeof(out->spec), "%s", blank + 1);
        return PVM_PROF_OK;
    }
    for (int kind = 0; kind < PVM_BASELINE_KIND_COUNT; kind++) {
        if (strcmp(line, kinds[kind].word) == 0) {
            return read_item(reader, (pvm_baseline_kind_t)kind, blank + 1, out);
        }
    }
    return refuse(reader, "not understood");
}

static pvm_prof_status_t read_head(reader_t *reader)
{
    const size_t len = strlen(PVM_PROF_BASELINE_HEAD);
    char *at = reader->line + len;
    int64_t version = 0;
    bool has_line;
    const pvm_prof_status_t status = next_line(reader, &has_line);

    if (status != PVM_PROF_OK || !has_line ||
        strncmp(reader->line, PVM_PROF_BASELINE_HEAD, len) != 0 || !take_number(&at, &version) ||
        *at != '\0' || version < 1) {
        pvm_error_set("%.300s: neither a baseline nor a run file; make one with --write-baseline",
                      reader->name);
        return PVM_PROF_E_FORMAT;
    }
    if (version > PVM_PROF_BASELINE_VERSION) {
        pvm_error_set("%.300s: of version %lld, this pvmscope reads up to %d; use a newer pvmscope",
                      reader->name, (long long)version, PVM_PROF_BASELINE_VERSION);
        return PVM_PROF_E_FORMAT;
    }
    return PVM_PROF_OK;
}

/* -- Does it add up? ------------------------------------------------------------------------- */

static int64_t sum_of(const pvm_baseline_t *baseline, pvm_baseline_kind_t kind)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < baseline->count; i++) {
        sum += baseline->items[i].kind == kind ? (uint64_t)baseline->items[i].gas : 0;
    }
    return (int64_t)sum;
}

static pvm_prof_status_t check_sum(const char *name, const char *what, int64_t said, int64_t found)
{
    if (said == found) {
        return PVM_PROF_OK;
    }
    pvm_error_set("%.300s: its figures do not reconcile: %s is %" PRId64 ", its parts give %" PRId64
                  ", difference %" PRId64 "; write it anew with --write-baseline",
                  name, what, said, found, (int64_t)((uint64_t)said - (uint64_t)found));
    return PVM_PROF_E_FORMAT;
}

static pvm_prof_status_t check_sums(const char *name, const pvm_baseline_t *baseline)
{
    const int64_t total = sum_of(baseline, PVM_BASELINE_TOTAL);
    const int64_t blocks = sum_of(baseline, PVM_BASELINE_BLOCKS);
    const int64_t host = sum_of(baseline, PVM_BASELINE_HOST);
    const bool is_counted = pvm_baseline_find(baseline, PVM_BASELINE_BLOCKS, "") != NULL;
    pvm_prof_status_t status =
        check_sum(name, "host", host, sum_of(baseline, PVM_BASELINE_HOST_CALL));

    if (status == PVM_PROF_OK && is_counted) {
        status = check_sum(name, "blocks", blocks, sum_of(baseline, PVM_BASELINE_FUNCTION));
    }
    if (status == PVM_PROF_OK && is_counted) {
        status = check_sum(name, "total", total, (int64_t)((uint64_t)blocks + (uint64_t)host));
    }
    return status;
}

pvm_prof_status_t pvm_baseline_read(FILE *in, const char *name, pvm_baseline_t *out)
{
    reader_t *const reader = malloc(sizeof(*reader));
    bool has_line = true;

    *out = (pvm_baseline_t){0};
    if (reader == NULL) {
        pvm_error_set("%.300s: no memory to read it", name);
        return PVM_PROF_E_SYSTEM;
    }
    *reader = (reader_t){.in = in, .name = name};
    pvm_prof_status_t status = read_head(reader);
    while (status == PVM_PROF_OK && has_line) {
        status = next_line(reader, &has_line);
        if (status == PVM_PROF_OK && has_line) {
            status = read_line(reader, reader->line, out);
        }
    }
    const size_t count = out->count;
    pvm_baseline_settle(out);
    if (status == PVM_PROF_OK && count != out->count) {
        status = refuse(reader, "a line above is there twice");
    }
    if (status == PVM_PROF_OK &&
        (out->spec[0] == '\0' || pvm_baseline_find(out, PVM_BASELINE_TOTAL, "") == NULL ||
         pvm_baseline_find(out, PVM_BASELINE_HOST, "") == NULL)) {
        status = refuse(reader, "ends without spec, total or host");
    }
    free(reader);
    return status == PVM_PROF_OK ? check_sums(name, out) : status;
}
