/* Attaches to a process and lets go of it, over and over: again PID TIMES. */
#include "profiler/attach/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void count(void *user_data, const pvm_bpf_header_t *header, const void *record, size_t bytes)
{
    (void)header, (void)record, (void)bytes;
    ++*(size_t *)user_data;
}

int main(int argc, char **argv)
{
    const int times = argc == 3 ? atoi(argv[2]) : 0;
    const pvm_attach_options_t options = {
        .size = sizeof(options), .pid = argc == 3 ? (pid_t)atol(argv[1]) : 0, .calls_only = true};
    size_t records = 0;

    for (int i = 0; i < times; i++) {
        pvm_attach_t *attach = NULL;
        if (pvm_attach_open(&options, count, &records, &attach) != PVM_PROF_OK) {
            (void)fprintf(stderr, "again: time %d: %s\n", i, pvm_last_error());
            return 1;
        }
        if (records == 0) {
            const struct timespec pause = {.tv_nsec = 50000000};
            (void)nanosleep(&pause, NULL);
        }
        (void)pvm_attach_poll(attach);
        pvm_attach_close(attach);
    }
    (void)printf("%d times, %s\n", times, records > 0 ? "with records" : "without records");
    return records == 0;
}
