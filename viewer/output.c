/* Writes octets to a neighbour of the target, then renames it, so that nobody ever reads half a file. */
#include "viewer/output.h"

#include "program/readers.h"
#include "viewer/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pvm_view_status_t fail_write(pvm_view_t *view, const char *path, int error)
{
    return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: cannot write: %s; nothing was changed",
                         path, strerror(error));
}

/** Is it a file that only its writer can make again? */
static bool is_precious(const pvm_input_t *old, pvm_output_kind_t kind)
{
    static const char run_file[] = "SQLite format 3";
    const pvm_file_kind_t found = pvm_program_detect(old->data, old->len);
    const bool is_program =
        found == PVM_FILE_RAW || found == PVM_FILE_JAM || found == PVM_FILE_POLKAVM;

    if (kind == PVM_OUTPUT_PROGRAM) {
        return !is_program;
    }
    return is_program ||
           (old->len >= sizeof(run_file) && memcmp(old->data, run_file, sizeof(run_file)) == 0);
}

/** May what stands at `path` be replaced? */
static pvm_view_status_t check_target(pvm_view_t *view, const char *path, pvm_output_kind_t kind)
{
    struct stat info;
    pvm_input_t old;

    if (stat(path, &info) < 0) {
        return errno == ENOENT ? PVM_VIEW_FINE : fail_write(view, path, errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: is a directory; give a file name", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: is no regular file; give another name",
                             path);
    }
    if (info.st_size == 0 || pvm_view_has(view, PVM_OPTION_FORCE)) {
        return PVM_VIEW_FINE;
    }
    const pvm_view_status_t status = pvm_view_input_read(view, path, &old);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    const bool is_in_the_way = is_precious(&old, kind);
    pvm_view_input_free(&old);
    if (!is_in_the_way) {
        return PVM_VIEW_FINE;
    }
    return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: exists and is %s; give another name or --force",
                         path,
                         kind == PVM_OUTPUT_PROGRAM ? "no program" : "a program or a run file");
}

pvm_view_status_t pvm_view_output_begin(pvm_view_t *view, const char *path, pvm_output_kind_t kind,
                                        pvm_output_t *output)
{
    const pvm_view_status_t status = check_target(view, path, kind);
    const size_t name_bytes = strlen(path) + sizeof(".XXXXXX");

    *output = (pvm_output_t){.path = path};
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    output->name = malloc(name_bytes);
    if (output->name == NULL) {
        return fail_write(view, path, ENOMEM);
    }
    snprintf(output->name, name_bytes, "%s.XXXXXX", path);
    const int descriptor = mkostemp(output->name, O_CLOEXEC);
    if (descriptor >= 0) {
        output->stream = fdopen(descriptor, "w");
    }
    if (output->stream == NULL) {
        const int error = errno;

        if (descriptor >= 0) {
            close(descriptor);
            unlink(output->name);
        }
        free(output->name);
        return fail_write(view, path, error);
    }
    return PVM_VIEW_FINE;
}

/** All of it on the disk, and as public as the user's other files: mkstemp() makes private ones. @return 0 or an errno */
static int finish_stream(FILE *stream)
{
    const mode_t mask = umask(0);

    umask(mask);
    errno = 0;
    if (fflush(stream) != 0 || ferror(stream)) {
        return errno != 0 ? errno : EIO;
    }
    return fchmod(fileno(stream), 0666 & ~mask) < 0 || fsync(fileno(stream)) < 0 ? errno : 0;
}

pvm_view_status_t pvm_view_output_end(pvm_view_t *view, pvm_output_t *output,
                                      pvm_view_status_t status)
{
    int error = status == PVM_VIEW_FINE ? finish_stream(output->stream) : 0;

    if (fclose(output->stream) != 0 && error == 0) {
        error = errno;
    }
    if (status == PVM_VIEW_FINE && error == 0 && rename(output->name, output->path) < 0) {
        error = errno;
    }
    if (status != PVM_VIEW_FINE || error != 0) {
        unlink(output->name);
    }
    free(output->name);
    return status == PVM_VIEW_FINE && error != 0 ? fail_write(view, output->path, error) : status;
}

pvm_view_status_t pvm_view_output_write(pvm_view_t *view, const char *path, const uint8_t *data,
                                        size_t len)
{
    pvm_output_t output;
    pvm_view_status_t status = pvm_view_output_begin(view, path, PVM_OUTPUT_PROGRAM, &output);

    if (status == PVM_VIEW_FINE) {
        (void)fwrite(data, 1, len, output.stream);
        status = pvm_view_output_end(view, &output, PVM_VIEW_FINE);
    }
    return status;
}

pvm_view_status_t pvm_view_output_remove(pvm_view_t *view, const char *path)
{
    struct stat info;

    if (stat(path, &info) < 0) {
        return errno == ENOENT ? PVM_VIEW_FINE : fail_write(view, path, errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return pvm_view_fail(view, PVM_VIEW_USAGE, "%s: is no regular file; give another name",
                             path);
    }
    return unlink(path) < 0 ? fail_write(view, path, errno) : PVM_VIEW_FINE;
}
