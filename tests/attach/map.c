/* From a host address to the guest instruction that it is busy with: the same from outside, by what libpvm publishes, as inside. */
#include "profiler/attach/images.h"
#include "recompiler/recompiler.h"
#include "vm/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Addresses behind the code that are asked for, too. */
#define BEHIND_BYTES 4096

/** Every address of one variant. @return how many are not the same */
static size_t compare(pvm_image_t *image, pvm_remote_program_t *remote,
                      const pvm_program_t *program, const pvm_recompiler_code_t *code)
{
    const size_t end = (size_t)code->code_len + BEHIND_BYTES;
    size_t wrong = 0;

    for (size_t at = 0; at < code->region.bytes && at < end; at++) {
        const uint8_t *const host = code->region.base + at;
        uint32_t inside = UINT32_MAX;
        uint32_t outside = UINT32_MAX;
        const bool is_busy = pvm_recompiler_is_busy_at(code, program, host, &inside);
        const pvm_image_place_t place = pvm_image_place(image, remote, (uintptr_t)host, &outside);

        if (place != (is_busy ? PVM_IMAGE_GUEST : PVM_IMAGE_ENGINE) ||
            (is_busy && inside != outside)) {
            wrong++;
        }
    }
    return wrong;
}

/* All code that there is. @return how many addresses are not the same */
static size_t compare_all(pvm_image_t *image, const pvm_program_t *program, size_t *tails)
{
    size_t wrong = 0;

    for (size_t i = 0; i < sizeof(program->recompiler_code) / sizeof(void *); i++) {
        for (const pvm_recompiler_code_t *code = program->recompiler_code[i]; code != NULL;
             code = code->outgrown) {
            const size_t here = compare(image, &image->programs[0], program, code);

            *tails += code->tail_count;
            (void)printf("variant %zu: %u octets, %u tails, %zu addresses elsewhere\n", i,
                         code->code_len, code->tail_count, here);
            wrong += here;
        }
    }
    return wrong;
}

/* Ends the program, whose samples are perhaps still to be looked at. @return whether its code is known all the same */
static bool outlives(pvm_image_t *image, pvm_program_t *program)
{
    pvm_remote_program_t *const remote = &image->programs[0];
    const pvm_recompiler_code_t *const code = program->recompiler_code[PVM_VARIANT_COUNTING];
    const uintptr_t last = (uintptr_t)code->region.base + code->code_len - 1;
    uint32_t pc;
    const bool was_there = pvm_image_place(image, remote, last, &pc) == PVM_IMAGE_GUEST;

    pvm_program_release(program);
    /* What is nobody's has it read again. */
    (void)pvm_image_place(image, remote, 0, &pc);
    const bool is_there = pvm_image_place(image, remote, last, &pc) == PVM_IMAGE_GUEST;
    (void)printf("after the end: %s\n", was_there && is_there ? "known" : "forgotten");
    return was_there && is_there;
}

int main(int argc, char **argv)
{
    static const uint32_t flags[] = {0, PVM_INSTRUMENT_COUNTS,
                                     PVM_INSTRUMENT_COUNTS | PVM_INSTRUMENT_EDGES,
                                     PVM_INSTRUMENT_BLOCKS};
    pvm_image_t image = {.pid = getpid(), .id = 1};
    uint8_t *const blob = malloc(1 << 20);
    FILE *const file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t tails = 0;
    size_t wrong = 0;

    if (file == NULL || blob == NULL) {
        return 2;
    }
    const size_t len = fread(blob, 1, 1 << 20, file);
    (void)fclose(file);
    pvm_program_t *const program = pvm_program_load(blob, len, PVM_FORMAT_AUTO, PVM_SPEC_DEFAULT);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 100000);
        if (vm == NULL) {
            (void)printf("SKIPPED: %s\n", pvm_last_error());
            return 77;
        }
        (void)pvm_set_instrumentation(vm, flags[i]);
        (void)pvm_execute(vm, 3);
        if (i == 0 && (pvm_remote_find(getpid(), &image.copy, 1) != 1 ||
                       pvm_remote_published(getpid(), &image.copy, &image.published) != 0)) {
            (void)printf("FAILED: this process publishes nothing\n");
            return 1;
        }
        pvm_destroy(vm);
    }
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 1);
    if (pvm_image_refresh(&image) != 0 || image.program_count != 1) {
        (void)printf("FAILED: programs: %zu\n", image.program_count);
        return 1;
    }
    wrong += compare_all(&image, program, &tails);
    /* What was emitted since it was read, and what took its place. */
    pvm_set_gas(vm, 1000000);
    (void)pvm_execute(vm, program->exports[0].pc);
    wrong += compare_all(&image, program, &tails);
    wrong += !pvm_recompiler_prepare_all(vm);
    wrong += compare_all(&image, program, &tails);
    pvm_destroy(vm);
    wrong += !outlives(&image, program);
    pvm_image_forget(&image);
    free(blob);
    return wrong == 0 && tails > 0 ? 0 : 1;
}
