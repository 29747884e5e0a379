/* What it costs to have code: block table, emitted code and code map of a large program, with the recompiler's memory
 * populated and reused, and cold: every page touched for the first time. And how large the code is. Program: the large guest,
 * or --only NAME or --only PATH. */
#include "bench.h"
#include "block_table.h"

#include "program/program.h"
#include "recompiler/available.h"
#include "recompiler/code.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if PVM_RECOMPILER_AVAILABLE
#define REPEATS 41
/* More regions than the arena lets wait. */
#define REGIONS_MAX 64

typedef enum { FLAT_BLOCKS, FLAT_CODE, FLAT_ALL, MODEL, WITH_MODEL, WHAT_COUNT } what_t;

typedef struct {
    pvm_program_t *program;
    bench_sample_t samples[WHAT_COUNT];
    bench_sample_t cold[WHAT_COUNT];
} subject_t;

/* The guest as built for this spec; or the file that was asked for, whatever its spec: prices depend on its blocks only. */
static pvm_program_t *load(const bench_options_t *options, const char *suffix)
{
    const char *const name = options->only != NULL ? options->only : "large";
    char path[4096];
    size_t len;

    if (strchr(name, '/') != NULL) {
        (void)snprintf(path, sizeof(path), "%s", name);
    } else {
        (void)snprintf(path, sizeof(path), "%s/%s%s.polkavm", options->blobs, name, suffix);
    }
    uint8_t *const blob = bench_read_file(path, &len);
    pvm_program_t *const program =
        blob == NULL ? NULL : pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    if (blob != NULL && (program == NULL || program->error != NULL)) {
        (void)fprintf(stderr, "%s: %s\n", path,
                      program == NULL ? pvm_last_error() : program->error);
        pvm_program_release(program);
        free(blob);
        return NULL;
    }
    free(blob);
    return program;
}

/* @return ns; the code is the caller's if out_code is not NULL */
static double compile(const pvm_program_t *program, unsigned variant,
                      pvm_recompiler_code_t **out_code)
{
    const uint64_t begin = bench_now_ns();
    pvm_recompiler_code_t *const code = pvm_recompiler_compile(program, variant);
    const uint64_t end = bench_now_ns();

    if (code == NULL) {
        (void)fprintf(stderr, "%s\n", pvm_last_error());
        exit(1);
    }
    if (out_code != NULL) {
        *out_code = code;
    } else {
        pvm_recompiler_code_destroy(code);
    }
    return (double)(end - begin);
}

/* Unmap what earlier compilations left to be used again. */
static void drain_arena(void)
{
    pvm_arena_region_t regions[REGIONS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < REGIONS_MAX; i++) {
        if (pvm_arena_take(1, 1, i % 2 == 0, &regions[count]) == 0) {
            count++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        (void)munmap(regions[i].base, regions[i].bytes);
    }
    pvm_arena_region_t scratch;
    if (pvm_arena_take_scratch(1, &scratch) == 0) {
        (void)munmap(scratch.base, scratch.bytes);
    }
    (void)malloc_trim(0);
}

static void measure(pvm_program_t *flat, pvm_program_t *priced, bench_sample_t *samples, bool cold)
{
    const double flat_len = (double)flat->code.len;
    const double priced_len = (double)priced->code.len;

    if (cold) {
        drain_arena();
    }
    const double blocks = bench_find_blocks(flat, false) / flat_len;
    const double code = compile(flat, 0, NULL) / flat_len;
    bench_add(&samples[FLAT_BLOCKS], blocks);
    bench_add(&samples[FLAT_CODE], code);
    bench_add(&samples[FLAT_ALL], blocks + code);
    /* What the cost model adds: the same blocks with and without it, in turn. */
    const double without = bench_find_blocks(priced, false) / priced_len;
    const double table = bench_find_blocks(priced, true);
    const double with = (table + bench_price_blocks(priced)) / priced_len;
    if (cold) {
        drain_arena();
    }
    bench_add(&samples[MODEL], with - without);
    bench_add(&samples[WITH_MODEL], with + compile(priced, 0, NULL) / priced_len);
}

static pvm_prof_table_t *cost_table(const bench_sample_t *warm, const bench_sample_t *cold)
{
    static const struct {
        const char *name;
        double bar;
    } rows[WHAT_COUNT] = {
        [FLAT_BLOCKS] = {"block table, flat gas (0.7.2)", 0},
        [FLAT_CODE] = {"code and code map", 0},
        [FLAT_ALL] = {"both: compile with flat gas", 2},
        [MODEL] = {"block cost model of 0.8.0 on top", 3},
        [WITH_MODEL] = {"all of it for 0.8.0", 5},
    };
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("what", "per octet of code"),
        BENCH_REAL("median_ns", "median", "ns"),
        BENCH_REAL("fastest_ns", "fastest", "ns"),
        BENCH_REAL("bar_ns", "bar", "ns"),
        BENCH_REAL("spread_percent", "spread", "%"),
        BENCH_REAL("cold_median_ns", "cold", "ns"),
        BENCH_REAL("cold_fastest_ns", "cold, fastest", "ns"),
    };
    pvm_prof_table_t *const table = pvm_prof_table_create(
        "Recompiling, memory populated and reused", columns, sizeof(columns) / sizeof(*columns));

    for (size_t i = 0; i < WHAT_COUNT && table != NULL; i++) {
        pvm_row_t row = pvm_row_add(table);
        pvm_row_text(&row, rows[i].name);
        pvm_row_real(&row, bench_median(&warm[i]));
        pvm_row_real(&row, bench_minimum(&warm[i]));
        if (rows[i].bar > 0) {
            pvm_row_real(&row, rows[i].bar);
        } else {
            pvm_row_null(&row);
        }
        pvm_row_real(&row, 100 * bench_spread(&warm[i]));
        pvm_row_real(&row, bench_median(&cold[i]));
        pvm_row_real(&row, bench_minimum(&cold[i]));
    }
    return table;
}

