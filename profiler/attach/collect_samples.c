/* Samples: sorted into places as they come, fed as events of their machines. */
#include "profiler/attach/collect_state.h"

/** Places of one machine with samples that wait, at most. */
#define SAMPLES_AT_ONCE 512

/* Give the feed the samples of a machine that wait. */
void pvm_collect_flush_samples(collect_t *collect, const pvm_image_t *image, uint64_t time_ns,
                               pvm_machine_t *machine)
{
    if (machine == NULL || machine->sample_count + machine->engine_samples == 0) {
        return;
    }
    const pvm_event_samples_t samples = {.vm = machine->vm,
                                         .hz = collect->options->attach.sample_hz,
                                         .engine = machine->engine_samples,
                                         .pcs = machine->pcs,
                                         .pcs_len = machine->sample_count,
                                         .counts = machine->counts,
                                         .counts_len = machine->sample_count};
    pvm_collect_feed(collect, image, time_ns, PVM_EVENT_samples, &samples);
    machine->sample_count = 0;
    machine->engine_samples = 0;
}

/* Sorted when it came, because its program may be gone when its turn comes. */
void pvm_collect_sort_sample(collect_t *collect, const pvm_bpf_header_t *header,
                             const pvm_bpf_sample_t *record)
{
    const pvm_remote_program_t *program;
    pvm_image_t *const image =
        pvm_images_find_index(&collect->images, (pid_t)header->process, (int)record->index);
    pvm_bpf_header_t sorted = *header;
    pvm_collect_sample_t sample = {.service = record->service, .backend = record->backend};
    const pvm_sample_kind_t kind =
        pvm_samples_resolve(&collect->images, header, record, &program, &sample.pc);

    collect->state.samples++;
    collect->sample_kinds[kind]++;
    if (image == NULL || program == NULL ||
        (kind != PVM_SAMPLE_GUEST && kind != PVM_SAMPLE_ENGINE) ||
        (collect->options->attach.wants_service &&
         record->service != collect->options->attach.service)) {
        return;
    }
    sample.pc = kind == PVM_SAMPLE_ENGINE ? UINT32_MAX : sample.pc;
    sample.program = program->hash;
    sample.vm = (uint64_t)image->own_pid << 32 | (uint32_t)record->vm;
    sorted.copy = image->id;
    sorted.ip = image->copy.base;
    if (pvm_order_add(collect->order, sorted.time_ns, 0, &sorted, &sample, sizeof(sample)) != 0) {
        pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
    }
}

void pvm_collect_take_sample(collect_t *collect, pvm_image_t *image, uint64_t time_ns,
                             const pvm_collect_sample_t *sample)
{
    pvm_machine_t *machine = pvm_machines_find(&collect->machines, image->id, sample->vm);

    if (machine == NULL) {
        /* It has told nothing since we came: the file gets to know it. */
        const pvm_event_vm_create_t create = {.vm = sample->vm,
                                              .service = sample->service,
                                              .program = sample->program,
                                              .backend = (uint8_t)sample->backend};
        if (!pvm_collect_need_program(collect, image, sample->program)) {
            return;
        }
        machine = pvm_machines_get(&collect->machines, image->id, sample->vm);
        pvm_collect_feed(collect, image, time_ns, PVM_EVENT_vm_create, &create);
    }
    if (machine == NULL || pvm_machine_sample(machine, sample->pc) != 0) {
        pvm_collect_note(collect, PVM_PROF_E_SYSTEM);
    } else if (machine->sample_count >= SAMPLES_AT_ONCE) {
        pvm_collect_flush_samples(collect, image, time_ns, machine);
    }
}

static void flush_machine(void *user_data, pvm_machine_t *machine)
{
    collect_t *const collect = user_data;

    pvm_collect_flush_samples(collect, pvm_images_find(&collect->images, machine->copy, 0),
                              pvm_collect_now_ns(), machine);
}

void pvm_collect_flush_all_samples(collect_t *collect)
{
    pvm_machines_walk(&collect->machines, flush_machine, collect);
}
