/* Sorting samples into places: see samples.h. */
#include "profiler/attach/samples.h"

#include <stdlib.h>
#include <string.h>

static int count_at(pvm_samples_t *samples, const pvm_remote_program_t *program, uint32_t service,
                    uint32_t pc)
{
    const uint64_t mixed =
        (program->hash ^ (uint64_t)pc << 20 ^ service) * UINT64_C(0x9e3779b97f4a7c15);
    pvm_sample_place_t **const chain =
        &samples->buckets[(mixed >> 32) % (sizeof(samples->buckets) / sizeof(void *))];

    samples->sums.guest++;
    for (pvm_sample_place_t *at = *chain; at != NULL; at = at->next) {
        if (at->program == program->hash && at->pc == pc && at->service == service) {
            at->count++;
            return 0;
        }
    }
    pvm_sample_place_t *const made = malloc(sizeof(*made));
    if (made == NULL) {
        return -1;
    }
    *made = (pvm_sample_place_t){
        .next = *chain, .program = program->hash, .service = service, .pc = pc, .count = 1};
    *chain = made;
    return 0;
}

pvm_sample_kind_t pvm_samples_resolve(pvm_images_t *images, const pvm_bpf_header_t *header,
                                      const pvm_bpf_sample_t *sample,
                                      const pvm_remote_program_t **out_program, uint32_t *out_pc)
{
    pvm_image_t *const image =
        pvm_images_find_index(images, (pid_t)header->process, (int)sample->index);
    pvm_remote_program_t *const program =
        image == NULL ? NULL : pvm_image_program(image, sample->program);

    *out_program = program;
    *out_pc = sample->pc;
    if (sample->is_in_host != 0) {
        return PVM_SAMPLE_HOST;
    }
    if (program == NULL) {
        return PVM_SAMPLE_UNKNOWN;
    }
    if (sample->backend == PVM_BACKEND_INTERPRETER) {
        return PVM_SAMPLE_GUEST;
    }
    return pvm_image_place(image, program, sample->ip, out_pc) == PVM_IMAGE_GUEST
               ? PVM_SAMPLE_GUEST
               : PVM_SAMPLE_ENGINE;
}

int pvm_samples_add(pvm_samples_t *samples, pvm_images_t *images, const pvm_bpf_header_t *header,
                    const pvm_bpf_sample_t *sample)
{
    const pvm_remote_program_t *program;
    uint32_t pc;

    switch (pvm_samples_resolve(images, header, sample, &program, &pc)) {
    case PVM_SAMPLE_GUEST:
        return count_at(samples, program, sample->service, pc);
    case PVM_SAMPLE_ENGINE:
        samples->sums.engine++;
        return 0;
    case PVM_SAMPLE_HOST:
        samples->sums.host++;
        return 0;
    case PVM_SAMPLE_UNKNOWN:
        samples->sums.unknown++;
        return 0;
    }
    return 0;
}

void pvm_samples_walk(const pvm_samples_t *samples, pvm_samples_take_t take, void *user_data)
{
    for (size_t i = 0; i < sizeof(samples->buckets) / sizeof(void *); i++) {
        for (const pvm_sample_place_t *at = samples->buckets[i]; at != NULL; at = at->next) {
            take(user_data, at);
        }
    }
}

void pvm_samples_clear(pvm_samples_t *samples)
{
    for (size_t i = 0; i < sizeof(samples->buckets) / sizeof(void *); i++) {
        while (samples->buckets[i] != NULL) {
            pvm_sample_place_t *const next = samples->buckets[i]->next;
            free(samples->buckets[i]);
            samples->buckets[i] = next;
        }
    }
    samples->sums = (pvm_sample_sums_t){0};
}
