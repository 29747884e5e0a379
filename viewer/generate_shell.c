/* Writes the man page and the shell completions of pvmscope, from the same two tables as its help:
 *   pvm-shell-files man|bash|zsh >FILE */
#include "viewer/options.h"

#include <pvm/pvm.h>
#include <stdio.h>
#include <string.h>

static bool is_known(int option, int command)
{
    return (pvm_view_options[option].commands >> command) & 1;
}

static bool has_choices(int option)
{
    return pvm_view_options[option].type == PVM_OPTION_TYPE_CHOICE ||
           pvm_view_options[option].type == PVM_OPTION_TYPE_LIST;
}

/* -- Man page ------------------------------------------------------------------------------ */

/* Text of roff: its own characters and dots at line begins are ours. */
static void put_roff(const char *text)
{
    bool is_line_begin = true;

    for (; *text != '\0'; text++) {
        if (is_line_begin && (*text == '.' || *text == '\'')) {
            fputs("\\&", stdout);
        }
        is_line_begin = *text == '\n';
        if (*text == '\\') {
            fputs("\\e", stdout);
        } else if (*text == '-') {
            fputs("\\-", stdout);
        } else {
            putchar(*text);
        }
    }
}

static void put_roff_option(int option)
{
    const pvm_option_info_t *const info = &pvm_view_options[option];

    fputs(".TP\n", stdout);
    if (info->short_name != 0) {
        printf("\\fB\\-%c\\fR, ", info->short_name);
    }
    fputs("\\fB\\-\\-", stdout);
    put_roff(info->name);
    fputs("\\fR", stdout);
    if (info->argument != NULL) {
        fputs(" \\fI", stdout);
        put_roff(info->argument);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    put_roff(info->help);
    if (info->initial != NULL) {
        fputs(" (default: ", stdout);
        put_roff(info->initial);
        putchar(')');
    }
    putchar('\n');
}

static void put_man(void)
{
    printf(".TH PVMSCOPE 1 \"\" \"pvmscope %s\" \"User Commands\"\n.SH NAME\n"
           "pvmscope \\- run PVM programs and see exactly what they cost\n.SH SYNOPSIS\n"
           ".B pvmscope\n.I COMMAND\n[\\fIOPTIONS\\fR] \\fIOPERANDS\\fR\n.SH DESCRIPTION\n"
           "Runs programs of the Polkadot Virtual Machine and shows where their gas went.\n"
           "Options may stand before or behind operands; \\fB\\-\\-\\fR ends them.\n",
           pvm_version());
    for (int command = 0; command < PVM_COMMAND_COUNT; command++) {
        const pvm_command_info_t *const info = &pvm_view_commands[command];

        fputs(".SH \"PVMSCOPE ", stdout);
        for (const char *at = info->name; *at != '\0'; at++) {
            putchar(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        }
        fputs("\"\n.B pvmscope ", stdout);
        put_roff(info->name);
        fputs("\n", stdout);
        put_roff(info->operands);
        fputs("\n.PP\n", stdout);
        put_roff(info->summary);
        fputs(".\n", stdout);
        put_roff(info->description);
        putchar('\n');
        for (int option = 0; option < PVM_OPTION_COUNT; option++) {
            if (is_known(option, command) && pvm_view_options[option].commands != UINT32_MAX) {
                put_roff_option(option);
            }
        }
    }
    fputs(".SH \"OPTIONS OF EVERY COMMAND\"\n", stdout);
    for (int option = 0; option < PVM_OPTION_COUNT; option++) {
        if (pvm_view_options[option].commands == UINT32_MAX) {
            put_roff_option(option);
        }
    }
    fputs(".SH \"EXIT STATUS\"\n0 fine; 1 the answer is no (a difference, a failed \\-\\-expect); "
          "2 wrong command line; 3 bad input; 4 environment (no memory, no permission).\n",
          stdout);
}

/* -- Completions --------------------------------------------------------------------------- */

static void put_words(const char *choices)
{
    for (; *choices != '\0'; choices++) {
        putchar(*choices == '|' ? ' ' : *choices);
    }
}

static void put_commands(void)
{
    for (int command = 0; command < PVM_COMMAND_COUNT; command++) {
        printf("%s%s", command > 0 ? " " : "", pvm_view_commands[command].name);
    }
}

/* A case for each command: its options, then what an option takes. */
static void put_bash(void)
{
    fputs("# bash completion of pvmscope. Made from its option table; do not edit.\n"
          "_pvmscope()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
          "command=${COMP_WORDS[1]}\n"
          "    local options= words=\n    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '",
          stdout);
    put_commands();
    fputs("' -- \"$word\"))\n        return\n    fi\n    case $command in\n", stdout);
    for (int command = 0; command < PVM_COMMAND_COUNT; command++) {
        printf("    %s)\n        options='", pvm_view_commands[command].name);
        for (int option = 0; option < PVM_OPTION_COUNT; option++) {
            if (is_known(option, command)) {
                printf("--%s ", pvm_view_options[option].name);
            }
        }
        fputs("'\n        case $before in\n", stdout);
        for (int option = 0; option < PVM_OPTION_COUNT; option++) {
            if (is_known(option, command) && has_choices(option)) {
                printf("        --%s) words='", pvm_view_options[option].name);
                put_words(pvm_view_options[option].choices);
                fputs("' ;;\n", stdout);
            }
        }
        fputs("        esac\n        ;;\n", stdout);
    }
    fputs("    help) words='", stdout);
    put_commands();
    fputs("' ;;\n    esac\n"
          "    if [ -n \"$words\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    elif [ \"${word#-}\" != \"$word\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "    else\n        COMPREPLY=($(compgen -f -- \"$word\"))\n    fi\n}\n"
          "complete -o filenames -F _pvmscope pvmscope\n",
          stdout);
}

/* Text inside '...[...]' of zsh's _arguments. */
static void put_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\'':
            fputs("'\\''", stdout);
            break;
        case '[':
        case ']':
        case ':':
        case '\\':
            putchar('\\');
            putchar(*text);
            break;
        case '\n':
            putchar(' ');
            break;
        default:
            putchar(*text);
        }
    }
}

static void put_zsh(void)
{
    fputs("#compdef pvmscope\n# zsh completion of pvmscope. Made from its option table; do not "
          "edit.\n_pvmscope()\n{\n    local -a commands\n    commands=(\n",
          stdout);
    for (int command = 0; command < PVM_COMMAND_COUNT; command++) {
        printf("        '%s:", pvm_view_commands[command].name);
        put_zsh_text(pvm_view_commands[command].summary);
        fputs("'\n", stdout);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
          "        return\n    fi\n    local command=$words[2]\n    shift words\n"
          "    (( CURRENT-- ))\n    case $command in\n",
          stdout);
    for (int command = 0; command < PVM_COMMAND_COUNT; command++) {
        printf("    %s)\n        _arguments \\\n", pvm_view_commands[command].name);
        for (int option = 0; option < PVM_OPTION_COUNT; option++) {
            const pvm_option_info_t *const info = &pvm_view_options[option];

            if (!is_known(option, command)) {
                continue;
            }
            printf("            '--%s[", info->name);
            put_zsh_text(info->help);
            putchar(']');
            if (info->argument != NULL) {
                putchar(':');
                put_zsh_text(info->argument);
                putchar(':');
                if (has_choices(option)) {
                    putchar('(');
                    put_words(info->choices);
                    putchar(')');
                } else {
                    fputs("_files", stdout);
                }
            }
            fputs("' \\\n", stdout);
        }
        fputs("            '*:file:_files'\n        ;;\n", stdout);
    }
    fputs("    esac\n}\n_pvmscope \"$@\"\n", stdout);
}

int main(int argc, char **argv)
{
    const char *const kind = argc == 2 ? argv[1] : "";

    if (strcmp(kind, "man") == 0) {
        put_man();
    } else if (strcmp(kind, "bash") == 0) {
        put_bash();
    } else if (strcmp(kind, "zsh") == 0) {
        put_zsh();
    } else {
        fputs("usage: pvm-shell-files man|bash|zsh\n", stderr);
        return 2;
    }
    return fflush(stdout) == 0 ? 0 : 4;
}
