/* What the collector reads from the processes: programs before they are gone, and host calls that are going on. */
#include "profiler/attach/collect_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/** Looks after which nothing comes any more of a process that is gone. */
#define GONE_LOOKS 12
/** Machines of one process whose open host calls are looked for. */
#define OPEN_MACHINES_MAX 4096

/* Note the host calls that are going on: what is known of them stands in the machines. Of processes that are gone by now the
 * last ones that were noted stay. */
void pvm_collect_note_open_calls(collect_t *collect)
{
    for (size_t i = 0; i < collect->images.count; i++) {
        pvm_image_t *const image = &collect->images.list[i];
        pvm_remote_vm_t *vms = NULL;

        if (image->pid == 0 || image->gone > 0 ||
            pvm_remote_published(image->pid, &image->copy, &image->published) != 0 ||
            image->published.vms > OPEN_MACHINES_MAX) {
            continue;
        }
        const int count = pvm_remote_vms(image->pid, &image->copy, &image->published, &vms);
        if (count >= 0) {
            free(image->vms);
            image->vms = vms;
            image->vm_count = (size_t)count;
        }
    }
}

static bool is_wanted_call(const collect_t *collect, const pvm_remote_vm_t *vm)
{
    const pvm_attach_options_t *const options = &collect->options->attach;

    return vm->is_in_host && vm->has_registers && vm->call_began_ns != 0 &&
           (!options->wants_service || vm->service == options->service) &&
           (!options->wants_call || vm->call_func_id == options->call);
}

static void feed_open_call(collect_t *collect, pvm_image_t *image, const pvm_remote_vm_t *vm,
                           const pvm_remote_program_t *program)
{
    pvm_event_host_call_t call = {.vm = (uint64_t)image->own_pid << 32 | (uint32_t)vm->id,
                                  .service = vm->service,
                                  .seq = vm->host_seq - 1,
                                  .pc = vm->call_pc,
                                  .func_id = vm->call_func_id,
                                  .begin_ns = vm->call_began_ns,
                                  .gas_before = vm->call_gas,
                                  .program = program->hash,
                                  .backend = (uint8_t)vm->backend};

    memcpy(call.before, vm->call_registers, sizeof(call.before));
    pvm_collect_feed_program(collect, program);
    pvm_collect_begin_call(collect, image, call.begin_ns, &call);
}

/* Host calls that have begun and, as far as was seen, not ended. */
static void feed_open_calls_of(collect_t *collect, pvm_image_t *image)
{
    for (size_t v = 0; v < image->vm_count && !collect->options->attach.sums_up; v++) {
        const pvm_remote_vm_t *const vm = &image->vms[v];
        const pvm_remote_program_t *program = NULL;
        for (size_t p = 0; p < image->program_count; p++) {
            program = image->programs[p].address == vm->program ? &image->programs[p] : program;
        }
        pvm_machine_t *const machine = pvm_machines_find(
            &collect->machines, image->id, (uint64_t)image->own_pid << 32 | (uint32_t)vm->id);
        if (machine == NULL) {
            continue;
        }
        if (program != NULL && is_wanted_call(collect, vm) &&
            (!machine->is_counted || machine->next_seq <= vm->host_seq - 1)) {
            feed_open_call(collect, image, vm, program);
        }
        /* What is missing behind the last record. */
        pvm_machine_count(&collect->machines, machine, vm->host_seq);
    }
}

void pvm_collect_feed_open_calls(collect_t *collect)
{
    for (size_t i = 0; i < collect->images.count; i++) {
        feed_open_calls_of(collect, &collect->images.list[i]);
    }
}

/** Machines of one copy. */
typedef struct {
    uint32_t copy;
    uint64_t *vms;
    size_t count;
    bool failed;
} machines_of_t;

static void list_machine(void *user_data, pvm_machine_t *machine)
{
    machines_of_t *const list = user_data;

    if (machine->copy != list->copy || list->failed) {
        return;
    }
    /* Room for a power of two; the count says when it is used up. */
    if ((list->count & (list->count - 1)) == 0) {
        const size_t room = list->count == 0 ? 1 : 2 * list->count;
        uint64_t *const vms = realloc(list->vms, room * sizeof(*vms));

        if (vms == NULL) {
            list->failed = true;
            return;
        }
        list->vms = vms;
    }
    list->vms[list->count++] = machine->vm;
}

static void end_machines(collect_t *collect, pvm_image_t *image, uint64_t time_ns)
{
    machines_of_t list = {.copy = image->id};

    feed_open_calls_of(collect, image);
    pvm_machines_walk(&collect->machines, list_machine, &list);
    for (size_t i = 0; i < list.count; i++) {
        const pvm_event_vm_destroy_t gone = {.vm = list.vms[i]};

        pvm_collect_flush_samples(collect, image, time_ns,
                                  pvm_machines_find(&collect->machines, image->id, list.vms[i]));
        pvm_collect_feed(collect, image, time_ns, PVM_EVENT_vm_destroy, &gone);
        pvm_machines_remove(&collect->machines, image->id, list.vms[i]);
    }
    if (list.failed) {
        pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
    }
    free(list.vms);
}

void pvm_collect_replace(collect_t *collect, pvm_image_t *image, uint64_t time_ns)
{
    for (size_t i = 0; i < collect->images.count; i++) {
        pvm_image_t *const older = &collect->images.list[i];

        if (older->pid == image->pid && older->id < image->id && !older->is_replaced) {
            end_machines(collect, older, time_ns);
            older->is_replaced = true;
        }
    }
}

/* Read programs of processes that are new, and now and then all that are new: later they may be gone. */
void pvm_collect_look(collect_t *collect, bool is_due)
{
    if (pvm_images_update(&collect->images, collect->attach) != 0) {
        pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
    }
    for (size_t i = 0; i < collect->images.count; i++) {
        pvm_image_t *const image = &collect->images.list[i];
        if (image->pid == 0 || image->gone > GONE_LOOKS || (!is_due && image->is_seen)) {
            continue;
        }
        image->is_seen = true;
        for (size_t p = pvm_image_refresh(image);
             p < image->program_count && collect->options->attach.sums_up; p++) {
            pvm_collect_feed_program(collect, &image->programs[p]);
        }
        image->gone = kill(image->pid, 0) != 0 && errno == ESRCH ? image->gone + 1 : 0;
        /* The last look at its machines is of use at the end, if it had open calls: they are fed now. */
        if (image->gone > GONE_LOOKS) {
            feed_open_calls_of(collect, image);
            pvm_image_forget(image);
        }
    }
}
