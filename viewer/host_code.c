/* Walks the recompiler's code map and disassembles what lies there. */
#include "viewer/host_code.h"

#include "recompiler/available.h"
#include "vm/vm.h"

#if PVM_RECOMPILER_AVAILABLE && PVM_HAVE_ZYDIS
#include "recompiler/code.h"

#include <Zydis/Zydis.h>

static const pvm_recompiler_code_t *code_of(const pvm_vm_t *vm)
{
    const unsigned variant = (vm->counts != NULL ? PVM_VARIANT_COUNTING : 0U) |
                             (vm->memory->guarded ? 0U : PVM_VARIANT_CHECKED);

    return vm->program->recompiler_code[variant];
}

/* Host instructions of one guest instruction. */
static void walk(const uint8_t *at, uint32_t len, uint32_t pc, pvm_view_host_line_t *line,
                 void *user_data)
{
    ZydisDisassembledInstruction instruction;

    for (uint32_t done = 0; done < len;) {
        const uint64_t address = (uint64_t)(uintptr_t)(at + done);
        if (ZYAN_FAILED(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, address, at + done,
                                              len - done, &instruction))) {
            line(user_data, pc, address, "(no instruction)");
            return;
        }
        line(user_data, pc, address, instruction.text);
        done += instruction.info.length;
    }
}

const char *pvm_view_host_code(pvm_vm_t *vm, uint32_t pc, uint32_t end_pc,
                               pvm_view_host_line_t *line, void *user_data)
{
    if (pvm_get_backend(vm) != PVM_BACKEND_RECOMPILER) {
        return "the interpreter has no host code";
    }
    const pvm_recompiler_code_t *const code = code_of(vm);
    if (code == NULL) {
        return "nothing was compiled";
    }
    for (uint32_t i = 0; i < code->stretch_count; i++) {
        const pvm_stretch_t *const stretch = &code->stretches[i];
        const uint32_t lengths_end =
            i + 1 < code->stretch_count ? stretch[1].lengths : code->length_count;
        const uint8_t *at = code->region.base + stretch->host;
        uint32_t at_pc = stretch->pc;
        for (uint32_t k = stretch->lengths; k < lengths_end; k++) {
            if (at_pc >= pc && at_pc < end_pc) {
                walk(at, code->lengths[k], at_pc, line, user_data);
            }
            at += code->lengths[k];
            do {
                at_pc++;
            } while (!pvm_isa_mask_at(&vm->program->code, at_pc));
        }
    }
    return NULL;
}
#else
const char *pvm_view_host_code(pvm_vm_t *vm, uint32_t pc, uint32_t end_pc,
                               pvm_view_host_line_t *line, void *user_data)
{
    (void)pc;
    (void)end_pc;
    (void)line;
    (void)user_data;
    return pvm_get_backend(vm) == PVM_BACKEND_RECOMPILER
               ? "built without a disassembler (install libzydis-dev)"
               : "the interpreter has no host code";
}
#endif
