/* pvm-bench: what the engine costs. `pvm-bench BENCH [--quick] [--only GUEST] [--blobs DIR]` */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(const bench_options_t *options);
    const char *help;
} benches[] = {
    {"guests", bench_guests, "guest programs against native code"},
    {"lifecycle", bench_lifecycle, "create and destroy, reset, host calls, short invocations"},
    {"gas", bench_gas, "the 0.8.0 block cost model, per octet of code"},
    {"instrument", bench_instrument, "what exact counts cost"},
    {"pairs", bench_pairs, "pairs of instructions, most executed first"},
};

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
    (void)fprintf(stderr, "usage: pvm-bench BENCH [--quick] [--only GUEST] [--blobs DIR]\n");
    for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++) {
        (void)fprintf(stderr, "  %-10s %s\n", benches[i].name, benches[i].help);
    }
    return 2;
}

int main(int argc, char **argv)
{
    bench_options_t options = {.blobs = PVM_BENCH_BLOBS, .native_ms = 500, .repeats = 3};

    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            options.native_ms = 20;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            options.only = argv[++i];
        } else if (strcmp(argv[i], "--blobs") == 0 && i + 1 < argc) {
            options.blobs = argv[++i];
        } else {
            return usage();
        }
    }
    for (size_t i = 0; argc > 1 && i < sizeof(benches) / sizeof(*benches); i++) {
        if (strcmp(argv[1], benches[i].name) == 0) {
            return benches[i].run(&options);
        }
    }
    return usage();
}
