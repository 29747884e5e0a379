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

/** May what stands at `path` be replaced? */
static pvm_view_status_t check_target(pvm_view_t *view, const char *path)
{
    struct stat info;
    pvm_input_t old;
    pvm_file_kind_t kind;
    pvm_view_status_t status;

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
    status = pvm_view_input_read(view, path, &old);
    if (status != PVM_VIEW_FINE) {
        return status;
    }
    kind = pvm_program_detect(old.data, old.len);
    pvm_view_input_free(&old);
    if (kind == PVM_FILE_RAW || kind == PVM_FILE_JAM || kind == PVM_FILE_POLKAVM) {
        return PVM_VIEW_FINE;
    }
    return pvm_view_fail(view, PVM_VIEW_USAGE,
                         "%s: exists and is no program; give another name or --force", path);
}

/** All of it, into a file that nobody knows yet. @return 0 or an errno */
static int write_all(int descriptor, const uint8_t *data, size_t len)
{
    const mode_t mask = umask(0);

    umask(mask);
    /* mkstemp() makes private files; a program is as public as the user's other files. */
    if (fchmod(descriptor, 0666 & ~mask) < 0) {
        return errno;
    }
    while (len > 0) {
        const ssize_t written = write(descriptor, data, len);

        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            data += written;
            len -= (size_t)written;
        }
    }
    return fsync(descriptor) < 0 ? errno : 0;
}

pvm_view_status_t pvm_view_output_write(pvm_view_t *view, const char *path, const uint8_t *data,
                                        size_t len)
{
    pvm_view_status_t status = check_target(view, path);
    const size_t name_bytes = strlen(path) + sizeof(".XXXXXX");
    char *name;
    int descriptor;
    int error;

    if (status != PVM_VIEW_FINE) {
        return status;
    }
    name = malloc(name_bytes);
    if (name == NULL) {
        return fail_write(view, path, ENOMEM);
    }
    snprintf(name, name_bytes, "%s.XXXXXX", path);
    descriptor = mkostemp(name, O_CLOEXEC);
    if (descriptor < 0) {
        error = errno;
        free(name);
        return fail_write(view, path, error);
    }
    error = write_all(descriptor, data, len);
    if (close(descriptor) < 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(name, path) < 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(name);
        status = fail_write(view, path, error);
    }
    free(name);
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
