/* Filters from text, and the code that they select in a program. See filter.h; trace.h has the grammar. */
#include "events/filter.h"
#include "program/debug_info.h"
#include "program/routines.h"
#include "support/error.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Longest function name that is looked at, with its end. */
#define NAME_BYTES 1024

/* -- Values -------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t max, const char **out_end, uint64_t *out)
{
    char *end;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &end, 0);
    *out_end = end;
    return errno == 0 && *out <= max;
}

static bool read_whole_number(const char *text, uint64_t max, uint64_t *out)
{
    const char *end;

    return read_number(text, max, &end, out) && *end == '\0';
}

static bool add_service(pvm_filter_t *filter, const char *value)
{
    uint64_t number;

    if (filter->service_count == PVM_FILTER_VALUES ||
        !read_whole_number(value, UINT32_MAX, &number)) {
        return false;
    }
    filter->services[filter->service_count++] = (uint32_t)number;
    return true;
}

static bool add_range(pvm_filter_t *filter, const char *value)
{
    const char *end;
    uint64_t begin;
    uint64_t behind;

    if (filter->range_count == PVM_FILTER_VALUES || !read_number(value, UINT32_MAX, &end, &begin) ||
        strncmp(end, "..", 2) != 0 || !read_whole_number(end + 2, UINT32_MAX, &behind) ||
        behind <= begin) {
        return false;
    }
    filter->ranges[filter->range_count++] =
        (pvm_filter_range_t){.begin = (uint32_t)begin, .end = (uint32_t)behind};
    return true;
}

static bool add_function(pvm_filter_t *filter, const char *value)
{
    if (filter->function_count == PVM_FILTER_VALUES || value[0] == '\0') {
        return false;
    }
    filter->functions[filter->function_count++] = value;
    return true;
}

static bool set_after(pvm_filter_t *filter, const char *value)
{
    return filter->after == 0 && read_whole_number(value, UINT64_MAX, &filter->after);
}

static bool add_call(pvm_filter_call_t *calls, size_t *count, const char *value)
{
    const bool is_negative = value[0] == '-';
    uint64_t number = 0;

    if (*count == PVM_FILTER_VALUES || value[0] == '\0') {
        return false;
    }
    const bool is_number =
        read_whole_number(value + is_negative, UINT64_C(0x80000000) - !is_negative, &number);
    calls[(*count)++] =
        (pvm_filter_call_t){.name = value,
                            .is_number = is_number,
                            .func_id = (int32_t)(is_negative ? -(int64_t)number : (int64_t)number)};
    return is_number || !is_negative;
}

static bool add_start(pvm_filter_t *filter, const char *value)
{
    return add_call(filter->starts, &filter->start_count, value);
}

static bool add_stop(pvm_filter_t *filter, const char *value)
{
    return add_call(filter->stops, &filter->stop_count, value);
}

static bool add_around(pvm_filter_t *filter, const char *value)
{
    return add_call(filter->arounds, &filter->around_count, value);
}

static const struct {
    const char *key;
    bool (*add)(pvm_filter_t *filter, const char *value);
    const char *form;
} keys[] = {
    {"service", add_service, "a number"},
    {"pc", add_range, "FROM..TO, TO behind the last one"},
    {"function", add_function, "a name, in which * and ? may stand"},
    {"after", set_after, "how many host calls, once"},
    {"start", add_start, "the name or number of a host call"},
    {"stop", add_stop, "the name or number of a host call"},
    {"around", add_around, "the name or number of a host call"},
};

/* -- Text ---------------------------------------------------------------------------------- */

/* End of the word at text: the comma behind it, but none inside of brackets, which names of functions have. */
static char *end_of_word(char *text)
{
    int depth = 0;

    for (; *text != '\0' && (*text != ',' || depth > 0); text++) {
        depth += *text == '<' || *text == '(';
        depth -= depth > 0 && (*text == '>' || *text == ')');
    }
    return text;
}

static int add_word(pvm_filter_t *filter, char *word)
{
    char *const equals = strchr(word, '=');

    for (size_t i = 0; equals != NULL && i < sizeof(keys) / sizeof(*keys); i++) {
        if ((size_t)(equals - word) == strlen(keys[i].key) &&
            strncmp(word, keys[i].key, strlen(keys[i].key)) == 0) {
            return keys[i].add(filter, equals + 1)
                       ? 0
                       : pvm_error_set("trace filter: '%.80s': %s is %s, at most %d of them", word,
                                       keys[i].key, keys[i].form, PVM_FILTER_VALUES);
        }
    }
    return pvm_error_set("trace filter: '%.80s' is not understood; give service=, pc=, function=, "
                         "after=, start=, stop= or around=",
                         word);
}

pvm_filter_t *pvm_filter_parse(const char *text)
{
    pvm_filter_t *const filter = calloc(1, sizeof(*filter));

    if (filter == NULL || strlen(text) >= PVM_FILTER_BYTES) {
        free(filter);
        pvm_error_set("trace filter: no memory, or longer than %d octets", PVM_FILTER_BYTES - 1);
        return NULL;
    }
    atomic_init(&filter->references, 1);
    memcpy(filter->text, text, strlen(text) + 1);
    memcpy(filter->words, text, strlen(text) + 1);
    for (char *word = filter->words, *next; word != NULL; word = next) {
        char *const end = end_of_word(word);

        next = *end == ',' ? end + 1 : NULL;
        *end = '\0';
        if (add_word(filter, word) != 0) {
            free(filter);
            return NULL;
        }
    }
    return filter;
}

