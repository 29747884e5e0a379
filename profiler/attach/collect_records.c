/* Records of the probes to the events that the feed takes: see collect_state.h. */
#include "profiler/attach/collect_state.h"

#include "events/events.h"
#include "program/convert.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Between two looks into a process for a program of which no record has come. */
#define SEEK_NS UINT64_C(2000000)

/* -- Programs ------------------------------------------------------------------------------ */

/* One that was read from the process, as events would tell it. */
void pvm_collect_feed_program(collect_t *collect, const pvm_remote_program_t *remote)
{
    const pvm_program_t *const program = remote->program;
    char name[PVM_EVENTS_NAME_BYTES];
    pvm_buffer_t made = {0};

    if (pvm_prof_feed_has_program(collect->feed, remote->hash) ||
        pvm_prof_feed_is_full(collect->feed)) {
        return;
    }
    if (program->blob == NULL) {
        pvm_convert_write_parts(program, &made);
    }
    pvm_events_program_name(program, name);
    const pvm_event_program_data_t data = {
        .program = remote->hash,
        .data = program->blob != NULL ? program->blob : made.data,
        .data_len = (uint32_t)(program->blob != NULL ? program->blob_len : made.len)};
    const pvm_event_program_load_t load = {.program = remote->hash,
                                           .name = name,
                                           .spec = (uint8_t)program->spec,
                                           .format = (uint8_t)program->format,
                                           .data_bytes = data.data_len};
    pvm_prof_feed_forget_pieces(collect->feed, remote->hash);
    pvm_collect_note(collect,
                     pvm_prof_feed_event(collect->feed, 0, 0, PVM_EVENT_program_load, &load));
    pvm_collect_note(collect,
                     pvm_prof_feed_event(collect->feed, 0, 0, PVM_EVENT_program_data, &data));
    pvm_buffer_free(&made);
}

/* @return false: the program is not known and gone; what is told of it cannot be recorded */
bool pvm_collect_need_program(collect_t *collect, pvm_image_t *image, uint64_t hash)
{
    const uint64_t now_ns = pvm_collect_now_ns();

    if (pvm_prof_feed_has_program(collect->feed, hash)) {
        return true;
    }
    /* Where programs come and go and records are lost, looking for each would cost more than all the rest. */
    if (pvm_prof_feed_is_full(collect->feed) || now_ns - image->sought_ns < SEEK_NS) {
        return false;
    }
    image->sought_ns = now_ns;
    (void)pvm_image_refresh(image);
    for (size_t i = image->program_count; i > 0; i--) {
        if (image->programs[i - 1].hash == hash) {
            pvm_collect_feed_program(collect, &image->programs[i - 1]);
            break;
        }
    }
    return pvm_prof_feed_has_program(collect->feed, hash);
}

/* -- Records in order ---------------------------------------------------------------------- */

static int host_of(collect_t *collect, const pvm_image_t *image)
{
    char name[256] = "";

    if (collect->hosts[image->index] < 0) {
        (void)gethostname(name, sizeof(name) - 1);
        collect->hosts[image->index] = pvm_prof_feed_add_host(collect->feed, name);
        if (collect->hosts[image->index] < 0) {
            pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
            return 0;
        }
    }
    return collect->hosts[image->index];
}

void pvm_collect_feed(collect_t *collect, const pvm_image_t *image, uint64_t time_ns,
                      pvm_event_kind_t kind, const void *record)
{
    pvm_collect_note(collect, pvm_prof_feed_event(collect->feed, host_of(collect, image), time_ns,
                                                  kind, record));
}

void pvm_collect_begin_call(collect_t *collect, pvm_image_t *image, uint64_t time_ns,
                            const pvm_event_host_call_t *call)
{
    pvm_machine_t *const machine = pvm_machines_get(&collect->machines, image->id, call->vm);

    if (machine == NULL) {
        pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
        return;
    }
    if (!pvm_collect_need_program(collect, image, call->program)) {
        collect->without_program++;
        machine->next_seq = call->seq + 1;
        machine->is_counted = true;
        return;
    }
    if (!machine->is_running) {
        /* Its execution began before we came, or that was lost: it is known from here on. */
        pvm_event_execute_begin_t begin = {.vm = call->vm,
                                           .service = call->service,
                                           .program = call->program,
                                           .backend = call->backend,
                                           .kind = PVM_RUN_RESUME,
                                           .pc = call->pc,
                                           .gas = call->gas_before,
                                           .filter = ""};
        memcpy(begin.registers, call->before, sizeof(begin.registers));
        pvm_collect_feed(collect, image, time_ns, PVM_EVENT_execute_begin, &begin);
        machine->is_running = true;
    }
    pvm_collect_note(
        collect, pvm_prof_feed_call_begin(collect->feed, host_of(collect, image), time_ns, call));
    pvm_machine_count(&collect->machines, machine, call->seq);
    machine->next_seq = call->seq + 1;
    collect->state.host_calls++;
}

