/* A main() for fuzz targets: runs them over files and folders given as arguments, and over no
 * octets at all. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE_BYTES (64L << 20)

static int run_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    uint8_t *data = NULL;
    int status = 1;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        (void)fprintf(stderr, "%s: cannot be opened\n", path);
        goto exit;
    }
    const long size = ftell(file);
    rewind(file);
    if (size < 0 || size > MAX_FILE_BYTES) {
        (void)fprintf(stderr, "%s: too large for a regression file\n", path);
        goto exit;
    }
    /* Exactly as large as the file, so that a sanitizer sees the first octet read behind it. */
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        goto exit;
    }
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    status = 0;
exit:
    free(data);
    if (file != NULL) {
        (void)fclose(file);
    }
    return status;
}

static int run_folder(const char *path, int *out_count)
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, NULL, alphasort);
    int status = 0;

    for (int i = 0; i < count; i++) {
        char *file = NULL;
        if (entries[i]->d_name[0] != '.' &&
            asprintf(&file, "%s/%s", path, entries[i]->d_name) > 0) {
            status |= run_file(file);
            (*out_count)++;
            free(file);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;
    int count = 0;

    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            status |= run_folder(argv[i], &count);
        } else {
            status |= run_file(argv[i]);
            count++;
        }
    }
    (void)printf("%d files\n", count);
    return status;
}
