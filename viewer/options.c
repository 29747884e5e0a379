/* Parses the command line by the option table. Options may stand anywhere; "--" ends them. A wrong one gives one
 * line that names the nearest right one. */
#include "viewer/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ON(command) (UINT32_C(1) << PVM_COMMAND_##command)
#define ON_ALL      UINT32_MAX

const pvm_command_info_t pvm_view_commands[PVM_COMMAND_COUNT] = {
#define PVM_COMMAND(id, operands_text, least, most, summary_text, description_text)                \
    [PVM_COMMAND_##id] = {#id, operands_text, least, most, summary_text, description_text},
#include "viewer/commands.def"
};

/* The formats of `export`, as a list of choices with a | in front, and as help. */
static const char exporter_choices[] =
#define PVM_EXPORTER(name, runs_max, summary) "|" #name
#include "viewer/exporters.def"
    ;
static const char exporter_help[] = "what to write:"
#define PVM_EXPORTER(name, runs_max, summary) "\n" #name ": " summary
#include "viewer/exporters.def"
    ;

const pvm_option_info_t pvm_view_options[PVM_OPTION_COUNT] = {
#define PVM_OPTION(id, long_name, letter, argument_text, kind, choice_list, initial_text, where,   \
                   help_text)                                                                      \
    [PVM_OPTION_##id] = {long_name,   letter,       argument_text, PVM_OPTION_TYPE_##kind,         \
                         choice_list, initial_text, where,         help_text},
#include "viewer/options.def"
};

_Static_assert(PVM_COMMAND_COUNT <= 32, "an option's commands are bits of 32");

/** Longest name that is compared with another; longer ones are near to nothing. */
#define NAME_BYTES_MAX 32

pvm_view_status_t pvm_view_fail(pvm_view_t *view, pvm_view_status_t status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(view->error, sizeof(view->error), format, arguments);
    va_end(arguments);
    return status;
}

/* -- Nearest names ------------------------------------------------------------------------- */

/** Levenshtein distance; large if a name is too long to compare. */
static size_t edit_distance(const char *a, const char *b)
{
    const size_t a_len = strlen(a);
    const size_t b_len = strlen(b);
    size_t row[NAME_BYTES_MAX + 1];

    if (a_len > NAME_BYTES_MAX || b_len > NAME_BYTES_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            const size_t insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replace < insert ? replace : insert;
        }
    }
    return row[b_len];
}

/** Remembers in *best the nearer of two names; half of the letters wrong is no longer near. */
static void nearest_consider(const char *name, const char *candidate, const char **best,
                             size_t *best_distance)
{
    const size_t distance = edit_distance(name, candidate);
    const size_t limit = (strlen(candidate) + 1) / 2;

    if (distance <= limit && distance < *best_distance) {
        *best = candidate;
        *best_distance = distance;
    }
}

const char *pvm_view_command_nearest(const char *name)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;

    for (int i = 0; i < PVM_COMMAND_COUNT; i++) {
        nearest_consider(name, pvm_view_commands[i].name, &best, &best_distance);
    }
    return best;
}

pvm_command_t pvm_view_command_find(const char *name)
{
    int command = 0;

    while (command < PVM_COMMAND_COUNT && strcmp(pvm_view_commands[command].name, name) != 0) {
        command++;
    }
    return (pvm_command_t)command;
}

/** In front of the command only the options of all commands are known: which others there are depends on it. */
static bool option_is_known(const pvm_view_t *view, int option)
{
    const uint32_t commands = pvm_view_options[option].commands;

    return view->has_command ? (commands >> view->command) & 1 : commands == ON_ALL;
}

static pvm_view_status_t fail_unknown_option(pvm_view_t *view, const char *written,
                                             const char *name)
{
    const char *command = pvm_view_commands[view->command].name;
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;

    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        if (option_is_known(view, i)) {
            nearest_consider(name, pvm_view_options[i].name, &best, &best_distance);
        }
    }
    if (!view->has_command) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "unknown option %s in front of a command; see pvmscope help", written);
    }
    if (best == NULL) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: unknown option %s; see pvmscope help %s",
                             command, written, command);
    }
    return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: unknown option %s; did you mean --%s?", command,
                         written, best);
}

/* -- Values -------------------------------------------------------------------------------- */

