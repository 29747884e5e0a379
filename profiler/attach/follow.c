/* Over exec(): the kernel leaves probes on a process that begins another program, and where that maps the same libpvm they tell of
 * it from its first instruction. So the process that is attached to anew takes over what hangs on it already; to take probes away
 * and hang them on again takes a second, in which nothing is told. */
#include "profiler/attach/internal.h"

#include <linux/perf_event.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int pvm_attach_watch_task(pid_t pid)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY};

    return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Probes hang on a task, as does the event that watches it. If a thread other than the first one begins the program, it
 * becomes the process, and the task with the probes ends; also if the number is that of a new process by now. */
static bool is_same_task(const pvm_attach_links_t *links)
{
    struct pollfd task = {.fd = links->task, .events = POLLIN};

    return links->task >= 0 && poll(&task, 1, 0) >= 0 && (task.revents & (POLLHUP | POLLERR)) == 0;
}

bool pvm_attach_inherit(pvm_attach_process_t *process, pvm_attach_process_t *before)
{
    int inherited = 0;

    if (before->links == NULL || !is_same_task(before->links)) {
        return false;
    }
    for (int i = 0; i < process->copy_count; i++) {
        for (int n = 0; n < before->copy_count; n++) {
            if (pvm_remote_is_same_file(&process->copies[i], &before->copies[n])) {
                inherited++;
                memcpy(process->links->links[i], before->links->links[n],
                       sizeof(process->links->links[i]));
                memset(before->links->links[n], 0, sizeof(before->links->links[n]));
                break;
            }
        }
    }
    return inherited == process->copy_count;
}
