/* Help from the two tables: an overview, one command, and the whole manual as Markdown (docs/commands.md). */
#include "viewer/command.h"

#include <stdio.h>
#include <string.h>

/** Help is folded here, on every terminal: it is prose. */
#define HELP_COLUMNS 80
/** Column where the text of an option begins. */
#define HELP_INDENT 24

/** Most octets of the text of an option. */
#define HELP_TEXT_BYTES 2048

/** Print text from `column` on, folded between words and where it has a line end, and indented. */
static void put_folded(FILE *out, const char *text, size_t column, size_t indent)
{
    size_t at = column;

    while (*text != '\0') {
        const bool is_line_end = *text == '\n';

        text += is_line_end;
        const size_t len = strcspn(text, " \n");

        if (is_line_end || (at + len + (at > indent) > HELP_COLUMNS && at > indent)) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)len, text);
        at += len;
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/** Every command knows these two; lists name them once. */
static bool is_for_all(int option)
{
    return pvm_view_options[option].commands == UINT32_MAX;
}

static bool is_known(int option, pvm_command_t command)
{
    return (pvm_view_options[option].commands >> command) & 1;
}

/** "--output FILE" with its letter. */
static int option_name(int option, char *out, size_t out_bytes)
{
    const pvm_option_info_t *info = &pvm_view_options[option];
    char letter[8] = "";

    if (info->short_name != 0) {
        snprintf(letter, sizeof(letter), "-%c, ", info->short_name);
    }
    return snprintf(out, out_bytes, "%s--%s%s%s", letter, info->name,
                    info->argument != NULL ? " " : "",
                    info->argument != NULL ? info->argument : "");
}

static void put_option(FILE *out, int option)
{
    const pvm_option_info_t *info = &pvm_view_options[option];
    char name[64];
    char text[HELP_TEXT_BYTES];

    option_name(option, name, sizeof(name));
    snprintf(text, sizeof(text), "%s%s%s%s", info->help, info->initial != NULL ? " (default: " : "",
             info->initial != NULL ? info->initial : "", info->initial != NULL ? ")" : "");
    fprintf(out, "  %-*s", HELP_INDENT - 2, name);
    if (strlen(name) > HELP_INDENT - 4) {
        fprintf(out, "\n%*s", HELP_INDENT, "");
    }
    put_folded(out, text, HELP_INDENT, HELP_INDENT);
}

static void put_overview(FILE *out)
{
    fputs("Usage: pvmscope COMMAND [OPTIONS] OPERANDS\n\n", out);
    put_folded(out, "Runs programs of the Polkadot Virtual Machine and shows where their gas went.",
               0, 0);
    fputs("\nCommands:\n", out);
    for (int i = 0; i < PVM_COMMAND_COUNT; i++) {
        fprintf(out, "  %-*s", 12, pvm_view_commands[i].name);
        put_folded(out, pvm_view_commands[i].summary, 14, 14);
    }
    fputs("\nOptions of every command:\n", out);
    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        if (is_for_all(i)) {
            put_option(out, i);
        }
    }
    fputs("\nExit codes: 0 fine; 1 the answer is no (a difference, a failed --expect);\n"
          "2 wrong command line; 3 bad input; 4 environment (no memory, no permission).\n"
          "\n`pvmscope help COMMAND` tells more.\n",
          out);
}

static void put_command(FILE *out, pvm_command_t command)
{
    const pvm_command_info_t *info = &pvm_view_commands[command];

    fprintf(out, "Usage: pvmscope %s%s%s [OPTIONS]\n\n", info->name,
            info->operands[0] != '\0' ? " " : "", info->operands);
    fprintf(out, "%s.\n\n", info->summary);
    put_folded(out, info->description, 0, 0);
    fputs("\nOptions:\n", out);
    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        if (is_known(i, command)) {
            put_option(out, i);
        }
    }
}

/* -- The manual ---------------------------------------------------------------------------- */

