/* pvm-bench: what the engine costs. `pvm-bench BENCH|all [--quick] [--only GUEST] [--blobs DIR] [--events N]
 * [--format text|json]` */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(const bench_options_t *options, bench_report_t *report);
    bool in_all;
    const char *help;
} benches[] = {
    {"guests", bench_guests, true, "guest programs against native code"},
    {"left", bench_left, true, "instructions that the recompiler leaves to the interpreter"},
    {"lifecycle", bench_lifecycle, true, "create and destroy, reset, host calls"},
    {"compile", bench_compile, true, "the recompiler, per octet of code, and the size of its code"},
    {"bill", bench_bill, true, "a short invocation from file to result, part by part"},
    {"turns", bench_turns, true, "short invocations of several programs in turn"},
    {"even", bench_break_even, true, "when recompiling pays"},
    {"gas", bench_gas, true, "the 0.8.0 block cost model, per octet of code"},
    {"instrument", bench_instrument, true, "what instrumentation costs"},
    {"attach", bench_attach, false, "what attaching with eBPF costs the target; needs root"},
    {"import", bench_import, false, "importing a trace of --events host calls: speed and memory"},
    {"record", bench_record, false,
     "rows of host calls a second, beside a bare insert of the same"},
    {"cost", bench_cost, false, "instrumentation and host-call events beside their bars"},
    {"service", bench_service, false,
     "a recorded invocation of new code: interpreted, compiled at once, by units"},
    {"pairs", bench_pairs, false, "pairs of instructions, most executed first"},
};

#define BENCH_COUNT (sizeof(benches) / sizeof(*benches))

uint8_t *bench_read_file(const char *path, size_t *out_len)
{
    FILE *const file = fopen(path, "rb");
    uint8_t *bytes = NULL;

    *out_len = 0;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        (void)fprintf(stderr, "%s: cannot be read; give the folder of the blobs with --blobs\n",
                      path);
        goto out;
    }
    const long len = ftell(file);
    rewind(file);
    bytes = len < 0 ? NULL : malloc((size_t)len + 1);
    if (bytes != NULL) {
        *out_len = fread(bytes, 1, (size_t)len, file);
    }
out:
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: pvm-bench BENCH|all [--quick] [--only GUEST] [--blobs DIR] "
                          "[--events N] [--format text|json]\n");
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        (void)fprintf(stderr, "  %-10s %s\n", benches[i].name, benches[i].help);
    }
    return 2;
}

static bool is_bench(const char *name)
{
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        if (strcmp(name, benches[i].name) == 0) {
            return true;
        }
    }
    return false;
}

/* @return false: not understood */
static bool read_options(int argc, char **argv, bench_options_t *options, bool *out_json)
{
    for (int i = 2; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--quick") == 0) {
            options->native_ms = 20;
        } else if (strcmp(argv[i], "--only") == 0 && has_value) {
            options->only = argv[++i];
        } else if (strcmp(argv[i], "--blobs") == 0 && has_value) {
            options->blobs = argv[++i];
        } else if (strcmp(argv[i], "--events") == 0 && has_value &&
                   strtoull(argv[i + 1], NULL, 10) > 0) {
            options->events = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--format") == 0 && has_value &&
                   (strcmp(argv[i + 1], "json") == 0 || strcmp(argv[i + 1], "text") == 0)) {
            *out_json = strcmp(argv[++i], "json") == 0;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    bench_options_t options = {
        .blobs = PVM_BENCH_BLOBS, .native_ms = 500, .repeats = 25, .events = 1000000};
    bool json = false;
    int status = 0;

    if (argc < 2 || !read_options(argc, argv, &options, &json)) {
        return usage();
    }
    const bool all = strcmp(argv[1], "all") == 0;
    if (!all && !is_bench(argv[1])) {
        return usage();
    }
    bench_report_t *const report = bench_report_create(json);
    if (report == NULL) {
        return 4;
    }
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        if (all ? benches[i].in_all : strcmp(argv[1], benches[i].name) == 0) {
            status |= benches[i].run(&options, report);
        }
    }
    return status | bench_report_finish(report);
}
