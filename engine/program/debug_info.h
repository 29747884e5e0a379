/* Debug sections of a PolkaVM container: from a pc to functions, inlined calls, files and lines.
 *
 * Loading looks at bounds and the range table only; line programs run when somebody asks, under
 * limits that make the cost of any file proportional to its size. Broken debug info never breaks a
 * program: it is dropped, and says why. Everything is borrowed from the program's blob and
 * immutable, so threads may share it. */
#ifndef PVM_PROGRAM_DEBUG_INFO_H
#define PVM_PROGRAM_DEBUG_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Frames kept by the state machine of a line program; deeper ones are ignored. */
#define PVM_MAX_DEBUG_FRAMES 64
/** Operations that may stand before one region. Depth 64 with every field of every frame set anew
 * takes 450. */
#define PVM_MAX_DEBUG_REGION_OPS 512
/** Operations of one line program. */
#define PVM_MAX_DEBUG_RANGE_OPS (UINT32_C(1) << 20)
/** Longest string that is shown; longer ones count as absent. */
#define PVM_MAX_DEBUG_STRING 65536
/** Longest reason, with its end. */
#define PVM_MAX_DEBUG_PROBLEM 160

typedef struct pvm_debug_info_t pvm_debug_info_t;

/** One debug section. `data` NULL: the file has none. */
typedef struct {
    const uint8_t *data;
    size_t len;
    size_t offset; /**< in the file, for messages */
} pvm_debug_section_t;

/** The three of them: 128, 129, 130. */
typedef struct {
    pvm_debug_section_t strings;
    pvm_debug_section_t lines;
    pvm_debug_section_t ranges;
} pvm_debug_sections_t;

/** Valid UTF-8, borrowed, not NUL-terminated, unescaped. len 0: absent. */
typedef struct {
    const char *data;
    size_t len;
} pvm_debug_text_t;

/** A function: where it is declared. */
typedef struct {
    pvm_debug_text_t name_space;
    pvm_debug_text_t name;
    pvm_debug_text_t path;
    uint32_t line; /**< 0: unknown */
} pvm_debug_function_t;

/** An open function of an inline stack, and where in it the pc (or the call further in) stands. */
typedef struct {
    pvm_debug_function_t function;
    pvm_debug_text_t path;
    uint32_t line;   /**< 0: unknown; show function.line or nothing */
    uint32_t column; /**< 0: unknown */
} pvm_debug_frame_t;

/** What [begin, end) stands for. */
typedef struct {
    uint32_t begin;
    uint32_t end;
    size_t depth;
    pvm_debug_frame_t
        frames[PVM_MAX_DEBUG_FRAMES]; /**< innermost first; the last is the physical function */
} pvm_debug_stack_t;

/** A run of code that belongs to one physical function. */
typedef struct {
    uint32_t begin;
    uint32_t end; /**< exclusive */
    pvm_debug_function_t function;
} pvm_debug_range_t;

typedef enum {
    PVM_DEBUG_FRAME_NONE,
    PVM_DEBUG_FRAME_ENTER,
    PVM_DEBUG_FRAME_CALL,
    PVM_DEBUG_FRAME_LINE
} pvm_debug_frame_kind_t;

/** A frame as the line program writes it: offsets into the string section. */
typedef struct {
    pvm_debug_frame_kind_t kind;
    uint32_t name_space;
    uint32_t function;
    uint32_t path;
    uint32_t line;
    uint32_t column;
} pvm_debug_raw_frame_t;

/** A line program in the middle of its run. Owned by the caller and private to it; all zero is a
 * fresh one. Using the same one for ascending pcs makes each look-up continue where the last one
 * ended. */
typedef struct {
    const pvm_debug_info_t *info; /**< NULL: not started */
    const uint8_t *lines;         /**< section 129 */
    size_t lines_len;
    size_t position; /**< of the next operation, in section 129 */
    uint32_t range;
    uint32_t range_end;
    uint32_t ops;   /**< so far */
    uint32_t begin; /**< the region just emitted */
    uint32_t end;
    uint32_t depth; /**< of that region */
    uint32_t next_depth;
    uint32_t mutated;    /**< frame that operations change */
    const char *problem; /**< static text: why it stopped; NULL at a regular end */
    pvm_debug_raw_frame_t frames[PVM_MAX_DEBUG_FRAMES];
} pvm_debug_walk_t;

/** Take the sections of a container. What is wrong with them is told by pvm_debug_info_problem().
 *  @return NULL only without memory. Owns: the caller; the sections must outlive it. */
pvm_debug_info_t *pvm_debug_info_create(const pvm_debug_sections_t *sections, uint32_t code_len);
void pvm_debug_info_destroy(pvm_debug_info_t *info);

/** Why debug info was dropped at load, and at which offset of the file; NULL if it was not. NULL
 * info: NULL. */
const char *pvm_debug_info_problem(const pvm_debug_info_t *info);
/** Ranges of code that have debug info, by ascending pc; 0 for NULL or dropped info. */
size_t pvm_debug_info_range_count(const pvm_debug_info_t *info);
/** Range `index` and its function. A range whose line program is broken has no name. @return 0, or
 * -1 past the end. */
int pvm_debug_info_range(const pvm_debug_info_t *info, size_t index, pvm_debug_range_t *out);
/** The range that holds pc. @return its index, or -1. */
int64_t pvm_debug_info_find_range(const pvm_debug_info_t *info, uint32_t pc);

/** Functions, innermost first, at a pc. @return true, or false with depth 0: nothing is known
 * there. */
bool pvm_debug_info_find(const pvm_debug_info_t *info, pvm_debug_walk_t *walk, uint32_t pc,
                         pvm_debug_stack_t *out);

/** Start on the line program of a range. */
void pvm_debug_walk_begin(const pvm_debug_info_t *info, size_t range, pvm_debug_walk_t *walk);
/** Run to the next region: walk->begin, end, depth, frames. @return false at the end, or with
 * walk->problem. */
bool pvm_debug_walk_next(pvm_debug_walk_t *walk);

/** Figures for `info`. */
typedef struct {
    size_t regions;
    uint64_t covered;    /**< octets of code inside regions */
    size_t broken;       /**< ranges whose line program is wrong */
    size_t first_broken; /**< index of the first such range */
    const char *problem; /**< of the first one, static text; NULL if none */
} pvm_debug_survey_t;

/** Run every line program once. */
void pvm_debug_info_survey(const pvm_debug_info_t *info, pvm_debug_survey_t *out);

/** Full name, "space::name", NUL-terminated and cut to fit. @return its whole length, as snprintf;
 * 0: no name. */
size_t pvm_debug_function_name(const pvm_debug_function_t *function, char *out, size_t out_bytes);

#endif
