/* Report tables: typed columns and rows, shared by all output formats.
 *
 * A table is made by report.h (or by whoever has figures to show) and rendered by the viewer,
 * which knows from the columns how to align, what unit stands in the header and what may be
 * rounded (text only, never machine formats). Text in values can come from hostile files: the
 * renderer escapes it. */
#ifndef PVM_PROFILER_TABLE_H
#define PVM_PROFILER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a column holds. Text is left-aligned, all else right-aligned. */
typedef enum {
    PVM_PROF_TYPE_TEXT,
    PVM_PROF_TYPE_PATH,       /**< text of which people need the end most */
    PVM_PROF_TYPE_INT,        /**< a count */
    PVM_PROF_TYPE_GAS,        /**< gas units; people get digit groups */
    PVM_PROF_TYPE_GAS_CHANGE, /**< gas units that came or went; people get a sign */
    PVM_PROF_TYPE_NS,         /**< nanoseconds; people get a unit that fits */
    PVM_PROF_TYPE_PERCENT,    /**< real, 0 to 100 */
    PVM_PROF_TYPE_REAL,       /**< real: a ratio, or a figure whose unit is in the header */
    PVM_PROF_TYPE_PC,         /**< code offset, decimal, no digit groups */
    PVM_PROF_TYPE_REGISTER,   /**< 64 bits; people get hexadecimal, machines a signed integer */
    PVM_PROF_TYPE_ID /**< a number that names something: VM, service, sequence; no digit groups */
} pvm_prof_type_t;

/** How sure a figure is. */
typedef enum {
    PVM_PROF_EXACT,
    PVM_PROF_SAMPLED,    /**< from samples; their number and the 95 % interval stand beside it */
    PVM_PROF_ESTIMATED,  /**< computed with a model, not measured */
    PVM_PROF_INCOMPLETE, /**< a lower bound: something was lost or the recording did not end */
    PVM_PROF_CONTRADICTED /**< incomplete, and no bound either: totals do not agree, or what is lost may make it smaller */
} pvm_prof_certainty_t;

/** Whether values of this type are figures, which can be more or less sure; the others name things. */
static inline bool pvm_prof_type_is_figure(pvm_prof_type_t type)
{
    return type == PVM_PROF_TYPE_INT || type == PVM_PROF_TYPE_GAS ||
           type == PVM_PROF_TYPE_GAS_CHANGE || type == PVM_PROF_TYPE_NS ||
           type == PVM_PROF_TYPE_PERCENT || type == PVM_PROF_TYPE_REAL;
}

typedef struct {
    const char *id;     /**< key in JSON, header in CSV: lower case, fixed for ever */
    const char *header; /**< for people; "" in the last columns: for machines only */
    const char *unit;   /**< "gas", "ns", "%", or "" */
    pvm_prof_type_t type;
    pvm_prof_certainty_t certainty;
} pvm_prof_column_t;

typedef struct {
    bool is_null; /**< shown as nothing (CSV), null (JSON), "-" (text) */
    int64_t integer;
    double real;      /**< PERCENT and REAL */
    const char *text; /**< TEXT and PATH; UTF-8 not guaranteed; owned by the table */
} pvm_prof_value_t;

/** Whether values of this type stand in `text`. */
static inline bool pvm_prof_type_is_text(pvm_prof_type_t type)
{
    return type == PVM_PROF_TYPE_TEXT || type == PVM_PROF_TYPE_PATH;
}

/** Whether values of this type stand in `real`. */
static inline bool pvm_prof_type_is_real(pvm_prof_type_t type)
{
    return type == PVM_PROF_TYPE_PERCENT || type == PVM_PROF_TYPE_REAL;
}

/** Owned: pvm_prof_table_destroy(). Read its members freely; change them with the functions
 * below. */
typedef struct {
    char *title;
    bool is_record; /**< one row, better read as "header: value" lines; JSON: an object */
    pvm_prof_column_t *columns;
    size_t column_count;
    pvm_prof_value_t *values; /**< row after row */
    size_t row_count;
    size_t row_capacity;
    uint64_t
        details; /**< columns (bit by index) that people can do without where the line is short */
    bool has_times;       /**< sampled ones, or left out because there are none: notes say why */
    size_t row_count_all; /**< before --top cut it; row_count if nothing was cut */
    char **notes;         /**< whole sentences under the table: what is missing, or guessed */
    size_t note_count;
} pvm_prof_table_t;

/** A table without rows. The columns are copied, their strings must live as long as the table
 * (literals do).
 * @return NULL without memory. */
pvm_prof_table_t *pvm_prof_table_create(const char *title, const pvm_prof_column_t *columns,
                                        size_t column_count);
/** Add a row of NULLs. @return its column_count values to be filled, valid until the next call;
 * NULL without memory. */
pvm_prof_value_t *pvm_prof_table_add_row(pvm_prof_table_t *table);
/** Add a sentence under the table, printf style. @return 0, or -1 without memory. */
int pvm_prof_table_add_note(pvm_prof_table_t *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Give columns [first, end) that hold exact figures another certainty; what was sampled or estimated stays that. */
void pvm_prof_table_mark(pvm_prof_table_t *table, size_t first, size_t end,
                         pvm_prof_certainty_t certainty);
/** Whether figures of some column are of that certainty. */
bool pvm_prof_table_has(const pvm_prof_table_t *table, pvm_prof_certainty_t certainty);
/** Value of a row and column. */
const pvm_prof_value_t *pvm_prof_table_value(const pvm_prof_table_t *table, size_t row,
                                             size_t column);
void pvm_prof_table_destroy(pvm_prof_table_t *table);

/** Fill a value. */
void pvm_prof_value_set_int(pvm_prof_value_t *value, int64_t integer);
void pvm_prof_value_set_real(pvm_prof_value_t *value, double real);
/** Copies the text; NULL makes it NULL. @return 0, or -1 without memory. */
int pvm_prof_value_set_text(pvm_prof_value_t *value, const char *text);

#endif
