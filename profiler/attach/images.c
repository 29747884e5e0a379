/* Programs and emitted code of watched processes: see images.h. */
#include "profiler/attach/images.h"

#include <stdlib.h>
#include <string.h>

/** Programs of one process that are kept, at most: twice what is read of it at once. */
#define PROGRAMS_KEPT 8192

int pvm_images_update(pvm_images_t *images, const pvm_attach_t *attach)
{
    size_t count;
    const pvm_attach_process_t *const processes = pvm_attach_processes(attach, &count);
    uint32_t last = 0;

    for (size_t i = 0; i < count; i++) {
        const uint32_t id =
            processes[i].copy_count == 0 ? 0 : processes[i].ids[processes[i].copy_count - 1];
        last = id > last ? id : last;
    }
    if (last > images->count) {
        pvm_image_t *const list = realloc(images->list, last * sizeof(*list));
        if (list == NULL) {
            return -1;
        }
        memset(list + images->count, 0, (last - images->count) * sizeof(*list));
        images->list = list;
        images->count = last;
    }
    for (size_t i = 0; i < count; i++) {
        for (int copy = 0; copy < processes[i].copy_count; copy++) {
            pvm_image_t *const image = &images->list[processes[i].ids[copy] - 1];
            if (image->pid == 0) {
                *image = (pvm_image_t){.id = processes[i].ids[copy],
                                       .pid = processes[i].pid,
                                       .own_pid = pvm_remote_own_pid(processes[i].pid),
                                       .index = copy,
                                       .attached_ns = processes[i].attached_ns,
                                       .copy = processes[i].copies[copy]};
            }
        }
    }
    return 0;
}

pvm_image_t *pvm_images_find(pvm_images_t *images, uint32_t id, uint64_t ip)
{
    if (id == 0 || id > images->count || images->list[id - 1].pid == 0) {
        return NULL;
    }
    pvm_image_t *best = &images->list[id - 1];
    for (size_t i = id; i < images->count; i++) {
        pvm_image_t *const other = &images->list[i];
        if (other->pid == best->pid && pvm_remote_is_same_file(&other->copy, &best->copy) &&
            other->copy.base <= ip &&
            (best->copy.base > ip || other->copy.base > best->copy.base)) {
            best = other;
        }
    }
    return best;
}

pvm_image_t *pvm_images_find_index(pvm_images_t *images, pid_t pid, int index)
{
    /* The newest: process ids are used again. */
    for (size_t i = images->count; i > 0; i--) {
        if (images->list[i - 1].pid == pid && images->list[i - 1].index == index) {
            return &images->list[i - 1];
        }
    }
    return NULL;
}

static void forget_programs(pvm_image_t *image)
{
    for (size_t i = 0; i < image->program_count; i++) {
        pvm_remote_program_free(&image->programs[i]);
    }
    free(image->programs);
    image->programs = NULL;
    image->program_count = 0;
    image->last_serial = 0;
}

size_t pvm_image_refresh(pvm_image_t *image)
{
    pvm_remote_program_t *fresh = NULL;

    if (pvm_remote_published(image->pid, &image->copy, &image->published) != 0 ||
        image->published.generation == image->generation) {
        return image->program_count;
    }
    /* Most of so many are gone from the process; those that are not are read again. */
    if (image->program_count >= PROGRAMS_KEPT) {
        forget_programs(image);
    }
    const size_t first = image->program_count;
    const int count = pvm_remote_programs(image->pid, &image->copy, &image->published,
                                          image->last_serial, &fresh);
    if (count < 0) {
        return first;
    }
    image->generation = image->published.generation;
    pvm_remote_program_t *const programs =
        realloc(image->programs, (first + (size_t)count + 1) * sizeof(*programs));
    if (programs == NULL) {
        for (int i = 0; i < count; i++) {
            pvm_remote_program_free(&fresh[i]);
        }
        free(fresh);
        return first;
    }
    image->programs = programs;
    /* The list has the newest first. */
    for (int i = count - 1; i >= 0; i--) {
        programs[image->program_count++] = fresh[i];
        image->last_serial =
            fresh[i].serial > image->last_serial ? fresh[i].serial : image->last_serial;
    }
    free(fresh);
    return first;
}

static pvm_remote_program_t *find_program(pvm_image_t *image, uint64_t serial)
{
    for (size_t i = 0; i < image->program_count; i++) {
        if (image->programs[i].serial == serial) {
            return &image->programs[i];
        }
    }
    return NULL;
}

pvm_remote_program_t *pvm_image_program(pvm_image_t *image, uint64_t serial)
{
    pvm_remote_program_t *const known = find_program(image, serial);

    if (known != NULL || serial == 0) {
        return known;
    }
    (void)pvm_image_refresh(image);
    return find_program(image, serial);
}

/* @param out_may_grow  what is the engine's may be the guest's by now: code grows, and only behind what there is */
static pvm_image_place_t place_in(const pvm_remote_program_t *program, uint64_t address,
                                  uint32_t *out_pc, bool *out_may_grow)
{
    *out_may_grow = false;
    for (uint32_t i = 0; i < program->emitted_count; i++) {
        const pvm_remote_emitted_t *const code = &program->emitted[i];
        const uint64_t offset = address - (uintptr_t)code->region.base;

        if (offset < code->region.bytes) {
            *out_may_grow = offset >= code->code_len;
            return pvm_recompiler_is_busy_at(code, program->program,
                                             (const uint8_t *)(uintptr_t)address, out_pc)
                       ? PVM_IMAGE_GUEST
                       : PVM_IMAGE_ENGINE;
        }
    }
    return PVM_IMAGE_UNKNOWN;
}

pvm_image_place_t pvm_image_place(pvm_image_t *image, pvm_remote_program_t *program,
                                  uint64_t address, uint32_t *out_pc)
{
    bool may_grow;
    const pvm_image_place_t place = place_in(program, address, out_pc, &may_grow);
    uint64_t generation = 0;

    if ((place != PVM_IMAGE_UNKNOWN && !may_grow) ||
        pvm_remote_read(image->pid, image->copy.published + offsetof(pvm_published_t, generation),
                        &generation, sizeof(generation)) != 0 ||
        program->read_generation == generation) {
        return place;
    }
    if (image->published.version != 0 ||
        pvm_remote_published(image->pid, &image->copy, &image->published) == 0) {
        program->read_generation = generation;
        (void)pvm_remote_emitted(image->pid, &image->published, program);
    }
    return place_in(program, address, out_pc, &may_grow);
}

void pvm_image_forget(pvm_image_t *image)
{
    forget_programs(image);
    free(image->vms);
    image->vms = NULL;
    image->vm_count = 0;
}

void pvm_images_free(pvm_images_t *images)
{
    for (size_t i = 0; i < images->count; i++) {
        pvm_image_forget(&images->list[i]);
    }
    free(images->list);
    *images = (pvm_images_t){0};
}
