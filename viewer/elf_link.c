/* Runs the linker on files that are in memory only, so that nothing is left behind, however this ends. */
#include "viewer/elf_link.h"

#include "support/buffer.h"
#include "viewer/escape.h"
#include "viewer/program_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/** Longest line of the linker that is shown. */
#define LINE_SHOWN 200

extern char **environ;

/** Descriptors of the child: what it reads and writes by name. */
enum { CHILD_ELF = 3, CHILD_PROGRAM = 4 };
#define CHILD_ELF_NAME     "/proc/self/fd/3"
#define CHILD_PROGRAM_NAME "/proc/self/fd/4"

/** Files in memory. */
typedef struct {
    int elf;
    int program;
    int log;
} files_t;

bool pvm_view_is_elf(const pvm_input_t *input)
{
    return input->len >= 4 && memcmp(input->data, "\177ELF", 4) == 0;
}

/* Whatever the linker would say of it, this is what is wrong. */
static bool is_for_another_machine(const pvm_input_t *elf)
{
    Elf64_Half machine;
    const size_t at = offsetof(Elf64_Ehdr, e_machine);

    if (elf->len < at + sizeof(machine)) {
        return false;
    }
    memcpy(&machine, elf->data + at, sizeof(machine));
    return machine != EM_RISCV;
}

/* NULL: not named */
static const char *named_linker(void)
{
    const char *const name = getenv("PVM_LINKER");

    return name != NULL && name[0] != '\0' ? name : NULL;
}

const char *pvm_view_elf_linker(void)
{
    const char *const name = named_linker();

    return name != NULL ? name : "pvm-guest-linker";
}

/* -- Files --------------------------------------------------------------------------------- */

/* Above the descriptors that they get in the child, where one would be closed by the other. */
static int make_file(const char *name)
{
    const int low = memfd_create(name, MFD_CLOEXEC);
    const int high = low >= 0 ? fcntl(low, F_DUPFD_CLOEXEC, CHILD_PROGRAM + 1) : -1;

    if (low >= 0) {
        (void)close(low);
    }
    return high;
}

static void close_files(const files_t *files)
{
    const int all[] = {files->elf, files->program, files->log};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i] >= 0) {
            (void)close(all[i]);
        }
    }
}

static bool write_all(int file, const uint8_t *data, size_t len)
{
    while (len > 0) {
        const ssize_t done = write(file, data, len);

        if (done < 0 && errno != EINTR) {
            return false;
        }
        data += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static bool read_all(int file, pvm_buffer_t *out)
{
    uint8_t piece[65536];
    ssize_t got;

    out->len = 0;
    while ((got = pread(file, piece, sizeof(piece), (off_t)out->len)) > 0 && !out->failed) {
        pvm_buffer_append(out, piece, (size_t)got);
    }
    return got == 0 && !out->failed;
}

/* -- Running it ---------------------------------------------------------------------------- */

/* @return 0, or an errno; *out_status as waitpid() tells it */
static int run(const files_t *files, char *const *arguments, int *out_status)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) {
        return error;
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, files->log, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, files->log, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, files->elf, CHILD_ELF);
    posix_spawn_file_actions_adddup2(&actions, files->program, CHILD_PROGRAM);
    error = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return error;
    }
    while (waitpid(pid, out_status, 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static pvm_view_status_t fail_start(pvm_view_t *view, const pvm_input_t *elf, int error)
{
    return named_linker() == NULL && error == ENOENT
               ? pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                               "%s: an ELF file, which pvm-guest-linker is to link again, and that "
                               "is not in PATH; build it with cargo install --path "
                               "examples/guest/linker, or give the .polkavm file",
                               elf->path)
               : pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                               "%s: cannot run the linker %s: %s; see PVM_LINKER in "
                               "docs/annotate.md",
                               elf->path, pvm_view_elf_linker(), strerror(error));
}

