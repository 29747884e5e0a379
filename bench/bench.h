/* What the benches share. Each makes tables of ratios or unit costs, measured in turn in one process; the viewer's
 * renderer prints them for people or as JSON. */
#ifndef PVM_BENCH_BENCH_H
#define PVM_BENCH_BENCH_H

#include "profiler/table.h"
#include "timing.h"
#include "viewer/rows.h"

#include <stdbool.h>

typedef struct {
    const char *blobs; /**< folder of the guest blobs */
    const char *only;  /**< one guest, or NULL for all */
    double native_ms;  /**< how long all native runs of a guest should last */
    unsigned repeats;  /**< how many they are */
    uint64_t events;   /**< of a trace that is imported */
} bench_options_t;

/** Where tables go: printed as they come, or kept for one JSON document. */
typedef struct bench_report_t bench_report_t;

/** A column of a table in `real` numbers, and one of text. */
#define BENCH_REAL(id, header, unit) {id, header, unit, PVM_PROF_TYPE_REAL, PVM_PROF_EXACT}
#define BENCH_INT(id, header, unit)  {id, header, unit, PVM_PROF_TYPE_INT, PVM_PROF_EXACT}
#define BENCH_TEXT(id, header)       {id, header, "", PVM_PROF_TYPE_TEXT, PVM_PROF_EXACT}

/** @param json  one document at the end instead of text. NULL without memory. */
bench_report_t *bench_report_create(bool json);
/** A finished table, which is the report's from here on; NULL (no memory) is reported as a failure.
 *  @param key  its name in JSON, a literal */
void bench_report_add(bench_report_t *report, const char *key, pvm_prof_table_t *table);
/** @return 0, or 1 if a table got lost. */
int bench_report_finish(bench_report_t *report);

/** A whole file, or NULL and one line on stderr. Free it. */
uint8_t *bench_read_file(const char *path, size_t *out_len);

/* The benches: 0, or 1 if one could not be run. */
int bench_guests(const bench_options_t *options, bench_report_t *report);
int bench_left(const bench_options_t *options, bench_report_t *report);
int bench_lifecycle(const bench_options_t *options, bench_report_t *report);
int bench_compile(const bench_options_t *options, bench_report_t *report);
int bench_bill(const bench_options_t *options, bench_report_t *report);
int bench_service(const bench_options_t *options, bench_report_t *report);
int bench_turns(const bench_options_t *options, bench_report_t *report);
int bench_break_even(const bench_options_t *options, bench_report_t *report);
int bench_gas(const bench_options_t *options, bench_report_t *report);
int bench_cost(const bench_options_t *options, bench_report_t *report);
int bench_import(const bench_options_t *options, bench_report_t *report);
int bench_instrument(const bench_options_t *options, bench_report_t *report);
int bench_attach(const bench_options_t *options, bench_report_t *report);
int bench_record(const bench_options_t *options, bench_report_t *report);
int bench_pairs(const bench_options_t *options, bench_report_t *report);

#endif