bool pvm_filter_has_stretches(const pvm_filter_t *filter)
{
    return filter->start_count + filter->stop_count + filter->around_count > 0 || filter->after > 0;
}

bool pvm_filter_is_partial(const pvm_filter_t *filter)
{
    return filter->range_count + filter->function_count > 0 || pvm_filter_has_stretches(filter);
}

void pvm_filter_acquire(pvm_filter_t *filter)
{
    atomic_fetch_add_explicit(&filter->references, 1, memory_order_relaxed);
}

void pvm_filter_release(pvm_filter_t *filter)
{
    if (filter != NULL &&
        atomic_fetch_sub_explicit(&filter->references, 1, memory_order_acq_rel) == 1) {
        free(filter);
    }
}

/* -- Code of functions --------------------------------------------------------------------- */

typedef struct {
    pvm_filter_range_t *list;
    size_t count;
    bool failed;
} ranges_t;

static void add_piece(ranges_t *ranges, uint32_t begin, uint32_t end)
{
    if (ranges->count == PVM_FILTER_RANGES) {
        ranges->failed = true;
        return;
    }
    ranges->list[ranges->count++] = (pvm_filter_range_t){.begin = begin, .end = end};
}

/* A name matches as a whole, or by what stands behind its last "::". */
static bool is_match(const char *pattern, const char *name)
{
    const char *last = name;

    for (const char *at = name; *at != '\0' && *at != '<'; at++) {
        last = at[0] == ':' && at[1] == ':' ? at + 2 : last;
    }
    return fnmatch(pattern, name, 0) == 0 || fnmatch(pattern, last, 0) == 0;
}

static void add_debug_ranges(ranges_t *ranges, const pvm_program_t *program, const char *pattern)
{
    pvm_debug_range_t range;
    char name[NAME_BYTES];

    for (size_t i = 0; pvm_debug_info_range(program->debug_info, i, &range) == 0; i++) {
        if (pvm_debug_function_name(&range.function, name, sizeof(name)) > 0 &&
            is_match(pattern, name)) {
            add_piece(ranges, range.begin, range.end);
        }
    }
}

/* Routines that the code shows: fn@PC, and entries by their names. */
static void add_routines(ranges_t *ranges, const pvm_program_t *program, const char *pattern)
{
    uint8_t *const starts = program->block_count > 0 ? pvm_routine_find_starts(program) : NULL;
    uint32_t entry = UINT32_MAX;
    uint32_t begin = UINT32_MAX;
    char name[sizeof("fn@4294967295")];

    (void)pvm_program_find_entry(program, pattern, &entry);
    for (uint32_t i = 0; starts != NULL && i < program->block_count; i++) {
        const uint32_t pc = program->blocks[i].pc;

        if (!pvm_routine_is_marked(starts, pc) && i > 0) {
            continue;
        }
        if (begin != UINT32_MAX) {
            add_piece(ranges, begin, pc);
        }
        (void)snprintf(name, sizeof(name), "fn@%u", (unsigned)pc);
        begin = pc == entry || fnmatch(pattern, name, 0) == 0 ? pc : UINT32_MAX;
    }
    if (begin != UINT32_MAX) {
        add_piece(ranges, begin, UINT32_MAX);
    }
    free(starts);
}

static int by_begin(const void *left, const void *right)
{
    const pvm_filter_range_t *const a = left;
    const pvm_filter_range_t *const b = right;

    return (a->begin > b->begin) - (a->begin < b->begin);
}

static void sort_and_join(ranges_t *ranges)
{
    size_t kept = 0;

    qsort(ranges->list, ranges->count, sizeof(*ranges->list), by_begin);
    for (size_t i = 0; i < ranges->count; i++) {
        pvm_filter_range_t *const last = kept > 0 ? &ranges->list[kept - 1] : NULL;
        const pvm_filter_range_t *const at = &ranges->list[i];

        if (last != NULL && at->begin <= last->end) {
            last->end = at->end > last->end ? at->end : last->end;
        } else {
            ranges->list[kept++] = *at;
        }
    }
    ranges->count = kept;
}

int pvm_filter_resolve(const pvm_filter_t *filter, const pvm_program_t *program,
                       pvm_filter_range_t **out_ranges, size_t *out_count)
{
    ranges_t ranges = {.list = malloc(PVM_FILTER_RANGES * sizeof(*ranges.list))};
    int status = 0;

    if (ranges.list == NULL) {
        return pvm_error_set("trace filter: no memory");
    }
    for (size_t i = 0; i < filter->range_count; i++) {
        add_piece(&ranges, filter->ranges[i].begin, filter->ranges[i].end);
    }
    for (size_t i = 0; i < filter->function_count && status == 0; i++) {
        const size_t before = ranges.count;

        add_debug_ranges(&ranges, program, filter->functions[i]);
        if (ranges.count == before) {
            add_routines(&ranges, program, filter->functions[i]);
        }
        if (ranges.failed) {
            status = pvm_error_set("trace filter: function=%.80s is more than %d pieces of code",
                                   filter->functions[i], PVM_FILTER_RANGES);
        } else if (ranges.count == before) {
            status = pvm_error_set("trace filter: the program has no function=%.80s; report --by "
                                   "function shows their names",
                                   filter->functions[i]);
        }
    }
    sort_and_join(&ranges);
    *out_ranges = ranges.list;
    *out_count = ranges.count;
    return status;
}