/** The place of text[0..len) in a list separated by |, or -1. */
static int choice_find(const char *choices, const char *text, size_t len)
{
    int place = 0;

    for (const char *choice = choices;; place++) {
        const size_t choice_len = strcspn(choice, "|");

        if (choice_len == len && memcmp(choice, text, len) == 0) {
            return place;
        }
        if (choice[choice_len] == '\0') {
            return -1;
        }
        choice += choice_len + 1;
    }
}

/** A number, all of text, without sign. @return 0 or -1. */
static int number_parse(const char *text, int base, uint64_t *out_number)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return -1;
    }
    errno = 0;
    *out_number = strtoull(text, &end, base);
    return errno == 0 && *end == '\0' ? 0 : -1;
}

/** An item of a list: a name; or one that ends with = in the list and has a number behind it here, or nothing: what number
 *  that means is the command's business. @return its place, or -1 */
static int item_find(const char *choices, const char *text, size_t len, uint64_t *out_detail)
{
    char item[64];
    char *equals;

    if (len + 2 > sizeof(item)) {
        return -1;
    }
    (void)snprintf(item, sizeof(item), "%.*s", (int)len, text);
    equals = strchr(item, '=');
    if (equals != NULL) {
        const int place = choice_find(choices, item, (size_t)(equals - item) + 1);
        return place >= 0 && number_parse(equals + 1, 10, out_detail) == 0 && *out_detail > 0
                   ? place
                   : -1;
    }
    const int place = choice_find(choices, item, len);
    item[len] = '=';
    return place >= 0 ? place : choice_find(choices, item, len + 1);
}

/** "rN=VALUE"; a negative value is taken modulo 2^64. @return 0 or -1. */
static int register_parse(pvm_view_t *view, const char *text)
{
    char *end = NULL;
    uint64_t value = 0;
    long index;
    bool negative;
    bool hexadecimal;

    if ((text[0] != 'r' && text[0] != 'R') || text[1] < '0' || text[1] > '9') {
        return -1;
    }
    index = strtol(text + 1, &end, 10);
    if (index < 0 || index >= PVM_REGISTER_COUNT || *end != '=') {
        return -1;
    }
    negative = end[1] == '-';
    text = end + 1 + negative;
    hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (number_parse(text, hexadecimal ? 16 : 10, &value) < 0) {
        return -1;
    }
    view->register_given[index] = true;
    view->registers[index] = negative ? UINT64_C(0) - value : value;
    return 0;
}

/** Keep a value. @return 0, or -1 if it is none of this type. */
static int value_set(pvm_view_t *view, int option, const char *text)
{
    const pvm_option_info_t *info = &pvm_view_options[option];
    pvm_option_value_t *value = &view->values[option];

    value->text = text;
    switch (info->type) {
    case PVM_OPTION_TYPE_FLAG:
        value->number = 1;
        return 0;
    case PVM_OPTION_TYPE_TEXT:
        return 0;
    case PVM_OPTION_TYPE_NUMBER:
        return number_parse(text, 10, &value->number);
    case PVM_OPTION_TYPE_REGISTER:
        return register_parse(view, text);
    case PVM_OPTION_TYPE_CHOICE:
    case PVM_OPTION_TYPE_LIST:
        break;
    }
    value->number = 0;
    value->detail = 0;
    for (;;) {
        const size_t len = info->type == PVM_OPTION_TYPE_LIST ? strcspn(text, ",") : strlen(text);
        const int place = info->type == PVM_OPTION_TYPE_LIST
                              ? item_find(info->choices, text, len, &value->detail)
                              : choice_find(info->choices, text, len);

        if (place < 0) {
            return -1;
        }
        if (info->type == PVM_OPTION_TYPE_CHOICE) {
            value->number = (uint64_t)place;
            return 0;
        }
        value->number |= UINT64_C(1) << place;
        if (text[len] == '\0') {
            return 0;
        }
        text += len + 1;
    }
}

static const char *type_expectation(pvm_option_type_t type)
{
    switch (type) {
    case PVM_OPTION_TYPE_NUMBER:
        return "a decimal number below 2^64";
    case PVM_OPTION_TYPE_REGISTER:
        return "rN=VALUE with N from 0 to 12";
    case PVM_OPTION_TYPE_LIST:
        return "names separated by commas, of";
    default:
        return "one of";
    }
}

/* -- Parsing ------------------------------------------------------------------------------- */

