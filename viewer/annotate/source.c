/* Reads source files once. Their names come from debug information, which is anybody's: plain files only. */
#include "viewer/annotate/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Folders above the working one that are tried. */
#define PARENTS_MAX 4

/* A plain file of a size that can be. @return a descriptor, or -1 */
static int open_plain(const char *path, size_t *out_len)
{
    struct stat about;
    /* Not waiting for a pipe that nobody writes to. */
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size < 0 ||
        about.st_size > PVM_SOURCE_MAX_BYTES) {
        close(fd);
        return -1;
    }
    *out_len = (size_t)about.st_size;
    return fd;
}

static int open_source(const char *path, size_t *out_len)
{
    static const char up[] = "../../../../";
    char tried[4096];
    int fd = open_plain(path, out_len);

    for (int i = 1; fd < 0 && path[0] != '/' && i <= PARENTS_MAX; i++) {
        const int len = snprintf(tried, sizeof(tried), "%.*s%s", 3 * i, up, path);
        fd = len > 0 && (size_t)len < sizeof(tried) ? open_plain(tried, out_len) : -1;
    }
    return fd;
}

static void index_lines(pvm_source_file_t *file)
{
    size_t count = 1;

    for (size_t i = 0; i < file->len; i++) {
        count += file->text[i] == '\n' ? 1 : 0;
    }
    file->lines = malloc((count + 1) * sizeof(*file->lines));
    if (file->lines == NULL) {
        return;
    }
    file->lines[file->line_count++] = 0;
    for (size_t i = 0; i < file->len; i++) {
        if (file->text[i] == '\n') {
            file->lines[file->line_count++] = i + 1;
        }
    }
    file->lines[file->line_count] = file->len + 1;
}

static void read_file(pvm_source_file_t *file)
{
    size_t len = 0;
    const int fd = open_source(file->path, &len);

    if (fd < 0) {
        return;
    }
    file->text = malloc(len + 1);
    while (file->text != NULL && file->len < len) {
        const ssize_t got = read(fd, file->text + file->len, len - file->len);
        if (got <= 0) {
            break;
        }
        file->len += (size_t)got;
    }
    close(fd);
    if (file->text != NULL) {
        index_lines(file);
    }
}

static pvm_source_file_t *find_file(pvm_source_t *source, const char *path, size_t path_len)
{
    for (size_t i = source->count; i-- > 0;) {
        if (strlen(source->files[i].path) == path_len &&
            memcmp(source->files[i].path, path, path_len) == 0) {
            return &source->files[i];
        }
    }
    if (source->count == PVM_SOURCE_MAX_FILES || memchr(path, '\0', path_len) != NULL) {
        return NULL;
    }
    pvm_source_file_t *const file = &source->files[source->count];
    *file = (pvm_source_file_t){.path = strndup(path, path_len)};
    if (file->path == NULL) {
        return NULL;
    }
    source->count++;
    read_file(file);
    return file;
}

const char *pvm_source_line(pvm_source_t *source, const char *path, size_t path_len, uint32_t line,
                            size_t *out_len)
{
    const pvm_source_file_t *const file =
        path_len > 0 && line > 0 ? find_file(source, path, path_len) : NULL;

    if (file == NULL || file->lines == NULL || line > file->line_count) {
        return NULL;
    }
    *out_len = file->lines[line] - file->lines[line - 1] - 1;
    return file->text + file->lines[line - 1];
}

void pvm_source_free(pvm_source_t *source)
{
    for (size_t i = 0; i < source->count; i++) {
        free(source->files[i].path);
        free(source->files[i].text);
        free(source->files[i].lines);
    }
    *source = (pvm_source_t){0};
}
