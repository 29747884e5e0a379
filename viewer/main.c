/* pvmscope: parse the command line, call the command, print its error line, choose the exit code. Nothing else in
 * the viewer does the last two. */
#include "viewer/command.h"
#include "viewer/escape.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef pvm_view_status_t command_function_t(pvm_view_t *view);

static command_function_t *const commands[PVM_COMMAND_COUNT] = {
#define PVM_COMMAND(name, ...) [PVM_COMMAND_##name] = pvm_command_##name,
#include "viewer/commands.def"
};

static pvm_view_status_t dispatch(pvm_view_t *view)
{
    if (pvm_view_has(view, PVM_OPTION_HELP)) {
        pvm_view_put_help(view, stdout);
        return PVM_VIEW_FINE;
    }
    if (pvm_view_has(view, PVM_OPTION_VERSION)) {
        return pvm_command_version(view);
    }
    if (!view->has_command) {
        pvm_view_put_help(view, stderr);
        return PVM_VIEW_USAGE;
    }
    return commands[view->command](view);
}

/** A caller may close the standard descriptors. A run file that got one of their numbers would be written over by what
 *  is printed; so the numbers are taken, by something that cannot be written to. */
static void take_standard_descriptors(void)
{
    int descriptor;

    do {
        descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0) {
        close(descriptor);
    }
}

/** The reader of standard output is gone: it has seen enough, as `| head` does. */
static bool is_output_closed(void)
{
    struct pollfd descriptor = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&descriptor, 1, 0) == 1 && (descriptor.revents & (POLLERR | POLLHUP)) != 0;
}

/** What was printed must have arrived, unless nobody wants it any more. */
static pvm_view_status_t flush_output(pvm_view_t *view, pvm_view_status_t status)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || is_output_closed()) {
        return status;
    }
    if (status != PVM_VIEW_FINE && view->error[0] != '\0') {
        return status;
    }
    return pvm_view_fail(view, PVM_VIEW_ENVIRONMENT,
                         "standard output: cannot write: %s; the output is cut off",
                         errno != 0 ? strerror(errno) : "an earlier write failed");
}

int main(int argc, char **argv)
{
    pvm_view_t view;
    pvm_view_status_t status;

    take_standard_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    status = pvm_view_parse(&view, argc, argv);
    if (status == PVM_VIEW_FINE) {
        status = dispatch(&view);
    }
    status = flush_output(&view, status);
    if (view.error[0] != '\0') {
        pvm_view_put_line(stderr, "pvmscope: ", view.error);
    }
    pvm_view_finish(&view);
    return (int)status;
}