/* With the last line that it wrote; its name for the file is our secret. */
static pvm_view_status_t fail_link(pvm_view_t *view, const pvm_input_t *elf, const files_t *files)
{
    static const char prefix[] = CHILD_ELF_NAME ": ";
    static const char unknown[] = "it does not say why";
    pvm_buffer_t log = {0};
    pvm_buffer_t line = {0};
    size_t begin = 0;

    (void)read_all(files->log, &log);
    while (log.len > 0 && (log.data[log.len - 1] == '\n' || log.data[log.len - 1] == ' ')) {
        log.len--;
    }
    for (size_t i = 0; i < log.len; i++) {
        begin = log.data[i] == '\n' ? i + 1 : begin;
    }
    for (size_t i = begin; i + sizeof(prefix) - 1 <= log.len; i++) {
        if (memcmp(log.data + i, prefix, sizeof(prefix) - 1) == 0) {
            begin = i + sizeof(prefix) - 1;
            break;
        }
    }
    if (log.len > begin) {
        pvm_view_escape(&line, (const char *)log.data + begin,
                        log.len - begin < LINE_SHOWN ? log.len - begin : LINE_SHOWN,
                        PVM_ESCAPE_ASCII);
    }
    const bool is_known = line.len > 0 && !line.failed;
    const pvm_view_status_t status = pvm_view_fail(
        view, PVM_VIEW_INPUT,
        "%s: %s cannot link it: %.*s; give the ELF file that the program was linked from",
        elf->path, pvm_view_elf_linker(), (int)(is_known ? line.len : sizeof(unknown) - 1),
        is_known ? (const char *)line.data : unknown);
    pvm_buffer_free(&line);
    pvm_buffer_free(&log);
    return status;
}

static pvm_view_status_t load(pvm_view_t *view, const pvm_input_t *elf, const files_t *files,
                              pvm_program_t **out_program)
{
    pvm_buffer_t blob = {0};
    pvm_view_status_t status = PVM_VIEW_FINE;
    bool is_guessed = false;
    char name[512];

    if (!read_all(files->program, &blob)) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no memory for what it is linked to",
                               elf->path);
    } else if (blob.len == 0) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                               "%s: the linker %s has written nothing; see PVM_LINKER in "
                               "docs/annotate.md",
                               elf->path, pvm_view_elf_linker());
    } else {
        (void)snprintf(name, sizeof(name), "%s, linked by %s", elf->path, pvm_view_elf_linker());
        status = pvm_view_program_load(view, PVM_CHOICE_SPEC_AUTO, name, blob.data, blob.len,
                                       out_program, &is_guessed);
    }
    pvm_buffer_free(&blob);
    return status;
}

pvm_view_status_t pvm_view_elf_link(pvm_view_t *view, const pvm_input_t *elf, pvm_spec_t spec,
                                    const char *dispatch, pvm_program_t **out_program)
{
    const char *const arguments[] = {pvm_view_elf_linker(),
                                     pvm_view_spec_name(spec),
                                     CHILD_ELF_NAME,
                                     CHILD_PROGRAM_NAME,
                                     dispatch,
                                     NULL};
    const files_t files = {
        .elf = make_file("elf"), .program = make_file("program"), .log = make_file("log")};
    pvm_view_status_t status = PVM_VIEW_FINE;
    int ended = 0;

    *out_program = NULL;
    if (is_for_another_machine(elf)) {
        status = pvm_view_fail(view, PVM_VIEW_INPUT,
                               "%s: an ELF file for another machine than RISC-V; give the one that "
                               "the program was linked from",
                               elf->path);
    } else if (files.elf < 0 || files.program < 0 || files.log < 0 ||
               !write_all(files.elf, elf->data, elf->len)) {
        status = pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: no files in memory to link it: %s",
                               elf->path, strerror(errno));
    } else {
        const int error = run(&files, (char *const *)(uintptr_t)arguments, &ended);

        status = error != 0   ? fail_start(view, elf, error)
                 : ended != 0 ? fail_link(view, elf, &files)
                              : load(view, elf, &files, out_program);
    }
    close_files(&files);
    return status;
}