/** Table cells must not end at the | of a list of choices, nor at a line end. */
static void put_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fputs(*text == '|' ? "\\|" : *text == '\n' ? "<br>" : (const char[]){*text, '\0'}, out);
    }
}

static void put_option_rows(FILE *out, pvm_command_t command)
{
    char name[64];

    fputs("| option | meaning | default |\n| --- | --- | --- |\n", out);
    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        const pvm_option_info_t *info = &pvm_view_options[i];

        if (is_known(i, command) && !is_for_all(i)) {
            option_name(i, name, sizeof(name));
            fputs("| `", out);
            put_cell(out, name);
            fputs("` | ", out);
            put_cell(out, info->help);
            fprintf(out, " | %s%s%s |\n", info->initial != NULL ? "`" : "",
                    info->initial != NULL ? info->initial : "", info->initial != NULL ? "`" : "");
        }
    }
}

static bool has_options(pvm_command_t command)
{
    for (int i = 0; i < PVM_OPTION_COUNT; i++) {
        if (is_known(i, command) && !is_for_all(i)) {
            return true;
        }
    }
    return false;
}

static void put_manual(FILE *out)
{
    fputs("# Commands of pvmscope\n\n"
          "Made by `pvmscope help --format md` from the tables viewer/commands.def and "
          "viewer/options.def; do not\n"
          "edit. Options may stand before or behind operands; `--` ends them. `--help` and "
          "`--version` work\n"
          "everywhere.\n\n"
          "Exit codes: 0 fine, 1 the answer is no (a difference, a failed `--expect`), 2 wrong "
          "command line, 3 bad\n"
          "input, 4 environment (no memory, no permission, disk full). Errors are one line on "
          "standard error.\n\n"
          "| command | |\n| --- | --- |\n",
          out);
    for (int i = 0; i < PVM_COMMAND_COUNT; i++) {
        fprintf(out, "| [%s](#%s) | %s |\n", pvm_view_commands[i].name, pvm_view_commands[i].name,
                pvm_view_commands[i].summary);
    }
    for (int i = 0; i < PVM_COMMAND_COUNT; i++) {
        const pvm_command_info_t *info = &pvm_view_commands[i];

        fprintf(out, "\n## %s\n\n    pvmscope %s%s%s%s\n\n%s.\n\n%s\n", info->name, info->name,
                info->operands[0] != '\0' ? " " : "", info->operands,
                has_options((pvm_command_t)i) ? " [OPTIONS]" : "", info->summary,
                info->description);
        if (has_options((pvm_command_t)i)) {
            fputc('\n', out);
            put_option_rows(out, (pvm_command_t)i);
        }
    }
}

void pvm_view_put_help(const pvm_view_t *view, FILE *out)
{
    if (view->has_command) {
        put_command(out, view->command);
    } else {
        put_overview(out);
    }
}

pvm_view_status_t pvm_command_help(pvm_view_t *view)
{
    const char *name = view->operand_count > 0 ? view->operands[0] : NULL;
    pvm_command_t command;
    const char *nearest;

    if (name == NULL) {
        if (pvm_view_number(view, PVM_OPTION_FORMAT) == PVM_CHOICE_FORMAT_MD) {
            put_manual(stdout);
        } else {
            put_overview(stdout);
        }
        return PVM_VIEW_FINE;
    }
    command = pvm_view_command_find(name);
    if (command == PVM_COMMAND_COUNT) {
        nearest = pvm_view_command_nearest(name);
        if (nearest == NULL) {
            return pvm_view_fail(view, PVM_VIEW_USAGE,
                                 "help: unknown command %s; see pvmscope help", name);
        }
        return pvm_view_fail(view, PVM_VIEW_USAGE, "help: unknown command %s; did you mean %s?",
                             name, nearest);
    }
    put_command(stdout, command);
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_command_version(pvm_view_t *view)
{
    (void)view;
    printf("pvmscope %s\n", pvm_version());
    return PVM_VIEW_FINE;
}