static void add_size(pvm_prof_table_t *table, const pvm_program_t *program, const char *gas,
                     const char *name, unsigned variant)
{
    pvm_recompiler_code_t *code;
    pvm_row_t row = pvm_row_add(table);

    (void)compile(program, variant, &code);
    const double len = (double)program->code.len;
    const size_t all = code->stubs_at + pvm_recompiler_stub_bytes(code) +
                       sizeof(uint64_t) * program->jump_table_len;
    const size_t map = code->stretch_count * sizeof(*code->stretches) + code->length_count +
                       code->stub_count * sizeof(*code->stubs) +
                       code->host_site_count * sizeof(*code->host_sites);
    pvm_row_text(&row, gas);
    pvm_row_text(&row, name);
    pvm_row_int(&row, program->code.len);
    pvm_row_real(&row, code->code_len / len);
    pvm_row_real(&row, (double)all / len);
    if (variant == 0) {
        pvm_row_real(&row, 6);
    } else {
        pvm_row_null(&row);
    }
    pvm_row_real(&row, (double)map / len);
    pvm_recompiler_code_destroy(code);
}

static pvm_prof_table_t *size_table(const pvm_program_t *flat, const pvm_program_t *priced)
{
    static const struct {
        const char *name;
        unsigned variant;
    } variants[] = {
        {"plain", 0},
        {"counting", PVM_VARIANT_COUNTING},
        {"checked memory", PVM_VARIANT_CHECKED},
    };
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("gas", "gas"),
        BENCH_TEXT("variant", "variant"),
        BENCH_INT("code_bytes", "code", "octets"),
        BENCH_REAL("instructions_per_octet", "instructions", "x"),
        BENCH_REAL("all_per_octet", "with stubs and jump table", "x"),
        BENCH_REAL("bar", "bar", "x"),
        BENCH_REAL("map_per_octet", "code map", "x"),
    };
    pvm_prof_table_t *const table = pvm_prof_table_create(
        "Octets of host code for an octet of code", columns, sizeof(columns) / sizeof(*columns));

    for (size_t i = 0; i < sizeof(variants) / sizeof(*variants) && table != NULL; i++) {
        add_size(table, flat, "0.7.2", variants[i].name, variants[i].variant);
        add_size(table, priced, "0.8.0", variants[i].name, variants[i].variant);
    }
    return table;
}

int bench_compile(const bench_options_t *options, bench_report_t *report)
{
    pvm_program_t *const flat = load(options, "-0.7.2");
    pvm_program_t *const priced = load(options, "");
    bench_sample_t *const samples = calloc(2 * (size_t)WHAT_COUNT, sizeof(*samples));
    int status = 1;

    if (flat != NULL && priced != NULL && samples != NULL) {
        bench_sample_t *const cold = samples + WHAT_COUNT;
        for (int i = 0; i < REPEATS; i++) {
            measure(flat, priced, cold, true);
        }
        bench_sample_t discarded[WHAT_COUNT] = {{.count = 0}};
        measure(flat, priced, discarded, false);
        for (int i = 0; i < REPEATS; i++) {
            measure(flat, priced, samples, false);
        }
        bench_report_add(report, "compile", cost_table(samples, cold));
        bench_report_add(report, "code_size", size_table(flat, priced));
        status = 0;
    }
    free(samples);
    pvm_program_release(flat);
    pvm_program_release(priced);
    return status;
}
#else
int bench_compile(const bench_options_t *options, bench_report_t *report)
{
    (void)options, (void)report;
    (void)fprintf(stderr, "compile: left out, the recompiler is for x86-64 Linux\n");
    return 0;
}
#endif