/** Find the option that argv[index] names. *out_value is the text behind "=" (or behind a letter), or NULL. */
static int option_find(const pvm_view_t *view, const char *written, char *out_name,
                       const char **out_value)
{
    const bool is_long = written[1] == '-';
    const char *name = written + (is_long ? 2 : 1);
    const size_t name_len = is_long ? strcspn(name, "=") : 1;

    snprintf(out_name, NAME_BYTES_MAX + 2, "%.*s",
             (int)(name_len > NAME_BYTES_MAX ? NAME_BYTES_MAX + 1 : name_len), name);
    *out_value = name[name_len] == '\0' ? NULL : name + name_len + (is_long ? 1 : 0);
    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        const pvm_option_info_t *info = &pvm_view_options[i];
        const bool same = is_long ? strcmp(info->name, out_name) == 0
                                  : info->short_name != 0 && info->short_name == name[0];

        if (same && option_is_known(view, i)) {
            return i;
        }
    }
    return -1;
}

static pvm_view_status_t option_parse(pvm_view_t *view, int argc, char *const *argv, int *index)
{
    const char *written = argv[*index];
    const char *command = pvm_view_commands[view->command].name;
    const pvm_option_info_t *info;
    char name[NAME_BYTES_MAX + 2];
    const char *value = NULL;
    const int option = option_find(view, written, name, &value);

    if (option < 0) {
        return fail_unknown_option(view, written, name);
    }
    info = &pvm_view_options[option];
    if (info->type == PVM_OPTION_TYPE_FLAG) {
        if (value != NULL) {
            return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: --%s takes no value; remove it",
                                 command, info->name);
        }
    } else if (value == NULL) {
        if (*index + 1 >= argc) {
            return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: --%s needs a value: --%s %s", command,
                                 info->name, info->name, info->argument);
        }
        value = argv[++*index];
    }
    if (value_set(view, option, value) < 0) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: --%s %s: not understood; give %s%s%s",
                             command, info->name, value, type_expectation(info->type),
                             info->choices != NULL ? " " : "",
                             info->choices != NULL ? info->choices : "");
    }
    view->values[option].given = true;
    return PVM_VIEW_FINE;
}

static pvm_view_status_t command_parse(pvm_view_t *view, const char *name)
{
    const char *nearest;

    view->command = pvm_view_command_find(name);
    if (view->command != PVM_COMMAND_COUNT) {
        view->has_command = true;
        return PVM_VIEW_FINE;
    }
    view->command = PVM_COMMAND_help;
    nearest = pvm_view_command_nearest(name);
    if (nearest != NULL) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "unknown command %s; did you mean %s?", name,
                             nearest);
    }
    return pvm_view_fail(view, PVM_VIEW_USAGE, "unknown command %s; see pvmscope help", name);
}

static pvm_view_status_t operands_check(pvm_view_t *view)
{
    const pvm_command_info_t *info = &pvm_view_commands[view->command];
    const size_t count = view->operand_count;

    if (view->values[PVM_OPTION_HELP].given || view->values[PVM_OPTION_VERSION].given) {
        return PVM_VIEW_FINE;
    }
    if (count < (size_t)info->operands_min) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: too few operands; usage: pvmscope %s %s",
                             info->name, info->name, info->operands);
    }
    if (info->operands_max >= 0 && count > (size_t)info->operands_max) {
        return pvm_view_fail(view, PVM_VIEW_USAGE,
                             "%s: one operand too many: %s; usage: pvmscope %s %s", info->name,
                             view->operands[info->operands_max], info->name, info->operands);
    }
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_view_parse(pvm_view_t *view, int argc, char *const *argv)
{
    pvm_view_status_t status = PVM_VIEW_FINE;
    bool options_end = false;

    *view = (pvm_view_t){.command = PVM_COMMAND_help};
    view->operands = calloc((size_t)argc + 1, sizeof(*view->operands));
    if (view->operands == NULL) {
        return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "no memory for the command line");
    }
    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        if (pvm_view_options[i].initial != NULL) {
            value_set(view, i, pvm_view_options[i].initial);
        }
    }
    for (int i = 1; i < argc && status == PVM_VIEW_FINE; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            status = option_parse(view, argc, argv, &i);
        } else if (!view->has_command) {
            status = command_parse(view, argv[i]);
        } else {
            view->operands[view->operand_count++] = argv[i];
        }
    }
    return status == PVM_VIEW_FINE ? operands_check(view) : status;
}

void pvm_view_finish(pvm_view_t *view)
{
    free(view->operands);
    view->operands = NULL;
}
