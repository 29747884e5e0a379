/* Tables for people and machines: text, JSON, CSV, Markdown from the same columns.
 *
 * Text is aligned, fits the terminal (80 columns elsewhere) and groups digits; the other formats give raw
 * values, never rounded. 64-bit values are signed everywhere but in hexadecimal, as in the run file. */
#ifndef PVM_VIEWER_RENDER_H
#define PVM_VIEWER_RENDER_H

#include "profiler/table.h"
#include "support/buffer.h"
#include "viewer/escape.h"

#include <stdio.h>

/** How something is to be printed. */
typedef struct {
    FILE *out;
    uint64_t format; /**< PVM_CHOICE_FORMAT_* */
    unsigned width;  /**< columns of text */
    bool is_colour;
    pvm_escape_t escape; /**< of text */
} pvm_render_t;

/** A table and its key in a JSON document. */
typedef struct {
    const char *key;
    const pvm_prof_table_t *table;
} pvm_render_part_t;

/** Set up for a stream: its width, its colours (not with NO_COLOR), its character set. */
pvm_render_t pvm_view_render_make(FILE *out, uint64_t format);

/** Print what a table says in front of its rows only. @return as above */
int pvm_view_render_notes(const pvm_render_t *render, const pvm_prof_table_t *table);

/** Print tables. In text and Markdown their notes come first, each once, and what the marks in the headers mean (see
 *  pvm_view_render_mark()). JSON is one object with a member for each table, an array or for a record an object, and the members
 *  "certainty" (for each figure "exact", "sampled", "estimated" or "incomplete") and "notes". With CSV, notes and columns that are not exact go
 *  to standard error. @return 0, or -1 without memory; what `out` thinks of it is ferror()'s. */
int pvm_view_render_document(const pvm_render_t *render, const pvm_render_part_t *parts,
                             size_t count);

/** Print one. @return as above */
int pvm_view_render_table(const pvm_render_t *render, const char *key,
                          const pvm_prof_table_t *table);

/* -- Between the files of the renderer ----------------------------------------------------- */

int pvm_view_render_text(const pvm_render_t *render, const pvm_prof_table_t *table);
int pvm_view_render_markdown(const pvm_render_t *render, const pvm_prof_table_t *table);
int pvm_view_render_csv(const pvm_render_t *render, const pvm_prof_table_t *table);
/** @param indent  of the lines inside */
int pvm_view_render_json(const pvm_render_t *render, const pvm_prof_table_t *table,
                         const char *indent);
/** One JSON string. */
int pvm_view_render_json_string(const pvm_render_t *render, const char *text);

/** A value as people read it, harmless, without padding. "-" for NULL. */
void pvm_view_render_value(pvm_buffer_t *out, const pvm_prof_value_t *value,
                           const pvm_prof_column_t *column, pvm_escape_t escape);
/** A column's header as people read it: with unit and certainty. */
void pvm_view_render_header(pvm_buffer_t *out, const pvm_prof_column_t *column);
/** What stands in front of it: "~" sampled, "*" estimated, ">=" or "?" incomplete, "" exact. */
const char *pvm_view_render_mark(const pvm_prof_column_t *column);
/** A real number in the fewest digits that give it back. */
void pvm_view_render_real(double real, char *out, size_t out_bytes);
/** "exact", "sampled", "estimated", "incomplete". */
const char *pvm_view_certainty_name(pvm_prof_certainty_t certainty);

static inline bool pvm_view_is_numeric(pvm_prof_type_t type)
{
    return !pvm_prof_type_is_text(type);
}

#endif
