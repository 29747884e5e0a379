/* What the 0.8.0 block cost model costs, per octet of code, for blocks whose words are there: computing each, and
 * with the memo that a program builder uses, empty at first. Default program: the large guest; --only NAME or
 * --only PATH takes another. */
#include "bench.h"

#include "gas/memo.h"
#include "gas/pipeline.h"
#include "program/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS 31

/* A program's blocks with all their instructions, one block behind the other. */
typedef struct {
    const pvm_program_t *program;
    pvm_gas_word_t *words;
    size_t *ends; /* per block, index behind its last instruction */
    size_t count;
} decoded_t;

static uint64_t sum_of_model(const decoded_t *all)
{
    uint64_t sum = 0;
    size_t begin = 0;

    for (uint32_t i = 0; i < all->program->block_count; i++) {
        sum += pvm_gas_pipeline_block(&all->program->code, all->program->blocks[i].pc,
                                      all->words + begin, all->ends[i] - begin);
        begin = all->ends[i];
    }
    return sum;
}

static uint64_t sum_of_model_with_memo(const decoded_t *all)
{
    static pvm_gas_memo_t memo;
    uint64_t sum = 0;
    size_t begin = 0;

    pvm_gas_memo_clear(&memo);
    for (uint32_t i = 0; i < all->program->block_count; i++) {
        const size_t count = all->ends[i] - begin;
        const uint32_t pc = all->program->blocks[i].pc;
        if (count > PVM_GAS_MEMO_INSTRUCTIONS) {
            sum += pvm_gas_pipeline_block(&all->program->code, pc, all->words + begin, count);
        } else {
            memcpy(pvm_gas_memo_room(&memo), all->words + begin, count * sizeof(*all->words));
            sum += pvm_gas_memo_cost(&memo, &all->program->code, pc, count);
        }
        begin = all->ends[i];
    }
    return sum;
}

/* Blocks in which some entry was placed again, and those that went the thorough way. */
static void count_rare(const decoded_t *all, uint32_t *out_corrected, uint32_t *out_contended)
{
    size_t begin = 0;

    *out_corrected = 0;
    *out_contended = 0;
    for (uint32_t i = 0; i < all->program->block_count; i++) {
        pvm_gas_pipeline_t pipeline;
        pvm_gas_pipeline_begin(&pipeline, &all->program->code, all->program->blocks[i].pc);
        pvm_gas_pipeline_feed(&pipeline, all->words + begin, all->ends[i] - begin);
        *out_corrected += pipeline.corrections != 0;
        *out_contended += pipeline.contended;
        begin = all->ends[i];
    }
}

static bool decode_all(decoded_t *all)
{
    const pvm_program_t *const program = all->program;

    /* Every instruction is an octet or more; blocks that run off the code end in one trap each. */
    const size_t most = (size_t)program->code.len + program->block_count;
    all->words = calloc(most, sizeof(*all->words));
    all->ends = calloc(program->block_count, sizeof(*all->ends));
    if (all->words == NULL || all->ends == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        uint32_t pc = program->blocks[i].pc;
        bool ended;
        all->count +=
            pvm_gas_words(&program->code, &pc, all->words + all->count, most - all->count, &ended);
        all->ends[i] = all->count;
    }
    return true;
}

static double nanoseconds_of(uint64_t (*run)(const decoded_t *), const decoded_t *all,
                             uint64_t *out_sum)
{
    const uint64_t begin = bench_now_ns();

    *out_sum = run(all);
    return (double)(bench_now_ns() - begin);
}

static void add_row(pvm_prof_table_t *table, const char *name, const bench_sample_t *sample,
                    const decoded_t *all)
{
    const double octets = (double)all->program->code.len;
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, name);
    pvm_row_real(&row, bench_median(sample) / octets);
    pvm_row_real(&row, bench_minimum(sample) / octets);
    pvm_row_real(&row, bench_median(sample) / (double)all->count);
    pvm_row_real(&row, 100 * bench_spread(sample));
}

static int measure(const decoded_t *all, const char *name, bench_report_t *report)
{
    const pvm_prof_column_t columns[] = {
        BENCH_TEXT("what", "what"),
        BENCH_REAL("median_ns_per_octet", "median", "ns/octet"),
        BENCH_REAL("fastest_ns_per_octet", "fastest", "ns/octet"),
        BENCH_REAL("median_ns_per_instruction", "ns/instr.", "ns"),
        BENCH_REAL("spread_percent", "spread", "%"),
    };
    static bench_sample_t model, with_memo;
    pvm_prof_table_t *const table =
        pvm_prof_table_create("The 0.8.0 block cost model, words made before", columns,
                              sizeof(columns) / sizeof(*columns));
    uint64_t sums[2];
    uint32_t corrected;
    uint32_t contended;

    for (int i = 0; i < REPEATS; i++) {
        bench_add(&model, nanoseconds_of(sum_of_model, all, &sums[0]));
        bench_add(&with_memo, nanoseconds_of(sum_of_model_with_memo, all, &sums[1]));
    }
    count_rare(all, &corrected, &contended);
    if (table != NULL) {
        (void)pvm_prof_table_add_note(
            table,
            "%s: %u octets of code, %zu instructions, %u blocks, %u corrected, %u contended; all "
            "blocks cost %llu",
            name, all->program->code.len, all->count, all->program->block_count, corrected,
            contended, (unsigned long long)sums[0]);
        add_row(table, "model", &model, all);
        add_row(table, "model with memo, cold", &with_memo, all);
    }
    bench_report_add(report, "gas", table);
    if (sums[0] != sums[1]) {
        (void)fprintf(stderr, "%s: the sums with and without memo differ: a bug\n", name);
        return 1;
    }
    return 0;
}

int bench_gas(const bench_options_t *options, bench_report_t *report)
{
    const char *const name = options->only != NULL ? options->only : "large";
    char path[4096];
    decoded_t all = {0};
    pvm_program_t *program = NULL;
    size_t len = 0;
    int status = 1;

    if (strchr(name, '/') != NULL) {
        (void)snprintf(path, sizeof(path), "%s", name);
    } else {
        (void)snprintf(path, sizeof(path), "%s/%s.polkavm", options->blobs, name);
    }
    uint8_t *const blob = bench_read_file(path, &len);
    if (blob == NULL) {
        goto out;
    }
    program = pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    if (program == NULL || program->block_count == 0) {
        pvm_program_release(program);
        program = pvm_program_load(blob, len, PVM_FORMAT_RAW, PVM_SPEC_LATEST64);
    }
    if (program == NULL || program->block_count == 0) {
        (void)fprintf(stderr, "%s: %s\n", path,
                      program == NULL ? pvm_last_error() : "has no blocks");
        goto out;
    }
    all.program = program;
    if (decode_all(&all)) {
        status = measure(&all, name, report);
    }
out:
    free(all.words);
    free(all.ends);
    pvm_program_release(program);
    free(blob);
    return status;
}
