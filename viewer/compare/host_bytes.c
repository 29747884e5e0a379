/* Compiles a program and adds up its code map by block. */
#include "viewer/compare/host_bytes.h"

#include "recompiler/available.h"
#include "recompiler/recompiler.h"
#include "vm/vm.h"

#include <string.h>

#if PVM_RECOMPILER_AVAILABLE
#include "recompiler/code.h"

static void add_up(const pvm_program_t *program, const pvm_recompiler_code_t *code, uint32_t *out)
{
    for (uint32_t i = 0; i < code->stretch_count; i++) {
        const pvm_stretch_t *const stretch = &code->stretches[i];
        const uint32_t end = i + 1 < code->stretch_count ? stretch[1].lengths : code->length_count;
        const uint32_t block = pvm_program_block_at(program, stretch->pc);

        /* A stretch ends with its block at the latest. */
        for (uint32_t k = stretch->lengths; k < end && block < program->block_count; k++) {
            out[block] += code->lengths[k];
        }
    }
}

int pvm_compare_host_bytes(pvm_program_t *program, uint32_t *out)
{
    pvm_vm_t *const vm = pvm_instantiate(program, PVM_BACKEND_RECOMPILER, 0, 0);
    int status = -1;

    memset(out, 0, program->block_count * sizeof(*out));
    if (vm != NULL && program->error == NULL && pvm_recompiler_prepare_all(vm)) {
        const pvm_recompiler_code_t *const code =
            program->recompiler_code[vm->memory->guarded ? 0 : PVM_VARIANT_CHECKED];

        if (code != NULL) {
            add_up(program, code, out);
            status = 0;
        }
    }
    pvm_destroy(vm);
    return status;
}
#else
int pvm_compare_host_bytes(pvm_program_t *program, uint32_t *out)
{
    (void)program;
    (void)out;
    return -1;
}
#endif
