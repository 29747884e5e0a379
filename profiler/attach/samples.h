/* Samples of threads that ran machines, sorted into places: which instruction of which program, or what else. */
#ifndef PVM_PROFILER_ATTACH_SAMPLES_H
#define PVM_PROFILER_ATTACH_SAMPLES_H

#include "profiler/attach/images.h"

/** Samples at one place of a program. */
typedef struct pvm_sample_place_t {
    struct pvm_sample_place_t *next;
    uint64_t program; /**< hash */
    uint32_t service;
    uint32_t pc; /**< recompiled code: of the instruction; interpreter: where its block begins */
    uint64_t count;
} pvm_sample_place_t;

/** Sums over all places, and of what is at none. */
typedef struct {
    uint64_t guest; /**< at places */
    uint64_t
        engine; /**< a machine runs, but the thread is around the guest's code: entering, compiling */
    uint64_t host;    /**< in host calls */
    uint64_t unknown; /**< in code of a program that was gone before it could be read */
} pvm_sample_sums_t;

typedef struct {
    pvm_sample_place_t *buckets[4096];
    pvm_sample_sums_t sums;
} pvm_samples_t;

/** What a sample is of. */
typedef enum {
    PVM_SAMPLE_GUEST,
    PVM_SAMPLE_ENGINE,
    PVM_SAMPLE_HOST,
    PVM_SAMPLE_UNKNOWN
} pvm_sample_kind_t;

/** Find out; GUEST: also the program and the pc. */
pvm_sample_kind_t pvm_samples_resolve(pvm_images_t *images, const pvm_bpf_header_t *header,
                                      const pvm_bpf_sample_t *sample,
                                      const pvm_remote_program_t **out_program, uint32_t *out_pc);
/** Sort one in. @return 0, or -1 without memory */
int pvm_samples_add(pvm_samples_t *samples, pvm_images_t *images, const pvm_bpf_header_t *header,
                    const pvm_bpf_sample_t *sample);
/** Called for each place. */
typedef void (*pvm_samples_take_t)(void *user_data, const pvm_sample_place_t *place);
void pvm_samples_walk(const pvm_samples_t *samples, pvm_samples_take_t take, void *user_data);
/** Forget all. */
void pvm_samples_clear(pvm_samples_t *samples);

#endif
