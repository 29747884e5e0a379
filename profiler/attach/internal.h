/* Between the files of an attachment. */
#ifndef PVM_PROFILER_ATTACH_INTERNAL_H
#define PVM_PROFILER_ATTACH_INTERNAL_H

#include "profiler/attach/attach.h"

#include <bpf/libbpf.h>
/* Made by bpftool: not held to the project's warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "pvm_bpf.skel.h"
#pragma GCC diagnostic pop

/** All probes of probes.def. */
enum {
#define PVM_BPF_PROBE(probe, event, form) PVM_PROBE_##probe,
#include "trace/bpf/probes.def"
    PVM_PROBE_COUNT
};

/** What hangs on a process: one link for each copy and probe; those of a file that is mapped twice, on its first copy. */
typedef struct pvm_attach_links_t {
    int task; /**< an event that hangs on it, too, and says when it is gone; -1: there is none */
    struct bpf_link *links[PVM_REMOTE_COPIES_MAX][PVM_PROBE_COUNT];
} pvm_attach_links_t;

struct pvm_attach_t {
    struct pvm_attach_t *self;
    pvm_attach_options_t options;
    pvm_attach_handler_t handler;
    void *user_data;
    struct pvm_bpf *skeleton;
    struct ring_buffer *ring;
    pvm_attach_level_t level;
    bool is_detached;
    uint64_t taken;
    uint64_t looked_ns;
    uint64_t looked_execs_ns;
    uint64_t execs;
    uint64_t exec_ns; /**< the last one */
    uint32_t last_copy;
    size_t process_count;
    uint64_t forgotten_cpu_ns;
    pvm_attach_process_t processes[PVM_BPF_PROCESSES_MAX];
    struct bpf_link **clocks;
    int clock_count;
};

/** Open and load. Errors: E_SYSTEM, with the reason and the mend. */
pvm_prof_status_t pvm_attach_load(const pvm_attach_options_t *options, struct pvm_bpf **out);
/** Room for what hangs on a process. @return 0, or -1 */
int pvm_attach_make_links(pvm_attach_process_t *process);
/** Hang on a process what the options and the level want, take away what they do not. @return 0, or -1 and what was there
 *  before is incomplete */
int pvm_attach_link(pvm_attach_t *attach, pvm_attach_process_t *process);
void pvm_attach_unlink(pvm_attach_process_t *process);
/** Take links away; NULLs among them are left out. */
void pvm_attach_destroy(struct bpf_link **links, size_t count);

/** An event that does nothing and ends with the first thread of a process; -1: it cannot be had. */
int pvm_attach_watch_task(pid_t pid);
/** A process runs another program now: take over what hangs on it still and tells of the new one as well; `process` has room for
 *  links, and none yet. @return whether that is all that there is to hang on it */
bool pvm_attach_inherit(pvm_attach_process_t *process, pvm_attach_process_t *before);

#endif
