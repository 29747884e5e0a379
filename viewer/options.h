/* The command line as data: which command, which options, which operands. Knows names and types only; what an
 * option means is the command's business. The tables are commands.def and options.def. */
#ifndef PVM_VIEWER_OPTIONS_H
#define PVM_VIEWER_OPTIONS_H

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How a command ended. The numbers are the exit codes of DESIGN section 5; main.c alone exits with them. */
typedef enum {
    PVM_VIEW_FINE = 0,
    PVM_VIEW_NO = 1,         /**< the answer is no: divergence, failed expectation */
    PVM_VIEW_USAGE = 2,      /**< the command line is wrong */
    PVM_VIEW_INPUT = 3,      /**< a file is missing, broken or of another kind */
    PVM_VIEW_ENVIRONMENT = 4 /**< no memory, no space, no permission to write */
} pvm_view_status_t;

typedef enum {
#define PVM_COMMAND(name, ...) PVM_COMMAND_##name,
#include "viewer/commands.def"
    PVM_COMMAND_COUNT
} pvm_command_t;

typedef enum {
#define PVM_OPTION(id, ...) PVM_OPTION_##id,
#include "viewer/options.def"
    PVM_OPTION_COUNT
} pvm_option_t;

typedef enum {
    PVM_OPTION_TYPE_FLAG,
    PVM_OPTION_TYPE_TEXT,
    PVM_OPTION_TYPE_NUMBER,
    PVM_OPTION_TYPE_CHOICE,
    PVM_OPTION_TYPE_LIST,
    PVM_OPTION_TYPE_REGISTER
} pvm_option_type_t;

/* Places of the choices in options.def. */
enum {
    PVM_CHOICE_SPEC_AUTO,
    PVM_CHOICE_SPEC_0_7_2,
    PVM_CHOICE_SPEC_0_8_0,
    PVM_CHOICE_SPEC_LATEST64
};
enum { PVM_CHOICE_STACKS_CALLS, PVM_CHOICE_STACKS_PLACES };
enum {
    PVM_CHOICE_EXPECT_HALT,
    PVM_CHOICE_EXPECT_PANIC,
    PVM_CHOICE_EXPECT_FAULT,
    PVM_CHOICE_EXPECT_OOG
};
enum {
    PVM_CHOICE_INSTRUMENT_COUNTS,
    PVM_CHOICE_INSTRUMENT_EDGES,
    PVM_CHOICE_INSTRUMENT_HOSTCALLS,
    PVM_CHOICE_INSTRUMENT_MEMORY,
    PVM_CHOICE_INSTRUMENT_FLIGHT,
    PVM_CHOICE_INSTRUMENT_SAMPLES,
    PVM_CHOICE_INSTRUMENT_CALLS,
    PVM_CHOICE_INSTRUMENT_BLOCKS,
    PVM_CHOICE_INSTRUMENT_GAS
};
enum {
    PVM_CHOICE_BY_FUNCTION,
    PVM_CHOICE_BY_BLOCK,
    PVM_CHOICE_BY_HOSTCALL,
    PVM_CHOICE_BY_EDGE,
    PVM_CHOICE_BY_SERVICE,
    PVM_CHOICE_BY_RECORDING,
    PVM_CHOICE_BY_LINE,
    PVM_CHOICE_BY_OPCODE,
    PVM_CHOICE_BY_PATH,
    PVM_CHOICE_BY_TRACE
};
enum {
    PVM_CHOICE_FORMAT_TEXT,
    PVM_CHOICE_FORMAT_JSON,
    PVM_CHOICE_FORMAT_CSV,
    PVM_CHOICE_FORMAT_MD
};
enum { PVM_CHOICE_SHOW_SOURCE, PVM_CHOICE_SHOW_X86 };
enum { PVM_CHOICE_EVERY_BLOCK, PVM_CHOICE_EVERY_INSTRUCTION };
enum { PVM_CHOICE_VIA_PROCESS, PVM_CHOICE_VIA_LTTNG };
enum { PVM_CHOICE_TO_RAW, PVM_CHOICE_TO_JAM };

typedef struct {
    const char *name;
    const char *operands;
    int operands_min;
    int operands_max; /**< -1: any number */
    const char *summary;
    const char *description;
} pvm_command_info_t;

typedef struct {
    const char *name;
    char short_name; /**< 0 for none */
    const char *argument;
    pvm_option_type_t type;
    const char *choices;
    const char *initial;
    uint32_t commands; /**< a bit for each pvm_command_t */
    const char *help;
} pvm_option_info_t;

extern const pvm_command_info_t pvm_view_commands[PVM_COMMAND_COUNT];
extern const pvm_option_info_t pvm_view_options[PVM_OPTION_COUNT];

typedef struct {
    bool given;       /**< on the command line; else `text` and `number` hold the default */
    const char *text; /**< as written; NULL if there is neither */
    uint64_t
        number; /**< NUMBER: the value; CHOICE: its place; LIST: a bit for each place; FLAG: 0 or 1 */
    uint64_t detail; /**< LIST: the number behind a name that takes one; 0: none was given */
} pvm_option_value_t;

/** Longest error line without its end; longer ones are cut. */
#define PVM_VIEW_ERROR_BYTES 1024

/** One call of pvmscope, parsed. */
typedef struct {
    pvm_command_t command;
    bool has_command;
    pvm_option_value_t values[PVM_OPTION_COUNT];
    bool register_given[PVM_REGISTER_COUNT];
    uint64_t registers[PVM_REGISTER_COUNT];
    const char **operands; /**< owned array of borrowed texts */
    size_t operand_count;
    char error[PVM_VIEW_ERROR_BYTES]; /**< what pvm_view_fail() said */
} pvm_view_t;

/** Parse the command line. @return FINE, USAGE or ENVIRONMENT; pvm_view_finish() in every case. */
pvm_view_status_t pvm_view_parse(pvm_view_t *view, int argc, char *const *argv);
void pvm_view_finish(pvm_view_t *view);

/** Keep one line about what went wrong (printf style): "FILE: what; mend". @return status. */
pvm_view_status_t pvm_view_fail(pvm_view_t *view, pvm_view_status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The command of that name, or PVM_COMMAND_COUNT. */
pvm_command_t pvm_view_command_find(const char *name);
/** The command whose name is nearest, or NULL if none is near. */
const char *pvm_view_command_nearest(const char *name);

static inline bool pvm_view_has(const pvm_view_t *view, pvm_option_t option)
{
    return view->values[option].given;
}

/** The option's number; see pvm_option_value_t. */
static inline uint64_t pvm_view_number(const pvm_view_t *view, pvm_option_t option)
{
    return view->values[option].number;
}

/** True for the formats that people read. */
static inline bool pvm_view_is_for_people(const pvm_view_t *view)
{
    const uint64_t format = pvm_view_number(view, PVM_OPTION_FORMAT);

    return format == PVM_CHOICE_FORMAT_TEXT || format == PVM_CHOICE_FORMAT_MD;
}

/** The option's text, or its default, or NULL. */
static inline const char *pvm_view_text(const pvm_view_t *view, pvm_option_t option)
{
    return view->values[option].text;
}

#endif