static void on_execution(collect_t *collect, pvm_image_t *image, const pvm_bpf_header_t *header,
                         const void *record)
{
    if (header->kind == PVM_EVENT_execute_begin) {
        const pvm_event_execute_begin_t *const begin = record;
        pvm_machine_t *const machine = pvm_machines_get(&collect->machines, image->id, begin->vm);
        if (!pvm_collect_need_program(collect, image, begin->program)) {
            collect->lost_others++;
            return;
        }
        if (machine != NULL) {
            machine->is_running = true;
        }
    } else {
        const pvm_event_execute_end_t *const end = record;
        pvm_machine_t *const machine = pvm_machines_get(&collect->machines, image->id, end->vm);
        if (machine == NULL || !machine->is_running) {
            /* It is not known what ended: nothing of it was seen. */
            return;
        }
        pvm_collect_flush_samples(collect, image, header->time_ns, machine);
        machine->is_counted &= header->time_ns >= image->attached_ns;
        pvm_machine_count(&collect->machines, machine, end->host_calls);
        machine->next_seq = end->host_calls;
        machine->is_counted = header->time_ns >= image->attached_ns;
        machine->is_running = false;
    }
    pvm_collect_feed(collect, image, header->time_ns, (pvm_event_kind_t)header->kind, record);
}

/* A machine whose end was lost makes room for another. */
static void forget_surplus(collect_t *collect, uint64_t time_ns)
{
    pvm_machine_t *const machine = pvm_machines_surplus(&collect->machines);

    if (machine != NULL) {
        pvm_collect_flush_samples(collect, pvm_images_find(&collect->images, machine->copy, 0),
                                  time_ns, machine);
        pvm_machines_remove(&collect->machines, machine->copy, machine->vm);
    }
}

void pvm_collect_on_ordered(void *user_data, uint64_t time_ns, pvm_order_side_t side,
                            const void *header_of_record, void *record)
{
    collect_t *const collect = user_data;
    const pvm_bpf_header_t *const header = header_of_record;
    pvm_image_t *const image = pvm_images_find(&collect->images, header->copy, header->ip);

    if (image == NULL || collect->status != PVM_PROF_OK) {
        return;
    }
    forget_surplus(collect, time_ns);
    if (!image->is_begun) {
        image->is_begun = true;
        pvm_collect_replace(collect, image, time_ns);
    }
    switch (header->kind) {
    case PVM_EVENT_host_call:
        if (side == PVM_ORDER_BEGIN) {
            pvm_collect_begin_call(collect, image, time_ns, record);
        } else {
            pvm_collect_note(collect, pvm_prof_feed_call_end(collect->feed, host_of(collect, image),
                                                             time_ns, record));
        }
        return;
    case PVM_EVENT_execute_begin:
    case PVM_EVENT_execute_end:
        on_execution(collect, image, header, record);
        return;
    case PVM_BPF_SAMPLE:
        pvm_collect_take_sample(collect, image, time_ns, record);
        return;
    case PVM_EVENT_arguments: {
        pvm_event_arguments_t *const arguments = record;
        arguments->data = (const uint8_t *)(arguments + 1);
        (void)pvm_collect_need_program(collect, image, arguments->program);
        break;
    }
    case PVM_EVENT_vm_create: {
        const pvm_event_vm_create_t *const create = record;
        (void)pvm_collect_need_program(collect, image, create->program);
        if (time_ns >= image->attached_ns) {
            (void)pvm_machines_make(&collect->machines, image->id, create->vm);
        } else {
            (void)pvm_machines_get(&collect->machines, image->id, create->vm);
        }
        break;
    }
    case PVM_EVENT_vm_destroy:
        pvm_collect_flush_samples(collect, image, time_ns,
                                  pvm_machines_find(&collect->machines, image->id,
                                                    ((const pvm_event_vm_destroy_t *)record)->vm));
        pvm_machines_remove(&collect->machines, image->id,
                            ((const pvm_event_vm_destroy_t *)record)->vm);
        break;
    default:
        break;
    }
    pvm_collect_feed(collect, image, time_ns, (pvm_event_kind_t)header->kind, record);
}

void pvm_collect_on_record(void *user_data, const pvm_bpf_header_t *header, const void *record,
                           size_t bytes)
{
    collect_t *const collect = user_data;

    if (collect->end_ns != 0 && header->time_ns > collect->end_ns) {
        return;
    }
    uint64_t begin_ns = header->time_ns;
    uint64_t end_ns = 0;
    switch (header->kind) {
    case PVM_EVENT_program_load:
    case PVM_EVENT_program_data:
        /* Of one too many the machines' records are counted as lost; those of the others go on. */
        if (header->kind == PVM_EVENT_program_load && pvm_prof_feed_is_full(collect->feed)) {
            return;
        }
        pvm_collect_note(collect, pvm_prof_feed_event(collect->feed, 0, header->time_ns,
                                                      (pvm_event_kind_t)header->kind, record));
        return;
    case PVM_BPF_SAMPLE:
        if (bytes >= sizeof(pvm_bpf_sample_t)) {
            pvm_collect_sort_sample(collect, header, record);
        }
        return;
    case PVM_EVENT_host_call:
        begin_ns = ((const pvm_event_host_call_t *)record)->begin_ns;
        end_ns = ((const pvm_event_host_call_t *)record)->end_ns;
        if (begin_ns == 0) {
            collect->begun_before++;
            return;
        }
        break;
    default:
        break;
    }
    if (pvm_order_add(collect->order, begin_ns, end_ns, header, record, bytes) != 0) {
        pvm_error_set("%.300s: no memory for records that wait",
                      pvm_prof_run_file_path(collect->file));
        pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
    }
}
